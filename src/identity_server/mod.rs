//! The OpenID provider behind the login: one file an endpoint.

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::clock::Clock;
use crate::error::Problem;
use crate::http::Response;
use crate::http::ReturnPath;
use crate::observe::Metrics;
use crate::session::Sessions;
use crate::session::Visit;

/// The identity server. One per process; outlives reloads.
#[derive(Debug)]
pub struct IdentityServer {
    parts: Parts,
}

/// What the identity server is made of.
#[derive(Clone, Debug)]
pub struct Parts {
    /// Tells the time.
    pub clock: Clock,
    /// Counts what happens.
    pub metrics: Arc<Metrics>,
    /// Where browser sessions end.
    pub sessions: Arc<Sessions>,
}

/// How a request to the identity server ends.
#[derive(Debug)]
pub enum Outcome {
    /// With this answer.
    Answer(Response),
    /// Somebody must sign in first and then come back.
    SignIn {
        /// The way back: an authorize callback address.
        return_path: ReturnPath,
        /// The scheme of the external provider to go to at once (`acr_values=idp:…`).
        provider: Option<String>,
        /// What to fill in as the name (`login_hint`).
        login_hint: Option<String>,
    },
}

impl IdentityServer {
    /// Opens or makes the signing keys under `keys`.
    ///
    /// # Errors
    ///
    /// When a key cannot be read or written.
    pub fn open(keys: &Path, parts: Parts) -> io::Result<Self> {
        let _ = keys;
        Ok(Self { parts })
    }

    /// Answers a request on an identity server's site.
    ///
    /// # Errors
    ///
    /// What the person or program is told, see [`Problem`].
    pub async fn answer(&self, visit: &Visit) -> Result<Outcome, Problem> {
        let _ = (visit, &self.parts);
        Err(Problem::Internal)
    }
}
