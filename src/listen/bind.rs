//! Every socket is bound before anything is accepted, so that a port that is taken stops the start
//! and not the service.

use std::io;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::sync::Arc;

use socket2::Domain;
use socket2::Protocol;
use socket2::Socket;
use socket2::Type;

use crate::config::model::Listener;
use crate::config::model::ListenerKind;

/// Sockets that are bound and listened on, with nothing accepted yet.
#[derive(Debug)]
pub struct Bound {
    pub(super) places: Vec<BoundListener>,
    pub(super) workers: usize,
}

/// The sockets of one listener.
#[derive(Debug)]
pub(super) struct BoundListener {
    pub(super) name: Arc<str>,
    pub(super) address: SocketAddr,
    /// One a worker, from the first worker on; operations have only one.
    pub(super) sockets: Vec<TcpListener>,
}

impl Bound {
    /// Where the listener of that name listens: the real port when 0 was configured.
    pub fn address(&self, listener: &str) -> Option<SocketAddr> {
        self.places.iter().find(|place| &*place.name == listener).map(|place| place.address)
    }
}

/// Binds every listener, one socket for each of `workers` (`SO_REUSEPORT`: the kernel spreads
/// connections over them); the operations listener gets one in all.
///
/// With port 0 the first socket picks the port and the others follow.
///
/// # Errors
///
/// Names the listener and the address: the port is taken, also by another gateway, or the address
/// is not this machine's.
pub fn bind(listeners: &[Listener], workers: usize) -> io::Result<Bound> {
    let workers = workers.max(1);
    let places = listeners.iter().map(|listener| bind_listener(listener, workers));
    Ok(Bound { places: places.collect::<io::Result<_>>()?, workers })
}

fn bind_listener(listener: &Listener, workers: usize) -> io::Result<BoundListener> {
    let count = if listener.kind == ListenerKind::Operations { 1 } else { workers };
    let (address, sockets) = open_all(listener.address, count).map_err(|error| {
        let place = format!("listener `{}` cannot listen at {}", listener.name, listener.address);
        io::Error::new(error.kind(), format!("{place}: {error}"))
    })?;
    Ok(BoundListener { name: Arc::clone(&listener.name), address, sockets })
}

fn open_all(address: SocketAddr, count: usize) -> io::Result<(SocketAddr, Vec<TcpListener>)> {
    // Two gateways of one user could share a port by SO_REUSEPORT and take turns at answering; a
    // plain bind first finds the other one.
    if address.port() != 0 {
        drop(open(address, false)?);
    }
    let first = open(address, true)?;
    let address = first.local_addr()?.as_socket().unwrap_or(address);
    let mut sockets = vec![first];
    for _ in 1..count {
        sockets.push(open(address, true)?);
    }
    let listening = sockets.into_iter().map(|socket| {
        socket.listen(BACKLOG)?;
        Ok(TcpListener::from(socket))
    });
    Ok((address, listening.collect::<io::Result<_>>()?))
}

fn open(address: SocketAddr, shared: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shared)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

/// Connections that the kernel completes before we take them.
const BACKLOG: i32 = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    use crate::config::Origin;

    fn listener(address: SocketAddr, kind: ListenerKind) -> Listener {
        let origin = Origin { file: Arc::from(std::path::Path::new("t")), line: 1, column: 1 };
        Listener {
            name: "web".into(),
            address,
            kind,
            hosts: Vec::new(),
            trusted_proxies: Vec::new(),
            proxy_protocol: Vec::new(),
            origin,
        }
    }

    #[test]
    fn port_zero_is_one_port_for_every_worker() {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let bound = bind(&[listener(any, ListenerKind::Plain)], 3).unwrap();
        let address = bound.address("web").unwrap();
        let sockets = &bound.places[0].sockets;
        assert_ne!(address.port(), 0);
        assert_eq!(sockets.len(), 3);
        assert!(sockets.iter().all(|socket| socket.local_addr().unwrap() == address));
        assert_eq!(bound.address("other"), None);
    }

    #[test]
    fn operations_live_on_one_worker() {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let bound = bind(&[listener(any, ListenerKind::Operations)], 3).unwrap();
        assert_eq!(bound.places[0].sockets.len(), 1);
    }

    #[test]
    fn a_taken_port_is_an_error_that_names_listener_and_address_even_when_a_gateway_has_it() {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let bound = bind(&[listener(any, ListenerKind::Plain)], 2).unwrap();
        let address = bound.address("web").unwrap();
        let error = bind(&[listener(address, ListenerKind::Plain)], 2).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        let start = format!("listener `web` cannot listen at {address}: ");
        assert!(error.to_string().starts_with(&start), "{error}");
    }
}
