//! `Sitecore:IdentityServer:Clients` → [`Client`] (spec §4.3).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use crate::config::model::identity_server::Client;
use crate::config::read::client_keys;
use crate::config::read::report::Refusal;
use crate::config::read::report::Report;
use crate::config::read::sites::is_origin;
use crate::config::read::values;
use crate::config::settings::Setting;
use crate::crypto::secret::Secret;

/// Every client that can be used. `own_origins` are the gateway's own CMS sites: the origins of the
/// client `DefaultClient` when it names none.
pub(crate) fn read(
    server: Option<&Setting>,
    own_origins: &[String],
    report: &mut Report,
) -> Vec<Arc<Client>> {
    let mut clients: Vec<Arc<Client>> = Vec::new();
    let list = server.and_then(|server| server.child("Clients"));
    for setting in list.into_iter().flat_map(|list| &list.children) {
        let reader = Reader { setting, own_origins };
        match reader.client(report) {
            Ok(Some(client)) if clients.iter().any(|known| known.id == client.id) => {
                let what = format!("two clients have the id `{}`", client.id);
                report.fault(&client.origin, what, "give one of them another ClientId");
            }
            Ok(Some(client)) => clients.push(Arc::new(client)),
            Ok(None) => {}
            Err(refusal) => {
                let what = format!("the client `{}` is off: {}", setting.name, refusal.what);
                report.disable(&refusal.origin, what, refusal.instead);
            }
        }
    }
    clients
}

/// Checks what every entry of a dictionary must be: without duplicates and fully resolved.
///
/// # Errors
///
/// The key that is not.
pub(crate) fn whole(setting: &Setting) -> Result<(), Refusal> {
    if let Some((key, origin)) = setting.duplicated() {
        let what = format!("the key <{key}> is written twice");
        return Err(Refusal::at(
            origin,
            what,
            "give each element a name of its own, such as …1 and …2",
        ));
    }
    let open = setting.find_value(&|setting, value| {
        values::unresolved(value).map(|token| (token.to_owned(), setting.origin.clone()))
    });
    match open {
        Some((token, origin)) => {
            let what = format!("it holds {token}, which nothing defines");
            Err(Refusal::at(&origin, what, values::resolve_hint(&token)))
        }
        None => Ok(()),
    }
}

/// Refuses a key that is nearly one of `known`: it would be read as nothing.
///
/// # Errors
///
/// The key.
pub(crate) fn check_spelling(setting: &Setting, known: &[&str]) -> Result<(), Refusal> {
    for child in &setting.children {
        if known.iter().any(|key| key.eq_ignore_ascii_case(&child.name)) {
            continue;
        }
        if let Some(meant) = values::nearest(&child.name, known.iter().copied()) {
            let what = format!("there is no key <{}>", child.name);
            return Err(Refusal::at(&child.origin, what, format!("did you mean <{meant}>?")));
        }
    }
    Ok(())
}

/// Reads a boolean key; what is neither, and what is empty, is a fault.
pub(crate) fn boolean(setting: &Setting, name: &str, default: bool, report: &mut Report) -> bool {
    parse(setting, name, "true or false", report, values::boolean).unwrap_or(default)
}

fn parse<T>(
    setting: &Setting,
    name: &str,
    shape: &str,
    report: &mut Report,
    read: impl FnOnce(&str) -> Option<T>,
) -> Option<T> {
    let child = setting.child(name)?;
    let text = child.value.as_deref().unwrap_or_default().trim();
    let value = read(text);
    if value.is_none() {
        report.fault(
            &child.origin,
            format!("<{name}>{text}</{name}> cannot be read"),
            format!("write {shape}"),
        );
    }
    value
}

struct Reader<'a> {
    setting: &'a Setting,
    own_origins: &'a [String],
}

impl Reader<'_> {
    fn client(&self, report: &mut Report) -> Result<Option<Client>, Refusal> {
        let setting = self.setting;
        whole(setting)?;
        client_keys::check_names(setting)?;
        if !boolean(setting, "Enabled", true, report) {
            return Ok(None);
        }
        client_keys::check_meaning(setting, report)?;
        let Some(id) = setting.text("ClientId") else {
            return Err(Refusal::at(
                &setting.origin,
                "it has no ClientId",
                "write <ClientId>…</ClientId>",
            ));
        };
        let grant_types = self.list("AllowedGrantTypes");
        if grant_types.is_empty() {
            return Err(Refusal::at(
                &setting.origin,
                "it may use no grant",
                "write <AllowedGrantTypes>",
            ));
        }
        let secrets = self.secrets(report);
        // The shipped client for passwords waits for its owner to give it a secret.
        if secrets.is_empty() && setting.name.eq_ignore_ascii_case("PasswordClient") {
            return Ok(None);
        }
        let require_secret = boolean(setting, "RequireClientSecret", true, report);
        let needs_none = grant_types.iter().all(|grant| grant == "implicit");
        if require_secret && secrets.is_empty() && !needs_none {
            let instead = "write <ClientSecrets><ClientSecret1>…</ClientSecret1></ClientSecrets>, or <RequireClientSecret>false</RequireClientSecret> for a public client";
            return Err(Refusal::at(&setting.origin, "it has no secret and needs one", instead));
        }
        Ok(Some(self.settings(id, grant_types, (secrets, require_secret), report)))
    }

    fn settings(
        &self,
        id: &str,
        grant_types: Vec<String>,
        (secrets, require_secret): (Vec<Secret>, bool),
        report: &mut Report,
    ) -> Client {
        let setting = self.setting;
        let cors_origins = self.origins(report);
        Client {
            id: id.to_owned(),
            name: setting.text("ClientName").unwrap_or(id).to_owned(),
            grant_types,
            redirect_uris: self.addresses("RedirectUris", &cors_origins, report),
            post_logout_redirect_uris: self.addresses(
                "PostLogoutRedirectUris",
                &cors_origins,
                report,
            ),
            front_channel_logout_uris: self.addresses(
                "FrontChannelLogoutUris",
                &cors_origins,
                report,
            ),
            cors_origins,
            scopes: self.list("AllowedScopes"),
            secrets,
            require_secret,
            require_pkce: boolean(setting, "RequirePkce", false, report),
            offline_access: boolean(setting, "AllowOfflineAccess", false, report),
            tokens_via_browser: boolean(setting, "AllowAccessTokensViaBrowser", false, report),
            user_claims_in_id_token: boolean(
                setting,
                "AlwaysIncludeUserClaimsInIdToken",
                false,
                report,
            ),
            require_consent: boolean(setting, "RequireConsent", false, report),
            local_login: boolean(setting, "EnableLocalLogin", true, report),
            identity_provider_restrictions: self.list("IdentityProviderRestrictions"),
            access_token_lifetime: self.seconds("AccessTokenLifetime", 3_600, report),
            id_token_lifetime: self.seconds("IdentityTokenLifetime", 3_600, report),
            code_lifetime: self.seconds("AuthorizationCodeLifetime", 60, report),
            other: self.other(),
            origin: setting.origin.clone(),
        }
    }

    fn list(&self, name: &str) -> Vec<String> {
        let values = self.setting.list(name).filter_map(|item| item.value.as_deref());
        values.map(|value| value.trim().to_owned()).collect()
    }

    fn secrets(&self, report: &mut Report) -> Vec<Secret> {
        let mut secrets = Vec::new();
        for item in self.setting.list("ClientSecrets") {
            let secret = item.value.as_deref().unwrap_or_default().trim();
            if secret.chars().count() > 100 {
                let what =
                    format!("a secret of `{}` is longer than 100 characters", self.setting.name);
                report.lint(
                    &item.origin,
                    what,
                    "Sitecore's own tools cut or refuse it: use a shorter one",
                );
            }
            secrets.push(Secret::new(secret));
        }
        secrets
    }

    /// `…InSeconds`, or IdentityServer4's own name without that ending.
    fn seconds(&self, name: &str, default: u64, report: &mut Report) -> Duration {
        let long = format!("{name}InSeconds");
        let name = if self.setting.child(&long).is_some() { long } else { name.to_owned() };
        let read = |text: &str| text.parse().ok().filter(|s| (1..=31_536_000).contains(s));
        let seconds = parse(self.setting, &name, "seconds, from 1 to 31536000", report, read);
        Duration::from_secs(seconds.unwrap_or(default))
    }

    fn origins(&self, report: &mut Report) -> Vec<String> {
        let mut origins: Vec<String> = Vec::new();
        for item in self.setting.list("AllowedCorsOrigins") {
            for origin in values::list(item.value.as_deref().unwrap_or_default()) {
                let bare = origin.trim_end_matches('/');
                if bare != origin {
                    let what = format!("the origin `{origin}` ends with a slash");
                    report.lint(&item.origin, what, format!("write {bare}"));
                }
                if is_origin(bare) {
                    origins.push(bare.to_owned());
                    continue;
                }
                let what = format!("`{origin}` is not an origin, so it is left out");
                report.disable(
                    &item.origin,
                    what,
                    "write scheme://host[:port], without a path and without the scheme's own port",
                );
            }
        }
        if origins.is_empty() && self.setting.name.eq_ignore_ascii_case("DefaultClient") {
            origins.extend_from_slice(self.own_origins);
        }
        origins.dedup();
        origins
    }

    /// A list of addresses, `{AllowedCorsOrigin}` expanded for every origin.
    fn addresses(&self, name: &str, origins: &[String], report: &mut Report) -> Vec<String> {
        let mut addresses = Vec::new();
        for item in self.setting.list(name) {
            let value = item.value.as_deref().unwrap_or_default().trim();
            if value.contains("{AllowedCorsOrigin}") {
                addresses.extend(origins.iter().map(|o| value.replace("{AllowedCorsOrigin}", o)));
                continue;
            }
            let url =
                Url::parse(value).ok().filter(|u| u.fragment().is_none() && !value.contains('*'));
            let Some(url) = url else {
                let what =
                    format!("`{value}` is not an address without a fragment, so it is left out");
                report.disable(
                    &item.origin,
                    what,
                    "write it in full, or as {AllowedCorsOrigin}/path",
                );
                continue;
            };
            let web = matches!(url.scheme(), "http" | "https");
            if web && !origins.contains(&url.origin().ascii_serialization()) {
                let what = format!("`{value}` lies on no origin of AllowedCorsOrigins");
                report.lint(
                    &item.origin,
                    what,
                    "add the origin, or write {AllowedCorsOrigin}/path",
                );
            }
            addresses.push(value.to_owned());
        }
        addresses
    }

    /// Properties that have no field, as written.
    fn other(&self) -> BTreeMap<String, String> {
        let plain =
            |child: &&Setting| child.children.is_empty() && !client_keys::has_field(&child.name);
        let children = self.setting.children.iter().filter(plain);
        children.filter_map(|c| Some((c.name.clone(), c.value.clone()?))).collect()
    }
}
