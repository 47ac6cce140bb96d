//! Whose an identity is that somebody signs in with who is signed in already, or whose address a
//! provider vouches for.

use serde_json::Value;
use serde_json::json;
use vestibule::store::accounts::Account;

use crate::persistent::account;
use crate::persistent::accounts;
use crate::persistent::change;
use crate::persistent::deliberately;
use crate::persistent::keeping;
use crate::persistent::keeping_at;
use crate::persistent::name;
use crate::persistent::sign_in;
use crate::persistent::start;
use crate::support::browser::Browser;
use crate::support::provider;
use crate::support::wire::Answer;
use crate::support::world::SESSION;
use crate::support::world::World;

const ASK: &str = "set:linking=\"ask\"";

/// Jane, who signs in with the provider Okta as somebody else; what she is shown.
async fn jane_beside(world: &World) -> (Browser, Answer) {
    let mut browser = world.jane().await;
    world.idp.person(json!({ "sub": "second", "preferred_username": "second" }));
    let page = sign_in(&mut browser, "Okta").await;
    (browser, page)
}

/// Presses a button of the page that asks.
async fn answer(browser: &mut Browser, page: &Answer, answer: &str) -> Answer {
    let page = browser.submit(page, &[("token", &token(page)), ("answer", answer)]).await;
    browser.follow(page).await
}

fn token(page: &Answer) -> String {
    let text = page.text();
    let (_, rest) = text.split_once("name=\"token\" value=\"").expect("a page that asks");
    rest.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn without_the_owner_s_word_a_new_identity_is_a_user_of_its_own() {
    let world = keeping("").await;
    let (browser, page) = jane_beside(&world).await;
    assert_eq!(page.status, 200);
    let second = account(&world, "Okta", "second").await;
    assert_eq!(name(&world, &browser).await, second.name);
    assert_ne!(second.name, account(&world, "Partner", "jane-4711").await.name);
}

#[tokio::test]
async fn an_identity_is_attached_where_the_owner_wants_it() {
    let world = keeping_at("set:linking=\"attach\"", "").await;
    let mut browser = world.jane().await;
    world.idp.person(json!({ "sub": "second", "preferred_username": "second" }));
    deliberately(&mut browser, "Okta").await;
    let jane = account(&world, "Partner", "jane-4711").await;
    assert_eq!(account(&world, "Okta", "second").await, jane);
    assert_eq!(name(&world, &browser).await, jane.name);
    assert_eq!(jane.history.last().unwrap().what, "Okta linked by a sign-in at site shell");
    // From now on it is she wherever it signs in.
    let mut other = world.browser();
    sign_in(&mut other, "Okta").await;
    assert_eq!(name(&world, &other).await, jane.name);
    // An identity that is known already stays whose it is.
    world.idp.person(provider::bob());
    let mut bob = world.browser();
    sign_in(&mut bob, "Partner").await;
    world.idp.person(json!({ "sub": "second" }));
    deliberately(&mut bob, "Okta").await;
    assert_eq!(name(&world, &bob).await, jane.name);
}

#[tokio::test]
async fn a_sign_in_that_another_site_began_attaches_nothing_by_itself() {
    let world = keeping_at("set:linking=\"attach\"", "").await;
    let mut browser = world.jane().await;
    world.idp.person(json!({ "sub": "attacker" }));
    let first = browser.send(browser.navigation("GET", &start("Okta"), "cross-site")).await;
    let page = browser.follow(first).await;
    assert!(page.text().contains("One account or two?"), "{}", page.gist());
    assert!(accounts(&world).of_login("Okta", "attacker").await.unwrap().is_none());
}

#[tokio::test]
async fn who_is_only_virtual_is_nobody_to_attach_to() {
    let virtual_website = r#"<sites><site name="website" set:linking="attach" /></sites>"#;
    let world = keeping_at("set:linking=\"attach\"", virtual_website).await;
    let mut browser = world.browser();
    world.idp.person(provider::jane());
    // `admin` keeps nobody; its session is the shell's too.
    browser.go("/sitecore/admin/").await;
    assert!(browser.cookie(SESSION).is_some());
    world.idp.person(json!({ "sub": "second" }));
    deliberately(&mut browser, "Okta").await;
    let second = account(&world, "Okta", "second").await;
    assert!(second.history[0].what.starts_with("created"), "{:?}", second.history);
}

#[tokio::test]
async fn the_person_says_that_it_is_one_account() {
    let world = keeping_at(ASK, "").await;
    let (mut browser, page) = jane_beside(&world).await;
    assert!(page.text().contains("One account or two?"), "{}", page.gist());
    assert!(page.text().contains("signed in with Okta too"), "{}", page.gist());
    let jane = account(&world, "Partner", "jane-4711").await;
    assert_eq!(name(&world, &browser).await, jane.name, "she is who she was meanwhile");
    assert!(accounts(&world).of_login("Okta", "second").await.unwrap().is_none());
    let landed = answer(&mut browser, &page, "same").await;
    assert_eq!(landed.text(), "GET /sitecore/shell/");
    assert_eq!(name(&world, &browser).await, jane.name);
    assert_eq!(account(&world, "Okta", "second").await.name, jane.name);
}

#[tokio::test]
async fn the_person_says_that_it_is_another_account() {
    let world = keeping_at(ASK, "").await;
    let (mut browser, page) = jane_beside(&world).await;
    answer(&mut browser, &page, "own").await;
    let second = account(&world, "Okta", "second").await;
    assert_eq!(name(&world, &browser).await, second.name);
    assert_ne!(second.name, account(&world, "Partner", "jane-4711").await.name);
}

#[tokio::test]
async fn m302_what_is_asked_is_answered_once_by_the_same_browser_in_time() {
    let world = keeping_at(ASK, "").await;
    let (mut browser, page) = jane_beside(&world).await;
    let fields = [("token", token(&page)), ("answer", "same".to_owned())];
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut stranger = world.browser();
    stranger.go("/sitecore/login?fbc=1").await;
    let post = stranger.navigation("POST", "/identity/continue", "same-origin").form(&fields);
    let refused = stranger.send(post).await;
    assert_eq!((refused.status, stranger.cookie(SESSION)), (400, None), "{}", refused.gist());
    let landed = answer(&mut browser, &page, "same").await;
    assert_eq!(landed.status, 200);
    let again = browser.navigation("POST", "/identity/continue", "same-origin").form(&fields);
    assert_eq!(browser.send(again).await.status, 400, "answered twice");
    assert_eq!(browser.get("/identity/continue").await.status, 405);

    let world = keeping_at(ASK, "").await;
    let (mut browser, page) = jane_beside(&world).await;
    world.later(601);
    let late = answer(&mut browser, &page, "same").await;
    assert_eq!(late.status, 400, "{}", late.gist());
    assert!(accounts(&world).of_login("Okta", "second").await.unwrap().is_none());
}

#[tokio::test]
async fn m302_the_proof_dies_with_the_account_s_change_and_with_the_session() {
    for case in ["unlinked", "changed", "removed", "signed out"] {
        let world = keeping_at(ASK, "").await;
        let (mut browser, page) = jane_beside(&world).await;
        let jane = account(&world, "Partner", "jane-4711").await;
        match case {
            "unlinked" => {
                accounts(&world).unlink(&jane.name, "Partner", "jane-4711").await.unwrap();
            }
            "changed" => change(&world, &jane.name, |jane| jane.locked = true).await,
            "removed" => assert!(accounts(&world).remove(&jane.name).await.unwrap()),
            _ => {
                let id = world.gateway.app.sessions().of_user(&jane.name)[0].id;
                world.gateway.app.sessions().end(&id, vestibule::session::End::SignOut);
            }
        }
        let refused = answer(&mut browser, &page, "same").await;
        assert_eq!(refused.status, 400, "{case}: {}", refused.gist());
        let linked = accounts(&world).of_login("Okta", "second").await.unwrap();
        assert_eq!(linked.map(|account| account.name), None, "{case}");
    }
}

/// Okta gives out the addresses of company.test.
const AUTHORITATIVE: &str = r#"<gateway><connections><connection provider="Okta" set:authoritativeFor="company.test|other.test" /></connections></gateway>"#;

/// Signs somebody in with Okta under these claims; whether it was as the account `name`.
async fn becomes(world: &World, claims: Value, user: &str) -> bool {
    world.idp.person(claims);
    let mut browser = world.browser();
    let page = sign_in(&mut browser, "Okta").await;
    assert_eq!(page.status, 200, "{}", page.gist());
    name(world, &browser).await == user
}

async fn with_eve(more: &str) -> World {
    let world = keeping(more).await;
    let mut eve = Account { name: "sitecore\\eve".to_owned(), ..Account::default() };
    eve.set_property("Email", "eve@company.test");
    eve.give_role("sitecore\\Developer");
    accounts(&world).add(&eve, None, false).await.unwrap();
    world
}

#[tokio::test]
async fn m295_an_address_links_where_its_own_provider_vouches_for_it() {
    let world = with_eve(AUTHORITATIVE).await;
    let email = "Eve@Company.Test";
    for (number, verified) in
        [json!(false), json!("true"), Value::Null, json!(1)].iter().enumerate()
    {
        let sub = format!("spoof-{number}");
        let claims = json!({ "sub": sub, "email": email, "email_verified": verified });
        assert!(!becomes(&world, claims, "sitecore\\eve").await, "{verified}");
    }
    assert!(!becomes(&world, json!({ "sub": "s", "email": email }), "sitecore\\eve").await);
    // All of them have her address now, so nobody can say whose it is.
    let real = json!({ "sub": "real", "email": email, "email_verified": true });
    assert!(!becomes(&world, real.clone(), "sitecore\\eve").await);
    let world = with_eve(AUTHORITATIVE).await;
    assert!(becomes(&world, real, "sitecore\\eve").await);
    let without = json!({ "sub": "real" });
    assert!(becomes(&world, without, "sitecore\\eve").await, "it is the subject that is linked");
}

#[tokio::test]
async fn m295_nobody_else_s_word_on_an_address_is_taken() {
    let world = with_eve("").await;
    let claims = json!({ "sub": "real", "email": "eve@company.test", "email_verified": true });
    assert!(!becomes(&world, claims, "sitecore\\eve").await);
}

#[tokio::test]
async fn m296_an_address_of_another_domain_is_none_of_this_one() {
    let world = with_eve(AUTHORITATIVE).await;
    for (number, email) in [
        "eve@evil.test@company.test",
        "eve@companyXtest",
        "eve@evilcompany.test",
        "\"eve@b\"@company.test",
        "eve@company.test\n",
        "eve@company.test.",
        "eve@\u{441}ompany.test",
    ]
    .into_iter()
    .enumerate()
    {
        let sub = format!("spoof-{number}");
        let claims = json!({ "sub": sub, "email": email, "email_verified": true });
        assert!(!becomes(&world, claims, "sitecore\\eve").await, "{email:?}");
    }
}

#[tokio::test]
async fn m295_an_account_that_somebody_may_have_laid_out_is_not_fallen_into() {
    let world = keeping(AUTHORITATIVE).await;
    // Partner lets people write any address; an attacker has signed in there with Eve's.
    world.signed_in(json!({ "sub": "attacker", "email": "eve@company.test" })).await;
    let laid_out = account(&world, "Partner", "attacker").await;
    let claims = json!({ "sub": "eve", "email": "eve@company.test", "email_verified": true });
    assert!(!becomes(&world, claims, &laid_out.name).await);
}
