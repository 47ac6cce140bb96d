//! UI: the userinfo endpoint.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use serde_json::json;

use crate::acceptance::house::House;
use crate::acceptance::house::client;
use crate::acceptance::house::settings;
use crate::support::wire::Answer;

const PATH: &str = "/connect/userinfo";

#[tokio::test]
async fn ui01_header_and_body_give_the_same_answer() {
    let house = House::start().await;
    let token = token(&house, "web", "openid profile").await;
    let line = format!("Bearer {token}");
    let got = house.get(PATH, &[("Authorization", &line)]).await;
    assert!(got.header("content-type").unwrap().starts_with("application/json"));
    assert!(got.json()["sub"].is_string());
    let posted = house.post(PATH, &[("Authorization", &line)], &[]).await;
    let body = house.post(PATH, &[], &[("access_token", &token)]).await;
    assert_eq!((got.json(), got.json()), (posted.json(), body.json()));
}

#[tokio::test]
async fn ui02_a_token_in_the_address_is_none_and_other_methods_are_not_allowed() {
    let house = House::start().await;
    let token = token(&house, "web", "openid").await;
    let answer = house.get(&format!("{PATH}?access_token={token}"), &[]).await;
    assert_eq!(answer.status, 401);
    for method in ["PUT", "DELETE"] {
        assert_eq!(house.call(method, PATH, &[], None).await.status, 405, "{method}");
    }
}

#[tokio::test]
async fn ui03_l274_whatever_is_no_live_access_token_of_ours_is_refused() {
    let house = House::start().await;
    let mut browser = house.browser();
    let tokens = house.tokens(&mut browser, "web", &[]).await;
    let good = tokens["access_token"].as_str().unwrap();
    refused(&house.get(PATH, &[]).await);
    let foreign = resigned(good);
    for token in ["garbage", tokens["id_token"].as_str().unwrap(), &foreign] {
        refused(&house.userinfo(token).await);
    }
    assert_eq!(house.userinfo(good).await.status, 200);
    house.later(3601);
    refused(&house.userinfo(good).await);
}

#[tokio::test]
async fn ui04_a_token_about_no_persons_identity_says_nothing() {
    let house = House::start().await;
    let without = token(&house, "web", "api1").await;
    let answer = house.userinfo(&without).await;
    assert_eq!(answer.status, 403);
    assert!(answer.header("www-authenticate").unwrap().contains("error=\"insufficient_scope\""));
    let form = [("grant_type", "client_credentials"), ("scope", "api1")];
    let machine = house.token("machine", &form).await.json();
    let answer = house.userinfo(machine["access_token"].as_str().unwrap()).await;
    assert!(matches!(answer.status, 401 | 403), "{}", answer.status);
    assert_eq!(answer.json().get("sub"), None);
}

#[tokio::test]
async fn ui05_claims_are_those_of_the_scopes_in_their_own_types() {
    let resource = "<IdentityResources><Roles><Name>roles</Name><UserClaims><C1>role</C1><C2>address</C2></UserClaims></Roles></IdentityResources>";
    let keys = "<AllowedScopes><S1>openid</S1><S2>roles</S2><S3>profile</S3></AllowedScopes>";
    let clients = client("roles", "authorization_code", keys);
    let document =
        settings(&clients).replace("<ApiResources>", &format!("{resource}<ApiResources>"));
    let house = House::settings(&document, "").await;
    let info = house.userinfo(&token(&house, "roles", "openid roles").await).await.json();
    let mut roles: Vec<_> = info["role"].as_array().unwrap().iter().collect();
    roles.sort_by_key(ToString::to_string);
    assert_eq!(roles, ["sitecore\\Author", "sitecore\\Designer"]);
    assert_eq!(info["address"]["country"], "Denmark");
    let mut names: Vec<_> = info.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["address", "role", "sub"]);
    let info = house.userinfo(&token(&house, "roles", "openid").await).await.json();
    assert_eq!(info.as_object().unwrap().len(), 1, "{info}");
}

#[tokio::test]
async fn ui06_l271_a_person_or_client_that_is_switched_off_ends_the_token() {
    let house = House::start().await;
    let janes = token(&house, "web", "openid").await;
    let bobs = token_of(&house, "bob", "web").await;
    let others = token(&house, "other", "openid").await;
    let without_bob = "<gateway><localUsers><user name=\"sitecore\\bob\"><patch:delete /></user></localUsers></gateway>";
    let document = settings("").replace(
        "<ClientId>other</ClientId>",
        "<ClientId>other</ClientId><Enabled>false</Enabled>",
    );
    house.reload(&document, without_bob).await;
    refused(&house.userinfo(&bobs).await);
    refused(&house.userinfo(&others).await);
    assert_eq!(house.userinfo(&janes).await.status, 200);
}

#[tokio::test]
async fn ui07_a_reference_token_works_until_it_is_revoked() {
    let house = House::start().await;
    let token = token(&house, "reference", "openid profile").await;
    assert!(!token.contains('.'), "{token}");
    assert_eq!(house.userinfo(&token).await.json()["given_name"], "Jane");
    let credentials = crate::acceptance::house::basic("reference", "reference-secret-0123456789");
    let headers = [("Authorization", credentials.as_str())];
    let revoked = house.post("/connect/revocation", &headers, &[("token", &token)]).await;
    assert_eq!(revoked.status, 200);
    refused(&house.userinfo(&token).await);
}

#[tokio::test]
async fn ui08_i208_an_unsigned_token_and_an_id_token_in_disguise_are_refused() {
    let house = House::start().await;
    let token = token(&house, "web", "openid").await;
    let claims = crate::support::signing::part(&token, 1);
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    for header in [json!({"alg": "none", "typ": "at+jwt"}), json!({"alg": "none", "typ": "JWT"})] {
        let unsigned = format!("{}.{}.", encode(&header), encode(&claims));
        refused(&house.userinfo(&unsigned).await);
    }
    let mut header = crate::support::signing::part(&token, 0);
    header["typ"] = json!("JWT");
    let rest = token.split_once('.').unwrap().1;
    refused(&house.userinfo(&format!("{}.{rest}", encode(&header))).await);
}

fn refused(answer: &Answer) {
    assert_eq!(answer.status, 401, "{}", answer.text());
    let challenge = answer.header("www-authenticate").unwrap();
    assert!(challenge.starts_with("Bearer ") && challenge.contains("error=\"invalid_token\""));
    assert_eq!(answer.json().get("sub"), None);
}

/// An access token of `client` for Jane.
async fn token(house: &House, client: &str, scope: &str) -> String {
    let tokens = house.tokens(&mut house.browser(), client, &[("scope", scope)]).await;
    tokens["access_token"].as_str().unwrap().to_owned()
}

async fn token_of(house: &House, user: &str, client: &str) -> String {
    let reply = house.authorize_as(&mut house.browser(), user, client, &[]).await;
    let tokens = house.redeem(client, reply.sent("code")).await.json();
    tokens["access_token"].as_str().unwrap().to_owned()
}

/// The same header and claims under a key that is not ours.
fn resigned(token: &str) -> String {
    let mut parts = token.rsplitn(2, '.');
    let signature = URL_SAFE_NO_PAD.decode(parts.next().unwrap()).unwrap();
    let turned: Vec<u8> = signature.iter().rev().copied().collect();
    format!("{}.{}", parts.next().unwrap(), URL_SAFE_NO_PAD.encode(turned))
}
