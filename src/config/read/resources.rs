//! `IdentityResources`, `ApiResources` and `ApiScopes` → [`Resource`] (spec §4.3).

use crate::config::model::identity_server::AccessTokenProfile;
use crate::config::model::identity_server::Resource;
use crate::config::read::client_secrets;
use crate::config::read::dictionary;
use crate::config::read::report::Refusal;
use crate::config::read::report::Report;
use crate::config::settings::Setting;

/// What can be asked for and whom it addresses.
#[derive(Debug)]
pub(crate) struct Resources {
    /// Scopes that release claims of the user.
    pub(crate) identity: Vec<Resource>,
    /// Audiences.
    pub(crate) apis: Vec<Resource>,
    /// Scopes of the audiences.
    pub(crate) scopes: Vec<Resource>,
}

/// Reads all three lists. An API that lists no scope has one of its own name; a scope that only an
/// API lists is declared by that.
pub(crate) fn read(server: Option<&Setting>, report: &mut Report) -> Resources {
    let identity = list(server, "IdentityResources", report);
    let mut scopes = list(server, "ApiScopes", report);
    let mut apis = Vec::new();
    for (setting, mut api) in declared(server, "ApiResources", report) {
        for scope in scopes_of(setting, &api, report) {
            api.scopes.push(scope.name.clone());
            if !scopes.iter().any(|known| known.name == scope.name) {
                scopes.push(scope);
            }
        }
        apis.push(api);
    }
    refuse_shared_names(&identity, &scopes, report);
    Resources { identity, apis, scopes }
}

fn list(server: Option<&Setting>, name: &str, report: &mut Report) -> Vec<Resource> {
    declared(server, name, report).into_iter().map(|(_, resource)| resource).collect()
}

fn declared<'a>(
    server: Option<&'a Setting>,
    list: &str,
    report: &mut Report,
) -> Vec<(&'a Setting, Resource)> {
    let mut found: Vec<(&Setting, Resource)> = Vec::new();
    for setting in dictionary::entries(server, list) {
        match resource(setting, report) {
            Ok(None) => {}
            Ok(Some(resource)) if found.iter().any(|(_, known)| known.name == resource.name) => {
                let what = format!("two resources have the name `{}`", resource.name);
                report.fault(&setting.origin, what, "give one of them another Name");
            }
            Ok(Some(resource)) => found.push((setting, resource)),
            Err(refusal) => {
                let what = format!("the resource `{}` is off: {}", setting.name, refusal.what);
                report.disable(&refusal.origin, what, refusal.instead);
            }
        }
    }
    found
}

fn resource(setting: &Setting, report: &mut Report) -> Result<Option<Resource>, Refusal> {
    dictionary::whole(setting)?;
    dictionary::check_spelling(setting, &KEYS)?;
    if !dictionary::boolean(setting, "Enabled", true, report) {
        return Ok(None);
    }
    let Some(name) = setting.text("Name") else {
        return Err(Refusal::at(&setting.origin, "it has no Name", "write <Name>…</Name>"));
    };
    let profiles = [
        ("IdentityServer4", AccessTokenProfile::IdentityServer4),
        ("rfc9068", AccessTokenProfile::Rfc9068),
    ];
    let usual = AccessTokenProfile::default();
    let mut switch = |name, default| dictionary::boolean(setting, name, default, report);
    Ok(Some(Resource {
        name: name.to_owned(),
        display_name: setting.text("DisplayName").unwrap_or(name).to_owned(),
        description: setting.text("Description").map(str::to_owned),
        user_claims: dictionary::texts(setting, "UserClaims"),
        scopes: Vec::new(),
        required: switch("Required", false),
        emphasize: switch("Emphasize", false),
        shown: switch("ShowInDiscoveryDocument", true),
        secrets: client_secrets::read(setting, "ApiSecrets", report),
        access_token_profile: dictionary::choice(
            setting,
            "AccessTokenProfile",
            &profiles,
            usual,
            report,
        ),
        algorithms: dictionary::algorithms(setting, "AllowedAccessTokenSigningAlgorithms", report),
        origin: Some(setting.origin.clone()),
    }))
}

/// The scopes that an API lists: names alone, or each with what IdentityServer4's older `Scope` has.
fn scopes_of(setting: &Setting, api: &Resource, report: &mut Report) -> Vec<Resource> {
    let mut scopes: Vec<Resource> = Vec::new();
    for item in dictionary::entries(Some(setting), "Scopes") {
        let written = item.value.as_deref().map(str::trim).filter(|name| !name.is_empty());
        let scope = match written {
            Some(name) => {
                Ok(Some(Resource { origin: Some(item.origin.clone()), ..Resource::named(name) }))
            }
            None if item.children.is_empty() => continue,
            None => resource(item, report),
        };
        match scope {
            Ok(None) => {}
            Ok(Some(scope)) if scopes.iter().any(|known| known.name == scope.name) => {
                let what = format!("`{}` lists the scope `{}` twice", api.name, scope.name);
                report.fault(&item.origin, what, "take one of them away");
            }
            Ok(Some(scope)) => scopes.push(scope),
            Err(refusal) => report.refuse(&refusal),
        }
    }
    if scopes.is_empty() && dictionary::entries(Some(setting), "Scopes").next().is_none() {
        scopes.push(Resource { user_claims: Vec::new(), secrets: Vec::new(), ..api.clone() });
    }
    scopes
}

/// One name would mean two things: claims of the user, and an audience.
fn refuse_shared_names(identity: &[Resource], scopes: &[Resource], report: &mut Report) {
    for scope in scopes {
        let Some(origin) = &scope.origin else { continue };
        if identity.iter().any(|known| known.name == scope.name) {
            let what =
                format!("`{}` is the name of an identity resource and of an API scope", scope.name);
            report.fault(origin, what, "give one of them another Name");
        }
    }
}

/// The properties of IdentityServer4's resources.
const KEYS: [&str; 13] = [
    "Enabled",
    "Name",
    "DisplayName",
    "Description",
    "UserClaims",
    "ApiSecrets",
    "Scopes",
    "Required",
    "Emphasize",
    "ShowInDiscoveryDocument",
    "AccessTokenProfile",
    "AllowedAccessTokenSigningAlgorithms",
    "Properties",
];
