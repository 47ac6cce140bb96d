//! Processes and servers that are killed, disks that are full and files that cannot be written: nothing that was
//! acknowledged is lost, and whoever asks is told.

use std::fs;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;
use std::process::ExitStatus;
use std::time::Duration;

use sqlx::AnyConnection;
use sqlx::AssertSqlSafe;
use sqlx::Connection;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use url::Url;
use vestibule::config::model::DatabaseUrl;
use vestibule::config::model::StoreAddress;
use vestibule::crypto::random;
use vestibule::crypto::secret::Secret;
use vestibule::store::accounts::Accounts;
use vestibule::store::grants::Grants;
use vestibule::store::grants::Kind;
use vestibule::store::sql::Database;

use crate::stores::NOW;
use crate::stores::addresses;
use crate::stores::child;
use crate::stores::file;
use crate::stores::servers::Servers;
use crate::stores::sqlite::beside;
use crate::stores::user;

/// Times that a process is killed in all, over an SQLite file.
const KILLS: usize = 200;

/// Files at once, each with its own processes, one after another.
const LANES: usize = 4;

/// A process with eight writers, which is killed (`SIGKILL`) at some moment: while it starts, or some
/// milliseconds after some number of writes. What the store had acknowledged to it.
async fn killed(store: &StoreAddress) -> Vec<String> {
    let random = random::identifier();
    let random =
        |from: usize, most| usize::from_str_radix(&random[from..from + 7], 16).unwrap() % most;
    let (lines, moment) = (random(0, 40), Duration::from_micros(random(7, 10_000) as u64));
    let (status, said) = interrupted(store, lines, tokio::time::sleep(moment)).await;
    assert_eq!(status.signal(), Some(9));
    said
}

/// A process with eight writers, to which something happens after some number of writes, and which is
/// killed then; how it ended, and what it said.
async fn interrupted(
    store: &StoreAddress,
    lines: usize,
    what: impl Future<Output = ()>,
) -> (ExitStatus, Vec<String>) {
    let mut child = child::command(store, &[]).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let (read, enough) = oneshot::channel();
    let reading = tokio::task::spawn_blocking(move || {
        let mut output = Vec::new();
        for _ in 0..lines {
            stdout.read_until(b'\n', &mut output).unwrap();
        }
        read.send(()).unwrap();
        stdout.read_to_end(&mut output).unwrap();
        output
    });
    tokio::time::timeout(Duration::from_mins(1), enough).await.unwrap().unwrap();
    what.await;
    child.kill().unwrap();
    let output = reading.await.unwrap();
    (child.wait().unwrap(), child::said(&output))
}

/// Looks for everything that was acknowledged, in a store as its killers left it.
async fn read_back(store: &StoreAddress, acknowledged: &[String]) {
    let database = Database::open(store).await.unwrap().unwrap();
    let (accounts, grants) =
        (Accounts::in_database(database.clone()), Grants::in_database(database));
    for line in acknowledged {
        let Some((what, name)) = line.split_once(' ') else { continue };
        let kept = match what {
            "user" => accounts.of_login("Okta", name).await.unwrap().is_some(),
            "saved" => accounts.find(name).await.unwrap().is_some_and(|user| user.version == 1),
            "grant" => grants.find(Kind::RefreshToken, name, NOW).await.unwrap().is_some(),
            _ => panic!("{line}"),
        };
        assert!(kept, "acknowledged and lost: {line}");
    }
}

/// Kills `times` processes over one store, one after another, and reads everything back. How many of
/// them had got anything acknowledged.
async fn lane(store: StoreAddress, times: usize) -> usize {
    let (mut acknowledged, mut busy) = (Vec::new(), 0);
    for _ in 0..times {
        let lines = killed(&store).await;
        busy += usize::from(lines.len() > 1);
        acknowledged.extend(lines);
    }
    read_back(&store, &acknowledged).await;
    busy
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_hundred_processes_that_are_killed_while_they_write_nothing_acknowledged_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let mut lanes = JoinSet::new();
    for number in 0..LANES {
        let path = folder.path().join(format!("{number}.db"));
        lanes.spawn(async move {
            let busy = lane(file(path.clone()), KILLS / LANES).await;
            let sound: String = sqlx::query_scalar("pragma integrity_check")
                .fetch_one(&mut beside(&path).await)
                .await
                .unwrap();
            assert_eq!(sound, "ok");
            busy
        });
    }
    let busy: usize = lanes.join_all().await.into_iter().sum();
    assert!(busy >= KILLS / 2, "only {busy} had written anything when they were killed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_killed_leaves_a_server_with_all_it_had_acknowledged() {
    let (addresses, _folder) = addresses();
    for (name, address) in addresses.into_iter().skip(1) {
        let busy = lane(address, 20).await;
        assert!(busy > 0, "{name}: none had written anything when it was killed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_in_the_middle_of_writes_has_all_it_had_acknowledged() {
    let Some(servers) = Servers::of_its_own() else { return };
    for (name, address) in servers.addresses() {
        let (mut acknowledged, mut cut) = (Vec::new(), 0);
        // A kill may find every writer between two writes: then there are more of them.
        let kills = [60, 200, 500, 100, 300, 150, 400, 250, 350];
        for (round, lines) in kills.into_iter().enumerate() {
            if round >= 3 && cut > 0 {
                break;
            }
            let crash = async {
                tokio::task::block_in_place(|| servers.crash(name));
                // Some of the writers may have found it up again.
                tokio::time::sleep(Duration::from_millis(300)).await;
            };
            let (_, said) = interrupted(&address, lines, crash).await;
            cut += said.iter().filter(|line| line.starts_with("refused ")).count();
            let is_kept = |line: &&String| !line.starts_with("refused ") && line.contains(' ');
            acknowledged.extend(said.iter().filter(is_kept).cloned());
        }
        assert!(cut > 0, "{name}: nobody was in the middle of anything");
        assert!(acknowledged.len() > 600, "{name}: {}", acknowledged.len());
        read_back(&address, &acknowledged).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_full_loses_nothing_and_is_told_of() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("v.db");
    // No file of the process may grow beyond this, as if the disk ended there: the write fails.
    let limited = ["sh", "-c", "trap '' XFSZ; ulimit -f 4000; exec \"$0\" \"$@\""];
    let output = run(child::command(&file(path.clone()), &limited)).await;
    let (acknowledged, rest): (Vec<_>, Vec<_>) = output
        .into_iter()
        .partition(|line| ["user ", "saved ", "grant "].iter().any(|what| line.starts_with(what)));
    assert!(acknowledged.len() > 20, "{rest:?}");
    let refused: Vec<_> = rest.iter().filter(|line| line.starts_with("refused ")).collect();
    assert_eq!(refused.len(), 8, "{rest:?}");
    let reads = rest.iter().filter(|line| *line == "reads").count();
    assert_eq!(reads, 8, "reading goes on: {rest:?}");
    read_back(&file(path.clone()), &acknowledged).await;
    // There is room again.
    let accounts = Accounts::in_database(Database::open(&file(path)).await.unwrap().unwrap());
    accounts.add(&user("a\\b", ""), None, true).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_must_not_be_written_is_told_of_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let path = data.join("v.db");
    drop(Database::open(&file(path.clone())).await.unwrap());
    let mode = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    for entry in fs::read_dir(&data).unwrap().flatten() {
        mode(&entry.path(), 0o444);
    }
    mode(folder.path(), 0o755);
    mode(&data, 0o555);
    // Modes do not hold root: it becomes nobody.
    let is_root = fs::OpenOptions::new().append(true).open(&path).is_ok();
    let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    let wrapper: &[&str] = if is_root { &nobody } else { &[] };
    let output = run(child::command(&file(path), wrapper)).await;
    assert!(matches!(&*output, [line] if line.starts_with("closed ")), "{output:?}");
    mode(&data, 0o755);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_of_the_database_who_may_not_write_is_told_so_and_can_read() {
    let (addresses, _folder) = addresses();
    let Some((_, address)) = addresses.into_iter().find(|(name, _)| *name == "PostgreSQL") else {
        return;
    };
    let StoreAddress::Postgres(database) = &address else { panic!() };
    drop(Database::open(&address).await.unwrap());
    sqlx::any::install_default_drivers();
    let mut owner = AnyConnection::connect(database.url.expose()).await.unwrap();
    let role = format!("reader_{}", random::identifier());
    let run = async |owner: &mut AnyConnection, statement: String| {
        sqlx::query(AssertSqlSafe(statement)).execute(owner).await.unwrap();
    };
    run(&mut owner, format!("create role {role} login password 'throwaway'")).await;
    run(&mut owner, format!("grant all on schema public to {role}")).await;
    run(&mut owner, format!("grant all on all tables in schema public to {role}")).await;
    let mut url = Url::parse(database.url.expose()).unwrap();
    url.set_username(&role).unwrap();
    url.set_password(Some("throwaway")).unwrap();
    let (accounts, database) = open_as(&url).await;
    accounts.add(&user(&format!("{role}\\one"), ""), None, true).await.unwrap();
    let rights = "insert, update, delete on all tables in schema public";
    run(&mut owner, format!("revoke {rights} from {role}")).await;
    let refused = accounts.add(&user(&format!("{role}\\two"), ""), None, true).await.unwrap_err();
    assert!(refused.to_string().contains("permission denied"), "{refused}");
    assert!(accounts.find(&format!("{role}\\one")).await.unwrap().is_some(), "it can be read");
    assert!(accounts.find(&format!("{role}\\two")).await.unwrap().is_none());
    run(&mut owner, format!("grant {rights} to {role}")).await;
    accounts.add(&user(&format!("{role}\\two"), ""), None, true).await.unwrap();
    drop((accounts, database));
    run(&mut owner, format!("drop owned by {role}")).await;
}

async fn open_as(url: &Url) -> (Accounts, Database) {
    let database = DatabaseUrl { url: Secret::new(url.as_str()), shown: String::new() };
    let database = Database::open(&StoreAddress::Postgres(database)).await.unwrap().unwrap();
    (Accounts::in_database(database.clone()), database)
}

/// What a process says that ends by itself.
async fn run(mut command: Command) -> Vec<String> {
    let work = tokio::task::spawn_blocking(move || command.output().unwrap());
    let output = tokio::time::timeout(Duration::from_mins(1), work).await;
    child::said(&output.expect("it ends").unwrap().stdout)
}
