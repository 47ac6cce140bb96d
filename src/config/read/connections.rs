//! `<connection>`: how to reach a provider over OpenID Connect or plain OAuth 2.0, with presets for the
//! well-known ones.

use std::collections::BTreeMap;

use crate::config::fault::Origin;
use crate::config::model::Protocol;
use crate::config::model::Provider;
use crate::config::model::ResponseType;
use crate::config::read::connection::Reader;
use crate::config::read::oauth2;
use crate::config::read::ours::Ours;
use crate::config::read::presets::Preset;
use crate::config::read::report::Refusal;
use crate::config::read::report::Report;
use crate::config::read::values;
use crate::config::tree::Element;

/// The connections by provider.
#[derive(Debug, Default)]
pub(crate) struct Connections<'a>(BTreeMap<&'a str, &'a Element>);

impl<'a> Connections<'a> {
    /// Reads `connections`.
    pub(crate) fn read(gateway: &'a Element, report: &mut Report) -> Self {
        let mut connections = BTreeMap::new();
        let Some(list) = gateway.child("connections") else { return Self(connections) };
        let list = Ours::new(list, &[], &["connection"], report);
        for element in list.children("connection") {
            let Some(provider) = element.value("provider").filter(|p| !p.trim().is_empty()) else {
                report.fault(
                    &element.origin,
                    "a connection names no provider",
                    "write provider=\"…\"",
                );
                continue;
            };
            if connections.insert(provider.trim(), element).is_some() {
                let what = format!("the provider `{provider}` has two connections");
                let hint = "to change an attribute in a patch, write it as set:attribute=\"…\"";
                report.fault(&element.origin, what, hint);
            }
        }
        Self(connections)
    }

    /// The connection of a provider.
    pub(crate) fn find(&self, provider: &str) -> Option<&'a Element> {
        self.0.get(provider).copied()
    }

    /// Every provider with its connection.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'a str, &'a Element)> {
        self.0.iter().map(|(provider, element)| (*provider, *element))
    }
}

/// What is known of a provider before its connection is read.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    /// Where that stands.
    pub(crate) origin: Origin,
    /// Which of the well-known providers it is.
    pub(crate) preset: Option<Preset>,
    /// What its preset needs, under the names of the connection's attributes: `tenant`, `domain` …
    pub(crate) parts: Vec<(&'static str, String)>,
    /// The issuer.
    pub(crate) authority: Option<String>,
    /// Where its discovery document is.
    pub(crate) metadata_address: Option<String>,
    /// Our client id there.
    pub(crate) client_id: Option<String>,
    /// Our secret there.
    pub(crate) client_secret: Option<String>,
    /// Scopes asked for; those of the protocol or preset when nothing was written.
    pub(crate) scopes: Option<Vec<String>>,
    /// What comes through the browser.
    pub(crate) response_type: ResponseType,
    /// Path of the redirect URI.
    pub(crate) callback_path: &'static str,
    /// Path of the post-logout redirect URI.
    pub(crate) post_logout_path: &'static str,
    /// Whether plain http is refused.
    pub(crate) require_https: bool,
    /// Whether inbound claims are renamed.
    pub(crate) map_inbound_claims: bool,
}

impl Known {
    /// Nothing but the defaults.
    pub(crate) fn nothing(origin: &Origin) -> Self {
        Self {
            origin: origin.clone(),
            preset: None,
            parts: Vec::new(),
            authority: None,
            metadata_address: None,
            client_id: None,
            client_secret: None,
            scopes: None,
            response_type: ResponseType::Code,
            callback_path: "/signin-oidc",
            post_logout_path: "/signout-callback-oidc",
            require_https: true,
            map_inbound_claims: true,
        }
    }
}

const ATTRIBUTES: [&str; 34] = [
    "provider",
    "preset",
    "protocol",
    "tenant",
    "tenants",
    "hostedDomain",
    "domain",
    "realm",
    "authorizationServer",
    "authority",
    "metadataAddress",
    "authorizationEndpoint",
    "tokenEndpoint",
    "userinfoEndpoint",
    "subject",
    "fields",
    "pkce",
    "clientId",
    "clientSecret",
    "clientAuthentication",
    "scopes",
    "responseType",
    "responseMode",
    "callbackPath",
    "postLogoutPath",
    "algorithms",
    "clockSkew",
    "refreshAfter",
    "userinfo",
    "ca",
    "requireHttpsMetadata",
    "mapInboundClaims",
    "authoritativeFor",
    "formerIssuers",
];

/// What a connection says of its provider.
#[derive(Debug)]
pub(crate) struct Connected {
    /// How it is reached.
    pub(crate) protocol: Protocol,
    /// Whether its inbound claims are renamed.
    pub(crate) map_inbound_claims: bool,
    /// Mail domains in which its word on addresses is taken.
    pub(crate) authoritative_for: Vec<String>,
    /// Issuers that it was before.
    pub(crate) former_issuers: Vec<String>,
}

impl Connected {
    /// Writes it into the provider.
    pub(crate) fn describe(self, provider: &mut Provider) {
        provider.protocol = self.protocol;
        provider.map_inbound_claims = self.map_inbound_claims;
        provider.authoritative_for = self.authoritative_for;
        provider.former_issuers = self.former_issuers;
    }
}

/// How the provider `name` is reached, and how far its word goes.
///
/// # Errors
///
/// What is missing or cannot be served: the provider is off then. What is malformed is a fault.
pub(crate) fn protocol(
    name: &str,
    connection: Option<&Element>,
    known: &Known,
    report: &mut Report,
) -> Result<Connected, Refusal> {
    if let Some((token, origin)) = connection.and_then(values::unresolved_in) {
        let what = format!("the connection holds {token}, which nothing defines");
        return Err(Refusal::at(&origin, what, values::resolve_hint(&token)));
    }
    let children = ["parameter", "claim"];
    let ours = connection.map(|element| Ours::new(element, &ATTRIBUTES, &children, report));
    let preset = written_preset(name, ours)?.or(known.preset);
    let reader = Reader { ours, known, preset };
    let plain = [("openid", false), ("oauth2", true)];
    let plain = reader.choice("protocol", &plain, report);
    let map_inbound_claims = reader.boolean("mapInboundClaims", known.map_inbound_claims, report);
    let protocol = if plain.unwrap_or_else(|| preset.is_some_and(Preset::is_plain)) {
        Protocol::OAuth2(oauth2::read(&reader, name, report)?)
    } else {
        Protocol::OpenIdConnect(reader.open_id_connect(report)?)
    };
    Ok(Connected {
        protocol,
        map_inbound_claims,
        authoritative_for: mail_domains(&reader, name, report),
        former_issuers: values::list(reader.text("formerIssuers").unwrap_or_default()),
    })
}

/// Domains as they stand behind the `@`, separated by `|`. An identity server gives out no addresses:
/// it passes on what the providers behind it say, some of whose people write theirs themselves.
fn mail_domains(reader: &Reader<'_>, provider: &str, report: &mut Report) -> Vec<String> {
    let written = values::list(reader.text("authoritativeFor").unwrap_or_default());
    let origin = reader.ours.map_or(&reader.known.origin, |o| o.origin_of("authoritativeFor"));
    if is_identity_server(provider) && !written.is_empty() {
        let what = format!(
            "authoritativeFor of `{provider}` would believe every provider behind it on addresses"
        );
        let instead = "map the provider that gives out these addresses to the site itself, and write it at that one's connection";
        report.fault(origin, what, instead);
    }
    for domain in written.iter().filter(|domain| !super::sites::is_host(domain, false)) {
        let what = format!("authoritativeFor holds `{domain}`, which is no mail domain");
        report.fault(origin, what, "write domains such as company.test, separated by |");
    }
    written.iter().map(|domain| domain.to_ascii_lowercase()).collect()
}

/// The preset that is written. None fits a provider of the identity server's name: whatever goes by
/// that is believed on names, roles and administrators.
fn written_preset(provider: &str, ours: Option<Ours<'_>>) -> Result<Option<Preset>, Refusal> {
    let Some(ours) = ours else { return Ok(None) };
    let Some(name) = ours.text("preset").filter(|name| !name.is_empty()) else { return Ok(None) };
    let refuse =
        |what: String, instead: String| Err(Refusal::at(ours.origin_of("preset"), what, instead));
    let Some(preset) = Preset::named(name) else {
        let what = format!("there is no preset `{name}`");
        return refuse(what, format!("known are {}", Preset::names()));
    };
    if is_identity_server(provider) {
        let what = format!("{name} would be believed like an identity server of your own");
        let instead =
            "declare it as an identityProvider under a name of its own, with rules for its roles";
        return refuse(what, instead.to_owned());
    }
    Ok(Some(preset))
}

/// Whether it is the provider whose word on names and roles is taken.
fn is_identity_server(provider: &str) -> bool {
    provider.split('/').next() == Some(IDENTITY_SERVER)
}

const IDENTITY_SERVER: &str = "SitecoreIdentityServer";
