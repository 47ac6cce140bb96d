//! How many sessions a user and a site may have, and the page that offers to end the oldest.

use std::sync::Arc;

use sqlx::Connection;
use sqlx::Executor;
use tokio::task::JoinSet;

use crate::acceptance::house::House;
use crate::persistent::account;
use crate::persistent::change;
use crate::persistent::jane_with;
use crate::persistent::keeping;
use crate::persistent::keeping_at;
use crate::persistent::sign_in;
use crate::persistent::told;
use crate::support::browser::Browser;
use crate::support::chain::Chain;
use crate::support::chain::PASSWORD;
use crate::support::provider;
use crate::support::wire::Answer;
use crate::support::world::SESSION;
use crate::support::world::World;

const ONE_EACH: &str = "<gateway><sessions set:perUser=\"1\" /></gateway>";

async fn press(browser: &mut Browser, page: &Answer, answer: &str) -> Answer {
    let text = page.text();
    let (_, rest) = text.split_once("name=\"token\" value=\"").expect("a page that asks");
    let token = rest.split('"').next().unwrap();
    let page = browser.submit(page, &[("token", token), ("answer", answer)]).await;
    browser.follow(page).await
}

/// Jane once more, in another browser.
async fn jane_again(world: &World) -> (Browser, Answer) {
    world.idp.person(provider::jane());
    let mut browser = world.browser();
    let page = sign_in(&mut browser, "Partner").await;
    (browser, page)
}

#[tokio::test]
async fn who_has_as_many_sessions_as_may_be_is_asked_and_may_end_the_oldest() {
    let world = keeping(ONE_EACH).await;
    let first = world.jane().await;
    world.later(60);
    let (mut second, page) = jane_again(&world).await;
    assert_eq!((page.status, second.cookie(SESSION)), (200, None));
    let text = page.text();
    assert!(text.contains("Too many sessions") && text.contains("Partner"), "{text}");
    assert!(told(&world, &first).await.is_some(), "nothing has ended yet");
    let landed = press(&mut second, &page, "take-over").await;
    assert_eq!(landed.text(), "GET /sitecore/shell/");
    assert!(told(&world, &second).await.is_some());
    assert_eq!(told(&world, &first).await, None, "the oldest goes on");
    assert_eq!(world.gateway.metric("vestibule_session_ends_total", &["taken_over"]).await, 1);
}

#[tokio::test]
async fn who_cancels_is_not_let_in_and_ends_nothing() {
    let world = keeping(ONE_EACH).await;
    let first = world.jane().await;
    let (mut second, page) = jane_again(&world).await;
    let refused = press(&mut second, &page, "cancel").await;
    assert_eq!((refused.status, second.cookie(SESSION)), (403, None), "{}", refused.gist());
    assert!(told(&world, &first).await.is_some());
    // In the browser that has the session a sign-in takes its place.
    let mut first = first;
    assert_eq!(sign_in(&mut first, "Partner").await.text(), "GET /sitecore/shell/");
}

#[tokio::test]
async fn a_virtual_user_is_counted_too_and_each_site_may_have_a_limit_of_its_own() {
    let more = r#"<sites><site name="shell" set:sessionsPerUser="1" /></sites>"#;
    let world = World::with(more).await;
    let _first = world.jane().await;
    let (second, page) = jane_again(&world).await;
    assert_eq!(second.cookie(SESSION), None, "{}", page.gist());
    world.idp.person(provider::jane());
    let mut elsewhere = world.browser();
    elsewhere.go("/identity/login/website/Partner").await;
    assert!(elsewhere.cookie(SESSION).is_some(), "the website sets no limit");
    world.signed_in(provider::bob()).await;
}

#[tokio::test]
async fn a_site_that_is_full_offers_the_oldest_of_all() {
    let world = keeping_at("set:sessions=\"2\"", "").await;
    let jane = world.jane().await;
    world.later(60);
    let bob = world.signed_in(provider::bob()).await;
    world.idp.person(jane_with(&serde_json::json!({ "sub": "third" })));
    let mut third = world.browser();
    let page = sign_in(&mut third, "Okta").await;
    assert_eq!(third.cookie(SESSION), None);
    press(&mut third, &page, "take-over").await;
    assert!(told(&world, &third).await.is_some() && told(&world, &bob).await.is_some());
    assert_eq!(told(&world, &jane).await, None);
}

#[tokio::test]
async fn the_answer_counts_for_the_account_as_it_was() {
    let world = keeping(ONE_EACH).await;
    let first = world.jane().await;
    let (mut second, page) = jane_again(&world).await;
    let jane = account(&world, "Partner", "jane-4711").await;
    change(&world, &jane.name, |jane| jane.disabled = true).await;
    let refused = press(&mut second, &page, "take-over").await;
    assert_eq!((refused.status, second.cookie(SESSION)), (400, None), "{}", refused.gist());
    assert!(told(&world, &first).await.is_some(), "the oldest was ended all the same");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_limit_holds_when_many_sign_in_at_once() {
    let limit = "<gateway><sessions set:perUser=\"3\" /></gateway>";
    let world = Arc::new(keeping(limit).await);
    world.idp.person(provider::jane());
    let mut all = JoinSet::new();
    for _ in 0..20 {
        let world = Arc::clone(&world);
        all.spawn(async move {
            let mut browser = world.browser();
            let page = sign_in(&mut browser, "Partner").await;
            assert_eq!(page.status, 200, "{}", page.gist());
        });
    }
    while let Some(done) = all.join_next().await {
        done.unwrap();
    }
    let jane = account(&world, "Partner", "jane-4711").await;
    assert_eq!(world.gateway.app.sessions().of_user(&jane.name).len(), 3);
}

#[tokio::test]
async fn local_sign_ins_are_counted_and_those_at_the_identity_server_apart() {
    let chain = Chain::with(ONE_EACH).await;
    let mut first = chain.browser();
    let landed = chain.sign_in(&mut first, "jane", PASSWORD).await;
    assert_eq!(landed.text(), "GET /sitecore/shell/start", "one at the CMS and one behind it");
    let mut emergency = chain.browser();
    let page = emergency.go("/sitecore/login?fbc=1").await;
    let fields = [("username", "jane"), ("password", PASSWORD)];
    let page = emergency.submit(&page, &fields).await;
    let page = emergency.follow(page).await;
    assert!(page.text().contains("Too many sessions"), "{}", page.gist());
    let landed = press(&mut emergency, &page, "take-over").await;
    assert_eq!(landed.status, 200, "{}", landed.gist());
    assert!(emergency.cookie(SESSION).is_some());
}

#[tokio::test]
async fn a_user_of_the_configuration_takes_over_while_the_store_is_down() {
    let stored = r#"<gateway><users set:store="sqlite:{folder}/kept.db" /></gateway>"#;
    let chain = Chain::with(&format!("{ONE_EACH}{stored}")).await;
    let mut first = chain.browser();
    let mut second = chain.browser();
    for browser in [&mut first, &mut second] {
        let page = browser.go("/sitecore/login?fbc=1").await;
        let file = chain.gateway.folder.path("kept.db");
        let mut store = sqlx::SqliteConnection::connect(&file.display().to_string()).await.unwrap();
        drop(store.execute("alter table vestibule_users rename to elsewhere").await);
        let page = browser.submit(&page, &[("username", "jane"), ("password", PASSWORD)]).await;
        let page = browser.follow(page).await;
        if browser.cookie(SESSION).is_none() {
            assert!(page.text().contains("Too many sessions"), "{}", page.gist());
            press(browser, &page, "take-over").await;
        }
        assert!(browser.cookie(SESSION).is_some());
    }
    assert!(chain.gateway.app.accounts().find("sitecore\\jane").await.is_err(), "it is up");
}

#[tokio::test]
async fn what_a_session_was_granted_ends_when_another_one_takes_over() {
    let one = r#"<sites><site name="identity" set:sessionsPerUser="1" /></sites>"#;
    let house = House::with("", one).await;
    let scope = [("scope", "openid offline_access")];
    let tokens = house.tokens(&mut house.browser(), "web", &scope).await;
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let mut second = house.browser();
    let page = house.ask(&mut second, "web", &[]).await.page();
    let page = house.type_in(&mut second, &page, "jane").await.page();
    assert!(page.text().contains("Too many sessions"), "{}", page.gist());
    let form = |token| [("grant_type", "refresh_token"), ("refresh_token", token)];
    let renewed = house.token("web", &form(refresh)).await.json();
    let refresh = renewed["refresh_token"].as_str().expect("nothing has ended yet");
    let text = page.text();
    let (_, rest) = text.split_once("name=\"token\" value=\"").unwrap();
    let token = rest.split('"').next().unwrap();
    let answer = second.submit(&page, &[("token", token), ("answer", "take-over")]).await;
    house.onward(&mut second, answer).await.reply().sent("code");
    let answer = house.token("web", &form(refresh)).await;
    assert_eq!((answer.status, &answer.json()["error"]), (400, &"invalid_grant".into()));
}

#[tokio::test]
async fn a_session_that_ends_at_the_identity_server_takes_its_grants_along() {
    let chain =
        Chain::with(r#"<sites><site name="identity" set:sessionsPerUser="1" /></sites>"#).await;
    let mut first = chain.browser();
    chain.sign_in(&mut first, "jane", PASSWORD).await;
    let mut second = chain.browser();
    let page = chain.sign_in(&mut second, "jane", PASSWORD).await;
    assert!(page.text().contains("Too many sessions"), "{}", page.gist());
    let landed = press(&mut second, &page, "take-over").await;
    assert_eq!(landed.text(), "GET /sitecore/shell/start", "{}", landed.gist());
}
