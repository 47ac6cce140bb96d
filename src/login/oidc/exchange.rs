//! Redeeming a code at the token endpoint (RFC 6749 §4.1.3, RFC 7636 §4.5).

use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use http::header;
use openidconnect::AsyncHttpClient;
use openidconnect::AuthType;
use openidconnect::AuthorizationCode;
use openidconnect::ClientId;
use openidconnect::ClientSecret;
use openidconnect::HttpRequest;
use openidconnect::HttpResponse;
use openidconnect::IssuerUrl;
use openidconnect::JsonWebKeySet;
use openidconnect::OAuth2TokenResponse;
use openidconnect::PkceCodeVerifier;
use openidconnect::RedirectUrl;
use openidconnect::RequestTokenError;
use openidconnect::StandardErrorResponse;
use openidconnect::core::CoreClient;
use openidconnect::core::CoreErrorResponseType;
use openidconnect::core::CoreTokenType;
use serde_json::Value;

use crate::config::model::ClientAuthentication;
use crate::config::model::OpenIdConnect;
use crate::crypto::jws;
use crate::crypto::secret::Secret;
use crate::http::client::Client;
use crate::http::client::ClientError;
use crate::http::client::Trust;
use crate::login::oidc::call::Call;
use crate::login::oidc::fault::Fault;
use crate::login::oidc::fault::is_about_redirect;
use crate::login::oidc::metadata::Metadata;

/// What the code was good for.
pub(super) struct Tokens {
    /// The ID token, compact.
    pub id_token: Secret,
    /// For the userinfo endpoint.
    pub access_token: Secret,
}

/// What is redeemed.
pub(super) struct Code<'a> {
    /// As the browser brought it.
    pub value: &'a str,
    /// PKCE's secret half.
    pub verifier: &'a str,
    /// The redirect URI that the code was asked for with.
    pub redirect_uri: String,
}

/// Redeems `code`.
///
/// # Errors
///
/// [`Fault::Down`], [`Fault::Client`] or [`Fault::Code`] as the provider answers.
pub(super) async fn redeem(
    call: &Call,
    connection: &OpenIdConnect,
    metadata: &Metadata,
    code: Code<'_>,
) -> Result<Tokens, Fault> {
    let wrong = |error: url::ParseError| Fault::Metadata(error.to_string());
    let messenger = Messenger::new(call, connection);
    let mut party = CoreClient::new(
        ClientId::new(connection.client_id.clone()),
        IssuerUrl::new(connection.issuer.clone()).map_err(wrong)?,
        JsonWebKeySet::default(),
    )
    .set_token_uri(metadata.token_endpoint.clone())
    .set_redirect_uri(RedirectUrl::new(code.redirect_uri).map_err(wrong)?);
    if let Some(secret) = &connection.client_secret
        && messenger.credentials.is_none()
    {
        party = party.set_client_secret(ClientSecret::new(secret.expose().to_owned()));
    }
    if connection.client_authentication != ClientAuthentication::Basic {
        party = party.set_auth_type(AuthType::RequestBody);
    }
    let answer = party
        .exchange_code(AuthorizationCode::new(code.value.to_owned()))
        .set_pkce_verifier(PkceCodeVerifier::new(code.verifier.to_owned()))
        .request_async(&messenger)
        .await;
    call.count(if answer.is_ok() { "answered" } else { "failed" });
    let answer = answer.map_err(refused)?;
    if *answer.token_type() != CoreTokenType::Bearer {
        return Err(Fault::Code("the token type is not Bearer".to_owned()));
    }
    let id_token = messenger.id_token.lock().unwrap_or_else(PoisonError::into_inner).take();
    let id_token = id_token.ok_or_else(|| Fault::Code("there is no id_token".to_owned()))?;
    Ok(Tokens { id_token, access_token: Secret::new(answer.access_token().secret()) })
}

/// Carries the crate's one request to the token endpoint, and keeps the ID token that comes back.
struct Messenger {
    client: Arc<Client>,
    trust: Trust,
    credentials: Option<HeaderValue>,
    id_token: Arc<Mutex<Option<Secret>>>,
}

impl Messenger {
    fn new(call: &Call, connection: &OpenIdConnect) -> Self {
        Self {
            client: Arc::clone(&call.client),
            trust: call.trust.clone(),
            credentials: raw_credentials(connection),
            id_token: Arc::default(),
        }
    }
}

impl<'c> AsyncHttpClient<'c> for Messenger {
    type Error = ClientError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, ClientError>> + Send + 'c>>;

    fn call(&'c self, mut request: HttpRequest) -> Self::Future {
        if let Some(credentials) = &self.credentials {
            request.headers_mut().insert(header::AUTHORIZATION, credentials.clone());
        }
        Box::pin(async move {
            let (head, body) = self.client.send(request, &self.trust).await?.into_parts();
            Ok(http::Response::from_parts(head, lift(&body, &self.id_token)))
        })
    }
}

/// Members of a token answer that the crate reads for us.
const NEEDED: [&str; 4] = ["access_token", "token_type", "error", "error_description"];

/// Takes the ID token out of a token answer before the crate reads it, and leaves the crate no more
/// than it needs: it would read every claim and member into a type of its own, and refuse an
/// `email_verified` or `expires_in` that is a string.
fn lift(body: &[u8], id_token: &Mutex<Option<Secret>>) -> Vec<u8> {
    let Some(mut answer) = jws::object(body) else { return body.to_vec() };
    if let Some(Value::String(token)) = answer.remove("id_token") {
        *id_token.lock().unwrap_or_else(PoisonError::into_inner) = Some(Secret::new(token));
    }
    answer.retain(|name, _| NEEDED.contains(&name.as_str()));
    Value::Object(answer).to_string().into_bytes()
}

/// Basic credentials without the form encoding that RFC 6749 §2.3.1 asks for.
fn raw_credentials(connection: &OpenIdConnect) -> Option<HeaderValue> {
    let secret = connection.client_secret.as_ref()?;
    if connection.client_authentication != ClientAuthentication::BasicRaw {
        return None;
    }
    let pair = STANDARD.encode(format!("{}:{}", connection.client_id, secret.expose()));
    let mut value = HeaderValue::try_from(format!("Basic {pair}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The endpoint's `error` decides whose fault it is; its other words stay out of pages and logs,
/// where they could carry anything.
fn refused(
    error: RequestTokenError<ClientError, StandardErrorResponse<CoreErrorResponseType>>,
) -> Fault {
    match error {
        RequestTokenError::ServerResponse(answer)
            if is_about_redirect(
                answer.error().as_ref(),
                answer.error_description().map_or("", String::as_str),
            ) =>
        {
            Fault::Redirect
        }
        RequestTokenError::ServerResponse(answer) => match answer.error() {
            CoreErrorResponseType::InvalidClient | CoreErrorResponseType::UnauthorizedClient => {
                Fault::Client(answer.error().to_string())
            }
            CoreErrorResponseType::Extension(_) => Fault::Code("another error".to_owned()),
            CoreErrorResponseType::InvalidGrant
            | CoreErrorResponseType::InvalidRequest
            | CoreErrorResponseType::InvalidScope
            | CoreErrorResponseType::UnsupportedGrantType => {
                Fault::Code(answer.error().to_string())
            }
        },
        RequestTokenError::Request(error) => Fault::unanswered(&error),
        RequestTokenError::Parse(..) => Fault::Down("its token answer is no JSON".to_owned()),
        RequestTokenError::Other(_) => Fault::Down("its token answer is empty".to_owned()),
    }
}
