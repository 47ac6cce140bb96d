//! Users that are kept (`IsPersistentUser`): whose account a proved identity signs in as, and what
//! the sign-in writes into it.
//!
//! Provider and subject are the key of an identity, and no other claim finds an account: not a name,
//! and an address only where its domain's own provider says it is the person's ([`vouched_for`]).
//! One kind of sign-in comes with a user name instead: that of a local user of the identity server,
//! or of whom a rule of the owner names. There the name is the key, because the identity server is
//! the user store itself: it has checked the very password that the account of that name has.

mod address;
mod creation;
mod foresight;
mod recognition;
mod rewrite;
mod standing;

use std::time::Duration;

use crate::claims::ClaimSet;
use crate::clock::Timestamp;
use crate::config::model::Config;
use crate::config::model::Provider;
use crate::config::model::Site;
use crate::store::StoreError;
use crate::store::accounts::Account;
use crate::store::accounts::Accounts;
use crate::store::accounts::ExternalLogin;
use crate::store::accounts::GivenRole;
use crate::store::accounts::Saved;
use crate::store::accounts::same;
use crate::users::User;
use crate::users::builder;
use crate::users::name;
use crate::users::name::Told;

pub use address::vouched_for;
pub use foresight::Foreseen;
pub use foresight::Way;

/// The accounts, as sign-ins see them.
#[derive(Clone, Copy, Debug)]
pub struct Persistent<'a>(pub &'a Accounts);

/// An identity that a provider has vouched for, and the user that its claims make.
#[derive(Clone, Copy, Debug)]
pub struct Proved<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The site that is signed in to.
    pub site: &'a Site,
    /// Who vouches.
    pub provider: &'a Provider,
    /// The provider's name for the person.
    pub subject: &'a str,
    /// What its transformations left of the claims.
    pub claims: &'a ClaimSet,
    /// The user that [`builder::build`] made of them.
    pub user: &'a User,
    /// The roles among them, and on whose word.
    pub given_roles: &'a [GivenRole],
    /// The address that the provider vouches for, see [`vouched_for`].
    pub address: Option<&'a str>,
    /// When.
    pub now: Timestamp,
}

/// Who is signed in already in the browser that an identity comes from, and what the site says of an
/// identity that is new here then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beside<'a> {
    /// Nobody whose user is kept, or the identity is to be a user of its own.
    Nobody,
    /// The user of this name: the identity is to be one more way to sign in as that.
    Attach(&'a str),
    /// The user of this name, if the person says so.
    Ask(&'a str),
}

/// How a sign-in ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The user is in, and what was to be written is written.
    In(User),
    /// The person is asked whether to sign in as this user from now on; nothing is written.
    Ask(Target),
}

/// An account that an identity may be linked to, as it was when that was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The user's name.
    pub name: String,
    version: i64,
    logins: Vec<ExternalLogin>,
}

/// Why an identity does not get in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It may not.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Its claims make no user.
    #[error(transparent)]
    NoUser(#[from] builder::Refusal),
    /// The store cannot tell; the sign-in can be repeated.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why an identity may not get in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The user is disabled.
    #[error("the account is disabled")]
    Disabled,
    /// It is new here, and holds none of the roles that the site asks for.
    #[error("none of the site's roles")]
    NoRole,
    /// Addresses are to be unique, and this one is another user's.
    #[error("the address is another user's")]
    EmailTaken,
    /// The identity server names a user who signs in elsewhere.
    #[error("the name is another user's")]
    NameTaken,
    /// The provider's name stood for another issuer when the identity was first seen.
    #[error("the provider is another one than it was")]
    OtherIssuer,
    /// It does not sign in as the session's user any more.
    #[error("the identity was unlinked")]
    Unlinked,
}

impl Refusal {
    /// The reason as a label of the metrics.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Disabled => "user_disabled",
            Self::NoRole => "role_missing",
            Self::EmailTaken => "email_taken",
            Self::NameTaken => "name_taken",
            Self::OtherIssuer => "issuer_changed",
            Self::Unlinked => "identity_unlinked",
        }
    }
}

/// On what occasion an account is rewritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Occasion {
    /// The sign-in that made it.
    Creation,
    /// A sign-in, which is remembered.
    SignIn,
    /// A sign-in that links the identity to the account.
    Linking,
    /// The provider was asked anew; only what it now says otherwise is written.
    Renewal,
}

/// How often a sign-in looks again, when somebody else has changed what it was about to write.
const ATTEMPTS: u32 = 30;

/// Between two looks; longer each time.
const PAUSE: Duration = Duration::from_millis(2);

impl Persistent<'_> {
    /// Signs an identity in: as the user that it is known to be, as the one that `beside` or its
    /// address makes it, or as a new one.
    ///
    /// # Errors
    ///
    /// See [`Failure`]. Nothing is written then.
    pub async fn sign_in(
        self,
        proved: &Proved<'_>,
        beside: Beside<'_>,
    ) -> Result<Outcome, Failure> {
        for attempt in 0..ATTEMPTS {
            tokio::time::sleep(PAUSE * attempt).await;
            if let Some(outcome) = self.try_sign_in(proved, beside).await? {
                return Ok(outcome);
            }
        }
        Err(contended())
    }

    /// `None` when something has changed on the way.
    async fn try_sign_in(
        self,
        proved: &Proved<'_>,
        beside: Beside<'_>,
    ) -> Result<Option<Outcome>, Failure> {
        let told = proved.told()?;
        let written = if let Some(account) = self.known(proved, told.as_ref()).await? {
            self.write(proved, account, Occasion::SignIn).await?
        } else if let Some(told) = told {
            self.create(proved, Some(&told)).await?
        } else if let Some(account) = self.beside(beside).await? {
            if let Beside::Ask(_) = beside {
                return Ok(Some(Outcome::Ask(self.target_of(account).await?)));
            }
            self.link(proved, account).await?
        } else if let Some(account) = self.of_address(proved).await? {
            self.link(proved, account).await?
        } else {
            self.create(proved, None).await?
        };
        Ok(written.map(Outcome::In))
    }

    /// What a provider says anew of somebody who is signed in as the user called `name`.
    ///
    /// # Errors
    ///
    /// See [`Failure`]; [`Refusal::Unlinked`] when the identity is not that user's any more.
    pub async fn renew(self, proved: &Proved<'_>, name: &str) -> Result<User, Failure> {
        for attempt in 0..ATTEMPTS {
            tokio::time::sleep(PAUSE * attempt).await;
            let known = self.known(proved, proved.told()?.as_ref()).await?;
            let same = known.filter(|account| same(&account.name, name));
            let account = same.ok_or(Refusal::Unlinked)?;
            if let Some(user) = self.write(proved, account, Occasion::Renewal).await? {
                return Ok(user);
            }
        }
        Err(contended())
    }

    /// Rewrites an account, unless it is changed meanwhile; who is in then.
    async fn write(
        self,
        proved: &Proved<'_>,
        account: Account,
        occasion: Occasion,
    ) -> Result<Option<User>, Failure> {
        if account.disabled {
            return Err(Refusal::Disabled.into());
        }
        let mut next = account.clone();
        rewrite::apply(&mut next, proved, occasion);
        let user = rewrite::user(&next, proved);
        if next == account {
            return Ok(Some(user));
        }
        match self.0.save(&next, proved.config.requires_unique_email).await? {
            Saved::Done(_) => Ok(Some(user)),
            Saved::Changed => Ok(None),
            Saved::EmailTaken => Err(Refusal::EmailTaken.into()),
        }
    }

    /// Whoever is signed in already, unless that account is gone.
    async fn beside(self, beside: Beside<'_>) -> Result<Option<Account>, Failure> {
        match beside {
            Beside::Nobody => Ok(None),
            Beside::Attach(name) | Beside::Ask(name) => Ok(self.0.find(name).await?),
        }
    }

    /// The user called `name` as it is now, to be asked about; `None` when no such user is kept.
    ///
    /// # Errors
    ///
    /// When the store cannot be reached.
    pub async fn target(self, name: &str) -> Result<Option<Target>, StoreError> {
        match self.0.find(name).await? {
            Some(account) => self.target_of(account).await.map(Some),
            None => Ok(None),
        }
    }

    async fn target_of(self, account: Account) -> Result<Target, StoreError> {
        let logins = self.0.logins(&account.name).await?;
        Ok(Target { name: account.name, version: account.version, logins })
    }

    /// Whether an account is still what it was when the person was asked about it: what they said
    /// then is not about an account that has changed hands, been disabled or unlinked (security.md
    /// M302).
    ///
    /// # Errors
    ///
    /// When the store cannot be reached.
    pub async fn still_stands(self, target: &Target) -> Result<bool, StoreError> {
        let Some(account) = self.0.find(&target.name).await? else { return Ok(false) };
        let same = account.version == target.version && !account.disabled;
        Ok(same && self.0.logins(&target.name).await? == target.logins)
    }
}

impl Proved<'_> {
    /// The user name that comes with it, where one does.
    fn told(&self) -> Result<Option<Told>, Failure> {
        Ok(name::told(self.config, self.provider, self.claims)?)
    }

    /// The provider whose subject it is.
    fn key(&self) -> &str {
        name::key(self.provider)
    }

    fn login(&self) -> ExternalLogin {
        ExternalLogin {
            provider: self.key().to_owned(),
            subject: self.subject.to_owned(),
            issuer: self.provider.issuer().map(str::to_owned),
            linked_at: self.now,
        }
    }
}

fn contended() -> Failure {
    Failure::Store(StoreError("one account is being changed too often at once".into()))
}
