//! The token endpoint: codes are redeemed (RFC 6749 §4.1.3, RFC 7636 §4.5), tokens refreshed (§6).

use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use http::header;
use openidconnect::AsyncHttpClient;
use openidconnect::AuthType;
use openidconnect::AuthorizationCode;
use openidconnect::ClientId;
use openidconnect::ClientSecret;
use openidconnect::EndpointNotSet;
use openidconnect::EndpointSet;
use openidconnect::HttpRequest;
use openidconnect::HttpResponse;
use openidconnect::IssuerUrl;
use openidconnect::JsonWebKeySet;
use openidconnect::OAuth2TokenResponse;
use openidconnect::PkceCodeVerifier;
use openidconnect::RedirectUrl;
use openidconnect::RefreshToken;
use openidconnect::RequestTokenError;
use openidconnect::StandardErrorResponse;
use openidconnect::core::CoreClient;
use openidconnect::core::CoreErrorResponseType;
use openidconnect::core::CoreTokenResponse;
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
    /// The rest.
    pub access: Access,
}

/// What lets us ask further.
pub(super) struct Access {
    /// For the userinfo endpoint.
    pub token: Secret,
    /// How long that is good.
    pub expires_in: Option<Duration>,
    /// For new tokens.
    pub refresh_token: Option<Secret>,
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
    let party = party(connection, metadata, &messenger)?
        .set_redirect_uri(RedirectUrl::new(code.redirect_uri).map_err(wrong)?);
    let answer = party
        .exchange_code(AuthorizationCode::new(code.value.to_owned()))
        .set_pkce_verifier(PkceCodeVerifier::new(code.verifier.to_owned()))
        .request_async(&messenger)
        .await;
    let (id_token, access) = messenger.delivered(call, answer)?;
    let id_token = id_token.ok_or_else(|| Fault::Code("there is no id_token".to_owned()))?;
    Ok(Tokens { id_token, access })
}

/// Asks for new tokens with `refresh_token`. An ID token need not be among them (OpenID Connect Core
/// §12.2).
///
/// # Errors
///
/// As [`redeem`].
pub(super) async fn refresh(
    call: &Call,
    connection: &OpenIdConnect,
    metadata: &Metadata,
    refresh_token: &Secret,
) -> Result<(Option<Secret>, Access), Fault> {
    let messenger = Messenger::new(call, connection);
    let party = party(connection, metadata, &messenger)?;
    let token = RefreshToken::new(refresh_token.expose().to_owned());
    let answer = party.exchange_refresh_token(&token).request_async(&messenger).await;
    messenger.delivered(call, answer)
}

/// We, as the crate sees us.
fn party(
    connection: &OpenIdConnect,
    metadata: &Metadata,
    messenger: &Messenger,
) -> Result<
    CoreClient<
        EndpointNotSet,
        EndpointNotSet,
        EndpointNotSet,
        EndpointNotSet,
        EndpointSet,
        EndpointNotSet,
    >,
    Fault,
> {
    let issuer = IssuerUrl::new(connection.issuer.clone());
    let mut party = CoreClient::new(
        ClientId::new(connection.client_id.clone()),
        issuer.map_err(|error| Fault::Metadata(error.to_string()))?,
        JsonWebKeySet::default(),
    )
    .set_token_uri(metadata.token_endpoint.clone());
    if let Some(secret) = &connection.client_secret
        && messenger.credentials.is_none()
    {
        party = party.set_client_secret(ClientSecret::new(secret.expose().to_owned()));
    }
    if connection.client_authentication != ClientAuthentication::Basic {
        party = party.set_auth_type(AuthType::RequestBody);
    }
    Ok(party)
}

/// Carries the crate's one request to the token endpoint, and keeps what comes back that the crate
/// does not read for us.
struct Messenger {
    client: Arc<Client>,
    trust: Trust,
    credentials: Option<HeaderValue>,
    lifted: Mutex<Lifted>,
}

#[derive(Default)]
struct Lifted {
    id_token: Option<Secret>,
    refresh_token: Option<Secret>,
    expires_in: Option<Duration>,
}

impl Messenger {
    fn new(call: &Call, connection: &OpenIdConnect) -> Self {
        Self {
            client: Arc::clone(&call.client),
            trust: call.trust.clone(),
            credentials: raw_credentials(connection),
            lifted: Mutex::default(),
        }
    }

    /// What came of the request.
    fn delivered(
        &self,
        call: &Call,
        answer: Result<
            CoreTokenResponse,
            RequestTokenError<ClientError, StandardErrorResponse<CoreErrorResponseType>>,
        >,
    ) -> Result<(Option<Secret>, Access), Fault> {
        call.count(if answer.is_ok() { "answered" } else { "failed" });
        let answer = answer.map_err(refused)?;
        if *answer.token_type() != CoreTokenType::Bearer {
            return Err(Fault::Code("the token type is not Bearer".to_owned()));
        }
        let lifted =
            std::mem::take(&mut *self.lifted.lock().unwrap_or_else(PoisonError::into_inner));
        let access = Access {
            token: Secret::new(answer.access_token().secret()),
            expires_in: lifted.expires_in,
            refresh_token: lifted.refresh_token,
        };
        Ok((lifted.id_token, access))
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
            let (body, lifted) = lift(&body);
            *self.lifted.lock().unwrap_or_else(PoisonError::into_inner) = lifted;
            Ok(http::Response::from_parts(head, body))
        })
    }
}

/// Members of a token answer that the crate reads for us.
const NEEDED: [&str; 4] = ["access_token", "token_type", "error", "error_description"];

/// Takes the ID token and its kin out of a token answer before the crate reads it, and leaves the
/// crate no more than it needs: it would read every claim and member into a type of its own, and
/// refuse an `email_verified` or `expires_in` that is a string.
fn lift(body: &[u8]) -> (Vec<u8>, Lifted) {
    let Some(mut answer) = jws::object(body) else { return (body.to_vec(), Lifted::default()) };
    let mut token = |name: &str| match answer.remove(name) {
        Some(Value::String(token)) if !token.is_empty() => Some(Secret::new(token)),
        Some(_) | None => None,
    };
    let (id_token, refresh_token) = (token("id_token"), token("refresh_token"));
    let expires_in = answer.get("expires_in").and_then(seconds);
    answer.retain(|name, _| NEEDED.contains(&name.as_str()));
    let lifted = Lifted { id_token, refresh_token, expires_in };
    (Value::Object(answer).to_string().into_bytes(), lifted)
}

/// A number of seconds, also where it stands as text; a year at most.
fn seconds(value: &Value) -> Option<Duration> {
    let seconds = value.as_u64().or_else(|| value.as_str()?.parse().ok())?;
    Some(Duration::from_secs(seconds.min(366 * 86_400)))
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
