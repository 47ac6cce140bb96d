//! LOGIN: what an owner decides about signing in with a name and a password, and its limits.

use url::Url;

use crate::acceptance::house::House;
use crate::acceptance::house::PASSWORD;
use crate::acceptance::house::client;
use crate::acceptance::house::request;
use crate::acceptance::house::settings;
use crate::acceptance::login::SIGN_ON;
use crate::acceptance::login::local_form;
use crate::acceptance::login::sign_in;
use crate::support::browser::Browser;
use crate::support::provider::CLIENT_ID;
use crate::support::provider::CLIENT_SECRET;

#[tokio::test]
async fn login07_a_client_without_local_login_gets_no_form_and_no_password_is_taken_for_it() {
    let only =
        client("federated", "authorization_code", "<EnableLocalLogin>false</EnableLocalLogin>");
    let house = two_providers(&settings(&only)).await;
    let mut browser = house.browser();
    let page = house.ask(&mut browser, "federated", &[]).await.page();
    assert!(page.text().contains("<main id=\"sign-in\">"), "{}", page.gist());
    assert!(local_form(&page).is_none(), "{}", page.text());
    assert!(page.text().contains("Our partner"), "{}", page.text());
    let way_back = browser.url.query_pairs().find(|(name, _)| name == "ReturnUrl").unwrap().1;

    // A form for another client has the proof; the password is right.
    let mut other = house.browser();
    let page = house.ask(&mut other, "web", &[]).await.page();
    let fields = [("username", "jane"), ("password", PASSWORD), ("returnUrl", &way_back)];
    let answer = other.submit(&page, &fields).await;
    assert_eq!((answer.status, other.cookie(SIGN_ON)), (404, None));
}

#[tokio::test]
async fn login07_local_login_can_be_off_for_all() {
    let document = settings("").replace(
        "<IdentityServer>",
        "<IdentityServer><AccountOptions><AllowLocalLogin>false</AllowLocalLogin></AccountOptions>",
    );
    let house = two_providers(&settings("")).await;
    let mut browser = house.browser();
    let page = house.ask(&mut browser, "web", &[]).await.page();
    assert!(local_form(&page).is_some());
    house.reload(&with_second(&document), &second(&house.idp.issuer)).await;
    let answer = sign_in(&mut browser, &page, "jane", PASSWORD).await;
    assert_eq!((answer.status, browser.cookie(SIGN_ON)), (404, None), "a form from before");
    let page = house.ask(&mut browser, "web", &[]).await.page();
    assert!(local_form(&page).is_none(), "{}", page.text());
}

#[tokio::test]
async fn login08_remembered_for_thirty_days_else_for_ten_hours_at_most() {
    let house = House::start().await;
    let mut browser = house.browser();
    let page = house.ask(&mut browser, "web", &[]).await.page();
    sign_in(&mut browser, &page, "jane", PASSWORD).await;
    assert!(!browser.jar.find("id.localhost", SIGN_ON).unwrap().persistent);
    house.later(10 * 3600 - 60);
    assert_eq!(silently(&mut browser).await, None);
    house.later(61);
    assert_eq!(silently(&mut browser).await.as_deref(), Some("login_required"));

    let mut browser = house.browser();
    let page = house.ask(&mut browser, "web", &[]).await.page();
    let fields = [("username", "jane"), ("password", PASSWORD)];
    browser.submit_with(&page, &fields, &[("rememberLogin", "true")]).await;
    let kept = browser.jar.find("id.localhost", SIGN_ON).unwrap().clone();
    assert!(kept.line.contains("Max-Age=2592000"), "{}", kept.line);
    house.later(30 * 86_400 - 60);
    assert_eq!(silently(&mut browser).await, None);
    house.later(61);
    assert_eq!(silently(&mut browser).await.as_deref(), Some("login_required"));
}

#[tokio::test]
async fn login08_remembering_can_be_switched_off() {
    let document = settings("").replace(
        "<IdentityServer>",
        "<IdentityServer><AccountOptions><AllowRememberLogin>false</AllowRememberLogin></AccountOptions>",
    );
    let house = House::settings(&document, "").await;
    let mut browser = house.browser();
    let page = house.ask(&mut browser, "web", &[]).await.page();
    assert!(!page.text().contains("rememberLogin"), "{}", page.text());
    let fields = [("username", "jane"), ("password", PASSWORD)];
    browser.submit_with(&page, &fields, &[("rememberLogin", "true")]).await;
    assert!(!browser.jar.find("id.localhost", SIGN_ON).unwrap().persistent);
}

#[tokio::test]
async fn login11_guessing_is_throttled_for_each_name_and_each_address() {
    let house = House::start().await;
    let mut browser = house.browser();
    let page = house.ask(&mut browser, "web", &[]).await.page();
    for _ in 0..5 {
        assert_eq!(sign_in(&mut browser, &page, "jane", "wrong").await.status, 200);
    }
    for name in ["jane", "JANE", "sitecore\\Jane", " jane "] {
        let answer = sign_in(&mut browser, &page, name, PASSWORD).await;
        assert_eq!(answer.status, 429, "{name}");
        assert_eq!(answer.header("retry-after"), Some("600"));
        assert!(answer.text().contains("Too many wrong passwords."), "{}", answer.text());
    }
    let answer = sign_in(&mut browser, &page, "bob", PASSWORD).await;
    assert!(answer.is_redirect(), "another name from there: {}", answer.gist());
    house.later(600);
    let answer = sign_in(&mut browser, &page, "jane", PASSWORD).await;
    assert!(answer.is_redirect(), "{}", answer.gist());
}

#[tokio::test]
async fn login11_one_address_has_so_many_attempts_in_all() {
    let patch = "<gateway><limits set:signInsPerMinute=\"5\" /></gateway>";
    let house = House::with("", patch).await;
    let mut browser = house.browser();
    let page = house.ask(&mut browser, "web", &[]).await.page();
    for guess in 0..5 {
        let name = format!("person{guess}");
        assert_eq!(sign_in(&mut browser, &page, &name, "wrong").await.status, 200);
    }
    assert_eq!(sign_in(&mut browser, &page, "jane", PASSWORD).await.status, 429);
    house.later(60);
    assert!(sign_in(&mut browser, &page, "jane", PASSWORD).await.is_redirect());
}

#[tokio::test]
async fn login12_hashes_of_the_membership_provider_verify() {
    let user = |(name, hash)| format!("<user name=\"sitecore\\{name}\" passwordHash=\"{hash}\" />");
    let users = MEMBERS.map(user).concat();
    let patch = format!("<gateway><localUsers>{users}</localUsers></gateway>");
    let house = House::with("", &patch).await;
    for (name, _) in MEMBERS {
        let mut browser = house.browser();
        let page = house.ask(&mut browser, "web", &[]).await.page();
        let wrong = sign_in(&mut browser, &page, name, "correct horse battery stable").await;
        assert_eq!((wrong.status, browser.cookie(SIGN_ON)), (200, None), "{name}");
        let right = sign_in(&mut browser, &page, name, PASSWORD).await;
        assert!(right.is_redirect(), "{name}: {}", right.gist());
    }
}

#[tokio::test]
async fn the_page_shows_the_owners_name_and_the_way_to_a_new_password() {
    let document = settings("").replace(
        "<IdentityServer>",
        "<IdentityServer><AccountOptions><PasswordRecoveryUrl>https://cm.test/sitecore/login?rc=1</PasswordRecoveryUrl></AccountOptions>",
    );
    let patch = "<gateway><appearance set:title=\"Contoso\" set:color=\"#0a5c36\">\
                 <site name=\"identity\" title=\"Contoso ID\" /></appearance></gateway>";
    let house = House::settings(&document, patch).await;
    let mut browser = house.browser();
    let page = house.ask(&mut browser, "web", &[]).await.page();
    let text = page.text();
    assert!(text.contains("<title>Sign in – Contoso ID</title>"), "{text}");
    assert!(text.contains("--fill:#0a5c36"), "{text}");
    assert!(text.contains("href=\"https://cm.test/sitecore/login?rc=1\""), "{text}");
}

/// `correct horse battery staple` with the salt `sixteen bytes ok`, made with Python's hashlib and
/// hmac.
const MEMBERS: [(&str, &str); 4] = [
    ("sha1", "membership:SHA1:c2l4dGVlbiBieXRlcyBvaw==:qv/4Ro94Q7/SW8ssU/MfkU/undA="),
    (
        "sha256",
        "membership:SHA256:c2l4dGVlbiBieXRlcyBvaw==:4K1n8cBKibVzXr66y1v0pFZsaH7JGO1Ut+ihSWtlJaA=",
    ),
    (
        "sha512",
        "membership:SHA512:c2l4dGVlbiBieXRlcyBvaw==:1s39LH8KJDe9rihRSROHG+QgS1bXNV3jb3N6fBRGPJOP7zvhx4T02HQGKxgLPLFKRgqSg35Ax7FJHPsVlr+MoA==",
    ),
    (
        "hmac",
        "membership:HMACSHA256:c2l4dGVlbiBieXRlcyBvaw==:/z+q/Y+12weodWdOk8vFXYc0B7+7AuRUhwbp+7jFv1g=",
    ),
];

/// The error of an authorization request that must not ask; `None` when it was granted.
async fn silently(browser: &mut Browser) -> Option<String> {
    let answer = browser.get(&request("web", &[("prompt", "none")])).await;
    let location = Url::parse(answer.location()).unwrap();
    location.query_pairs().find(|(name, _)| name == "error").map(|(_, error)| error.into_owned())
}

/// A house with the providers `Partner` and `Second`, so that there is something to choose.
async fn two_providers(document: &str) -> House {
    let house = House::settings(document, "").await;
    house.reload(&with_second(document), &second(&house.idp.issuer)).await;
    house
}

fn with_second(document: &str) -> String {
    document.replace(
        "</IdentityProviders>",
        "<Second type=\"Sitecore.Plugin.IdentityProviders.IdentityProvider, Sitecore.Plugin.IdentityProviders\">\
         <AuthenticationScheme>Second</AuthenticationScheme><DisplayName>Another</DisplayName></Second>\
         </IdentityProviders>",
    )
}

fn second(issuer: &str) -> String {
    format!(
        "<gateway><connections><connection provider=\"Second\" authority=\"{issuer}\" \
         clientId=\"{CLIENT_ID}\" clientSecret=\"{CLIENT_SECRET}\" scopes=\"openid\" \
         callbackPath=\"/signin-second\" requireHttpsMetadata=\"false\" /></connections></gateway>"
    )
}
