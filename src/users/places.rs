//! Where people have signed in from, so that guessing at their accounts from elsewhere does not slow
//! them down. In a fixed amount of memory, and forgotten by a restart.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::hash::Hash;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use crate::clock::Timestamp;

/// Places that are known for a while, each to the account that it is a place of.
///
/// An account has one shelf of a few cells, which it shares with others as the secret of the process
/// has it. A cell holds the mark of one account and place, so none passes for another: who signs in
/// from everywhere makes no stranger known elsewhere, and pushes out the places of those few accounts
/// alone that stand on the same shelf.
#[derive(Debug)]
pub(super) struct Places {
    hasher: RandomState,
    /// The mark of an account and place, and below it the day since 1970 on which it is forgotten.
    cells: Box<[AtomicU64]>,
}

/// Cells of the table: half a mebibyte.
const CELLS: u64 = 1 << 16;

/// Cells of a shelf.
const SHELF: u64 = 16;

/// For how many days a place stays known.
const MEMORY: u64 = 90;

/// The half of a cell that holds the day.
const DAY: u64 = u32::MAX as u64;

impl Places {
    pub(super) fn new() -> Self {
        let cells = (0..CELLS).map(|_| AtomicU64::new(0)).collect();
        Self { hasher: RandomState::new(), cells }
    }

    /// Remembers that `account` signs in from `place`, from `now` on.
    pub(super) fn remember(&self, (account, place): (impl Hash, impl Hash), now: Timestamp) {
        let mark = self.mark(&account, &place);
        if let Some(cell) = self.cell(&account, mark) {
            cell.store(mark | (day(now) + MEMORY), Ordering::Relaxed);
        }
    }

    /// Whether `account` is known to sign in from `place` at `now`.
    pub(super) fn knows(&self, (account, place): (impl Hash, impl Hash), now: Timestamp) -> bool {
        let mark = self.mark(&account, &place);
        let known = self.cell(&account, mark).map(|cell| cell.load(Ordering::Relaxed));
        known.is_some_and(|known| known & !DAY == mark && day(now) < known & DAY)
    }

    fn mark(&self, account: &impl Hash, place: &impl Hash) -> u64 {
        self.hasher.hash_one((account, place)) & !DAY
    }

    fn cell(&self, account: &impl Hash, mark: u64) -> Option<&AtomicU64> {
        let first = self.hasher.hash_one(account) % (CELLS / SHELF) * SHELF;
        self.cells.get(usize::try_from(first + (mark >> 32) % SHELF).ok()?)
    }
}

/// The day since 1970.
fn day(now: Timestamp) -> u64 {
    u64::try_from(now.0 / 86_400).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_known_for_a_while_and_to_its_own_account() {
        let places = Places::new();
        let day = |day: i64| Timestamp(1_000_000 + day * 86_400);
        assert!(!places.knows(("jane", "home"), day(0)));
        places.remember(("jane", "home"), day(0));
        assert!(places.knows(("jane", "home"), day(89)));
        assert!(!places.knows(("jane", "home"), day(90)));
        assert!(!places.knows(("jane", "elsewhere"), day(0)));
        assert!(!places.knows(("bob", "home"), day(0)));
    }

    #[test]
    fn s349_who_signs_in_from_everywhere_changes_nothing_for_others() {
        let (places, now) = (Places::new(), Timestamp(1_000_000));
        let others = 0..100;
        others.clone().for_each(|other| places.remember((other, "home"), now));
        (0..100_000).for_each(|network| places.remember(("mallory", network), now));
        let at_home = others.clone().filter(|other| places.knows((*other, "home"), now)).count();
        assert!(at_home > 90, "{at_home}: those on Mallory's shelf, and on each other's, at most");
        let elsewhere = others.filter(|other| places.knows((*other, 7), now)).count();
        assert_eq!(elsewhere, 0);
    }
}
