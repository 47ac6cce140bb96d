//! How many sessions a user and a site may have at a time, and whose give way to one more.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use dashmap::DashMap;

use crate::clock::Timestamp;
use crate::session::End;
use crate::session::Identity;
use crate::session::Session;
use crate::session::SessionId;
use crate::session::Sessions;

/// How many sessions there may be; `None` sets no limit.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits<'a> {
    /// Of one user, wherever they began but at the site `apart`.
    pub per_user: Option<usize>,
    /// The site whose sessions stand behind others and do not count there: the identity server's.
    pub apart: Option<&'a str>,
    /// Of one user, begun at the site that is signed in to.
    pub per_user_here: Option<usize>,
    /// Of everybody, begun at that site.
    pub here: Option<usize>,
}

/// The way for one more session. While it lives, nobody else is let in under limits.
#[derive(Debug)]
pub struct Way<'a> {
    /// The sessions that gave way.
    pub ended: Vec<Arc<Session>>,
    _turn: Option<MutexGuard<'a, ()>>,
}

/// As many sessions as there may be.
#[derive(Clone, Debug)]
pub struct Full {
    /// The one that would give way.
    pub oldest: Arc<Session>,
}

impl Limits<'_> {
    const fn is_unlimited(&self) -> bool {
        self.per_user.is_none() && self.per_user_here.is_none() && self.here.is_none()
    }
}

impl Sessions {
    /// Makes way for a session of `identity`, beside which those in `leaving` do not count: they end
    /// with it. Where `limits` leave no room, the oldest end if that is wanted (`take_over`).
    ///
    /// Counting and beginning are one step for as long as the [`Way`] is held.
    ///
    /// # Errors
    ///
    /// [`Full`], and nothing has ended.
    pub fn make_way(
        &self,
        limits: &Limits<'_>,
        identity: &Identity,
        leaving: &[Arc<Session>],
        take_over: bool,
    ) -> Result<Way<'_>, Full> {
        if limits.is_unlimited() {
            return Ok(Way { ended: Vec::new(), _turn: None });
        }
        let turn = self.admission.lock().unwrap_or_else(PoisonError::into_inner);
        let mut giving: Vec<Arc<Session>> = Vec::new();
        for (most, candidates) in self.counted(limits, identity) {
            let gone =
                |one: &Arc<Session>| leaving.iter().chain(&giving).any(|other| other.id == one.id);
            let counted: Vec<_> = candidates.into_iter().filter(|one| !gone(one)).collect();
            let over = counted.len().saturating_add(1).saturating_sub(most);
            let Some(oldest) = counted.first().filter(|_| over > 0) else { continue };
            if !take_over {
                return Err(Full { oldest: Arc::clone(oldest) });
            }
            giving.extend(counted.into_iter().take(over));
        }
        giving.retain(|session| self.end(&session.id, End::TakeOver));
        Ok(Way { ended: giving, _turn: Some(turn) })
    }

    /// For each limit that may be reached the sessions that it counts, the first to give way first.
    fn counted(&self, limits: &Limits<'_>, identity: &Identity) -> Vec<(usize, Vec<Arc<Session>>)> {
        let (name, here) = (&identity.user.name, &identity.site);
        let mut counted = Vec::new();
        let mut own = self.of_user(name);
        own.sort_by_key(|session| session.began_at);
        if let Some(most) = limits.per_user {
            let apart = |one: &&Arc<Session>| limits.apart != Some(&*one.identity.site);
            counted.push((most, own.iter().filter(apart).cloned().collect()));
        }
        own.retain(|session| session.identity.site == *here);
        if let Some(most) = limits.per_user_here {
            counted.push((most, own.clone()));
        }
        if let Some(most) = limits.here.filter(|most| self.sites.count(here) >= *most) {
            // One's own oldest first, before somebody else's.
            let all = self.sites.oldest_first(here).into_iter().filter_map(|id| self.live(&id));
            let others = all.filter(|one| own.iter().all(|known| known.id != one.id));
            let others: Vec<_> = others.collect();
            counted.push((most, own.into_iter().chain(others).collect()));
        }
        counted
    }
}

/// The sessions of each site by their age.
#[derive(Debug, Default)]
pub(super) struct BySite(DashMap<Arc<str>, BTreeSet<(Timestamp, SessionId)>>);

impl BySite {
    pub(super) fn add(&self, session: &Session) {
        let mut sessions = self.0.entry(Arc::clone(&session.identity.site)).or_default();
        sessions.insert((session.began_at, session.id));
    }

    pub(super) fn remove(&self, session: &Session) {
        if let Some(mut sessions) = self.0.get_mut(&session.identity.site) {
            sessions.remove(&(session.began_at, session.id));
        }
    }

    fn count(&self, site: &str) -> usize {
        self.0.get(site).map_or(0, |sessions| sessions.len())
    }

    fn oldest_first(&self, site: &str) -> Vec<SessionId> {
        let sessions = self.0.get(site);
        sessions.map(|sessions| sessions.iter().map(|(_, id)| *id).collect()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::sync::atomic::Ordering;

    use super::*;
    use crate::session::testing::MINUTE;
    use crate::session::testing::identity;
    use crate::session::testing::sessions;
    use crate::session::testing::settings;

    fn of(name: &str, site: &str) -> Identity {
        let mut identity = Identity { site: site.into(), ..identity() };
        identity.user.name = name.to_owned();
        identity
    }

    /// Signs in; the names and sites of whoever gave way.
    fn sign_in(
        sessions: &Sessions,
        limits: &Limits<'_>,
        identity: Identity,
        take_over: bool,
    ) -> Result<Vec<Arc<Session>>, Full> {
        let way = sessions.make_way(limits, &identity, &[], take_over)?;
        sessions.begin(identity, &settings_of_many());
        Ok(way.ended)
    }

    fn settings_of_many() -> crate::config::model::SessionSettings {
        crate::config::model::SessionSettings { capacity: 10_000, ..settings() }
    }

    #[test]
    fn a_user_has_so_many_sessions_and_the_oldest_gives_way() {
        let (sessions, clock) = sessions();
        let limits = Limits { per_user: Some(2), apart: Some("id"), ..Limits::default() };
        let first = sign_in(&sessions, &limits, of("a\\jane", "shell"), false);
        assert!(first.unwrap().is_empty());
        clock.advance(MINUTE);
        assert!(sign_in(&sessions, &limits, of("A\\Jane", "website"), false).is_ok());
        assert!(sign_in(&sessions, &limits, of("a\\joe", "shell"), false).is_ok());
        let full = sign_in(&sessions, &limits, of("a\\jane", "shell"), false).unwrap_err();
        assert_eq!(&*full.oldest.identity.site, "shell");
        let ended = sign_in(&sessions, &limits, of("a\\jane", "admin"), true).unwrap();
        assert_eq!(ended.len(), 1);
        assert_eq!(ended[0].id, full.oldest.id);
        assert_eq!(sessions.of_user("a\\jane").len(), 2);
    }

    #[test]
    fn sessions_of_the_identity_server_do_not_count_and_what_is_over_counts_no_more() {
        let (sessions, clock) = sessions();
        let limits = Limits { per_user: Some(1), apart: Some("id"), ..Limits::default() };
        sessions.begin(of("a\\jane", "id"), &settings());
        assert!(sign_in(&sessions, &limits, of("a\\jane", "shell"), false).is_ok());
        assert!(sign_in(&sessions, &limits, of("a\\jane", "shell"), false).is_err());
        clock.advance(31 * MINUTE);
        assert!(sign_in(&sessions, &limits, of("a\\jane", "shell"), false).is_ok());
    }

    #[test]
    fn a_session_that_leaves_makes_room_itself() {
        let (sessions, _) = sessions();
        let limits = Limits { per_user_here: Some(1), here: Some(1), ..Limits::default() };
        let (_, old) = sessions.begin(of("a\\jane", "shell"), &settings());
        let identity = of("a\\jane", "shell");
        assert!(sessions.make_way(&limits, &identity, &[], false).is_err());
        assert!(sessions.make_way(&limits, &identity, &[old], false).is_ok());
        assert_eq!(sessions.len(), 1, "who begins ends it");
        assert!(sessions.make_way(&limits, &of("a\\jane", "website"), &[], false).is_ok());
    }

    #[test]
    fn a_full_site_lets_ones_own_session_go_first() {
        let (sessions, clock) = sessions();
        let limits = Limits { here: Some(2), ..Limits::default() };
        for name in ["a\\joe", "a\\jane"] {
            assert!(sign_in(&sessions, &limits, of(name, "shell"), false).is_ok());
            clock.advance(MINUTE);
        }
        let full = sign_in(&sessions, &limits, of("a\\jane", "shell"), false).unwrap_err();
        assert_eq!(full.oldest.identity.user.name, "a\\jane");
        let full = sign_in(&sessions, &limits, of("a\\jim", "shell"), false).unwrap_err();
        assert_eq!(full.oldest.identity.user.name, "a\\joe");
        let ended = sign_in(&sessions, &limits, of("a\\jim", "shell"), true).unwrap();
        assert_eq!(ended[0].identity.user.name, "a\\joe");
        sessions.end_where(|_| true, End::SignOut);
        assert_eq!(sessions.sites.count("shell"), 0);
    }

    #[test]
    fn of_many_at_once_as_many_come_in_as_may() {
        let (sessions, _) = sessions();
        let limits = Limits { per_user: Some(3), ..Limits::default() };
        let admitted = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        let entered = sign_in(&sessions, &limits, of("a\\jane", "shell"), false);
                        admitted.fetch_add(usize::from(entered.is_ok()), Ordering::Relaxed);
                    }
                });
            }
        });
        assert_eq!((admitted.into_inner(), sessions.of_user("a\\jane").len()), (3, 3));
    }
}
