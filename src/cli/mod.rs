//! The command line: one file a command.

pub mod certificate;
pub mod check;
pub mod demo;
pub mod explain;
pub mod health;
pub mod kept;
pub mod key;
pub mod providers;
pub mod run;
pub mod secret;
pub mod session;
pub mod show;
pub mod store;
pub mod user;

use std::io;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;

use crate::config::Fault;

/// Exit code of a wrong command line (`EX_USAGE`).
const USAGE: u8 = 64;

/// Exit code of a wrong configuration (`EX_CONFIG`).
pub const CONFIGURATION: u8 = 78;

/// A reverse-proxy authentication gateway that reads the configuration Sitecore owners already have.
#[derive(Debug, Parser)]
#[command(name = "vestibule", version, max_term_width = 100)]
enum Command {
    Run(run::Run),
    /// Opens a demo: a gateway, a CMS, an identity server, users and an external provider.
    Demo(demo::DemoOptions),
    Check(check::Command),
    Show(show::Command),
    Providers(providers::Command),
    Explain(explain::Command),
    /// Makes secrets for the configuration.
    #[command(subcommand)]
    Secret(secret::Command),
    /// Shows and rotates the identity server's signing keys.
    #[command(subcommand)]
    Key(key::Command),
    /// Makes certificates.
    #[command(subcommand)]
    Certificate(certificate::Command),
    /// Looks after the users of a store, beside the gateways that use it.
    User(user::Command),
    /// Shows and ends live sessions.
    Session(session::Command),
    /// Copies the embedded store while it is used, and puts a copy in its place.
    Store(store::Command),
    Health(health::Health),
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let command = match Command::try_parse() {
        Ok(command) => command,
        Err(error) => return explain_usage(&error),
    };
    let prints = command.prints();
    match command.run() {
        Ok(code) => code,
        // Whoever reads has seen enough, as `head` has.
        Err(error) if prints && is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to be done when standard error is closed.
            drop(writeln!(io::stderr(), "vestibule: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

impl Command {
    fn run(self) -> anyhow::Result<ExitCode> {
        let success = |()| ExitCode::SUCCESS;
        match self {
            Self::Run(run) => control_runtime()?.block_on(run.run()),
            Self::Demo(options) => control_runtime()?.block_on(demo::run(options)).map(success),
            Self::Check(check) => check.run(),
            Self::Show(show) => show.run(),
            Self::Providers(providers) => providers.run(),
            Self::Explain(explain) => explain.run(),
            Self::Secret(secret) => secret.run().map(success),
            Self::Key(key) => control_runtime()?.block_on(key.run()),
            Self::Certificate(certificate) => certificate.run().map(success),
            Self::User(user) => control_runtime()?.block_on(user.run()),
            Self::Session(session) => control_runtime()?.block_on(session.run()),
            Self::Store(store) => control_runtime()?.block_on(store.run()),
            Self::Health(health) => health.run(),
        }
    }

    /// Whether what it prints is all that it writes into a pipe or a socket.
    const fn prints(&self) -> bool {
        match self {
            Self::Run(_) | Self::Demo(_) | Self::Health(_) => false,
            Self::Check(_)
            | Self::Show(_)
            | Self::Providers(_)
            | Self::Explain(_)
            | Self::Secret(_)
            | Self::Key(_)
            | Self::Certificate(_)
            | Self::User(_)
            | Self::Session(_)
            | Self::Store(_) => true,
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let of_io = error.downcast_ref::<io::Error>().map(io::Error::kind);
    let of_json = || error.downcast_ref::<serde_json::Error>()?.io_error_kind();
    of_io.or_else(of_json) == Some(io::ErrorKind::BrokenPipe)
}

/// Help and version go to standard output with exit code 0, complaints to standard error with 64.
fn explain_usage(error: &clap::Error) -> ExitCode {
    // Nothing is left to be done when the output is closed.
    drop(error.print());
    if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS }
}

/// The runtime on which everything slow runs.
fn control_runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()
}

/// Prints every fault of a configuration and returns the exit code that says so.
///
/// # Errors
///
/// When standard error is closed.
pub fn refuse(conf: &Path, faults: &[Fault]) -> anyhow::Result<ExitCode> {
    let mut out = io::stderr().lock();
    for fault in faults {
        writeln!(out, "{fault}")?;
    }
    writeln!(out, "{} is not used: {} faults", conf.display(), faults.len())?;
    Ok(ExitCode::from(CONFIGURATION))
}
