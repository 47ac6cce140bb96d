//! Who can sign in where: the sites reachable on a host and the providers mapped to them.

use std::sync::Arc;

use crate::config::model::Config;
use crate::config::model::Destination;
use crate::config::model::Provider;
use crate::config::model::Site;
use crate::gate;
use crate::session::Session;
use crate::session::Sessions;
use crate::session::Visit;
use crate::session::cookie;

/// The site called `name`, when requests on this visit's host and port can reach it.
pub(super) fn reachable<'v>(visit: &'v Visit, name: &str) -> Option<&'v Arc<Site>> {
    let site = visit.config.site(name)?;
    let exchange = &visit.exchange;
    let host = &exchange.target.host;
    let here = site.host_names.is_empty() || site.host_names.iter().any(|mask| mask.matches(host));
    let port = exchange.target.port_or_default(exchange.secure);
    let port = site.port.is_none_or(|own| own == port);
    (here && port && gate::sessions::same_kind(site, &visit.site)).then_some(site)
}

/// Whether `site` is the embedded identity server.
pub(super) fn is_identity_server(site: &Site) -> bool {
    site.destination == Destination::IdentityServer
}

/// The providers of `site`'s buttons, in their order; only those that can be used.
pub(super) fn providers<'c>(
    config: &'c Config,
    site: &'c Site,
) -> impl Iterator<Item = &'c Arc<Provider>> {
    let providers = if is_identity_server(site) {
        &config.identity_server.external_providers
    } else {
        &site.providers.providers
    };
    providers.iter().filter(|provider| provider.is_enabled())
}

/// The usable provider called `name` at `site`.
pub(super) fn provider<'c>(
    config: &'c Config,
    site: &'c Site,
    name: &str,
) -> Option<&'c Arc<Provider>> {
    providers(config, site).find(|provider| &*provider.name == name)
}

/// The provider and the inner scheme that `path` (`{provider}[/{inner}]`) names at `site`: the
/// longest provider name that fits, because names may hold slashes.
pub(super) fn split<'c, 'p>(
    config: &'c Config,
    site: &'c Site,
    path: &'p str,
) -> Option<(&'c Arc<Provider>, Option<&'p str>)> {
    if let Some(found) = provider(config, site, path) {
        return Some((found, None));
    }
    path.rmatch_indices('/').find_map(|(at, _)| {
        let (name, inner) = path.split_at_checked(at)?;
        let inner = inner.strip_prefix('/').filter(|inner| is_scheme(inner))?;
        Some((provider(config, site, name)?, Some(inner)))
    })
}

/// Whether `text` can stand in `acr_values=idp:…`.
fn is_scheme(text: &str) -> bool {
    (1..=200).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

/// The authentication source called `name` at `site`, as written there. Empty means `Default`.
pub(super) fn source<'s>(site: &'s Site, name: &str) -> Option<&'s str> {
    if name.is_empty() || name.eq_ignore_ascii_case(cookie::DEFAULT_SOURCE) {
        return Some(cookie::DEFAULT_SOURCE);
    }
    site.sources.iter().find(|known| known.eq_ignore_ascii_case(name)).map(String::as_str)
}

/// The live session that this visit's browser has at `site`, which need not be the visit's own.
pub(super) fn session(sessions: &Sessions, visit: &Visit, site: &Site) -> Option<Arc<Session>> {
    let exchange = &visit.exchange;
    let tokens = cookie::tokens(&visit.config, site, &exchange.target.path, &exchange.headers);
    if tokens.contradiction {
        return None;
    }
    let mut live = tokens.offered.iter().filter_map(|token| sessions.find(token));
    live.find(|session| gate::sessions::counts(&visit.config, site, &exchange.target.path, session))
}
