//! `/connect/introspect` (RFC 7662): tells an API what a token of ours is worth to it.
//!
//! Whoever asks is an API resource with a secret, as in IdentityServer4, and hears of tokens that
//! are meant for it. A confidential client may ask as well, about tokens that were issued to it.

use std::sync::Arc;

use http::HeaderValue;
use http::StatusCode;
use http::header;
use serde_json::Value;
use serde_json::json;

use crate::config::model::identity_server::Client;
use crate::config::model::identity_server::IdentityServerSettings;
use crate::config::model::identity_server::Resource;
use crate::error::Problem;
use crate::http::Response;
use crate::http::form::Form;
use crate::http::response;
use crate::identity_server::IdentityServer;
use crate::identity_server::access::Access;
use crate::identity_server::issuer_of;
use crate::identity_server::person;
use crate::identity_server::scope;
use crate::session::Visit;

/// Who asks.
enum Caller<'a> {
    /// An API, about tokens for it.
    Api(&'a Resource),
    /// A client, about its own tokens.
    Client(Arc<Client>),
}

impl IdentityServer {
    /// Describes a token, or says that it is worth nothing to the caller, and then nothing more
    /// (§2.2).
    pub(super) async fn introspect(&self, visit: &Visit) -> Result<Response, Problem> {
        let issuer = issuer_of(visit)?;
        let form = visit.exchange.form()?;
        let Some(caller) = self.caller(visit, &form, issuer).await else { return Ok(nobody()) };
        let Some(token) = form.get("token").filter(|token| !token.is_empty()) else {
            return Ok(response::json(StatusCode::BAD_REQUEST, &json!({"error": "missing_token"})));
        };
        let settings = &visit.config.identity_server;
        let access = self.access(issuer, token, visit.exchange.now).await?;
        let users = &self.parts.local_users;
        let access = match access {
            Some(access) => access.is_current(&visit.config, users).await?.then_some(access),
            None => None,
        };
        let description = access.and_then(|access| describe(settings, access, &caller));
        let description = description.unwrap_or_else(|| json!({"active": false}));
        Ok(response::json(StatusCode::OK, &description))
    }

    /// Who asks, if they prove it.
    async fn caller<'a>(&self, visit: &'a Visit, form: &Form, issuer: &str) -> Option<Caller<'a>> {
        if let Some(api) = self.authenticate_api(visit, form).await {
            return Some(Caller::Api(api));
        }
        let client = self.authenticate(visit, form, issuer).await.ok()?;
        client.require_secret.then_some(Caller::Client(client))
    }
}

/// The token's claims, its scopes and what they release cut to the caller's own; `None` for a token
/// that is not for it.
fn describe(
    settings: &IdentityServerSettings,
    access: Access,
    caller: &Caller<'_>,
) -> Option<Value> {
    let mut scopes = access.scopes();
    let mut description = match caller {
        Caller::Api(api) => {
            let all = scopes.clone();
            scopes.retain(|scope| api.scopes.contains(scope));
            if scopes.is_empty() || !is_for(&access, &api.name) {
                return None;
            }
            let others = claims_of_others(settings, api, (&all, &scopes));
            let heard = access.claims.into_iter().filter(|(name, _)| !others.contains(&&**name));
            heard.collect()
        }
        Caller::Client(client) if access.client() == client.id => access.claims,
        Caller::Client(_) => return None,
    };
    description.insert("scope".to_owned(), json!(scopes.join(" ")));
    description.insert("active".to_owned(), json!(true));
    Some(Value::Object(description))
}

/// Claims of the person that a token for `all` of its scopes holds because other APIs wanted them,
/// and that neither `api` nor its `own` scopes did.
fn claims_of_others<'a>(
    settings: &'a IdentityServerSettings,
    api: &'a Resource,
    (all, own): (&'a [String], &'a [String]),
) -> Vec<&'a str> {
    let apis: Vec<&Resource> = settings.api_resources.iter().collect();
    let own: Vec<&str> = scope::api_claims(settings, own, &[api]).collect();
    let wanted = scope::api_claims(settings, all, &apis);
    wanted.filter(|name| !own.contains(name) && !person::is_of_the_protocol(name)).collect()
}

/// Whether `api` is among the token's audiences.
fn is_for(access: &Access, api: &str) -> bool {
    match access.claims.get("aud") {
        Some(Value::String(audience)) => audience == api,
        Some(Value::Array(audiences)) => audiences.iter().any(|audience| audience == api),
        Some(_) | None => false,
    }
}

/// A caller that is nobody. The challenge is owed to every 401 (RFC 9110 §15.5.2).
fn nobody() -> Response {
    let said = json!({"error": "invalid_client"});
    let mut response = response::json(StatusCode::UNAUTHORIZED, &said);
    let challenge = HeaderValue::from_static("Basic realm=\"introspection\"");
    response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    response
}
