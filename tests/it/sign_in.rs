//! Class H: a sign-in is one transaction, bound to one browser, used once, and never a dead end.

use std::time::Duration;

use serde_json::json;

use crate::support::cms::Step;
use crate::support::journey;
use crate::support::journey::START;
use crate::support::provider;
use crate::support::provider::FakeProvider;
use crate::support::provider::lie;
use crate::support::world;
use crate::support::world::SESSION;
use crate::support::world::World;
use crate::support::world::cookie_line;

#[tokio::test]
async fn a_person_signs_in_and_lands_where_they_wanted_to_go() {
    let world = World::start().await;
    let mut browser = world.browser();
    let page = browser.go("/sitecore/shell/Applications/Content%20Editor?id={GUID}").await;
    assert_eq!(page.text(), "GET /sitecore/shell/Applications/Content%20Editor?id={GUID}");
    let asked = world.idp.asked();
    assert_eq!(
        (asked["response_type"].as_str(), asked["code_challenge_method"].as_str()),
        ("code", "S256")
    );
    assert_eq!(asked["redirect_uri"], world.url("/signin-oidc"));
    assert!(
        asked["nonce"].len() >= 22
            && asked["state"].len() >= 22
            && asked["code_challenge"].len() == 43
    );
    assert_eq!((world.idp.count("token"), world.idp.count("jwks")), (1, 1));
}

#[tokio::test]
async fn hybrid_with_form_post_works_in_a_browser_that_keeps_same_site_cookies_back() {
    let world = World::made(|idp| {
        world::provider_patch(
            "Hybrid",
            &idp.issuer,
            "responseType=\"code id_token\" responseMode=\"form_post\"",
        ) + &world::mapping("Hybrid", &["shell"])
    })
    .await;
    let mut browser = world.browser();
    let page = browser.go("/identity/login/shell/Hybrid?returnUrl=%2Fsitecore%2Fshell%2Fx").await;
    assert_eq!(page.text(), "GET /sitecore/shell/x");
    assert_eq!(world.idp.asked()["response_mode"], "form_post");
    let c_hash = lie::<crate::support::signing::Token>(|token| {
        if token.claims["c_hash"].is_string() {
            token.claims["c_hash"] = json!("AAAAAAAAAAAAAAAAAAAAAA");
        }
    });
    world.idp.lie(|lies| lies.id_token = c_hash);
    let mut second = world.browser();
    second.go("/identity/login/shell/Hybrid").await;
    assert_eq!(second.cookie(SESSION), None, "c_hash is not checked");
}

#[tokio::test]
async fn the_class_of_a_subprovider_is_asked_for_by_acr_values() {
    let world = World::start().await;
    let mut browser = world.browser();
    browser.get(&format!("{START}/IdS4-AzureAd")).await;
    let answer =
        browser.get(&format!("{START}/IdS4-AzureAd?returnUrl=%2Fsitecore%2Fshell%2F")).await;
    let location = answer.location().to_owned();
    assert_eq!(journey::parameter(&location, "acr_values").as_deref(), Some("idp:IdS4-AzureAd"));
}

#[tokio::test]
async fn h184_parameters_of_the_caller_do_not_reach_the_provider() {
    let world = World::start().await;
    let mut browser = world.browser();
    let query = "idp=B&acr_values=low&prompt=none&scope=admin&redirect_uri=https%3A%2F%2Fevil.test&client_id=evil&max_age=99999&response_type=token&nonce=n&state=s&code_challenge=c&login_hint=x";
    let answer = browser.get(&format!("{START}?{query}")).await;
    browser.get(answer.location()).await;
    let asked = world.idp.asked();
    assert_eq!(
        (asked["client_id"].as_str(), asked["scope"].as_str()),
        ("gateway", "openid profile email")
    );
    assert_eq!(asked["redirect_uri"], world.url("/signin-oidc"));
    for name in ["acr_values", "prompt", "max_age", "idp"] {
        assert_eq!(asked.get(name), None, "{name}");
    }
    assert!(asked["nonce"] != "n" && asked["state"] != "s" && asked["response_type"] == "code");
}

#[tokio::test]
async fn h185_a_planted_session_is_never_taken_over() {
    let world = World::start().await;
    let attackers = world.signed_in(provider::bob()).await.cookie(SESSION).unwrap();
    let mut victim = world.browser();
    victim.jar.take("cms.localhost", true, &format!("{SESSION}={attackers}; Secure; Path=/"));
    world.idp.person(provider::jane());
    let callback = journey::callback(&mut victim, "/sitecore/shell/").await;
    let answer = victim.get(&callback).await;
    victim.follow(answer).await;
    assert_ne!(victim.cookie(SESSION).unwrap(), attackers);
    let old =
        world.raw_get("/sitecore/shell/", &format!("Cookie: {SESSION}={attackers}\r\n")).await;
    assert_eq!(old.status, 401, "the planted session lives on");
}

#[tokio::test]
async fn h190_userinfo_of_another_subject_ends_it() {
    let world = World::made(|idp| {
        world::provider_patch("Talkative", &idp.issuer, "userinfo=\"true\"") + &world::mapping("Talkative", &["shell"])
            + r#"<sites><site name="shell" set:loginPage="/identity/login/shell/Talkative" /></sites>"#
    })
    .await;
    for answer in [json!({ "sub": "somebody-else" }), json!([]), json!({ "email": "a@b.test" })] {
        world.idp.lie(|lies| {
            lies.userinfo = lie(move |claims: &mut serde_json::Value| *claims = answer.clone());
        });
        journey::fails(&world, "userinfo").await;
    }
    world.idp.honest();
    world.jane().await;
    assert!(world.idp.count("userinfo") >= 4);
}

#[tokio::test]
async fn h191_a_token_endpoint_that_redirects_is_not_followed() {
    let world = World::start().await;
    let elsewhere = FakeProvider::start(&world.clock).await;
    let location = format!("Location: {}/token", elsewhere.issuer);
    for status in ["307 Temporary Redirect", "302 Found", "308 Permanent Redirect"] {
        world.idp.answers("token", vec![Step::answer(status, &[&location], "")]);
        journey::fails(&world, status).await;
    }
    assert_eq!(elsewhere.count("token"), 0);
}

#[tokio::test]
async fn h193_only_a_little_difference_between_the_clocks_is_borne() {
    let world = World::start().await;
    let now = world.clock.now().0;
    for (iat, exp) in [(now - 7200, now - 3600), (now + 3600, now + 7200), (now, now - 360)] {
        world.idp.lie(|lies| {
            lies.id_token = lie(move |token: &mut crate::support::signing::Token| {
                token.claims["iat"] = json!(iat);
                token.claims["exp"] = json!(exp);
            });
        });
        journey::fails(&world, &format!("issued at {iat}, good until {exp}, now {now}")).await;
    }
}

#[tokio::test]
async fn h194_two_tabs_finish_in_reverse_order() {
    let world = World::start().await;
    let mut browser = world.browser();
    let first = journey::callback(&mut browser, "/sitecore/shell/first").await;
    let second = journey::callback(&mut browser, "/sitecore/shell/second").await;
    for (callback, target) in [(second, "second"), (first, "first")] {
        let answer = browser.get(&callback).await;
        let page = browser.follow(answer).await;
        assert_eq!(page.text(), format!("GET /sitecore/shell/{target}"));
    }
}

#[tokio::test]
async fn h194_after_the_back_button_the_same_login_leads_to_the_target() {
    let world = World::start().await;
    let mut browser = world.browser();
    let provider = journey::start(&mut browser, "/sitecore/shell/x").await;
    for _ in 0..2 {
        let answer = browser.get(&provider).await;
        let page = browser.follow(answer).await;
        assert_eq!(page.text(), "GET /sitecore/shell/x");
    }
    assert_eq!(world.idp.count("token"), 1);
}

#[tokio::test]
async fn h194_a_login_that_took_too_long_starts_once_more_and_succeeds() {
    let world = World::start().await;
    let mut browser = world.browser();
    let callback = journey::callback(&mut browser, "/sitecore/shell/x").await;
    world.later(11 * 60);
    let answer = browser.get(&callback).await;
    let page = browser.follow(answer).await;
    assert_eq!(page.text(), "GET /sitecore/shell/x");
    assert_eq!(world.idp.count("token"), 1, "the stale code was sent");
}

#[tokio::test]
async fn h194_a_browser_without_cookies_gets_a_page_and_no_loop() {
    let world = World::start().await;
    let mut browser = world.browser();
    let mut answer = browser.get("/sitecore/shell/").await;
    let mut steps = 0;
    while let Some(next) = browser.onward(&answer) {
        browser.jar.0.clear();
        answer = browser.send(next).await;
        steps += 1;
        assert!(steps <= 10, "a loop: {:?}", browser.history);
    }
    assert!(answer.status >= 400 && answer.text().contains("<main"), "{}", answer.gist());
    assert_eq!(world.idp.count("token"), 0);
}

#[tokio::test]
async fn h196_a_script_without_a_session_gets_401_and_starts_nothing() {
    let world = World::start().await;
    let mut browser = world.browser();
    let requests = [
        browser.fetch("GET", "/sitecore/shell/api"),
        browser
            .bare("GET", "/sitecore/shell/api")
            .header("X-Requested-With", "XMLHttpRequest")
            .header("Accept", "text/html"),
        browser.bare("GET", "/sitecore/shell/api").header("Accept", "application/json"),
        browser.navigation("POST", "/sitecore/shell/api", "same-origin"),
    ];
    for request in requests {
        let answer = browser.send(request.clone()).await;
        assert_eq!(answer.status, 401, "{request:?}");
        assert_eq!(answer.values("set-cookie"), [""; 0], "{request:?}");
    }
    assert_eq!((world.cms.count(), world.idp.count("authorize")), (0, 0));
}

#[tokio::test]
async fn e128_a_provider_cannot_drown_us() {
    let world = World::start().await;
    let flood = vec![
        Step::text(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2000000000\r\n\r\n{\"a\":\"",
        ),
        Step::Write(vec![b'x'; 8 << 20]),
    ];
    for endpoint in [".well-known/openid-configuration", "token", "jwks"] {
        world.idp.honest();
        world.idp.answers(endpoint, flood.clone());
        let waited =
            tokio::time::timeout(Duration::from_secs(20), journey::fails(&world, endpoint)).await;
        assert!(waited.is_ok(), "{endpoint}: waits for ever");
    }
}

#[tokio::test]
async fn e134_a_flood_of_started_logins_evicts_nobody() {
    let world = World::start().await;
    let mut browser = world.browser();
    let callback = journey::callback(&mut browser, "/sitecore/shell/x").await;
    let session = cookie_line(&world.jane().await);
    for _ in 0..300 {
        world.raw_get(START, "Accept: text/html\r\n").await;
    }
    let answer = browser.get(&callback).await;
    assert_eq!(browser.follow(answer).await.text(), "GET /sitecore/shell/x");
    assert_eq!(world.raw_get("/sitecore/shell/", &session).await.status, 200);
}
