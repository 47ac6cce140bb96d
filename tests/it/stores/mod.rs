//! What every store of grants does alike: in memory, in an SQLite file, in PostgreSQL and in MariaDB.
//! The last two are those of `VESTIBULE_TEST_POSTGRES` and `VESTIBULE_TEST_MARIADB`; where they are not
//! set and both servers are installed, they are started.

mod accounts;
mod accounts_search;
mod backup;
mod child;
mod crash;
mod grants;
mod keys;
mod million;
mod outage;
mod register;
mod servers;
mod sqlite;

use std::path::PathBuf;
use std::sync::Arc;

use tempfile::TempDir;
use vestibule::clock::Timestamp;
use vestibule::config::model::StoreAddress;
use vestibule::crypto::random;
use vestibule::store::accounts::Account;
use vestibule::store::accounts::Accounts;
use vestibule::store::accounts::ExternalLogin;
use vestibule::store::grants::Grants;
use vestibule::store::grants::Record;
use vestibule::store::sql::Database;

/// A store, twice: as two instances of the gateway have it, each with connections of its own.
pub(crate) struct Store {
    /// Which one it is, for failures.
    pub(crate) name: &'static str,
    /// As the first instance has it.
    pub(crate) here: Arc<Grants>,
    /// As the second one has it.
    pub(crate) there: Arc<Grants>,
    _folder: Arc<TempDir>,
}

pub(crate) const NOW: Timestamp = Timestamp(1_000);
pub(crate) const END: Timestamp = Timestamp(2_000);

/// Every store that is there.
pub(crate) async fn stores() -> Vec<Store> {
    let memory = Arc::new(Grants::in_memory());
    let mut stores = vec![Store {
        name: "memory",
        here: Arc::clone(&memory),
        there: memory,
        _folder: Arc::new(tempfile::tempdir().unwrap()),
    }];
    let (addresses, folder) = addresses();
    for (name, address) in addresses {
        stores.push(twice(name, &address, Arc::clone(&folder)).await);
    }
    stores
}

/// Every database that is there. A file lives as long as the folder.
pub(crate) fn addresses() -> (Vec<(&'static str, StoreAddress)>, Arc<TempDir>) {
    let folder = tempfile::tempdir().unwrap();
    let mut addresses =
        vec![("SQLite", StoreAddress::Sqlite(folder.path().join("data/a file.db")))];
    addresses.extend(servers::addresses());
    (addresses, Arc::new(folder))
}

async fn twice(name: &'static str, address: &StoreAddress, folder: Arc<TempDir>) -> Store {
    // Both at once: two instances that start together make the tables together.
    let (here, there) = tokio::join!(open(address), open(address));
    Store { name, here: Arc::new(here), there: Arc::new(there), _folder: folder }
}

/// The grants at `address`, by connections of their own.
pub(crate) async fn open(address: &StoreAddress) -> Grants {
    let database = Database::open(address).await.unwrap_or_else(|e| panic!("{address}: {e}"));
    Grants::in_database(database.unwrap())
}

/// Accounts, twice: as two instances of the gateway have them.
pub(crate) struct TwoAccounts {
    /// Where they are, for failures.
    pub(crate) name: &'static str,
    /// As the first instance has them.
    pub(crate) here: Arc<Accounts>,
    /// As the second one has them.
    pub(crate) there: Arc<Accounts>,
    _folder: Arc<TempDir>,
}

/// The accounts of every store that is there.
pub(crate) async fn accounts() -> Vec<TwoAccounts> {
    let (addresses, folder) = addresses();
    let memory = Arc::new(Accounts::in_memory());
    let (here, there) = (Arc::clone(&memory), memory);
    let mut stores =
        vec![TwoAccounts { name: "memory", here, there, _folder: Arc::clone(&folder) }];
    for (name, address) in addresses {
        let (here, there) = tokio::join!(open_accounts(&address), open_accounts(&address));
        let (here, there) = (Arc::new(here), Arc::new(there));
        stores.push(TwoAccounts { name, here, there, _folder: Arc::clone(&folder) });
    }
    stores
}

/// The accounts at `address`, by connections of their own.
pub(crate) async fn open_accounts(address: &StoreAddress) -> Accounts {
    let database = Database::open(address).await.unwrap_or_else(|e| panic!("{address}: {e}"));
    Accounts::in_database(database.unwrap())
}

/// A user with an address.
pub(crate) fn user(name: &str, email: &str) -> Account {
    let mut account = Account { name: name.to_owned(), created_at: NOW, ..Account::default() };
    account.set_property("Email", email);
    account
}

/// An identity at a provider.
pub(crate) fn login(provider: &str, subject: &str) -> ExternalLogin {
    let (provider, subject) = (provider.to_owned(), subject.to_owned());
    ExternalLogin { provider, subject, issuer: Some("https://idp.test".to_owned()), linked_at: NOW }
}

/// A file's address.
pub(crate) fn file(path: PathBuf) -> StoreAddress {
    StoreAddress::Sqlite(path)
}

/// A handle that no other test has.
pub(crate) fn handle() -> String {
    random::identifier()
}

/// A record of a session.
pub(crate) fn record(session: &str) -> Record {
    Record {
        grant: "0123456789abcdef0123".to_owned(),
        client: "app".to_owned(),
        subject: format!("subject of {session}"),
        session: session.to_owned(),
        owner: session.to_owned(),
        data: r#"{"scopes":["openid"],"text":"é\u0000\\ 'quoted' $1 ?"}"#.to_owned(),
        ends_at: END,
        ..Record::default()
    }
}
