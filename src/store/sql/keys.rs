//! Signing keys in a database.

use sqlx::Row;
use sqlx::any::AnyRow;

use crate::clock::Timestamp;
use crate::crypto::secret::Secret;
use crate::store::StoreError;
use crate::store::keys::KeptKey;
use crate::store::sql::Database;

const ALL: &str = "select name, private_half, created_at, signs_from, retires_at from vestibule_signing_keys order by name";
const ADD: &str = "insert into vestibule_signing_keys (name, private_half, created_at, signs_from, retires_at) values ($1, $2, $3, $4, $5)";
const REPLACE: &str = "update vestibule_signing_keys set private_half = $1, created_at = $2, signs_from = $3, retires_at = $4 where name = $5";
const REMOVE: &str = "delete from vestibule_signing_keys where name = $1";

/// What stands for no time.
const NEVER: i64 = 0;

/// The signing keys of a database.
#[derive(Clone, Debug)]
pub(in crate::store) struct SqlKeys(Database);

impl SqlKeys {
    pub(in crate::store) fn new(database: Database) -> Self {
        Self(database)
    }

    /// See [`crate::store::keys::KeyStore::all`].
    pub(in crate::store) async fn all(&self) -> Result<Vec<KeptKey>, StoreError> {
        let query = self.0.query(ALL);
        Database::timed(async {
            let rows = query.fetch_all(&self.0.reader).await?;
            rows.iter().map(read).collect()
        })
        .await
    }

    /// See [`crate::store::keys::KeyStore::add`].
    pub(in crate::store) async fn add(&self, key: &KeptKey) -> Result<bool, StoreError> {
        let query = self.0.query(ADD).bind(&key.name).bind(key.private_half.expose());
        let query = query.bind(key.created_at.0).bind(key.signs_from.0);
        let query = query.bind(key.retires_at.map_or(NEVER, |at| at.0));
        Database::timed(async {
            match query.execute(&self.0.writer).await {
                Ok(_) => Ok(true),
                Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Ok(false),
                Err(error) => Err(error),
            }
        })
        .await
    }

    /// See [`crate::store::keys::KeyStore::replace`].
    pub(in crate::store) async fn replace(&self, key: &KeptKey) -> Result<(), StoreError> {
        let query = self.0.query(REPLACE).bind(key.private_half.expose());
        let query = query.bind(key.created_at.0).bind(key.signs_from.0);
        let query = query.bind(key.retires_at.map_or(NEVER, |at| at.0)).bind(&key.name);
        Database::timed(query.execute(&self.0.writer)).await.map(drop)
    }

    /// See [`crate::store::keys::KeyStore::remove`].
    pub(in crate::store) async fn remove(&self, name: &str) -> Result<(), StoreError> {
        let query = self.0.query(REMOVE).bind(name);
        Database::timed(query.execute(&self.0.writer)).await.map(drop)
    }
}

fn read(row: &AnyRow) -> Result<KeptKey, sqlx::Error> {
    let retires_at: i64 = row.try_get(4)?;
    Ok(KeptKey {
        name: row.try_get(0)?,
        private_half: Secret::new(row.try_get::<String, _>(1)?),
        created_at: Timestamp(row.try_get(2)?),
        signs_from: Timestamp(row.try_get(3)?),
        retires_at: (retires_at != NEVER).then_some(Timestamp(retires_at)),
    })
}
