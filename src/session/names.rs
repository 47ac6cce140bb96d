//! What providers call our sessions: the index that a provider's own sign-out finds them by.

use dashmap::DashMap;
use dashmap::Entry;

use crate::crypto::digest;
use crate::session::Session;
use crate::session::SessionId;

/// A name that a provider has for sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named<'a> {
    /// `sid`: one session at the provider.
    Session {
        /// The provider.
        issuer: &'a str,
        /// Its name for the session.
        sid: &'a str,
    },
    /// `sub`: every session of a person.
    Subject {
        /// The provider.
        issuer: &'a str,
        /// Its name for the person.
        subject: &'a str,
    },
}

impl Named<'_> {
    /// The same for no two names: lengths stand before what they measure.
    fn key(&self) -> [u8; 32] {
        let (kind, issuer, name) = match self {
            Self::Session { issuer, sid } => ("sid", issuer, sid),
            Self::Subject { issuer, subject } => ("sub", issuer, subject),
        };
        digest::sha256(format!("{kind}:{}:{issuer}{name}", issuer.len()).as_bytes())
    }
}

/// The index. It holds a name as long as a live session bears it.
#[derive(Debug, Default)]
pub(super) struct Names(DashMap<[u8; 32], Vec<SessionId>>);

impl Names {
    /// Adds the names of `session`.
    pub(super) fn add(&self, session: &Session) {
        for key in keys_of(session) {
            let mut ids = self.0.entry(key).or_default();
            if !ids.contains(&session.id) {
                ids.push(session.id);
            }
        }
    }

    /// Removes the names of `session`.
    pub(super) fn remove(&self, session: &Session) {
        keys_of(session).for_each(|key| self.remove_one(key, session.id));
    }

    /// Removes the names that `before` had and `session`, which took its place, has not.
    pub(super) fn forget(&self, before: &Session, session: &Session) {
        let kept: Vec<_> = keys_of(session).collect();
        let gone = keys_of(before).filter(|key| !kept.contains(key));
        gone.for_each(|key| self.remove_one(key, before.id));
    }

    /// The sessions called `named`.
    pub(super) fn find(&self, named: &Named<'_>) -> Vec<SessionId> {
        self.0.get(&named.key()).map(|ids| ids.clone()).unwrap_or_default()
    }

    fn remove_one(&self, key: [u8; 32], id: SessionId) {
        let Entry::Occupied(mut place) = self.0.entry(key) else { return };
        place.get_mut().retain(|known| *known != id);
        if place.get().is_empty() {
            place.remove();
        }
    }
}

fn keys_of(session: &Session) -> impl Iterator<Item = [u8; 32]> {
    let identity = &session.identity;
    let issuer = identity.issuer.as_deref();
    let subject = issuer.map(|issuer| Named::Subject { issuer, subject: &identity.subject });
    let sid = issuer.zip(identity.provider_session.as_deref());
    let sid = sid.map(|(issuer, sid)| Named::Session { issuer, sid });
    subject.into_iter().chain(sid).map(|named| named.key())
}
