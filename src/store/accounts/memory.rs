//! Accounts in this process's memory.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use crate::store::accounts::Account;
use crate::store::accounts::Added;
use crate::store::accounts::Cursor;
use crate::store::accounts::ExternalLogin;
use crate::store::accounts::Field;
use crate::store::accounts::Linked;
use crate::store::accounts::Mark;
use crate::store::accounts::Page;
use crate::store::accounts::Saved;
use crate::store::accounts::Search;
use crate::store::accounts::account::folded;

/// Accounts by folded name, and whose the external identities are.
#[derive(Debug, Default)]
pub(super) struct MemoryAccounts(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    accounts: BTreeMap<String, Account>,
    /// By provider and subject: the folded name, and the link.
    logins: BTreeMap<(String, String), (String, ExternalLogin)>,
}

impl MemoryAccounts {
    pub(super) fn find(&self, name: &str) -> Option<Account> {
        self.lock().accounts.get(&folded(name)).cloned()
    }

    pub(super) fn mark(&self, name: &str) -> Option<Mark> {
        let kept = self.lock();
        let account = kept.accounts.get(&folded(name))?;
        Some(Mark { version: account.version, created_at: account.created_at })
    }

    pub(super) fn of_login(&self, provider: &str, subject: &str) -> Option<Account> {
        let kept = self.lock();
        let (name, _) = kept.logins.get(&(provider.to_owned(), subject.to_owned()))?;
        kept.accounts.get(name).cloned()
    }

    pub(super) fn of_email(&self, email: &str) -> Vec<Account> {
        let kept = self.lock();
        kept.with_email(email).take(2).cloned().collect()
    }

    pub(super) fn add(
        &self,
        account: &Account,
        login: Option<&ExternalLogin>,
        unique_email: bool,
    ) -> Added {
        let mut kept = self.lock();
        let name = folded(&account.name);
        if kept.accounts.contains_key(&name) {
            return Added::NameTaken;
        }
        if unique_email && kept.has_email_of(account) {
            return Added::EmailTaken;
        }
        if let Some(login) = login {
            if kept.logins.contains_key(&key(login)) {
                return Added::LoginTaken;
            }
            kept.logins.insert(key(login), (name.clone(), login.clone()));
        }
        kept.accounts.insert(name, Account { version: 0, ..account.clone() });
        Added::Done
    }

    pub(super) fn save(&self, account: &Account, unique_email: bool) -> Saved {
        let mut kept = self.lock();
        if unique_email && kept.has_email_of(account) {
            return Saved::EmailTaken;
        }
        let known = kept.accounts.get_mut(&folded(&account.name));
        let Some(known) = known.filter(|known| known.version == account.version) else {
            return Saved::Changed;
        };
        let version = account.version + 1;
        *known = Account { version, name: known.name.clone(), ..account.clone() };
        Saved::Done(version)
    }

    pub(super) fn remove(&self, name: &str) -> bool {
        let mut kept = self.lock();
        let name = folded(name);
        kept.logins.retain(|_, (owner, _)| *owner != name);
        kept.accounts.remove(&name).is_some()
    }

    pub(super) fn link(&self, name: &str, login: &ExternalLogin) -> Linked {
        let mut kept = self.lock();
        let name = folded(name);
        if !kept.accounts.contains_key(&name) {
            return Linked::NoSuchUser;
        }
        let link = kept.logins.entry(key(login)).or_insert_with(|| (name.clone(), login.clone()));
        if link.0 == name { Linked::Done } else { Linked::Taken }
    }

    pub(super) fn unlink(&self, name: &str, provider: &str, subject: &str) -> bool {
        let mut kept = self.lock();
        let key = (provider.to_owned(), subject.to_owned());
        let linked = kept.logins.get(&key).is_some_and(|(owner, _)| *owner == folded(name));
        linked && kept.logins.remove(&key).is_some()
    }

    pub(super) fn logins(&self, name: &str) -> Vec<ExternalLogin> {
        let name = folded(name);
        let kept = self.lock();
        let of_user = kept.logins.values().filter(|(owner, _)| *owner == name);
        let mut logins: Vec<_> = of_user.map(|(_, login)| login.clone()).collect();
        logins.sort_by_key(|login| login.linked_at);
        logins
    }

    pub(super) fn search(&self, search: &Search) -> Page {
        let kept = self.lock();
        let wanted = folded(&search.text);
        let mut found: Vec<(Cursor, &Account)> = kept
            .accounts
            .iter()
            .filter_map(|(name, account)| {
                let (field, value) = kept.first_match(name, account, &wanted)?;
                Some((Cursor { field, value, name: name.clone() }, account))
            })
            .collect();
        found.sort_by(|(a, _), (b, _)| place(a).cmp(&place(b)));
        if let Some(after) = &search.after {
            found.retain(|(cursor, _)| place(cursor) > place(after));
        }
        let more = found.len() > search.limit;
        found.truncate(search.limit);
        let next = found.last().filter(|_| more).map(|(cursor, _)| cursor.clone());
        Page { accounts: found.into_iter().map(|(_, account)| account.clone()).collect(), next }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn with_email<'k>(&'k self, email: &str) -> impl Iterator<Item = &'k Account> {
        let email = folded(email);
        let accounts = self.accounts.values();
        accounts.filter(move |account| account.email().is_some_and(|known| folded(known) == email))
    }

    /// Whether somebody else has this account's address.
    fn has_email_of(&self, account: &Account) -> bool {
        let Some(email) = account.email() else { return false };
        let name = folded(&account.name);
        self.with_email(email).any(|other| folded(&other.name) != name)
    }

    /// The first field, in their order, in which an account is found, and its value there.
    fn first_match(&self, name: &str, account: &Account, text: &str) -> Option<(Field, String)> {
        let of_user = || self.logins.iter().filter(|(_, (owner, _))| owner == name);
        Field::ALL.into_iter().find_map(|field| {
            let value = field.of(account).filter(|value| value.starts_with(text));
            let subjects = || of_user().map(|((_, subject), _)| folded(subject));
            let subject = || subjects().filter(|subject| subject.starts_with(text)).min();
            let value = if field == Field::Subject { subject() } else { value };
            Some((field, value?))
        })
    }
}

fn key(login: &ExternalLogin) -> (String, String) {
    (login.provider.clone(), login.subject.clone())
}

fn place(cursor: &Cursor) -> (Field, &str, &str) {
    (cursor.field, &cursor.value, &cursor.name)
}
