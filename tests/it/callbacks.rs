//! Class H, the callback: what comes back from a provider counts once, in the browser that started,
//! for the provider that was asked.

use serde_json::json;
use vestibule::clock::Clock;

use crate::support::journey;
use crate::support::journey::START;
use crate::support::journey::changed;
use crate::support::provider::FakeProvider;
use crate::support::provider::lie;
use crate::support::world;
use crate::support::world::SESSION;
use crate::support::world::World;

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
