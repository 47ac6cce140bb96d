//! Whether an access token is the provider's, meant for an API of ours, and good now (RFC 9068 §4).

use std::time::Duration;

use jsonwebtoken::jwk::Jwk;
use serde_json::Map;
use serde_json::Value;

use crate::clock::Timestamp;
use crate::config::model::bearer::BearerRules;
use crate::crypto::jws;
use crate::crypto::jws::Kind;
use crate::crypto::jws::Verifier;
use crate::crypto::jws::moment;
use crate::login::oidc::Fault;
use crate::login::oidc::Peer;
use crate::login::oidc::RelyingParty;
use crate::login::oidc::fault::TokenFault;

/// What an access token must say.
#[derive(Clone, Copy, Debug)]
pub(in crate::login) struct Demands<'a> {
    /// Whose it may be and whom it may be for.
    pub rules: &'a BearerRules,
    /// Whether its issuer is known to call its access tokens by their name; older servers call them
    /// `JWT`, as they call ID tokens.
    pub typed: bool,
    /// The present moment.
    pub now: Timestamp,
    /// Accepted difference between the clocks.
    pub skew: Duration,
}

/// `typ` of an access token (RFC 9068 §2.1).
const KIND: &str = "at+jwt";
/// What providers sign access tokens with. Never a shared secret: everybody who can check such a
/// token could make one.
const ALGORITHMS: [&str; 4] = ["RS256", "PS256", "ES256", "ES384"];

impl RelyingParty {
    /// Verifies an access token with the keys that the provider publishes.
    ///
    /// # Errors
    ///
    /// [`Fault::Token`] for the rule that it breaks; [`Fault::Down`] when the keys cannot be had.
    pub(in crate::login) async fn access_token(
        &self,
        peer: Peer<'_>,
        token: &str,
        demands: &Demands<'_>,
    ) -> Result<Map<String, Value>, Fault> {
        // What its own words give away costs no call to anybody.
        check(&jws::peek(token).map_err(TokenFault::from)?.claims, demands)?;
        let metadata = self.metadata(peer, demands.now).await?;
        let judge = |keys: &[Jwk]| verify(token, keys, demands);
        self.with_keys(peer, &metadata, demands.now, judge).await
    }
}

fn verify(
    token: &str,
    keys: &[Jwk],
    demands: &Demands<'_>,
) -> Result<Map<String, Value>, TokenFault> {
    let kind = if demands.typed { Kind::Only(KIND) } else { Kind::JwtOr(KIND) };
    let verifier = Verifier { keys, algorithms: &ALGORITHMS, secret: None, kind };
    let claims = verifier.verify(token)?.claims;
    check(&claims, demands)?;
    Ok(claims)
}

/// Checks what an access token says.
///
/// # Errors
///
/// The rule that it breaks.
pub(in crate::login) fn check(
    claims: &Map<String, Value>,
    demands: &Demands<'_>,
) -> Result<(), TokenFault> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let issuer = text("iss").ok_or(TokenFault::Issuer)?;
    if !demands.rules.issuers.iter().any(|known| known == issuer.trim_end_matches('/')) {
        return Err(TokenFault::Issuer);
    }
    let meant = |one: &str| demands.rules.audiences.iter().any(|known| known == one);
    let for_us = match claims.get("aud") {
        Some(Value::String(only)) => meant(only),
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).any(meant),
        Some(_) | None => false,
    };
    if !for_us {
        return Err(TokenFault::Audience);
    }
    let (now, skew) = (demands.now, demands.skew);
    if moment(claims, "exp").is_none_or(|end| now >= end.plus(skew)) {
        return Err(TokenFault::Expired);
    }
    if claims.contains_key("nbf") && moment(claims, "nbf").is_none_or(|from| from > now.plus(skew))
    {
        return Err(TokenFault::NotYet);
    }
    // An ID token says neither; an access token that is bound to a key is no bearer token
    // (RFC 9449 §7.1, RFC 8705 §3).
    if text("client_id").is_none_or(str::is_empty) || !claims.contains_key("scope") {
        return Err(TokenFault::NoAccess);
    }
    if claims.contains_key("cnf") {
        return Err(TokenFault::Bound);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::crypto::jws::JwsFault;
    use crate::login::fake_provider::Signer;
    use crate::login::testing::NOW;
    use crate::users::testing;

    fn claims() -> Value {
        json!({
            "iss": "https://id.test", "aud": ["https://id.test/resources", "sitecore.profile.api"],
            "exp": NOW.0 + 60, "nbf": NOW.0, "client_id": "SitecoreCLIServer",
            "scope": ["sitecore.profile.api"]
        })
    }

    fn judge(header: &Value, claims: &Value, typed: bool) -> Result<(), TokenFault> {
        let signer = Signer::es256("k");
        let rules = BearerRules {
            provider: "SitecoreIdentityServer".into(),
            audiences: vec!["sitecore.profile.api".to_owned()],
            issuers: vec!["https://id.test".to_owned()],
            origin: testing::origin(),
        };
        let skew = Duration::from_mins(1);
        let demands = Demands { rules: &rules, typed, now: NOW, skew };
        let token = signer.sign(header, claims);
        verify(&token, std::slice::from_ref(&signer.jwk), &demands).map(|_| ())
    }

    #[test]
    fn l275_i211_each_rule_is_checked() {
        let access = json!({ "typ": "at+jwt" });
        let with = |name: &str, value: Value| {
            let mut claims = claims();
            if value.is_null() {
                claims.as_object_mut().unwrap().remove(name);
            } else {
                claims[name] = value;
            }
            judge(&access, &claims, true).err()
        };
        for (name, value, fault) in [
            ("iss", json!("https://id.test"), None),
            ("iss", json!("https://other.test"), Some(TokenFault::Issuer)),
            ("iss", json!(null), Some(TokenFault::Issuer)),
            ("aud", json!("sitecore.profile.api"), None),
            ("aud", json!("orders"), Some(TokenFault::Audience)),
            ("aud", json!(["orders"]), Some(TokenFault::Audience)),
            ("aud", json!({ "sitecore.profile.api": 1 }), Some(TokenFault::Audience)),
            ("aud", json!(null), Some(TokenFault::Audience)),
            ("exp", json!(NOW.0 - 59), None),
            ("exp", json!(NOW.0 - 60), Some(TokenFault::Expired)),
            ("exp", json!("soon"), Some(TokenFault::Expired)),
            ("exp", json!(null), Some(TokenFault::Expired)),
            ("nbf", json!(null), None),
            ("nbf", json!(NOW.0 + 60), None),
            ("nbf", json!(NOW.0 + 61), Some(TokenFault::NotYet)),
            ("nbf", json!("now"), Some(TokenFault::NotYet)),
            ("client_id", json!(""), Some(TokenFault::NoAccess)),
            ("client_id", json!(null), Some(TokenFault::NoAccess)),
            ("scope", json!(null), Some(TokenFault::NoAccess)),
            ("cnf", json!({ "jkt": "x" }), Some(TokenFault::Bound)),
        ] {
            assert_eq!(with(name, value.clone()), fault, "{name} {value}");
        }
    }

    #[test]
    fn i211_other_kinds_of_tokens_are_refused() {
        let kind = |header: Value, typed: bool| judge(&header, &claims(), typed).err();
        let another = Some(TokenFault::Signed(JwsFault::Type));
        assert_eq!(kind(json!({ "typ": "at+jwt" }), true), None);
        assert_eq!(kind(json!({ "typ": "JWT" }), true), another);
        assert_eq!(kind(json!({ "typ": "JWT" }), false), None);
        assert_eq!(kind(json!({ "typ": "logout+jwt" }), false), another);
        for algorithm in ["none", "HS256"] {
            let header = json!({ "typ": "at+jwt", "alg": algorithm });
            let fault = Some(TokenFault::Signed(JwsFault::Algorithm));
            assert_eq!(kind(header, true), fault, "{algorithm}");
        }
    }
}
