//! What every store of accounts does alike.

use std::sync::Arc;

use tokio::task::JoinSet;
use vestibule::clock::Timestamp;
use vestibule::crypto::secret::Secret;
use vestibule::store::accounts::Account;
use vestibule::store::accounts::Added;
use vestibule::store::accounts::ExternalLogin;
use vestibule::store::accounts::GivenRole;
use vestibule::store::accounts::Linked;
use vestibule::store::accounts::Saved;
use vestibule::store::accounts::SignIn;

use crate::stores::NOW;
use crate::stores::accounts;
use crate::stores::handle;
use crate::stores::login;
use crate::stores::user;

/// An account with something in every field.
fn full(name: &str) -> Account {
    let mut account = user(name, "Jane.Doe@Example.test");
    account.set_property("FullName", "Jané \u{0} \"Doe\" $1 ? 'x' \\ 🦊");
    account.roles = vec!["sitecore\\Author".to_owned()];
    account.administrator = true;
    account.password_hash = Some(Secret::new("membership:SHA1:c2FsdA==:aGFzaA=="));
    account.disabled = true;
    account.locked = true;
    let given = GivenRole { role: "sitecore\\Editor".to_owned(), by: "t (a:1)".to_owned() };
    let (provider, site) = ("Okta".to_owned(), "shell".to_owned());
    account.last_sign_in = Some(SignIn { at: NOW, provider, site, roles: vec![given] });
    account.note(NOW, "created", "sitecore\\admin");
    account.end_sessions(NOW, vec!["a session".to_owned()]);
    account
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_added_here_is_found_whole_there_in_any_case() {
    for store in accounts().await {
        let name = format!("Sitecore\\Jane {}", handle());
        let account = full(&name);
        assert_eq!(store.here.add(&account, None, true).await.unwrap(), Added::Done);
        for spelled in [&name, &name.to_uppercase(), &format!(" {name} ")] {
            let found = store.there.find(spelled).await.unwrap();
            assert_eq!(found.as_ref(), Some(&account), "{}", store.name);
        }
        let stranger = store.there.find(&format!("{name}x")).await.unwrap();
        assert_eq!(stranger, None, "{}", store.name);
        assert!(store.there.remove(&name.to_lowercase()).await.unwrap(), "{}", store.name);
        assert!(!store.here.remove(&name).await.unwrap(), "{}", store.name);
        assert_eq!(store.here.find(&name).await.unwrap(), None, "{}", store.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn marks_tell_who_has_changed_and_who_is_gone() {
    for store in accounts().await {
        let tag = handle();
        let names: Vec<String> = (0..120).map(|number| format!("marks\\{tag}{number}")).collect();
        for name in [&names[0], &names[110]] {
            store.here.add(&user(name, ""), None, false).await.unwrap();
        }
        let mut last = store.here.find(&names[110]).await.unwrap().unwrap();
        last.disabled = true;
        assert_eq!(store.here.save(&last, false).await.unwrap(), Saved::Done(1));
        let upper: Vec<String> = names.iter().map(|name| name.to_uppercase()).collect();
        let marks = store.there.marks(&upper).await.unwrap();
        let known: Vec<(usize, i64, i64)> = marks
            .iter()
            .enumerate()
            .filter_map(|(place, mark)| Some((place, mark.as_ref()?)))
            .map(|(place, mark)| (place, mark.version, mark.created_at.0))
            .collect();
        assert_eq!(known, [(0, 0, last.created_at.0), (110, 1, last.created_at.0)]);
        assert_eq!(marks.len(), 120, "{}", store.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_or_an_address_that_is_taken_in_another_case_is_taken() {
    for store in accounts().await {
        let tag = handle();
        let (jane, email) = (format!("a\\{tag}"), format!("{tag}@example.test"));
        let add = async |name: &str, email: &str, unique: bool| {
            store.here.add(&user(name, email), None, unique).await.unwrap()
        };
        assert_eq!(add(&jane, &email, true).await, Added::Done, "{}", store.name);
        assert_eq!(add(&jane.to_uppercase(), "", true).await, Added::NameTaken, "{}", store.name);
        let other = format!("b\\{tag}");
        let upper = email.to_uppercase();
        assert_eq!(add(&other, &upper, true).await, Added::EmailTaken, "{}", store.name);
        assert_eq!(store.there.find(&other).await.unwrap(), None, "{}", store.name);
        assert_eq!(add(&other, &upper, false).await, Added::Done, "{}", store.name);
        // Those from before addresses had to be unique count too.
        let third = format!("c\\{tag}");
        assert_eq!(add(&third, &email, true).await, Added::EmailTaken, "{}", store.name);
        store.here.remove(&jane).await.unwrap();
        assert_eq!(add(&third, &email, true).await, Added::EmailTaken, "{}", store.name);
        let found = store.there.of_email(&email).await.unwrap();
        assert_eq!(found, [user(&other, &upper)], "{}", store.name);
        store.here.remove(&other).await.unwrap();
        assert_eq!(add(&third, &email, true).await, Added::Done, "{}", store.name);
        // No address is nobody's.
        for name in ["d", "e"] {
            assert_eq!(add(&format!("{name}\\{tag}"), "", true).await, Added::Done);
        }
        assert_eq!(store.there.of_email("").await.unwrap(), [], "{}", store.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn m292_of_sixteen_who_take_one_name_at_once_one_has_it() {
    for store in accounts().await {
        let name: Arc<str> = format!("race\\{}", handle()).into();
        let mut callers = JoinSet::new();
        for number in 0..16 {
            let accounts = Arc::clone(if number % 2 == 0 { &store.here } else { &store.there });
            let subject = format!("{name} {number}");
            // Spelled in two ways, with an address and an identity of each one's own.
            let name = if number % 3 == 0 { name.to_uppercase() } else { name.to_string() };
            let account = user(&name, &format!("{}@example.test", handle()));
            callers.spawn(async move {
                let login = login("Okta", &subject);
                (subject, accounts.add(&account, Some(&login), true).await.unwrap())
            });
        }
        let outcomes = callers.join_all().await;
        let done: Vec<&String> =
            outcomes.iter().filter(|(_, o)| *o == Added::Done).map(|(s, _)| s).collect();
        assert_eq!(done.len(), 1, "{}: {outcomes:?}", store.name);
        let taken = outcomes.iter().filter(|(_, outcome)| *outcome == Added::NameTaken).count();
        assert_eq!(taken, 15, "{}: {outcomes:?}", store.name);
        for (subject, outcome) in &outcomes {
            let found = store.there.of_login("Okta", subject).await.unwrap();
            assert_eq!(found.is_some(), *outcome == Added::Done, "{}: {subject}", store.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_sixteen_who_take_one_address_at_once_one_has_it() {
    for store in accounts().await {
        let tag = handle();
        let email = format!("{tag}@example.test");
        let mut callers = JoinSet::new();
        for number in 0..16 {
            let accounts = Arc::clone(if number % 2 == 0 { &store.here } else { &store.there });
            let account = user(&format!("race\\{tag}{number}"), &email);
            callers.spawn(async move { accounts.add(&account, None, true).await.unwrap() });
        }
        let outcomes = callers.join_all().await;
        let count = |wanted| outcomes.iter().filter(|outcome| **outcome == wanted).count();
        let counts = (count(Added::Done), count(Added::EmailTaken));
        assert_eq!(counts, (1, 15), "{}: {outcomes:?}", store.name);
        assert_eq!(store.there.of_email(&email).await.unwrap().len(), 1, "{}", store.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_sixteen_who_save_what_they_read_one_does() {
    for store in accounts().await {
        let name = format!("save\\{}", handle());
        store.here.add(&user(&name, ""), None, true).await.unwrap();
        let seen = store.there.find(&name).await.unwrap().unwrap();
        let mut callers = JoinSet::new();
        for number in 0..16 {
            let accounts = Arc::clone(if number % 2 == 0 { &store.here } else { &store.there });
            let mut account = seen.clone();
            account.set_property("Comment", &number.to_string());
            callers.spawn(async move {
                let saved = accounts.save(&account, number % 4 == 0).await.unwrap();
                (number.to_string(), saved)
            });
        }
        let outcomes = callers.join_all().await;
        let done: Vec<_> = outcomes.iter().filter(|(_, o)| *o == Saved::Done(1)).collect();
        let changed = outcomes.iter().filter(|(_, o)| *o == Saved::Changed).count();
        assert_eq!((done.len(), changed), (1, 15), "{}: {outcomes:?}", store.name);
        let found = store.there.find(&name).await.unwrap().unwrap();
        assert_eq!(found.property("Comment"), Some(done[0].0.as_str()), "{}", store.name);
        assert_eq!(found.version, 1, "{}", store.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_saved_keeps_its_name_and_asks_for_its_address() {
    for store in accounts().await {
        let tag = handle();
        let (name, email) = (format!("Save\\{tag}"), format!("{tag}@example.test"));
        store.here.add(&user(&name, ""), None, true).await.unwrap();
        store.here.add(&user(&format!("other\\{tag}"), &email), None, true).await.unwrap();
        let mut account = full(&name.to_lowercase());
        account.set_property("Email", &email.to_uppercase());
        let saved = store.there.save(&account, true).await.unwrap();
        assert_eq!(saved, Saved::EmailTaken, "{}", store.name);
        let saved = store.there.save(&account, false).await.unwrap();
        assert_eq!(saved, Saved::Done(1), "{}", store.name);
        let found = store.here.find(&name).await.unwrap().unwrap();
        account.name = name.clone();
        assert_eq!(found, Account { version: 1, ..account.clone() }, "{}", store.name);
        assert_eq!(store.here.of_email(&email).await.unwrap().len(), 2, "{}", store.name);
        // What it was is not found by any more.
        account.set_property("Email", "");
        account.version = 1;
        assert_eq!(store.here.save(&account, true).await.unwrap(), Saved::Done(2));
        assert_eq!(store.here.of_email(&email).await.unwrap().len(), 1, "{}", store.name);
        store.here.remove(&name).await.unwrap();
        account.version = 2;
        assert_eq!(store.here.save(&account, true).await.unwrap(), Saved::Changed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn m292_an_identity_is_its_provider_and_its_subject_to_the_byte() {
    for store in accounts().await {
        let tag = handle();
        let subject = format!("{tag}Jane\u{0}🦊 ");
        let (one, two) = (format!("one\\{tag}"), format!("two\\{tag}"));
        let okta = login("Okta", &subject);
        assert_eq!(store.here.add(&user(&one, ""), Some(&okta), true).await.unwrap(), Added::Done);
        let again = store.there.add(&user(&two, ""), Some(&okta), true).await.unwrap();
        assert_eq!(again, Added::LoginTaken, "{}", store.name);
        assert_eq!(store.there.find(&two).await.unwrap(), None, "{}: all or nothing", store.name);
        let found = store.there.of_login("Okta", &subject).await.unwrap();
        assert_eq!(found.unwrap().name, one, "{}", store.name);
        for (provider, other) in [
            ("okta", subject.as_str()),
            ("Auth0", &subject),
            ("Okta", subject.trim()),
            ("Okta", &subject.to_lowercase()),
            ("Okt", &format!("a{subject}")),
            ("", &format!("Okta{subject}")),
        ] {
            let found = store.there.of_login(provider, other).await.unwrap();
            assert_eq!(found, None, "{}: {provider} {other:?}", store.name);
        }
        assert_eq!(store.here.logins(&one).await.unwrap(), [okta], "{}", store.name);
        assert!(store.there.remove(&one).await.unwrap());
        let gone = store.here.of_login("Okta", &subject).await.unwrap();
        assert_eq!(gone, None, "{}", store.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_is_linked_to_one_user_and_unlinked_by_it_alone() {
    for store in accounts().await {
        let tag = handle();
        let (one, two) = (format!("one\\{tag}"), format!("two\\{tag}"));
        for name in [&one, &two] {
            store.here.add(&user(name, ""), None, true).await.unwrap();
        }
        let later = ExternalLogin { linked_at: Timestamp(NOW.0 + 5), ..login("Auth0", &tag) };
        let link =
            async |name: &str, login: &ExternalLogin| store.here.link(name, login).await.unwrap();
        assert_eq!(link(&one, &later).await, Linked::Done, "{}", store.name);
        assert_eq!(link(&one.to_uppercase(), &later).await, Linked::Done, "{}", store.name);
        assert_eq!(link(&two, &later).await, Linked::Taken, "{}", store.name);
        assert_eq!(link(&one, &login("Okta", &tag)).await, Linked::Done, "{}", store.name);
        let nobody = link(&format!("three\\{tag}"), &login("Google", &tag)).await;
        assert_eq!(nobody, Linked::NoSuchUser, "{}", store.name);
        let logins = store.there.logins(&one).await.unwrap();
        assert_eq!(logins, [login("Okta", &tag), later], "{}: the oldest first", store.name);
        assert!(!store.there.unlink(&two, "Auth0", &tag).await.unwrap(), "{}", store.name);
        assert!(store.there.unlink(&one, "Auth0", &tag).await.unwrap(), "{}", store.name);
        assert!(!store.there.unlink(&one, "Auth0", &tag).await.unwrap(), "{}", store.name);
        assert_eq!(store.here.of_login("Auth0", &tag).await.unwrap(), None, "{}", store.name);
        assert_eq!(link(&two, &login("Auth0", &tag)).await, Linked::Done, "{}", store.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_sixteen_users_who_link_one_identity_at_once_one_has_it() {
    for store in accounts().await {
        let tag = handle();
        let mut callers = JoinSet::new();
        for number in 0..16 {
            let accounts = Arc::clone(if number % 2 == 0 { &store.here } else { &store.there });
            let name = format!("link\\{tag}{number}");
            accounts.add(&user(&name, ""), None, true).await.unwrap();
            let login = login("Okta", &tag);
            callers.spawn(async move { accounts.link(&name, &login).await.unwrap() });
        }
        let outcomes = callers.join_all().await;
        let count = |wanted| outcomes.iter().filter(|outcome| **outcome == wanted).count();
        assert_eq!((count(Linked::Done), count(Linked::Taken)), (1, 15), "{}", store.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_that_is_linked_while_its_user_goes_is_not_left_behind() {
    for store in accounts().await {
        let tag = handle();
        for round in 0..20 {
            let (name, subject) = (format!("gone\\{tag}"), format!("{tag}{round}"));
            store.here.add(&user(&name, ""), None, true).await.unwrap();
            let okta = login("Okta", &subject);
            let (linked, removed) =
                tokio::join!(store.here.link(&name, &okta), store.there.remove(&name));
            assert!(removed.unwrap(), "{}", store.name);
            assert_ne!(linked.unwrap(), Linked::Taken, "{}", store.name);
            assert_eq!(store.here.logins(&name).await.unwrap(), [], "{}", store.name);
            let other = format!("next\\{tag}{round}");
            let added = store.here.add(&user(&other, ""), Some(&okta), true).await.unwrap();
            assert_eq!(added, Added::Done, "{}: nothing keeps the identity", store.name);
        }
    }
}
