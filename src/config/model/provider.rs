//! Identity providers that people sign in at, and how to reach them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use crate::config::fault::Origin;
use crate::config::model::transformation::Transformation;
use crate::crypto::secret::Secret;

/// One `<identityProvider>` with its `<connection>`, or an external provider of the identity server.
#[derive(Clone, Debug)]
pub struct Provider {
    /// `id`, compared exactly: `SitecoreIdentityServer`, or `SitecoreIdentityServer/IdS4-AzureAd`
    /// for a subprovider.
    pub name: Arc<str>,
    /// Text of its button; the name when nothing was written.
    pub caption: String,
    /// Image of its button: a path on this host or an https URL.
    pub icon: Option<String>,
    /// Domain of the users it brings; `None` can build no user.
    pub domain: Option<String>,
    /// Whether it can be used.
    pub state: ProviderState,
    /// `triggerExternalSignOut`: signing out here goes on to the provider.
    pub trigger_external_sign_out: bool,
    /// `clearRolesWhenSignIn`.
    pub clear_roles_when_sign_in: bool,
    /// Shared transformations first, each once, then its own, in order. A subprovider has its
    /// gateway provider's.
    pub transformations: Vec<Transformation>,
    /// Whether inbound claims are renamed as Microsoft's JWT handler does (spec §1.3).
    pub map_inbound_claims: bool,
    /// The gateway provider and the scheme, for a subprovider: `(SitecoreIdentityServer,
    /// IdS4-AzureAd)`.
    pub subprovider: Option<(Arc<str>, String)>,
    /// How to reach it.
    pub protocol: Protocol,
    /// Where it is declared.
    pub origin: Origin,
}

/// What claims call the local user store (without regard to case): a provider of such a name would
/// pass its people off as local users.
pub const LOCAL_ISSUERS: [&str; 3] = ["local", "LocalAuthority", "LOCAL AUTHORITY"];

impl Provider {
    /// Whether `name` is one of the local user store's.
    pub fn is_local_issuer(name: &str) -> bool {
        LOCAL_ISSUERS.iter().any(|local| name.eq_ignore_ascii_case(local))
    }

    /// Whether people can sign in with it now.
    pub fn is_enabled(&self) -> bool {
        matches!(self.state, ProviderState::Enabled)
    }
}

/// Whether a provider can be used, and if not, why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProviderState {
    /// Usable.
    Enabled,
    /// Its owner switched it off (`enabled`, or the gateway provider of a subprovider).
    Off,
    /// It cannot work as written; the reason, for people.
    Broken(String),
}

/// How to reach a provider.
#[derive(Clone, Debug)]
pub enum Protocol {
    /// OpenID Connect.
    OpenIdConnect(Box<OpenIdConnect>),
    /// The local user store: name and password on our own page.
    LocalUsers,
    /// Nothing says how (no `<connection>`); such a provider is never enabled.
    None,
}

/// Connection settings of an OpenID provider.
#[derive(Clone, Debug)]
pub struct OpenIdConnect {
    /// The issuer, exactly as its discovery document must name it.
    pub issuer: String,
    /// Where the discovery document is, when not under the issuer (`metadataAddress`).
    pub metadata_address: Option<Url>,
    /// Our client id there.
    pub client_id: String,
    /// Our secret there; `None` for a public client.
    pub client_secret: Option<Secret>,
    /// How the secret is sent.
    pub client_authentication: ClientAuthentication,
    /// Scopes asked for, `openid` always among them.
    pub scopes: Vec<String>,
    /// `code`, or the hybrid `code id_token`.
    pub response_type: ResponseType,
    /// How the provider answers.
    pub response_mode: ResponseMode,
    /// Path of our redirect URI, `/identity/signin` or `/signin-oidc` unless configured.
    pub callback_path: String,
    /// Whether an enabled connection of the same room (the CMS's sites; the identity server) to another
    /// issuer has the same callback path, compared without regard to case: an answer there says only
    /// by its `iss` whose it is (RFC 9207, RFC 9700 §4.4).
    pub shares_callback: bool,
    /// Path of our post-logout redirect URI.
    pub post_logout_path: String,
    /// Algorithms accepted for ID tokens, such as `RS256`; never empty, never `none`.
    pub signing_algorithms: Vec<String>,
    /// Accepted difference between the clocks: at most five minutes.
    pub clock_skew: Duration,
    /// Whether claims of the userinfo endpoint are merged in.
    pub userinfo: bool,
    /// A file of PEM certificates that this provider's TLS chain may end in, beside the system's.
    pub certificate_authority: Option<PathBuf>,
    /// Whether plain http to the provider is refused (`RequireHttpsMetadata`).
    pub require_https: bool,
    /// How long after the last tokens came the next request of a session asks for new ones
    /// (`refreshAfter`); `None`: when the access token has expired.
    pub refresh_after: Option<Duration>,
    /// Further parameters of the authorization request, as written (`prompt`, `domain_hint` …).
    pub parameters: Vec<(String, String)>,
}

/// How a confidential client authenticates at the token endpoint (OpenID Connect Core §9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAuthentication {
    /// `client_secret_basic`: id and secret form-encoded, then Basic (RFC 6749 §2.3.1).
    Basic,
    /// Basic without form encoding, for providers that forget to decode.
    BasicRaw,
    /// `client_secret_post`.
    Post,
}

/// `response_type` of the authorization request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseType {
    /// `code`
    Code,
    /// `code id_token`, the hybrid flow.
    CodeIdToken,
}

/// `response_mode` of the authorization request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseMode {
    /// Parameters in the query of a GET.
    Query,
    /// Parameters in the body of a cross-site POST.
    FormPost,
}
