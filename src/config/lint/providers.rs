//! Providers that nobody can reach, or that reach nobody.

use std::sync::Arc;

use crate::config::Config;
use crate::config::model::Destination;
use crate::config::model::Protocol;
use crate::config::model::Provider;
use crate::config::read::report::Report;
use crate::config::tree::Element;

/// Looks over providers and their connections.
pub(crate) fn run(config: &Config, report: &mut Report) {
    for provider in config.providers.iter().filter(|p| p.is_enabled()) {
        if !config.sites.iter().any(|site| site.providers.find(&provider.name).is_some()) {
            let what = format!("the provider `{}` is mapped to no site", provider.name);
            report.lint(
                &provider.origin,
                what,
                "name it in a mapEntry of identityProvidersPerSites",
            );
        }
        domain(config, provider, report);
        authority(config, provider, report);
    }
    for provider in config.identity_server.external_providers.iter().filter(|p| p.is_enabled()) {
        authority(config, provider, report);
    }
    shared_callbacks(&config.providers, report);
    shared_callbacks(&config.identity_server.external_providers, report);
    compiled_processors(&config.tree, report);
}

fn domain(config: &Config, provider: &Provider, report: &mut Report) {
    let Some(domain) = &provider.domain else {
        let what =
            format!("the provider `{}` has no domain, so it can build no user", provider.name);
        report.lint(&provider.origin, what, "write <domain>sitecore</domain>");
        return;
    };
    if !config.domains.iter().any(|known| known.eq_ignore_ascii_case(domain)) {
        let what =
            format!("the domain `{domain}` of the provider `{}` is not declared", provider.name);
        report.lint(
            &provider.origin,
            what,
            format!("add <domain id=\"{domain}\"> to domainManager/domains"),
        );
    }
}

fn authority(config: &Config, provider: &Provider, report: &mut Report) {
    let Protocol::OpenIdConnect(connection) = &provider.protocol else { return };
    let issuer = connection.issuer.as_str();
    if let Some(own) = &config.identity_server.issuer {
        let host = url::Url::parse(issuer).ok().and_then(|url| url.host_str().map(str::to_owned));
        let is_ours = |host: &str| {
            config.sites.iter().any(|site| {
                site.destination == Destination::IdentityServer
                    && site.host_names.iter().any(|mask| mask.matches(host))
            })
        };
        if own != issuer && host.as_deref().is_some_and(is_ours) {
            let what = format!(
                "the provider `{}` expects the issuer {issuer}, but the identity server here is {own}",
                provider.name
            );
            report.lint(
                &provider.origin,
                what,
                "set the variable identityServerAuthority, or the issuer of <identityServer>",
            );
        }
    }
}

/// Where two providers of one room answer at one address, an answer can be passed off as the other's
/// (RFC 9700 §4.4).
fn shared_callbacks(providers: &[Arc<Provider>], report: &mut Report) {
    let mut seen: Vec<(&str, &str, &Provider)> = Vec::new();
    for provider in providers.iter().filter(|p| p.is_enabled() && p.subprovider.is_none()) {
        let Some((path, issuer)) = provider.callback_path().zip(provider.issuer()) else {
            continue;
        };
        let mixed_up_with = |(known, other, _): &&(&str, &str, &Provider)| {
            known.eq_ignore_ascii_case(path) && *other != issuer
        };
        if let Some((_, _, first)) = seen.iter().find(mixed_up_with) {
            let what = format!(
                "the providers `{}` and `{}` both answer at {path}, where one could pass its answers off as the other's",
                first.name, provider.name
            );
            let own = provider.name.chars().filter(char::is_ascii_alphanumeric);
            let own = own.collect::<String>().to_ascii_lowercase();
            let instead = format!(
                "write <connection provider=\"{}\" callbackPath=\"/signin-{own}\" … /> and register that address there",
                provider.name
            );
            report.lint(&provider.origin, what, instead);
        }
        seen.push((path, issuer, provider));
    }
}

/// Compiled code that configures a provider in the CMS does not run here.
fn compiled_processors(tree: &Element, report: &mut Report) {
    let pipeline = tree.descend(&["pipelines", "owin.identityProviders"]);
    for processor in pipeline.into_iter().flat_map(|p| p.children_named("processor")) {
        let class = crate::config::read::values::class(processor.value("type").unwrap_or_default());
        if class.is_empty() || class.starts_with("Sitecore.Owin.Authentication.") {
            continue;
        }
        let what = format!("the class `{class}` is compiled code, which does not run here");
        let instead =
            "what it configured is written as a <connection> in /sitecore/gateway/connections";
        report.lint(&processor.origin, what, instead);
    }
}
