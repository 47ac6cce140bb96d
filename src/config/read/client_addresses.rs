//! Origins and addresses of a client, `{AllowedCorsOrigin}` expanded for every origin.

use url::Url;

use crate::config::model::client::FORBIDDEN_SCHEMES;
use crate::config::read::report::Report;
use crate::config::read::sites::is_origin;
use crate::config::read::values;
use crate::config::settings::Setting;

/// What stands for each of a client's origins.
const TOKEN: &str = "{AllowedCorsOrigin}";

/// `AllowedCorsOrigins`: each child is one origin, or several separated by `|`. `own` are the
/// gateway's own CMS sites: the origins of the client `DefaultClient` when it names none.
pub(crate) fn origins(setting: &Setting, own: &[String], report: &mut Report) -> Vec<String> {
    let mut origins: Vec<String> = Vec::new();
    for item in setting.list("AllowedCorsOrigins") {
        for origin in values::list(item.value.as_deref().unwrap_or_default()) {
            let bare = origin.trim_end_matches('/');
            if bare != origin {
                let what = format!("the origin `{origin}` ends with a slash");
                report.lint(&item.origin, what, format!("write {bare}"));
            }
            if is_origin(bare) && !bare.contains('*') {
                if !origins.iter().any(|known| known == bare) {
                    origins.push(bare.to_owned());
                }
                continue;
            }
            let what = format!("`{origin}` is not an origin");
            let instead =
                "write scheme://host[:port], without a path and without the scheme's own port";
            report.fault(&item.origin, what, instead);
        }
    }
    if origins.is_empty() && is_default(setting) {
        origins.extend_from_slice(own);
    }
    origins
}

/// Whether this is the client that the CMS is, and the administrators' pages with it.
pub(crate) fn is_default(setting: &Setting) -> bool {
    setting.name.eq_ignore_ascii_case("DefaultClient")
}

/// The addresses of one client.
#[derive(Debug)]
pub(crate) struct Addresses<'a> {
    /// The client.
    pub(crate) setting: &'a Setting,
    /// Its origins.
    pub(crate) origins: &'a [String],
}

impl Addresses<'_> {
    /// A list of addresses, and those under its singular name.
    pub(crate) fn list(&self, names: &[&str], report: &mut Report) -> Vec<String> {
        let one = names.iter().filter_map(|name| self.setting.child(name));
        let mut addresses = Vec::new();
        for item in one.chain(names.iter().flat_map(|name| self.setting.list(name))) {
            let value = item.value.as_deref().unwrap_or_default().trim();
            if value.is_empty() {
                continue;
            }
            for address in self.expanded(value) {
                if self.is_fit(item, &address, report) && !addresses.contains(&address) {
                    addresses.push(address);
                }
            }
        }
        addresses
    }

    /// One address that a server calls, which therefore stands for one origin at most.
    pub(crate) fn called(&self, name: &str, report: &mut Report) -> Option<String> {
        let item = self.setting.child(name)?;
        let mut found = self.list(&[name], report);
        if found.len() > 1 {
            let what = format!("<{name}> names {} addresses, so none is called", found.len());
            report.disable(&item.origin, what, "write the one address in full");
            return None;
        }
        found.pop()
    }

    fn expanded(&self, value: &str) -> Vec<String> {
        if !value.contains(TOKEN) {
            return vec![value.to_owned()];
        }
        self.origins.iter().map(|origin| value.replace(TOKEN, origin)).collect()
    }

    fn is_fit(&self, item: &Setting, address: &str, report: &mut Report) -> bool {
        let url = Url::parse(address).ok();
        let url = url.filter(|u| u.fragment().is_none() && !address.contains('*'));
        let Some(url) = url else {
            let what =
                format!("`{address}` is not an address without a fragment, so it is left out");
            let instead = "write it in full, or as {AllowedCorsOrigin}/path";
            report.disable(&item.origin, what, instead);
            return false;
        };
        if FORBIDDEN_SCHEMES.contains(&url.scheme()) {
            let what = format!("an answer cannot be sent to `{address}`");
            let instead = "write an https address, or a scheme of the application's own";
            report.fault(&item.origin, what, instead);
            return false;
        }
        if matches!(url.scheme(), "http" | "https") {
            self.lint(item, (address, &url), report);
        }
        true
    }

    fn lint(&self, item: &Setting, (address, url): (&str, &Url), report: &mut Report) {
        if url.scheme() == "http" && !is_loopback(url) {
            let what = format!("`{address}` is reached over plain http, where others can read");
            report.lint(&item.origin, what, "write https as soon as the application has it");
        }
        let own = url.origin().ascii_serialization();
        if !self.origins.iter().any(|origin| origin.eq_ignore_ascii_case(&own)) {
            let what = format!("`{address}` lies on no origin of AllowedCorsOrigins");
            let instead = "add the origin, or write {AllowedCorsOrigin}/path";
            report.lint(&item.origin, what, instead);
        }
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
