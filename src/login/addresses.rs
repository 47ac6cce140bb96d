//! What an owner registers at a provider: our redirect, post-logout and logout addresses there.

use std::sync::Arc;

use crate::config::model::Config;
use crate::config::model::ListenerKind;
use crate::config::model::Provider;
use crate::config::model::Site;
use crate::login::place;
use crate::login::way::Way;

/// The addresses of one provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// The provider's name.
    pub provider: Arc<str>,
    /// The sites it is mapped to.
    pub sites: Vec<Arc<str>>,
    /// Redirect URIs.
    pub redirect: Vec<String>,
    /// Post-logout redirect URIs.
    pub post_logout: Vec<String>,
    /// Where people sign out here.
    pub logout: Vec<String>,
    /// Where the provider tells us of a sign-out from server to server.
    pub back_channel_logout: Vec<String>,
    /// Where its pages tell us of one in a frame.
    pub front_channel_logout: Vec<String>,
}

/// The addresses of every enabled OpenID provider: those of the sites and those of the identity
/// server. A site without a host of its own stands for every host of the listeners; masks, which
/// name no host, give none.
pub fn addresses(config: &Config) -> Vec<Addresses> {
    let cms: Vec<&Arc<Site>> =
        config.sites.iter().filter(|site| !place::is_identity_server(site)).collect();
    let own: Vec<&Arc<Site>> =
        config.sites.iter().filter(|site| place::is_identity_server(site)).collect();
    let outer = config.providers.iter().filter_map(|p| of(config, p, &cms));
    let inner = &config.identity_server.external_providers;
    outer.chain(inner.iter().filter_map(|p| of(config, p, &own))).collect()
}

/// The addresses to register for one connection at `origin`, as text for an error page.
pub(super) fn to_register(origin: &str, way: Way<'_>) -> String {
    let back = way.callback_path();
    match way.post_logout_path() {
        Some(out) => format!(
            " {origin}{back} (redirect address), {origin}{out} (post-logout redirect address)."
        ),
        None => format!(" {origin}{back} (redirect address)."),
    }
}

fn of(config: &Config, provider: &Arc<Provider>, among: &[&Arc<Site>]) -> Option<Addresses> {
    let way = Way::to(provider).filter(|_| provider.is_enabled())?;
    let sites: Vec<&Arc<Site>> = among
        .iter()
        .copied()
        .filter(|site| place::provider(config, site, &provider.name).is_some())
        .collect();
    let mut origins: Vec<String> = Vec::new();
    for origin in sites.iter().flat_map(|site| origins_of(config, site)) {
        if !origins.contains(&origin) {
            origins.push(origin);
        }
    }
    let at = |path: &str| -> Vec<String> {
        origins.iter().map(|origin| format!("{origin}{path}")).collect()
    };
    Some(Addresses {
        provider: Arc::clone(&provider.name),
        sites: sites.iter().map(|site| Arc::clone(&site.name)).collect(),
        redirect: at(way.callback_path()),
        post_logout: way.post_logout_path().map_or_else(Vec::new, at),
        logout: at(&format!("{}logout", config.identity_prefix)),
        back_channel_logout: at(&format!("{}backchannel-logout", config.identity_prefix)),
        front_channel_logout: at(&format!("{}frontchannel-logout", config.identity_prefix)),
    })
}

/// `https://host[:port]` for each host that a site is known by.
fn origins_of(config: &Config, site: &Site) -> Vec<String> {
    let named: Vec<&str> = match &site.target_host_name {
        Some(host) => vec![host],
        None => site.host_names.iter().map(|mask| mask.0.as_str()).collect(),
    };
    let listeners = config.listeners.iter().filter_map(|listener| match &listener.kind {
        ListenerKind::Tls(_) => Some((listener, Some(listener.address.port()))),
        // Something before us speaks TLS, most likely on its usual port.
        ListenerKind::Plain => Some((listener, None)),
        ListenerKind::RedirectTo(_) | ListenerKind::Operations => None,
    });
    let mut origins = Vec::new();
    for (listener, port) in listeners {
        let all: Vec<&str> = listener.hosts.iter().map(String::as_str).collect();
        let hosts = if named.is_empty() { &all } else { &named };
        let port = match port {
            None | Some(443) => String::new(),
            Some(port) => format!(":{port}"),
        };
        let plain = hosts.iter().filter(|host| !host.contains('*'));
        origins.extend(plain.map(|host| format!("https://{host}{port}")));
    }
    origins
}
