//! What is kept of one user.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

use crate::clock::Timestamp;
use crate::crypto::secret::Secret;

/// A user that outlives its sessions: a local user, whose password is kept here, a persistent user
/// that an external sign-in has made, or both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// `domain\name`, as first written; compared without regard to case, and never changed.
    pub name: String,
    /// Profile properties by name: `Email`, `FullName`, `Comment` and whatever the maps write.
    pub properties: BTreeMap<String, String>,
    /// Roles that were given here, `domain\role`.
    pub roles: Vec<String>,
    /// Whether this is an administrator. Every external sign-in writes anew what its claims say.
    pub administrator: bool,
    /// Argon2id in PHC form or `membership:ALGORITHM:SALT:HASH`; `None` for a user whose password is
    /// at an external provider.
    pub password_hash: Option<Secret>,
    /// Nobody signs in as a disabled user, from wherever.
    pub disabled: bool,
    /// A locked user's password is not taken (`IsLockedOut`); external sign-ins are.
    pub locked: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// The last sign-in, with the roles that it brought.
    pub last_sign_in: Option<SignIn>,
    /// What happened to it, the oldest first: the last [`Account::HISTORY`] events.
    pub history: Vec<Event>,
    /// Counts its changes, from 0: who saves says which one was seen.
    pub version: i64,
}

/// A sign-in that is remembered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignIn {
    /// When.
    pub at: Timestamp,
    /// With which provider (`local` for a password here).
    pub provider: String,
    /// At which site.
    pub site: String,
    /// The roles that the provider's claims gave.
    pub roles: Vec<GivenRole>,
}

/// A role that a sign-in gave, and on whose word.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenRole {
    /// `domain\role`.
    pub role: String,
    /// The transformation that made it, `name (file:line)`; empty when the provider said it itself.
    pub by: String,
}

/// Something that happened to a user.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// What, in words for administrators: `created`, `signed in with Okta at shell` ….
    pub what: String,
    /// Who did it: a user name, `vestibule` on the command line, or empty for the user alone.
    pub by: String,
}

/// An identity at an external provider that signs in as a user: `provider` and `subject` are its
/// only key, each compared byte for byte.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExternalLogin {
    /// The provider's name; for a subprovider that of its gateway provider.
    pub provider: String,
    /// The provider's name for the person.
    pub subject: String,
    /// The issuer that the provider's name stood for then; `None` for a link that was made by hand.
    pub issuer: Option<String>,
    /// Since when it signs in as this user.
    pub linked_at: Timestamp,
}

impl Account {
    /// Events that are remembered of one user.
    pub const HISTORY: usize = 50;

    /// The e-mail address, unless it is empty.
    pub fn email(&self) -> Option<&str> {
        self.property("Email")
    }

    /// A property that is not empty, its name compared without regard to case.
    pub fn property(&self, name: &str) -> Option<&str> {
        let mut properties = self.properties.iter();
        let (_, value) = properties.find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(value.as_str()).filter(|value| !value.is_empty())
    }

    /// Writes a property under the spelling that is there already; an empty value takes it away.
    pub fn set_property(&mut self, name: &str, value: &str) {
        let known = self.properties.keys().find(|known| known.eq_ignore_ascii_case(name)).cloned();
        let name = known.unwrap_or_else(|| name.to_owned());
        if value.is_empty() {
            self.properties.remove(&name);
        } else {
            self.properties.insert(name, value.to_owned());
        }
    }

    /// Whether `role` was given here, compared without regard to case.
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|held| same(held, role))
    }

    /// Gives a role, unless it was given already; whether it was not.
    pub fn give_role(&mut self, role: &str) -> bool {
        let new = !self.has_role(role);
        if new {
            self.roles.push(role.to_owned());
        }
        new
    }

    /// Takes a role back; whether it had been given.
    pub fn take_role(&mut self, role: &str) -> bool {
        let before = self.roles.len();
        self.roles.retain(|held| !same(held, role));
        self.roles.len() < before
    }

    /// Puts a password in the place of the one before. Whoever had none was an administrator on a
    /// provider's word alone, which is asked no more of a local user: then that is over, and `true` is
    /// returned. Rights that were given here before anybody signed in stay.
    pub fn set_password(&mut self, hash: Secret) -> bool {
        let first = self.password_hash.replace(hash).is_none();
        first && self.last_sign_in.is_some() && std::mem::take(&mut self.administrator)
    }

    /// Remembers that something happened; the oldest events give way.
    pub fn note(&mut self, at: Timestamp, what: impl Into<String>, by: impl Into<String>) {
        self.history.push(Event { at, what: what.into(), by: by.into() });
        let over = self.history.len().saturating_sub(Self::HISTORY);
        self.history.drain(..over);
    }
}

/// A name or an address as it is compared: lower case, without blanks around it.
pub fn folded(text: &str) -> String {
    text.trim().to_lowercase()
}

/// Whether two names of users or roles differ in nothing but case. Signs that only share their small
/// letter, such as the Kelvin sign and k, are not the same.
pub fn same(a: &str, b: &str) -> bool {
    let unicode = || a.to_lowercase() == b.to_lowercase() && a.to_uppercase() == b.to_uppercase();
    a.eq_ignore_ascii_case(b) || (!(a.is_ascii() && b.is_ascii()) && unicode())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_and_roles_are_compared_without_regard_to_case() {
        let mut account = Account::default();
        account.set_property("Email", "jane@example.test");
        account.set_property("EMAIL", "jane@new.test");
        assert_eq!(account.email(), Some("jane@new.test"));
        assert_eq!(account.properties.len(), 1);
        account.set_property("email", "");
        assert_eq!(account.email(), None);
        assert!(account.give_role("sitecore\\Author") && !account.give_role("Sitecore\\author"));
        assert!(account.take_role("SITECORE\\AUTHOR") && !account.take_role("sitecore\\Author"));
    }

    #[test]
    fn names_are_the_same_in_any_case_of_any_alphabet_and_nothing_else_is() {
        for (a, b) in [
            ("sitecore\\Éditeur", "sitecore\\éditeur"),
            ("sitecore\\ØRSTED", "SITECORE\\ørsted"),
            ("sitecore\\Author", "sitecore\\aUTHOR"),
        ] {
            assert!(same(a, b), "{a} {b}");
        }
        for (a, b) in [
            ("sitecore\\Maker", "sitecore\\Ma\u{212a}er"),
            ("sitecore\\Author", "sitecore\\Author "),
            ("sitecore\\Éditeur", "sitecore\\Editeur"),
        ] {
            assert!(!same(a, b), "{a} {b}");
        }
        let mut account = Account::default();
        assert!(account.give_role("sitecore\\Éditeur") && !account.give_role("sitecore\\éditeur"));
        assert!(account.take_role("sitecore\\éditeur"));
    }

    #[test]
    fn a_first_password_ends_what_a_provider_said_of_the_rights() {
        let given_here = Account { administrator: true, ..Account::default() };
        let said = Account { last_sign_in: Some(SignIn::default()), ..given_here.clone() };
        for (mut account, over) in [(given_here, false), (said, true)] {
            assert_eq!(account.set_password(Secret::new("hash")), over);
            assert_eq!(account.administrator, !over);
            account.administrator = true;
            assert!(!account.set_password(Secret::new("another")) && account.administrator);
        }
    }

    #[test]
    fn of_the_history_the_last_events_stay() {
        let mut account = Account::default();
        for at in 0..60 {
            account.note(Timestamp(at), "signed in", "");
        }
        assert_eq!(account.history.len(), Account::HISTORY);
        assert_eq!(account.history.first().map(|event| event.at), Some(Timestamp(10)));
    }
}
