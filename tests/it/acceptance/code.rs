//! CODE: the grant `authorization_code`.

use serde_json::Value;
use serde_json::json;

use crate::acceptance::house::House;
use crate::acceptance::house::client;
use crate::acceptance::house::redirect_uri;
use crate::acceptance::tok::refused;
use crate::support::browser::Browser;
use crate::support::signing::half_hash;
use crate::support::wire::Answer;

// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const PKCE: [(&str, &str); 2] = [("code_challenge", CHALLENGE), ("code_challenge_method", "S256")];

/// A fresh code of `client` for Jane.
async fn code(house: &House, browser: &mut Browser, client: &str, more: &[(&str, &str)]) -> String {
    house.authorize(browser, client, more).await.sent("code").to_owned()
}

/// Redeems `code` as `client`, with `more` in the place of or beside what is usually sent; an empty
/// value leaves a parameter out.
async fn redeem(house: &House, client: &str, code: &str, more: &[(&str, &str)]) -> Answer {
    let redirect_uri = redirect_uri(client);
    let usual =
        [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", &redirect_uri)];
    let kept = usual.iter().filter(|(name, _)| !more.iter().any(|(other, _)| other == name));
    let form: Vec<_> = kept.chain(more).filter(|(_, value)| !value.is_empty()).copied().collect();
    house.token(client, &form).await
}

fn access_token(tokens: &Value) -> &str {
    tokens["access_token"].as_str().unwrap()
}

#[tokio::test]
async fn code01_a_code_becomes_tokens() {
    let house = House::start().await;
    let mut browser = house.browser();
    let tokens = house.tokens(&mut browser, "web", &[("scope", "openid email api1")]).await;
    let mut names: Vec<_> = tokens.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["access_token", "expires_in", "id_token", "scope", "token_type"]);
    assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("Bearer"), &json!(3600)));
    assert_eq!(tokens["scope"], "openid email api1");
    let more = [("scope", "openid offline_access")];
    let tokens = house.tokens(&mut browser, "web", &more).await;
    assert_eq!(tokens["refresh_token"].as_str().map(str::len), Some(64));
}

#[tokio::test]
async fn code02_l257_a_code_that_comes_again_ends_what_it_was_redeemed_for() {
    let house = House::start().await;
    let mut browser = house.browser();
    let code = code(&house, &mut browser, "web", &[("scope", "openid offline_access")]).await;
    let tokens = redeem(&house, "web", &code, &[]).await.json();
    assert_eq!(house.userinfo(access_token(&tokens)).await.status, 200);
    refused(&redeem(&house, "web", &code, &[]).await, 400, "invalid_grant");
    assert_eq!(house.userinfo(access_token(&tokens)).await.status, 401);
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
    ];
    refused(&house.token("web", &form).await, 400, "invalid_grant");
}

#[tokio::test]
async fn code03_another_clients_code_stays_its_owners() {
    let house = House::start().await;
    let mut browser = house.browser();
    let code = code(&house, &mut browser, "web", &[]).await;
    let theft = redeem(&house, "other", &code, &[("redirect_uri", &redirect_uri("web"))]).await;
    refused(&theft, 400, "invalid_grant");
    assert_eq!(redeem(&house, "web", &code, &[]).await.status, 200);
}

#[tokio::test]
async fn code04_the_redirect_uri_must_be_that_of_the_request() {
    let house = House::start().await;
    let mut browser = house.browser();
    for other in ["https://rp.localhost/web/Callback", "https://rp.localhost/web/callback/", "x"] {
        let code = code(&house, &mut browser, "web", &[]).await;
        let answer = redeem(&house, "web", &code, &[("redirect_uri", other)]).await;
        refused(&answer, 400, "invalid_grant");
    }
    let code = code(&house, &mut browser, "web", &[]).await;
    refused(&redeem(&house, "web", &code, &[("redirect_uri", "")]).await, 400, "invalid_request");
}

#[tokio::test]
async fn code05_l259_an_expired_code_is_worth_nothing() {
    let house = House::start().await;
    let mut browser = house.browser();
    let in_time = code(&house, &mut browser, "web", &[]).await;
    house.later(59);
    assert_eq!(redeem(&house, "web", &in_time, &[]).await.status, 200);
    let late = code(&house, &mut browser, "web", &[]).await;
    assert_eq!(late.len(), 64);
    house.later(61);
    refused(&redeem(&house, "web", &late, &[]).await, 400, "invalid_grant");
}

#[tokio::test]
async fn code06_a_missing_forged_or_long_code_is_worth_nothing() {
    let house = House::start().await;
    for code in ["", "x", &"A".repeat(64), &"A".repeat(101)] {
        refused(&redeem(&house, "web", code, &[]).await, 400, "invalid_grant");
    }
}

#[tokio::test]
async fn code07_l260_the_verifier_must_fit_the_challenge() {
    let house = House::start().await;
    let mut browser = house.browser();
    let right = code(&house, &mut browser, "strict", &PKCE).await;
    let answer = redeem(&house, "strict", &right, &[("code_verifier", VERIFIER)]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let wrong = VERIFIER.replace('k', "l");
    for verifier in [&wrong, "", &"a".repeat(42), &"a".repeat(129), CHALLENGE] {
        let code = code(&house, &mut browser, "strict", &PKCE).await;
        let answer = redeem(&house, "strict", &code, &[("code_verifier", verifier)]).await;
        refused(&answer, 400, "invalid_grant");
    }
}

#[tokio::test]
async fn code08_a_verifier_without_a_challenge_is_refused() {
    let house = House::start().await;
    let mut browser = house.browser();
    let code = code(&house, &mut browser, "web", &[]).await;
    let answer = redeem(&house, "web", &code, &[("code_verifier", VERIFIER)]).await;
    refused(&answer, 400, "invalid_grant");
}

#[tokio::test]
async fn code09_l271_a_user_who_is_gone_gets_no_tokens() {
    let house = House::start().await;
    let mut browser = house.browser();
    let code = code(&house, &mut browser, "web", &[]).await;
    house.without_jane().await;
    refused(&redeem(&house, "web", &code, &[]).await, 400, "invalid_grant");
}

#[tokio::test]
async fn code10_the_id_token_is_about_this_request_and_session() {
    let house = House::start().await;
    let mut browser = house.browser();
    let keys = "<IdentityTokenLifetimeInSeconds>240</IdentityTokenLifetimeInSeconds>";
    house.reload(&super::house::settings(&client("short", "authorization_code", keys)), "").await;
    let tokens = house.tokens(&mut browser, "short", &[("nonce", "a nonce")]).await;
    let (header, claims) = house.verified(tokens["id_token"].as_str().unwrap()).await;
    assert_eq!((&header["typ"], &header["alg"]), (&json!("JWT"), &json!("RS256")));
    assert_eq!(claims["iss"], house.issuer());
    assert_eq!((&claims["aud"], &claims["nonce"]), (&json!("short"), &json!("a nonce")));
    assert_eq!(claims["at_hash"], half_hash(access_token(&tokens)));
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 240);
    assert_eq!(claims["nbf"], claims["iat"]);
    assert!(claims.get("c_hash").is_none() && claims.get("s_hash").is_none(), "{claims}");
    let again = house.tokens(&mut browser, "short", &[("prompt", "none")]).await;
    let (_, second) = house.verified(again["id_token"].as_str().unwrap()).await;
    assert_eq!(second["sid"], claims["sid"]);
    assert_eq!(claims["sid"].as_str().map(str::len), Some(32));
}

#[tokio::test]
async fn code10_resource_indicators_narrow_the_token_and_never_widen_it() {
    let house = House::start().await;
    let mut browser = house.browser();
    let scope = ("scope", "openid api1 api2 offline_access");
    let whole = code(&house, &mut browser, "web", &[scope]).await;
    let tokens = redeem(&house, "web", &whole, &[("resource", "api2")]).await.json();
    let (_, claims) = house.verified(access_token(&tokens)).await;
    assert_eq!(
        (&claims["aud"], &tokens["scope"]),
        (&json!("api2"), &json!("openid api2 offline_access"))
    );
    let renew = async |resource: &str| {
        let token = tokens["refresh_token"].as_str().unwrap();
        let form =
            [("grant_type", "refresh_token"), ("refresh_token", token), ("resource", resource)];
        house.token("web", &form).await
    };
    refused(&renew("api3").await, 400, "invalid_target");
    assert_eq!(renew("api1").await.json()["scope"], "openid api1 offline_access");
    let narrow = code(&house, &mut browser, "web", &[scope, ("resource", "api1")]).await;
    let wider = redeem(&house, "web", &narrow, &[("resource", "api2")]).await;
    refused(&wider, 400, "invalid_target");
}

#[tokio::test]
async fn code10_a_client_may_want_reference_tokens_or_no_token_id() {
    let clients = [
        client("handles", "authorization_code", "<AccessTokenType>Reference</AccessTokenType>"),
        client("nameless", "authorization_code", "<IncludeJwtId>false</IncludeJwtId>"),
    ];
    let house = House::with(&clients.concat(), "").await;
    let mut browser = house.browser();
    let scope = [("scope", "openid email")];
    let handle = house.tokens(&mut browser, "handles", &scope).await;
    assert_eq!(access_token(&handle).len(), 64);
    let nameless = house.tokens(&mut browser, "nameless", &scope).await;
    assert!(house.verified(access_token(&nameless)).await.1.get("jti").is_none());
    for tokens in [&handle, &nameless] {
        let info = house.userinfo(access_token(tokens)).await;
        assert_eq!((info.status, &info.json()["email"]), (200, &json!("jane@example.test")));
    }
    let hint =
        format!("/connect/endsession?id_token_hint={}", handle["id_token"].as_str().unwrap());
    browser.go(&hint).await;
    for tokens in [&handle, &nameless] {
        assert_eq!(
            house.userinfo(access_token(tokens)).await.status,
            401,
            "ended with the session"
        );
    }
}

#[tokio::test]
async fn code11_l257_of_parallel_redemptions_one_succeeds() {
    let house = House::start().await;
    let mut browser = house.browser();
    let code = code(&house, &mut browser, "web", &[]).await;
    let calls = (0..20).map(|_| redeem(&house, "web", &code, &[]));
    let answers = futures_util::future::join_all(calls).await;
    let won = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(won, 1);
    for lost in answers.iter().filter(|answer| answer.status != 200) {
        refused(lost, 400, "invalid_grant");
    }
}
