//! What an identity has to bring before it becomes one more way to sign in as somebody: a deliberate
//! sign-in, a fresh proof of who is signed in, and an identity that is that user's still.

use serde_json::json;
use vestibule::crypto::secret::Secret;
use vestibule::store::accounts::Account;

use crate::persistent::account;
use crate::persistent::accounts;
use crate::persistent::deliberately;
use crate::persistent::jane_with;
use crate::persistent::keeping;
use crate::persistent::keeping_at;
use crate::persistent::name;
use crate::persistent::sign_in;
use crate::persistent::start;
use crate::persistent::told;
use crate::stores;
use crate::support::browser::Browser;
use crate::support::wire::Answer;
use crate::support::world::World;

const ATTACH: &str = "set:linking=\"attach\"";

/// The claim that becomes the full name.
const NAME: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name";

/// The form of the site's own sign-in page that begins a sign-in with Okta.
const FORM: &str = "/identity/externallogin?authenticationType=Okta&ReturnUrl=%2Fsitecore%2Fshell%2F&sc_site=shell";

fn asks(page: &Answer) -> bool {
    page.text().contains("One account or two?")
}

/// Whether Okta's `subject` signs in as somebody, and as whom.
async fn linked(world: &World, subject: &str) -> Option<String> {
    let found = accounts(world).of_login("Okta", subject).await.unwrap();
    found.map(|account| account.name)
}

async fn answer(browser: &mut Browser, page: &Answer, answer: &str) -> Answer {
    let text = page.text();
    let (_, rest) = text.split_once("name=\"token\" value=\"").expect("a page that asks");
    let token = rest.split('"').next().unwrap();
    let page = browser.submit(page, &[("token", token), ("answer", answer)]).await;
    browser.follow(page).await
}

#[tokio::test]
async fn only_a_form_of_the_site_itself_attaches_without_a_question() {
    let world = keeping_at(ATTACH, "").await;
    let browser = world.jane().await;
    let jane = name(&world, &browser).await;
    world.idp.person(json!({ "sub": "second" }));
    let link = start("Okta");
    for (method, address, site) in [
        ("GET", link.as_str(), "same-origin"),
        ("GET", &link, "same-site"),
        ("GET", &link, "none"),
        ("POST", FORM, "cross-site"),
        ("POST", FORM, "same-site"),
    ] {
        let mut browser = browser.clone();
        let first = browser.send(browser.navigation(method, address, site).form(&[])).await;
        let page = browser.follow(first).await;
        assert!(asks(&page), "{method} {site}: {}", page.gist());
    }
    for (origin, asked) in [("https://evil.test", true), ("null", true), (&*world.url(""), false)] {
        let mut browser = browser.clone();
        let post = browser.bare("POST", FORM).header("Origin", origin).form(&[]);
        let first = browser.send(post).await;
        assert_eq!(asks(&browser.follow(first).await), asked, "{origin}");
    }
    assert_eq!(linked(&world, "second").await, Some(jane));
}

#[tokio::test]
async fn the_page_says_who_the_new_identity_is() {
    let world = keeping_at("set:linking=\"ask\"", "").await;
    let mut browser = world.jane().await;
    let mallory = json!({ "sub": "00u-7", "name": "Mallory <b>", "email": "mallory@evil.test" });
    world.idp.person(mallory);
    let page = sign_in(&mut browser, "Okta").await;
    let text = page.text();
    assert!(text.contains("mallory@evil.test, 00u-7") && text.contains("Mallory &#60;b"), "{text}");
}

#[tokio::test]
async fn an_old_session_proves_too_little() {
    let world = keeping_at(ATTACH, "").await;
    let mut browser = world.jane().await;
    let jane = name(&world, &browser).await;
    world.later(15 * 60);
    world.idp.person(json!({ "sub": "second" }));
    let page = deliberately(&mut browser, "Okta").await;
    assert!(asks(&page), "{}", page.gist());
    let refused = answer(&mut browser, &page, "same").await;
    assert_eq!((refused.status, linked(&world, "second").await), (403, None));
    let text = refused.text();
    assert!(text.contains("too long ago") && text.contains("/Partner?"), "{text}");
    assert!(text.contains("prompt=login"), "{text}");
    world.idp.person(jane_with(&json!({})));
    browser.go("/identity/login/shell/Partner?prompt=login").await;
    world.idp.person(json!({ "sub": "second" }));
    deliberately(&mut browser, "Okta").await;
    assert_eq!(linked(&world, "second").await, Some(jane));
}

#[tokio::test]
async fn an_answer_comes_too_late_for_the_proof() {
    let world = keeping_at("set:linking=\"ask\"", "").await;
    let mut browser = world.jane().await;
    world.idp.person(json!({ "sub": "second" }));
    world.later(14 * 60);
    let page = sign_in(&mut browser, "Okta").await;
    world.later(60);
    let refused = answer(&mut browser, &page, "same").await;
    assert_eq!((refused.status, linked(&world, "second").await), (403, None));
}

#[tokio::test]
async fn two_people_of_one_provider_are_two_users() {
    let world = keeping_at(ATTACH, "").await;
    let mut browser = world.jane().await;
    world.idp.person(json!({ "sub": "second" }));
    deliberately(&mut browser, "Partner").await;
    let second = account(&world, "Partner", "second").await;
    assert_eq!(name(&world, &browser).await, second.name);
    assert_ne!(second.name, account(&world, "Partner", "jane-4711").await.name);
}

#[tokio::test]
async fn an_identity_that_was_unlinked_links_neither_itself_nor_another_one() {
    for linking in [ATTACH, "set:linking=\"ask\""] {
        let world = keeping_at(linking, "").await;
        let mut mallory = world.signed_in(json!({ "sub": "mallory" })).await;
        let jane = name(&world, &mallory).await;
        // The session lives on for a moment where nobody has ended it yet.
        assert!(accounts(&world).unlink(&jane, "Partner", "mallory").await.unwrap());
        assert!(told(&world, &mallory).await.is_some());
        world.idp.person(json!({ "sub": "another" }));
        let page = deliberately(&mut mallory, "Okta").await;
        assert!(!asks(&page), "{}", page.gist());
        assert_ne!(linked(&world, "another").await, Some(jane.clone()));
        assert!(accounts(&world).logins(&jane).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_local_user_s_address_is_moved_by_no_other_identity() {
    for unique in ["", "<gateway><users set:requireUniqueEmail=\"true\" /></gateway>"] {
        let world = keeping(unique).await;
        let mut eve = Account {
            name: "sitecore\\eve".to_owned(),
            password_hash: Some(Secret::new("a hash")),
            ..Account::default()
        };
        eve.set_property("Email", "eve@company.test");
        let login = stores::login("Okta", "eve");
        let login = vestibule::store::accounts::ExternalLogin { issuer: None, ..login };
        accounts(&world).add(&eve, Some(&login), false).await.unwrap();
        let claims = json!({ "sub": "eve", "email": "mallory@evil.test", NAME: "Eve at Okta" });
        world.idp.person(claims);
        let mut browser = world.browser();
        sign_in(&mut browser, "Okta").await;
        assert_eq!(name(&world, &browser).await, eve.name);
        let kept = account(&world, "Okta", "eve").await;
        assert_eq!(kept.email(), Some("eve@company.test"));
        assert_eq!(kept.property("FullName"), Some("Eve at Okta"), "the rest is written");
    }
}

#[tokio::test]
async fn what_is_beyond_all_measure_is_not_kept() {
    let world = keeping("").await;
    world.signed_in(jane_with(&json!({ NAME: "x".repeat(4096) }))).await;
    let kept = account(&world, "Partner", "jane-4711").await;
    assert_eq!(kept.property("FullName").map(str::len), Some(4096));
    world.signed_in(jane_with(&json!({ NAME: "x".repeat(4097) }))).await;
    let kept = account(&world, "Partner", "jane-4711").await;
    assert_eq!((kept.property("FullName"), kept.email()), (None, Some("jane@partner.test")));
}
