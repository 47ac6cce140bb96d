//! Whether a session counts on a site: its provider must be mapped there and enabled now, and still
//! be the same issuer.

use crate::config::model::Config;
use crate::config::model::Destination;
use crate::config::model::LocalUser;
use crate::config::model::Provider;
use crate::config::model::Site;
use crate::http::CanonicalPath;
use crate::session::Session;
use crate::users::local;

/// Whether `session` is one on `path` of `site` (`CheckIdentityProvider` and
/// `ValidateSiteNeutralPaths` of the product, spec §1.9).
pub fn counts(config: &Config, site: &Site, path: &CanonicalPath, session: &Session) -> bool {
    let home = config.site(&session.identity.site);
    if home.is_none_or(|home| !same_kind(home, site)) {
        return false;
    }
    let provider = &*session.identity.provider;
    if provider == local::PROVIDER {
        return local_user_counts(config, site, session);
    }
    if is_identity_server(site) {
        let external = &config.identity_server.external_providers;
        return external.iter().any(|p| *p.name == *provider && vouches(p, session));
    }
    site.providers.find(provider).is_some_and(|p| vouches(p, session))
        || (config.site_neutral_paths.iter().any(|prefix| path.is_under(prefix))
            && config.provider(provider).is_some_and(|p| vouches(p, session)))
}

/// Whether `provider` is switched on and the issuer that the session came from, which it is no more
/// when its owner has pointed its name elsewhere.
fn vouches(provider: &Provider, session: &Session) -> bool {
    provider.is_enabled() && provider.issuer() == session.identity.issuer.as_deref()
}

/// Whether two sites share their sessions and addresses: those of the identity server, of the pages
/// for administrators and of the CMS each keep to themselves, whatever cookie or host they come in
/// (security.md J226).
pub fn same_kind(one: &Site, other: &Site) -> bool {
    let is_admin = |site: &Site| site.destination == Destination::Admin;
    is_identity_server(one) == is_identity_server(other) && is_admin(one) == is_admin(other)
}

fn is_identity_server(site: &Site) -> bool {
    site.destination == Destination::IdentityServer
}

/// A local user counts on the identity server and on the sites of the user's own domain, as long as
/// the configuration has the user with the same rights: who was given or lost some signs in anew.
/// Sessions of a user that the store keeps end with the user.
fn local_user_counts(config: &Config, site: &Site, session: &Session) -> bool {
    let name = &session.identity.user.name;
    let domain = name.split_once('\\').map_or("", |(domain, _)| domain);
    let own_domain = site.domain.as_deref().is_some_and(|d| d.eq_ignore_ascii_case(domain));
    let rights = |local: &LocalUser| {
        let user = &session.identity.user;
        local.administrator == user.is_administrator && local.roles == user.roles
    };
    (is_identity_server(site) || own_domain)
        && (session.identity.persistent || local::configured(config, name).is_some_and(rights))
}
