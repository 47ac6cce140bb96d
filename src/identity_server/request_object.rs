//! Signed request objects (JAR: RFC 9101, OpenID Connect Core §6.1): parameters that nobody on the
//! way could change, because the client signed them with a key that its file names.

use jsonwebtoken::jwk::Jwk;
use serde_json::Map;
use serde_json::Value;
use url::form_urlencoded;

use crate::clock::Timestamp;
use crate::config::model::identity_server::Client;
use crate::crypto::jws;
use crate::crypto::jws::Kind;
use crate::crypto::jws::Verifier;
use crate::http::form::Form;
use crate::identity_server::request::Fault;
use crate::identity_server::request::Judge;
use crate::identity_server::request::invalid;
use crate::identity_server::request::value;
use crate::identity_server::secrets;

/// Every algorithm a request object may be signed with; discovery names them. `none` would say
/// nothing that the query does not.
pub(super) const ALGORITHMS: [&str; 9] =
    ["ES256", "ES384", "EdDSA", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"];

/// Longest request object, in bytes (IdentityServer4's limit for a JWT).
pub(super) const LONGEST: usize = 51_200;

/// Claims of the object itself, which are no parameters.
const OWN: [&str; 7] = ["iss", "aud", "exp", "nbf", "iat", "jti", "sub"];

/// Parameters that lead to an object or stand for one.
pub(super) const REFERENCES: [&str; 2] = ["request", "request_uri"];

const fn bad(description: &'static str) -> Fault {
    Fault("invalid_request_object", description)
}

impl Judge<'_> {
    /// The parameters that count once the client's `object` has been read: its own, and those of
    /// `form` that it does not speak of (OpenID Connect Core §6.1). Where the client's file demands
    /// an object, nothing beside it counts (RFC 9101 §6.3).
    ///
    /// # Errors
    ///
    /// What the object or the parameters beside it break.
    pub(super) fn unpack(
        &self,
        client: &Client,
        form: &Form,
        object: &str,
        now: Timestamp,
    ) -> Result<Form, Fault> {
        let claims = self.verified(client, object, now)?;
        check_claims(&claims, client, self.issuer)?;
        check_times(&claims, now, self.config.identity_server.options.clock_skew.as_secs())?;
        let signed = parameters(&claims)?;
        merge(form, signed, client.require_request_object)
    }

    fn verified(
        &self,
        client: &Client,
        object: &str,
        now: Timestamp,
    ) -> Result<Map<String, Value>, Fault> {
        if object.len() > LONGEST {
            return Err(bad("the request object is too long"));
        }
        let header =
            jws::peek(object).map_err(|_| bad("the request object is no signed JWT"))?.header;
        if header.get("alg").and_then(Value::as_str) == Some("none") {
            return Err(Fault("request_not_supported", "a request object has to be signed"));
        }
        let named = header.get("kid").and_then(Value::as_str);
        let keys = secrets::keys(&client.secrets, now);
        let keys: Vec<Jwk> = keys.into_iter().map(|key| under_name(key, named)).collect();
        let strict = self.config.identity_server.options.strict_request_objects;
        let kind = if strict { Kind::Only(TYPE) } else { Kind::JwtOr(TYPE) };
        let verifier = Verifier { keys: &keys, algorithms: &ALGORITHMS, secret: None, kind };
        let read = verifier.verify(object);
        Ok(read
            .map_err(|_| bad("the request object's type, key or signature is not right"))?
            .claims)
    }
}

/// `typ` of a request object (RFC 9101 §10.8).
const TYPE: &str = "oauth-authz-req+jwt";

/// A key without a name of its own (a certificate, mostly) may serve for any `kid`.
fn under_name(mut key: Jwk, named: Option<&str>) -> Jwk {
    if key.common.key_id.is_none() {
        key.common.key_id = named.map(str::to_owned);
    }
    key
}

/// From the client, for us; no object within an object, and nothing that could also pass for the
/// client's assertion at the token endpoint (RFC 9101 §10.8).
fn check_claims(claims: &Map<String, Value>, client: &Client, issuer: &str) -> Result<(), Fault> {
    let is = |name: &str, wanted: &str| claims.get(name).and_then(Value::as_str) == Some(wanted);
    if !is("iss", &client.id) || !is("client_id", &client.id) {
        return Err(bad("iss and client_id of a request object are its client's id"));
    }
    let for_us = match claims.get("aud") {
        Some(Value::Array(several)) => several.iter().any(|one| one.as_str() == Some(issuer)),
        Some(_) | None => is("aud", issuer),
    };
    if !for_us {
        return Err(bad("aud of a request object is the issuer"));
    }
    if is("sub", &client.id) || REFERENCES.iter().any(|name| claims.contains_key(*name)) {
        return Err(bad("a request object holds no other token"));
    }
    Ok(())
}

fn check_times(claims: &Map<String, Value>, now: Timestamp, skew: u64) -> Result<(), Fault> {
    let skew = i64::try_from(skew).unwrap_or_default();
    let alive = jws::moment(claims, "exp").is_some_and(|end| now.0 < end.0.saturating_add(skew));
    let begun = |name: &str| {
        let at = jws::moment(claims, name);
        !claims.contains_key(name) || at.is_some_and(|at| at.0 <= now.0.saturating_add(skew))
    };
    if alive && begun("nbf") && begun("iat") {
        return Ok(());
    }
    Err(bad("the request object has no exp, is over, or has not begun"))
}

/// The object's claims as parameters of a query would be: numbers and objects as their JSON.
fn parameters(claims: &Map<String, Value>) -> Result<Vec<(String, String)>, Fault> {
    let mut parameters = Vec::new();
    for (name, value) in claims.iter().filter(|(name, _)| !OWN.contains(&name.as_str())) {
        match value {
            Value::String(text) => parameters.push((name.clone(), text.clone())),
            Value::Number(_) | Value::Object(_) => {
                parameters.push((name.clone(), value.to_string()));
            }
            Value::Array(several) if name == "resource" => {
                let texts = several.iter().filter_map(Value::as_str);
                parameters.extend(texts.map(|text| (name.clone(), text.to_owned())));
            }
            Value::Array(_) | Value::Bool(_) | Value::Null => {
                return Err(bad("a parameter in a request object is a string or a number"));
            }
        }
    }
    Ok(parameters)
}

/// Puts the signed parameters first; what stands beside them must not contradict.
fn merge(form: &Form, mut signed: Vec<(String, String)>, alone: bool) -> Result<Form, Fault> {
    for (name, beside) in form.iter().filter(|(name, _)| !REFERENCES.contains(name)) {
        let mut same = signed.iter().filter(|(known, _)| known == name).peekable();
        if same.peek().is_some() && !same.any(|(_, value)| value == beside) {
            return Err(invalid("a parameter contradicts the request object"));
        }
    }
    if !alone {
        let spoken = |name: &str| signed.iter().any(|(known, _)| known == name);
        let beside: Vec<_> = form
            .iter()
            .filter(|(name, _)| !REFERENCES.contains(name) && !spoken(name))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        signed.extend(beside);
    }
    let text = form_urlencoded::Serializer::new(String::new()).extend_pairs(signed).finish();
    let merged = Form::parse(text.as_bytes());
    let merged = merged.map_err(|_| bad("a parameter stands in the request object twice"))?;
    if value(form, "client_id") == value(&merged, "client_id") {
        return Ok(merged);
    }
    Err(invalid("client_id stands beside the request object and in it"))
}
