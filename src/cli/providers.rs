//! `vestibule providers`: where each provider is mapped, and which addresses to register there.

use std::collections::BTreeSet;
use std::io;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use crate::cli;
use crate::config;
use crate::config::Environment;
use crate::config::model::Config;
use crate::config::model::Destination;
use crate::config::model::Listener;
use crate::config::model::ListenerKind;
use crate::config::model::OAuth2;
use crate::config::model::OpenIdConnect;
use crate::config::model::Protocol;
use crate::config::model::Provider;
use crate::config::model::ProviderState;
use crate::config::model::Site;

/// Lists the providers: where each is mapped, and which addresses to register there.
#[derive(Debug, clap::Args)]
pub struct Command {
    /// The configuration directory.
    #[arg(long, default_value = "conf")]
    config: PathBuf,
}

impl Command {
    /// Prints the list. Exit code 78 when the configuration is wrong.
    ///
    /// # Errors
    ///
    /// When standard output is closed.
    pub fn run(&self) -> anyhow::Result<ExitCode> {
        match config::load(&self.config, &Environment::process()) {
            Ok(config) => providers(&config, &mut io::stdout().lock())?,
            Err(faults) => return cli::refuse(&self.config, &faults),
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Writes every provider of the CMS sites and of the identity server to `out`.
///
/// # Errors
///
/// When `out` cannot be written to.
pub fn providers(config: &Config, out: &mut impl Write) -> io::Result<()> {
    let external = &config.identity_server.external_providers;
    for provider in config.providers.iter().chain(external) {
        writeln!(out, "{}  {}", provider.name, state(provider))?;
        let sites: Vec<&Site> = mapped(config, provider);
        let names: Vec<&str> = sites.iter().map(|site| &*site.name).collect();
        let names = if names.is_empty() { "no site".to_owned() } else { names.join(", ") };
        writeln!(out, "  mapped to             {names}")?;
        match &provider.protocol {
            Protocol::OpenIdConnect(connection) => addresses(config, connection, &sites, out)?,
            Protocol::OAuth2(connection) => plain_addresses(config, connection, &sites, out)?,
            Protocol::LocalUsers | Protocol::None => {}
        }
        writeln!(out)?;
    }
    Ok(())
}

fn state(provider: &Provider) -> String {
    match &provider.state {
        ProviderState::Enabled => "enabled".to_owned(),
        ProviderState::Off => "switched off".to_owned(),
        ProviderState::Broken(why) => format!("off: {why} ({})", provider.origin),
    }
}

fn mapped<'a>(config: &'a Config, provider: &Provider) -> Vec<&'a Site> {
    let external = &config.identity_server.external_providers;
    let own = external.iter().any(|known| std::ptr::eq(Arc::as_ptr(known), provider));
    let has = |site: &&Site| {
        if own {
            return site.destination == Destination::IdentityServer;
        }
        site.providers.find(&provider.name).is_some()
    };
    config.sites.iter().map(|site| &**site).filter(has).collect()
}

fn addresses(
    config: &Config,
    connection: &OpenIdConnect,
    sites: &[&Site],
    out: &mut impl Write,
) -> io::Result<()> {
    writeln!(out, "  issuer                {}", connection.issuer)?;
    writeln!(out, "  client id             {}", connection.client_id)?;
    writeln!(out, "  scopes                {}", connection.scopes.join(" "))?;
    let logout = format!("{}logout", config.identity_prefix);
    for origin in origins(config, sites) {
        writeln!(out, "  redirect address      {origin}{}", connection.callback_path)?;
        writeln!(out, "  post-logout address   {origin}{}", connection.post_logout_path)?;
        writeln!(out, "  logout address        {origin}{logout}")?;
        writeln!(
            out,
            "  back-channel logout   {origin}{}backchannel-logout",
            config.identity_prefix
        )?;
        writeln!(
            out,
            "  front-channel logout  {origin}{}frontchannel-logout",
            config.identity_prefix
        )?;
    }
    Ok(())
}

/// Plain OAuth 2.0 knows no sign-out, so there is one address to register.
fn plain_addresses(
    config: &Config,
    connection: &OAuth2,
    sites: &[&Site],
    out: &mut impl Write,
) -> io::Result<()> {
    writeln!(out, "  authorization         {}", connection.authorization_endpoint)?;
    writeln!(out, "  client id             {}", connection.client_id)?;
    writeln!(out, "  scopes                {}", connection.scopes.join(" "))?;
    for origin in origins(config, sites) {
        writeln!(out, "  redirect address      {origin}{}", connection.callback_path)?;
    }
    Ok(())
}

/// `https://host[:port]` under which browsers know these sites.
fn origins(config: &Config, sites: &[&Site]) -> BTreeSet<String> {
    let mut origins = BTreeSet::new();
    for site in sites {
        for host in hosts(config, site) {
            for port in ports(config, site) {
                origins.insert(match port {
                    443 => format!("https://{host}"),
                    port => format!("https://{host}:{port}"),
                });
            }
        }
    }
    origins
}

/// The hosts of a site; one without a hostName is served under every known host that is not the
/// identity server's.
fn hosts(config: &Config, site: &Site) -> Vec<String> {
    let masks = |site: &Site| -> Vec<String> {
        site.host_names
            .iter()
            .map(|mask| mask.0.clone())
            .chain(site.target_host_name.clone())
            .collect()
    };
    if !site.host_names.is_empty() {
        return masks(site);
    }
    let cms = |site: &&&Site| site.destination != Destination::IdentityServer;
    let others = config.sites.iter().map(|site| &**site).collect::<Vec<&Site>>();
    let listed = config.listeners.iter().flat_map(|listener| listener.hosts.iter().cloned());
    others.iter().filter(cms).flat_map(|site| masks(site)).chain(listed).collect()
}

fn ports(config: &Config, site: &Site) -> Vec<u16> {
    if let Some(port) = site.port {
        return vec![port];
    }
    let port = |listener: &Listener| match listener.kind {
        ListenerKind::Tls(_) => Some(listener.address.port()),
        ListenerKind::Plain => Some(443),
        ListenerKind::RedirectTo(_) | ListenerKind::Operations => None,
    };
    config.listeners.iter().filter_map(port).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use crate::config::Environment;

    #[test]
    fn the_addresses_to_register_are_named_per_host() {
        let conf = tempfile::tempdir().unwrap();
        let config = config::load(conf.path(), &Environment::default()).unwrap();
        let mut out = Vec::new();
        providers(&config, &mut out).unwrap();
        let out = String::from_utf8(out).unwrap();
        let expected = "SitecoreIdentityServer  enabled
  mapped to             vestibule, shell, login, admin, service, modules_shell, scheduler, system, publisher
  issuer                https://id.localhost:8443
  client id             Sitecore
  scopes                openid sitecore.profile
  redirect address      https://admin.localhost:8443/identity/signin
  post-logout address   https://admin.localhost:8443/identity/postexternallogout
  logout address        https://admin.localhost:8443/identity/logout
  back-channel logout   https://admin.localhost:8443/identity/backchannel-logout
  front-channel logout  https://admin.localhost:8443/identity/frontchannel-logout
  redirect address      https://cms.localhost:8443/identity/signin
  post-logout address   https://cms.localhost:8443/identity/postexternallogout
  logout address        https://cms.localhost:8443/identity/logout
  back-channel logout   https://cms.localhost:8443/identity/backchannel-logout
  front-channel logout  https://cms.localhost:8443/identity/frontchannel-logout
  redirect address      https://localhost:8443/identity/signin
  post-logout address   https://localhost:8443/identity/postexternallogout
  logout address        https://localhost:8443/identity/logout
  back-channel logout   https://localhost:8443/identity/backchannel-logout
  front-channel logout  https://localhost:8443/identity/frontchannel-logout

";
        assert_eq!(out, expected);
    }
}
