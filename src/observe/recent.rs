//! What happened lately, for the pages of administrators: in memory, bounded, gone with the process.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use crate::clock::Timestamp;
use crate::observe::funnel::Funnel;
use crate::observe::provider_health::ProviderHealth;

/// What is remembered. One per process; outlives reloads.
#[derive(Debug, Default)]
pub struct Recent {
    /// How far sign-ins got.
    pub funnel: Funnel,
    /// How they ended last.
    pub health: ProviderHealth,
    /// When clients of the identity server were last at work.
    pub clients: ClientUse,
    /// What became of the configuration.
    pub reloads: Reloads,
}

/// When each client of the identity server was last given something.
#[derive(Debug, Default)]
pub struct ClientUse(Mutex<BTreeMap<String, Timestamp>>);

/// What became of the configuration since the process began.
#[derive(Debug, Default)]
pub struct Reloads(Mutex<Story>);

/// The configurations so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Story {
    /// When the first was taken: since when everything here is counted.
    pub began: Timestamp,
    /// When the present one was taken.
    pub taken: Timestamp,
    /// How many were taken.
    pub generation: u64,
    /// The last one that was refused.
    pub refused: Option<Refused>,
}

/// A configuration that was refused; the one before went on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refused {
    /// When.
    pub at: Timestamp,
    /// What was wrong with it, the first hundred faults.
    pub faults: Vec<String>,
}

/// Clients that are remembered: those of a configuration, and of earlier ones.
const MOST_CLIENTS: usize = 10_000;
/// Faults of a refused configuration that are kept.
const MOST_FAULTS: usize = 100;

impl ClientUse {
    /// Notes that the configured client `id` was given something.
    pub fn used(&self, id: &str, now: Timestamp) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = known.get_mut(id) {
            *last = now;
        } else if known.len() < MOST_CLIENTS {
            known.insert(id.to_owned(), now);
        }
    }

    /// When the client `id` was last given something.
    pub fn last(&self, id: &str) -> Option<Timestamp> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(id).copied()
    }
}

impl Reloads {
    /// Notes that a configuration was taken.
    pub fn taken(&self, generation: u64, now: Timestamp) {
        let mut story = self.lock();
        if story.generation == 0 {
            story.began = now;
        }
        (story.taken, story.generation) = (now, generation);
    }

    /// Notes that one was refused.
    pub fn refused(&self, faults: impl Iterator<Item = String>, now: Timestamp) {
        let faults = faults.take(MOST_FAULTS).collect();
        self.lock().refused = Some(Refused { at: now, faults });
    }

    /// What became of the configurations so far.
    pub fn story(&self) -> Story {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Story> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_story_knows_its_beginning_and_the_last_refusal() {
        let reloads = Reloads::default();
        reloads.taken(1, Timestamp(10));
        reloads.refused((0..200).map(|n| n.to_string()), Timestamp(20));
        reloads.taken(2, Timestamp(30));
        let story = reloads.story();
        let times = (story.began, story.taken, story.generation);
        assert_eq!(times, (Timestamp(10), Timestamp(30), 2));
        let refused = story.refused.unwrap();
        assert_eq!((refused.at, refused.faults.len()), (Timestamp(20), 100));
    }

    #[test]
    fn a_client_is_remembered_by_its_last_use() {
        let clients = ClientUse::default();
        clients.used("cms", Timestamp(1));
        clients.used("cms", Timestamp(2));
        assert_eq!(clients.last("cms"), Some(Timestamp(2)));
        assert_eq!(clients.last("other"), None);
    }
}
