//! A copy put in the place of an SQLite store: as a file while nobody has the store open; else row by
//! row in one change, which those who have it open see as they see any other.

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use sqlx::AnyConnection;
use sqlx::AssertSqlSafe;
use sqlx::Connection;
use sqlx::Executor;
use sqlx::Row;

use crate::config::model::StoreAddress;
use crate::crypto::random;
use crate::store::sql::Database;
use crate::store::sql::backup::BackupError;
use crate::store::sql::backup::at;
use crate::store::sql::backup::backup;
use crate::store::sql::backup::check;
use crate::store::sql::backup::open;
use crate::store::sql::backup::refused;
use crate::store::sql::backup::sync_directory;
use crate::store::sql::lock::Lock;
use crate::store::sql::lock::beside;

/// What became of the store in whose place a copy was put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Where that is which was there; `None` when nothing was.
    pub former: Option<PathBuf>,
    /// Whether others had the store open. They go on with what is there now.
    pub in_use: bool,
}

/// Puts the store in the file `copy` in the place of the one in `store`, which gateways may have open.
/// What was there is kept beside it, with all that was acknowledged until then.
///
/// # Errors
///
/// See [`BackupError`].
pub async fn restore(copy: &Path, store: &Path) -> Result<Restored, BackupError> {
    check(copy).await?;
    if let Some(directory) = store.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        fs::create_dir_all(directory).map_err(|error| at(directory, error))?;
    }
    let new = beside(store, &format!(".new-{}", random::identifier()));
    let put = match Lock::alone(store).map_err(|error| at(store, error))? {
        Some(_alone) => put_file(copy, &new, store).await,
        None => put_rows(copy, &new, store).await,
    };
    for suffix in ["", "-wal", "-shm", "-lock"] {
        // Most are not there.
        drop(fs::remove_file(beside(&new, suffix)));
    }
    put
}

/// Works with a store that is damaged too, but under nobody's eyes.
async fn put_file(copy: &Path, new: &Path, store: &Path) -> Result<Restored, BackupError> {
    backup(copy, new).await?;
    let former = if store.exists() { Some(put_aside(store).await?) } else { None };
    fs::rename(new, store).map_err(|error| at(store, error))?;
    sync_directory(store)?;
    Ok(Restored { former, in_use: false })
}

/// Longest time that this waits for others to finish writing, who write all the time.
const BUSY: &str = "pragma busy_timeout = 30000";

/// Gateways are in the middle of their work, and their connections stay.
async fn put_rows(copy: &Path, new: &Path, store: &Path) -> Result<Restored, BackupError> {
    backup(copy, new).await?;
    // Both at the last step, so that their tables are alike.
    drop(database(new).await?);
    let _shared = database(store).await?;
    let mut connection = open(store).await?;
    let path = new.to_str().ok_or_else(|| at(new, io::Error::other("its path is not UTF-8")))?;
    let attached = async {
        connection.execute(BUSY).await?;
        let attach = sqlx::query("attach database $1 as copy").bind(path.to_owned());
        attach.execute(&mut connection).await
    };
    attached.await.map_err(|error| refused(store, error))?;
    let begun = connection.begin_with("begin immediate").await;
    let mut transaction = begun.map_err(|error| refused(store, error))?;
    // Nobody else writes from here on: what is put aside is all that was acknowledged.
    let former = copy_aside(store).await?;
    let replaced = async {
        replace(&mut transaction).await?;
        transaction.commit().await
    };
    if let Err(error) = replaced.await {
        drop(fs::remove_file(&former));
        return Err(refused(store, error));
    }
    // It is done, and the files of the copy go when nobody has them open.
    drop(connection.close().await);
    Ok(Restored { former: Some(former), in_use: true })
}

async fn database(file: &Path) -> Result<Option<Database>, BackupError> {
    let opened = Database::open(&StoreAddress::Sqlite(file.to_path_buf())).await;
    opened.map_err(|error| BackupError::Closed { file: file.to_path_buf(), error })
}

/// Who lives here is not in the copy: the gateways that are up, and who is signed in there.
const TABLES: &str = "select name from main.sqlite_master where type = 'table' and name like 'vestibule!_%' escape '!' and name not in ('vestibule_schema', 'vestibule_instances', 'vestibule_sessions')";

async fn replace(connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
    for row in connection.fetch_all(TABLES).await? {
        // A name of ours, as our own store has it.
        let table: String = row.try_get(0)?;
        let delete = format!("delete from main.{table}");
        sqlx::query(AssertSqlSafe(delete)).execute(&mut *connection).await?;
        let insert = format!("insert into main.{table} select * from copy.{table}");
        sqlx::query(AssertSqlSafe(insert)).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Copies the store to the first name beside it that is free.
async fn copy_aside(store: &Path) -> Result<PathBuf, BackupError> {
    for former in former_names(store) {
        match backup(store, &former).await {
            Err(BackupError::Exists(_)) => {}
            made => return made.map(|()| former),
        }
    }
    Err(BackupError::Exists(beside(store, FORMER)))
}

/// Gives the store a second name, which it keeps when another takes its place.
async fn put_aside(store: &Path) -> Result<PathBuf, BackupError> {
    // What stands in the log goes into the file. One that is damaged is kept as it is.
    if let Ok(mut connection) = open(store).await {
        drop(connection.execute("pragma wal_checkpoint(truncate)").await);
        drop(connection.close().await);
    }
    for former in former_names(store) {
        match fs::hard_link(store, &former) {
            Ok(()) => {
                // The log of one file must not be taken for that of the other.
                move_if_there(&beside(store, "-wal"), &beside(&former, "-wal"))?;
                move_if_there(&beside(store, "-shm"), &beside(&former, "-shm"))?;
                return Ok(former);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(at(&former, error)),
        }
    }
    Err(BackupError::Exists(beside(store, FORMER)))
}

/// What the name of a store ends in whose place a copy took.
const FORMER: &str = ".before-restore";

fn former_names(store: &Path) -> impl Iterator<Item = PathBuf> {
    let further = (2..=1_000).map(|number| beside(store, &format!("{FORMER}-{number}")));
    std::iter::once(beside(store, FORMER)).chain(further)
}

fn move_if_there(from: &Path, to: &Path) -> Result<(), BackupError> {
    match fs::rename(from, to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(from, error)),
        Ok(()) | Err(_) => Ok(()),
    }
}
