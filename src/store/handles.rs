//! Things kept under random handles: codes, tokens, long requests. Only the SHA-256 of a handle is
//! kept; everything has an end; no owner can push out what belongs to others until all is full.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use crate::clock::Timestamp;
use crate::crypto::digest;
use crate::crypto::random;

/// Values by handle. One table a kind, so that a handle of one kind is nothing to another.
pub struct Handles<V> {
    capacity: usize,
    share: usize,
    own_weight: usize,
    weigh: fn(&V) -> usize,
    kept: Mutex<Kept<V>>,
}

struct Kept<V> {
    values: HashMap<Digest, Entry<V>>,
    /// In the order they came; digests of what is gone stay until a sweep.
    order: VecDeque<Digest>,
    owners: HashMap<Arc<str>, Owner>,
    weight: usize,
    sweep_at: usize,
}

struct Entry<V> {
    value: V,
    weight: usize,
    owner: Arc<str>,
    ends_at: Timestamp,
}

#[derive(Default)]
struct Owner {
    live: usize,
    weight: usize,
    order: VecDeque<Digest>,
}

/// What there is room for: in all by weight, of one owner by number and weight.
#[derive(Clone, Copy)]
struct Room {
    capacity: usize,
    share: usize,
    own_weight: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Digest([u8; 32]);

impl<V> Handles<V> {
    /// Keeps up to `capacity` values, up to `share` of them for one owner: what is over goes, the
    /// oldest first.
    pub fn new(capacity: usize, share: usize) -> Self {
        Self::weighed(capacity, share, |_| 1)
    }

    /// Keeps values that weigh up to `capacity` together, and up to `share` of them for one owner.
    pub fn weighed(capacity: usize, share: usize, weigh: fn(&V) -> usize) -> Self {
        let kept = Kept {
            values: HashMap::new(),
            order: VecDeque::new(),
            owners: HashMap::new(),
            weight: 0,
            sweep_at: 64,
        };
        let (capacity, share, own_weight) = (capacity.max(1), share.max(1), usize::MAX);
        Self { capacity, share, own_weight, weigh, kept: Mutex::new(kept) }
    }

    /// The same, where what one owner has weighs up to `weight` together; one value always has room.
    #[must_use]
    pub fn weighing_owners(self, weight: usize) -> Self {
        Self { own_weight: weight, ..self }
    }

    fn room(&self) -> Room {
        let Self { capacity, share, own_weight, .. } = *self;
        Room { capacity, share, own_weight }
    }

    /// Keeps `value` for `owner` until `ends_at` and returns its handle: 256 random bits as 64
    /// hexadecimal digits.
    pub fn issue(&self, owner: &str, value: V, ends_at: Timestamp, now: Timestamp) -> String {
        let handle = random::handle();
        self.keep(&handle, (owner, value), ends_at, now);
        handle
    }

    /// Keeps `value` for its owner under a handle that the caller made from randomness.
    pub fn keep(&self, handle: &str, owned: (&str, V), ends_at: Timestamp, now: Timestamp) {
        self.keep_under(digest_of(handle).0, owned, ends_at, now);
    }

    /// The same under a key that the caller digested.
    pub fn keep_under(&self, key: [u8; 32], owned: (&str, V), ends_at: Timestamp, now: Timestamp) {
        let entry = self.entry(owned, ends_at);
        self.lock().keep(Digest(key), entry, self.room(), now);
    }

    /// The same, unless something whose time is not up is there; whether it was kept.
    pub fn keep_new_under(
        &self,
        key: [u8; 32],
        owned: (&str, V),
        ends_at: Timestamp,
        now: Timestamp,
    ) -> bool {
        let mut kept = self.lock();
        if kept.values.get(&Digest(key)).is_some_and(|known| now < known.ends_at) {
            return false;
        }
        kept.keep(Digest(key), self.entry(owned, ends_at), self.room(), now);
        true
    }

    fn entry(&self, (owner, value): (&str, V), ends_at: Timestamp) -> Entry<V> {
        let weight = (self.weigh)(&value);
        Entry { value, weight, owner: Arc::from(owner), ends_at }
    }

    /// Lets `change` see and change what `handle` names, alone with it: of any number of callers at
    /// once each sees what the one before left. `None` when nothing is there or its time is up.
    pub fn with<R>(
        &self,
        handle: &str,
        now: Timestamp,
        change: impl FnOnce(&mut V) -> R,
    ) -> Option<R> {
        self.with_key(digest_of(handle).0, now, change)
    }

    /// The same for a key.
    pub fn with_key<R>(
        &self,
        key: [u8; 32],
        now: Timestamp,
        change: impl FnOnce(&mut V) -> R,
    ) -> Option<R> {
        let mut kept = self.lock();
        let found = kept.values.get_mut(&Digest(key))?;
        (now < found.ends_at).then(|| change(&mut found.value))
    }

    /// Lets `change` put something else under `key`, with an end of its own, which then is the
    /// youngest of its owner's; whether it did.
    pub fn replace(
        &self,
        key: [u8; 32],
        ends_at: Timestamp,
        change: impl FnOnce(&mut V) -> bool,
    ) -> bool {
        let mut kept = self.lock();
        let Some(found) = kept.values.get_mut(&Digest(key)) else { return false };
        if !change(&mut found.value) {
            return false;
        }
        found.ends_at = ends_at;
        let weight = (self.weigh)(&found.value);
        let before = std::mem::replace(&mut found.weight, weight);
        let owner = Arc::clone(&found.owner);
        kept.weight = kept.weight.saturating_sub(before).saturating_add(weight);
        if let Some(owner) = kept.owners.get_mut(&owner) {
            owner.order.retain(|known| *known != Digest(key));
            owner.order.push_back(Digest(key));
            owner.weight = owner.weight.saturating_sub(before).saturating_add(weight);
        }
        true
    }

    /// Forgets what `key` names; whether there was anything.
    pub fn remove(&self, key: [u8; 32]) -> bool {
        self.lock().remove(Digest(key))
    }

    /// How many there are, those included whose time is up and that no sweep has met yet.
    pub fn len(&self) -> usize {
        self.lock().values.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> MutexGuard<'_, Kept<V>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<V: Clone> Handles<V> {
    /// Everything `wanted` whose time is not up, in no order.
    pub fn select(&self, now: Timestamp, wanted: impl Fn(&V) -> bool) -> Vec<([u8; 32], V)> {
        let kept = self.lock();
        let live = kept.values.iter().filter(|(_, entry)| now < entry.ends_at);
        live.filter(|(_, entry)| wanted(&entry.value))
            .map(|(digest, entry)| (digest.0, entry.value.clone()))
            .collect()
    }
}

impl<V> fmt::Debug for Handles<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handles({})", self.len())
    }
}

impl<V> Kept<V> {
    /// Makes room and keeps `entry`.
    fn keep(&mut self, digest: Digest, entry: Entry<V>, room: Room, now: Timestamp) {
        if self.order.len() >= self.sweep_at {
            self.sweep(now);
        }
        let is_over = |owner: &Owner| {
            owner.live >= room.share || owner.weight.saturating_add(entry.weight) > room.own_weight
        };
        while self.owners.get(&entry.owner).is_some_and(is_over) {
            if !self.drop_oldest_of(&entry.owner) {
                break;
            }
        }
        while self.weight.saturating_add(entry.weight) > room.capacity && self.drop_oldest() {}
        self.insert(digest, entry);
    }

    fn insert(&mut self, digest: Digest, entry: Entry<V>) {
        self.remove(digest);
        let owner = self.owners.entry(Arc::clone(&entry.owner)).or_default();
        owner.live += 1;
        owner.weight = owner.weight.saturating_add(entry.weight);
        owner.order.push_back(digest);
        self.order.push_back(digest);
        self.weight += entry.weight;
        self.values.insert(digest, entry);
    }

    fn remove(&mut self, digest: Digest) -> bool {
        let Some(gone) = self.values.remove(&digest) else { return false };
        self.weight = self.weight.saturating_sub(gone.weight);
        if let Some(owner) = self.owners.get_mut(&gone.owner) {
            owner.live = owner.live.saturating_sub(1);
            owner.weight = owner.weight.saturating_sub(gone.weight);
            // What goes is mostly the owner's oldest: without this, digests would pile up behind it.
            while owner.order.front().is_some_and(|digest| !self.values.contains_key(digest)) {
                owner.order.pop_front();
            }
            if owner.live == 0 {
                self.owners.remove(&gone.owner);
            }
        }
        true
    }

    /// Whether there was one.
    fn drop_oldest(&mut self) -> bool {
        while let Some(digest) = self.order.pop_front() {
            if self.remove(digest) {
                return true;
            }
        }
        false
    }

    /// Whether there was one.
    fn drop_oldest_of(&mut self, owner: &str) -> bool {
        while let Some(digest) = self.owners.get_mut(owner).and_then(|o| o.order.pop_front()) {
            if self.remove(digest) {
                return true;
            }
        }
        false
    }

    /// Forgets what is over; runs so seldom that its cost is spread thin over what came between.
    fn sweep(&mut self, now: Timestamp) {
        let over: Vec<_> = self
            .values
            .iter()
            .filter(|(_, v)| v.ends_at <= now)
            .map(|(digest, _)| *digest)
            .collect();
        for digest in over {
            self.remove(digest);
        }
        let values = &self.values;
        self.order.retain(|digest| values.contains_key(digest));
        for owner in self.owners.values_mut() {
            owner.order.retain(|digest| values.contains_key(digest));
        }
        self.sweep_at = 2 * self.order.len() + 64;
    }
}

fn digest_of(handle: &str) -> Digest {
    Digest(digest::sha256(handle.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const END: Timestamp = Timestamp(100);
    const NOW: Timestamp = Timestamp(1);

    #[test]
    fn l259_a_handle_is_64_digits_and_kept_as_its_digest_until_its_end() {
        let handles = Handles::new(10, 10);
        let handle = handles.issue("jane", 7, END, NOW);
        assert!(handle.len() == 64 && handle.bytes().all(|b| b.is_ascii_hexdigit()));
        assert_eq!(handles.with(&handle, Timestamp(99), |v| *v), Some(7));
        assert_eq!(handles.with(&handle, END, |v| *v), None);
        assert_eq!(handles.with(&handle.to_lowercase(), NOW, |v| *v), None);
        let digest = digest_of(&handle);
        assert!(handles.lock().values.contains_key(&digest), "only the digest is the key");
    }

    #[test]
    fn an_owner_over_the_share_loses_its_own_oldest_and_nobody_elses() {
        let handles = Handles::new(100, 3);
        let jane = handles.issue("jane", 0, END, NOW);
        let flood: Vec<_> = (1..=50).map(|n| handles.issue("mallory", n, END, NOW)).collect();
        assert_eq!(handles.with(&jane, NOW, |v| *v), Some(0));
        let left: Vec<_> = flood.iter().filter_map(|h| handles.with(h, NOW, |v| *v)).collect();
        assert_eq!(left, [48, 49, 50]);
    }

    #[test]
    fn a_full_table_loses_the_oldest_and_stays_bounded() {
        let handles = Handles::new(10, 10);
        for n in 0..1000 {
            handles.issue(&n.to_string(), n, END, NOW);
        }
        let kept = handles.lock();
        assert_eq!((kept.values.len(), kept.owners.len()), (10, 10));
        assert!(kept.order.len() < 100);
        drop(kept);
        for n in 0..1000 {
            handles.issue(if n % 2 == 0 { "jane" } else { "joe" }, n, END, NOW);
        }
        let kept = handles.lock();
        assert!(kept.owners.values().all(|owner| owner.order.len() <= 10));
    }

    #[test]
    fn what_is_weighed_stays_under_its_weight() {
        let handles = Handles::weighed(100, 100, |n: &usize| *n);
        let kept: Vec<_> = [40, 50].iter().map(|&n| handles.issue("jane", n, END, NOW)).collect();
        handles.issue("joe", 30, END, NOW);
        let left = |h: &String| handles.with(h, NOW, |v| *v);
        assert_eq!((left(&kept[0]), left(&kept[1])), (None, Some(50)));
        for n in 0..1000 {
            handles.issue("jane", n % 7, END, NOW);
            assert!(handles.lock().weight <= 100);
        }
        let all: Vec<_> = handles.lock().values.keys().copied().collect();
        for digest in all {
            assert!(handles.remove(digest.0));
        }
        assert_eq!(handles.lock().weight, 0);
    }

    #[test]
    fn one_owner_s_heavy_values_push_out_that_owner_s_alone() {
        let handles = Handles::weighed(100, 100, |n: &usize| *n).weighing_owners(20);
        let jane = handles.issue("jane", 5, END, NOW);
        let flood: Vec<_> = (0..9).map(|_| handles.issue("mallory", 9, END, NOW)).collect();
        let left = |h: &String| handles.with(h, NOW, |v| *v);
        assert_eq!(flood.iter().filter_map(left).count(), 2);
        let whole = handles.issue("mallory", 60, END, NOW);
        assert_eq!((left(&jane), left(&whole), handles.len()), (Some(5), Some(60), 2));
    }

    #[test]
    fn what_is_over_is_swept_out() {
        let handles = Handles::new(1000, 1000);
        for n in 0..64 {
            handles.issue("jane", n, Timestamp(5), NOW);
        }
        handles.issue("jane", 64, END, Timestamp(6));
        let kept = handles.lock();
        assert_eq!(
            (kept.values.len(), kept.order.len(), kept.owners["jane"].order.len()),
            (1, 1, 1)
        );
    }
}
