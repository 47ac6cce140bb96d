//! END: end of session and signing out.

use serde_json::Value;

use crate::acceptance::house;
use crate::acceptance::house::End;
use crate::acceptance::house::House;
use crate::support::browser::Browser;
use crate::support::html;
use crate::support::wire::Answer;

/// Where `app` wants people to go on to.
pub(super) const OUT: &str = "https://rp.localhost/app/out";

/// A house with the client `app`, which has a post-logout address, and these `more` keys.
async fn house_with(more: &str) -> House {
    let out = format!("<PostLogoutRedirectUris><P1>{OUT}</P1></PostLogoutRedirectUris>");
    let offline = "<AllowOfflineAccess>true</AllowOfflineAccess>";
    House::with(&house::client("app", "authorization_code", &format!("{out}{offline}{more}")), "")
        .await
}

async fn house() -> House {
    house_with("").await
}

/// Signs Jane in at `app`; its ID token.
async fn sign_in(house: &House, browser: &mut Browser) -> String {
    let tokens = house.tokens(browser, "app", &[]).await;
    tokens["id_token"].as_str().unwrap().to_owned()
}

/// The address of a sign-out with these parameters.
pub(super) fn end_session(parameters: &[(&str, &str)]) -> String {
    let query =
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    format!("/connect/endsession?{query}")
}

/// Whether Jane is signed in, as a client that may not ask finds out.
async fn knows_her(house: &House, browser: &mut Browser) -> bool {
    let reply = house.ask(browser, "web", &[("prompt", "none")]).await.reply();
    match reply.find("error") {
        None => true,
        Some("login_required") => false,
        Some(other) => panic!("{other}"),
    }
}

/// The page that `answer` leads to.
pub(super) async fn page(house: &House, browser: &mut Browser, answer: Answer) -> Answer {
    house.onward(browser, answer).await.page()
}

fn asks(page: &Answer) -> bool {
    page.text().contains("<main id=\"sign-out\"")
}

/// Whether a page says that it is done.
pub(super) fn says_done(page: &Answer) -> bool {
    page.text().contains("<main id=\"signed-out\"")
}

fn leads_back(page: &Answer) -> bool {
    page.text().contains("return-link")
}

/// Says yes to the page that asks.
pub(super) async fn sign_out(house: &House, browser: &mut Browser) {
    let asking = browser.get("/account/logout").await;
    let yes = browser.submit(&asking, &[]).await;
    assert!(says_done(&page(house, browser, yes).await));
}

/// The addresses of the frames on a page.
pub(super) fn frames(page: &Answer) -> Vec<String> {
    let text = page.text();
    let parts = text.split("<iframe ").skip(1);
    let source = |part: &str| {
        let (_, after) = part.split_once("src=\"").unwrap();
        after.split('"').next().unwrap().replace("&amp;", "&").replace("&#38;", "&")
    };
    parts.map(source).collect()
}

#[tokio::test]
async fn end01_get_and_post_lead_to_the_logout_page() {
    let house = house().await;
    let mut browser = house.browser();
    sign_in(&house, &mut browser).await;
    let get = browser.get("/connect/endsession").await;
    let form = browser.bare("POST", "/connect/endsession").form(&[("state", "x")]);
    let post = browser.send(form).await;
    for answer in [&get, &post] {
        assert_eq!(answer.status, 302);
        let to = answer.header("location").unwrap();
        assert!(to.contains("/account/logout?logoutId="), "{to}");
    }
    let put = house.call("PUT", "/connect/endsession", &[], None).await;
    assert_eq!((put.status, put.header("allow")), (405, Some("GET, HEAD, POST")));
}

#[tokio::test]
async fn end02_a_valid_hint_signs_out_and_goes_on_with_state() {
    let house = house().await;
    let mut browser = house.browser();
    let hint = sign_in(&house, &mut browser).await;
    let state = "a b&c=d+é";
    let path = end_session(&[
        ("id_token_hint", &hint),
        ("post_logout_redirect_uri", OUT),
        ("state", state),
    ]);
    let answer = browser.get(&path).await;
    let reply = house.onward(&mut browser, answer).await.reply();
    assert_eq!((reply.to.as_str(), reply.sent("state")), (OUT, state));
    assert_eq!(reply.fields.len(), 1);
    assert!(!knows_her(&house, &mut browser).await);
}

#[tokio::test]
async fn end03_an_expired_hint_is_a_hint() {
    let house =
        house_with("<IdentityTokenLifetimeInSeconds>60</IdentityTokenLifetimeInSeconds>").await;
    let mut browser = house.browser();
    let hint = sign_in(&house, &mut browser).await;
    house.later(600);
    let path = end_session(&[("id_token_hint", &hint), ("post_logout_redirect_uri", OUT)]);
    assert_eq!(browser.get(&path).await.header("location"), Some(OUT));
    assert!(!knows_her(&house, &mut browser).await);
}

#[tokio::test]
async fn end03_a_hint_that_proves_nothing_is_asked_about() {
    let house = house().await;
    let mut browser = house.browser();
    let hint = sign_in(&house, &mut browser).await;
    let mut bobs = house.browser();
    let reply = house.authorize_as(&mut bobs, "bob", "app", &[]).await;
    let bob = house.redeem("app", reply.sent("code")).await.json();
    let bob = bob["id_token"].as_str().unwrap().to_owned();
    let other = house_with("").await;
    let foreign = sign_in(&other, &mut other.browser()).await;
    let (signed, _) = hint.rsplit_once('.').unwrap();
    let (_, claims) = signed.split_once('.').unwrap();
    let unsigned = format!("eyJhbGciOiJub25lIn0.{claims}.");
    for wrong in [unsigned.as_str(), &foreign, &bob, "x", "a.b.c"] {
        let path = end_session(&[("id_token_hint", wrong), ("post_logout_redirect_uri", OUT)]);
        let answer = browser.get(&path).await;
        let asking = page(&house, &mut browser, answer).await;
        assert!(asks(&asking) && !leads_back(&asking), "{wrong:.40}");
    }
    assert!(knows_her(&house, &mut browser).await);
}

#[tokio::test]
async fn end04_g164_an_address_that_is_not_registered_is_asked_about_and_never_gone_to() {
    let house = house().await;
    let added = format!("{OUT}?foo=bar");
    for wrong in [
        "https://rp.localhost/other/out",
        &added,
        "https://rp.localhost/app/out/",
        "https://RP.localhost/app/out",
        "javascript:alert(1)",
        "https://rp.localhost/web/callback",
    ] {
        let mut browser = house.browser();
        let hint = sign_in(&house, &mut browser).await;
        let path = end_session(&[
            ("id_token_hint", &hint),
            ("post_logout_redirect_uri", wrong),
            ("state", "s"),
        ]);
        let answer = browser.get(&path).await;
        let asking = page(&house, &mut browser, answer).await;
        assert!(asks(&asking), "{wrong}");
        assert!(knows_her(&house, &mut browser).await, "{wrong}: nobody has said yes");
        let answer = browser.get(&path).await;
        let asking = page(&house, &mut browser, answer).await;
        let yes = browser.submit(&asking, &[]).await;
        let done = page(&house, &mut browser, yes).await;
        assert!(says_done(&done) && !leads_back(&done), "{wrong}: {}", done.text());
        assert!(!knows_her(&house, &mut browser).await);
    }
}

#[tokio::test]
async fn end04_a_clients_file_may_allow_a_query_as_the_cms_adds_one() {
    let house = house_with("<AllowPostLogoutQuery>true</AllowPostLogoutQuery>").await;
    let uri = format!("{OUT}?ReturnUrl=%2fsitecore&nonce=n-1");
    let mut browser = house.browser();
    let hint = sign_in(&house, &mut browser).await;
    for wrong in [
        format!("{OUT}/x?ReturnUrl=y"),
        format!("{OUT}?a=b#c"),
        format!("{OUT}?state=y"),
        "https://rp.localhost/other?a=b".to_owned(),
    ] {
        let wrong = [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", &wrong)];
        let answer = browser.get(&end_session(&wrong)).await;
        let asking = page(&house, &mut browser, answer).await;
        assert!(asks(&asking), "{wrong:?}");
    }
    let path = end_session(&[
        ("id_token_hint", &hint),
        ("post_logout_redirect_uri", &uri),
        ("state", "s"),
    ]);
    let answer = browser.get(&path).await;
    assert_eq!(answer.header("location"), Some(format!("{uri}&state=s").as_str()));
}

#[tokio::test]
async fn end05_without_a_hint_people_are_asked_and_sent_nowhere() {
    let house = house().await;
    for parameters in
        [vec![("post_logout_redirect_uri", OUT), ("state", "s")], vec![("state", "s")], vec![]]
    {
        let mut browser = house.browser();
        sign_in(&house, &mut browser).await;
        let answer = browser.get(&end_session(&parameters)).await;
        let asking = page(&house, &mut browser, answer).await;
        assert!(asks(&asking), "{parameters:?}");
        let yes = browser.submit(&asking, &[]).await;
        let End::Page(done) = house.onward(&mut browser, yes).await else {
            panic!("{parameters:?} led on");
        };
        assert!(says_done(&done) && !leads_back(&done), "{parameters:?}");
        assert!(!knows_her(&house, &mut browser).await);
    }
}

#[tokio::test]
async fn end06_no_address_is_made_up() {
    let house = house().await;
    let mut browser = house.browser();
    let hint = sign_in(&house, &mut browser).await;
    let answer = browser.get(&end_session(&[("id_token_hint", &hint), ("state", "s")])).await;
    let done = page(&house, &mut browser, answer).await;
    assert!(says_done(&done) && !leads_back(&done), "{}", done.text());
    assert_eq!(done.header("refresh"), None);
    assert!(!knows_her(&house, &mut browser).await);
}

#[tokio::test]
async fn end06_an_address_with_a_state_that_no_server_takes_is_none() {
    let house = house().await;
    let mut browser = house.browser();
    let hint = sign_in(&house, &mut browser).await;
    let long = "s".repeat(8_192);
    let mut asked = async |state: &str| {
        let parameters =
            [("id_token_hint", &*hint), ("post_logout_redirect_uri", OUT), ("state", state)];
        let form = browser.bare("POST", "/connect/endsession").form(&parameters);
        let answer = browser.send(form).await;
        house.onward(&mut browser, answer).await
    };
    let asking = asked(&long).await.page();
    assert!(asks(&asking) && !leads_back(&asking), "{}", asking.text());
    assert_eq!(asked(&long[..8_000]).await.reply().sent("state"), &long[..8_000]);
}

#[tokio::test]
async fn end07_k242_a_post_that_is_not_from_our_page_is_400_and_signs_nobody_out() {
    let house = house().await;
    let mut browser = house.browser();
    sign_in(&house, &mut browser).await;
    for form in [vec![], vec![("token", "x")], vec![("logoutId", "x")]] {
        let request = browser.bare("POST", "/account/logout").form(&form);
        assert_eq!(browser.send(request).await.status, 400, "{form:?}");
    }
    let asking = browser.get("/account/logout").await;
    let fields = html::forms(&asking.text()).remove(0).fields;
    let fields: Vec<_> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let elsewhere =
        browser.bare("POST", "/account/logout").header("Origin", "https://evil.test").form(&fields);
    assert_eq!(browser.send(elsewhere).await.status, 400);
    assert!(knows_her(&house, &mut browser).await);
}

#[tokio::test]
async fn end08_j227_the_cookie_is_dead_also_when_it_is_replayed() {
    let house = house().await;
    let mut browser = house.browser();
    let hint = sign_in(&house, &mut browser).await;
    let mut thief = browser.clone();
    browser.get(&end_session(&[("id_token_hint", &hint)])).await;
    assert!(!knows_her(&house, &mut browser).await);
    assert!(thief.cookie("idsrv").is_some() && !knows_her(&house, &mut thief).await);
}

#[tokio::test]
async fn end13_who_is_not_signed_in_is_told_so_at_once() {
    let house = house().await;
    let mut browser = house.browser();
    for path in ["/account/logout", "/connect/endsession"] {
        let answer = browser.get(path).await;
        let done = page(&house, &mut browser, answer).await;
        assert!(says_done(&done) && frames(&done).is_empty() && !leads_back(&done), "{path}");
    }
}

#[tokio::test]
async fn end14_what_was_granted_ends_with_the_session_but_where_a_file_says_otherwise() {
    let lasting = house::client(
        "lasting",
        "authorization_code",
        "<AllowOfflineAccess>true</AllowOfflineAccess><CoordinateLifetimeWithUserSession>false</CoordinateLifetimeWithUserSession>",
    );
    let house = House::with(&lasting, "").await;
    let mut browser = house.browser();
    let scope = [("scope", "openid offline_access")];
    let mortal = house.tokens(&mut browser, "web", &scope).await;
    let lasting = house.tokens(&mut browser, "lasting", &scope).await;
    sign_out(&house, &mut browser).await;
    let access = |tokens: &Value| tokens["access_token"].as_str().unwrap().to_owned();
    assert_eq!(house.userinfo(&access(&mortal)).await.status, 401);
    assert_eq!(house.userinfo(&access(&lasting)).await.status, 200);
    for (client, tokens, status) in [("web", &mortal, 400), ("lasting", &lasting, 200)] {
        let token = tokens["refresh_token"].as_str().unwrap();
        let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
        assert_eq!(house.token(client, &form).await.status, status, "{client}");
    }
}

#[tokio::test]
async fn k254_a_sign_out_holds_at_every_instance_over_one_store() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shared.db");
    let shared = format!("<gateway><users set:store=\"sqlite:{}\" /></gateway>", file.display());
    let (here, there) = (House::with("", &shared).await, House::with("", &shared).await);
    let refresh = async |house: &House, tokens: &Value| {
        let token = tokens["refresh_token"].as_str().unwrap();
        let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
        house.token("web", &form).await
    };
    let mut browser = here.browser();
    let first = here.tokens(&mut browser, "web", &[("scope", "openid offline_access")]).await;
    let second = refresh(&there, &first).await;
    assert_eq!(second.status, 200, "{}", second.text());
    sign_out(&here, &mut browser).await;
    assert_eq!(refresh(&there, &second.json()).await.status, 400);
    drop(there);
    let again = House::with("", &shared).await;
    assert_eq!(refresh(&again, &second.json()).await.status, 400, "nor after a restart");
}
