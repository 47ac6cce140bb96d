//! Attempts to sign in with a password. Guessing is slowed per account and network, per network, and
//! per account for all networks from which its owner has not signed in yet: so many hands are no way
//! around the limits, and nobody can lock another one out of the places where that person works, nor
//! out of a sign-in with a provider.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::config::model::Config;
use crate::config::model::identity_server::PasswordAttempts;
use crate::users::local::Refusal;
use crate::users::places::Places;
use crate::users::throttle::Rate;
use crate::users::throttle::Throttle;
use crate::users::window::Closed;
use crate::users::window::Pending;
use crate::users::window::Window;

/// What was tried, in a fixed amount of memory. Forgotten by a restart.
#[derive(Debug)]
pub(super) struct Attempts {
    by_account: Window,
    by_client: Throttle,
    by_strangers: Throttle,
    known: Places,
}

/// On whose account, and from which network.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    /// The whole name, in lower case.
    pub(super) account: &'a str,
    /// See [`network`](super::local::network).
    pub(super) network: [u8; 16],
}

/// An attempt that is being looked at. It was counted before, so that many at once are no way around
/// the limits; one that is dropped stays counted.
#[derive(Debug)]
pub(super) struct Begun<'a> {
    attempts: &'a Attempts,
    place: Place<'a>,
    pending: Pending<'a>,
    per_client: Rate,
    stranger: bool,
    now: Timestamp,
}

/// Attempts on one account of all networks that it does not know: no person needs so many, and one
/// who comes from a new network meanwhile waits half a minute at most.
const PER_ACCOUNT_OF_STRANGERS: Rate = Rate { burst: 100, interval: Duration::from_secs(30) };

/// How long an attempt waits for those before it to be decided.
const PATIENCE: Duration = Duration::from_secs(10);

impl Attempts {
    /// Nothing has been tried yet.
    pub(super) fn new() -> Self {
        Self {
            by_account: Window::new(),
            by_client: Throttle::new(),
            by_strangers: Throttle::new(),
            known: Places::new(),
        }
    }

    /// Begins an attempt.
    ///
    /// # Errors
    ///
    /// [`Refusal::Throttled`], and [`Refusal::Busy`] when those before it are not decided in time.
    pub(super) async fn begin<'a>(
        &'a self,
        config: &Config,
        place: Place<'a>,
        now: Timestamp,
    ) -> Result<Begun<'a>, Refusal> {
        let per_client = per_minute(config.limits.sign_ins_per_minute);
        self.by_client.take(place.network, per_client, now).map_err(throttled)?;
        let allowed = config.identity_server.password_attempts;
        let pending = tokio::time::timeout(PATIENCE, self.one_of(place, allowed, now));
        let pending = pending.await.unwrap_or(Err(Refusal::Busy))?;
        let stranger = !self.known.knows(place.key(), now);
        if stranger
            && let Err(wait) = self.by_strangers.take(place.account, PER_ACCOUNT_OF_STRANGERS, now)
        {
            pending.unlooked();
            return Err(throttled(wait));
        }
        Ok(Begun { attempts: self, place, pending, per_client, stranger, now })
    }

    /// One of those that may be looked at together, as soon as they leave room for another wrong one.
    async fn one_of(
        &self,
        place: Place<'_>,
        allowed: PasswordAttempts,
        now: Timestamp,
    ) -> Result<Pending<'_>, Refusal> {
        loop {
            // From here on: what is decided between the look and the wait is not missed.
            let decided = self.by_account.decided(place.key());
            match self.by_account.begin(place.key(), allowed, now) {
                Ok(pending) => return Ok(pending),
                Err(Closed::For(wait)) => return Err(throttled(wait)),
                Err(Closed::Undecided) => decided.await,
            }
        }
    }
}

impl Begun<'_> {
    /// The password was right.
    pub(super) fn right(self) {
        self.give_back();
        self.attempts.known.remember(self.place.key(), self.now);
        self.pending.right();
    }

    /// It was wrong, which stays counted.
    pub(super) fn wrong(self) {
        drop(self);
    }

    /// It was not looked at.
    pub(super) fn unlooked(self) {
        self.give_back();
        self.pending.unlooked();
    }

    fn give_back(&self) {
        let Self { attempts, place, per_client, stranger, .. } = self;
        attempts.by_client.give_back(place.network, *per_client);
        if *stranger {
            attempts.by_strangers.give_back(place.account, PER_ACCOUNT_OF_STRANGERS);
        }
    }
}

impl<'a> Place<'a> {
    const fn key(self) -> (&'a str, [u8; 16]) {
        (self.account, self.network)
    }
}

fn per_minute(count: u32) -> Rate {
    let burst = count.max(1);
    Rate { burst, interval: Duration::from_mins(1) / burst }
}

fn throttled(wait: Duration) -> Refusal {
    let seconds = wait.as_millis().div_ceil(1000).max(1);
    Refusal::Throttled { retry_after: u32::try_from(seconds).unwrap_or(u32::MAX) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::users::testing;

    const JANE: Place<'static> = Place { account: "sitecore\\jane", network: [7; 16] };

    #[tokio::test(start_paused = true)]
    async fn who_waits_is_let_in_by_the_decision_and_not_by_the_clock() {
        let attempts = Attempts::new();
        let mut config = testing::config();
        config.identity_server.password_attempts.most = 1;
        let began = tokio::time::Instant::now();
        let first = attempts.begin(&config, JANE, Timestamp(1_000)).await.unwrap();
        let decide = async {
            tokio::task::yield_now().await;
            first.right();
        };
        let (second, ()) = tokio::join!(attempts.begin(&config, JANE, Timestamp(1_000)), decide);
        assert_eq!(began.elapsed(), Duration::ZERO);
        // Nobody decides the second one.
        let second = second.unwrap();
        let third = attempts.begin(&config, JANE, Timestamp(1_000)).await;
        assert_eq!(third.err(), Some(Refusal::Busy));
        assert_eq!(began.elapsed(), PATIENCE);
        second.wrong();
        let closed = attempts.begin(&config, JANE, Timestamp(1_000)).await;
        assert_eq!(closed.err(), Some(Refusal::Throttled { retry_after: 600 }));
    }
}
