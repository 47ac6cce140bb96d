//! Which site an address belongs to, and why not an earlier one.

use std::io::Write;

use anyhow::Context;
use http::HeaderMap;
use http::Uri;

use crate::cli::explain::Question;
use crate::config::Config;
use crate::config::model::Site;
use crate::gate::Sites;
use crate::gate::site::NoSite;
use crate::gate::site::serves_host;
use crate::http::CanonicalPath;
use crate::http::Target;

/// Writes which site the question is about, and returns it with the path, where there is one.
pub(super) fn explain<'c>(
    config: &'c Config,
    question: &Question,
    out: &mut impl Write,
) -> anyhow::Result<(&'c Site, Option<CanonicalPath>)> {
    let asked = question.site.as_deref().map(|name| named(config, name)).transpose()?;
    let Some(url) = &question.url else {
        let site = asked.context("name a site or a URL")?;
        writeln!(out, "site {} ({}): it was asked for", site.name, site.origin)?;
        return Ok((site, None));
    };
    let (target, port) = target(url)?;
    let site = chosen(config, &target, port, out)?;
    if let Some(asked) = asked.filter(|asked| asked.name != site.name) {
        writeln!(
            out,
            "  not {}, which was asked for; what follows is of {}",
            asked.name, site.name
        )?;
    }
    Ok((site, Some(target.path)))
}

fn named<'c>(config: &'c Config, name: &str) -> anyhow::Result<&'c Site> {
    let site = config.site(name).with_context(|| {
        let names: Vec<&str> = config.sites.iter().map(|site| &*site.name).collect();
        format!("there is no site `{name}`; there are {}", names.join(", "))
    })?;
    Ok(site)
}

fn target(url: &str) -> anyhow::Result<(Target, u16)> {
    let uri: Uri = url.parse().with_context(|| format!("`{url}` is not a URL"))?;
    let target = Target::read(&uri, &HeaderMap::new())
        .with_context(|| format!("`{url}` would be refused"))?;
    let default = if uri.scheme_str() == Some("http") { 80 } else { 443 };
    let port = target.port.unwrap_or(default);
    Ok((target, port))
}

fn chosen<'c>(
    config: &'c Config,
    target: &Target,
    port: u16,
    out: &mut impl Write,
) -> anyhow::Result<&'c Site> {
    let sites = Sites::new(config);
    let found = match sites.find(target, port) {
        Ok(found) => Some(found.index),
        Err(NoSite::UnknownHost) => {
            let host = &target.host;
            anyhow::bail!(
                "no site and no listener declares the host {host}: the answer would be 421"
            );
        }
        Err(NoSite::NoMatch) => None,
    };
    for site in config.sites.iter().take(found.unwrap_or(config.sites.len())) {
        writeln!(out, "  not {} ({}): {}", site.name, site.origin, why_not(site, target))?;
    }
    let site = found.and_then(|index| config.sites.get(index));
    let site = site.context("no site of this host covers the address: the answer would be 404")?;
    let (host, path) = (&target.host, &target.path);
    writeln!(
        out,
        "site {} ({}): the first that serves host {host}, port {port} and path {path}",
        site.name, site.origin
    )?;
    Ok(site)
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
