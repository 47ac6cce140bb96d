//! Single use: the ids that have been used already, remembered until they would have expired.

use std::sync::Mutex;
use std::sync::PoisonError;

use std::collections::BTreeMap;
use std::collections::HashSet;

use crate::clock::Timestamp;

/// Remembers spent ids. Only authentic ids come here, so a flood of started logins costs nothing.
#[derive(Debug)]
pub struct SpentIds {
    capacity: usize,
    spent: Mutex<Spent>,
}

#[derive(Debug, Default)]
struct Spent {
    ids: HashSet<[u8; 16]>,
    by_expiry: BTreeMap<Timestamp, Vec<[u8; 16]>>,
}

/// What came of spending an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spending {
    /// This was its first use.
    First,
    /// It has been used before.
    Again,
    /// Too many are remembered; treat as used, because forgetting one would let it be used again.
    Full,
}

impl SpentIds {
    /// Remembers up to `capacity` ids at a time.
    pub fn new(capacity: usize) -> Self {
        Self { capacity, spent: Mutex::default() }
    }

    /// Uses `id`, which is worthless after `expiry`. Exactly one of any number of concurrent callers
    /// is told [`Spending::First`].
    pub fn spend(&self, id: [u8; 16], expiry: Timestamp, now: Timestamp) -> Spending {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        spent.forget_before(now);
        if spent.ids.contains(&id) {
            return Spending::Again;
        }
        if spent.ids.len() >= self.capacity {
            return Spending::Full;
        }
        spent.ids.insert(id);
        spent.by_expiry.entry(expiry).or_default().push(id);
        Spending::First
    }
}

impl Spent {
    fn forget_before(&mut self, now: Timestamp) {
        let kept = self.by_expiry.split_off(&now);
        for id in std::mem::replace(&mut self.by_expiry, kept).into_values().flatten() {
            self.ids.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h170_an_id_is_spent_once_until_it_expires() {
        let ids = SpentIds::new(2);
        let (now, later) = (Timestamp(100), Timestamp(700));
        assert_eq!(ids.spend([1; 16], later, now), Spending::First);
        assert_eq!(ids.spend([1; 16], later, now), Spending::Again);
        assert_eq!(ids.spend([2; 16], later, now), Spending::First);
        assert_eq!(ids.spend([3; 16], later, now), Spending::Full);
        assert_eq!(ids.spend([3; 16], later, Timestamp(701)), Spending::First);
    }

    #[test]
    fn one_of_many_concurrent_callers_is_first() {
        let ids = SpentIds::new(10);
        let first = std::thread::scope(|scope| {
            let spend = || ids.spend([7; 16], Timestamp(10), Timestamp(1)) == Spending::First;
            let callers: Vec<_> = (0..8).map(|_| scope.spawn(spend)).collect();
            callers.into_iter().filter(|_| true).map(|c| c.join().unwrap()).filter(|&f| f).count()
        });
        assert_eq!(first, 1);
    }
}
