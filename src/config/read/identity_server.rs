//! `Sitecore:IdentityServer` and its external providers → [`IdentityServerSettings`] (spec §4).

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::config::model::identity_server::IdentityServerSettings;
use crate::config::model::identity_server::Resource;
use crate::config::read::clients;
use crate::config::read::connections::Connections;
use crate::config::read::external;
use crate::config::read::report::Refusal;
use crate::config::read::report::Report;
use crate::config::settings::Dictionary;
use crate::config::settings::Setting;
use crate::crypto::secret::Secret;

/// What the dictionary is read with.
#[derive(Debug)]
pub(crate) struct Surroundings<'a> {
    /// Our connection settings.
    pub(crate) connections: &'a Connections<'a>,
    /// Origins of the gateway's own CMS sites.
    pub(crate) own_origins: &'a [String],
    /// The issuer, when a site is an identity server.
    pub(crate) issuer: Option<String>,
    /// What clients' certificates may end in.
    pub(crate) clients_authority: Option<PathBuf>,
}

/// Reads clients, resources, external providers and account options.
pub(crate) fn read(
    dictionary: &Dictionary,
    surroundings: Surroundings<'_>,
    report: &mut Report,
) -> IdentityServerSettings {
    let server = dictionary.root.child("IdentityServer");
    let options = server.and_then(|server| server.child("AccountOptions"));
    let account_options: BTreeMap<String, String> = options
        .into_iter()
        .flat_map(|options| &options.children)
        .filter_map(|option| Some((option.name.clone(), option.value.clone()?)))
        .collect();
    for name in ["AllowRememberLogin", "AllowPasswordRecovery", "AllowLocalLogin"] {
        if let Some(options) = options {
            clients::boolean(options, name, true, report);
        }
    }
    let prefix = options.and_then(|options| options.text("AccountPrefix"));
    IdentityServerSettings {
        issuer: surroundings.issuer,
        clients: clients::read(server, surroundings.own_origins, report),
        identity_resources: resources(server, "IdentityResources", report),
        api_resources: resources(server, "ApiResources", report),
        external_providers: external::read(&dictionary.root, surroundings.connections, report),
        account_options,
        account_prefix: prefix.unwrap_or("sitecore\\").to_owned(),
        clients_authority: surroundings.clients_authority,
        values: dictionary.values(),
    }
}

fn resources(server: Option<&Setting>, list: &str, report: &mut Report) -> Vec<Resource> {
    let mut resources: Vec<Resource> = Vec::new();
    let list = server.and_then(|server| server.child(list));
    for setting in list.into_iter().flat_map(|list| &list.children) {
        match resource(setting, report) {
            Ok(None) => {}
            Ok(Some(resource)) if resources.iter().any(|known| known.name == resource.name) => {
                let what = format!("two resources have the name `{}`", resource.name);
                report.fault(&setting.origin, what, "give one of them another Name");
            }
            Ok(Some(resource)) => resources.push(resource),
            Err(refusal) => {
                let what = format!("the resource `{}` is off: {}", setting.name, refusal.what);
                report.disable(&refusal.origin, what, refusal.instead);
            }
        }
    }
    resources
}

fn resource(setting: &Setting, report: &mut Report) -> Result<Option<Resource>, Refusal> {
    clients::whole(setting)?;
    clients::check_spelling(setting, &RESOURCE)?;
    if !clients::boolean(setting, "Enabled", true, report) {
        return Ok(None);
    }
    let Some(name) = setting.text("Name") else {
        return Err(Refusal::at(&setting.origin, "it has no Name", "write <Name>…</Name>"));
    };
    let texts = |list: &str| -> Vec<String> {
        let values = setting.list(list).filter_map(|item| item.value.as_deref());
        values.map(|value| value.trim().to_owned()).collect()
    };
    Ok(Some(Resource {
        name: name.to_owned(),
        display_name: setting.text("DisplayName").unwrap_or(name).to_owned(),
        user_claims: texts("UserClaims"),
        secrets: texts("ApiSecrets").into_iter().map(Secret::new).collect(),
        shown: clients::boolean(setting, "ShowInDiscoveryDocument", true, report),
        origin: Some(setting.origin.clone()),
    }))
}

/// The properties of IdentityServer4's resources.
const RESOURCE: [&str; 12] = [
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
    "AllowedAccessTokenSigningAlgorithms",
    "Properties",
];

/// The provider that stands for the local users on the identity server's own site.
pub(crate) fn local_provider(
    origin: &crate::config::fault::Origin,
) -> Arc<crate::config::model::Provider> {
    use crate::config::model::Protocol;
    use crate::config::model::Provider;
    use crate::config::model::ProviderState;
    Arc::new(Provider {
        name: Arc::from("local"),
        caption: "Sign in".to_owned(),
        icon: None,
        domain: Some("sitecore".to_owned()),
        state: ProviderState::Enabled,
        trigger_external_sign_out: false,
        clear_roles_when_sign_in: false,
        transformations: Vec::new(),
        map_inbound_claims: false,
        subprovider: None,
        protocol: Protocol::LocalUsers,
        origin: origin.clone(),
    })
}
