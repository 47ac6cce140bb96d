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
use crate::config::model::identity_server::Resource;
use crate::error::Problem;
use crate::http::Response;
use crate::http::form::Form;
use crate::http::response;
use crate::identity_server::IdentityServer;
use crate::identity_server::access::Access;
use crate::identity_server::issuer_of;
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
        let access = self.access(issuer, token, visit.exchange.now).await?;
        let access = access.filter(|access| access.is_current(&visit.config));
        let description = access.and_then(|access| describe(access, &caller));
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

/// The token's claims, its scopes cut to the caller's own; `None` for a token that is not for it.
fn describe(access: Access, caller: &Caller<'_>) -> Option<Value> {
    let mut scopes = access.scopes();
    match caller {
        Caller::Api(api) => {
            scopes.retain(|scope| api.scopes.contains(scope));
            if scopes.is_empty() || !is_for(&access, &api.name) {
                return None;
            }
        }
        Caller::Client(client) => {
            let holder = access.claims.get("client_id").and_then(Value::as_str);
            holder.filter(|holder| *holder == client.id)?;
        }
    }
    let mut description = access.claims;
    description.insert("scope".to_owned(), json!(scopes.join(" ")));
    description.insert("active".to_owned(), json!(true));
    Some(Value::Object(description))
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
