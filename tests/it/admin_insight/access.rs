//! What would become of somebody.

use serde_json::Value;
use serde_json::json;
use vestibule::cli::explain;

use crate::admin_insight::desk;
use crate::admin_insight::has_row;
use crate::admin_insight::rows;
use crate::admin_insight::world;
use crate::admin_insight::world_with;
use crate::support::browser::Browser;
use crate::support::html;
use crate::support::logs;
use crate::support::provider::CLIENT_ID;
use crate::support::signing::Signature;
use crate::support::signing::Token;
use crate::support::wire::Answer;
use crate::support::world::World;

const ACCESS: &str = "/vestibule/access";

const RULE: &str = r#"<gateway><access><rule name="authors alone" site="website" path="/members/*" roles="sitecore\Author" /></access></gateway>"#;

/// Asks what would become of whom Partner says `claims`.
pub(super) async fn ask(browser: &mut Browser, url: &str, claims: &str) -> Answer {
    let form = browser.get(ACCESS).await;
    let fields = [("url", url), ("provider", "Partner"), ("claims", claims)];
    browser.submit_with(&form, &[], &fields).await
}

fn said(claims: &Value) -> String {
    claims.to_string()
}

#[tokio::test]
async fn the_page_says_what_the_command_says() {
    let world = world_with(RULE).await;
    let mut ada = desk(&world).await;
    for (path, claims) in [
        ("/members/list", json!({ "sub": "1", "groups": ["editors", "x"], "email": "a@b.test" })),
        ("/members/list", json!({ "sub": "2" })),
        ("/sitecore/shell/", json!({ "groups": ["editors"] })),
        ("/", json!({ "sub": "3", "role": "sitecore\\Developer", "idp": "me" })),
    ] {
        let url = world.url(path);
        let page = ask(&mut ada, &url, &said(&claims)).await;
        assert_eq!(page.status, 200, "{}", page.gist());
        let text = page.text();
        let (_, text) = text.split_once("id=\"told-text\"").expect("the explanation as text");
        let text = text.split_once('>').unwrap().1.split("</pre>").next().unwrap();
        assert_eq!(html::unescape(text), explained(&world, &url, &claims));
    }
}

fn explained(world: &World, url: &str, claims: &Value) -> String {
    let question = explain::Question {
        site: None,
        provider: "Partner".to_owned(),
        claims: claims.as_object().unwrap().clone(),
        url: Some(url.to_owned()),
    };
    let mut out = Vec::new();
    explain::explain(&world.gateway.app.config(), &question, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[tokio::test]
async fn each_role_says_which_rule_made_it_and_the_rule_that_decides_is_named() {
    let world = world_with(RULE).await;
    let mut ada = desk(&world).await;
    let url = world.url("/members/list");
    let claims = said(&json!({ "sub": "1", "groups": ["editors"] }));
    let page = ask(&mut ada, &url, &claims).await;
    let roles = rows(&page);
    let role = roles.iter().find(|row| row.starts_with("sitecore\\Author | editors (")).unwrap();
    assert!(role.contains("test.config:"), "{role}");
    let text = html::text(&page.text());
    assert!(text.contains("may open it ; decided by authors alone"), "{text}");
    let page = ask(&mut ada, &url, &said(&json!({ "sub": "1" }))).await;
    assert!(html::text(&page.text()).contains("may not open it: authors alone"));
}

#[tokio::test]
async fn a_token_says_whether_it_is_verified_and_signs_nobody_in() {
    let world = world().await;
    let mut ada = desk(&world).await;
    let now = world.clock.now().0;
    let claims = json!({
        "iss": world.idp.issuer, "aud": CLIENT_ID, "sub": "token-1", "iat": now, "exp": now + 300,
        "groups": ["editors"],
    });
    let good = Token::of(claims.clone(), 0);
    let foreign = Token::of(claims.clone(), 1);
    let mut none = Token::of(claims.clone(), 0);
    none.header = json!({ "alg": "none" });
    none.signature = Signature::Empty;
    let mut old = good.clone();
    old.claims["exp"] = json!(now - 3600);
    let mut hmac = Token::of(claims, 0);
    hmac.header["alg"] = json!("HS256");
    hmac.signature = Signature::Hmac(b"guessed".to_vec());
    for (token, told) in [
        (&good, "The token is verified"),
        (&foreign, "The token is not verified"),
        (&none, "The token is not verified"),
        (&hmac, "The token is not verified"),
        (&old, "The signature is verified, but no sign-in would take the token: expired."),
    ] {
        let token = token.encode();
        let page = ask(&mut ada, &world.url("/sitecore/shell/"), &token).await;
        assert_eq!(page.status, 200, "{}", page.gist());
        let text = html::text(&page.text());
        assert!(text.contains(told), "{told}: {text}");
        assert!(has_row(&page, "sitecore\\Author"), "{:?}", rows(&page));
        assert!(page.values("set-cookie").is_empty());
        assert!(!page.text().contains(&token), "the token is shown again");
        assert!(logs::lines(&token).is_empty(), "the token is logged");
    }
    assert_eq!(world.gateway.app.sessions().len(), 1, "Ada alone is signed in");
}

#[tokio::test]
async fn somebody_signed_in_is_found_by_name() {
    let world = world().await;
    let mut ada = desk(&world).await;
    world.jane().await;
    let name = world.cms.last().header("x-forwarded-user").map(str::to_owned);
    let name = name.unwrap_or_else(|| panic!("{:?}", world.cms.last()));
    let url = world.url("/sitecore/shell/");
    let form = ada.get(ACCESS).await;
    let fields = [("url", url.as_str()), ("user", name.as_str())];
    let page = ada.submit_with(&form, &[], &fields).await;
    let text = html::text(&page.text());
    assert!(text.contains("Signed in since") && text.contains("with Partner at shell"), "{text}");
    assert!(text.contains("may open it"), "{text}");
    assert!(has_row(&page, "sitecore\\Author"), "{:?}", rows(&page));
    let fields = [("url", url.as_str()), ("user", "sitecore\\nobody")];
    let page = ada.submit_with(&form, &[], &fields).await;
    assert_eq!(page.status, 422);
    assert!(page.text().contains("Nobody called sitecore\\nobody"), "{}", page.gist());
}

#[tokio::test]
async fn m_markup_in_claims_is_text() {
    let world = world().await;
    let mut ada = desk(&world).await;
    let evil = "<img src=x onerror=alert(1)>\"'</textarea><script>alert(2)</script>";
    let claims = said(&json!({ "sub": "1", "groups": ["editors"], "email": evil, evil: "v" }));
    let page = ask(&mut ada, &world.url("/sitecore/shell/"), &claims).await.text();
    assert!(!page.contains("<img src=x") && !page.contains("<script>alert"), "{page}");
    assert!(page.contains("onerror"), "the claim is shown");
}

#[tokio::test]
async fn a_form_from_elsewhere_and_what_is_no_question_are_refused() {
    let world = world().await;
    let mut ada = desk(&world).await;
    let form = ada.get(ACCESS).await;
    let forged = ada.submit(&form, &[("token", "forged"), ("user", "x")]).await;
    assert_eq!(forged.status, 400, "{}", forged.gist());
    for (url, claims, told) in [
        ("https://cms.localhost/", "{", "not a JSON object"),
        ("https://cms.localhost/", "neither.a.token", "neither a JSON object"),
        ("no url", "{}", "is not a URL"),
        ("https://evil.test/", "{}", "the answer would be 421"),
        ("https://cms.localhost/%2e%2e/x", "{}", "would be refused"),
    ] {
        let page = ask(&mut ada, url, claims).await;
        assert_eq!(page.status, 422, "{url} {claims}: {}", page.gist());
        assert!(html::text(&page.text()).contains(told), "{told}: {}", page.gist());
    }
    let long = "x".repeat(200 * 1024);
    assert_eq!(ask(&mut ada, "", &long).await.status, 413);
    let linked = ada.get("/vestibule/access?claims=%7B%7D&provider=Partner&site=shell").await;
    assert!(!linked.text().contains("told-site"), "claims are only posted");
}
