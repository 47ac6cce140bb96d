//! Where is kept what outlives a process and what several instances share.

use std::fmt;
use std::path::PathBuf;

use crate::crypto::secret::Secret;

/// `<users store="…">`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreAddress {
    /// In this process: gone with it, and seen by no other.
    Memory,
    /// An SQLite file.
    Sqlite(PathBuf),
    /// A PostgreSQL database.
    Postgres(DatabaseUrl),
    /// A MySQL or MariaDB database.
    MySql(DatabaseUrl),
}

/// The address of a database; shown without its password.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl {
    /// All of it.
    pub url: Secret,
    /// `scheme://user@host:port/database`, for people.
    pub shown: String,
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({})", self.shown)
    }
}

impl fmt::Display for StoreAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory"),
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(database) | Self::MySql(database) => f.write_str(&database.shown),
        }
    }
}
