//! New accounts, and new identities of known ones.

use crate::store::StoreError;
use crate::store::accounts::Account;
use crate::store::accounts::Added;
use crate::store::accounts::Linked;
use crate::store::accounts::same;
use crate::users::User;
use crate::users::name;
use crate::users::name::Told;
use crate::users::persistent::Failure;
use crate::users::persistent::Occasion;
use crate::users::persistent::Persistent;
use crate::users::persistent::Proved;
use crate::users::persistent::Refusal;
use crate::users::persistent::rewrite;

/// Names that are tried for a new user. A name of ten letters and digits is taken once in 10^17.
pub(super) const MOST_NAMES: usize = 100;

impl Persistent<'_> {
    /// Makes an account for an identity that is new here. `None` when it is not new any more, or
    /// somebody else was given its name.
    pub(super) async fn create(
        self,
        proved: &Proved<'_>,
        told: Option<&Told>,
    ) -> Result<Option<User>, Failure> {
        if !proved.holds_a_role() {
            return Err(Refusal::NoRole.into());
        }
        let login = told.is_none_or(|told| !told.by_rule).then(|| proved.login());
        for marks in 0..MOST_NAMES {
            let account = proved.account(told, marks)?;
            let config = proved.config;
            if told.is_none() && config.local_users.iter().any(|u| same(&u.name, &account.name)) {
                continue;
            }
            let unique = config.requires_unique_email;
            match self.0.add(&account, login.as_ref(), unique).await? {
                Added::Done => return Ok(Some(rewrite::user(&account, proved))),
                Added::EmailTaken => return Err(Refusal::EmailTaken.into()),
                // The identity server calls somebody otherwise than it did: the name decides.
                Added::LoginTaken if told.is_some() => self.release(proved).await?,
                Added::NameTaken if told.is_none() => {}
                Added::LoginTaken | Added::NameTaken => return Ok(None),
            }
        }
        Err(Refusal::NameTaken.into())
    }

    /// Takes the identity from the account that it was.
    async fn release(self, proved: &Proved<'_>) -> Result<(), StoreError> {
        let (key, subject) = (proved.key(), proved.subject);
        if let Some(before) = self.0.of_login(key, subject).await? {
            self.0.unlink(&before.name, key, subject).await?;
        }
        Ok(())
    }

    /// Makes the identity one more way to sign in as the user of `account`. `None` when something
    /// has changed on the way.
    pub(super) async fn link(
        self,
        proved: &Proved<'_>,
        account: Account,
    ) -> Result<Option<User>, Failure> {
        if account.disabled {
            return Err(Refusal::Disabled.into());
        }
        let (name, login) = (account.name.clone(), proved.login());
        match self.0.link(&name, &login).await? {
            Linked::Done => {}
            Linked::Taken | Linked::NoSuchUser => return Ok(None),
        }
        let written = self.write(proved, account, Occasion::Linking).await;
        if let Err(Failure::Refused(_)) = &written {
            self.0.unlink(&name, &login.provider, &login.subject).await?;
        }
        written
    }
}

impl Proved<'_> {
    /// Whether the site would let the user in whom the claims alone make: a directory of fifty
    /// thousand people does not become fifty thousand accounts.
    pub(super) fn holds_a_role(&self) -> bool {
        let (asked, user) = (&self.site.roles, self.user);
        asked.is_empty() || user.is_administrator || asked.iter().any(|role| user.has_role(role))
    }

    /// The new account, under the name that the identity has after `marks` others.
    pub(super) fn account(&self, told: Option<&Told>, marks: usize) -> Result<Account, Failure> {
        let name = match told {
            Some(told) => told.name.clone(),
            None => name::made(self.config, self.provider, (self.subject, marks), self.claims)?,
        };
        let mut account = Account { name, created_at: self.now, ..Account::default() };
        rewrite::apply(&mut account, self, Occasion::Creation);
        Ok(account)
    }
}
