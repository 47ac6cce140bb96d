//! CHK: the session-management frame, cross-origin calls, and where the server is hosted.

use url::Url;

use crate::acceptance::house::House;
use crate::acceptance::house::Reply;
use crate::support::signing::base64url;
use crate::support::signing::sha256;
use crate::support::wire::Answer;

/// What the frame tells the client that asks about the answer it once got.
fn frame_says(reply: &Reply, client: &str, cookie: Option<&str>) -> &'static str {
    let (hash, salt) = reply.sent("session_state").split_once('.').unwrap();
    let origin = Url::parse(&reply.to).unwrap().origin().ascii_serialization();
    let text = format!("{client}{origin}{}{salt}", cookie.unwrap_or_default());
    if base64url(sha256(text.as_bytes())) == hash { "unchanged" } else { "changed" }
}

#[tokio::test]
async fn chk01_the_frame_names_its_cookie_and_may_be_framed_and_kept() {
    let house = House::start().await;
    let page = house.get("/connect/checksession", &[]).await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").unwrap().starts_with("text/html"));
    assert!(page.text().contains("idsrv.session"));
    let (_, script) =
        page.text().split_once("<script>").map(|(a, b)| (a.len(), b.to_owned())).unwrap();
    let script = script.split("</script>").next().unwrap();
    let hash = base64::Engine::encode(
        &base64::engine::general_purpose::STANDARD,
        sha256(script.as_bytes()),
    );
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains(&format!("script-src 'sha256-{hash}'")), "{policy}");
    assert!(!policy.contains("unsafe") && !policy.contains("frame-ancestors"), "{policy}");
    assert_eq!(page.header("x-frame-options"), None);
    assert!(page.header("cache-control").unwrap().contains("max-age="));
    assert_eq!(page.header("set-cookie"), None);
    assert_eq!(house.post("/connect/checksession", &[], &[]).await.status, 405);
}

#[tokio::test]
async fn chk02_oidcc_session_management_rp() {
    let house = House::start().await;
    let mut browser = house.browser();
    let before = house.ask(&mut browser, "web", &[("prompt", "none")]).await.reply();
    assert_eq!(frame_says(&before, "web", browser.cookie("idsrv.session").as_deref()), "unchanged");
    let reply = house.authorize(&mut browser, "web", &[]).await;
    let cookie = browser.cookie("idsrv.session").unwrap();
    assert_eq!(frame_says(&reply, "web", Some(&cookie)), "unchanged");
    assert_eq!(frame_says(&reply, "other", Some(&cookie)), "changed");
    assert_eq!(frame_says(&before, "web", Some(&cookie)), "changed", "somebody signed in");
    let again = house.authorize(&mut browser, "web", &[("prompt", "login")]).await;
    let kept = browser.cookie("idsrv.session");
    assert_eq!(kept.as_deref(), Some(cookie.as_str()), "LOGIN-09: the same person");
    assert_ne!(again.sent("session_state"), reply.sent("session_state"), "salted");
    let asks = browser.go("/connect/endsession").await;
    let answer = browser.press(&asks, "sign-out-button").await;
    browser.follow(answer).await;
    assert_eq!(browser.cookie("idsrv.session"), None);
    assert_eq!(frame_says(&again, "web", None), "changed");
}

#[tokio::test]
async fn login09_another_person_is_another_session() {
    let house = House::start().await;
    let mut browser = house.browser();
    let mut sid = async |user: &str| {
        let more = [("prompt", "login")];
        let reply = house.authorize_as(&mut browser, user, "web", &more).await;
        let tokens = house.redeem("web", reply.sent("code")).await.json();
        let (_, claims) = house.verified(tokens["id_token"].as_str().unwrap()).await;
        assert_eq!(claims["sid"], browser.cookie("idsrv.session").unwrap().as_str());
        (claims["sid"].as_str().unwrap().to_owned(), browser.cookie("idsrv").unwrap())
    };
    let (jane, first) = sid("jane").await;
    let (jane_again, second) = sid("jane").await;
    assert_eq!(jane, jane_again);
    assert_ne!(first, second, "J185: the secret is a new one");
    assert_ne!(sid("bob").await.0, jane);
}

async fn preflight(house: &House, path: &str, origin: &str) -> Answer {
    let lines = [("Origin", origin), ("Access-Control-Request-Method", "POST")];
    house.call("OPTIONS", path, &lines, None).await
}

#[tokio::test]
async fn chk03_a_clients_origin_may_call_what_scripts_need() {
    let house = House::start().await;
    for path in [
        "/.well-known/openid-configuration",
        "/.well-known/openid-configuration/jwks",
        "/connect/token",
        "/connect/userinfo",
        "/connect/revocation",
    ] {
        let answer = preflight(&house, path, "https://rp.localhost").await;
        assert_eq!(answer.status, 204, "{path}");
        assert_eq!(
            answer.header("access-control-allow-origin"),
            Some("https://rp.localhost"),
            "{path}"
        );
        assert_eq!(answer.header("access-control-allow-credentials"), None);
    }
}

#[tokio::test]
async fn chk04_nobody_else_may_and_no_page_is_open_to_scripts() {
    let house = House::start().await;
    for path in ["/connect/authorize", "/connect/introspect", "/connect/endsession"] {
        let answer = preflight(&house, path, "https://rp.localhost").await;
        assert_eq!(answer.header("access-control-allow-origin"), None, "{path}");
    }
    for origin in
        ["https://evil.test", "null", "https://rp.localhost.evil.test", "http://rp.localhost"]
    {
        let answer = preflight(&house, "/connect/token", origin).await;
        assert_eq!(answer.header("access-control-allow-origin"), None, "{origin}");
        let found = house.get("/.well-known/openid-configuration", &[("Origin", origin)]).await;
        assert_eq!(found.header("access-control-allow-origin"), None, "{origin}");
    }
}

#[tokio::test]
async fn chk05_our_own_origin_is_no_stranger() {
    let house = House::start().await;
    let own = [("Origin", house.issuer())];
    let own: Vec<(&str, &str)> = own.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let answer = house.get("/.well-known/openid-configuration", &own).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, None));
}
