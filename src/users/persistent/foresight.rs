//! What a sign-in would come to, with nothing written: for administrators who want to know.

use crate::store::accounts::Account;
use crate::users::User;
use crate::users::name::Told;
use crate::users::persistent::Failure;
use crate::users::persistent::Occasion;
use crate::users::persistent::Persistent;
use crate::users::persistent::Proved;
use crate::users::persistent::Refusal;
use crate::users::persistent::creation::MOST_NAMES;
use crate::users::persistent::rewrite;

/// Whom a sign-in would let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreseen {
    /// The user.
    pub user: User,
    /// The account as it would be afterwards.
    pub account: Account,
    /// What would become of it.
    pub way: Way,
}

/// What would become of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The identity is known to be its.
    Known,
    /// The identity would be linked to it, for the address that its provider vouches for.
    Linked,
    /// It would be made.
    Made,
}

impl Persistent<'_> {
    /// Whom an identity would sign in as, in a browser where nobody is signed in.
    ///
    /// # Errors
    ///
    /// See [`Failure`].
    pub async fn foresee(self, proved: &Proved<'_>) -> Result<Foreseen, Failure> {
        let told = proved.told()?;
        if let Some(account) = self.looked_up(proved, told.as_ref()).await? {
            return foreseen(proved, account, Way::Known);
        }
        if told.is_none()
            && let Some(account) = self.of_address(proved).await?
        {
            return foreseen(proved, account, Way::Linked);
        }
        if !proved.holds_a_role() {
            return Err(Refusal::NoRole.into());
        }
        for marks in 0..MOST_NAMES {
            let account = proved.account(told.as_ref(), marks)?;
            if self.0.find(&account.name).await?.is_none() {
                let user = rewrite::user(&account, proved);
                return Ok(Foreseen { user, account, way: Way::Made });
            }
        }
        Err(Refusal::NameTaken.into())
    }

    /// The account that an identity is known by.
    pub(super) async fn looked_up(
        self,
        proved: &Proved<'_>,
        told: Option<&Told>,
    ) -> Result<Option<Account>, Failure> {
        let Some(told) = told else { return self.by_subject(proved).await };
        let Some(account) = self.0.find(&told.name).await? else { return Ok(None) };
        if told.by_rule || proved.owns(&account, &self.0.logins(&account.name).await?) {
            return Ok(Some(account));
        }
        Err(Refusal::NameTaken.into())
    }
}

fn foreseen(proved: &Proved<'_>, mut account: Account, way: Way) -> Result<Foreseen, Failure> {
    if account.disabled {
        return Err(Refusal::Disabled.into());
    }
    let occasion = match way {
        Way::Known | Way::Made => Occasion::SignIn,
        Way::Linked => Occasion::Linking,
    };
    rewrite::apply(&mut account, proved, occasion);
    let user = rewrite::user(&account, proved);
    Ok(Foreseen { user, account, way })
}
