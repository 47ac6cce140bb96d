//! Two instances over one store: what one issues, the other redeems and revokes. And what a restart
//! and a reload keep (CFG-07).

use std::time::Duration;

use serde_json::Value;
use serde_json::json;
use sqlx::Connection;
use sqlx::Executor;
use tempfile::TempDir;

use crate::acceptance::house::House;
use crate::acceptance::house::basic;
use crate::acceptance::house::secret;
use crate::acceptance::house::settings;
use crate::support::provider;
use crate::support::wire::Answer;

const OFFLINE: (&str, &str) = ("scope", "openid api1 offline_access");
const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// Two instances behind one address, each with data of its own, over one SQLite file.
struct Pair {
    here: House,
    there: House,
    _folder: TempDir,
}

impl Pair {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let patch = patch(&folder);
        let (here, there) = tokio::join!(House::with("", &patch), House::with("", &patch));
        Self { here, there, _folder: folder }
    }
}

fn patch(folder: &TempDir) -> String {
    let file = folder.path().join("shared.db");
    format!(
        r#"<gateway><identityServer issuer="https://id.localhost:8443" /><users set:store="sqlite:{}" /></gateway>"#,
        file.display()
    )
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name}: {value}"))
}

fn error(answer: &Answer) -> (u16, String) {
    (answer.status, text(&answer.json(), "error").to_owned())
}

async fn refresh(house: &House, client: &str, token: &str) -> Answer {
    let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
    house.token(client, &form).await
}

async fn revoke(house: &House, client: &str, token: &str) {
    let credentials = basic(client, &secret(client));
    let headers = [("Authorization", credentials.as_str())];
    let answer = house.post("/connect/revocation", &headers, &[("token", token)]).await;
    assert_eq!(answer.status, 200);
}

async fn is_active(house: &House, token: &str) -> bool {
    let credentials = basic("api1", "api1-secret-0123456789");
    let headers = [("Authorization", credentials.as_str())];
    let answer = house.post("/connect/introspect", &headers, &[("token", token)]).await;
    answer.json()["active"].as_bool().unwrap()
}

#[tokio::test]
async fn both_instances_publish_the_same_keys() {
    let pair = Pair::start().await;
    let path = "/.well-known/openid-configuration/jwks";
    let (here, there) = (pair.here.get(path, &[]).await, pair.there.get(path, &[]).await);
    assert_eq!(here.json(), there.json());
    assert_eq!(here.json()["keys"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn l257_a_code_of_one_is_redeemed_at_the_other_once() {
    let pair = Pair::start().await;
    let reply = pair.here.authorize(&mut pair.here.browser(), "web", &[OFFLINE]).await;
    let code = reply.sent("code");
    let answer = pair.there.redeem("web", code).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let tokens = answer.json();
    let access = text(&tokens, "access_token");
    assert_eq!(pair.here.userinfo(access).await.status, 200);
    assert!(is_active(&pair.here, access).await);

    // A code that comes again revokes what it produced, wherever that was.
    assert_eq!(error(&pair.here.redeem("web", code).await), (400, "invalid_grant".to_owned()));
    assert!(!is_active(&pair.there, access).await);
    assert_eq!(pair.there.userinfo(access).await.status, 401);
    let refreshed = refresh(&pair.there, "web", text(&tokens, "refresh_token")).await;
    assert_eq!(error(&refreshed), (400, "invalid_grant".to_owned()));
}

#[tokio::test]
async fn l269_a_refresh_token_used_again_at_the_other_revokes_its_family() {
    let pair = Pair::start().await;
    let tokens = pair.here.tokens(&mut pair.here.browser(), "web", &[OFFLINE]).await;
    let first = text(&tokens, "refresh_token");
    let second = refresh(&pair.there, "web", first).await.json();
    assert!(is_active(&pair.here, text(&second, "access_token")).await);
    assert_eq!(error(&refresh(&pair.here, "web", first).await).1, "invalid_grant");
    let last = refresh(&pair.there, "web", text(&second, "refresh_token")).await;
    assert_eq!(error(&last).1, "invalid_grant");
    assert!(!is_active(&pair.there, text(&second, "access_token")).await);
}

#[tokio::test]
async fn reference_and_refresh_tokens_revoked_at_one_are_dead_at_the_other() {
    let pair = Pair::start().await;
    let tokens = pair.here.tokens(&mut pair.here.browser(), "reference", &[OFFLINE]).await;
    let access = text(&tokens, "access_token");
    assert!(!access.contains('.'), "a reference: {access}");
    assert!(is_active(&pair.there, access).await);
    assert_eq!(pair.there.userinfo(access).await.status, 200);
    revoke(&pair.there, "reference", access).await;
    assert!(!is_active(&pair.here, access).await);
    assert_eq!(pair.here.userinfo(access).await.status, 401);

    let token = text(&tokens, "refresh_token");
    revoke(&pair.there, "reference", token).await;
    let answer = refresh(&pair.here, "reference", token).await;
    assert_eq!(error(&answer), (400, "invalid_grant".to_owned()));
}

#[tokio::test]
async fn a_device_that_asked_at_one_is_approved_at_the_other_and_polls_at_either() {
    let pair = Pair::start().await;
    let credentials = basic("device", &secret("device"));
    let headers = [("Authorization", credentials.as_str())];
    let form = [("scope", "openid offline_access")];
    let codes = pair.here.post("/connect/deviceauthorization", &headers, &form).await.json();
    let poll = [("grant_type", DEVICE), ("device_code", text(&codes, "device_code"))];
    let waiting = pair.there.token("device", &poll).await;
    assert_eq!(error(&waiting).1, "authorization_pending");

    let mut browser = pair.there.browser();
    pair.there.sign_in(&mut browser, "jane").await;
    let page = browser.get(&format!("/device?userCode={}", text(&codes, "user_code"))).await;
    browser.submit(&page, &[("button", "yes")]).await;
    pair.here.later(6);
    pair.there.later(6);
    let tokens = pair.here.token("device", &poll).await;
    assert_eq!(tokens.status, 200, "{}", tokens.text());
    let again = pair.there.token("device", &poll).await;
    assert_eq!(error(&again).1, "invalid_grant");
}

#[tokio::test]
async fn cfg07_a_reload_keeps_sessions_and_unexpired_grants() {
    let house = House::start().await;
    let mut browser = house.browser();
    let reply = house.authorize(&mut browser, "web", &[OFFLINE]).await;
    let tokens = house.tokens(&mut browser, "other", &[OFFLINE]).await;
    house.reload(&settings(""), "").await;
    let again = house.authorize(&mut browser, "web", &[OFFLINE]).await;
    assert_eq!(again.asked, 0, "the session goes on");
    let redeemed = house.redeem("web", reply.sent("code")).await;
    assert_eq!(redeemed.status, 200, "{}", redeemed.text());
    assert_eq!(house.userinfo(text(&tokens, "access_token")).await.status, 200);
    let refreshed = refresh(&house, "other", text(&tokens, "refresh_token")).await;
    assert_eq!(refreshed.status, 200, "{}", refreshed.text());
}

#[tokio::test]
async fn l269_k254_a_restart_keeps_what_is_good_and_what_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let patch = patch(&folder);
    let house = House::with("", &patch).await;
    let tokens = house.tokens(&mut house.browser(), "web", &[OFFLINE]).await;
    let used = refresh(&house, "web", text(&tokens, "refresh_token")).await.json();
    let revoked = house.tokens(&mut house.browser(), "other", &[OFFLINE]).await;
    revoke(&house, "other", text(&revoked, "refresh_token")).await;
    house.gateway.app.drain().await;

    let house = House::with("", &patch).await;
    assert!(is_active(&house, text(&used, "access_token")).await);
    let next = refresh(&house, "web", text(&used, "refresh_token")).await;
    assert_eq!(next.status, 200, "{}", next.text());
    let answer = refresh(&house, "other", text(&revoked, "refresh_token")).await;
    assert_eq!(error(&answer).1, "invalid_grant");
    // What was used before the restart stays used.
    let replayed = refresh(&house, "web", text(&tokens, "refresh_token")).await;
    assert_eq!(error(&replayed).1, "invalid_grant");
    let last = refresh(&house, "web", text(&next.json(), "refresh_token")).await;
    assert_eq!(error(&last).1, "invalid_grant");
}

/// Another process, which holds the store's file for writing until it is told to let go.
async fn holding(house: &House) -> sqlx::AnyConnection {
    let file = house.gateway.folder.path("data/vestibule.db");
    sqlx::any::install_default_drivers();
    let mut other =
        sqlx::AnyConnection::connect(&format!("sqlite:{}", file.display())).await.unwrap();
    other.execute("begin immediate").await.unwrap();
    other
}

#[tokio::test]
async fn end14_a_sign_out_that_the_store_does_not_take_can_be_tried_again() {
    let house = House::start().await;
    let mut browser = house.browser();
    let tokens = house.tokens(&mut browser, "web", &[OFFLINE]).await;
    let asking = browser.get("/account/logout").await;
    let mut other = holding(&house).await;
    let failed = browser.submit(&asking, &[]).await;
    assert_eq!(failed.status, 503, "{}", failed.gist());
    assert!(browser.cookie("idsrv").is_some());
    assert_eq!(house.userinfo(text(&tokens, "access_token")).await.status, 200);
    other.execute("rollback").await.unwrap();
    let done = browser.submit(&asking, &[]).await;
    assert!(done.is_redirect() && browser.cookie("idsrv").is_none(), "{}", done.gist());
    assert_eq!(house.userinfo(text(&tokens, "access_token")).await.status, 401);
}

#[tokio::test]
async fn end14_what_a_provider_ends_while_the_store_is_down_ends_when_it_is_back() {
    let house = House::start().await;
    let mut jane = provider::jane();
    jane["sid"] = json!("s-1");
    house.idp.person(jane);
    let more = [("acr_values", "idp:Partner"), OFFLINE];
    let tokens = house.tokens(&mut house.browser(), "web", &more).await;
    let mut other = holding(&house).await;
    let token = house.idp.logout_token(&json!({ "sid": "s-1" })).encode();
    let form = [("logout_token", token.as_str())];
    assert_eq!(house.post("/identity/backchannel-logout", &[], &form).await.status, 200);
    assert_eq!(house.userinfo(text(&tokens, "access_token")).await.status, 200);
    other.execute("rollback").await.unwrap();
    for _ in 0..100 {
        if house.userinfo(text(&tokens, "access_token")).await.status == 401 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("what was granted in it goes on");
}

#[tokio::test]
async fn a_store_that_is_down_is_503_while_sessions_and_keys_go_on() {
    let house = House::start().await;
    let mut browser = house.browser();
    let reply = house.authorize(&mut browser, "web", &[OFFLINE]).await;
    let token = house.tokens(&mut browser, "other", &[]).await;
    let mut other = holding(&house).await;
    let refused = house.redeem("web", reply.sent("code")).await;
    assert_eq!(refused.status, 503, "{}", refused.text());
    assert_eq!(house.get("/.well-known/openid-configuration/jwks", &[]).await.status, 200);
    assert_eq!(house.userinfo(text(&token, "access_token")).await.status, 200, "it can be read");
    let page = browser.get("/grants").await;
    assert!(page.text().contains("The application web"), "signed in: {}", page.gist());
    other.execute("rollback").await.unwrap();
    assert_eq!(house.redeem("web", reply.sent("code")).await.status, 200);
}
