//! How often something may be tried, for any number of keys in a fixed amount of memory.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::hash::Hash;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::clock::Timestamp;

/// A rate for each key (the generic cell rate algorithm): `burst` attempts at once, and one more
/// after each interval.
///
/// Keys are hashed, under a secret of the process, to a fixed number of cells. Two keys can share
/// one, which makes both slower to be let in and neither faster; nobody can choose to share
/// another's.
#[derive(Debug)]
pub struct Throttle {
    hasher: RandomState,
    /// When the cell will be empty again, in milliseconds since 1970.
    cells: Box<[AtomicI64]>,
}

/// How much is allowed.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// Attempts that may come at once.
    pub burst: u32,
    /// After how long one more may come.
    pub interval: Duration,
}

/// Cells of a table: half a mebibyte.
const CELLS: usize = 1 << 16;

impl Throttle {
    /// A table in which nothing has been counted.
    #[expect(clippy::new_without_default, reason = "there is no usual one")]
    pub fn new() -> Self {
        let cells = (0..CELLS).map(|_| AtomicI64::new(0)).collect();
        Self { hasher: RandomState::new(), cells }
    }

    /// Counts an attempt, or says how long to wait for the next one.
    pub fn take(&self, key: impl Hash, rate: Rate, now: Timestamp) -> Result<(), Duration> {
        let Some(cell) = self.cell(key) else { return Ok(()) };
        let (now, interval) = (now.0.saturating_mul(1000), milliseconds(rate.interval));
        let tolerance = interval.saturating_mul(i64::from(rate.burst.saturating_sub(1)));
        let attempt = cell.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |empty_at| {
            let start = empty_at.max(now);
            (start - now <= tolerance).then(|| start.saturating_add(interval))
        });
        match attempt {
            Ok(_) => Ok(()),
            Err(empty_at) => {
                let wait = empty_at.saturating_sub(now).saturating_sub(tolerance);
                Err(Duration::from_millis(u64::try_from(wait).unwrap_or(0)))
            }
        }
    }

    /// Gives back an attempt that turned out not to count.
    pub fn give_back(&self, key: impl Hash, rate: Rate) {
        if let Some(cell) = self.cell(key) {
            cell.fetch_sub(milliseconds(rate.interval), Ordering::Relaxed);
        }
    }

    fn cell(&self, key: impl Hash) -> Option<&AtomicI64> {
        let hash = usize::try_from(self.hasher.hash_one(key) & (CELLS as u64 - 1)).ok()?;
        self.cells.get(hash)
    }
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { burst: 3, interval: Duration::from_secs(10) };

    #[test]
    fn a_burst_passes_then_one_an_interval() {
        let throttle = Throttle::new();
        let take = |second: i64| throttle.take("k", RATE, Timestamp(1_000_000 + second));
        assert_eq!([take(0), take(0), take(0)], [Ok(()), Ok(()), Ok(())]);
        assert_eq!(take(0), Err(Duration::from_secs(10)));
        assert_eq!(take(4), Err(Duration::from_secs(6)));
        assert_eq!(take(10), Ok(()));
        assert_eq!(take(10), Err(Duration::from_secs(10)));
        assert_eq!([take(100), take(100), take(100)], [Ok(()), Ok(()), Ok(())]);
        assert!(take(100).is_err());
    }

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let throttle = Throttle::new();
        for _ in 0..50 {
            throttle.take("k", RATE, Timestamp(1)).unwrap();
            throttle.give_back("k", RATE);
        }
        throttle.take("other", RATE, Timestamp(1)).unwrap();
    }
}
