//! Names of session cookies (spec §2.4), and reading and writing them.

use http::HeaderMap;
use http::HeaderValue;

use crate::config::model::Config;
use crate::config::model::Destination;
use crate::config::model::SessionSettings;
use crate::config::model::Site;
use crate::http::CanonicalPath;
use crate::http::cookies::Cookies;
use crate::http::cookies::Named;
use crate::http::cookies::OwnCookie;
use crate::session::Session;

/// The authentication source that every site reads.
pub const DEFAULT_SOURCE: &str = "Default";

/// The cookie that carries sessions of `source` on `site`: `.AspNet.` + type, then `.` + source
/// unless that is `Default`; `idsrv` on the identity server. The configured prefix comes first.
pub fn name(settings: &SessionSettings, site: &Site, source: &str) -> String {
    let prefix = &settings.cookie_prefix;
    if site.destination == Destination::IdentityServer {
        return format!("{prefix}idsrv");
    }
    let kind = &settings.authentication_type;
    if source.eq_ignore_ascii_case(DEFAULT_SOURCE) {
        format!("{prefix}.AspNet.{kind}")
    } else {
        format!("{prefix}.AspNet.{kind}.{source}")
    }
}

/// Whether `cookie` is a name of ours on any site: such cookies never go upstream, and an upstream
/// never sets them. Compared without regard to case, because some servers fold it.
pub fn is_ours(settings: &SessionSettings, cookie: &str) -> bool {
    let prefix = &settings.cookie_prefix;
    let Some(rest) = strip_prefix_any_case(cookie, prefix) else { return is_login_cookie(cookie) };
    let kind = format!(".AspNet.{}", settings.authentication_type);
    let session = strip_prefix_any_case(rest, &kind)
        .is_some_and(|source| source.is_empty() || source.starts_with('.'));
    session || rest.eq_ignore_ascii_case("idsrv") || is_login_cookie(cookie)
}

/// The cookie that binds started sign-ins to a browser.
pub const LOGIN_COOKIE: &str = "__Host-vestibule-login";

fn is_login_cookie(cookie: &str) -> bool {
    cookie.eq_ignore_ascii_case(LOGIN_COOKIE)
}

/// The tokens that a request offers on `site`, in the order the sources are tried: `Default`, then
/// the site's own sources, except on paths that resolve to the default source only.
pub fn tokens<'a>(
    config: &Config,
    site: &Site,
    path: &CanonicalPath,
    headers: &'a HeaderMap,
) -> Tokens<'a> {
    let cookies = Cookies::of(headers);
    let mut tokens = Tokens { offered: Vec::new(), contradiction: false };
    tokens.read(cookies, &name(&config.sessions, site, DEFAULT_SOURCE));
    let default_only = config.default_source_paths.iter().any(|prefix| path.is_under(prefix));
    if !default_only && site.destination != Destination::IdentityServer {
        for source in &site.sources {
            tokens.read(cookies, &name(&config.sessions, site, source));
        }
    }
    tokens
}

/// What a request's cookies offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens<'a> {
    /// One token a source.
    pub offered: Vec<&'a str>,
    /// Whether two different values stood under one name of ours: then there is no session at all.
    pub contradiction: bool,
}

impl<'a> Tokens<'a> {
    fn read(&mut self, cookies: Cookies<'a>, name: &str) {
        match cookies.named(name) {
            Named::Absent => {}
            Named::One(token) => self.offered.push(token),
            Named::Contradiction => self.contradiction = true,
        }
    }
}

/// The `Set-Cookie` line for a session that has just begun. Cross-site only on the identity server,
/// where authorize may be posted or framed from elsewhere.
pub fn set(site: &Site, name: &str, token: &str, session: &Session) -> HeaderValue {
    let lifetime = session.ends_at.since(session.began_at).as_secs();
    own(site, name, token, session.identity.remembered.then_some(lifetime)).header()
}

/// The line that removes a session's cookie.
pub fn remove(site: &Site, name: &str) -> HeaderValue {
    own(site, name, "", None).removal()
}

fn own<'a>(site: &Site, name: &'a str, value: &'a str, max_age: Option<u64>) -> OwnCookie<'a> {
    let cross_site = site.destination == Destination::IdentityServer;
    OwnCookie { name, value, cross_site, max_age }
}

fn strip_prefix_any_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}
