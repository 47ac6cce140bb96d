//! Looking for users: every database finds what memory finds, page by page.

use proptest::prelude::*;
use proptest::test_runner::Config;
use proptest::test_runner::TestCaseError;
use proptest::test_runner::TestRunner;
use vestibule::store::accounts::Account;
use vestibule::store::accounts::Accounts;
use vestibule::store::accounts::Cursor;
use vestibule::store::accounts::ExternalLogin;
use vestibule::store::accounts::Search;

use crate::stores::TwoAccounts;
use crate::stores::accounts;
use crate::stores::handle;
use crate::stores::login;
use crate::stores::user;

/// The names of everybody that is found, in their order; the cursors travel as text.
async fn names(accounts: &Accounts, text: &str, limit: usize) -> Vec<String> {
    let mut names = Vec::new();
    let mut after = None;
    for _ in 0..200 {
        let search = Search { text: text.to_owned(), after, limit };
        let page = accounts.search(&search).await.unwrap();
        assert!(page.accounts.len() <= limit, "{text}");
        names.extend(page.accounts.into_iter().map(|account| account.name));
        let Some(next) = page.next else { return names };
        after = Some(Cursor::read(&next.write()).unwrap());
    }
    panic!("a search does not end: {text}");
}

async fn add(store: &TwoAccounts, account: &Account, logins: &[ExternalLogin]) {
    store.here.add(account, None, false).await.unwrap();
    for login in logins {
        store.here.link(&account.name, login).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_found_by_the_beginnings_of_name_address_and_subject() {
    for store in accounts().await {
        let tag = handle();
        let jane = format!("Sitecore\\{tag}Jane");
        let (joe, sue, bot) =
            (format!("sitecore{tag}\\joe"), format!("x{tag}\\sue"), "b".to_owned() + &tag);
        add(&store, &user(&jane, &format!("zz{tag}@example.test")), &[]).await;
        add(&store, &user(&joe, &format!("{tag}.joe@example.test")), &[]).await;
        let subjects = [login("Okta", &format!("{tag}|2")), login("Auth0", &format!("{tag}|1"))];
        add(&store, &user(&sue, ""), &subjects).await;
        add(&store, &user(&bot, ""), &[]).await;
        let found = |text: String| {
            let store = &store;
            async move { names(&store.there, &text, 10).await }
        };
        let name = store.name;
        assert_eq!(found(format!("sitecore\\{tag}j")).await, [jane.as_str()], "{name}");
        assert_eq!(found(format!(" {}JANE", tag.to_uppercase())).await, [jane.as_str()], "{name}");
        assert_eq!(found(format!("ZZ{tag}@")).await, [jane.as_str()], "{name}");
        assert_eq!(found(format!("b{tag}")).await, [bot.as_str()], "{name}");
        let all = [jane.as_str(), &joe, &sue];
        assert_eq!(found(tag.clone()).await, all, "{name}: by name, by address, by subject");
        assert_eq!(names(&store.there, &tag, 1).await, all, "{name}");
        assert!(found(format!("{tag}%")).await.is_empty(), "{name}");
        assert!(found(format!("_{}", &tag[1..])).await.is_empty(), "{name}");
        assert!(found(format!("{tag}\u{0}' or 1=1 --")).await.is_empty(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_ends_among_equal_values_goes_on_there() {
    for store in accounts().await {
        let tag = handle();
        for number in 0..7 {
            let account = user(&format!("d{number}\\{tag}"), &format!("{tag}@example.test"));
            add(&store, &account, &[]).await;
        }
        let expected: Vec<String> = (0..7).map(|number| format!("d{number}\\{tag}")).collect();
        for limit in [1, 2, 3, 7, 8] {
            assert_eq!(names(&store.there, &tag, limit).await, expected, "{}", store.name);
            let by_email = names(&store.there, &format!("{tag}@"), limit).await;
            assert_eq!(by_email, expected, "{}", store.name);
        }
        let last = store.there.search(&Search { text: tag, after: None, limit: 7 }).await.unwrap();
        assert_eq!(last.next, None, "{}: there is no empty page at the end", store.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_of_ones_own_making_does_no_harm() {
    for store in accounts().await {
        let tag = handle();
        add(&store, &user(&format!("own\\{tag}"), ""), &[]).await;
        for written in ["n0:", "l3:\u{0}\u{1}\u{2}x", "e2:'\\", "s5:%_?$1", "l4:🦊own\\x"] {
            let after = Cursor::read(written);
            assert!(after.is_some(), "{written:?}");
            let search = Search { text: tag.clone(), after, limit: 5 };
            let page = store.there.search(&search).await.unwrap();
            assert!(page.accounts.len() <= 1 && page.next.is_none(), "{}", store.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn values_longer_than_a_column_are_kept_and_found() {
    for store in accounts().await {
        let tag = handle();
        let long = |end: &str| format!("{tag}{}{end}", "é".repeat(400));
        let (one, two) = (long("one"), long("two"));
        for name in [&one, &two] {
            let account = user(&format!("a\\{name}"), &format!("{name}@example.test"));
            let subject = format!("s{name}");
            add(&store, &account, &[login("Okta", &subject)]).await;
            let found = store.there.find(&account.name).await.unwrap();
            assert_eq!(found, Some(account), "{}", store.name);
            assert_eq!(
                store.there.of_email(&format!("{name}@example.test")).await.unwrap().len(),
                1
            );
            assert!(store.there.of_login("Okta", &subject).await.unwrap().is_some());
        }
        assert_eq!(names(&store.there, &tag, 1).await.len(), 2, "{}", store.name);
        assert_eq!(names(&store.there, &one, 1).await, [format!("a\\{one}")], "{}", store.name);
    }
}

/// Somebody of a property's making.
#[derive(Clone, Debug)]
struct Person {
    domain: String,
    local: String,
    email: String,
    subjects: Vec<String>,
}

fn person() -> impl Strategy<Value = Person> {
    let letters = "[abé@. \\\\-]{0,3}";
    let subjects = proptest::collection::vec(letters, 0..3);
    let person = |(domain, local, email, subjects)| Person { domain, local, email, subjects };
    (letters, letters, letters, subjects).prop_map(person)
}

/// The people of a case; their values begin with `tag`, since the databases are shared.
async fn add_people(accounts: &Accounts, tag: &str, people: &[Person]) {
    for Person { domain, local, email, subjects } in people {
        let account = user(&format!("{tag}{domain}\\{tag}{local}"), &format!("{tag}{email}"));
        accounts.add(&account, None, false).await.unwrap();
        for (number, subject) in subjects.iter().enumerate() {
            let provider = ["Okta", "Auth0"][number % 2];
            let login = login(provider, &format!("{tag}{subject}"));
            accounts.link(&account.name, &login).await.unwrap();
        }
    }
}

async fn agree(
    stores: &[TwoAccounts],
    people: &[Person],
    searches: &[(String, usize)],
) -> Result<(), TestCaseError> {
    let (tag, memory) = (handle(), Accounts::in_memory());
    add_people(&memory, &tag, people).await;
    for store in stores.iter().skip(1) {
        add_people(&store.here, &tag, people).await;
        for (text, limit) in searches {
            for text in [format!("{tag}{text}"), format!("{tag}{text}\\{tag}")] {
                let expected = names(&memory, &text, *limit).await;
                let found = names(&store.there, &text, *limit).await;
                prop_assert_eq!(found, expected, "{}: {:?} {}", store.name, text, limit);
            }
        }
    }
    Ok(())
}

#[test]
fn every_database_finds_what_memory_finds() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let stores = runtime.block_on(accounts());
    let people = proptest::collection::vec(person(), 1..12);
    let searches = proptest::collection::vec(("[abé@. -]{0,2}", 1..5_usize), 1..5);
    let config = Config { cases: 24, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&(people, searches), |(people, searches)| {
            runtime.block_on(agree(&stores, &people, &searches))
        })
        .unwrap();
}
