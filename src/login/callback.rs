//! The provider's answer: checked against the transaction it brings back, redeemed once, and never a
//! dead end.

use std::sync::Arc;

use crate::config::model::Config;
use crate::config::model::Provider;
use crate::config::model::Site;
use crate::error::Problem;
use crate::http::Exchange;
use crate::http::Response;
use crate::http::ReturnPath;
use crate::http::form::Form;
use crate::login::Login;
use crate::login::Outcome;
use crate::login::Reason;
use crate::login::addresses;
use crate::login::browser::Browser;
use crate::login::endpoint;
use crate::login::finish::Arrival;
use crate::login::kept::Settled;
use crate::login::kept::Venue;
use crate::login::links;
use crate::login::oidc::Person;
use crate::login::outcome::About;
use crate::login::place;
use crate::login::question::Waiting;
use crate::login::start::Start;
use crate::login::start::redirect;
use crate::login::transaction::Bearer;
use crate::login::transaction::Opened;
use crate::login::transaction::Transaction;
use crate::login::way::Way;
use crate::observe::funnel::Stage;
use crate::pages;
use crate::pages::Fragment;
use crate::pages::Look;
use crate::session::SessionId;
use crate::session::Visit;

/// Parameters of an authorization response, which a POST must not carry in its query as well.
const RESPONSE: [&str; 5] = ["code", "state", "error", "id_token", "iss"];

/// How often a sign-in whose answer cannot be used is begun anew before the person is asked.
const MOST_RESTARTS: u8 = 1;

/// A sign-in that came back: everything it is about, as the present configuration has it.
#[derive(Clone, Copy)]
pub(super) struct Pending<'a> {
    /// The request with the answer.
    pub visit: &'a Visit,
    /// What was started.
    pub transaction: &'a Transaction,
    /// The site that is signed in to.
    pub site: &'a Arc<Site>,
    /// The provider that was asked.
    pub provider: &'a Arc<Provider>,
    /// How it is reached.
    pub way: Way<'a>,
}

impl Login {
    /// `GET` or `POST` of a redirect URI.
    pub(super) async fn callback(&self, visit: &Visit) -> Result<Outcome, Problem> {
        let exchange = &visit.exchange;
        if may_hold_fragment(visit) {
            let look = &Look::of(&visit.config, &visit.site, exchange);
            let action = exchange.target.path.as_str();
            return Ok(Outcome::Answer(pages::fragment(&Fragment { look, action })));
        }
        let parameters = parameters(exchange)?;
        self.count_attempt(visit)?;
        let (browser, origin) = (Browser::known(exchange), exchange.origin());
        let bearer = Bearer { browser: browser.as_deref(), origin: &origin, now: exchange.now };
        let state = parameters.get("state").unwrap_or_default();
        match self.transactions.open(state, &bearer) {
            Opened::Fresh(transaction) => {
                self.came_back(visit, &transaction);
                return self.redeem(visit, &transaction, &parameters).await;
            }
            Opened::Dead(transaction, reason) => {
                self.lead_on(visit, Some(&transaction), &reason).await
            }
            Opened::Foreign => self.lead_on(visit, None, &Reason::StateUnknown).await,
        }
        .map(Outcome::Answer)
    }

    /// Counts an answer to a sign-in that was started here.
    fn came_back(&self, visit: &Visit, transaction: &Transaction) {
        if let Some(pending) = pending(visit, transaction) {
            let about = About::new(pending.site, pending.provider);
            self.reached(about, Stage::Back, visit.exchange.now);
        }
    }

    async fn redeem(
        &self,
        visit: &Visit,
        transaction: &Transaction,
        parameters: &Form,
    ) -> Result<Outcome, Problem> {
        let Some(pending) = pending(visit, transaction) else {
            let site = place::reachable(visit, &transaction.site).unwrap_or(&visit.site);
            let about = About::unknown(site);
            return Err(self.refuse(about, &Reason::NotMapped, None, &visit.exchange));
        };
        match self.person(pending, parameters).await {
            Ok(person) => Box::pin(self.arrive_with(pending, person)).await,
            Err(reason) => Err(self.refuse_pending(pending, &reason)),
        }
    }

    async fn arrive_with(&self, pending: Pending<'_>, person: Person) -> Result<Outcome, Problem> {
        let Pending { visit, transaction, site, provider, .. } = pending;
        let (config, now) = (&visit.config, visit.exchange.now);
        let refused = |reason: Reason| self.refuse_pending(pending, &reason);
        let identified = Self::identify(config, site, provider, person, now).map_err(refused)?;
        let session = self.still_signed_in(pending).await.map_err(refused)?;
        let venue = Venue { config, site, provider, now };
        let beside = venue.beside(session.as_deref(), transaction.deliberate);
        let settled = venue.settle(&self.parts.accounts, identified, beside).await;
        let return_path = return_path(config, site, &transaction.return_path);
        let replaces = transaction.replaces.map(SessionId);
        match (settled.map_err(refused)?, session) {
            (Settled::In(identity), _) => {
                let source = &transaction.source;
                let takes_over = false;
                let arrival = Arrival { site, source, return_path, identity, replaces, takes_over };
                let mut outcome = self.enter(visit, About::new(site, provider), arrival).await?;
                if let Outcome::Entered(entered) = &mut outcome {
                    Browser::forget(&mut entered.answer);
                }
                Ok(outcome)
            }
            (Settled::Ask(identified, target), Some(session)) => {
                let source = &transaction.source;
                let waiting = Waiting { site, source, return_path, replaces, identified };
                Ok(Outcome::Answer(self.ask_whose(visit, waiting, target, &session)))
            }
            (Settled::Ask(..), None) => Err(refused(Reason::QuestionOver)),
        }
    }

    /// What cannot be used never asks the provider for a token, and never ends here: with a live
    /// session it goes to the target, else the sign-in begins once more, else a page says why.
    async fn lead_on(
        &self,
        visit: &Visit,
        transaction: Option<&Transaction>,
        reason: &Reason,
    ) -> Result<Response, Problem> {
        let pending = transaction.and_then(|transaction| pending(visit, transaction));
        let Some(pending) = pending else {
            let about = About::unknown(&visit.site);
            self.failed(about, reason, &visit.exchange);
            return match self.anywhere(visit) {
                Some(start_page) => Ok(redirect(visit, start_page.as_str())),
                None => {
                    Err(reason.problem(about.provider, Some(links::sign_in(visit, &visit.site))))
                }
            };
        };
        let Pending { transaction, site, provider, .. } = pending;
        self.failed(About::new(site, provider), reason, &visit.exchange);
        let return_path = return_path(&visit.config, site, &transaction.return_path);
        if place::session(&self.parts.sessions, visit, site).is_some() {
            return Ok(redirect(visit, return_path.as_str()));
        }
        if transaction.restarts >= MOST_RESTARTS {
            let retry = retry(pending);
            return Err(reason.problem(&provider.name, Some(retry)));
        }
        let start = Start {
            site,
            provider,
            scheme: transaction.scheme.as_deref(),
            source: place::source(site, &transaction.source).unwrap_or_default(),
            return_path,
            login_hint: None,
            restarts: transaction.restarts.saturating_add(1),
            fresh: transaction.fresh,
        };
        self.begin(visit, start).await
    }

    /// The start page of a site of this host where the browser has a session.
    fn anywhere(&self, visit: &Visit) -> Option<ReturnPath> {
        let sites = visit.config.sites.iter();
        let here = sites.filter_map(|site| place::reachable(visit, &site.name));
        let mut live =
            here.filter(|site| place::session(&self.parts.sessions, visit, site).is_some());
        live.next().map(|site| endpoint::start_page(site))
    }

    fn refuse_pending(&self, pending: Pending<'_>, reason: &Reason) -> Problem {
        let about = About::new(pending.site, pending.provider);
        let mut problem = self.refuse(about, reason, Some(retry(pending)), &pending.visit.exchange);
        if let (Reason::RedirectAddress, Problem::SignInFailed { detail, .. }) =
            (reason, &mut problem)
        {
            let origin = &pending.transaction.origin;
            detail.push_str(&addresses::to_register(origin, pending.way));
        }
        problem
    }
}

/// Whether an answer may stand in the fragment, where providers put one with an ID token that they
/// do not post: then nothing comes here but the bare address.
fn may_hold_fragment(visit: &Visit) -> bool {
    let exchange = &visit.exchange;
    let bare = exchange.target.query.as_deref().is_none_or(str::is_empty);
    exchange.method == http::Method::GET
        && bare
        && place::providers(&visit.config, &visit.site).any(|provider| match Way::to(provider) {
            Some(Way::OpenIdConnect(connection)) => {
                connection.response_type.has_id_token()
                    && exchange.target.path.is(&connection.callback_path)
            }
            Some(Way::OAuth2(_)) | None => false,
        })
}

/// The parameters of the answer, each once, from where the method puts them.
fn parameters(exchange: &Exchange) -> Result<Form, Problem> {
    let query = exchange.query()?;
    if exchange.method != http::Method::POST {
        return Ok(query);
    }
    if RESPONSE.iter().any(|name| query.get(name).is_some()) {
        return Err(Problem::BadRequest("the answer stands in the query and in the body".into()));
    }
    exchange.form()
}

/// The present configuration's view of what was started: only sites that this host reaches and
/// providers that are mapped and switched on now (security entry 179).
fn pending<'a>(visit: &'a Visit, transaction: &'a Transaction) -> Option<Pending<'a>> {
    let site = place::reachable(visit, &transaction.site)?;
    let provider = place::provider(&visit.config, site, &transaction.provider)?;
    let way = Way::to(provider)?;
    Some(Pending { visit, transaction, site, provider, way })
}

fn return_path(config: &Config, site: &Site, text: &str) -> ReturnPath {
    endpoint::return_path(config, site, text).unwrap_or_else(|| endpoint::start_page(site))
}

fn retry(pending: Pending<'_>) -> String {
    let Pending { visit, transaction, site, provider, .. } = pending;
    let return_path = return_path(&visit.config, site, &transaction.return_path);
    let scheme = transaction.scheme.as_deref();
    links::start(&visit.config, site, &provider.name, scheme, &return_path)
}
