//! `vestibule run`: serves the configuration until SIGTERM or Ctrl-C.

use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;

use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;

use crate::app::App;
use crate::app::Options;
use crate::app::StartError;
use crate::cli;
use crate::clock::Clock;
use crate::config;
use crate::config::Environment;
use crate::observe::log;

/// Serves the configuration in a directory.
#[derive(Debug, clap::Args)]
pub struct Run {
    /// The configuration directory.
    #[arg(long, default_value = "conf")]
    config: PathBuf,
    /// Worker threads; one per core unless given.
    #[arg(long)]
    workers: Option<usize>,
    /// The shape of log lines; as `<logging>` says unless given.
    #[arg(long, value_enum)]
    log_format: Option<log::Format>,
    /// The log level: error, warn, info, debug or trace; as `<logging>` says unless given.
    #[arg(long)]
    log_level: Option<String>,
}

impl Run {
    /// Runs until told to stop.
    ///
    /// # Errors
    ///
    /// When it cannot start for another reason than the configuration.
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let environment = Environment::process();
        let logging = self.start_logging(&environment);
        let options = Options {
            conf: self.config.clone(),
            environment,
            clock: Clock::system(),
            workers: self.workers.unwrap_or_else(cores),
        };
        let app = match App::start(options).await {
            Ok(app) => app,
            Err(StartError::Configuration(faults)) => return cli::refuse(&self.config, &faults),
            Err(StartError::Other(error)) => return Err(error),
        };
        announce(&app, &self.config);
        until_told_to_stop().await?;
        tracing::info!("draining");
        app.drain().await;
        logging.flush();
        Ok(ExitCode::SUCCESS)
    }
}

impl Run {
    /// Reads the configuration once ahead, because its own notices are logged.
    fn start_logging(&self, environment: &Environment) -> log::Logging {
        let configured = config::load(&self.config, environment).ok().map(|c| c.logging);
        let json = configured.as_ref().is_some_and(|logging| logging.json);
        let format = if json { log::Format::Json } else { log::Format::Text };
        let level = configured.map_or_else(|| "info".to_owned(), |logging| logging.level);
        let level = self.log_level.clone().unwrap_or(level);
        log::start(self.log_format.unwrap_or(format), &level)
    }
}

fn announce(app: &App, conf: &Path) {
    for listener in &app.config().listeners {
        let address = app.address(&listener.name).unwrap_or(listener.address);
        tracing::info!(listener = %listener.name, %address, config = %conf.display(), "listening");
    }
}

/// Worker threads when nothing is said: one per core.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Waits for SIGTERM or SIGINT.
///
/// # Errors
///
/// When the signals cannot be listened to.
pub async fn until_told_to_stop() -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
