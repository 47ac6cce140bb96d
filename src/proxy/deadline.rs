//! Coarse deadlines: one ticking task a worker instead of a timer a request.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;
use std::time::Duration;

/// Length of a tick: deadlines fire up to this much late.
const TICK: Duration = Duration::from_millis(250);

/// The deadlines of one worker.
#[derive(Clone, Debug, Default)]
pub struct Deadlines(Arc<Mutex<Wheel>>);

#[derive(Debug, Default)]
struct Wheel {
    tick: u64,
    entries: Vec<Entry>,
    free: Vec<usize>,
    ticking: bool,
}

#[derive(Debug, Default)]
struct Entry {
    due: u64,
    /// When something moved last.
    moved: u64,
    waker: Option<Waker>,
}

impl Deadlines {
    /// A deadline `after` from now. The first one starts the ticking on the present runtime.
    pub fn after(&self, after: Duration) -> Deadline {
        let mut wheel = self.lock();
        let (due, moved) = (wheel.due(after), wheel.tick);
        let slot = wheel.free.pop().unwrap_or_else(|| {
            wheel.entries.push(Entry::default());
            wheel.entries.len() - 1
        });
        if let Some(entry) = wheel.entries.get_mut(slot) {
            *entry = Entry { due, moved, waker: None };
        }
        if !wheel.ticking {
            wheel.ticking = true;
            tokio::spawn(tick(Arc::downgrade(&self.0)));
        }
        drop(wheel);
        Deadline { deadlines: self.clone(), slot }
    }

    fn lock(&self) -> MutexGuard<'_, Wheel> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wheel {
    fn due(&self, after: Duration) -> u64 {
        let ticks = after.as_millis().div_ceil(TICK.as_millis());
        self.tick.saturating_add(u64::try_from(ticks).unwrap_or(u64::MAX)).saturating_add(1)
    }
}

/// Ends by itself when the worker's deadlines are gone.
async fn tick(wheel: std::sync::Weak<Mutex<Wheel>>) {
    let mut interval = tokio::time::interval(TICK);
    loop {
        interval.tick().await;
        let Some(wheel) = wheel.upgrade() else { return };
        let mut due = Vec::new();
        {
            let mut wheel = wheel.lock().unwrap_or_else(PoisonError::into_inner);
            wheel.tick += 1;
            let now = wheel.tick;
            let late = wheel.entries.iter_mut().filter(|entry| entry.due <= now);
            due.extend(late.filter_map(|entry| entry.waker.take()));
        }
        due.into_iter().for_each(Waker::wake);
    }
}

/// Completes once its time is up, and knows when something moved last.
#[derive(Debug)]
pub struct Deadline {
    deadlines: Deadlines,
    slot: usize,
}

impl Deadline {
    /// Moves the deadline to `after` from now.
    pub fn postpone(&self, after: Duration) {
        let mut wheel = self.deadlines.lock();
        let due = wheel.due(after);
        if let Some(entry) = wheel.entries.get_mut(self.slot) {
            entry.due = due;
        }
    }
}

impl Deadline {
    /// Notes that something moved.
    pub fn touch(&self) {
        let mut wheel = self.deadlines.lock();
        let now = wheel.tick;
        if let Some(entry) = wheel.entries.get_mut(self.slot) {
            entry.moved = now;
        }
    }

    /// How long nothing has moved.
    pub fn silence(&self) -> Duration {
        let wheel = self.deadlines.lock();
        let moved = wheel.entries.get(self.slot).map_or(wheel.tick, |entry| entry.moved);
        TICK.saturating_mul(u32::try_from(wheel.tick.saturating_sub(moved)).unwrap_or(u32::MAX))
    }

    /// Ready once nothing has moved for `patience`; else wakes the task then.
    pub fn poll_silent(&self, cx: &mut Context<'_>, patience: Duration) -> Poll<()> {
        while self.poll_due(cx).is_ready() {
            let silence = self.silence();
            if silence >= patience {
                return Poll::Ready(());
            }
            self.postpone(patience.saturating_sub(silence));
        }
        Poll::Pending
    }
}

impl Future for Deadline {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.poll_due(cx)
    }
}

impl Deadline {
    /// Ready once the time is up; else wakes the task then.
    pub fn poll_due(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut wheel = self.deadlines.lock();
        let now = wheel.tick;
        let Some(entry) = wheel.entries.get_mut(self.slot) else { return Poll::Ready(()) };
        if entry.due <= now {
            return Poll::Ready(());
        }
        if !entry.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            entry.waker = Some(cx.waker().clone());
        }
        Poll::Pending
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        let mut wheel = self.deadlines.lock();
        if let Some(entry) = wheel.entries.get_mut(self.slot) {
            *entry = Entry { due: u64::MAX, moved: 0, waker: None };
        }
        wheel.free.push(self.slot);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_deadline_fires_in_time_and_can_be_postponed() {
        let deadlines = Deadlines::default();
        let started = tokio::time::Instant::now();
        deadlines.after(Duration::from_secs(2)).await;
        assert!((2000..=2750).contains(&started.elapsed().as_millis()));

        let deadline = deadlines.after(Duration::from_secs(1));
        deadline.postpone(Duration::from_secs(5));
        let started = tokio::time::Instant::now();
        deadline.await;
        assert!((5000..=5750).contains(&started.elapsed().as_millis()));
    }

    #[tokio::test]
    async fn slots_are_used_again() {
        let deadlines = Deadlines::default();
        for _ in 0..100 {
            drop(deadlines.after(Duration::from_mins(1)));
        }
        assert_eq!(deadlines.lock().entries.len(), 1);
    }
}
