//! How long we have waited for somebody, made up for by what they moved: a leaky bucket of
//! milliseconds. Silence fills it, bytes drain it, so neither a stalled nor a dripping client holds
//! on for ever, and a slow honest one does.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// Waiting for one direction of one stream.
#[derive(Debug, Default)]
pub(super) struct Patience {
    /// Tick at which the present wait began; 0 when nobody is waited for.
    since: AtomicU64,
    /// Milliseconds waited before that and not made up for.
    spent: AtomicU64,
}

/// Bytes a second that keep up with the waiting (the rate of Kestrel's `MinRequestBodyDataRate`).
const RATE: u64 = 240;

impl Patience {
    /// From now on somebody is waited for.
    pub(super) fn wait(&self, now: u64) {
        if self.since.load(Relaxed) == 0 {
            self.since.store(now, Relaxed);
        }
    }

    /// Nobody is waited for any more.
    pub(super) fn rest(&self, now: u64) {
        if self.since.load(Relaxed) != 0 {
            self.spent.store(self.waited(now), Relaxed);
            self.since.store(0, Relaxed);
        }
    }

    /// Whoever was waited for moved that many bytes.
    pub(super) fn moved(&self, now: u64, bytes: usize) {
        let made_up = (bytes as u64).saturating_mul(1000) / RATE;
        let waited = self.waited(now);
        if waited != 0 {
            self.spent.store(waited.saturating_sub(made_up), Relaxed);
        }
        if self.since.load(Relaxed) != 0 {
            self.since.store(now, Relaxed);
        }
    }

    /// Milliseconds waited and not made up for.
    pub(super) fn waited(&self, now: u64) -> u64 {
        let since = self.since.load(Relaxed);
        let present = if since == 0 { 0 } else { now.saturating_sub(since) };
        self.spent.load(Relaxed).saturating_add(present)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_counts_only_while_somebody_is_waited_for() {
        let patience = Patience::default();
        patience.wait(1_000);
        patience.wait(2_000);
        assert_eq!(patience.waited(4_000), 3_000);
        patience.rest(4_000);
        assert_eq!(patience.waited(9_000), 3_000);
    }

    #[test]
    fn e124_one_byte_a_second_does_not_make_up_for_the_second() {
        let patience = Patience::default();
        patience.wait(1);
        for second in 1..=30 {
            patience.moved(1 + second * 1_000, 1);
        }
        // 30 s of waiting, made up for by 30 × 4 ms.
        assert_eq!(patience.waited(30_001), 29_880);
    }

    #[test]
    fn a_slow_honest_client_never_runs_out() {
        let patience = Patience::default();
        patience.wait(1);
        for second in 1..=3_600 {
            patience.moved(1 + second * 1_000, 300);
        }
        assert_eq!(patience.waited(3_600_001), 0);
    }
}
