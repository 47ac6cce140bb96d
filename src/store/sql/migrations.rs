//! The tables, as numbered steps that only go forward. Each start takes what is missing, one process
//! at a time; a database that has taken more steps than are known here is left alone.

use sqlx::AnyConnection;
use sqlx::Connection;
use sqlx::Row;

use crate::store::sql::OpenError;
use crate::store::sql::dialect::Dialect;

/// One statement a step. Steps that have been released never change: append.
const STEPS: [&str; 21] = [
    "create table if not exists vestibule_records (
        id varchar(43) not null primary key,
        kind varchar(32) not null,
        session_key varchar(43) not null,
        subject_key varchar(43) not null,
        owner_key varchar(43) not null,
        content text not null,
        ends_at bigint not null,
        version bigint not null,
        spent smallint not null,
        kept_at bigint not null
    )",
    "create index vestibule_records_ends on vestibule_records (ends_at)",
    "create index vestibule_records_session on vestibule_records (session_key, kind)",
    "create index vestibule_records_subject on vestibule_records (subject_key, kind)",
    "create index vestibule_records_owner on vestibule_records (kind, owner_key, kept_at, id)",
    "create table if not exists vestibule_signing_keys (
        name varchar(64) not null primary key,
        private_half text not null,
        created_at bigint not null,
        signs_from bigint not null,
        retires_at bigint not null
    )",
    "create table if not exists vestibule_users (
        id varchar(43) not null primary key,
        name text not null,
        name_place varchar(257) collate bytes not null,
        local_place varchar(511) collate bytes not null,
        email_place varchar(511) collate bytes not null,
        email_key varchar(43) not null,
        content text not null,
        created_at bigint not null,
        version bigint not null
    )",
    "create unique index vestibule_users_email_key on vestibule_users (email_key)",
    "create index vestibule_users_name on vestibule_users (name_place, id)",
    "create index vestibule_users_local on vestibule_users (local_place, id)",
    "create index vestibule_users_email on vestibule_users (email_place, id)",
    "create table if not exists vestibule_logins (
        id varchar(43) not null primary key,
        user_id varchar(43) not null,
        subject_place varchar(511) collate bytes not null,
        content text not null,
        linked_at bigint not null
    )",
    "create index vestibule_logins_user on vestibule_logins (user_id, subject_place)",
    "create index vestibule_logins_subject on vestibule_logins (subject_place, user_id)",
    "create table if not exists vestibule_instances (
        id varchar(43) not null primary key,
        seen_at bigint not null
    )",
    "create table if not exists vestibule_sessions (
        id varchar(43) not null primary key,
        instance varchar(43) not null,
        user_key varchar(43) not null,
        provider_key varchar(43) not null,
        content text not null,
        began_at bigint not null,
        ends_at bigint not null,
        ask_end smallint not null
    )",
    "create index vestibule_sessions_instance on vestibule_sessions (instance, id)",
    "create index vestibule_sessions_asked on vestibule_sessions (ask_end, instance)",
    "create index vestibule_sessions_user on vestibule_sessions (user_key, began_at)",
    "create index vestibule_sessions_provider on vestibule_sessions (provider_key, began_at)",
    "create index vestibule_sessions_began on vestibule_sessions (began_at)",
];

const SCHEMA: &str =
    "create table if not exists vestibule_schema (step bigint not null primary key)";

/// Brings the tables up to date.
///
/// # Errors
///
/// The database is newer than this program, or refuses a statement.
pub(super) async fn run(connection: &mut AnyConnection, dialect: Dialect) -> Result<(), OpenError> {
    match dialect {
        Dialect::Sqlite => in_transaction(connection, dialect, "begin immediate", "").await,
        Dialect::Postgres => in_transaction(connection, dialect, "begin", PG_LOCK).await,
        Dialect::MySql => {
            lock_mysql(connection).await?;
            let result = steps(connection, dialect).await;
            sqlx::query("select release_lock('vestibule_schema')").fetch_one(connection).await?;
            result
        }
    }
}

/// The last step known to this program.
pub(super) fn known() -> i64 {
    i64::try_from(STEPS.len()).unwrap_or(i64::MAX)
}

/// The number says nothing; it is the same in every version of this program.
const PG_LOCK: &str = "select pg_advisory_xact_lock(8390041173)";

async fn in_transaction(
    connection: &mut AnyConnection,
    dialect: Dialect,
    begin: &'static str,
    lock: &'static str,
) -> Result<(), OpenError> {
    let mut transaction = connection.begin_with(begin).await?;
    if !lock.is_empty() {
        sqlx::query(lock).execute(&mut *transaction).await?;
    }
    steps(&mut transaction, dialect).await?;
    transaction.commit().await?;
    Ok(())
}

/// MySQL ends a transaction at each definition, so the lock is one of the connection's.
async fn lock_mysql(connection: &mut AnyConnection) -> Result<(), OpenError> {
    let lock = sqlx::query("select coalesce(get_lock('vestibule_schema', 20), 0)");
    let taken: i64 = lock.fetch_one(connection).await?.try_get(0)?;
    if taken == 1 { Ok(()) } else { Err(OpenError::Locked) }
}

async fn steps(connection: &mut AnyConnection, dialect: Dialect) -> Result<(), OpenError> {
    sqlx::query(dialect.definition(SCHEMA)).execute(&mut *connection).await?;
    let taken = sqlx::query("select coalesce(max(step), 0) from vestibule_schema");
    let taken: i64 = taken.fetch_one(&mut *connection).await?.try_get(0)?;
    let known = known();
    if taken > known {
        return Err(OpenError::Newer { taken, known });
    }
    for (number, step) in (1_i64..).zip(STEPS).filter(|(number, _)| *number > taken) {
        if let Err(error) = sqlx::query(dialect.definition(step)).execute(&mut *connection).await
            && !is_there_already(&error, dialect)
        {
            return Err(error.into());
        }
        let record = dialect.statement("insert into vestibule_schema (step) values ($1)");
        sqlx::query(record).bind(number).execute(&mut *connection).await?;
    }
    Ok(())
}

/// A start that was killed between a definition, which MySQL does not roll back, and its number.
fn is_there_already(error: &sqlx::Error, dialect: Dialect) -> bool {
    let sqlx::Error::Database(error) = error else { return false };
    dialect == Dialect::MySql && error.message().starts_with("Duplicate key name")
}
