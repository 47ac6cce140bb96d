//! FED-20 to FED-22: signing out of a session that an external provider began, and signing in over
//! one (LOGIN-09).

use std::time::Duration;

use serde_json::Value;
use serde_json::json;

use crate::acceptance::house;
use crate::acceptance::house::House;
use crate::support::browser::Browser;
use crate::support::cms::EchoCms;
use crate::support::cms::Step;
use crate::support::provider;
use crate::support::signing::part;
use crate::support::wire::Answer;

const OUT: &str = "https://rp.localhost/app/out";

/// A house with the client `app`, which is told of sign-outs by `server` and in frames.
async fn house(server: &EchoCms) -> House {
    server.script(|_| vec![Step::answer("200 OK", &[], "")]);
    let keys = format!(
        "<PostLogoutRedirectUris><P1>{OUT}</P1></PostLogoutRedirectUris>\
         <AllowOfflineAccess>true</AllowOfflineAccess>\
         <BackChannelLogoutUri>http://{}/out</BackChannelLogoutUri>",
        server.address
    );
    let framed =
        "<FrontChannelLogoutUris><F1>https://framed.localhost/gone</F1></FrontChannelLogoutUris>";
    let clients = [
        house::client("app", "authorization_code", &keys),
        house::client("framed", "authorization_code", framed),
    ];
    House::with(&clients.concat(), "").await
}

/// Signs in at the client `id` by way of the provider, in its session `sid`; the tokens.
async fn sign_in(house: &House, browser: &mut Browser, id: &str, sid: &str) -> Value {
    let mut jane = provider::jane();
    jane["sid"] = json!(sid);
    house.idp.person(jane);
    let more = [("acr_values", "idp:Partner"), ("scope", "openid offline_access")];
    let scopes = if id == "app" { &more[..] } else { &more[..1] };
    house.tokens(browser, id, scopes).await
}

async fn is_signed_in(house: &House, browser: &Browser) -> bool {
    let mut browser = browser.clone();
    let reply = house.ask(&mut browser, "app", &[("prompt", "none")]).await.reply();
    reply.find("error").is_none()
}

/// How often `server` has been told, once that is `count` or time is up.
async fn told(server: &EchoCms, count: usize) -> usize {
    for _ in 0..100 {
        if server.count() >= count {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    server.count()
}

async fn refreshes(house: &House, tokens: &Value) -> bool {
    let token = tokens["refresh_token"].as_str().unwrap();
    let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
    house.token("app", &form).await.status == 200
}

#[tokio::test]
async fn fed20_a_sign_out_goes_on_to_the_provider_and_comes_back_to_finish() {
    let server = EchoCms::start().await;
    let house = house(&server).await;
    let mut browser = house.browser();
    let tokens = sign_in(&house, &mut browser, "app", "s-1").await;
    let hint = tokens["id_token"].as_str().unwrap();
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("id_token_hint", hint)
        .append_pair("post_logout_redirect_uri", OUT)
        .append_pair("state", "s t")
        .finish();
    let answer = browser.get(&format!("/connect/endsession?{query}")).await;
    assert!(answer.header("location").unwrap().starts_with(&house.idp.issuer));
    assert_eq!(browser.cookie("idsrv"), None, "what is here is over before anybody goes there");
    let reply = house.onward(&mut browser, answer).await.reply();
    assert_eq!((reply.to.as_str(), reply.sent("state")), (OUT, "s t"));

    let asked = house.idp.calls("end_session").pop().unwrap();
    let asked: Vec<(String, String)> =
        url::form_urlencoded::parse(asked.target.split_once('?').unwrap().1.as_bytes())
            .into_owned()
            .collect();
    let sent = |name: &str| &asked.iter().find(|(known, _)| known == name).unwrap().1;
    assert_eq!(part(sent("id_token_hint"), 1)["sub"], "jane-4711");
    let back = format!("{}/signout-callback-oidc", house.issuer());
    assert_eq!(*sent("post_logout_redirect_uri"), back);
    assert!(!is_signed_in(&house, &browser).await);
    assert_eq!(server.count(), 1, "its clients have heard of it");
}

#[tokio::test]
async fn fed20_frames_are_shown_after_coming_back() {
    let server = EchoCms::start().await;
    let house = house(&server).await;
    let mut browser = house.browser();
    sign_in(&house, &mut browser, "framed", "s-1").await;
    let asking = browser.get("/account/logout").await;
    let yes = browser.submit(&asking, &[]).await;
    let done = house.onward(&mut browser, yes).await.page();
    assert_eq!(house.idp.count("end_session"), 1);
    assert!(done.text().contains("<main id=\"signed-out\""), "{}", done.text());
    let frame = frame(&done).unwrap();
    assert!(browser.get(&frame).await.text().contains("https://framed.localhost/gone?iss="));
}

#[tokio::test]
async fn fed20_a_provider_without_a_sign_out_ends_it_here() {
    let server = EchoCms::start().await;
    let house = house(&server).await;
    house.idp.lie(|lies| {
        lies.discovery = provider::lie(|document: &mut Value| {
            document.as_object_mut().unwrap().remove("end_session_endpoint");
        });
    });
    let mut browser = house.browser();
    let tokens = sign_in(&house, &mut browser, "app", "s-1").await;
    let hint = tokens["id_token"].as_str().unwrap();
    let path = format!("/connect/endsession?id_token_hint={hint}&post_logout_redirect_uri={OUT}");
    assert_eq!(browser.get(&path).await.header("location"), Some(OUT));
    assert!(!is_signed_in(&house, &browser).await);
}

/// The first frame of a page.
fn frame(page: &Answer) -> Option<String> {
    let text = page.text();
    let (_, after) = text.split_once("<iframe src=\"")?;
    Some(after.split('"').next()?.replace("&amp;", "&"))
}

#[tokio::test]
async fn fed21_a_frame_of_the_provider_ends_the_session_and_tells_its_clients() {
    let server = EchoCms::start().await;
    let house = house(&server).await;
    let mut browser = house.browser();
    sign_in(&house, &mut browser, "app", "s-1").await;
    sign_in(&house, &mut browser, "framed", "s-1").await;
    let address = |sid: &str| format!("/signout-oidc?iss={}&sid={sid}", house.idp.issuer);
    let nobody = house.get(&address("s-9"), &[]).await;
    assert_eq!((nobody.status, frame(&nobody)), (200, None));
    assert!(is_signed_in(&house, &browser).await);

    let page = house.get(&address("s-1"), &[]).await;
    assert_eq!(page.status, 200);
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains(&format!("frame-ancestors 'self' {}", house.idp.issuer)), "{policy}");
    let inner = house.get(&frame(&page).unwrap(), &[]).await;
    assert!(inner.text().contains("https://framed.localhost/gone?iss="), "{}", inner.text());
    let policy = inner.header("content-security-policy").unwrap();
    assert!(policy.contains(&format!("frame-ancestors 'self' {}", house.idp.issuer)), "{policy}");
    assert!(!is_signed_in(&house, &browser).await);
    assert_eq!(told(&server, 1).await, 1, "and by back-channel");
    assert_eq!(frame(&house.get(&address("s-1"), &[]).await), None, "it is over");
}

#[tokio::test]
async fn fed22_k253_a_logout_token_of_the_provider_ends_sessions_and_tells_their_clients() {
    let server = EchoCms::start().await;
    let house = house(&server).await;
    let (mut first, mut second) = (house.browser(), house.browser());
    let tokens = sign_in(&house, &mut first, "app", "s-1").await;
    sign_in(&house, &mut second, "app", "s-2").await;
    let tell = async |token: &str| {
        let form = [("logout_token", token)];
        let answer = house.post("/identity/backchannel-logout", &[], &form).await;
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        answer.status
    };
    let mut bad = house.idp.logout_token(&json!({ "sid": "s-1" }));
    bad.claims["aud"] = json!("other");
    assert_eq!(tell(&bad.encode()).await, 400);
    assert!(is_signed_in(&house, &first).await);

    assert_eq!(tell(&house.idp.logout_token(&json!({ "sid": "s-1" })).encode()).await, 200);
    assert!(!is_signed_in(&house, &first).await && is_signed_in(&house, &second).await);
    assert!(!refreshes(&house, &tokens).await, "what was granted in it is over");
    assert_eq!(told(&server, 1).await, 1);

    let person = json!({ "sub": "jane-4711" });
    assert_eq!(tell(&house.idp.logout_token(&person).encode()).await, 200);
    assert!(!is_signed_in(&house, &second).await);
    assert_eq!(told(&server, 2).await, 2);
}

/// Says yes to the page that asks.
async fn sign_out(house: &House, browser: &mut Browser) {
    let asking = browser.get("/account/logout").await;
    let yes = browser.submit(&asking, &[]).await;
    let done = house.onward(browser, yes).await.page();
    assert!(done.text().contains("<main id=\"signed-out\""), "{}", done.gist());
}

#[tokio::test]
async fn login09_who_comes_by_the_provider_once_more_is_signed_out_of_all_of_it() {
    let server = EchoCms::start().await;
    let house = house(&server).await;
    let mut browser = house.browser();
    let first = sign_in(&house, &mut browser, "app", "s-1").await;
    let asked = house.idp.count("authorize");
    let again = [("acr_values", "idp:Partner"), ("prompt", "login")];
    let second = house.tokens(&mut browser, "web", &again).await;
    assert_eq!(house.idp.count("authorize"), asked + 1);
    let sid = |tokens: &Value| part(tokens["id_token"].as_str().unwrap(), 1)["sid"].clone();
    assert_eq!(sid(&first), sid(&second));
    assert!(server.count() == 0 && is_signed_in(&house, &browser).await);
    sign_out(&house, &mut browser).await;
    assert!(!refreshes(&house, &first).await, "what was granted before ends too");
    assert_eq!(told(&server, 1).await, 1, "and its client hears of it");
}

#[tokio::test]
async fn login09_who_signs_in_over_somebody_ends_what_that_one_was_given() {
    let server = EchoCms::start().await;
    let house = house(&server).await;
    let mut browser = house.browser();
    let jane = sign_in(&house, &mut browser, "app", "s-1").await;
    house.idp.person(provider::bob());
    let again = [("acr_values", "idp:Partner"), ("prompt", "login")];
    house.tokens(&mut browser, "web", &again).await;
    assert!(!refreshes(&house, &jane).await);
    assert_eq!(told(&server, 1).await, 1);

    let mut browser = house.browser();
    let jane = house.tokens(&mut browser, "app", &[("scope", "openid offline_access")]).await;
    house.authorize_as(&mut browser, "bob", "web", &[("prompt", "login")]).await;
    assert!(!refreshes(&house, &jane).await, "by a password as well");
    assert_eq!(told(&server, 2).await, 2);
}
