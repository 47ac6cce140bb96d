//! Copies of an SQLite store: made while it is written, put back while nobody has it open.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::process::Output;
use std::time::Duration;

use sqlx::Executor;
use vestibule::store::accounts::Accounts;
use vestibule::store::sql::Database;
use vestibule::store::sql::OpenError;
use vestibule::store::sql::backup;
use vestibule::store::sql::backup::BackupError;

use crate::stores::file;
use crate::stores::open_accounts;
use crate::stores::sqlite::beside;
use crate::stores::user;

async fn add(accounts: &Accounts, name: &str) {
    accounts.add(&user(name, ""), None, false).await.unwrap();
}

async fn has(store: &Path, name: &str) -> bool {
    open_accounts(&file(store.to_path_buf())).await.find(name).await.unwrap().is_some()
}

/// Tries until the last connection of a store that was dropped is gone.
async fn restore(copy: &Path, store: &Path) -> Option<std::path::PathBuf> {
    for _ in 0..50 {
        match backup::restore(copy, store).await {
            Err(BackupError::InUse(_)) => tokio::time::sleep(Duration::from_millis(20)).await,
            done => return done.unwrap(),
        }
    }
    panic!("it stays in use")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_whole_while_writers_write_and_is_put_back_with_the_former_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (store, copy) = (folder.path().join("v.db"), folder.path().join("copy.db"));
    let accounts = open_accounts(&file(store.clone())).await;
    add(&accounts, "a\\before").await;
    let writing = async {
        for number in 0..200 {
            add(&accounts, &format!("a\\{number}")).await;
        }
    };
    let (made, ()) = tokio::join!(backup::backup(&store, &copy), writing);
    made.unwrap();
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    let again = backup::backup(&store, &copy).await;
    assert!(matches!(again, Err(BackupError::Exists(_))), "{again:?}");
    add(&accounts, "a\\after").await;

    let refused = backup::restore(&copy, &store).await;
    assert!(matches!(refused, Err(BackupError::InUse(_))), "{refused:?}");
    assert!(accounts.find("a\\after").await.unwrap().is_some(), "nothing has changed");
    drop(accounts);
    let former = restore(&copy, &store).await.unwrap();
    assert_eq!(former, folder.path().join("v.db.before-restore"));
    assert!(has(&store, "a\\before").await && !has(&store, "a\\after").await);
    assert!(has(&former, "a\\after").await && has(&former, "a\\199").await);
    let second = restore(&copy, &store).await.unwrap();
    assert_eq!(second, folder.path().join("v.db.before-restore-2"));
    let elsewhere = folder.path().join("new/v.db");
    assert_eq!(restore(&copy, &elsewhere).await, None);
    assert!(has(&elsewhere, "a\\before").await);
    assert_eq!(fs::metadata(&elsewhere).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_sound_store_of_ours_is_not_put_anywhere() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let accounts = open_accounts(&file(path("v.db"))).await;
    for number in 0..300 {
        add(&accounts, &format!("a\\{number}")).await;
    }
    backup::backup(&path("v.db"), &path("copy")).await.unwrap();
    backup::backup(&path("v.db"), &path("newer")).await.unwrap();
    drop(accounts);
    fs::write(path("text"), "no database ".repeat(500)).unwrap();
    drop(open_foreign(&path("foreign")).await);
    let mut newer = beside(&path("newer")).await;
    newer.execute("insert into vestibule_schema (step) values (900)").await.unwrap();
    drop(newer);
    let mut damaged = fs::read(path("copy")).unwrap();
    let middle = damaged.len() / 2 / 4_096 * 4_096;
    damaged[middle..middle + 4_096].fill(0xA5);
    fs::write(path("damaged"), damaged).unwrap();
    let refused = async |name| backup::restore(&path(name), &path("v.db")).await.unwrap_err();
    assert!(matches!(refused("missing").await, BackupError::File { .. }));
    assert!(matches!(refused("text").await, BackupError::Refused { .. }));
    assert!(matches!(refused("foreign").await, BackupError::Foreign(_)));
    assert!(matches!(refused("newer").await, BackupError::Newer { taken: 900, .. }));
    let found = refused("damaged").await;
    assert!(matches!(found, BackupError::Damaged { .. } | BackupError::Refused { .. }), "{found}");
    assert!(has(&path("v.db"), "a\\299").await, "nothing has changed");
    assert!(!path("v.db.before-restore").exists());
}

async fn open_foreign(path: &Path) -> sqlx::AnyConnection {
    fs::write(path, "").unwrap();
    let mut foreign = beside(path).await;
    foreign.execute("create table vestibule_users (id text)").await.unwrap();
    foreign
}

#[tokio::test]
async fn nobody_opens_a_store_while_a_copy_is_put_in_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("v.db");
    drop(open_accounts(&file(path.clone())).await);
    let lock = fs::File::open(folder.path().join("v.db-lock")).unwrap();
    lock.lock().unwrap();
    let refused = Database::open(&file(path.clone())).await.unwrap_err();
    assert!(matches!(refused, OpenError::Restored), "{refused}");
    drop(lock);
    assert!(!has(&path, "a\\b").await);
}

/// The command, with `arguments`, in `folder`.
fn vestibule(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
    command.current_dir(folder).args(arguments).output().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_command_copies_and_one_puts_back() {
    let folder = tempfile::tempdir().unwrap();
    let accounts = open_accounts(&file(folder.path().join("v.db"))).await;
    add(&accounts, "a\\b").await;
    let run = |arguments: &[&str]| {
        let Output { status, stdout, stderr } = vestibule(folder.path(), arguments);
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (status.code(), text(stdout), text(stderr))
    };
    let (code, out, _) = run(&["store", "backup", "copy.db", "--store", "sqlite:v.db"]);
    assert_eq!((code, out.as_str()), (Some(0), "copy.db is a copy of sqlite:v.db\n"));
    let restore = ["store", "restore", "copy.db", "--store", "sqlite:v.db"];
    let (code, _, err) = run(&restore);
    assert_eq!(code, Some(1));
    assert!(err.contains("v.db is in use: stop the gateway") && err.lines().count() == 1, "{err}");
    drop(accounts);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let (code, out, err) = run(&restore);
    assert_eq!(code, Some(0), "{err}");
    let expected = "sqlite:v.db is what copy.db was\nwhat was there is v.db.before-restore\n";
    assert_eq!(out, expected);
    for (store, word) in [
        ("postgres://v:S3CRET@h/v", "pg_dump"),
        ("mysql://v:S3CRET@h/v", "mariadb-dump"),
        ("memory", "nothing to copy"),
    ] {
        let (code, _, err) = run(&["store", "backup", "x", "--store", store]);
        assert_eq!(code, Some(1));
        assert!(err.contains(word) && err.lines().count() == 1 && !err.contains("S3CRET"), "{err}");
    }
}
