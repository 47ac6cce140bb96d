//! What is known of the connection a request came in on.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::http::network::Network;

/// One accepted connection. Shared by its requests.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The client's address: the TCP peer, or what a listed peer said by PROXY protocol.
    pub peer: SocketAddr,
    /// The port that the client connected to, as the listener has it.
    pub port: u16,
    /// Whether TLS ends here.
    pub secure: bool,
    /// The server name of the TLS handshake, lower case.
    pub server_name: Option<String>,
    /// Whether the connection speaks HTTP/2.
    pub http2: bool,
    /// What the listener is for.
    pub purpose: Purpose,
    /// The listener's name.
    pub listener: Arc<str>,
    /// The listener's peers whose forwarding headers are believed.
    pub trusted_proxies: Arc<[Network]>,
}

/// What a listener is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The sites.
    Sites,
    /// A redirect to https on this port.
    Redirect(u16),
    /// Metrics and health, never a site.
    Operations,
}

impl Connection {
    /// Whether this peer's forwarding headers are believed.
    pub fn is_trusted_proxy(&self) -> bool {
        self.trusted_proxies.iter().any(|network| network.contains(self.peer.ip()))
    }
}
