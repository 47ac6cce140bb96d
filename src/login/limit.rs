//! How often one address may ask for something costly without being signed in: sign-in starts,
//! callbacks and password attempts.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use governor::DefaultKeyedRateLimiter;
use governor::Quota;
use governor::RateLimiter;
use governor::clock::Clock;
use governor::clock::DefaultClock;

use crate::error::Problem;

/// Counts attempts per address; an IPv6 address counts with its /64.
#[derive(Default)]
pub(super) struct Limit {
    /// Made anew when a reload changes the rate.
    current: ArcSwapOption<(NonZeroU32, DefaultKeyedRateLimiter<Key>)>,
    clock: DefaultClock,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Key {
    V4(u32),
    V6(u64),
    /// Everybody else, once there are too many to tell apart.
    Rest,
}

/// Addresses that are told apart at a time.
const MOST_ADDRESSES: usize = 100_000;

impl Limit {
    /// Counts one attempt of `client` against `per_minute`.
    ///
    /// # Errors
    ///
    /// [`Problem::TooManyRequests`] when that was one too many.
    pub(super) fn count(&self, client: IpAddr, per_minute: u32) -> Result<(), Problem> {
        let rate = NonZeroU32::new(per_minute).unwrap_or(NonZeroU32::MIN);
        let current = self.current(rate);
        let (_, limiter) = &*current;
        let mut key = Key::of(client);
        if limiter.len() >= MOST_ADDRESSES {
            limiter.retain_recent();
            if limiter.len() >= MOST_ADDRESSES {
                key = Key::Rest;
            }
        }
        limiter.check_key(&key).map_err(|early| {
            let wait: Duration = early.wait_time_from(self.clock.now());
            let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX);
            Problem::TooManyRequests { retry_after: seconds.saturating_add(1) }
        })
    }

    fn current(&self, rate: NonZeroU32) -> Arc<(NonZeroU32, DefaultKeyedRateLimiter<Key>)> {
        match self.current.load_full() {
            Some(current) if current.0 == rate => current,
            Some(_) | None => {
                let fresh = Arc::new((rate, RateLimiter::keyed(Quota::per_minute(rate))));
                self.current.store(Some(Arc::clone(&fresh)));
                fresh
            }
        }
    }
}

impl std::fmt::Debug for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Limit")
    }
}

impl Key {
    fn of(client: IpAddr) -> Self {
        match client.to_canonical() {
            IpAddr::V4(address) => Self::V4(address.to_bits()),
            IpAddr::V6(address) => {
                Self::V6(u64::try_from(address.to_bits() >> 64).unwrap_or(u64::MAX))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(limit: &Limit, client: &str) -> Result<(), Problem> {
        let Ok(client) = client.parse() else { panic!("{client} is no address") };
        limit.count(client, 2)
    }

    #[test]
    fn a_third_attempt_within_the_minute_waits() {
        let limit = Limit::default();
        assert!(count(&limit, "192.0.2.1").is_ok() && count(&limit, "192.0.2.1").is_ok());
        let Err(Problem::TooManyRequests { retry_after }) = count(&limit, "192.0.2.1") else {
            panic!("the third attempt was let in");
        };
        assert!((1..=31).contains(&retry_after), "{retry_after}");
        assert!(count(&limit, "192.0.2.2").is_ok());
    }

    #[test]
    fn addresses_of_one_ipv6_network_count_together() {
        let limit = Limit::default();
        assert!(count(&limit, "2001:db8::1").is_ok() && count(&limit, "2001:db8::2").is_ok());
        assert!(count(&limit, "2001:db8::3").is_err());
        assert!(count(&limit, "2001:db8:0:1::1").is_ok());
        assert!(count(&limit, "::ffff:192.0.2.9").is_ok());
    }
}
