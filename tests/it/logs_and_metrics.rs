//! Class R: what operators see, and that it holds no secret.

use crate::support::journey;
use crate::support::logs;
use crate::support::provider;
use crate::support::provider::CLIENT_SECRET;
use crate::support::world::SESSION;
use crate::support::world::World;
use crate::support::world::cookie_line;

#[tokio::test]
async fn r340_no_secret_is_logged_at_any_level() {
    let world = World::start().await;
    let mut browser = world.browser();
    let provider_address = journey::start(&mut browser, "/sitecore/shell/r340").await;
    let callback = browser.get(&provider_address).await.location().to_owned();
    let login_cookie =
        browser.jar.0.iter().find(|kept| kept.name.contains("login")).unwrap().value.clone();
    let answer = browser.get(&callback).await;
    browser.follow(answer).await;
    let session = browser.cookie(SESSION).unwrap();
    let assertion = world.cms.last().header("x-vestibule-assertion").unwrap().to_owned();
    let form = String::from_utf8(world.idp.calls("token")[0].body.clone()).unwrap();
    let verifier = url::form_urlencoded::parse(form.as_bytes())
        .find(|(name, _)| name == "code_verifier")
        .unwrap()
        .1
        .into_owned();
    let lines = format!("{}Authorization: Bearer r340-bearer\r\n", cookie_line(&browser));
    world.raw_get("/sitecore/shell/?secret=1", &lines).await;
    browser.get(&callback).await;
    let form = browser.get("/sitecore/login?fbc=1").await;
    browser.submit(&form, &[("username", "nobody"), ("password", "r340-password")]).await;
    let out = browser.get("/identity/logout").await;
    browser.follow(out).await;
    let state = journey::parameter(&callback, "state").unwrap();
    let nonce = world.idp.asked()["nonce"].clone();
    let code = format!("code={}", journey::parameter(&callback, "code").unwrap());
    let log = logs::text();
    assert!(log.contains("vestibule"), "nothing was captured");
    let secrets = [
        &session,
        &login_cookie,
        &verifier,
        &state,
        &nonce,
        &code,
        &assertion,
        "r340-bearer",
        "r340-password",
        CLIENT_SECRET,
        "access-token-of-the-fake-provider",
    ];
    for secret in secrets {
        let lines = logs::lines(secret);
        assert!(lines.is_empty(), "{secret} stands in the log: {lines:#?}");
    }
}

#[tokio::test]
async fn r341_metrics_are_not_on_the_public_listener() {
    let world = World::start().await;
    let answer = world.raw_get("/metrics", "").await;
    assert!(!answer.text().contains("vestibule_"), "{}", answer.gist());
}

#[tokio::test]
async fn r341_labels_come_from_closed_sets() {
    let world = World::start().await;
    let lines = |text: &str| text.lines().filter(|line| !line.starts_with('#')).count();
    world.raw_get("/first", "").await;
    world.raw("GET / HTTP/1.1\r\nHost: evil-0.test\r\n\r\n").await;
    world.raw_get("/identity/login/shell/Nobody-0", "").await;
    let before = lines(&world.gateway.ask("/metrics").await.text());
    for number in 1..60 {
        world.raw_get(&format!("/path-{number}"), &format!("User-Agent: agent-{number}\r\n")).await;
        world.raw(format!("GET / HTTP/1.1\r\nHost: evil-{number}.test\r\n\r\n")).await;
        world.raw_get(&format!("/identity/login/shell/Nobody-{number}"), "").await;
        world.raw_get(&format!("/identity/login/site-{number}/Partner"), "").await;
    }
    let text = world.gateway.ask("/metrics").await.text();
    assert!(lines(&text) <= before + 12, "{} lines became {}", before, lines(&text));
    for word in ["path-", "agent-", "evil-", "Nobody-", "site-1"] {
        assert!(!text.contains(word), "{word} is a label");
    }
}

#[tokio::test]
async fn metrics_count_what_happens() {
    let world = World::start().await;
    let mut browser = world.jane().await;
    let gateway = &world.gateway;
    assert!(
        gateway.metric("vestibule_requests_total", &["site=\"shell\"", "class=\"2xx\""]).await >= 1
    );
    assert!(
        gateway.metric("vestibule_request_duration_seconds_count", &["site=\"shell\""]).await >= 1
    );
    assert_eq!(
        gateway
            .metric("vestibule_logins_total", &["outcome=\"succeeded\"", "provider=\"Partner\""])
            .await,
        1
    );
    assert_eq!(gateway.metric("vestibule_logins_total", &["outcome=\"started\""]).await, 1);
    assert!(gateway.metric("vestibule_upstream_requests_total", &["answered"]).await >= 1);
    assert_eq!(gateway.metric("vestibule_sessions", &[]).await, 1);
    assert!(gateway.metric("vestibule_tls_handshakes_total", &["tls1.3"]).await >= 1);
    assert!(gateway.metric("vestibule_certificate_expiry_timestamp_seconds", &[]).await > 0);
    assert_eq!(gateway.metric("vestibule_build_info", &[]).await, 1);
    assert!(gateway.metric("vestibule_configuration_generation", &[]).await >= 1);
    let out = browser.get("/identity/logout").await;
    browser.follow(out).await;
    assert_eq!(gateway.metric("vestibule_sessions", &[]).await, 0);
    assert_eq!(gateway.metric("vestibule_session_ends_total", &["signed_out"]).await, 1);
}

#[tokio::test]
async fn r344_an_error_page_tells_nothing_but_its_id() {
    let mut world = World::start().await;
    let address = world.cms.address.to_string();
    world.cms.kill().await;
    let page = world.raw_get("/x", "Accept: text/html\r\n").await;
    assert_eq!(page.status, 502);
    let everything = format!("{:?}{}", page.headers, page.gist());
    for word in
        [address.as_str(), "hyper", "rustls", "panicked", "os error", env!("CARGO_PKG_VERSION")]
    {
        assert!(!everything.contains(word), "{word}: {everything}");
    }
    let problem = world.raw_get("/x", "Accept: application/json\r\n").await.json();
    let id = problem["request_id"].as_str().unwrap();
    assert!(!logs::lines(id).is_empty(), "the log does not know request {id}");
}

#[tokio::test]
async fn r346_every_sign_in_sign_out_and_refusal_is_in_the_audit_trail() {
    let world = World::with(r#"<gateway><access><rule name="r346 rule" site="website" path="/members/*" roles="sitecore\Author" /></access></gateway>"#).await;
    world
        .idp
        .person(serde_json::json!({ "sub": "r346-subject", "preferred_username": "r346-user" }));
    let mut browser = world.browser();
    browser.go("/sitecore/shell/").await;
    browser.get("/members/").await;
    let out = browser.get("/identity/logout").await;
    browser.follow(out).await;
    let trail: Vec<String> =
        logs::lines("r346-user").into_iter().filter(|line| line.contains("audit")).collect();
    for (event, more) in
        [("sign_in", "Partner"), ("access_refused", "r346 rule"), ("sign_out", "127.0.0.1")]
    {
        let found = trail
            .iter()
            .any(|line| line.contains(event) && line.contains(more) && line.contains("request.id"));
        assert!(found, "no {event} with {more} in {trail:#?}");
    }
}

#[tokio::test]
async fn r346_a_sign_in_that_fails_is_in_the_audit_trail() {
    let world = World::with("<sites><site name=\"r346failing\" patch:before=\"*[1]\" hostName=\"inner.localhost\" requireLogin=\"true\" upstream=\"cms\" /></sites>").await;
    let mut browser = world.browser();
    let callback = journey::callback(&mut browser, "/sitecore/shell/").await;
    browser.get(&journey::changed(&callback, "iss", Some("https://evil.test/r346-issuer"))).await;
    let refusals = logs::lines("sign_in_refused");
    assert!(
        refusals.iter().any(|line| line.contains("audit") && line.contains("Partner")),
        "{refusals:#?}"
    );
}

#[tokio::test]
async fn what_a_client_sends_cannot_forge_a_log_line() {
    let world = World::start().await;
    world.idp.person(serde_json::json!({ "sub": "s", "preferred_username": "eve", "email": "forged\n2026 INFO vestibule::audit: forged-line" }));
    world.browser().go("/sitecore/shell/").await;
    world.raw_get("/x?%0aforged-line", "User-Agent: forged-line\x1b[31m\r\n").await;
    assert!(logs::text().lines().all(|line| !line.starts_with("2026 INFO")));
    assert!(!logs::text().contains('\x1b'));
}

#[tokio::test]
async fn every_request_has_one_line() {
    let world = World::start().await;
    let problem =
        world.raw_get("/sitecore/shell/one-line", "Accept: application/json\r\n").await.json();
    let id = problem["request_id"].as_str().unwrap().to_owned();
    let lines = logs::lines(&id);
    assert_eq!(lines.len(), 1, "{lines:#?}");
    assert!(lines[0].contains("401") && lines[0].contains("shell"), "{}", lines[0]);
}

#[tokio::test]
async fn r343_no_page_of_ours_shows_a_token() {
    let world = World::start().await;
    let mut browser = world.signed_in(provider::jane()).await;
    let session = browser.cookie(SESSION).unwrap();
    for path in [
        "/identity/",
        "/identity/logout",
        "/identity/sign-in-urls?site=shell&returnUrl=%2F",
        "/sitecore/login?fbc=1",
    ] {
        let request = browser.navigation("GET", path, "none");
        let page = browser.send(request).await;
        assert!(
            !page.text().contains(&session) && !page.text().contains("eyJ"),
            "{path}: {}",
            page.gist()
        );
        assert!(
            page.header("cache-control").is_none_or(|policy| policy.contains("no-store")),
            "{path}"
        );
    }
}
