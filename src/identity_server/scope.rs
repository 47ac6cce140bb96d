//! Scopes: which a client may have, what they release, and whom they address.

use crate::config::model::identity_server::Client;
use crate::config::model::identity_server::IdentityServerSettings;
use crate::config::model::identity_server::Resource;

/// The scope that makes a request one of OpenID Connect.
pub(super) const OPENID: &str = "openid";

/// The scope that asks for a refresh token.
pub(super) const OFFLINE_ACCESS: &str = "offline_access";

/// The scopes of OpenID Connect Core §5.4 and §11.
const STANDARD: [&str; 6] = [OPENID, "profile", "email", "address", "phone", OFFLINE_ACCESS];

/// Longest `scope` parameter, in bytes.
const LONGEST: usize = 300;

/// Why scopes are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ScopeFault {
    /// None was asked for, or too much text.
    Malformed,
    /// One that does not exist or is not this client's.
    NotAllowed,
}

/// Reads a `scope` parameter: known to the server, allowed to the client, each once, in order.
///
/// # Errors
///
/// See [`ScopeFault`].
pub(super) fn read(
    settings: &IdentityServerSettings,
    client: &Client,
    text: &str,
) -> Result<Vec<String>, ScopeFault> {
    if text.len() > LONGEST {
        return Err(ScopeFault::Malformed);
    }
    let mut scopes: Vec<String> = Vec::new();
    for scope in text.split(' ').filter(|scope| !scope.is_empty()) {
        if !is_allowed(settings, client, scope) {
            return Err(ScopeFault::NotAllowed);
        }
        if !scopes.iter().any(|known| known == scope) {
            scopes.push(scope.to_owned());
        }
    }
    if scopes.is_empty() { Err(ScopeFault::Malformed) } else { Ok(scopes) }
}

/// Whether the client may have `scope`, and there is such a scope.
pub(super) fn is_allowed(settings: &IdentityServerSettings, client: &Client, scope: &str) -> bool {
    if scope == OFFLINE_ACCESS {
        return client.offline_access;
    }
    let listed = client.scopes.iter().any(|allowed| allowed == scope);
    listed && (is_identity(settings, scope) || is_api(settings, scope))
}

/// Whether `scope` is one of OpenID Connect's own.
pub(super) fn is_standard(scope: &str) -> bool {
    STANDARD.contains(&scope)
}

/// Whether `scope` releases claims of the user.
pub(super) fn is_identity(settings: &IdentityServerSettings, scope: &str) -> bool {
    scope == OPENID || settings.identity_resources.iter().any(|r| r.name == scope)
}

/// Whether `scope` addresses an API.
pub(super) fn is_api(settings: &IdentityServerSettings, scope: &str) -> bool {
    settings.api_scopes.iter().any(|r| r.name == scope)
}

/// The claims that the identity resources among `scopes` release.
pub(super) fn identity_claims<'a>(
    settings: &'a IdentityServerSettings,
    scopes: &'a [String],
) -> impl Iterator<Item = &'a str> {
    claims(&settings.identity_resources, scopes)
}

/// The claims that the API scopes among `scopes`, and the APIs that are `addressed`, want in access
/// tokens.
pub(super) fn api_claims<'a>(
    settings: &'a IdentityServerSettings,
    scopes: &'a [String],
    addressed: &[&'a Resource],
) -> impl Iterator<Item = &'a str> {
    let theirs: Vec<&str> =
        addressed.iter().flat_map(|api| api.user_claims.iter().map(String::as_str)).collect();
    claims(&settings.api_scopes, scopes).chain(theirs)
}

fn claims<'a>(resources: &'a [Resource], scopes: &'a [String]) -> impl Iterator<Item = &'a str> {
    resources
        .iter()
        .filter(|resource| scopes.contains(&resource.name))
        .flat_map(|resource| resource.user_claims.iter().map(String::as_str))
}

/// Those of the claims `asked` for by name that a scope open to the client releases: a request
/// cannot reach further than its client's file. Where people are asked what the client may have, they
/// were asked about the `granted` scopes, and it can reach no further than these.
pub(super) fn open_claims<'a>(
    settings: &IdentityServerSettings,
    client: &Client,
    granted: &[String],
    asked: &'a [String],
) -> impl Iterator<Item = &'a str> {
    let scopes = if client.require_consent { granted } else { &client.scopes };
    let open: Vec<String> = identity_claims(settings, scopes).map(str::to_owned).collect();
    asked.iter().filter(move |name| open.contains(name)).map(String::as_str)
}

/// The API resources that own one of `scopes`, which are the audience of an access token; where
/// `resources` are named, those among them.
pub(super) fn addressed<'a>(
    settings: &'a IdentityServerSettings,
    scopes: &[String],
    resources: &[String],
) -> Vec<&'a Resource> {
    let named = |api: &&Resource| resources.is_empty() || resources.contains(&api.name);
    let owns = |api: &&Resource| api.scopes.iter().any(|scope| scopes.contains(scope));
    settings.api_resources.iter().filter(named).filter(owns).collect()
}

/// What is left of `scopes` and of the `resources` that were named with them, once some of the scopes
/// are gone: the resources that the others reach, and no API in the place of those that none does.
/// `None` when that is nothing.
pub(super) fn reached(
    settings: &IdentityServerSettings,
    scopes: &[String],
    resources: &[String],
) -> Option<(Vec<String>, Vec<String>)> {
    if resources.is_empty() {
        return Some((scopes.to_vec(), Vec::new()));
    }
    let addressed = addressed(settings, scopes, resources);
    let is_open = |scope: &&String| {
        !is_api(settings, scope) || addressed.iter().any(|api| api.scopes.contains(scope))
    };
    let scopes: Vec<String> = scopes.iter().filter(is_open).cloned().collect();
    let resources = addressed.iter().map(|api| api.name.clone()).collect();
    (!scopes.is_empty()).then_some((scopes, resources))
}

/// Leaves those API scopes that belong to the `resources` named, if any are (RFC 8707 §2.2). `None`
/// when one of them owns none of the scopes.
pub(super) fn reach(
    settings: &IdentityServerSettings,
    scopes: &mut Vec<String>,
    resources: &[String],
) -> Option<()> {
    if resources.is_empty() {
        return Some(());
    }
    let addressed = addressed(settings, scopes, resources);
    let reached = |name: &String| addressed.iter().any(|api| api.name == *name);
    if !resources.iter().all(reached) {
        return None;
    }
    let owned = |scope: &String| addressed.iter().any(|api| api.scopes.contains(scope));
    scopes.retain(|scope| !is_api(settings, scope) || owned(scope));
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::users::testing;

    fn settings() -> IdentityServerSettings {
        let api = |name: &str| Resource { scopes: vec![name.to_owned()], ..Resource::named(name) };
        let mut settings = testing::config().identity_server;
        settings.api_resources = vec![api("orders"), api("stock")];
        settings.api_scopes = vec![api("orders"), api("stock")];
        settings
    }

    #[test]
    fn resources_that_no_scope_reaches_any_more_are_left_out_and_others_do_not_take_their_place() {
        let list = |words: &str| words.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        for (scopes, resources, left) in [
            ("openid orders stock", "", Some(("openid orders stock", ""))),
            ("openid orders stock", "orders", Some(("openid orders", "orders"))),
            ("openid stock", "orders stock", Some(("openid stock", "stock"))),
            ("openid stock", "orders", Some(("openid", ""))),
            ("stock", "orders", None),
        ] {
            let found = reached(&settings(), &list(scopes), &list(resources));
            let left = left.map(|(scopes, resources)| (list(scopes), list(resources)));
            assert_eq!(found, left, "{scopes} at {resources}");
        }
    }
}
