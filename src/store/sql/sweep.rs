//! Keeps the records bounded: forgets what is over, and the oldest of what is too many, in batches
//! small enough that nobody waits long for them.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::PoisonError;

use sqlx::Row;

use crate::clock::Timestamp;
use crate::store::StoreError;
use crate::store::grants::Kind;
use crate::store::sql::Database;
use crate::store::sql::grants::SqlGrants;

/// Rows that one statement deletes, roughly.
const BATCH: i64 = 1_000;

const BATCH_END: &str =
    "select ends_at from vestibule_records where ends_at <= $1 order by ends_at limit 1 offset $2";
const FORGET: &str = "delete from vestibule_records where ends_at <= $1";
const COUNT: &str = "select count(*) from vestibule_records where kind = $1";
const LAST_TOO_MANY: &str =
    "select ends_at from vestibule_records where kind = $1 order by ends_at limit 1 offset $2";
const TRIM_KIND: &str = "delete from vestibule_records where kind = $1 and ends_at <= $2";
const CROWDED: &str = "select owner_key from vestibule_records where kind = $1 group by owner_key having count(*) > $2";
const LAST_OF_OWNER: &str = "select kept_at, id from vestibule_records where kind = $1 and owner_key = $2 order by kept_at desc, id desc limit 1 offset $3";
const TRIM_OWNER: &str = "delete from vestibule_records where kind = $1 and owner_key = $2 and (kept_at < $3 or (kept_at = $4 and id <= $5))";

/// What this process added since the last sweep, by kind and owner: who adds much is trimmed at once.
#[derive(Debug, Default)]
pub(super) struct Growth(Mutex<HashMap<(Kind, String), usize>>);

impl Growth {
    /// Counts one more; whether it is time to look after this owner.
    fn add(&self, kind: Kind, owner: &str, share: usize) -> bool {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() > 100_000 {
            counts.clear();
        }
        let count = counts.entry((kind, owner.to_owned())).or_default();
        *count += 1;
        let much = *count > share / 2;
        if much {
            *count = 0;
        }
        much
    }

    fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl SqlGrants {
    /// Sees to it that `owner_key`, who just added a record, does not take more than its share.
    pub(super) async fn bound(&self, kind: Kind, owner_key: &str) -> Result<(), StoreError> {
        if self.growth.add(kind, owner_key, kind.share()) {
            self.trim_owner(kind, owner_key).await?;
        }
        Ok(())
    }

    /// Forgets what is over and what is too many; how many records that were.
    ///
    /// # Errors
    ///
    /// When the store cannot be reached; what was deleted stays so.
    pub(in crate::store) async fn sweep(&self, now: Timestamp) -> Result<u64, StoreError> {
        let mut gone = 0;
        loop {
            let end = self.batch_end(now).await?;
            gone += self.delete_until(end.unwrap_or(now.0)).await?;
            if end.is_none() {
                break;
            }
        }
        self.growth.forget();
        for kind in Kind::ALL {
            for owner in self.crowded(kind).await? {
                gone += self.trim_owner(kind, &owner).await?;
            }
            gone += self.trim_kind(kind).await?;
        }
        Ok(gone)
    }

    /// The end of the last of the next batch of records that are over; `None` when one is enough.
    async fn batch_end(&self, now: Timestamp) -> Result<Option<i64>, StoreError> {
        let query = self.database.query(BATCH_END).bind(now.0).bind(BATCH);
        Database::timed(async {
            let row = query.fetch_optional(&self.database.reader).await?;
            row.map(|row| row.try_get(0)).transpose()
        })
        .await
    }

    async fn delete_until(&self, end: i64) -> Result<u64, StoreError> {
        let query = self.database.query(FORGET).bind(end);
        Ok(Database::timed(query.execute(&self.database.writer)).await?.rows_affected())
    }

    async fn crowded(&self, kind: Kind) -> Result<Vec<String>, StoreError> {
        let share = i64::try_from(kind.share()).unwrap_or(i64::MAX);
        let query = self.database.query(CROWDED).bind(kind.name()).bind(share);
        Database::timed(async {
            let rows = query.fetch_all(&self.database.reader).await?;
            rows.iter().map(|row| row.try_get(0)).collect()
        })
        .await
    }

    /// Deletes what is nearest to its end of a kind that has too many records.
    async fn trim_kind(&self, kind: Kind) -> Result<u64, StoreError> {
        let most = i64::try_from(kind.most()).unwrap_or(i64::MAX);
        let count = self.database.query(COUNT).bind(kind.name());
        let last = |over: i64| self.database.query(LAST_TOO_MANY).bind(kind.name()).bind(over - 1);
        Database::timed(async {
            let count: i64 = count.fetch_one(&self.database.reader).await?.try_get(0)?;
            if count <= most {
                return Ok(0);
            }
            let row = last(count - most).fetch_one(&self.database.reader).await?;
            let end: i64 = row.try_get(0)?;
            let trim = self.database.query(TRIM_KIND).bind(kind.name()).bind(end);
            Ok(trim.execute(&self.database.writer).await?.rows_affected())
        })
        .await
    }

    /// Deletes the oldest records of an owner that are beyond its share.
    async fn trim_owner(&self, kind: Kind, owner: &str) -> Result<u64, StoreError> {
        let share = i64::try_from(kind.share()).unwrap_or(i64::MAX);
        let last = self.database.query(LAST_OF_OWNER).bind(kind.name()).bind(owner).bind(share);
        Database::timed(async {
            let Some(row) = last.fetch_optional(&self.database.reader).await? else { return Ok(0) };
            let (kept_at, id): (i64, String) = (row.try_get(0)?, row.try_get(1)?);
            let trim = self.database.query(TRIM_OWNER).bind(kind.name()).bind(owner);
            let trim = trim.bind(kept_at).bind(kept_at).bind(id);
            Ok(trim.execute(&self.database.writer).await?.rows_affected())
        })
        .await
    }
}
