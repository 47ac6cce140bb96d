//! Further claims from the userinfo endpoint (OpenID Connect Core §5.3): believed only of the person
//! whom the ID token names, and never instead of what it says.

use bytes::Bytes;
use http::header;
use serde_json::Map;
use serde_json::Value;
use url::Url;

use crate::config::model::OpenIdConnect;
use crate::crypto::jws;
use crate::crypto::jws::JwsFault;
use crate::crypto::jws::Verifier;
use crate::crypto::secret::Secret;
use crate::login::oidc::fault::Fault;
use crate::login::oidc::fault::TokenFault;
use crate::login::oidc::id_token;

/// Members that speak of the answer itself and not of the person.
const ENVELOPE: [&str; 7] = ["iss", "aud", "exp", "iat", "nbf", "jti", "sub"];

/// The request for the claims.
///
/// # Errors
///
/// [`Fault::Userinfo`] when the access token cannot stand in a header.
pub(super) fn request(
    endpoint: &Url,
    access_token: &Secret,
) -> Result<http::Request<Vec<u8>>, Fault> {
    http::Request::get(endpoint.as_str())
        .header(header::ACCEPT, "application/json, application/jwt")
        .header(header::AUTHORIZATION, format!("Bearer {}", access_token.expose()))
        .body(Vec::new())
        .map_err(|_| Fault::Userinfo("the access token cannot be sent"))
}

/// Whether the answer is a signed one.
pub(super) fn is_signed(answer: &http::Response<Bytes>) -> bool {
    media_type(answer).eq_ignore_ascii_case("application/jwt")
}

/// Reads a plain answer.
///
/// # Errors
///
/// [`Fault::Userinfo`] when it is not one JSON object.
pub(super) fn read(answer: &http::Response<Bytes>) -> Result<Map<String, Value>, Fault> {
    if !media_type(answer).eq_ignore_ascii_case("application/json") {
        return Err(Fault::Userinfo("the answer is no JSON"));
    }
    jws::object(answer.body()).ok_or(Fault::Userinfo("the answer is no JSON object"))
}

/// Reads a signed answer.
///
/// # Errors
///
/// The rule that it breaks; `iss` and `aud` are checked where they are (§5.3.2).
pub(super) fn verify(
    answer: &http::Response<Bytes>,
    verifier: &Verifier<'_, String>,
    connection: &OpenIdConnect,
) -> Result<Map<String, Value>, TokenFault> {
    let token = std::str::from_utf8(answer.body()).map_err(|_| JwsFault::Malformed)?;
    let claims = verifier.verify(token)?.claims;
    if claims.get("iss").is_some_and(|iss| iss.as_str() != Some(&connection.issuer)) {
        return Err(TokenFault::Issuer);
    }
    let ours = |audience: &Value| audience.as_str() == Some(&connection.client_id);
    let audience_fits = claims.get("aud").is_none_or(|audience| {
        audience.as_array().map_or_else(|| ours(audience), |several| several.iter().any(ours))
    });
    audience_fits.then_some(claims).ok_or(TokenFault::Audience)
}

/// Adds to `claims` what they do not say yet.
///
/// # Errors
///
/// [`Fault::Userinfo`] when the answer speaks of somebody else.
pub(super) fn merge(
    answer: Map<String, Value>,
    subject: &str,
    claims: &mut Map<String, Value>,
) -> Result<(), Fault> {
    if id_token::subject(&answer) != Ok(subject) {
        return Err(Fault::Userinfo("it speaks of another subject"));
    }
    for (name, value) in answer {
        if !ENVELOPE.contains(&name.as_str()) {
            claims.entry(name).or_insert(value);
        }
    }
    Ok(())
}

fn media_type(answer: &http::Response<Bytes>) -> &str {
    let value = answer.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok());
    value.unwrap_or_default().split(';').next().unwrap_or_default().trim()
}
