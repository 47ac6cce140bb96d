//! `/connect/authorize` and its callback (RFC 6749 §4.1, OpenID Connect Core §3.1.2 and §3.3.2).

use http::Method;

use crate::error::Problem;
use crate::http::Response;
use crate::http::form::Form;
use crate::identity_server::IdentityServer;
use crate::identity_server::Outcome;
use crate::identity_server::grant::Grant;
use crate::identity_server::grant::code::Code;
use crate::identity_server::interaction;
use crate::identity_server::interaction::SignedIn;
use crate::identity_server::interaction::Step;
use crate::identity_server::issuer_of;
use crate::identity_server::mint::Around;
use crate::identity_server::mint::Mint;
use crate::identity_server::person;
use crate::identity_server::person::Person;
use crate::identity_server::reply::Complaint;
use crate::identity_server::reply::Refusal;
use crate::identity_server::request::AuthorizationRequest;
use crate::identity_server::request::Judge;
use crate::identity_server::request::ResponseType;
use crate::session::Visit;

impl IdentityServer {
    /// Answers a client's request, or has somebody sign in first.
    pub(super) async fn authorize(&self, visit: &Visit) -> Result<Outcome, Problem> {
        let issuer = issuer_of(visit)?;
        match parameters(visit) {
            Ok(form) => self.proceed(visit, issuer, &form, SignedIn::Unknown).await,
            Err(Problem::BadRequest(_)) => {
                Ok(Outcome::Answer(self.refuse(visit, issuer, &MISREAD)))
            }
            Err(problem) => Err(problem),
        }
    }

    /// Goes on with a request after a sign-in.
    pub(super) async fn authorize_callback(&self, visit: &Visit) -> Result<Outcome, Problem> {
        let issuer = issuer_of(visit)?;
        let (form, signed_in) = self.come_back(visit)?;
        self.proceed(visit, issuer, &form, signed_in).await
    }

    async fn proceed(
        &self,
        visit: &Visit,
        issuer: &str,
        form: &Form,
        signed_in: SignedIn,
    ) -> Result<Outcome, Problem> {
        let judge = Judge { config: &visit.config, keys: &self.keys, issuer };
        let request = match judge.read(form) {
            Ok(request) => request,
            Err(refusal) => return Ok(Outcome::Answer(self.refuse(visit, issuer, &refusal))),
        };
        match interaction::next(&request, Person::of(visit), signed_in, visit.exchange.now) {
            Step::Answer(person)
                if self.needs_consent(&request, &person, visit.exchange.now).await? =>
            {
                let refusal = if request.details.silent {
                    let (error, description) = ("consent_required", "the person must be asked");
                    Refusal::Client { reply: request.reply, error, description }
                } else {
                    match self.ask_consent(visit, form) {
                        Some(answer) => return Ok(Outcome::Answer(answer)),
                        None => TOO_LONG,
                    }
                };
                Ok(Outcome::Answer(self.refuse(visit, issuer, &refusal)))
            }
            Step::Answer(person) => {
                self.grant(visit, issuer, &request, person).await.map(Outcome::Answer)
            }
            Step::Refuse(error, description) => {
                let refusal = Refusal::Client { reply: request.reply, error, description };
                Ok(Outcome::Answer(self.refuse(visit, issuer, &refusal)))
            }
            Step::SignIn => match self.way_back(visit, form) {
                Some(return_path) => Ok(Outcome::SignIn {
                    return_path,
                    provider: request.details.idp.filter(|idp| idp != person::LOCAL),
                    login_hint: request.details.login_hint,
                }),
                None => Ok(Outcome::Answer(self.refuse(visit, issuer, &TOO_LONG))),
            },
        }
    }

    /// Sends a code, and in the hybrid flow an ID token beside it.
    pub(super) async fn grant(
        &self,
        visit: &Visit,
        issuer: &str,
        request: &AuthorizationRequest,
        person: Person,
    ) -> Result<Response, Problem> {
        let AuthorizationRequest { client, reply, response_type, scopes, details } = request;
        let claims = details.claims.clone();
        let now = visit.exchange.now;
        let grant = Grant::new(client, person, scopes.clone(), claims);
        let code = Code {
            redirect_uri: reply.redirect_uri.clone(),
            challenge: details.challenge.clone(),
            nonce: details.nonce.clone(),
            dpop_key: None,
            expires_at: now.plus(client.code_lifetime),
        };
        let code = self.issue_code(code, &grant, client, now).await?;
        // A sign-out meanwhile may have looked for grants before this one was kept.
        if visit.session.as_ref().is_none_or(|s| self.parts.sessions.live(&s.id).is_none()) {
            self.end_grant(&grant.name).await?;
        }
        if let Some(session) = &visit.session {
            session.sign_into(&client.id);
        }
        let around = Around {
            nonce: details.nonce.as_deref(),
            code: Some(&code),
            state: reply.state.as_deref(),
            ..Around::default()
        };
        let settings = &visit.config.identity_server;
        let mint = Mint { keys: &self.keys, issuer, settings, client, now };
        Ok(match response_type {
            ResponseType::Code => reply.send(visit, issuer, &[("code", &code)]),
            ResponseType::CodeIdToken => {
                let id_token = mint.id_token(&grant, &around).ok_or(Problem::Internal)?;
                reply.send(visit, issuer, &[("code", &code), ("id_token", &id_token)])
            }
        })
    }
}

/// The parameters of a GET's query or of a POST's form; one that has both could be read two ways.
pub(super) fn parameters(visit: &Visit) -> Result<Form, Problem> {
    let exchange = &visit.exchange;
    if exchange.method != Method::POST {
        return exchange.query();
    }
    if exchange.target.query.as_deref().is_some_and(|query| !query.is_empty()) {
        return Err(Problem::BadRequest("a posted request has no query".into()));
    }
    exchange.form()
}

const MISREAD: Refusal = Refusal::Page(Complaint {
    error: "invalid_request",
    description: "a parameter stands there twice or is malformed",
    client: None,
});

const TOO_LONG: Refusal = Refusal::Page(Complaint {
    error: "invalid_request",
    description: "the request is too long",
    client: None,
});
