//! Who has an SQLite file open. Whoever does holds a shared lock on a file beside it, and whoever puts
//! another file in its place must be alone.

use std::fs;
use std::fs::File;
use std::fs::TryLockError;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;

/// A lock, held as long as this lives, or its process.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// With others who have `database` open; `None` while somebody puts another in its place.
    ///
    /// # Errors
    ///
    /// The file beside it cannot be made.
    pub(super) fn shared(database: &Path) -> io::Result<Option<Self>> {
        Self::of(database, File::try_lock_shared)
    }

    /// Alone; `None` while anybody has `database` open.
    ///
    /// # Errors
    ///
    /// As [`Self::shared`].
    pub(super) fn alone(database: &Path) -> io::Result<Option<Self>> {
        Self::of(database, File::try_lock)
    }

    fn of(
        database: &Path,
        lock: impl Fn(&File) -> Result<(), TryLockError>,
    ) -> io::Result<Option<Self>> {
        let path = beside(database, "-lock");
        let file = fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
        match lock(&file) {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

/// The file beside `database` whose name ends in `suffix`.
pub(super) fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(suffix);
    PathBuf::from(path)
}
