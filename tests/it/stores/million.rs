//! What searches among very many users cost. Not for every day: `loadtest/users` fills a store and
//! runs this on it.

use std::path::PathBuf;
use std::time::Duration;
use std::time::Instant;

use vestibule::store::accounts::Accounts;
use vestibule::store::accounts::Cursor;
use vestibule::store::accounts::Field;
use vestibule::store::accounts::Search;

use crate::stores::file;
use crate::stores::open_accounts;

/// Searches of each kind.
const TIMES: usize = 200;

/// Users of a page.
const PAGE: usize = 50;

/// Longest time that a page may take on the server.
const GOAL: Duration = Duration::from_millis(100);

async fn page(
    accounts: &Accounts,
    text: &str,
    after: Option<Cursor>,
) -> (Duration, Option<Cursor>) {
    let search = Search { text: text.to_owned(), after, limit: PAGE };
    let began = Instant::now();
    let page = accounts.search(&search).await.unwrap();
    (began.elapsed(), page.next)
}

fn report(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    let (p50, p99) = (at(50), at(99));
    eprintln!("{what:<44} p50 {p50:>10.1?}  p99 {p99:>10.1?}  max {:>10.1?}", at(100));
    assert!(p99 < GOAL, "{what}: {p99:?}");
}

#[tokio::test]
#[ignore = "it needs the store of loadtest/users"]
async fn a_page_of_any_search_takes_less_than_a_tenth_of_a_second() {
    let store = std::env::var_os("VESTIBULE_TEST_USERS").expect("loadtest/users says where");
    let accounts = open_accounts(&file(PathBuf::from(store))).await;
    // As loadtest/users makes them: sitecore\user0000000, First.Last0000000@example.test, subjects
    // sub|0000000 of every fourth, and local names that begin as their domain does for every tenth.
    for (what, text) in [
        ("everybody", ""),
        ("one domain, nearly everybody", "sitecore\\"),
        ("a local name, 1 000 000", "user"),
        ("a local name, 100 000", "user0"),
        ("a local name, 10", "user012345"),
        ("an address, 1 000 000", "first"),
        ("a subject, 250 000", "sub|"),
        ("a subject, one", "sub|0400000"),
        ("nobody", "zzz"),
    ] {
        let mut times = Vec::new();
        for _ in 0..TIMES {
            times.push(page(&accounts, text, None).await.0);
        }
        report(&format!("first page: {what}"), times);
        let (mut times, mut after) = (Vec::new(), None);
        for _ in 0..TIMES {
            let (took, next) = page(&accounts, text, after).await;
            times.push(took);
            after = next;
            if after.is_none() {
                break;
            }
        }
        report(&format!("page after page: {what}"), times);
    }
    for (what, text, field) in [
        ("by name", "sitecore\\", Field::Name),
        ("by local name", "user", Field::LocalName),
        ("by address", "first", Field::Email),
        ("by local names that the name has found", "extranet", Field::LocalName),
    ] {
        let mut times = Vec::new();
        for number in 0..TIMES {
            let number = (number * 4_999) % 1_000_000;
            let value = match field {
                Field::Name => format!("sitecore\\user{number:07}"),
                Field::LocalName if text == "extranet" => format!("extranet{number:07}"),
                Field::LocalName => format!("user{number:07}"),
                Field::Email | Field::Subject => format!("first.last{number:07}@example.test"),
            };
            let name = format!("sitecore\\user{number:07}");
            let name = if field == Field::Name { value.clone() } else { name };
            times.push(page(&accounts, text, Some(Cursor { field, value, name })).await.0);
        }
        report(&format!("deep page: {what}"), times);
    }
}
