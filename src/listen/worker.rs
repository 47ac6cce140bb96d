//! One worker: a thread, its runtime, its sockets, and the tick that looks at every connection.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::Weak;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::config::model::Timeouts;
use crate::listen::Serve;
use crate::listen::accept::Door;
use crate::listen::accept::accept;
use crate::listen::start::Shared;
use crate::listen::watch::Ticks;
use crate::listen::watch::Verdict;
use crate::listen::watch::Watch;

/// What the whole gateway is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Serving.
    Serve,
    /// Nothing new; what is in flight finishes.
    Drain,
    /// The end, whatever is in flight.
    Stop,
}

/// The connections of one worker.
#[derive(Debug)]
pub(super) struct Registry {
    pub(super) ticks: Arc<Ticks>,
    watches: Mutex<Vec<Weak<Watch>>>,
}

/// A worker's sockets and what they need.
pub(super) struct Worker<S> {
    pub(super) doors: Vec<(TcpListener, Arc<Door<S>>)>,
    pub(super) registry: Arc<Registry>,
    pub(super) shared: Arc<Shared>,
    pub(super) stage: watch::Receiver<Stage>,
}

/// Bounds of the tick.
const SHORTEST_TICK: Duration = Duration::from_millis(5);
const LONGEST_TICK: Duration = Duration::from_millis(250);

impl<S: Serve> Worker<S> {
    /// Serves until told to stop, or until told to drain and nothing is in flight any more. Tunnels
    /// do not hold a drain up, for they never end by themselves; they end with the worker.
    pub(super) fn run(self, runtime: Runtime) {
        runtime.block_on(self.serve());
        runtime.shutdown_background();
    }

    async fn serve(mut self) {
        let mut accepting = JoinSet::new();
        for (listener, door) in self.doors {
            accepting.spawn(accept(listener, door));
        }
        loop {
            let draining = match *self.stage.borrow_and_update() {
                Stage::Serve => false,
                Stage::Drain => true,
                Stage::Stop => return,
            };
            if draining {
                accepting.shutdown().await;
            }
            let rules = self.shared.rules.load_full();
            let open = self.registry.look(&rules.timeouts, draining, &self.shared);
            if draining && open == 0 {
                return;
            }
            let tick = if draining { SHORTEST_TICK } else { tick(&rules.timeouts) };
            tokio::select! {
                () = tokio::time::sleep(tick) => {}
                changed = self.stage.changed() => if changed.is_err() { return },
            }
        }
    }
}

/// Short enough for the shortest timeout to be kept.
fn tick(timeouts: &Timeouts) -> Duration {
    let Timeouts { handshake, head, body, idle, drain: _ } = timeouts;
    let shortest = *handshake.min(head).min(body).min(idle);
    (shortest / 16).clamp(SHORTEST_TICK, LONGEST_TICK)
}

impl Registry {
    /// No connections yet.
    pub(super) fn new() -> Self {
        Self { ticks: Arc::new(Ticks::new()), watches: Mutex::default() }
    }

    /// A connection has begun.
    pub(super) fn add(&self, watch: &Arc<Watch>) {
        self.lock().push(Arc::downgrade(watch));
    }

    /// Moves the clock on, ends what took too long, and gives how many connections are open, tunnels
    /// aside.
    fn look(&self, timeouts: &Timeouts, draining: bool, shared: &Shared) -> usize {
        self.ticks.advance();
        let mut watches = self.lock();
        watches.retain(|watch| {
            let Some(watch) = watch.upgrade().filter(|watch| !watch.is_tunnel()) else {
                return false;
            };
            if draining {
                watch.drain();
            }
            if !watch.is_cut()
                && let Verdict::Cut(reason) = watch.look(timeouts)
            {
                shared.cut(reason);
            }
            true
        });
        watches.len()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Weak<Watch>>> {
        self.watches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
