//! Copies of an SQLite store: made while it is written, put back while gateways use it, or nobody does.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Output;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sqlx::Executor;
use vestibule::store::accounts::Accounts;
use vestibule::store::register::Register;
use vestibule::store::register::Which;
use vestibule::store::sql::Database;
use vestibule::store::sql::OpenError;
use vestibule::store::sql::backup;
use vestibule::store::sql::backup::BackupError;
use vestibule::store::sql::restore::restore;

use crate::stores::file;
use crate::stores::open_accounts;
use crate::stores::sqlite::beside;
use crate::stores::user;
use crate::support::provider;
use crate::support::world::World;
use crate::support::world::cookie_line;

async fn add(accounts: &Accounts, name: &str) {
    accounts.add(&user(name, ""), None, false).await.unwrap();
}

async fn has(store: &Path, name: &str) -> bool {
    open_accounts(&file(store.to_path_buf())).await.find(name).await.unwrap().is_some()
}

/// Waits until the last connection of a store that was dropped is gone, and puts a copy in its place.
async fn restore_alone(copy: &Path, store: &Path) -> Option<PathBuf> {
    alone(store).await;
    let restored = restore(copy, store).await.unwrap();
    assert!(!restored.in_use);
    restored.former
}

/// Other tests start programs, which have what this process has open until they begin.
async fn alone(store: &Path) {
    let mut lock = store.as_os_str().to_owned();
    lock.push("-lock");
    let Ok(lock) = fs::File::open(lock) else { return };
    for _ in 0..100 {
        if lock.try_lock().is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
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

    drop(accounts);
    let former = restore_alone(&copy, &store).await.unwrap();
    assert_eq!(former, folder.path().join("v.db.before-restore"));
    assert!(has(&store, "a\\before").await && !has(&store, "a\\after").await);
    assert!(has(&former, "a\\after").await && has(&former, "a\\199").await);
    let second = restore_alone(&copy, &store).await.unwrap();
    assert_eq!(second, folder.path().join("v.db.before-restore-2"));
    let elsewhere = folder.path().join("new/v.db");
    assert_eq!(restore_alone(&copy, &elsewhere).await, None);
    assert!(has(&elsewhere, "a\\before").await);
    assert_eq!(fs::metadata(&elsewhere).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_put_back_under_a_gateway_and_its_writers_and_nothing_is_lost() {
    let world =
        World::with(r#"<gateway><users set:store="sqlite:{folder}/data/v.db" /></gateway>"#).await;
    let (store, copy) =
        (world.gateway.folder.path("data/v.db"), world.gateway.folder.path("copy.db"));
    let accounts = world.gateway.app.accounts();
    add(accounts, "a\\before").await;
    let keys = keys(&store).await;
    backup::backup(&store, &copy).await.unwrap();
    add(accounts, "a\\after").await;
    let jane = cookie_line(&world.jane().await);
    let done = AtomicBool::new(false);
    let writing = async {
        let mut names = Vec::new();
        while !done.load(Ordering::Relaxed) || names.len() < 20 {
            let name = format!("a\\{}", names.len());
            add(accounts, &name).await;
            names.push(name);
        }
        names
    };
    let restoring = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let restored = restore(&copy, &store).await;
        done.store(true, Ordering::Relaxed);
        restored.unwrap()
    };
    let (names, restored) = tokio::join!(writing, restoring);
    assert!(restored.in_use);
    let former = restored.former.unwrap();
    assert_eq!(former, world.gateway.folder.path("data/v.db.before-restore"));
    let there = async |name| accounts.find(name).await.unwrap().is_some();
    assert!(there("a\\before").await && !there("a\\after").await);
    let before = open_accounts(&file(former)).await;
    assert!(before.find("a\\after").await.unwrap().is_some());
    let mut set_aside = 0;
    for name in &names {
        let aside = before.find(name).await.unwrap().is_some();
        assert!(aside || there(name).await, "acknowledged and lost: {name}");
        set_aside += usize::from(aside);
    }
    assert!(set_aside > 0, "somebody wrote before");
    // The register is what is so, and the gateway goes on.
    assert_eq!(world.raw_get("/sitecore/shell/", &jane).await.status, 200);
    world.signed_in(provider::bob()).await;
    assert_eq!(self::keys(&store).await, keys);
    let register = Register::open(Database::open(&file(store.clone())).await.unwrap().unwrap());
    let mut live = 0;
    for _ in 0..60 {
        live = register.list(Which::All, 10, world.clock.now()).await.unwrap().len();
        if live == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(live, 2);
    let left = fs::read_dir(store.parent().unwrap()).unwrap().flatten();
    let left: Vec<_> = left.filter(|e| e.file_name().to_string_lossy().contains("new-")).collect();
    assert!(left.is_empty(), "{left:?}");
}

/// The names of the signing keys in a store.
async fn keys(store: &Path) -> Vec<String> {
    let rows = "select name from vestibule_signing_keys order by name";
    sqlx::query_scalar(rows).fetch_all(&mut beside(store).await).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_an_earlier_version_is_brought_up_to_date_on_its_way_into_a_store_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let (store, copy) = (folder.path().join("v.db"), folder.path().join("copy.db"));
    let accounts = open_accounts(&file(store.clone())).await;
    add(&accounts, "a\\before").await;
    backup::backup(&store, &copy).await.unwrap();
    let mut earlier = beside(&copy).await;
    earlier.execute("drop table vestibule_sessions").await.unwrap();
    earlier.execute("drop table vestibule_logins").await.unwrap();
    earlier.execute("delete from vestibule_schema where step > 11").await.unwrap();
    drop(earlier);
    add(&accounts, "a\\after").await;
    let restored = restore(&copy, &store).await.unwrap();
    assert!(restored.in_use);
    assert!(accounts.find("a\\before").await.unwrap().is_some());
    assert!(accounts.find("a\\after").await.unwrap().is_none());
    assert!(has(&store, "a\\before").await);
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
    let refused = async |name| restore(&path(name), &path("v.db")).await.unwrap_err();
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
    let expected = "sqlite:v.db is what copy.db was\nwhat was there is v.db.before-restore\n\
        it is in use, and goes on with that; live sessions go on too: vestibule session end --all ends them\n";
    let (code, out, err) = run(&restore);
    assert_eq!((code, out.as_str()), (Some(0), expected), "{err}");
    drop(accounts);
    alone(&folder.path().join("v.db")).await;
    let (code, out, err) = run(&restore);
    assert_eq!(code, Some(0), "{err}");
    let expected = "sqlite:v.db is what copy.db was\nwhat was there is v.db.before-restore-2\n";
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
