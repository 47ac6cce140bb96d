//! IdentityServer4's `IdentityServerOptions`, read under `Sitecore:IdentityServer` → [`ServerOptions`].

use crate::config::model::identity_server::DiscoveryOptions;
use crate::config::model::identity_server::Endpoints;
use crate::config::model::identity_server::ServerOptions;
use crate::config::read::dictionary;
use crate::config::read::report::Report;
use crate::config::settings::Setting;

/// Reads the options; what is not written is as in IdentityServer4.
pub(crate) fn read(server: Option<&Setting>, report: &mut Report) -> ServerOptions {
    let mut options = ServerOptions::default();
    let Some(server) = server else { return options };
    let switches = [
        ("LowerCaseIssuerUri", &mut options.lower_case_issuer),
        ("EmitStaticAudienceClaim", &mut options.static_audience),
        ("EmitScopesAsSpaceDelimitedStringInJwt", &mut options.scopes_as_string),
        ("EmitStateHash", &mut options.state_hash),
        ("StrictJARValidation", &mut options.strict_request_objects),
    ];
    set(server, switches, report);
    if let Some(endpoints) = server.child("Endpoints") {
        options.endpoints = self::endpoints(endpoints, report);
    }
    if let Some(discovery) = server.child("Discovery") {
        options.discovery = self::discovery(discovery, report);
    }
    let usual = options.clock_skew;
    options.clock_skew = dictionary::time_span(server, "JwtValidationClockSkew", usual, report);
    if let Some(setting) = server.child("Authentication") {
        let usual = options.sso_lifetime;
        options.sso_lifetime = dictionary::time_span(setting, "CookieLifetime", usual, report);
    }
    if let Some(setting) = server.child("AccountOptions") {
        let usual = options.remembered_lifetime;
        options.remembered_lifetime =
            dictionary::time_span(setting, "RememberMeLoginDuration", usual, report);
    }
    if let Some(setting) = server.child("DeviceFlow") {
        let interval = dictionary::seconds(setting, "Interval", 1, report);
        options.device_interval = interval.unwrap_or(options.device_interval);
    }
    options
}

fn endpoints(setting: &Setting, report: &mut Report) -> Endpoints {
    let mut endpoints = Endpoints::default();
    let switches = [
        ("EnableAuthorizeEndpoint", &mut endpoints.authorize),
        ("EnableTokenEndpoint", &mut endpoints.token),
        ("EnableUserInfoEndpoint", &mut endpoints.userinfo),
        ("EnableDiscoveryEndpoint", &mut endpoints.discovery),
        ("EnableEndSessionEndpoint", &mut endpoints.end_session),
        ("EnableCheckSessionEndpoint", &mut endpoints.check_session),
        ("EnableTokenRevocationEndpoint", &mut endpoints.revocation),
        ("EnableIntrospectionEndpoint", &mut endpoints.introspection),
        ("EnableDeviceAuthorizationEndpoint", &mut endpoints.device_authorization),
        ("EnablePushedAuthorizationEndpoint", &mut endpoints.pushed_authorization),
        ("EnableJwtRequestUri", &mut endpoints.request_uri),
    ];
    spelt(setting, &switches.each_ref().map(|(name, _)| *name), report);
    set(setting, switches, report);
    endpoints
}

fn discovery(setting: &Setting, report: &mut Report) -> DiscoveryOptions {
    let mut discovery = DiscoveryOptions::default();
    let switches = [
        ("ShowEndpoints", &mut discovery.endpoints),
        ("ShowKeySet", &mut discovery.key_set),
        ("ShowIdentityScopes", &mut discovery.identity_scopes),
        ("ShowApiScopes", &mut discovery.api_scopes),
        ("ShowClaims", &mut discovery.claims),
        ("ShowResponseTypes", &mut discovery.response_types),
        ("ShowResponseModes", &mut discovery.response_modes),
        ("ShowGrantTypes", &mut discovery.grant_types),
        ("ShowTokenEndpointAuthenticationMethods", &mut discovery.authentication_methods),
    ];
    let known = switches.each_ref().map(|(name, _)| *name);
    spelt(setting, &[&known[..], &["CustomEntries", "ResponseCacheInterval"]].concat(), report);
    set(setting, switches, report);
    discovery.cache = dictionary::seconds(setting, "ResponseCacheInterval", 0, report);
    for entry in dictionary::entries(Some(setting), "CustomEntries") {
        let value = entry.value.as_deref().unwrap_or_default().trim().to_owned();
        discovery.custom_entries.push((entry.name.clone(), value));
    }
    discovery
}

fn set<'a>(
    setting: &Setting,
    switches: impl IntoIterator<Item = (&'static str, &'a mut bool)>,
    report: &mut Report,
) {
    for (name, switch) in switches {
        *switch = dictionary::boolean(setting, name, *switch, report);
    }
}

fn spelt(setting: &Setting, known: &[&str], report: &mut Report) {
    if let Err(refusal) = dictionary::check_spelling(setting, known) {
        return report.fault(&refusal.origin, refusal.what, refusal.instead);
    }
    let is_known = |child: &&Setting| known.iter().any(|k| k.eq_ignore_ascii_case(&child.name));
    for child in setting.children.iter().filter(|child| !is_known(child)) {
        let what = format!("<{}> switches nothing", child.name);
        report.lint(&child.origin, what, format!("write one of {}", known.join(", ")));
    }
}
