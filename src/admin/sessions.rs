//! "Sessions": who is signed in where, since when and from which provider, and the way to end that.

use std::sync::Arc;

use askama::Template;
use http::Method;

use crate::admin::Admin;
use crate::admin::Neighbours;
use crate::admin::address;
use crate::admin::change::Admission;
use crate::admin::change::Did;
use crate::admin::frame::Frame;
use crate::admin::listing;
use crate::admin::listing::Listing;
use crate::admin::listing::Place;
use crate::admin::listing::Wanted;
use crate::config::model::Config;
use crate::error::Problem;
use crate::http::Response;
use crate::http::form::Form;
use crate::http::response;
use crate::observe::audit;
use crate::session::Session;
use crate::store::accounts::folded;
use crate::users::local;

/// The page's address.
pub(super) const ADDRESS: &str = "/vestibule/sessions";

/// What its forms are about.
const ABOUT: &str = "admin sessions";

/// Sessions of a page.
const LENGTH: usize = 50;

#[derive(Template)]
#[template(path = "sessions.html")]
struct SessionsPage<'a> {
    frame: &'a Frame<'a>,
    wanted: &'a Wanted,
    sites: Vec<&'a str>,
    providers: Vec<&'a str>,
    listing: &'a Listing,
    next: Option<String>,
    token: &'a str,
}

#[derive(Template)]
#[template(path = "end_sessions.html")]
struct EndSessionsPage<'a> {
    frame: &'a Frame<'a>,
    whose: &'a Whose,
    count: usize,
    token: &'a str,
}

/// Whose sessions are to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// The one with this public name.
    One(String),
    /// A user's.
    User(String),
    /// Those from a provider.
    Provider(String),
}

impl Admin {
    /// GET lists, POST ends.
    pub(super) async fn sessions(
        &self,
        frame: Frame<'_>,
        neighbours: Neighbours<'_>,
    ) -> Result<Response, Problem> {
        if frame.visit.exchange.method == Method::POST {
            return self.end_posted(&frame, neighbours).await;
        }
        let query = frame.visit.exchange.query()?;
        let field = |name: &str| query.get(name).unwrap_or_default();
        let (site, provider) = (field("site").to_owned(), field("provider").to_owned());
        let wanted = Wanted { user: folded(field("user")), site, provider };
        let after = Place::read(field("after"));
        let listing = listing::page(&self.parts.sessions, &wanted, after.as_ref(), LENGTH);
        let next = listing.next.as_ref().map(|next| {
            let Wanted { user, site, provider } = &wanted;
            let after = next.write();
            let parameters =
                [("user", user), ("site", site), ("provider", provider), ("after", &after)];
            address(ADDRESS, &parameters.map(|(name, value)| (name, value.as_str())))
        });
        let config = &frame.visit.config;
        let frame = frame.with_outcome()?;
        Ok(frame.show(&SessionsPage {
            frame: &frame,
            wanted: &wanted,
            sites: config.sites.iter().map(|site| &*site.name).collect(),
            providers: providers(config),
            listing: &listing,
            next,
            token: &frame.proof(ABOUT)?,
        }))
    }

    /// Asks before many sessions are ended.
    pub(super) fn ask_to_end(&self, frame: &Frame<'_>) -> Result<Response, Problem> {
        let whose = Whose::read(&frame.visit.exchange.query()?)?;
        let count = self.sessions_of(&whose).len();
        let token = frame.proof(ABOUT)?;
        Ok(frame.show(&EndSessionsPage { frame, whose: &whose, count, token: &token }))
    }

    async fn end_posted(
        &self,
        frame: &Frame<'_>,
        neighbours: Neighbours<'_>,
    ) -> Result<Response, Problem> {
        let form = frame.visit.exchange.form()?;
        let whose = Whose::read(&form)?;
        if let Admission::Instead(answer) = self.admit(frame, ABOUT, &form, ADDRESS)? {
            return Ok(answer);
        }
        let count = self.end_whole(frame, neighbours, &whose).await;
        let did = if count == 0 { Did::Nothing } else { Did::End };
        Ok(response::see_other(&did.at(ADDRESS)))
    }

    /// Ends everything that is `whose` and writes that down; how much.
    pub(super) async fn end_whole(
        &self,
        frame: &Frame<'_>,
        neighbours: Neighbours<'_>,
        whose: &Whose,
    ) -> usize {
        let sessions = self.sessions_of(whose);
        let user = sessions.first().map(|session| session.identity.user.name.clone());
        let count = self.end_sessions(frame, neighbours, &sessions).await;
        let whom = match whose {
            Whose::One(_) => user,
            Whose::User(name) | Whose::Provider(name) => Some(name.clone()),
        };
        if count > 0 {
            let reason = format!("{} ended", whose.words());
            let entry = frame.entry(audit::Event::SessionsEnded);
            audit::Entry { whom: whom.as_deref(), reason: Some(&reason), ..entry }.write();
        }
        count
    }

    fn sessions_of(&self, whose: &Whose) -> Vec<Arc<Session>> {
        let picked = |picks: &dyn Fn(&Session) -> bool| {
            let mut picked = Vec::new();
            self.parts.sessions.each(|session| {
                if picks(session) {
                    picked.push(Arc::clone(session));
                }
            });
            picked
        };
        match whose {
            Whose::One(id) => picked(&|session| session.public_id == *id),
            Whose::User(name) => self.parts.sessions.of_user(name),
            Whose::Provider(name) => picked(&|session| *session.identity.provider == **name),
        }
    }
}

impl Whose {
    /// What a form or an address says.
    fn read(form: &Form) -> Result<Self, Problem> {
        let field = |name: &str| form.get(name).filter(|v| !v.is_empty()).map(str::to_owned);
        let whose = field("session").map(Self::One).or_else(|| field("whose").map(Self::User));
        let whose = whose.or_else(|| field("from").map(Self::Provider));
        whose.ok_or_else(|| Problem::BadRequest("nobody's sessions are named".into()))
    }

    /// The field that says it, and its value.
    fn field(&self) -> (&'static str, &str) {
        match self {
            Self::One(id) => ("session", id),
            Self::User(name) => ("whose", name),
            Self::Provider(name) => ("from", name),
        }
    }

    fn words(&self) -> &'static str {
        match self {
            Self::One(_) => "one session",
            Self::User(_) => "the sessions of a user",
            Self::Provider(_) => "the sessions from a provider",
        }
    }
}

impl SessionsPage<'_> {
    fn is_filtered(&self) -> bool {
        *self.wanted != Wanted::default()
    }
}

/// The page that asks before every session from the provider `name` is ended.
fn end_of_provider(name: &str) -> String {
    address("/vestibule/sessions/end", &[("from", name)])
}

/// Every provider that somebody may have come from.
fn providers(config: &Config) -> Vec<&str> {
    let own = config.providers.iter().chain(&config.identity_server.external_providers);
    let mut names: Vec<&str> = own.map(|provider| &*provider.name).collect();
    names.push(local::PROVIDER);
    names.sort_unstable();
    names.dedup();
    names
}
