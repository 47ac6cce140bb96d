//! The authorization request: where the browser is sent (OpenID Connect Core §3.1.2.1).

use openidconnect::AuthenticationFlow;
use openidconnect::ClientId;
use openidconnect::CsrfToken;
use openidconnect::IssuerUrl;
use openidconnect::JsonWebKeySet;
use openidconnect::Nonce;
use openidconnect::PkceCodeChallenge;
use openidconnect::PkceCodeVerifier;
use openidconnect::RedirectUrl;
use openidconnect::Scope;
use openidconnect::core::CoreClient;
use openidconnect::core::CoreResponseType;

use crate::config::model::OpenIdConnect;
use crate::config::model::ResponseMode;
use crate::config::model::ResponseType;
use crate::login::oidc::fault::Fault;
use crate::login::oidc::metadata::Metadata;

/// What distinguishes one request from the next.
pub(in crate::login) struct Request<'a> {
    /// The sealed transaction.
    pub state: String,
    /// What the ID token must repeat.
    pub nonce: &'a str,
    /// PKCE's secret half.
    pub verifier: &'a str,
    /// Our redirect URI.
    pub redirect_uri: String,
    /// The inner provider that is asked for (`acr_values=idp:…`, as the identity server reads it).
    pub scheme: Option<&'a str>,
    /// The name to fill in.
    pub login_hint: Option<&'a str>,
    /// Whether the person is to prove anew who they are. `max_age` makes the provider say when they
    /// did (`auth_time`, §2).
    pub fresh: bool,
}

/// Parameters that are ours alone, whatever the configuration adds.
const OWN: [&str; 10] = [
    "client_id",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "request",
];

/// The address that the browser is sent to.
///
/// # Errors
///
/// [`Fault::Metadata`] when issuer or redirect URI are no URLs.
pub(super) fn url(
    connection: &OpenIdConnect,
    metadata: &Metadata,
    request: Request<'_>,
) -> Result<String, Fault> {
    let wrong = |error: url::ParseError| Fault::Metadata(error.to_string());
    let client = CoreClient::new(
        ClientId::new(connection.client_id.clone()),
        IssuerUrl::new(connection.issuer.clone()).map_err(wrong)?,
        JsonWebKeySet::default(),
    )
    .disable_openid_scope()
    .set_auth_uri(metadata.authorization_endpoint.clone())
    .set_redirect_uri(RedirectUrl::new(request.redirect_uri).map_err(wrong)?);
    let (state, nonce) = (CsrfToken::new(request.state), Nonce::new(request.nonce.to_owned()));
    let verifier = PkceCodeVerifier::new(request.verifier.to_owned());
    let mut url = client
        .authorize_url(flow(connection.response_type), move || state, move || nonce)
        .add_scopes(connection.scopes.iter().cloned().map(Scope::new));
    if connection.response_type != ResponseType::IdToken {
        url = url.set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
    }
    if let Some(domain) = &connection.hosted_domain {
        url = url.add_extra_param("hd", domain);
    }
    if let Some(mode) = mode(connection) {
        url = url.add_extra_param("response_mode", mode);
    }
    if let Some(scheme) = request.scheme {
        url = url.add_extra_param("acr_values", format!("idp:{scheme}"));
    }
    if let Some(name) = request.login_hint {
        url = url.add_extra_param("login_hint", name);
    }
    if request.fresh {
        url = url.add_extra_param("prompt", "login").add_extra_param("max_age", "0");
    }
    for (name, value) in &connection.parameters {
        let taken = OWN.contains(&name.as_str())
            || (["prompt", "max_age"].contains(&name.as_str()) && request.fresh)
            || (name == "acr_values" && request.scheme.is_some())
            || (name == "login_hint" && request.login_hint.is_some())
            || (name == "hd" && connection.hosted_domain.is_some());
        if !taken {
            url = url.add_extra_param(name, value);
        }
    }
    Ok(url.url().0.to_string())
}

/// The default of answers with an ID token is the fragment, which no server sees: they are posted
/// unless the owner wants the fragment.
fn mode(connection: &OpenIdConnect) -> Option<&'static str> {
    match connection.response_mode {
        ResponseMode::FormPost => Some("form_post"),
        ResponseMode::Fragment => Some("fragment"),
        ResponseMode::Query => connection.response_type.has_id_token().then_some("form_post"),
    }
}

fn flow(response_type: ResponseType) -> AuthenticationFlow<CoreResponseType> {
    match response_type {
        ResponseType::Code => AuthenticationFlow::AuthorizationCode,
        ResponseType::CodeIdToken => {
            AuthenticationFlow::Hybrid(vec![CoreResponseType::Code, CoreResponseType::IdToken])
        }
        ResponseType::IdToken => AuthenticationFlow::Implicit(false),
    }
}
