//! Composition: configuration → stores → gateway; start, reload, drain, stop.

mod house;
mod reconcile;
mod register;
mod watch;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use anyhow::Context;
use tokio::task::JoinHandle;

use crate::app::watch::Watch;
use crate::clock::Clock;
use crate::config;
use crate::config::Config;
use crate::config::Environment;
use crate::config::Fault;
use crate::config::NoticeKind;
use crate::config::model::UpstreamSettings;
use crate::crypto::random;
use crate::listen;
use crate::listen::Certificates;
use crate::listen::Listening;
use crate::listen::Rules;
use crate::listen::Setup;
use crate::observe::Metrics;
use crate::proxy::Worker;
use crate::proxy::gateway::Current;
use crate::proxy::gateway::Gateway;
use crate::proxy::gateway::House;
use crate::session::Sessions;
use crate::store::accounts::Accounts;

/// How to start.
#[derive(Clone, Debug)]
pub struct Options {
    /// The configuration directory.
    pub conf: PathBuf,
    /// The environment that `$(env:NAME)` reads.
    pub environment: Environment,
    /// Tells the time.
    pub clock: Clock,
    /// Worker threads; one per core unless a test asks for fewer.
    pub workers: usize,
}

/// Why the gateway did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration is wrong.
    #[error("the configuration has {} faults", .0.len())]
    Configuration(Vec<Fault>),
    /// Something else is: a port that is taken, a key that cannot be read.
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

/// A running gateway.
#[derive(Debug)]
pub struct App {
    running: Arc<Running>,
    tasks: Vec<JoinHandle<()>>,
    /// This process's name in the register of sessions.
    instance: Arc<str>,
}

/// What the control runtime's tasks share.
#[derive(Debug)]
struct Running {
    options: Options,
    current: Arc<Current>,
    house: Arc<House>,
    demo: Option<UpstreamSettings>,
    certificates: Arc<Certificates>,
    /// Taken by the drain.
    listening: Mutex<Option<Listening>>,
    addresses: Vec<(Arc<str>, SocketAddr)>,
    reloading: tokio::sync::Mutex<()>,
}

impl App {
    /// Reads the configuration, binds every listener and serves. The present tokio runtime becomes
    /// the control runtime.
    ///
    /// # Errors
    ///
    /// See [`StartError`].
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let mut watch = Watch::new(&options.conf);
        let config = load(&options).await.map_err(StartError::Configuration)?;
        watch.add_certificates(&config);
        log_notices(&config);
        let instance: Arc<str> = random::identifier().into();
        let house = Arc::new(house::open(&config, &options, &instance).await?);
        let demo = house::demo(&config).await.context("starting the demo CMS")?;
        let certificates = Certificates::load(&config.listeners)
            .map_err(|faults| anyhow::anyhow!(faults.join("\n")))?;
        let certificates = Arc::new(certificates);
        let bound = listen::bind(&config.listeners, options.workers).context("listening")?;
        let address = |name: &Arc<str>| Some((Arc::clone(name), bound.address(name)?));
        let addresses: Vec<_> = config.listeners.iter().filter_map(|l| address(&l.name)).collect();

        let setup = Setup {
            listeners: config.listeners.clone(),
            certificates: Arc::clone(&certificates),
            rules: rules(&config),
            metrics: Arc::clone(&house.metrics),
            clock: options.clock.clone(),
        };
        let gateway = Gateway::new(Arc::new(config), Arc::clone(&house), None, demo.as_ref())
            .context("preparing the upstreams")?;
        took(&house, &gateway);
        let current = Arc::new(Current::new(gateway));
        let make = |index| Arc::new(Worker::new(index, Arc::clone(&current)));
        let listening = listen::start(bound, setup, make).context("starting the workers")?;
        house.ready.store(true, Ordering::Relaxed);

        let running = Arc::new(Running {
            listening: Mutex::new(Some(listening)),
            reloading: tokio::sync::Mutex::default(),
            options,
            current,
            house,
            demo,
            certificates,
            addresses,
        });
        let tasks = vec![
            tokio::spawn(watch::reload_on_change(Arc::downgrade(&running), watch)),
            tokio::spawn(house::keep(Arc::downgrade(&running))),
            tokio::spawn(house::keep_grants(Arc::downgrade(&running))),
            tokio::spawn(house::keep_keys(Arc::downgrade(&running))),
            tokio::spawn(register::keep(Arc::downgrade(&running), Arc::clone(&instance))),
        ];
        Ok(Self { running, tasks, instance })
    }

    /// Where the listener of that name listens: the real port when 0 was configured.
    pub fn address(&self, listener: &str) -> Option<SocketAddr> {
        let mut addresses = self.running.addresses.iter();
        addresses.find(|(name, _)| &**name == listener).map(|(_, address)| *address)
    }

    /// Reads the configuration again and, if it is right, swaps it in. Also done by itself on SIGHUP
    /// and when a file of the configuration changes.
    ///
    /// # Errors
    ///
    /// The faults of the new configuration; the old one goes on.
    pub async fn reload(&self) -> Result<(), Vec<Fault>> {
        self.running.reload().await
    }

    /// The configuration of this moment.
    pub fn config(&self) -> Arc<Config> {
        Arc::clone(&self.running.current.load().config)
    }

    /// What has been counted.
    pub fn metrics(&self) -> &Metrics {
        &self.running.house.metrics
    }

    /// The users that outlive their sessions.
    pub fn accounts(&self) -> &Accounts {
        &self.running.house.accounts
    }

    /// The live sessions.
    pub fn sessions(&self) -> &Sessions {
        &self.running.house.sessions
    }

    /// Stops accepting, lets requests in flight finish within the drain time, and ends.
    pub async fn drain(self) {
        self.running.house.ready.store(false, Ordering::Relaxed);
        for task in &self.tasks {
            task.abort();
        }
        let at_most = self.running.current.load().config.timeouts.drain;
        if let Some(listening) = self.running.take_listening() {
            listening.drain(at_most).await;
        }
        if let Some(register) = &self.running.house.register
            && let Err(error) = register.leave(&self.instance).await
        {
            tracing::warn!(error = ?error, "the register of sessions tells of this process for another minute");
        }
    }
}

impl Running {
    /// Validates a new configuration whole, then swaps it in.
    async fn reload(&self) -> Result<(), Vec<Fault>> {
        let _one_at_a_time = self.reloading.lock().await;
        let result = self.try_reload().await;
        let outcome = if result.is_ok() { "taken" } else { "refused" };
        self.house.metrics.reloads.with_label_values(&[outcome]).inc();
        match &result {
            Ok(()) => {
                house::refresh_keys(self).await;
                tracing::info!("configuration taken");
            }
            Err(faults) => {
                let told = faults.iter().map(ToString::to_string);
                let metrics = &self.house.metrics;
                metrics.recent.reloads.refused(told, self.house.clock.now());
                for fault in faults {
                    tracing::error!(fault = %fault, "configuration refused, the old one goes on");
                }
            }
        }
        result
    }

    async fn try_reload(&self) -> Result<(), Vec<Fault>> {
        let config = load(&self.options).await?;
        let certificates = Certificates::load(&config.listeners)
            .map_err(|faults| faults.into_iter().map(plain_fault).collect::<Vec<_>>())?;
        let before = self.current.load();
        let (listeners, rules) = (config.listeners.clone(), rules(&config));
        let house = Arc::clone(&self.house);
        let demo = self.demo.as_ref();
        let gateway = Gateway::new(Arc::new(config), house, Some(&before), demo)
            .map_err(|error| vec![plain_fault(error.to_string())])?;
        log_notices(&gateway.config);
        if gateway.config.store != before.config.store {
            tracing::warn!("the users' store is another one now; it is opened at the next start");
        }
        took(&self.house, &gateway);
        self.current.store(gateway);
        self.certificates.replace(&certificates);
        if let Some(listening) = &*self.listening() {
            listening.update(&listeners, rules);
        }
        Ok(())
    }

    fn listening(&self) -> MutexGuard<'_, Option<Listening>> {
        self.listening.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_listening(&self) -> Option<Listening> {
        self.listening().take()
    }
}

async fn load(options: &Options) -> Result<Config, Vec<Fault>> {
    let Options { conf, environment, .. } = options.clone();
    match tokio::task::spawn_blocking(move || config::load(&conf, &environment)).await {
        Ok(loaded) => loaded,
        Err(_) => Err(vec![plain_fault("reading the configuration failed".to_owned())]),
    }
}

fn rules(config: &Config) -> Rules {
    Rules { limits: config.limits.clone(), timeouts: config.timeouts.clone() }
}

fn plain_fault(what: String) -> Fault {
    Fault { origin: None, what, instead: String::new() }
}

fn log_notices(config: &Config) {
    for notice in &config.notices {
        tracing::warn!(notice = %notice, "configuration");
    }
}

fn took(house: &House, gateway: &Gateway) {
    let metrics = &house.metrics;
    metrics.generation.set(i64::try_from(gateway.generation).unwrap_or(i64::MAX));
    metrics.last_reload.set(house.clock.now().0);
    metrics.recent.reloads.taken(gateway.generation, house.clock.now());
    for (kind, label) in [(NoticeKind::Lint, "lint"), (NoticeKind::Disable, "disable")] {
        let count = gateway.config.notices.iter().filter(|n| n.kind == kind).count();
        let gauge = metrics.notices.with_label_values(&[label]);
        gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
    }
}
