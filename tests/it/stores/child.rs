//! The other process: this test binary once more, doing one job with a store until it is killed or
//! can go no further. What it says on standard output has been acknowledged by the store.

use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;

use tokio::task::JoinSet;
use vestibule::clock::Timestamp;
use vestibule::config::model::DatabaseUrl;
use vestibule::config::model::StoreAddress;
use vestibule::crypto::secret::Secret;
use vestibule::store::accounts::Accounts;
use vestibule::store::accounts::Added;
use vestibule::store::accounts::Saved;
use vestibule::store::grants::Grants;
use vestibule::store::grants::Kind;
use vestibule::store::grants::Record;
use vestibule::store::sql::Database;

use crate::stores::NOW;
use crate::stores::handle;
use crate::stores::login;
use crate::stores::record;
use crate::stores::user;

const STORE: &str = "VESTIBULE_TEST_CHILD_STORE";

/// Writers that write at once.
const WRITERS: usize = 8;

/// The other process at work on `store`, under `wrapper` if that says anything.
pub(crate) fn command(store: &StoreAddress, wrapper: &[&str]) -> Command {
    let binary = std::env::current_exe().unwrap();
    let mut command = match wrapper {
        [] => Command::new(binary),
        [program, arguments @ ..] => {
            let mut command = Command::new(program);
            command.args(arguments).arg(binary);
            command
        }
    };
    let address = match store {
        StoreAddress::Memory => unreachable!("nobody else sees it"),
        StoreAddress::Sqlite(path) => path.display().to_string(),
        StoreAddress::Postgres(database) | StoreAddress::MySql(database) => {
            database.url.expose().to_owned()
        }
    };
    command
        .args(["--exact", "stores::child::the_other_process", "--ignored", "--nocapture"])
        .env(STORE, address)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command
}

/// What it said, without what its test harness says. A line that it could not finish was not said.
pub(crate) fn said(output: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(output);
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let lines = whole.lines().filter_map(|line| line.strip_prefix("said "));
    lines.map(str::to_owned).collect()
}

fn say(what: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("said {what}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it is the other process of tests beside it"]
async fn the_other_process() {
    let Ok(store) = std::env::var(STORE) else { return };
    let database = DatabaseUrl { url: Secret::new(store.as_str()), shown: String::new() };
    let address = match store.split_once("://") {
        Some(("mysql", _)) => StoreAddress::MySql(database),
        Some(_) => StoreAddress::Postgres(database),
        None => StoreAddress::Sqlite(PathBuf::from(&store)),
    };
    let database = match Database::open(&address).await {
        Ok(database) => database.unwrap(),
        Err(error) => return say(&format!("closed {error}")),
    };
    say("open");
    let accounts = Arc::new(Accounts::in_database(database.clone()));
    let grants = Arc::new(Grants::in_database(database));
    let mut writers = JoinSet::new();
    for _ in 0..WRITERS {
        writers.spawn(write(Arc::clone(&accounts), Arc::clone(&grants)));
    }
    for (name, refusal) in writers.join_all().await {
        say(&format!("refused {refusal}"));
        if accounts.find(&name).await.is_ok() {
            say("reads");
        }
    }
}

/// Adds users, changes them and keeps grants until the store refuses; with whom it began, and why it
/// ended.
async fn write(accounts: Arc<Accounts>, grants: Arc<Grants>) -> (String, String) {
    let first = format!("crash\\{}", handle());
    let mut name = first.clone();
    loop {
        let email = format!("{}@example.test", handle());
        let account = user(&name, &email);
        match accounts.add(&account, Some(&login("Okta", &name)), true).await {
            Ok(added) => assert_eq!(added, Added::Done),
            Err(error) => return (first, error.to_string()),
        }
        say(&format!("user {name}"));
        match accounts.save(&account, true).await {
            Ok(saved) => assert_eq!(saved, Saved::Done(1)),
            Err(error) => return (first, error.to_string()),
        }
        say(&format!("saved {name}"));
        let token = Record { ends_at: Timestamp(i64::MAX), ..record(&name) };
        if let Err(error) = grants.keep(Kind::RefreshToken, &name, token, NOW).await {
            return (first, error.to_string());
        }
        say(&format!("grant {name}"));
        name = format!("crash\\{}", handle());
    }
}
