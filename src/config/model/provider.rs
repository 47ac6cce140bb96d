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
    /// Mail domains in which it gives out every address itself, in lower case: what it says of them
    /// is believed (`authoritativeFor`). Nobody is known by an address of another domain.
    pub authoritative_for: Vec<String>,
    /// Issuers that it was before, whose subjects are still its own (`formerIssuers`).
    pub former_issuers: Vec<String>,
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

    /// Who vouches for its people, as the configuration names it: the issuer, or for plain OAuth 2.0
    /// the authorization endpoint. `None` when it is no other party.
    pub fn issuer(&self) -> Option<&str> {
        match &self.protocol {
            Protocol::OpenIdConnect(connection) => Some(&connection.issuer),
            Protocol::OAuth2(connection) => Some(&connection.issuer),
            Protocol::LocalUsers | Protocol::None => None,
        }
    }

    /// Path of our redirect URI, where it answers.
    pub fn callback_path(&self) -> Option<&str> {
        match &self.protocol {
            Protocol::OpenIdConnect(connection) => Some(&connection.callback_path),
            Protocol::OAuth2(connection) => Some(&connection.callback_path),
            Protocol::LocalUsers | Protocol::None => None,
        }
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
    /// Plain OAuth 2.0 with a userinfo endpoint of the provider's own.
    OAuth2(Box<OAuth2>),
    /// The local user store: name and password on our own page.
    LocalUsers,
    /// Nothing says how (no `<connection>`); such a provider is never enabled.
    None,
}

/// Connection settings of an OpenID provider.
#[derive(Clone, Debug)]
pub struct OpenIdConnect {
    /// The issuer, exactly as its discovery document must name it; with `{tenantid}` in it, one
    /// for each tenant of Entra ID.
    pub issuer: String,
    /// Another spelling of the issuer that its ID tokens may have (Google leaves `https://` out).
    pub issuer_alias: Option<String>,
    /// Whose people are admitted where the issuer is one of many tenants'.
    pub tenants: Tenants,
    /// The organisation whose people are admitted (Google's `hd`); `None` admits everybody.
    pub hosted_domain: Option<String>,
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
    /// Where people sign out when the discovery document does not say: Auth0's `/v2/logout`, which
    /// takes `returnTo`.
    pub sign_out_address: Option<Url>,
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

impl OpenIdConnect {
    /// The place in an issuer where the id of a tenant stands.
    pub const TENANT: &str = "{tenantid}";

    /// Whether `said` is the issuer, or that of one of its tenants.
    pub fn is_issuer(&self, said: &str) -> bool {
        said == self.issuer || Self::tenant_of(&self.issuer, said).is_some()
    }

    /// The tenant's id that stands in `issuer` where `pattern` has its place for one.
    pub fn tenant_of<'i>(pattern: &str, issuer: &'i str) -> Option<&'i str> {
        let (before, after) = pattern.split_once(Self::TENANT)?;
        let id = issuer.strip_prefix(before)?.strip_suffix(after)?;
        let plain = !id.is_empty() && id.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
        plain.then_some(id)
    }
}

/// Which tenants' people are admitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tenants {
    /// Those of the one that the discovery document names; the issuer's own where it is no pattern.
    One,
    /// Those of these, by id.
    Listed(Vec<String>),
    /// Everybody's.
    Any,
}

/// Connection settings of a provider that speaks plain OAuth 2.0 (RFC 6749): nothing it says is
/// signed, so all that is known of a person is what its userinfo endpoint answers over TLS.
#[derive(Clone, Debug)]
pub struct OAuth2 {
    /// A name for the provider, its authorization endpoint unless configured.
    pub issuer: String,
    /// What an `iss` of its answers must be (RFC 9207), where that is known.
    pub response_issuer: Option<String>,
    /// Where people are sent to sign in.
    pub authorization_endpoint: Url,
    /// Where codes are redeemed.
    pub token_endpoint: Url,
    /// How people are described.
    pub userinfo: Userinfo,
    /// Our client id there.
    pub client_id: String,
    /// Our secret there; `None` for a public client.
    pub client_secret: Option<Secret>,
    /// How the secret is sent.
    pub client_authentication: ClientAuthentication,
    /// Scopes asked for.
    pub scopes: Vec<String>,
    /// What stands between two scopes: a space, or Facebook's comma.
    pub scope_separator: char,
    /// Whether PKCE is used; some providers refuse what they do not know.
    pub pkce: bool,
    /// Path of our redirect URI.
    pub callback_path: String,
    /// As [`OpenIdConnect::shares_callback`].
    pub shares_callback: bool,
    /// A file of PEM certificates that this provider's TLS chain may end in, beside the system's.
    pub certificate_authority: Option<PathBuf>,
    /// Whether plain http to the provider is refused.
    pub require_https: bool,
    /// Further parameters of the authorization request, as written.
    pub parameters: Vec<(String, String)>,
}

/// Where a provider describes a person in its own words, and which claims they become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Userinfo {
    /// The endpoint.
    pub endpoint: Url,
    /// Query parameters that it wants, such as Facebook's `fields`.
    pub parameters: Vec<(String, String)>,
    /// Whether the access token travels in the query, with Facebook's `appsecret_proof` beside it.
    pub app_secret_proof: bool,
    /// Where the e-mail addresses are, of which the verified primary one is taken (GitHub).
    pub emails: Option<Url>,
    /// The member that names the person for ever; a dot goes one object deeper.
    pub subject: String,
    /// Members and the claim types that they become.
    pub claims: Vec<MemberClaim>,
}

/// A member of a userinfo answer that becomes a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberClaim {
    /// The member; a dot goes one object deeper.
    pub member: String,
    /// The claim type.
    pub kind: String,
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
    /// `id_token` alone, always posted: what the identity server's Azure AD plugin does without a
    /// secret.
    IdToken,
}

impl ResponseType {
    /// Whether a code comes with the answer.
    pub const fn has_code(self) -> bool {
        match self {
            Self::Code | Self::CodeIdToken => true,
            Self::IdToken => false,
        }
    }

    /// Whether an ID token comes with the answer, through the browser.
    pub const fn has_id_token(self) -> bool {
        match self {
            Self::Code => false,
            Self::CodeIdToken | Self::IdToken => true,
        }
    }
}

/// `response_mode` of the authorization request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseMode {
    /// Parameters in the query of a GET.
    Query,
    /// Parameters in the body of a cross-site POST.
    FormPost,
    /// Parameters behind the `#`, which a page of ours reads and posts.
    Fragment,
}
