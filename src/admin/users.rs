//! "Users": who there is, found by the beginning of a name, an address or a subject.

use std::sync::Arc;

use askama::Template;

use crate::admin::Admin;
use crate::admin::address;
use crate::admin::frame::Frame;
use crate::admin::listing;
use crate::admin::user;
use crate::config::model::Config;
use crate::config::model::Destination;
use crate::config::model::LocalUser;
use crate::error::Problem;
use crate::http::Response;
use crate::session::Session;
use crate::store::accounts::Account;
use crate::store::accounts::Cursor;
use crate::store::accounts::Search;
use crate::store::accounts::folded;
use crate::store::accounts::same;

/// The page's address.
pub(super) const ADDRESS: &str = "/vestibule/users";

/// Users of a page.
const LENGTH: usize = 50;

#[derive(Template)]
#[template(path = "users.html")]
struct UsersPage<'a> {
    frame: &'a Frame<'a>,
    text: &'a str,
    /// Whether this is a further page.
    further: bool,
    accounts: &'a [Account],
    next: Option<String>,
    configured: &'a [&'a LocalUser],
    virtual_users: &'a [Arc<Session>],
    /// Whether there are more of these two than are shown.
    crowded: bool,
}

impl Admin {
    /// The users that a search finds: those that are kept page by page; before them, on the first
    /// page, those of the configuration and those who live in sessions alone.
    pub(super) async fn users(&self, frame: Frame<'_>) -> Result<Response, Problem> {
        let query = frame.visit.exchange.query()?;
        let text = query.get("search").unwrap_or_default().trim();
        let after = query.get("after").and_then(Cursor::read);
        let further = after.is_some();
        let search = Search { text: text.to_owned(), after, limit: LENGTH };
        let page = self.parts.accounts.search(&search).await?;
        let next = page.next.as_ref().map(Cursor::write);
        let next = next.map(|next| address(ADDRESS, &[("search", text), ("after", &next)]));
        let config = &frame.visit.config;
        let wanted = folded(text);
        let found = |user: &&LocalUser| !further && is_like(user, &wanted);
        let mut configured: Vec<&LocalUser> = config.local_users.iter().filter(found).collect();
        let (virtual_users, many) =
            if further { Default::default() } else { self.virtual_users(config, text).await? };
        let crowded = many || configured.len() > LENGTH;
        configured.truncate(LENGTH);
        let frame = frame.with_outcome()?;
        Ok(frame.show(&UsersPage {
            frame: &frame,
            text,
            further,
            accounts: &page.accounts,
            next,
            configured: &configured,
            virtual_users: &virtual_users,
            crowded,
        }))
    }

    /// Users who live in sessions alone, and whether there are more. Somebody who comes by way of the identity server may have the
    /// name of a user who is kept here or configured, and is that user.
    async fn virtual_users(
        &self,
        config: &Config,
        text: &str,
    ) -> Result<(Vec<Arc<Session>>, bool), Problem> {
        let mut sites = config.sites.iter();
        let passage = sites.find(|site| site.destination == Destination::IdentityServer);
        let passage = passage.map(|site| &*site.name);
        let mut users = Vec::new();
        let mut found = listing::virtual_users(&self.parts.sessions, text, passage, LENGTH + 1);
        let more = found.len() > LENGTH;
        found.truncate(LENGTH);
        for session in found {
            let name = &session.identity.user.name;
            let configured = config.local_users.iter().any(|u| same(&u.name, name));
            let own = user::is_own(config, &session.identity.provider);
            if configured || own && self.parts.accounts.find(name).await?.is_some() {
                continue;
            }
            users.push(session);
        }
        Ok((users, more))
    }
}

impl UsersPage<'_> {
    fn is_empty(&self) -> bool {
        self.accounts.is_empty() && self.configured.is_empty() && self.virtual_users.is_empty()
    }
}

/// The first page of what is found for `text`.
fn search_for(text: &str) -> String {
    address(ADDRESS, &[("search", text)])
}

/// Whether the name, with its domain or without, or the address of `user` begins with `wanted`.
fn is_like(user: &LocalUser, wanted: &str) -> bool {
    let name = folded(&user.name);
    let local = name.split_once('\\').map_or(name.as_str(), |(_, local)| local);
    let email = user.email.as_deref().map(folded).unwrap_or_default();
    [name.as_str(), local, &email].iter().any(|value| value.starts_with(wanted))
}
