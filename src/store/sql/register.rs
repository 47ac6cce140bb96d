//! The register of live sessions in a database: each gateway writes its own rows and looks for those
//! that it is asked to end; rows of a gateway that is not heard of any more are forgotten.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::Serialize;
use sqlx::Any;
use sqlx::AnyConnection;
use sqlx::Row;
use sqlx::any::AnyArguments;
use sqlx::any::AnyRow;
use sqlx::query::Query;

use crate::clock::Timestamp;
use crate::crypto::digest;
use crate::store::StoreError;
use crate::store::accounts::folded;
use crate::store::register::Registered;
use crate::store::register::Which;
use crate::store::sql::Database;

const UPDATE: &str = "update vestibule_sessions set instance = $1, user_key = $2, provider_key = $3, content = $4, began_at = $5, ends_at = $6 where id = $7";
const INSERT: &str = "insert into vestibule_sessions (instance, user_key, provider_key, content, began_at, ends_at, id, ask_end) values ($1, $2, $3, $4, $5, $6, $7, 0)";
const DELETE: &str = "delete from vestibule_sessions where id = $1 and instance = $2";
const ASKED: &str =
    "select id from vestibule_sessions where ask_end = 1 and instance = $1 limit 10000";
const WRITTEN: &str =
    "select id from vestibule_sessions where instance = $1 and id > $2 order by id limit 10000";
const SEEN: &str = "update vestibule_instances set seen_at = $1 where id = $2";
const ARRIVED: &str = "insert into vestibule_instances (seen_at, id) values ($1, $2)";
const LOST: &str = "select id from vestibule_instances where seen_at <= $1 limit 100";
const BATCH_END: &str =
    "select id from vestibule_sessions where instance = $1 order by id limit 1 offset 1000";
const DELETE_UNTIL: &str = "delete from vestibule_sessions where instance = $1 and id < $2";
const DELETE_ALL_OF: &str = "delete from vestibule_sessions where instance = $1";
const LEFT: &str = "delete from vestibule_instances where id = $1";

/// How long a gateway may be silent, in seconds, before its sessions are taken to be gone with it.
const SILENCE: i64 = 60;

/// The register of a database. Clones are the same register.
#[derive(Clone, Debug)]
pub struct Register {
    database: Database,
}

impl Register {
    /// The register in `database`.
    pub fn open(database: Database) -> Self {
        Self { database }
    }

    /// The live sessions that are meant, those that began last first, `limit` at most.
    ///
    /// # Errors
    ///
    /// When the store cannot be reached; so for every call here.
    pub async fn list(
        &self,
        which: Which<'_>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Registered>, StoreError> {
        let query = self.of_live(which, &LIST, now);
        let query = query.bind(i64::try_from(limit).unwrap_or(i64::MAX));
        Database::timed(async {
            let rows = query.fetch_all(&self.database.reader).await?;
            rows.iter().map(read).collect()
        })
        .await
    }

    /// The live sessions of gateways other than `instance`, of one user or of all, those that began
    /// last first, `limit` at most.
    ///
    /// # Errors
    ///
    /// As [`Self::list`].
    pub async fn elsewhere(
        &self,
        instance: &str,
        user: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Registered>, StoreError> {
        let statement = if user.is_some() { ELSEWHERE_USER } else { ELSEWHERE };
        let query = self.database.query(statement).bind(now.0).bind(now.0 - SILENCE);
        let query = query.bind(instance.to_owned());
        let query = match user {
            Some(user) => query.bind(user_key(user)),
            None => query,
        };
        let query = query.bind(i64::try_from(limit).unwrap_or(i64::MAX));
        Database::timed(async {
            let rows = query.fetch_all(&self.database.reader).await?;
            rows.iter().map(read).collect()
        })
        .await
    }

    /// Asks the gateways to end the sessions that are meant, which they do within a second or two;
    /// how many they are.
    ///
    /// # Errors
    ///
    /// As [`Self::list`].
    pub async fn ask_to_end(&self, which: Which<'_>, now: Timestamp) -> Result<u64, StoreError> {
        let query = self.of_live(which, &END, now);
        let result = Database::timed(query.execute(&self.database.writer)).await?;
        Ok(result.rows_affected())
    }

    /// Says that the gateway `instance` lives; whether it was known.
    ///
    /// # Errors
    ///
    /// As [`Self::list`].
    pub async fn beat(&self, instance: &str, now: Timestamp) -> Result<bool, StoreError> {
        let query =
            |statement| self.database.query(statement).bind(now.0).bind(instance.to_owned());
        Database::timed(async {
            let seen = query(SEEN).execute(&self.database.writer).await?.rows_affected() > 0;
            if !seen {
                query(ARRIVED).execute(&self.database.writer).await?;
            }
            Ok(seen)
        })
        .await
    }

    /// Writes what became of sessions of `instance`, by their public names: `None` for those that
    /// have ended.
    ///
    /// # Errors
    ///
    /// As [`Self::list`]; then none of it is written.
    pub async fn write(
        &self,
        instance: &str,
        changes: &[(String, Option<Registered>)],
    ) -> Result<(), StoreError> {
        Database::timed(async {
            let mut transaction = self.database.begin().await?;
            for (id, session) in changes {
                if let Some(session) = session {
                    self.put(&mut transaction, instance, session).await?;
                } else {
                    let delete = self.database.query(DELETE).bind(id).bind(instance.to_owned());
                    delete.execute(&mut *transaction).await?;
                }
            }
            transaction.commit().await
        })
        .await
    }

    /// The public names of the sessions that `instance` is asked to end.
    ///
    /// # Errors
    ///
    /// As [`Self::list`].
    pub async fn asked(&self, instance: &str) -> Result<Vec<String>, StoreError> {
        let query = self.database.query(ASKED).bind(instance.to_owned());
        Database::timed(self.ids(query)).await
    }

    /// The public names of the sessions that are written as those of `instance`.
    ///
    /// # Errors
    ///
    /// As [`Self::list`].
    pub async fn written(&self, instance: &str) -> Result<Vec<String>, StoreError> {
        let mut ids: Vec<String> = Vec::new();
        loop {
            let after = ids.last().cloned().unwrap_or_default();
            let query = self.database.query(WRITTEN).bind(instance.to_owned()).bind(after);
            let more = Database::timed(self.ids(query)).await?;
            if more.is_empty() {
                return Ok(ids);
            }
            ids.extend(more);
        }
    }

    /// Forgets `instance` and its sessions.
    ///
    /// # Errors
    ///
    /// As [`Self::list`].
    pub async fn leave(&self, instance: &str) -> Result<(), StoreError> {
        while let Some(end) = self.batch_end(instance).await? {
            let query = self.database.query(DELETE_UNTIL).bind(instance.to_owned()).bind(end);
            Database::timed(query.execute(&self.database.writer)).await?;
        }
        for statement in [DELETE_ALL_OF, LEFT] {
            let query = self.database.query(statement).bind(instance.to_owned());
            Database::timed(query.execute(&self.database.writer)).await?;
        }
        Ok(())
    }

    /// Forgets every gateway that has been silent for a minute.
    ///
    /// # Errors
    ///
    /// As [`Self::list`].
    pub async fn sweep(&self, now: Timestamp) -> Result<(), StoreError> {
        let query = self.database.query(LOST).bind(now.0 - SILENCE);
        for lost in Database::timed(self.ids(query)).await? {
            self.leave(&lost).await?;
        }
        Ok(())
    }

    /// That of the statements about live sessions which is about those that are meant.
    fn of_live(
        &self,
        which: Which<'_>,
        statements: &OfLive,
        now: Timestamp,
    ) -> Query<'static, Any, AnyArguments> {
        let (statement, name) = match which {
            Which::All => (statements.all, None),
            Which::Id(id) => (statements.one, Some(id.to_owned())),
            Which::User(user) => (statements.of_user, Some(user_key(user))),
            Which::Provider(provider) => (statements.of_provider, Some(key(provider))),
        };
        let query = self.database.query(statement).bind(now.0).bind(now.0 - SILENCE);
        match name {
            Some(name) => query.bind(name),
            None => query,
        }
    }

    async fn put(
        &self,
        connection: &mut AnyConnection,
        instance: &str,
        session: &Registered,
    ) -> Result<(), sqlx::Error> {
        let Registered { id, user, provider, site, began_at, ends_at } = session;
        let content =
            Content { user: user.clone(), provider: provider.clone(), site: site.clone() };
        let content =
            serde_json::to_string(&content).map_err(|error| sqlx::Error::Encode(error.into()))?;
        let query = |statement| {
            self.database
                .query(statement)
                .bind(instance.to_owned())
                .bind(user_key(user))
                .bind(key(provider))
                .bind(content.clone())
                .bind(began_at.0)
                .bind(ends_at.0)
                .bind(id.clone())
        };
        // What is there stays asked for.
        let updated = query(UPDATE).execute(&mut *connection).await?.rows_affected() > 0;
        if !updated {
            query(INSERT).execute(&mut *connection).await?;
        }
        Ok(())
    }

    async fn batch_end(&self, instance: &str) -> Result<Option<String>, StoreError> {
        let query = self.database.query(BATCH_END).bind(instance.to_owned());
        Ok(Database::timed(self.ids(query)).await?.pop())
    }

    async fn ids(&self, query: Query<'_, Any, AnyArguments>) -> Result<Vec<String>, sqlx::Error> {
        let rows = query.fetch_all(&self.database.reader).await?;
        rows.iter().map(|row| row.try_get(0)).collect()
    }
}

/// One thing that is done with live sessions, for each way to mean some of them. Parameters: the
/// moment, the last moment at which a gateway that lives was heard of, and what names them.
struct OfLive {
    all: &'static str,
    one: &'static str,
    of_user: &'static str,
    of_provider: &'static str,
}

const LIST: OfLive = OfLive {
    all: "select s.id, s.content, s.began_at, s.ends_at from vestibule_sessions s join vestibule_instances i on i.id = s.instance where s.ends_at > $1 and i.seen_at > $2 order by s.began_at desc, s.id limit $3",
    one: "select s.id, s.content, s.began_at, s.ends_at from vestibule_sessions s join vestibule_instances i on i.id = s.instance where s.ends_at > $1 and i.seen_at > $2 and s.id = $3 limit $4",
    of_user: "select s.id, s.content, s.began_at, s.ends_at from vestibule_sessions s join vestibule_instances i on i.id = s.instance where s.ends_at > $1 and i.seen_at > $2 and s.user_key = $3 order by s.began_at desc, s.id limit $4",
    of_provider: "select s.id, s.content, s.began_at, s.ends_at from vestibule_sessions s join vestibule_instances i on i.id = s.instance where s.ends_at > $1 and i.seen_at > $2 and s.provider_key = $3 order by s.began_at desc, s.id limit $4",
};

const END: OfLive = OfLive {
    all: "update vestibule_sessions set ask_end = 1 where ends_at > $1 and instance in (select id from vestibule_instances where seen_at > $2)",
    one: "update vestibule_sessions set ask_end = 1 where ends_at > $1 and instance in (select id from vestibule_instances where seen_at > $2) and id = $3",
    of_user: "update vestibule_sessions set ask_end = 1 where ends_at > $1 and instance in (select id from vestibule_instances where seen_at > $2) and user_key = $3",
    of_provider: "update vestibule_sessions set ask_end = 1 where ends_at > $1 and instance in (select id from vestibule_instances where seen_at > $2) and provider_key = $3",
};

const ELSEWHERE: &str = "select s.id, s.content, s.began_at, s.ends_at from vestibule_sessions s join vestibule_instances i on i.id = s.instance where s.ends_at > $1 and i.seen_at > $2 and s.instance <> $3 order by s.began_at desc, s.id limit $4";
const ELSEWHERE_USER: &str = "select s.id, s.content, s.began_at, s.ends_at from vestibule_sessions s join vestibule_instances i on i.id = s.instance where s.ends_at > $1 and i.seen_at > $2 and s.instance <> $3 and s.user_key = $4 order by s.began_at desc, s.id limit $5";

#[derive(Serialize, Deserialize)]
struct Content {
    user: String,
    provider: String,
    site: String,
}

fn read(row: &AnyRow) -> Result<Registered, sqlx::Error> {
    let content: String = row.try_get(1)?;
    let content = serde_json::from_str(&content);
    let Content { user, provider, site } =
        content.map_err(|error| sqlx::Error::Decode(error.into()))?;
    Ok(Registered {
        id: row.try_get(0)?,
        user,
        provider,
        site,
        began_at: Timestamp(row.try_get(2)?),
        ends_at: Timestamp(row.try_get(3)?),
    })
}

fn user_key(user: &str) -> String {
    key(&folded(user))
}

fn key(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::sha256(text.as_bytes()))
}
