//! Everything that the gateways of this test run log, at trace level.

use std::io;
use std::sync::Mutex;
use std::sync::OnceLock;
use std::sync::PoisonError;

use tracing_subscriber::EnvFilter;

static LINES: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Capture;

impl io::Write for Capture {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Starts capturing; every gateway under test calls this. The filter is the one that
/// `vestibule::observe::log` has for `trace`.
pub(crate) fn start() {
    static STARTED: OnceLock<()> = OnceLock::new();
    STARTED.get_or_init(|| {
        tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new("warn,vestibule=trace"))
            .with_writer(|| Capture)
            .with_ansi(false)
            .try_init()
            .ok();
    });
}

/// What has been logged so far, by all tests of this process.
pub(crate) fn text() -> String {
    let lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    String::from_utf8_lossy(&lines).into_owned()
}

/// The lines that mention `what`.
pub(crate) fn lines(what: &str) -> Vec<String> {
    text().lines().filter(|line| line.contains(what)).map(str::to_owned).collect()
}
