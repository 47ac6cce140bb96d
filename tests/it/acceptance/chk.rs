//! CHK: the session-management frame, cross-origin calls, and where the server is hosted.

use url::Url;

use crate::acceptance::house::House;
use crate::acceptance::house::PASSWORD;
use crate::acceptance::house::Reply;
use crate::acceptance::house::redirect_uri;
use crate::acceptance::house::request;
use crate::acceptance::house::secret;
use crate::support::browser::Browser;
use crate::support::html;
use crate::support::signing::base64url;
use crate::support::signing::part;
use crate::support::signing::sha256;
use crate::support::tls;
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
        let headers = answer.header("access-control-allow-headers");
        assert_eq!(headers, Some("Authorization, Content-Type, DPoP"), "RFC 9449 in a browser");
    }
}

#[tokio::test]
async fn chk03_a_clients_origin_reads_what_failed_and_the_headers_that_say_why() {
    let house = House::start().await;
    let origin = ("Origin", "https://rp.localhost");
    let refused = house.get("/connect/userinfo", &[origin]).await;
    let json = [origin, ("Content-Type", "application/json")];
    let broken = house.call("POST", "/connect/revocation", &json, None).await;
    let other = house.call("PUT", "/connect/userinfo", &[origin], None).await;
    for (answer, status) in [(&refused, 401), (&broken, 415), (&other, 405)] {
        assert_eq!(answer.status, status);
        let readable = answer.header("access-control-allow-origin");
        assert_eq!(readable, Some("https://rp.localhost"), "{status}");
        let headers = answer.header("access-control-expose-headers");
        assert_eq!(headers, Some("DPoP-Nonce, WWW-Authenticate"), "{status}");
    }
    assert!(refused.header("www-authenticate").is_some());
    assert_eq!(broken.header("content-type"), Some("application/problem+json"));
    assert_eq!(other.header("allow"), Some("GET, HEAD, POST"));
    let evil = [("Origin", "https://evil.test"), ("Content-Type", "application/json")];
    let broken = house.call("POST", "/connect/revocation", &evil, None).await;
    assert_eq!((broken.status, broken.header("access-control-allow-origin")), (415, None));
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

/// Signs Jane in at `base`, an address of the identity server, for the client `web`, and goes on to
/// userinfo; the issuer that discovery names. Every request carries `line`.
async fn whole_flow(base: &str, line: (&str, &str)) -> String {
    let mut browser = Browser::new(base);
    let from_here = |browser: &Browser, path: &str| {
        let request = browser.visit(&format!("{base}{path}"));
        request.header(line.0, line.1)
    };
    let start = from_here(&browser, &request("web", &[]));
    let answer = browser.send(start).await;
    let login = browser.url.join(answer.location()).unwrap();
    assert!(login.as_str().starts_with(&format!("{base}/account/login?")), "{login}");
    let answer = browser.send(browser.visit(login.as_str()).header(line.0, line.1)).await;
    let form = html::forms(&answer.text()).into_iter().find(|form| form.inner.contains("password"));
    let form = form.unwrap_or_else(|| panic!("no form: {} {}", answer.status, answer.gist()));
    let mut fields = form.fields;
    fields.retain(|(name, _)| !["username", "password"].contains(&name.as_str()));
    fields
        .extend([("username", "jane"), ("password", PASSWORD)].map(|(n, v)| (n.into(), v.into())));
    let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let action = browser.url.join(&form.action).unwrap();
    let origin = action.origin().ascii_serialization();
    let post = browser.navigation("POST", action.as_str(), "same-origin");
    let post = post.header("Origin", &origin).header(line.0, line.1).form(&fields);
    let answer = browser.send(post).await;
    for set in answer.values("set-cookie") {
        assert!(set.contains("Secure") && set.contains("Path=/"), "{set}");
    }
    let back = browser.url.join(answer.location()).unwrap();
    let answer = browser.send(browser.visit(back.as_str()).header(line.0, line.1)).await;
    let reply = crate::acceptance::house::reply(&answer).expect("the client is answered");
    let redirect_uri = redirect_uri("web");
    let form = [
        ("grant_type", "authorization_code"),
        ("code", reply.sent("code")),
        ("redirect_uri", redirect_uri.as_str()),
        ("client_id", "web"),
        ("client_secret", &secret("web")),
    ];
    let post = browser.bare("POST", &format!("{base}/connect/token")).header(line.0, line.1);
    let tokens = browser.send(post.form(&form)).await.json();
    let claims = part(tokens["id_token"].as_str().unwrap(), 1);
    let found = browser.send(from_here(&browser, "/.well-known/openid-configuration")).await.json();
    assert_eq!((&claims["iss"], &reply.sent("iss").into()), (&found["issuer"], &found["issuer"]));
    let issuer = found["issuer"].as_str().unwrap();
    for (name, value) in found.as_object().unwrap() {
        if name.ends_with("_endpoint") || name == "jwks_uri" || name == "check_session_iframe" {
            assert!(value.as_str().unwrap().starts_with(&format!("{issuer}/")), "{name}: {value}");
        }
    }
    let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    let info = browser.bare("GET", &format!("{base}/connect/userinfo"));
    let info = info.header(line.0, line.1).header("Authorization", &bearer);
    assert_eq!(browser.send(info).await.json()["sub"], claims["sub"]);
    issuer.to_owned()
}

#[tokio::test]
async fn chk06_disc02_the_whole_flow_works_under_a_folder() {
    let patch = "<sites><site name=\"identity\" set:virtualFolder=\"/sso/id\" /></sites>";
    let house = House::with("", patch).await;
    let base = format!("{}/sso/id", house.issuer());
    assert_eq!(whole_flow(&base, ("X-Nothing", "1")).await, base);
    let elsewhere = house.get("/connect/authorize", &[]).await;
    assert_eq!(elsewhere.status, 502, "another site's, whose server is not there");
}

#[tokio::test]
async fn chk06_disc02_the_whole_flow_works_behind_what_terminates_tls() {
    let patch = "<gateway><identityServer set:issuer=\"https://id.example.test\" />
        <listeners><listener name=\"behind\" address=\"127.0.0.1:0\" plain=\"true\" trustedProxies=\"127.0.0.0/8\" hosts=\"cms.localhost\" /></listeners></gateway>";
    let house = House::with("", patch).await;
    let behind = house.gateway.app.address("behind").unwrap();
    let base = format!("https://id.localhost:{}", tls::terminate(behind).await);
    let issuer = whole_flow(&base, ("X-Forwarded-Proto", "https")).await;
    assert_eq!(issuer, "https://id.example.test");
}
