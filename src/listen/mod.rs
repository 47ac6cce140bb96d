//! Bytes become requests: sockets, PROXY protocol, TLS, HTTP/1.1 and HTTP/2, limits and timeouts.

use std::future::Future;
use std::sync::Arc;

use crate::http::Body;
use crate::http::Connection;
use crate::http::Response;

/// What answers requests: one a worker, never leaving its core.
pub trait Serve: Send + Sync + 'static {
    /// Answers one request.
    fn answer(
        self: Arc<Self>,
        connection: Arc<Connection>,
        request: http::Request<Body>,
    ) -> impl Future<Output = Response> + Send;
}
