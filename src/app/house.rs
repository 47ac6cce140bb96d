//! What outlives reloads: made at the start, kept in order by one task.

use std::io;
use std::sync::Arc;
use std::sync::Weak;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::Context;
use tokio::runtime::Handle;
use url::Url;

use crate::admin;
use crate::admin::Admin;
use crate::app::Options;
use crate::app::Running;
use crate::clock::Clock;
use crate::config::Config;
use crate::config::model::Destination;
use crate::config::model::ServerAddress;
use crate::config::model::UpstreamSettings;
use crate::crypto::seal::SealKeys;
use crate::crypto::signing::Algorithm;
use crate::crypto::signing::SigningKey;
use crate::demo;
use crate::identity_server;
use crate::identity_server::IdentityServer;
use crate::identity_server::key_ring;
use crate::identity_server::key_ring::KeyRing;
use crate::login;
use crate::login::Login;
use crate::observe::Metrics;
use crate::proxy::bearer::Believed;
use crate::proxy::gateway::DEMO_UPSTREAM;
use crate::proxy::gateway::House;
use crate::session::Sessions;
use crate::store::accounts::Accounts;
use crate::store::grants::Grants;
use crate::store::register::Register;
use crate::store::sql::Database;
use crate::users::local::LocalUsers;

/// How often sessions and idle connections are swept.
const SWEEP: Duration = Duration::from_secs(20);

/// How often the records of grants are swept.
const SWEEP_GRANTS: Duration = Duration::from_mins(1);

/// Opens the store, and keys under the configured data directory; `instance` is this process's name
/// in the register of sessions.
pub(super) async fn open(
    config: &Config,
    options: &Options,
    instance: &Arc<str>,
) -> anyhow::Result<House> {
    let keys = config.data.join("keys");
    let seal = SealKeys::open(&keys)
        .with_context(|| format!("opening the sealing keys in {}", keys.display()))?;
    let assertion_key = SigningKey::load_or_create(&keys, "assertion", Algorithm::Es256)
        .with_context(|| format!("opening the assertion key in {}", keys.display()))?;
    let clock = options.clock.clone();
    let metrics = Arc::new(Metrics::new());
    let database = Database::open(&config.store).await;
    let database = database.with_context(|| format!("opening the store {}", config.store))?;
    let ring =
        KeyRing::configured(config, database.as_ref(), clock.clone(), Arc::clone(&metrics)).await;
    let ring = ring.context("opening the signing keys")?;
    let accounts = database.clone().map_or_else(Accounts::in_memory, Accounts::in_database);
    let accounts = Arc::new(accounts);
    let register = database.clone().map(Register::open);
    let common = Common {
        register: register.clone(),
        sessions: Arc::new(Sessions::new(clock.clone(), Arc::clone(&metrics))),
        grants: Arc::new(database.map_or_else(Grants::in_memory, Grants::in_database)),
        local_users: Arc::new(LocalUsers::new(Arc::clone(&metrics), Arc::clone(&accounts))),
        accounts,
        clock,
        metrics,
        seal,
    };
    Ok(House {
        identity_server: IdentityServer::new(ring, common.of_identity_server()),
        login: Login::new(common.of_login()),
        admin: Admin::new(common.of_admin(Arc::clone(instance))),
        clock: common.clock,
        metrics: common.metrics,
        sessions: common.sessions,
        accounts: common.accounts,
        believed: Believed::default(),
        grants: common.grants,
        register,
        assertion_key,
        control: Handle::current(),
        workers: options.workers,
        ready: AtomicBool::new(false),
    })
}

/// What several rooms have in common.
struct Common {
    clock: Clock,
    metrics: Arc<Metrics>,
    seal: SealKeys,
    sessions: Arc<Sessions>,
    grants: Arc<Grants>,
    accounts: Arc<Accounts>,
    local_users: Arc<LocalUsers>,
    register: Option<Register>,
}

impl Common {
    fn of_identity_server(&self) -> identity_server::Parts {
        identity_server::Parts {
            clock: self.clock.clone(),
            metrics: Arc::clone(&self.metrics),
            seal: self.seal.clone(),
            sessions: Arc::clone(&self.sessions),
            grants: Arc::clone(&self.grants),
            local_users: Arc::clone(&self.local_users),
            register: self.register.clone(),
        }
    }

    fn of_login(&self) -> login::Parts {
        login::Parts {
            clock: self.clock.clone(),
            metrics: Arc::clone(&self.metrics),
            seal: self.seal.clone(),
            sessions: Arc::clone(&self.sessions),
            accounts: Arc::clone(&self.accounts),
            local_users: Arc::clone(&self.local_users),
        }
    }

    fn of_admin(&self, instance: Arc<str>) -> admin::Parts {
        admin::Parts {
            instance,
            register: self.register.clone(),
            clock: self.clock.clone(),
            metrics: Arc::clone(&self.metrics),
            seal: self.seal.clone(),
            sessions: Arc::clone(&self.sessions),
            grants: Arc::clone(&self.grants),
            accounts: Arc::clone(&self.accounts),
        }
    }
}

/// Starts the demo CMS when a site asks for it, as one more upstream.
pub(super) async fn demo(config: &Config) -> io::Result<Option<UpstreamSettings>> {
    let Some(site) = config.sites.iter().find(|site| site.destination == Destination::Demo) else {
        return Ok(None);
    };
    let address = demo::start().await?;
    let url = Url::parse(&format!("http://{address}")).map_err(io::Error::other)?;
    Ok(Some(UpstreamSettings {
        name: DEMO_UPSTREAM.into(),
        servers: vec![ServerAddress { url }],
        certificate_authority: None,
        connect_timeout: Duration::from_secs(5),
        response_timeout: Duration::from_secs(30),
        idle_timeout: Duration::from_mins(5),
        audience: DEMO_UPSTREAM.to_owned(),
        origin: site.origin.clone(),
    }))
}

/// Sweeps sessions and idle connections until the app is gone.
pub(super) async fn keep(running: Weak<Running>) {
    loop {
        tokio::time::sleep(SWEEP).await;
        let Some(running) = running.upgrade() else { return };
        running.house.sessions.sweep();
        let gateway = running.current.load();
        let now = running.house.clock.now();
        for server in gateway.upstreams.iter().flat_map(|upstream| &upstream.servers) {
            (0..running.house.workers).for_each(|worker| server.pool.sweep(worker, now));
        }
    }
}

/// Sweeps the records of grants until the app is gone. They may be far away, so that nothing else
/// waits for it.
pub(super) async fn keep_grants(running: Weak<Running>) {
    loop {
        tokio::time::sleep(SWEEP_GRANTS).await;
        let Some(running) = running.upgrade() else { return };
        let house = &running.house;
        match house.grants.sweep(house.clock.now()).await {
            Ok(gone) => tracing::debug!(gone, "grants swept"),
            Err(error) => tracing::warn!(error = ?error, "grants were not swept"),
        }
    }
}

/// Looks after the signing keys until the app is gone: rotated by the clock or by hand, here or at
/// another instance.
pub(super) async fn keep_keys(running: Weak<Running>) {
    loop {
        tokio::time::sleep(key_ring::REFRESH).await;
        let Some(running) = running.upgrade() else { return };
        refresh_keys(&running).await;
    }
}

/// A failure is logged: the keys that are known go on.
pub(super) async fn refresh_keys(running: &Running) {
    let config = Arc::clone(&running.current.load().config);
    if let Err(error) = running.house.identity_server.refresh_keys(&config.signing).await {
        tracing::error!(error = ?error, "signing keys cannot be looked after; those known go on");
    }
}
