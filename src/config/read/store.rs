//! `<users store="…">` → [`StoreAddress`]. What is written there may hold a password: no fault
//! repeats it.

use std::path::Path;
use std::path::PathBuf;

use url::Url;

use crate::config::model::DatabaseUrl;
use crate::config::model::StoreAddress;
use crate::config::read::ours::Ours;
use crate::config::read::report::Report;
use crate::config::read::sql_server;
use crate::config::read::values;
use crate::crypto::secret::Secret;

/// Where things are kept; without a word about it in an SQLite file in the directory `data`.
pub(crate) fn address(users: Option<Ours<'_>>, data: &Path, report: &mut Report) -> StoreAddress {
    let unsaid = || StoreAddress::Sqlite(data.join("vestibule.db"));
    let Some(users) = users else { return unsaid() };
    let Some(text) = users.text("store").filter(|text| !text.is_empty()) else { return unsaid() };
    if values::unresolved(text).is_some() {
        return unsaid();
    }
    match parse(text) {
        Ok(address) => address,
        // Its owner means another program's store, and has none of this one's: it begins where that
        // of everybody else does who said nothing.
        Err(SQL_SERVER) => {
            report.disable(users.origin_of("store"), SQL_SERVER, sql_server::IN_GATEWAY);
            unsaid()
        }
        Err(what) => {
            report.fault(users.origin_of("store"), what, INSTEAD);
            unsaid()
        }
    }
}

const INSTEAD: &str = "write sqlite:data/vestibule.db, memory, postgres://user:password@host/database or mysql://user:password@host/database";

/// Reads the address of a store on the command line.
///
/// # Errors
///
/// What is wrong with it and what to write, without repeating what may hold a password.
pub fn typed(text: &str) -> Result<StoreAddress, String> {
    parse(text).map_err(|what| match what {
        SQL_SERVER => what.to_owned(),
        _ => format!("{what}; {INSTEAD}"),
    })
}

/// Reads the address of a store, as `<users store="…">` says it.
///
/// # Errors
///
/// What is wrong with it, without repeating what may hold a password.
fn parse(text: &str) -> Result<StoreAddress, &'static str> {
    if text == "memory" {
        return Ok(StoreAddress::Memory);
    }
    match text.split_once(':') {
        Some(("sqlite", path)) => file(path).map(StoreAddress::Sqlite),
        Some(("postgres" | "postgresql", _)) => database(text).map(StoreAddress::Postgres),
        Some(("mysql" | "mariadb", _)) => database(text).map(StoreAddress::MySql),
        Some(_) | None if sql_server::is_address(text) => Err(SQL_SERVER),
        Some(_) | None => Err("the users' store cannot be read"),
    }
}

const SQL_SERVER: &str =
    "the users' store is a connection string of SQL Server, which is not spoken here";

/// `sqlite:path`, also with the two slashes of `sqlite://path`.
fn file(path: &str) -> Result<PathBuf, &'static str> {
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() || path.ends_with('/') {
        return Err("the users' store names no file");
    }
    if path == ":memory:" {
        return Err("an SQLite database in memory is not shared by its connections");
    }
    // What other programs of the same library are told: to make the file, as is done anyway.
    let path = path.strip_suffix("?mode=rwc").unwrap_or(path);
    if path.contains(['?', '#']) {
        return Err("the users' store has parameters, and an SQLite file takes none");
    }
    Ok(PathBuf::from(path))
}

fn database(text: &str) -> Result<DatabaseUrl, &'static str> {
    let url = Url::parse(text).map_err(|_| "the users' store is no address")?;
    let host = url.host_str().filter(|host| !host.is_empty());
    let host = host.ok_or("the users' store names no host")?;
    if url.path().trim_matches('/').is_empty() {
        return Err("the users' store names no database");
    }
    let user =
        if url.username().is_empty() { String::new() } else { format!("{}@", url.username()) };
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let shown = format!("{}://{user}{host}{port}{}", url.scheme(), url.path());
    Ok(DatabaseUrl { url: Secret::new(text), shown })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_store_is_known_by_its_address() {
        let file = |path: &str| Ok(StoreAddress::Sqlite(PathBuf::from(path)));
        assert_eq!(parse("memory"), Ok(StoreAddress::Memory));
        assert_eq!(parse("sqlite:data/vestibule.db"), file("data/vestibule.db"));
        assert_eq!(parse("sqlite://data/vestibule.db"), file("data/vestibule.db"));
        assert_eq!(parse("sqlite:///var/lib/v.db"), file("/var/lib/v.db"));
        assert_eq!(parse("sqlite:/var/lib/v 1.db"), file("/var/lib/v 1.db"));
        assert_eq!(parse("sqlite://v.db?mode=rwc"), file("v.db"));
        for (text, shown) in [
            ("postgres://v:S3CRET@db:5433/v", "postgres://v@db:5433/v"),
            ("postgresql://db/v", "postgresql://db/v"),
            ("mysql://v:S3CRET@db/v?ssl-mode=REQUIRED", "mysql://v@db/v"),
            ("mariadb://v@[::1]/v", "mariadb://v@[::1]/v"),
        ] {
            let address = parse(text).unwrap();
            assert_eq!(address.to_string(), shown);
            assert!(!format!("{address:?}").contains("S3CRET"));
        }
    }

    #[test]
    fn what_is_no_store_is_refused_without_being_repeated() {
        for wrong in [
            "",
            "Memory",
            "none",
            "sqlite:",
            "sqlite::memory:",
            "sqlite:data/",
            "sqlite:a.db?mode=ro",
            "data/vestibule.db",
            "postgres://v:S3CRET@db",
            "postgres:///v",
            "mysql:",
            "redis://:S3CRET@host/0",
        ] {
            assert!(!parse(wrong).unwrap_err().contains("S3CRET"), "{wrong}");
        }
        for sql_server in [
            "Data Source=sql;Initial Catalog=Sitecore.Core;User ID=sa;Password=S3CRET",
            "Server=tcp:sql,1433;Database=core",
            "jdbc:sqlserver://sql:1433;databaseName=core",
        ] {
            assert_eq!(parse(sql_server), Err(SQL_SERVER));
        }
    }
}
