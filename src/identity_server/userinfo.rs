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
use crate::identity_server::dpop;
use crate::identity_server::issuer_of;
use crate::identity_server::person::Person;
use crate::identity_server::scope;
use crate::session::Visit;
use crate::store::StoreError;

/// How a request for claims fails (RFC 6750 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refused {
    /// A token in two places.
    Malformed,
    /// No token, or one that is not worth anything any more.
    InvalidToken,
    /// A token that is not about a person's identity.
    InsufficientScope,
    /// A token that is bound to a key, without a proof of holding that (RFC 9449 §7.1).
    BadProof,
}

impl Refused {
    fn response(self) -> Response {
        let (status, error) = match self {
            Self::Malformed => (StatusCode::BAD_REQUEST, "invalid_request"),
            Self::InvalidToken => (StatusCode::UNAUTHORIZED, "invalid_token"),
            Self::InsufficientScope => (StatusCode::FORBIDDEN, "insufficient_scope"),
            Self::BadProof => (StatusCode::UNAUTHORIZED, "invalid_dpop_proof"),
        };
        let challenge = match self {
            Self::BadProof => {
                format!("DPoP error=\"{error}\", algs=\"{}\"", dpop::ALGORITHMS.join(" "))
            }
            Self::Malformed | Self::InvalidToken | Self::InsufficientScope => {
                format!("Bearer realm=\"userinfo\", error=\"{error}\"")
            }
        };
        let mut response = response::json(status, &json!({"error": error}));
        if let Ok(challenge) = HeaderValue::try_from(challenge) {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

impl IdentityServer {
    /// What `access` releases of the person as known now.
    async fn claims_for(
        &self,
        visit: &Visit,
        access: &Access,
    ) -> Result<Result<Map<String, Value>, Refused>, StoreError> {
        let Some(grant) = &access.grant else { return Ok(Err(Refused::InsufficientScope)) };
        let person = grant.person.renewed(&visit.config, &self.parts.local_users).await?;
        let claims = |person: Person| claims_of(visit, access, &person);
        Ok(person.ok_or(Refused::InvalidToken).and_then(claims))
    }

    /// The claims that the token's grant releases.
    pub(super) async fn userinfo(&self, visit: &Visit) -> Result<Response, Problem> {
        let issuer = issuer_of(visit)?;
        let answer = match shown(visit) {
            Ok(shown) => {
                let access = self.access(issuer, &shown.token, visit.exchange.now).await?;
                let bound = match &access {
                    Some(access) => self.check_binding(visit, &shown, access).await,
                    None => Err(Refused::InvalidToken),
                };
                match bound {
                    Ok(access) => self.claims_for(visit, access).await?,
                    Err(refused) => Err(refused),
                }
            }
            Err(refused) => Err(refused),
        };
        Ok(match answer {
            Ok(claims) => response::json(StatusCode::OK, &claims),
            Err(refused) => refused.response(),
        })
    }

    /// A bound token comes with a proof, and one that is not bound without (RFC 9449 §7.1, §7.2).
    async fn check_binding<'a>(
        &self,
        visit: &Visit,
        shown: &Shown,
        access: &'a Access,
    ) -> Result<&'a Access, Refused> {
        match (shown.by_dpop, access.key()) {
            (false, None) => Ok(access),
            (true, Some(key)) => {
                let holder = (access.client(), key);
                let checked = self.check_dpop(visit, &shown.token, holder).await;
                checked.map(|()| access).map_err(|_| Refused::BadProof)
            }
            (true, None) | (false, Some(_)) => Err(Refused::InvalidToken),
        }
    }
}

fn claims_of(
    visit: &Visit,
    access: &Access,
    person: &Person,
) -> Result<Map<String, Value>, Refused> {
    let grant = access.grant.as_ref().ok_or(Refused::InsufficientScope)?;
    let settings = &visit.config.identity_server;
    let client = client::find(settings, &grant.client_id).ok_or(Refused::InvalidToken)?;
    let scopes = access.scopes();
    if !scopes.iter().any(|scope| scope == scope::OPENID) {
        return Err(Refused::InsufficientScope);
    }
    let released = scope::identity_claims(settings, &scopes);
    let asked = scope::open_claims(settings, client, &scopes, &grant.requested.userinfo);
    let mut members = Map::new();
    members.insert("sub".to_owned(), json!(person.subject));
    members.extend(claims::select(&person.claims, released.chain(asked)));
    Ok(members)
}

/// A token, and how it came.
struct Shown {
    token: String,
    by_dpop: bool,
}

/// The token of the `Authorization` line or of the form body (RFC 6750 §2.1, §2.2, RFC 9449 §7.1);
/// never of the query, where logs would keep it.
fn shown(visit: &Visit) -> Result<Shown, Refused> {
    let exchange = &visit.exchange;
    let line = exchange.header(header::AUTHORIZATION).and_then(|line| {
        let (scheme, token) = line.split_once(' ')?;
        let by_dpop = scheme.eq_ignore_ascii_case("dpop");
        let known = by_dpop || scheme.eq_ignore_ascii_case("bearer");
        known.then(|| Shown { token: token.trim().to_owned(), by_dpop })
    });
    let posted = (exchange.method == Method::POST).then(|| exchange.form().ok()).flatten();
    let posted = posted.and_then(|form| form.get("access_token").map(str::to_owned));
    match (line, posted) {
        (Some(_), Some(_)) => Err(Refused::Malformed),
        (Some(shown), None) => Ok(shown),
        (None, Some(token)) => Ok(Shown { token, by_dpop: false }),
        (None, None) => Err(Refused::InvalidToken),
    }
}
