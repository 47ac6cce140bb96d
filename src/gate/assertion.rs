//! The signed assertion: the caller's identity for one upstream, for a few minutes (ES256; RFC 7519).

use serde::Serialize;

use crate::clock::Timestamp;
use crate::crypto::random;
use crate::session::Session;

/// `iss` of every assertion.
pub const ISSUER: &str = "vestibule";

/// `typ` of every assertion: it is no access token and no ID token (RFC 8725 §3.11).
pub const TYPE: &str = "vestibule-assertion+jwt";

/// Where an upstream finds the keys to check an assertion with, on every host.
pub const JWKS_PATH: &str = "/.well-known/vestibule/jwks.json";

/// What an assertion says.
#[derive(Debug, Serialize)]
pub struct Assertion<'a> {
    iss: &'static str,
    aud: &'a str,
    sub: &'a str,
    iat: i64,
    exp: i64,
    jti: String,
    sid: &'a str,
    idp: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    roles: &'a [String],
    is_administrator: bool,
}

impl<'a> Assertion<'a> {
    /// The assertion of `session` for `audience`, valid from `now` until `exp`.
    pub fn new(session: &'a Session, audience: &'a str, now: Timestamp, exp: Timestamp) -> Self {
        let user = &session.identity.user;
        Self {
            iss: ISSUER,
            aud: audience,
            sub: &user.name,
            iat: now.0,
            exp: exp.0,
            jti: random::identifier(),
            sid: &session.public_id,
            idp: &session.identity.provider,
            email: user.property("Email"),
            roles: &user.roles,
            is_administrator: user.is_administrator,
        }
    }
}
