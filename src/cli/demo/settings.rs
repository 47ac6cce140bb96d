//! The demo's configuration: one patch over the base that is built into the program.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context;
use askama::Template;

use crate::cli::certificate::Development;
use crate::cli::demo::accounts::Accounts;
use crate::cli::demo::accounts::Program;
use crate::crypto::secret::Secret;

/// What both gateways of the demo are made from.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    /// The temporary directory.
    pub(super) directory: &'a Path,
    /// Certificate, key and authority in it.
    pub(super) certificates: &'a Development,
    /// Who can sign in.
    pub(super) accounts: &'a Accounts,
    /// The gateway's https port.
    pub(super) port: u16,
    /// Its operations port.
    pub(super) operations_port: u16,
    /// The external provider's https port.
    pub(super) partner_port: u16,
    /// The gateway's secret at the external provider.
    pub(super) partner_secret: Secret,
    /// The program that calls the CMS.
    pub(super) program: &'a Program,
}

#[derive(Template)]
#[template(path = "gateway.xml")]
struct GatewayPatch<'a> {
    plan: &'a Plan<'a>,
}

#[derive(Template)]
#[template(path = "identity.xml")]
struct Identity<'a> {
    plan: &'a Plan<'a>,
}

/// Writes the gateway's configuration directory.
pub(super) fn write(plan: &Plan<'_>) -> anyhow::Result<PathBuf> {
    let conf = plan.directory.join("conf");
    write_file(&conf.join("include/demo.config"), &GatewayPatch { plan }.render()?)?;
    write_file(&conf.join("identity/demo.xml"), &Identity { plan }.render()?)?;
    Ok(conf)
}

/// Writes a file and the folders above it.
pub(super) fn write_file(file: &Path, text: &str) -> anyhow::Result<()> {
    let written =
        file.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(file, text));
    written.with_context(|| format!("cannot write {}", file.display()))
}
