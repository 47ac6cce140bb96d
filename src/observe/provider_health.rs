//! How the last sign-ins ended: the last success and the last failure at each site with each
//! provider.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::PoisonError;

use crate::clock::Timestamp;
use crate::observe::funnel::Way;

/// How sign-ins ended last.
#[derive(Debug, Default)]
pub struct ProviderHealth(Mutex<BTreeMap<(String, String), Endings>>);

/// The last endings of sign-ins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Endings {
    /// When one succeeded.
    pub success: Option<Timestamp>,
    /// When one failed, and why: a reason out of a closed set.
    pub failure: Option<(Timestamp, &'static str)>,
}

/// Ways that are remembered: a configuration has a few, reloads with other names may add some.
const MOST_WAYS: usize = 2000;

impl ProviderHealth {
    /// Notes that a sign-in succeeded.
    pub fn succeeded(&self, way: Way<'_>, now: Timestamp) {
        self.note(way, |endings| endings.success = Some(now));
    }

    /// Notes that a sign-in failed for a `reason` out of a closed set.
    pub fn failed(&self, way: Way<'_>, reason: &'static str, now: Timestamp) {
        self.note(way, |endings| endings.failure = Some((now, reason)));
    }

    /// The last endings with `provider` at the sites that `of` picks.
    pub fn of(&self, provider: &str, of: impl Fn(&str) -> bool) -> Endings {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fitting = known.iter().filter(|((site, name), _)| name == provider && of(site));
        fitting.fold(Endings::default(), |sum, (_, next)| Endings {
            success: sum.success.max(next.success),
            failure: sum.failure.max(next.failure),
        })
    }

    fn note(&self, way: Way<'_>, change: impl FnOnce(&mut Endings)) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (way.site.to_owned(), way.provider.to_owned());
        if known.len() < MOST_WAYS || known.contains_key(&key) {
            change(known.entry(key).or_default());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_sites_the_latest_counts() {
        let health = ProviderHealth::default();
        let way = |site| Way { site, provider: "Okta" };
        health.succeeded(way("shell"), Timestamp(5));
        health.succeeded(way("website"), Timestamp(3));
        health.failed(way("website"), "cancelled", Timestamp(4));
        health.failed(way("login"), "provider_down", Timestamp(9));
        let told = health.of("Okta", |site| site != "login");
        let failure = Some((Timestamp(4), "cancelled"));
        assert_eq!(told, Endings { success: Some(Timestamp(5)), failure });
        assert_eq!(health.of("okta", |_| true), Endings::default());
    }
}
