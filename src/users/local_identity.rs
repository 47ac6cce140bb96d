//! A local user whose password was right, the same whether the configuration or the store keeps it.

use std::collections::BTreeMap;

use crate::claims::ClaimSet;
use crate::claims::types;
use crate::config::model::LocalUser;
use crate::store::accounts::Account;
use crate::users::User;

/// A local user.
#[derive(Clone, Debug)]
pub struct LocalIdentity {
    /// The account, for a sign-in that goes past the identity server (`/sitecore/login?fbc=1`).
    pub user: User,
    /// What the identity server may tell its clients of this user.
    pub claims: ClaimSet,
    /// Whether the store keeps the user, and not the configuration.
    pub kept: bool,
}

impl LocalIdentity {
    /// A user of the configuration.
    pub(super) fn configured(local: &LocalUser) -> Self {
        let own = [("Email", &local.email), ("FullName", &local.full_name)];
        let properties =
            own.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?)));
        let user = user(&local.name, properties.collect(), &local.roles, local.administrator);
        let claims = claims(&user, local.claims.iter().map(|(kind, value)| (&**kind, &**value)));
        Self { user, claims, kept: false }
    }

    /// A user of the store.
    pub(super) fn kept(account: &Account) -> Self {
        let properties: BTreeMap<String, String> =
            account.properties.iter().map(|(name, value)| (spelled(name), value.clone())).collect();
        let user = user(&account.name, properties, &account.roles, account.administrator);
        let released = PROFILE.into_iter().filter_map(|kind| Some((kind, account.property(kind)?)));
        let claims = claims(&user, released);
        Self { user, claims, kept: true }
    }
}

/// Claims of OpenID Connect Core §5.1 that a property of the same name stands for. Not whether an
/// address or a number was verified: a provider may have written that of another one.
const PROFILE: [&str; 13] = [
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "profile",
    "picture",
    "website",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "phone_number",
    "address",
];

/// The flag stands in `administrator` alone: what was written into a property makes nobody one.
fn user(
    name: &str,
    mut properties: BTreeMap<String, String>,
    roles: &[String],
    administrator: bool,
) -> User {
    properties.retain(|name, _| !name.eq_ignore_ascii_case(IS_ADMINISTRATOR));
    if administrator {
        properties.insert(IS_ADMINISTRATOR.to_owned(), "true".to_owned());
    }
    User {
        name: name.to_owned(),
        properties,
        roles: roles.to_vec(),
        is_administrator: administrator,
    }
}

const IS_ADMINISTRATOR: &str = "IsAdministrator";

/// The usual spelling of the built-in properties.
fn spelled(name: &str) -> String {
    let usual = ["Email", "FullName", "Name", "Comment", "Portrait"];
    let usual = usual.into_iter().find(|usual| usual.eq_ignore_ascii_case(name));
    usual.unwrap_or(name).to_owned()
}

/// What the identity server may say of a local user, under the short names of spec §1.3.
fn claims<'a>(user: &User, more: impl Iterator<Item = (&'a str, &'a str)>) -> ClaimSet {
    let mut claims = ClaimSet::default();
    claims.add("name", &user.name);
    claims.add("preferred_username", user.local_name());
    if let Some(email) = user.property("Email") {
        claims.add("email", email);
    }
    for role in &user.roles {
        claims.add("role", role);
    }
    if user.is_administrator {
        claims.add(types::IS_ADMIN, "true");
    }
    for (kind, value) in more {
        claims.add(kind, value);
    }
    claims.add("amr", "pwd");
    claims
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::users::testing;

    #[test]
    fn the_claims_are_what_the_identity_server_may_say() {
        let identity = LocalIdentity::configured(&testing::jane());
        let claims: Vec<_> =
            identity.claims.iter().map(|c| (c.kind.as_str(), c.value.as_str())).collect();
        let expected = [
            ("name", "sitecore\\jane"),
            ("preferred_username", "jane"),
            ("email", "jane@example.test"),
            ("role", "sitecore\\Author"),
            ("http://www.sitecore.net/identity/claims/isAdmin", "true"),
            ("given_name", "Jane"),
            ("amr", "pwd"),
        ];
        assert_eq!(claims, expected);
        let user = &identity.user;
        assert!(user.is_administrator && user.has_role("Sitecore\\author"));
        assert_eq!(user.property("email"), Some("jane@example.test"));
    }
}
