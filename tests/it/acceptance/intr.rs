//! INTR: introspection.

use serde_json::Value;
use serde_json::json;

use crate::acceptance::house::House;
use crate::acceptance::house::basic;
use crate::acceptance::house::secret;
use crate::acceptance::house::settings;
use crate::support::wire::Answer;

const PATH: &str = "/connect/introspect";

#[tokio::test]
async fn intr01_l272_an_api_proves_itself_by_basic_or_post() {
    let house = House::start().await;
    let token = machine(&house, "api1").await;
    assert_eq!(ask(&house, "api1", &token).await.json()["active"], true);
    let form = [
        ("token", token.as_str()),
        ("client_id", "api1"),
        ("client_secret", "api1-secret-0123456789"),
    ];
    assert_eq!(house.post(PATH, &[], &form).await.json()["active"], true);

    let line = |name: &str, secret: &str| basic(name, secret);
    let nobody = house.post(PATH, &[], &[("token", &token)]).await;
    assert_eq!(nobody.status, 401);
    for line in [line("api1", "wrong"), line("api1", ""), line("ghost", "x"), "Basic %%%".into()] {
        let answer = house.post(PATH, &[("Authorization", &line)], &[("token", &token)]).await;
        assert_eq!(answer.status, 401, "{line}");
        assert!(answer.header("www-authenticate").unwrap().starts_with("Basic"));
        assert_eq!(answer.json().get("active"), None);
    }
    let off =
        settings("").replace("<Name>api1</Name>", "<Name>api1</Name><Enabled>false</Enabled>");
    house.reload(&off, "").await;
    assert_eq!(ask(&house, "api1", &token).await.status, 401, "a disabled API is nobody");
}

#[tokio::test]
async fn intr02_only_a_posted_form_with_a_token_is_answered() {
    let house = House::start().await;
    assert_eq!(house.get(PATH, &[]).await.status, 405);
    let json = house.call("POST", PATH, &[("Content-Type", "application/json")], None).await;
    assert_eq!(json.status, 415);
    let credentials = basic("api1", "api1-secret-0123456789");
    let missing = house.post(PATH, &[("Authorization", &credentials)], &[]).await;
    assert_eq!((missing.status, &missing.json()["error"]), (400, &"missing_token".into()));
}

#[tokio::test]
async fn intr03_a_live_token_is_described_with_the_callers_own_scopes() {
    let house = House::start().await;
    let mut browser = house.browser();
    let tokens = house.tokens(&mut browser, "web", &[("scope", "openid api1 api2")]).await;
    let token = tokens["access_token"].as_str().unwrap();
    let (_, claims) = house.verified(token).await;
    let said = ask(&house, "api1", token).await.json();
    assert_eq!((&said["active"], &said["scope"]), (&json!(true), &json!("api1")));
    assert_eq!(said["iss"], house.issuer());
    for name in ["aud", "client_id", "sub", "exp", "iat", "jti"] {
        assert_eq!(said[name], claims[name], "{name}");
        assert!(!said[name].is_null(), "{name}");
    }
    assert_eq!(ask(&house, "api2", token).await.json()["scope"], "api2");
}

#[tokio::test]
async fn intr04_l272_whatever_is_no_live_access_token_is_inactive_and_nothing_more() {
    let house = House::start().await;
    let mut browser = house.browser();
    let scope = [("scope", "openid api1 offline_access")];
    let tokens = house.tokens(&mut browser, "web", &scope).await;
    for token in ["garbage", text(&tokens, "id_token"), text(&tokens, "refresh_token")] {
        inactive(&ask(&house, "api1", token).await);
    }
    let token = text(&tokens, "access_token");
    assert_eq!(ask(&house, "api1", token).await.json()["active"], true);
    let web = basic("web", &secret("web"));
    house.post("/connect/revocation", &[("Authorization", &web)], &[("token", token)]).await;
    inactive(&ask(&house, "api1", token).await);
    let token = machine(&house, "api1").await;
    house.later(3601);
    inactive(&ask(&house, "api1", &token).await);
}

#[tokio::test]
async fn intr05_l272_a_token_for_another_api_is_inactive() {
    let house = House::start().await;
    inactive(&ask(&house, "api2", &machine(&house, "api1").await).await);
    assert_eq!(ask(&house, "api1", &machine(&house, "api1").await).await.json()["active"], true);
}

#[tokio::test]
async fn intr06_reference_tokens_are_described_alike_and_nothing_is_stored() {
    let house = House::start().await;
    let mut browser = house.browser();
    let scope = [("scope", "openid api1 api2")];
    let tokens = house.tokens(&mut browser, "reference", &scope).await;
    let token = text(&tokens, "access_token");
    let answer = ask(&house, "api1", token).await;
    assert!(answer.header("cache-control").unwrap().contains("no-store"));
    let said = answer.json();
    assert_eq!((&said["active"], &said["scope"]), (&json!(true), &json!("api1")));
    assert_eq!((&said["client_id"], &said["iss"]), (&json!("reference"), &json!(house.issuer())));
    for name in ["sub", "exp", "iat", "jti"] {
        assert!(!said[name].is_null(), "{name}");
    }
    assert_eq!(said["exp"].as_i64().unwrap() - said["iat"].as_i64().unwrap(), 3600);
    house.later(3601);
    inactive(&ask(&house, "api1", token).await);
}

#[tokio::test]
async fn l272_an_api_hears_no_claims_that_another_api_asked_for() {
    let wants = |api: &str, claim: &str| {
        let name = format!("<Name>{api}</Name>");
        (name.clone(), format!("{name}<UserClaims><C1>{claim}</C1></UserClaims>"))
    };
    let [one, two] = [wants("api1", "given_name"), wants("api2", "phone_number")];
    let document = settings("").replace(&one.0, &one.1).replace(&two.0, &two.1);
    let house = House::settings(&document, "").await;
    for client in ["web", "reference"] {
        let scope = [("scope", "openid api1 api2")];
        let tokens = house.tokens(&mut house.browser(), client, &scope).await;
        let said = ask(&house, "api1", text(&tokens, "access_token")).await.json();
        assert_eq!((&said["given_name"], said.get("phone_number")), (&json!("Jane"), None));
        let said = ask(&house, "api2", text(&tokens, "access_token")).await.json();
        assert_eq!(
            (said.get("given_name"), &said["phone_number"]),
            (None, &json!("+45 1234 5678"))
        );
    }
}

#[tokio::test]
async fn l272_a_client_may_ask_about_its_own_tokens_and_no_others() {
    let house = House::start().await;
    let token = machine(&house, "api1").await;
    let describe = async |client: &str| {
        let line = basic(client, &secret(client));
        house.post(PATH, &[("Authorization", &line)], &[("token", &token)]).await
    };
    assert_eq!(describe("machine").await.json()["scope"], "api1");
    inactive(&describe("web").await);
    let public = house.post(PATH, &[], &[("token", &token), ("client_id", "public")]).await;
    assert_eq!(public.status, 401, "a public client proves nothing");
}

#[tokio::test]
async fn l271_j238_a_person_or_client_that_is_switched_off_makes_tokens_inactive() {
    let house = House::start().await;
    let of_bob = house.authorize_as(&mut house.browser(), "bob", "web", &[("scope", "api1")]).await;
    let of_bob = house.redeem("web", of_bob.sent("code")).await.json();
    let of_machine = machine(&house, "api1").await;
    let without_bob = "<gateway><localUsers><user name=\"sitecore\\bob\"><patch:delete /></user></localUsers></gateway>";
    let off = "<ClientId>machine</ClientId><Enabled>false</Enabled>";
    let document = settings("").replace("<ClientId>machine</ClientId>", off);
    house.reload(&document, without_bob).await;
    inactive(&ask(&house, "api1", text(&of_bob, "access_token")).await);
    inactive(&ask(&house, "api1", &of_machine).await);
}

fn inactive(answer: &Answer) {
    assert_eq!((answer.status, answer.json()), (200, json!({"active": false})));
}

/// Introspects as an API with its usual secret.
async fn ask(house: &House, api: &str, token: &str) -> Answer {
    let credentials = basic(api, &format!("{api}-secret-0123456789"));
    house.post(PATH, &[("Authorization", &credentials)], &[("token", token)]).await
}

/// A token of the client `machine`.
async fn machine(house: &House, scope: &str) -> String {
    let form = [("grant_type", "client_credentials"), ("scope", scope)];
    let answer = house.token("machine", &form).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    text(&answer.json(), "access_token").to_owned()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name}: {value}"))
}
