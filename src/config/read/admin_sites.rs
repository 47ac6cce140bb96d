//! What the site of the administrators' pages must have to be safe: a whole host of its own, because a
//! page of another site under the same origin could act there as whoever is signed in.

use crate::config::model::Destination;
use crate::config::model::Site;
use crate::config::read::report::Report;
use crate::config::read::sites::SiteDraft;

/// Finds fault with sites of `service="admin"` that share a host, or that nobody could enter.
pub(crate) fn check(drafts: &[SiteDraft], report: &mut Report) {
    let is_admin = |draft: &&SiteDraft| draft.site.destination == Destination::Admin;
    for draft in drafts.iter().filter(is_admin) {
        let site = &draft.site;
        let named = || format!("the site `{}` with service=\"admin\"", site.name);
        let exact = site.host_names.iter().all(|mask| !mask.0.contains('*'));
        if site.host_names.is_empty() || !exact {
            let what = format!("{} has no host of its own", named());
            report.fault(&site.origin, what, "write hostName=\"admin.example.com\", without *");
        }
        if !site.virtual_folder.is_empty() {
            let what = format!("{} does not cover its whole host", named());
            report.fault(&site.origin, what, "leave virtualFolder out");
        }
        if site.domain.is_none() {
            let what = format!("{} says not whose administrators may enter", named());
            report.fault(&site.origin, what, "write domain=\"sitecore\"");
        }
        let others = drafts.iter().filter(|draft| !is_admin(draft)).map(|draft| &draft.site);
        for other in others.filter(|other| names(other, site)) {
            let what = format!("the site `{}` is for the same host as {}", other.name, named());
            report.fault(&other.origin, what, "give each a host of its own");
        }
    }
}

/// Whether `other` names a host of `site` outright; a mask or the lack of a hostName does not reach
/// it.
fn names(other: &Site, site: &Site) -> bool {
    let hosts = other.host_names.iter().map(|mask| &mask.0).chain(&other.target_host_name);
    hosts.into_iter().any(|host| site.host_names.iter().any(|mask| mask.0 == *host))
}
