//! Accounts and external identities as rows. What decides who somebody is stands there as a digest,
//! what is searched as a place in an order, and the rest as JSON that only this program reads.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::Serialize;
use sqlx::Row;
use sqlx::any::AnyRow;

use crate::clock::Timestamp;
use crate::crypto::digest;
use crate::crypto::secret::Secret;
use crate::store::StoreError;
use crate::store::accounts::Account;
use crate::store::accounts::Event;
use crate::store::accounts::ExternalLogin;
use crate::store::accounts::Field;
use crate::store::accounts::Mark;
use crate::store::accounts::NotBefore;
use crate::store::accounts::SignIn;
use crate::store::accounts::folded;
use crate::store::sql::accounts::place::Range;
use crate::store::sql::accounts::place::place;

/// A row of `vestibule_users`.
pub(super) struct UserRow {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) name_place: String,
    pub(super) local_place: String,
    pub(super) email_place: String,
    /// The digest of an address that is to be unique, or the id, which is unique anyway.
    pub(super) email_key: String,
    /// Where others with the address would stand, if it is to be unique.
    pub(super) unique_email: Option<Range>,
    pub(super) content: String,
    pub(super) created_at: i64,
}

impl UserRow {
    pub(super) fn of(account: &Account, unique_email: bool) -> Result<Self, StoreError> {
        let id = user_id(&account.name);
        let of = |field: Field| field.of(account).map(|value| place(field, &value, &account.name));
        let email = account.email().filter(|_| unique_email);
        Ok(Self {
            name: account.name.clone(),
            name_place: of(Field::Name).unwrap_or_default(),
            local_place: of(Field::LocalName).unwrap_or_default(),
            email_place: of(Field::Email).unwrap_or_default(),
            email_key: email.map_or_else(|| id.clone(), email_id),
            unique_email: email.and_then(Range::of_email),
            content: json(&Content::of(account))?,
            created_at: account.created_at.0,
            id,
        })
    }
}

/// A row of `vestibule_logins`.
pub(super) struct LoginRow {
    pub(super) id: String,
    pub(super) user_id: String,
    pub(super) subject_place: String,
    pub(super) content: String,
    pub(super) linked_at: i64,
}

impl LoginRow {
    pub(super) fn of(login: &ExternalLogin, user: &Account) -> Result<Self, StoreError> {
        let ExternalLogin { provider, subject, issuer, linked_at } = login;
        let content = LoginContent {
            provider: provider.clone(),
            subject: subject.clone(),
            issuer: issuer.clone(),
        };
        Ok(Self {
            id: login_id(provider, subject),
            user_id: user_id(&user.name),
            subject_place: place(Field::Subject, &folded(subject), &user.name),
            content: json(&content)?,
            linked_at: linked_at.0,
        })
    }
}

/// The id of the user called `name`. What is digested begins with what it is, so that no name has
/// the digest of an address.
pub(super) fn user_id(name: &str) -> String {
    digest_of(&format!("user:{}", folded(name)))
}

/// The id of an external identity; the length keeps provider and subject apart.
pub(super) fn login_id(provider: &str, subject: &str) -> String {
    digest_of(&format!("login:{}:{provider}{subject}", provider.len()))
}

/// Whether the account has this address.
pub(super) fn has_email(account: &Account, email: &str) -> bool {
    account.email().is_some_and(|known| folded(known) == folded(email))
}

/// The id and the account of a row of `id, name, content, created_at, version`.
pub(super) fn read_account(row: &AnyRow) -> Result<(String, Account), sqlx::Error> {
    let content: String = row.try_get(2)?;
    let content: Content = parse(&content)?;
    let account = Account {
        name: row.try_get(1)?,
        properties: content.properties,
        roles: content.roles,
        administrator: content.administrator,
        password_hash: content.password_hash.map(Secret::new),
        disabled: content.disabled,
        locked: content.locked,
        created_at: Timestamp(row.try_get(3)?),
        last_sign_in: content.last_sign_in,
        history: content.history,
        sessions_not_before: content.sessions_not_before,
        version: row.try_get(4)?,
    };
    Ok((row.try_get(0)?, account))
}

/// The id and the mark of a row of `id, version, created_at`.
pub(super) fn read_mark(row: &AnyRow) -> Result<(String, Mark), sqlx::Error> {
    let mark = Mark { version: row.try_get(1)?, created_at: Timestamp(row.try_get(2)?) };
    Ok((row.try_get(0)?, mark))
}

/// The identity of a row of `content, linked_at`.
pub(super) fn read_login(row: &AnyRow) -> Result<ExternalLogin, sqlx::Error> {
    let content: String = row.try_get(0)?;
    let LoginContent { provider, subject, issuer } = parse(&content)?;
    Ok(ExternalLogin { provider, subject, issuer, linked_at: Timestamp(row.try_get(1)?) })
}

/// What is only read back, as JSON. What a later version adds is left out by an earlier one, and what
/// an earlier one did not write is as if it were empty.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Content {
    properties: BTreeMap<String, String>,
    roles: Vec<String>,
    administrator: bool,
    password_hash: Option<String>,
    disabled: bool,
    locked: bool,
    last_sign_in: Option<SignIn>,
    history: Vec<Event>,
    sessions_not_before: Option<NotBefore>,
}

#[derive(Serialize, Deserialize)]
struct LoginContent {
    provider: String,
    subject: String,
    issuer: Option<String>,
}

impl Content {
    fn of(account: &Account) -> Self {
        let password_hash = account.password_hash.as_ref();
        Self {
            properties: account.properties.clone(),
            roles: account.roles.clone(),
            administrator: account.administrator,
            password_hash: password_hash.map(|hash| hash.expose().to_owned()),
            disabled: account.disabled,
            locked: account.locked,
            last_sign_in: account.last_sign_in.clone(),
            history: account.history.clone(),
            sessions_not_before: account.sessions_not_before.clone(),
        }
    }
}

fn email_id(email: &str) -> String {
    digest_of(&format!("email:{}", folded(email)))
}

/// The SHA-256 of `text`, in base64url.
pub(super) fn digest_of(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::sha256(text.as_bytes()))
}

fn json(content: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(content).map_err(|error| StoreError(error.to_string().into()))
}

fn parse<'t, T: Deserialize<'t>>(text: &'t str) -> Result<T, sqlx::Error> {
    serde_json::from_str(text).map_err(|error| sqlx::Error::Decode(error.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m293_ids_of_users_addresses_and_identities_are_apart() {
        assert_eq!(user_id("Sitecore\\Jane"), user_id(" sitecore\\jane "));
        assert_ne!(user_id("jane@example.test"), email_id("jane@example.test"));
        assert_ne!(login_id("Okta", "1|2"), login_id("Okta1|", "2"));
        assert_ne!(login_id("Okta", "jane"), login_id("Okta", "Jane"));
        assert_eq!(user_id("a").len(), 43);
    }

    #[test]
    fn what_an_earlier_version_did_not_write_is_empty() {
        let content: Content = parse(r#"{"roles":["a\\b"],"of a later version":1}"#).unwrap();
        assert_eq!(content.roles, ["a\\b"]);
        assert!(!content.disabled && content.password_hash.is_none());
        assert!(content.sessions_not_before.is_none());
    }
}
