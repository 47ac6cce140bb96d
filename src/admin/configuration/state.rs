//! How providers and clients are doing, for the page "Configuration".

use std::sync::Arc;

use crate::clock::Timestamp;
use crate::config::model::Config;
use crate::config::model::Destination;
use crate::config::model::Protocol;
use crate::config::model::Provider;
use crate::config::model::ProviderState;
use crate::config::model::identity_server::Client;
use crate::login::Documents;
use crate::login::Login;
use crate::observe::provider_health::Endings;
use crate::observe::provider_health::ProviderHealth;
use crate::observe::recent::ClientUse;

/// A provider.
pub(super) struct ProviderRow<'a> {
    /// The provider.
    pub(super) provider: &'a Provider,
    /// Where one signs in with it.
    pub(super) sites: Vec<&'a str>,
    /// Its protocol, in words.
    pub(super) protocol: &'static str,
    /// Its state, in words.
    pub(super) state: String,
    /// How it stands with its documents, where it has any.
    pub(super) documents: Option<Documents>,
    /// How sign-ins ended last.
    pub(super) endings: Endings,
}

/// A client of the identity server.
pub(super) struct ClientRow<'a> {
    /// The client.
    pub(super) client: &'a Client,
    /// When it was last given something.
    pub(super) last_use: Option<Timestamp>,
}

impl ProviderRow<'_> {
    /// Whether nobody can sign in with it.
    pub(super) fn is_off(&self) -> bool {
        !self.provider.is_enabled()
    }
}

/// The providers of the sites, and then those of the identity server.
pub(super) fn providers<'a>(
    config: &'a Config,
    login: &Login,
    health: &ProviderHealth,
) -> Vec<ProviderRow<'a>> {
    let of_sites = config.providers.iter().map(|provider| (provider, false));
    let external = config.identity_server.external_providers.iter();
    let all = of_sites.chain(external.map(|provider| (provider, true)));
    let row = |(provider, external): (&'a Arc<Provider>, bool)| {
        let at_home = |site: &str| is_identity_server(config, site) == external;
        ProviderRow {
            provider,
            sites: if external { identity_servers(config) } else { mapped(config, provider) },
            protocol: protocol(provider),
            state: state(provider),
            documents: login.documents(provider),
            endings: health.of(&provider.name, at_home),
        }
    };
    all.map(row).collect()
}

/// The clients, each with its last use.
pub(super) fn clients<'a>(config: &'a Config, uses: &ClientUse) -> Vec<ClientRow<'a>> {
    let clients = config.identity_server.clients.iter();
    clients.map(|client| ClientRow { client, last_use: uses.last(&client.id) }).collect()
}

fn is_identity_server(config: &Config, site: &str) -> bool {
    config.site(site).is_some_and(|site| site.destination == Destination::IdentityServer)
}

fn identity_servers(config: &Config) -> Vec<&str> {
    let sites = config.sites.iter();
    let ours = sites.filter(|site| site.destination == Destination::IdentityServer);
    ours.map(|site| &*site.name).collect()
}

fn mapped<'a>(config: &'a Config, provider: &Provider) -> Vec<&'a str> {
    let sites = config.sites.iter();
    let mapped = sites.filter(|site| site.providers.find(&provider.name).is_some());
    mapped.map(|site| &*site.name).collect()
}

fn protocol(provider: &Provider) -> &'static str {
    match provider.protocol {
        Protocol::OpenIdConnect(_) => "OpenID Connect",
        Protocol::OAuth2(_) => "OAuth 2.0",
        Protocol::LocalUsers => "local users",
        Protocol::None => "no connection",
    }
}

fn state(provider: &Provider) -> String {
    match &provider.state {
        ProviderState::Enabled => "enabled".to_owned(),
        ProviderState::Off => "switched off".to_owned(),
        ProviderState::Broken(why) => format!("off: {why}"),
    }
}
