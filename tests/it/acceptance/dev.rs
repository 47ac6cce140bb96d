//! DEV: the device flow.

use serde_json::Value;

use crate::acceptance::house::House;
use crate::acceptance::house::client;
use crate::support::browser::Browser;
use crate::support::wire::Answer;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

#[tokio::test]
async fn dev01_a_device_gets_two_codes_and_where_to_type_the_short_one() {
    let house = House::start().await;
    let answer = start(&house, &[("scope", "openid")]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.header("cache-control").unwrap().contains("no-store"));
    let said = answer.json();
    let user_code = said["user_code"].as_str().unwrap();
    assert_eq!(user_code.len(), 9);
    assert!(user_code.bytes().all(|b| b.is_ascii_digit()));
    assert_eq!(said["device_code"].as_str().unwrap().len(), 64);
    let page = format!("{}/device", house.issuer());
    assert_eq!(said["verification_uri"], page);
    assert_eq!(said["verification_uri_complete"], format!("{page}?userCode={user_code}"));
    assert_eq!((&said["expires_in"], &said["interval"]), (&300.into(), &5.into()));
}

#[tokio::test]
async fn dev02_only_a_form_of_a_client_with_the_grant_is_answered() {
    let house = House::start().await;
    let path = "/connect/deviceauthorization";
    let got = house.get(path, &[]).await;
    assert_eq!((got.status, &got.json()["error"]), (400, &"invalid_request".into()));
    let json = house.call("POST", path, &[("Content-Type", "application/json")], None).await;
    assert_eq!((json.status, &json.json()["error"]), (400, &"invalid_request".into()));
    for form in [&[][..], &[("client_id", "")], &[("client_id", "ghost")]] {
        let answer = house.post(path, &[], form).await;
        assert_eq!((answer.status, &answer.json()["error"]), (401, &"invalid_client".into()));
    }
    let answer = start_as(&house, "web", &[]).await;
    assert_eq!((answer.status, &answer.json()["error"]), (400, &"unauthorized_client".into()));
}

#[tokio::test]
async fn dev03_scopes_are_judged_and_default_to_the_clients() {
    let house = House::with(&narrow(), "").await;
    for scope in ["openid nonsense", "api2"] {
        let answer = start_as(&house, "narrow", &[("scope", scope)]).await;
        assert_eq!((answer.status, &answer.json()["error"]), (400, &"invalid_scope".into()));
    }
    let codes = start_as(&house, "narrow", &[]).await.json();
    let mut browser = house.browser();
    house.sign_in(&mut browser, "jane").await;
    approve(&mut browser, &codes, &[]).await;
    let tokens = poll_as(&house, "narrow", &codes).await.json();
    assert_eq!(tokens["scope"], "openid api1");
}

#[tokio::test]
async fn dev04_l277_s349_the_page_asks_who_and_which_code_and_throttles_guesses() {
    let house = House::start().await;
    let codes = start(&house, &[]).await.json();
    let mut browser = house.browser();
    let page = browser.go("/device").await;
    assert!(page.text().contains("id=\"sign-in\""), "{}", page.gist());
    let page = house.type_in(&mut browser, &page, "jane").await.page();
    assert!(page.text().contains("<main id=\"device\""), "{}", page.text());
    assert!(page.text().contains("name=\"userCode\""));

    let unknown = browser.submit(&page, &[("userCode", "000000000")]).await;
    house.later(301);
    let expired = browser.submit(&page, &[("userCode", text(&codes, "user_code"))]).await;
    assert_eq!(unknown.status, expired.status);
    let alike = |answer: &Answer| answer.gist().replace(&request_id(answer), "");
    assert_eq!(alike(&unknown), alike(&expired));

    let live = start(&house, &[]).await.json();
    let mut guesses = 0;
    while browser.submit(&page, &[("userCode", "000000000")]).await.status != 429 {
        guesses += 1;
        assert!(guesses < 20, "guessing is not throttled");
    }
    let right = [("userCode", text(&live, "user_code"))];
    let barred = browser.submit(&page, &right).await;
    assert_eq!(barred.status, 429, "a throttled session may still guess");
    let get = format!("/device?userCode={}", text(&live, "user_code"));
    assert_eq!(browser.get(&get).await.status, 429, "guessing by GET is not throttled");
    let mut statuses = Vec::new();
    for _ in 0..10 {
        let mut fresh = house.browser();
        house.sign_in(&mut fresh, "bob").await;
        for code in ["000000001", "000000002", "000000003", "000000004"] {
            statuses.push(fresh.get(&format!("/device?userCode={code}")).await.status);
        }
    }
    assert_eq!(statuses.last(), Some(&429), "one address may guess in many sessions");
}

#[tokio::test]
async fn dev05_l278_a_complete_address_asks_with_client_and_code_and_approves_nothing() {
    let house = House::start().await;
    let codes = start(&house, &[("scope", "openid profile")]).await.json();
    let mut browser = house.browser();
    house.sign_in(&mut browser, "jane").await;
    let page = browser.get(&complete(&codes)).await;
    assert_eq!(page.status, 200);
    for words in ["The application device", text(&codes, "user_code"), "id=\"allow-button\""] {
        assert!(page.text().contains(words), "{words}: {}", page.text());
    }
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    assert_eq!(error(&poll(&house, &codes).await), "authorization_pending");
    house.later(6);
    let by_get = format!("{}&button=yes", complete(&codes));
    browser.get(&by_get).await;
    let forged = browser.submit(&page, &[("button", "yes"), ("token", "x")]).await;
    assert_eq!(forged.status, 400, "{}", forged.gist());
    assert_eq!(error(&poll(&house, &codes).await), "authorization_pending");
}

#[tokio::test]
async fn dev06_polling_is_told_to_wait_to_slow_down_and_to_stop() {
    let house = House::start().await;
    let codes = start(&house, &[]).await.json();
    assert_eq!(error(&poll(&house, &codes).await), "authorization_pending");
    house.later(4);
    assert_eq!(error(&poll(&house, &codes).await), "slow_down");
    house.later(4);
    assert_eq!(error(&poll(&house, &codes).await), "slow_down", "the window did not begin anew");
    house.later(5);
    assert_eq!(error(&poll(&house, &codes).await), "authorization_pending");
    house.later(300);
    assert_eq!(error(&poll(&house, &codes).await), "expired_token");
    assert_eq!(error(&poll(&house, &codes).await), "slow_down", "checked before the end");
}

#[tokio::test]
async fn dev07_denied_is_access_denied_and_approved_gives_tokens_once() {
    let house = House::start().await;
    let mut browser = house.browser();
    house.sign_in(&mut browser, "jane").await;
    let codes = start(&house, &[("scope", "openid")]).await.json();
    let page = browser.get(&complete(&codes)).await;
    let done = browser.submit(&page, &[("button", "no")]).await;
    assert_eq!(browser.follow(done).await.status, 200);
    assert_eq!(error(&poll(&house, &codes).await), "access_denied");

    let codes = start(&house, &[("scope", "openid")]).await.json();
    approve(&mut browser, &codes, &[]).await;
    let again = browser.get(&complete(&codes)).await;
    assert!(!again.text().contains("id=\"allow-button\""), "a code is typed once");
    let tokens = poll(&house, &codes).await;
    assert_eq!(tokens.status, 200, "{}", tokens.text());
    assert_eq!(tokens.json()["token_type"], "Bearer");
    house.later(5);
    assert_eq!(error(&poll(&house, &codes).await), "invalid_grant");
}

#[tokio::test]
async fn dev07_two_who_poll_at_once_get_one_answer_with_tokens() {
    let house = House::start().await;
    let mut browser = house.browser();
    house.sign_in(&mut browser, "jane").await;
    let codes = start(&house, &[("scope", "openid")]).await.json();
    approve(&mut browser, &codes, &[]).await;
    let (a, b, c, d) = tokio::join!(
        poll(&house, &codes),
        poll(&house, &codes),
        poll(&house, &codes),
        poll(&house, &codes)
    );
    let won = [a, b, c, d].iter().filter(|answer| answer.status == 200).count();
    assert_eq!(won, 1);
}

#[tokio::test]
async fn dev07_a_call_that_is_not_in_order_does_not_cost_the_code() {
    let house = House::start().await;
    let mut browser = house.browser();
    house.sign_in(&mut browser, "jane").await;
    let codes = start(&house, &[("scope", "openid api1")]).await.json();
    approve(&mut browser, &codes, &[]).await;
    let code = text(&codes, "device_code");
    let form = [("grant_type", GRANT), ("device_code", code), ("resource", "api2")];
    assert_eq!(error(&house.token("device", &form).await), "invalid_target");
    house.later(6);
    assert_eq!(poll(&house, &codes).await.status, 200);
}

#[tokio::test]
async fn dev01_s349_a_network_that_asks_too_often_waits_and_loses_no_code() {
    let house = House::start().await;
    let first = start(&house, &[]).await.json();
    let mut asked = 1;
    let refused = loop {
        let answer = start(&house, &[]).await;
        if answer.status != 200 {
            break answer;
        }
        asked += 1;
        assert!(asked <= 100, "nobody is told to wait");
    };
    assert_eq!((asked, refused.status), (60, 429));
    assert_eq!(refused.json()["error"], "slow_down");
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=4).contains(&wait), "{wait}");
    assert_eq!(error(&poll(&house, &first).await), "authorization_pending");
    house.later(wait);
    assert_eq!(start(&house, &[]).await.status, 200);
}

#[tokio::test]
async fn dev08_a_device_code_is_its_own_clients() {
    let house = House::with(&narrow(), "").await;
    let codes = start(&house, &[]).await.json();
    assert_eq!(error(&poll_as(&house, "narrow", &codes).await), "invalid_grant");
    assert_eq!(error(&poll(&house, &codes).await), "authorization_pending");
    let missing = house.token("device", &[("grant_type", GRANT)]).await;
    assert_eq!(error(&missing), "invalid_request");
    for code in ["nonsense", &"A".repeat(101)] {
        let form = [("grant_type", GRANT), ("device_code", code)];
        assert_eq!(error(&house.token("device", &form).await), "invalid_grant");
    }
}

#[tokio::test]
async fn dev09_what_was_approved_is_what_the_tokens_hold() {
    let house = House::start().await;
    let mut browser = house.browser();
    let web = house.tokens(&mut browser, "web", &[]).await;
    let (_, session) = house.verified(text(&web, "id_token")).await;
    let codes = start(&house, &[("scope", "openid profile api1 offline_access")]).await.json();
    approve(&mut browser, &codes, &[("scope-profile", "")]).await;
    let tokens = poll(&house, &codes).await.json();
    assert_eq!(tokens["scope"], "openid api1 offline_access");
    let (_, claims) = house.verified(text(&tokens, "id_token")).await;
    assert_eq!((&claims["sid"], &claims["sub"]), (&session["sid"], &session["sub"]));
    assert_eq!(claims["aud"], "device");
    let form = [("grant_type", "refresh_token"), ("refresh_token", text(&tokens, "refresh_token"))];
    let fresh = house.token("device", &form).await;
    assert_eq!(fresh.status, 200, "{}", fresh.text());
}

#[tokio::test]
async fn dev10_l271_a_person_who_is_switched_off_approves_nothing_any_more() {
    let house = House::start().await;
    let mut browser = house.browser();
    house.sign_in(&mut browser, "bob").await;
    let codes = start(&house, &[("scope", "openid")]).await.json();
    approve(&mut browser, &codes, &[]).await;
    let without_bob = "<gateway><localUsers><user name=\"sitecore\\bob\"><patch:delete /></user></localUsers></gateway>";
    house.reload(&crate::acceptance::house::settings(""), without_bob).await;
    assert_eq!(error(&poll(&house, &codes).await), "invalid_grant");
}

#[tokio::test]
async fn l278_a_device_is_not_approved_by_somebody_whom_its_client_does_not_admit() {
    let keys = "<EnableLocalLogin>false</EnableLocalLogin>";
    let house = House::with(&client("partners", GRANT, keys), "").await;
    let codes = start_as(&house, "partners", &[]).await.json();
    let mut browser = house.browser();
    house.sign_in(&mut browser, "jane").await;
    let page = browser.get(&complete(&codes)).await;
    assert!(!page.text().contains("id=\"allow-button\""), "{}", page.gist());
    assert_eq!(error(&poll_as(&house, "partners", &codes).await), "authorization_pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_asked_one_instance_is_approved_at_another() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shared.db");
    let shared = format!("<gateway><users set:store=\"sqlite:{}\" /></gateway>", file.display());
    let (here, there) = (House::with("", &shared).await, House::with("", &shared).await);
    let codes = start(&here, &[("scope", "openid api1 offline_access")]).await.json();
    assert_eq!(error(&poll(&there, &codes).await), "authorization_pending");
    assert_eq!(error(&poll(&here, &codes).await), "slow_down", "each counts for itself");
    let mut browser = there.browser();
    there.sign_in(&mut browser, "jane").await;
    approve(&mut browser, &codes, &[]).await;
    here.later(6);
    let tokens = poll(&here, &codes).await;
    assert_eq!(tokens.status, 200, "{}", tokens.text());
    there.later(6);
    assert_eq!(error(&poll(&there, &codes).await), "invalid_grant");
}

#[tokio::test]
async fn the_shipped_example_signs_a_person_in_at_the_command_line() {
    let example = include_str!("../../../conf/identity/CommandLine.xml.example");
    let house = House::settings(example, "").await;
    let scope = "openid sitecore.profile sitecore.profile.api offline_access";
    let form = [("client_id", "Device"), ("scope", scope)];
    let codes = house.post("/connect/deviceauthorization", &[], &form).await.json();
    let mut browser = house.browser();
    let page = browser.go(&complete(&codes)).await;
    let page = house.type_in(&mut browser, &page, "jane").await.page();
    for words in ["Sitecore CLI", "Sitecore API", text(&codes, "user_code")] {
        assert!(page.text().contains(words), "{words}: {}", page.gist());
    }
    let done = browser.submit(&page, &[("button", "yes")]).await;
    assert!(done.text().contains("<main id=\"device-done\""), "{}", done.gist());
    let form = [
        ("client_id", "Device"),
        ("grant_type", GRANT),
        ("device_code", text(&codes, "device_code")),
    ];
    let tokens = house.post("/connect/token", &[], &form).await.json();
    assert_eq!(tokens["scope"], scope);
    assert!(tokens["refresh_token"].is_string());
    let (_, claims) = house.verified(text(&tokens, "access_token")).await;
    assert_eq!(
        (&claims["aud"], &claims["client_id"]),
        (&"sitecore.profile.api".into(), &"Device".into())
    );
}

#[tokio::test]
async fn p326_a_hostile_code_is_not_shown_again() {
    let house = House::start().await;
    let mut browser = house.browser();
    let hostile = "/device?userCode=%22%3E%3Csvg/onload%3Dalert(1)%3E";
    let page = browser.go(hostile).await;
    let page = house.type_in(&mut browser, &page, "jane").await.page();
    assert_eq!((page.status, browser.url.path()), (200, "/device"));
    assert!(!page.text().contains("onload"), "{}", page.text());
}

/// Starts the flow as the client `device`.
pub(super) async fn start(house: &House, form: &[(&str, &str)]) -> Answer {
    start_as(house, "device", form).await
}

async fn start_as(house: &House, client: &str, form: &[(&str, &str)]) -> Answer {
    let secret = crate::acceptance::house::secret(client);
    let credentials = crate::acceptance::house::basic(client, &secret);
    house.post("/connect/deviceauthorization", &[("Authorization", &credentials)], form).await
}

pub(super) async fn poll(house: &House, codes: &Value) -> Answer {
    poll_as(house, "device", codes).await
}

async fn poll_as(house: &House, client: &str, codes: &Value) -> Answer {
    let form = [("grant_type", GRANT), ("device_code", text(codes, "device_code"))];
    house.token(client, &form).await
}

/// Lets the person of `browser` allow the device, with these fields changed.
pub(super) async fn approve(browser: &mut Browser, codes: &Value, changed: &[(&str, &str)]) {
    let page = browser.get(&complete(codes)).await;
    assert!(page.text().contains("id=\"allow-button\""), "{} {}", page.status, page.gist());
    let answer = browser.submit_with(&page, &[("button", "yes")], changed).await;
    let done = browser.follow(answer).await;
    assert_eq!(done.status, 200, "{}", done.gist());
}

/// The path of `verification_uri_complete`.
fn complete(codes: &Value) -> String {
    let address = url::Url::parse(text(codes, "verification_uri_complete")).unwrap();
    format!("{}?{}", address.path(), address.query().unwrap())
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name}: {value}"))
}

fn error(answer: &Answer) -> String {
    assert_eq!(answer.status, 400, "{}", answer.text());
    text(&answer.json(), "error").to_owned()
}

fn request_id(page: &Answer) -> String {
    let text = page.text();
    let id = text.split("id=\"request-id\">").nth(1).unwrap_or_default();
    id.split('<').next().unwrap_or_default().to_owned()
}

/// A client of the device flow with few scopes.
fn narrow() -> String {
    let keys = "<AllowedScopes><S1>openid</S1><S2>api1</S2></AllowedScopes>";
    client("narrow", GRANT, keys)
}
