//! The table of live sessions: bounded, swept, and the only place where a session begins and ends.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use dashmap::DashMap;

use crate::clock::Clock;
use crate::clock::Timestamp;
use crate::config::model::SessionSettings;
use crate::crypto::digest;
use crate::crypto::random;
use crate::observe::Metrics;
use crate::session::Change;
use crate::session::Identity;
use crate::session::Named;
use crate::session::Noted;
use crate::session::Session;
use crate::session::SessionId;
use crate::session::changes::Changes;
use crate::session::limits::BySite;
use crate::session::names::Names;
use crate::session::renewal::Renewal;

/// All live sessions of this process.
#[derive(Debug)]
pub struct Sessions {
    table: DashMap<SessionId, Arc<Session>>,
    /// What they go by beside their tokens.
    pub(super) names: Names,
    changes: Changes,
    /// Where they began.
    pub(super) sites: BySite,
    /// Held while somebody is let in under a limit.
    pub(super) admission: Mutex<()>,
    /// In the order they began; ids of ended sessions stay until a sweep.
    order: Mutex<VecDeque<SessionId>>,
    clock: Clock,
    metrics: Arc<Metrics>,
}

/// Why a session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Its time is up.
    Expire,
    /// The person or the provider signed out.
    SignOut,
    /// The table was full.
    Evict,
    /// The same browser signed in anew.
    Replace,
    /// Another one took its place, because there may be no more.
    TakeOver,
    /// An administrator ended it.
    Command,
}

impl End {
    const fn label(self) -> &'static str {
        match self {
            Self::Expire => "expired",
            Self::SignOut => "signed_out",
            Self::Evict => "evicted",
            Self::Replace => "replaced",
            Self::TakeOver => "taken_over",
            Self::Command => "by_command",
        }
    }
}

impl Sessions {
    /// An empty table.
    pub fn new(clock: Clock, metrics: Arc<Metrics>) -> Self {
        Self {
            table: DashMap::new(),
            names: Names::default(),
            changes: Changes::default(),
            sites: BySite::default(),
            admission: Mutex::default(),
            order: Mutex::default(),
            clock,
            metrics,
        }
    }

    /// Begins a session and returns it with the token for the browser's cookie, which is kept
    /// nowhere here. When the table is full the oldest session ends.
    pub fn begin(&self, identity: Identity, settings: &SessionSettings) -> (String, Arc<Session>) {
        self.begin_after(None, identity, settings)
    }

    /// The same for somebody who signs in once more: what goes by the public name of the session
    /// `before` goes on, under another token.
    pub fn begin_after(
        &self,
        before: Option<&Session>,
        identity: Identity,
        settings: &SessionSettings,
    ) -> (String, Arc<Session>) {
        let token = random::token();
        let now = self.clock.now();
        let session = Arc::new(Session {
            id: id_of(&token),
            began_at: now,
            ends_at: end_of(&identity, settings, now),
            idle: idle_of(&identity, settings),
            of_token: false,
            public_id: before.map_or_else(random::identifier, |before| before.public_id.clone()),
            last_used: AtomicI64::new(now.0),
            rendered: ArcSwapOption::empty(),
            renewal: identity.refresh.as_ref().map(Renewal::new),
            clients: before.map_or_else(Arc::default, |before| Arc::clone(&before.clients)),
            arrived: AtomicBool::new(false),
            identity,
        });
        self.make_room(settings.capacity);
        // Named before it is there, so that whoever ends it finds its names; noted, so that its end
        // is noted after it.
        self.names.add(&session);
        self.sites.add(&session);
        self.changes.note(|| Change::Began(Arc::clone(&session)));
        self.table.insert(session.id, Arc::clone(&session));
        self.lock_order().push_back(session.id);
        self.metrics.sessions.inc();
        (token, session)
    }

    /// The live session that `token` names, marked as used now.
    pub fn find(&self, token: &str) -> Option<Arc<Session>> {
        if token.len() != TOKEN_LENGTH {
            return None;
        }
        let session = self.live(&id_of(token))?;
        session.touch(self.clock.now());
        Some(session)
    }

    /// The live session called `id`, without marking it as used.
    pub fn live(&self, id: &SessionId) -> Option<Arc<Session>> {
        let session = Arc::clone(&*self.table.get(id)?);
        if session.is_over(self.clock.now()) {
            self.end(id, End::Expire);
            return None;
        }
        Some(session)
    }

    /// Ends a session; whether it was still there.
    pub fn end(&self, id: &SessionId, why: End) -> bool {
        let Some((_, session)) = self.table.remove(id) else { return false };
        self.names.remove(&session);
        self.sites.remove(&session);
        self.changes.note(|| Change::Ended(session));
        self.metrics.sessions.dec();
        self.metrics.session_ends.with_label_values(&[why.label()]).inc();
        true
    }

    /// Puts what the provider says of a person now in the place of what `before` knew. `None` when
    /// the session has ended meanwhile, which stands (security.md J232).
    pub fn renew(
        &self,
        before: &Session,
        identity: Identity,
        settings: &SessionSettings,
    ) -> Option<Arc<Session>> {
        let refresh = identity.refresh.as_ref();
        let renewal = refresh.map(|refresh| match &before.renewal {
            Some(renewal) => renewal.next(refresh),
            None => Renewal::new(refresh),
        });
        let session = Arc::new(Session {
            id: before.id,
            began_at: before.began_at,
            ends_at: end_of(&identity, settings, before.began_at),
            idle: idle_of(&identity, settings),
            of_token: false,
            public_id: before.public_id.clone(),
            last_used: AtomicI64::new(before.last_used().0),
            rendered: ArcSwapOption::empty(),
            renewal,
            clients: Arc::clone(&before.clients),
            arrived: AtomicBool::new(before.arrived.load(Ordering::Relaxed)),
            identity,
        });
        let replaced = {
            let mut place = self.table.get_mut(&before.id)?;
            self.names.add(&session);
            std::mem::replace(&mut *place, Arc::clone(&session))
        };
        self.names.forget(&replaced, &session);
        Some(session)
    }

    /// The live sessions that go by `named`.
    pub fn called(&self, named: &Named<'_>) -> Vec<Arc<Session>> {
        let ids = self.names.find(named);
        ids.iter().filter_map(|id| self.live(id)).collect()
    }

    /// The live sessions of the user called `name`, in any case.
    pub fn of_user(&self, name: &str) -> Vec<Arc<Session>> {
        self.called(&Named::User(name))
    }

    /// Shows every live session to `see`, in no order. That holds a part of the table up, so it has to
    /// be quick and must not come back here.
    pub fn each(&self, mut see: impl FnMut(&Arc<Session>)) {
        let now = self.clock.now();
        self.table.iter().filter(|session| !session.is_over(now)).for_each(|session| see(&session));
    }

    /// Ends every session that `condemned` picks; how many.
    pub fn end_where(&self, condemned: impl Fn(&Session) -> bool, why: End) -> usize {
        let picked: Vec<_> = self
            .table
            .iter()
            .filter(|session| condemned(session))
            .map(|session| *session.key())
            .collect();
        picked.iter().filter(|id| self.end(id, why)).count()
    }

    /// Every session of the table, those included that are over and not swept yet.
    pub fn all(&self) -> Vec<Arc<Session>> {
        self.table.iter().map(|session| Arc::clone(&session)).collect()
    }

    /// What began and ended since this was last called.
    pub fn take_changes(&self) -> Noted {
        self.changes.take()
    }

    /// Removes what is over. Called now and then from the control runtime.
    pub fn sweep(&self) {
        let now = self.clock.now();
        self.end_where(|session| session.is_over(now), End::Expire);
        self.lock_order().retain(|id| self.table.contains_key(id));
    }

    /// How many sessions there are.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    fn make_room(&self, capacity: usize) {
        while self.table.len() >= capacity.max(1) {
            let oldest = self.lock_order().pop_front();
            match oldest {
                Some(id) => self.end(&id, End::Evict),
                None => return,
            };
        }
    }

    fn lock_order(&self) -> std::sync::MutexGuard<'_, VecDeque<SessionId>> {
        self.order.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Length of [`random::token`]'s text.
const TOKEN_LENGTH: usize = 43;

fn id_of(token: &str) -> SessionId {
    SessionId(digest::sha256(token.as_bytes()))
}

/// `cookieExp` overrides the configured lifetime; the absolute limit holds for all but remembered
/// sessions, which have their own.
fn end_of(identity: &Identity, settings: &SessionSettings, now: Timestamp) -> Timestamp {
    let longest = if identity.remembered {
        settings.remembered_lifetime
    } else if settings.sliding {
        settings.absolute_lifetime
    } else {
        settings.expire_time_span.min(settings.absolute_lifetime)
    };
    let end = now.plus(longest);
    identity.ends_at.map_or(end, |set| set.min(end))
}

/// A session whose end a claim sets does not slide towards another one, and a remembered session
/// may lie unused for its whole life.
fn idle_of(identity: &Identity, settings: &SessionSettings) -> Duration {
    if identity.remembered {
        settings.remembered_lifetime
    } else if identity.ends_at.is_some() || !settings.sliding {
        settings.absolute_lifetime
    } else {
        settings.expire_time_span
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::testing::MINUTE;
    use crate::session::testing::identity;
    use crate::session::testing::sessions;
    use crate::session::testing::settings;

    #[test]
    fn j230_a_session_slides_while_it_is_used_and_dies_at_its_absolute_end() {
        let (sessions, clock) = sessions();
        let (token, _) = sessions.begin(identity(), &settings());
        for _ in 0..35 {
            clock.advance(20 * MINUTE);
            assert!(sessions.find(&token).is_some());
        }
        clock.advance(20 * MINUTE);
        assert!(sessions.find(&token).is_none(), "twelve hours are over");
    }

    #[test]
    fn j230_an_unused_session_dies() {
        let (sessions, clock) = sessions();
        let (token, _) = sessions.begin(identity(), &settings());
        clock.advance(30 * MINUTE);
        assert!(sessions.find(&token).is_none());
        assert!(sessions.is_empty());
    }

    #[test]
    fn an_end_set_by_a_claim_holds_and_does_not_slide() {
        let (sessions, clock) = sessions();
        let ends_at = Some(Timestamp(1_000_000).plus(60 * MINUTE));
        let (token, _) = sessions.begin(Identity { ends_at, ..identity() }, &settings());
        clock.advance(59 * MINUTE);
        assert!(sessions.find(&token).is_some());
        clock.advance(MINUTE);
        assert!(sessions.find(&token).is_none());
    }

    #[test]
    fn a_full_table_evicts_the_oldest_and_counts_it() {
        let (sessions, _) = sessions();
        let tokens: Vec<_> = (0..4).map(|_| sessions.begin(identity(), &settings()).0).collect();
        let live: Vec<_> = tokens.iter().map(|t| sessions.find(t).is_some()).collect();
        assert_eq!(live, [false, true, true, true]);
        assert_eq!(sessions.metrics.session_ends.with_label_values(&["evicted"]).get(), 1);
    }

    #[test]
    fn a_session_arrives_once_however_often_it_is_renewed() {
        let (sessions, _) = sessions();
        let (_, first) = sessions.begin(identity(), &settings());
        assert!(first.arrives() && !first.arrives());
        let renewed = sessions.renew(&first, identity(), &settings()).unwrap();
        assert!(!renewed.arrives());
    }

    #[test]
    fn j224_tokens_are_unique_and_only_their_digest_is_kept() {
        let (sessions, _) = sessions();
        let (token, session) = sessions.begin(identity(), &settings());
        assert_eq!(session.id, SessionId(digest::sha256(token.as_bytes())));
        assert!(!format!("{sessions:?}").contains(&token));
    }
}
