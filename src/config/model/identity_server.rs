//! The identity server's clients, resources, external providers and options (spec §4).

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::config::fault::Origin;
pub use crate::config::model::client::AccessTokenType;
pub use crate::config::model::client::Client;
pub use crate::config::model::client::ClientSecret;
pub use crate::config::model::client::RefreshExpiration;
pub use crate::config::model::client::RefreshRules;
pub use crate::config::model::client::RefreshUsage;
pub use crate::config::model::client::SecretKind;
use crate::config::model::provider::Provider;

/// Everything under `Sitecore:IdentityServer` and `Sitecore:ExternalIdentityProviders`.
#[derive(Clone, Debug, Default)]
pub struct IdentityServerSettings {
    /// `https://id.example.test`, without a trailing slash: the `iss` of every token. `None` when
    /// no site is an identity server.
    pub issuer: Option<String>,
    /// Enabled clients.
    pub clients: Vec<Arc<Client>>,
    /// Identity resources: scopes that release claims of the user.
    pub identity_resources: Vec<Resource>,
    /// API resources: audiences. Each owns the scopes that it lists.
    pub api_resources: Vec<Resource>,
    /// API scopes: those under `ApiScopes`, and those that only an API resource lists.
    pub api_scopes: Vec<Resource>,
    /// External providers: the buttons of the login page.
    pub external_providers: Vec<Arc<Provider>>,
    /// `AccountOptions`, by name, as written.
    pub account_options: BTreeMap<String, String>,
    /// `AccountPrefix`: put before a user name without a domain; `sitecore\`.
    pub account_prefix: String,
    /// A file of PEM certificates that clients' TLS chains may end in, beside the system's
    /// (`clientsCa`).
    pub clients_authority: Option<PathBuf>,
    /// How often a wrong password may be tried.
    pub password_attempts: PasswordAttempts,
    /// IdentityServer4's options.
    pub options: ServerOptions,
    /// The dictionary with all that was read, by `:`-separated key; secrets are `***`.
    pub values: BTreeMap<String, String>,
}

impl IdentityServerSettings {
    /// One of `AccountOptions`, as written.
    pub fn account_option(&self, name: &str) -> Option<&str> {
        let mut options = self.account_options.iter();
        let written = options.find(|(known, _)| known.eq_ignore_ascii_case(name));
        written.map(|(_, value)| value.as_str())
    }

    /// Whether one of `AccountOptions` is on, as it is unless it says `false`.
    pub fn allows(&self, option: &str) -> bool {
        let written = self.account_option(option);
        written.is_none_or(|value| !value.trim().eq_ignore_ascii_case("false"))
    }
}

/// `SitecoreMembershipOptions`: how often a wrong password may be tried for one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordAttempts {
    /// `MaxInvalidPasswordAttempts`.
    pub most: u32,
    /// `PasswordAttemptWindow`, in minutes there: how far apart they count together, and how long
    /// none is taken after the last of so many.
    pub window: Duration,
}

impl Default for PasswordAttempts {
    fn default() -> Self {
        Self { most: 5, window: Duration::from_mins(10) }
    }
}

/// An identity resource, an API resource or an API scope. Disabled ones are left out.
#[derive(Clone, Debug)]
pub struct Resource {
    /// The scope, or for an API resource the audience.
    pub name: String,
    /// Name for people.
    pub display_name: String,
    /// `Description`, for people.
    pub description: Option<String>,
    /// Claims it releases.
    pub user_claims: Vec<String>,
    /// `ApiSecrets` of an API resource.
    pub secrets: Vec<ClientSecret>,
    /// Scopes that an API resource owns; one of its own name when its file lists none.
    pub scopes: Vec<String>,
    /// `Required`: cannot be unticked on the consent page.
    pub required: bool,
    /// `Emphasize`: stands out on the consent page.
    pub emphasize: bool,
    /// Whether it is listed in discovery.
    pub shown: bool,
    /// `AccessTokenProfile` of an API resource.
    pub access_token_profile: AccessTokenProfile,
    /// `AllowedAccessTokenSigningAlgorithms` of an API resource; RS256 when empty.
    pub algorithms: Vec<String>,
    /// Where it is declared; `None` for one of the standard scopes.
    pub origin: Option<Origin>,
}

impl Resource {
    /// A resource that releases nothing, shown, owning no scope.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            display_name: name.to_owned(),
            description: None,
            user_claims: Vec::new(),
            secrets: Vec::new(),
            scopes: Vec::new(),
            required: false,
            emphasize: false,
            shown: true,
            access_token_profile: AccessTokenProfile::default(),
            algorithms: Vec::new(),
            origin: None,
        }
    }
}

/// The shape of the access tokens that are meant for an API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AccessTokenProfile {
    /// IdentityServer4's: `scope` an array, no `sub` without a person.
    #[default]
    IdentityServer4,
    /// RFC 9068's: `sub` and `aud` always, `scope` a string.
    Rfc9068,
}

/// IdentityServer4's `IdentityServerOptions`, as far as they change what is seen.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is one of IdentityServer4's options")]
pub struct ServerOptions {
    /// Which endpoints there are.
    pub endpoints: Endpoints,
    /// What the discovery document tells.
    pub discovery: DiscoveryOptions,
    /// `LowerCaseIssuerUri`: an issuer that is derived from a host is in lower case.
    pub lower_case_issuer: bool,
    /// `EmitStaticAudienceClaim`: access tokens also have the audience `{issuer}/resources`.
    pub static_audience: bool,
    /// `EmitScopesAsSpaceDelimitedStringInJwt`: `scope` is a string, not an array.
    pub scopes_as_string: bool,
    /// `EmitStateHash`: `s_hash` in the ID token of an answer to a `state`.
    pub state_hash: bool,
    /// `StrictJARValidation`: a request object needs the type `oauth-authz-req+jwt`.
    pub strict_request_objects: bool,
    /// `JwtValidationClockSkew`: how far other clocks may be off.
    pub clock_skew: Duration,
    /// `Authentication:CookieLifetime`: how long a sign-in without "remember me" lasts.
    pub sso_lifetime: Duration,
    /// `AccountOptions:RememberMeLoginDuration`: how long one with it lasts.
    pub remembered_lifetime: Duration,
    /// `DeviceFlow:Interval`: the least time between two polls of a device.
    pub device_interval: Duration,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            endpoints: Endpoints::default(),
            discovery: DiscoveryOptions::default(),
            lower_case_issuer: true,
            static_audience: false,
            scopes_as_string: false,
            state_hash: true,
            strict_request_objects: false,
            clock_skew: Duration::from_mins(5),
            sso_lifetime: Duration::from_hours(10),
            remembered_lifetime: Duration::from_hours(30 * 24),
            device_interval: Duration::from_secs(5),
        }
    }
}

/// `Endpoints`: which are there; one that is not is missing from discovery and answers 404.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each switches an endpoint")]
pub struct Endpoints {
    /// `EnableAuthorizeEndpoint`.
    pub authorize: bool,
    /// `EnableTokenEndpoint`.
    pub token: bool,
    /// `EnableUserInfoEndpoint`.
    pub userinfo: bool,
    /// `EnableDiscoveryEndpoint`.
    pub discovery: bool,
    /// `EnableEndSessionEndpoint`.
    pub end_session: bool,
    /// `EnableCheckSessionEndpoint`.
    pub check_session: bool,
    /// `EnableTokenRevocationEndpoint`.
    pub revocation: bool,
    /// `EnableIntrospectionEndpoint`.
    pub introspection: bool,
    /// `EnableDeviceAuthorizationEndpoint`.
    pub device_authorization: bool,
    /// `EnablePushedAuthorizationEndpoint`.
    pub pushed_authorization: bool,
    /// `EnableJwtRequestUri`: `request_uri` may name a document to fetch; off unless written.
    pub request_uri: bool,
}

impl Default for Endpoints {
    fn default() -> Self {
        Self {
            authorize: true,
            token: true,
            userinfo: true,
            discovery: true,
            end_session: true,
            check_session: true,
            revocation: true,
            introspection: true,
            device_authorization: true,
            pushed_authorization: true,
            request_uri: false,
        }
    }
}

/// `Discovery`: what the document tells.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each shows a block of the document")]
pub struct DiscoveryOptions {
    /// `ShowEndpoints`.
    pub endpoints: bool,
    /// `ShowKeySet`; when false the keys' endpoint is gone too.
    pub key_set: bool,
    /// `ShowIdentityScopes`.
    pub identity_scopes: bool,
    /// `ShowApiScopes`.
    pub api_scopes: bool,
    /// `ShowClaims`.
    pub claims: bool,
    /// `ShowResponseTypes`.
    pub response_types: bool,
    /// `ShowResponseModes`.
    pub response_modes: bool,
    /// `ShowGrantTypes`.
    pub grant_types: bool,
    /// `ShowTokenEndpointAuthenticationMethods`.
    pub authentication_methods: bool,
    /// `CustomEntries`: name and value as written; a value that begins with `~/` is relative to
    /// the issuer.
    pub custom_entries: Vec<(String, String)>,
    /// `ResponseCacheInterval`; `None` sends no `Cache-Control`, zero forbids to store.
    pub cache: Option<Duration>,
}

impl Default for DiscoveryOptions {
    fn default() -> Self {
        Self {
            endpoints: true,
            key_set: true,
            identity_scopes: true,
            api_scopes: true,
            claims: true,
            response_types: true,
            response_modes: true,
            grant_types: true,
            authentication_methods: true,
            custom_entries: Vec::new(),
            cache: None,
        }
    }
}
