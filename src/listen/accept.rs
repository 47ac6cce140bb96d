//! Takes connections from a socket, as long as there is room for them.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::net::TcpStream;

use crate::listen::Serve;
use crate::listen::connection;
use crate::listen::connection::Accepted;
use crate::listen::start::Place;
use crate::listen::start::Shared;
use crate::listen::watch::Watch;
use crate::listen::worker::Registry;

/// One listener as one worker sees it.
pub(super) struct Door<S> {
    pub(super) place: Arc<Place>,
    pub(super) shared: Arc<Shared>,
    pub(super) serve: Arc<S>,
    pub(super) registry: Arc<Registry>,
}

/// How long accepting rests when the process has no file descriptor or memory left.
const REST: Duration = Duration::from_millis(200);

/// Accepts until dropped.
pub(super) async fn accept<S: Serve>(listener: TcpListener, door: Arc<Door<S>>) {
    loop {
        match listener.accept().await {
            Ok((socket, peer)) => admit(&door, socket, peer),
            Err(error) if concerns_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(listener = ?door.place.name, error = %error, "cannot accept");
                door.shared.metrics.limits.with_label_values(&["accept"]).inc();
                tokio::time::sleep(REST).await;
            }
        }
    }
}

fn admit<S: Serve>(door: &Arc<Door<S>>, socket: TcpStream, peer: SocketAddr) {
    door.place.accepted.inc();
    let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
    let most = door.shared.rules.load().limits.connections;
    let Some(ticket) = door.shared.admission.admit(door.place.crowd(), most, &door.place.open)
    else {
        return door.shared.metrics.limits.with_label_values(&["connections"]).inc();
    };
    if let Err(error) = socket.set_nodelay(true) {
        tracing::debug!(client = %peer, error = %error, "connection gone before it began");
        return;
    }
    let watch = Arc::new(Watch::new(Arc::clone(&door.registry.ticks)));
    door.registry.add(&watch);
    let peers = door.place.peers.load_full();
    let accepted = Accepted { socket, peer, peers, ticket, watch };
    tokio::spawn(connection::serve(Arc::clone(door), accepted));
}

/// The client gave up before we took its connection; the next one may be well.
fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::ConnectionAborted;
    use io::ErrorKind::ConnectionRefused;
    use io::ErrorKind::ConnectionReset;
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
