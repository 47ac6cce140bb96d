//! Wrong passwords of one network for one account, counted as the membership provider counts them:
//! after so many within a time the account takes no password from there until that time has passed
//! since the last one. In a fixed amount of memory, and forgotten by a restart.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::hash::Hash;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::Notify;

use crate::clock::Timestamp;
use crate::config::model::identity_server::PasswordAttempts;

/// Wrong passwords, by account and network.
///
/// The pairs are hashed, under a secret of the process, to a fixed number of cells. Two can share
/// one, which makes both slower to be let in and neither faster; nobody can choose to share
/// another's, and nobody has the passwords checked that it would take to fill the table.
#[derive(Debug)]
pub(super) struct Window {
    hasher: RandomState,
    cells: Box<[AtomicU64]>,
    /// Tells those who wait that an attempt was decided: by the last bits of the cell's number.
    decided: Box<[Notify]>,
}

/// Why nothing is tried now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closed {
    /// There were too many wrong ones: until this has passed.
    For(Duration),
    /// There would be, if all that are being looked at are wrong: until one is decided.
    Undecided,
}

/// An attempt that is being looked at. One that is dropped counts as wrong: who goes away before the
/// answer has guessed all the same.
#[derive(Debug)]
pub(super) struct Pending<'a> {
    cell: Option<&'a AtomicU64>,
    decided: Option<&'a Notify>,
    window: u64,
    second: u64,
}

/// What a cell holds.
#[derive(Clone, Copy)]
struct Counts {
    /// The second of the last wrong password.
    last: u64,
    /// Wrong ones.
    wrong: u64,
    /// Those that are being looked at.
    pending: u64,
}

/// Cells of a table: two mebibytes.
const CELLS: usize = 1 << 18;

/// Groups of cells whose attempts wait together.
const GROUPS: usize = 1 << 8;

/// Bits of a cell for each of the two counts.
const BITS: u32 = 12;

/// The highest count.
const MOST: u64 = (1 << BITS) - 1;

impl Window {
    /// A table in which nothing has been counted.
    pub(super) fn new() -> Self {
        let cells = (0..CELLS).map(|_| AtomicU64::new(0)).collect();
        let decided = (0..GROUPS).map(|_| Notify::new()).collect();
        Self { hasher: RandomState::new(), cells, decided }
    }

    /// Waits until an attempt is decided that one of `key` may be waiting for. What is decided after
    /// this call counts, also before the wait.
    pub(super) fn decided(&self, key: impl Hash) -> impl Future<Output = ()> {
        let decided = self.place(key).1.map(Notify::notified);
        async {
            match decided {
                Some(decided) => decided.await,
                None => std::future::pending().await,
            }
        }
    }

    /// Begins an attempt, or says why none can begin: no more are looked at together than may be
    /// wrong.
    pub(super) fn begin(
        &self,
        key: impl Hash,
        attempts: PasswordAttempts,
        now: Timestamp,
    ) -> Result<Pending<'_>, Closed> {
        let window = attempts.window.as_secs();
        let second = u64::try_from(now.0).unwrap_or(0);
        let (cell, decided) = self.place(key);
        let pending = Pending { cell, decided, window, second };
        let (most, mut closed) = (u64::from(attempts.most), None);
        pending.update(|counts| {
            let wrong = counts.wrong_at(second, window);
            closed = (wrong + counts.pending >= most).then(|| {
                let wait = counts.last.saturating_add(window).saturating_sub(second);
                let over = wrong >= most;
                if over { Closed::For(Duration::from_secs(wait)) } else { Closed::Undecided }
            });
            let one_more = u64::from(closed.is_none());
            Counts { pending: counts.pending + one_more, ..counts }
        });
        match closed {
            None => Ok(pending),
            Some(closed) => {
                pending.forget();
                Err(closed)
            }
        }
    }

    fn place(&self, key: impl Hash) -> (Option<&AtomicU64>, Option<&Notify>) {
        let hash = self.hasher.hash_one(key) & (CELLS as u64 - 1);
        let Ok(hash) = usize::try_from(hash) else { return (None, None) };
        (self.cells.get(hash), self.decided.get(hash % GROUPS))
    }
}

impl Pending<'_> {
    /// The password was right: the wrong ones before it are forgotten.
    pub(super) fn right(self) {
        self.decide(|counts| Counts { wrong: 0, ..counts.one_decided() });
        self.forget();
    }

    /// It was not looked at.
    pub(super) fn unlooked(self) {
        self.decide(Counts::one_decided);
        self.forget();
    }

    fn forget(mut self) {
        (self.cell, self.decided) = (None, None);
    }

    fn decide(&self, change: impl FnMut(Counts) -> Counts) {
        self.update(change);
        if let Some(decided) = self.decided {
            decided.notify_waiters();
        }
    }

    fn update(&self, mut change: impl FnMut(Counts) -> Counts) {
        let Some(cell) = self.cell else { return };
        let update = |kept| Some(change(Counts::read(kept)).write());
        let _before = cell.fetch_update(Ordering::Relaxed, Ordering::Relaxed, update);
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        let (second, window) = (self.second, self.window);
        self.decide(|counts| Counts {
            last: second.max(counts.last),
            wrong: counts.wrong_at(second, window) + 1,
            ..counts.one_decided()
        });
    }
}

impl Counts {
    const fn read(cell: u64) -> Self {
        Self { last: cell >> (2 * BITS), wrong: (cell >> BITS) & MOST, pending: cell & MOST }
    }

    fn write(self) -> u64 {
        let Self { last, wrong, pending } = self;
        (last << (2 * BITS)) | (wrong.min(MOST) << BITS) | pending.min(MOST)
    }

    /// Wrong ones that still count at `second`.
    const fn wrong_at(self, second: u64, window: u64) -> u64 {
        if second.saturating_sub(self.last) < window { self.wrong } else { 0 }
    }

    const fn one_decided(self) -> Self {
        Self { pending: self.pending.saturating_sub(1), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ATTEMPTS: PasswordAttempts =
        PasswordAttempts { most: 3, window: Duration::from_mins(10) };

    fn begin(window: &Window, second: i64) -> Result<Pending<'_>, Closed> {
        window.begin("k", ATTEMPTS, Timestamp(1_000_000 + second))
    }

    #[test]
    fn after_so_many_nothing_is_tried_until_the_window_is_over() {
        let window = Window::new();
        for second in [0, 300, 599] {
            drop(begin(&window, second).unwrap());
        }
        let closed = |second: i64| begin(&window, second).err();
        assert_eq!(closed(600), Some(Closed::For(Duration::from_secs(599))));
        assert_eq!(closed(1198), Some(Closed::For(Duration::from_secs(1))));
        for _ in 0..3 {
            drop(begin(&window, 1199).unwrap());
        }
        assert!(closed(1199).is_some());
    }

    #[test]
    fn a_right_password_resets_and_what_was_not_looked_at_does_not_count() {
        let window = Window::new();
        for _ in 0..20 {
            begin(&window, 0).unwrap().unlooked();
        }
        drop(begin(&window, 0).unwrap());
        drop(begin(&window, 0).unwrap());
        begin(&window, 0).unwrap().right();
        for _ in 0..3 {
            drop(begin(&window, 0).unwrap());
        }
        assert!(matches!(begin(&window, 0), Err(Closed::For(_))));
    }

    #[test]
    fn no_more_are_looked_at_together_than_may_be_wrong() {
        let window = Window::new();
        drop(begin(&window, 0).unwrap());
        let (second, third) = (begin(&window, 1).unwrap(), begin(&window, 1).unwrap());
        assert_eq!(begin(&window, 1).err(), Some(Closed::Undecided));
        drop(second);
        assert_eq!(begin(&window, 1).err(), Some(Closed::Undecided));
        third.right();
        begin(&window, 1).unwrap().right();
    }
}
