//! CONS: consent, and the page of signed-in applications.

use crate::acceptance::house::End;
use crate::acceptance::house::House;
use crate::acceptance::house::Reply;
use crate::acceptance::house::client;
use crate::acceptance::house::settings;
use crate::support::browser::Browser;
use crate::support::wire::Answer;

const ALL: (&str, &str) = ("scope", "openid profile api1");

#[tokio::test]
async fn cons01_the_page_lists_the_scopes_and_required_ones_stay_ticked() {
    let house = House::settings(&described(), "").await;
    let mut browser = house.browser();
    let page = asked(&house, &mut browser, &[ALL]).await;
    let text = page.text();
    assert!(text.contains("<main id=\"consent\""), "{text}");
    for words in ["The application consent", "The first API", "Reads your orders"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let (openid, api) = (choice(&text, "openid"), choice(&text, "api1"));
    assert!(openid.contains("disabled") && openid.contains("checked"), "{openid}");
    assert!(api.contains("checked") && !api.contains("disabled"), "{api}");
    assert!(api.starts_with(" emphasised"), "{api}");
    let reply = decide(&house, &mut browser, &page, "no", &[]).await;
    assert_eq!(reply.sent("error"), "access_denied");
}

#[tokio::test]
async fn cons02_granting_all_is_the_normal_answer_and_a_part_narrows_every_token() {
    let house = House::start().await;
    let mut browser = house.browser();
    let page = asked(&house, &mut browser, &[ALL]).await;
    let reply = decide(&house, &mut browser, &page, "yes", &[]).await;
    assert_eq!(reply.sent("state"), "the state");
    let tokens = house.redeem("consent", reply.sent("code")).await.json();
    assert_eq!(tokens["scope"], "openid profile api1");

    let page = asked(&house, &mut browser, &[ALL]).await;
    let narrower = [("scope-profile", ""), ("scope-api1", "")];
    let reply = decide(&house, &mut browser, &page, "yes", &narrower).await;
    let tokens = house.redeem("consent", reply.sent("code")).await.json();
    assert_eq!(tokens["scope"], "openid");
    let token = tokens["access_token"].as_str().unwrap();
    let (_, claims) = house.verified(token).await;
    assert_eq!(claims.get("aud"), None);
    let info = house.userinfo(token).await.json();
    assert_eq!(info.as_object().unwrap().keys().collect::<Vec<_>>(), ["sub"]);
}

#[tokio::test]
async fn cons02_l290_a_claim_asked_for_by_name_needs_a_scope_that_was_allowed() {
    let house = House::start().await;
    let mut browser = house.browser();
    let all = ("scope", "openid profile email");
    let page = asked(&house, &mut browser, &[all, BY_NAME]).await;
    let without_email = [("scope-email", ""), REMEMBER];
    let mut reply = decide(&house, &mut browser, &page, "yes", &without_email).await;
    let profile = ("scope", "openid profile");
    for from in ["asked", "remembered"] {
        let tokens = house.redeem("consent", reply.sent("code")).await.json();
        let (_, claims) = house.verified(tokens["id_token"].as_str().unwrap()).await;
        assert_eq!((claims.get("email"), &claims["given_name"]), (None, &"Jane".into()), "{from}");
        assert!(claims["acr"].is_string(), "{from}");
        let info = house.userinfo(tokens["access_token"].as_str().unwrap()).await.json();
        assert_eq!((info.get("email"), &info["given_name"]), (None, &"Jane".into()), "{from}");
        reply = house.ask(&mut browser, "consent", &[profile, BY_NAME]).await.reply();
    }
    let least = house.ask(&mut browser, "consent", &[BY_NAME]).await.reply();
    let tokens = house.redeem("consent", least.sent("code")).await.json();
    let info = house.userinfo(tokens["access_token"].as_str().unwrap()).await.json();
    assert_eq!(info.as_object().unwrap().keys().collect::<Vec<_>>(), ["sub"]);
}

#[tokio::test]
async fn cons02_a_narrower_refresh_leaves_claims_asked_for_by_name_behind() {
    let house = House::start().await;
    let mut browser = house.browser();
    let all = ("scope", "openid email offline_access");
    let page = asked(&house, &mut browser, &[all, BY_NAME]).await;
    let reply = decide(&house, &mut browser, &page, "yes", &[]).await;
    let tokens = house.redeem("consent", reply.sent("code")).await.json();
    let (_, claims) = house.verified(tokens["id_token"].as_str().unwrap()).await;
    assert_eq!(claims["email"], "jane@example.test");
    let token = tokens["refresh_token"].as_str().unwrap();
    let form = [("grant_type", "refresh_token"), ("refresh_token", token), ("scope", "openid")];
    let tokens = house.token("consent", &form).await.json();
    let (_, claims) = house.verified(tokens["id_token"].as_str().unwrap()).await;
    assert_eq!(claims.get("email"), None);
    let info = house.userinfo(tokens["access_token"].as_str().unwrap()).await.json();
    assert_eq!(info.get("email"), None);
}

#[tokio::test]
async fn cons09_prompt_consent_holds_claims_asked_for_by_name_to_the_answer() {
    let house = House::start().await;
    let mut browser = house.browser();
    house.sign_in(&mut browser, "jane").await;
    let anew = [("scope", "openid email"), ("prompt", "consent"), BY_NAME];
    let page = house.ask(&mut browser, "web", &anew).await.page();
    let reply = decide(&house, &mut browser, &page, "yes", &[("scope-email", "")]).await;
    let tokens = house.redeem("web", reply.sent("code")).await.json();
    let info = house.userinfo(tokens["access_token"].as_str().unwrap()).await.json();
    assert_eq!(info.get("email"), None);
}

#[tokio::test]
async fn cons02_an_api_that_is_not_allowed_takes_its_resource_along() {
    let house = House::start().await;
    let mut browser = house.browser();
    let scope = ("scope", "openid api1 api2");
    for (resources, audience) in [(&["api1"][..], None), (&["api1", "api2"][..], Some("api2"))] {
        let named: Vec<_> = resources.iter().map(|name| ("resource", *name)).collect();
        let page = asked(&house, &mut browser, &[&[scope], &*named].concat()).await;
        let reply = decide(&house, &mut browser, &page, "yes", &[("scope-api1", "")]).await;
        let answer = house.redeem("consent", reply.sent("code")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let tokens = answer.json();
        let (_, claims) = house.verified(tokens["access_token"].as_str().unwrap()).await;
        assert_eq!(claims.get("aud").and_then(|aud| aud.as_str()), audience, "{resources:?}");
    }
    let only = [("scope", "api1 api2"), ("resource", "api1")];
    let page = asked(&house, &mut browser, &only).await;
    let reply = decide(&house, &mut browser, &page, "yes", &[("scope-api1", "")]).await;
    assert_eq!((reply.sent("error"), reply.find("code")), ("access_denied", None));
}

#[tokio::test]
async fn cons03_unticking_a_required_scope_denies() {
    let house = House::start().await;
    let mut browser = house.browser();
    let page = asked(&house, &mut browser, &[ALL]).await;
    let reply = decide(&house, &mut browser, &page, "yes", &[("scope-openid", "")]).await;
    assert_eq!((reply.sent("error"), reply.find("code")), ("access_denied", None));
}

#[tokio::test]
async fn cons04_denying_tells_the_client_with_its_state() {
    let house = House::start().await;
    let mut browser = house.browser();
    let page = asked(&house, &mut browser, &[ALL]).await;
    let reply = decide(&house, &mut browser, &page, "no", &[]).await;
    let said = (reply.sent("error"), reply.sent("state"), reply.find("code"));
    assert_eq!(said, ("access_denied", "the state", None));
    asked(&house, &mut browser, &[ALL]).await;
}

#[tokio::test]
async fn cons05_a_remembered_consent_covers_the_same_scopes_or_fewer() {
    let house = House::start().await;
    let mut browser = house.browser();
    let page = asked(&house, &mut browser, &[ALL]).await;
    decide(&house, &mut browser, &page, "yes", &[REMEMBER]).await;
    for scopes in ["openid profile api1", "openid api1", "openid"] {
        let reply = house.ask(&mut browser, "consent", &[("scope", scopes)]).await.reply();
        assert!(reply.find("code").is_some(), "{scopes}");
    }
    asked(&house, &mut browser, &[("scope", "openid profile api1 api2")]).await;
    let mut other = house.browser();
    let page = house.ask(&mut other, "consent", &[ALL]).await.page();
    let page = house.type_in(&mut other, &page, "bob").await.page();
    assert!(page.text().contains("id=\"consent\""), "another person's consent counted");
}

#[tokio::test]
async fn cons06_offline_access_always_asks_again() {
    let house = House::start().await;
    let mut browser = house.browser();
    let offline = ("scope", "openid offline_access");
    for _ in 0..2 {
        let page = asked(&house, &mut browser, &[offline]).await;
        let reply = decide(&house, &mut browser, &page, "yes", &[REMEMBER]).await;
        let tokens = house.redeem("consent", reply.sent("code")).await.json();
        assert!(tokens["refresh_token"].is_string());
    }
}

#[tokio::test]
async fn cons07_nothing_is_remembered_against_the_owners_or_the_persons_will() {
    let keys =
        "<RequireConsent>true</RequireConsent><AllowRememberConsent>false</AllowRememberConsent>";
    let house = House::with(&client("forgetful", "authorization_code", keys), "").await;
    let mut browser = house.browser();
    house.sign_in(&mut browser, "jane").await;
    for _ in 0..2 {
        let page = house.ask(&mut browser, "forgetful", &[]).await.page();
        assert!(!page.text().contains("name=\"remember\""));
        decide(&house, &mut browser, &page, "yes", &[REMEMBER]).await;
    }

    let page = asked(&house, &mut browser, &[ALL]).await;
    decide(&house, &mut browser, &page, "yes", &[REMEMBER]).await;
    let page = asked(&house, &mut browser, &[ALL, ("prompt", "consent")]).await;
    decide(&house, &mut browser, &page, "yes", &[("remember", "")]).await;
    asked(&house, &mut browser, &[ALL]).await;
}

#[tokio::test]
async fn cons08_a_consent_expires() {
    let keys = "<RequireConsent>true</RequireConsent><ConsentLifetime>60</ConsentLifetime>";
    let house = House::with(&client("brief", "authorization_code", keys), "").await;
    let mut browser = house.browser();
    house.sign_in(&mut browser, "jane").await;
    let page = house.ask(&mut browser, "brief", &[]).await.page();
    decide(&house, &mut browser, &page, "yes", &[REMEMBER]).await;
    house.later(59);
    house.ask(&mut browser, "brief", &[]).await.reply();
    house.later(2);
    let page = house.ask(&mut browser, "brief", &[]).await.page();
    assert!(page.text().contains("id=\"consent\""));
}

#[tokio::test]
async fn cons09_prompt_consent_asks_for_a_client_that_needs_none() {
    let house = House::start().await;
    let mut browser = house.browser();
    house.sign_in(&mut browser, "jane").await;
    house.ask(&mut browser, "web", &[]).await.reply();
    let page = house.ask(&mut browser, "web", &[("prompt", "consent")]).await.page();
    assert!(page.text().contains("id=\"allow-button\""), "{}", page.gist());
    let reply = decide(&house, &mut browser, &page, "yes", &[]).await;
    assert!(reply.find("code").is_some());
}

#[tokio::test]
async fn cons09_prompt_login_and_consent_ask_for_both_and_each_once() {
    let house = House::start().await;
    let mut browser = house.browser();
    house.sign_in(&mut browser, "jane").await;
    house.later(5);
    let page = house.ask(&mut browser, "web", &[("prompt", "login consent")]).await.page();
    let page = house.type_in(&mut browser, &page, "jane").await.page();
    assert!(page.text().contains("id=\"allow-button\""), "{}", page.gist());
    house.later(60);
    let reply = decide(&house, &mut browser, &page, "yes", &[]).await;
    assert!(reply.find("code").is_some(), "asked to sign in once more");
}

#[tokio::test]
async fn cons10_l263_a_consent_counts_for_its_own_request_and_once() {
    let house = House::start().await;
    let mut browser = house.browser();
    let page = asked(&house, &mut browser, &[ALL]).await;
    let other = asked(&house, &mut browser, &[("scope", "openid api2")]).await;
    let swapped = [("button", "yes"), ("returnUrl", &*field(&other, "returnUrl"))];
    let answer = browser.submit(&page, &swapped).await;
    assert_eq!(answer.status, 400, "{}", answer.gist());
    let edited = field(&page, "returnUrl").replace("api1", "api2");
    let answer = browser.submit(&page, &[("button", "yes"), ("returnUrl", &edited)]).await;
    assert_eq!(answer.status, 400, "{}", answer.gist());

    decide(&house, &mut browser, &page, "yes", &[]).await;
    let answer = browser.submit(&page, &[("button", "yes")]).await;
    let end = house.onward(&mut browser, answer).await;
    let End::Page(page) = end else { panic!("a consent was used twice: {end:?}") };
    assert!(page.text().contains("id=\"consent\""), "{}", page.gist());
}

#[tokio::test]
async fn cons11_j239_a_consent_without_antiforgery_token_is_refused() {
    let house = House::start().await;
    let mut browser = house.browser();
    let page = asked(&house, &mut browser, &[ALL]).await;
    for token in ["", "x"] {
        let answer = browser.submit(&page, &[("button", "yes"), ("token", token)]).await;
        assert_eq!(answer.status, 400, "{}", answer.gist());
    }
    let mut stranger = house.browser();
    house.sign_in(&mut stranger, "jane").await;
    let answer = stranger.submit(&page, &[("button", "yes")]).await;
    assert_eq!(answer.status, 400, "a token of another session: {}", answer.gist());
    let action = browser.url.join("/consent").unwrap();
    let form = [
        ("button", "yes"),
        ("returnUrl", &*field(&page, "returnUrl")),
        ("token", &*field(&page, "token")),
    ];
    let foreign = browser.navigation("POST", action.as_str(), "cross-site").form(&form);
    let answer = browser.send(foreign.header("Origin", "https://evil.test")).await;
    assert_eq!(answer.status, 400, "posted from elsewhere: {}", answer.gist());
}

#[tokio::test]
async fn cons12_the_grants_page_revokes_tokens_and_consent() {
    let house = House::start().await;
    let mut browser = house.browser();
    let page = asked(&house, &mut browser, &[ALL]).await;
    decide(&house, &mut browser, &page, "yes", &[REMEMBER]).await;
    let page = asked(&house, &mut browser, &[("scope", "openid offline_access api1")]).await;
    let reply = decide(&house, &mut browser, &page, "yes", &[]).await;
    let tokens = house.redeem("consent", reply.sent("code")).await.json();
    let kept = house.tokens(&mut browser, "web", &[("scope", "openid offline_access")]).await;

    let page = browser.get("/grants").await;
    let text = page.text();
    assert!(text.contains("The application consent") && text.contains("The application web"));
    let forms = crate::support::html::forms(&text);
    let form = forms.iter().find(|form| form.fields.contains(&own("grant", "consent"))).unwrap();
    let token = form.fields.iter().find(|(name, _)| name == "token").unwrap().1.clone();
    let refused = revoke(&mut browser, "consent", "").await;
    assert_eq!(refused.status, 400, "without an antiforgery token");
    let done = revoke(&mut browser, "consent", &token).await;
    let page = browser.follow(done).await;
    assert!(!page.text().contains("The application consent"), "{}", page.gist());
    assert!(page.text().contains("The application web"), "{}", page.gist());

    let refresh = |tokens: &serde_json::Value| tokens["refresh_token"].as_str().unwrap().to_owned();
    let form = [("grant_type", "refresh_token"), ("refresh_token", &*refresh(&tokens))];
    assert_eq!(house.token("consent", &form).await.json()["error"], "invalid_grant");
    let access = tokens["access_token"].as_str().unwrap();
    assert_eq!(house.userinfo(access).await.status, 401);
    asked(&house, &mut browser, &[ALL]).await;
    let form = [("grant_type", "refresh_token"), ("refresh_token", &*refresh(&kept))];
    assert_eq!(house.token("web", &form).await.status, 200, "another client's grant died as well");
}

#[tokio::test]
async fn authr08_prompt_none_with_consent_needed_is_consent_required() {
    let house = House::start().await;
    let mut browser = house.browser();
    house.sign_in(&mut browser, "jane").await;
    let reply = house.ask(&mut browser, "consent", &[("prompt", "none")]).await.reply();
    assert_eq!((reply.sent("error"), reply.sent("state")), ("consent_required", "the state"));
}

const REMEMBER: (&str, &str) = ("remember", "true");

const BY_NAME: (&str, &str) = (
    "claims",
    r#"{"userinfo":{"email":null,"given_name":null},"id_token":{"email":null,"given_name":null,"acr":null}}"#,
);

/// The consent page that Jane is shown for a request of `consent`.
async fn asked(house: &House, browser: &mut Browser, more: &[(&str, &str)]) -> Answer {
    let mut page = house.ask(browser, "consent", more).await.page();
    if page.text().contains("id=\"sign-in\"") {
        page = house.type_in(browser, &page, "jane").await.page();
    }
    assert!(page.text().contains("id=\"consent\""), "{} {}", page.status, page.gist());
    page
}

/// Presses `button` on a consent page, with these fields changed; what the client is told.
async fn decide(
    house: &House,
    browser: &mut Browser,
    page: &Answer,
    button: &str,
    changed: &[(&str, &str)],
) -> Reply {
    let answer = browser.submit_with(page, &[("button", button)], changed).await;
    house.onward(browser, answer).await.reply()
}

async fn revoke(browser: &mut Browser, client: &str, token: &str) -> Answer {
    let page = browser.url.clone();
    let request = browser.navigation("POST", page.as_str(), "same-origin");
    browser.send(request.form(&[("grant", client), ("token", token)])).await
}

fn own(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// A field of the page's form.
fn field(page: &Answer, name: &str) -> String {
    let forms = crate::support::html::forms(&page.text());
    let mut fields = forms.into_iter().flat_map(|form| form.fields);
    fields.find(|(known, _)| known == name).unwrap_or_else(|| panic!("no {name}")).1
}

/// What the page says of a scope.
fn choice<'a>(page: &'a str, scope: &str) -> &'a str {
    let name = format!("name=\"scope-{scope}\"");
    let mut choices = page.split("<div class=\"scope").skip(1);
    let choice = choices.find(|choice| choice.contains(&name));
    choice.unwrap_or_else(|| panic!("no {scope}: {page}")).split("</div>").next().unwrap()
}

/// The usual settings, with words about the first API.
fn described() -> String {
    settings("").replace(
        "<DisplayName>The first API</DisplayName>",
        "<DisplayName>The first API</DisplayName><Description>Reads your orders</Description>\
         <Emphasize>true</Emphasize>",
    )
}
