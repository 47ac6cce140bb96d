//! `/.well-known/openid-configuration`, `/.well-known/oauth-authorization-server` (RFC 8414) and the
//! key set: what is said here is what works.

use http::HeaderValue;
use http::StatusCode;
use http::header;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::config::model::identity_server::Endpoints;
use crate::config::model::identity_server::IdentityServerSettings;
use crate::config::model::identity_server::Resource;
use crate::error::Problem;
use crate::http::Response;
use crate::http::response;
use crate::identity_server::Endpoint;
use crate::identity_server::IdentityServer;
use crate::identity_server::ROUTES;
use crate::identity_server::assertion;
use crate::identity_server::authentication;
use crate::identity_server::dpop;
use crate::identity_server::grant::device;
use crate::identity_server::grant::password;
use crate::identity_server::issuer_of;
use crate::identity_server::person;
use crate::identity_server::request_object;
use crate::identity_server::response_type::ResponseType;
use crate::identity_server::scope;
use crate::pages::Language;
use crate::session::Visit;

impl IdentityServer {
    /// What this server is and can do.
    pub(super) fn discovery(&self, visit: &Visit) -> Result<Response, Problem> {
        let base = base_of(visit)?;
        let settings = &visit.config.identity_server;
        let shown = &settings.options.discovery;
        let mut document = Map::new();
        document.insert("issuer".to_owned(), json!(issuer_of(visit)?));
        if shown.endpoints || shown.key_set {
            document.extend(addresses(settings, &base));
        }
        document.extend(resources(settings));
        document.extend(flows(settings));
        document.extend(members(self.abilities(settings)));
        for (name, value) in &shown.custom_entries {
            let absolute = value.strip_prefix("~/").map(|path| format!("{base}/{path}"));
            let value = json!(absolute.as_ref().unwrap_or(value));
            document.entry(name.as_str()).or_insert(value);
        }
        Ok(cacheable_json(settings, &Value::Object(document)))
    }

    /// The public keys.
    pub(super) fn jwks(&self, visit: &Visit) -> Response {
        cacheable_json(&visit.config.identity_server, &self.keys.jwks())
    }

    /// What holds for every client.
    fn abilities(&self, settings: &IdentityServerSettings) -> Value {
        let languages: Vec<_> = Language::ALL.iter().map(|language| language.tag()).collect();
        json!({
            "id_token_signing_alg_values_supported": self.keys.algorithms(),
            "subject_types_supported": ["public"],
            "claim_types_supported": ["normal"],
            "acr_values_supported": person::CLASSES,
            "ui_locales_supported": languages,
            "prompt_values_supported": ["none", "login", "select_account", "consent"],
            "code_challenge_methods_supported": challenge_methods(settings),
            "claims_parameter_supported": true,
            "request_parameter_supported": true,
            "request_uri_parameter_supported": settings.options.endpoints.request_uri,
            // Tells that none of them would be `none`.
            "request_object_signing_alg_values_supported": request_object::ALGORITHMS,
            "authorization_response_iss_parameter_supported": true,
        })
    }
}

/// Where clients reach us: the issuer, with the site's folder where the issuer does not say it.
pub(super) fn base_of(visit: &Visit) -> Result<String, Problem> {
    let (issuer, folder) = (issuer_of(visit)?, &visit.site.virtual_folder);
    let said = issuer.to_ascii_lowercase().ends_with(&folder.to_ascii_lowercase());
    Ok(if said { issuer.to_owned() } else { format!("{issuer}{folder}") })
}

/// Whether the owner's options leave an endpoint on.
pub(super) fn is_on(settings: &IdentityServerSettings, endpoint: Endpoint) -> bool {
    let Endpoints {
        authorize,
        token,
        userinfo,
        discovery,
        end_session,
        check_session,
        revocation,
        introspection,
        device_authorization,
        pushed_authorization,
        request_uri: _,
    } = settings.options.endpoints;
    match endpoint {
        Endpoint::Discovery => discovery,
        Endpoint::Jwks => discovery && settings.options.discovery.key_set,
        Endpoint::Authorize | Endpoint::AuthorizeCallback => authorize,
        Endpoint::Pushed => authorize && pushed_authorization,
        Endpoint::Token => token,
        Endpoint::Userinfo => userinfo,
        Endpoint::EndSession | Endpoint::EndSessionCallback => end_session,
        Endpoint::CheckSession => check_session,
        Endpoint::Revoke => revocation,
        Endpoint::Introspect => introspection,
        Endpoint::DeviceAuthorization | Endpoint::Device => device_authorization,
        Endpoint::AccountLogout
        | Endpoint::Home
        | Endpoint::HomeError
        | Endpoint::Consent
        | Endpoint::Grants
        | Endpoint::Password
        | Endpoint::Reset
        | Endpoint::Forgot => true,
    }
}

/// Every address that is advertised, where there is such an endpoint and it is on.
const ADDRESSES: [(&str, &str); 10] = [
    (KEYS, "/.well-known/openid-configuration/jwks"),
    ("authorization_endpoint", "/connect/authorize"),
    ("pushed_authorization_request_endpoint", "/connect/par"),
    ("token_endpoint", "/connect/token"),
    ("userinfo_endpoint", "/connect/userinfo"),
    ("end_session_endpoint", "/connect/endsession"),
    ("check_session_iframe", "/connect/checksession"),
    ("revocation_endpoint", "/connect/revocation"),
    ("introspection_endpoint", "/connect/introspect"),
    ("device_authorization_endpoint", "/connect/deviceauthorization"),
];

const KEYS: &str = "jwks_uri";

fn addresses(settings: &IdentityServerSettings, base: &str) -> Map<String, Value> {
    let shown = &settings.options.discovery;
    let mut known = Map::new();
    for (name, path) in ADDRESSES {
        let told = if name == KEYS { shown.key_set } else { shown.endpoints };
        let route = ROUTES.iter().find(|route| route.path == path);
        if told && route.is_some_and(|route| is_on(settings, route.endpoint)) {
            known.insert(name.to_owned(), json!(format!("{base}{path}")));
        }
    }
    if settings.options.endpoints.end_session && shown.endpoints {
        for channel in ["frontchannel", "backchannel"] {
            known.insert(format!("{channel}_logout_supported"), json!(true));
            known.insert(format!("{channel}_logout_session_supported"), json!(true));
        }
    }
    known
}

fn resources(settings: &IdentityServerSettings) -> Map<String, Value> {
    let shown = &settings.options.discovery;
    let mut known = Map::new();
    if shown.identity_scopes || shown.api_scopes {
        known.insert("scopes_supported".to_owned(), json!(scopes(settings)));
    }
    if shown.claims {
        known.insert("claims_supported".to_owned(), json!(claims(settings)));
    }
    known
}

/// `openid` first, whatever the files say: without it this would be no OpenID provider.
fn scopes(settings: &IdentityServerSettings) -> Vec<&str> {
    let options = &settings.options.discovery;
    let identity = shown(&settings.identity_resources).map(|resource| resource.name.as_str());
    let identity = [scope::OPENID].into_iter().chain(identity).filter(|_| options.identity_scopes);
    let api = shown(&settings.api_scopes).map(|resource| resource.name.as_str());
    let api = api.filter(|_| options.api_scopes);
    distinct(identity.chain(api).chain([scope::OFFLINE_ACCESS]))
}

fn claims(settings: &IdentityServerSettings) -> Vec<&str> {
    let all = [&settings.identity_resources, &settings.api_resources, &settings.api_scopes];
    let named =
        all.into_iter().flat_map(|list| shown(list)).flat_map(|resource| &resource.user_claims);
    distinct(["sub"].into_iter().chain(named.map(String::as_str)))
}

fn shown(resources: &[Resource]) -> impl Iterator<Item = &Resource> {
    resources.iter().filter(|resource| resource.shown)
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

/// How tokens are got.
fn flows(settings: &IdentityServerSettings) -> Map<String, Value> {
    let shown = &settings.options.discovery;
    let modes = json!(["form_post", "query", "fragment"]);
    let entries = [
        (shown.response_types, "response_types_supported", json!(ResponseType::ALL)),
        (shown.response_modes, "response_modes_supported", modes),
        (shown.grant_types, "grant_types_supported", json!(grant_types(settings))),
    ];
    let told = entries.into_iter().filter(|(shown, ..)| *shown);
    let told = told.map(|(_, name, value)| (name.to_owned(), value));
    if shown.authentication_methods {
        told.chain(proofs(settings)).collect()
    } else {
        told.collect()
    }
}

/// How clients prove who they are, and that a token is theirs.
fn proofs(settings: &IdentityServerSettings) -> Vec<(String, Value)> {
    let secrets = ["client_secret_basic", "client_secret_post"];
    let mut told = vec![("dpop_signing_alg_values_supported".to_owned(), json!(dpop::ALGORITHMS))];
    for (on, endpoint) in [
        (settings.options.endpoints.token, "token"),
        (settings.options.endpoints.revocation, "revocation"),
    ] {
        if on {
            told.push((
                format!("{endpoint}_endpoint_auth_methods_supported"),
                json!(authentication::METHODS),
            ));
            let name = format!("{endpoint}_endpoint_auth_signing_alg_values_supported");
            told.push((name, json!(assertion::ALGORITHMS)));
        }
    }
    if settings.options.endpoints.introspection {
        told.push(("introspection_endpoint_auth_methods_supported".to_owned(), json!(secrets)));
    }
    told
}

/// Each where somebody may use it: a password only where a client's file grants that.
fn grant_types(settings: &IdentityServerSettings) -> Vec<&'static str> {
    let mut grants = vec!["authorization_code", "client_credentials", "refresh_token", "implicit"];
    if settings.clients.iter().any(|client| password::is_allowed(settings, client)) {
        grants.push(password::NAME);
    }
    if settings.options.endpoints.device_authorization {
        grants.push(device::NAME);
    }
    grants
}

/// `plain` is not offered to everybody because one client's file allows it, but it is not hidden.
fn challenge_methods(settings: &IdentityServerSettings) -> Vec<&'static str> {
    let plain = settings.clients.iter().any(|client| client.allow_plain_pkce);
    if plain { vec!["S256", "plain"] } else { vec!["S256"] }
}

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Map::new()
        }
    }
}

/// JSON that is the same for everybody: without `Cache-Control`, and so left to the client's own
/// judgement, unless the owner sets how long it may be kept.
fn cacheable_json(settings: &IdentityServerSettings, value: &Value) -> Response {
    let mut response = response::typed(StatusCode::OK, "application/json", value.to_string());
    let kept = settings.options.discovery.cache.map(|cache| match cache.as_secs() {
        0 => Ok(response::NO_STORE),
        seconds => HeaderValue::try_from(format!("max-age={seconds}")),
    });
    if let Some(Ok(kept)) = kept {
        response.headers_mut().insert(header::CACHE_CONTROL, kept);
    }
    response
}
