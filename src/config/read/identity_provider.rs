//! The children of an `<identityProvider>`, and what the settings say of `SitecoreIdentityServer`.

use crate::config::model::ResponseType;
use crate::config::read::connections::Known;
use crate::config::read::report::Refusal;
use crate::config::read::settings::Settings;
use crate::config::read::transformations::child_text;
use crate::config::read::transformations::each_once;
use crate::config::read::values;
use crate::config::tree::Element;

/// Children that mean something here.
const CHILDREN: [&str; 8] = [
    "param",
    "caption",
    "icon",
    "domain",
    "enabled",
    "triggerExternalSignOut",
    "clearRolesWhenSignIn",
    "transformations",
];

/// A child that is nearly one of the known ones might have switched the provider off.
pub(crate) fn check_spelling(element: &Element) -> Result<(), Refusal> {
    each_once(element, &["enabled", "triggerExternalSignOut", "clearRolesWhenSignIn"])?;
    each_once(element, &["domain", "transformations"])?;
    for child in element.elements() {
        if CHILDREN.iter().any(|known| known.eq_ignore_ascii_case(&child.name)) {
            continue;
        }
        if let Some(meant) = values::nearest(&child.name, CHILDREN) {
            let what = format!("a provider has no child <{}>", child.name);
            return Err(Refusal::at(&child.origin, what, format!("did you mean <{meant}>?")));
        }
    }
    Ok(())
}

/// A child that is true or false.
pub(crate) fn flag(element: &Element, name: &str) -> Result<Option<bool>, Refusal> {
    let Some((text, child)) = child_text(element, name) else { return Ok(None) };
    values::boolean(&text).map(Some).ok_or_else(|| {
        let what = format!("<{name}>{text}</{name}> cannot be read");
        Refusal::at(&child.origin, what, "write true or false")
    })
}

/// How the CMS's settings say to reach the identity server.
pub(crate) fn identity_server(
    root: &Element,
    settings: &Settings,
    provider: &Element,
) -> Result<Known, Refusal> {
    let name = |key: &str| format!("FederatedAuthentication.IdentityServer.{key}");
    let resolved = |key: &str| match settings.find(&name(key)) {
        None => Ok(None),
        Some((text, origin)) => match values::unresolved(text) {
            Some(token) => {
                let what = format!("the setting {} holds {token}", name(key));
                Err(Refusal::at(origin, what, values::resolve_hint(token)))
            }
            None => Ok(Some((text.to_owned(), origin.clone()))),
        },
    };
    let authority = resolved("Authority")?;
    let require_https = match resolved("RequireHttpsMetadata")? {
        None => true,
        Some((text, origin)) => values::boolean(&text).ok_or_else(|| {
            let what = format!("the setting {} is `{text}`", name("RequireHttpsMetadata"));
            Refusal::at(&origin, what, "write true or false")
        })?,
    };
    let mut known = Known::nothing(&provider.origin);
    if let Some((_, origin)) = &authority {
        known.origin = origin.clone();
    }
    known.authority = authority.map(|(text, _)| text.trim_end_matches('/').to_owned());
    known.client_id = resolved("ClientId")?.map(|(text, _)| text);
    known.require_https = require_https;
    known.scopes = Some(scopes(root)?);
    known.callback_path = "/identity/signin";
    known.post_logout_path = "/identity/postexternallogout";
    known.map_inbound_claims = false;
    // What the CMS's own client there is allowed.
    known.response_type = ResponseType::CodeIdToken;
    Ok(known)
}

/// `pipelines/owin.identityProviders/processor[@id='SitecoreIdentityServer']/scopes`.
fn scopes(root: &Element) -> Result<Vec<String>, Refusal> {
    let pipeline = root.descend(&["pipelines", "owin.identityProviders"]);
    let processor = pipeline.and_then(|pipeline| {
        let mut processors = pipeline.children_named("processor");
        processors.find(|p| p.value("id") == Some("SitecoreIdentityServer"))
    });
    let Some(list) = processor.and_then(|p| p.child("scopes")) else {
        return Ok(["openid", "sitecore.profile"].map(str::to_owned).to_vec());
    };
    if let Some((token, origin)) = values::unresolved_in(list) {
        let what = format!("its scopes hold {token}, which nothing defines");
        return Err(Refusal::at(&origin, what, values::resolve_hint(&token)));
    }
    let mut scopes: Vec<String> = Vec::new();
    for scope in list.elements().map(Element::text).filter(|scope| !scope.is_empty()) {
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    Ok(scopes)
}
