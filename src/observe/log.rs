//! Logs as text or JSON. Values that came from outside go in as fields, which [`lines`](super::lines) escapes;
//! tokens, cookies, codes and secrets go in nowhere.

use std::io;
use std::io::Write;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tracing_subscriber::Layer;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::observe::lines::Lines;

/// The shape of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Starts logging to standard error. `level` is `error`, `warn`, `info`, `debug` or `trace`; anything
/// else counts as `info`. A second call changes nothing.
///
/// Other crates stay at `warn` whatever the level: at `trace`, HTTP and TLS libraries print headers
/// and key material.
pub fn start(format: Format, level: &str) -> Logging {
    let level = level.parse().unwrap_or(LevelFilter::INFO);
    let filter = Targets::new().with_default(LevelFilter::WARN).with_target("vestibule", level);
    let logging = Logging::default();
    let lines = Lines::new(format, logging.clone());
    if tracing_subscriber::registry().with(lines.with_filter(filter)).try_init().is_ok() {
        logging.write_behind();
    }
    logging
}

/// The log's buffer: lines are written behind, so that a request waits for no write.
#[derive(Clone, Debug, Default)]
pub struct Logging(Arc<Buffer>);

#[derive(Debug, Default)]
struct Buffer {
    lines: Mutex<Vec<u8>>,
    lost: AtomicBool,
}

/// How long a line waits at most.
const DELAY: Duration = Duration::from_millis(50);

/// More than this waits for nobody: when standard error is stuck, lines are dropped and that is said.
const MOST: usize = 16 * 1024 * 1024;

/// Ordinary lines stop here: the rest is for the audit trail and warnings, which a flood of requests
/// must not push out.
const MOST_ORDINARY: usize = MOST / 4 * 3;

impl Logging {
    /// Writes what is waiting.
    pub fn flush(&self) {
        let waiting = std::mem::take(&mut *self.lock());
        let mut err = io::stderr().lock();
        let lost = self.0.lost.swap(false, Ordering::Relaxed);
        let note: &[u8] =
            if lost { b"log lines were lost: standard error is too slow\n" } else { b"" };
        if err.write_all(&waiting).and_then(|()| err.write_all(note)).is_err() {
            self.0.lost.store(true, Ordering::Relaxed);
        }
    }

    /// Adds a whole line; an important one may use the reserve.
    pub(super) fn append(&self, line: &[u8], important: bool) {
        let most = if important { MOST } else { MOST_ORDINARY };
        let mut waiting = self.lock();
        if waiting.len() + line.len() > most {
            self.0.lost.store(true, Ordering::Relaxed);
        } else {
            waiting.extend_from_slice(line);
        }
    }

    /// What is waiting, taken out.
    #[cfg(test)]
    pub(super) fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.lock())).unwrap()
    }

    fn write_behind(&self) {
        let logging = self.clone();
        let forever = move || loop {
            std::thread::park_timeout(DELAY);
            logging.flush();
        };
        let spawned = std::thread::Builder::new().name("log".to_owned()).spawn(forever);
        self.0.lost.store(spawned.is_err(), Ordering::Relaxed);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<u8>> {
        self.0.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r332_ordinary_lines_leave_room_for_important_ones() {
        let logging = Logging::default();
        logging.append(&vec![b'a'; MOST_ORDINARY], false);
        logging.append(b"ordinary\n", false);
        logging.append(b"important\n", true);
        let waiting = logging.take();
        assert!(waiting.ends_with("aimportant\n"));
        assert!(logging.0.lost.load(Ordering::Relaxed));
    }
}
