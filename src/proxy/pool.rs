//! Idle upstream connections: one stack a worker, so that no worker waits for another.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::proxy::connection::UpstreamConnection;

/// Most idle connections to one server, a worker.
const MOST: usize = 256;

/// An idle connection older than this is not used again: many servers close theirs after a minute.
const FRESH: Duration = Duration::from_secs(50);

/// The idle connections to one server.
#[derive(Debug)]
pub struct Pool(Box<[Mutex<Vec<Idle>>]>);

#[derive(Debug)]
struct Idle {
    since: Timestamp,
    connection: UpstreamConnection,
}

impl Pool {
    /// An empty pool for that many workers.
    pub fn new(workers: usize) -> Self {
        Self((0..workers.max(1)).map(|_| Mutex::default()).collect())
    }

    /// The connection that `worker` used last, if it is still sound. Unsound ones are closed.
    pub fn take(&self, worker: usize, now: Timestamp) -> Option<UpstreamConnection> {
        loop {
            let mut idle =
                self.stack(worker)?.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
            if now.since(idle.since) < FRESH && idle.connection.is_sound() {
                return Some(idle.connection);
            }
        }
    }

    /// Keeps a connection that is between two messages, for a request that began at `now`.
    pub fn keep(&self, worker: usize, connection: UpstreamConnection, now: Timestamp) {
        let Some(stack) = self.stack(worker) else { return };
        let mut stack = stack.lock().unwrap_or_else(PoisonError::into_inner);
        if stack.len() < MOST {
            stack.push(Idle { since: now, connection });
        }
    }

    /// Closes what has been idle for too long. Called now and then by each worker.
    pub fn sweep(&self, worker: usize, now: Timestamp) {
        let Some(stack) = self.stack(worker) else { return };
        let mut stack = stack.lock().unwrap_or_else(PoisonError::into_inner);
        stack.retain(|idle| now.since(idle.since) < FRESH);
    }

    fn stack(&self, worker: usize) -> Option<&Mutex<Vec<Idle>>> {
        self.0.get(worker % self.0.len().max(1))
    }
}
