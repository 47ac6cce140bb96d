//! The gateway: one configuration, ready to answer. A reload builds a new one and swaps a pointer;
//! what outlives it is the [`House`].

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use arc_swap::ArcSwap;
use tokio::runtime::Handle;

use crate::admin::Admin;
use crate::clock::Clock;
use crate::config::model::Config;
use crate::config::model::Destination;
use crate::config::model::Site;
use crate::config::model::UpstreamSettings;
use crate::crypto::signing::SigningKey;
use crate::gate::Sites;
use crate::gate::headers::HeaderRules;
use crate::identity_server::IdentityServer;
use crate::login::Login;
use crate::observe::Metrics;
use crate::proxy::bearer::Believed;
use crate::proxy::meters::SiteMeters;
use crate::proxy::upstream::Upstream;
use crate::session::Sessions;
use crate::store::accounts::Accounts;
use crate::store::grants::Grants;
use crate::store::register::Register;

/// What outlives a reload: stores, keys, metrics, and the engines that remember.
#[derive(Debug)]
pub struct House {
    /// Tells the time.
    pub clock: Clock,
    /// Counts what happens.
    pub metrics: Arc<Metrics>,
    /// The live sessions.
    pub sessions: Arc<Sessions>,
    /// Signs people in and out.
    pub login: Login,
    /// The OpenID provider.
    pub identity_server: IdentityServer,
    /// The pages for administrators.
    pub admin: Admin,
    /// The users that outlive their sessions.
    pub accounts: Arc<Accounts>,
    /// Access tokens that callers of the CMS brought.
    pub believed: Believed,
    /// What is remembered of grants; the identity server's too.
    pub grants: Arc<Grants>,
    /// Where the live sessions are written down, for operators; not with the store in memory.
    pub register: Option<Register>,
    /// Signs assertions.
    pub assertion_key: SigningKey,
    /// Where everything slow runs.
    pub control: Handle,
    /// Worker threads.
    pub workers: usize,
    /// Whether new requests are still wanted (`/healthz/ready`).
    pub ready: AtomicBool,
}

/// One configuration, ready to answer.
#[derive(Debug)]
pub struct Gateway {
    /// What the owner wrote.
    pub config: Arc<Config>,
    /// Counts configurations: what was rendered for another one is rendered anew.
    pub generation: u64,
    /// Host and path → site.
    pub sites: Sites,
    /// What is stripped and added.
    pub headers: HeaderRules,
    /// The upstreams, the demo's last.
    pub upstreams: Vec<Arc<Upstream>>,
    /// What outlives it.
    pub house: Arc<House>,
    routes: Vec<Route>,
    siteless: SiteMeters,
    cookie_attempt_noted: AtomicBool,
}

/// The pointer that a reload swaps.
pub struct Current(ArcSwap<Gateway>);

impl Current {
    /// Starts with `gateway`.
    pub fn new(gateway: Gateway) -> Self {
        Self(ArcSwap::from_pointee(gateway))
    }

    /// The gateway of this moment: taken once a request.
    pub fn load(&self) -> Arc<Gateway> {
        self.0.load_full()
    }

    /// Swaps in another one.
    pub fn store(&self, gateway: Gateway) {
        self.0.store(Arc::new(gateway));
    }
}

impl std::fmt::Debug for Current {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Current")
    }
}

/// What a site's requests need, resolved when the configuration is taken.
#[derive(Debug)]
struct Route {
    upstream: Option<usize>,
    meters: SiteMeters,
}

fn index_of(upstreams: &[Arc<Upstream>], site: &Site) -> Option<usize> {
    let name = match &site.destination {
        Destination::Upstream(name) => name,
        Destination::Demo => DEMO_UPSTREAM,
        Destination::IdentityServer | Destination::Admin | Destination::Nothing => return None,
    };
    upstreams.iter().position(|upstream| &*upstream.settings.name == name)
}

/// The name under which the demo CMS is an upstream.
pub const DEMO_UPSTREAM: &str = "demo";

impl Gateway {
    /// Makes a gateway of `config`. Upstreams that `before` has with the same settings are taken
    /// over with their connections.
    ///
    /// # Errors
    ///
    /// When an upstream's certificate authority cannot be read.
    pub fn new(
        config: Arc<Config>,
        house: Arc<House>,
        before: Option<&Self>,
        demo: Option<&UpstreamSettings>,
    ) -> io::Result<Self> {
        let metrics = &house.metrics;
        let upstreams: io::Result<Vec<_>> = config
            .upstreams
            .iter()
            .chain(demo)
            .map(|settings| {
                let known = before.and_then(|gateway| gateway.same_upstream(settings));
                known.map_or_else(
                    || Upstream::new(settings, house.workers, metrics).map(Arc::new),
                    Ok,
                )
            })
            .collect();
        let upstreams = upstreams?;
        let route = |site: &Arc<Site>| Route {
            upstream: index_of(&upstreams, site),
            meters: SiteMeters::new(metrics, &site.name),
        };
        Ok(Self {
            generation: before.map_or(1, |gateway| gateway.generation + 1),
            sites: Sites::new(&config),
            headers: HeaderRules::new(&config),
            routes: config.sites.iter().map(route).collect(),
            siteless: SiteMeters::new(metrics, ""),
            upstreams,
            cookie_attempt_noted: AtomicBool::new(false),
            config,
            house,
        })
    }

    /// The upstream of the site at `index`, and the upstream's own index; `None` for a site that
    /// goes nowhere.
    pub fn upstream_of(&self, index: usize) -> Option<(usize, &Arc<Upstream>)> {
        let upstream = self.routes.get(index)?.upstream?;
        Some((upstream, self.upstreams.get(upstream)?))
    }

    /// The metrics of the site at `index`, or of requests that belong to none.
    pub fn meters(&self, index: Option<usize>) -> &SiteMeters {
        let route = index.and_then(|index| self.routes.get(index));
        route.map_or(&self.siteless, |route| &route.meters)
    }

    /// Logs the first attempt of an upstream to set a cookie under a name of ours.
    pub fn note_cookie_attempt(&self, upstream: &str) {
        if !self.cookie_attempt_noted.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                upstream,
                "an upstream sets a cookie under one of the gateway's names; it is dropped, and a cookie prefix such as __Host- would keep the two apart"
            );
        }
    }

    fn same_upstream(&self, settings: &UpstreamSettings) -> Option<Arc<Upstream>> {
        self.upstreams.iter().find(|known| known.settings.is_same(settings)).cloned()
    }
}
