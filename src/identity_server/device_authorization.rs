//! `/connect/deviceauthorization` (RFC 8628 §3.1, §3.2): a device asks for a code that a person can
//! type elsewhere.

use std::time::Duration;

use http::StatusCode;
use serde::Serialize;

use crate::clock::Timestamp;
use crate::config::model::identity_server::Client;
use crate::config::model::identity_server::IdentityServerSettings;
use crate::crypto::random;
use crate::error::Problem;
use crate::http::Response;
use crate::http::form::Form;
use crate::http::response;
use crate::identity_server::IdentityServer;
use crate::identity_server::discovery::base_of;
use crate::identity_server::grant;
use crate::identity_server::grant::device;
use crate::identity_server::grant::device::Answer;
use crate::identity_server::grant::device::Asked;
use crate::identity_server::grant::device::Waiting;
use crate::identity_server::issuer_of;
use crate::identity_server::pending::owner_of;
use crate::identity_server::scope;
use crate::identity_server::token;
use crate::identity_server::token::TokenError;
use crate::session::Visit;
use crate::store::grants::Kind;
use crate::store::grants::Record;
use crate::users::throttle::Rate;

/// What a device is told.
#[derive(Debug, Serialize)]
struct Codes {
    device_code: String,
    user_code: String,
    verification_uri: String,
    verification_uri_complete: String,
    expires_in: u64,
    interval: u64,
}

/// How often one network may ask: a whole office has room, it is told to wait before it pushes out
/// codes of its own as long as these live as usual, and it can have no more than a few hundred at a
/// time, of a thousand million.
const RATE: Rate = Rate { burst: 60, interval: Duration::from_secs(3) };

/// How often a code is drawn that somebody else has just now.
const DRAWS: usize = 8;

impl IdentityServer {
    /// Gives a device its codes; every answer is JSON that no cache keeps.
    pub(super) async fn device_authorization(&self, visit: &Visit) -> Result<Response, Problem> {
        let issuer = issuer_of(visit)?;
        let form = self.count_request(visit).and_then(|()| token::read_form(visit));
        let codes = match form {
            Ok(form) => self.device_codes(visit, &form, issuer).await,
            Err(error) => Err(error),
        };
        Ok(match codes {
            Ok(codes) => response::json(StatusCode::OK, &codes),
            Err(error) => error.response(),
        })
    }

    fn count_request(&self, visit: &Visit) -> Result<(), TokenError> {
        let (owner, now) = (owner_of(visit.exchange.client), visit.exchange.now);
        let taken = self.device_requests.take(&owner, RATE, now);
        taken.map_err(|wait| TokenError::TooMany { retry_after: seconds(wait) })
    }

    async fn device_codes(
        &self,
        visit: &Visit,
        form: &Form,
        issuer: &str,
    ) -> Result<Codes, TokenError> {
        let settings = &visit.config.identity_server;
        let client = self.authenticate(visit, form, issuer).await?;
        if !client.grant_types.iter().any(|grant| grant == device::NAME) {
            return Err(TokenError::GrantNotAllowed);
        }
        let scopes = scopes(settings, &client, form.get("scope").unwrap_or_default())?;
        let now = visit.exchange.now;
        let expires_at = now.plus(client.device_code_lifetime);
        let about = Record {
            client: client.id.clone(),
            owner: owner_of(visit.exchange.client),
            ends_at: expires_at,
            ..Record::default()
        };
        let asked = Asked { scopes, answer: Answer::Open };
        let user_code = self.draw(Record { data: grant::encode(&asked), ..about.clone() }, now);
        let user_code = user_code.await?;
        let waiting = Waiting { user_code: user_code.clone(), expires_at, asked_at: None };
        let record = Record {
            data: grant::encode(&waiting),
            ends_at: expires_at.plus(device::AFTERMATH),
            ..about
        };
        let device_code = random::handle();
        self.parts.grants.keep(Kind::DeviceCode, &device_code, record, now).await?;
        let base = base_of(visit).map_err(|_| TokenError::Internal)?;
        let verification_uri = format!("{base}/device");
        Ok(Codes {
            device_code,
            verification_uri_complete: format!("{verification_uri}?userCode={user_code}"),
            verification_uri,
            user_code,
            expires_in: client.device_code_lifetime.as_secs(),
            interval: settings.options.device_interval.as_secs(),
        })
    }

    /// Keeps `record` under a user code that nobody else has.
    async fn draw(&self, record: Record, now: Timestamp) -> Result<String, TokenError> {
        for _ in 0..DRAWS {
            let code = random::digits();
            if self.parts.grants.keep_new(Kind::UserCode, &code, record.clone(), now).await? {
                return Ok(code);
            }
        }
        Err(TokenError::Unavailable)
    }
}

/// The scopes asked for, or else all that the client may have (DEV-03).
fn scopes(
    settings: &IdentityServerSettings,
    client: &Client,
    text: &str,
) -> Result<Vec<String>, TokenError> {
    let scopes = if text.trim().is_empty() {
        let own = client.scopes.iter().filter(|s| scope::is_allowed(settings, client, s));
        let offline = client.offline_access.then(|| scope::OFFLINE_ACCESS.to_owned());
        own.cloned().chain(offline).collect()
    } else {
        scope::read(settings, client, text).map_err(|_| TokenError::BadScope)?
    };
    let openid = scopes.iter().any(|scope| scope == scope::OPENID);
    let of_the_user = scopes.iter().any(|scope| scope::is_identity(settings, scope));
    if scopes.is_empty() || of_the_user && !openid {
        return Err(TokenError::BadScope);
    }
    Ok(scopes)
}

/// One attempt too many.
pub(super) fn too_many(wait: Duration) -> Problem {
    Problem::TooManyRequests { retry_after: seconds(wait) }
}

fn seconds(wait: Duration) -> u32 {
    u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1)
}
