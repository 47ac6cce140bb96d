//! The pages for those who look after users, sessions and the configuration: a site of its own
//! (`service="admin"`), open to administrators of the site's domain and to nobody else.
//!
//! No access rule opens anything here.

use std::sync::Arc;

use http::Method;

use crate::clock::Clock;
use crate::crypto::seal::SealKeys;
use crate::error::Problem;
use crate::http::Response;
use crate::identity_server::IdentityServer;
use crate::login::Login;
use crate::observe::Metrics;
use crate::session::Session;
use crate::session::Sessions;
use crate::session::Visit;
use crate::store::accounts::Accounts;
use crate::store::grants::Grants;

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
}

/// What becomes of a request.
#[derive(Debug)]
pub enum Outcome {
    /// It is answered.
    Answer(Response),
    /// Nobody is signed in, or not long enough ago for a change: the person is to prove once more who
    /// they are, and then comes back here.
    SignIn,
}

/// Which administrator asks.
#[derive(Clone, Copy, Debug)]
struct Keeper<'a> {
    session: &'a Session,
}

impl Admin {
    /// The pages over `parts`.
    pub fn new(parts: Parts) -> Self {
        Self { parts }
    }

    /// Answers one request of the admin site.
    ///
    /// # Errors
    ///
    /// [`Problem::Forbidden`] for whoever is no administrator of the site's domain.
    pub async fn answer(
        &self,
        visit: &Visit,
        neighbours: Neighbours<'_>,
    ) -> Result<Outcome, Problem> {
        let Some(session) = visit.session.as_deref() else { return Ok(Outcome::SignIn) };
        let keeper = Keeper::of(visit, session)?;
        let _ = (keeper, neighbours, &self.parts, Method::GET);
        Err(Problem::NotFound("There is no such page.".into()))
    }
}

impl<'a> Keeper<'a> {
    fn of(visit: &Visit, session: &'a Session) -> Result<Self, Problem> {
        let user = &session.identity.user;
        let domain = user.name.split_once('\\').map(|(domain, _)| domain);
        let own = visit.site.domain.as_deref().zip(domain);
        let here = own.is_some_and(|(wanted, domain)| domain.eq_ignore_ascii_case(wanted));
        if user.is_administrator && here && visit.exchange.secure && !session.of_token {
            return Ok(Self { session });
        }
        Err(Problem::Forbidden { rule: "the admin pages are for administrators".to_owned() })
    }
}
