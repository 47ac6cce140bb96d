//! Looking for users by the beginning of a value: first the places, which an index gives alone, then
//! the accounts that stand there. What an earlier field has found is passed over, so many rows at a
//! time and no more.

use std::collections::HashMap;
use std::sync::LazyLock;

use sqlx::Row;

use crate::store::StoreError;
use crate::store::accounts::Account;
use crate::store::accounts::Cursor;
use crate::store::accounts::Field;
use crate::store::accounts::Page;
use crate::store::accounts::Search;
use crate::store::accounts::folded;
use crate::store::sql::Database;
use crate::store::sql::accounts::SqlAccounts;
use crate::store::sql::accounts::place;
use crate::store::sql::accounts::place::Range;
use crate::store::sql::accounts::row::read_account;

const NAMES: &str = "select name_place, id from vestibule_users where name_place > $1 and name_place < $2 order by name_place limit $3";
const LOCAL_NAMES: &str = "select local_place, id from vestibule_users where local_place > $1 and local_place < $2 order by local_place limit $3";
const EMAILS: &str = "select email_place, id from vestibule_users where email_place > $1 and email_place < $2 order by email_place limit $3";
/// Of a user's subjects that are found, only the first in their order.
const SUBJECTS: &str = "select l.subject_place, l.user_id from vestibule_logins l where l.subject_place > $1 and l.subject_place < $2 and not exists (select 1 from vestibule_logins o where o.user_id = l.user_id and o.subject_place > $3 and o.subject_place < l.subject_place) order by l.subject_place limit $4";

/// Accounts that one statement reads.
const CHUNK: usize = 50;

/// Accounts of a page, at most.
const LONGEST_PAGE: usize = 1_000;

/// Places that one statement reads when the first few did not fill a page.
const BATCH: usize = 500;

/// Statements that look for places before a page ends short.
const BATCHES: usize = 6;

static ACCOUNTS: LazyLock<String> = LazyLock::new(|| {
    let parameters: Vec<String> = (1..=CHUNK).map(|number| format!("${number}")).collect();
    let parameters = parameters.join(", ");
    format!(
        "select id, name, content, created_at, version from vestibule_users where id in ({parameters})"
    )
});

/// A place in a field's order, and the id of the user who stands there.
#[derive(PartialEq, Eq)]
struct Place {
    place: String,
    id: String,
}

/// What is looked for.
struct Wanted {
    text: String,
    /// As much of it as a place can hold.
    prefix: String,
    range: Range,
}

impl SqlAccounts {
    /// See [`crate::store::accounts::Accounts::search`].
    pub(in crate::store) async fn search(&self, search: &Search) -> Result<Page, StoreError> {
        Database::timed(self.page(search)).await
    }

    async fn page(&self, search: &Search) -> Result<Page, sqlx::Error> {
        let wanted = Wanted::of(&search.text);
        let limit = search.limit.clamp(1, LONGEST_PAGE);
        let start = || Cursor { field: Field::Name, value: String::new(), name: String::new() };
        let mut at = search.after.clone().unwrap_or_else(start);
        let mut found: Vec<(Cursor, Account)> = Vec::new();
        let mut size = limit + 1;
        for _ in 0..BATCHES {
            let places = self.places(&at, &wanted, size).await?;
            let next = wanted.after(&at, &places, size);
            let new = wanted.not_found_before(at.field, places);
            self.add_accounts(&mut found, (at.field, &new), &wanted, limit).await?;
            if found.len() > limit {
                found.truncate(limit);
                let next = found.last().map(|(cursor, _)| cursor.clone());
                return Ok(page_of(found, next));
            }
            let Some(next) = next else { return Ok(page_of(found, None)) };
            // A page is mostly filled by the first places of a field.
            size = if next.field == at.field { BATCH } else { limit + 1 };
            at = next;
        }
        Ok(page_of(found, Some(at)))
    }

    async fn places(
        &self,
        at: &Cursor,
        wanted: &Wanted,
        size: usize,
    ) -> Result<Vec<Place>, sqlx::Error> {
        let after = place::place_of(at).max(wanted.range.after.clone());
        let range = |statement| {
            self.database.query(statement).bind(after).bind(wanted.range.before.clone())
        };
        let query = match at.field {
            Field::Name => range(NAMES),
            Field::LocalName => range(LOCAL_NAMES),
            Field::Email => range(EMAILS),
            Field::Subject => range(SUBJECTS).bind(wanted.range.after.clone()),
        };
        let query = query.bind(i64::try_from(size).unwrap_or(i64::MAX));
        let rows = query.fetch_all(&self.database.reader).await?;
        let read = rows.iter().map(|row| Ok(Place { place: row.try_get(0)?, id: row.try_get(1)? }));
        read.collect()
    }

    /// Adds the accounts of `places` until `found` is longer than `limit`.
    async fn add_accounts(
        &self,
        found: &mut Vec<(Cursor, Account)>,
        (field, places): (Field, &[Place]),
        wanted: &Wanted,
        limit: usize,
    ) -> Result<(), sqlx::Error> {
        for places in places.chunks(CHUNK) {
            let mut accounts = self.accounts(places).await?;
            let accounts = places.iter().filter_map(|Place { place, id }| {
                let account = accounts.remove(id)?;
                let cursor = place::cursor(field, place);
                wanted.is_found_in(field, &account).then_some((cursor, account))
            });
            found.extend(accounts);
            if found.len() > limit {
                return Ok(());
            }
        }
        Ok(())
    }

    async fn accounts(&self, places: &[Place]) -> Result<HashMap<String, Account>, sqlx::Error> {
        let ids = places.iter().map(|place| place.id.as_str()).chain(std::iter::repeat(""));
        let query = self.database.query(ACCOUNTS.as_str());
        let query = ids.take(CHUNK).fold(query, |query, id| query.bind(id.to_owned()));
        let rows = query.fetch_all(&self.database.reader).await?;
        rows.iter().map(read_account).collect()
    }
}

impl Wanted {
    fn of(text: &str) -> Self {
        let text = folded(text);
        let prefix = place::prefix(&text);
        Self { range: Range::beginning_with(&prefix), prefix, text }
    }

    /// Where to look after `places`, which were asked for from `at`; `None` at the end.
    fn after(&self, at: &Cursor, places: &[Place], size: usize) -> Option<Cursor> {
        if let Some(last) = places.last()
            && places.len() >= size
        {
            return Some(place::cursor(at.field, &last.place));
        }
        // Everybody has a name that begins with nothing.
        let mut later = Field::ALL.into_iter().filter(|field| *field > at.field);
        let field = later.next().filter(|_| !self.text.is_empty())?;
        Some(Cursor { field, value: String::new(), name: String::new() })
    }

    /// Without those whose name alone tells that an earlier field has found them.
    fn not_found_before(&self, field: Field, mut places: Vec<Place>) -> Vec<Place> {
        // One subject at two providers stands in two rows.
        places.dedup();
        if field == Field::Name || self.prefix != self.text {
            return places;
        }
        places.retain(|Place { place, .. }| {
            let name = place::cursor(field, place).name;
            let local = name.split_once('\\').map_or(name.as_str(), |(_, local)| local);
            let by_local = field != Field::LocalName && local.starts_with(&self.text);
            !by_local && !name.starts_with(&self.text)
        });
        places
    }

    /// Whether this is the first field in which the account is found.
    fn is_found_in(&self, field: Field, account: &Account) -> bool {
        let fits = |field: Field| field.of(account).is_some_and(|v| v.starts_with(&self.text));
        let first = Field::ALL.into_iter().find(|field| fits(*field));
        first.unwrap_or(Field::Subject) == field
    }
}

fn page_of(found: Vec<(Cursor, Account)>, next: Option<Cursor>) -> Page {
    Page { accounts: found.into_iter().map(|(_, account)| account).collect(), next }
}
