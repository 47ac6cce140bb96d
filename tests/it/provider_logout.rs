//! Class K: sign-outs that a provider tells us of, from server to server and in frames.

use std::time::Duration;
use std::time::Instant;

use serde_json::Value;
use serde_json::json;

use crate::support::browser::Browser;
use crate::support::cms::Step;
use crate::support::provider;
use crate::support::provider::FakeProvider;
use crate::support::signing::Signature;
use crate::support::signing::Token;
use crate::support::wire::Answer;
use crate::support::world::SESSION;
use crate::support::world::World;
use crate::support::world::cookie_line;
use crate::support::world::mapping;
use crate::support::world::provider_patch;

const BACK: &str = "/identity/backchannel-logout";

/// Jane in the session that the provider calls `sid`.
fn jane_in(sid: &str) -> Value {
    let mut jane = provider::jane();
    jane["sid"] = json!(sid);
    jane
}

/// Sends a logout token to `host` as a provider does: without a cookie.
async fn tell_host(world: &World, host: &str, token: &str) -> Answer {
    let mut program = Browser::new(&format!("https://{host}:{}/", world.gateway.port));
    let request = program.bare("POST", BACK).form(&[("logout_token", token)]);
    program.send(request).await
}

async fn tell(world: &World, token: &Token) -> u16 {
    let answer = tell_host(world, "cms.localhost", &token.encode()).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{}", answer.gist());
    answer.status
}

async fn is_signed_in(world: &World, browser: &Browser) -> bool {
    world.raw_get("/sitecore/shell/x", &cookie_line(browser)).await.status == 200
}

#[tokio::test]
async fn k244_a_logout_token_ends_the_session_that_it_names() {
    let world = World::start().await;
    let browser = world.signed_in(jane_in("s-1")).await;
    let token = world.idp.logout_token(&json!({ "sub": "jane-4711", "sid": "s-1" }));
    assert_eq!(tell(&world, &token).await, 200);
    assert!(!is_signed_in(&world, &browser).await);
    let kind = ["kind=\"back_channel\""];
    assert_eq!(world.gateway.metric("vestibule_logouts_total", &kind).await, 1);
}

#[tokio::test]
async fn k244_a_logout_token_that_breaks_a_rule_is_400_and_the_session_lives() {
    let world = World::start().await;
    let browser = world.signed_in(jane_in("s-1")).await;
    let right = || world.idp.logout_token(&json!({ "sub": "jane-4711", "sid": "s-1" }));
    let now = world.clock.now().0;
    let event = "http://schemas.openid.net/event/backchannel-logout";
    for (name, value) in [
        ("iss", json!("https://elsewhere.test")),
        ("aud", json!("other")),
        ("aud", Value::Null),
        ("iat", Value::Null),
        ("exp", Value::Null),
        ("exp", json!(now - 3600)),
        ("jti", Value::Null),
        ("nonce", json!("n")),
        ("events", Value::Null),
        ("events", json!([event])),
        ("events", json!({ "http://schemas.openid.net/event/foo": {} })),
        ("sub", json!(7)),
    ] {
        let mut token = right();
        if value.is_null() {
            token.claims.as_object_mut().unwrap().remove(name);
        } else {
            token.claims[name] = value.clone();
        }
        assert_eq!(tell(&world, &token).await, 400, "{name} {value}");
    }
    let mut nobody = right();
    nobody.claims.as_object_mut().unwrap().retain(|name, _| name != "sub" && name != "sid");
    assert_eq!(tell(&world, &nobody).await, 400);
    for (header, signature) in [
        (json!({ "alg": "none" }), Signature::Empty),
        (json!({ "alg": "RS256", "kid": "key-0" }), Signature::Flipped),
        (json!({ "alg": "RS256", "kid": "key-0" }), Signature::Key(2)),
        (json!({ "alg": "HS256" }), Signature::Hmac(provider::CLIENT_SECRET.into())),
        (json!({ "alg": "RS256", "kid": "key-0", "typ": "at+jwt" }), Signature::Key(0)),
    ] {
        let token = Token { header: header.clone(), signature, ..right() };
        assert_eq!(tell(&world, &token).await, 400, "{header}");
    }
    for text in ["", "x", "a.b.c", &"x".repeat(10_000)] {
        let answer = tell_host(&world, "cms.localhost", text).await;
        assert_eq!(answer.status, 400, "{text:.10}");
        assert_eq!(answer.json()["error"], "invalid_request");
    }
    assert!(is_signed_in(&world, &browser).await);
}

#[tokio::test]
async fn k245_a_logout_token_is_good_once() {
    let world = World::start().await;
    world.signed_in(jane_in("s-1")).await;
    let token = world.idp.logout_token(&json!({ "sub": "jane-4711" }));
    assert_eq!(tell(&world, &token).await, 200);
    let again = world.signed_in(jane_in("s-2")).await;
    assert_eq!(tell(&world, &token).await, 400);
    assert!(is_signed_in(&world, &again).await);
}

#[tokio::test]
async fn k247_a_session_alone_and_a_person_everywhere() {
    let world = World::start().await;
    let first = world.signed_in(jane_in("s-1")).await;
    let second = world.signed_in(jane_in("s-2")).await;
    let bob = world.signed_in(provider::bob()).await;
    assert_eq!(tell(&world, &world.idp.logout_token(&json!({ "sid": "s-2" }))).await, 200);
    assert!(is_signed_in(&world, &first).await && !is_signed_in(&world, &second).await);
    let third = world.signed_in(jane_in("s-3")).await;
    assert_eq!(tell(&world, &world.idp.logout_token(&json!({ "sub": "jane-4711" }))).await, 200);
    assert!(!is_signed_in(&world, &first).await && !is_signed_in(&world, &third).await);
    assert!(is_signed_in(&world, &bob).await);
    let nobody = json!({ "sub": "jane-4711", "sid": "s-1" });
    assert_eq!(tell(&world, &world.idp.logout_token(&nobody)).await, 200, "she is signed out");
}

#[tokio::test]
async fn k247_a_session_without_a_name_goes_with_its_person() {
    let world = World::start().await;
    let nameless = world.jane().await;
    let other = world.signed_in(jane_in("s-2")).await;
    let token = world.idp.logout_token(&json!({ "sub": "jane-4711", "sid": "s-1" }));
    assert_eq!(tell(&world, &token).await, 200);
    assert!(!is_signed_in(&world, &nameless).await && is_signed_in(&world, &other).await);
}

#[tokio::test]
async fn k248_a_provider_signs_nobody_elses_people_out() {
    let clock = vestibule::clock::Clock::system();
    let stranger = FakeProvider::start(&clock).await;
    let more = format!(
        "{}{}",
        provider_patch("Stranger", &stranger.issuer, ""),
        mapping("Stranger", &["shell"])
    );
    let world = World::with(&more).await;
    let browser = world.signed_in(jane_in("s-1")).await;
    let about = json!({ "sub": "jane-4711", "sid": "s-1" });
    assert_eq!(tell(&world, &stranger.logout_token(&about)).await, 200);
    assert!(is_signed_in(&world, &browser).await, "their sid and sub are their own");
    let mut forged = world.idp.logout_token(&about);
    forged.signature = Signature::Key(2);
    assert_eq!(tell(&world, &forged).await, 400);
    assert!(is_signed_in(&world, &browser).await);
}

#[tokio::test]
async fn k250_every_host_answers_and_the_cms_never_hears_of_it() {
    let world = World::start().await;
    world.cms.clear();
    for host in ["cms.localhost", "www.localhost", "id.localhost"] {
        let answer = tell_host(&world, host, "x").await;
        assert_eq!(answer.status, 400, "{host}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{host}");
    }
    let mut browser = world.browser();
    assert_eq!(browser.get(BACK).await.status, 405);
    let as_json = browser.bare("POST", BACK).body("application/json", "{}");
    assert_eq!(browser.send(as_json).await.status, 400);
    assert_eq!(world.cms.count(), 0);
}

#[tokio::test]
async fn h179_a_provider_that_is_switched_off_signs_nobody_out() {
    let world = World::start().await;
    let browser = world.signed_in(jane_in("s-1")).await;
    let token = world.idp.logout_token(&json!({ "sid": "s-1" }));
    world
        .patch(
            r#"<federatedAuthentication><identityProviders><identityProvider id="Partner"><enabled>false</enabled></identityProvider></identityProviders></federatedAuthentication>"#,
        )
        .await;
    assert_eq!(tell(&world, &token).await, 400);
    world.patch("").await;
    assert!(is_signed_in(&world, &browser).await);
}

#[tokio::test]
async fn a_provider_whose_keys_cannot_be_had_may_try_again() {
    let world = World::start().await;
    let token = world.idp.logout_token(&json!({ "sid": "s-1" }));
    world.idp.answers("jwks", vec![Step::answer("503 Service Unavailable", &[], "")]);
    assert_eq!(tell(&world, &token).await, 503);
    world.idp.honest();
    assert_eq!(tell(&world, &token).await, 200);
}

const UPGRADE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

#[tokio::test]
async fn f146_a_tunnel_ends_within_a_second_of_a_logout_token() {
    let world = World::start().await;
    let browser = world.signed_in(jane_in("s-1")).await;
    world.cms.script(|_| {
        vec![Step::text("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"), Step::Echo]
    });
    let mut wire = world.wire().await;
    let (host, cookie) = (world.host(), cookie_line(&browser));
    wire.send(format!("GET /sitecore/shell/ws HTTP/1.1\r\nHost: {host}\r\n{UPGRADE}{cookie}Origin: https://{host}\r\n\r\n"))
        .await;
    assert_eq!(wire.head().await.unwrap().status, 101);
    assert_eq!(tell(&world, &world.idp.logout_token(&json!({ "sid": "s-1" }))).await, 200);
    let since = Instant::now();
    assert!(wire.closes_within(Duration::from_secs(3)).await, "the tunnel outlives its session");
    assert!(since.elapsed() < Duration::from_millis(1500), "{:?}", since.elapsed());
}

/// Frames `path` as a page of the provider does: cross-site, without a cookie.
async fn framed(world: &World, path: &str, parameters: &[(&str, &str)]) -> Answer {
    let query =
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    let mut browser = world.browser();
    let request = browser
        .bare("GET", &format!("{path}?{query}"))
        .header("Sec-Fetch-Site", "cross-site")
        .header("Sec-Fetch-Mode", "navigate")
        .header("Sec-Fetch-Dest", "iframe");
    browser.send(request).await
}

#[tokio::test]
async fn k251_a_frame_ends_the_session_that_it_names_and_no_other() {
    let world = World::start().await;
    let issuer = world.idp.issuer.clone();
    for (number, path) in
        ["/identity/frontchannel-logout", "/signout-oidc", "/sitecore/shell/FrontChannelLogout"]
            .into_iter()
            .enumerate()
    {
        let sid = format!("s-{number}");
        let browser = world.signed_in(jane_in(&sid)).await;
        for wrong in [
            vec![("iss", issuer.as_str())],
            vec![("sid", sid.as_str())],
            vec![],
            vec![("iss", &issuer), ("sid", "")],
        ] {
            assert_eq!(framed(&world, path, &wrong).await.status, 400, "{wrong:?}");
        }
        let elsewhere = [("iss", "https://elsewhere.test"), ("sid", sid.as_str())];
        assert_eq!(framed(&world, path, &elsewhere).await.status, 200);
        assert_eq!(framed(&world, path, &[("iss", &issuer), ("sid", "s-9")]).await.status, 200);
        assert!(is_signed_in(&world, &browser).await, "{path}");
        let answer = framed(&world, path, &[("iss", &issuer), ("sid", &sid)]).await;
        assert_eq!(answer.status, 200, "{}", answer.gist());
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.contains(&format!("frame-ancestors 'self' {issuer}")), "{policy}");
        assert!(!answer.text().contains("<iframe"), "{}", answer.text());
        assert!(!is_signed_in(&world, &browser).await, "{path}");
    }
}

#[tokio::test]
async fn k251_a_cookie_alone_ends_nothing() {
    let world = World::start().await;
    let mut browser = world.signed_in(jane_in("s-1")).await;
    assert_eq!(browser.get("/signout-oidc").await.status, 400);
    assert!(browser.cookie(SESSION).is_some() && is_signed_in(&world, &browser).await);
}
