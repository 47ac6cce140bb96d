//! Workers begin, take new rules, and drain.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use arc_swap::ArcSwap;
use prometheus::IntCounter;
use prometheus::IntGauge;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::clock::Clock;
use crate::config::model::Limits;
use crate::config::model::Listener;
use crate::config::model::ListenerKind;
use crate::config::model::Timeouts;
use crate::http::Connection;
use crate::http::connection::Purpose;
use crate::http::network::Network;
use crate::listen::Bound;
use crate::listen::Certificates;
use crate::listen::Serve;
use crate::listen::accept::Door;
use crate::listen::admission::Admission;
use crate::listen::admission::Crowd;
use crate::listen::bind::BoundListener;
use crate::listen::tls;
use crate::listen::worker::Registry;
use crate::listen::worker::Stage;
use crate::listen::worker::Worker;

/// What clients may do, and for how long. A reload may change it; it holds for the next connection,
/// timeouts at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// How much.
    pub limits: Limits,
    /// How long.
    pub timeouts: Timeouts,
}

/// What listening needs beside its sockets.
#[derive(Debug)]
pub struct Setup {
    /// The listeners that were bound.
    pub listeners: Vec<Listener>,
    /// Their certificates.
    pub certificates: Arc<Certificates>,
    /// What clients may do.
    pub rules: Rules,
    /// Where connections are counted.
    pub metrics: Arc<crate::observe::Metrics>,
    /// Tells the time to TLS, for the age of tickets.
    pub clock: Clock,
}

/// What all workers share.
pub(super) struct Shared {
    pub(super) rules: ArcSwap<Rules>,
    pub(super) admission: Arc<Admission>,
    pub(super) metrics: Arc<crate::observe::Metrics>,
}

impl Shared {
    /// Counts a connection that was cut.
    pub(super) fn cut(&self, reason: &'static str) {
        self.metrics.limits.with_label_values(&[reason]).inc();
        if reason == "handshake_timeout" {
            self.metrics.handshakes.with_label_values(&["timeout"]).inc();
        }
    }
}

/// One listener, shared by the workers.
pub(super) struct Place {
    pub(super) name: Arc<str>,
    pub(super) peers: ArcSwap<Peers>,
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) accepted: IntCounter,
    pub(super) open: IntGauge,
    port: u16,
    purpose: Purpose,
    configured: (SocketAddr, bool),
}

/// Which peers of a listener are special.
#[derive(Debug)]
pub(super) struct Peers {
    trusted_proxies: Arc<[Network]>,
    proxy_protocol: Vec<Network>,
}

impl Peers {
    fn of(listener: &Listener) -> Self {
        Self {
            trusted_proxies: listener.trusted_proxies.as_slice().into(),
            proxy_protocol: listener.proxy_protocol.clone(),
        }
    }

    /// Whether this peer must send a PROXY protocol header.
    pub(super) fn must_send_proxy_header(&self, peer: IpAddr) -> bool {
        self.proxy_protocol.iter().any(|network| network.contains(peer))
    }

    /// Whether this peer brings the connections of many clients.
    pub(super) fn speaks_for_others(&self, peer: IpAddr) -> bool {
        self.must_send_proxy_header(peer)
            || self.trusted_proxies.iter().any(|network| network.contains(peer))
    }
}

impl Place {
    fn new(listener: &Listener, port: u16, setup: &Setup) -> Result<Self, rustls::Error> {
        let (tls, purpose) = match &listener.kind {
            ListenerKind::Tls(_) => {
                let certificates = &setup.certificates;
                (Some(tls::acceptor(&listener.name, certificates, &setup.clock)?), Purpose::Sites)
            }
            ListenerKind::RedirectTo(port) => (None, Purpose::Redirect(*port)),
            ListenerKind::Plain => (None, Purpose::Sites),
            ListenerKind::Operations => (None, Purpose::Operations),
        };
        Ok(Self {
            name: Arc::clone(&listener.name),
            peers: ArcSwap::from_pointee(Peers::of(listener)),
            accepted: setup.metrics.accepted.with_label_values(&[&listener.name]),
            open: setup.metrics.connections.with_label_values(&[&listener.name]),
            configured: (listener.address, tls.is_some()),
            tls,
            port,
            purpose,
        })
    }

    /// Which count its connections belong to.
    pub(super) fn crowd(&self) -> Crowd {
        match self.purpose {
            Purpose::Sites | Purpose::Redirect(_) => Crowd::Sites,
            Purpose::Operations => Crowd::Operations,
        }
    }

    /// A connection in plain HTTP/1.1; TLS adds what it knows.
    pub(super) fn connection(&self, client: SocketAddr, peers: &Peers) -> Connection {
        Connection {
            peer: client,
            port: self.port,
            secure: false,
            server_name: None,
            http2: false,
            purpose: self.purpose,
            listener: Arc::clone(&self.name),
            trusted_proxies: Arc::clone(&peers.trusted_proxies),
        }
    }
}

/// Workers that are listening. Dropping it stops them at once.
pub struct Listening {
    places: Vec<Arc<Place>>,
    shared: Arc<Shared>,
    certificates: Arc<Certificates>,
    stage: watch::Sender<Stage>,
    ended: Vec<oneshot::Receiver<()>>,
}

impl fmt::Debug for Listening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listening").field("workers", &self.ended.len()).finish_non_exhaustive()
    }
}

/// Starts one thread per worker and accepts. `make` makes what answers on a worker, inside that
/// worker's runtime, where it may spawn.
///
/// # Errors
///
/// No thread or runtime could be had, or TLS refuses its settings.
pub fn start<S: Serve>(
    bound: Bound,
    setup: Setup,
    make: impl Fn(usize) -> Arc<S>,
) -> io::Result<Listening> {
    let places = setup.listeners.iter().filter_map(|listener| {
        let port = bound.address(&listener.name)?.port();
        Some(Place::new(listener, port, &setup).map(Arc::new).map_err(io::Error::other))
    });
    let places = places.collect::<io::Result<Vec<_>>>()?;
    setup.certificates.record(&setup.metrics);
    let shared = Arc::new(Shared {
        rules: ArcSwap::from_pointee(setup.rules),
        admission: Arc::default(),
        metrics: setup.metrics,
    });
    let (stage, _) = watch::channel(Stage::Serve);
    let mut ended = Vec::new();
    let Bound { places: mut sockets, workers } = bound;
    for index in 0..workers {
        let mine = take_sockets(&mut sockets, &places);
        let crew = Crew { index, shared: &shared, stage: stage.subscribe() };
        ended.push(crew.hire(mine, &make)?);
    }
    Ok(Listening { places, shared, certificates: setup.certificates, stage, ended })
}

/// One socket of every listener that has one left.
fn take_sockets(
    bound: &mut [BoundListener],
    places: &[Arc<Place>],
) -> Vec<(std::net::TcpListener, Arc<Place>)> {
    let taken = bound.iter_mut().filter_map(|listener| {
        let place = places.iter().find(|place| place.name == listener.name)?;
        Some((listener.sockets.pop()?, Arc::clone(place)))
    });
    taken.collect()
}

/// What makes one worker.
struct Crew<'a> {
    index: usize,
    shared: &'a Arc<Shared>,
    stage: watch::Receiver<Stage>,
}

impl Crew<'_> {
    fn hire<S: Serve>(
        self,
        sockets: Vec<(std::net::TcpListener, Arc<Place>)>,
        make: &impl Fn(usize) -> Arc<S>,
    ) -> io::Result<oneshot::Receiver<()>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let registry = Arc::new(Registry::new());
        let doors = {
            let _inside = runtime.enter();
            let serve = make(self.index);
            let doors = sockets.into_iter().map(|(socket, place)| {
                let door = Door {
                    place,
                    shared: Arc::clone(self.shared),
                    serve: Arc::clone(&serve),
                    registry: Arc::clone(&registry),
                };
                Ok((TcpListener::from_std(socket)?, Arc::new(door)))
            });
            doors.collect::<io::Result<Vec<_>>>()?
        };
        let shared = Arc::clone(self.shared);
        let worker = Worker { doors, registry, shared, stage: self.stage };
        let (end, ended) = oneshot::channel();
        thread::Builder::new().name(format!("worker-{}", self.index)).spawn(move || {
            worker.run(runtime);
            drop(end);
        })?;
        Ok(ended)
    }
}

impl Listening {
    /// Takes the peers and rules of a new configuration, and writes down when its certificates
    /// expire. Listeners that are new, gone or moved need a restart; the log says so.
    pub fn update(&self, listeners: &[Listener], rules: Rules) {
        for listener in listeners {
            let place = self.places.iter().find(|place| place.name == listener.name);
            let secure = matches!(listener.kind, ListenerKind::Tls(_));
            match place {
                Some(place) if place.configured == (listener.address, secure) => {
                    place.peers.store(Arc::new(Peers::of(listener)));
                }
                Some(_) | None => {
                    tracing::warn!(listener = ?listener.name, "a new or moved listener needs a restart");
                }
            }
        }
        for place in &self.places {
            if !listeners.iter().any(|listener| listener.name == place.name) {
                tracing::warn!(listener = ?place.name, "a removed listener listens on until a restart");
            }
        }
        self.shared.rules.store(Arc::new(rules));
        self.certificates.record(&self.shared.metrics);
    }

    /// Takes no new connection, lets requests in flight finish within `at_most`, and ends. Idle
    /// connections end at once; HTTP/2 clients are told by GOAWAY.
    pub async fn drain(mut self, at_most: Duration) {
        self.stage.send_replace(Stage::Drain);
        let workers = std::mem::take(&mut self.ended);
        let all = async {
            for worker in workers {
                // The sender is dropped, never used: an error is the end we wait for.
                drop(worker.await);
            }
        };
        if tokio::time::timeout(at_most, all).await.is_err() {
            tracing::warn!("requests were still in flight at the end of the drain time");
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.stage.send_replace(Stage::Stop);
    }
}
