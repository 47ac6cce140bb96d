//! What differs between the databases. Everything else is one SQL text, with parameters `$1`, `$2` …
//! each once and in order.

use sqlx::AssertSqlSafe;
use sqlx::SqlSafeStr;
use sqlx::SqlStr;

/// Which SQL a database speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Sqlite,
    Postgres,
    MySql,
}

impl Dialect {
    /// A statement as this database wants it. Names, values and comments must hold no `$`.
    pub(super) fn statement(self, text: &'static str) -> SqlStr {
        match self {
            Self::Sqlite | Self::Postgres => text.into_sql_str(),
            Self::MySql => AssertSqlSafe(with_question_marks(text)).into_sql_str(),
        }
    }

    /// A statement that makes or changes a table. What has an order stands in a column with
    /// `collate bytes`, which is the order of its UTF-8.
    pub(super) fn definition(self, text: &'static str) -> SqlStr {
        let text = match self {
            Self::Sqlite => text.replace(BYTES, " collate binary"),
            Self::Postgres => text.replace(BYTES, " collate \"C\""),
            Self::MySql => definition_for_mysql(text),
        };
        AssertSqlSafe(text).into_sql_str()
    }
}

const BYTES: &str = " collate bytes";

/// `text` ends at 64 KiB there, and what is compared must be compared byte for byte.
fn definition_for_mysql(text: &str) -> String {
    let mut text = text.replace(" text ", " mediumtext ").replace(BYTES, "");
    if text.starts_with("create table") {
        text.push_str(" engine = InnoDB character set utf8mb4 collate utf8mb4_bin");
    }
    text
}

fn with_question_marks(text: &str) -> String {
    let mut parts = text.split('$');
    let mut rewritten = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        rewritten.push('?');
        rewritten.push_str(part.trim_start_matches(|c: char| c.is_ascii_digit()));
    }
    rewritten
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_become_question_marks_for_mysql_alone() {
        let text = "update t set a = $1, b = $2 where c < $10";
        assert_eq!(Dialect::Postgres.statement(text).as_str(), text);
        assert_eq!(
            Dialect::MySql.statement(text).as_str(),
            "update t set a = ?, b = ? where c < ?"
        );
    }

    #[test]
    fn mysql_compares_bytes_and_keeps_long_texts() {
        let made = Dialect::MySql.definition("create table t (a text not null)");
        let expected = "create table t (a mediumtext not null) engine = InnoDB character set utf8mb4 collate utf8mb4_bin";
        assert_eq!(made.as_str(), expected);
    }

    #[test]
    fn an_order_is_that_of_bytes() {
        let definition = "create table t (a varchar(9) collate bytes not null)";
        let made = |dialect: Dialect| dialect.definition(definition);
        assert!(made(Dialect::Postgres).as_str().contains("varchar(9) collate \"C\" not null"));
        assert!(made(Dialect::Sqlite).as_str().contains("varchar(9) collate binary not null"));
        assert!(made(Dialect::MySql).as_str().contains("(a varchar(9) not null)"));
    }
}
