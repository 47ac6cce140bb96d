//! Which account is an identity's already.

use crate::store::StoreError;
use crate::store::accounts::Account;
use crate::store::accounts::ExternalLogin;
use crate::store::accounts::same;
use crate::users::User;
use crate::users::name::Told;
use crate::users::persistent::Failure;
use crate::users::persistent::Persistent;
use crate::users::persistent::Proved;
use crate::users::persistent::Refusal;
use crate::users::persistent::address;
use crate::users::persistent::rewrite;

impl Persistent<'_> {
    /// The account that a proved identity is known by.
    pub(super) async fn known(
        self,
        proved: &Proved<'_>,
        told: Option<&Told>,
    ) -> Result<Option<Account>, Failure> {
        let Some(told) = told else { return self.by_subject(proved).await };
        let Some(account) = self.0.find(&told.name).await? else { return Ok(None) };
        // What a rule says holds as long as the rule does: nothing of it is kept.
        if told.by_rule || self.is_own(proved, &account).await? {
            return Ok(Some(account));
        }
        Err(Refusal::NameTaken.into())
    }

    /// The account of an identity that comes without a name. A provider that is another issuer now has
    /// other people under the subjects of the one before: none of them gets in, until the owner says
    /// that it is the same one still.
    pub(super) async fn by_subject(self, proved: &Proved<'_>) -> Result<Option<Account>, Failure> {
        let (key, subject) = (proved.key(), proved.subject);
        let Some(account) = self.0.of_login(key, subject).await? else { return Ok(None) };
        let logins = self.0.logins(&account.name).await?;
        let login = logins.iter().find(|login| login.provider == key && login.subject == subject);
        let linked_with = login.and_then(|login| login.issuer.as_deref());
        let (is, was) = (proved.provider.issuer(), &proved.provider.former_issuers);
        let same = |issuer: &str| Some(issuer) == is || was.iter().any(|former| former == issuer);
        if linked_with.is_none_or(same) {
            return Ok(Some(account));
        }
        tracing::warn!(provider = ?key, ?linked_with, ?is, user = ?account.name, "an identity is of another issuer than it was; if that is the same provider under another address, write the one before into formerIssuers of its connection");
        Err(Refusal::OtherIssuer.into())
    }

    /// As [`Proved::owns`]; and the identity is noted where it is not yet, for those who look for it.
    async fn is_own(self, proved: &Proved<'_>, account: &Account) -> Result<bool, StoreError> {
        let logins = self.0.logins(&account.name).await?;
        let own = proved.owns(account, &logins);
        let login = proved.login();
        let noted =
            logins.iter().any(|l| (&l.provider, &l.subject) == (&login.provider, &login.subject));
        if own && !noted && !account.disabled {
            self.0.link(&account.name, &login).await?;
        }
        Ok(own)
    }

    /// The account whose address the provider vouches for. Nobody's, where several have it, and where
    /// a provider brings people to it that may have written the address themselves: such an account
    /// could have been laid out for its owner to fall into.
    pub(super) async fn of_address(
        self,
        proved: &Proved<'_>,
    ) -> Result<Option<Account>, StoreError> {
        let Some(address) = proved.address else { return Ok(None) };
        let mut accounts = self.0.of_email(address).await?;
        let (Some(account), true) = (accounts.pop(), accounts.is_empty()) else { return Ok(None) };
        let logins = self.0.logins(&account.name).await?;
        let trusted = logins.iter().all(|login| {
            let provider = proved.config.provider(&login.provider);
            login.provider != proved.key()
                && provider.is_some_and(|provider| address::is_authoritative(provider, address))
        });
        Ok(trusted.then_some(account))
    }

    /// The user of somebody who brings a token in place of signing in: the account that is known,
    /// with what this token says beside it, and nothing is written. `None` for an identity without
    /// one.
    ///
    /// # Errors
    ///
    /// See [`Failure`]; [`Refusal::NameTaken`] when the name of a user without an account is
    /// somebody's who has one.
    pub async fn recognise(self, proved: &Proved<'_>) -> Result<Option<User>, Failure> {
        let Some(account) = self.known(proved, proved.told()?.as_ref()).await? else {
            return match self.0.find(&proved.user.name).await? {
                Some(_) => Err(Refusal::NameTaken.into()),
                None => Ok(None),
            };
        };
        if account.disabled {
            return Err(Refusal::Disabled.into());
        }
        Ok(Some(rewrite::user(&account, proved)))
    }

    /// Whether an identity that has signed in as the user called `name` still would.
    ///
    /// # Errors
    ///
    /// When the store cannot be reached.
    pub async fn is_still(self, proved: &Proved<'_>, name: &str) -> Result<bool, StoreError> {
        let Ok(told) = proved.told() else { return Ok(false) };
        match self.looked_up(proved, told.as_ref()).await {
            Ok(known) => Ok(known.is_some_and(|known| same(&known.name, name) && !known.disabled)),
            Err(Failure::Refused(_) | Failure::NoUser(_)) => Ok(false),
            Err(Failure::Store(error)) => Err(error),
        }
    }

    /// Lets an identity in that lives as long as its session, unless the user that it is known to be
    /// elsewhere here is disabled.
    ///
    /// # Errors
    ///
    /// See [`Failure`].
    pub async fn admit(self, proved: &Proved<'_>) -> Result<(), Failure> {
        let account = match proved.told()? {
            Some(told) => self.0.find(&told.name).await?,
            None => self.0.of_login(proved.key(), proved.subject).await?,
        };
        if account.is_some_and(|account| account.disabled) {
            return Err(Refusal::Disabled.into());
        }
        Ok(())
    }
}

impl Proved<'_> {
    /// Whether an account is one of the identity server's local users, of which there it says that
    /// somebody is it: its password is here, it came from there, or it was laid out and nobody has
    /// signed in as it yet. One that other providers' people sign in as, and nobody else, is not,
    /// whatever name it has; nor is one from which an administrator has taken all identities.
    pub(super) fn owns(&self, account: &Account, logins: &[ExternalLogin]) -> bool {
        account.password_hash.is_some()
            || (logins.is_empty() && account.last_sign_in.is_none())
            || logins.iter().any(|login| login.provider == self.key())
    }
}
