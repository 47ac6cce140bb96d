//! The way of a sign-in, counted over a day: how many began, went to the provider, came back, got a
//! session and saw their first page, for each site and provider, in buckets of five minutes.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use crate::clock::Timestamp;

/// How far a sign-in got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Somebody wants to sign in.
    Started,
    /// The browser was sent to the provider, or a local form came.
    AtProvider,
    /// The provider's answer to a sign-in that was started here came back.
    Back,
    /// A session began.
    Session,
    /// The first request of that session was served.
    FirstPage,
}

impl Stage {
    /// Every stage, in their order.
    pub const ALL: [Self; 5] =
        [Self::Started, Self::AtProvider, Self::Back, Self::Session, Self::FirstPage];

    /// The stage as a label of the metrics.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::AtProvider => "at_provider",
            Self::Back => "back",
            Self::Session => "session",
            Self::FirstPage => "first_page",
        }
    }
}

/// Where people sign in, and with what: names that the configuration knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Way<'a> {
    /// The site.
    pub site: &'a str,
    /// The provider; empty where an answer belongs to none.
    pub provider: &'a str,
}

/// What happened on one way in a span of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// The site.
    pub site: String,
    /// The provider; empty where it was not known.
    pub provider: String,
    /// How many got to each stage, in the order of [`Stage::ALL`].
    pub stages: [u64; 5],
    /// How many failed, by reason.
    pub failures: BTreeMap<&'static str, u64>,
}

/// The counters. Bounded: names and reasons come from closed sets, and a day is all that is kept.
#[derive(Debug, Default)]
pub struct Funnel(Mutex<Ways>);

#[derive(Debug, Default)]
struct Ways {
    /// By site and provider: the buckets that something happened in, the oldest first.
    counted: BTreeMap<(String, String), VecDeque<Bucket>>,
}

#[derive(Debug, Default)]
struct Bucket {
    /// Its beginning, in [`BUCKET`]s since 1970.
    number: i64,
    stages: [u32; 5],
    failures: BTreeMap<&'static str, u32>,
}

/// How long a bucket is, in seconds.
const BUCKET: i64 = 300;
/// The longest span that can be asked for.
pub const DAY: Duration = Duration::from_hours(24);
/// Buckets of a day, and the one that has begun.
const KEPT: i64 = 24 * 3600 / BUCKET + 1;
/// Ways that are counted: a configuration has a few, reloads with other names may add some.
const MOST_WAYS: usize = 2000;

impl Funnel {
    /// Counts that a sign-in got to `stage`.
    pub fn reached(&self, way: Way<'_>, stage: Stage, now: Timestamp) {
        self.count(way, now, |bucket| {
            for (known, count) in Stage::ALL.into_iter().zip(&mut bucket.stages) {
                *count = count.saturating_add(u32::from(known == stage));
            }
        });
    }

    /// Counts that a sign-in failed for a `reason` out of a closed set.
    pub fn failed(&self, way: Way<'_>, reason: &'static str, now: Timestamp) {
        self.count(way, now, |bucket| {
            let count = bucket.failures.entry(reason).or_default();
            *count = count.saturating_add(1);
        });
    }

    /// What happened in the last `span`, which is taken in whole buckets, on each way where anything
    /// did.
    pub fn since(&self, span: Duration, now: Timestamp) -> Vec<Told> {
        let first = number(now.minus(span)).saturating_add(1);
        let mut told = Vec::new();
        for ((site, provider), buckets) in &self.lock().counted {
            let (site, provider) = (site.clone(), provider.clone());
            let mut sum = Told { site, provider, ..Told::default() };
            let mut within = buckets.iter().filter(|bucket| bucket.number >= first).peekable();
            if within.peek().is_none() {
                continue;
            }
            within.for_each(|bucket| add(&mut sum, bucket));
            told.push(sum);
        }
        told
    }

    fn count(&self, way: Way<'_>, now: Timestamp, change: impl FnOnce(&mut Bucket)) {
        let number = number(now);
        let key = (way.site.to_owned(), way.provider.to_owned());
        let ways = &mut self.lock().counted;
        if ways.len() >= MOST_WAYS && !ways.contains_key(&key) {
            ways.retain(|_, buckets| buckets.back().is_some_and(|last| is_kept(last, number)));
            if ways.len() >= MOST_WAYS {
                return;
            }
        }
        let buckets = ways.entry(key).or_default();
        while buckets.front().is_some_and(|oldest| !is_kept(oldest, number)) {
            buckets.pop_front();
        }
        // A clock that was set back counts on in the last bucket.
        if buckets.back().is_none_or(|last| last.number < number) {
            buckets.push_back(Bucket { number, ..Bucket::default() });
        }
        if let Some(bucket) = buckets.back_mut() {
            change(bucket);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Ways> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn number(at: Timestamp) -> i64 {
    at.0.div_euclid(BUCKET)
}

fn is_kept(bucket: &Bucket, now: i64) -> bool {
    bucket.number > now.saturating_sub(KEPT)
}

fn add(sum: &mut Told, bucket: &Bucket) {
    for (sum, count) in sum.stages.iter_mut().zip(bucket.stages) {
        *sum = sum.saturating_add(u64::from(count));
    }
    for (reason, count) in &bucket.failures {
        let sum = sum.failures.entry(reason).or_default();
        *sum = sum.saturating_add(u64::from(*count));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHELL: Way<'_> = Way { site: "shell", provider: "Okta" };
    const HOUR: Duration = Duration::from_hours(1);
    const NOON: Timestamp = Timestamp(1_800_000_000);

    #[test]
    fn an_hour_and_a_day_are_told_apart_and_the_rest_is_forgotten() {
        let funnel = Funnel::default();
        funnel.reached(SHELL, Stage::Started, NOON);
        funnel.failed(SHELL, "cancelled", NOON);
        let later = NOON.plus(Duration::from_hours(2));
        funnel.reached(SHELL, Stage::Started, later);
        funnel.reached(SHELL, Stage::Session, later);
        let hour = funnel.since(HOUR, later);
        assert_eq!(hour.first().map(|told| told.stages), Some([1, 0, 0, 1, 0]));
        assert!(hour.iter().all(|told| told.failures.is_empty()));
        let day = funnel.since(DAY, later);
        assert_eq!(day.first().map(|told| told.stages), Some([2, 0, 0, 1, 0]));
        assert_eq!(day.first().unwrap().failures, BTreeMap::from([("cancelled", 1)]));
        assert!(funnel.since(DAY, NOON.plus(3 * DAY)).is_empty());
        funnel.reached(SHELL, Stage::Started, NOON.plus(3 * DAY));
        assert_eq!(funnel.lock().counted.values().map(VecDeque::len).sum::<usize>(), 1);
    }

    #[test]
    fn however_long_it_runs_a_way_keeps_a_day() {
        let funnel = Funnel::default();
        for minute in 0..5000 {
            let at = NOON.plus(Duration::from_mins(minute));
            funnel.reached(SHELL, Stage::Started, at);
            funnel.reached(SHELL, Stage::FirstPage, Timestamp(0));
        }
        assert!(funnel.lock().counted.values().all(|buckets| buckets.len() <= 289));
    }

    #[test]
    fn m_names_beyond_the_bound_are_not_kept() {
        let funnel = Funnel::default();
        for site in 0..3000 {
            let site = site.to_string();
            funnel.failed(Way { site: &site, provider: "" }, "state_unknown", NOON);
        }
        assert_eq!(funnel.lock().counted.len(), MOST_WAYS);
        funnel.reached(SHELL, Stage::Started, NOON.plus(2 * DAY));
        assert_eq!(funnel.lock().counted.len(), 1);
    }
}
