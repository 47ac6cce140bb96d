//! The demo's external provider: a second gateway that is an identity server and nothing else.

use std::path::PathBuf;

use askama::Template;

use crate::cli::demo::settings::Plan;
use crate::cli::demo::settings::write_file;

#[derive(Template)]
#[template(path = "partner.xml")]
struct PartnerPatch<'a> {
    plan: &'a Plan<'a>,
}

#[derive(Template)]
#[template(path = "partner_identity.xml")]
struct PartnerIdentity<'a> {
    plan: &'a Plan<'a>,
}

/// Writes the provider's configuration directory.
pub(super) fn write(plan: &Plan<'_>) -> anyhow::Result<PathBuf> {
    let conf = plan.directory.join("partner-conf");
    write_file(&conf.join("include/partner.config"), &PartnerPatch { plan }.render()?)?;
    write_file(&conf.join("identity/partner.xml"), &PartnerIdentity { plan }.render()?)?;
    Ok(conf)
}
