//! `vestibule show`: the merged tree as XML, see [`crate::config::show`].

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::cli;
use crate::config;
use crate::config::Environment;
use crate::config::show;
use crate::config::xpath::XPath;

/// Prints the merged configuration, with file and line for every element and attribute.
#[derive(Debug, clap::Args)]
pub struct Command {
    /// The configuration directory.
    #[arg(long, default_value = "conf")]
    config: PathBuf,
    /// Only the elements that this XPath picks, relative to /sitecore.
    xpath: Option<String>,
}

impl Command {
    /// Prints what was picked. Exit code 78 when the configuration is wrong, 1 when the XPath picks
    /// nothing.
    ///
    /// # Errors
    ///
    /// When the XPath is not understood or standard output is closed.
    pub fn run(&self) -> anyhow::Result<ExitCode> {
        let xpath = self
            .xpath
            .as_deref()
            .map(XPath::parse)
            .transpose()
            .map_err(|e| anyhow::anyhow!("at byte {} of the XPath: {}", e.offset, e.what))?;
        let merged = match config::merged(&self.config, &Environment::process()) {
            Ok(merged) => merged,
            Err(faults) => return cli::refuse(&self.config, &faults),
        };
        let picked =
            show::show(&merged.root, &merged.secrets, xpath.as_ref(), &mut io::stdout().lock())?;
        Ok(if picked > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
