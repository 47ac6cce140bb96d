//! AUTHR: what happens on the way to the authorization response, and what it holds.

use crate::acceptance::house::CLIENT_HOST;
use crate::acceptance::house::End;
use crate::acceptance::house::House;
use crate::acceptance::house::Reply;
use crate::acceptance::house::client;
use crate::acceptance::house::redirect_uri;
use crate::acceptance::house::request;
use crate::support::browser::Browser;
use crate::support::signing::half_hash;

fn names(reply: &Reply) -> Vec<&str> {
    reply.fields.iter().map(|(name, _)| name.as_str()).collect()
}

/// A browser in which Jane is signed in.
async fn jane(house: &House) -> Browser {
    let mut browser = house.browser();
    house.sign_in(&mut browser, "jane").await;
    browser
}

#[tokio::test]
async fn authr01_whoever_is_signed_in_sees_no_page() {
    let house = House::start().await;
    let answer = jane(&house).await.get(&request("web", &[])).await;
    assert!(answer.location().starts_with(&redirect_uri("web")), "{}", answer.location());
}

#[tokio::test]
async fn authr02_a_code_comes_in_the_query() {
    let house = House::start().await;
    let answer = jane(&house).await.get(&request("web", &[])).await;
    assert!(!answer.location().contains('#'), "{}", answer.location());
    let reply = crate::acceptance::house::reply(&answer).unwrap();
    assert_eq!(names(&reply), ["code", "state", "session_state", "iss"]);
    assert_eq!(reply.sent("state"), "the state");
}

#[tokio::test]
async fn authr03_the_hybrid_flow_answers_in_the_fragment() {
    let house = House::start().await;
    let mut browser = jane(&house).await;
    let answer = browser.get(&request("hybrid", &[("response_type", "code id_token")])).await;
    assert!(!answer.location().contains('?'), "{}", answer.location());
    let reply = crate::acceptance::house::reply(&answer).unwrap();
    assert_eq!(names(&reply), ["code", "id_token", "state", "session_state", "iss"]);
}

#[tokio::test]
async fn authr04_a_form_posts_itself_and_nothing_else_runs() {
    let house = House::start().await;
    let mut browser = jane(&house).await;
    let state = "\"><script>alert(1)</script>&'";
    let more = [("response_mode", "form_post"), ("state", state)];
    let page = browser.get(&request("web", &more)).await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").unwrap().starts_with("text/html"));
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'sha256-"));
    assert!(policy.contains(&format!("form-action https://{CLIENT_HOST}")), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    let text = page.text();
    assert!(text.matches("<script>").count() == 1 && !text.contains("alert(1)</script>"), "{text}");
    let reply = crate::acceptance::house::reply(&page).unwrap();
    assert_eq!((reply.to.as_str(), reply.sent("state")), (redirect_uri("web").as_str(), state));
    assert_eq!(text.matches("method=\"post\"").count(), 1);
}

#[tokio::test]
async fn authr05_hashes_tie_the_id_token_to_what_comes_with_it() {
    let house = House::start().await;
    let mut browser = jane(&house).await;
    for (id, words, scope) in [
        ("hybrid", "code id_token", "openid"),
        ("hybrid-tokens", "code id_token token", "openid api1"),
        ("implicit-tokens", "id_token token", "openid api1"),
    ] {
        let more = [("response_type", words), ("scope", scope)];
        let reply = house.authorize(&mut browser, id, &more).await;
        let (_, claims) = house.verified(reply.sent("id_token")).await;
        let hash = |name: &str| reply.find(name).map(half_hash);
        let told = |name: &str| claims[name].as_str().map(str::to_owned);
        assert_eq!(told("c_hash"), hash("code"), "{words}");
        assert_eq!(told("at_hash"), hash("access_token"), "{words}");
        assert_eq!(told("s_hash"), Some(half_hash("the state")), "{words}");
        assert_eq!(claims["nonce"], "the nonce");
    }
}

#[tokio::test]
async fn authr06_without_a_state_there_is_none() {
    let house = House::start().await;
    let mut browser = jane(&house).await;
    let more = [("response_type", "code id_token"), ("state", "")];
    let reply = house.authorize(&mut browser, "hybrid", &more).await;
    assert_eq!(reply.find("state"), None);
    let (_, claims) = house.verified(reply.sent("id_token")).await;
    assert!(claims.get("s_hash").is_none());
}

#[tokio::test]
async fn authr07_l280_prompt_none_tells_the_client_that_nobody_is_there() {
    let house = House::start().await;
    for (id, words, mode) in [("web", "code", "query"), ("hybrid", "code id_token", "fragment")] {
        let more = [("prompt", "none"), ("response_type", words)];
        let reply = house.ask(&mut house.browser(), id, &more).await.reply();
        assert_eq!((reply.sent("error"), reply.mode), ("login_required", mode));
        assert_eq!(reply.sent("state"), "the state");
        assert!(reply.sent("session_state").contains('.'));
    }
}

#[tokio::test]
async fn authr08_prompt_none_tells_the_client_that_consent_is_needed() {
    let house = House::start().await;
    let mut browser = jane(&house).await;
    let reply = house.ask(&mut browser, "consent", &[("prompt", "none")]).await.reply();
    assert_eq!(reply.sent("error"), "consent_required");
}

/// Jane, who is signed in, has to sign in once more for this prompt, and then no more.
async fn asks_once(prompt: &str) {
    let house = House::start().await;
    let mut browser = jane(&house).await;
    house.later(5);
    let reply = house.authorize(&mut browser, "web", &[("prompt", prompt)]).await;
    assert_eq!(reply.asked, 1);
    let tokens = house.redeem("web", reply.sent("code")).await.json();
    let (_, claims) = house.verified(tokens["id_token"].as_str().unwrap()).await;
    assert_eq!(claims["auth_time"], house.clock.now().0);
}

#[tokio::test]
async fn authr09_prompt_login_asks_once_and_no_more() {
    asks_once("login").await;
}

#[tokio::test]
async fn authr10_prompt_select_account_asks_like_login() {
    asks_once("select_account").await;
}

#[tokio::test]
async fn authr11_a_sign_in_that_is_too_old_is_repeated() {
    let house = House::start().await;
    let mut browser = jane(&house).await;
    house.later(100);
    assert_eq!(house.authorize(&mut browser, "web", &[("max_age", "101")]).await.asked, 0);
    let reply = house.authorize(&mut browser, "web", &[("max_age", "99")]).await;
    assert_eq!(reply.asked, 1);
    let tokens = house.redeem("web", reply.sent("code")).await.json();
    let (_, claims) = house.verified(tokens["id_token"].as_str().unwrap()).await;
    assert_eq!(claims["auth_time"], house.clock.now().0);
}

#[tokio::test]
async fn authr12_a_client_may_want_younger_sign_ins_than_the_others() {
    let clients = client("hasty", "authorization_code", "<UserSsoLifetime>60</UserSsoLifetime>");
    let house = House::with(&clients, "").await;
    let mut browser = jane(&house).await;
    house.later(59);
    assert_eq!(house.authorize(&mut browser, "hasty", &[]).await.asked, 0);
    house.later(2);
    let reply = house.ask(&mut browser, "hasty", &[("prompt", "none")]).await.reply();
    assert_eq!(reply.sent("error"), "login_required");
    assert_eq!(house.authorize(&mut browser, "web", &[]).await.asked, 0);
    assert_eq!(house.authorize(&mut browser, "hasty", &[]).await.asked, 1);
}

#[tokio::test]
async fn authr13_l271_whoever_is_deactivated_has_to_sign_in() {
    let house = House::start().await;
    let mut browser = jane(&house).await;
    let patch = "<gateway><localUsers><user name=\"sitecore\\jane\"><patch:delete /></user></localUsers></gateway>";
    house.reload(&crate::acceptance::house::settings(""), patch).await;
    let page = house.ask(&mut browser, "web", &[]).await.page();
    assert!(page.text().contains("id=\"sign-in\""), "{}", page.gist());
}

#[tokio::test]
async fn authr13_whose_rights_have_changed_has_to_sign_in() {
    let house = House::start().await;
    let mut browser = jane(&house).await;
    let patch = "<gateway><localUsers><user name=\"sitecore\\jane\" set:roles=\"sitecore\\Reader\" /></localUsers></gateway>";
    house.reload(&crate::acceptance::house::settings(""), patch).await;
    let page = house.ask(&mut browser, "web", &[]).await.page();
    assert!(page.text().contains("id=\"sign-in\""), "{}", page.gist());
}

#[tokio::test]
async fn authr14_l280_a_hint_at_somebody_else_is_not_answered_for_jane() {
    let house = House::start().await;
    let mut bob = house.browser();
    let reply = house.authorize_as(&mut bob, "bob", "web", &[]).await;
    let tokens = house.redeem("web", reply.sent("code")).await.json();
    let hint = tokens["id_token"].as_str().unwrap();
    let more = [("prompt", "none"), ("id_token_hint", hint)];
    let mut browser = jane(&house).await;
    let reply = house.ask(&mut browser, "web", &more).await.reply();
    assert_eq!(reply.sent("error"), "login_required");
    assert!(!house.ask(&mut bob, "web", &more).await.reply().sent("code").is_empty());
    let page = house.ask(&mut browser, "web", &more[1..]).await.page();
    assert!(page.text().contains("id=\"sign-in\""), "somebody else may sign in");
}

#[tokio::test]
async fn authr15_l257_l259_a_code_is_long_serves_once_and_ends() {
    let clients = client(
        "slow",
        "authorization_code",
        "<AuthorizationCodeLifetime>120</AuthorizationCodeLifetime>",
    );
    let house = House::with(&clients, "").await;
    let mut browser = jane(&house).await;
    let mut code = async |id: &str| {
        let reply = house.authorize(&mut browser, id, &[]).await;
        reply.sent("code").to_owned()
    };
    let first = code("web").await;
    assert!(first.len() == 64 && first.bytes().all(|b| b.is_ascii_hexdigit()), "{first}");
    assert_eq!(house.redeem("web", &first).await.status, 200);
    assert_eq!(house.redeem("web", &first).await.json()["error"], "invalid_grant");
    let (ours, theirs) = (code("web").await, code("slow").await);
    house.later(61);
    assert_eq!(house.redeem("web", &ours).await.json()["error"], "invalid_grant");
    assert_eq!(house.redeem("slow", &theirs).await.status, 200);
    let theirs = code("slow").await;
    house.later(121);
    assert_eq!(house.redeem("slow", &theirs).await.json()["error"], "invalid_grant");
}

#[tokio::test]
async fn authr16_nothing_is_posted_to_the_callback() {
    let house = House::start().await;
    let answer = house.post("/connect/authorize/callback", &[], &[("client_id", "web")]).await;
    assert_eq!(answer.status, 405);
}

#[tokio::test]
async fn authr17_l263_what_is_changed_on_the_way_back_is_judged_anew() {
    let house = House::start().await;
    let mut browser = house.browser();
    house.ask(&mut browser, "web", &[("prompt", "login")]).await.page();
    let login = browser.url.clone();
    let (_, back) = login.query_pairs().find(|(name, _)| name == "ReturnUrl").unwrap();
    house.sign_in(&mut browser, "jane").await;
    for (from, to) in [("scope=openid", "scope=openid+unknown"), ("client_id=web", "client_id=x")] {
        assert!(back.contains(from), "{back}");
        let answer = browser.get(&back.replace(from, to)).await;
        let page = house.onward(&mut browser, answer).await.page();
        assert!(page.text().contains("id=\"error\""), "{to}: {}", page.gist());
    }
    let evil = back.replace("rp.localhost", "evil.test");
    let answer = browser.get(&evil).await;
    assert!(answer.location().starts_with("/home/error"), "{}", answer.location());
    // The proof that somebody signed in for a request is worth nothing for another one.
    let other = back.replace("nonce=", "nonce=other");
    let answer = browser.get(&other).await;
    assert!(
        matches!(house.onward(&mut browser, answer).await, End::Page(page) if page.text().contains("id=\"sign-in\""))
    );
}

#[tokio::test]
async fn authr19_the_public_cookie_is_given_anew_when_it_is_missing() {
    let house = House::start().await;
    let mut browser = jane(&house).await;
    let public = browser.cookie("idsrv.session").expect("LOGIN-02: set at the sign-in");
    browser.jar.0.retain(|kept| kept.name != "idsrv.session");
    house.authorize(&mut browser, "web", &[]).await;
    assert_eq!(browser.cookie("idsrv.session"), Some(public.clone()));
    browser.jar.0.retain(|kept| kept.name != "idsrv");
    house.ask(&mut browser, "web", &[("prompt", "none")]).await.reply();
    assert_eq!(browser.cookie("idsrv.session"), None, "no session, no name of one");
}

#[tokio::test]
async fn j208_the_sessions_cookie_is_secret_and_the_public_one_opens_nothing() {
    let house = House::start().await;
    let mut browser = jane(&house).await;
    let host = "id.localhost";
    let secret = browser.jar.find(host, "idsrv").unwrap().clone();
    let public = browser.jar.find(host, "idsrv.session").unwrap().clone();
    for cookie in [&secret, &public] {
        assert_eq!((cookie.same_site.as_str(), cookie.persistent), ("none", false));
        assert!(cookie.line.contains("Secure") && cookie.line.contains("Path=/"));
    }
    assert!(secret.line.contains("HttpOnly") && !public.line.contains("HttpOnly"));
    let reply = house.authorize(&mut browser, "web", &[]).await;
    let tokens = house.redeem("web", reply.sent("code")).await.json();
    let (_, claims) = house.verified(tokens["id_token"].as_str().unwrap()).await;
    assert_eq!(claims["sid"], public.value.as_str());
    browser.jar.0.retain(|kept| kept.name != "idsrv");
    browser.jar.take(host, true, &format!("idsrv={}; Secure", public.value));
    let reply = house.ask(&mut browser, "web", &[("prompt", "none")]).await.reply();
    assert_eq!(reply.sent("error"), "login_required");
}
