//! The pages for those who look after users, sessions and the configuration: a site of its own
//! (`service="admin"`), open to administrators of the site's domain and to nobody else.
//!
//! No access rule opens anything here. The pages speak English, whatever the browser wants.

mod access;
mod change;
mod configuration;
mod elsewhere;
mod ending;
mod frame;
mod funnel;
mod listing;
mod moment;
mod outcome;
mod sessions;
mod user;
mod user_changes;
mod users;

use std::sync::Arc;

use http::Method;
use url::form_urlencoded;

use crate::admin::frame::Frame;
use crate::admin::frame::Tab;
use crate::clock::Clock;
use crate::crypto::seal::SealKeys;
use crate::error::Problem;
use crate::gate::site;
use crate::http::Response;
use crate::http::response;
use crate::identity_server::IdentityServer;
use crate::login::Login;
use crate::observe::Metrics;
use crate::observe::audit;
use crate::session::Session;
use crate::session::Sessions;
use crate::session::Visit;
use crate::store::SpentIds;
use crate::store::accounts::Accounts;
use crate::store::grants::Grants;
use crate::store::register::Register;

/// What the pages show and change.
#[derive(Debug)]
pub struct Parts {
    /// Tells the time.
    pub clock: Clock,
    /// Counts what happens.
    pub metrics: Arc<Metrics>,
    /// Seals the proofs of forms.
    pub seal: SealKeys,
    /// The live sessions.
    pub sessions: Arc<Sessions>,
    /// What clients were granted.
    pub grants: Arc<Grants>,
    /// The users that outlive their sessions.
    pub accounts: Arc<Accounts>,
    /// Where gateways that share a database ask each other to end sessions; `None` without one.
    pub register: Option<Register>,
    /// This process's name in it.
    pub instance: Arc<str>,
}

/// The rooms next door, which know of providers, clients and keys.
#[derive(Clone, Copy, Debug)]
pub struct Neighbours<'a> {
    /// Signs people in.
    pub login: &'a Login,
    /// The OpenID provider.
    pub identity_server: &'a IdentityServer,
}

/// The pages.
#[derive(Debug)]
pub struct Admin {
    parts: Parts,
    /// Forms that have been used.
    spent: SpentIds,
}

/// Which administrator asks.
#[derive(Clone, Copy, Debug)]
struct Keeper<'a> {
    session: &'a Session,
    seal: &'a SealKeys,
}

/// An address of the site.
struct Route {
    path: &'static str,
    page: Page,
    allow: &'static str,
}

#[derive(Clone, Copy)]
enum Page {
    Home,
    Users,
    User,
    DeleteUser,
    Sessions,
    EndSessions,
    Access,
    Configuration,
    Funnel,
}

/// Forms that can be used at a time; one is used up for an hour.
const FORMS: usize = 100_000;

const GET: &str = "GET, HEAD";
const GET_POST: &str = "GET, HEAD, POST";

const ROUTES: &[Route] = &[
    route("/", Page::Home, GET),
    route("/vestibule/", Page::Home, GET),
    route("/vestibule", Page::Home, GET),
    route("/vestibule/users", Page::Users, GET),
    route("/vestibule/user", Page::User, GET_POST),
    route("/vestibule/user/delete", Page::DeleteUser, GET),
    route("/vestibule/sessions", Page::Sessions, GET_POST),
    route("/vestibule/sessions/end", Page::EndSessions, GET),
    route("/vestibule/access", Page::Access, GET_POST),
    route("/vestibule/configuration", Page::Configuration, GET),
    route("/vestibule/funnel", Page::Funnel, GET),
];

const fn route(path: &'static str, page: Page, allow: &'static str) -> Route {
    Route { path, page, allow }
}

impl Admin {
    /// The pages over `parts`.
    pub fn new(parts: Parts) -> Self {
        Self { parts, spent: SpentIds::new(FORMS) }
    }

    /// Answers one request of the admin site.
    ///
    /// # Errors
    ///
    /// [`Problem::Forbidden`] for whoever is no administrator of the site's domain, and
    /// [`Problem::SignInRequired`] for programs without a session.
    pub async fn answer(
        &self,
        visit: &Visit,
        neighbours: Neighbours<'_>,
    ) -> Result<Response, Problem> {
        if !visit.exchange.secure {
            return Err(Problem::Forbidden {
                rule: "the admin pages, which want https".to_owned(),
            });
        }
        let Some(session) = visit.session.as_deref() else { return to_login(visit) };
        let keeper = self.keeper(visit, session)?;
        let path = visit.exchange.target.path.decoded();
        let route = ROUTES.iter().find(|route| path.eq_ignore_ascii_case(route.path));
        let route = route
            .ok_or_else(|| Problem::NotFound("The admin pages have no such address.".into()))?;
        let method = &visit.exchange.method;
        if !route.allow.split(", ").any(|allowed| allowed == method.as_str()) {
            return Err(Problem::MethodNotAllowed { allow: route.allow });
        }
        self.dispatch(route.page, visit, keeper, neighbours).await
    }

    async fn dispatch(
        &self,
        page: Page,
        visit: &Visit,
        keeper: Keeper<'_>,
        neighbours: Neighbours<'_>,
    ) -> Result<Response, Problem> {
        let frame = |tab| Frame::new(visit, keeper, tab);
        match page {
            Page::Home => Ok(response::found(users::ADDRESS)),
            Page::Users => self.users(frame(Tab::Users)).await,
            Page::User => self.user(frame(Tab::Users), neighbours).await,
            Page::DeleteUser => self.ask_to_delete(&frame(Tab::Users)).await,
            Page::Sessions => self.sessions(frame(Tab::Sessions), neighbours).await,
            Page::EndSessions => self.ask_to_end(&frame(Tab::Sessions)),
            Page::Access => self.access(frame(Tab::Access), neighbours).await,
            Page::Configuration => self.configuration(frame(Tab::Configuration), neighbours).await,
            Page::Funnel => Ok(self.funnel(&frame(Tab::Funnel))),
        }
    }

    /// The administrator whose session this is.
    fn keeper<'a>(&'a self, visit: &Visit, session: &'a Session) -> Result<Keeper<'a>, Problem> {
        let user = &session.identity.user;
        let domain = user.name.split_once('\\').map(|(domain, _)| domain);
        let own = visit.site.domain.as_deref().zip(domain);
        let here = own.is_some_and(|(wanted, domain)| domain.eq_ignore_ascii_case(wanted));
        if user.is_administrator && here && !session.of_token {
            return Ok(Keeper { session, seal: &self.parts.seal });
        }
        let rule = "the admin pages, which are for administrators";
        let (provider, name) = (Some(&*session.identity.provider), Some(user.name.as_str()));
        let entry = visit.entry(audit::Event::AccessRefused);
        audit::Entry { provider, user: name, reason: Some(rule), ..entry }.write();
        Err(Problem::Forbidden { rule: rule.to_owned() })
    }
}

/// A person's browser goes to the site's login page and comes back; anything else is told where that
/// is.
fn to_login(visit: &Visit) -> Result<Response, Problem> {
    let exchange = &visit.exchange;
    let address = site::login_address(&visit.site, &exchange.target).unwrap_or_default();
    if address.is_empty() || exchange.method == Method::POST || !exchange.is_navigation() {
        return Err(Problem::SignInRequired { sign_in: address });
    }
    Ok(response::found(&address))
}

/// `path` with parameters in its query; empty ones are left out.
fn address(path: &str, parameters: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(parameters.iter().filter(|(_, value)| !value.is_empty()));
    format!("{path}?{}", query.finish())
}
