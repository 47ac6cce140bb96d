//! What a sign-in writes into an account, and the user that comes of both.

use std::collections::HashSet;

use crate::claims::types;
use crate::store::accounts::Account;
use crate::store::accounts::GivenRole;
use crate::store::accounts::SignIn;
use crate::store::accounts::same;
use crate::users::User;
use crate::users::persistent::Occasion;
use crate::users::persistent::Proved;

/// The property that says that somebody is an administrator. It is kept in no account: it stands for
/// what the claims of one sign-in say.
const IS_ADMINISTRATOR: &str = "IsAdministrator";

/// Rewrites every property that a map writes, to empty too, and what the claims say of the rights.
/// Properties that no map knows stay.
pub(super) fn apply(account: &mut Account, proved: &Proved<'_>, occasion: Occasion) {
    // Links that set a local user's password go to its address: no other identity moves it.
    let own_address = account.password_hash.is_some() && !is_own_word(account, proved);
    for map in &proved.config.property_maps {
        if own_address && map.property.eq_ignore_ascii_case("Email") {
            continue;
        }
        let value = proved.user.property(&map.property).unwrap_or_default();
        account.set_property(&map.property, kept(&map.property, value));
    }
    account.set_property(IS_ADMINISTRATOR, "");
    let unwritten = proved.config.requires_unique_email && proved.user.property("Email").is_none();
    if unwritten && !own_address {
        let claims = proved.claims;
        let claimed = claims.first(types::EMAIL).or_else(|| claims.first("email"));
        account.set_property("Email", kept("Email", claimed.unwrap_or_default()));
    }
    // A local user's rights are given here; an identity that is linked to it neither adds to them
    // for good nor takes them away.
    if account.password_hash.is_none() {
        account.administrator = proved.user.is_administrator;
    }
    if proved.provider.clear_roles_when_sign_in && !is_own_word(account, proved) {
        account.roles.clear();
    }
    remember(account, proved, occasion);
}

/// Whether the roles that the provider tells are the account's own: the identity server reads a local
/// user's from here.
fn is_own_word(account: &Account, proved: &Proved<'_>) -> bool {
    account.password_hash.is_some() && same(&proved.user.name, &account.name)
}

/// A value as it is kept: none that is beyond all measure, because what is cut off may say something
/// else.
fn kept<'v>(property: &str, value: &'v str) -> &'v str {
    if value.len() <= LONGEST_PROPERTY {
        return value;
    }
    tracing::warn!(?property, bytes = value.len(), "a property is too long to be kept");
    ""
}

/// The roles of a sign-in that are remembered with it.
fn remembered(given: &[GivenRole]) -> Vec<GivenRole> {
    let short = given.iter().filter(|given| given.role.len() <= LONGEST_ROLE);
    short.take(MOST_ROLES).cloned().collect()
}

/// Longest property, in bytes.
const LONGEST_PROPERTY: usize = 4 * 1024;

/// How many roles of the last sign-in are remembered, and how long they may be, in bytes.
const MOST_ROLES: usize = 256;
const LONGEST_ROLE: usize = 256;

fn remember(account: &mut Account, proved: &Proved<'_>, occasion: Occasion) {
    let (provider, site) = (&proved.provider.name, &proved.site.name);
    let roles = remembered(proved.given_roles);
    let what = match occasion {
        Occasion::Renewal => {
            let last = account.last_sign_in.as_mut();
            let same = last.filter(|last| *last.provider == **provider && *last.site == **site);
            if let Some(last) = same {
                last.roles = roles;
            }
            return;
        }
        Occasion::Creation => format!("created by a sign-in with {provider} at site {site}"),
        Occasion::SignIn => format!("signed in with {provider} at site {site}"),
        Occasion::Linking => format!("{provider} linked by a sign-in at site {site}"),
    };
    let (provider, site) = (provider.to_string(), site.to_string());
    account.last_sign_in = Some(SignIn { at: proved.now, provider, site, roles });
    // One sign-in like the other, day by day, must not crowd out what somebody did to the account.
    if account.history.last().is_some_and(|last| last.what == what) {
        account.history.pop();
    }
    account.note(proved.now, what, "");
}

/// The user of this sign-in: the account, with the provider's roles beside those that are kept here,
/// and an administrator if this sign-in's claims say so.
pub(super) fn user(account: &Account, proved: &Proved<'_>) -> User {
    let mut user = User {
        name: account.name.clone(),
        properties: account.properties.clone(),
        roles: account.roles.clone(),
        is_administrator: proved.user.is_administrator,
    };
    if user.is_administrator {
        user.properties.insert(IS_ADMINISTRATOR.to_owned(), "true".to_owned());
    }
    let mut known: HashSet<String> = user.roles.iter().map(|role| role.to_lowercase()).collect();
    let added = proved.user.roles.iter().filter(|role| known.insert(role.to_lowercase()));
    user.roles.extend(added.cloned());
    user
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_the_roles_of_a_sign_in_a_bounded_number_is_remembered() {
        let role = |role: String| GivenRole { role, by: String::new() };
        let mut given: Vec<_> = (0..1000).map(|n| role(format!("sitecore\\{n}"))).collect();
        given.insert(0, role("x".repeat(257)));
        let kept = remembered(&given);
        assert_eq!((kept.len(), kept[0].role.as_str()), (256, "sitecore\\0"));
    }
}
