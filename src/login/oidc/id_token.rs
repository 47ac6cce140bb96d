//! Whether an ID token speaks to us, of this sign-in, now (OpenID Connect Core §3.1.3.7, §3.3.2.11).

use std::time::Duration;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde_json::Map;
use serde_json::Value;

use crate::clock::Timestamp;
use crate::crypto::secret::Secret;
use crate::login::oidc::fault::TokenFault;
use crate::login::oidc::jws::Verified;
use crate::login::oidc::jws::Verifier;

/// What an ID token must say.
pub(super) struct Expected<'a> {
    /// The issuer that was asked.
    pub issuer: &'a str,
    /// Our client id there.
    pub client_id: &'a str,
    /// What was sent as `nonce`.
    pub nonce: &'a str,
    /// The present moment.
    pub now: Timestamp,
    /// Accepted difference between the clocks.
    pub skew: Duration,
}

/// An ID token that has been believed.
#[derive(Debug)]
pub(super) struct IdToken {
    /// Its claims.
    pub claims: Map<String, Value>,
    /// The provider's name for the person.
    pub subject: String,
    algorithm: Algorithm,
}

/// Longest time from `iat` to the moment that we see the token: a started sign-in's life.
const OLDEST: Duration = Duration::from_mins(10);
/// `sub` is at most 255 ASCII characters.
const LONGEST_SUBJECT: usize = 255;

/// Verifies `token`.
///
/// # Errors
///
/// The rule that it breaks.
pub(super) fn verify(
    token: &str,
    verifier: &Verifier<'_>,
    expected: &Expected<'_>,
) -> Result<IdToken, TokenFault> {
    let Verified { claims, algorithm } = verifier.verify(token)?;
    if text(&claims, "iss") != Some(expected.issuer) {
        return Err(TokenFault::Issuer);
    }
    check_audience(&claims, expected.client_id)?;
    check_times(&claims, expected)?;
    let nonce = text(&claims, "nonce").ok_or(TokenFault::Nonce)?;
    if !Secret::new(expected.nonce).matches(nonce) {
        return Err(TokenFault::Nonce);
    }
    let subject = subject(&claims)?.to_owned();
    Ok(IdToken { claims, subject, algorithm })
}

impl IdToken {
    /// Checks `c_hash` of a token that came with a code through the browser, where it must be there.
    ///
    /// # Errors
    ///
    /// [`TokenFault::Hash`].
    pub(super) fn check_code(&self, code: &str) -> Result<(), TokenFault> {
        self.check_hash(text(&self.claims, "c_hash").ok_or(TokenFault::Hash)?, code)
    }

    /// Checks `at_hash`, which may be missing at the token endpoint.
    ///
    /// # Errors
    ///
    /// [`TokenFault::Hash`].
    pub(super) fn check_access_token(&self, access_token: &str) -> Result<(), TokenFault> {
        match self.claims.get("at_hash") {
            None => Ok(()),
            Some(Value::String(hash)) => self.check_hash(hash, access_token),
            Some(_) => Err(TokenFault::Hash),
        }
    }

    /// The left half of the digest that the signature's algorithm uses, in base64url.
    fn check_hash(&self, hash: &str, of: &str) -> Result<(), TokenFault> {
        let algorithm = match self.algorithm {
            Algorithm::HS256 | Algorithm::RS256 | Algorithm::ES256 | Algorithm::PS256 => {
                &digest::SHA256
            }
            Algorithm::HS384 | Algorithm::RS384 | Algorithm::ES384 | Algorithm::PS384 => {
                &digest::SHA384
            }
            Algorithm::HS512 | Algorithm::RS512 | Algorithm::PS512 | Algorithm::EdDSA => {
                &digest::SHA512
            }
            // The library may learn further algorithms; their digests are not known here.
            _ => return Err(TokenFault::Hash),
        };
        let digest = digest::digest(algorithm, of.as_bytes());
        let half = digest.as_ref().len() / 2;
        let half = digest.as_ref().get(..half).unwrap_or_default();
        let right = Secret::new(URL_SAFE_NO_PAD.encode(half)).matches(hash);
        right.then_some(()).ok_or(TokenFault::Hash)
    }
}

/// The subject, when it is one.
pub(super) fn subject(claims: &Map<String, Value>) -> Result<&str, TokenFault> {
    text(claims, "sub")
        .filter(|sub| !sub.is_empty() && sub.len() <= LONGEST_SUBJECT && sub.is_ascii())
        .ok_or(TokenFault::Subject)
}

/// `aud` is or holds our client id; beside others only when `azp` says that the token is ours.
fn check_audience(claims: &Map<String, Value>, client_id: &str) -> Result<(), TokenFault> {
    let alone = match claims.get("aud") {
        Some(Value::String(only)) if only == client_id => true,
        Some(Value::Array(several)) => {
            let ours = several.iter().any(|one| one.as_str() == Some(client_id));
            if !ours || !several.iter().all(Value::is_string) {
                return Err(TokenFault::Audience);
            }
            several.len() == 1
        }
        Some(_) | None => return Err(TokenFault::Audience),
    };
    match claims.get("azp") {
        None if alone => Ok(()),
        None => Err(TokenFault::Audience),
        Some(party) if party.as_str() == Some(client_id) => Ok(()),
        Some(_) => Err(TokenFault::AuthorizedParty),
    }
}

fn check_times(claims: &Map<String, Value>, expected: &Expected<'_>) -> Result<(), TokenFault> {
    let (now, skew) = (expected.now, expected.skew);
    let expires = moment(claims, "exp").ok_or(TokenFault::Expired)?;
    if now >= expires.plus(skew) {
        return Err(TokenFault::Expired);
    }
    let issued = moment(claims, "iat").ok_or(TokenFault::IssuedAt)?;
    if issued > now.plus(skew) || now > issued.plus(OLDEST).plus(skew) {
        return Err(TokenFault::IssuedAt);
    }
    match claims.get("nbf") {
        None => Ok(()),
        Some(_) if moment(claims, "nbf").is_some_and(|from| from <= now.plus(skew)) => Ok(()),
        Some(_) => Err(TokenFault::NotYet),
    }
}

/// A `NumericDate`; fractions are cut off.
pub(super) fn moment(claims: &Map<String, Value>, name: &str) -> Option<Timestamp> {
    let value = claims.get(name)?;
    if let Some(seconds) = value.as_i64() {
        return Some(Timestamp(seconds));
    }
    #[expect(clippy::cast_possible_truncation, reason = "checked to lie far within the range")]
    let whole = |seconds: f64| Timestamp(seconds as i64);
    value.as_f64().filter(|seconds| (0.0..1e15).contains(seconds)).map(whole)
}

fn text<'c>(claims: &'c Map<String, Value>, name: &str) -> Option<&'c str> {
    claims.get(name).and_then(Value::as_str)
}
