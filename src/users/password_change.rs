//! A new password for a local user of the store: chosen by the person, or by a one-time link.

use crate::clock::Timestamp;
use crate::config::model::Config;
use crate::crypto::secret::Secret;
use crate::store::StoreError;
use crate::store::accounts::Account;
use crate::store::accounts::Accounts;
use crate::store::accounts::NotBefore;
use crate::store::accounts::Saved;
use crate::store::grants::Grants;
use crate::users::hashing::Busy;
use crate::users::local::Attempt;
use crate::users::local::Known;
use crate::users::local::LocalUsers;
use crate::users::local::Refusal;
use crate::users::new_password;
use crate::users::new_password::Unfit;
use crate::users::reset;

/// Why a password was not changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotChanged {
    /// The old password was not taken.
    #[error(transparent)]
    Old(#[from] Refusal),
    /// The new one cannot be chosen.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// The password is kept in the configuration.
    #[error("the password is kept in the configuration")]
    Configured,
    /// It was changed by somebody else meanwhile.
    #[error("the password was changed meanwhile")]
    Overtaken,
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How often a change is tried that other changes come before.
const TRIES: usize = 20;

impl LocalUsers {
    /// Puts a new password in the place of the old one, which proves that it is the person. Of the
    /// user's sessions that which is called `kept` goes on, in which it is changed.
    ///
    /// # Errors
    ///
    /// See [`NotChanged`]. A wrong old password counts like one at the sign-in page.
    pub async fn change_password(
        &self,
        config: &Config,
        (name, kept): (&str, &str),
        (old, new): (Secret, Secret),
        attempt: Attempt<'_>,
    ) -> Result<(), NotChanged> {
        match self.prove(config, name, &old, attempt).await? {
            Known::Configured(_) => Err(NotChanged::Configured),
            Known::Kept(account) => {
                check(&new, &account)?;
                let hash = self.hash_new(new).await?;
                let not_before = NotBefore { at: attempt.now, but: vec![kept.to_owned()] };
                self.put_password(config, *account, hash, ("changed the password", not_before))
                    .await
            }
        }
    }

    /// What is kept of a new password.
    ///
    /// # Errors
    ///
    /// When too many wait, or it is too long.
    pub async fn hash_new(&self, new: Secret) -> Result<Secret, NotChanged> {
        let hash = self.hashing.hash(new).await.map_err(|Busy| Refusal::Busy)?;
        Ok(hash.ok_or(Unfit::Long)?)
    }

    /// Puts a new password in the place of that which `account` had when it was read; `what` is
    /// remembered in the history, and the sessions that there were end at every gateway.
    ///
    /// # Errors
    ///
    /// See [`NotChanged`].
    pub async fn put_password(
        &self,
        config: &Config,
        mut account: Account,
        hash: Secret,
        (what, not_before): (&str, NotBefore),
    ) -> Result<(), NotChanged> {
        let before = account.password_hash.clone();
        for _ in 0..TRIES {
            let over = account.set_password(hash.clone());
            account.note(not_before.at, noted(what, over), "");
            account.sessions_not_before = Some(not_before.clone());
            if let Saved::Done(_) = self.save(config, &account).await? {
                return Ok(());
            }
            let found = self.accounts.find(&account.name).await?;
            let unchanged = found.filter(|found| found.password_hash == before);
            account = unchanged.ok_or(NotChanged::Overtaken)?;
        }
        Err(NotChanged::Overtaken)
    }
}

impl LocalUsers {
    /// The users of the store.
    pub fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// Whose password the link with `code` is for: see [`reset::find`].
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    pub async fn of_reset(
        &self,
        grants: &Grants,
        code: &str,
        now: Timestamp,
    ) -> Result<Option<Account>, StoreError> {
        reset::find((grants, &self.accounts), code, now).await
    }
}

/// What the history says of a new password, and of an administrator who is none any more with it:
/// [`Account::set_password`].
pub fn noted(what: &str, over: bool) -> String {
    if over { format!("{what}; no administrator any more") } else { what.to_owned() }
}

/// Whether the person whose `account` it is may choose `password`.
///
/// # Errors
///
/// Why not.
pub fn check(password: &Secret, account: &Account) -> Result<(), Unfit> {
    let own = ["Email", "FullName"].into_iter().filter_map(|name| account.property(name));
    new_password::check(password.expose(), own.chain([account.name.as_str()]))
}
