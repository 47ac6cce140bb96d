//! The keys of a client: those that are read, those that are nearly one of them, and those that ask
//! for a protection that is not there.

use crate::config::read::clients::check_spelling;
use crate::config::read::report::Refusal;
use crate::config::read::report::Report;
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

/// Refuses what would protect more than is done here; tells of refresh tokens that live otherwise.
///
/// # Errors
///
/// The key that cannot be honoured.
pub(crate) fn check_meaning(setting: &Setting, report: &mut Report) -> Result<(), Refusal> {
    let written = |name: &str| setting.text(name).map(str::to_ascii_lowercase);
    let asked = [
        ("IdentityProviderRestrictions", says_anything(setting, "IdentityProviderRestrictions")),
        ("UserSsoLifetime", says_anything(setting, "UserSsoLifetime")),
        ("UserSsoLifetimeInSeconds", says_anything(setting, "UserSsoLifetimeInSeconds")),
        ("RequireRequestObject", written("RequireRequestObject").is_some_and(|v| v != "false")),
        ("AccessTokenType", written("AccessTokenType").is_some_and(|v| v != "0" && v != "jwt")),
    ];
    if let Some((name, _)) = asked.iter().find(|(_, asked)| *asked) {
        let place = setting.child(name).map_or(&setting.origin, |child| &child.origin);
        let what = format!("<{name}> asks for what is not served yet");
        return Err(Refusal::at(place, what, "leave it out if the client may do without it"));
    }
    let served = [
        ("RefreshTokenUsage", ["1", "onetimeonly"], "a refresh token is used once"),
        (
            "RefreshTokenExpiration",
            ["1", "absolute"],
            "refresh tokens end 30 days after the sign-in",
        ),
        ("AbsoluteRefreshTokenLifetime", ["2592000"; 2], "refresh tokens live for 30 days"),
        (
            "AbsoluteRefreshTokenLifetimeInSeconds",
            ["2592000"; 2],
            "refresh tokens live for 30 days",
        ),
    ];
    for (name, same, instead) in served {
        if written(name).is_some_and(|value| !same.contains(&value.as_str())) {
            let place = setting.child(name).map_or(&setting.origin, |child| &child.origin);
            let what = format!("<{name}> of `{}` has no effect", setting.name);
            report.lint(place, what, instead);
        }
    }
    Ok(())
}

fn says_anything(setting: &Setting, name: &str) -> bool {
    setting.text(name).is_some() || setting.list(name).next().is_some()
}

/// Properties with a field of their own; those of time also end in `InSeconds`.
const FIELDS: [&str; 20] = [
    "Enabled",
    "ClientId",
    "ClientName",
    "AllowedGrantTypes",
    "RedirectUris",
    "PostLogoutRedirectUris",
    "FrontChannelLogoutUris",
    "AllowedCorsOrigins",
    "AllowedScopes",
    "ClientSecrets",
    "RequireClientSecret",
    "RequirePkce",
    "AllowOfflineAccess",
    "AllowAccessTokensViaBrowser",
    "AlwaysIncludeUserClaimsInIdToken",
    "RequireConsent",
    "EnableLocalLogin",
    "AccessTokenLifetime",
    "IdentityTokenLifetime",
    "AuthorizationCodeLifetime",
];

/// The other properties of IdentityServer4's `Client`.
const OTHERS: [&str; 31] = [
    "ProtocolType",
    "Description",
    "ClientUri",
    "LogoUri",
    "AllowRememberConsent",
    "AllowPlainTextPkce",
    "RequireRequestObject",
    "FrontChannelLogoutUri",
    "FrontChannelLogoutSessionRequired",
    "BackChannelLogoutUri",
    "BackChannelLogoutSessionRequired",
    "AllowedIdentityTokenSigningAlgorithms",
    "ConsentLifetime",
    "AbsoluteRefreshTokenLifetime",
    "SlidingRefreshTokenLifetime",
    "RefreshTokenUsage",
    "UpdateAccessTokenClaimsOnRefresh",
    "RefreshTokenExpiration",
    "AccessTokenType",
    "IdentityProviderRestrictions",
    "IncludeJwtId",
    "Claims",
    "AlwaysSendClientClaims",
    "ClientClaimsPrefix",
    "PairWiseSubjectSalt",
    "UserSsoLifetime",
    "UserCodeType",
    "DeviceCodeLifetime",
    "Properties",
    "AllowedSigningAlgorithms",
    "PrefixClientClaims",
];
