//! "Sessions": who is signed in where, since when and from which provider, and the way to end that.

use askama::Template;
use http::Method;

use crate::admin::Admin;
use crate::admin::Neighbours;
use crate::admin::address;
use crate::admin::change::Admission;
use crate::admin::elsewhere::Elsewhere;
use crate::admin::ending::Whose;
use crate::admin::frame::Frame;
use crate::admin::listing;
use crate::admin::listing::Listing;
use crate::admin::listing::Place;
use crate::admin::listing::Wanted;
use crate::admin::outcome::Did;
use crate::config::model::Config;
use crate::error::Problem;
use crate::http::Response;
use crate::http::response;
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
    /// The sessions of other gateways, on the first page.
    elsewhere: Elsewhere,
    /// Whether other gateways may share the store.
    shared: bool,
}

#[derive(Template)]
#[template(path = "end_sessions.html")]
struct EndSessionsPage<'a> {
    frame: &'a Frame<'a>,
    whose: &'a Whose,
    count: usize,
    token: &'a str,
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
        let elsewhere = if after.is_none() {
            let prefix = config.identity_server.account_prefix.as_str();
            self.elsewhere(&wanted, (prefix, LENGTH), frame.visit.exchange.now).await
        } else {
            Elsewhere::default()
        };
        let frame = frame.with_outcome()?;
        Ok(frame.show(&SessionsPage {
            frame: &frame,
            wanted: &wanted,
            sites: config.sites.iter().map(|site| &*site.name).collect(),
            providers: providers(config),
            listing: &listing,
            next,
            token: &frame.proof(ABOUT)?,
            elsewhere,
            shared: self.parts.register.is_some(),
        }))
    }

    /// Asks before many sessions are ended.
    pub(super) fn ask_to_end(&self, frame: &Frame<'_>) -> Result<Response, Problem> {
        let whose = Whose::read(&frame.visit.exchange.query()?).ok_or_else(nobody)?;
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
        let whose = Whose::read(&form).ok_or_else(nobody)?;
        if let Admission::Instead(answer) = self.admit(frame, ABOUT, &form, ADDRESS)? {
            return Ok(answer);
        }
        let ended = self.end_sessions(frame, neighbours, &whose).await;
        Ok(response::see_other(&Did::of_end(ended).at(ADDRESS)))
    }
}

fn nobody() -> Problem {
    Problem::BadRequest("nobody's sessions are named".into())
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
