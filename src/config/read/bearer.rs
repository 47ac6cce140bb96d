//! The processor `JwtBearerAuthentication` → [`BearerRules`] (spec §6.3).

use std::sync::Arc;

use crate::config::model::Provider;
use crate::config::model::bearer::BearerRules;
use crate::config::read::report::Refusal;
use crate::config::read::report::Report;
use crate::config::read::values;
use crate::config::tree::Element;

const CLASS: &str =
    "Sitecore.Owin.Authentication.IdentityServer.Pipelines.Initialize.JwtBearerAuthentication";

/// What the CMS sites take as a bearer token; nothing where no such processor is whole.
pub(crate) fn read(
    root: &Element,
    providers: &[Arc<Provider>],
    report: &mut Report,
) -> Option<BearerRules> {
    let pipeline = root.descend(&["pipelines", "owin.initialize"])?;
    let ours = |p: &&Element| {
        values::class(p.value("type").unwrap_or_default()).eq_ignore_ascii_case(CLASS)
    };
    let processor = pipeline.children_named("processor").filter(ours).last()?;
    match rules(processor, providers) {
        Ok(rules) => rules,
        Err(refusal) => {
            let what = format!("no site takes a bearer token: {}", refusal.what);
            report.disable(&refusal.origin, what, refusal.instead);
            None
        }
    }
}

fn rules(processor: &Element, providers: &[Arc<Provider>]) -> Result<Option<BearerRules>, Refusal> {
    if let Some((token, origin)) = values::unresolved_in(processor) {
        let what = format!("the processor holds {token}, which nothing defines");
        return Err(Refusal::at(&origin, what, values::resolve_hint(&token)));
    }
    let at = |name: &str| processor.child(name).map_or(&processor.origin, |child| &child.origin);
    let name = processor.child("identityProviderName").map(Element::text).unwrap_or_default();
    let Some(provider) = providers.iter().find(|provider| *provider.name == *name) else {
        let what = format!("`{name}` is no provider");
        let instead = "write <identityProviderName>SitecoreIdentityServer</identityProviderName>";
        return Err(Refusal::at(at("identityProviderName"), what, instead));
    };
    // Switched off, or not to be reached: that has been told already.
    let Some(own) = provider.issuer() else { return Ok(None) };
    let audiences = listed(processor, "audiences", "audience");
    if audiences.is_empty() {
        // Any token of the issuer would do, whatever API it was meant for.
        let instead =
            "write <audiences hint=\"raw:AddAudience\"><audience value=\"…\" /></audiences>";
        return Err(Refusal::at(at("audiences"), "it names no audience", instead));
    }
    let mut issuers = listed(processor, "issuers", "issuer");
    if issuers.is_empty() {
        issuers.push(own.to_owned());
    }
    let provider = Arc::clone(&provider.name);
    Ok(Some(BearerRules { provider, audiences, issuers, origin: processor.origin.clone() }))
}

/// The values of a list, each an attribute `value` or a text, without a slash at the end.
fn listed(processor: &Element, list: &str, item: &str) -> Vec<String> {
    let items = processor.child(list).into_iter().flat_map(|list| list.children_named(item));
    let value = |item: &Element| {
        let text = item.value("value").map_or_else(|| item.text(), str::to_owned);
        text.trim().trim_end_matches('/').to_owned()
    };
    items.map(value).filter(|value| !value.is_empty()).collect()
}
