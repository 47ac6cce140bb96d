//! `/connect/token` (RFC 6749 §3.2): authenticates the client and hands the call to its grant.

use http::HeaderValue;
use http::Method;
use http::StatusCode;
use http::header;
use serde_json::json;

use crate::error::Problem;
use crate::http::Response;
use crate::http::form::Form;
use crate::http::response;
use crate::identity_server::IdentityServer;
use crate::identity_server::dpop::DpopFault;
use crate::identity_server::grant::Call;
use crate::identity_server::grant::Tokens;
use crate::identity_server::grant::client_credentials;
use crate::identity_server::grant::code;
use crate::identity_server::grant::device;
use crate::identity_server::grant::password;
use crate::identity_server::grant::refresh;
use crate::identity_server::issuer_of;
use crate::observe::audit;
use crate::session::Visit;
use crate::store::StoreError;

/// `Cache-Control` of every answer.
const UNCACHED: HeaderValue = HeaderValue::from_static("no-store, no-cache, max-age=0");

/// How a token request fails. The words are for the client's programmer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum TokenError {
    /// The request breaks the protocol.
    #[error("{0}")]
    Malformed(&'static str),
    /// The client is unknown or did not prove itself.
    #[error("the client is unknown or its authentication failed")]
    BadClient {
        /// Whether it tried HTTP Basic, which wants a challenge in return.
        basic: bool,
    },
    /// No such grant type.
    #[error("grant_type is missing or unknown")]
    UnknownGrant,
    /// The client may not use this grant type.
    #[error("the client may not use this grant type")]
    GrantNotAllowed,
    /// The code or refresh token is worth nothing.
    #[error("{0}")]
    BadGrant(&'static str),
    /// A scope is unknown, not allowed, or not part of the grant.
    #[error("scope is unknown or not allowed")]
    BadScope,
    /// A resource is unknown, or not part of the grant (RFC 8707 §2).
    #[error("resource is unknown or not part of the grant")]
    BadTarget,
    /// The proof of holding a key is missing or not acceptable (RFC 9449 §5).
    #[error(transparent)]
    Dpop(#[from] DpopFault),
    /// The person has not decided yet.
    #[error("the person has not decided yet")]
    Pending,
    /// The device asks too often.
    #[error("wait longer before the next attempt")]
    TooSoon,
    /// The network asks too often.
    #[error("too many requests; try again in {retry_after} seconds")]
    TooMany {
        /// Seconds until the next one is looked at.
        retry_after: u32,
    },
    /// The person said no.
    #[error("the person does not allow it")]
    Denied,
    /// The device waited too long.
    #[error("the device code is over")]
    CodeOver,
    /// A kind of token that cannot be revoked.
    #[error("tokens of this type cannot be revoked")]
    UnknownTokenType,
    /// The store does not answer.
    #[error("try again in a moment")]
    Unavailable,
    /// A fault of ours.
    #[error("internal error")]
    Internal,
}

impl From<StoreError> for TokenError {
    fn from(error: StoreError) -> Self {
        tracing::error!(error = ?error, "store");
        Self::Unavailable
    }
}

impl TokenError {
    /// Status and error code (RFC 6749 §5.2, RFC 7009 §2.2.1, RFC 8628 §3.5).
    const fn answer(self) -> (StatusCode, &'static str) {
        match self {
            Self::Malformed(_) => (StatusCode::BAD_REQUEST, "invalid_request"),
            Self::BadClient { .. } => (StatusCode::UNAUTHORIZED, "invalid_client"),
            Self::UnknownGrant => (StatusCode::BAD_REQUEST, "unsupported_grant_type"),
            Self::GrantNotAllowed => (StatusCode::BAD_REQUEST, "unauthorized_client"),
            Self::BadGrant(_) => (StatusCode::BAD_REQUEST, "invalid_grant"),
            Self::BadScope => (StatusCode::BAD_REQUEST, "invalid_scope"),
            Self::BadTarget => (StatusCode::BAD_REQUEST, "invalid_target"),
            Self::Dpop(DpopFault::Missing | DpopFault::Invalid(_)) => {
                (StatusCode::BAD_REQUEST, "invalid_dpop_proof")
            }
            Self::Dpop(DpopFault::WantsNonce) => (StatusCode::BAD_REQUEST, "use_dpop_nonce"),
            Self::Unavailable | Self::Dpop(DpopFault::Unavailable) => {
                (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable")
            }
            Self::Pending => (StatusCode::BAD_REQUEST, "authorization_pending"),
            Self::TooMany { .. } => (StatusCode::TOO_MANY_REQUESTS, "slow_down"),
            Self::TooSoon => (StatusCode::BAD_REQUEST, "slow_down"),
            Self::Denied => (StatusCode::BAD_REQUEST, "access_denied"),
            Self::CodeOver => (StatusCode::BAD_REQUEST, "expired_token"),
            Self::UnknownTokenType => (StatusCode::BAD_REQUEST, "unsupported_token_type"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "server_error"),
        }
    }

    /// The error as JSON that no cache keeps.
    pub(super) fn response(self) -> Response {
        let (status, error) = self.answer();
        let mut response =
            response::json(status, &json!({"error": error, "error_description": self.to_string()}));
        if self == (Self::BadClient { basic: true }) {
            let challenge = HeaderValue::from_static("Basic realm=\"token\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Self::TooMany { retry_after } = self {
            response.headers_mut().insert(header::RETRY_AFTER, retry_after.into());
        }
        response
    }
}

impl IdentityServer {
    /// Answers a token request; every answer is JSON that no cache keeps.
    pub(super) async fn token(&self, visit: &Visit) -> Result<Response, Problem> {
        let issuer = issuer_of(visit)?;
        let form = read_form(visit);
        let grant = grant_label(form.as_ref().ok());
        let answer = match form {
            Ok(form) => self.grant_tokens(visit, &form, issuer).await,
            Err(error) => Err(error),
        };
        let outcome = answer.as_ref().map_or_else(|e| e.answer().1, |_| "issued");
        self.parts.metrics.tokens.with_label_values(&[grant, outcome]).inc();
        write_audit(visit, grant, &answer);
        let wants_nonce = matches!(answer, Err(TokenError::Dpop(DpopFault::WantsNonce)));
        let mut response = match answer {
            Ok(tokens) => response::json(StatusCode::OK, &tokens),
            Err(error) => error.response(),
        };
        if wants_nonce {
            self.give_nonce(&mut response, visit.exchange.now);
        }
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, UNCACHED);
        headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
        Ok(response)
    }

    async fn grant_tokens(
        &self,
        visit: &Visit,
        form: &Form,
        issuer: &str,
    ) -> Result<Tokens, TokenError> {
        let client = &self.authenticate(visit, form, issuer).await?;
        let key = self.proven_key(visit, client).await?;
        let call = Call { visit, form, client, issuer, key };
        let settings = &visit.config.identity_server;
        let may = |grant: &str| client.grant_types.iter().any(|allowed| allowed == grant);
        let granted = match call.value("grant_type") {
            Some(code::NAME) if code::is_allowed(client) => self.redeem_code(&call).await,
            Some(refresh::NAME) if client.offline_access => self.refresh(&call).await,
            Some(client_credentials::NAME) if may(client_credentials::NAME) => {
                self.client_credentials(&call).await
            }
            Some(password::NAME) if password::is_allowed(settings, client) => {
                self.password(&call).await
            }
            Some(device::NAME) if may(device::NAME) => self.poll_device(&call).await,
            Some(code::NAME | client_credentials::NAME | password::NAME | device::NAME) => {
                Err(TokenError::GrantNotAllowed)
            }
            // An owner who withdraws offline access ends the grants that rest on it (REF-05).
            Some(refresh::NAME) => Err(TokenError::BadGrant("offline access is not allowed")),
            Some(_) | None => Err(TokenError::UnknownGrant),
        };
        if granted.is_ok() {
            self.parts.metrics.recent.clients.used(&client.id, visit.exchange.now);
        }
        granted
    }
}

/// A POST of a form without repeated parameters, and no secret in the address, where logs would
/// keep it. Anything else is 400, as in IdentityServer4.
pub(super) fn read_form(visit: &Visit) -> Result<Form, TokenError> {
    let exchange = &visit.exchange;
    if exchange.method != Method::POST {
        return Err(TokenError::Malformed("send a POST"));
    }
    let query = exchange.query().map_err(|_| TokenError::Malformed("the query is malformed"))?;
    if query.get_any_case("client_secret").is_some() {
        return Err(TokenError::Malformed("a secret has no place in an address"));
    }
    exchange.form().map_err(|_| TokenError::Malformed("send a form that names each parameter once"))
}

/// One of a closed set, whatever the request says.
fn grant_label(form: Option<&Form>) -> &'static str {
    match form.and_then(|form| form.get("grant_type")) {
        Some(code::NAME) => code::NAME,
        Some(refresh::NAME) => refresh::NAME,
        Some(device::NAME) => "device_code",
        Some(client_credentials::NAME) => client_credentials::NAME,
        Some(password::NAME) => password::NAME,
        Some(_) | None => "other",
    }
}

fn write_audit(visit: &Visit, grant: &'static str, answer: &Result<Tokens, TokenError>) {
    let (event, user, reason) = match answer {
        Ok(tokens) => (audit::Event::TokenIssued, tokens.user.as_deref(), grant),
        Err(error) => (audit::Event::TokenRefused, None, error.answer().1),
    };
    audit::Entry { user, reason: Some(reason), ..visit.entry(event) }.write();
}
