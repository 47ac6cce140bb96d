//! Class H: a sign-in is one transaction, bound to one browser, used once, and never a dead end.

use std::time::Duration;

use serde_json::json;
use vestibule::clock::Clock;

use crate::support::cms::Step;
use crate::support::journey;
use crate::support::journey::START;
use crate::support::journey::changed;
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
async fn h169_a_callback_without_its_state_makes_no_token_request() {
    let world = World::start().await;
    let mut browser = world.browser();
    let good = journey::callback(&mut browser, "/sitecore/shell/").await;
    for state in
        [None, Some(""), Some("other"), Some("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    {
        let answer = browser.get(&changed(&good, "state", state)).await;
        assert!(
            journey::leads_on(&world, &answer),
            "{state:?}: {} {}",
            answer.status,
            answer.gist()
        );
    }
    let code = journey::parameter(&good, "code").unwrap();
    let both =
        browser.navigation("POST", &good, "cross-site").form(&[("code", &code), ("state", "x")]);
    browser.send(both).await;
    assert_eq!(world.idp.count("token"), 0);
    assert_eq!(browser.cookie(SESSION), None);
}

#[tokio::test]
async fn h169_a_state_of_another_browser_makes_no_token_request() {
    let world = World::start().await;
    let stolen = journey::callback(&mut world.browser(), "/sitecore/shell/").await;
    let mut victim = world.browser();
    let answer = victim.get(&stolen).await;
    assert!(journey::leads_on(&world, &answer), "{} {}", answer.status, answer.gist());
    assert_eq!((world.idp.count("token"), victim.cookie(SESSION)), (0, None));
}

#[tokio::test]
async fn h170_a_callback_counts_once() {
    let world = World::start().await;
    let mut browser = world.browser();
    let callback = journey::callback(&mut browser, "/sitecore/shell/x").await;
    let first = browser.get(&callback).await;
    let page = browser.follow(first).await;
    assert_eq!(page.text(), "GET /sitecore/shell/x");
    let session = browser.cookie(SESSION);
    let again = browser.get(&callback).await;
    let page = browser.follow(again).await;
    assert_eq!(
        page.text(),
        "GET /sitecore/shell/x",
        "with a live session the way leads to the target"
    );
    assert_eq!((world.idp.count("token"), browser.cookie(SESSION)), (1, session));
}

#[tokio::test]
async fn h170_a_callback_after_sign_out_starts_once_more() {
    let world = World::start().await;
    let mut browser = world.browser();
    let callback = journey::callback(&mut browser, "/sitecore/shell/x").await;
    let first = browser.get(&callback).await;
    browser.follow(first).await;
    let out = browser.get("/identity/logout").await;
    browser.follow(out).await;
    let again = browser.get(&callback).await;
    assert!(journey::leads_on(&world, &again), "{} {}", again.status, again.text());
    assert_eq!((world.idp.count("token"), browser.cookie(SESSION)), (1, None));
}

#[tokio::test]
async fn h170_of_twenty_concurrent_callbacks_one_counts() {
    let world = World::start().await;
    let mut browser = world.browser();
    let callback = journey::callback(&mut browser, "/sitecore/shell/").await;
    let copies = (0..20).map(|_| {
        let (mut browser, callback) = (browser.clone(), callback.clone());
        tokio::spawn(async move { browser.get(&callback).await.values("set-cookie").join(" ") })
    });
    let mut sessions = 0;
    for copy in copies.collect::<Vec<_>>() {
        sessions += usize::from(copy.await.unwrap().contains(&format!("{SESSION}=")));
    }
    assert_eq!((world.idp.count("token"), sessions), (1, 1));
}

#[tokio::test]
async fn h172_a_wrong_nonce_signs_nobody_in() {
    let world = World::start().await;
    for nonce in [json!(null), json!("other"), json!(""), json!(1)] {
        world.idp.lie(|lies| {
            let nonce = nonce.clone();
            lies.id_token = lie(move |token: &mut crate::support::signing::Token| {
                token.claims["nonce"] = nonce.clone();
            });
        });
        journey::fails(&world, &format!("nonce {nonce}")).await;
    }
}

#[tokio::test]
async fn h173_a_stolen_code_is_worth_nothing_in_another_flow() {
    let world = World::start().await;
    let victims = journey::callback(&mut world.browser(), "/sitecore/shell/").await;
    let stolen = journey::parameter(&victims, "code").unwrap();
    let mut attacker = world.browser();
    let own = journey::callback(&mut attacker, "/sitecore/shell/").await;
    let answer = attacker.get(&changed(&own, "code", Some(&stolen))).await;
    assert!(answer.status >= 400, "{}", answer.status);
    assert_eq!(attacker.cookie(SESSION), None);
}

/// A world with a second provider, `Evil`, mapped to shell beside the honest one.
async fn two_providers() -> (World, FakeProvider) {
    let evil = FakeProvider::start(&Clock::manual(Clock::system().now())).await;
    let patch =
        world::provider_patch("Evil", &evil.issuer, "") + &world::mapping("Evil", &["shell"]);
    (World::with(&patch).await, evil)
}

#[tokio::test]
async fn h175_an_answer_of_another_provider_is_not_taken() {
    let (world, evil) = two_providers().await;
    let mut victim = world.browser();
    let start = victim.get("/identity/login/shell/Evil").await;
    let mixed_up = start.location().replace(&evil.issuer, &world.idp.issuer);
    let honest = victim.get(&mixed_up).await;
    let answer = victim.get(honest.location()).await;
    assert!(answer.status >= 400 || answer.is_redirect(), "{}", answer.status);
    assert_eq!((evil.count("token"), world.idp.count("token")), (0, 0));
    assert_eq!(victim.cookie(SESSION), None);
}

#[tokio::test]
async fn h176_a_missing_or_different_issuer_ends_it() {
    let world = World::start().await;
    let issuer = world.idp.issuer.clone();
    let wrong = [
        None,
        Some(format!("{issuer}/")),
        Some(issuer.to_uppercase()),
        Some("https://evil.test".to_owned()),
    ];
    for iss in wrong {
        let mut browser = world.browser();
        let callback = journey::callback(&mut browser, "/sitecore/shell/").await;
        browser.get(&changed(&callback, "iss", iss.as_deref())).await;
        assert_eq!(browser.cookie(SESSION), None, "{iss:?}");
    }
    let mut browser = world.browser();
    let callback = journey::callback(&mut browser, "/sitecore/shell/").await;
    browser.get(&format!("{callback}&iss={issuer}")).await;
    assert_eq!((world.idp.count("token"), browser.cookie(SESSION)), (0, None));
}

#[tokio::test]
async fn h178_metadata_of_another_issuer_is_refused() {
    let world = World::start().await;
    let issuer = world.idp.issuer.clone();
    for wrong in [format!("{issuer}/"), issuer.to_uppercase(), "https://evil.test".to_owned()] {
        world.idp.lie(|lies| {
            let wrong = wrong.clone();
            lies.discovery =
                lie(move |document: &mut serde_json::Value| document["issuer"] = json!(wrong));
        });
        journey::fails(&world, &wrong).await;
        assert_eq!(world.idp.count("authorize"), 0, "{wrong}");
    }
    world.idp.honest();
    world.later(120);
    world.jane().await;
}

#[tokio::test]
async fn h179_a_provider_that_is_switched_off_finishes_nothing() {
    let world = World::start().await;
    let mut browser = world.browser();
    let callback = journey::callback(&mut browser, "/sitecore/shell/").await;
    world.patch(r#"<federatedAuthentication><identityProviders><identityProvider id="Partner" type="Sitecore.Owin.Authentication.Configuration.DefaultIdentityProvider, Sitecore.Owin.Authentication"><enabled>false</enabled></identityProvider></identityProviders></federatedAuthentication>"#).await;
    let answer = browser.get(&callback).await;
    assert!(answer.status >= 400 || answer.is_redirect(), "{}", answer.status);
    assert_eq!((world.idp.count("token"), browser.cookie(SESSION)), (0, None));
    assert!(matches!(browser.get(START).await.status, 403 | 404));
}

#[tokio::test]
async fn h179_an_unmapped_provider_is_not_found() {
    let world = World::start().await;
    for path in [
        "/identity/login/modules_shell/Partner",
        "/identity/login/shell/Nobody",
        "/identity/login/nowhere/Partner",
        "/identity/login/shell/partner",
    ] {
        assert_eq!(world.browser().get(path).await.status, 404, "{path}");
    }
    assert_eq!(world.idp.count("authorize"), 0);
}

#[tokio::test]
async fn h181_repeated_parameters_end_it() {
    let world = World::start().await;
    let mut browser = world.browser();
    for extra in ["&code=b", "&state=x", "&error=access_denied", "&%63ode=b"] {
        let callback = journey::callback(&mut browser, "/sitecore/shell/").await;
        browser.get(&format!("{callback}{extra}")).await;
        assert_eq!(browser.cookie(SESSION), None, "{extra}");
    }
    assert_eq!(world.idp.count("token"), 0);
}

#[tokio::test]
async fn h182_an_error_of_the_provider_is_told_safely() {
    let world = World::start().await;
    world.idp.lie(|lies| {
        lies.authorize = lie(|answer: &mut Vec<(String, String)>| {
            answer.retain(|(name, _)| name != "code");
            for (name, value) in [
                ("error", "<script>alert(1)</script>"),
                ("error_description", "a\r\nSet-Cookie: a=b\"><svg/onload=alert(1)>"),
                ("error_uri", "javascript:alert(1)"),
            ] {
                answer.push((name.to_owned(), value.to_owned()));
            }
        });
    });
    journey::fails(&world, "an error").await;
    let mut browser = world.browser();
    let page = browser.go("/sitecore/shell/").await.text();
    assert!(
        !page.contains("<script>alert")
            && !page.contains("<svg/onload")
            && !page.contains("href=\"javascript:"),
        "{page}"
    );
    assert_eq!(world.idp.count("token"), 0);
}

#[tokio::test]
async fn h182_an_error_without_a_state_of_ours_is_no_answer() {
    let world = World::start().await;
    let mut browser = world.browser();
    let answer =
        browser.get("/signin-oidc?error=access_denied&error_description=evil-words&state=x").await;
    assert!(journey::leads_on(&world, &answer), "{}", answer.status);
    assert!(!answer.text().contains("evil-words"));
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
