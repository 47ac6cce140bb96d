//! What the identity server signs with.

use std::sync::Arc;
use std::time::Duration;

use crate::crypto::seal::SealKeys;
use crate::crypto::signing::SigningKey;

/// `<signingKeys>`, and `CertificateRawData` of an identity file.
#[derive(Clone, Debug)]
pub struct SigningSettings {
    /// Keys with certificates. The first signs, all verify; with any of them no key is made here.
    pub certified: Vec<Arc<SigningKey>>,
    /// How long a fresh key is published before it signs.
    pub announce: Duration,
    /// How long a key signs.
    pub rotate: Duration,
    /// How long a key is published after it signed last; no shorter than any token lives.
    pub retain: Duration,
    /// What seals the private halves where they are kept.
    pub seal: Option<SealKeys>,
}

impl Default for SigningSettings {
    fn default() -> Self {
        let day = Duration::from_hours(24);
        Self {
            certified: Vec::new(),
            announce: 14 * day,
            rotate: 90 * day,
            retain: 14 * day,
            seal: None,
        }
    }
}
