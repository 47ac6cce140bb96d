//! Which site an address belongs to, and why not an earlier one.

use std::sync::Arc;

use http::HeaderMap;
use http::Uri;

use crate::config::model::Config;
use crate::config::model::Site;
use crate::gate::Sites;
use crate::gate::explain::Unexplained;
use crate::gate::site::NoSite;
use crate::gate::site::serves_host;
use crate::http::CanonicalPath;
use crate::http::Target;

/// Where somebody goes.
#[derive(Clone, Debug)]
pub struct Place {
    /// The address, where one was named.
    pub address: Option<Address>,
    /// Sites that come before the one that serves it, or all of them where none does.
    pub passed: Vec<PassedOver>,
    /// The site that serves it; `None` when none of its host covers it.
    pub site: Option<Arc<Site>>,
    /// The site that was asked for, where it is another one.
    pub asked: Option<Arc<Site>>,
}

/// An address, read as a request for it would be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The host.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The path.
    pub path: CanonicalPath,
}

/// A site that does not serve an address.
#[derive(Clone, Debug)]
pub struct PassedOver {
    /// The site.
    pub site: Arc<Site>,
    /// Why it does not, for people.
    pub why: String,
}

/// The place that a site's name, an address, or both mean; the address decides.
///
/// # Errors
///
/// When neither is given, the site does not exist, or the address cannot be read or has a host that
/// nobody declares.
pub fn place(config: &Config, site: Option<&str>, url: Option<&str>) -> Result<Place, Unexplained> {
    let asked = site.map(|name| named(config, name)).transpose()?;
    let Some(url) = url else {
        let site = Some(asked.ok_or(Unexplained::Nowhere)?);
        return Ok(Place { address: None, passed: Vec::new(), site, asked: None });
    };
    let (target, port) = target(url)?;
    let found = match Sites::new(config).find(&target, port) {
        Ok(found) => Some(found.index),
        Err(NoSite::UnknownHost) => return Err(Unexplained::UnknownHost(target.host)),
        Err(NoSite::NoMatch) => None,
    };
    let before = config.sites.iter().take(found.unwrap_or(config.sites.len()));
    let passed =
        before.map(|site| PassedOver { why: why_not(site, &target), site: Arc::clone(site) });
    let passed = passed.collect();
    let site = found.and_then(|index| config.sites.get(index)).map(Arc::clone);
    let other = |asked: &Arc<Site>| site.as_ref().is_some_and(|site| site.name != asked.name);
    let asked = asked.filter(other);
    let address = Some(Address { host: target.host, port, path: target.path });
    Ok(Place { address, passed, site, asked })
}

fn named(config: &Config, name: &str) -> Result<Arc<Site>, Unexplained> {
    let known = || config.sites.iter().map(|site| &*site.name).collect::<Vec<_>>().join(", ");
    let missing = || Unexplained::NoSuchSite { name: name.to_owned(), known: known() };
    config.site(name).map(Arc::clone).ok_or_else(missing)
}

fn target(url: &str) -> Result<(Target, u16), Unexplained> {
    let not_a_url = |why| Unexplained::NotAUrl { url: url.to_owned(), why };
    let uri: Uri = url.parse().map_err(not_a_url)?;
    let refused = |why| Unexplained::Refused { url: url.to_owned(), why };
    let target = Target::read(&uri, &HeaderMap::new()).map_err(refused)?;
    let default = if uri.scheme_str() == Some("http") { 80 } else { 443 };
    let port = target.port.unwrap_or(default);
    Ok((target, port))
}

fn why_not(site: &Site, target: &Target) -> String {
    if !serves_host(site, &target.host) {
        let masks: Vec<&str> = site.host_names.iter().map(|mask| mask.0.as_str()).collect();
        return format!("its hostName is {}", masks.join("|"));
    }
    if !target.path.is_under(&site.virtual_folder) {
        return format!("its virtualFolder is {}", site.virtual_folder);
    }
    site.port.map_or_else(|| "it does not match".to_owned(), |port| format!("its port is {port}"))
}
