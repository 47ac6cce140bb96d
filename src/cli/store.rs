//! `vestibule store`: copies of the embedded store, made and put back while gateways use it.

use std::io;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::anyhow;
use anyhow::bail;

use crate::cli;
use crate::config;
use crate::config::Environment;
use crate::config::model::StoreAddress;
use crate::store::sql::backup;
use crate::store::sql::restore;
use crate::store::sql::restore::Restored;

/// The file in which the embedded store is.
#[derive(Debug, clap::Args)]
pub struct Command {
    /// The configuration directory, whose store is meant [default: conf].
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    /// Another store: sqlite:FILE.
    #[arg(long, global = true, conflicts_with = "config")]
    store: Option<String>,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Copies the store into a new file, as it is at one moment; a gateway may go on using it.
    Backup {
        /// The file to make.
        file: PathBuf,
    },
    /// Puts a copy in the store's place, where a gateway may go on using it. What was there stays
    /// beside it.
    Restore {
        /// The copy.
        file: PathBuf,
    },
}

impl Command {
    /// Does it. Exit code 78 when the configuration is wrong.
    ///
    /// # Errors
    ///
    /// When the store is not in a file, or a file cannot be read, written or trusted.
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let address = if let Some(text) = &self.store {
            config::store_address(text).map_err(|what| anyhow!("--store: {what}"))?
        } else {
            let directory = self.config.as_deref().unwrap_or_else(|| Path::new("conf"));
            match config::load(directory, &Environment::process()) {
                Ok(config) => config.store,
                Err(faults) => return cli::refuse(directory, &faults),
            }
        };
        let store = file_of(&address)?;
        let mut out = io::stdout().lock();
        match self.what {
            What::Backup { file } => {
                backup::backup(store, &file).await?;
                writeln!(out, "{} is a copy of {address}", file.display())?;
            }
            What::Restore { file } => {
                let Restored { former, in_use } = restore::restore(&file, store).await?;
                writeln!(out, "{address} is what {} was", file.display())?;
                if let Some(former) = former {
                    writeln!(out, "what was there is {}", former.display())?;
                }
                if in_use {
                    writeln!(out, "{IN_USE}")?;
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// What is not in a copy.
const IN_USE: &str = "it is in use, and goes on with that; live sessions go on too: vestibule session end --all ends them";

/// A server's database is copied by the server's own tools.
fn file_of(address: &StoreAddress) -> anyhow::Result<&Path> {
    match address {
        StoreAddress::Sqlite(file) => Ok(file),
        StoreAddress::Memory => bail!("the store is memory: there is nothing to copy"),
        StoreAddress::Postgres(_) => bail!(
            "the store {address} is a server's: copy it with pg_dump and put it back with pg_restore or psql"
        ),
        StoreAddress::MySql(_) => bail!(
            "the store {address} is a server's: copy it with mariadb-dump or mysqldump --single-transaction, and put it back with mariadb or mysql"
        ),
    }
}
