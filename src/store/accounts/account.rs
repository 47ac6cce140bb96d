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
    /// What happened to it, the oldest first, [`Account::HISTORY`] events at most.
    pub history: Vec<Event>,
    /// Since when it is another one, so that sessions from before end at every gateway.
    pub sessions_not_before: Option<NotBefore>,
    /// Counts its changes, from 0: who saves says which one was seen.
    pub version: i64,
}

/// A change after which the sessions that there were end: a new password, rights that were taken.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotBefore {
    /// When.
    pub at: Timestamp,
    /// The public names of sessions that go on.
    pub but: Vec<String>,
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

    /// Remembers that something happened. Sign-ins give way first, the oldest before others, so that
    /// nobody drives out what was done to an account by signing in.
    pub fn note(&mut self, at: Timestamp, what: impl Into<String>, by: impl Into<String>) {
        self.history.push(Event { at, what: what.into(), by: by.into() });
        while self.history.len() > Self::HISTORY {
            let gives_way = self.history.iter().position(Event::is_sign_in).unwrap_or_default();
            self.history.remove(gives_way);
        }
    }

    /// Ends, at every gateway, the sessions that there are at `at`, but for those called `but`.
    pub fn end_sessions(&mut self, at: Timestamp, but: Vec<String>) {
        self.sessions_not_before = Some(NotBefore { at, but });
    }
}

impl Event {
    /// Whether it is a sign-in like any other.
    fn is_sign_in(&self) -> bool {
        self.by.is_empty() && self.what.starts_with("signed in with ")
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

    #[test]
    fn sign_ins_do_not_crowd_out_what_was_done_to_the_account() {
        let mut account = Account::default();
        account.note(Timestamp(0), "created", "");
        account.note(Timestamp(1), "disabled", "sitecore\\admin");
        for at in 2..200 {
            account.note(Timestamp(at), "signed in with a password at shell", "");
        }
        account.note(Timestamp(200), "role a\\b taken", "sitecore\\admin");
        assert_eq!(account.history.len(), Account::HISTORY);
        let at: Vec<i64> = account.history.iter().map(|event| event.at.0).collect();
        assert_eq!((&at[..3], &at[48..]), (&[0, 1, 153][..], &[199, 200][..]));
        for at in 201..300 {
            account.note(Timestamp(at), "enabled", "sitecore\\admin");
        }
        assert_eq!(account.history.len(), Account::HISTORY);
        assert_eq!(account.history.first().map(|event| event.at), Some(Timestamp(250)));
    }
}
