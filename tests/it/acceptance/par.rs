//! Pushed authorization requests (RFC 9126), module by module of what could go wrong with them.

use serde_json::json;

use crate::acceptance::house::House;
use crate::acceptance::house::basic;
use crate::acceptance::house::client;
use crate::acceptance::house::redirect_uri;
use crate::acceptance::house::secret;
use crate::support::signing;
use crate::support::signing::Token;
use crate::support::wire::Answer;

async fn push(house: &House, id: &str, more: &[(&str, &str)]) -> Answer {
    let redirect_uri = redirect_uri(id);
    let usual = [
        ("response_type", "code"),
        ("redirect_uri", redirect_uri.as_str()),
        ("scope", "openid email"),
        ("state", "pushed state"),
    ];
    let kept = usual.iter().filter(|(name, _)| !more.iter().any(|(other, _)| other == name));
    let form: Vec<_> = kept.chain(more).copied().filter(|(_, value)| !value.is_empty()).collect();
    let credentials = basic(id, &secret(id));
    house.post("/connect/par", &[("Authorization", &credentials)], &form).await
}

async fn pushed(house: &House, id: &str, more: &[(&str, &str)]) -> String {
    let answer = push(house, id, more).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()["request_uri"].as_str().unwrap().to_owned()
}

fn path(id: &str, request_uri: &str) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("client_id", id)
        .append_pair("request_uri", request_uri)
        .finish();
    format!("/connect/authorize?{query}")
}

/// The error page's code that an address ends at.
async fn refused(house: &House, path: &str) -> String {
    let mut browser = house.browser();
    let answer = browser.get(path).await;
    let page = house.onward(&mut browser, answer).await.page();
    let text = page.text();
    let (_, rest) = text.split_once("id=\"error-code\">").expect("no error page");
    rest.split('<').next().unwrap().to_owned()
}

#[tokio::test]
async fn rfc9126_a_pushed_request_is_answered_and_shows_nothing_on_its_way() {
    let house = House::start().await;
    let answer = push(&house, "web", &[]).await;
    assert_eq!((answer.status, answer.header("cache-control")), (201, Some("no-store")));
    assert_eq!(answer.json()["expires_in"], 60);
    let name = answer.json()["request_uri"].as_str().unwrap().to_owned();
    assert!(name.starts_with("urn:ietf:params:oauth:request_uri:") && name.len() > 34 + 32);
    let mut browser = house.browser();
    let answer = browser.get(&path("web", &name)).await;
    let page = house.onward(&mut browser, answer).await.page();
    let seen = format!("{:?} {:?}", browser.history, browser.lines);
    assert!(!seen.contains("pushed"), "L281: {seen}");
    let reply = house.type_in(&mut browser, &page, "jane").await.reply();
    assert_eq!((reply.to, reply.mode), (redirect_uri("web"), "query"));
    let seen: Vec<_> = browser.history.iter().map(url::Url::as_str).collect();
    assert!(!seen.concat().contains("pushed"), "L281: {seen:?}");
}

#[tokio::test]
async fn l281_a_pushed_request_serves_once_its_own_client_and_for_a_minute() {
    let house = House::start().await;
    let name = pushed(&house, "web", &[]).await;
    assert_eq!(refused(&house, &path("other", &name)).await, "invalid_request_uri");
    let answer = house.browser().get(&path("web", &name)).await;
    assert!(answer.location().starts_with("/account/login"), "another's attempt costs nothing");
    assert_eq!(refused(&house, &path("web", &name)).await, "invalid_request_uri");
    let late = pushed(&house, "web", &[]).await;
    house.later(61);
    assert_eq!(refused(&house, &path("web", &late)).await, "invalid_request_uri");
    let guessed = format!("urn:ietf:params:oauth:request_uri:{}", "A".repeat(64));
    assert_eq!(refused(&house, &path("web", &guessed)).await, "invalid_request_uri");
}

#[tokio::test]
async fn l281_what_stands_beside_the_name_does_not_count() {
    let house = House::start().await;
    let mut browser = house.browser();
    house.sign_in(&mut browser, "jane").await;
    let name = pushed(&house, "web", &[]).await;
    let more = "&redirect_uri=https://evil.test/&scope=openid+api1&state=other&prompt=login";
    let answer = browser.get(&format!("{}{more}", path("web", &name))).await;
    let reply = house.onward(&mut browser, answer).await.reply();
    assert_eq!(
        (reply.to.as_str(), reply.sent("state")),
        (redirect_uri("web").as_str(), "pushed state")
    );
    let tokens = house.redeem("web", reply.sent("code")).await.json();
    assert_eq!(tokens["scope"], "openid email");
}

#[tokio::test]
async fn rfc9126_a_request_is_judged_when_it_is_pushed() {
    let house = House::start().await;
    for (more, error) in [
        (("redirect_uri", "https://evil.test/"), "invalid_request"),
        (("scope", "openid nothing"), "invalid_scope"),
        (("response_type", "code id_token"), "unauthorized_client"),
        (("request_uri", "urn:ietf:params:oauth:request_uri:x"), "invalid_request"),
        (("max_age", "soon"), "invalid_request"),
        (("request", "x.y.z"), "invalid_request_object"),
        (("state", &"x".repeat(40_000)), "invalid_request"),
    ] {
        let answer = push(&house, "web", &[more]).await;
        assert_eq!((answer.status, &answer.json()["error"]), (400, &error.into()), "{more:.60?}");
    }
}

#[tokio::test]
async fn rfc9126_only_the_client_itself_pushes() {
    let house = House::start().await;
    let redirect_uri = redirect_uri("web");
    let form = [
        ("client_id", "web"),
        ("response_type", "code"),
        ("redirect_uri", redirect_uri.as_str()),
        ("scope", "openid"),
    ];
    let answer = house.post("/connect/par", &[], &form).await;
    assert_eq!((answer.status, &answer.json()["error"]), (401, &"invalid_client".into()));
    let wrong = basic("web", "wrong");
    let answer = house.post("/connect/par", &[("Authorization", &wrong)], &form).await;
    assert_eq!(answer.status, 401);
    assert!(answer.header("www-authenticate").is_some());
    assert_eq!(house.get("/connect/par", &[]).await.status, 405);
    let other = push(&house, "web", &[("client_id", "other")]).await;
    assert_eq!(other.status, 401);
}

#[tokio::test]
async fn rfc9126_whoever_proves_nothing_pushes_so_often_and_holds_up_no_other_client() {
    let house = House::start().await;
    let own = redirect_uri("public");
    let form = [
        ("client_id", "public"),
        ("response_type", "code"),
        ("redirect_uri", own.as_str()),
        ("scope", "openid"),
        ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
        ("code_challenge_method", "S256"),
    ];
    for _ in 0..60 {
        assert_eq!(house.post("/connect/par", &[], &form).await.status, 201);
    }
    let more = house.post("/connect/par", &[], &form).await;
    assert_eq!((more.status, more.header("retry-after")), (429, Some("2")));
    for _ in 0..70 {
        pushed(&house, "web", &[]).await;
    }
    house.later(1);
    assert_eq!(house.post("/connect/par", &[], &form).await.status, 201);
}

#[tokio::test]
async fn rfc9126_a_client_that_must_push_does_and_its_secret_goes_no_further() {
    let keys = "<RequirePushedAuthorization>true</RequirePushedAuthorization>";
    let house = House::with(&client("pushes", "authorization_code", keys), "").await;
    let mut browser = house.browser();
    let reply = house.ask(&mut browser, "pushes", &[]).await.reply();
    assert_eq!(reply.sent("error"), "invalid_request");
    house.sign_in(&mut browser, "jane").await;
    let (redirect_uri, secret) = (redirect_uri("pushes"), secret("pushes"));
    let form = [
        ("client_id", "pushes"),
        ("client_secret", secret.as_str()),
        ("response_type", "code"),
        ("redirect_uri", redirect_uri.as_str()),
        ("scope", "openid"),
        ("prompt", "login"),
    ];
    let answer = house.post("/connect/par", &[], &form).await;
    let name = answer.json()["request_uri"].as_str().unwrap().to_owned();
    let answer = browser.get(&path("pushes", &name)).await;
    let page = house.onward(&mut browser, answer).await.page();
    let reply = house.type_in(&mut browser, &page, "jane").await.reply();
    assert_eq!(house.redeem("pushes", reply.sent("code")).await.status, 200);
    let found = house.get("/.well-known/openid-configuration", &[]).await.json();
    let endpoint = format!("{}/connect/par", house.issuer());
    assert_eq!(found["pushed_authorization_request_endpoint"], endpoint);
}

#[tokio::test]
async fn rfc9101_a_request_object_may_be_pushed() {
    let key = signing::key(0).public();
    let secrets = format!(
        "<ClientSecrets><S1>{}</S1><S2><Type>JWK</Type><Value>{key}</Value></S2></ClientSecrets><RequireRequestObject>true</RequireRequestObject>",
        secret("jar")
    );
    let house = House::with(&client("jar", "authorization_code", &secrets), "").await;
    let now = house.clock.now().0;
    let object = Token::of(
        json!({
            "iss": "jar", "aud": house.issuer(), "exp": now + 60, "client_id": "jar",
            "response_type": "code", "redirect_uri": redirect_uri("jar"), "scope": "openid",
            "state": "signed state",
        }),
        0,
    );
    assert_eq!(push(&house, "jar", &[]).await.json()["error"], "invalid_request");
    let credentials = basic("jar", &secret("jar"));
    let form = [("request", object.encode())];
    let form: Vec<_> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answer = house.post("/connect/par", &[("Authorization", &credentials)], &form).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let name = answer.json()["request_uri"].as_str().unwrap().to_owned();
    let mut browser = house.browser();
    let answer = browser.get(&path("jar", &name)).await;
    let page = house.onward(&mut browser, answer).await.page();
    let reply = house.type_in(&mut browser, &page, "jane").await.reply();
    assert_eq!(reply.sent("state"), "signed state");
}
