//! The identity server's clients, resources and external providers (spec §4).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::config::fault::Origin;
use crate::config::model::provider::Provider;
use crate::crypto::secret::Secret;

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
    /// API resources: audiences, each a scope of the same name.
    pub api_resources: Vec<Resource>,
    /// External providers: the buttons of the login page.
    pub external_providers: Vec<Arc<Provider>>,
    /// `AccountOptions`, by name, as written.
    pub account_options: BTreeMap<String, String>,
    /// `AccountPrefix`: put before a user name without a domain; `sitecore\`.
    pub account_prefix: String,
    /// The dictionary with all that was read, by `:`-separated key.
    pub values: BTreeMap<String, String>,
}

/// An application that signs in at the identity server (IdentityServer4's `Client`).
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a property of IdentityServer4's Client")]
pub struct Client {
    /// `ClientId`, compared exactly.
    pub id: String,
    /// `ClientName`; the id when absent.
    pub name: String,
    /// Grants allowed: `authorization_code`, `hybrid`, `client_credentials` …
    pub grant_types: Vec<String>,
    /// Redirect URIs, `{AllowedCorsOrigin}` expanded; compared exactly.
    pub redirect_uris: Vec<String>,
    /// Post-logout redirect URIs, expanded; compared exactly.
    pub post_logout_redirect_uris: Vec<String>,
    /// Front-channel logout URIs, expanded.
    pub front_channel_logout_uris: Vec<String>,
    /// Origins that may call from a browser.
    pub cors_origins: Vec<String>,
    /// Scopes that may be asked for.
    pub scopes: Vec<String>,
    /// Secrets; any one is enough.
    pub secrets: Vec<Secret>,
    /// `RequireClientSecret`.
    pub require_secret: bool,
    /// `RequirePkce`.
    pub require_pkce: bool,
    /// `AllowOfflineAccess`.
    pub offline_access: bool,
    /// `AllowAccessTokensViaBrowser`.
    pub tokens_via_browser: bool,
    /// `AlwaysIncludeUserClaimsInIdToken`.
    pub user_claims_in_id_token: bool,
    /// `RequireConsent`.
    pub require_consent: bool,
    /// `EnableLocalLogin`.
    pub local_login: bool,
    /// `IdentityProviderRestrictions`: the only external providers that count; all when empty.
    pub identity_provider_restrictions: Vec<String>,
    /// `AccessTokenLifetimeInSeconds`.
    pub access_token_lifetime: Duration,
    /// `IdentityTokenLifetimeInSeconds`.
    pub id_token_lifetime: Duration,
    /// `AuthorizationCodeLifetimeInSeconds`; one minute unless written.
    pub code_lifetime: Duration,
    /// Every other property as written, by name.
    pub other: BTreeMap<String, String>,
    /// Where it is declared.
    pub origin: Origin,
}

/// An identity resource or an API resource.
#[derive(Clone, Debug)]
pub struct Resource {
    /// The scope (and, for an API, the audience).
    pub name: String,
    /// Name for people.
    pub display_name: String,
    /// Claims it releases.
    pub user_claims: Vec<String>,
    /// `ApiSecrets`.
    pub secrets: Vec<Secret>,
    /// Whether it is listed in discovery.
    pub shown: bool,
    /// Where it is declared; `None` for one of the standard scopes.
    pub origin: Option<Origin>,
}
