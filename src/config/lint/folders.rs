//! The CMS's own folders must not fall to an anonymous site: a guarded site that was deleted, moved or
//! switched off leaves its folder to the next one that matches.

use std::sync::Arc;

use crate::config::Config;
use crate::config::lint::sites::covers_path;
use crate::config::model::AccessRule;
use crate::config::model::Admit;
use crate::config::model::Destination;
use crate::config::model::HostPattern;
use crate::config::model::ListenerKind;
use crate::config::model::Site;
use crate::config::read::report::Report;

/// Where editors and administrators of the CMS work.
const FOLDERS: [&str; 3] = ["/sitecore/shell", "/sitecore/admin", "/sitecore modules/shell"];

/// Tells of every such folder that some known host serves to everybody.
pub(crate) fn run(config: &Config, report: &mut Report) {
    let (hosts, ports) = (hosts(config), ports(config));
    for folder in FOLDERS {
        for site in config.sites.iter().filter(|site| is_open(config, site, folder)) {
            let falls = |host: &&String| {
                let first = |port: &u16| first(config, host, *port, folder);
                ports.iter().filter_map(first).any(|found| std::ptr::eq(found, Arc::as_ptr(site)))
            };
            let open: Vec<&str> = hosts.iter().filter(falls).map(String::as_str).collect();
            if open.is_empty() {
                continue;
            }
            let what = format!(
                "{folder} falls to the site `{}`, which asks nobody to sign in, on {}",
                site.name,
                open.join(", ")
            );
            let instead = format!(
                "put a site with virtualFolder=\"{folder}\" and requireLogin=\"true\" before `{}`",
                site.name
            );
            report.lint(&site.origin, what, instead);
        }
    }
}

/// Whether anybody may see the CMS's `folder` on this site.
fn is_open(config: &Config, site: &Site, folder: &str) -> bool {
    let cms = match site.destination {
        Destination::Upstream(_) | Destination::Demo => true,
        Destination::IdentityServer | Destination::Admin | Destination::Nothing => false,
    };
    let below = format!("{folder}/*");
    let decides = |rule: &&AccessRule| {
        rule.methods.is_empty()
            && rule.site.as_ref().is_none_or(|name| name.eq_ignore_ascii_case(&site.name))
            && covers_path(&rule.path, &below)
    };
    let rule = config.access.iter().find(decides);
    let guarded = rule.is_some_and(|rule| rule.admit != Admit::Anonymous);
    cms && !site.require_login && site.roles.is_empty() && !guarded
}

/// The site that serves `folder`: the first that matches.
fn first<'a>(config: &'a Config, host: &str, port: u16, folder: &str) -> Option<&'a Site> {
    let serves = |site: &&Site| {
        let hosts = &site.host_names;
        let own = site.virtual_folder.trim_end_matches('/');
        (hosts.is_empty() || hosts.iter().any(|mask| mask.matches(host)))
            && site.port.is_none_or(|own| own == port)
            && covers_path(&format!("{own}/*"), folder)
    };
    config.sites.iter().map(|site| &**site).find(serves)
}

/// Every host that is known; a mask stands for the hosts that fit it.
fn hosts(config: &Config) -> Vec<String> {
    let of_sites = config.sites.iter().flat_map(|site| &site.host_names);
    let of_listeners = config.listeners.iter().flat_map(|listener| &listener.hosts);
    let of_links = config.sites.iter().filter_map(|site| site.target_host_name.as_ref());
    let all = of_sites.map(|HostPattern(mask)| mask).chain(of_listeners).chain(of_links);
    let mut hosts: Vec<String> = all.cloned().collect();
    hosts.sort();
    hosts.dedup();
    hosts
}

fn ports(config: &Config) -> Vec<u16> {
    let listening = config.listeners.iter().filter_map(|listener| match listener.kind {
        ListenerKind::Tls(_) | ListenerKind::Plain => Some(listener.address.port()),
        ListenerKind::RedirectTo(_) | ListenerKind::Operations => None,
    });
    listening.chain(config.sites.iter().filter_map(|site| site.port)).collect()
}
