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
    let identity = ["idsrv", PUBLIC].iter().any(|name| rest.eq_ignore_ascii_case(name));
    session || identity || is_login_cookie(cookie)
}

/// The cookie that tells the identity server's session-management frame which session there is.
const PUBLIC: &str = "idsrv.session";

/// Its name, prefix included.
pub fn public_name(settings: &SessionSettings) -> String {
    format!("{}{PUBLIC}", settings.cookie_prefix)
}

/// The line that tells scripts on the identity server's site the session's public name, which opens
/// nothing. `None` on any other site.
pub fn set_public(
    settings: &SessionSettings,
    site: &Site,
    session: &Session,
) -> Option<HeaderValue> {
    public(settings, site, &session.public_id, lifetime(session))
}

/// The line that takes it away again. `None` where there never is one.
pub fn remove_public(settings: &SessionSettings, site: &Site) -> Option<HeaderValue> {
    public(settings, site, "", Some(0))
}

fn public(
    settings: &SessionSettings,
    site: &Site,
    value: &str,
    max_age: Option<u64>,
) -> Option<HeaderValue> {
    let name = public_name(settings);
    let cookie = OwnCookie { readable: true, ..own(site, &name, value, max_age) };
    (site.destination == Destination::IdentityServer).then(|| cookie.header())
}

/// How long the browser keeps a session's cookies; `None` until it closes.
fn lifetime(session: &Session) -> Option<u64> {
    let seconds = session.ends_at.since(session.began_at).as_secs();
    session.identity.remembered.then_some(seconds)
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
    own(site, name, token, lifetime(session)).header()
}

/// The line that removes a session's cookie.
pub fn remove(site: &Site, name: &str) -> HeaderValue {
    own(site, name, "", None).removal()
}

fn own<'a>(site: &Site, name: &'a str, value: &'a str, max_age: Option<u64>) -> OwnCookie<'a> {
    let cross_site = site.destination == Destination::IdentityServer;
    OwnCookie { name, value, cross_site, readable: false, max_age }
}

fn strip_prefix_any_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}
