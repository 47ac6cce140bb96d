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
        if !self.is_our_form(visit, &form) {
            self.failed(about, &Reason::FormExpired, exchange);
            let page = Page { notice: Some(Notice::FormExpired), username: name, ..page };
            return Ok(Outcome::Answer(self.show(visit, page)));
        }
        for stage in [Stage::Started, Stage::AtProvider, Stage::Back] {
            self.reached(about, stage, exchange.now);
        }
        let password = Secret::new(form.get("password").unwrap_or_default());
        let site = &*page.site.name;
        let attempt = Attempt { client: exchange.client, now: exchange.now, site };
        match self.parts.local_users.check(&visit.config, name, password, attempt).await {
            Ok(person) => self.let_in(visit, page.site, person, &form).await,
            Err(refusal) => {
                let page = Page { username: name, ..page };
                self.keep_out(visit, page, refusal).map(Outcome::Answer)
            }
        }
    }

    /// The page once more, with what was wrong.
    fn keep_out(
        &self,
        visit: &Visit,
        page: Page<'_>,
        refusal: Refusal,
    ) -> Result<Response, Problem> {
        let unavailable = |words: &'static str| Err(Problem::Unavailable(words.into()));
        let (reason, notice) = match refusal {
            Refusal::WrongPassword => (Reason::WrongPassword, Notice::WrongPassword),
            Refusal::Disabled => (Reason::UserDisabled, Notice::Disabled),
            Refusal::Locked => (Reason::UserLocked, Notice::Locked),
            Refusal::Throttled { .. } => (Reason::Throttled, Notice::Throttled),
            Refusal::Busy => return unavailable(TOO_BUSY),
            Refusal::Unavailable => return unavailable(NOT_LOOKED_UP),
        };
        let about = About { site: &page.site.name, provider: local::PROVIDER };
        self.failed(about, &reason, &visit.exchange);
        let mut response = self.show(visit, Page { notice: Some(notice), ..page });
        if let Refusal::Throttled { retry_after } = refusal {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry_after));
        }
        Ok(response)
    }

    /// Whether the form was shown to this browser by us, not too long ago.
    pub(super) fn is_our_form(&self, visit: &Visit, form: &Form) -> bool {
        let Some(browser) = Browser::known(&visit.exchange) else { return false };
        let token = form.get("token").unwrap_or_default();
        ticket::open(&self.parts.seal, Purpose::Form, token, &browser, visit.exchange.now).is_some()
    }

    async fn let_in(
        &self,
        visit: &Visit,
        site: &Arc<Site>,
        person: LocalIdentity,
        form: &Form,
    ) -> Result<Outcome, Problem> {
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
            time_assumed: false,
            remembered: form.get("rememberLogin") == Some("true")
                && may_remember(&visit.config, site),
            ends_at: None,
            refresh: None,
            given_roles: Vec::new(),
            persistent: person.kept,
        };
        let return_path = way_back(visit, site, form);
        let source = cookie::DEFAULT_SOURCE;
        let (replaces, takes_over) = (None, false);
        let arrival = Arrival { site, source, return_path, identity, replaces, takes_over };
        self.enter(visit, about, arrival).await
    }
}

const TOO_BUSY: &str = "Too many people are signing in at the moment. Try again in a few seconds.";

const NOT_LOOKED_UP: &str = "Who may sign in cannot be looked up just now. Try again in a moment.";

/// Whether a posted way back is none of ours: our own page names no such one.
fn leads_astray(visit: &Visit, site: &Site, text: &str) -> bool {
    !text.is_empty() && endpoint::return_path(&visit.config, site, text).is_none()
}
