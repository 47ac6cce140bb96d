//! `/.well-known/openid-configuration`, `/.well-known/oauth-authorization-server` (RFC 8414) and the
//! key set: what is said here is what works.

use http::StatusCode;
use serde_json::Value;
use serde_json::json;

use crate::config::model::identity_server::IdentityServerSettings;
use crate::config::model::identity_server::Resource;
use crate::error::Problem;
use crate::http::Response;
use crate::http::response;
use crate::identity_server::IdentityServer;
use crate::identity_server::issuer_of;
use crate::identity_server::person;
use crate::identity_server::scope;
use crate::session::Visit;

impl IdentityServer {
    /// What this server is and can do.
    pub(super) fn discovery(&self, visit: &Visit) -> Result<Response, Problem> {
        let issuer = issuer_of(visit)?;
        let settings = &visit.config.identity_server;
        let mut document = self.abilities(settings);
        let members = document.as_object_mut().ok_or(Problem::Internal)?;
        for (name, path) in ADDRESSES {
            members.insert(name.to_owned(), json!(format!("{issuer}{path}")));
        }
        members.insert("issuer".to_owned(), json!(issuer));
        Ok(cacheable_json(&document))
    }

    /// The public keys.
    pub(super) fn jwks(&self) -> Response {
        cacheable_json(&self.keys.jwks())
    }

    fn abilities(&self, settings: &IdentityServerSettings) -> Value {
        json!({
            "scopes_supported": scopes(settings),
            "claims_supported": claims(settings),
            "response_types_supported": ["code", "code id_token"],
            "response_modes_supported": ["form_post", "query", "fragment"],
            "grant_types_supported": ["authorization_code", "client_credentials", "refresh_token"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "id_token_signing_alg_values_supported": self.keys.algorithms(),
            "subject_types_supported": ["public"],
            "claim_types_supported": ["normal"],
            "acr_values_supported": person::CLASSES,
            "code_challenge_methods_supported": ["S256"],
            "claims_parameter_supported": true,
            "request_parameter_supported": false,
            "request_uri_parameter_supported": false,
            // Tells that none of them would be `none`.
            "request_object_signing_alg_values_supported": self.keys.algorithms(),
            "authorization_response_iss_parameter_supported": true,
        })
    }
}

/// Every address that is advertised.
const ADDRESSES: [(&str, &str); 5] = [
    ("jwks_uri", "/.well-known/openid-configuration/jwks"),
    ("authorization_endpoint", "/connect/authorize"),
    ("token_endpoint", "/connect/token"),
    ("userinfo_endpoint", "/connect/userinfo"),
    ("end_session_endpoint", "/connect/endsession"),
];

fn shown(resources: &[Resource]) -> impl Iterator<Item = &Resource> {
    resources.iter().filter(|resource| resource.shown)
}

/// `openid` first, whatever the files say: without it this would be no OpenID provider.
fn scopes(settings: &IdentityServerSettings) -> Vec<&str> {
    let identity = shown(&settings.identity_resources).chain(shown(&settings.api_scopes));
    let named = identity.map(|resource| resource.name.as_str());
    distinct([scope::OPENID].into_iter().chain(named).chain([scope::OFFLINE_ACCESS]))
}

fn claims(settings: &IdentityServerSettings) -> Vec<&str> {
    let named = shown(&settings.identity_resources).flat_map(|resource| &resource.user_claims);
    distinct(["sub"].into_iter().chain(named.map(String::as_str)))
}

fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = Vec::new();
    for name in names {
        if !seen.contains(&name) {
            seen.push(name);
        }
    }
    seen
}

/// JSON without `Cache-Control`: the same for everybody, and left to the client's own judgement.
fn cacheable_json(value: &Value) -> Response {
    response::typed(StatusCode::OK, "application/json", value.to_string())
}
