//! The embedded identity server's issuer, and the origins of the gateway's own CMS sites.

use std::path::PathBuf;

use url::Url;

use crate::config::fault::Origin;
use crate::config::model::Destination;
use crate::config::model::Listener;
use crate::config::model::ListenerKind;
use crate::config::read::dictionary;
use crate::config::read::gateway::Gateway;
use crate::config::read::ours::Ours;
use crate::config::read::report::Report;
use crate::config::read::sites::SiteDraft;
use crate::config::settings::Dictionary;

/// What `<gateway>` says of the embedded identity server.
#[derive(Debug)]
pub(crate) struct Own {
    /// The issuer, when a site is an identity server.
    pub(crate) issuer: Option<String>,
    /// What the certificates of clients may end in that are called by back-channel (`clientsCa`).
    pub(crate) clients_authority: Option<PathBuf>,
}

/// Reads `<identityServer>` and what else makes the issuer.
pub(crate) fn own(
    gateway: Gateway<'_>,
    settings: &Dictionary,
    sites: &[SiteDraft],
    listeners: &[Listener],
    report: &mut Report,
) -> Own {
    let ours = gateway.section("identityServer", &["clientsCa", "issuer"], &[], report);
    let clients_authority = ours.and_then(|ours| ours.path("clientsCa"));
    Own { issuer: issuer(ours, settings, sites, listeners, report), clients_authority }
}

/// The issuer: what is written, else the address of the site that is the identity server. `None`
/// without such a site.
fn issuer(
    ours: Option<Ours<'_>>,
    settings: &Dictionary,
    sites: &[SiteDraft],
    listeners: &[Listener],
    report: &mut Report,
) -> Option<String> {
    let site = sites.iter().find(|d| d.site.destination == Destination::IdentityServer)?;
    let written = ours.and_then(|o| Some((o.text("issuer")?, o.origin_of("issuer"))));
    let server = settings.root.child("IdentityServer");
    let key = |name| server.and_then(|s| Some((s.text(name)?, &s.child(name)?.origin)));
    if let Some((text, origin)) =
        written.filter(|(text, _)| !text.is_empty()).or_else(|| key("IssuerUri"))
    {
        return checked(text, origin, report);
    }
    // What is derived is lower-cased as in IdentityServer4, unless `LowerCaseIssuerUri` is off.
    let lower = server.is_none_or(|s| dictionary::boolean(s, "LowerCaseIssuerUri", true, report));
    let cased = |issuer: String| if lower { issuer.to_ascii_lowercase() } else { issuer };
    if let Some((text, origin)) = key("PublicOrigin") {
        let origin = checked(text, origin, report);
        return origin.map(|origin| cased(format!("{origin}{}", site.site.virtual_folder)));
    }
    let host = hosts(site).into_iter().next();
    if host.is_none() {
        let what = "the identity server's site has no host, so its tokens have no issuer";
        report.fault(&site.site.origin, what, "write hostName=\"id.example.test\"");
    }
    let port = site.external_port.or(site.site.port).or_else(|| ports(listeners).next());
    let origin = address(&host?, port.unwrap_or(443));
    Some(cased(format!("{origin}{}", site.site.virtual_folder)))
}

fn checked(text: &str, origin: &Origin, report: &mut Report) -> Option<String> {
    let bare = text.trim_end_matches('/');
    let fits = Url::parse(bare).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && !url.path().contains("//")
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    });
    if !fits {
        let what = format!("the issuer `{text}` cannot be one");
        report.fault(origin, what, "write https://host[:port]");
        return None;
    }
    Some(bare.to_owned())
}

/// `https://host[:port]` of our own sites, as browsers see them.
#[derive(Debug, Default)]
pub(crate) struct OwnOrigins {
    /// Of the CMS sites and the listeners.
    pub(crate) cms: Vec<String>,
    /// Of the pages for administrators.
    pub(crate) admin: Vec<String>,
}

/// The origins of every site and listener but the identity server's.
pub(crate) fn own_origins(sites: &[SiteDraft], listeners: &[Listener]) -> OwnOrigins {
    let mut own = OwnOrigins::default();
    let ports: Vec<u16> = ports(listeners).collect();
    let mut elsewhere: Vec<String> = Vec::new();
    for draft in sites {
        let origins = match draft.site.destination {
            Destination::IdentityServer => {
                elsewhere.extend(hosts(draft));
                continue;
            }
            Destination::Admin => {
                elsewhere.extend(hosts(draft));
                &mut own.admin
            }
            Destination::Upstream(_) | Destination::Demo | Destination::Nothing => &mut own.cms,
        };
        let set = draft.external_port.or(draft.site.port);
        for host in hosts(draft) {
            set.iter().chain(&ports).for_each(|&port| add(origins, &host, port));
        }
    }
    for listener in listeners {
        for host in listener.hosts.iter().filter(|h| *h != "*" && !elsewhere.contains(h)) {
            for &port in &ports {
                add(&mut own.cms, host, port);
            }
        }
    }
    own
}

fn add(origins: &mut Vec<String>, host: &str, port: u16) {
    let origin = address(host, port);
    if !origins.contains(&origin) {
        origins.push(origin);
    }
}

/// The exact hosts of a site, the one for links first.
fn hosts(draft: &SiteDraft) -> Vec<String> {
    let masks = draft.site.host_names.iter().map(|mask| mask.0.clone());
    let exact = masks.filter(|mask| !mask.contains('*'));
    draft.site.target_host_name.iter().cloned().chain(exact).collect()
}

/// Ports on which browsers reach us by https; behind something that terminates TLS that is 443.
fn ports(listeners: &[Listener]) -> impl Iterator<Item = u16> {
    listeners.iter().filter_map(|listener| match listener.kind {
        ListenerKind::Tls(_) => Some(listener.address.port()),
        ListenerKind::Plain => Some(443),
        ListenerKind::RedirectTo(_) | ListenerKind::Operations => None,
    })
}

fn address(host: &str, port: u16) -> String {
    if port == 443 { format!("https://{host}") } else { format!("https://{host}:{port}") }
}
