//! Wrong passwords of one network for one account, counted as the membership provider counts them:
//! after so many within a time the account takes no password from there until that time has passed
//! since the last one. In a fixed amount of memory, and forgotten by a restart.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::hash::Hash;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

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
    /// The second of the last wrong password, and below it how many there were.
    cells: Box<[AtomicU64]>,
}

/// Cells of a table: two mebibytes.
const CELLS: usize = 1 << 18;

/// Bits of a cell that count.
const COUNT_BITS: u32 = 24;

/// The highest count.
const MOST: u64 = (1 << COUNT_BITS) - 1;

impl Window {
    /// A table in which nothing has been counted.
    pub(super) fn new() -> Self {
        let cells = (0..CELLS).map(|_| AtomicU64::new(0)).collect();
        Self { hasher: RandomState::new(), cells }
    }

    /// Counts an attempt as a wrong one, until [`Self::clear`] or [`Self::give_back`] says that it
    /// was none; or says how long there is nothing to be tried.
    pub(super) fn take(
        &self,
        key: impl Hash,
        attempts: PasswordAttempts,
        now: Timestamp,
    ) -> Result<(), Duration> {
        let Some(cell) = self.cell(key) else { return Ok(()) };
        let window = attempts.window.as_secs();
        let second = u64::try_from(now.0).unwrap_or(0);
        let taken = cell.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |kept| {
            let (last, count) = (kept >> COUNT_BITS, kept & MOST);
            let count = if second.saturating_sub(last) < window { count } else { 0 };
            (count < u64::from(attempts.most))
                .then(|| (second.max(last) << COUNT_BITS) | (count + 1).min(MOST))
        });
        match taken {
            Ok(_) => Ok(()),
            Err(kept) => {
                let over = (kept >> COUNT_BITS).saturating_add(window);
                Err(Duration::from_secs(over.saturating_sub(second)))
            }
        }
    }

    /// Takes back an attempt that was not looked at.
    pub(super) fn give_back(&self, key: impl Hash) {
        if let Some(cell) = self.cell(key) {
            let one_less = |kept: u64| (kept & MOST > 0).then(|| kept - 1);
            // Nothing is left to take back when a right password came between.
            let _taken_back = cell.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less);
        }
    }

    /// Forgets what was wrong: the right password came.
    pub(super) fn clear(&self, key: impl Hash) {
        if let Some(cell) = self.cell(key) {
            cell.store(0, Ordering::Relaxed);
        }
    }

    fn cell(&self, key: impl Hash) -> Option<&AtomicU64> {
        let hash = usize::try_from(self.hasher.hash_one(key) & (CELLS as u64 - 1)).ok()?;
        self.cells.get(hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ATTEMPTS: PasswordAttempts =
        PasswordAttempts { most: 3, window: Duration::from_mins(10) };

    #[test]
    fn after_so_many_nothing_is_tried_until_the_window_is_over() {
        let window = Window::new();
        let take = |second: i64| window.take("k", ATTEMPTS, Timestamp(1_000_000 + second));
        assert_eq!([take(0), take(300), take(599)], [Ok(()), Ok(()), Ok(())]);
        assert_eq!(take(600), Err(Duration::from_secs(599)));
        assert_eq!(take(1198), Err(Duration::from_secs(1)));
        assert_eq!([take(1199), take(1199), take(1199)], [Ok(()), Ok(()), Ok(())]);
        assert!(take(1199).is_err());
    }

    #[test]
    fn a_right_password_resets_and_what_was_not_looked_at_does_not_count() {
        let window = Window::new();
        let take = || window.take("k", ATTEMPTS, Timestamp(1_000_000));
        for _ in 0..20 {
            take().unwrap();
            window.give_back("k");
        }
        take().unwrap();
        take().unwrap();
        take().unwrap();
        assert!(take().is_err());
        window.clear("k");
        window.give_back("k");
        assert_eq!([take(), take(), take()], [Ok(()), Ok(()), Ok(())]);
        assert!(take().is_err());
    }
}
