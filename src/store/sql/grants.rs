//! Records in a database. Each change is one statement whose count of rows says whether it was ours,
//! so that of any number of processes exactly one succeeds.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::Serialize;
use sqlx::Row;
use sqlx::any::AnyRow;

use crate::clock::Timestamp;
use crate::crypto::digest;
use crate::store::StoreError;
use crate::store::grants::Key;
use crate::store::grants::Kind;
use crate::store::grants::Record;
use crate::store::grants::Spending;
use crate::store::sql::Database;
use crate::store::sql::sweep::Growth;

const INSERT: &str = "insert into vestibule_records (id, kind, session_key, subject_key, owner_key, content, ends_at, version, spent, kept_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
const OVERWRITE: &str = "update vestibule_records set kind = $1, session_key = $2, subject_key = $3, owner_key = $4, content = $5, ends_at = $6, version = $7, spent = $8, kept_at = $9 where id = $10 and ends_at <= $11";
const REPLACE: &str = "update vestibule_records set session_key = $1, subject_key = $2, content = $3, ends_at = $4, version = $5, spent = $6, kept_at = $7 where id = $8 and version = $9 and spent = $10";
const FIND: &str = "select id, content, ends_at, version, spent from vestibule_records where id = $1 and ends_at > $2";
const SPEND: &str = "update vestibule_records set spent = 1 where id = $1 and version = $2 and spent = 0 and ends_at > $3";
const REMOVE: &str = "delete from vestibule_records where id = $1";
const OF_SESSION: &str = "select id, content, ends_at, version, spent from vestibule_records where session_key = $1 and kind = $2 and ends_at > $3";
const OF_SUBJECT: &str = "select id, content, ends_at, version, spent from vestibule_records where subject_key = $1 and kind = $2 and ends_at > $3";

/// How often a change is tried anew when another came first. Each try that fails means that somebody
/// else's succeeded.
const TRIES: usize = 8;

/// The records of a database.
#[derive(Debug)]
pub(in crate::store) struct SqlGrants {
    pub(super) database: Database,
    pub(super) growth: Growth,
}

impl SqlGrants {
    /// The records in `database`.
    pub(in crate::store) fn new(database: Database) -> Self {
        Self { database, growth: Growth::default() }
    }

    /// See [`crate::store::grants::Grants::keep`].
    pub(in crate::store) async fn keep(
        &self,
        kind: Kind,
        handle: &str,
        record: Record,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let row = NewRow::of(kind, handle, &record, now)?;
        Database::timed(async {
            for _ in 0..TRIES {
                // Handles are random, so that mostly nothing is there.
                if self.insert(&row).await? || self.overwrite(&row, EVER).await? {
                    return Ok(());
                }
            }
            Err(sqlx::Error::RowNotFound)
        })
        .await?;
        self.bound(kind, &row.owner_key).await
    }

    /// See [`crate::store::grants::Grants::keep_new`].
    pub(in crate::store) async fn keep_new(
        &self,
        kind: Kind,
        handle: &str,
        record: Record,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let row = NewRow::of(kind, handle, &record, now)?;
        let kept = Database::timed(async {
            Ok(self.insert(&row).await? || self.overwrite(&row, now).await?)
        });
        let kept = kept.await?;
        if kept {
            self.bound(kind, &row.owner_key).await?;
        }
        Ok(kept)
    }

    /// See [`crate::store::grants::Grants::find`].
    pub(in crate::store) async fn find(
        &self,
        kind: Kind,
        handle: &str,
        now: Timestamp,
    ) -> Result<Option<Record>, StoreError> {
        let id = Key::of(kind, handle).to_string();
        Database::timed(self.by_id(&id, now)).await
    }

    /// See [`crate::store::grants::Grants::spend`].
    pub(in crate::store) async fn spend(
        &self,
        kind: Kind,
        handle: &str,
        now: Timestamp,
    ) -> Result<Spending, StoreError> {
        let id = Key::of(kind, handle).to_string();
        Database::timed(async {
            for _ in 0..TRIES {
                let Some(record) = self.by_id(&id, now).await? else {
                    return Ok(Spending::Unknown);
                };
                if record.spent {
                    return Ok(Spending::Again(record));
                }
                let query = self.database.query(SPEND);
                let query = query.bind(&id).bind(record.version).bind(now.0);
                let result = query.execute(&self.database.writer).await?;
                if result.rows_affected() == 1 {
                    return Ok(Spending::First(Record { spent: true, ..record }));
                }
            }
            Err(sqlx::Error::RowNotFound)
        })
        .await
    }

    /// See [`crate::store::grants::Grants::replace`].
    pub(in crate::store) async fn replace(
        &self,
        kind: Kind,
        handle: &str,
        (seen, new): (&Record, Record),
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let new = Record { version: seen.version + 1, owner: seen.owner.clone(), ..new };
        let row = NewRow::of(kind, handle, &new, now)?;
        let query = self
            .database
            .query(REPLACE)
            .bind(&row.session_key)
            .bind(&row.subject_key)
            .bind(&row.content)
            .bind(row.ends_at)
            .bind(row.version)
            .bind(row.spent)
            .bind(row.kept_at)
            .bind(&row.id)
            .bind(seen.version)
            .bind(i16::from(seen.spent));
        let result = Database::timed(query.execute(&self.database.writer)).await?;
        Ok(result.rows_affected() == 1)
    }

    /// See [`crate::store::grants::Grants::remove`].
    pub(in crate::store) async fn remove(&self, key: Key) -> Result<bool, StoreError> {
        let query = self.database.query(REMOVE).bind(key.to_string());
        let result = Database::timed(query.execute(&self.database.writer)).await?;
        Ok(result.rows_affected() > 0)
    }

    /// See [`crate::store::grants::Grants::of_session`].
    pub(in crate::store) async fn of_session(
        &self,
        kind: Kind,
        session: &str,
        now: Timestamp,
    ) -> Result<Vec<(Key, Record)>, StoreError> {
        self.select(OF_SESSION, (kind, session), now).await
    }

    /// See [`crate::store::grants::Grants::of_subject`].
    pub(in crate::store) async fn of_subject(
        &self,
        kind: Kind,
        subject: &str,
        now: Timestamp,
    ) -> Result<Vec<(Key, Record)>, StoreError> {
        self.select(OF_SUBJECT, (kind, subject), now).await
    }

    /// Whether it was inserted; `false` when something has this id.
    async fn insert(&self, row: &NewRow) -> Result<bool, sqlx::Error> {
        let query = self
            .database
            .query(INSERT)
            .bind(&row.id)
            .bind(row.kind)
            .bind(&row.session_key)
            .bind(&row.subject_key)
            .bind(&row.owner_key)
            .bind(&row.content)
            .bind(row.ends_at)
            .bind(row.version)
            .bind(row.spent)
            .bind(row.kept_at);
        match query.execute(&self.database.writer).await {
            Ok(_) => Ok(true),
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Takes the place of what has this id, if that ends no later than `ended`; whether it did.
    async fn overwrite(&self, row: &NewRow, ended: Timestamp) -> Result<bool, sqlx::Error> {
        let query = self
            .database
            .query(OVERWRITE)
            .bind(row.kind)
            .bind(&row.session_key)
            .bind(&row.subject_key)
            .bind(&row.owner_key)
            .bind(&row.content)
            .bind(row.ends_at)
            .bind(row.version)
            .bind(row.spent)
            .bind(row.kept_at)
            .bind(&row.id)
            .bind(ended.0);
        Ok(query.execute(&self.database.writer).await?.rows_affected() == 1)
    }

    async fn by_id(&self, id: &str, now: Timestamp) -> Result<Option<Record>, sqlx::Error> {
        let query = self.database.query(FIND).bind(id).bind(now.0);
        let row = query.fetch_optional(&self.database.reader).await?;
        row.map(|row| read(&row).map(|(_, record)| record)).transpose()
    }

    async fn select(
        &self,
        statement: &'static str,
        (kind, name): (Kind, &str),
        now: Timestamp,
    ) -> Result<Vec<(Key, Record)>, StoreError> {
        let query = self.database.query(statement);
        let query = query.bind(index_key(name)).bind(kind.name()).bind(now.0);
        let rows = Database::timed(query.fetch_all(&self.database.reader)).await?;
        let read = rows.iter().map(read).collect::<Result<_, _>>();
        read.map_err(|error| StoreError(error.to_string().into()))
    }
}

/// Later than any record's end.
const EVER: Timestamp = Timestamp(i64::MAX);

/// A record as its row. What is looked for stands there as a digest: of one length, and compared
/// byte for byte whatever the database thinks of case and trailing spaces.
struct NewRow {
    id: String,
    kind: &'static str,
    session_key: String,
    subject_key: String,
    owner_key: String,
    content: String,
    ends_at: i64,
    version: i64,
    spent: i16,
    kept_at: i64,
}

/// What is only read back, as JSON: a database may refuse characters that JSON escapes.
#[derive(Serialize, Deserialize)]
struct Content {
    grant: String,
    client: String,
    subject: String,
    session: String,
    owner: String,
    data: String,
}

impl NewRow {
    fn of(kind: Kind, handle: &str, record: &Record, now: Timestamp) -> Result<Self, StoreError> {
        let content = Content {
            grant: record.grant.clone(),
            client: record.client.clone(),
            subject: record.subject.clone(),
            session: record.session.clone(),
            owner: record.owner.clone(),
            data: record.data.clone(),
        };
        let content = serde_json::to_string(&content);
        Ok(Self {
            id: Key::of(kind, handle).to_string(),
            kind: kind.name(),
            session_key: index_key(&record.session),
            subject_key: index_key(&record.subject),
            owner_key: index_key(&record.owner),
            content: content.map_err(|error| StoreError(error.to_string().into()))?,
            ends_at: record.ends_at.0,
            version: record.version,
            spent: i16::from(record.spent),
            kept_at: now.0,
        })
    }
}

fn read(row: &AnyRow) -> Result<(Key, Record), sqlx::Error> {
    let id: String = row.try_get(0)?;
    let key = Key::read(&id).ok_or_else(|| sqlx::Error::Decode("a key is none".into()))?;
    let content: String = row.try_get(1)?;
    let content: Content =
        serde_json::from_str(&content).map_err(|error| sqlx::Error::Decode(error.into()))?;
    let Content { grant, client, subject, session, owner, data } = content;
    let spent: i16 = row.try_get(4)?;
    let record = Record {
        grant,
        client,
        subject,
        session,
        owner,
        data,
        ends_at: Timestamp(row.try_get(2)?),
        version: row.try_get(3)?,
        spent: spent != 0,
    };
    Ok((key, record))
}

/// What stands in an index for `name`.
fn index_key(name: &str) -> String {
    if name.is_empty() {
        return String::new();
    }
    URL_SAFE_NO_PAD.encode(digest::sha256(name.as_bytes()))
}
