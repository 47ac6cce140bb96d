//! `/connect/par` (RFC 9126): a client hands its authorization request to us itself, proves who it
//! is, and sends the browser with a name for it that is good once and for a minute.

use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;
use serde::Serialize;
use serde_json::json;
use url::form_urlencoded;

use crate::config::model::identity_server::Client;
use crate::crypto::random;
use crate::error::Problem;
use crate::http::Response;
use crate::http::form::Form;
use crate::http::response;
use crate::identity_server::IdentityServer;
use crate::identity_server::device_authorization::too_many;
use crate::identity_server::dpop::DpopFault;
use crate::identity_server::grant;
use crate::identity_server::issuer_of;
use crate::identity_server::pending;
use crate::identity_server::reply::Refusal;
use crate::identity_server::request::Asked;
use crate::identity_server::request::Fault;
use crate::identity_server::request::Judge;
use crate::identity_server::request::page;
use crate::identity_server::request::value;
use crate::identity_server::token;
use crate::identity_server::token::TokenError;
use crate::session::Visit;
use crate::store::StoreError;
use crate::store::grants::Kind;
use crate::store::grants::Record;
use crate::store::grants::Spending;
use crate::users::throttle::Rate;

/// What the name of a pushed request begins with (§2.2).
const PREFIX: &str = "urn:ietf:params:oauth:request_uri:";

/// How long a pushed request waits for its browser.
const LIFETIME: Duration = Duration::from_mins(1);

/// How often clients that prove nothing may push from one network: the requests of all its people who
/// sign in.
const RATE: Rate = Rate { burst: 60, interval: Duration::from_secs(1) };

/// What proves the client here and has no place in its request.
const PROOFS: [&str; 3] = ["client_secret", "client_assertion", "client_assertion_type"];

/// The parameter that names the only key a code may be redeemed with (RFC 9449 §10).
const JKT: &str = "dpop_jkt";

/// A pushed request as it is kept.
#[derive(Debug, Serialize, Deserialize)]
struct Pushed {
    /// The parameters that count, in encoded form.
    request: String,
    /// Whether the client signed them.
    signed: bool,
}

/// Why a request is not taken.
enum PushFault {
    /// The client or its call.
    Call(TokenError),
    /// The request itself.
    Request(String, String),
    /// What every endpoint may answer.
    Problem(Problem),
}

impl From<TokenError> for PushFault {
    fn from(error: TokenError) -> Self {
        Self::Call(error)
    }
}

impl From<StoreError> for PushFault {
    fn from(error: StoreError) -> Self {
        Self::Call(error.into())
    }
}

/// Whether a `request_uri` names a pushed request.
pub(super) fn is_pushed(request_uri: &str) -> bool {
    request_uri.starts_with(PREFIX)
}

impl IdentityServer {
    /// Takes a request, as strictly as the authorization endpoint would.
    pub(super) async fn push(&self, visit: &Visit) -> Result<Response, Problem> {
        let issuer = issuer_of(visit)?;
        Ok(match self.take_push(visit, issuer).await {
            Ok(request_uri) => {
                let answer = json!({"request_uri": request_uri, "expires_in": LIFETIME.as_secs()});
                response::json(StatusCode::CREATED, &answer)
            }
            Err(PushFault::Call(error)) => {
                let mut response = error.response();
                if error == TokenError::Dpop(DpopFault::WantsNonce) {
                    self.give_nonce(&mut response, visit.exchange.now);
                }
                response
            }
            Err(PushFault::Problem(problem)) => return Err(problem),
            Err(PushFault::Request(error, description)) => {
                let told = json!({"error": error, "error_description": description});
                response::json(StatusCode::BAD_REQUEST, &told)
            }
        })
    }

    async fn take_push(&self, visit: &Visit, issuer: &str) -> Result<String, PushFault> {
        let posted = token::read_form(visit)?;
        let client = self.authenticate(visit, &posted, issuer).await?;
        let owner = self.push_owner(visit, &client)?;
        let key = self.shown_key(visit, &client).await.map_err(TokenError::from)?;
        if value(&posted, "request_uri").is_some() {
            return Err(TokenError::Malformed("a pushed request refers to no other").into());
        }
        let named = [("client_id", client.id.as_str())];
        let own = posted.iter().filter(|(name, _)| *name != "client_id" && !PROOFS.contains(name));
        let text = encode(named.into_iter().chain(own));
        let form = Form::parse(text.as_bytes());
        let form = form.map_err(|_| TokenError::Malformed("a parameter stands there twice"))?;
        let judge = Judge { config: &visit.config, keys: &self.keys, issuer };
        let now = visit.exchange.now;
        let (form, signed) = match value(&form, "request") {
            Some(object) => (judge.unpack(&client, &form, object, now).map_err(told)?, true),
            None => (form, false),
        };
        let form = match key {
            Some(key) => bind(&form, &key)?,
            None => form,
        };
        let asked = Asked { form, pushed: true, signed };
        judge.read(&asked).map_err(refused)?;
        let request = encode(asked.form.iter());
        if request.len() > pending::LONGEST {
            return Err(TokenError::Malformed("the request is too long").into());
        }
        let handle = random::handle();
        let record = Record {
            client: client.id.clone(),
            owner,
            data: grant::encode(&Pushed { request, signed }),
            ends_at: now.plus(LIFETIME),
            ..Record::default()
        };
        self.parts.grants.keep(Kind::PushedRequest, &handle, record, now).await?;
        Ok(format!("{PREFIX}{handle}"))
    }

    /// Whose share a request of `client` takes: one that proves nothing could be anybody.
    fn push_owner(&self, visit: &Visit, client: &Client) -> Result<String, PushFault> {
        if client.require_secret {
            return Ok(client.id.clone());
        }
        let owner = pending::owner_of(visit.exchange.client);
        let taken = self.pushes.take(&owner, RATE, visit.exchange.now);
        taken.map_err(|wait| PushFault::Problem(too_many(wait)))?;
        Ok(owner)
    }

    /// The request that `client_id` pushed under this name, once. Nothing that stands beside those
    /// two counts (§4).
    ///
    /// # Errors
    ///
    /// [`Problem::Unavailable`] when the store does not answer.
    pub(super) async fn find_pushed(
        &self,
        visit: &Visit,
        judge: &Judge<'_>,
        (form, request_uri): (&Form, &str),
    ) -> Result<Result<Asked, Refusal>, Problem> {
        const UNKNOWN: Fault =
            Fault("invalid_request_uri", "the pushed request is unknown, over, used or another's");
        let client = match judge.client(form) {
            Ok(client) => client,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let unknown = || Ok(Err(page(UNKNOWN, form, Some(&client))));
        let Some(handle) = request_uri.strip_prefix(PREFIX) else { return unknown() };
        let (grants, now) = (&self.parts.grants, visit.exchange.now);
        let seen = grants.find(Kind::PushedRequest, handle, now).await?;
        if seen.is_none_or(|seen| seen.client != client.id) {
            return unknown();
        }
        let spent = grants.spend(Kind::PushedRequest, handle, now).await?;
        let Spending::First(record) = spent else { return unknown() };
        let pushed = serde_json::from_str::<Pushed>(&record.data).ok();
        let asked = pushed.and_then(|Pushed { request, signed }| {
            let form = Form::parse(request.as_bytes()).ok()?;
            Some(Asked { form, pushed: true, signed })
        });
        asked.map_or_else(unknown, |asked| Ok(Ok(asked)))
    }
}

/// The request with `dpop_jkt` for the key that its client proved to hold (RFC 9449 §10.1).
fn bind(form: &Form, key: &str) -> Result<Form, TokenError> {
    const OTHER: DpopFault = DpopFault::Invalid("dpop_jkt names another key");
    if value(form, JKT).is_some_and(|named| named != key) {
        return Err(OTHER.into());
    }
    let others = form.iter().filter(|(name, _)| *name != JKT);
    let bound = encode(others.chain([(JKT, key)]));
    Form::parse(bound.as_bytes())
        .map_err(|_| TokenError::Malformed("there are too many parameters"))
}

fn encode<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

fn told(Fault(error, description): Fault) -> PushFault {
    PushFault::Request(error.to_owned(), description.to_owned())
}

fn refused(refusal: Refusal) -> PushFault {
    let (error, description) = match refusal {
        Refusal::Page(complaint) => (complaint.error, complaint.description),
        Refusal::Client { error, description, .. } => (error, description),
    };
    PushFault::Request(error.to_owned(), description.to_owned())
}
