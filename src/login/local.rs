//! Signing in with a name and a password: the identity server's own users, and the break-glass form
//! of the CMS.

use std::sync::Arc;

use http::HeaderValue;
use http::header;

use crate::config::model::Site;
use crate::crypto::secret::Secret;
use crate::error::Problem;
use crate::http::Response;
use crate::http::form::Form;
use crate::login::Entered;
use crate::login::Login;
use crate::login::Outcome;
use crate::login::Reason;
use crate::login::browser::Browser;
use crate::login::endpoint;
use crate::login::finish::Arrival;
use crate::login::links;
use crate::login::outcome::About;
use crate::login::page::Page;
use crate::login::page::may_remember;
use crate::login::start::way_back;
use crate::login::ticket;
use crate::login::ticket::Purpose;
use crate::observe::funnel::Stage;
use crate::pages::Notice;
use crate::session::Identity;
use crate::session::Visit;
use crate::session::cookie;
use crate::users::local;
use crate::users::local::Attempt;
use crate::users::local::LocalIdentity;
use crate::users::local::Refusal;

impl Login {
    /// A posted local form of `page`'s site.
    pub(super) async fn sign_in_locally(
        &self,
        visit: &Visit,
        page: Page<'_>,
    ) -> Result<Outcome, Problem> {
        let exchange = &visit.exchange;
        let form = exchange.form()?;
        if form.get_any_case("returnUrl").is_some_and(|text| leads_astray(visit, page.site, text)) {
            return Err(Problem::BadRequest("the way back does not lead to this site".into()));
        }
        let name = form.get("username").unwrap_or_default();
        let page = Page { return_path: Some(way_back(visit, page.site, &form)), ..page };
        let about = About { site: &page.site.name, provider: local::PROVIDER };
        if Browser::known(exchange).is_none() {
            let again = links::local_form(&visit.config, page.site, page.return_path.as_ref());
            return Err(self.refuse(about, &Reason::FormForeign, Some(again), exchange));
        }
        let again = |notice: Notice| {
            self.show(visit, Page { notice: Some(notice), username: name, ..page })
        };
        let told = |response: Response| Ok(Outcome::Answer(response));
        if !self.is_our_form(visit, &form) {
            self.failed(about, &Reason::FormExpired, exchange);
            return told(again(Notice::FormExpired));
        }
        for stage in [Stage::Started, Stage::AtProvider, Stage::Back] {
            self.reached(about, stage, exchange.now);
        }
        let password = Secret::new(form.get("password").unwrap_or_default());
        let site = &*page.site.name;
        let attempt = Attempt { client: exchange.client, now: exchange.now, site };
        match self.parts.local_users.check(&visit.config, name, password, attempt).await {
            Ok(person) => Ok(Outcome::Entered(self.let_in(visit, page.site, person, &form))),
            Err(Refusal::WrongPassword) => {
                self.failed(about, &Reason::WrongPassword, exchange);
                told(again(Notice::WrongPassword))
            }
            Err(Refusal::Disabled) => {
                self.failed(about, &Reason::UserDisabled, exchange);
                told(again(Notice::Disabled))
            }
            Err(Refusal::Locked) => {
                self.failed(about, &Reason::UserLocked, exchange);
                told(again(Notice::Locked))
            }
            Err(Refusal::Throttled { retry_after }) => {
                self.failed(about, &Reason::Throttled, exchange);
                let mut response = again(Notice::Throttled);
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry_after));
                told(response)
            }
            Err(Refusal::Busy) => Err(Problem::Unavailable(
                "Too many people are signing in at the moment. Try again in a few seconds.".into(),
            )),
            Err(Refusal::Unavailable) => Err(Problem::Unavailable(
                "Who may sign in cannot be looked up just now. Try again in a moment.".into(),
            )),
        }
    }

    /// Whether the form was shown to this browser by us, not too long ago.
    pub(super) fn is_our_form(&self, visit: &Visit, form: &Form) -> bool {
        let Some(browser) = Browser::known(&visit.exchange) else { return false };
        let token = form.get("token").unwrap_or_default();
        ticket::open(&self.parts.seal, Purpose::Form, token, &browser, visit.exchange.now).is_some()
    }

    fn let_in(
        &self,
        visit: &Visit,
        site: &Arc<Site>,
        person: LocalIdentity,
        form: &Form,
    ) -> Entered {
        let user = person.user;
        let about = About { site: &site.name, provider: local::PROVIDER };
        let identity = Identity {
            subject: user.name.clone(),
            user,
            provider: local::PROVIDER.into(),
            issuer: None,
            site: Arc::clone(&site.name),
            claims: person.claims,
            id_token: None,
            provider_session: None,
            authenticated_at: visit.exchange.now,
            remembered: form.get("rememberLogin") == Some("true")
                && may_remember(&visit.config, site),
            ends_at: None,
            refresh: None,
            given_roles: Vec::new(),
            persistent: person.kept,
        };
        let return_path = way_back(visit, site, form);
        let source = cookie::DEFAULT_SOURCE;
        let replaces = None;
        self.arrive(visit, about, Arrival { site, source, return_path, identity, replaces })
    }
}

/// Whether a posted way back is none of ours: our own page names no such one.
fn leads_astray(visit: &Visit, site: &Site, text: &str) -> bool {
    !text.is_empty() && endpoint::return_path(&visit.config, site, text).is_none()
}
