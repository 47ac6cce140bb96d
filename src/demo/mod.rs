//! A small CMS as a built-in service: pages that show what it received, `/echo` for programs and
//! `/ws` for a WebSocket, under each of its sites. It knows of its caller what the headers say.

mod area;
mod page;
mod received;
mod reel;
mod websocket;

use std::convert::Infallible;
use std::io;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use http::StatusCode;
use http::header;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;

use crate::demo::area::Area;
use crate::demo::received::Received;
use crate::demo::reel::Recorded;
use crate::demo::reel::Reel;
use crate::http::Response;
use crate::http::response;

/// Starts the demo CMS on a free port of the loopback interface, on the present tokio runtime. It
/// ends with the runtime.
///
/// # Errors
///
/// When no port can be had.
pub async fn start() -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(accept(listener));
    Ok(address)
}

/// Connections and tunnels open at a time; the next one waits.
const CONNECTIONS: usize = 1024;

/// Longest wait for a request's head, and for each piece of its body.
const PATIENCE: Duration = Duration::from_secs(30);

/// Pause after a failed accept: out of file descriptors, most likely.
const BREATH: Duration = Duration::from_millis(100);

async fn accept(listener: TcpListener) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    while let Ok(place) = Arc::clone(&room).acquire_owned().await {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(serve(stream, Arc::new(place)))),
            Err(_) => tokio::time::sleep(BREATH).await,
        }
    }
}

async fn serve(stream: TcpStream, place: Arc<OwnedSemaphorePermit>) {
    let reel = Reel::default();
    let io = TokioIo::new(Recorded::new(stream, reel.clone()));
    let service = service_fn(move |request| answer(request, reel.clone(), Arc::clone(&place)));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .serve_connection(io, service)
        .with_upgrades()
        .await;
    if let Err(error) = served {
        tracing::debug!(?error, "demo connection ended");
    }
}

async fn answer(
    mut request: Request<Incoming>,
    reel: Reel,
    place: Arc<OwnedSemaphorePermit>,
) -> Result<Response, Infallible> {
    let (area, rest) = Area::of(request.uri().path());
    let rest = rest.to_ascii_lowercase();
    if rest == "/ws" {
        return Ok(websocket::accept(&mut request, place));
    }
    let Ok(received) = Received::read(request, &reel).await else {
        return Ok(response::empty(StatusCode::REQUEST_TIMEOUT));
    };
    Ok(match rest.as_str() {
        "/echo" => response::json(StatusCode::OK, &received),
        "/demo.css" => asset("text/css; charset=utf-8", include_str!("templates/demo.css")),
        "/demo.js" => asset("text/javascript; charset=utf-8", include_str!("templates/demo.js")),
        _ => page::of(area, &received),
    })
}

fn asset(kind: &'static str, text: &'static str) -> Response {
    let mut response = response::typed(StatusCode::OK, kind, text);
    let an_hour = HeaderValue::from_static("private, max-age=3600");
    response.headers_mut().insert(header::CACHE_CONTROL, an_hour);
    response
}
