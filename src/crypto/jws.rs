//! Compact JWS (RFC 7515), read strictly: the library checks the signature and nothing else.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use jsonwebtoken::AlgorithmFamily;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::AlgorithmParameters;
use jsonwebtoken::jwk::EllipticCurve;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::jwk::KeyOperations;
use jsonwebtoken::jwk::PublicKeyUse;
use serde::Deserialize;
use serde::Deserializer;
use serde::de;
use serde_json::Map;
use serde_json::Value;

use crate::clock::Timestamp;
use crate::crypto::secret::Secret;

/// Longest token that is looked at.
const LONGEST: usize = 128 * 1024;
/// Longest key id.
const LONGEST_KEY_ID: usize = 512;
/// Keys tried for a token that does not say which one it means.
const MOST_ATTEMPTS: usize = 4;

/// What may verify a token: chosen by whoever is believed to have signed it, never by the token.
#[derive(Debug)]
pub struct Verifier<'a, A> {
    /// The signer's keys.
    pub keys: &'a [Jwk],
    /// Names of the algorithms accepted from it.
    pub algorithms: &'a [A],
    /// The secret shared with it, which `HS256` and its kin are keyed with.
    pub secret: Option<&'a Secret>,
    /// What kind of token it must be.
    pub kind: Kind,
}

/// What `typ` must say, without regard to case (RFC 8725 §3.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `JWT` or nothing.
    Jwt,
    /// `JWT` or nothing, as before kinds had names, or this one.
    JwtOr(&'static str),
    /// This one.
    Only(&'static str),
}

/// A token whose signature is right.
#[derive(Debug)]
pub struct Verified {
    /// Its claims.
    pub claims: Map<String, Value>,
    /// What it was signed with.
    pub algorithm: Algorithm,
}

/// The rule of RFC 7515 or RFC 8725 that a token breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwsFault {
    /// Not three parts of strict base64url with JSON objects, or over 128 KiB.
    #[error("malformed")]
    Malformed,
    /// Signed with an algorithm that is not accepted, or not at all.
    #[error("algorithm not accepted")]
    Algorithm,
    /// `typ` says that it is another kind of token.
    #[error("another kind of token")]
    Type,
    /// `crit`, `zip` or `enc`: header parameters that change the meaning and that we do not know.
    #[error("critical header parameter")]
    Critical,
    /// None of the keys fits.
    #[error("unknown key")]
    UnknownKey,
    /// The signature does not verify.
    #[error("signature")]
    Signature,
}

impl<A: AsRef<str>> Verifier<'_, A> {
    /// Reads `token` and checks its signature.
    ///
    /// # Errors
    ///
    /// The rule that it breaks. Keys in its header (`jwk`, `jku`, `x5u`, `x5c`) are not looked at.
    pub fn verify(&self, token: &str) -> Result<Verified, JwsFault> {
        let (message, signature) = split(token)?;
        let (header, payload) = message.split_once('.').ok_or(JwsFault::Malformed)?;
        let header = decode(header)?;
        let algorithm = self.algorithm(&header)?;
        check_header(&header, self.kind)?;
        self.check_signature(algorithm, key_id(&header)?, message, signature)?;
        Ok(Verified { claims: decode(payload)?, algorithm })
    }

    fn algorithm(&self, header: &Map<String, Value>) -> Result<Algorithm, JwsFault> {
        let name = header.get("alg").and_then(Value::as_str).ok_or(JwsFault::Algorithm)?;
        if !self.algorithms.iter().any(|known| known.as_ref() == name) {
            return Err(JwsFault::Algorithm);
        }
        Algorithm::from_str(name).map_err(|_| JwsFault::Algorithm)
    }

    fn check_signature(
        &self,
        algorithm: Algorithm,
        key_id: Option<&str>,
        message: &str,
        signature: &str,
    ) -> Result<(), JwsFault> {
        let right = |key: &DecodingKey| {
            jsonwebtoken::crypto::verify(signature, message.as_bytes(), key, algorithm)
                .unwrap_or(false)
        };
        if algorithm.family() == AlgorithmFamily::Hmac {
            let secret = self.secret.ok_or(JwsFault::UnknownKey)?;
            let key = DecodingKey::from_secret(secret.expose().as_bytes());
            return right(&key).then_some(()).ok_or(JwsFault::Signature);
        }
        let mut keys = self
            .keys
            .iter()
            .filter(|key| fits(key, algorithm))
            .filter(|key| key_id.is_none_or(|id| key.common.key_id.as_deref() == Some(id)))
            .take(MOST_ATTEMPTS)
            .filter_map(|key| DecodingKey::from_jwk(key).ok())
            .peekable();
        if keys.peek().is_none() {
            return Err(JwsFault::UnknownKey);
        }
        keys.any(|key| right(&key)).then_some(()).ok_or(JwsFault::Signature)
    }
}

/// Whether `key` is meant for verifying signatures of this algorithm (RFC 7517 §4.1–4.4).
fn fits(key: &Jwk, algorithm: Algorithm) -> bool {
    let kind = match (&key.algorithm, algorithm) {
        (AlgorithmParameters::EllipticCurve(key), Algorithm::ES256) => {
            key.curve == EllipticCurve::P256
        }
        (AlgorithmParameters::EllipticCurve(key), Algorithm::ES384) => {
            key.curve == EllipticCurve::P384
        }
        (AlgorithmParameters::RSA(_), algorithm) => algorithm.family() == AlgorithmFamily::Rsa,
        (AlgorithmParameters::OctetKeyPair(key), Algorithm::EdDSA) => {
            key.curve == EllipticCurve::Ed25519
        }
        _ => false,
    };
    let common = &key.common;
    let use_fits =
        common.public_key_use.as_ref().is_none_or(|used| *used == PublicKeyUse::Signature);
    let operation_fits =
        common.key_operations.as_ref().is_none_or(|list| list.contains(&KeyOperations::Verify));
    let algorithm_fits = common
        .key_algorithm
        .is_none_or(|named| Algorithm::from_str(&named.to_string()).is_ok_and(|a| a == algorithm));
    kind && use_fits && operation_fits && algorithm_fits
}

/// RFC 8725 §3.11 and RFC 7515 §4.1.11: another kind of token, or one that asks for what we do not
/// understand, is refused whatever its signature.
fn check_header(header: &Map<String, Value>, kind: Kind) -> Result<(), JwsFault> {
    if ["crit", "zip", "enc", "b64"].iter().any(|name| header.contains_key(*name)) {
        return Err(JwsFault::Critical);
    }
    let (plain, named) = match kind {
        Kind::Jwt => (true, "JWT"),
        Kind::JwtOr(name) => (true, name),
        Kind::Only(name) => (false, name),
    };
    let said = match header.get("typ") {
        None => "JWT",
        Some(Value::String(said)) => said,
        Some(_) => return Err(JwsFault::Type),
    };
    let fits = said.eq_ignore_ascii_case(named) || plain && said.eq_ignore_ascii_case("JWT");
    fits.then_some(()).ok_or(JwsFault::Type)
}

/// What a token says of itself, unchecked: to find out who is said to have signed it.
#[derive(Clone, Debug)]
pub struct Peeked {
    /// Its header.
    pub header: Map<String, Value>,
    /// Its claims.
    pub claims: Map<String, Value>,
}

/// Reads a token and checks nothing.
///
/// # Errors
///
/// [`JwsFault::Malformed`].
pub fn peek(token: &str) -> Result<Peeked, JwsFault> {
    let (message, _) = split(token)?;
    let (header, payload) = message.split_once('.').ok_or(JwsFault::Malformed)?;
    Ok(Peeked { header: decode(header)?, claims: decode(payload)? })
}

/// What is signed, and the signature, of a token of three parts.
fn split(token: &str) -> Result<(&str, &str), JwsFault> {
    let parts = (token.len() <= LONGEST).then(|| token.rsplit_once('.')).flatten();
    let three = parts.filter(|(message, _)| message.matches('.').count() == 1);
    three.ok_or(JwsFault::Malformed)
}

fn key_id(header: &Map<String, Value>) -> Result<Option<&str>, JwsFault> {
    match header.get("kid") {
        None => Ok(None),
        Some(Value::String(id)) if id.len() <= LONGEST_KEY_ID => Ok(Some(id)),
        Some(_) => Err(JwsFault::Malformed),
    }
}

/// Strict base64url of a JSON object in which no name stands twice (RFC 7515 §4, RFC 7519 §4).
fn decode(part: &str) -> Result<Map<String, Value>, JwsFault> {
    let json = URL_SAFE_NO_PAD.decode(part).map_err(|_| JwsFault::Malformed)?;
    object(&json).ok_or(JwsFault::Malformed)
}

/// The JSON object in `json`; `None` when it is anything else, or a name stands there twice.
pub fn object(json: &[u8]) -> Option<Map<String, Value>> {
    serde_json::from_slice::<Unique>(json).ok().map(|unique| unique.0)
}

/// A claim that is a `NumericDate` (RFC 7519 §2); fractions are cut off.
pub fn moment(claims: &Map<String, Value>, name: &str) -> Option<Timestamp> {
    let value = claims.get(name)?;
    if let Some(seconds) = value.as_i64() {
        return Some(Timestamp(seconds));
    }
    #[expect(clippy::cast_possible_truncation, reason = "checked to lie far within the range")]
    let whole = |seconds: f64| Timestamp(seconds as i64);
    value.as_f64().filter(|seconds| (0.0..1e15).contains(seconds)).map(whole)
}

struct Unique(Map<String, Value>);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Unique;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object whose names are unique")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut access: A) -> Result<Unique, A::Error> {
                let mut map = Map::new();
                while let Some((name, value)) = access.next_entry::<String, Value>()? {
                    if map.insert(name, value).is_some() {
                        return Err(de::Error::custom("a name stands there twice"));
                    }
                }
                Ok(Unique(map))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}
