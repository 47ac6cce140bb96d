//! Local users of the store, and those who look after them: the command line as a process, the
//! import of a membership provider's tables, passwords and their reset.

mod answers;
mod beside;
mod change;
mod command;
mod emergency;
mod membership;
mod reset;
mod sign_in;

use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;

use serde_json::Value;
use vestibule::config::model::StoreAddress;
use vestibule::crypto::secret::Secret;
use vestibule::store::accounts::Account;
use vestibule::store::accounts::Accounts;
use vestibule::store::accounts::Added;
use vestibule::store::sql::Database;

use crate::acceptance::house::House;
use crate::support::browser::Browser;
use crate::support::wire::Answer;

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    /// The JSON that a successful command wrote.
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.code, 0, "{self:?}");
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }

    /// The one line that a failed command wrote.
    pub(crate) fn complaint(&self) -> &str {
        assert_eq!(self.code, 1, "{self:?}");
        assert_eq!((self.out.as_str(), self.err.lines().count()), ("", 1), "{self:?}");
        self.err.trim_end()
    }
}

/// Runs the program with `words`, and `input` on its standard input.
pub(crate) fn vestibule(folder: &Path, words: &[&str], input: &str) -> Ended {
    let mut child = Command::new(env!("CARGO_BIN_EXE_vestibule"))
        .args(words)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that reads nothing may have ended already.
    drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let code = output.status.code().unwrap();
    Ended { code, out: text(output.stdout), err: text(output.stderr) }
}

/// A store of its own, without a configuration.
pub(crate) struct Alone {
    folder: tempfile::TempDir,
}

impl Alone {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// `vestibule user …` on this store.
    pub(crate) fn user(&self, words: &[&str], input: &str) -> Ended {
        let words = [&["user"], words, &["--store", "sqlite:people.db"]].concat();
        vestibule(self.folder(), &words, input)
    }
}

/// The house's own users, seen from beside it.
pub(crate) async fn accounts(house: &House) -> Accounts {
    let file = house.gateway.folder.path("data/vestibule.db");
    Accounts::in_database(Database::open(&StoreAddress::Sqlite(file)).await.unwrap().unwrap())
}

/// Adds a local user with the hash of a password.
pub(crate) async fn add(house: &House, name: &str, hash: &str) {
    let mut account = Account {
        name: format!("sitecore\\{name}"),
        password_hash: Some(Secret::new(hash)),
        ..Account::default()
    };
    account.set_property("Email", &format!("{name}@example.test"));
    account.give_role("sitecore\\Author");
    assert_eq!(accounts(house).await.add(&account, None, false).await.unwrap(), Added::Done);
}

/// `vestibule …` with the configuration of a running house.
pub(crate) fn beside(house: &House, words: &[&str], input: &str) -> Ended {
    let conf = house.gateway.folder.path("conf");
    let words = [words, &["--config", conf.to_str().unwrap()]].concat();
    vestibule(&house.gateway.folder.path(""), &words, input)
}

/// Types a name and a password at the identity server.
pub(crate) async fn type_in(
    house: &House,
    browser: &mut Browser,
    name: &str,
    password: &str,
) -> Answer {
    let page = browser.get(&format!("{}/account/login", house.issuer())).await;
    browser.submit(&page, &[("username", name), ("password", password)]).await
}
