//! `/connect/userinfo` (OpenID Connect Core §5.3): claims of the person, for an access token.

use http::HeaderValue;
use http::Method;
use http::StatusCode;
use http::header;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::error::Problem;
use crate::http::Response;
use crate::http::response;
use crate::identity_server::IdentityServer;
use crate::identity_server::access::Access;
use crate::identity_server::claims;
use crate::identity_server::client;
use crate::identity_server::issuer_of;
use crate::identity_server::scope;
use crate::session::Visit;

/// How a request for claims fails (RFC 6750 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refused {
    /// A token in two places.
    Malformed,
    /// No token, or one that is not worth anything any more.
    InvalidToken,
    /// A token that is not about a person's identity.
    InsufficientScope,
}

impl Refused {
    fn response(self) -> Response {
        let (status, error) = match self {
            Self::Malformed => (StatusCode::BAD_REQUEST, "invalid_request"),
            Self::InvalidToken => (StatusCode::UNAUTHORIZED, "invalid_token"),
            Self::InsufficientScope => (StatusCode::FORBIDDEN, "insufficient_scope"),
        };
        let challenge = format!("Bearer realm=\"userinfo\", error=\"{error}\"");
        let mut response = response::json(status, &json!({"error": error}));
        if let Ok(challenge) = HeaderValue::try_from(challenge) {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

impl IdentityServer {
    /// The claims that the token's grant releases.
    pub(super) async fn userinfo(&self, visit: &Visit) -> Result<Response, Problem> {
        let issuer = issuer_of(visit)?;
        let answer = match bearer(visit) {
            Ok(token) => {
                let access = self.access(issuer, &token, visit.exchange.now).await?;
                access.ok_or(Refused::InvalidToken).and_then(|access| claims_for(visit, &access))
            }
            Err(refused) => Err(refused),
        };
        Ok(match answer {
            Ok(claims) => response::json(StatusCode::OK, &claims),
            Err(refused) => refused.response(),
        })
    }
}

fn claims_for(visit: &Visit, access: &Access) -> Result<Map<String, Value>, Refused> {
    let grant = access.grant.as_ref().ok_or(Refused::InsufficientScope)?;
    let settings = &visit.config.identity_server;
    let client = client::find(settings, &grant.client_id).ok_or(Refused::InvalidToken)?;
    let person = grant.person.renewed(&visit.config).ok_or(Refused::InvalidToken)?;
    let scopes = access.scopes();
    if !scopes.iter().any(|scope| scope == scope::OPENID) {
        return Err(Refused::InsufficientScope);
    }
    let released = scope::identity_claims(settings, &scopes);
    let asked = scope::open_claims(settings, client, &grant.requested.userinfo);
    let mut members = Map::new();
    members.insert("sub".to_owned(), json!(person.subject));
    members.extend(claims::select(&person.claims, released.chain(asked)));
    Ok(members)
}

/// The token of the `Authorization` line or of the form body (RFC 6750 §2.1, §2.2); never of the
/// query, where logs would keep it.
fn bearer(visit: &Visit) -> Result<String, Refused> {
    let exchange = &visit.exchange;
    let line = exchange.header(header::AUTHORIZATION).and_then(|line| {
        let (scheme, token) = line.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
    });
    let posted = (exchange.method == Method::POST).then(|| exchange.form().ok()).flatten();
    let posted = posted.and_then(|form| form.get("access_token").map(str::to_owned));
    match (line, posted) {
        (Some(_), Some(_)) => Err(Refused::Malformed),
        (Some(token), None) | (None, Some(token)) => Ok(token),
        (None, None) => Err(Refused::InvalidToken),
    }
}
