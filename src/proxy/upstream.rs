//! An upstream: its servers, which of them are believed to be up, and each one's idle connections.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use prometheus::Histogram;
use prometheus::IntCounter;
use prometheus::IntGauge;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;

use crate::clock::Timestamp;
use crate::config::model::ServerAddress;
use crate::config::model::UpstreamSettings;
use crate::http::client;
use crate::observe::Metrics;
use crate::observe::metrics;
use crate::proxy::pool::Pool;

/// The system's table of open files is full (errno.h).
const ENFILE: i32 = 23;

/// The process may open no more files (errno.h).
const EMFILE: i32 = 24;

/// After so many requests in a row without an answer a server is believed to be down.
const MISSES: u32 = 3;

/// How long a server that could not be reached is passed over.
const REST: Duration = Duration::from_secs(5);

/// The servers behind a site, ready to be dialled.
#[derive(Debug)]
pub struct Upstream {
    /// As configured.
    pub settings: UpstreamSettings,
    /// At least one.
    pub servers: Vec<Arc<Server>>,
    /// Handles of its metrics.
    pub meters: Meters,
    next: AtomicUsize,
}

/// Handles of an upstream's metrics.
#[derive(Debug)]
pub struct Meters {
    /// Heads received.
    pub answered: IntCounter,
    /// Connections or answers that failed.
    pub failed: IntCounter,
    /// Answers that did not come in time.
    pub timed_out: IntCounter,
    /// Seconds until the head.
    pub duration: Histogram,
}

/// One server of an upstream.
#[derive(Debug)]
pub struct Server {
    /// Host and port to dial.
    pub host: String,
    /// Port to dial.
    pub port: u16,
    /// For https: the client configuration and the name to verify.
    pub tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
    /// Its idle connections.
    pub pool: Pool,
    rests_until: AtomicI64,
    /// Requests in a row that got no head.
    missed: AtomicU32,
    up: IntGauge,
}

impl Upstream {
    /// Makes the upstream, with one pool a worker.
    ///
    /// # Errors
    ///
    /// When its certificate authority cannot be read or a server's name is not a TLS name.
    pub fn new(settings: &UpstreamSettings, workers: usize, counted: &Metrics) -> io::Result<Self> {
        let requests =
            |outcome| counted.upstream_requests.with_label_values(&[&*settings.name, outcome]);
        let meters = Meters {
            answered: requests("answered"),
            failed: requests("failed"),
            timed_out: requests("timeout"),
            duration: metrics::handle(&counted.upstream_durations, &settings.name),
        };
        let servers: io::Result<Vec<_>> = settings
            .servers
            .iter()
            .map(|address| Server::new(settings, address, workers, counted).map(Arc::new))
            .collect();
        Ok(Self {
            settings: settings.clone(),
            servers: servers?,
            meters,
            next: AtomicUsize::new(0),
        })
    }

    /// The servers in the order to try them: in turn, those that rest last.
    pub fn in_turn(&self, now: Timestamp) -> impl Iterator<Item = Arc<Server>> + use<> {
        let only = if let [only] = self.servers.as_slice() { Some(Arc::clone(only)) } else { None };
        let several = if only.is_some() { Vec::new() } else { self.sorted(now) };
        only.into_iter().chain(several)
    }

    fn sorted(&self, now: Timestamp) -> Vec<Arc<Server>> {
        let start = self.next.fetch_add(1, Ordering::Relaxed);
        let mut servers = self.servers.clone();
        let count = servers.len().max(1);
        servers.rotate_left(start % count);
        servers.sort_by_key(|server| server.is_resting(now));
        servers
    }
}

impl Server {
    fn new(
        settings: &UpstreamSettings,
        address: &ServerAddress,
        workers: usize,
        metrics: &Metrics,
    ) -> io::Result<Self> {
        let url = &address.url;
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let tls = if url.scheme() == "https" {
            let config = client::tls_config(settings.certificate_authority.as_deref())?;
            let name = ServerName::try_from(host.clone()).map_err(io::Error::other)?;
            Some((config, name))
        } else {
            None
        };
        let up = metrics.upstream_up.with_label_values(&[&*settings.name, url.as_str()]);
        up.set(1);
        let port = url.port_or_known_default().unwrap_or(80);
        let pool = Pool::new(workers);
        Ok(Self {
            host,
            port,
            tls,
            pool,
            rests_until: AtomicI64::new(0),
            missed: AtomicU32::new(0),
            up,
        })
    }

    /// Notes that the server answered.
    pub fn mark_up(&self) {
        if self.missed.load(Ordering::Relaxed) != 0 {
            self.missed.store(0, Ordering::Relaxed);
        }
        if self.rests_until.swap(0, Ordering::Relaxed) != 0 {
            self.up.set(1);
        }
    }

    /// Notes that a request got no answer; the third in a row marks the server down.
    pub fn note_miss(&self, now: Timestamp) {
        if self.missed.fetch_add(1, Ordering::Relaxed).saturating_add(1) >= MISSES {
            self.mark_down(now);
        }
    }

    /// Notes that the server could not be dialled. When we have no sockets or ports left, that says
    /// nothing about the server.
    pub fn note_unreachable(&self, error: &io::Error, now: Timestamp) {
        let exhausted = error.kind() == io::ErrorKind::AddrNotAvailable
            || matches!(error.raw_os_error(), Some(ENFILE | EMFILE));
        if !exhausted {
            self.mark_down(now);
        }
    }

    /// Others are tried first for a while.
    fn mark_down(&self, now: Timestamp) {
        self.rests_until.store(now.plus(REST).0, Ordering::Relaxed);
        self.up.set(0);
    }

    fn is_resting(&self, now: Timestamp) -> bool {
        self.rests_until.load(Ordering::Relaxed) > now.0
    }
}
