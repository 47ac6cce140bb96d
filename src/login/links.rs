//! Addresses of this room with their parameters, as they stand in links, forms and redirects.

use percent_encoding::AsciiSet;
use percent_encoding::NON_ALPHANUMERIC;
use percent_encoding::utf8_percent_encode;
use url::form_urlencoded::Serializer;

use crate::config::model::Config;
use crate::config::model::Site;
use crate::http::ReturnPath;
use crate::login::endpoint::ACCOUNT_LOGIN;
use crate::login::place;
use crate::session::Identity;
use crate::session::Visit;
use crate::users::local;

/// What a path keeps unescaped.
const PATH: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// `/identity/login/{site}/{provider}[/{inner}]`: begins a sign-in when it is opened.
pub(super) fn start(
    config: &Config,
    site: &Site,
    provider: &str,
    scheme: Option<&str>,
    return_path: &ReturnPath,
) -> String {
    let mut path = format!("{}login/{}/{provider}", config.identity_prefix, site.name);
    if let Some(scheme) = scheme {
        path.push('/');
        path.push_str(scheme);
    }
    let path = utf8_percent_encode(&path, PATH);
    with_query(&path.to_string(), &[("returnUrl", return_path.as_str())])
}

/// Where somebody who is signed in to `site` proves anew who they are, with the provider that they
/// came from, and then goes on to `return_path`.
pub fn sign_in_anew(
    config: &Config,
    site: &Site,
    identity: &Identity,
    return_path: &ReturnPath,
) -> String {
    if *identity.provider == *local::PROVIDER {
        return local_form(config, site, Some(return_path));
    }
    let begins = start(config, site, &identity.provider, None, return_path);
    let (path, query) = begins.split_once('?').unwrap_or((&begins, ""));
    // The login page may name an inner provider as well.
    let page = site.login_page.as_deref().and_then(|page| page.split('?').next());
    let inner = page.filter(|page| page.strip_prefix(path).is_some_and(|i| i.starts_with('/')));
    format!("{}?{query}&prompt=login", inner.unwrap_or(path))
}

/// `/identity/externallogin?…`: begins a sign-in when it is posted (spec §2.1, §2.3).
pub(super) fn external_login(
    config: &Config,
    site: &Site,
    provider: &str,
    return_path: &ReturnPath,
) -> String {
    let path = format!("{}{}externallogin", folder(site), config.identity_prefix);
    let parameters = [
        ("authenticationType", provider),
        ("ReturnUrl", return_path.as_str()),
        ("sc_site", &*site.name),
    ];
    with_query(&path, &parameters)
}

/// The page with the local form of `site`.
pub(super) fn local_form(config: &Config, site: &Site, return_path: Option<&ReturnPath>) -> String {
    let way_back = return_path.map(|path| ("returnUrl", path.as_str()));
    if place::is_identity_server(site) {
        return with_query(&format!("{}{ACCOUNT_LOGIN}", folder(site)), way_back.as_slice());
    }
    let parameters: Vec<_> = [("fbc", "1")].into_iter().chain(way_back).collect();
    with_query(&config.legacy_login_page, &parameters)
}

/// `/identity/continue`: where the answer to a question on the way is posted.
pub(super) fn go_on(config: &Config, site: &Site) -> String {
    format!("{}{}continue", folder(site), config.identity_prefix)
}

/// Where somebody of whom nothing is known can sign in at `site`.
pub(super) fn sign_in(visit: &Visit, site: &Site) -> String {
    if place::is_identity_server(site) {
        return local_form(&visit.config, site, None);
    }
    site.login_page.clone().unwrap_or_else(|| visit.config.legacy_login_page.clone())
}

/// What stands before the identity server's own paths; the CMS sites' are the host's.
fn folder(site: &Site) -> &str {
    if place::is_identity_server(site) { &site.virtual_folder } else { "" }
}

/// `address` with parameters added to its query.
pub(super) fn with_query(address: &str, parameters: &[(&str, &str)]) -> String {
    if parameters.is_empty() {
        return address.to_owned();
    }
    let query = Serializer::new(String::new()).extend_pairs(parameters).finish();
    let joint = if address.contains('?') { '&' } else { '?' };
    format!("{address}{joint}{query}")
}
