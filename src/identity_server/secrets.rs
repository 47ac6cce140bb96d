//! Stored secrets of clients and APIs: whether one that is shown is among them, and the keys that
//! stand beside them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::jwk::Jwk;
use subtle::Choice;
use subtle::ConstantTimeEq;

use crate::clock::Timestamp;
use crate::config::model::identity_server::ClientSecret;
use crate::config::model::identity_server::SecretKind;
use crate::crypto::digest;
use crate::crypto::jwk;
use crate::crypto::password;
use crate::crypto::secret::Secret;
use crate::identity_server::IdentityServer;
use crate::users::hashing::Busy;

impl IdentityServer {
    /// Whether `shown` is one of the `stored` secrets that have not ended. Where one of them is an
    /// Argon2id hash, the answer takes as long as a password's.
    ///
    /// # Errors
    ///
    /// [`Busy`] when more hashes of clients wait than can be computed.
    pub(super) async fn is_one_of(
        &self,
        stored: &[ClientSecret],
        shown: &Secret,
        now: Timestamp,
    ) -> Result<bool, Busy> {
        if is_quickly_one_of(stored, shown, now) {
            return Ok(true);
        }
        for hash in shared(stored, now).filter(|stored| password::is_hash(stored.expose())) {
            if self.hashing.verify(shown.clone(), hash.clone()).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The keys among the `stored` secrets that have not ended: JWKs and those of certificates.
pub(super) fn keys(stored: &[ClientSecret], now: Timestamp) -> Vec<Jwk> {
    let live = stored.iter().filter(|secret| secret.is_live(now));
    live.filter_map(|secret| match secret.kind {
        SecretKind::Jwk => jwk::read(&serde_json::from_str(secret.value.expose()).ok()?),
        SecretKind::X509Base64 => {
            jwk::of_certificate(&STANDARD.decode(secret.value.expose().trim()).ok()?)
        }
        SecretKind::Shared | SecretKind::X509Thumbprint | SecretKind::X509Name => None,
    })
    .collect()
}

fn shared(stored: &[ClientSecret], now: Timestamp) -> impl Iterator<Item = &Secret> {
    let live = stored.iter().filter(move |secret| secret.is_live(now));
    live.filter(|secret| secret.kind == SecretKind::Shared).map(|secret| &secret.value)
}

/// Whether `shown` is one of those stored as plain text or as base64 of its SHA-256 or SHA-512
/// (IdentityServer4's `SharedSecret`). What has the form of a hash is one: taken as plain text as
/// well, a hash that leaks would be as good as its secret. Time depends on what is stored and on
/// nothing else: digests are compared, and all of them.
fn is_quickly_one_of(stored: &[ClientSecret], shown: &Secret, now: Timestamp) -> bool {
    let text = shown.expose().as_bytes();
    let plain = digest::sha256(text);
    let hashed = [
        digest::sha256(STANDARD.encode(digest::sha256(text)).as_bytes()),
        digest::sha256(STANDARD.encode(digest::sha512(text)).as_bytes()),
    ];
    let mut found = Choice::from(0);
    for known in shared(stored, now) {
        let may_be_plain = Choice::from(u8::from(!is_hash(known.expose())));
        let known = digest::sha256(known.expose().as_bytes());
        found |= known.ct_eq(&plain) & may_be_plain;
        for form in &hashed {
            found |= known.ct_eq(form);
        }
    }
    found.into()
}

/// Whether `stored` has the form of a SHA-256, SHA-512 or Argon2id hash.
fn is_hash(stored: &str) -> bool {
    digest::of_form(stored).is_some() || password::is_hash(stored)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000);

    #[test]
    fn tok07_plain_and_hashed_secrets_prove_a_client() {
        // IdentityServer4's documentation: "secret" and its SHA-256 in base64.
        let hashed = "K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=".to_owned();
        let long = STANDARD.encode(digest::sha512(b"third"));
        let stored = ["first".to_owned(), hashed.clone(), long.clone()].map(ClientSecret::shared);
        let fits = |text: &str| is_quickly_one_of(&stored, &Secret::new(text), NOW);
        for right in ["first", "secret", "third"] {
            assert!(fits(right), "{right}");
        }
        for wrong in ["", "Secret", "secret ", "second"] {
            assert!(!fits(wrong), "{wrong}");
        }
        for hash in [hashed, long] {
            assert!(!fits(&hash), "a hash that leaked is no secret");
        }
        let phc = password::hash(&Secret::new("fourth")).unwrap();
        let stored = [ClientSecret::shared(phc.clone())];
        assert!(!is_quickly_one_of(&stored, &Secret::new(phc), NOW));
    }

    #[test]
    fn tok07_a_secret_that_has_ended_proves_nothing() {
        let mut stored = [ClientSecret::shared("first")];
        stored[0].expires_at = Some(NOW);
        let first = Secret::new("first");
        assert!(is_quickly_one_of(&stored, &first, Timestamp(NOW.0 - 1)));
        assert!(!is_quickly_one_of(&stored, &first, NOW));
    }

    #[test]
    fn a_key_is_no_shared_secret_and_a_shared_secret_no_key() {
        let jwk = r#"{"kty":"RSA","n":"0vx7","e":"AQAB"}"#;
        let key = ClientSecret { kind: SecretKind::Jwk, ..ClientSecret::shared(jwk) };
        let stored = [key, ClientSecret::shared(jwk.replace("0vx7", "0vx8"))];
        assert_eq!(keys(&stored, NOW).len(), 1);
        assert!(!is_quickly_one_of(&stored, &Secret::new(jwk), NOW));
    }
}
