//! LOGIN: signing in with a name and a password.

use std::time::Duration;
use std::time::Instant;

use crate::acceptance::house::End;
use crate::acceptance::house::House;
use crate::acceptance::house::PASSWORD;
use crate::acceptance::house::redirect_uri;
use crate::support::browser::Browser;
use crate::support::html;
use crate::support::wire::Answer;

/// The cookie of a sign-on.
pub(super) const SIGN_ON: &str = "idsrv";

#[tokio::test]
async fn login01_the_page_has_a_form_a_proof_and_the_hinted_name() {
    let house = House::start().await;
    let mut browser = house.browser();
    let more = [("login_hint", "sitecore\\Bob & <co>")];
    let page = house.ask(&mut browser, "web", &more).await.page();
    let text = page.text();
    assert!(text.contains("<main id=\"sign-in\">"), "{text}");
    let form = local_form(&page).expect("a form");
    let value = |name: &str| form.fields.iter().find(|(known, _)| known == name).unwrap().1.clone();
    assert_eq!(value("username"), "sitecore\\Bob & <co>");
    assert!(value("token").len() > 40, "a proof that the form is ours");
    assert!(value("returnUrl").starts_with("/connect/authorize/callback?client_id=web&"));
    assert_eq!(value("password"), "");
    for words in ["autocomplete=\"username\"", "autocomplete=\"current-password\""] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(text.contains("to continue to The application web"), "{text}");
}

#[tokio::test]
async fn login02_right_credentials_set_both_cookies_and_lead_back() {
    let house = House::start().await;
    let mut browser = house.browser();
    let page = house.ask(&mut browser, "web", &[]).await.page();
    let answer = sign_in(&mut browser, &page, "jane", PASSWORD).await;
    // RFC 9700 §4.12: a redirect that turns the post into a GET.
    assert_eq!(answer.status, 303);
    assert!(answer.location().starts_with("/connect/authorize/callback?client_id=web&"));
    let kept = browser.jar.find("id.localhost", SIGN_ON).unwrap();
    assert!(kept.line.contains("HttpOnly") && kept.line.contains("Secure"), "{}", kept.line);
    assert_eq!(kept.same_site, "none");
    let public = browser.jar.find("id.localhost", "idsrv.session").unwrap();
    assert!(!public.line.contains("HttpOnly"), "{}", public.line);
}

#[tokio::test]
async fn login03_a_wrong_password_and_an_unknown_name_look_and_last_the_same() {
    let house = House::start().await;
    let mut browser = house.browser();
    let page = house.ask(&mut browser, "web", &[]).await.page();
    let mut pages = Vec::new();
    let mut fastest = [Duration::MAX; 2];
    for _ in 0..5 {
        for (person, name) in ["jane", "nobody"].into_iter().enumerate() {
            let began = Instant::now();
            let answer = sign_in(&mut browser, &page, name, "wrong").await;
            fastest[person] = fastest[person].min(began.elapsed());
            assert_eq!(answer.status, 200);
            assert_eq!(browser.cookie(SIGN_ON), None);
            pages.push(plain(&answer, name));
        }
    }
    assert!(pages[0].contains("The name or the password is not right."), "{}", pages[0]);
    assert!(pages.windows(2).all(|two| two[0] == two[1]), "{pages:#?}");
    let [known, unknown] = fastest.map(|time| time.as_secs_f64());
    assert!(known / unknown < 6.0 && unknown / known < 6.0, "{known} s against {unknown} s");
}

#[tokio::test]
async fn login04_a_post_without_the_proof_is_refused() {
    let house = House::start().await;
    let fields = [("username", "jane"), ("password", PASSWORD)];
    let bare = house.post("/account/login", &[], &fields).await;
    assert_eq!(bare.status, 400);
    assert!(bare.values("set-cookie").is_empty(), "{:?}", bare.values("set-cookie"));

    let mut browser = house.browser();
    let page = house.ask(&mut browser, "web", &[]).await.page();
    for token in ["", "forged"] {
        let fields = [("username", "jane"), ("password", PASSWORD), ("token", token)];
        let answer = browser.submit(&page, &fields).await;
        assert_eq!(answer.status, 400, "{token:?}");
        assert!(answer.values("set-cookie").is_empty(), "{:?}", answer.values("set-cookie"));
    }
    // Another browser's proof is none.
    let mut other = house.browser();
    let theirs = house.ask(&mut other, "web", &[]).await.page();
    let answer = sign_in(&mut browser, &theirs, "jane", PASSWORD).await;
    assert_eq!(answer.status, 400);
    house.later(3601);
    let answer = sign_in(&mut other, &theirs, "jane", PASSWORD).await;
    assert_eq!(answer.status, 400, "an hour is the longest that a page may lie open");
    assert_eq!((browser.cookie(SIGN_ON), other.cookie(SIGN_ON)), (None, None));
}

#[tokio::test]
async fn login05_cancel_denies_the_client_its_request() {
    let house = House::start().await;
    let long = "x".repeat(3000);
    let requests: [&[(&str, &str)]; 3] =
        [&[], &[("response_mode", "form_post")], &[("state", &long)]];
    for more in requests {
        let mut browser = house.browser();
        let page = house.ask(&mut browser, "web", more).await.page();
        let link = cancel_link(&page);
        let answer = browser.get(&link).await;
        let End::Client(reply) = house.onward(&mut browser, answer).await else { panic!("{link}") };
        assert_eq!(reply.to, redirect_uri("web"));
        assert_eq!((reply.sent("error"), reply.find("code")), ("access_denied", None));
        let state = more.iter().find(|(name, _)| *name == "state");
        assert_eq!(reply.sent("state"), state.map_or("the state", |(_, state)| state));
    }
}

#[tokio::test]
async fn login05_cancel_is_judged_like_any_request_and_leads_home_without_one() {
    let house = House::start().await;
    let mut browser = house.browser();
    let page = house.ask(&mut browser, "web", &[]).await.page();
    let changed = cancel_link(&page).replace("rp.localhost", "evil.localhost");
    let answer = browser.get(&changed).await;
    let page = house.onward(&mut browser, answer).await.page();
    assert!(page.text().contains("<main id=\"error\""), "{}", page.gist());

    let page = browser.get("/account/login").await;
    assert_eq!(cancel_link(&page), "/");
    let home = browser.get("/").await;
    assert_eq!((home.status, home.location()), (302, "/grants"));
}

#[tokio::test]
async fn login06_a_foreign_way_back_is_refused() {
    let house = House::start().await;
    for foreign in ["https://evil.test/", "//evil.test", "/\\evil.test", "javascript:alert(1)"] {
        let encoded: String = url::form_urlencoded::byte_serialize(foreign.as_bytes()).collect();
        let mut browser = house.browser();
        let challenge = format!("/external/challenge?scheme=Partner&returnUrl={encoded}");
        let answer = browser.get(&challenge).await;
        assert_eq!(answer.status, 400, "{foreign}");

        let page = browser.get(&format!("/account/login?returnUrl={encoded}")).await;
        assert!(!page.text().contains("evil.test"), "{foreign}: {}", page.text());
        let fields = [("username", "jane"), ("password", PASSWORD), ("returnUrl", foreign)];
        let answer = browser.submit(&page, &fields).await;
        assert_eq!((answer.status, browser.cookie(SIGN_ON)), (400, None), "{foreign}");

        let answer = sign_in(&mut browser, &page, "jane", PASSWORD).await;
        assert_eq!((answer.status, answer.location()), (303, "/"), "{foreign}");
    }
}

#[tokio::test]
async fn login09_the_sid_changes_with_the_person_alone() {
    let house = House::start().await;
    let mut browser = house.browser();
    let again = [("prompt", "login")];
    let first = sid(&house, &mut browser, "jane", &[]).await;
    assert_eq!(sid(&house, &mut browser, "jane", &again).await, first);
    let other = sid(&house, &mut browser, "bob", &again).await;
    assert_ne!(other, first);
    assert_ne!(sid(&house, &mut browser, "jane", &again).await, first, "nor does it come back");
}

#[tokio::test]
async fn login10_the_id_token_says_how_and_when() {
    let house = House::start().await;
    let mut browser = house.browser();
    let began = house.clock.now().0;
    house.sign_in(&mut browser, "jane").await;
    house.later(30);
    let tokens = house.tokens(&mut browser, "web", &[]).await;
    let (_, claims) = house.verified(tokens["id_token"].as_str().unwrap()).await;
    assert_eq!(claims["idp"], "local");
    assert_eq!(claims["amr"], serde_json::json!(["pwd"]));
    assert_eq!(claims["auth_time"], began);
}

#[tokio::test]
async fn login13_a_name_is_one_however_it_is_written() {
    let house = House::start().await;
    let mut subjects = Vec::new();
    for name in ["jane", "JANE", " Jane ", "sitecore\\jane", "SITECORE\\Jane"] {
        let mut browser = house.browser();
        let reply = house.authorize_as(&mut browser, name, "web", &[]).await;
        let tokens = house.redeem("web", reply.sent("code")).await.json();
        let (_, claims) = house.verified(tokens["id_token"].as_str().unwrap()).await;
        subjects.push(claims["sub"].clone());
    }
    assert!(subjects.windows(2).all(|two| two[0] == two[1]), "{subjects:?}");
    let mut browser = house.browser();
    let page = house.ask(&mut browser, "web", &[]).await.page();
    let answer = sign_in(&mut browser, &page, "extranet\\jane", PASSWORD).await;
    assert_eq!((answer.status, browser.cookie(SIGN_ON)), (200, None), "another domain's jane");
}

#[tokio::test]
async fn login14_pages_carry_the_security_headers() {
    let house = House::start().await;
    let mut browser = house.browser();
    let error = house.ask(&mut browser, "nobody", &[]).await.page();
    let consent = house.ask(&mut browser, "consent", &[]).await.page();
    let End::Page(consent) = house.type_in(&mut browser, &consent, "jane").await else { panic!() };
    assert!(consent.text().contains("<main id=\"consent\""), "{}", consent.gist());
    let mut pages = vec![("error", error), ("consent", consent)];
    for path in ["/account/login", "/account/logout", "/device", "/grants", "/nowhere"] {
        pages.push((path, browser.get(path).await));
    }
    for (name, page) in pages {
        let header = |name: &str| page.header(name).unwrap_or_default();
        assert_eq!(header("x-content-type-options"), "nosniff", "{name}");
        assert_eq!(header("x-frame-options"), "DENY", "{name}");
        assert_eq!(header("referrer-policy"), "no-referrer", "{name}");
        assert_eq!(header("cache-control"), "no-store", "{name}");
        let policy = header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{name}: {policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{name}: {policy}");
        assert!(!policy.contains("unsafe"), "{name}: {policy}");
    }
}

#[tokio::test]
async fn the_page_speaks_the_language_of_the_request_until_the_end() {
    let house = House::start().await;
    let long = "x".repeat(3000);
    for state in ["the state", &long] {
        let mut browser = house.browser();
        let more = [("ui_locales", "sv fr-CA en"), ("state", state)];
        let page = house.ask(&mut browser, "web", &more).await.page();
        assert!(page.text().contains("<html lang=\"fr\">"), "{}", page.text());
        assert!(page.text().contains("pour continuer vers The application web"));
        let again = sign_in(&mut browser, &page, "jane", "wrong").await;
        assert!(again.text().contains("Le nom ou le mot de passe est incorrect."));
    }
}

/// Posts the local form of `page`.
pub(super) async fn sign_in(
    browser: &mut Browser,
    page: &Answer,
    name: &str,
    password: &str,
) -> Answer {
    browser.submit(page, &[("username", name), ("password", password)]).await
}

pub(super) fn local_form(page: &Answer) -> Option<html::Form> {
    let forms = html::forms(&page.text()).into_iter();
    forms.into_iter().find(|form| form.fields.iter().any(|(name, _)| name == "password"))
}

fn cancel_link(page: &Answer) -> String {
    let text = page.text();
    let (_, tag) = text.split_once("id=\"cancel-link\"").expect("a way to cancel");
    html::attribute(tag.split('>').next().unwrap(), "href").unwrap()
}

/// A page without what differs from request to request, and without the name that was typed.
fn plain(page: &Answer, name: &str) -> String {
    let text = page.text().replace(&format!("value=\"{name}\""), "");
    let (head, tail) = text.split_once("id=\"request-id\">").unwrap();
    let (before, after) = head.split_once("name=\"token\" value=\"").unwrap();
    let (_, after) = after.split_once('"').unwrap();
    format!("{before}{after}{}", tail.split_once('<').unwrap().1)
}

async fn sid(house: &House, browser: &mut Browser, user: &str, more: &[(&str, &str)]) -> String {
    let reply = house.authorize_as(browser, user, "web", more).await;
    let tokens = house.redeem("web", reply.sent("code")).await.json();
    let (_, claims) = house.verified(tokens["id_token"].as_str().unwrap()).await;
    claims["sid"].as_str().unwrap().to_owned()
}
