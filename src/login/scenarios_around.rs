//! The engine as a browser sees it, around the provider: ways back, what may be started, the local
//! form, sign-out and limits.

use http::Method;
use http::StatusCode;
use http::header;
use serde_json::json;

use crate::error::Problem;
use crate::login::fake_provider::FakeProvider;
use crate::login::scenarios::START;
use crate::login::scenarios::back;
use crate::login::scenarios::begun;
use crate::login::testing::CMS;
use crate::login::testing::Stage;
use crate::login::testing::config;
use crate::login::testing::connection;
use crate::login::testing::location;
use crate::login::testing::parameters;
use crate::login::testing::reason;

const ID: &str = "id.localhost:8443";

#[tokio::test]
async fn g151_g155_ways_back_are_paths_of_the_site_and_never_ours() {
    let (_provider, mut stage, _) = begun().await;
    for (asked, expected) in [
        ("https%3A%2F%2Fevil.test", "/sitecore/shell/"),
        ("%2F%2Fevil.test", "/sitecore/shell/"),
        ("%2Fidentity%2Flogout", "/sitecore/shell/"),
        ("%2Fsignin-oidc%3Fcode%3Dx", "/sitecore/shell/"),
        ("%2Fsitecore%2Flogin", "/sitecore/shell/"),
        ("%2Fsitecore%2Flogin%2F", "/sitecore/shell/"),
        ("%2Fidentity%2Flogout%2F", "/sitecore/shell/"),
        ("%2F.well-known%2Fvestibule%2Fjwks.json", "/sitecore/shell/"),
        (
            "%2Fidentity%2Fexternallogincallback%3FReturnUrl%3D%252Fsitecore%252Fx%26sc_site%3Dshell",
            "/sitecore/x",
        ),
        (
            "%2Fidentity%2Fexternallogincallback%3FReturnUrl%3D%252Fidentity%252Flogout",
            "/sitecore/shell/",
        ),
    ] {
        let path = format!("/identity/externallogincallback?sc_site=shell&ReturnUrl={asked}");
        let response = stage.get(&path).await.unwrap();
        assert_eq!(location(&response), expected, "{asked}");
    }
}

#[tokio::test]
async fn only_what_is_mapped_can_be_started() {
    let (_provider, mut stage, _) = begun().await;
    for path in [
        "/identity/login/shell/Other",
        "/identity/login/website/Partner",
        "/identity/login/id/Partner",
        "/identity/login/nowhere/Partner",
        "/identity/login/shell",
        "/identity/externallogin?authenticationType=Partner&sc_site=shell",
        "/identity/unknown",
    ] {
        assert!(matches!(stage.get(path).await, Err(Problem::NotFound(_))), "{path}");
    }
    let path = "/identity/externallogin?authenticationType=Partner&ReturnUrl=%2Fx&sc_site=shell";
    assert_eq!(stage.post(path, "").await.unwrap().status(), StatusCode::SEE_OTHER);
    let sent =
        stage.begin("/identity/login/SHELL/Partner/Inner-1?acr_values=low&client_id=x").await;
    assert_eq!(sent.get("acr_values"), Some("idp:Inner-1"), "h184: nothing else passes through");
    assert_eq!(sent.get("client_id"), Some("gateway"));
}

#[tokio::test]
async fn h184_the_inner_provider_that_was_asked_for_is_the_one_that_vouches() {
    let (provider, mut stage, _) = begun().await;
    for said in [json!({}), json!({ "idp": "inner-1" }), json!({ "idp": "local" })] {
        let sent = stage.begin("/identity/login/shell/Partner/Inner-1").await;
        provider.script.lock().unwrap().nonce = sent.get("nonce").unwrap().to_owned();
        provider.script.lock().unwrap().claims = said.clone();
        assert_eq!(reason(stage.get(&back(&sent, "")).await), "other_provider", "{said}");
        assert_eq!(stage.user("shell"), None);
    }
    let sent = stage.begin("/identity/login/shell/Partner/Inner-1").await;
    provider.script.lock().unwrap().nonce = sent.get("nonce").unwrap().to_owned();
    provider.script.lock().unwrap().claims = json!({ "idp": "Inner-1" });
    stage.get(&back(&sent, "")).await.unwrap();
    assert!(stage.user("shell").is_some());
}

#[tokio::test]
async fn k242_signing_out_asks_first_and_goes_on_to_the_provider_and_back() {
    let (provider, mut stage, sent) = begun().await;
    stage.get(&back(&sent, "")).await.unwrap();
    let asked = stage.get("/identity/logout?returnUrl=%2Fbye").await.unwrap();
    assert_eq!(asked.status(), StatusCode::OK);
    assert_eq!(stage.sessions.len(), 1);
    let forged = stage.post("/identity/logout", "token=x&returnUrl=%2Fbye").await.unwrap();
    assert_eq!((forged.status(), stage.sessions.len()), (StatusCode::OK, 1));
    let token = form_token(&stage);
    let form = format!("token={token}&returnUrl=%2Fbye");
    let gone = stage.post("/identity/logout", &form).await.unwrap();
    assert_eq!(stage.sessions.len(), 0);
    assert!(!stage.cookies.contains_key(".AspNet.Cookies"));
    assert!(location(&gone).starts_with(&format!("{}/logout?id_token_hint=", provider.issuer)));
    let sent = parameters(&gone);
    let landing = "https://cms.localhost:8443/signout-callback-oidc";
    assert_eq!(sent.get("post_logout_redirect_uri"), Some(landing));
    assert_eq!(sent.get("client_id"), Some("gateway"));
    let path = format!("/signout-callback-oidc?state={}", sent.get("state").unwrap());
    let returned = stage.get(&path).await.unwrap();
    assert_eq!(location(&returned), "/bye");
    for state in ["", "nonsense"] {
        let path = format!("/signout-callback-oidc?state={state}");
        assert_eq!(stage.get(&path).await.unwrap().status(), StatusCode::OK);
    }
}

/// A token as the forms of this stage's browser carry it.
fn form_token(stage: &Stage) -> String {
    use crate::login::ticket;
    let cookie = &stage.cookies[crate::session::cookie::LOGIN_COOKIE];
    let digest = crate::crypto::digest::sha256_base64url(cookie.as_bytes());
    ticket::issue(&stage.seal, ticket::Purpose::Form, &digest, None, stage.clock.now())
}

#[tokio::test]
async fn the_legacy_page_leads_to_shells_login_page_and_the_break_glass_form_lets_in() {
    let (_provider, mut stage, _) = begun().await;
    let response = stage.get("/sitecore/login?returnUrl=%2Fsitecore%2Fx").await.unwrap();
    assert_eq!(location(&response), "/identity/login/shell/Partner?returnUrl=%2Fsitecore%2Fx");
    for page in ["/sitecore/login?fbc=1", "/sitecore/login/?fbc=1"] {
        assert_eq!(stage.get(page).await.unwrap().status(), StatusCode::OK, "{page}");
    }
    let token = form_token(&stage);
    let form = |password: &str, token: &str| {
        format!("username=jane&password={password}&returnUrl=%2Fsitecore%2Fx&token={token}")
    };
    let forged = stage.post("/sitecore/login?fbc=1", &form("correct+horse", "x")).await.unwrap();
    assert_eq!(forged.status(), StatusCode::BAD_REQUEST);
    let wrong = stage.post("/sitecore/login?fbc=1", &form("wrong", &token)).await.unwrap();
    assert_eq!(wrong.status(), StatusCode::OK);
    assert_eq!(stage.user("shell"), None);
    let unasked = stage.post("/sitecore/login", &form("correct+horse", &token)).await;
    assert!(matches!(unasked, Err(Problem::NotFound(_))), "no form, so nothing to post");
    let form =
        |password: &str, token: &str| format!("{}&rememberLogin=true", form(password, token));
    let right = stage.post("/sitecore/login?fbc=1", &form("correct+horse", &token)).await.unwrap();
    assert_eq!((right.status(), location(&right)), (StatusCode::SEE_OTHER, "/sitecore/x"));
    let cookie = right.headers()[header::SET_COOKIE].to_str().unwrap();
    assert!(!cookie.contains("Max-Age"), "break-glass ends with the browser: {cookie}");
    assert_eq!(stage.user("shell").as_deref(), Some("sitecore\\jane"));
}

#[tokio::test]
async fn a_host_without_shell_has_no_legacy_page() {
    let mut config = config(connection("https://idp.test"));
    config.sites.remove(0);
    let mut stage = Stage::with(config);
    for path in ["/sitecore/login", "/sitecore/login?fbc=1"] {
        assert!(matches!(stage.get(path).await, Err(Problem::NotFound(_))), "{path}");
        assert!(matches!(stage.post(path, "").await, Err(Problem::NotFound(_))), "{path}");
    }
}

#[tokio::test]
async fn the_identity_server_signs_in_by_form_and_by_external_provider() {
    let (provider, mut stage, _) = begun().await;
    let back_to = "ReturnUrl=%2Fconnect%2Fauthorize%2Fcallback%3Fclient_id%3Da";
    let page = stage.send(Method::GET, ID, &format!("/account/login?{back_to}"), None).await;
    assert_eq!(page.unwrap().status(), StatusCode::OK);
    let token = form_token(&stage);
    let form = format!(
        "username=jane&password=correct+horse&token={token}&rememberLogin=true&returnUrl=%2Fconnect%2Fauthorize%2Fcallback%3Fclient_id%3Da"
    );
    let answer = stage.send(Method::POST, ID, "/account/login", Some(&form)).await.unwrap();
    assert_eq!(location(&answer), "/connect/authorize/callback?client_id=a");
    let cookie = answer.headers()[header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.starts_with("idsrv=") && cookie.contains("Max-Age="), "{cookie}");
    let path = format!("/account/login?provider=Partner&{back_to}");
    let sent = parameters(&stage.send(Method::GET, ID, &path, None).await.unwrap());
    assert_eq!(sent.get("redirect_uri"), Some("https://id.localhost:8443/signin-oidc"));
    provider.script.lock().unwrap().nonce = sent.get("nonce").unwrap().to_owned();
    let answer = stage.send(Method::GET, ID, &back(&sent, ""), None).await.unwrap();
    assert_eq!(location(&answer), "/connect/authorize/callback?client_id=a");
    assert_eq!(stage.user("id").as_deref(), Some("Partner\\42"));
}

#[tokio::test]
async fn sign_in_urls_are_what_the_cms_would_list() {
    let (_provider, mut stage, _) = begun().await;
    let response = stage.get("/identity/sign-in-urls?site=shell&returnUrl=%2Fx").await.unwrap();
    let crate::http::Body::Bytes(body) = response.into_body() else { panic!() };
    let urls: serde_json::Value = serde_json::from_slice(&body).unwrap();
    let href = "/identity/externallogin?authenticationType=Partner&ReturnUrl=%2Fx&sc_site=shell";
    assert_eq!(
        urls,
        json!([{ "identityProvider": "Partner", "caption": "Partner", "icon": null, "href": href }])
    );
    assert!(stage.send(Method::POST, CMS, "/identity/sign-in-urls", Some("")).await.is_err());
}

#[tokio::test]
async fn a_flood_of_starts_is_limited() {
    let provider = FakeProvider::start().await;
    let mut config = config(connection(&provider.issuer));
    config.limits.sign_ins_per_minute = 2;
    let mut stage = Stage::with(config);
    assert!(stage.get(START).await.is_ok() && stage.get(START).await.is_ok());
    assert!(matches!(stage.get(START).await, Err(Problem::TooManyRequests { .. })));
    assert_eq!(provider.count("/.well-known/openid-configuration"), 1);
}
