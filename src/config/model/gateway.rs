//! Our own `<gateway>` node: listeners, upstreams, headers, access, local users, sessions, limits.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderName;
use url::Url;

use crate::config::fault::Origin;
use crate::crypto::secret::Secret;
use crate::http::network::Network;

/// One address the gateway listens at.
#[derive(Clone, Debug)]
pub struct Listener {
    /// Its name.
    pub name: Arc<str>,
    /// Address and port.
    pub address: SocketAddr,
    /// What it serves.
    pub kind: ListenerKind,
    /// Hosts known through it beside those of the sites, lower case; `*` for any.
    pub hosts: Vec<String>,
    /// Peers whose forwarding headers are believed. Empty believes nobody.
    pub trusted_proxies: Vec<Network>,
    /// Peers that must send a PROXY protocol header first. Empty: nobody may.
    pub proxy_protocol: Vec<Network>,
    /// Where it is declared.
    pub origin: Origin,
}

/// What a listener serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenerKind {
    /// TLS; certificate chains with their keys, the first for clients without SNI.
    Tls(Vec<(PathBuf, PathBuf)>),
    /// Plain HTTP that answers everything with a redirect to that listener's port over https.
    RedirectTo(u16),
    /// Plain HTTP behind something that terminates TLS for us.
    Plain,
    /// `/metrics` and `/healthz`, never a site.
    Operations,
}

/// The servers behind a site.
#[derive(Clone, Debug)]
pub struct UpstreamSettings {
    /// Its name.
    pub name: Arc<str>,
    /// At least one.
    pub servers: Vec<ServerAddress>,
    /// A file of PEM certificates that an https server's chain must end in; `None` is the system's.
    pub certificate_authority: Option<PathBuf>,
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
    /// Longest wait for the head of the answer.
    pub response_timeout: Duration,
    /// Longest silence inside a body or tunnel.
    pub idle_timeout: Duration,
    /// Audience of the signed assertion; the name unless configured.
    pub audience: String,
    /// Where it is declared.
    pub origin: Origin,
}

impl UpstreamSettings {
    /// Whether `other` leads to the same place in the same way, wherever it is declared.
    pub fn is_same(&self, other: &Self) -> bool {
        let Self { name, servers, certificate_authority, connect_timeout, .. } = self;
        *name == other.name
            && *servers == other.servers
            && *certificate_authority == other.certificate_authority
            && *connect_timeout == other.connect_timeout
            && self.response_timeout == other.response_timeout
            && self.idle_timeout == other.idle_timeout
            && self.audience == other.audience
    }
}

/// One server of an upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerAddress {
    /// Scheme, host and port; no path.
    pub url: Url,
}

/// What the CMS is told about the caller.
#[derive(Clone, Debug)]
pub struct IdentityHeaders {
    /// In the order they are sent; names are distinct when only letters and digits are kept.
    pub headers: Vec<IdentityHeader>,
    /// The header that carries the signed assertion, when one is wanted.
    pub assertion: Option<HeaderName>,
    /// How long an assertion is valid.
    pub assertion_lifetime: Duration,
}

/// One identity header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityHeader {
    /// Its name.
    pub name: HeaderName,
    /// What it says.
    pub source: HeaderSource,
}

/// Where the value of an identity header comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderSource {
    /// The user name, `sitecore\jane`.
    UserName,
    /// The user name without its domain.
    LocalName,
    /// The e-mail property.
    Email,
    /// The roles, joined by `,`.
    Roles,
    /// `true` for administrators, else `false`.
    IsAdministrator,
    /// The provider's name.
    Provider,
    /// A profile property.
    Property(String),
    /// Every value of a claim, joined by `,`.
    Claim(String),
    /// The principal of App Service authentication, `X-MS-CLIENT-PRINCIPAL`: base64 of a JSON object
    /// with `auth_typ`, `name_typ`, `role_typ` and every claim as `{typ, val}`.
    EasyAuthPrincipal,
}

/// A rule of `<access>`.
#[derive(Clone, Debug)]
pub struct AccessRule {
    /// Name for people: what was written, or `access rule N`.
    pub name: Arc<str>,
    /// Only on this site, when given.
    pub site: Option<Arc<str>>,
    /// Path pattern: exact, or a prefix when it ends in `/*`; canonical, compared without regard
    /// to ASCII case. One that restricts covers what lies under an exact path too.
    pub path: String,
    /// Only for these methods; empty is every method.
    pub methods: Vec<http::Method>,
    /// Who is admitted.
    pub admit: Admit,
    /// Where it is declared.
    pub origin: Origin,
}

/// Whom an access rule admits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admit {
    /// Anybody, signed in or not.
    Anonymous,
    /// Anybody who is signed in.
    SignedIn,
    /// Whoever holds one of these roles (compared without regard to case).
    Roles(Vec<String>),
    /// Nobody.
    Nobody,
}

/// A person whose name and password are kept in the configuration.
#[derive(Clone, Debug)]
pub struct LocalUser {
    /// `sitecore\jane`.
    pub name: String,
    /// E-mail, when known.
    pub email: Option<String>,
    /// `FullName`, when known.
    pub full_name: Option<String>,
    /// Argon2id in PHC form, or `membership:ALGORITHM:SALT:HASH`.
    pub password_hash: Secret,
    /// Roles given here.
    pub roles: Vec<String>,
    /// Whether this is an administrator.
    pub administrator: bool,
    /// Further claims of OpenID Connect Core §5.1 (`given_name`, `phone_number` …).
    pub claims: Vec<(String, String)>,
    /// Where it is declared.
    pub origin: Origin,
}

/// How sessions live.
#[derive(Clone, Debug)]
pub struct SessionSettings {
    /// `Owin.Authentication.DefaultAuthenticationType`: `Cookies`.
    pub authentication_type: String,
    /// Put before every cookie name of ours, such as `__Host-`; empty unless configured.
    pub cookie_prefix: String,
    /// `ExpireTimeSpan`: a session unused for this long is over (or, without sliding, this long
    /// after sign-in).
    pub expire_time_span: Duration,
    /// `SlidingExpiration`.
    pub sliding: bool,
    /// No session outlives this, however much it is used.
    pub absolute_lifetime: Duration,
    /// Lifetime of a remembered session (`Authentication.ClientPersistentLoginDuration`).
    pub remembered_lifetime: Duration,
    /// How many there may be.
    pub capacity: usize,
    /// How many of them one user may have on the sites together (`perUser`); the identity server's
    /// own are not counted, which stand behind those. `None` sets no limit.
    pub per_user: Option<usize>,
}

/// Limits on what a peer can drive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a request's head.
    pub header_bytes: usize,
    /// Lines of a request's head.
    pub header_lines: usize,
    /// Bytes of a body that is meant for the gateway itself.
    pub own_body_bytes: usize,
    /// Concurrent streams of one HTTP/2 connection.
    pub streams: u32,
    /// Open connections.
    pub connections: usize,
    /// Open connections from one address.
    pub connections_per_address: usize,
    /// Unauthenticated requests that cost something (sign-in starts, callbacks, password attempts)
    /// from one address and minute.
    pub sign_ins_per_minute: u32,
}

/// Times after which waiting ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// From accept to the end of the TLS handshake.
    pub handshake: Duration,
    /// From a request's first byte to the end of its head.
    pub head: Duration,
    /// Longest silence of a client inside a body, either way.
    pub body: Duration,
    /// An unused connection is closed after this.
    pub idle: Duration,
    /// From SIGTERM to the end.
    pub drain: Duration,
}

/// How the gateway logs, unless the command line says otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logging {
    /// One JSON object a line instead of text.
    pub json: bool,
    /// A level, `error` to `trace`.
    pub level: String,
}
