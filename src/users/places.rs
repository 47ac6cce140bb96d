//! Where people have signed in from, so that guessing at their accounts from elsewhere does not slow
//! them down. In a fixed amount of memory, and forgotten by a restart.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::hash::Hash;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::clock::Timestamp;

/// Places that are known for a while.
///
/// They are hashed, under a secret of the process, to a fixed number of cells: a place that shares
/// the cell of a known one passes for known, and nobody can choose to share.
#[derive(Debug)]
pub(super) struct Places {
    hasher: RandomState,
    /// Until when what the cell stands for is known, in seconds since 1970.
    cells: Box<[AtomicI64]>,
}

/// Cells of a table: half a mebibyte.
const CELLS: usize = 1 << 16;

/// How long a place stays known.
const MEMORY: Duration = Duration::from_hours(90 * 24);

impl Places {
    pub(super) fn new() -> Self {
        let cells = (0..CELLS).map(|_| AtomicI64::new(0)).collect();
        Self { hasher: RandomState::new(), cells }
    }

    /// Remembers `place` from `now` on.
    pub(super) fn remember(&self, place: impl Hash, now: Timestamp) {
        if let Some(cell) = self.cell(place) {
            cell.store(now.plus(MEMORY).0, Ordering::Relaxed);
        }
    }

    /// Whether `place` is known at `now`.
    pub(super) fn knows(&self, place: impl Hash, now: Timestamp) -> bool {
        self.cell(place).is_some_and(|cell| now.0 < cell.load(Ordering::Relaxed))
    }

    fn cell(&self, place: impl Hash) -> Option<&AtomicI64> {
        let hash = usize::try_from(self.hasher.hash_one(place) & (CELLS as u64 - 1)).ok()?;
        self.cells.get(hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_known_for_a_while() {
        let places = Places::new();
        let day = |day: i64| Timestamp(1_000_000 + day * 86_400);
        assert!(!places.knows("home", day(0)));
        places.remember("home", day(0));
        assert!(places.knows("home", day(89)));
        assert!(!places.knows("home", day(90)));
        assert!(!places.knows("elsewhere", day(0)));
    }
}
