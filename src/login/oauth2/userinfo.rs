//! A provider's own words about a person become a subject and claims, as ASP.NET's handlers map them.

use std::fmt::Write;

use aws_lc_rs::hmac;
use bytes::Bytes;
use http::header;
use serde_json::Map;
use serde_json::Value;
use url::Url;

use crate::claims::types;
use crate::config::model::OAuth2;
use crate::config::model::Userinfo;
use crate::crypto::jws;
use crate::crypto::secret::Secret;
use crate::login::oidc::Fault;

/// The claim type of mail addresses.
pub(super) const EMAIL: &str = types::EMAIL;
/// `sub` is at most 255 ASCII characters; what stands in its place is bound by the same.
const LONGEST_SUBJECT: usize = 255;

/// The request for the description.
///
/// # Errors
///
/// [`Fault::Userinfo`] when the access token cannot be sent.
pub(super) fn request(
    connection: &OAuth2,
    access_token: &Secret,
) -> Result<http::Request<Vec<u8>>, Fault> {
    let userinfo = &connection.userinfo;
    let mut url = userinfo.endpoint.clone();
    if !userinfo.parameters.is_empty() {
        url.query_pairs_mut().extend_pairs(&userinfo.parameters);
    }
    if !userinfo.app_secret_proof {
        return bearer(&url, access_token);
    }
    // Facebook's Graph takes the token and its proof side by side.
    let secret = connection.client_secret.as_ref().map_or("", Secret::expose);
    url.query_pairs_mut()
        .append_pair("access_token", access_token.expose())
        .append_pair("appsecret_proof", &proof(secret, access_token.expose()));
    plain(&url).body(Vec::new()).map_err(unfit)
}

/// A request with the access token in its header (RFC 6750 §2.1).
///
/// # Errors
///
/// As [`request`].
pub(super) fn bearer(url: &Url, access_token: &Secret) -> Result<http::Request<Vec<u8>>, Fault> {
    plain(url)
        .header(header::AUTHORIZATION, format!("Bearer {}", access_token.expose()))
        .body(Vec::new())
        .map_err(unfit)
}

/// GitHub answers nobody without a name.
fn plain(url: &Url) -> http::request::Builder {
    http::Request::get(url.as_str())
        .header(header::ACCEPT, "application/json")
        .header(header::USER_AGENT, "Vestibule")
}

fn unfit(_: http::Error) -> Fault {
    Fault::Userinfo("the access token cannot be sent")
}

/// `appsecret_proof`: HMAC-SHA-256 of the token, keyed with the secret, in hex.
fn proof(secret: &str, access_token: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, access_token.as_bytes());
    tag.as_ref().iter().fold(String::new(), |mut hex, byte| {
        let _infallible = write!(hex, "{byte:02x}");
        hex
    })
}

/// Reads the description.
///
/// # Errors
///
/// [`Fault::Userinfo`] when it is not one JSON object.
pub(super) fn read(answer: &http::Response<Bytes>) -> Result<Map<String, Value>, Fault> {
    jws::object(answer.body()).ok_or(Fault::Userinfo("the answer is no JSON object"))
}

/// The person's name for ever.
///
/// # Errors
///
/// [`Fault::Userinfo`] when there is none, or it is neither text nor a whole number.
pub(super) fn subject(
    userinfo: &Userinfo,
    described: &Map<String, Value>,
) -> Result<String, Fault> {
    let subject = member(described, &userinfo.subject).and_then(|value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => number.as_u64().map(|number| number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    });
    subject
        .filter(|text| !text.is_empty() && text.len() <= LONGEST_SUBJECT && text.is_ascii())
        .ok_or(Fault::Userinfo("it names nobody"))
}

/// The claims, the name identifier first. An address that its provider does not vouch for is none.
///
/// # Errors
///
/// As [`subject`].
pub(super) fn claims(
    userinfo: &Userinfo,
    described: &Map<String, Value>,
) -> Result<Map<String, Value>, Fault> {
    let mut claims = Map::new();
    claims.insert(types::NAME_IDENTIFIER.to_owned(), subject(userinfo, described)?.into());
    let doubtful = described.get("email_verified").is_some_and(|said| *said != Value::Bool(true));
    for mapped in &userinfo.claims {
        if mapped.kind == EMAIL && doubtful {
            continue;
        }
        let known = member(described, &mapped.member).and_then(text);
        if let Some(value) = known {
            claims.entry(&mapped.kind).or_insert(value);
        }
    }
    Ok(claims)
}

/// The primary address of a list as GitHub's, if it is verified.
pub(super) fn primary_email(answer: &http::Response<Bytes>) -> Option<String> {
    let list: Vec<Map<String, Value>> = serde_json::from_slice(answer.body()).ok()?;
    let is = |entry: &Map<String, Value>, name: &str| entry.get(name) == Some(&Value::Bool(true));
    let primary = list.iter().find(|entry| is(entry, "primary") && is(entry, "verified"))?;
    primary.get("email").and_then(Value::as_str).filter(|e| !e.is_empty()).map(str::to_owned)
}

/// The member at `path`, each dot one object deeper.
fn member<'d>(described: &'d Map<String, Value>, path: &str) -> Option<&'d Value> {
    let mut parts = path.split('.');
    let first = described.get(parts.next()?)?;
    parts.try_fold(first, |value, part| value.get(part))
}

/// Text as it is, numbers and truth values written out, lists of text as lists; objects say nothing.
fn text(value: &Value) -> Option<Value> {
    match value {
        Value::String(text) if text.is_empty() => None,
        Value::String(_) => Some(value.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string().into()),
        Value::Array(list) => Some(list.iter().filter(|item| item.is_string()).cloned().collect()),
        Value::Null | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::model::MemberClaim;

    fn userinfo(subject: &str, claims: &[(&str, &str)]) -> Userinfo {
        let claim = |(member, kind): &(&str, &str)| MemberClaim {
            member: (*member).to_owned(),
            kind: (*kind).to_owned(),
        };
        Userinfo {
            endpoint: Url::parse("https://api.test/me").unwrap(),
            parameters: Vec::new(),
            app_secret_proof: false,
            emails: None,
            subject: subject.to_owned(),
            claims: claims.iter().map(claim).collect(),
        }
    }

    fn map(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn a_person_needs_a_name_that_lasts() {
        let of =
            |value: Value| subject(&userinfo("data.id", &[]), &map(&json!({"data": value}))).ok();
        assert_eq!(of(json!({"id": "2244994945"})).as_deref(), Some("2244994945"));
        assert_eq!(of(json!({"id": 583_231})).as_deref(), Some("583231"));
        for nobody in [
            json!({}),
            json!({"id": null}),
            json!({"id": ""}),
            json!({"id": 1.5}),
            json!({"id": -1}),
            json!({"id": true}),
            json!({"id": ["1"]}),
            json!({"id": {"id": "1"}}),
            json!({"id": "x".repeat(256)}),
            json!({"id": "\u{442}"}),
        ] {
            assert_eq!(of(nobody.clone()), None, "{nobody}");
        }
    }

    #[test]
    fn members_become_claims_and_doubtful_addresses_none() {
        let known =
            userinfo("id", &[("login", "n"), ("a.b", "deep"), ("email", EMAIL), ("list", "l")]);
        let said = json!({"id": 1, "login": "octocat", "a": {"b": 7}, "email": "o@x.test",
            "list": ["x", 1], "other": "not asked for"});
        let claims = claims(&known, &map(&said)).unwrap();
        let expected = json!({types::NAME_IDENTIFIER: "1", "n": "octocat", "deep": "7",
            EMAIL: "o@x.test", "l": ["x"]});
        assert_eq!(Value::Object(claims), expected);
        for doubt in [json!(false), json!("false"), json!(null)] {
            let mut said = map(&said);
            said.insert("email_verified".to_owned(), doubt);
            assert_eq!(super::claims(&known, &said).unwrap().get(EMAIL), None);
        }
    }

    #[test]
    fn only_a_verified_primary_address_counts() {
        let of = |list: Value| {
            primary_email(&http::Response::new(Bytes::from(list.to_string().into_bytes())))
        };
        let entry = |email: &str, primary: bool, verified: bool| json!({"email": email, "primary": primary, "verified": verified, "visibility": null});
        let several = json!([entry("a@x", false, true), entry("b@x", true, true)]);
        assert_eq!(of(several).as_deref(), Some("b@x"));
        assert_eq!(of(json!([entry("a@x", false, true), entry("b@x", true, false)])), None);
        for nothing in [json!([]), json!({}), json!([1]), json!("x")] {
            assert_eq!(of(nothing), None);
        }
    }

    #[test]
    fn the_proof_is_the_documented_hmac() {
        // printf '%s' token | openssl dgst -sha256 -hmac secret
        let expected = "e941110e3d2bfe82621f0e3e1434730d7305d106c5f68c87165d0b27a4611a4a";
        assert_eq!(proof("secret", "token"), expected);
    }
}
