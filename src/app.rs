//! Composition: configuration → stores → gateway; start, reload, drain, stop.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::clock::Clock;
use crate::config::Environment;
use crate::config::Fault;
use crate::observe::Metrics;
use crate::session::Sessions;

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
pub struct App {}

impl App {
    /// Reads the configuration, binds every listener and serves.
    ///
    /// # Errors
    ///
    /// See [`StartError`].
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let _ = options;
        Err(StartError::Other(anyhow::anyhow!("not joined yet")))
    }

    /// Where the listener of that name listens: the real port when 0 was configured.
    pub fn address(&self, listener: &str) -> Option<SocketAddr> {
        let _ = listener;
        None
    }

    /// Reads the configuration again and, if it is right, swaps it in. The control runtime calls this
    /// on SIGHUP and on file changes.
    ///
    /// # Errors
    ///
    /// The faults of the new configuration; the old one goes on.
    pub async fn reload(&self) -> Result<(), Vec<Fault>> {
        Err(Vec::new())
    }

    /// What has been counted.
    #[expect(clippy::todo, reason = "skeleton")]
    pub fn metrics(&self) -> &Metrics {
        todo!()
    }

    /// The live sessions.
    #[expect(clippy::todo, reason = "skeleton")]
    pub fn sessions(&self) -> &Sessions {
        todo!()
    }

    /// Stops accepting, lets requests in flight finish within the drain time, and ends.
    pub async fn drain(self) {}
}
