//! A provider's signing keys (RFC 7517): kept, and fetched anew for a key that is not among them, at
//! most once a minute.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use jsonwebtoken::jwk::Jwk;
use serde_json::Value;

use crate::clock::Timestamp;
use crate::crypto::jws;
use crate::login::oidc::cached::Cached;
use crate::login::oidc::cached::Failed;
use crate::login::oidc::cached::Fetched;
use crate::login::oidc::cached::take_turn;
use crate::login::oidc::fault::Fault;

/// The keys of one provider.
#[derive(Debug)]
pub(super) struct Keys {
    cached: Cached<Vec<Jwk>>,
    refetched: AtomicI64,
}

/// How long a key that its provider has withdrawn may still be believed.
const FRESH: Duration = Duration::from_mins(10);
/// Between two fetches for the sake of an unknown key.
const PAUSE: Duration = Duration::from_mins(1);
/// Most keys of one provider.
const MOST: usize = 100;

impl Default for Keys {
    fn default() -> Self {
        Self { cached: Cached::default(), refetched: AtomicI64::new(i64::MIN) }
    }
}

impl Keys {
    /// The keys, fetched when there are none that may serve.
    ///
    /// # Errors
    ///
    /// What `fetch` said.
    pub(super) async fn obtain<F>(
        &self,
        now: Timestamp,
        fetch: F,
    ) -> Result<Arc<Fetched<Vec<Jwk>>>, Fault>
    where
        F: Future<Output = Result<Vec<Jwk>, Fault>> + Send,
    {
        self.cached.obtain_newer(now, FRESH, fetch).await
    }

    /// Whether the keys may be fetched for the sake of an unknown one; then the turn is taken.
    pub(super) fn may_refetch(&self, now: Timestamp) -> bool {
        take_turn(&self.refetched, now, PAUSE)
    }

    /// Fetches the keys now.
    ///
    /// # Errors
    ///
    /// What `fetch` said.
    pub(super) async fn refetch<F>(
        &self,
        now: Timestamp,
        fetch: F,
    ) -> Result<Arc<Fetched<Vec<Jwk>>>, Fault>
    where
        F: Future<Output = Result<Vec<Jwk>, Fault>> + Send,
    {
        self.cached.fetch(now, fetch).await
    }

    /// The keys that are kept now, however old.
    pub(super) fn kept(&self) -> Option<Arc<Fetched<Vec<Jwk>>>> {
        self.cached.kept()
    }

    /// The last fetch, if it failed.
    pub(super) fn failed(&self) -> Option<Arc<Failed>> {
        self.cached.failed()
    }
}

/// Reads a key set. Keys of kinds that we do not know are passed over (RFC 7517 §5).
///
/// # Errors
///
/// [`Fault::Metadata`] when it is no key set, or a very long one.
pub(super) fn read(json: &[u8]) -> Result<Vec<Jwk>, Fault> {
    let wrong = |what: &str| Fault::Metadata(what.to_owned());
    let set = jws::object(json).ok_or_else(|| wrong("the key set is no JSON object"))?;
    let keys = set.get("keys").and_then(Value::as_array);
    let keys = keys.ok_or_else(|| wrong("the key set has no keys"))?;
    if keys.len() > MOST {
        return Err(wrong("the key set holds more than 100 keys"));
    }
    Ok(keys.iter().filter_map(|key| serde_json::from_value(key.clone()).ok()).collect())
}
