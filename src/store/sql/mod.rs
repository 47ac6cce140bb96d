//! What is remembered in a database: SQLite in a file, PostgreSQL, MySQL or MariaDB. Connections,
//! tables, and the time that a call may take.

pub(super) mod accounts;
pub mod backup;
mod dialect;
pub(super) mod grants;
pub(super) mod keys;
mod lock;
mod migrations;
pub(super) mod register;
pub mod restore;
mod sweep;

use std::fs;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use percent_encoding::NON_ALPHANUMERIC;
use percent_encoding::utf8_percent_encode;
use sqlx::Any;
use sqlx::AnyConnection;
use sqlx::AnyPool;
use sqlx::ConnectOptions;
use sqlx::Connection;
use sqlx::Executor;
use sqlx::SqlStr;
use sqlx::Transaction;
use sqlx::any::AnyArguments;
use sqlx::any::AnyConnectOptions;
use sqlx::any::AnyPoolOptions;
use sqlx::query::Query;

use crate::config::model::StoreAddress;
use crate::store::StoreError;
use crate::store::sql::dialect::Dialect;
use crate::store::sql::lock::Lock;

/// Longest time a call may take, waiting for a connection included.
const PATIENCE: Duration = Duration::from_secs(5);

/// Longest time that a call waits for a connection.
const WAIT: Duration = Duration::from_secs(3);

/// Longest time that SQLite waits for another process to finish writing; shorter than [`PATIENCE`],
/// so that its own answer comes first.
const BUSY: &str = "pragma busy_timeout = 3000";

/// An open database. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Database {
    dialect: Dialect,
    /// One connection where only one can write (SQLite): callers queue fairly here instead of
    /// polling for its lock.
    writer: AnyPool,
    reader: AnyPool,
    /// Says that an SQLite file is in use.
    _lock: Option<Arc<Lock>>,
}

/// Why a database was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It cannot be reached, or refused something.
    #[error(transparent)]
    Refused(#[from] sqlx::Error),
    /// The file cannot be made.
    #[error(transparent)]
    File(#[from] io::Error),
    /// It did not answer in time.
    #[error("no answer within {} seconds", START.as_secs())]
    Late,
    /// A copy is being put in its place.
    #[error("a copy is being put in its place")]
    Restored,
    /// Another process is changing its tables and does not finish.
    #[error("another process holds the lock on its tables")]
    Locked,
    /// A later version of this program has changed its tables.
    #[error(
        "it is newer than this program: its tables are at step {taken}, this program knows {known}; start the later version"
    )]
    Newer {
        /// The step that its tables are at.
        taken: i64,
        /// The last step known here.
        known: i64,
    },
}

/// Longest time that opening may take: another instance may be making the tables.
const START: Duration = Duration::from_secs(30);

impl Database {
    /// Opens the database at `address` and brings its tables up to date; `None` for memory.
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub async fn open(address: &StoreAddress) -> Result<Option<Self>, OpenError> {
        let opening = async {
            match address {
                StoreAddress::Memory => Ok(None),
                StoreAddress::Sqlite(file) => Self::open_file(file).await.map(Some),
                StoreAddress::Postgres(database) => {
                    Self::connect(Dialect::Postgres, database.url.expose()).await.map(Some)
                }
                StoreAddress::MySql(database) => {
                    Self::connect(Dialect::MySql, database.url.expose()).await.map(Some)
                }
            }
        };
        tokio::time::timeout(START, opening).await.unwrap_or(Err(OpenError::Late))
    }

    async fn open_file(file: &Path) -> Result<Self, OpenError> {
        make_directory(file)?;
        let lock = Lock::shared(file)?.ok_or(OpenError::Restored)?;
        make_private(file)?;
        let url = file_url(file)?;
        // Of several processes that make one new file at once, SQLite turns all but one away
        // without waiting while the first switches to its write-ahead log.
        let mut tries = 0;
        loop {
            match Self::connect(Dialect::Sqlite, &url).await {
                Err(OpenError::Refused(error)) if is_busy(&error) && tries < 50 => tries += 1,
                opened => return Ok(Self { _lock: Some(Arc::new(lock)), ..opened? }),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn connect(dialect: Dialect, url: &str) -> Result<Self, OpenError> {
        sqlx::any::install_default_drivers();
        let options = AnyConnectOptions::from_str(url)?.disable_statement_logging();
        // Once by hand, because a pool tells why it has no connection only by being late.
        let mut first = AnyConnection::connect_with(&options).await?;
        prepare(&mut first, dialect).await?;
        migrations::run(&mut first, dialect).await?;
        first.close().await?;
        let pool = |most| pool_options(dialect, most).connect_lazy_with(options.clone());
        let (writer, reader) = match dialect {
            Dialect::Sqlite => (pool(1), pool(4)),
            Dialect::Postgres | Dialect::MySql => {
                let one = pool(16);
                (one.clone(), one)
            }
        };
        Ok(Self { dialect, writer, reader, _lock: None })
    }

    /// A statement with parameters `$1`, `$2` …
    fn query(&self, text: &'static str) -> Query<'static, Any, AnyArguments> {
        sqlx::query(self.statement(text))
    }

    fn statement(&self, text: &'static str) -> SqlStr {
        self.dialect.statement(text)
    }

    /// Begins a transaction that changes something. It is rolled back unless it is committed.
    async fn begin(&self) -> Result<Transaction<'static, Any>, sqlx::Error> {
        let begin = match self.dialect {
            // Whoever reads first and writes then may be turned away by others that do the same.
            Dialect::Sqlite => "begin immediate",
            Dialect::Postgres | Dialect::MySql => "begin",
        };
        self.writer.begin_with(begin).await
    }

    /// Waits for `work`, but not for ever.
    async fn timed<T>(
        work: impl Future<Output = Result<T, sqlx::Error>> + Send,
    ) -> Result<T, StoreError> {
        match tokio::time::timeout(PATIENCE, work).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => Err(StoreError(error.to_string().into())),
            Err(_) => Err(StoreError("it took too long".into())),
        }
    }
}

fn pool_options(dialect: Dialect, most: u32) -> AnyPoolOptions {
    AnyPoolOptions::new()
        .max_connections(most)
        .acquire_timeout(WAIT)
        // A file does not hang up; a server may have been restarted meanwhile.
        .test_before_acquire(dialect != Dialect::Sqlite)
        .after_connect(move |connection, _| Box::pin(prepare(connection, dialect)))
}

async fn prepare(connection: &mut AnyConnection, dialect: Dialect) -> Result<(), sqlx::Error> {
    if dialect == Dialect::Sqlite {
        connection.execute(BUSY).await?;
        connection.execute("pragma journal_mode = wal").await?;
        // A revoked token must stay revoked after a power failure too.
        connection.execute("pragma synchronous = full").await?;
    }
    Ok(())
}

/// The address of an SQLite file, as its driver wants it.
fn file_url(file: &Path) -> io::Result<String> {
    let path = file.to_str().ok_or_else(|| io::Error::other("its path is not UTF-8"))?;
    Ok(format!("sqlite:{}", utf8_percent_encode(path, NON_ALPHANUMERIC)))
}

fn make_directory(file: &Path) -> io::Result<()> {
    let directory = file.parent().filter(|directory| !directory.as_os_str().is_empty());
    directory.map_or(Ok(()), fs::create_dir_all)
}

/// Makes the file, for its owner alone; SQLite gives the files beside it the same mode.
fn make_private(file: &Path) -> io::Result<()> {
    let made = fs::OpenOptions::new().append(true).create_new(true).mode(0o600).open(file);
    match made {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Whether something has this key already.
fn is_unique_violation(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(error) = error else { return false };
    error.is_unique_violation()
}

/// `SQLITE_BUSY` and its siblings.
fn is_busy(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(error) = error else { return false };
    error.message().contains("locked")
}
