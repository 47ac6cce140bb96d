//! Whether an ID token speaks to us, of this sign-in, now (OpenID Connect Core §3.1.3.7, §3.3.2.11).

use std::time::Duration;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde_json::Map;
use serde_json::Value;

use crate::claims::types;
use crate::clock::Timestamp;
use crate::crypto::jws::Verified;
use crate::crypto::jws::Verifier;
use crate::crypto::jws::moment;
use crate::crypto::secret::Secret;
use crate::login::oidc::fault::TokenFault;
use crate::login::oidc::metadata::Issuer;

/// What an ID token must say.
pub(super) struct Expected<'a> {
    /// The issuer that was asked.
    pub issuer: Issuer<'a>,
    /// Our client id there.
    pub client_id: &'a str,
    /// What was sent as `nonce`; of no meaning to tokens that answer no authorization request.
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
    verifier: &Verifier<'_, String>,
    expected: &Expected<'_>,
) -> Result<IdToken, TokenFault> {
    let token = addressed(verifier.verify(token)?, expected)?;
    let nonce = text(&token.claims, "nonce").ok_or(TokenFault::Nonce)?;
    if !Secret::new(expected.nonce).matches(nonce) {
        return Err(TokenFault::Nonce);
    }
    Ok(token)
}

/// Verifies the `token` of a refresh, which must speak of the same sign-in as `before`, the claims of
/// the one that it replaces (§12.2).
///
/// # Errors
///
/// The rule that it breaks.
pub(super) fn verify_again(
    token: &str,
    verifier: &Verifier<'_, String>,
    expected: &Expected<'_>,
    before: &Map<String, Value>,
) -> Result<IdToken, TokenFault> {
    let token = addressed(verifier.verify(token)?, expected)?;
    if !expected.issuer.is_one(text(before, "iss"), text(&token.claims, "iss")) {
        return Err(TokenFault::Issuer);
    }
    if text(before, "sub") != Some(&token.subject) {
        return Err(TokenFault::Subject);
    }
    if token.claims.get("nonce").is_some_and(|nonce| before.get("nonce") != Some(nonce)) {
        return Err(TokenFault::Nonce);
    }
    let signed_in = |claims| moment(claims, "auth_time");
    let older =
        signed_in(&token.claims).zip(signed_in(before)).is_some_and(|(now, then)| now < then);
    if older { Err(TokenFault::AuthenticatedAt) } else { Ok(token) }
}

/// What every ID token must say, whatever it answers.
fn addressed(verified: Verified, expected: &Expected<'_>) -> Result<IdToken, TokenFault> {
    let Verified { claims, algorithm } = verified;
    check_address(&claims, expected)?;
    let subject = subject(&claims)?.to_owned();
    Ok(IdToken { claims, subject, algorithm })
}

/// `iss`, `aud`, `azp` and the times, which logout tokens share (Back-Channel Logout §2.6).
pub(super) fn check_address(
    claims: &Map<String, Value>,
    expected: &Expected<'_>,
) -> Result<(), TokenFault> {
    if !text(claims, "iss").is_some_and(|said| expected.issuer.is(said)) {
        return Err(TokenFault::Issuer);
    }
    check_audience(claims, expected.client_id)?;
    check_times(claims, expected)
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

/// The subject, when it is one: `sub`, or of providers before OpenID Connect the name identifier.
pub(super) fn subject(claims: &Map<String, Value>) -> Result<&str, TokenFault> {
    let named = ["sub", types::NAME_IDENTIFIER, "nameid"];
    let named = named.into_iter().find(|name| claims.contains_key(*name));
    text(claims, named.ok_or(TokenFault::Subject)?)
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

fn text<'c>(claims: &'c Map<String, Value>, name: &str) -> Option<&'c str> {
    claims.get(name).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::jwk::Jwk;
    use serde_json::json;

    use super::*;
    use crate::crypto::jws::JwsFault;
    use crate::crypto::jws::Kind;
    use crate::login::fake_provider::Signer;
    use crate::login::fake_provider::right_claims;
    use crate::login::testing::NOW;

    const ISSUER: &str = "https://idp.test";

    fn judge(token: &str, keys: &[Jwk], algorithm: &str) -> Result<String, TokenFault> {
        let secret = Secret::new("client secret");
        let algorithms = [algorithm.to_owned()];
        let secret = Some(&secret);
        let verifier = Verifier { keys, algorithms: &algorithms, secret, kind: Kind::Jwt };
        let expected = Expected {
            issuer: Issuer { name: ISSUER, alias: None },
            client_id: "gateway",
            nonce: "n",
            now: NOW,
            skew: Duration::from_mins(5),
        };
        verify(token, &verifier, &expected).map(|token| token.subject)
    }

    fn with(name: &str, value: Value) -> Value {
        let mut claims = right_claims(ISSUER);
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value;
        }
        claims
    }

    #[test]
    fn i202_i203_h172_each_claim_is_checked() {
        let signer = Signer::es256("k");
        let keys = [signer.jwk.clone()];
        let judge = |claims: &Value| judge(&signer.sign(&json!({}), claims), &keys, "ES256");
        assert_eq!(judge(&right_claims(ISSUER)), Ok("42".to_owned()));
        let long = "x".repeat(256);
        for (name, value, fault) in [
            ("iss", json!("https://idp.test/"), TokenFault::Issuer),
            ("iss", json!("HTTPS://idp.test"), TokenFault::Issuer),
            ("iss", json!(null), TokenFault::Issuer),
            ("aud", json!("other"), TokenFault::Audience),
            ("aud", json!("Gateway"), TokenFault::Audience),
            ("aud", json!(["other"]), TokenFault::Audience),
            ("aud", json!(["gateway", "other"]), TokenFault::Audience),
            ("aud", json!(["gateway", 7]), TokenFault::Audience),
            ("aud", json!(null), TokenFault::Audience),
            ("azp", json!("other"), TokenFault::AuthorizedParty),
            ("nonce", json!("other"), TokenFault::Nonce),
            ("nonce", json!(null), TokenFault::Nonce),
            ("sub", json!(null), TokenFault::Subject),
            ("sub", json!(42), TokenFault::Subject),
            ("sub", json!(""), TokenFault::Subject),
            ("sub", json!("\u{e9}"), TokenFault::Subject),
            ("sub", json!(long), TokenFault::Subject),
            ("exp", json!(null), TokenFault::Expired),
            ("exp", json!("2000000000"), TokenFault::Expired),
            ("exp", json!(NOW.0 - 300), TokenFault::Expired),
            ("iat", json!(null), TokenFault::IssuedAt),
            ("iat", json!(NOW.0 + 301), TokenFault::IssuedAt),
            ("iat", json!(NOW.0 - 3600), TokenFault::IssuedAt),
            ("nbf", json!(NOW.0 + 301), TokenFault::NotYet),
            ("nbf", json!("soon"), TokenFault::NotYet),
        ] {
            assert_eq!(judge(&with(name, value.clone())), Err(fault), "{name} {value}");
        }
        for (name, value) in [
            ("aud", json!(["gateway"])),
            ("azp", json!("gateway")),
            ("exp", json!(NOW.0 - 299)),
            ("iat", json!(NOW.0 + 300)),
            ("exp", json!(1_800_000_300.5)),
        ] {
            assert!(judge(&with(name, value.clone())).is_ok(), "{name} {value}");
        }
    }

    #[test]
    fn i197_i199_i211_i212_other_algorithms_kinds_and_critical_parameters_are_refused() {
        let signer = Signer::es256("k");
        let keys = [signer.jwk.clone()];
        let claims = right_claims(ISSUER);
        for (header, fault) in [
            (json!({ "alg": "none" }), JwsFault::Algorithm),
            (json!({ "alg": "nOnE" }), JwsFault::Algorithm),
            (json!({ "alg": "RS256" }), JwsFault::Algorithm),
            (json!({ "alg": 1 }), JwsFault::Algorithm),
            (json!({ "typ": "at+jwt" }), JwsFault::Type),
            (json!({ "typ": "logout+jwt" }), JwsFault::Type),
            (json!({ "crit": ["foo"] }), JwsFault::Critical),
            (json!({ "b64": false }), JwsFault::Critical),
            (json!({ "kid": "other" }), JwsFault::UnknownKey),
            (json!({ "kid": 1 }), JwsFault::Malformed),
            (json!({ "kid": "k".repeat(1000) }), JwsFault::Malformed),
        ] {
            let token = signer.sign(&header, &claims);
            assert_eq!(judge(&token, &keys, "ES256"), Err(fault.into()), "{header}");
        }
        let shared = Signer::hs256("client secret");
        let token = shared.sign(&json!({}), &claims);
        assert_eq!(judge(&token, &keys, "ES256"), Err(JwsFault::Algorithm.into()));
        assert!(judge(&token, &keys, "HS256").is_ok(), "only where it is configured");
        let (head, _) = token.rsplit_once('.').unwrap();
        assert_eq!(judge(head, &keys, "ES256"), Err(JwsFault::Malformed.into()));
        assert_eq!(judge(&format!("{head}."), &keys, "HS256"), Err(JwsFault::Signature.into()));
    }

    #[test]
    fn i200_i205_i214_wrong_signatures_foreign_keys_and_loose_encodings_are_refused() {
        let signer = Signer::es256("k");
        let keys = [signer.jwk.clone()];
        let claims = right_claims(ISSUER);
        let token = signer.sign(&json!({}), &claims);
        let (message, signature) = token.rsplit_once('.').unwrap();
        let other = signer.sign(&json!({}), &with("sub", json!("43")));
        let zeros = URL_SAFE_NO_PAD.encode([0; 64]);
        for signature in [other.rsplit_once('.').unwrap().1, &zeros, "AAAA", &signature[1..]] {
            let token = format!("{message}.{signature}");
            assert_eq!(judge(&token, &keys, "ES256"), Err(JwsFault::Signature.into()));
        }
        let thief = Signer::es256("k");
        let embedded =
            thief.sign(&json!({ "jwk": thief.jwk, "jku": "http://127.0.0.1:1/" }), &claims);
        assert_eq!(judge(&embedded, &keys, "ES256"), Err(JwsFault::Signature.into()));
        for token in
            [format!("{token}="), format!("{token} "), format!("{token}.x"), format!(" {token}")]
        {
            assert!(judge(&token, &keys, "ES256").is_err(), "{token}");
        }
        let twice = signer.sign_raw(r#"{"alg":"ES256","kid":"k"}"#, r#"{"sub":"1","sub":"2"}"#);
        assert_eq!(judge(&twice, &keys, "ES256"), Err(JwsFault::Malformed.into()));
    }

    #[test]
    fn i209_without_a_key_id_the_keys_that_fit_are_tried() {
        let (one, two) = (Signer::es256("one"), Signer::es256("two"));
        let header = r#"{"alg":"ES256"}"#;
        let token = two.sign_raw(header, &right_claims(ISSUER).to_string());
        let keys = [one.jwk, two.jwk];
        assert!(judge(&token, &keys, "ES256").is_ok());
        assert_eq!(judge(&token, &keys[..1], "ES256"), Err(JwsFault::Signature.into()));
        let [_, mut encryption] = keys;
        encryption.common.public_key_use = Some(jsonwebtoken::jwk::PublicKeyUse::Encryption);
        assert_eq!(judge(&token, &[encryption], "ES256"), Err(JwsFault::UnknownKey.into()));
    }
}
