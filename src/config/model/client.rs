//! An application that signs in at the identity server: IdentityServer4's `Client`, property by
//! property.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::config::fault::Origin;
use crate::crypto::secret::Secret;

/// Schemes of addresses that no answer is ever sent to: browsers run them, or send them elsewhere.
pub const FORBIDDEN_SCHEMES: [&str; 13] = [
    "about",
    "blob",
    "data",
    "file",
    "ftp",
    "javascript",
    "mailto",
    "ssh",
    "tel",
    "vbscript",
    "view-source",
    "ws",
    "wss",
];

/// An application that signs in at the identity server. Disabled ones are left out.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a property of IdentityServer4's Client")]
pub struct Client {
    /// `ClientId`, compared exactly.
    pub id: String,
    /// `ClientName`; the id when absent.
    pub name: String,
    /// `Description`, for people.
    pub description: Option<String>,
    /// `ClientUri`: where people read about it.
    pub client_uri: Option<String>,
    /// `LogoUri`.
    pub logo_uri: Option<String>,
    /// `ProtocolType`; a client of another protocol than `oidc` signs nobody in here.
    pub protocol: String,
    /// Grants allowed: `authorization_code`, `hybrid`, `client_credentials` …
    pub grant_types: Vec<String>,
    /// Redirect URIs, `{AllowedCorsOrigin}` expanded; compared exactly.
    pub redirect_uris: Vec<String>,
    /// `AllowLoopbackPorts`: a registered redirect URI on a loopback address is met with any port
    /// (RFC 8252 §7.3).
    pub loopback_ports: bool,
    /// Post-logout redirect URIs, expanded; compared exactly, unless
    /// [`post_logout_query`](Self::post_logout_query).
    pub post_logout_redirect_uris: Vec<String>,
    /// `AllowPostLogoutQuery`: a query added to a registered post-logout URI is accepted.
    pub post_logout_query: bool,
    /// `FrontChannelLogoutUri` and `FrontChannelLogoutUris`, expanded.
    pub front_channel_logout_uris: Vec<String>,
    /// `FrontChannelLogoutSessionRequired`: the iframe gets `iss` and `sid`.
    pub front_channel_session_required: bool,
    /// `BackChannelLogoutUri`, expanded for the first origin.
    pub back_channel_logout_uri: Option<String>,
    /// `BackChannelLogoutSessionRequired`: the logout token bears `sid`.
    pub back_channel_session_required: bool,
    /// `CoordinateLifetimeWithUserSession`: what was given out in a session ends with it.
    pub coordinate_with_session: bool,
    /// Origins that may call from a browser.
    pub cors_origins: Vec<String>,
    /// Scopes that may be asked for.
    pub scopes: Vec<String>,
    /// Secrets and keys; any one that has not ended is enough.
    pub secrets: Vec<ClientSecret>,
    /// `RequireClientSecret`.
    pub require_secret: bool,
    /// `RequirePkce`.
    pub require_pkce: bool,
    /// `AllowPlainTextPkce`.
    pub allow_plain_pkce: bool,
    /// `RequireRequestObject`.
    pub require_request_object: bool,
    /// `RequirePushedAuthorization` (RFC 9126).
    pub require_pushed_authorization: bool,
    /// `RequireDPoP` (RFC 9449).
    pub require_dpop: bool,
    /// `AllowOfflineAccess`.
    pub offline_access: bool,
    /// `AllowAccessTokensViaBrowser`.
    pub tokens_via_browser: bool,
    /// `AlwaysIncludeUserClaimsInIdToken`.
    pub user_claims_in_id_token: bool,
    /// `RequireConsent`.
    pub require_consent: bool,
    /// `AllowRememberConsent`.
    pub remember_consent: bool,
    /// `ConsentLifetime`; `None`: a consent that is remembered has no end.
    pub consent_lifetime: Option<Duration>,
    /// `EnableLocalLogin`.
    pub local_login: bool,
    /// `IdentityProviderRestrictions`: the only external providers that count; all when empty.
    pub identity_provider_restrictions: Vec<String>,
    /// `UserSsoLifetime`: an older sign-in is asked for anew.
    pub user_sso_lifetime: Option<Duration>,
    /// `AccessTokenType`.
    pub access_token_type: AccessTokenType,
    /// `IncludeJwtId`.
    pub include_jwt_id: bool,
    /// `AccessTokenLifetime`.
    pub access_token_lifetime: Duration,
    /// `IdentityTokenLifetime`.
    pub id_token_lifetime: Duration,
    /// `AllowedIdentityTokenSigningAlgorithms`, in the order of preference; RS256 when empty.
    pub id_token_algorithms: Vec<String>,
    /// `AuthorizationCodeLifetime`; one minute unless written.
    pub code_lifetime: Duration,
    /// `DeviceCodeLifetime`.
    pub device_code_lifetime: Duration,
    /// What becomes of refresh tokens.
    pub refresh: RefreshRules,
    /// `Claims`: type and value, about the client itself.
    pub claims: Vec<(String, String)>,
    /// `ClientClaimsPrefix`: put before the type of each of [`claims`](Self::claims).
    pub claims_prefix: String,
    /// `AlwaysSendClientClaims`: also in the tokens of a person.
    pub always_send_claims: bool,
    /// `Properties` and every other property as written, by `:`-separated name.
    pub other: BTreeMap<String, String>,
    /// Where it is declared.
    pub origin: Origin,
}

impl Client {
    /// A client with IdentityServer4's defaults: no grant, no address, no secret, and needing one.
    pub fn named(id: &str, origin: Origin) -> Self {
        Self {
            id: id.to_owned(),
            name: id.to_owned(),
            description: None,
            client_uri: None,
            logo_uri: None,
            protocol: "oidc".to_owned(),
            grant_types: Vec::new(),
            redirect_uris: Vec::new(),
            loopback_ports: false,
            post_logout_redirect_uris: Vec::new(),
            post_logout_query: false,
            front_channel_logout_uris: Vec::new(),
            front_channel_session_required: true,
            back_channel_logout_uri: None,
            back_channel_session_required: true,
            coordinate_with_session: true,
            cors_origins: Vec::new(),
            scopes: Vec::new(),
            secrets: Vec::new(),
            require_secret: true,
            require_pkce: true,
            allow_plain_pkce: false,
            require_request_object: false,
            require_pushed_authorization: false,
            require_dpop: false,
            offline_access: false,
            tokens_via_browser: false,
            user_claims_in_id_token: false,
            require_consent: false,
            remember_consent: true,
            consent_lifetime: None,
            local_login: true,
            identity_provider_restrictions: Vec::new(),
            user_sso_lifetime: None,
            access_token_type: AccessTokenType::Jwt,
            include_jwt_id: true,
            access_token_lifetime: Duration::from_hours(1),
            id_token_lifetime: Duration::from_mins(5),
            id_token_algorithms: Vec::new(),
            code_lifetime: Duration::from_mins(1),
            device_code_lifetime: Duration::from_mins(5),
            refresh: RefreshRules::default(),
            claims: Vec::new(),
            claims_prefix: "client_".to_owned(),
            always_send_claims: false,
            other: BTreeMap::new(),
            origin,
        }
    }
}

/// What an access token is to whoever carries it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AccessTokenType {
    /// A signed token that says everything itself.
    #[default]
    Jwt,
    /// A handle that says nothing and is asked about (introspection).
    Reference,
}

/// What becomes of a client's refresh tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshRules {
    /// `RefreshTokenUsage`.
    pub usage: RefreshUsage,
    /// `RefreshTokenExpiration`.
    pub expiration: RefreshExpiration,
    /// `AbsoluteRefreshTokenLifetime`: after the sign-in; zero is without end, which goes with
    /// sliding expiration only.
    pub absolute: Duration,
    /// `SlidingRefreshTokenLifetime`: after the last use.
    pub sliding: Duration,
    /// `UpdateAccessTokenClaimsOnRefresh`: the person's claims are looked up again.
    pub update_claims: bool,
}

impl Default for RefreshRules {
    fn default() -> Self {
        Self {
            usage: RefreshUsage::OneTimeOnly,
            expiration: RefreshExpiration::Absolute,
            absolute: Duration::from_hours(30 * 24),
            sliding: Duration::from_hours(15 * 24),
            update_claims: false,
        }
    }
}

/// How often a refresh token serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshUsage {
    /// Each use answers with a new one, and the old one is spent.
    OneTimeOnly,
    /// The same one serves until it ends.
    ReUse,
}

/// What a refresh token's end is counted from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshExpiration {
    /// The sign-in.
    Absolute,
    /// The last use, though never past the absolute end.
    Sliding,
}

/// One secret or key of a client, or of an API at introspection.
#[derive(Clone, Debug)]
pub struct ClientSecret {
    /// What it is known by; see [`SecretKind`].
    pub value: Secret,
    /// What the value is.
    pub kind: SecretKind,
    /// `Expiration`: from this moment it proves nothing.
    pub expires_at: Option<Timestamp>,
}

impl ClientSecret {
    /// A secret that two parties share, without an end.
    pub fn shared(value: impl Into<String>) -> Self {
        Self { value: Secret::new(value), kind: SecretKind::Shared, expires_at: None }
    }

    /// Whether it still proves something at `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}

/// What a secret's value is (IdentityServer4's `SecretTypes`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretKind {
    /// `SharedSecret`: plain text, base64 of its SHA-256 or SHA-512, or an Argon2id PHC string.
    Shared,
    /// `JWK`: a public JSON Web Key, as JSON (RFC 7517).
    Jwk,
    /// `X509CertificateBase64`: a certificate, DER in base64.
    X509Base64,
    /// `X509Thumbprint`: the SHA-1 of a certificate, in hex.
    X509Thumbprint,
    /// `X509Name`: the subject of a certificate.
    X509Name,
}
