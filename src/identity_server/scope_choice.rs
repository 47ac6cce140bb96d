//! Scopes as people are asked about them, and what they answered.

use crate::config::model::identity_server::IdentityServerSettings;
use crate::config::model::identity_server::Resource;
use crate::http::form::Form;
use crate::identity_server::scope;
use crate::pages::Scope;

/// What a ticked box says.
pub(super) const TICKED: &str = "true";

/// The boxes for `scopes`, all of them ticked.
pub(super) fn choices<'a>(
    settings: &'a IdentityServerSettings,
    scopes: &'a [String],
) -> Vec<Scope<'a>> {
    scopes.iter().map(|scope| choice(settings, scope)).collect()
}

/// The box for one scope, in its owner's words; where its owner says nothing, the page has its own.
pub(super) fn choice<'a>(settings: &'a IdentityServerSettings, scope: &'a str) -> Scope<'a> {
    let resource = resource(settings, scope);
    Scope {
        name: scope,
        display_name: resource.map_or("", |resource| &resource.display_name),
        description: resource.and_then(|resource| resource.description.as_deref()),
        required: is_required(settings, scope),
        emphasised: resource.is_some_and(|resource| resource.emphasize),
        ticked: true,
    }
}

/// Those of `scopes` that are ticked in a posted form, in the order in which they were asked for.
/// `None` when nothing is, or not something without which it cannot be: that is a no.
pub(super) fn allowed(
    settings: &IdentityServerSettings,
    scopes: &[String],
    form: &Form,
) -> Option<Vec<String>> {
    let is_ticked = |scope: &&String| form.get(&format!("scope-{scope}")) == Some(TICKED);
    let (kept, left): (Vec<&String>, Vec<&String>) = scopes.iter().partition(is_ticked);
    let enough = !kept.is_empty() && !left.iter().any(|scope| is_required(settings, scope));
    enough.then(|| kept.into_iter().cloned().collect())
}

fn is_required(settings: &IdentityServerSettings, scope: &str) -> bool {
    scope == scope::OPENID || resource(settings, scope).is_some_and(|resource| resource.required)
}

/// What an owner declared under this name.
fn resource<'a>(settings: &'a IdentityServerSettings, scope: &str) -> Option<&'a Resource> {
    let mut resources = settings.identity_resources.iter().chain(&settings.api_scopes);
    resources.find(|resource| resource.name == scope)
}
