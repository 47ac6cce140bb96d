//! Signing in and out: one engine for every site, whatever the provider.

use std::sync::Arc;

use crate::clock::Clock;
use crate::config::model::Config;
use crate::config::model::Site;
use crate::crypto::seal::SealKeys;
use crate::error::Problem;
use crate::http::CanonicalPath;
use crate::http::Response;
use crate::observe::Metrics;
use crate::session::Sessions;
use crate::session::Visit;

/// The login engine. One per process; outlives reloads.
#[derive(Debug)]
pub struct Login {
    parts: Parts,
}

/// What the engine is made of.
#[derive(Clone, Debug)]
pub struct Parts {
    /// Tells the time.
    pub clock: Clock,
    /// Counts what happens.
    pub metrics: Arc<Metrics>,
    /// Seals transactions.
    pub seal: SealKeys,
    /// Where sessions begin and end.
    pub sessions: Arc<Sessions>,
}

impl Login {
    /// A login engine.
    pub fn new(parts: Parts) -> Self {
        Self { parts }
    }

    /// Writes the gauges that depend on the moment.
    pub fn refresh_gauges(&self) {}

    /// Whether `path` on `site` is an address of this engine: sign-in, callbacks, sign-out.
    pub fn serves(config: &Config, site: &Site, path: &CanonicalPath) -> bool {
        let _ = (config, site, path);
        false
    }

    /// Answers a request for which [`Self::serves`] said yes.
    ///
    /// # Errors
    ///
    /// What the person or program is told, see [`Problem`].
    pub async fn answer(&self, visit: &Visit) -> Result<Response, Problem> {
        let _ = (visit, &self.parts);
        Err(Problem::Internal)
    }
}
