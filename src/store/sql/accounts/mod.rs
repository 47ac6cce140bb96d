//! Accounts in a database. Each change is one statement or one transaction, and what may be there only
//! once stands in an index as a digest: of any number of processes exactly one gets a name.

mod place;
mod row;
mod search;

use std::collections::HashMap;
use std::sync::LazyLock;

use sqlx::AnyConnection;

use crate::store::StoreError;
use crate::store::accounts::Account;
use crate::store::accounts::Added;
use crate::store::accounts::ExternalLogin;
use crate::store::accounts::Linked;
use crate::store::accounts::Mark;
use crate::store::accounts::Saved;
use crate::store::sql::Database;
use crate::store::sql::accounts::place::Range;
use crate::store::sql::accounts::row::LoginRow;
use crate::store::sql::accounts::row::UserRow;
use crate::store::sql::accounts::row::login_id;
use crate::store::sql::accounts::row::read_account;
use crate::store::sql::accounts::row::read_login;
use crate::store::sql::accounts::row::read_mark;
use crate::store::sql::accounts::row::user_id;
use crate::store::sql::is_unique_violation;

const FIND: &str =
    "select id, name, content, created_at, version from vestibule_users where id = $1";
const OF_LOGIN: &str = "select u.id, u.name, u.content, u.created_at, u.version from vestibule_logins l join vestibule_users u on u.id = l.user_id where l.id = $1";
const OF_EMAIL: &str = "select id, name, content, created_at, version from vestibule_users where email_place > $1 and email_place < $2 order by email_place limit 16";
const ADD: &str = "insert into vestibule_users (id, name, name_place, local_place, email_place, email_key, content, created_at, version) values ($1, $2, $3, $4, $5, $6, $7, $8, 0)";
const SAVE: &str = "update vestibule_users set email_place = $1, email_key = $2, content = $3, created_at = $4, version = $5 where id = $6 and version = $7";
const HOLDERS: &str = "select id from vestibule_users where email_place > $1 and email_place < $2 and id <> $3 limit 1";
const HOLD: &str = "update vestibule_users set version = version where id = $1";
const REMOVE: &str = "delete from vestibule_users where id = $1";
const REMOVE_LOGINS: &str = "delete from vestibule_logins where user_id = $1";
const ADD_LOGIN: &str = "insert into vestibule_logins (id, user_id, subject_place, content, linked_at) values ($1, $2, $3, $4, $5)";
const LOGINS: &str = "select content, linked_at from vestibule_logins where user_id = $1";
const OWNER: &str = "select user_id from vestibule_logins where id = $1";
const UNLINK: &str = "delete from vestibule_logins where id = $1 and user_id = $2";

/// Users of whom one statement tells the marks.
const MARKED: usize = 100;

static MARKS: LazyLock<String> = LazyLock::new(|| {
    let ids: Vec<String> = (1..=MARKED).map(|number| format!("${number}")).collect();
    format!("select id, version, created_at from vestibule_users where id in ({})", ids.join(", "))
});

/// How often a change is tried anew when what was in its way is gone, or the server chose it to end a
/// deadlock.
const TRIES: usize = 8;

/// The accounts of a database.
#[derive(Debug)]
pub(in crate::store) struct SqlAccounts {
    database: Database,
}

impl SqlAccounts {
    /// The accounts in `database`.
    pub(in crate::store) fn new(database: Database) -> Self {
        Self { database }
    }

    /// See [`crate::store::accounts::Accounts::find`].
    pub(in crate::store) async fn find(&self, name: &str) -> Result<Option<Account>, StoreError> {
        Database::timed(self.one(FIND, &user_id(name))).await
    }

    /// See [`crate::store::accounts::Accounts::marks`].
    pub(in crate::store) async fn marks(
        &self,
        names: &[String],
    ) -> Result<Vec<Option<Mark>>, StoreError> {
        let ids: Vec<String> = names.iter().map(|name| user_id(name)).collect();
        let mut marks: HashMap<String, Mark> = HashMap::new();
        for batch in ids.chunks(MARKED) {
            let mut query = self.database.query(MARKS.as_str());
            // What is left of the statement's places is filled with nobody.
            for place in 0..MARKED {
                query = query.bind(batch.get(place).map_or("", String::as_str));
            }
            let read = Database::timed(async {
                let rows = query.fetch_all(&self.database.reader).await?;
                rows.iter().map(read_mark).collect::<Result<Vec<_>, _>>()
            });
            marks.extend(read.await?);
        }
        Ok(ids.iter().map(|id| marks.get(id).copied()).collect())
    }

    /// See [`crate::store::accounts::Accounts::of_login`].
    pub(in crate::store) async fn of_login(
        &self,
        provider: &str,
        subject: &str,
    ) -> Result<Option<Account>, StoreError> {
        Database::timed(self.one(OF_LOGIN, &login_id(provider, subject))).await
    }

    /// See [`crate::store::accounts::Accounts::of_email`].
    pub(in crate::store) async fn of_email(&self, email: &str) -> Result<Vec<Account>, StoreError> {
        let Some(range) = Range::of_email(email) else { return Ok(Vec::new()) };
        let query = self.database.query(OF_EMAIL).bind(&range.after).bind(&range.before);
        let rows = Database::timed(async {
            let rows = query.fetch_all(&self.database.reader).await?;
            rows.iter().map(read_account).collect::<Result<Vec<_>, _>>()
        });
        let mut accounts: Vec<Account> =
            rows.await?.into_iter().map(|(_, account)| account).collect();
        accounts.retain(|account| row::has_email(account, email));
        accounts.truncate(2);
        Ok(accounts)
    }

    /// See [`crate::store::accounts::Accounts::add`].
    pub(in crate::store) async fn add(
        &self,
        account: &Account,
        login: Option<&ExternalLogin>,
        unique_email: bool,
    ) -> Result<Added, StoreError> {
        let user = UserRow::of(account, unique_email)?;
        let login = login.map(|login| LoginRow::of(login, account)).transpose()?;
        until_settled(|| self.try_add(&user, login.as_ref())).await
    }

    /// `None` when what was in the way is gone.
    async fn try_add(
        &self,
        user: &UserRow,
        login: Option<&LoginRow>,
    ) -> Result<Option<Added>, sqlx::Error> {
        let mut transaction = self.database.begin().await?;
        match self.insert_user(&mut transaction, user).await {
            Err(error) if is_unique_violation(&error) => {
                transaction.rollback().await?;
                return self.what_is_taken(user).await;
            }
            result => result?,
        }
        if self.has_holder(&mut transaction, user).await? {
            transaction.rollback().await?;
            return Ok(Some(Added::EmailTaken));
        }
        if let Some(login) = login
            && let Err(error) = self.insert_login(&mut transaction, login).await
        {
            transaction.rollback().await?;
            let taken = is_unique_violation(&error);
            return if taken { Ok(Some(Added::LoginTaken)) } else { Err(error) };
        }
        transaction.commit().await?;
        Ok(Some(Added::Done))
    }

    /// See [`crate::store::accounts::Accounts::save`].
    pub(in crate::store) async fn save(
        &self,
        account: &Account,
        unique_email: bool,
    ) -> Result<Saved, StoreError> {
        let user = UserRow::of(account, unique_email)?;
        until_settled(|| self.try_save(&user, account.version)).await
    }

    async fn try_save(&self, user: &UserRow, seen: i64) -> Result<Option<Saved>, sqlx::Error> {
        let mut transaction = self.database.begin().await?;
        if self.has_holder(&mut transaction, user).await? {
            transaction.rollback().await?;
            return Ok(Some(Saved::EmailTaken));
        }
        let query = self
            .database
            .query(SAVE)
            .bind(&user.email_place)
            .bind(&user.email_key)
            .bind(&user.content)
            .bind(user.created_at)
            .bind(seen + 1)
            .bind(&user.id)
            .bind(seen);
        match query.execute(&mut *transaction).await {
            Err(error) if is_unique_violation(&error) => {
                transaction.rollback().await?;
                Ok(Some(Saved::EmailTaken))
            }
            Err(error) => Err(error),
            Ok(result) if result.rows_affected() == 0 => {
                transaction.rollback().await?;
                Ok(Some(Saved::Changed))
            }
            Ok(_) => {
                transaction.commit().await?;
                Ok(Some(Saved::Done(seen + 1)))
            }
        }
    }

    /// See [`crate::store::accounts::Accounts::remove`].
    pub(in crate::store) async fn remove(&self, name: &str) -> Result<bool, StoreError> {
        let id = user_id(name);
        until_settled(|| self.try_remove(&id)).await
    }

    async fn try_remove(&self, id: &str) -> Result<Option<bool>, sqlx::Error> {
        let mut transaction = self.database.begin().await?;
        // The user first: whoever links an identity meanwhile holds that row, or finds it gone.
        let removed = self.database.query(REMOVE).bind(id).execute(&mut *transaction).await?;
        self.database.query(REMOVE_LOGINS).bind(id).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(Some(removed.rows_affected() > 0))
    }

    /// See [`crate::store::accounts::Accounts::link`].
    pub(in crate::store) async fn link(
        &self,
        name: &str,
        login: &ExternalLogin,
    ) -> Result<Linked, StoreError> {
        let Some(account) = self.find(name).await? else { return Ok(Linked::NoSuchUser) };
        let login = LoginRow::of(login, &account)?;
        until_settled(|| self.try_link(&login)).await
    }

    /// `None` when what was in the way is gone.
    async fn try_link(&self, login: &LoginRow) -> Result<Option<Linked>, sqlx::Error> {
        let mut transaction = self.database.begin().await?;
        let hold = self.database.query(HOLD).bind(&login.user_id);
        if hold.execute(&mut *transaction).await?.rows_affected() == 0 {
            transaction.rollback().await?;
            return Ok(Some(Linked::NoSuchUser));
        }
        match self.insert_login(&mut transaction, login).await {
            Ok(()) => {
                transaction.commit().await?;
                Ok(Some(Linked::Done))
            }
            Err(error) if is_unique_violation(&error) => {
                transaction.rollback().await?;
                let owner = self.owner(&login.id).await?;
                let outcome =
                    |owner| if owner == login.user_id { Linked::Done } else { Linked::Taken };
                Ok(owner.map(outcome))
            }
            Err(error) => Err(error),
        }
    }

    /// See [`crate::store::accounts::Accounts::unlink`].
    pub(in crate::store) async fn unlink(
        &self,
        name: &str,
        provider: &str,
        subject: &str,
    ) -> Result<bool, StoreError> {
        let query = self.database.query(UNLINK).bind(login_id(provider, subject));
        let query = query.bind(user_id(name));
        let result = Database::timed(query.execute(&self.database.writer)).await?;
        Ok(result.rows_affected() > 0)
    }

    /// See [`crate::store::accounts::Accounts::logins`].
    pub(in crate::store) async fn logins(
        &self,
        name: &str,
    ) -> Result<Vec<ExternalLogin>, StoreError> {
        let query = self.database.query(LOGINS).bind(user_id(name));
        let read = Database::timed(async {
            let rows = query.fetch_all(&self.database.reader).await?;
            rows.iter().map(read_login).collect::<Result<Vec<_>, _>>()
        });
        let mut logins = read.await?;
        logins.sort_by(|a, b| {
            let key = |login: &ExternalLogin| (login.linked_at, login.provider.clone());
            key(a).cmp(&key(b)).then_with(|| a.subject.cmp(&b.subject))
        });
        Ok(logins)
    }

    async fn one(&self, statement: &'static str, id: &str) -> Result<Option<Account>, sqlx::Error> {
        let query = self.database.query(statement).bind(id);
        let row = query.fetch_optional(&self.database.reader).await?;
        row.map(|row| read_account(&row).map(|(_, account)| account)).transpose()
    }

    async fn insert_user(
        &self,
        connection: &mut AnyConnection,
        user: &UserRow,
    ) -> Result<(), sqlx::Error> {
        let query = self
            .database
            .query(ADD)
            .bind(&user.id)
            .bind(&user.name)
            .bind(&user.name_place)
            .bind(&user.local_place)
            .bind(&user.email_place)
            .bind(&user.email_key)
            .bind(&user.content)
            .bind(user.created_at);
        query.execute(connection).await.map(drop)
    }

    async fn insert_login(
        &self,
        connection: &mut AnyConnection,
        login: &LoginRow,
    ) -> Result<(), sqlx::Error> {
        let query = self
            .database
            .query(ADD_LOGIN)
            .bind(&login.id)
            .bind(&login.user_id)
            .bind(&login.subject_place)
            .bind(&login.content)
            .bind(login.linked_at);
        query.execute(connection).await.map(drop)
    }

    /// Whether somebody else has the address of `user`, which is to be unique. The index decides
    /// between those that are to be unique; this finds those that were added before that was asked.
    async fn has_holder(
        &self,
        connection: &mut AnyConnection,
        user: &UserRow,
    ) -> Result<bool, sqlx::Error> {
        let Some(range) = &user.unique_email else { return Ok(false) };
        let query = self.database.query(HOLDERS).bind(&range.after).bind(&range.before);
        Ok(query.bind(&user.id).fetch_optional(connection).await?.is_some())
    }

    /// Which of its keys kept `user` from being added; `None` when neither does any more.
    async fn what_is_taken(&self, user: &UserRow) -> Result<Option<Added>, sqlx::Error> {
        if self.one(FIND, &user.id).await?.is_some() {
            return Ok(Some(Added::NameTaken));
        }
        let mut connection = self.database.reader.acquire().await?;
        let held = self.has_holder(&mut connection, user).await?;
        Ok(held.then_some(Added::EmailTaken))
    }

    async fn owner(&self, login: &str) -> Result<Option<String>, sqlx::Error> {
        let query = sqlx::query_scalar(self.database.statement(OWNER)).bind(login);
        query.fetch_optional(&self.database.reader).await
    }
}

/// Tries until there is an outcome.
async fn until_settled<T, F>(mut attempt: impl FnMut() -> F + Send) -> Result<T, StoreError>
where
    T: Send,
    F: Future<Output = Result<Option<T>, sqlx::Error>> + Send,
{
    Database::timed(async {
        for _ in 0..TRIES {
            match attempt().await {
                Ok(Some(outcome)) => return Ok(outcome),
                Ok(None) => {}
                Err(error) if is_deadlock(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Err(sqlx::Error::RowNotFound)
    })
    .await
}

/// A transaction that the server rolled back so that others could go on (SQLSTATE class 40).
fn is_deadlock(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(error) = error else { return false };
    error.code().is_some_and(|code| code == "40001" || code == "40P01")
}
