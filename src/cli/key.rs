//! `vestibule key`: the identity server's signing keys, shown and rotated by hand. A running gateway
//! notices within seconds.

use std::io;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use anyhow::ensure;

use crate::cli;
use crate::clock::Clock;
use crate::config;
use crate::config::Config;
use crate::config::Environment;
use crate::identity_server::key_ring::KeyRing;
use crate::identity_server::key_ring::Listed;
use crate::observe::Metrics;
use crate::observe::Moment;
use crate::store::sql::Database;

/// Signing keys of the identity server.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Lists the keys that are published: what signs, what will, what did.
    List {
        /// The configuration directory.
        #[arg(long, default_value = "conf")]
        config: PathBuf,
    },
    /// Makes new keys. They are published at once, and sign after the announce time of signingKeys; the old
    /// ones stay published for its retain time after that.
    Rotate {
        /// The configuration directory.
        #[arg(long, default_value = "conf")]
        config: PathBuf,
        /// Lets the new keys sign in a moment: for when an old one has been seen by others.
        #[arg(long)]
        now: bool,
    },
    /// Forgets a key that does not sign any more: for when others have seen it. What it signed is
    /// not believed from then on.
    Forget {
        /// The configuration directory.
        #[arg(long, default_value = "conf")]
        config: PathBuf,
        /// The key's name, as `key list` shows it.
        kid: String,
    },
}

/// What to do with the keys before they are listed.
#[derive(Clone, Debug)]
pub enum Change {
    /// Nothing.
    Nothing,
    /// Makes new ones that sign after they have been announced.
    Rotate,
    /// Makes new ones that sign in a moment.
    RotateNow,
    /// Forgets the key with this `kid`.
    Forget(String),
}

impl Command {
    /// Does it, and prints the keys. Exit code 78 when the configuration is wrong.
    ///
    /// # Errors
    ///
    /// When the store of keys cannot be reached, certificates of the configuration sign instead of
    /// keys of ours, or standard output is closed.
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let (directory, change) = match self {
            Self::List { config } => (config, Change::Nothing),
            Self::Rotate { config, now: false } => (config, Change::Rotate),
            Self::Rotate { config, now: true } => (config, Change::RotateNow),
            Self::Forget { config, kid } => (config, Change::Forget(kid)),
        };
        let config = match config::load(&directory, &Environment::process()) {
            Ok(config) => config,
            Err(faults) => return cli::refuse(&directory, &faults),
        };
        let listed = keys(&config, Clock::system(), change).await?;
        print(&listed, &mut io::stdout().lock())?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The keys of a configuration after a change.
///
/// # Errors
///
/// As [`Command::run`].
pub async fn keys(config: &Config, clock: Clock, change: Change) -> anyhow::Result<Vec<Listed>> {
    let database = Database::open(&config.store).await;
    let database = database.with_context(|| format!("opening the store {}", config.store))?;
    let metrics = Arc::new(Metrics::new());
    let ring = KeyRing::configured(config, database.as_ref(), clock, metrics).await?;
    match change {
        Change::Nothing => {}
        Change::Rotate => rotate(&ring, config, false).await?,
        Change::RotateNow => rotate(&ring, config, true).await?,
        Change::Forget(kid) => {
            let gone = ring.forget(&config.signing, &kid).await?;
            ensure!(gone, "no key of ours has this name, or it signs: rotate --now comes first");
        }
    }
    Ok(ring.list(&config.signing).await)
}

async fn rotate(ring: &KeyRing, config: &Config, at_once: bool) -> anyhow::Result<()> {
    let ours = config.signing.certified.is_empty();
    ensure!(ours, "the configuration's certificates sign: put the new one before the old there");
    Ok(ring.rotate(&config.signing, at_once).await?)
}

fn print(keys: &[Listed], out: &mut impl Write) -> io::Result<()> {
    for key in keys {
        write!(out, "{}  {:9}  {}", key.algorithm, key.state, key.kid)?;
        for (what, at) in [
            ("signs from", key.signs_from),
            ("until", key.signs_until),
            ("published until", key.retires_at),
        ] {
            if let Some(at) = at {
                write!(out, "  {what} {}", Moment(at))?;
            }
        }
        writeln!(out)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    #[test]
    fn a_key_is_a_line() {
        let key = Listed {
            kid: "abc".to_owned(),
            algorithm: "ES256",
            state: "signing",
            signs_from: Some(Timestamp(0)),
            signs_until: Some(Timestamp(1_790_000_000)),
            retires_at: None,
        };
        let mut out = Vec::new();
        print(&[key], &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "ES256  signing    abc  signs from 1970-01-01T00:00:00Z  until 2026-09-21T14:13:20Z\n"
        );
    }
}
