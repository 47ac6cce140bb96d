//! What is said about users and roles on the page "Access".

use crate::config::model::Site;
use crate::gate::explain;
use crate::gate::explain::claims;
use crate::observe::Moment;
use crate::session::Identity;
use crate::session::Session;
use crate::store::accounts::Account;
use crate::store::accounts::same;
use crate::users::local;
use crate::users::persistent::Way;

/// An error and what it is about, in words.
pub(super) fn words(why: &explain::Unexplained) -> String {
    let source = std::error::Error::source(why).map(|source| format!(": {source}"));
    claims::shown(&format!("{why}{}.", source.unwrap_or_default()))
}

/// Where a role came from: the rule of a sign-in, this place, or both.
pub(super) fn whence(role: &str, identity: &Identity, account: Option<&Account>) -> String {
    let given = identity.given_roles.iter().find(|given| same(&given.role, role));
    let given = given.map(|role| match role.by.as_str() {
        "" => format!("{}'s own word", identity.provider),
        by => claims::shown(by),
    });
    let local = *identity.provider == *local::PROVIDER;
    let here = local || account.is_some_and(|account| account.has_role(role));
    match (given, here) {
        (Some(given), true) => format!("{given}; and kept here"),
        (Some(given), false) => given,
        (None, true) => "kept here".to_owned(),
        (None, false) => format!("the sign-in with {}", identity.provider),
    }
}

/// That a user is kept here, and how it is with it.
pub(super) fn remark_on(account: &Account) -> String {
    let state = match (account.disabled, account.locked) {
        (true, _) => ", disabled: nobody signs in as this user",
        (false, true) => ", locked: no password is taken",
        (false, false) => "",
    };
    let last = account.last_sign_in.as_ref().map(|last| {
        let (at, provider, site) = (Moment(last.at), &last.provider, &last.site);
        format!("; last signed in {at} with {provider} at {site}")
    });
    claims::shown(&format!("{} is kept here{state}{}.", account.name, last.unwrap_or_default()))
}

/// What would become of the account of that name.
pub(super) fn remark_on_way(name: &str, way: Way) -> String {
    let name = claims::shown(name);
    match way {
        Way::Known => format!("The identity is known here: it signs in as {name}."),
        Way::Linked => format!(
            "The identity is new here; its provider vouches for the address of {name}, and it would be linked to that user."
        ),
        Way::Made => format!("The identity is new here: a sign-in would make the user {name}."),
    }
}

/// Since when somebody is signed in, and where.
pub(super) fn remark_on_session(session: &Session, count: usize) -> String {
    let Identity { provider, site, .. } = &session.identity;
    let began = Moment(session.began_at);
    let more = if count > 1 { format!("; the latest of {count} sessions") } else { String::new() };
    format!("Signed in since {began} with {provider} at {site}{more}.")
}

/// That sessions of the identity's provider do not count at the site.
pub(super) fn mapping(site: &Site, identity: &Identity) -> Option<String> {
    let provider = &*identity.provider;
    let counts = provider == local::PROVIDER || site.providers.find(provider).is_some();
    let words = || {
        format!(
            "{provider} is not mapped to site {}: its sessions do not count there, and the visitor is nobody.",
            site.name
        )
    };
    (!counts).then(words)
}
