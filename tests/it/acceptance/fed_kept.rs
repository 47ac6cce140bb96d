//! FED: people of an external provider who are kept for our own sites, and when they proved who they
//! are.

use serde_json::Value;
use serde_json::json;
use vestibule::clock::Timestamp;
use vestibule::store::accounts::Account;
use vestibule::store::accounts::ExternalLogin;

use crate::acceptance::dev;
use crate::acceptance::house::House;
use crate::acceptance::house::basic;
use crate::acceptance::house::settings;
use crate::acceptance::partners::claims_of;
use crate::acceptance::partners::is_sign_in;
use crate::support::provider::lie;
use crate::support::signing::Token;
use crate::support::signing::part;

const PARTNER: (&str, &str) = ("acr_values", "idp:Partner");
const MUCH: (&str, &str) = ("scope", "openid api1 offline_access");

/// A house whose sites sign in at its own identity server.
async fn house() -> House {
    let house = House::start().await;
    let issuer = house.issuer();
    let authority = format!("<sc.variable name=\"identityServerAuthority\" value=\"{issuer}\" />");
    house.reload(&settings(""), &authority).await;
    house
}

/// Keeps a user as whom `subject` signs in at the sites.
async fn keep(house: &House, subject: &str) {
    let account = Account { name: "sitecore\\external".to_owned(), ..Account::default() };
    let login = ExternalLogin {
        provider: "SitecoreIdentityServer".to_owned(),
        subject: subject.to_owned(),
        issuer: Some(house.issuer()),
        linked_at: Timestamp(0),
    };
    house.gateway.app.accounts().add(&account, Some(&login), false).await.unwrap();
}

async fn disable(house: &House, disabled: bool) {
    let accounts = house.gateway.app.accounts();
    let account = accounts.find("sitecore\\external").await.unwrap().unwrap();
    accounts.save(&Account { disabled, ..account }, false).await.unwrap();
}

async fn introspected(house: &House, token: &str) -> Value {
    let credentials = basic("api1", "api1-secret-0123456789");
    let headers = [("Authorization", credentials.as_str())];
    house.post("/connect/introspect", &headers, &[("token", token)]).await.json()
}

/// The status and the error of a refresh.
async fn refreshed(house: &House, tokens: &Value) -> (u16, Value) {
    let token = tokens["refresh_token"].as_str().unwrap();
    let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
    let answer = house.token("web", &form).await;
    (answer.status, answer.json()["error"].clone())
}

#[tokio::test]
async fn l271_whom_the_sites_refuse_has_nothing_of_the_identity_server() {
    let house = house().await;
    let mut browser = house.browser();
    let code = house.ask(&mut browser, "web", &[PARTNER, MUCH]).await.reply();
    let tokens = house.redeem("web", code.sent("code")).await.json();
    let access = tokens["access_token"].as_str().unwrap();
    keep(&house, part(tokens["id_token"].as_str().unwrap(), 1)["sub"].as_str().unwrap()).await;
    let silent = [PARTNER, MUCH, ("prompt", "none")];
    let code = house.ask(&mut browser, "web", &silent).await.reply();
    let codes = dev::start(&house, &[MUCH]).await.json();
    dev::approve(&mut browser, &codes, &[]).await;
    assert_eq!(introspected(&house, access).await["active"], true);

    disable(&house, true).await;
    let refused = json!("invalid_grant");
    let redeemed = house.redeem("web", code.sent("code")).await;
    assert_eq!((redeemed.status, &redeemed.json()["error"]), (400, &refused));
    assert_eq!(refreshed(&house, &tokens).await, (400, refused.clone()));
    let polled = dev::poll(&house, &codes).await;
    assert_eq!((polled.status, &polled.json()["error"]), (400, &refused));
    assert_eq!(introspected(&house, access).await, json!({ "active": false }));
    assert_eq!(house.userinfo(access).await.status, 401);
    let reply = house.ask(&mut browser, "web", &silent).await.reply();
    assert_eq!(reply.sent("error"), "login_required");
    assert!(is_sign_in(&house.ask(&mut browser, "web", &[]).await.page()), "nobody is signed in");
    let mut fresh = house.browser();
    let page = house.ask(&mut fresh, "web", &[PARTNER]).await.page();
    assert_eq!((page.status, fresh.cookie("idsrv")), (403, None), "{}", page.gist());

    disable(&house, false).await;
    assert_eq!(refreshed(&house, &tokens).await.0, 200);
    assert_eq!(house.userinfo(access).await.status, 200);
}

#[tokio::test]
async fn nobody_is_said_to_have_proved_anything_when_the_provider_does_not_say_so() {
    let house = House::start().await;
    let (claims, _) = claims_of(&house, "Partner", "web", "openid").await;
    assert_eq!(claims["auth_time"], house.clock.now().0);
    let max_age = [PARTNER, ("max_age", "600")];
    assert!(house.ask(&mut house.browser(), "web", &max_age).await.reply().find("code").is_some());

    house.idp.twists(lie(|token: &mut Token| {
        token.claims.as_object_mut().unwrap().remove("auth_time");
    }));
    for more in [&[PARTNER, MUCH][..], &[PARTNER, MUCH, ("prompt", "login")]] {
        let mut browser = house.browser();
        let code = house.ask(&mut browser, "web", more).await.reply();
        let tokens = house.redeem("web", code.sent("code")).await.json();
        for kind in ["id_token", "access_token"] {
            let claims = part(tokens[kind].as_str().unwrap(), 1);
            assert_eq!((&claims["idp"], claims.get("auth_time")), (&json!("Partner"), None));
        }
    }
    // `auth_time` is owed to whoever asks for an age (OpenID Connect Core §2), and would be a guess.
    let reply = house.ask(&mut house.browser(), "web", &max_age).await.reply();
    assert_eq!((reply.find("error"), reply.find("code")), (Some("login_required"), None));
}

#[tokio::test]
async fn m295_only_a_boolean_says_that_something_is_verified() {
    let house = House::start().await;
    for (said, told) in [(json!(true), Some(true)), (json!(false), Some(false))]
        .into_iter()
        .chain([json!("true"), json!("false"), json!(1), json!([true])].map(|said| (said, None)))
    {
        house.idp.person(json!({
            "sub": "jane-4711", "email": "jane@company.test", "email_verified": said.clone(),
            "phone_number": "+45 1", "phone_number_verified": said.clone(),
        }));
        let (_, userinfo) = claims_of(&house, "Partner", "web", "openid email phone").await;
        for name in ["email_verified", "phone_number_verified"] {
            assert_eq!(userinfo.get(name), told.map(Value::from).as_ref(), "{name}: {said}");
        }
        assert_eq!(userinfo["email"], "jane@company.test");
    }
}
