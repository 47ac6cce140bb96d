//! `/consent?returnUrl=`: asks a person what a client may have, and remembers the answer where its
//! owner and the person want that.

use http::Method;
use percent_encoding::NON_ALPHANUMERIC;
use percent_encoding::utf8_percent_encode;
use serde::Deserialize;
use serde::Serialize;

use crate::clock::Timestamp;
use crate::config::model::identity_server::Client;
use crate::error::Problem;
use crate::http::Response;
use crate::http::ReturnPath;
use crate::http::form::Form;
use crate::identity_server::IdentityServer;
use crate::identity_server::Outcome;
use crate::identity_server::grant;
use crate::identity_server::interaction;
use crate::identity_server::interaction::Step;
use crate::identity_server::issuer_of;
use crate::identity_server::person;
use crate::identity_server::person::Person;
use crate::identity_server::reply::Refusal;
use crate::identity_server::reply::go;
use crate::identity_server::request::Asked;
use crate::identity_server::request::AuthorizationRequest;
use crate::identity_server::request::Judge;
use crate::identity_server::scope;
use crate::identity_server::scope_choice;
use crate::identity_server::scope_choice::TICKED;
use crate::observe::audit;
use crate::pages;
use crate::pages::Application;
use crate::pages::Look;
use crate::session::Session;
use crate::session::Visit;
use crate::session::form_proof;
use crate::session::form_proof::FormProof;
use crate::store::grants::Kind;
use crate::store::grants::Record;

/// A consent that is remembered.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Remembered {
    /// What the client may have without asking again.
    pub(super) scopes: Vec<String>,
    /// Since when.
    pub(super) given_at: Timestamp,
}

/// A request that a person is asked about.
struct Question<'a> {
    visit: &'a Visit,
    session: &'a Session,
    /// The authorize callback with the request.
    back: &'a str,
    request: AuthorizationRequest,
    person: Person,
}

impl IdentityServer {
    /// Whether `person` must be asked about `request` (IdentityServer4's rule: what a client gets
    /// while the person is away is asked about each time).
    pub(super) async fn needs_consent(
        &self,
        request: &AuthorizationRequest,
        person: &Person,
        now: Timestamp,
    ) -> Result<bool, Problem> {
        let client = &request.client;
        if request.details.consent_anew || !client.require_consent {
            return Ok(request.details.consent_anew);
        }
        let offline = request.scopes.iter().any(|scope| scope == scope::OFFLINE_ACCESS);
        if offline || !client.remember_consent {
            return Ok(true);
        }
        let name = person::at_client(&person.subject, &client.id);
        let record = self.parts.grants.find(Kind::Consent, &name, now).await?;
        let known = record.and_then(|r| serde_json::from_str::<Remembered>(&r.data).ok());
        let covers = |known: Remembered| request.scopes.iter().all(|s| known.scopes.contains(s));
        Ok(!known.is_some_and(covers))
    }

    /// The way to the page that asks about a request.
    pub(super) fn ask_consent(&self, visit: &Visit, asked: &Asked) -> Option<Response> {
        let target = &visit.exchange.target;
        let callback = target.path.is(&callback_of(visit));
        // What tells that somebody has just signed in for this request goes on with it.
        let back = match &target.query {
            Some(query) if callback => ReturnPath::read(&format!("{}?{query}", callback_of(visit))),
            Some(_) | None => self.way_back(visit, asked),
        };
        let back = back?;
        let folder = &visit.site.virtual_folder;
        let encoded = utf8_percent_encode(back.as_str(), NON_ALPHANUMERIC);
        Some(go(visit, &format!("{folder}/consent?returnUrl={encoded}")))
    }

    /// GET asks; POST takes the answer, which counts for the very request that was asked about, and
    /// once.
    pub(super) async fn consent(&self, visit: &Visit) -> Result<Outcome, Problem> {
        let issuer = issuer_of(visit)?;
        let posted = visit.exchange.method == Method::POST;
        let form = if posted { visit.exchange.form()? } else { visit.exchange.query()? };
        let back = way_back(visit, &form)?;
        let onward = || Ok(Outcome::Answer(go(visit, back.as_str())));
        let Some(session) = visit.session.as_deref() else { return onward() };
        let proof = if posted {
            let proof = form.get("token").unwrap_or_default();
            Some(form_proof::accept(&self.parts.seal, visit, &about(back.as_str()), proof)?)
        } else {
            None
        };
        let (asked, signed_in) = self.come_back_with(visit, &query_of(&back)?)?;
        let judge = Judge { config: &visit.config, keys: &self.keys, issuer };
        let request = match judge.read(&asked) {
            Ok(request) => request,
            Err(refusal) => return Ok(Outcome::Answer(self.refuse(visit, issuer, &refusal))),
        };
        let now = visit.exchange.now;
        let Step::Answer(person) =
            interaction::next(&request, self.person(visit).await?, signed_in, now)
        else {
            return onward();
        };
        if !self.needs_consent(&request, &person, now).await? {
            return onward();
        }
        let question = Question { visit, session, back: back.as_str(), request, person };
        let Some(proof) = proof else { return self.show(&question).map(Outcome::Answer) };
        if !self.is_first_use(proof, now).await? {
            return onward();
        }
        self.take_answer(question, issuer, &form).await.map(Outcome::Answer)
    }

    /// Whether a form is posted for the first time; of any number at once one is the first.
    async fn is_first_use(&self, proof: FormProof, now: Timestamp) -> Result<bool, Problem> {
        let name = format!("form:{:032x}", u128::from_be_bytes(proof.id));
        let record = Record { owner: proof.session, ends_at: proof.ends_at, ..Record::default() };
        Ok(self.parts.grants.keep_new(Kind::UsedId, &name, record, now).await?)
    }

    async fn take_answer(
        &self,
        question: Question<'_>,
        issuer: &str,
        form: &Form,
    ) -> Result<Response, Problem> {
        let visit = question.visit;
        let settings = &visit.config.identity_server;
        let allowed = match form.get("button") {
            Some("yes") => scope_choice::allowed(settings, &question.request.scopes, form),
            Some(_) | None => None,
        };
        let named = &question.request.details.resources;
        let left = allowed.and_then(|ticked| {
            let (scopes, resources) = scope::reached(settings, &ticked, named)?;
            Some((ticked, scopes, resources))
        });
        let Some((ticked, scopes, resources)) = left else {
            write_audit(&question, audit::Event::ConsentDenied);
            return Ok(self.refuse(visit, issuer, &denied(question.request)));
        };
        write_audit(&question, audit::Event::ConsentGiven);
        let remember = form.get("remember") == Some(TICKED);
        self.remember(&question, &ticked, remember).await?;
        let mut request = AuthorizationRequest { scopes, ..question.request };
        request.details.resources = resources;
        self.grant(visit, issuer, &request, question.person).await
    }

    /// Remembers a consent, or that there is none to be remembered any more.
    async fn remember(
        &self,
        Question { visit, request, person, .. }: &Question<'_>,
        scopes: &[String],
        wanted: bool,
    ) -> Result<(), Problem> {
        let (client, now) = (&request.client, visit.exchange.now);
        let name = person::at_client(&person.subject, &client.id);
        if !wanted || !client.remember_consent {
            self.parts.grants.remove(Kind::Consent, &name).await?;
            return Ok(());
        }
        let remembered = Remembered { scopes: scopes.to_vec(), given_at: now };
        let record = Record {
            client: client.id.clone(),
            subject: person.subject.clone(),
            owner: person.subject.clone(),
            data: grant::encode(&remembered),
            ends_at: client.consent_lifetime.map_or(NEVER, |lifetime| now.plus(lifetime)),
            ..Record::default()
        };
        Ok(self.parts.grants.keep(Kind::Consent, &name, record, now).await?)
    }

    fn show(&self, question: &Question<'_>) -> Result<Response, Problem> {
        let Question { visit, session, back, request, person } = question;
        let proof = form_proof::prove(&self.parts.seal, session, &about(back), visit.exchange.now)?;
        let settings = &visit.config.identity_server;
        let look = Look::of(&visit.config, &visit.site, &visit.exchange);
        Ok(pages::consent(&pages::Consent {
            look: &look.speaking(request.details.ui_locales.as_deref()),
            client: application(&request.client),
            user: &person.user_name,
            scopes: &scope_choice::choices(settings, &request.scopes),
            remember: request.client.remember_consent.then_some(false),
            action: &format!("{}/consent", visit.site.virtual_folder),
            fields: &[("returnUrl", back), ("token", &proof)],
            request: &visit.exchange.id,
        }))
    }
}

/// A client as people are shown it.
pub(super) fn application(client: &Client) -> Application<'_> {
    Application {
        name: &client.name,
        uri: client.client_uri.as_deref(),
        logo: client.logo_uri.as_deref(),
    }
}

/// A consent without an end of its own.
pub(super) const NEVER: Timestamp = Timestamp(i64::MAX);

fn callback_of(visit: &Visit) -> String {
    format!("{}/connect/authorize/callback", visit.site.virtual_folder)
}

/// The authorize callback that `returnUrl` names; nothing else is asked about here.
fn way_back(visit: &Visit, form: &Form) -> Result<ReturnPath, Problem> {
    let named = form.get_any_case("returnUrl").and_then(ReturnPath::read);
    let callback = callback_of(visit);
    named.filter(|back| back.path().eq_ignore_ascii_case(&callback)).ok_or_else(|| {
        Problem::BadRequest("this is no request to allow: start again at the application".into())
    })
}

fn query_of(back: &ReturnPath) -> Result<Form, Problem> {
    let query = back.as_str().split_once('?').map_or("", |(_, query)| query);
    Form::parse(query.as_bytes())
}

/// What the page's form is about.
fn about(back: &str) -> String {
    format!("consent {back}")
}

fn denied(request: AuthorizationRequest) -> Refusal {
    let (error, description) = ("access_denied", "the person does not allow it");
    Refusal::Client { reply: request.reply, error, description }
}

fn write_audit(Question { visit, person, .. }: &Question<'_>, event: audit::Event) {
    let (provider, user) = (Some(person.idp.as_str()), Some(person.user_name.as_str()));
    audit::Entry { provider, user, ..visit.entry(event) }.write();
}
