//! What the identity server remembers: grants and what was issued under them, each under a key that
//! nobody can guess, each with an end. In this process's memory, or where several processes share it.

mod memory;
mod record;

pub use record::Key;
pub use record::Kind;
pub use record::Record;
pub use record::Spending;

use crate::clock::Timestamp;
use crate::store::StoreError;
use crate::store::grants::memory::MemoryGrants;
use crate::store::sql::Database;
use crate::store::sql::grants::SqlGrants;

/// The records, wherever they are. Every call is atomic, also between processes over one store.
#[derive(Debug)]
pub struct Grants(Place);

#[derive(Debug)]
enum Place {
    Memory(Box<MemoryGrants>),
    Sql(SqlGrants),
}

impl Grants {
    /// In this process's memory: gone with it.
    pub fn in_memory() -> Self {
        Self(Place::Memory(Box::new(MemoryGrants::new())))
    }

    /// In a database, which other processes may share.
    pub fn in_database(database: Database) -> Self {
        Self(Place::Sql(SqlGrants::new(database)))
    }

    /// Forgets what is over and what is too many. Memory sees to that by itself.
    ///
    /// # Errors
    ///
    /// When the store cannot be reached.
    pub async fn sweep(&self, now: Timestamp) -> Result<u64, StoreError> {
        match &self.0 {
            Place::Memory(_) => Ok(0),
            Place::Sql(sql) => sql.sweep(now).await,
        }
    }

    /// Keeps `record` under `handle`, in the place of what was there.
    ///
    /// # Errors
    ///
    /// When the store cannot be reached.
    pub async fn keep(
        &self,
        kind: Kind,
        handle: &str,
        record: Record,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        match &self.0 {
            Place::Memory(memory) => {
                memory.keep(kind, handle, record, now);
                Ok(())
            }
            Place::Sql(sql) => sql.keep(kind, handle, record, now).await,
        }
    }

    /// Keeps `record` under `handle` unless something live is there; whether it was kept. Of any
    /// number of callers with one handle exactly one is told `true`.
    ///
    /// # Errors
    ///
    /// When the store cannot be reached.
    pub async fn keep_new(
        &self,
        kind: Kind,
        handle: &str,
        record: Record,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        match &self.0 {
            Place::Memory(memory) => Ok(memory.keep_new(kind, handle, record, now)),
            Place::Sql(sql) => sql.keep_new(kind, handle, record, now).await,
        }
    }

    /// What `handle` names, if its time is not up.
    ///
    /// # Errors
    ///
    /// When the store cannot be reached.
    pub async fn find(
        &self,
        kind: Kind,
        handle: &str,
        now: Timestamp,
    ) -> Result<Option<Record>, StoreError> {
        match &self.0 {
            Place::Memory(memory) => Ok(memory.find(kind, handle, now)),
            Place::Sql(sql) => sql.find(kind, handle, now).await,
        }
    }

    /// Uses what `handle` names. Exactly one of any number of callers is told [`Spending::First`].
    ///
    /// # Errors
    ///
    /// When the store cannot be reached.
    pub async fn spend(
        &self,
        kind: Kind,
        handle: &str,
        now: Timestamp,
    ) -> Result<Spending, StoreError> {
        match &self.0 {
            Place::Memory(memory) => Ok(memory.spend(kind, handle, now)),
            Place::Sql(sql) => sql.spend(kind, handle, now).await,
        }
    }

    /// Puts `new` in the place of `seen`, unless that has changed or gone meanwhile; whether it did.
    /// It then counts as kept `now` where the oldest of an owner goes first.
    ///
    /// # Errors
    ///
    /// When the store cannot be reached.
    pub async fn replace(
        &self,
        kind: Kind,
        handle: &str,
        (seen, new): (&Record, Record),
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        match &self.0 {
            Place::Memory(memory) => Ok(memory.replace(kind, handle, seen, new)),
            Place::Sql(sql) => sql.replace(kind, handle, (seen, new), now).await,
        }
    }

    /// Forgets what `handle` names; whether there was anything.
    ///
    /// # Errors
    ///
    /// When the store cannot be reached.
    pub async fn remove(&self, kind: Kind, handle: &str) -> Result<bool, StoreError> {
        self.drop_key(kind, Key::of(kind, handle)).await
    }

    /// The same for one whose handle is not known here, only its key.
    ///
    /// # Errors
    ///
    /// When the store cannot be reached.
    pub async fn drop_key(&self, kind: Kind, key: Key) -> Result<bool, StoreError> {
        match &self.0 {
            Place::Memory(memory) => Ok(memory.remove(kind, key)),
            Place::Sql(sql) => sql.remove(key).await,
        }
    }

    /// Every live record of `session`.
    ///
    /// # Errors
    ///
    /// When the store cannot be reached.
    pub async fn of_session(
        &self,
        kind: Kind,
        session: &str,
        now: Timestamp,
    ) -> Result<Vec<(Key, Record)>, StoreError> {
        match &self.0 {
            Place::Memory(memory) => Ok(memory.select(kind, now, |r| r.session == session)),
            Place::Sql(sql) => sql.of_session(kind, session, now).await,
        }
    }

    /// Every live record about `subject`.
    ///
    /// # Errors
    ///
    /// When the store cannot be reached.
    pub async fn of_subject(
        &self,
        kind: Kind,
        subject: &str,
        now: Timestamp,
    ) -> Result<Vec<(Key, Record)>, StoreError> {
        match &self.0 {
            Place::Memory(memory) => Ok(memory.select(kind, now, |r| r.subject == subject)),
            Place::Sql(sql) => sql.of_subject(kind, subject, now).await,
        }
    }

    /// Forgets everything of these kinds that is about `subject`.
    ///
    /// # Errors
    ///
    /// When the store cannot be reached.
    pub async fn forget(
        &self,
        subject: &str,
        kinds: &[Kind],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for kind in kinds {
            for (key, _) in self.of_subject(*kind, subject, now).await? {
                self.drop_key(*kind, key).await?;
            }
        }
        Ok(())
    }
}
