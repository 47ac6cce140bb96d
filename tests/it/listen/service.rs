//! What answers, and the listening around it.

use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http_body::Frame;
use http_body_util::BodyExt;
use vestibule::clock::Clock;
use vestibule::config::Origin;
use vestibule::config::model::Limits;
use vestibule::config::model::Listener;
use vestibule::config::model::ListenerKind;
use vestibule::config::model::Timeouts;
use vestibule::http::Body;
use vestibule::http::Connection;
use vestibule::http::Response;
use vestibule::http::body::BodyError;
use vestibule::listen;
use vestibule::listen::Certificates;
use vestibule::listen::Listening;
use vestibule::listen::Rules;
use vestibule::listen::Serve;
use vestibule::listen::Setup;
use vestibule::observe::Metrics;

/// Says what it received; `/slow` takes 300 ms, `/large` is 16 MiB, `/page` is 8 KiB, `/never` never
/// answers, `/tunnel` echoes after `101`.
#[derive(Default)]
pub(super) struct Echo {
    /// Requests begun.
    pub(super) begun: AtomicUsize,
}

impl Serve for Echo {
    async fn answer(
        self: Arc<Self>,
        connection: Arc<Connection>,
        mut request: http::Request<Body>,
    ) -> Response {
        self.begun.fetch_add(1, Ordering::Relaxed);
        match request.uri().path() {
            "/slow" => tokio::time::sleep(Duration::from_millis(300)).await,
            "/never" => std::future::pending().await,
            "/large" => return Response::new(large()),
            "/page" => return Response::new(Body::from(vec![b'p'; 8 * 1024])),
            "/tunnel" => return tunnel(&mut request),
            _ => {}
        }
        let path = request.uri().path().to_owned();
        let body = match request.into_body().collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) => {
                let mut response = Response::new(Body::Empty);
                *response.status_mut() = http::StatusCode::from_u16(408).unwrap();
                assert!(error.is_timeout(), "{error}");
                return response;
            }
        };
        let text = format!(
            "path={path} body={} peer={} port={} secure={} name={} http2={} listener={}\n",
            body.len(),
            connection.peer,
            connection.port,
            connection.secure,
            connection.server_name.as_deref().unwrap_or("-"),
            connection.http2,
            connection.listener,
        );
        Response::new(Body::from(text))
    }
}

/// 16 MiB in pieces of 64 KiB.
fn large() -> Body {
    Body::stream(Pieces { piece: vec![b'x'; 64 * 1024].into(), left: 256 })
}

struct Pieces {
    piece: Bytes,
    left: usize,
}

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Some(left) = self.left.checked_sub(1) else {
            return Poll::Ready(None);
        };
        self.left = left;
        Poll::Ready(Some(Ok(Frame::data(self.piece.clone()))))
    }
}

fn tunnel(request: &mut http::Request<Body>) -> Response {
    let upgrade = hyper::upgrade::on(request);
    tokio::spawn(async move {
        let upgraded = hyper_util::rt::TokioIo::new(upgrade.await.unwrap());
        let (mut from, mut to) = tokio::io::split(upgraded);
        drop(tokio::io::copy(&mut from, &mut to).await);
    });
    let response = http::Response::builder().status(101);
    let response = response.header("connection", "upgrade").header("upgrade", "echo");
    response.body(Body::Empty).unwrap()
}

/// A gateway that only listens.
pub(super) struct House {
    pub(super) listening: Listening,
    pub(super) address: SocketAddr,
    pub(super) metrics: Arc<Metrics>,
    pub(super) echo: Arc<Echo>,
    pub(super) certificates: Arc<Certificates>,
}

pub(super) const SHORT: Duration = Duration::from_millis(200);
/// Long enough for any of ours to be over, short enough to wait for.
pub(super) const SOON: Duration = Duration::from_secs(5);

/// Timeouts of an hour, so that a test shortens the one it is about.
pub(super) fn patient() -> Timeouts {
    let hour = Duration::from_hours(1);
    Timeouts { handshake: hour, head: hour, body: hour, idle: hour, drain: hour }
}

pub(super) fn limits() -> Limits {
    Limits {
        header_bytes: 32 * 1024,
        header_lines: 100,
        own_body_bytes: 64 * 1024,
        streams: 20,
        connections: 100,
        connections_per_address: 100,
        sign_ins_per_minute: 30,
    }
}

pub(super) fn listener(kind: ListenerKind) -> Listener {
    Listener {
        name: "web".into(),
        address: SocketAddr::from(([127, 0, 0, 1], 0)),
        kind,
        hosts: Vec::new(),
        trusted_proxies: Vec::new(),
        proxy_protocol: Vec::new(),
        origin: Origin { file: Arc::from(Path::new("test")), line: 1, column: 1 },
    }
}

/// A plain listener with these timeouts.
pub(super) fn plain(timeouts: Timeouts) -> House {
    open(listener(ListenerKind::Plain), Rules { limits: limits(), timeouts })
}

/// A TLS listener with these certificates and timeouts.
pub(super) fn secure(files: Vec<(PathBuf, PathBuf)>, timeouts: Timeouts) -> House {
    open(listener(ListenerKind::Tls(files)), Rules { limits: limits(), timeouts })
}

pub(super) fn open(listener: Listener, rules: Rules) -> House {
    let listeners = vec![listener];
    let bound = listen::bind(&listeners, 2).unwrap();
    let address = bound.address("web").unwrap();
    let certificates = Arc::new(Certificates::load(&listeners).unwrap());
    let metrics = Arc::new(Metrics::new());
    let echo = Arc::new(Echo::default());
    let setup = Setup {
        listeners,
        certificates: Arc::clone(&certificates),
        rules,
        metrics: Arc::clone(&metrics),
        clock: Clock::system(),
    };
    let listening = listen::start(bound, setup, |_| Arc::clone(&echo)).unwrap();
    House { listening, address, metrics, echo, certificates }
}

impl House {
    /// How often a limit was hit.
    pub(super) fn hit(&self, limit: &str) -> u64 {
        self.metrics.limits.with_label_values(&[limit]).get()
    }

    /// Open connections.
    pub(super) fn open(&self) -> i64 {
        self.metrics.connections.with_label_values(&["web"]).get()
    }
}
