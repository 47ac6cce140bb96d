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

    /// A statement that makes or changes a table.
    pub(super) fn definition(self, text: &'static str) -> SqlStr {
        let Self::MySql = self else { return text.into_sql_str() };
        // `text` ends at 64 KiB there, and what is compared must be compared byte for byte.
        let mut text = text.replace(" text ", " mediumtext ");
        if text.starts_with("create table") {
            text.push_str(" engine = InnoDB character set utf8mb4 collate utf8mb4_bin");
        }
        AssertSqlSafe(text).into_sql_str()
    }
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
}
