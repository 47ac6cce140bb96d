//! What breaks, breaks by itself, says so, and comes back by itself.

use std::time::Duration;

use serde_json::json;

use crate::support::cms::EchoCms;
use crate::support::cms::Step;
use crate::support::journey::START;
use crate::support::world;
use crate::support::world::SESSION;
use crate::support::world::World;
use crate::support::world::cookie_line;

#[tokio::test]
async fn a_gateway_starts_and_serves_while_its_provider_is_down() {
    let mut world = World::start().await;
    world.idp.kill().await;
    assert_eq!(world.raw_get("/public/", "").await.status, 200);
    assert_eq!(world.gateway.ask("/healthz/ready").await.status, 200);
    let page = world.browser().go("/sitecore/shell/").await;
    assert!(matches!(page.status, 502..=504), "{}", page.status);
    assert!(page.text().contains("<main") && page.text().contains("Partner"), "{}", page.gist());
    world.idp.revive().await;
    world.later(61);
    world.jane().await;
}

#[tokio::test]
async fn sessions_live_on_while_the_provider_is_down() {
    let mut world = World::start().await;
    let cookie = cookie_line(&world.jane().await);
    world.idp.kill().await;
    assert_eq!(world.raw_get("/sitecore/shell/", &cookie).await.status, 200);
}

#[tokio::test]
async fn a_provider_that_is_down_takes_no_other_with_it() {
    let world = World::made(|_| {
        world::provider_patch("Dead", "http://127.0.0.1:9", "")
            + &world::mapping("Dead", &["shell"])
    })
    .await;
    let dead = world.browser().go("/identity/login/shell/Dead").await;
    assert!(matches!(dead.status, 502..=504), "{}", dead.status);
    world.jane().await;
}

#[tokio::test]
async fn a_provider_that_dies_halfway_leaves_a_page_and_a_way_on() {
    let mut world = World::start().await;
    let mut browser = world.browser();
    let callback = crate::support::journey::callback(&mut browser, "/sitecore/shell/x").await;
    world.idp.kill().await;
    let page = browser.get(&callback).await;
    assert!(matches!(page.status, 502..=504), "{}", page.status);
    assert!(
        page.text().contains("<main") && page.text().contains(START),
        "no way on: {}",
        page.gist()
    );
    world.idp.revive().await;
    world.later(61);
    assert_eq!(browser.go(START).await.status, 200);
}

#[tokio::test]
async fn a_provider_that_says_nothing_is_not_waited_for() {
    let world = World::start().await;
    world
        .idp
        .lie(|lies| drop(lies.instead.insert("token", vec![Step::Wait(Duration::from_mins(2))])));
    let mut browser = world.browser();
    let page = tokio::time::timeout(Duration::from_secs(45), browser.go("/sitecore/shell/")).await;
    let page = page.expect("somebody waits for ever");
    assert!(matches!(page.status, 502..=504), "{}", page.status);
    assert_eq!(browser.cookie(SESSION), None);
}

#[tokio::test]
async fn errors_of_the_provider_stay_with_their_login() {
    let world = World::start().await;
    for (status, body) in [
        ("500 Internal Server Error", "boom secret-of-the-provider"),
        ("200 OK", "not json"),
        ("200 OK", "{}"),
        ("400 Bad Request", "{\"error\":\"invalid_grant\"}"),
    ] {
        world.idp.honest();
        world.idp.answers(
            "token",
            vec![Step::answer(status, &["Content-Type: application/json"], body)],
        );
        let page = world.browser().go("/sitecore/shell/").await;
        assert!(
            (400..505).contains(&page.status) && page.text().contains("<main"),
            "{body}: {}",
            page.status
        );
        assert!(!page.text().contains("secret-of-the-provider"));
    }
    world.idp.honest();
    world.jane().await;
    assert!(world.gateway.metric("vestibule_logins_total", &["outcome=\"failed\""]).await >= 4);
}

#[tokio::test]
async fn a_complaint_about_the_redirect_address_is_answered_with_the_address_to_register() {
    let world = World::start().await;
    let body = json!({ "error": "invalid_grant", "error_description": "redirect_uri mismatch" })
        .to_string();
    world.idp.answers(
        "token",
        vec![Step::answer("400 Bad Request", &["Content-Type: application/json"], &body)],
    );
    let page = world.browser().go("/sitecore/shell/").await;
    assert!(page.text().contains("/signin-oidc"), "{}", page.gist());
}

#[tokio::test]
async fn a_cms_that_is_down_is_a_502_and_comes_back() {
    let mut world = World::start().await;
    assert_eq!(world.raw_get("/x", "").await.status, 200);
    let address = world.cms.address;
    world.cms.kill().await;
    for _ in 0..3 {
        assert_eq!(world.raw_get("/x", "").await.status, 502);
    }
    assert_eq!(world.gateway.ask("/healthz/live").await.status, 200);
    world.cms = EchoCms::start_at(address).await;
    for _ in 0..100 {
        if world.raw_get("/x", "").await.status == 200 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("ten seconds after the CMS came back it is still a 502");
}

#[tokio::test]
async fn a_cms_that_is_slow_is_a_504() {
    let world = World::with(r#"<gateway><upstreams><upstream name="cms" set:responseTimeout="1s" /></upstreams></gateway>"#).await;
    world
        .cms
        .script(|_| vec![Step::Wait(Duration::from_secs(30)), Step::answer("200 OK", &[], "")]);
    let answer = tokio::time::timeout(Duration::from_secs(8), world.raw_get("/x", "")).await;
    assert_eq!(answer.expect("waits for ever").status, 504);
}

#[tokio::test]
async fn a_broken_configuration_does_not_start_and_says_every_fault() {
    let broken = "<gateway><nonsense /><listeners><listener name=\"https\" set:adress=\"x\" /></listeners></gateway><sites><site name=\"shell\" set:requireLogin=\"flase\" /></sites>";
    let setup = crate::support::gateway::Setup {
        patch: broken.to_owned(),
        files: Vec::new(),
        environment: vestibule::config::Environment::default(),
        clock: vestibule::clock::Clock::system(),
        https: "127.0.0.1:0".parse().unwrap(),
    };
    let Err(vestibule::app::StartError::Configuration(faults)) =
        crate::support::gateway::Gateway::try_start(setup).await
    else {
        panic!("it started, or failed for another reason");
    };
    let text = crate::support::gateway::list(&faults);
    for word in ["nonsense", "adress", "flase"] {
        assert!(
            text.lines().any(|line| line.contains(word) && line.contains("test.config:")),
            "{word}: {text}"
        );
    }
}

#[tokio::test]
async fn a_full_session_table_still_lets_people_in() {
    let world = World::with(r#"<gateway><sessions set:capacity="2" /></gateway>"#).await;
    for _ in 0..5 {
        world.later(1);
        world.jane().await;
    }
    assert_eq!(world.raw_get("/public/", "").await.status, 200);
}

#[tokio::test]
async fn a_state_from_before_a_restart_leads_on() {
    let before = World::start().await;
    let mut browser = before.browser();
    let callback = crate::support::journey::callback(&mut browser, "/sitecore/shell/x").await;
    let after = World::start().await;
    let moved = callback
        .replace(&format!(":{}/", before.gateway.port), &format!(":{}/", after.gateway.port));
    let answer = browser.get(&moved).await;
    assert!(answer.is_redirect() || answer.text().contains("<main"), "{}", answer.status);
    assert_eq!((after.idp.count("token"), before.idp.count("token")), (0, 0));
}
