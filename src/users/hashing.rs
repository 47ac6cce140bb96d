//! Checking hashes that are slow on purpose: in a bounded queue, off the workers.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::crypto::password;
use crate::crypto::secret::Secret;

/// Hashes being computed and waited for. One a purpose, so that whoever fills one holds up nobody
/// who waits in another.
#[derive(Debug)]
pub struct HashQueue {
    /// Hashes being computed: each takes a core and tens of mebibytes.
    turns: Arc<Semaphore>,
    /// Hashes being computed or waited for.
    admitted: Arc<Semaphore>,
}

/// More hashes are waiting than this machine can compute in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too busy to check a hash")]
pub struct Busy;

/// How long a hash waits for its turn at most.
const PATIENCE: Duration = Duration::from_secs(10);

impl HashQueue {
    /// Computes `turns` hashes at a time, while up to `waiting` more wait.
    pub fn new(turns: usize, waiting: usize) -> Self {
        Self {
            turns: Arc::new(Semaphore::new(turns)),
            admitted: Arc::new(Semaphore::new(turns.saturating_add(waiting))),
        }
    }

    /// Whether `password` belongs to `hash` (see [`password::verify`]), when its turn comes.
    ///
    /// # Errors
    ///
    /// [`Busy`].
    pub async fn verify(&self, password: Secret, hash: Secret) -> Result<bool, Busy> {
        self.compute(move || password::verify(&password, hash.expose())).await
    }

    /// The hash of `password` (see [`password::hash`]), when its turn comes; `None` for a password
    /// that cannot be hashed.
    ///
    /// # Errors
    ///
    /// [`Busy`].
    pub async fn hash(&self, password: Secret) -> Result<Option<Secret>, Busy> {
        self.compute(move || password::hash(&password).map(Secret::new)).await
    }

    async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Busy> {
        let admitted = Arc::clone(&self.admitted).try_acquire_owned().map_err(|_| Busy)?;
        let turn = Arc::clone(&self.turns).acquire_owned();
        let turn = tokio::time::timeout(PATIENCE, turn).await;
        let Ok(Ok(turn)) = turn else { return Err(Busy) };
        // The permits go along: a caller that goes away does not make the work stop.
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop((turn, admitted));
            done
        });
        done.await.map_err(|_| Busy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_finds_the_queue_full_is_told_at_once_and_who_waits_too_long_in_time() {
        let check = |queue: &HashQueue| {
            let queue = HashQueue { turns: queue.turns.clone(), admitted: queue.admitted.clone() };
            async move { queue.verify(Secret::new("x"), Secret::new("no hash")).await }
        };
        assert_eq!(check(&HashQueue::new(0, 0)).await, Err(Busy));
        let stuck = HashQueue::new(0, 1);
        let (first, second) = tokio::join!(check(&stuck), check(&stuck));
        assert_eq!((first, second), (Err(Busy), Err(Busy)));
        assert_eq!(check(&HashQueue::new(1, 0)).await, Ok(false));
    }
}
