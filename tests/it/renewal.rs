//! Refreshing as a relying party: the provider is asked anew of somebody who is signed in.

use std::sync::Arc;

use serde_json::Value;
use serde_json::json;
use tokio::task::JoinSet;

use crate::support::browser::Browser;
use crate::support::cms::Step;
use crate::support::provider;
use crate::support::provider::lie;
use crate::support::signing::Token;
use crate::support::world::World;
use crate::support::world::cookie_line;

const TEN_MINUTES: &str = r#"set:refreshAfter="10m""#;

/// A world whose provider gives refresh tokens, used as `refresh_after` says.
async fn world(refresh_after: &str) -> World {
    let more = |scopes: &str| {
        format!(
            r#"<gateway><connections><connection provider="Partner" set:scopes="{scopes}" {refresh_after} /></connections></gateway>"#
        )
    };
    World::with(&more("openid profile email offline_access")).await
}

/// What the CMS is told of whoever `browser` is; `None` when it is told nothing.
async fn roles(world: &World, browser: &Browser) -> Option<String> {
    world.cms.clear();
    world.raw_get("/sitecore/shell/x", &cookie_line(browser)).await;
    if world.cms.count() == 0 {
        return None;
    }
    Some(world.cms.last().header("x-forwarded-groups").unwrap_or_default().to_owned())
}

fn without_groups() -> Value {
    let mut jane = provider::jane();
    jane.as_object_mut().unwrap().remove("groups");
    jane
}

#[tokio::test]
async fn the_next_request_after_the_access_token_brings_what_the_provider_says_now() {
    let world = world("").await;
    let browser = world.jane().await;
    world.idp.person(without_groups());
    world.idp.forget();
    assert_eq!(roles(&world, &browser).await.as_deref(), Some("sitecore\\Author"));
    assert_eq!(world.idp.count("token"), 0, "nothing is due yet");
    // She keeps working: an unused session would be over before the hour is.
    for _ in 0..2 {
        world.later(1200);
        assert_eq!(roles(&world, &browser).await.as_deref(), Some("sitecore\\Author"));
    }
    world.later(1200);
    for _ in 0..3 {
        assert_eq!(roles(&world, &browser).await.as_deref(), Some(""));
    }
    assert_eq!(world.idp.count("token"), 1);
    let sent = world.idp.calls("token").pop().unwrap();
    let form = String::from_utf8(sent.body).unwrap();
    assert!(form.contains("grant_type=refresh_token"), "{form}");
}

#[tokio::test]
async fn an_owner_may_ask_at_every_request() {
    let world = world(r#"set:refreshAfter="0""#).await;
    let browser = world.jane().await;
    world.idp.forget();
    roles(&world, &browser).await;
    roles(&world, &browser).await;
    assert_eq!(world.idp.count("token"), 2, "each with the token that the last one brought");
}

#[tokio::test]
async fn h187_one_request_asks_for_all_that_wait() {
    let world = Arc::new(world(TEN_MINUTES).await);
    let cookie = cookie_line(&world.jane().await);
    world.idp.forget();
    world.later(600);
    let mut asks = JoinSet::new();
    for _ in 0..50 {
        let (world, cookie) = (Arc::clone(&world), cookie.clone());
        asks.spawn(async move { world.raw_get("/sitecore/shell/x", &cookie).await.status });
    }
    let statuses = asks.join_all().await;
    assert_eq!(statuses, [200; 50]);
    assert_eq!(world.idp.count("token"), 1);
}

#[tokio::test]
async fn h188_a_refreshed_token_of_another_sign_in_ends_the_session() {
    type Lie = fn(&mut Token);
    let lies: [(&str, Lie); 7] = [
        ("iss", |token| token.claims["iss"] = json!("https://elsewhere.test")),
        ("sub", |token| token.claims["sub"] = json!("somebody else")),
        ("aud", |token| token.claims["aud"] = json!("other")),
        ("nonce", |token| token.claims["nonce"] = json!("another")),
        ("auth_time", |token| token.claims["auth_time"] = json!(1)),
        ("alg", |token| token.header["alg"] = json!("none")),
        ("signature", |token| token.signature = crate::support::signing::Signature::Flipped),
    ];
    let world = world(TEN_MINUTES).await;
    for (what, edit) in lies {
        world.idp.honest();
        let browser = world.jane().await;
        world.idp.lie(|lies| lies.refreshed = lie(edit));
        world.idp.forget();
        world.later(600);
        assert_eq!(roles(&world, &browser).await, None, "{what}");
        assert_eq!(world.idp.count("userinfo"), 0, "{what}: nothing is asked with such tokens");
        world.idp.honest();
        assert_eq!(roles(&world, &browser).await, None, "{what}: it stays ended");
    }
}

#[tokio::test]
async fn h188_userinfo_of_somebody_else_ends_the_session() {
    let world = World::with(
        r#"<gateway><connections><connection provider="Partner" set:scopes="openid profile email offline_access" set:userinfo="true" set:refreshAfter="10m" /></connections></gateway>"#,
    )
    .await;
    let browser = world.jane().await;
    world.idp.lie(|lies| lies.userinfo = lie(|claims: &mut Value| claims["sub"] = json!("other")));
    world.later(600);
    assert_eq!(roles(&world, &browser).await, None);
}

#[tokio::test]
async fn a_grant_that_the_provider_took_back_ends_the_session() {
    let world = world(TEN_MINUTES).await;
    let browser = world.jane().await;
    world.idp.answers("token", vec![refusal("invalid_grant")]);
    world.later(600);
    assert_eq!(roles(&world, &browser).await, None);
    assert_eq!(world.gateway.metric("vestibule_logouts_total", &["kind=\"renewal\""]).await, 1);
}

fn refusal(error: &str) -> Step {
    let body = json!({ "error": error }).to_string();
    Step::answer("400 Bad Request", &["Content-Type: application/json"], &body)
}

#[tokio::test]
async fn a_provider_that_is_down_ends_nothing_and_is_asked_again_after_a_pause() {
    let world = world(TEN_MINUTES).await;
    let browser = world.jane().await;
    let broken = [
        vec![Step::answer("503 Service Unavailable", &[], "down")],
        vec![Step::answer("200 OK", &["Content-Type: text/html"], "<p>maintenance</p>")],
        vec![refusal("invalid_client")],
    ];
    world.later(600);
    for steps in broken {
        world.idp.answers("token", steps);
        world.idp.forget();
        for _ in 0..3 {
            assert_eq!(roles(&world, &browser).await.as_deref(), Some("sitecore\\Author"));
        }
        assert_eq!(world.idp.count("token"), 1, "not at every request");
        world.later(300);
    }
    world.idp.honest();
    world.idp.person(without_groups());
    assert_eq!(roles(&world, &browser).await.as_deref(), Some(""), "it is up again");
}

#[tokio::test]
async fn a_refresh_that_breaks_off_loses_no_token() {
    let world = World::with(
        r#"<gateway><connections><connection provider="Partner" set:scopes="openid profile email offline_access" set:userinfo="true" set:refreshAfter="10m" /></connections></gateway>"#,
    )
    .await;
    let browser = world.jane().await;
    world.idp.answers("userinfo", vec![Step::answer("503 Service Unavailable", &[], "down")]);
    world.later(600);
    for _ in 0..2 {
        assert_eq!(roles(&world, &browser).await.as_deref(), Some("sitecore\\Author"));
    }
    world.idp.honest();
    world.idp.person(without_groups());
    world.later(30);
    assert_eq!(roles(&world, &browser).await.as_deref(), Some(""), "with the token that came");
}

#[tokio::test]
async fn a_session_that_is_renewed_keeps_its_own_limits() {
    let world = world(r#"set:refreshAfter="1m""#).await;
    let browser = world.jane().await;
    let mut hours = 0;
    while roles(&world, &browser).await.is_some() {
        for _ in 0..3 {
            world.later(1200);
            roles(&world, &browser).await;
        }
        hours += 1;
        assert!(hours < 24, "it never ends");
    }
    assert_eq!(hours, 12, "the absolute lifetime");
}

#[tokio::test]
async fn j232_a_sign_out_meanwhile_wins() {
    let world = world(r#"set:refreshAfter="1m""#).await;
    let mut browser = world.jane().await;
    let cookie = cookie_line(&browser);
    let slow = Step::Wait(std::time::Duration::from_millis(600));
    world.idp.answers("token", vec![slow, Step::answer("503 Service Unavailable", &[], "")]);
    world.later(60);
    let renewing = world.raw_get("/sitecore/shell/x", &cookie);
    let leaving = async {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        let out = browser.get("/identity/logout").await;
        browser.follow(out).await
    };
    let (answer, _) = tokio::join!(renewing, leaving);
    assert_ne!(answer.status, 200, "the request goes on without a session");
    world.idp.honest();
    assert_ne!(world.raw_get("/sitecore/shell/x", &cookie).await.status, 200);
}

#[tokio::test]
async fn signing_out_asks_nobody_for_new_tokens() {
    let world = world(r#"set:refreshAfter="0""#).await;
    let mut browser = world.jane().await;
    world.idp.forget();
    let out = browser.get("/identity/logout").await;
    browser.follow(out).await;
    assert_eq!(world.idp.count("token"), 0);
}

#[tokio::test]
async fn whose_organisation_was_struck_off_is_not_renewed() {
    let world = world(TEN_MINUTES).await;
    let mut jane = provider::jane();
    jane["hd"] = json!("old.test");
    let browser = world.signed_in(jane).await;
    let narrowed = r#"<gateway><connections><connection provider="Partner" set:scopes="openid profile email offline_access" set:refreshAfter="10m" set:hostedDomain="new.test" /></connections></gateway>"#;
    world.patch(narrowed).await;
    assert_eq!(roles(&world, &browser).await.as_deref(), Some("sitecore\\Author"));
    world.later(601);
    assert_eq!(roles(&world, &browser).await, None);
}
