//! What a user of the store leaves behind on the way in: the sign-in is remembered, and a hash of the
//! old kind gives way to one of today's.

use crate::config::model::Config;
use crate::crypto::password;
use crate::crypto::secret::Secret;
use crate::store::StoreError;
use crate::store::accounts::Account;
use crate::store::accounts::Saved;
use crate::store::accounts::SignIn;
use crate::users::hashing::Busy;
use crate::users::local::Attempt;
use crate::users::local::LocalIdentity;
use crate::users::local::LocalUsers;
use crate::users::local::PROVIDER;
use crate::users::local::Refusal;
use crate::users::local::unavailable;

/// How often a sign-in is written down that others change the account under.
const TRIES: usize = 5;

impl LocalUsers {
    /// Lets a user of the store in whose password is `password`: the sign-in is remembered, and a
    /// hash of the old kind gives way to one of today's. What cannot be written down keeps nobody
    /// out; what was changed meanwhile counts.
    pub(super) async fn enter(
        &self,
        config: &Config,
        mut account: Account,
        password: &Secret,
        attempt: Attempt<'_>,
    ) -> Result<LocalIdentity, Refusal> {
        for _ in 0..TRIES {
            admit(&account)?;
            let mut entered = account.clone();
            self.upgrade(&mut entered, password).await;
            note_sign_in(&mut entered, attempt);
            match self.save(config, &entered).await {
                Ok(Saved::Done(_)) => return Ok(LocalIdentity::kept(&entered)),
                Ok(Saved::Changed | Saved::EmailTaken) => {}
                Err(error) => {
                    tracing::warn!(error = ?error, "a sign-in is not remembered");
                    return Ok(LocalIdentity::kept(&account));
                }
            }
            account = self.look_again(account, password).await?;
        }
        admit(&account)?;
        Ok(LocalIdentity::kept(&account))
    }

    /// Saves what leaves the e-mail address alone: addresses that were the same before they had to
    /// be unique stay.
    pub(super) async fn save(
        &self,
        config: &Config,
        account: &Account,
    ) -> Result<Saved, StoreError> {
        match self.accounts.save(account, config.requires_unique_email).await {
            Ok(Saved::EmailTaken) => self.accounts.save(account, false).await,
            saved => saved,
        }
    }

    /// The account as it is now, and whether `password` is still its own.
    async fn look_again(&self, seen: Account, password: &Secret) -> Result<Account, Refusal> {
        let found = self.accounts.find(&seen.name).await.map_err(unavailable)?;
        let account = found.ok_or(Refusal::WrongPassword)?;
        let hash = account.password_hash.clone().ok_or(Refusal::WrongPassword)?;
        if seen.password_hash.as_ref() == Some(&hash) {
            return Ok(account);
        }
        let right = self.hashing.verify(password.clone(), hash).await;
        if right.map_err(|Busy| Refusal::Busy)? { Ok(account) } else { Err(Refusal::WrongPassword) }
    }

    async fn upgrade(&self, account: &mut Account, password: &Secret) {
        let hash = account.password_hash.as_ref();
        if hash.is_some_and(|hash| !password::is_current(hash.expose()))
            && let Ok(Some(hash)) = self.hashing.hash(password.clone()).await
        {
            account.password_hash = Some(hash);
        }
    }
}

/// Only who has the right password learns that an account is switched off.
fn admit(account: &Account) -> Result<(), Refusal> {
    if account.disabled {
        return Err(Refusal::Disabled);
    }
    if account.locked { Err(Refusal::Locked) } else { Ok(()) }
}

fn note_sign_in(account: &mut Account, attempt: Attempt<'_>) {
    account.last_sign_in = Some(SignIn {
        at: attempt.now,
        provider: PROVIDER.to_owned(),
        site: attempt.site.to_owned(),
        roles: Vec::new(),
    });
    account.note(attempt.now, format!("signed in with a password at {}", attempt.site), "");
}
