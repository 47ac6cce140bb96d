//! HTTP/1.1 and HTTP/2 over one connection, by hyper, without any timer of hyper's.

use std::convert::Infallible;
use std::future::Future;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;

use hyper::Request;
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::server::conn::http1;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;

use crate::config::model::Limits;
use crate::http::Connection;
use crate::listen::Serve;
use crate::listen::flow;
use crate::listen::flow::Outgoing;
use crate::listen::watch::Watch;

/// A connection whose handshake is over.
pub(super) struct Http<S, T> {
    pub(super) stream: T,
    pub(super) connection: Connection,
    pub(super) watch: Arc<Watch>,
    pub(super) serve: Arc<S>,
}

/// A connection's requests, to be run to their end. Boxed, so that an idle connection holds its HTTP
/// state alone and nothing of the handshake before it.
pub(super) struct Served(Pin<Box<dyn Future<Output = Result<(), hyper::Error>> + Send>>);

impl Served {
    /// Serves every request.
    pub(super) async fn run(self) {
        if let Err(error) = self.0.await {
            tracing::debug!(error = ?error, "connection ended early");
        }
    }
}

impl<S: Serve, T: AsyncRead + AsyncWrite + Unpin + Send + 'static> Http<S, T> {
    /// Makes the connection ready to serve.
    pub(super) fn serve(self, limits: &Limits) -> Served {
        let Self { stream, connection, watch, serve } = self;
        let http2 = connection.http2;
        let connection = Arc::new(connection);
        watch.http_begins(http2);
        let service = {
            let watch = Arc::clone(&watch);
            service_fn(move |request| {
                answer(&watch, Arc::clone(&serve), Arc::clone(&connection), request)
            })
        };
        let stream = TokioIo::new(stream);
        if http2 {
            let streams = Streams(Arc::clone(&watch));
            let served = http2_builder(streams, limits).serve_connection(stream, service);
            drive(served, http2::Connection::graceful_shutdown, watch)
        } else {
            let served = http1_builder(limits).serve_connection(stream, service).with_upgrades();
            drive(served, http1::UpgradeableConnection::graceful_shutdown, watch)
        }
    }
}

/// Runs the connection, and asks it to end when the watch is asked to.
fn drive<C>(served: C, end: fn(Pin<&mut C>), watch: Arc<Watch>) -> Served
where
    C: Future<Output = Result<(), hyper::Error>> + Send + 'static,
{
    let mut served = Box::pin(served);
    let mut asked = false;
    Served(Box::pin(poll_fn(move |cx| {
        if !asked && watch.is_draining() {
            asked = true;
            end(served.as_mut());
        }
        served.as_mut().poll(cx)
    })))
}

/// One request: watched from here until its answer has left.
fn answer<S: Serve>(
    watch: &Arc<Watch>,
    serve: Arc<S>,
    connection: Arc<Connection>,
    request: Request<Incoming>,
) -> impl Future<Output = Result<http::Response<Outgoing>, Infallible>> + Send + use<S> {
    let watch = Arc::clone(watch);
    let flow = watch.begin();
    let may_upgrade = request.extensions().get::<OnUpgrade>().is_some();
    let request = request.map(|incoming| flow::arriving(incoming, &flow));
    let answer = serve.answer(connection, request);
    async move {
        let response = answer.await;
        if may_upgrade && response.status() == http::StatusCode::SWITCHING_PROTOCOLS {
            watch.tunnel();
        }
        Ok(flow.respond(response))
    }
}

fn http1_builder(limits: &Limits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.header_read_timeout(None).max_buf_size(limits.header_bytes.max(BUFFER / 2) * 2);
    // A request over our own limit must reach the gateway to be refused with a page; asking hyper
    // for more lines than its 100 costs an allocation a request.
    if limits.header_lines >= HYPER_LINES {
        builder.max_headers(limits.header_lines.saturating_add(SPARE_LINES));
    }
    builder
}

fn http2_builder(streams: Streams, limits: &Limits) -> http2::Builder<Streams> {
    let lines = limits.header_lines.saturating_add(SPARE_LINES);
    let list = limits.header_bytes.saturating_mul(2).saturating_add(lines.saturating_mul(32));
    let mut builder = http2::Builder::new(streams);
    builder
        .max_concurrent_streams(limits.streams)
        .max_header_list_size(u32::try_from(list).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(20)
        .max_local_error_reset_streams(128)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(BUFFER);
    builder
}

/// Bytes that hyper may hold of a head, or of an answer on its way out.
const BUFFER: usize = 64 * 1024;
/// Header lines that hyper reads without being asked for more.
const HYPER_LINES: usize = 100;
/// Header lines above our limit that still reach the gateway.
const SPARE_LINES: usize = 28;
/// Bytes of one body, and of all of a connection's, that may come before they are asked for.
const STREAM_WINDOW: u32 = 256 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;

/// Runs each HTTP/2 stream as a task of this worker and lets the watch end it.
#[derive(Clone)]
struct Streams(Arc<Watch>);

impl<F> Executor<F> for Streams
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    /// hyper calls this right after the service, so the stream is the request that began last.
    fn execute(&self, stream: F) {
        self.0.runs_as(tokio::spawn(stream).abort_handle());
    }
}
