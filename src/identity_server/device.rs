//! `/device[?userCode=]` (RFC 8628 §3.3): a person types the code of a device and says whether it
//! may have what it asks for. Nothing is ever allowed by an address alone (§5.4).

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use percent_encoding::NON_ALPHANUMERIC;
use percent_encoding::utf8_percent_encode;

use crate::config::model::identity_server::Client;
use crate::error::Problem;
use crate::http::Response;
use crate::http::ReturnPath;
use crate::http::form::Form;
use crate::identity_server::IdentityServer;
use crate::identity_server::Outcome;
use crate::identity_server::client;
use crate::identity_server::consent::application;
use crate::identity_server::device_authorization::too_many;
use crate::identity_server::grant;
use crate::identity_server::grant::Grant;
use crate::identity_server::grant::device::Answer;
use crate::identity_server::grant::device::Asked;
use crate::identity_server::interaction;
use crate::identity_server::pending::owner_of;
use crate::identity_server::person::Person;
use crate::identity_server::requested::RequestedClaims;
use crate::identity_server::scope_choice;
use crate::observe::audit;
use crate::pages;
use crate::pages::CodeFault;
use crate::pages::DeviceState;
use crate::pages::Look;
use crate::session::Session;
use crate::session::Visit;
use crate::session::form_proof;
use crate::store::grants::Kind;
use crate::store::grants::Record;
use crate::users::throttle::Rate;

/// How often codes may be tried in one session; only wrong ones count.
const IN_A_SESSION: Rate = Rate { burst: 5, interval: Duration::from_secs(30) };

/// How often from one network, in however many sessions.
const FROM_A_NETWORK: Rate = Rate { burst: 20, interval: Duration::from_secs(10) };

/// Somebody who is signed in and looks at the page.
#[derive(Clone, Copy)]
struct Visitor<'a> {
    visit: &'a Visit,
    session: &'a Session,
    person: &'a Person,
}

/// A device that waits, found by its code.
struct Device {
    code: String,
    record: Record,
    asked: Asked,
    client: Arc<Client>,
}

impl IdentityServer {
    /// Asks for the code, then whether the device may have what it wants, and takes the answer.
    pub(super) async fn device(&self, visit: &Visit) -> Result<Outcome, Problem> {
        let posted = visit.exchange.method == Method::POST;
        let form = if posted { visit.exchange.form()? } else { visit.exchange.query()? };
        let code = form.get_any_case("userCode").map(plain).filter(|code| !code.is_empty());
        let (Some(session), Some(person)) = (visit.session.as_deref(), self.person(visit).await?)
        else {
            return Ok(sign_in(visit, code.as_deref()));
        };
        let visitor = Visitor { visit, session, person: &person };
        let Some(code) = code else { return self.ask_code(visitor, None).map(Outcome::Answer) };
        let button = form.get("button").filter(|_| posted);
        if posted {
            let about = if button.is_some() { about(&code) } else { ENTRY.to_owned() };
            form_proof::accept(
                &self.parts.seal,
                visit,
                &about,
                form.get("token").unwrap_or_default(),
            )?;
        }
        let device = match self.find_device(visitor, &code).await {
            Ok(Some(device)) => device,
            Ok(None) => return self.ask_code(visitor, NOT_VALID).map(Outcome::Answer),
            Err(Problem::TooManyRequests { .. }) => {
                return self.ask_code(visitor, Some(CodeFault::Throttled)).map(Outcome::Answer);
            }
            Err(problem) => return Err(problem),
        };
        let answer = match button {
            Some(button) => self.decide(visitor, device, button, &form).await,
            None => self.ask_device(visitor, &device),
        };
        answer.map(Outcome::Answer)
    }

    /// The device that shows `code`, as long as nobody has decided about it. Guesses are counted
    /// before anything is looked up, and given back when they were none.
    async fn find_device(
        &self,
        Visitor { visit, session, .. }: Visitor<'_>,
        code: &str,
    ) -> Result<Option<Device>, Problem> {
        let now = visit.exchange.now;
        let network = owner_of(visit.exchange.client);
        self.code_guesses.take(session.id, IN_A_SESSION, now).map_err(too_many)?;
        self.code_guesses.take(&network, FROM_A_NETWORK, now).map_err(too_many)?;
        let Some(record) = self.parts.grants.find(Kind::UserCode, code, now).await? else {
            return Ok(None);
        };
        let asked = serde_json::from_str::<Asked>(&record.data).ok();
        let client = client::find(&visit.config.identity_server, &record.client);
        let open = asked.filter(|asked| asked.answer == Answer::Open);
        let Some((asked, client)) = open.zip(client.cloned()) else { return Ok(None) };
        self.code_guesses.give_back(session.id, IN_A_SESSION);
        self.code_guesses.give_back(&network, FROM_A_NETWORK);
        Ok(Some(Device { code: code.to_owned(), record, asked, client }))
    }

    async fn decide(
        &self,
        visitor: Visitor<'_>,
        device: Device,
        button: &str,
        form: &Form,
    ) -> Result<Response, Problem> {
        let settings = &visitor.visit.config.identity_server;
        let admitted = interaction::admits(&device.client, visitor.person);
        let allowed = match button {
            "yes" if admitted => scope_choice::allowed(settings, &device.asked.scopes, form),
            _ => None,
        };
        let person = visitor.person.clone();
        let grant = allowed
            .map(|scopes| Grant::new(&device.client, person, scopes, RequestedClaims::default()));
        if !self.answer_device(visitor, &device, grant.as_ref()).await? {
            return self.ask_code(visitor, NOT_VALID);
        }
        let client = &device.client.name;
        let (event, state) = match grant {
            Some(_) => (audit::Event::ConsentGiven, DeviceState::Done { client }),
            None => (audit::Event::ConsentDenied, DeviceState::Denied { client }),
        };
        write_audit(visitor, event);
        Ok(page(visitor.visit, state))
    }

    /// Keeps the answer to a device; whether nobody else gave one meanwhile.
    async fn answer_device(
        &self,
        Visitor { visit, session, .. }: Visitor<'_>,
        device: &Device,
        grant: Option<&Grant>,
    ) -> Result<bool, Problem> {
        let (now, record) = (visit.exchange.now, &device.record);
        if let Some(grant) = grant {
            let waiting = record.ends_at.since(now);
            let ends_at = now.plus(grant::lifetime(&device.client, waiting));
            self.keep_grant(grant, ends_at, now).await?;
        }
        let answer = if grant.is_some() { Answer::Allowed } else { Answer::Denied };
        let asked = Asked { answer, ..device.asked.clone() };
        let new = Record {
            grant: grant.map(|grant| grant.name.clone()).unwrap_or_default(),
            data: grant::encode(&asked),
            ..record.clone()
        };
        let answered = self.parts.grants.replace(Kind::UserCode, &device.code, (record, new), now);
        let answered = answered.await?;
        // A sign-out meanwhile may have looked for grants before this one was kept.
        let live = self.parts.sessions.live(&session.id).is_some();
        if let Some(grant) = grant.filter(|_| !(answered && live)) {
            self.end_grant(&grant.name).await?;
        }
        Ok(answered)
    }

    fn ask_code(
        &self,
        Visitor { visit, session, .. }: Visitor<'_>,
        fault: Option<CodeFault>,
    ) -> Result<Response, Problem> {
        let proof = form_proof::prove(&self.parts.seal, session, ENTRY, visit.exchange.now)?;
        let (action, fields) = (&*address(visit), &[("token", proof.as_str())]);
        Ok(page(visit, DeviceState::Enter { action, fields, code: "", fault }))
    }

    fn ask_device(
        &self,
        Visitor { visit, session, person }: Visitor<'_>,
        device: &Device,
    ) -> Result<Response, Problem> {
        let Device { code, client, asked, .. } = device;
        if !interaction::admits(client, person) {
            return Ok(not_admitted(visit, client));
        }
        let proof = form_proof::prove(&self.parts.seal, session, &about(code), visit.exchange.now)?;
        let scopes = scope_choice::choices(&visit.config.identity_server, &asked.scopes);
        let state = DeviceState::Confirm {
            client: application(client),
            code,
            scopes: &scopes,
            action: &address(visit),
            fields: &[("userCode", code), ("token", &proof)],
        };
        Ok(page(visit, state))
    }
}

fn page(visit: &Visit, state: DeviceState<'_>) -> Response {
    let look = &Look::of(&visit.config, &visit.site, &visit.exchange);
    pages::device(&pages::Device { look, state, request: &visit.exchange.id })
}

/// What somebody is told whom the client does not take, as in the flows with a browser.
fn not_admitted(visit: &Visit, client: &Client) -> Response {
    pages::refused(&pages::Refused {
        look: &Look::of(&visit.config, &visit.site, &visit.exchange),
        client: Some(&client.name),
        error: "access_denied",
        description: "it does not take people who sign in as you did",
        request: &visit.exchange.id,
    })
}

/// What the form for a code is about.
const ENTRY: &str = "device";

/// What is said of every code that leads nowhere: it does not tell which ones exist.
const NOT_VALID: Option<CodeFault> = Some(CodeFault::NotValid);

/// What the form about a device is about.
fn about(code: &str) -> String {
    format!("device {code}")
}

/// What was typed, without what people put between digits.
fn plain(typed: &str) -> String {
    typed.chars().filter(|c| !c.is_whitespace() && *c != '-').take(20).collect()
}

fn address(visit: &Visit) -> String {
    format!("{}/device", visit.site.virtual_folder)
}

fn sign_in(visit: &Visit, code: Option<&str>) -> Outcome {
    let code =
        code.map(|code| format!("?userCode={}", utf8_percent_encode(code, NON_ALPHANUMERIC)));
    let back = format!("{}{}", address(visit), code.unwrap_or_default());
    Outcome::SignIn {
        return_path: ReturnPath::read(&back).unwrap_or_else(ReturnPath::root),
        provider: None,
        login_hint: None,
        ui_locales: None,
    }
}

fn write_audit(Visitor { visit, person, .. }: Visitor<'_>, event: audit::Event) {
    let (provider, user) = (Some(person.idp.as_str()), Some(person.user_name.as_str()));
    audit::Entry { provider, user, reason: Some("device"), ..visit.entry(event) }.write();
}
