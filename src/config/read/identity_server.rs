//! `Sitecore:IdentityServer` and its external providers → [`IdentityServerSettings`] (spec §4).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::config::model::identity_server::IdentityServerSettings;
use crate::config::model::identity_server::PasswordAttempts;
use crate::config::read::clients;
use crate::config::read::connections::Connections;
use crate::config::read::dictionary;
use crate::config::read::external;
use crate::config::read::issuer::Own;
use crate::config::read::issuer::OwnOrigins;
use crate::config::read::report::Report;
use crate::config::read::resources;
use crate::config::read::resources::Resources;
use crate::config::read::server_options;
use crate::config::settings::Dictionary;
use crate::config::settings::Setting;

/// What the dictionary is read with.
#[derive(Debug)]
pub(crate) struct Surroundings<'a> {
    /// Our connection settings.
    pub(crate) connections: &'a Connections<'a>,
    /// Origins of the gateway's own sites.
    pub(crate) own_origins: &'a OwnOrigins,
    /// What `<gateway>` says of the identity server.
    pub(crate) own: Own,
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
            dictionary::boolean(options, name, true, report);
        }
    }
    let prefix = options.and_then(|options| options.text("AccountPrefix"));
    let Resources { identity, apis, scopes } = resources::read(server, report);
    IdentityServerSettings {
        issuer: surroundings.own.issuer,
        clients: clients::read(server, surroundings.own_origins, report),
        identity_resources: identity,
        api_resources: apis,
        api_scopes: scopes,
        external_providers: external::read(&dictionary.root, surroundings.connections, report),
        account_options,
        account_prefix: prefix.unwrap_or("sitecore\\").to_owned(),
        clients_authority: surroundings.own.clients_authority,
        password_attempts: password_attempts(server, report),
        options: server_options::read(server, report),
        values: dictionary.values(),
    }
}

/// `SitecoreMembershipOptions`, as far as it concerns wrong passwords.
fn password_attempts(server: Option<&Setting>, report: &mut Report) -> PasswordAttempts {
    let usual = PasswordAttempts::default();
    let Some(options) = server.and_then(|server| server.child("SitecoreMembershipOptions")) else {
        return usual;
    };
    let most = dictionary::number(options, "MaxInvalidPasswordAttempts", 1..=1_000, report);
    let minutes = dictionary::number(options, "PasswordAttemptWindow", 1..=10_080, report);
    PasswordAttempts {
        most: most.unwrap_or(usual.most),
        window: minutes.map_or(usual.window, |minutes| Duration::from_mins(minutes.into())),
    }
}

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
        authoritative_for: Vec::new(),
        former_issuers: Vec::new(),
        subprovider: None,
        protocol: Protocol::LocalUsers,
        origin: origin.clone(),
    })
}
