//! One connection, from its first byte to HTTP: PROXY protocol, TLS, and who the client is.

use std::future::Future;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use rustls::ProtocolVersion;
use rustls::ServerConnection;
use tokio::net::TcpStream;

use crate::http::Connection;
use crate::listen::Serve;
use crate::listen::accept::Door;
use crate::listen::admission::Ticket;
use crate::listen::http::Http;
use crate::listen::http::Served;
use crate::listen::proxy_protocol;
use crate::listen::start::Peers;
use crate::listen::tls::HTTP2;
use crate::listen::watch::Watch;
use crate::listen::wire::Plaintext;
use crate::listen::wire::Wire;

/// A connection that has been accepted.
pub(super) struct Accepted {
    pub(super) socket: TcpStream,
    pub(super) peer: SocketAddr,
    pub(super) peers: Arc<Peers>,
    pub(super) ticket: Ticket,
    pub(super) watch: Arc<Watch>,
}

/// Serves the connection until it ends or its watch cuts it.
pub(super) async fn serve<S: Serve>(door: Arc<Door<S>>, accepted: Accepted) {
    let watch = Arc::clone(&accepted.watch);
    let mut served = pin!(async {
        if let Some(http) = Box::pin(establish(door, accepted)).await {
            http.run().await;
        }
    });
    let mut registered = false;
    poll_fn(|cx| {
        if !registered {
            registered = true;
            watch.wakes(Some(cx.waker().clone()));
        }
        if watch.is_cut() { Poll::Ready(()) } else { served.as_mut().poll(cx) }
    })
    .await;
    watch.wakes(None);
}

/// Everything before HTTP; `None` when it does not come to that.
async fn establish<S: Serve>(door: Arc<Door<S>>, mut accepted: Accepted) -> Option<Served> {
    let before = identify(&door, &mut accepted).await?;
    let Accepted { socket, peer, peers, ticket, watch } = accepted;
    let wire = Wire::new(socket, before, Arc::clone(&watch), ticket);
    let connection = door.place.connection(peer, &peers);
    let serve = Arc::clone(&door.serve);
    let rules = door.shared.rules.load_full();
    let Some(acceptor) = &door.place.tls else {
        let stream = Plaintext::new(wire, Arc::clone(&watch));
        return Some(Http { stream, connection, watch, serve }.serve(&rules.limits));
    };
    let stream = match acceptor.accept(wire).await {
        Ok(stream) => stream,
        Err(error) => {
            tracing::debug!(client = %peer, error = ?error, "TLS handshake failed");
            door.shared.metrics.handshakes.with_label_values(&["failed"]).inc();
            return None;
        }
    };
    let (_, tls) = stream.get_ref();
    door.shared.metrics.handshakes.with_label_values(&[version(tls)]).inc();
    let connection = Connection {
        secure: true,
        server_name: tls.server_name().map(str::to_ascii_lowercase),
        http2: tls.alpn_protocol() == Some(HTTP2),
        ..connection
    };
    let stream = Plaintext::new(stream, Arc::clone(&watch));
    Some(Http { stream, connection, watch, serve }.serve(&rules.limits))
}

/// Who the client is: the peer, or whom a listed peer speaks for. Gives what was read behind the
/// PROXY protocol header; `None` when there was none, or the client has too many connections.
async fn identify<S: Serve>(door: &Door<S>, accepted: &mut Accepted) -> Option<Bytes> {
    let peer = accepted.peer.ip();
    let mut before = Bytes::new();
    if accepted.peers.must_send_proxy_header(peer) {
        match proxy_protocol::read(&mut accepted.socket).await {
            Ok((client, rest)) => {
                accepted.peer = client.unwrap_or(accepted.peer);
                before = rest;
            }
            Err(error) => {
                tracing::warn!(peer = %peer, error = %error, "no PROXY protocol header from a listed peer");
                return None;
            }
        }
    }
    let client = accepted.peer.ip();
    let speaks_for_others = client == peer && accepted.peers.speaks_for_others(peer);
    let most = door.shared.rules.load().limits.connections_per_address;
    if speaks_for_others || accepted.ticket.charge(client, most) {
        return Some(before);
    }
    door.shared.metrics.limits.with_label_values(&["connections_per_address"]).inc();
    None
}

fn version(tls: &ServerConnection) -> &'static str {
    if tls.protocol_version() == Some(ProtocolVersion::TLSv1_2) { "tls1.2" } else { "tls1.3" }
}
