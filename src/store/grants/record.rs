//! The shape of a record, the same in every store.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::clock::Timestamp;
use crate::crypto::digest;

/// What a record is. A handle of one kind is nothing to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// What a person allowed a client. Everything issued under it is good only while it is there.
    Grant,
    /// An authorization code.
    Code,
    /// An access token that says nothing by itself.
    ReferenceToken,
    /// The refresh tokens of a grant.
    RefreshToken,
    /// A device that waits for approval (RFC 8628).
    DeviceCode,
    /// The short code that a person types for a device.
    UserCode,
    /// A consent that a person wants remembered.
    Consent,
    /// A pushed authorization request (RFC 9126).
    PushedRequest,
    /// An id that may be used once: `jti` of assertions and proofs.
    UsedId,
    /// `jti` of an access token that was revoked before its end.
    RevokedToken,
    /// A link by which a person chooses a new password.
    PasswordReset,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 11] = [
        Self::Grant,
        Self::Code,
        Self::ReferenceToken,
        Self::RefreshToken,
        Self::DeviceCode,
        Self::UserCode,
        Self::Consent,
        Self::PushedRequest,
        Self::UsedId,
        Self::RevokedToken,
        Self::PasswordReset,
    ];

    /// How many records of it one owner may have.
    pub(in crate::store) const fn share(self) -> usize {
        match self {
            Self::PasswordReset => 8,
            Self::Code => 32,
            Self::RefreshToken => 64,
            Self::Grant | Self::Consent => 256,
            // Of a network: more than it may ask for while they live.
            Self::DeviceCode | Self::UserCode => 400,
            Self::PushedRequest => 1_000,
            Self::ReferenceToken | Self::RevokedToken => 10_000,
            // One that is forgotten could be used again: a client fills its own share, and so does
            // the key of a proof.
            Self::UsedId => 50_000,
        }
    }

    /// How many records of it a database may have.
    pub(in crate::store) const fn most(self) -> usize {
        match self {
            Self::PushedRequest
            | Self::Code
            | Self::DeviceCode
            | Self::UserCode
            | Self::PasswordReset => 200_000,
            Self::Grant
            | Self::RefreshToken
            | Self::Consent
            | Self::ReferenceToken
            | Self::RevokedToken
            | Self::UsedId => 2_000_000,
        }
    }

    /// Its name in a store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Grant => "grant",
            Self::Code => "authorization_code",
            Self::ReferenceToken => "reference_token",
            Self::RefreshToken => "refresh_token",
            Self::DeviceCode => "device_code",
            Self::UserCode => "user_code",
            Self::Consent => "user_consent",
            Self::PushedRequest => "pushed_request",
            Self::UsedId => "used_id",
            Self::RevokedToken => "revoked_token",
            Self::PasswordReset => "password_reset",
        }
    }
}

/// One thing that is remembered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Name of the grant that it stands and falls with; empty for what stands alone.
    pub grant: String,
    /// `client_id`, where it concerns one.
    pub client: String,
    /// `sub`, where it concerns a person.
    pub subject: String,
    /// `sid`, where it came about in a session.
    pub session: String,
    /// Whose share of the store it takes: a session, a subject, a client or a network. Nobody can
    /// push out what belongs to others.
    pub owner: String,
    /// What its kind makes of it, as JSON.
    pub data: String,
    /// When it is worth nothing any more.
    pub ends_at: Timestamp,
    /// How often it has been replaced.
    pub version: i64,
    /// Whether it has been used.
    pub spent: bool,
}

/// What came of using a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spending {
    /// This was its first use.
    First(Record),
    /// It has been used before.
    Again(Record),
    /// There is no such record, or its time is up.
    Unknown,
}

/// A record's name in a store: the SHA-256 of kind and handle, so that a store that leaks gives
/// away nothing that could be used.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key(pub(super) [u8; 32]);

impl Key {
    /// The key of what `handle` names.
    pub fn of(kind: Kind, handle: &str) -> Self {
        Self(digest::sha256(format!("{}:{handle}", kind.name()).as_bytes()))
    }

    /// Reads what [`fmt::Display`] wrote.
    pub fn read(text: &str) -> Option<Self> {
        Some(Self(URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l259_a_key_does_not_tell_its_handle_and_one_kinds_key_is_not_anothers() {
        let code = Key::of(Kind::Code, "AB12");
        assert_eq!(Key::read(&code.to_string()), Some(code));
        assert_eq!(code.to_string().len(), 43);
        for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Code) {
            assert_ne!(Key::of(kind, "AB12"), code);
        }
    }
}
