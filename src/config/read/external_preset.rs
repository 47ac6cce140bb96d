//! Which of the well-known providers a file of the identity server means.

use crate::config::read::presets::Preset;
use crate::config::settings::Setting;

/// Words in the names of plugins.
const WORDS: [(&str, Preset); 11] = [
    ("facebook", Preset::Facebook),
    ("github", Preset::GitHub),
    ("linkedin", Preset::LinkedIn),
    ("twitter", Preset::X),
    ("google", Preset::Google),
    ("okta", Preset::Okta),
    ("auth0", Preset::Auth0),
    ("azure", Preset::Entra),
    ("entra", Preset::Entra),
    ("adfs", Preset::AdFs),
    ("keycloak", Preset::Keycloak),
];

/// Keys that only one kind of plugin has.
const KEYS: [(&str, Preset); 5] = [
    ("TenantId", Preset::Entra),
    ("AppId", Preset::Facebook),
    ("ApplicationId", Preset::Facebook),
    ("OktaDomain", Preset::Okta),
    ("Domain", Preset::Auth0),
];

/// By its element's name and scheme, else by a key that only one has.
pub(crate) fn of(setting: &Setting) -> Option<Preset> {
    let scheme = setting.text("AuthenticationScheme").unwrap_or_default();
    let name = format!("{} {scheme}", setting.name).to_lowercase();
    let by_word = WORDS.iter().find(|(word, _)| name.contains(word));
    let by_key = || KEYS.iter().find(|(key, _)| setting.text(key).is_some());
    let is_x = || name.split(|c: char| !c.is_alphanumeric()).any(|word| word == "x");
    let known = by_word.or_else(by_key).map(|(_, preset)| *preset);
    known.or_else(|| is_x().then_some(Preset::X))
}
