//! `Sitecore:ExternalIdentityProviders`: the buttons of the identity server's login page (spec §4.4).

use std::sync::Arc;

use crate::config::model::ClaimPattern;
use crate::config::model::Protocol;
use crate::config::model::Provider;
use crate::config::model::ProviderState;
use crate::config::model::ResponseType;
use crate::config::model::Transformation;
use crate::config::model::TransformationKind;
use crate::config::read::callbacks;
use crate::config::read::connections;
use crate::config::read::connections::Connections;
use crate::config::read::connections::Known;
use crate::config::read::dictionary;
use crate::config::read::external_preset;
use crate::config::read::presets::Preset;
use crate::config::read::providers::check_name;
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
        authoritative_for: Vec::new(),
        former_issuers: Vec::new(),
        subprovider: None,
        protocol: Protocol::None,
        origin: setting.origin.clone(),
    };
    let enabled = dictionary::boolean(setting, "Enabled", true, report);
    let described = describe(setting, &mut provider);
    if !enabled {
        provider.state = ProviderState::Off;
        return provider;
    }
    let connection = connections.find(name);
    let connected = described.and_then(|()| {
        let known = known(setting, connection.is_some())?;
        connections::protocol(name, connection, &known, report)
    });
    match connected {
        Ok(connected) => connected.describe(&mut provider),
        Err(refusal) => fail(&mut provider, &refusal, report),
    }
    provider
}

fn describe(setting: &Setting, provider: &mut Provider) -> Result<(), Refusal> {
    dictionary::whole(setting)?;
    check_name(provider)?;
    known_class(setting, PROVIDER, "provider")?;
    dictionary::check_spelling(
        setting,
        &["Enabled", "AuthenticationScheme", "ClaimsTransformations"],
    )?;
    let list = setting.child("ClaimsTransformations");
    let rules = list.into_iter().flat_map(|list| &list.children);
    provider.transformations = rules.map(transformation).collect::<Result<_, _>>()?;
    Ok(())
}

fn transformation(setting: &Setting) -> Result<Transformation, Refusal> {
    known_class(setting, TRANSFORMATION, "transformation")?;
    dictionary::check_spelling(setting, &["type", "SourceClaims", "NewClaims"])?;
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
    let known = |key: &&Setting| ["type", "value"].iter().any(|k| key.name.eq_ignore_ascii_case(k));
    if let Some(unknown) = claim.children.iter().find(|key| !known(key)) {
        let what = format!("<{}> has no `{}`", claim.name, unknown.name);
        return Err(Refusal::at(&unknown.origin, what, "a claim has type and value"));
    }
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
    let text = |names: &[&str]| names.iter().find_map(|name| filled_in(setting, name));
    known.client_id = text(&["ClientId", "AppId", "ApplicationId"]);
    known.client_secret = text(&["ClientSecret", "AppSecret", "ApplicationSecret"]);
    known.scopes = text(&["Scopes", "Scope"]).map(|scopes| values::words(&scopes));
    known.metadata_address = text(&["MetadataAddress"]);
    let metadata = known.metadata_address.as_deref();
    let base = metadata.and_then(|at| at.strip_suffix("/.well-known/openid-configuration"));
    known.authority = text(&["Authority"]).or_else(|| base.map(str::to_owned));
    known.preset =
        external_preset::of(setting).filter(|p| !p.is_plain() || known.authority.is_none());
    let parts = [
        ("tenant", "TenantId"),
        ("domain", "Domain"),
        ("domain", "OktaDomain"),
        ("realm", "Realm"),
        ("authorizationServer", "AuthorizationServerId"),
        ("hostedDomain", "HostedDomain"),
    ];
    known.parts =
        parts.iter().filter_map(|(part, key)| Some((*part, filled_in(setting, key)?))).collect();
    if known.preset == Some(Preset::Entra) && setting.child("ClientSecret").is_none() {
        known.response_type = ResponseType::IdToken;
    }
    if !connected {
        served(setting)?;
        complete(setting, &known)?;
    }
    Ok(known)
}

/// The text of a key, unless it is still the placeholder of the file that it was copied from
/// (`{Place ApplicationId here}`).
fn filled_in(setting: &Setting, name: &str) -> Option<String> {
    let text = setting.text(name)?;
    let placeholder = text.starts_with('{') && text.ends_with('}');
    (!placeholder).then(|| text.to_owned())
}

/// Refuses what lacks our name or our secret there.
fn complete(setting: &Setting, known: &Known) -> Result<(), Refusal> {
    let written = |names: [&str; 3]| names.iter().find_map(|name| setting.child(name));
    let missing = |what: &str, key: Option<&Setting>, usual: &str| {
        let origin = key.map_or(&setting.origin, |key| &key.origin);
        let name = key.map_or(usual, |key| key.name.as_str());
        Err(Refusal::at(origin, what, format!("write <{name}>…</{name}>")))
    };
    if known.client_id.is_none() {
        return missing("the client id is missing", None, "ClientId");
    }
    // Where nothing says otherwise, a file without a secret is that of a public client.
    let public = match known.preset {
        None => setting.child("ClientSecret").is_none(),
        Some(_) => known.response_type == ResponseType::IdToken,
    };
    if known.client_secret.is_none() && !public {
        let key = written(["ClientSecret", "AppSecret", "ApplicationSecret"]);
        return missing("the client secret is missing", key, "ClientSecret");
    }
    Ok(())
}

/// Refuses what is known to be another protocol.
fn served(setting: &Setting) -> Result<(), Refusal> {
    let has = |names: &[&str]| names.iter().any(|name| setting.child(name).is_some());
    let scheme = setting.text("AuthenticationScheme").unwrap_or(&setting.name);
    if has(&["ConsumerKey", "ConsumerSecret"]) {
        let what = "its keys are those of OAuth 1.0a, which is not served";
        let instead = "write the OAuth 2.0 <ClientId> and <ClientSecret> of the application at X";
        return Err(Refusal::at(&setting.origin, what, instead));
    }
    let protocol = if has(&["Wtrealm"]) {
        "WS-Federation"
    } else if has(&["IdentityProviderConfiguration", "ServiceProviderConfiguration", "EntityId"]) {
        "SAML 2.0"
    } else {
        return Ok(());
    };
    let what = format!("it speaks {protocol}, which is not served yet");
    let instead = format!(
        "where the provider also speaks OpenID Connect, write <connection provider=\"{scheme}\" authority=\"https://…\" clientId=\"…\" /> in /sitecore/gateway/connections"
    );
    Err(Refusal::at(&setting.origin, what, instead))
}
