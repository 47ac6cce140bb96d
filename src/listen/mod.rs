//! Bytes become requests: sockets, PROXY protocol, TLS, HTTP/1.1 and HTTP/2, limits and timeouts.
//!
//! One thread per core, each with its own runtime and its own sockets; a connection never leaves the
//! core that accepted it. What hyper does not do for a server is done here: a time limit for every
//! state a connection can be in ([`watch`]), a bound on connections ([`admission`]), and a drain that
//! finishes what is in flight.

mod accept;
mod admission;
pub mod bind;
pub mod certificates;
mod connection;
mod flow;
mod http;
mod patience;
pub mod proxy_protocol;
pub mod start;
mod tls;
mod watch;
mod wire;
mod worker;

use std::future::Future;
use std::sync::Arc;

pub use bind::Bound;
pub use bind::bind;
pub use certificates::Certificates;
pub use start::Listening;
pub use start::Rules;
pub use start::Setup;
pub use start::start;

use crate::http::Body;
use crate::http::Connection;
use crate::http::Response;
use crate::proxy;

/// What answers requests: one a worker, never leaving its core.
///
/// A response of `101` to a request that asked for an upgrade ends our watch over the connection:
/// whoever takes the `OnUpgrade` from the request's extensions keeps its time from then on. A request
/// body that stalls ends with an error for which [`crate::http::body::BodyError::is_timeout`] holds.
pub trait Serve: Send + Sync + 'static {
    /// Answers one request.
    fn answer(
        self: Arc<Self>,
        connection: Arc<Connection>,
        request: ::http::Request<Body>,
    ) -> impl Future<Output = Response> + Send;
}

impl Serve for proxy::Worker {
    async fn answer(
        self: Arc<Self>,
        connection: Arc<Connection>,
        request: ::http::Request<Body>,
    ) -> Response {
        proxy::answer(&self, &connection, request).await
    }
}
