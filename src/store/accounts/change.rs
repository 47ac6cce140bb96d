//! Changing an account whatever others do to it meanwhile.

use crate::store::StoreError;
use crate::store::accounts::Account;
use crate::store::accounts::Accounts;
use crate::store::accounts::Saved;

/// How changing an account ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// It is as it stands here now.
    Done(Account),
    /// There was nothing to change about it.
    Nothing(Account),
    /// There is no such user.
    NoSuchUser,
    /// Another user has the new e-mail address, and addresses are to be unique.
    EmailTaken,
    /// Others were faster every time.
    Overtaken,
}

/// How often a change is tried that others come before.
const TRIES: usize = 50;

impl Accounts {
    /// Changes the user called `name`: `change` is given the account as it is, once more whenever
    /// others came before, and says whether it changed anything. An address that was another's before
    /// addresses had to be unique may stay.
    ///
    /// # Errors
    ///
    /// As [`Self::find`].
    pub async fn change(
        &self,
        name: &str,
        unique_email: bool,
        change: impl Fn(&mut Account) -> bool,
    ) -> Result<Changed, StoreError> {
        for _ in 0..TRIES {
            let Some(seen) = self.find(name).await? else { return Ok(Changed::NoSuchUser) };
            let mut account = seen.clone();
            if !change(&mut account) {
                return Ok(Changed::Nothing(seen));
            }
            let mut saved = self.save(&account, unique_email).await?;
            if saved == Saved::EmailTaken && account.email() == seen.email() {
                saved = self.save(&account, false).await?;
            }
            match saved {
                Saved::Done(version) => return Ok(Changed::Done(Account { version, ..account })),
                Saved::Changed => {}
                Saved::EmailTaken => return Ok(Changed::EmailTaken),
            }
        }
        Ok(Changed::Overtaken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn add(accounts: &Accounts, name: &str) {
        let mut account = Account { name: name.to_owned(), ..Account::default() };
        account.set_property("Email", "same@example.test");
        accounts.add(&account, None, false).await.unwrap();
    }

    #[tokio::test]
    async fn an_old_address_stays_and_a_new_one_is_nobody_elses() {
        let accounts = Accounts::in_memory();
        add(&accounts, "a\\jane").await;
        add(&accounts, "a\\max").await;
        let gave = |account: &mut Account| account.give_role("a\\b");
        let done = accounts.change("A\\Jane", true, gave).await.unwrap();
        let Changed::Done(jane) = done else { panic!("{done:?}") };
        assert_eq!((jane.version, jane.has_role("a\\b")), (1, true));
        let again = accounts.change("a\\jane", true, gave).await.unwrap();
        assert_eq!(again, Changed::Nothing(jane));
        let own = |account: &mut Account| {
            account.set_property("Email", "own@example.test");
            true
        };
        assert!(matches!(accounts.change("a\\jane", true, own).await, Ok(Changed::Done(_))));
        assert_eq!(accounts.change("a\\max", true, own).await.unwrap(), Changed::EmailTaken);
        assert_eq!(accounts.change("a\\eve", true, own).await.unwrap(), Changed::NoSuchUser);
    }
}
