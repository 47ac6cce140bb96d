//! The keys that tokens are signed with and verified against at this moment: RS256 first, because
//! clients expect it, and ES256 beside it, or the owner's certificates.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use serde_json::Value;
use serde_json::json;

use crate::clock::Clock;
use crate::clock::Timestamp;
use crate::crypto::signing::Algorithm;
use crate::crypto::signing::SigningKey;

/// `typ` of ID tokens.
pub(super) const ID_TOKEN: &str = "JWT";

/// `typ` of access tokens (RFC 9068 §2.1), which keeps them from being taken for ID tokens.
pub(super) const ACCESS_TOKEN: &str = "at+jwt";

/// `typ` of logout tokens (OpenID Connect Back-Channel Logout §2.4).
pub(super) const LOGOUT_TOKEN: &str = "logout+jwt";

/// The keys by the clock. A schedule that changes is swapped in; what it says happens by itself.
pub(super) struct Keys {
    clock: Clock,
    published: ArcSwap<Vec<Published>>,
}

/// A key, from when it is published.
#[derive(Clone, Debug)]
pub(super) struct Published {
    /// The key.
    pub(super) key: Arc<SigningKey>,
    /// From when on it signs.
    pub(super) signs_from: Timestamp,
    /// Until when it signs.
    pub(super) signs_until: Timestamp,
    /// When nobody has to know it any more.
    pub(super) retires_at: Timestamp,
}

impl Published {
    pub(super) fn signs(&self, now: Timestamp) -> bool {
        self.signs_from <= now && now < self.signs_until
    }
}

impl Keys {
    /// No keys yet.
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, published: ArcSwap::default() }
    }

    /// Swaps in another schedule; of several that sign at once with one algorithm the first does.
    pub(super) fn publish(&self, keys: Vec<Published>) {
        self.published.store(Arc::new(keys));
    }

    /// The key that signs with `algorithm`, or, when nobody asks for one, the first of all.
    pub(super) fn signer(&self, algorithm: Option<Algorithm>) -> Option<Arc<SigningKey>> {
        let (published, now) = (self.published.load(), self.clock.now());
        let fits =
            |p: &&Published| algorithm.is_none_or(|algorithm| p.key.algorithm() == algorithm);
        let fitting = || published.iter().filter(fits);
        // A clock that was set back must not leave nobody to sign.
        let signer = fitting().find(|p| p.signs(now)).or_else(|| fitting().next())?;
        Some(Arc::clone(&signer.key))
    }

    /// The claims of a token of this `typ` that one of the keys signed, whatever its age.
    pub(super) fn verify(&self, token: &str, typ: &str) -> Option<Value> {
        // IdentityServer4's limit; nothing of ours comes near it.
        if token.len() > 51_200 {
            return None;
        }
        let now = self.clock.now();
        let published = self.published.load();
        let mut known = published.iter().filter(|p| now < p.retires_at);
        known.find_map(|p| p.key.verify(token, Some(typ)))
    }

    /// Names of the algorithms, in the keys' order.
    pub(super) fn algorithms(&self) -> Vec<&'static str> {
        let published = self.published.load();
        let mut names = Vec::new();
        for name in published.iter().map(|p| p.key.algorithm().name()) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// The JWK set (RFC 7517 §5).
    pub(super) fn jwks(&self) -> Value {
        let now = self.clock.now();
        let published = self.published.load();
        let known = published.iter().filter(|p| now < p.retires_at);
        json!({"keys": known.map(|p| p.key.public_jwk()).collect::<Vec<_>>()})
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.published.load().iter().map(|p| &p.key)).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn published(signs: (i64, i64), retires_at: i64) -> Published {
        Published {
            key: Arc::new(SigningKey::generate(Algorithm::Es256).unwrap()),
            signs_from: Timestamp(signs.0),
            signs_until: Timestamp(signs.1),
            retires_at: Timestamp(retires_at),
        }
    }

    #[test]
    fn disc16_the_clock_alone_moves_signing_and_publishing_on() {
        let clock = Clock::manual(Timestamp(50));
        let keys = Keys::new(clock.clone());
        keys.publish(vec![published((0, 100), 200), published((100, i64::MAX), i64::MAX)]);
        let signer = || keys.signer(None).unwrap().kid().to_owned();
        let shown = || keys.jwks()["keys"].as_array().unwrap().len();
        let old = signer();
        let token = keys.signer(None).unwrap().sign("JWT", &json!({"a": 1})).unwrap();
        assert_eq!(shown(), 2, "the new key is there before its first use");
        clock.advance(Duration::from_secs(50));
        assert_ne!(signer(), old);
        assert_eq!(keys.verify(&token, "JWT").unwrap()["a"], 1);
        clock.advance(Duration::from_secs(100));
        assert!(keys.verify(&token, "JWT").is_none());
        assert_eq!(shown(), 1);
    }

    #[test]
    fn a_clock_that_was_set_back_still_has_a_signer() {
        let keys = Keys::new(Clock::manual(Timestamp(10)));
        keys.publish(vec![published((100, i64::MAX), i64::MAX)]);
        assert!(keys.signer(Some(Algorithm::Es256)).is_some());
        assert!(keys.signer(Some(Algorithm::Rs256)).is_none());
    }
}
