//! What sessions are found by beside their tokens: the names that providers have for them, for a
//! provider's own sign-out, and the user's name.

use dashmap::DashMap;
use dashmap::Entry;

use crate::crypto::digest;
use crate::session::Session;
use crate::session::SessionId;

/// A name that sessions go by.
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
    /// Every session of a user, the name compared without regard to case.
    User(&'a str),
}

impl Named<'_> {
    /// The same for no two names: lengths stand before what they measure.
    fn key(&self) -> [u8; 32] {
        let (kind, issuer, name) = match self {
            Self::Session { issuer, sid } => ("sid", issuer, sid),
            Self::Subject { issuer, subject } => ("sub", issuer, subject),
            Self::User(name) => {
                return digest::sha256(format!("user:{}", name.to_lowercase()).as_bytes());
            }
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
    let user = Some(Named::User(&identity.user.name));
    subject.into_iter().chain(sid).chain(user).map(|named| named.key())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::session::End;
    use crate::session::Identity;
    use crate::session::testing::identity;
    use crate::session::testing::sessions;
    use crate::session::testing::settings;

    const ISSUER: &str = "https://idp.test";

    fn named(subject: &str, sid: Option<&str>) -> Identity {
        Identity {
            issuer: Some(ISSUER.into()),
            subject: subject.to_owned(),
            provider_session: sid.map(str::to_owned),
            ..identity()
        }
    }

    fn sid(sid: &str) -> Named<'_> {
        Named::Session { issuer: ISSUER, sid }
    }

    fn subject(subject: &str) -> Named<'_> {
        Named::Subject { issuer: ISSUER, subject }
    }

    #[test]
    fn k248_sessions_are_found_by_issuer_and_name_while_they_live() {
        let (sessions, _) = sessions();
        let (_, one) = sessions.begin(named("jane", Some("s-1")), &settings());
        sessions.begin(named("jane", Some("s-2")), &settings());
        assert_eq!(sessions.called(&sid("s-1"))[0].id, one.id);
        assert_eq!(sessions.called(&subject("jane")).len(), 2);
        for other in [
            sid("jane"),
            subject("s-1"),
            Named::Session { issuer: "https://idp.tests", sid: "-1" },
            Named::Session { issuer: "https://other.test", sid: "s-1" },
        ] {
            assert!(sessions.called(&other).is_empty(), "{other:?}");
        }
        sessions.end(&one.id, End::SignOut);
        assert!(sessions.called(&sid("s-1")).is_empty());
        assert_eq!(sessions.called(&subject("jane")).len(), 1);
        sessions.end_where(|_| true, End::SignOut);
        assert!(sessions.names.0.is_empty(), "no name is kept without a session");
    }

    #[test]
    fn a_renewed_session_goes_by_its_new_names() {
        let (sessions, _) = sessions();
        let (token, before) = sessions.begin(named("jane", Some("s-1")), &settings());
        before.sign_into("app");
        let renewed = sessions.renew(&before, named("jane", Some("s-2")), &settings()).unwrap();
        assert!(Arc::ptr_eq(&sessions.find(&token).unwrap(), &renewed));
        assert!(sessions.called(&sid("s-1")).is_empty());
        assert_eq!(sessions.called(&sid("s-2")).len(), 1);
        assert_eq!(renewed.clients(), ["app"]);
        assert_eq!(renewed.public_id, before.public_id);
        sessions.end(&before.id, End::SignOut);
        assert!(sessions.names.0.is_empty());
    }

    #[test]
    fn the_sessions_of_a_user_are_found_in_any_case_and_follow_the_name() {
        let (sessions, _) = sessions();
        let (_, one) = sessions.begin(named("jane", None), &settings());
        sessions.begin(named("jane", None), &settings());
        assert_eq!(sessions.of_user("Sitecore\\JANE").len(), 2);
        assert!(sessions.of_user("sitecore\\jan").is_empty());
        let mut renamed = named("jane", None);
        renamed.user.name = r"sitecore\joe".to_owned();
        sessions.renew(&one, renamed, &settings()).unwrap();
        assert_eq!(sessions.of_user(r"sitecore\joe")[0].id, one.id);
        assert_eq!(sessions.of_user(r"sitecore\jane").len(), 1);
    }

    #[test]
    fn j232_what_has_ended_is_not_renewed() {
        let (sessions, _) = sessions();
        let (token, before) = sessions.begin(named("jane", Some("s-1")), &settings());
        sessions.end(&before.id, End::SignOut);
        assert!(sessions.renew(&before, named("jane", None), &settings()).is_none());
        assert!(sessions.find(&token).is_none() && sessions.names.0.is_empty());
    }
}
