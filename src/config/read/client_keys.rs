//! The keys of a client: those with a field, those that are known, and those that are nearly one.

use crate::config::read::dictionary::check_spelling;
use crate::config::read::report::Refusal;
use crate::config::settings::Setting;

/// Whether a key has a field of its own in the client.
pub(crate) fn has_field(key: &str) -> bool {
    let bare = key.strip_suffix("InSeconds").unwrap_or(key);
    FIELDS.iter().any(|field| field.eq_ignore_ascii_case(bare))
}

/// Refuses a key that is nearly a known one.
///
/// # Errors
///
/// The key.
pub(crate) fn check_names(setting: &Setting) -> Result<(), Refusal> {
    let seconds = |name: &&&str| name.ends_with("Lifetime");
    let long: Vec<String> = FIELDS
        .iter()
        .chain(&OTHERS)
        .filter(seconds)
        .map(|name| format!("{name}InSeconds"))
        .collect();
    let long = long.iter().map(String::as_str);
    let known: Vec<&str> = FIELDS.iter().chain(&OTHERS).copied().chain(long).collect();
    check_spelling(setting, &known)
}

/// Properties with a field of their own; those of time also end in `InSeconds`.
const FIELDS: [&str; 51] = [
    "Enabled",
    "ClientId",
    "ClientName",
    "Description",
    "ClientUri",
    "LogoUri",
    "ProtocolType",
    "AllowedGrantTypes",
    "RedirectUris",
    "AllowLoopbackPorts",
    "PostLogoutRedirectUris",
    "AllowPostLogoutQuery",
    "FrontChannelLogoutUri",
    "FrontChannelLogoutUris",
    "FrontChannelLogoutSessionRequired",
    "BackChannelLogoutUri",
    "BackChannelLogoutSessionRequired",
    "CoordinateLifetimeWithUserSession",
    "AllowedCorsOrigins",
    "AllowedScopes",
    "ClientSecrets",
    "RequireClientSecret",
    "RequirePkce",
    "AllowPlainTextPkce",
    "RequireRequestObject",
    "RequirePushedAuthorization",
    "RequireDPoP",
    "AllowOfflineAccess",
    "AllowAccessTokensViaBrowser",
    "AlwaysIncludeUserClaimsInIdToken",
    "RequireConsent",
    "AllowRememberConsent",
    "ConsentLifetime",
    "EnableLocalLogin",
    "IdentityProviderRestrictions",
    "UserSsoLifetime",
    "AccessTokenType",
    "IncludeJwtId",
    "AccessTokenLifetime",
    "IdentityTokenLifetime",
    "AllowedIdentityTokenSigningAlgorithms",
    "AuthorizationCodeLifetime",
    "DeviceCodeLifetime",
    "RefreshTokenUsage",
    "RefreshTokenExpiration",
    "AbsoluteRefreshTokenLifetime",
    "SlidingRefreshTokenLifetime",
    "UpdateAccessTokenClaimsOnRefresh",
    "Claims",
    "ClientClaimsPrefix",
    "AlwaysSendClientClaims",
];

/// The other properties of IdentityServer4's `Client`, and of its successor's.
const OTHERS: [&str; 12] = [
    "JwksUri",
    "PairWiseSubjectSalt",
    "UserCodeType",
    "Properties",
    "AllowedSigningAlgorithms",
    "PrefixClientClaims",
    "InitiateLoginUri",
    "PollingInterval",
    "CibaLifetime",
    "PushedAuthorizationLifetime",
    "DPoPValidationMode",
    "DPoPClockSkew",
];
