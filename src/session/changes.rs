//! What began and ended, for whoever keeps a register of it: noted in passing, and taken in its own
//! time. When it is too much to note, that is what is told.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use crate::session::Session;

/// Changes that are noted until somebody takes them.
const MOST: usize = 20_000;

/// Something that became of a session.
#[derive(Clone, Debug)]
pub enum Change {
    /// It began.
    Began(Arc<Session>),
    /// It ended.
    Ended(Arc<Session>),
}

/// What changed since it was last asked for.
#[derive(Debug, Default)]
pub struct Noted {
    /// What happened, in that order.
    pub changes: Vec<Change>,
    /// Whether more happened than could be noted: only the table tells what is so now.
    pub lost: bool,
}

/// The notes.
#[derive(Debug, Default)]
pub(super) struct Changes {
    wanted: AtomicBool,
    noted: Mutex<Noted>,
}

impl Changes {
    /// Notes a change, if anybody wants to hear of it.
    pub(super) fn note(&self, change: impl FnOnce() -> Change) {
        if !self.wanted.load(Ordering::Relaxed) {
            return;
        }
        let mut noted = self.lock();
        if noted.changes.len() >= MOST {
            *noted = Noted { changes: Vec::new(), lost: true };
        }
        if !noted.lost {
            noted.changes.push(change());
        }
    }

    /// What changed since the last time; the first time nothing, and what comes after is noted.
    pub(super) fn take(&self) -> Noted {
        self.wanted.store(true, Ordering::Relaxed);
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::End;
    use crate::session::testing::identity;
    use crate::session::testing::sessions;
    use crate::session::testing::settings;

    #[test]
    fn what_began_and_ended_is_noted_once_somebody_asks() {
        let (sessions, _) = sessions();
        sessions.begin(identity(), &settings());
        assert!(sessions.take_changes().changes.is_empty());
        let (_, session) = sessions.begin(identity(), &settings());
        sessions.end(&session.id, End::SignOut);
        let noted = sessions.take_changes();
        assert!(!noted.lost);
        let [Change::Began(began), Change::Ended(ended)] = &*noted.changes else {
            panic!("{noted:?}")
        };
        assert_eq!((began.id, ended.id), (session.id, session.id));
        assert!(sessions.take_changes().changes.is_empty());
    }

    #[test]
    fn what_nobody_takes_does_not_grow_for_ever() {
        let (sessions, _) = sessions();
        let session = sessions.begin(identity(), &settings()).1;
        let changes = Changes::default();
        changes.take();
        for _ in 0..=MOST {
            changes.note(|| Change::Began(Arc::clone(&session)));
        }
        let noted = changes.take();
        assert!(noted.lost && noted.changes.is_empty());
        changes.note(|| Change::Ended(session));
        assert_eq!(changes.take().changes.len(), 1);
    }
}
