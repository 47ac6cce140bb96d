//! REF: the grant `refresh_token`.

use serde_json::Value;

use crate::acceptance::house::House;
use crate::acceptance::house::client;
use crate::acceptance::house::settings;
use crate::acceptance::tok::refused;
use crate::support::signing::half_hash;
use crate::support::wire::Answer;

const DAY: u64 = 86_400;

/// Refreshes as `client` would.
async fn refresh(house: &House, client: &str, token: &str, more: &[(&str, &str)]) -> Answer {
    let usual = [("grant_type", "refresh_token"), ("refresh_token", token)];
    let form: Vec<_> = usual.iter().chain(more).filter(|(_, v)| !v.is_empty()).copied().collect();
    house.token(client, &form).await
}

/// Tokens of a refresh that must succeed.
async fn renew(house: &House, client: &str, token: &str) -> Value {
    let answer = refresh(house, client, token, &[]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// Tokens of `client` for Jane, with a refresh token among them.
async fn first(house: &House, client: &str, scope: &str) -> Value {
    let scope = format!("{scope} offline_access");
    house.tokens(&mut house.browser(), client, &[("scope", &scope)]).await
}

fn text<'a>(tokens: &'a Value, name: &str) -> &'a str {
    tokens[name].as_str().unwrap_or_else(|| panic!("no {name}: {tokens}"))
}

/// A further client that may refresh, with `keys`.
fn offline(id: &str, keys: &str) -> String {
    let keys = format!("<AllowOfflineAccess>true</AllowOfflineAccess>{keys}");
    client(id, "authorization_code", &keys)
}

#[tokio::test]
async fn ref01_a_refresh_brings_new_tokens_of_the_same_scope() {
    let house = House::start().await;
    let before = first(&house, "web", "openid api1").await;
    house.later(10);
    let after = renew(&house, "web", text(&before, "refresh_token")).await;
    assert_eq!(after["scope"], before["scope"]);
    assert_ne!(after["access_token"], before["access_token"]);
    let (_, id_token) = house.verified(text(&after, "id_token")).await;
    assert!(id_token.get("nonce").is_none());
    assert_eq!(id_token["at_hash"], half_hash(text(&after, "access_token")));
    let apis = first(&house, "web", "api1").await;
    let apis = renew(&house, "web", text(&apis, "refresh_token")).await;
    assert!(apis.get("id_token").is_none());
}

#[tokio::test]
async fn ref02_a_handle_is_used_once_or_again_as_the_client_says() {
    let again = offline("again", "<RefreshTokenUsage>ReUse</RefreshTokenUsage>");
    let house = House::with(&again, "").await;
    let once = first(&house, "web", "openid").await;
    let next = renew(&house, "web", text(&once, "refresh_token")).await;
    assert_ne!(next["refresh_token"], once["refresh_token"]);
    refused(&refresh(&house, "web", text(&once, "refresh_token"), &[]).await, 400, "invalid_grant");
    let same = first(&house, "again", "openid").await;
    for _ in 0..3 {
        let next = renew(&house, "again", text(&same, "refresh_token")).await;
        assert_eq!(next["refresh_token"], same["refresh_token"]);
    }
}

#[tokio::test]
async fn ref03_l269_a_rotated_token_that_comes_again_ends_the_family() {
    let house = House::start().await;
    let one = first(&house, "web", "openid").await;
    let two = renew(&house, "web", text(&one, "refresh_token")).await;
    let three = renew(&house, "web", text(&two, "refresh_token")).await;
    assert_eq!(house.userinfo(text(&three, "access_token")).await.status, 200);
    refused(&refresh(&house, "web", text(&one, "refresh_token"), &[]).await, 400, "invalid_grant");
    refused(
        &refresh(&house, "web", text(&three, "refresh_token"), &[]).await,
        400,
        "invalid_grant",
    );
    for tokens in [one, two, three] {
        assert_eq!(house.userinfo(text(&tokens, "access_token")).await.status, 401);
    }
}

#[tokio::test]
async fn ref04_unknown_long_foreign_and_missing_tokens_are_refused() {
    let house = House::start().await;
    let tokens = first(&house, "web", "openid").await;
    let token = text(&tokens, "refresh_token");
    refused(&refresh(&house, "other", token, &[]).await, 400, "invalid_grant");
    for worthless in ["x", &"A".repeat(64), &"A".repeat(101), text(&tokens, "access_token")] {
        refused(&refresh(&house, "web", worthless, &[]).await, 400, "invalid_grant");
    }
    refused(&refresh(&house, "web", "", &[]).await, 400, "invalid_request");
    renew(&house, "web", token).await;
    let late = first(&house, "web", "openid").await;
    house.later(30 * DAY);
    refused(&refresh(&house, "web", text(&late, "refresh_token"), &[]).await, 400, "invalid_grant");
}

#[tokio::test]
async fn ref05_l271_a_client_that_takes_no_passwords_any_more_ends_what_rests_on_one() {
    let house = House::with(&offline("soon", ""), "").await;
    let mut browser = house.browser();
    let scope = ("scope", "openid offline_access");
    let tokens = house.tokens(&mut browser, "soon", &[scope]).await;
    let reply = house.authorize(&mut browser, "soon", &[]).await;
    let strict = offline("soon", "<EnableLocalLogin>false</EnableLocalLogin>");
    house.reload(&settings(&strict), "").await;
    let token = text(&tokens, "refresh_token");
    refused(&refresh(&house, "soon", token, &[]).await, 400, "invalid_grant");
    refused(&house.redeem("soon", reply.sent("code")).await, 400, "invalid_grant");
    house.reload(&settings(&offline("soon", "")), "").await;
    renew(&house, "soon", token).await;
}

#[tokio::test]
async fn ref05_l271_who_may_no_longer_refreshes_no_longer() {
    let house = House::with(&offline("soon", ""), "").await;
    let tokens = first(&house, "soon", "openid").await;
    let token = text(&tokens, "refresh_token");
    house.reload(&settings(&client("soon", "authorization_code", "")), "").await;
    refused(&refresh(&house, "soon", token, &[]).await, 400, "invalid_grant");
    house.reload(&settings(&offline("soon", "<Enabled>false</Enabled>")), "").await;
    refused(&refresh(&house, "soon", token, &[]).await, 401, "invalid_client");
    house.reload(&settings(&offline("soon", "")), "").await;
    let tokens = renew(&house, "soon", token).await;
    house.without_jane().await;
    refused(
        &refresh(&house, "soon", text(&tokens, "refresh_token"), &[]).await,
        400,
        "invalid_grant",
    );
}

#[tokio::test]
async fn ref06_lifetimes_are_absolute_sliding_or_sliding_for_ever() {
    let lives = |id, expiration, absolute| {
        let keys = format!(
            "<RefreshTokenExpiration>{expiration}</RefreshTokenExpiration>\
             <AbsoluteRefreshTokenLifetime>{absolute}</AbsoluteRefreshTokenLifetime>\
             <SlidingRefreshTokenLifetime>100</SlidingRefreshTokenLifetime>"
        );
        offline(id, &keys)
    };
    let clients = [
        lives("absolute", "Absolute", 250),
        lives("sliding", "Sliding", 250),
        lives("for-ever", "Sliding", 0),
    ];
    let house = House::with(&clients.concat(), "").await;
    let uses = async |client: &str, pause: u64| {
        let mut tokens = first(&house, client, "openid").await;
        for count in 0..6 {
            house.later(pause);
            let answer = refresh(&house, client, text(&tokens, "refresh_token"), &[]).await;
            if answer.status != 200 {
                refused(&answer, 400, "invalid_grant");
                return count;
            }
            tokens = answer.json();
        }
        6
    };
    assert_eq!(uses("absolute", 80).await, 3, "at 80, 160 and 240 seconds");
    assert_eq!(uses("absolute", 240).await, 1, "sliding does not matter");
    assert_eq!(uses("sliding", 80).await, 3, "never past the absolute end");
    assert_eq!(uses("sliding", 101).await, 0, "an idle one ends");
    assert_eq!(uses("for-ever", 80).await, 6);
    assert_eq!(uses("for-ever", 101).await, 0);
}

#[tokio::test]
async fn ref07_a_persons_claims_are_looked_up_again_where_the_file_says_so() {
    let keys = |update| {
        format!("<UpdateAccessTokenClaimsOnRefresh>{update}</UpdateAccessTokenClaimsOnRefresh>")
    };
    let clients = [offline("fresh", &keys("true")), offline("kept", &keys("false"))].concat();
    let api = "<UserClaims><C1>email</C1></UserClaims></Api1>";
    let document = settings(&clients).replace("</Api1>", api);
    let house = House::settings(&document, "").await;
    let email = async |tokens: &Value| {
        house.verified(text(tokens, "access_token")).await.1["email"].clone()
    };
    let fresh = first(&house, "fresh", "openid api1").await;
    let kept = first(&house, "kept", "openid api1").await;
    assert_eq!(email(&fresh).await, "jane@example.test");
    house.with_jane("jane.doe@example.test").await;
    let fresh = renew(&house, "fresh", text(&fresh, "refresh_token")).await;
    let kept = renew(&house, "kept", text(&kept, "refresh_token")).await;
    assert_eq!(email(&fresh).await, "jane.doe@example.test");
    assert_eq!(email(&kept).await, "jane@example.test");
}

#[tokio::test]
async fn ref08_who_and_when_stay_and_the_token_is_new() {
    let house = House::start().await;
    let before = first(&house, "web", "openid").await;
    house.later(25);
    let after = renew(&house, "web", text(&before, "refresh_token")).await;
    for (kind, same) in [
        ("id_token", &["auth_time", "sid", "sub", "aud", "iss"][..]),
        ("access_token", &["auth_time", "sid", "sub"]),
    ] {
        let (_, old) = house.verified(text(&before, kind)).await;
        let (_, new) = house.verified(text(&after, kind)).await;
        for name in same {
            assert_eq!(old[name], new[name], "{name} of {kind}");
        }
        for name in ["iat", "exp"] {
            assert_eq!(old[name].as_i64().unwrap() + 25, new[name].as_i64().unwrap(), "{name}");
        }
        assert!(kind == "id_token" || old["jti"] != new["jti"]);
    }
}

#[tokio::test]
async fn ref09_a_sign_out_ends_what_was_granted_in_its_session() {
    let stays = "<CoordinateLifetimeWithUserSession>false</CoordinateLifetimeWithUserSession>";
    let house = House::with(&offline("lasting", stays), "").await;
    let mut browser = house.browser();
    let scope = [("scope", "openid offline_access")];
    let ends = house.tokens(&mut browser, "web", &scope).await;
    let lasts = house.tokens(&mut browser, "lasting", &scope).await;
    let elsewhere = first(&house, "web", "openid").await;
    let hint = format!("/connect/endsession?id_token_hint={}", text(&ends, "id_token"));
    browser.go(&hint).await;
    refused(&refresh(&house, "web", text(&ends, "refresh_token"), &[]).await, 400, "invalid_grant");
    renew(&house, "lasting", text(&lasts, "refresh_token")).await;
    renew(&house, "web", text(&elsewhere, "refresh_token")).await;
}

#[tokio::test]
async fn ref10_l269_of_parallel_refreshes_one_succeeds() {
    let house = House::start().await;
    let tokens = first(&house, "web", "openid").await;
    let token = text(&tokens, "refresh_token");
    let calls = (0..20).map(|_| refresh(&house, "web", token, &[]));
    let answers = futures_util::future::join_all(calls).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    for lost in answers.iter().filter(|answer| answer.status != 200) {
        refused(lost, 400, "invalid_grant");
    }
}

#[tokio::test]
async fn l269_a_narrower_scope_is_for_the_new_access_token_only() {
    let house = House::start().await;
    let tokens = first(&house, "web", "openid email api1 api2").await;
    let narrow = [("scope", "openid api1")];
    let narrowed = refresh(&house, "web", text(&tokens, "refresh_token"), &narrow).await.json();
    assert_eq!(narrowed["scope"], "openid api1");
    let (_, claims) = house.verified(text(&narrowed, "access_token")).await;
    assert_eq!(claims["aud"], "api1");
    let wider = [("scope", "openid profile")];
    let token = text(&narrowed, "refresh_token");
    refused(&refresh(&house, "web", token, &wider).await, 400, "invalid_scope");
    let whole = renew(&house, "web", token).await;
    assert_eq!(whole["scope"], "openid email api1 api2 offline_access");
}
