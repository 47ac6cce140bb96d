//! ROPC: the grant `password`, for a client whose file asks for it.

use serde_json::Value;
use serde_json::json;

use crate::acceptance::house::House;
use crate::acceptance::house::PASSWORD;
use crate::acceptance::house::client;
use crate::acceptance::house::settings;
use crate::acceptance::tok::refused;
use crate::support::wire::Answer;

/// Asks for tokens with a name and a password; an empty value leaves a parameter out.
async fn ask(house: &House, client: &str, form: &[(&str, &str)]) -> Answer {
    let given = form.iter().filter(|(_, value)| !value.is_empty());
    let form: Vec<_> = [("grant_type", "password")].iter().chain(given).copied().collect();
    house.token(client, &form).await
}

const JANE: [(&str, &str); 2] = [("username", "jane"), ("password", PASSWORD)];

async fn tokens(house: &House, client: &str, scope: &str) -> Value {
    let answer = ask(house, client, &[JANE[0], JANE[1], ("scope", scope)]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

fn description(answer: &Answer) -> String {
    answer.json()["error_description"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn ropc01_the_right_password_gives_a_token_of_twelve_claims() {
    let house = House::start().await;
    let tokens = tokens(&house, "password", "api1").await;
    let (header, claims) = house.verified(tokens["access_token"].as_str().unwrap()).await;
    assert_eq!(header["typ"], "at+jwt");
    let mut names: Vec<_> = claims.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    let twelve = "amr aud auth_time client_id exp iat idp iss jti nbf scope sub";
    assert_eq!(names.join(" "), twelve);
    assert_eq!((&claims["idp"], &claims["amr"]), (&json!("local"), &json!(["pwd"])));
    assert_eq!(claims["auth_time"], claims["iat"]);
    let mut browser = house.browser();
    let by_code = house.tokens(&mut browser, "web", &[]).await;
    let (_, by_code) = house.verified(by_code["access_token"].as_str().unwrap()).await;
    assert_eq!(claims["sub"], by_code["sub"], "one person has one name");
}

#[tokio::test]
async fn ropc02_an_unknown_user_and_a_wrong_password_are_told_the_same() {
    let house = House::start().await;
    for (user, password) in [("jane", "wrong"), ("nobody", PASSWORD), ("nobody", "wrong")] {
        let form = [("username", user), ("password", password)];
        let answer = ask(&house, "password", &form).await;
        refused(&answer, 400, "invalid_grant");
        assert_eq!(description(&answer), "invalid_username_or_password");
    }
}

#[tokio::test]
async fn ropc03_a_missing_name_is_refused_and_a_missing_password_is_an_empty_one() {
    let house = House::start().await;
    let nameless = ask(&house, "password", &[("password", PASSWORD)]).await;
    refused(&nameless, 400, "invalid_grant");
    let without = ask(&house, "password", &[("username", "jane")]).await;
    refused(&without, 400, "invalid_grant");
    assert_eq!(description(&without), "invalid_username_or_password");
}

#[tokio::test]
async fn ropc04_l271_who_is_gone_or_types_too_much_gets_nothing() {
    let house = House::start().await;
    let long = "x".repeat(101);
    for (user, password) in [(long.as_str(), PASSWORD), ("jane", &long)] {
        let form = [("username", user), ("password", password)];
        refused(&ask(&house, "password", &form).await, 400, "invalid_grant");
    }
    tokens(&house, "password", "api1").await;
    house.without_jane().await;
    refused(&ask(&house, "password", &JANE).await, 400, "invalid_grant");
}

#[tokio::test]
async fn ropc05_no_scope_parameter_means_all_scopes_and_offline_access() {
    let online = client("online", "password", "");
    let house = House::with(&online, "").await;
    let offline = tokens(&house, "password", "").await;
    assert_eq!(offline["scope"], "openid profile email address phone api1 api2 offline_access");
    assert_eq!(offline["refresh_token"].as_str().map(str::len), Some(64));
    let online = tokens(&house, "online", "").await;
    assert_eq!(online["scope"], "openid profile email address phone api1 api2");
    assert!(online.get("refresh_token").is_none());
}

#[tokio::test]
async fn ropc06_openid_opens_userinfo_and_gives_no_id_token() {
    let house = House::start().await;
    let tokens = tokens(&house, "password", "openid email").await;
    assert!(tokens.get("id_token").is_none() && tokens.get("refresh_token").is_none());
    let info = house.userinfo(tokens["access_token"].as_str().unwrap()).await;
    assert_eq!((info.status, &info.json()["email"]), (200, &json!("jane@example.test")));
}

#[tokio::test]
async fn who_may_not_type_a_password_on_the_page_sends_none_either() {
    let strict = client("strict", "password", "<EnableLocalLogin>false</EnableLocalLogin>");
    let house = House::with(&strict, "").await;
    refused(&ask(&house, "strict", &JANE).await, 400, "unauthorized_client");
    tokens(&house, "password", "api1").await;
    assert!(offered(&house).await);

    let off = "<AccountOptions><AllowLocalLogin>false</AllowLocalLogin></AccountOptions>";
    let document = settings("").replace("<Clients>", &format!("{off}<Clients>"));
    house.reload(&document, "").await;
    refused(&ask(&house, "password", &JANE).await, 400, "unauthorized_client");
    assert!(!offered(&house).await);
}

/// Whether the discovery document names the grant.
async fn offered(house: &House) -> bool {
    let document = house.get("/.well-known/openid-configuration", &[]).await.json();
    document["grant_types_supported"].as_array().unwrap().contains(&json!("password"))
}

#[tokio::test]
async fn s349_guessing_is_throttled_as_on_the_sign_in_page() {
    let house = House::start().await;
    for spelling in ["jane", "JANE", r"sitecore\jane", r"Sitecore\Jane", " jane "] {
        let form = [("username", spelling), ("password", "a guess")];
        refused(&ask(&house, "password", &form).await, 400, "invalid_grant");
    }
    let locked = ask(&house, "password", &JANE).await;
    refused(&locked, 400, "invalid_grant");
    assert_eq!(description(&locked), "invalid_username_or_password", "nobody learns of the limit");
    house.later(600);
    tokens(&house, "password", "api1").await;
}
