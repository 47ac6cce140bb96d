//! `vestibule secret hash`: a password from standard input becomes the hash that `conf/` keeps.

use std::io;
use std::io::BufRead;
use std::io::Write;

use anyhow::Context;

use crate::crypto::password;
use crate::crypto::secret::Secret;

/// Secrets for the configuration.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Hashes one line of standard input with Argon2id, for passwordHash of a local user.
    Hash,
}

impl Command {
    /// Reads, hashes and prints.
    ///
    /// # Errors
    ///
    /// When nothing was typed or standard input or output fails.
    pub fn run(&self) -> anyhow::Result<()> {
        let Self::Hash = self;
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line)?;
        let password = Secret::new(line.trim_end_matches(['\r', '\n']));
        anyhow::ensure!(!password.expose().is_empty(), "type the password on standard input");
        let hash = password::hash(&password).context("this password cannot be hashed")?;
        writeln!(io::stdout(), "{hash}")?;
        Ok(())
    }
}
