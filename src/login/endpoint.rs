//! The addresses of this room (spec §2.1): which path is which endpoint, whatever the method.

use crate::config::model::Config;
use crate::config::model::Destination;
use crate::config::model::OpenIdConnect;
use crate::config::model::Provider;
use crate::config::model::Site;
use crate::gate::assertion::JWKS_PATH;
use crate::http::CanonicalPath;
use crate::http::ReturnPath;
use crate::login::way::Way;

/// What an address is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint<'p> {
    /// `/identity/login/{site}/{provider}[/{inner}]`; holds what follows `login/`.
    Start(&'p str),
    /// `/identity/externallogin`
    ExternalLogin,
    /// `/identity/signin`, `/signin-oidc` and each provider's own.
    Callback,
    /// `/identity/externallogincallback`
    ExternalLoginCallback,
    /// `/identity/postexternallogout`, `/signout-callback-oidc` and each provider's own.
    PostLogout,
    /// `/identity/logout` and `/sitecore/logout`.
    Logout,
    /// `/identity/backchannel-logout`
    BackChannelLogout,
    /// `/identity/frontchannel-logout`, `/signout-oidc` and the product's own.
    FrontChannelLogout,
    /// `/identity/sign-in-urls`
    SignInUrls,
    /// `/identity/continue`: the answer to a question on the way.
    GoOn,
    /// `/sitecore/login`
    LegacyLogin,
    /// `/account/login` of the identity server.
    AccountLogin,
    /// `/external/challenge` of the identity server.
    Challenge,
    /// Anything else under the identity prefix, which the CMS ignores too.
    Nothing,
}

impl Endpoint<'_> {
    /// The methods it answers; `None` for one that judges them itself.
    pub(super) const fn methods(self) -> Option<&'static str> {
        match self {
            Self::Start(_)
            | Self::ExternalLoginCallback
            | Self::PostLogout
            | Self::SignInUrls
            | Self::Challenge => Some("GET, HEAD"),
            Self::Logout | Self::LegacyLogin | Self::AccountLogin => Some("GET, HEAD, POST"),
            // No HEAD: a program that looks ahead would use the answer up.
            Self::Callback => Some("GET, POST"),
            Self::FrontChannelLogout => Some("GET"),
            Self::GoOn => Some("POST"),
            Self::BackChannelLogout | Self::ExternalLogin | Self::Nothing => None,
        }
    }
}

/// The identity server's page for signing in.
pub(super) const ACCOUNT_LOGIN: &str = "/account/login";
const CHALLENGE: &str = "/external/challenge";
const EXTERNAL_CALLBACK: &str = "/external/callback";
const CMS_LOGOUT: &str = "/sitecore/logout";
/// Where OpenID handlers of the product's platform are told of a sign-out.
const REMOTE_LOGOUT: &str = "/signout-oidc";
/// Where the identity server's own configuration tells the CMS of one (spec §4.3).
const CMS_FRONT_CHANNEL_LOGOUT: &str = "/sitecore/shell/FrontChannelLogout";

/// The endpoint at `path` on `site`, if it is one of ours. A slash at the end makes no difference, as
/// it makes none to the CMS.
pub(super) fn find<'p>(
    config: &Config,
    site: &Site,
    path: &'p CanonicalPath,
) -> Option<Endpoint<'p>> {
    let at = path.decoded();
    let at = at.strip_suffix('/').unwrap_or(at);
    let is = |other: &str| at.eq_ignore_ascii_case(other);
    let identity_server = site.destination == Destination::IdentityServer;
    let own = if identity_server { in_folder(site, path) } else { None };
    let is_own = |other: &str| own.is_some_and(|own| own.eq_ignore_ascii_case(other));
    if is_own(ACCOUNT_LOGIN) {
        return Some(Endpoint::AccountLogin);
    }
    if is_own(CHALLENGE) {
        return Some(Endpoint::Challenge);
    }
    // A step of IdentityServer4's after the provider's answer; by itself it is an answer to nothing.
    if is_own(EXTERNAL_CALLBACK) {
        return Some(Endpoint::Callback);
    }
    if ways(config, site).any(|way| is(way.callback_path())) || is("/signin-oidc") {
        return Some(Endpoint::Callback);
    }
    let post_logout = |way: Way<'_>| way.post_logout_path().is_some_and(is);
    if ways(config, site).any(post_logout) || is("/signout-callback-oidc") {
        return Some(Endpoint::PostLogout);
    }
    if is(REMOTE_LOGOUT) || (!identity_server && is(CMS_FRONT_CHANNEL_LOGOUT)) {
        return Some(Endpoint::FrontChannelLogout);
    }
    let below = own.unwrap_or_else(|| path.decoded());
    if let Some(rest) = after_prefix(below, &config.identity_prefix) {
        let found = under_prefix(rest.strip_suffix('/').unwrap_or(rest));
        // The identity server answers for the rest of its own paths, signing out included.
        let elsewhere = matches!(found, Endpoint::Nothing | Endpoint::Logout);
        return (!identity_server || !elsewhere).then_some(found);
    }
    if identity_server {
        None
    } else if is(&config.legacy_login_page) {
        Some(Endpoint::LegacyLogin)
    } else {
        is(CMS_LOGOUT).then_some(Endpoint::Logout)
    }
}

/// A path under the site's folder, as the identity server's own pages count it.
fn in_folder<'p>(site: &Site, path: &'p CanonicalPath) -> Option<&'p str> {
    let at = path.decoded();
    let at = at.strip_suffix('/').unwrap_or(at);
    let folder = &site.virtual_folder;
    path.is_under(folder).then(|| at.get(folder.len()..)).flatten()
}

/// Reads a parameter that names a way back. Addresses of this room and of signing out lead nowhere
/// (security entry 155), except that the one of the product's own nested links is unwrapped.
pub(super) fn return_path(config: &Config, site: &Site, text: &str) -> Option<ReturnPath> {
    let path = ReturnPath::read(text)?;
    let canonical = CanonicalPath::read(path.path()).ok()?;
    match find(config, site, &canonical) {
        Some(Endpoint::ExternalLoginCallback) => {
            let query = path.as_str().split_once('?').map_or("", |(_, query)| query);
            let form = crate::http::form::Form::parse(query.as_bytes()).ok()?;
            let inner = ReturnPath::read(form.get_any_case("ReturnUrl")?)?;
            let canonical = CanonicalPath::read(inner.path()).ok()?;
            find(config, site, &canonical).is_none().then_some(inner)
        }
        Some(_) => None,
        None => {
            let leaves = site.destination == Destination::IdentityServer
                && in_folder(site, &canonical).is_some_and(|own| {
                    ["/account/logout", "/connect/endsession"]
                        .iter()
                        .any(|way_out| own.eq_ignore_ascii_case(way_out))
                });
            let no_page = canonical.is(JWKS_PATH);
            (!leaves && !no_page).then_some(path)
        }
    }
}

/// Where people begin on `site` when nothing else is said.
pub(super) fn start_page(site: &Site) -> ReturnPath {
    ReturnPath::read(&format!("{}/", site.virtual_folder)).unwrap_or_else(ReturnPath::root)
}

/// The ways to every provider that `site` could know, switched on or not.
fn ways<'c>(config: &'c Config, site: &Site) -> impl Iterator<Item = Way<'c>> {
    let providers = if site.destination == Destination::IdentityServer {
        &config.identity_server.external_providers
    } else {
        &config.providers
    };
    providers.iter().filter_map(|provider| Way::to(provider))
}

/// How `provider` is reached by OpenID Connect.
pub(super) fn connection(provider: &Provider) -> Option<&OpenIdConnect> {
    match Way::to(provider)? {
        Way::OpenIdConnect(connection) => Some(connection),
        Way::OAuth2(_) => None,
    }
}

fn under_prefix(rest: &str) -> Endpoint<'_> {
    if let Some(target) = after_prefix(rest, "login/") {
        return Endpoint::Start(target);
    }
    let known = [
        ("externallogin", Endpoint::ExternalLogin),
        ("externallogincallback", Endpoint::ExternalLoginCallback),
        ("signin", Endpoint::Callback),
        ("postexternallogout", Endpoint::PostLogout),
        ("logout", Endpoint::Logout),
        ("backchannel-logout", Endpoint::BackChannelLogout),
        ("frontchannel-logout", Endpoint::FrontChannelLogout),
        ("sign-in-urls", Endpoint::SignInUrls),
        ("continue", Endpoint::GoOn),
    ];
    known
        .into_iter()
        .find(|(name, _)| rest.eq_ignore_ascii_case(name))
        .map_or(Endpoint::Nothing, |(_, endpoint)| endpoint)
}

fn after_prefix<'p>(path: &'p str, prefix: &str) -> Option<&'p str> {
    let (head, rest) = path.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}
