//! `<identityProvider>` → [`Provider`]: known classes, subproviders, what is off and why (spec §1.2).

use std::sync::Arc;

use crate::config::fault::Origin;
use crate::config::model::Protocol;
use crate::config::model::Provider;
use crate::config::model::ProviderState;
use crate::config::read::callbacks;
use crate::config::read::connections;
use crate::config::read::connections::Connections;
use crate::config::read::connections::Known;
use crate::config::read::identity_provider;
use crate::config::read::report::Refusal;
use crate::config::read::report::Report;
use crate::config::read::settings::Settings;
use crate::config::read::transformations;
use crate::config::read::transformations::Shared;
use crate::config::read::transformations::child_text;
use crate::config::read::values;
use crate::config::tree::Element;

const ORDINARY: &str = "Sitecore.Owin.Authentication.Configuration.DefaultIdentityProvider";
const IDENTITY_SERVER: &str = "Sitecore.Owin.Authentication.IdentityServer.IdentityServerProvider";

/// What every provider is read with.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    /// The `/sitecore` element.
    pub(crate) root: &'a Element,
    /// `federatedAuthentication`.
    pub(crate) federation: &'a Element,
    /// Our connection settings.
    pub(crate) connections: &'a Connections<'a>,
    /// `settings/setting`.
    pub(crate) settings: &'a Settings,
}

/// Every provider that is declared: those that can be used, those that are off, those that cannot
/// work.
pub(crate) fn read(context: &Context<'_>, report: &mut Report) -> Vec<Arc<Provider>> {
    let Some(list) = context.federation.child("identityProviders") else { return Vec::new() };
    let shared = Shared::read(context.federation);
    if let Err(refusal) = &shared {
        let what = format!("every provider is off, because {}", refusal.what);
        report.disable(&refusal.origin, what, refusal.instead.clone());
    }
    let shared = shared.ok();
    let mut providers: Vec<Arc<Provider>> = Vec::new();
    let elements = || list.children_named("identityProvider");
    let (inner, ordinary): (Vec<_>, Vec<_>) =
        elements().partition(|e| e.value("id").is_some_and(|id| gateway_of(id, list).is_some()));
    for element in ordinary.into_iter().chain(inner) {
        let reader = Reader { context, shared: shared.as_ref(), element };
        let Some(provider) = reader.provider(list, &providers, report) else { continue };
        if providers.iter().any(|known| known.name == provider.name) {
            let what = format!("the provider `{}` is declared twice", provider.name);
            report.fault(&element.origin, what, "give one of them another id");
            continue;
        }
        providers.push(Arc::new(provider));
    }
    let position =
        |p: &Provider| elements().position(|e| e.value("id").map(str::trim) == Some(&*p.name));
    providers.sort_by_key(|provider| position(provider));
    callbacks::mark(&mut providers);
    providers
}

/// The gateway provider and the scheme of a subprovider's id, when that gateway is declared.
fn gateway_of<'a>(id: &'a str, list: &Element) -> Option<(&'a str, &'a str)> {
    let (gateway, scheme) = id.trim().split_once('/')?;
    let declared = |e: &Element| e.value("id").map(str::trim) == Some(gateway);
    list.children_named("identityProvider").any(declared).then_some((gateway, scheme))
}

struct Reader<'a> {
    context: &'a Context<'a>,
    shared: Option<&'a Shared<'a>>,
    element: &'a Element,
}

impl Reader<'_> {
    fn provider(
        &self,
        list: &Element,
        known: &[Arc<Provider>],
        report: &mut Report,
    ) -> Option<Provider> {
        let id = self.element.value("id").map(str::trim).filter(|id| !id.is_empty());
        let Some(id) = id else {
            report.fault(&self.element.origin, "a provider has no id", "write id=\"…\"");
            return None;
        };
        if self.element.value("mode").is_some_and(|mode| mode.eq_ignore_ascii_case("off")) {
            return None;
        }
        let mut provider = self.outline(id);
        if let Err(refusal) = self.describe(&mut provider) {
            fail(&mut provider, &refusal, report);
            return Some(provider);
        }
        match gateway_of(id, list) {
            Some((gateway, scheme)) => {
                let gateway = known.iter().find(|p| &*p.name == gateway);
                self.inherit(&mut provider, gateway, scheme, report);
            }
            None if provider.state == ProviderState::Off => {}
            None => {
                if let Err(refusal) = self.connect(&mut provider, report) {
                    fail(&mut provider, &refusal, report);
                }
            }
        }
        Some(provider)
    }

    fn outline(&self, id: &str) -> Provider {
        let text = |name: &str| {
            child_text(self.element, name).map(|(text, _)| text).filter(|text| !text.is_empty())
        };
        Provider {
            name: Arc::from(id),
            caption: text("caption").unwrap_or_else(|| id.to_owned()),
            icon: text("icon"),
            domain: text("domain"),
            state: ProviderState::Enabled,
            trigger_external_sign_out: false,
            clear_roles_when_sign_in: false,
            transformations: Vec::new(),
            map_inbound_claims: true,
            authoritative_for: Vec::new(),
            former_issuers: Vec::new(),
            subprovider: None,
            protocol: Protocol::None,
            origin: self.element.origin.clone(),
        }
    }

    /// What the element itself says, before anybody asks how to reach the provider.
    fn describe(&self, provider: &mut Provider) -> Result<(), Refusal> {
        check_name(provider)?;
        self.check_class()?;
        if let Some((token, origin)) = unresolved_in(self.element, &provider.name) {
            let what = format!("it holds {token}, which nothing defines");
            return Err(Refusal::at(&origin, what, values::resolve_hint(&token)));
        }
        identity_provider::check_spelling(self.element)?;
        let enabled = identity_provider::flag(self.element, "enabled")?.unwrap_or(true);
        if !enabled || !self.context.settings.federation_enabled {
            provider.state = ProviderState::Off;
        }
        provider.trigger_external_sign_out =
            identity_provider::flag(self.element, "triggerExternalSignOut")?.unwrap_or(false);
        provider.clear_roles_when_sign_in =
            identity_provider::flag(self.element, "clearRolesWhenSignIn")?.unwrap_or(false);
        let Some(shared) = self.shared else {
            let what = "the shared transformations cannot be read";
            return Err(Refusal::at(&self.element.origin, what, "see the notice about them"));
        };
        provider.transformations = transformations::chain(self.context.root, shared, self.element)?;
        Ok(())
    }

    fn check_class(&self) -> Result<(), Refusal> {
        let Some(written) = self.element.attribute("type") else {
            let what = "it has no type";
            return Err(Refusal::at(
                &self.element.origin,
                what,
                format!("write type=\"{ORDINARY}, Sitecore.Owin.Authentication\""),
            ));
        };
        let class = values::class(&written.value);
        if [ORDINARY, IDENTITY_SERVER].contains(&class) {
            return Ok(());
        }
        let what = format!("the provider class `{class}` is not known here");
        let instead =
            format!("use {ORDINARY} and say how to reach it in /sitecore/gateway/connections");
        Err(Refusal::at(&written.origin, what, instead))
    }

    /// A subprovider has its gateway's connection, transformations and sign-out, and cannot change
    /// them.
    fn inherit(
        &self,
        provider: &mut Provider,
        gateway: Option<&Arc<Provider>>,
        scheme: &str,
        report: &mut Report,
    ) {
        let Some(gateway) = gateway else {
            provider.state = ProviderState::Off;
            return;
        };
        for name in ["transformations", "triggerExternalSignOut"] {
            let inherited = transformations::child(self.element, name);
            if let Some(child) =
                inherited.filter(|c| c.elements().next().is_some() || !c.text().is_empty())
            {
                let what = format!(
                    "<{}> of the subprovider `{}` has no effect: it comes from `{}`",
                    child.name, provider.name, gateway.name
                );
                report.lint(&child.origin, what, format!("write it at `{}`", gateway.name));
            }
        }
        provider.subprovider = Some((Arc::clone(&gateway.name), scheme.to_owned()));
        provider.transformations.clone_from(&gateway.transformations);
        provider.trigger_external_sign_out = gateway.trigger_external_sign_out;
        provider.map_inbound_claims = gateway.map_inbound_claims;
        provider.protocol = gateway.protocol.clone();
        provider.former_issuers.clone_from(&gateway.former_issuers);
        provider.domain = provider.domain.take().or_else(|| gateway.domain.clone());
        if provider.is_enabled() && !gateway.is_enabled() {
            let what = format!(
                "the subprovider `{}` is off, because `{}` is",
                provider.name, gateway.name
            );
            report.lint(&provider.origin, what, "switch both on, or both off");
            provider.state = gateway.state.clone();
        }
    }

    fn connect(&self, provider: &mut Provider, report: &mut Report) -> Result<(), Refusal> {
        let connection = self.context.connections.find(&provider.name);
        let class = values::class(self.element.value("type").unwrap_or_default());
        let known = if class == IDENTITY_SERVER {
            identity_provider::identity_server(
                self.context.root,
                self.context.settings,
                self.element,
            )?
        } else {
            if connection.is_none() {
                return Err(no_connection(&provider.name, &self.element.origin));
            }
            Known::nothing(&self.element.origin)
        };
        connections::protocol(&provider.name, connection, &known, report)?.describe(provider);
        Ok(())
    }
}

/// Refuses a provider that is called like the local user store.
///
/// # Errors
///
/// Its name.
pub(crate) fn check_name(provider: &Provider) -> Result<(), Refusal> {
    if !Provider::is_local_issuer(&provider.name) {
        return Ok(());
    }
    let what = "its people would pass for local users: the name is the local user store's";
    Err(Refusal::at(&provider.origin, what, "give it another name"))
}

fn no_connection(name: &str, origin: &Origin) -> Refusal {
    let instead = format!(
        "write <connection provider=\"{name}\" authority=\"https://…\" clientId=\"…\" clientSecret=\"…\" /> in /sitecore/gateway/connections"
    );
    Refusal::at(origin, "nothing says how to reach it", instead)
}

/// Switches a provider off and tells its owner why.
pub(crate) fn fail(provider: &mut Provider, refusal: &Refusal, report: &mut Report) {
    let what = format!("the provider `{}` is off: {}", provider.name, refusal.what);
    report.disable(&refusal.origin, what, refusal.instead.clone());
    provider.state = ProviderState::Broken(refusal.what.clone());
    provider.protocol = Protocol::None;
}

/// What is unresolved in a provider; `$(id)` is its own id and may stand in a `<param>`.
fn unresolved_in(element: &Element, id: &str) -> Option<(String, Origin)> {
    let own = |token: &str| token == "$(id)" && !id.is_empty();
    let outside = element.elements().filter(|e| e.name != "param");
    let found = outside.filter_map(values::unresolved_in).find(|(token, _)| !own(token));
    found.or_else(|| {
        let param = element.children_named("param").filter_map(values::unresolved_in);
        param.into_iter().find(|(token, _)| !own(token))
    })
}
