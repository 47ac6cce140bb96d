//! Copies of an SQLite store, made while it is in use.

use std::fs;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;

use sqlx::AnyConnection;
use sqlx::Connection;
use sqlx::Executor;
use sqlx::Row;

use crate::store::sql::BUSY;
use crate::store::sql::OpenError;
use crate::store::sql::file_url;
use crate::store::sql::migrations;

/// Why a store was not copied, or a copy not put in its place. Then nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file cannot be read or written.
    #[error("{}: {error}", file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// SQLite refuses a file.
    #[error("{}: {error}", file.display())]
    Refused {
        /// Which.
        file: PathBuf,
        /// Why.
        error: sqlx::Error,
    },
    /// There is something at the place of the copy.
    #[error("{} is there already, and is not overwritten", .0.display())]
    Exists(PathBuf),
    /// The file is none of this program's stores.
    #[error("{} is not a store of this program", .0.display())]
    Foreign(PathBuf),
    /// The file is damaged.
    #[error("{} is damaged: {what}", file.display())]
    Damaged {
        /// Which.
        file: PathBuf,
        /// What SQLite finds.
        what: String,
    },
    /// A later version of this program made the file.
    #[error("{} is newer than this program: its tables are at step {taken}, this program knows {known}", file.display())]
    Newer {
        /// Which.
        file: PathBuf,
        /// The step that its tables are at.
        taken: i64,
        /// The last step known here.
        known: i64,
    },
    /// A file cannot be opened as a store.
    #[error("{}: {error}", file.display())]
    Closed {
        /// Which.
        file: PathBuf,
        /// Why.
        error: OpenError,
    },
}

/// Copies the store in the file `store`, which may be in use, into the new file `copy`. The copy is as
/// of one moment, its owner's alone, and on the disk when this returns.
///
/// # Errors
///
/// See [`BackupError`].
pub async fn backup(store: &Path, copy: &Path) -> Result<(), BackupError> {
    let mut connection = open(store).await?;
    let made = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(copy);
    let made = made.map_err(|error| {
        let exists = error.kind() == io::ErrorKind::AlreadyExists;
        if exists { BackupError::Exists(copy.to_path_buf()) } else { at(copy, error) }
    })?;
    let copied = copy_into(&mut connection, store, copy).await;
    let copied = copied.and_then(|()| made.sync_all().map_err(|error| at(copy, error)));
    if copied.is_err() {
        // What there is of it is worth nothing; that it is left behind changes nothing else.
        drop(fs::remove_file(copy));
    }
    copied.and_then(|()| sync_directory(copy))
}

/// Copies by SQLite itself, which sees one moment of a file that others write.
async fn copy_into(
    connection: &mut AnyConnection,
    store: &Path,
    copy: &Path,
) -> Result<(), BackupError> {
    let path = copy.to_str().ok_or_else(|| at(copy, io::Error::other("its path is not UTF-8")))?;
    let query = sqlx::query("vacuum into $1").bind(path.to_owned());
    query.execute(connection).await.map_err(|error| refused(store, error)).map(drop)
}

/// Opens a store of ours, whatever its version.
pub(super) async fn open(store: &Path) -> Result<AnyConnection, BackupError> {
    // SQLite would say that it cannot open it, and not why.
    fs::File::open(store).map_err(|error| at(store, error))?;
    sqlx::any::install_default_drivers();
    let url = file_url(store).map_err(|error| at(store, error))?;
    let opened = async {
        let mut connection = AnyConnection::connect(&url).await?;
        connection.execute(BUSY).await?;
        let ours = "select count(*) from sqlite_master where name = 'vestibule_schema'";
        let ours: i64 = connection.fetch_one(ours).await?.try_get(0)?;
        Ok((connection, ours > 0))
    };
    let (connection, ours) = opened.await.map_err(|error| refused(store, error))?;
    if ours { Ok(connection) } else { Err(BackupError::Foreign(store.to_path_buf())) }
}

/// Looks at every page of a copy before anything is put in its place.
pub(super) async fn check(copy: &Path) -> Result<(), BackupError> {
    let mut connection = open(copy).await?;
    let found = async {
        let taken = "select coalesce(max(step), 0) from vestibule_schema";
        let taken: i64 = connection.fetch_one(taken).await?.try_get(0)?;
        let sound: String = connection.fetch_one("pragma quick_check(1)").await?.try_get(0)?;
        Ok((taken, sound))
    };
    let (taken, what) = found.await.map_err(|error| refused(copy, error))?;
    let (file, known) = (copy.to_path_buf(), migrations::known());
    if what != "ok" {
        return Err(BackupError::Damaged { file, what });
    }
    if taken > known {
        return Err(BackupError::Newer { file, taken, known });
    }
    Ok(())
}

/// A name in a directory is on the disk when the directory is.
pub(super) fn sync_directory(file: &Path) -> Result<(), BackupError> {
    let directory = file.parent().filter(|directory| !directory.as_os_str().is_empty());
    let directory = directory.unwrap_or_else(|| Path::new("."));
    let synced = fs::File::open(directory).and_then(|directory| directory.sync_all());
    synced.map_err(|error| at(directory, error))
}

pub(super) fn at(file: &Path, error: io::Error) -> BackupError {
    BackupError::File { file: file.to_path_buf(), error }
}

pub(super) fn refused(file: &Path, error: sqlx::Error) -> BackupError {
    BackupError::Refused { file: file.to_path_buf(), error }
}
