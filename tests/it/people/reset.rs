//! A new password by a one-time link.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use vestibule::crypto::password;
use vestibule::crypto::secret::Secret;
use vestibule::store::accounts::Account;
use vestibule::store::accounts::SignIn;

use crate::acceptance::house::House;
use crate::acceptance::house::PASSWORD;
use crate::people::accounts;
use crate::people::add;
use crate::people::beside;
use crate::people::type_in;
use crate::support::browser::Browser;
use crate::support::wire::Answer;

const NEW: &str = "a longer way to say it";

async fn house() -> House {
    let house = House::start().await;
    add(&house, "ann", &password::hash(&Secret::new(PASSWORD)).unwrap()).await;
    house
}

fn link(house: &House) -> String {
    let printed = beside(house, &["user", "reset-link", "ann"], "");
    assert_eq!(printed.code, 0, "{printed:?}");
    let link = printed.out.trim_end().to_owned();
    assert!(link.starts_with(&format!("{}/account/reset?code=", house.issuer())), "{link}");
    link
}

async fn choose(browser: &mut Browser, page: &Answer, new: &str) -> Answer {
    browser.submit(page, &[("newPassword", new), ("repeated", new)]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_sets_a_password_once_and_ends_what_the_old_one_began() {
    let house = house().await;
    let mut before = house.browser();
    assert!(type_in(&house, &mut before, "ann", PASSWORD).await.is_redirect());
    let link = link(&house);
    let mut browser = house.browser();
    for _ in 0..3 {
        assert_eq!(browser.get(&link).await.status, 200, "looking uses nothing up");
    }
    let page = browser.get(&link).await;
    assert!(page.text().contains("sitecore\\ann"), "{}", page.gist());
    assert_eq!(choose(&mut browser, &page, "short").await.status, 400);
    let set = choose(&mut browser, &page, NEW).await;
    assert_eq!(set.status, 200, "{}", set.gist());

    let again = choose(&mut browser, &page, "yet another one").await;
    assert_eq!(again.status, 400);
    assert!(again.text().contains("not good any more"), "{}", again.gist());
    assert_eq!(browser.get(&link).await.status, 400);
    let grants = before.get(&format!("{}/grants", house.issuer())).await;
    assert!(grants.is_redirect(), "the session has ended");
    assert_eq!(type_in(&house, &mut house.browser(), "ann", PASSWORD).await.status, 200);
    assert!(type_in(&house, &mut house.browser(), "ann", NEW).await.is_redirect());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_password_ends_what_a_provider_said_of_the_rights() {
    let house = house().await;
    let accounts = accounts(&house).await;
    let ann = accounts.find("sitecore\\ann").await.unwrap().unwrap();
    let (administrator, last_sign_in) = (true, Some(SignIn::default()));
    let ann = Account { password_hash: None, administrator, last_sign_in, ..ann };
    accounts.save(&ann, false).await.unwrap();
    let link = link(&house);
    let mut browser = house.browser();
    let page = browser.get(&link).await;
    assert_eq!(choose(&mut browser, &page, NEW).await.status, 200);
    let ann = accounts.find("sitecore\\ann").await.unwrap().unwrap();
    assert!(ann.password_hash.is_some() && !ann.administrator);
    let noted = &ann.history.last().unwrap().what;
    assert!(noted.ends_with("; no administrator any more"), "{noted}");

    let again = Account { password_hash: None, administrator, ..ann };
    accounts.save(&again, false).await.unwrap();
    let set = beside(&house, &["user", "password", "ann", "--password-stdin"], "a better one\n");
    assert!(set.out.contains("no administrator any more"), "{set:?}");
    assert!(!accounts.find("sitecore\\ann").await.unwrap().unwrap().administrator);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_posts_of_one_link_one_sets_its_password() {
    let house = house().await;
    let link = link(&house);
    let posts = (0..8).map(|number| {
        let (house, link) = (&house, &link);
        async move {
            let mut browser = house.browser();
            let page = browser.get(link).await;
            let new = format!("{NEW} {number}");
            (choose(&mut browser, &page, &new).await.status, new)
        }
    });
    let ends = futures_util::future::join_all(posts).await;
    let set: Vec<_> = ends.iter().filter(|(status, _)| *status == 200).collect();
    let [(_, new)] = set.as_slice() else { panic!("{ends:?}") };
    assert!(type_in(&house, &mut house.browser(), "ann", new).await.is_redirect());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_dies_after_an_hour_with_the_password_and_with_the_user() {
    let house = house().await;
    let old = link(&house);
    let set = beside(&house, &["user", "password", "ann", "--password-stdin"], "brand new horse\n");
    assert_eq!(set.code, 0, "{set:?}");
    assert_eq!(house.browser().get(&old).await.status, 400, "the password has changed");
    let disabled = link(&house);
    beside(&house, &["user", "disable", "ann"], "");
    assert_eq!(house.browser().get(&disabled).await.status, 400);
    let none = beside(&house, &["user", "reset-link", "ann"], "");
    assert_eq!(none.complaint(), "vestibule: `sitecore\\ann` is disabled");
    beside(&house, &["user", "enable", "ann"], "");
    let late = link(&house);
    house.later(3_605);
    assert_eq!(house.browser().get(&late).await.status, 400);
    for forged in ["", "?code=", "?code=0", &format!("?code={}", "0".repeat(64))] {
        let address = format!("{}/account/reset{forged}", house.issuer());
        assert_eq!(house.browser().get(&address).await.status, 400, "{forged}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_is_sent_a_link_by_the_configured_command_and_every_name_is_answered_alike() {
    let plain = House::start().await;
    let forgot = format!("{}/account/forgot", plain.issuer());
    assert_eq!(plain.browser().get(&forgot).await.status, 404, "nobody sends links there");
    drop(plain);

    let folder = tempfile::tempdir().unwrap();
    let (script, letters) = (folder.path().join("send"), folder.path().join("letters"));
    let text =
        format!("#!/bin/sh\ncat >> {0}\nenv | grep -c HOME >> {0}\nexit 0\n", letters.display());
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let command = format!("<gateway><users set:resetCommand=\"{}\" /></gateway>", script.display());
    let house = House::with("", &command).await;
    add(&house, "ann", &password::hash(&Secret::new(PASSWORD)).unwrap()).await;

    let mut browser = house.browser();
    let login = browser.get(&format!("{}/account/login", house.issuer())).await;
    assert!(login.text().contains("id=\"recovery-link\" href=\"/account/forgot\""));
    let mut pages = Vec::new();
    for name in ["nobody", "jane", "ANN", "ann", "ann", "ann"] {
        let page = browser.get(&format!("{}/account/forgot", house.issuer())).await;
        let answer = browser.submit(&page, &[("username", name)]).await;
        assert_eq!(answer.status, 200);
        pages.push(answer.text().split("id=\"request-id\"").next().unwrap().to_owned());
    }
    assert!(pages.windows(2).all(|two| two[0] == two[1]), "{pages:#?}");

    let mut sent = String::new();
    for _ in 0..100 {
        sent = std::fs::read_to_string(&letters).unwrap_or_default();
        if sent.lines().filter(|line| *line == "0").count() == 3 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let told: Vec<serde_json::Value> = sent
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .filter(|v: &serde_json::Value| v.is_object())
        .collect();
    assert_eq!(told.len(), 3, "one name is sent three links at most: {sent}");
    assert_eq!(told[0]["name"], "sitecore\\ann");
    assert_eq!(told[0]["email"], "ann@example.test");
    let page = browser.get(told[0]["link"].as_str().unwrap()).await;
    assert_eq!(choose(&mut browser, &page, NEW).await.status, 200);
    assert!(type_in(&house, &mut house.browser(), "ann", NEW).await.is_redirect());
    let other = browser.get(told[1]["link"].as_str().unwrap()).await;
    assert_eq!(other.status, 400, "the others die with the password");
}
