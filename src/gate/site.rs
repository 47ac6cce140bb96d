//! Host + port + path → site: the first in Sitecore's order that matches all three (spec §1.7).

use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Arc;

use crate::config::model::Config;
use crate::config::model::Destination;
use crate::config::model::HostPattern;
use crate::config::model::Site;
use crate::http::CanonicalPath;
use crate::http::Target;

/// The sites of one configuration, indexed by host.
#[derive(Debug)]
pub struct Sites {
    all: Vec<Arc<Site>>,
    /// For every host that is written out somewhere, the sites that may serve it, in order.
    by_host: HashMap<String, Vec<usize>>,
    /// Hosts known only by a mask.
    masks: Vec<HostPattern>,
}

/// A site and its place among all.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// Its index in [`Config::sites`].
    pub index: usize,
    /// The site.
    pub site: &'a Arc<Site>,
}

/// Why no site was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoSite {
    /// Nobody declares this host.
    UnknownHost,
    /// The host is known, and no site of it covers the path.
    NoMatch,
}

impl Sites {
    /// Indexes the sites of `config`.
    pub fn new(config: &Config) -> Self {
        let names = config.sites.iter().flat_map(|site| &site.host_names);
        let (masks, exact): (Vec<_>, Vec<_>) = names.cloned().partition(|p| p.0.contains('*'));
        let listed = config.listeners.iter().flat_map(|listener| &listener.hosts);
        let (listed_masks, listed): (Vec<_>, Vec<_>) = listed.partition(|h| h.contains('*'));
        let targets = config.sites.iter().filter_map(|site| site.target_host_name.clone());
        let hosts: HashSet<String> = exact
            .into_iter()
            .map(|p| p.0)
            .chain(listed.into_iter().cloned())
            .chain(targets)
            .collect();
        let masks = masks.into_iter().chain(listed_masks.into_iter().cloned().map(HostPattern));
        let mut sites =
            Self { all: config.sites.clone(), by_host: HashMap::new(), masks: masks.collect() };
        sites.by_host =
            hosts.into_iter().map(|host| (host.clone(), sites.serving(&host))).collect();
        sites
    }

    /// The site that serves `target`, whose [port](Target::port_or_default) is `port`.
    ///
    /// # Errors
    ///
    /// [`NoSite`] says whether the host or the path was not found.
    pub fn find(&self, target: &Target, port: u16) -> Result<Found<'_>, NoSite> {
        let fits = |found: &Found<'_>| covers(found.site, port, &target.path);
        if let Some(candidates) = self.by_host.get(&target.host) {
            let mut sites = candidates.iter().filter_map(|&index| self.at(index));
            return sites.find(fits).ok_or(NoSite::NoMatch);
        }
        if !self.masks.iter().any(|mask| mask.matches(&target.host)) {
            return Err(NoSite::UnknownHost);
        }
        let serving = self.serving(&target.host);
        let mut all = serving.into_iter().filter_map(|index| self.at(index));
        all.find(fits).ok_or(NoSite::NoMatch)
    }

    fn at(&self, index: usize) -> Option<Found<'_>> {
        self.all.get(index).map(|site| Found { index, site })
    }

    /// Whether `host` (lower case, no port) is declared anywhere.
    pub fn knows(&self, host: &str) -> bool {
        self.by_host.contains_key(host) || self.masks.iter().any(|mask| mask.matches(host))
    }

    /// The sites that serve `host`. A host of the pages for administrators is theirs alone, because
    /// scripts of another site under the same origin could act there.
    fn serving(&self, host: &str) -> Vec<usize> {
        let is_admin = |site: &Site| site.destination == Destination::Admin;
        let serves = |(_, site): &(usize, &Arc<Site>)| serves_host(site, host);
        let mut all: Vec<_> = self.all.iter().enumerate().filter(serves).collect();
        if all.iter().any(|(_, site)| is_admin(site)) {
            all.retain(|(_, site)| is_admin(site));
        }
        all.into_iter().map(|(index, _)| index).collect()
    }
}

/// Whether `site` serves the known host `host`: a site without `hostName` serves every one.
pub fn serves_host(site: &Site, host: &str) -> bool {
    site.host_names.is_empty() || site.host_names.iter().any(|mask| mask.matches(host))
}

/// The site's login page with the way back in `returnUrl`, unless that is too long to be carried.
pub fn login_address(site: &Site, target: &Target) -> Option<String> {
    let page = site.login_page.as_deref()?;
    let back = target.path_and_query();
    if back.len() > LONGEST_WAY_BACK {
        return Some(page.to_owned());
    }
    let back = percent_encoding::utf8_percent_encode(&back, percent_encoding::NON_ALPHANUMERIC);
    let separator = if page.contains('?') { '&' } else { '?' };
    Some(format!("{page}{separator}returnUrl={back}"))
}

/// Longest `returnUrl`, in bytes before it is encoded.
const LONGEST_WAY_BACK: usize = 2048;

fn covers(site: &Site, port: u16, path: &CanonicalPath) -> bool {
    site.port.is_none_or(|own| own == port) && path.is_under(&site.virtual_folder)
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;
    use crate::gate::testing::on;
    use crate::gate::testing::site;
    use crate::users::testing;

    fn sites() -> Sites {
        let shell = on(&["cms.test"], site("shell", "/sitecore/shell"));
        let masked = on(&["*.shop.test"], site("shop", ""));
        let ported = on(&["cms.test"], Site { port: Some(8443), ..site("ported", "/ported") });
        let website = on(&["cms.test", "www.test"], site("website", ""));
        Sites::new(&Config { sites: vec![shell, masked, ported, website], ..testing::config() })
    }

    fn target(url: &str) -> Target {
        Target::read(&url.parse().unwrap(), &HeaderMap::new()).unwrap()
    }

    fn find(url: &str) -> Result<String, NoSite> {
        let target = target(url);
        let port = target.port_or_default(url.starts_with("https:"));
        sites().find(&target, port).map(|found| found.site.name.to_string())
    }

    #[test]
    fn the_first_site_that_matches_host_port_and_path_serves_the_request() {
        assert_eq!(find("https://cms.test/Sitecore/Shell/x"), Ok("shell".to_owned()));
        assert_eq!(find("https://cms.test/sitecore/shellX"), Ok("website".to_owned()));
        assert_eq!(find("https://www.test/sitecore/shell"), Ok("website".to_owned()));
        assert_eq!(find("https://a.shop.test/"), Ok("shop".to_owned()));
        assert_eq!(find("https://cms.test:8443/ported"), Ok("ported".to_owned()));
        assert_eq!(find("https://cms.test/ported"), Ok("website".to_owned()));
    }

    #[test]
    fn c73_an_undeclared_host_is_nobodys() {
        assert_eq!(find("https://evil.test/"), Err(NoSite::UnknownHost));
        assert_eq!(find("https://127.0.0.1/"), Err(NoSite::UnknownHost));
        assert_eq!(find("https://shop.test.evil/"), Err(NoSite::UnknownHost));
    }
}
