//! `sites/site` → [`Site`]: `inherits`, masks, folders, destinations (spec §1.7).

use std::sync::Arc;

use url::Url;

use crate::config::fault::Origin;
use crate::config::model::Destination;
use crate::config::model::HostPattern;
use crate::config::model::Linking;
use crate::config::model::SignInRules;
use crate::config::model::Site;
use crate::config::model::SiteProviders;
use crate::config::model::UpstreamSettings;
use crate::config::read::admin_sites;
use crate::config::read::report::Report;
use crate::config::read::values;
use crate::config::tree::Attribute;
use crate::config::tree::Element;
use crate::http::CanonicalPath;
use crate::http::ReturnPath;

/// A site with what only the reading of map entries needs.
#[derive(Clone, Debug)]
pub(crate) struct SiteDraft {
    /// The site; no provider is mapped to it yet.
    pub(crate) site: Site,
    /// `database`, in lower case.
    pub(crate) database: Option<String>,
    /// `externalPort`: the port that browsers see.
    pub(crate) external_port: Option<u16>,
}

/// What `sites` says.
#[derive(Debug, Default)]
pub(crate) struct Sites {
    /// In order, without those that are off.
    pub(crate) drafts: Vec<SiteDraft>,
    /// Names of sites with `mode="off"`, or that are off because their host is unknown.
    pub(crate) off: Vec<String>,
}

/// Reads every site below `root`.
pub(crate) fn read(root: &Element, upstreams: &[UpstreamSettings], report: &mut Report) -> Sites {
    let mut sites = Sites::default();
    let Some(list) = root.child("sites") else { return sites };
    let all: Vec<&Element> = list.children_named("site").collect();
    for element in &all {
        check_spelling(element, report);
        let Some(name) = element.value("name").map(str::trim).filter(|n| !n.is_empty()) else {
            report.fault(&element.origin, "a site has no name", "write name=\"…\"");
            continue;
        };
        let off = element.value("mode").is_some_and(|m| m.eq_ignore_ascii_case("off"));
        if off || hides(element, report) {
            sites.off.push(name.to_owned());
            continue;
        }
        if sites.drafts.iter().any(|d| d.site.name.eq_ignore_ascii_case(name)) {
            let what = format!("the site `{name}` is declared twice");
            let hint = "to change an attribute of an existing site in a patch, write it as set:attribute=\"…\"";
            report.fault(&element.origin, what, hint);
            continue;
        }
        let chain = inheritance(element, &all, report);
        let reader = SiteReader { element, chain, upstreams };
        sites.drafts.push(reader.read(name, report));
    }
    admin_sites::check(&sites.drafts, report);
    sites
}

/// The attributes of a site that mean something here.
const KNOWN: [&str; 21] = [
    "name",
    "hostName",
    "targetHostName",
    "port",
    "externalPort",
    "virtualFolder",
    "database",
    "domain",
    "requireLogin",
    "loginPage",
    "inherits",
    "mode",
    "upstream",
    "service",
    "roles",
    "sources",
    "assertion",
    "origins",
    "linking",
    "sessions",
    "sessionsPerUser",
];

/// The CMS's own attributes whose names come close to one of those.
const ALIKE: [&str; 5] = ["scheme", "itemPath", "device", "content", "physicalFolder"];

/// An attribute that is nearly one of ours would silently protect nothing.
fn check_spelling(element: &Element, report: &mut Report) {
    for attribute in element.attributes.iter().filter(|a| a.namespace.is_none()) {
        let name = attribute.name.as_str();
        if KNOWN.contains(&name) || ALIKE.contains(&name) || name == "authorization" {
            continue;
        }
        if let Some(meant) = values::nearest(name, KNOWN) {
            let what = format!("a site has no attribute `{name}`");
            report.fault(&attribute.origin, what, format!("did you mean `{meant}`?"));
        }
    }
}

/// Whether a site is off because the host it is for is unknown. Only a site that protects nothing may
/// be: the requests of a guarded one would fall to the next site.
fn hides(element: &Element, report: &mut Report) -> bool {
    let Some(attribute) = element.attribute("hostName") else { return false };
    let Some(token) = values::unresolved(&attribute.value) else { return false };
    let guarded = ["requireLogin", "roles", "inherits"].iter().any(|a| element.value(a).is_some());
    if guarded {
        return false;
    }
    let what = format!("the site is off, because its hostName holds {token}");
    report.disable(&attribute.origin, what, values::resolve_hint(token));
    true
}

/// The site and those it inherits from, nearest first.
fn inheritance<'a>(
    element: &'a Element,
    all: &[&'a Element],
    report: &mut Report,
) -> Vec<&'a Element> {
    let mut chain = vec![element];
    let mut current = element;
    while let Some(parent) = current.attribute("inherits") {
        let wanted = parent.value.trim();
        let named =
            |e: &&&Element| e.value("name").is_some_and(|n| n.trim().eq_ignore_ascii_case(wanted));
        let Some(next) = all.iter().find(named).copied() else {
            let what = format!("inherits=\"{wanted}\" names no site");
            report.fault(&parent.origin, what, "name a site that exists");
            break;
        };
        if chain.iter().any(|seen| std::ptr::eq(*seen, next)) {
            let what = format!("inherits=\"{wanted}\" leads back to the site itself");
            report.fault(&parent.origin, what, "take one link of the circle out");
            break;
        }
        chain.push(next);
        current = next;
    }
    chain
}

struct SiteReader<'a> {
    element: &'a Element,
    chain: Vec<&'a Element>,
    upstreams: &'a [UpstreamSettings],
}

impl<'a> SiteReader<'a> {
    fn read(&self, name: &str, report: &mut Report) -> SiteDraft {
        let site = Site {
            name: Arc::from(name),
            host_names: self.host_names(report),
            target_host_name: self.target_host_name(report),
            port: self.port("port", report),
            virtual_folder: self.virtual_folder(report),
            domain: self.text("domain", report).map(str::to_owned),
            require_login: self.boolean("requireLogin", report),
            roles: self.roles(report),
            login_page: self.login_page(report),
            destination: self.destination(report),
            providers: SiteProviders::default(),
            sources: self.sources(report),
            assertion_as_bearer: self.keyword("assertion", "bearer", report),
            pass_authorization: self.keyword("authorization", "pass", report),
            origins: self.origins(report),
            sign_ins: SignInRules {
                linking: self.linking(report),
                sessions: self.count("sessions", report),
                sessions_per_user: self.count("sessionsPerUser", report),
            },
            origin: self.element.origin.clone(),
        };
        let database = self.text("database", report).map(str::to_ascii_lowercase);
        SiteDraft { site, database, external_port: self.port("externalPort", report) }
    }

    fn attribute(&self, name: &str) -> Option<&'a Attribute> {
        self.chain.iter().find_map(|element| element.attribute(name))
    }

    /// The value of an attribute that is not empty; one that stayed unresolved is a fault, because
    /// nobody can say what it would have protected.
    fn text(&self, name: &str, report: &mut Report) -> Option<&'a str> {
        let attribute = self.attribute(name)?;
        if let Some(token) = values::unresolved(&attribute.value) {
            let what = format!("`{name}` of a site holds {token}, which nothing defines");
            report.fault(&attribute.origin, what, values::resolve_hint(token));
            return None;
        }
        Some(attribute.value.trim()).filter(|value| !value.is_empty())
    }

    /// Whether an attribute is there and says nothing, as one whose variable is empty.
    fn is_empty(&self, name: &str) -> bool {
        self.attribute(name).is_some_and(|attribute| attribute.value.trim().is_empty())
    }

    fn origin_of(&self, name: &str) -> &'a Origin {
        self.attribute(name).map_or(&self.element.origin, |a| &a.origin)
    }

    fn wrong(&self, name: &str, value: &str, shape: &str, report: &mut Report) {
        let what = format!("{name}=\"{value}\" of a site cannot be read");
        report.fault(self.origin_of(name), what, format!("write {shape}"));
    }

    fn boolean(&self, name: &str, report: &mut Report) -> bool {
        let text = self.text(name, report);
        let Some(text) = text.or_else(|| self.is_empty(name).then_some("")) else { return false };
        values::boolean(text).unwrap_or_else(|| {
            self.wrong(name, text, "true or false", report);
            true
        })
    }

    /// Whether an attribute has the one value that switches something on.
    fn keyword(&self, name: &str, on: &str, report: &mut Report) -> bool {
        let Some(text) = self.text(name, report) else { return false };
        if text != on && text != "none" {
            self.wrong(name, text, &format!("{on} or none"), report);
        }
        text == on
    }

    fn port(&self, name: &str, report: &mut Report) -> Option<u16> {
        let text = self.text(name, report)?;
        let port = text.parse().ok().filter(|&p: &u16| p != 0);
        if port.is_none() {
            self.wrong(name, text, "a port from 1 to 65535", report);
        }
        port
    }

    fn count(&self, name: &str, report: &mut Report) -> Option<usize> {
        let text = self.text(name, report)?;
        let count = text.parse().ok().filter(|&count: &usize| count != 0);
        if count.is_none() {
            self.wrong(name, text, "a whole number from 1, or leave it out", report);
        }
        // What cannot be read lets as few in as can be, and the fault stops the start anyway.
        count.or(Some(1))
    }

    fn linking(&self, report: &mut Report) -> Linking {
        match self.text("linking", report) {
            None | Some("refuse") => Linking::Refuse,
            Some("attach") => Linking::Attach,
            Some("ask") => Linking::Ask,
            Some(other) => {
                self.wrong("linking", other, "refuse, ask or attach", report);
                Linking::Refuse
            }
        }
    }

    fn host_names(&self, report: &mut Report) -> Vec<HostPattern> {
        let masks = values::list(self.text("hostName", report).unwrap_or_default());
        for mask in masks.iter().filter(|mask| !is_host(mask, true)) {
            self.wrong("hostName", mask, "host names without scheme, port or path", report);
        }
        masks.iter().map(|mask| HostPattern(mask.to_ascii_lowercase())).collect()
    }

    fn target_host_name(&self, report: &mut Report) -> Option<String> {
        let host = self.text("targetHostName", report)?;
        if !is_host(host, false) {
            self.wrong("targetHostName", host, "one host name without scheme or port", report);
        }
        Some(host.to_ascii_lowercase())
    }

    fn virtual_folder(&self, report: &mut Report) -> String {
        let text = self.text("virtualFolder", report).unwrap_or("/");
        match folder(text) {
            Ok(folder) => folder,
            Err(why) => {
                self.wrong("virtualFolder", text, &format!("another one: {why}"), report);
                String::new()
            }
        }
    }

    fn roles(&self, report: &mut Report) -> Vec<String> {
        let roles = values::list(self.text("roles", report).unwrap_or_default());
        if roles.is_empty() && self.attribute("roles").is_some() {
            let what = "roles=\"\" of a site would let nobody in";
            report.fault(self.origin_of("roles"), what, "name a role, or leave the attribute out");
        }
        roles
    }

    fn login_page(&self, report: &mut Report) -> Option<String> {
        let text = self.text("loginPage", report)?;
        let page = ReturnPath::read(text);
        if page.is_none() {
            self.wrong(
                "loginPage",
                text,
                "a path on the same host, such as /sitecore/login",
                report,
            );
        }
        page.map(|page| page.as_str().to_owned())
    }

    fn sources(&self, report: &mut Report) -> Vec<String> {
        let mut sources = values::list(self.text("sources", report).unwrap_or_default());
        for source in sources.iter().filter(|s| !s.chars().all(|c| c.is_ascii_alphanumeric())) {
            self.wrong("sources", source, "letters and digits, separated by |", report);
        }
        sources.retain(|source| !source.eq_ignore_ascii_case("Default"));
        sources
    }

    fn origins(&self, report: &mut Report) -> Vec<String> {
        let origins = values::list(self.text("origins", report).unwrap_or_default());
        for origin in origins.iter().filter(|origin| !is_origin(origin)) {
            self.wrong("origins", origin, "scheme://host[:port] without a path", report);
        }
        origins
    }

    fn destination(&self, report: &mut Report) -> Destination {
        let upstream = self.text("upstream", report);
        match (self.text("service", report), upstream) {
            (Some("identity"), None) => Destination::IdentityServer,
            (Some("demo"), None) => Destination::Demo,
            (Some("admin"), None) => Destination::Admin,
            (Some("identity" | "demo" | "admin"), Some(_)) => {
                let what = "a site has both `service` and `upstream`";
                report.fault(self.origin_of("service"), what, "leave one of them out");
                Destination::Nothing
            }
            (Some(other), _) => {
                self.wrong("service", other, "identity, admin or demo", report);
                Destination::Nothing
            }
            (None, Some("none")) => Destination::Nothing,
            (None, Some(name)) => self.upstream(name, report),
            (None, None) => self.default_upstream(),
        }
    }

    fn upstream(&self, name: &str, report: &mut Report) -> Destination {
        let known = || self.upstreams.iter().map(|u| &*u.name);
        if !known().any(|known| known == name) {
            let what = format!("upstream=\"{name}\" names no upstream");
            let instead = match values::nearest(name, known()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => "declare it in /sitecore/gateway/upstreams".to_owned(),
            };
            report.fault(self.origin_of("upstream"), what, instead);
        }
        Destination::Upstream(Arc::from(name))
    }

    /// A site of the CMS's own files says nothing of upstreams: it is served by the first one, if a
    /// request can reach it at all (`scheduler`, `system` and `publisher` have neither host nor
    /// folder).
    fn default_upstream(&self) -> Destination {
        let reachable =
            self.attribute("hostName").is_some() || self.attribute("virtualFolder").is_some();
        match self.upstreams.first().filter(|_| reachable) {
            Some(upstream) => Destination::Upstream(Arc::clone(&upstream.name)),
            None => Destination::Nothing,
        }
    }
}

/// A folder or path prefix in canonical form, decoded, without a trailing slash.
pub(crate) fn folder(text: &str) -> Result<String, &'static str> {
    let path = CanonicalPath::read(text)?;
    Ok(path.decoded().trim_end_matches('/').to_owned())
}

/// Whether `text` can be a host name or address, or with `mask` a mask of `hostName`.
pub(crate) fn is_host(text: &str, mask: bool) -> bool {
    let inside = text.strip_prefix('[').and_then(|t| t.strip_suffix(']'));
    if let Some(address) = inside {
        return address.parse::<std::net::Ipv6Addr>().is_ok();
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c) || (mask && c == '*');
    !text.is_empty() && text.chars().all(fits) && !text.ends_with('.')
}

/// Whether `text` is `scheme://host[:port]` and nothing more.
pub(crate) fn is_origin(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.origin().ascii_serialization().eq_ignore_ascii_case(text)
    })
}
