//! An upstream: its servers, which of them are believed to be up, and each one's idle connections.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
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
    pub fn in_turn(&self, now: Timestamp) -> Vec<Arc<Server>> {
        if let [only] = self.servers.as_slice() {
            return vec![Arc::clone(only)];
        }
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
        Ok(Self { host, port, tls, pool, rests_until: AtomicI64::new(0), up })
    }

    /// Notes that the server answered.
    pub fn mark_up(&self) {
        if self.rests_until.swap(0, Ordering::Relaxed) != 0 {
            self.up.set(1);
        }
    }

    /// Notes that the server could not be reached: others are tried first for a while.
    pub fn mark_down(&self, now: Timestamp) {
        self.rests_until.store(now.plus(REST).0, Ordering::Relaxed);
        self.up.set(0);
    }

    fn is_resting(&self, now: Timestamp) -> bool {
        self.rests_until.load(Ordering::Relaxed) > now.0
    }
}
