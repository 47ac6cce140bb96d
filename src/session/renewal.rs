//! When a session's provider is to be asked anew, and that only one request at a time asks.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::sync::MutexGuard;

use crate::clock::Timestamp;
use crate::crypto::secret::Secret;

/// What a provider gave us to ask it with again (OpenID Connect Core §12).
#[derive(Clone, Debug)]
pub struct Refresh {
    /// Its refresh token.
    pub token: Secret,
    /// From when on the next request of the session asks.
    pub due_at: Timestamp,
}

/// The renewal of one session, whatever it is renewed to.
#[derive(Debug)]
pub struct Renewal {
    /// Whether the page that the sign-in leads to is still to come: it belongs to the sign-in, whose
    /// tokens are as new as can be.
    landing: AtomicBool,
    due_at: AtomicI64,
    failures: AtomicU32,
    turns: Arc<Turns>,
}

#[derive(Debug, Default)]
struct Turns {
    flight: Mutex<()>,
    landed: AtomicU64,
}

/// After the first attempt that brought no answer; doubled with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// Longest pause between attempts.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

/// The turn to ask: nobody else asks while it lives.
#[derive(Debug)]
pub struct Turn<'a> {
    turns: &'a Turns,
    _flight: MutexGuard<'a, ()>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.turns.landed.fetch_add(1, Ordering::Release);
    }
}

impl Renewal {
    /// Of a session that began with `refresh`.
    pub(super) fn new(refresh: &Refresh) -> Self {
        let due_at = AtomicI64::new(refresh.due_at.0);
        let landing = AtomicBool::new(true);
        Self { landing, due_at, failures: AtomicU32::new(0), turns: Arc::default() }
    }

    /// The same one after it has succeeded and brought `refresh`.
    pub(super) fn next(&self, refresh: &Refresh) -> Self {
        let turns = Arc::clone(&self.turns);
        Self { landing: AtomicBool::new(false), turns, ..Self::new(refresh) }
    }

    /// Whether the provider is to be asked: two atomic loads.
    pub fn is_due(&self, now: Timestamp) -> bool {
        if self.landing.load(Ordering::Relaxed) {
            self.landing.store(false, Ordering::Relaxed);
            return false;
        }
        now.0 >= self.due_at.load(Ordering::Relaxed)
    }

    /// Waits for the turn to ask. `None` when somebody else has asked in the meantime.
    pub async fn turn(&self) -> Option<Turn<'_>> {
        let seen = self.turns.landed.load(Ordering::Acquire);
        let flight = self.turns.flight.lock().await;
        let untouched = self.turns.landed.load(Ordering::Acquire) == seen;
        untouched.then_some(Turn { turns: &self.turns, _flight: flight })
    }

    /// Puts the next attempt off because this one brought no answer.
    pub fn put_off(&self, now: Timestamp) {
        let before = self.failures.fetch_add(1, Ordering::Relaxed).min(10);
        let pause = FIRST_PAUSE.saturating_mul(1 << before).min(LONGEST_PAUSE);
        self.due_at.store(now.plus(pause).0, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn renewal() -> Renewal {
        Renewal::new(&Refresh { token: Secret::new("r"), due_at: Timestamp(100) })
    }

    #[tokio::test]
    async fn one_asks_for_all_who_wait() {
        let renewal = renewal();
        let (first, second) = tokio::join!(
            async {
                let turn = renewal.turn().await;
                tokio::task::yield_now().await;
                turn.is_some()
            },
            async { renewal.turn().await.is_some() }
        );
        assert_eq!((first, second), (true, false));
        assert!(renewal.turn().await.is_some(), "who comes later asks again");
    }

    #[test]
    fn pauses_double_up_to_five_minutes() {
        let renewal = renewal();
        assert!(!renewal.is_due(Timestamp(100)), "where the sign-in lands");
        assert!(renewal.is_due(Timestamp(100)) && !renewal.is_due(Timestamp(99)));
        let mut now = Timestamp(1000);
        for pause in [5, 10, 20, 40, 80, 160, 300, 300] {
            renewal.put_off(now);
            assert!(!renewal.is_due(Timestamp(now.0 + pause - 1)), "{pause}");
            now = Timestamp(now.0 + pause);
            assert!(renewal.is_due(now), "{pause}");
        }
    }
}
