//! A user as JSON: a line of a list, and all that there is of one person.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;

use crate::cli::user::date::Date;
use crate::crypto::secret::Secret;
use crate::store::accounts::Account;
use crate::store::accounts::Event;
use crate::store::accounts::ExternalLogin;
use crate::store::accounts::GivenRole;
use crate::store::accounts::SignIn;

/// A user in a list.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Summary {
    /// `domain\name`.
    pub(super) name: String,
    /// `Email`.
    pub(super) email: Option<String>,
    /// `FullName`.
    pub(super) full_name: Option<String>,
    /// Roles that were given here.
    pub(super) roles: Vec<String>,
    /// Roles that the last sign-in brought; told, not taken back.
    #[serde(skip_deserializing)]
    pub(super) given_roles: Vec<String>,
    /// Whether this is an administrator.
    pub(super) administrator: bool,
    /// `local` when the password is kept here, else `persistent`.
    pub(super) kind: String,
    /// Nobody signs in as a disabled user.
    pub(super) disabled: bool,
    /// A locked user's password is not taken.
    pub(super) locked: bool,
    /// Since when there is such a user.
    pub(super) created: Option<Date>,
    /// When somebody last signed in as the user.
    pub(super) last_seen: Option<Date>,
}

/// All that is known of one user.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Record {
    /// What a list says.
    #[serde(flatten)]
    pub(super) summary: Summary,
    /// Profile properties.
    pub(super) properties: BTreeMap<String, String>,
    /// The hash of the password, where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) password_hash: Option<String>,
    /// Identities at providers that sign in as the user.
    pub(super) logins: Vec<Login>,
    /// The last sign-in and the roles that it brought.
    pub(super) last_sign_in: Option<LastSignIn>,
    /// What happened to the user.
    pub(super) history: Vec<Happening>,
    /// What the person let applications have; told, not taken back.
    pub(super) grants: Vec<Value>,
    /// Live sessions; told, not taken back.
    pub(super) sessions: Vec<Value>,
}

/// An identity at a provider.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Login {
    provider: String,
    subject: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<String>,
    linked: Date,
}

/// A sign-in.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct LastSignIn {
    at: Date,
    provider: String,
    site: String,
    roles: Vec<GivenRole>,
}

/// Something that happened.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Happening {
    at: Date,
    what: String,
    by: String,
}

impl Summary {
    /// Of an account.
    pub(super) fn of(account: &Account) -> Self {
        let text = |name| account.property(name).map(str::to_owned);
        let given = account.last_sign_in.iter().flat_map(|sign_in| &sign_in.roles);
        Self {
            name: account.name.clone(),
            email: text("Email"),
            full_name: text("FullName"),
            roles: account.roles.clone(),
            given_roles: given.map(|given| given.role.clone()).collect(),
            administrator: account.administrator,
            kind: if account.password_hash.is_some() { "local" } else { "persistent" }.to_owned(),
            disabled: account.disabled,
            locked: account.locked,
            created: Some(Date(account.created_at)),
            last_seen: account.last_sign_in.as_ref().map(|sign_in| Date(sign_in.at)),
        }
    }
}

impl Record {
    /// Of an account and its links, without the password.
    pub(super) fn of(account: &Account, logins: &[ExternalLogin]) -> Self {
        let logins = logins.iter().map(|login| Login {
            provider: login.provider.clone(),
            subject: login.subject.clone(),
            issuer: login.issuer.clone(),
            linked: Date(login.linked_at),
        });
        let history = account.history.iter().map(|event| Happening {
            at: Date(event.at),
            what: event.what.clone(),
            by: event.by.clone(),
        });
        Self {
            summary: Summary::of(account),
            properties: account.properties.clone(),
            logins: logins.collect(),
            last_sign_in: account.last_sign_in.as_ref().map(|sign_in| LastSignIn {
                at: Date(sign_in.at),
                provider: sign_in.provider.clone(),
                site: sign_in.site.clone(),
                roles: sign_in.roles.clone(),
            }),
            history: history.collect(),
            ..Self::default()
        }
    }

    /// The account that this tells of.
    pub(super) fn account(&self) -> Account {
        let mut account = Account {
            name: self.summary.name.clone(),
            properties: self.properties.clone(),
            administrator: self.summary.administrator,
            password_hash: self.password_hash.clone().map(Secret::new),
            disabled: self.summary.disabled,
            locked: self.summary.locked,
            ..Account::default()
        };
        for (name, value) in [("Email", &self.summary.email), ("FullName", &self.summary.full_name)]
        {
            if let (None, Some(value)) = (account.property(name), value) {
                account.set_property(name, value);
            }
        }
        for role in &self.summary.roles {
            account.give_role(role);
        }
        account.last_sign_in = self.last_sign_in.as_ref().map(|sign_in| SignIn {
            at: sign_in.at.0,
            provider: sign_in.provider.clone(),
            site: sign_in.site.clone(),
            roles: sign_in.roles.clone(),
        });
        let history = self.history.iter().map(|event| Event {
            at: event.at.0,
            what: event.what.clone(),
            by: event.by.clone(),
        });
        account.history = history.collect();
        account
    }

    /// The links that this tells of.
    pub(super) fn links(&self) -> Vec<ExternalLogin> {
        let logins = self.logins.iter().map(|login| ExternalLogin {
            provider: login.provider.clone(),
            subject: login.subject.clone(),
            issuer: login.issuer.clone(),
            linked_at: login.linked.0,
        });
        logins.collect()
    }
}
