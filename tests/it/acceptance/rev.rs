//! REV: revocation.

use serde_json::Value;

use crate::acceptance::house::House;
use crate::acceptance::house::basic;
use crate::acceptance::house::redirect_uri;
use crate::acceptance::house::secret;
use crate::support::wire::Answer;

const PATH: &str = "/connect/revocation";
const OFFLINE: (&str, &str) = ("scope", "openid offline_access api1");

#[tokio::test]
async fn rev01_a_revocation_is_a_clients_posted_form_with_a_token() {
    let house = House::start().await;
    assert_eq!(house.get(PATH, &[]).await.status, 405);
    let json = house.call("POST", PATH, &[("Content-Type", "application/json")], None).await;
    assert_eq!(json.status, 415);
    let wrong = basic("web", "wrong");
    let answer = house.post(PATH, &[("Authorization", &wrong)], &[("token", "x")]).await;
    assert_eq!((answer.status, error(&answer)), (401, "invalid_client".to_owned()));
    assert!(answer.header("www-authenticate").unwrap().starts_with("Basic"));
    let answer = house.post(PATH, &[], &[("token", "x"), ("client_id", "ghost")]).await;
    assert_eq!(error(&answer), "invalid_client");
    let answer = revoke(&house, "web", &[]).await;
    assert_eq!((answer.status, error(&answer)), (400, "invalid_request".to_owned()));
    let answer = revoke(&house, "web", &[("token", "x"), ("token_type_hint", "id_token")]).await;
    assert_eq!((answer.status, error(&answer)), (400, "unsupported_token_type".to_owned()));
}

#[tokio::test]
async fn rev02_a_reference_token_is_inactive_afterwards() {
    let house = House::start().await;
    let tokens = house.tokens(&mut house.browser(), "reference", &[OFFLINE]).await;
    let token = text(&tokens, "access_token");
    assert!(is_active(&house, token).await);
    let answer = revoke(&house, "reference", &[("token", token)]).await;
    assert_eq!((answer.status, answer.body.as_slice()), (200, &b""[..]));
    assert!(!is_active(&house, token).await);
    assert_eq!(refresh(&house, "reference", &tokens).await.status, 200, "only the token itself");
}

#[tokio::test]
async fn rev02_a_jwt_access_token_is_inactive_afterwards() {
    let house = House::start().await;
    let tokens = house.tokens(&mut house.browser(), "web", &[OFFLINE]).await;
    let token = text(&tokens, "access_token");
    assert_eq!(revoke(&house, "web", &[("token", token)]).await.status, 200);
    assert!(!is_active(&house, token).await);
    assert_eq!(house.userinfo(token).await.status, 401);
    let form = [("grant_type", "client_credentials"), ("scope", "api1")];
    let machine = house.token("machine", &form).await.json();
    let token = text(&machine, "access_token");
    assert!(is_active(&house, token).await);
    assert_eq!(revoke(&house, "machine", &[("token", token)]).await.status, 200);
    assert!(!is_active(&house, token).await);
}

#[tokio::test]
async fn rev03_a_refresh_token_takes_what_came_of_it_along() {
    let house = House::start().await;
    let mut browser = house.browser();
    let earlier = house.tokens(&mut browser, "reference", &[OFFLINE]).await;
    let tokens = house.tokens(&mut browser, "reference", &[OFFLINE]).await;
    let other = house.tokens(&mut browser, "web", &[OFFLINE]).await;
    let answer = revoke(&house, "reference", &[("token", text(&tokens, "refresh_token"))]).await;
    assert_eq!(answer.status, 200);
    assert_eq!(error(&refresh(&house, "reference", &tokens).await), "invalid_grant");
    assert!(!is_active(&house, text(&tokens, "access_token")).await);
    assert!(!is_active(&house, text(&earlier, "access_token")).await);
    assert!(is_active(&house, text(&other, "access_token")).await, "another client's");
}

#[tokio::test]
async fn rev03_a_refresh_token_that_was_replaced_ends_its_family() {
    let house = House::start().await;
    let first = house.tokens(&mut house.browser(), "web", &[OFFLINE]).await;
    let second = refresh(&house, "web", &first).await.json();
    let answer = revoke(&house, "web", &[("token", text(&first, "refresh_token"))]).await;
    assert_eq!(answer.status, 200);
    assert_eq!(error(&refresh(&house, "web", &second).await), "invalid_grant");
}

#[tokio::test]
async fn rev04_a_hint_that_misleads_does_no_harm() {
    let house = House::start().await;
    let mut browser = house.browser();
    for hints in [["access_token", "refresh_token"], ["refresh_token", "access_token"]] {
        let tokens = house.tokens(&mut browser, "reference", &[OFFLINE]).await;
        let [of_access, of_refresh] = hints;
        let access = text(&tokens, "access_token");
        let form = [("token", access), ("token_type_hint", of_access)];
        assert_eq!(revoke(&house, "reference", &form).await.status, 200);
        assert!(!is_active(&house, access).await, "{of_access}");
        let form = [("token", text(&tokens, "refresh_token")), ("token_type_hint", of_refresh)];
        assert_eq!(revoke(&house, "reference", &form).await.status, 200);
        assert_eq!(error(&refresh(&house, "reference", &tokens).await), "invalid_grant");
    }
}

#[tokio::test]
async fn rev05_an_unknown_or_foreign_token_is_200_and_the_foreign_one_lives() {
    let house = House::start().await;
    assert_eq!(revoke(&house, "other", &[("token", "nonsense")]).await.status, 200);
    for client in ["web", "reference"] {
        let tokens = house.tokens(&mut house.browser(), client, &[OFFLINE]).await;
        for name in ["access_token", "refresh_token"] {
            let answer = revoke(&house, "other", &[("token", text(&tokens, name))]).await;
            assert_eq!((answer.status, answer.body.as_slice()), (200, &b""[..]), "{name}");
        }
        assert!(is_active(&house, text(&tokens, "access_token")).await, "{client}");
        assert_eq!(refresh(&house, client, &tokens).await.status, 200, "{client}");
    }
}

#[tokio::test]
async fn rev06_a_public_client_revokes_its_own_tokens() {
    let house = House::start().await;
    let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let pkce = [
        OFFLINE,
        ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
        ("code_challenge_method", "S256"),
    ];
    let reply = house.authorize(&mut house.browser(), "public", &pkce).await;
    let redirect_uri = redirect_uri("public");
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "public"),
        ("code", reply.sent("code")),
        ("redirect_uri", &*redirect_uri),
        ("code_verifier", verifier),
    ];
    let tokens = house.post("/connect/token", &[], &form).await.json();
    let form = [("client_id", "public"), ("token", text(&tokens, "refresh_token"))];
    let origin = [("Origin", "https://rp.localhost")];
    let answer = house.post(PATH, &origin, &form).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://rp.localhost"));
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", "public"),
        ("refresh_token", text(&tokens, "refresh_token")),
    ];
    assert_eq!(error(&house.post("/connect/token", &[], &form).await), "invalid_grant");
}

async fn revoke(house: &House, client: &str, form: &[(&str, &str)]) -> Answer {
    let credentials = basic(client, &secret(client));
    house.post(PATH, &[("Authorization", &credentials)], form).await
}

async fn refresh(house: &House, client: &str, tokens: &Value) -> Answer {
    let form = [("grant_type", "refresh_token"), ("refresh_token", text(tokens, "refresh_token"))];
    house.token(client, &form).await
}

/// What the first API is told of a token.
async fn is_active(house: &House, token: &str) -> bool {
    let credentials = basic("api1", "api1-secret-0123456789");
    let headers = [("Authorization", credentials.as_str())];
    let answer = house.post("/connect/introspect", &headers, &[("token", token)]).await;
    answer.json()["active"].as_bool().unwrap()
}

fn error(answer: &Answer) -> String {
    text(&answer.json(), "error").to_owned()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name}: {value}"))
}
