//! `/connect/authorize` and its callback (RFC 6749 §4.1, OpenID Connect Core §3.1.2 and §3.3.2).

use http::Method;

use crate::clock::Timestamp;
use crate::config::model::identity_server::IdentityServerSettings;
use crate::error::Problem;
use crate::http::Response;
use crate::http::ReturnPath;
use crate::http::form::Form;
use crate::identity_server::IdentityServer;
use crate::identity_server::Outcome;
use crate::identity_server::check_session;
use crate::identity_server::grant::Grant;
use crate::identity_server::grant::code::Code;
use crate::identity_server::interaction;
use crate::identity_server::interaction::SignedIn;
use crate::identity_server::interaction::Step;
use crate::identity_server::issuer_of;
use crate::identity_server::mint::Around;
use crate::identity_server::mint::Mint;
use crate::identity_server::person::Person;
use crate::identity_server::pushed;
use crate::identity_server::reply::Complaint;
use crate::identity_server::reply::Refusal;
use crate::identity_server::request::Asked;
use crate::identity_server::request::AuthorizationRequest;
use crate::identity_server::request::Judge;
use crate::identity_server::request::invalid;
use crate::identity_server::request::value;
use crate::identity_server::requested::RequestedClaims;
use crate::identity_server::scope;
use crate::session::Visit;

impl IdentityServer {
    /// Answers a client's request, or has somebody sign in first.
    pub(super) async fn authorize(&self, visit: &Visit) -> Result<Outcome, Problem> {
        let issuer = issuer_of(visit)?;
        let outcome = match parameters(visit) {
            Ok(form) => match self.gather(visit, issuer, form).await? {
                Ok(asked) => self.proceed(visit, issuer, &asked, SignedIn::Unknown).await?,
                Err(refusal) => Outcome::Answer(self.refuse(visit, issuer, &refusal)),
            },
            Err(Problem::BadRequest(_)) => {
                Outcome::Answer(self.refuse(visit, issuer, &Refusal::Page(MISREAD)))
            }
            Err(problem) => return Err(problem),
        };
        Ok(dressed(visit, outcome))
    }

    /// Goes on with a request after a sign-in.
    pub(super) async fn authorize_callback(&self, visit: &Visit) -> Result<Outcome, Problem> {
        let issuer = issuer_of(visit)?;
        let (asked, signed_in) = self.come_back(visit)?;
        let outcome = self.proceed(visit, issuer, &asked, signed_in).await?;
        Ok(dressed(visit, outcome))
    }

    /// The parameters that count: those of the request, of one that was pushed before, or of an
    /// object that the client signed.
    async fn gather(
        &self,
        visit: &Visit,
        issuer: &str,
        form: Form,
    ) -> Result<Result<Asked, Refusal>, Problem> {
        let judge = Judge { config: &visit.config, keys: &self.keys, issuer };
        let object = match (value(&form, "request"), value(&form, "request_uri")) {
            (None, None) => return Ok(Ok(Asked::plain(form))),
            (Some(_), Some(_)) => Err(invalid("request and request_uri exclude each other")),
            (Some(object), None) => Ok(object.to_owned()),
            (None, Some(pushed)) if pushed::is_pushed(pushed) => {
                return self.find_pushed(visit, &judge, (&form, pushed)).await;
            }
            (None, Some(address)) => self.fetch_object(visit, &judge, (&form, address)).await,
        };
        let client = match judge.client(&form) {
            Ok(client) => client,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let now = visit.exchange.now;
        let read = object.and_then(|object| judge.unpack(&client, &form, &object, now));
        Ok(match read {
            Ok(form) => Ok(Asked { form, pushed: false, signed: true }),
            Err(fault) => Err(judge.refuse(&form, fault)),
        })
    }

    async fn proceed(
        &self,
        visit: &Visit,
        issuer: &str,
        asked: &Asked,
        signed_in: SignedIn,
    ) -> Result<Outcome, Problem> {
        let judge = Judge { config: &visit.config, keys: &self.keys, issuer };
        let request = match judge.read(asked) {
            Ok(request) => request,
            Err(refusal) => return Ok(Outcome::Answer(self.refuse(visit, issuer, &refusal))),
        };
        let now = visit.exchange.now;
        let refusal = match interaction::next(&request, self.person(visit).await?, signed_in, now) {
            Step::Answer(person) if !self.needs_consent(&request, &person, now).await? => {
                return self.grant(visit, issuer, &request, person).await.map(Outcome::Answer);
            }
            Step::Answer(_) if request.details.silent => {
                let (error, description) = ("consent_required", "the person must be asked");
                Refusal::Client { reply: request.reply, error, description }
            }
            Step::Answer(_) => match self.ask_consent(visit, asked) {
                Some(answer) => return Ok(Outcome::Answer(answer)),
                None => Refusal::Page(TOO_LONG),
            },
            Step::Refuse(error, description) => {
                Refusal::Client { reply: request.reply, error, description }
            }
            Step::SignIn => match self.way_back(visit, asked) {
                Some(return_path) => return Ok(sign_in(return_path, request)),
                None => Refusal::Page(TOO_LONG),
            },
        };
        Ok(Outcome::Answer(self.refuse(visit, issuer, &refusal)))
    }

    /// Sends what the response type names: a code, tokens, or both.
    pub(super) async fn grant(
        &self,
        visit: &Visit,
        issuer: &str,
        request: &AuthorizationRequest,
        person: Person,
    ) -> Result<Response, Problem> {
        let AuthorizationRequest { client, reply, scopes, details, .. } = request;
        let (settings, now) = (&visit.config.identity_server, visit.exchange.now);
        let requested = allowed_claims(settings, request);
        let mut grant = Grant::new(client, person, scopes.clone(), requested);
        grant.resources.clone_from(&details.resources);
        let code = self.code(request, &grant, now).await?;
        // A sign-out meanwhile may have looked for grants before this one was kept.
        if visit.session.as_ref().is_none_or(|s| self.parts.sessions.live(&s.id).is_none()) {
            self.end_grant(&grant.name).await?;
        }
        if let Some(session) = &visit.session {
            session.sign_into(&client.id);
        }
        self.parts.metrics.recent.clients.used(&client.id, now);
        let mint = Mint { keys: &self.keys, issuer, settings, client, now };
        let access_token = if request.response_type.token {
            Some(self.issue_access_token(&mint, &grant).await?.ok_or(Problem::Internal)?)
        } else {
            None
        };
        let tokens = Tokens::of(&mint, request, &grant, (code.as_deref(), access_token));
        let tokens = tokens.ok_or(Problem::Internal)?;
        let (lifetime, scope) =
            (client.access_token_lifetime.as_secs().to_string(), scopes.join(" "));
        let mut fields = Vec::new();
        fields.extend(code.as_deref().map(|code| ("code", code)));
        fields.extend(tokens.id_token.as_deref().map(|token| ("id_token", token)));
        if let Some(token) = &tokens.access_token {
            fields.extend([("access_token", token.as_str()), ("token_type", "Bearer")]);
            fields.extend([("expires_in", lifetime.as_str()), ("scope", scope.as_str())]);
        }
        Ok(reply.send(visit, issuer, &fields))
    }

    /// A code for `grant`, where one is asked for; and the grant is kept as long as what comes of
    /// it may live.
    async fn code(
        &self,
        request: &AuthorizationRequest,
        grant: &Grant,
        now: Timestamp,
    ) -> Result<Option<String>, Problem> {
        let AuthorizationRequest { client, reply, response_type, details, .. } = request;
        if !response_type.code {
            if response_type.token {
                let ends_at = now.plus(client.access_token_lifetime);
                self.keep_grant(grant, ends_at, now).await?;
            }
            return Ok(None);
        }
        let code = Code {
            redirect_uri: reply.redirect_uri.clone(),
            challenge: details.challenge.clone(),
            nonce: details.nonce.clone(),
            dpop_key: details.dpop_key.clone(),
            expires_at: now.plus(client.code_lifetime),
        };
        Ok(Some(self.issue_code(code, grant, client, now).await?))
    }
}

/// The tokens that go through the browser.
struct Tokens {
    id_token: Option<String>,
    access_token: Option<String>,
}

impl Tokens {
    /// Those that the response type names, beside a code and an access token. `None` only if
    /// signing fails.
    fn of(
        mint: &Mint<'_>,
        request: &AuthorizationRequest,
        grant: &Grant,
        (code, access_token): (Option<&str>, Option<String>),
    ) -> Option<Self> {
        let AuthorizationRequest { reply, response_type, details, .. } = request;
        if !response_type.id_token {
            return Some(Self { id_token: None, access_token });
        }
        let around = Around {
            nonce: details.nonce.as_deref(),
            access_token: access_token.as_deref(),
            code,
            state: reply.state.as_deref().filter(|_| mint.settings.options.state_hash),
            alone: code.is_none() && access_token.is_none(),
        };
        Some(Self { id_token: Some(mint.id_token(grant, &around)?), access_token })
    }
}

/// The claims asked for by name. Somebody who is asked about a request is asked about its scopes: a
/// name reaches no further than what these release. `acr` is about the sign-in.
fn allowed_claims(
    settings: &IdentityServerSettings,
    AuthorizationRequest { client, scopes, details, .. }: &AuthorizationRequest,
) -> RequestedClaims {
    let mut claims = details.claims.clone();
    if client.require_consent || details.consent_anew {
        let released: Vec<&str> = scope::identity_claims(settings, scopes).collect();
        let is_released = |name: &String| released.contains(&name.as_str());
        claims.userinfo.retain(is_released);
        claims.id_token.retain(|name| name == "acr" || is_released(name));
    }
    claims
}

fn sign_in(return_path: ReturnPath, request: AuthorizationRequest) -> Outcome {
    Outcome::SignIn {
        return_path,
        provider: request.details.idp,
        login_hint: request.details.login_hint,
        ui_locales: request.details.ui_locales,
    }
}

/// Every answer of this endpoint sees to the session-management cookie (AUTHR-19).
fn dressed(visit: &Visit, mut outcome: Outcome) -> Outcome {
    if let Outcome::Answer(response) = &mut outcome {
        check_session::keep_cookie(visit, response);
    }
    outcome
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

const MISREAD: Complaint = Complaint {
    error: "invalid_request",
    description: "a parameter stands there twice or is malformed",
    client: None,
    ui_locales: None,
};

const TOO_LONG: Complaint = Complaint {
    error: "invalid_request",
    description: "the request is too long",
    client: None,
    ui_locales: None,
};
