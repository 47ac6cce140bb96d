//! `private_key_jwt` (RFC 7523 §3, OpenID Connect Core §9): a client that proves itself with a token
//! it signed.
//!
//! The audience is the issuer and nothing else. OpenID Connect Core also suggests the token
//! endpoint's address, but an assertion for an address can be had from a client by another server
//! that names that address as its own ("audience injection", draft-ietf-oauth-rfc7523bis); an issuer
//! cannot be lent, because clients compare it.

use jsonwebtoken::jwk::Jwk;
use serde_json::Map;
use serde_json::Value;

use crate::clock::Timestamp;
use crate::crypto::jws;
use crate::crypto::jws::Kind;
use crate::crypto::jws::Peeked;
use crate::crypto::jws::Verifier;
use crate::http::form::Form;

/// `client_assertion_type` of a JWT (RFC 7523 §2.2).
pub(super) const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Every algorithm an assertion may be signed with; discovery names them.
pub(super) const ALGORITHMS: [&str; 9] =
    ["ES256", "ES384", "EdDSA", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"];

/// Longest assertion, in bytes (IdentityServer4's limit for a JWT).
const LONGEST: usize = 51_200;
/// Longest `jti`, in bytes.
const LONGEST_ID: usize = 255;
/// How long an assertion may live, in seconds: an hour, which is what common libraries write. Its
/// `jti` is remembered as long.
const LIFE: i64 = 3_600;
/// How far a client's clock and ours may be apart, in seconds.
const SKEW: i64 = 60;

/// An assertion, read and not yet believed.
#[derive(Debug)]
pub(super) struct Assertion<'a> {
    token: &'a str,
    peeked: Peeked,
    /// Who it says it is: `iss` and `sub`, and `client_id` where that is sent beside it.
    pub(super) client: String,
}

/// An assertion that is right, though it may have been used before.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Proven {
    /// `jti`.
    pub(super) id: String,
    /// When no clock can take it for valid any more.
    pub(super) ends_at: Timestamp,
}

/// Whether the form holds an assertion, or something that is meant to be one.
pub(super) fn is_in(form: &Form) -> bool {
    form.get("client_assertion").is_some() || form.get("client_assertion_type").is_some()
}

impl<'a> Assertion<'a> {
    /// The assertion in `form`; `None` when it is malformed or contradicts itself.
    pub(super) fn read(form: &'a Form) -> Option<Self> {
        let token = form.get("client_assertion").filter(|token| token.len() <= LONGEST)?;
        let peeked = jws::peek(token).ok()?;
        let client = text(&peeked.claims, "iss")?.to_owned();
        let same = |other: Option<&str>| other == Some(client.as_str());
        let named = form.get("client_id").is_none_or(|id| id == client);
        let typed = form.get("client_assertion_type") == Some(TYPE);
        (typed && named && same(text(&peeked.claims, "sub"))).then_some(Self {
            token,
            peeked,
            client,
        })
    }

    /// Checks it with its client's keys.
    pub(super) fn prove(&self, keys: Vec<Jwk>, issuer: &str, now: Timestamp) -> Option<Proven> {
        let keys: Vec<Jwk> = keys.into_iter().map(|key| self.under_its_name(key)).collect();
        let kind = Kind::JwtOr("client-authentication+jwt");
        let verifier = Verifier { keys: &keys, algorithms: &ALGORITHMS, secret: None, kind };
        let claims = verifier.verify(self.token).ok()?.claims;
        let audience = claims.get("aud")?;
        let only =
            audience.as_array().map_or_else(|| std::slice::from_ref(audience), Vec::as_slice);
        let audience_fits = matches!(only, [one] if one.as_str() == Some(issuer));
        let id = text(&claims, "jti").filter(|id| !id.is_empty() && id.len() <= LONGEST_ID)?;
        let ends_at = end(&claims, now)?;
        audience_fits.then(|| Proven { id: id.to_owned(), ends_at })
    }

    /// A key without a name of its own (a certificate, mostly) may serve for any `kid`.
    fn under_its_name(&self, mut key: Jwk) -> Jwk {
        if key.common.key_id.is_none() {
            key.common.key_id = text(&self.peeked.header, "kid").map(str::to_owned);
        }
        key
    }
}

/// Until when the assertion counts; `None` when it does not count now, or would for too long.
fn end(claims: &Map<String, Value>, now: Timestamp) -> Option<Timestamp> {
    let ends = jws::moment(claims, "exp")?.0;
    let begun = |name: &str| {
        let at = jws::moment(claims, name);
        !claims.contains_key(name) || at.is_some_and(|at| at.0 <= now.0 + SKEW)
    };
    let counts = ends > now.0 - SKEW && ends <= now.0 + LIFE + SKEW;
    // Only then: what it says of itself may be any number.
    (counts && begun("nbf") && begun("iat")).then(|| Timestamp(ends + SKEW + 1))
}

fn text<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    claims.get(name).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::crypto::jwk;
    use crate::crypto::signing::Algorithm;
    use crate::crypto::signing::SigningKey;

    const ISSUER: &str = "https://id.test";
    const NOW: Timestamp = Timestamp(1_800_000_000);

    fn claims(more: &[(&str, Value)]) -> Value {
        let mut claims = json!({"iss": "app", "sub": "app", "aud": ISSUER, "jti": "1",
            "exp": NOW.0 + 60, "iat": NOW.0});
        for (name, value) in more {
            if value.is_null() {
                claims.as_object_mut().unwrap().remove(*name);
            } else {
                claims[name] = value.clone();
            }
        }
        claims
    }

    fn form(token: &str, more: &str) -> Form {
        let fields = [("client_assertion", token), ("client_assertion_type", TYPE)];
        let mut text = url::form_urlencoded::Serializer::new(String::new());
        Form::parse(format!("{}{more}", text.extend_pairs(fields).finish()).as_bytes()).unwrap()
    }

    fn prove(key: &SigningKey, token: &str) -> Option<Proven> {
        let keys = vec![jwk::read(&key.public_jwk())?];
        Assertion::read(&form(token, ""))?.prove(keys, ISSUER, NOW)
    }

    #[test]
    fn tok09_i197_l268_an_assertion_is_the_clients_for_this_issuer_short_and_signed() {
        let key = SigningKey::generate(Algorithm::Es256).unwrap();
        let sign = |more: &[(&str, Value)]| key.sign("JWT", &claims(more)).unwrap();
        let proven = prove(&key, &sign(&[])).unwrap();
        assert_eq!(proven, Proven { id: "1".to_owned(), ends_at: Timestamp(NOW.0 + 121) });
        assert!(prove(&key, &sign(&[("aud", json!([ISSUER]))])).is_some());
        assert!(prove(&key, &sign(&[("iat", Value::Null)])).is_some());
        for (name, value) in [
            ("aud", json!("https://id.test/connect/token")),
            ("aud", json!([ISSUER, "https://other.test"])),
            ("aud", Value::Null),
            ("sub", json!("other")),
            ("sub", Value::Null),
            ("iss", Value::Null),
            ("exp", json!(NOW.0 - 61)),
            ("exp", json!(NOW.0 + 365 * 86_400)),
            ("exp", Value::Null),
            ("exp", json!("soon")),
            ("exp", json!(i64::MAX)),
            ("exp", json!(i64::MIN)),
            ("iat", json!(i64::MAX)),
            ("nbf", json!(i64::MAX)),
            ("iat", json!(NOW.0 + 600)),
            ("nbf", json!(NOW.0 + 600)),
            ("jti", Value::Null),
            ("jti", json!("")),
            ("jti", json!("j".repeat(256))),
        ] {
            assert!(prove(&key, &sign(&[(name, value.clone())])).is_none(), "{name} {value}");
        }
    }

    #[test]
    fn tok09_i197_i211_other_keys_kinds_and_unsigned_assertions_prove_nothing() {
        let key = SigningKey::generate(Algorithm::Es256).unwrap();
        let other = SigningKey::generate(Algorithm::Es256).unwrap();
        assert!(prove(&key, &other.sign("JWT", &claims(&[])).unwrap()).is_none());
        assert!(prove(&key, &key.sign("at+jwt", &claims(&[])).unwrap()).is_none());
        assert!(
            prove(&key, &key.sign("client-authentication+jwt", &claims(&[])).unwrap()).is_some()
        );
        let token = key.sign("JWT", &claims(&[])).unwrap();
        let (_, payload) = token.split_once('.').unwrap();
        let unsigned = format!("eyJhbGciOiJub25lIn0.{}.", payload.split_once('.').unwrap().0);
        assert!(prove(&key, &unsigned).is_none());
        assert!(prove(&key, "x").is_none());
    }

    #[test]
    fn what_stands_beside_an_assertion_must_agree_with_it() {
        let key = SigningKey::generate(Algorithm::Es256).unwrap();
        let token = key.sign("JWT", &claims(&[])).unwrap();
        assert!(Assertion::read(&form(&token, "&client_id=app")).is_some());
        assert!(Assertion::read(&form(&token, "&client_id=other")).is_none());
        let untyped = Form::parse(format!("client_assertion={token}").as_bytes()).unwrap();
        assert!(is_in(&untyped) && Assertion::read(&untyped).is_none());
    }

    #[test]
    fn a_key_without_a_name_serves_for_any_kid() {
        let key = SigningKey::generate(Algorithm::Es256).unwrap();
        let token = key.sign("JWT", &claims(&[])).unwrap();
        let form = form(&token, "");
        let prove = |kid: Option<&str>| {
            let mut jwk = jwk::read(&key.public_jwk()).unwrap();
            jwk.common.key_id = kid.map(str::to_owned);
            Assertion::read(&form).unwrap().prove(vec![jwk], ISSUER, NOW)
        };
        assert!(prove(None).is_some() && prove(Some("another")).is_none());
    }
}
