//! `Sitecore:ExternalIdentityProviders`: the buttons of the identity server's login page (spec §4.4).

use std::sync::Arc;

use crate::config::model::ClaimPattern;
use crate::config::model::Protocol;
use crate::config::model::Provider;
use crate::config::model::ProviderState;
use crate::config::model::Transformation;
use crate::config::model::TransformationKind;
use crate::config::read::callbacks;
use crate::config::read::clients;
use crate::config::read::connections;
use crate::config::read::connections::Connections;
use crate::config::read::connections::Known;
use crate::config::read::providers::fail;
use crate::config::read::report::Refusal;
use crate::config::read::report::Report;
use crate::config::read::values;
use crate::config::settings::Setting;

const PROVIDER: &str = "Sitecore.Plugin.IdentityProviders.IdentityProvider";
const TRANSFORMATION: &str = "Sitecore.Plugin.IdentityProviders.DefaultClaimsTransformation";

/// Every external provider, usable or not.
pub(crate) fn read(
    root: &Setting,
    connections: &Connections<'_>,
    report: &mut Report,
) -> Vec<Arc<Provider>> {
    let mut providers: Vec<Arc<Provider>> = Vec::new();
    let list = root.descend(&["ExternalIdentityProviders", "IdentityProviders"]);
    for setting in list.into_iter().flat_map(|list| &list.children) {
        let provider = provider(setting, connections, report);
        if providers.iter().any(|known| known.name == provider.name) {
            let what = format!("two external providers have the scheme `{}`", provider.name);
            report.fault(&setting.origin, what, "give one of them another AuthenticationScheme");
        }
        providers.push(Arc::new(provider));
    }
    callbacks::mark(&mut providers);
    providers
}

fn provider(setting: &Setting, connections: &Connections<'_>, report: &mut Report) -> Provider {
    let name = setting.text("AuthenticationScheme").unwrap_or(&setting.name);
    let mut provider = Provider {
        name: Arc::from(name),
        caption: setting.text("DisplayName").unwrap_or(name).to_owned(),
        icon: setting.text("Icon").map(str::to_owned),
        domain: None,
        state: ProviderState::Enabled,
        trigger_external_sign_out: false,
        clear_roles_when_sign_in: false,
        transformations: Vec::new(),
        map_inbound_claims: true,
        subprovider: None,
        protocol: Protocol::None,
        origin: setting.origin.clone(),
    };
    let enabled = clients::boolean(setting, "Enabled", true, report);
    let described = describe(setting, &mut provider);
    if !enabled {
        provider.state = ProviderState::Off;
        return provider;
    }
    let connection = connections.find(name);
    let connected = described.and_then(|()| {
        let known = known(setting, connection.is_some())?;
        connections::open_id_connect(connection, &known, report)
    });
    match connected {
        Ok((protocol, inbound)) => {
            provider.protocol = Protocol::OpenIdConnect(protocol);
            provider.map_inbound_claims = inbound;
        }
        Err(refusal) => fail(&mut provider, &refusal, report),
    }
    provider
}

fn describe(setting: &Setting, provider: &mut Provider) -> Result<(), Refusal> {
    clients::whole(setting)?;
    known_class(setting, PROVIDER, "provider")?;
    let list = setting.child("ClaimsTransformations");
    let rules = list.into_iter().flat_map(|list| &list.children);
    provider.transformations = rules.map(transformation).collect::<Result<_, _>>()?;
    Ok(())
}

fn transformation(setting: &Setting) -> Result<Transformation, Refusal> {
    known_class(setting, TRANSFORMATION, "transformation")?;
    let sources = patterns(setting, "SourceClaims")?;
    if sources.is_empty() {
        let what = "a transformation without a source claim would match everybody";
        return Err(Refusal::at(
            &setting.origin,
            what,
            "write <SourceClaims><Claim1 type=\"…\" /></SourceClaims>",
        ));
    }
    Ok(Transformation {
        name: Arc::from(setting.name.as_str()),
        kind: TransformationKind::Default {
            sources,
            targets: patterns(setting, "NewClaims")?,
            keep_source: true,
        },
        origin: setting.origin.clone(),
    })
}

fn patterns(setting: &Setting, list: &str) -> Result<Vec<ClaimPattern>, Refusal> {
    let claims = setting.child(list).map(|list| list.children.iter());
    claims.into_iter().flatten().map(pattern).collect()
}

fn pattern(claim: &Setting) -> Result<ClaimPattern, Refusal> {
    let Some(kind) = claim.text("type") else {
        let what = format!("<{}> has no type", claim.name);
        return Err(Refusal::at(&claim.origin, what, "write type=\"claim type\""));
    };
    let value = claim.child("value").and_then(|value| value.value.clone());
    Ok(ClaimPattern { kind: kind.to_owned(), value })
}

fn known_class(setting: &Setting, class: &str, what: &str) -> Result<(), Refusal> {
    let Some(written) = setting.child("type") else { return Ok(()) };
    let name = values::class(written.value.as_deref().unwrap_or_default());
    if name == class {
        return Ok(());
    }
    let what = format!("the {what} class `{name}` is not known here");
    Err(Refusal::at(&written.origin, what, format!("use {class}")))
}

/// What the provider's own keys say of the way to it.
fn known(setting: &Setting, connected: bool) -> Result<Known, Refusal> {
    let mut known = Known::nothing(&setting.origin);
    let text = |name: &str| setting.text(name).map(str::to_owned);
    known.client_id = text("ClientId");
    known.client_secret = text("ClientSecret");
    if let Some(scopes) = text("Scopes").or_else(|| text("Scope")) {
        known.scopes = values::words(&scopes);
    }
    known.metadata_address = text("MetadataAddress");
    let from_metadata = known.metadata_address.as_deref().and_then(issuer_of);
    known.authority = text("Authority")
        .or(from_metadata)
        .or_else(|| text("TenantId").map(|t| format!("https://login.microsoftonline.com/{t}/v2.0")))
        .or_else(|| text("Domain").map(|d| format!("https://{}/", d.trim_end_matches('/'))));
    if !connected {
        served(setting)?;
    }
    if known.client_id.is_none() && !connected {
        return Err(Refusal::at(
            &setting.origin,
            "the client id is missing",
            "write <ClientId>…</ClientId>",
        ));
    }
    Ok(known)
}

/// Refuses what is known to be another protocol.
fn served(setting: &Setting) -> Result<(), Refusal> {
    let has = |names: &[&str]| names.iter().any(|name| setting.child(name).is_some());
    let protocol = if has(&["Wtrealm"]) {
        "WS-Federation"
    } else if has(&["IdentityProviderConfiguration", "ServiceProviderConfiguration", "EntityId"]) {
        "SAML 2.0"
    } else if has(&["AppId", "AppSecret", "ApplicationId", "ApplicationSecret"]) {
        "plain OAuth 2.0"
    } else {
        return Ok(());
    };
    let scheme = setting.text("AuthenticationScheme").unwrap_or(&setting.name);
    let what = format!("it speaks {protocol}, which is not served yet");
    let instead = format!(
        "where the provider also speaks OpenID Connect, write <connection provider=\"{scheme}\" authority=\"https://…\" clientId=\"…\" /> in /sitecore/gateway/connections"
    );
    Err(Refusal::at(&setting.origin, what, instead))
}

/// The issuer that a discovery document at `metadata` names: Entra's older documents name another
/// one than their address says.
fn issuer_of(metadata: &str) -> Option<String> {
    let base = metadata.strip_suffix("/.well-known/openid-configuration")?;
    let tenant = base.strip_prefix("https://login.microsoftonline.com/");
    match tenant.filter(|tenant| !tenant.contains('/')) {
        Some(tenant) => Some(format!("https://sts.windows.net/{tenant}/")),
        None => Some(base.to_owned()),
    }
}
