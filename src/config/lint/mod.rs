//! What is legal and surely not meant (spec §8a.5).

mod claims;
mod folders;
mod providers;
mod sites;

use crate::config::Config;
use crate::config::fault::Origin;
use crate::config::read::report::Report;

/// Looks over a configuration that has been read; `sessions` is where sessions are configured.
pub(crate) fn run(config: &Config, sessions: &Origin, report: &mut Report) {
    if config.sessions.cookie_prefix.is_empty() {
        let what = "cookie names have no prefix, so any host of the domain can set such cookies";
        report.lint(
            sessions,
            what,
            "write set:cookiePrefix=\"__Host-\" unless the CMS itself reads these cookies",
        );
    }
    sites::run(config, report);
    folders::run(config, report);
    providers::run(config, report);
    claims::run(config, report);
}
