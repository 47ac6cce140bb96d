//! Presets of `<connection>`: where the well-known providers are.

use crate::config::read::ours::Ours;
use crate::config::read::report::Refusal;

/// The issuer that a connection's preset stands for; `None` without a preset.
///
/// # Errors
///
/// When the preset is unknown, cannot be served, or lacks what it needs.
pub(crate) fn authority(ours: Ours<'_>) -> Result<Option<String>, Refusal> {
    let Some(preset) = ours.text("preset").filter(|preset| !preset.is_empty()) else {
        return Ok(None);
    };
    if ours.text("authority").is_some_and(|authority| !authority.is_empty()) {
        return known(ours, preset).map(|()| None);
    }
    known(ours, preset)?;
    let needs = |attribute: &str| {
        ours.text(attribute).filter(|text| !text.is_empty()).ok_or_else(|| {
            let what = format!("the preset {preset} needs `{attribute}`");
            Refusal::at(ours.origin(), what, format!("write {attribute}=\"…\""))
        })
    };
    let authority = match preset {
        "entra" => entra(ours, needs("tenant")?)?,
        "google" => "https://accounts.google.com".to_owned(),
        "okta" => match ours.text("authorizationServer").filter(|server| !server.is_empty()) {
            Some(server) => format!("{}/oauth2/{server}", https(needs("domain")?)),
            None => https(needs("domain")?),
        },
        "auth0" => format!("{}/", https(needs("domain")?)),
        "adfs" => format!("{}/adfs", https(needs("domain")?)),
        _ => https(needs("realm")?),
    };
    Ok(Some(authority))
}

/// Presets that are served.
const SERVED: [&str; 6] = ["entra", "google", "okta", "auth0", "adfs", "keycloak"];

/// Presets of providers without ID tokens.
const PLAIN_OAUTH: [&str; 5] = ["facebook", "x", "twitter", "github", "linkedin"];

fn known(ours: Ours<'_>, preset: &str) -> Result<(), Refusal> {
    if SERVED.contains(&preset) {
        return Ok(());
    }
    let place = ours.origin_of("preset");
    if PLAIN_OAUTH.contains(&preset) {
        let what = format!("the preset {preset} is plain OAuth 2.0, which is not served yet");
        let instead =
            "put an OpenID provider in between, such as Keycloak, or use another provider";
        return Err(Refusal::at(place, what, instead));
    }
    let what = format!("there is no preset `{preset}`");
    Err(Refusal::at(place, what, format!("known are {}", SERVED.join(", "))))
}

/// An authority for all tenants names no issuer that could be checked.
fn entra(ours: Ours<'_>, tenant: &str) -> Result<String, Refusal> {
    if ["common", "organizations", "consumers"].contains(&tenant) {
        let what = format!("tenant=\"{tenant}\" would admit every organisation's people");
        return Err(Refusal::at(ours.origin_of("tenant"), what, "write your tenant's id"));
    }
    Ok(format!("https://login.microsoftonline.com/{tenant}/v2.0"))
}

fn https(address: &str) -> String {
    let address = address.trim_end_matches('/');
    if address.contains("://") { address.to_owned() } else { format!("https://{address}") }
}
