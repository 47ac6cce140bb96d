//! What is particular to a file.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use sqlx::AnyConnection;
use sqlx::Connection;
use sqlx::Executor;
use sqlx::Row;
use vestibule::clock::Timestamp;
use vestibule::store::grants::Kind;
use vestibule::store::grants::Record;
use vestibule::store::grants::Spending;
use vestibule::store::sql::Database;
use vestibule::store::sql::OpenError;

use crate::stores::NOW;
use crate::stores::file;
use crate::stores::open;
use crate::stores::record;

/// A connection beside those of the store.
pub(crate) async fn beside(path: &Path) -> AnyConnection {
    sqlx::any::install_default_drivers();
    AnyConnection::connect(&format!("sqlite:{}", path.display())).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_outlives_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("v.db");
    let grants = open(&file(path.clone())).await;
    grants.keep(Kind::RefreshToken, "a", record("s"), NOW).await.unwrap();
    grants.keep(Kind::Code, "c", record("s"), NOW).await.unwrap();
    grants.spend(Kind::Code, "c", NOW).await.unwrap();
    // The files as a process leaves them that is killed now.
    let copy = tempfile::tempdir().unwrap();
    for name in ["v.db", "v.db-wal"] {
        fs::copy(folder.path().join(name), copy.path().join(name)).unwrap();
    }
    let grants = open(&file(copy.path().join("v.db"))).await;
    assert_eq!(grants.find(Kind::RefreshToken, "a", NOW).await.unwrap(), Some(record("s")));
    assert!(matches!(grants.spend(Kind::Code, "c", NOW).await.unwrap(), Spending::Again(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_files_are_their_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    let grants = open(&file(folder.path().join("data/v.db"))).await;
    grants.keep(Kind::Code, "c", record("s"), NOW).await.unwrap();
    let files: Vec<_> = fs::read_dir(folder.path().join("data")).unwrap().flatten().collect();
    assert!(files.len() >= 2, "{files:?}");
    for file in files {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{file:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_a_later_version_has_changed_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("v.db");
    drop(open(&file(path.clone())).await);
    let mut later = beside(&path).await;
    later.execute("insert into vestibule_schema (step) values (900)").await.unwrap();
    let refused = Database::open(&file(path)).await.unwrap_err();
    assert!(matches!(refused, OpenError::Newer { taken: 900, .. }), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_written_or_is_no_database_is_told_of_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("v.db");
    fs::write(&path, "This is no database, but long enough to be taken for one. ".repeat(99))
        .unwrap();
    let refused = Database::open(&file(path)).await.unwrap_err().to_string();
    assert!(refused.contains("not a database"), "{refused}");
    fs::write(folder.path().join("occupied"), "").unwrap();
    assert!(matches!(
        Database::open(&file(folder.path().join("occupied/v.db"))).await.unwrap_err(),
        OpenError::File(_)
    ));
    let path = folder.path().join("directory");
    fs::create_dir(&path).unwrap();
    assert!(Database::open(&file(path)).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_down_says_so_and_recovers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("v.db");
    let grants = open(&file(path.clone())).await;
    let mut other = beside(&path).await;
    // Another process holds the file and does not let go.
    other.execute("begin immediate").await.unwrap();
    let error = grants.keep(Kind::Code, "c", record("s"), NOW).await.unwrap_err();
    assert!(error.to_string().contains("locked"), "{error}");
    assert_eq!(grants.find(Kind::Code, "c", NOW).await.unwrap(), None, "reading goes on");
    other.execute("commit").await.unwrap();
    grants.keep(Kind::Code, "c", record("s"), NOW).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_is_swept_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("v.db");
    let grants = open(&file(path.clone())).await;
    let mut rows = beside(&path).await;
    for number in 0..40 {
        let over = Record { ends_at: Timestamp(1_001 + number), ..record(&number.to_string()) };
        grants.keep(Kind::Grant, &number.to_string(), over, NOW).await.unwrap();
    }
    assert_eq!(grants.sweep(Timestamp(1_020)).await.unwrap(), 20);
    let left = rows.fetch_one("select count(*) from vestibule_records").await.unwrap();
    assert_eq!(left.get::<i64, _>(0), 20);
    assert_eq!(grants.sweep(Timestamp(1_020)).await.unwrap(), 0);
}
