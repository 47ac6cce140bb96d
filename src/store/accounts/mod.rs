//! The users that outlive their sessions, and the external identities that sign in as them. In this
//! process's memory, or in a database that several processes share.

mod account;
mod change;
mod memory;
mod search;

pub use account::Account;
pub use account::Event;
pub use account::ExternalLogin;
pub use account::GivenRole;
pub use account::NotBefore;
pub use account::SignIn;
pub use account::folded;
pub use account::same;
pub use change::Changed;
pub use search::Cursor;
pub use search::Field;
pub use search::Page;
pub use search::Search;

use crate::clock::Timestamp;
use crate::store::StoreError;
use crate::store::accounts::memory::MemoryAccounts;
use crate::store::sql::Database;
use crate::store::sql::accounts::SqlAccounts;

/// The accounts, wherever they are. Every call is atomic, also between processes over one store.
#[derive(Debug)]
pub struct Accounts(Place);

#[derive(Debug)]
enum Place {
    Memory(MemoryAccounts),
    Sql(SqlAccounts),
}

/// What of an account tells whether it is still what it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Another one after every change.
    pub version: i64,
    /// Another one when the account was made anew.
    pub created_at: Timestamp,
}

/// How adding an account ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// It is there.
    Done,
    /// Another user has this name.
    NameTaken,
    /// Another user has this e-mail address, and addresses are to be unique.
    EmailTaken,
    /// This identity signs in as another user already.
    LoginTaken,
}

/// How saving an account ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saved {
    /// It is saved, under this version.
    Done(i64),
    /// It was changed or removed since it was read.
    Changed,
    /// Another user has this e-mail address, and addresses are to be unique.
    EmailTaken,
}

/// How linking an identity to an account ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linked {
    /// It signs in as this user from now on, or did already.
    Done,
    /// It signs in as another user.
    Taken,
    /// There is no such user.
    NoSuchUser,
}

impl Accounts {
    /// In this process's memory: gone with it.
    pub fn in_memory() -> Self {
        Self(Place::Memory(MemoryAccounts::default()))
    }

    /// In a database, which other processes may share.
    pub fn in_database(database: Database) -> Self {
        Self(Place::Sql(SqlAccounts::new(database)))
    }

    /// The user called `name`.
    ///
    /// # Errors
    ///
    /// When the store cannot be reached; so for every call here.
    pub async fn find(&self, name: &str) -> Result<Option<Account>, StoreError> {
        match &self.0 {
            Place::Memory(memory) => Ok(memory.find(name)),
            Place::Sql(sql) => sql.find(name).await,
        }
    }

    /// The marks of users, in the order of their names; `None` where there is no such user. Cheaper
    /// than to find them all.
    ///
    /// # Errors
    ///
    /// As [`Self::find`].
    pub async fn marks(&self, names: &[String]) -> Result<Vec<Option<Mark>>, StoreError> {
        match &self.0 {
            Place::Memory(memory) => Ok(names.iter().map(|name| memory.mark(name)).collect()),
            Place::Sql(sql) => sql.marks(names).await,
        }
    }

    /// The user as whom an external identity signs in.
    ///
    /// # Errors
    ///
    /// As [`Self::find`].
    pub async fn of_login(
        &self,
        provider: &str,
        subject: &str,
    ) -> Result<Option<Account>, StoreError> {
        match &self.0 {
            Place::Memory(memory) => Ok(memory.of_login(provider, subject)),
            Place::Sql(sql) => sql.of_login(provider, subject).await,
        }
    }

    /// The users with this e-mail address: two at most, which is as good as many.
    ///
    /// # Errors
    ///
    /// As [`Self::find`].
    pub async fn of_email(&self, email: &str) -> Result<Vec<Account>, StoreError> {
        match &self.0 {
            Place::Memory(memory) => Ok(memory.of_email(email)),
            Place::Sql(sql) => sql.of_email(email).await,
        }
    }

    /// Adds an account, and an identity that signs in as it. Of any number of callers with one name
    /// exactly one is told [`Added::Done`]; with `unique_email` the same holds for addresses.
    ///
    /// # Errors
    ///
    /// As [`Self::find`].
    pub async fn add(
        &self,
        account: &Account,
        login: Option<&ExternalLogin>,
        unique_email: bool,
    ) -> Result<Added, StoreError> {
        match &self.0 {
            Place::Memory(memory) => Ok(memory.add(account, login, unique_email)),
            Place::Sql(sql) => sql.add(account, login, unique_email).await,
        }
    }

    /// Saves an account in the place of the one that was read, unless that has changed meanwhile.
    ///
    /// # Errors
    ///
    /// As [`Self::find`].
    pub async fn save(&self, account: &Account, unique_email: bool) -> Result<Saved, StoreError> {
        match &self.0 {
            Place::Memory(memory) => Ok(memory.save(account, unique_email)),
            Place::Sql(sql) => sql.save(account, unique_email).await,
        }
    }

    /// Forgets a user and every identity that signs in as it; whether there was one.
    ///
    /// # Errors
    ///
    /// As [`Self::find`].
    pub async fn remove(&self, name: &str) -> Result<bool, StoreError> {
        match &self.0 {
            Place::Memory(memory) => Ok(memory.remove(name)),
            Place::Sql(sql) => sql.remove(name).await,
        }
    }

    /// Lets an identity sign in as the user called `name`.
    ///
    /// # Errors
    ///
    /// As [`Self::find`].
    pub async fn link(&self, name: &str, login: &ExternalLogin) -> Result<Linked, StoreError> {
        match &self.0 {
            Place::Memory(memory) => Ok(memory.link(name, login)),
            Place::Sql(sql) => sql.link(name, login).await,
        }
    }

    /// Takes an identity from the user called `name`; whether it was linked to it.
    ///
    /// # Errors
    ///
    /// As [`Self::find`].
    pub async fn unlink(
        &self,
        name: &str,
        provider: &str,
        subject: &str,
    ) -> Result<bool, StoreError> {
        match &self.0 {
            Place::Memory(memory) => Ok(memory.unlink(name, provider, subject)),
            Place::Sql(sql) => sql.unlink(name, provider, subject).await,
        }
    }

    /// The identities that sign in as the user called `name`, the oldest link first.
    ///
    /// # Errors
    ///
    /// As [`Self::find`].
    pub async fn logins(&self, name: &str) -> Result<Vec<ExternalLogin>, StoreError> {
        match &self.0 {
            Place::Memory(memory) => Ok(memory.logins(name)),
            Place::Sql(sql) => sql.logins(name).await,
        }
    }

    /// One page of the users that `search` finds. A page may be short and yet have a next one.
    ///
    /// # Errors
    ///
    /// As [`Self::find`].
    pub async fn search(&self, search: &Search) -> Result<Page, StoreError> {
        match &self.0 {
            Place::Memory(memory) => Ok(memory.search(search)),
            Place::Sql(sql) => sql.search(search).await,
        }
    }
}
