//! The keys that tokens are signed with: RS256 first, because clients expect it, and ES256 beside it.

use std::io;
use std::path::Path;

use serde_json::Value;
use serde_json::json;

use crate::crypto::signing::Algorithm;
use crate::crypto::signing::SigningKey;

/// `typ` of ID tokens.
pub(super) const ID_TOKEN: &str = "JWT";

/// `typ` of access tokens (RFC 9068 §2.1), which keeps them from being taken for ID tokens.
pub(super) const ACCESS_TOKEN: &str = "at+jwt";

/// `typ` of logout tokens (OpenID Connect Back-Channel Logout §2.4).
pub(super) const LOGOUT_TOKEN: &str = "logout+jwt";

/// Every key that is published; the first of an algorithm signs.
#[derive(Debug)]
pub(super) struct Keys(Vec<SigningKey>);

impl Keys {
    /// The keys kept in `directory`, made when there are none.
    pub(super) fn open(directory: &Path) -> io::Result<Self> {
        let load = |name, algorithm| SigningKey::load_or_create(directory, name, algorithm);
        let rsa = load("identity-rs256-0001", Algorithm::Rs256)?;
        let ec = load("identity-es256-0001", Algorithm::Es256)?;
        Ok(Self(vec![rsa, ec]))
    }

    /// The key that signs with `algorithm`.
    pub(super) fn signer(&self, algorithm: Algorithm) -> Option<&SigningKey> {
        self.0.iter().find(|key| key.algorithm() == algorithm)
    }

    /// The claims of a token of this `typ` that one of the keys signed, whatever its age.
    pub(super) fn verify(&self, token: &str, typ: &str) -> Option<Value> {
        // IdentityServer4's limit; nothing of ours comes near it.
        if token.len() > 51_200 {
            return None;
        }
        self.0.iter().find_map(|key| key.verify(token, Some(typ)))
    }

    /// Names of the algorithms, in the keys' order.
    pub(super) fn algorithms(&self) -> Vec<&'static str> {
        self.0.iter().map(|key| key.algorithm().name()).collect()
    }

    /// The JWK set (RFC 7517 §5).
    pub(super) fn jwks(&self) -> Value {
        json!({"keys": self.0.iter().map(SigningKey::public_jwk).collect::<Vec<_>>()})
    }
}
