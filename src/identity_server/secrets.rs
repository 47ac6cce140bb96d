//! Stored secrets of clients and APIs: whether one that is shown is among them, and the keys that
//! stand beside them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::jwk::Jwk;

use crate::clock::Timestamp;
use crate::config::model::identity_server::ClientSecret;
use crate::config::model::identity_server::SecretKind;
use crate::crypto::jwk;

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
