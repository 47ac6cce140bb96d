//! Whether a logout token is one, and whom it is about (OpenID Connect Back-Channel Logout §2.4, §2.6).

use jsonwebtoken::jwk::Jwk;
use serde_json::Map;
use serde_json::Value;

use crate::clock::Timestamp;
use crate::crypto::digest;
use crate::crypto::jws;
use crate::crypto::jws::Kind;
use crate::crypto::jws::Verifier;
use crate::login::oidc::Fault;
use crate::login::oidc::Peer;
use crate::login::oidc::RelyingParty;
use crate::login::oidc::expected;
use crate::login::oidc::fault::TokenFault;
use crate::login::oidc::id_token;
use crate::login::oidc::id_token::Expected;
use crate::login::oidc::verifier;

/// A logout token that has been believed, but for its replay.
#[derive(Debug)]
pub(in crate::login) struct LogoutToken {
    /// Which session, `None` for all of the person's.
    pub sid: Option<String>,
    /// Who.
    pub subject: Option<String>,
    /// The digest of issuer and `jti`, which a second token must not have.
    pub id: [u8; 16],
}

/// The `typ` of a logout token (§2.4).
const KIND: &str = "logout+jwt";
/// The event that makes a token one.
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// Longest `sid` and `jti`.
const LONGEST: usize = 1024;

impl RelyingParty {
    /// Verifies a logout token of this provider.
    ///
    /// # Errors
    ///
    /// As for an ID token; [`Fault::Down`] when its keys cannot be had.
    pub(in crate::login) async fn logout_token(
        &self,
        peer: Peer<'_>,
        token: &str,
        now: Timestamp,
    ) -> Result<LogoutToken, Fault> {
        let metadata = self.metadata(peer, now).await?;
        let expected = expected(peer, &metadata, "", now);
        let judge = |keys: &[Jwk]| {
            let verifier = Verifier { kind: Kind::JwtOr(KIND), ..verifier(peer, keys) };
            verify(token, &verifier, &expected)
        };
        self.with_keys(peer, &metadata, now, judge).await
    }
}

/// Issuer and audience that a logout token names, believed by nobody yet.
pub(in crate::login) fn addressed(token: &str) -> Option<(String, Vec<String>)> {
    let claims = jws::peek(token).ok()?.claims;
    let issuer = claims.get("iss")?.as_str()?.to_owned();
    let audience = match claims.get("aud")? {
        Value::String(one) => vec![one.clone()],
        Value::Array(several) => {
            several.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => return None,
    };
    Some((issuer, audience))
}

/// Verifies `token`, step by step as §2.6 numbers them.
///
/// # Errors
///
/// The rule that it breaks.
pub(super) fn verify(
    token: &str,
    verifier: &Verifier<'_, String>,
    expected: &Expected<'_>,
) -> Result<LogoutToken, TokenFault> {
    // (1) to (4): ours is a plain JWS; algorithm, signature, iss, aud, iat, exp as of an ID token.
    let claims = verifier.verify(token)?.claims;
    id_token::check_address(&claims, expected)?;
    // (5)
    let subject = match claims.get("sub") {
        None => None,
        Some(_) => Some(id_token::subject(&claims)?.to_owned()),
    };
    let sid = match claims.get("sid") {
        None => None,
        Some(_) => Some(name(&claims, "sid").ok_or(TokenFault::Session)?.to_owned()),
    };
    if subject.is_none() && sid.is_none() {
        return Err(TokenFault::Session);
    }
    // (6) and (7)
    let event = claims.get("events").and_then(Value::as_object).and_then(|all| all.get(EVENT));
    if !event.is_some_and(Value::is_object) || claims.contains_key("nonce") {
        return Err(TokenFault::Event);
    }
    // (8) is for whoever remembers: the id is spent once everything else is right.
    let id = name(&claims, "jti").ok_or(TokenFault::Identifier)?;
    Ok(LogoutToken { sid, subject, id: identity_of(expected.issuer.name, id) })
}

fn name<'c>(claims: &'c Map<String, Value>, name: &str) -> Option<&'c str> {
    let text = claims.get(name)?.as_str()?;
    (1..=LONGEST).contains(&text.len()).then_some(text)
}

fn identity_of(issuer: &str, id: &str) -> [u8; 16] {
    let [half @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] =
        digest::sha256(format!("{}:{issuer}{id}", issuer.len()).as_bytes());
    half
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::crypto::jws::JwsFault;
    use crate::login::fake_provider::Signer;
    use crate::login::oidc::metadata::Issuer;
    use crate::login::testing::NOW;

    const ISSUER: &str = "https://idp.test";

    fn claims() -> Value {
        json!({
            "iss": ISSUER, "aud": "gateway", "iat": NOW.0, "exp": NOW.0 + 120, "jti": "j-1",
            "sub": "42", "sid": "s-1", "events": { EVENT: {} }, "unknown": "ignored"
        })
    }

    fn judge(signer: &Signer, header: &Value, claims: &Value) -> Result<LogoutToken, TokenFault> {
        let keys = [Signer::es256("other").jwk, signer.jwk.clone()];
        let algorithms = ["ES256".to_owned()];
        let kind = Kind::JwtOr(KIND);
        let verifier = Verifier { keys: &keys, algorithms: &algorithms, secret: None, kind };
        let skew = Duration::from_mins(1);
        let expected = Expected {
            issuer: Issuer { name: ISSUER, alias: None },
            client_id: "gateway",
            nonce: "",
            now: NOW,
            skew,
        };
        verify(&signer.sign(header, claims), &verifier, &expected)
    }

    #[test]
    fn k244_each_rule_is_checked() {
        let signer = Signer::es256("k");
        let with = |name: &str, value: Value| {
            let mut claims = claims();
            if value.is_null() {
                claims.as_object_mut().unwrap().remove(name);
            } else {
                claims[name] = value;
            }
            judge(&signer, &json!({}), &claims).err()
        };
        for (name, value, fault) in [
            ("iss", json!("https://other.test"), TokenFault::Issuer),
            ("iss", json!(null), TokenFault::Issuer),
            ("aud", json!("other"), TokenFault::Audience),
            ("aud", json!(null), TokenFault::Audience),
            ("iat", json!(null), TokenFault::IssuedAt),
            ("iat", json!(NOW.0 + 61), TokenFault::IssuedAt),
            ("exp", json!(null), TokenFault::Expired),
            ("exp", json!(NOW.0 - 60), TokenFault::Expired),
            ("jti", json!(null), TokenFault::Identifier),
            ("jti", json!(""), TokenFault::Identifier),
            ("jti", json!(7), TokenFault::Identifier),
            ("nonce", json!("n"), TokenFault::Event),
            ("nonce", json!(7), TokenFault::Event),
            ("events", json!(null), TokenFault::Event),
            ("events", json!([EVENT]), TokenFault::Event),
            ("events", json!(EVENT), TokenFault::Event),
            ("events", json!({}), TokenFault::Event),
            ("events", json!({ "http://schemas.openid.net/event/foo": {} }), TokenFault::Event),
            ("events", json!({ EVENT: true }), TokenFault::Event),
            ("sub", json!(42), TokenFault::Subject),
            ("sub", json!(""), TokenFault::Subject),
            ("sid", json!(""), TokenFault::Session),
            ("sid", json!([1]), TokenFault::Session),
        ] {
            assert_eq!(with(name, value.clone()), Some(fault), "{name} {value}");
        }
        assert_eq!(with("sub", json!(null)), None, "a session alone");
        assert_eq!(with("sid", json!(null)), None, "a person alone");
        assert_eq!(with("aud", json!(["gateway"])), None);
    }

    #[test]
    fn k244_nobody_is_none_and_other_kinds_of_tokens_are_refused() {
        let signer = Signer::es256("k");
        let mut nobody = claims();
        nobody.as_object_mut().unwrap().retain(|name, _| name != "sub" && name != "sid");
        let judge = |header: Value, claims: &Value| judge(&signer, &header, claims).err();
        assert_eq!(judge(json!({}), &nobody), Some(TokenFault::Session));
        for (kind, fault) in [
            ("logout+jwt", None),
            ("JWT", None),
            ("at+jwt", Some(TokenFault::Signed(JwsFault::Type))),
            ("secevent+jwt", Some(TokenFault::Signed(JwsFault::Type))),
        ] {
            assert_eq!(judge(json!({ "typ": kind }), &claims()), fault, "{kind}");
        }
        for algorithm in ["none", "RS256", "HS256"] {
            let fault = judge(json!({ "alg": algorithm }), &claims());
            assert_eq!(fault, Some(TokenFault::Signed(JwsFault::Algorithm)), "{algorithm}");
        }
    }
}
