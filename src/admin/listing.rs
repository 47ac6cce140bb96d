//! Picking a page of sessions, or the people behind them, out of very many in one pass and with room
//! for no more than the page.

use std::cmp::Ordering;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::BinaryHeap;
use std::sync::Arc;

use crate::clock::Timestamp;
use crate::session::Session;
use crate::session::Sessions;
use crate::store::accounts::folded;
use crate::store::register::Registered;

/// Which sessions are looked for; what is empty sets no limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    /// The beginning of the user's name with or without its domain, folded.
    pub(super) user: String,
    /// The site that was signed in at.
    pub(super) site: String,
    /// The provider.
    pub(super) provider: String,
}

/// A place between two sessions of a list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    began_at: Timestamp,
    id: String,
}

/// A page of sessions, the newest first.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// The sessions.
    pub(super) sessions: Vec<Arc<Session>>,
    /// Where to go on.
    pub(super) next: Option<Place>,
    /// How many there are on all pages.
    pub(super) found: usize,
}

/// Ordered by their beginning.
struct Entry(Arc<Session>);

/// The page of what is `wanted` that begins `after` a place.
pub(super) fn page(
    sessions: &Sessions,
    wanted: &Wanted,
    after: Option<&Place>,
    limit: usize,
) -> Listing {
    let mut found = 0;
    let mut newest: BinaryHeap<Reverse<Entry>> = BinaryHeap::with_capacity(limit + 2);
    sessions.each(|session| {
        if !wanted.fits(session) {
            return;
        }
        found += 1;
        let key = key(session);
        let seen = after.is_some_and(|after| key >= (after.began_at, after.id.as_str()));
        let full = newest.len() > limit;
        let late = full && newest.peek().is_some_and(|Reverse(last)| key <= last.key());
        if seen || late {
            return;
        }
        newest.push(Reverse(Entry(Arc::clone(session))));
        if newest.len() > limit + 1 {
            newest.pop();
        }
    });
    let newest = newest.into_sorted_vec().into_iter();
    let mut page: Vec<_> = newest.map(|Reverse(entry)| entry.0).collect();
    let more = page.len() > limit;
    page.truncate(limit);
    let last = page.last().filter(|_| more);
    let next = last.map(|s| Place { began_at: s.began_at, id: s.public_id.clone() });
    Listing { sessions: page, next, found }
}

/// One session each of the first `limit` users, by name, who are in no store: those whose name,
/// address or subject begins with `text`, signed in elsewhere than at the site `without`, whose
/// people only pass through.
pub(super) fn virtual_users(
    sessions: &Sessions,
    text: &str,
    without: Option<&str>,
    limit: usize,
) -> Vec<Arc<Session>> {
    let text = folded(text);
    let mut users: BTreeMap<String, Arc<Session>> = BTreeMap::new();
    sessions.each(|session| {
        let identity = &session.identity;
        let passes_by = without == Some(&*identity.site);
        if identity.persistent || passes_by || !is_like(session, &text) {
            return;
        }
        let name = folded(&identity.user.name);
        let late = users.len() >= limit && users.last_key_value().is_some_and(|(l, _)| *l < name);
        if late {
            return;
        }
        users.entry(name).or_insert_with(|| Arc::clone(session));
        if users.len() > limit {
            users.pop_last();
        }
    });
    users.into_values().collect()
}

impl Wanted {
    fn fits(&self, session: &Session) -> bool {
        let identity = &session.identity;
        self.is_like(&identity.user.name, &identity.site, &identity.provider)
    }

    /// Whether a session of another gateway is looked for.
    pub(super) fn fits_row(&self, row: &Registered) -> bool {
        self.is_like(&row.user, &row.site, &row.provider)
    }

    fn is_like(&self, user: &str, site: &str, provider: &str) -> bool {
        let local = user.split_once('\\').map_or(user, |(_, local)| local);
        (self.site.is_empty() || self.site == site)
            && (self.provider.is_empty() || self.provider == provider)
            && (self.user.is_empty() || begins(user, &self.user) || begins(local, &self.user))
    }
}

impl Place {
    /// As text, for the address of the next page.
    pub(super) fn write(&self) -> String {
        format!("{}-{}", self.began_at.0, self.id)
    }

    /// Reads what [`Self::write`] wrote.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (began_at, id) = text.split_once('-')?;
        Some(Self { began_at: Timestamp(began_at.parse().ok()?), id: id.to_owned() })
    }
}

impl Entry {
    fn key(&self) -> (Timestamp, &str) {
        key(&self.0)
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

fn key(session: &Session) -> (Timestamp, &str) {
    (session.began_at, &session.public_id)
}

fn is_like(session: &Session, text: &str) -> bool {
    let identity = &session.identity;
    let email = identity.user.property("Email").unwrap_or_default();
    [&identity.user.name, identity.user.local_name(), email, &identity.subject]
        .into_iter()
        .any(|value| begins(value, text))
}

/// Whether `value` begins with `folded` in any case, without another string in the common case.
fn begins(value: &str, folded: &str) -> bool {
    match value.get(..folded.len()) {
        Some(head) if value.is_ascii() => head.eq_ignore_ascii_case(folded),
        None if value.is_ascii() => false,
        Some(_) | None => value.to_lowercase().starts_with(folded),
    }
}
