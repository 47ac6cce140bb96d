//! Which grants a client may use together, and which of them its owner should think about.

use crate::config::model::identity_server::Client;
use crate::config::read::dictionary;
use crate::config::read::report::Refusal;
use crate::config::read::report::Report;
use crate::config::settings::Setting;

/// `AllowedGrantTypes`. Duplicates, spaces inside, and grants that undo each other's protection are
/// faults (IdentityServer4's own rules).
///
/// # Errors
///
/// None at all: the client could do nothing.
pub(crate) fn read(setting: &Setting, report: &mut Report) -> Result<Vec<String>, Refusal> {
    let grants = dictionary::texts(setting, "AllowedGrantTypes");
    let Some(list) = setting.child("AllowedGrantTypes").filter(|_| !grants.is_empty()) else {
        return Err(Refusal::at(
            &setting.origin,
            "it may use no grant",
            "write <AllowedGrantTypes>",
        ));
    };
    let name = &setting.name;
    for (at, grant) in grants.iter().enumerate() {
        if grant.contains(char::is_whitespace) {
            let what = format!("the grant `{grant}` of `{name}` has a space in it");
            report.fault(&list.origin, what, "write each grant in an element of its own");
        }
        if grants.iter().take(at).any(|earlier| earlier == grant) {
            let what = format!("`{name}` has the grant `{grant}` twice");
            report.fault(&list.origin, what, "take one of them away");
        }
    }
    let has = |grant: &str| grants.iter().any(|known| known == grant);
    for (one, other) in APART {
        if has(one) && has(other) {
            let what =
                format!("`{name}` has the grants {one} and {other}, which do not go together");
            report.fault(&list.origin, what, "make two clients of it");
        }
    }
    Ok(grants)
}

/// With both of these an attacker could choose the weaker.
const APART: [(&str, &str); 3] =
    [("implicit", "authorization_code"), ("implicit", "hybrid"), ("authorization_code", "hybrid")];

/// Tells of what a file may ask for and a newer one would not.
pub(crate) fn lint(client: &Client, report: &mut Report) {
    let has = |grant: &str| client.grant_types.iter().any(|known| known == grant);
    let id = &client.id;
    let mut told = |what: String, instead: &str| report.lint(&client.origin, what, instead);
    if has("password") {
        let what = format!("`{id}` has the password grant: the program sees people's passwords");
        told(what, "use authorization_code or device_code where the program can");
    }
    if has("implicit") {
        let what = format!("`{id}` has the implicit grant: tokens travel in addresses");
        told(what, "use authorization_code with RequirePkce where the program can");
    }
    if !client.require_secret && !client.secrets.is_empty() {
        let what = format!("`{id}` has a secret and needs none, so anybody may leave it out");
        told(what, "write <RequireClientSecret>true</RequireClientSecret>");
    }
    if client.allow_plain_pkce {
        let what = format!("`{id}` allows a code challenge that is its own verifier");
        told(what, "leave AllowPlainTextPkce out");
    }
    if has("authorization_code") && !client.require_pkce && !client.require_secret {
        let what = format!("`{id}` has neither a secret nor PKCE: a stolen code is enough");
        told(what, "write <RequirePkce>true</RequirePkce>");
    }
    let by_browser = ["authorization_code", "hybrid", "implicit"].iter().any(|grant| has(grant));
    if by_browser && client.redirect_uris.is_empty() {
        let what = format!("`{id}` has no address that an answer could be sent to");
        told(what, "write <RedirectUris>");
    }
}
