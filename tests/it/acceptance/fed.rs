//! FED: signing in by way of an external provider.

use serde_json::json;

use crate::acceptance::house;
use crate::acceptance::house::House;
use crate::acceptance::house::client;
use crate::acceptance::partners::buttons;
use crate::acceptance::partners::claims_of;
use crate::acceptance::partners::connection;
use crate::acceptance::partners::external;
use crate::acceptance::partners::is_sign_in;
use crate::acceptance::partners::settings;
use crate::acceptance::partners::with_two;
use crate::support::journey;
use crate::support::provider;
use crate::support::provider::lie;
use crate::support::signing;
use crate::support::signing::Token;

#[tokio::test]
async fn fed01_each_enabled_provider_is_a_button_with_its_display_name() {
    let house = House::start().await;
    let gone = external("Gone", "<DisplayName>Gone</DisplayName><Enabled>false</Enabled>");
    let patch = connection("Gone", &house.idp, "");
    house.reload(&settings("", &gone, ""), &patch).await;
    let page = house.ask(&mut house.browser(), "web", &[]).await.page();
    assert_eq!(buttons(&page), ["Our partner"]);
    let shown = gone.replace("false", "true");
    house.reload(&settings("", &shown, ""), &patch).await;
    let page = house.ask(&mut house.browser(), "web", &[]).await.page();
    assert_eq!(buttons(&page), ["Our partner", "Gone"]);
}

#[tokio::test]
async fn fed02_restrictions_limit_the_buttons_of_that_client_alone() {
    let limited = client(
        "limited",
        "authorization_code",
        "<IdentityProviderRestrictions><P>Second</P></IdentityProviderRestrictions>",
    );
    let house = with_two(&limited, "").await;
    let mut browser = house.browser();
    let page = house.ask(&mut browser, "limited", &[]).await.page();
    assert_eq!(buttons(&page), ["Another way"]);
    let way_back = journey::parameter(browser.url.as_str(), "ReturnUrl").unwrap();
    let other = house.ask(&mut browser, "web", &[]).await.page();
    assert_eq!(buttons(&other), ["Our partner", "Another way"]);

    let encoded: String = url::form_urlencoded::byte_serialize(way_back.as_bytes()).collect();
    for by_hand in [
        format!("/external/challenge?scheme=Partner&returnUrl={encoded}"),
        format!("/identity/login/identity/Partner?returnUrl={encoded}"),
    ] {
        let refused = browser.get(&by_hand).await;
        assert_eq!(refused.status, 404, "{by_hand}: {:?}", refused.header("location"));
    }
    let by_hand = format!("/account/login?provider=Partner&ReturnUrl={encoded}");
    assert!(is_sign_in(&browser.get(&by_hand).await));

    house.ask(&mut browser, "web", &[("acr_values", "idp:Partner")]).await.reply();
    let page = house.ask(&mut browser, "limited", &[]).await.page();
    assert_eq!(buttons(&page), ["Another way"], "a session of the other provider is none here");
    house.ask(&mut browser, "limited", &[("acr_values", "idp:Second")]).await.reply();
}

#[tokio::test]
async fn fed02_a_request_that_is_kept_has_the_same_restrictions() {
    let limited = client(
        "limited",
        "authorization_code",
        "<IdentityProviderRestrictions><P>Second</P></IdentityProviderRestrictions>",
    );
    let house = with_two(&limited, "").await;
    let state = "s".repeat(4096);
    let page = house.ask(&mut house.browser(), "limited", &[("state", &state)]).await.page();
    assert_eq!(buttons(&page), ["Another way"]);
}

#[tokio::test]
async fn fed03_where_there_is_but_one_way_nobody_is_asked() {
    let house = House::start().await;
    let no_passwords = "<AccountOptions><AllowLocalLogin>false</AllowLocalLogin></AccountOptions>";
    house.reload(&settings("", "", no_passwords), "").await;
    let mut browser = house.browser();
    let answer = browser.get(&house::request("web", &[])).await;
    let answer = browser.get(answer.location()).await;
    assert_eq!(answer.status, 302);
    assert!(answer.location().starts_with(&house.idp.issuer), "{}", answer.location());
    let reply = house.onward(&mut browser, answer).await.reply();
    assert!(reply.find("code").is_some(), "{reply:?}");
}

#[tokio::test]
async fn fed03_a_client_without_local_login_and_with_one_provider_asks_nobody_either() {
    let strict = client(
        "federated",
        "authorization_code",
        "<EnableLocalLogin>false</EnableLocalLogin><IdentityProviderRestrictions><P>Second</P></IdentityProviderRestrictions>",
    );
    let house = with_two(&strict, "").await;
    let reply = house.ask(&mut house.browser(), "federated", &[]).await.reply();
    assert!(reply.find("code").is_some(), "{reply:?}");
    let page = house.ask(&mut house.browser(), "web", &[]).await.page();
    assert!(is_sign_in(&page), "other clients still have their page");
}

#[tokio::test]
async fn fed04_acr_values_skips_the_page_for_a_provider_that_may_be_used() {
    let limited = client(
        "limited",
        "authorization_code",
        "<IdentityProviderRestrictions><P>Second</P></IdentityProviderRestrictions>",
    );
    let house = with_two(&limited, "").await;
    let (claims, _) = claims_of(&house, "Second", "web", "openid").await;
    assert_eq!(claims["idp"], "Second");
    for (client, idp) in [("limited", "idp:Partner"), ("web", "idp:Nobody")] {
        let page = house.ask(&mut house.browser(), client, &[("acr_values", idp)]).await.page();
        assert!(is_sign_in(&page), "{idp}");
    }
    let page = house.ask(&mut house.browser(), "web", &[("acr_values", "idp:local")]).await.page();
    assert!(is_sign_in(&page) && buttons(&page).is_empty(), "the form alone");
}

#[tokio::test]
async fn fed05_a_challenge_leads_nowhere_else_and_to_nobody_else() {
    let house = House::start().await;
    let mut browser = house.browser();
    for (scheme, way_back, status) in [
        ("Partner", "https%3A%2F%2Fevil.test%2F", 400),
        ("Partner", "%2F%2Fevil.test", 400),
        ("Partner", "%2F%5Cevil.test", 400),
        ("Partner", "javascript%3Aalert(1)", 400),
        ("Nobody", "%2F", 404),
        ("", "%2F", 404),
    ] {
        let path = format!("/external/challenge?scheme={scheme}&returnUrl={way_back}");
        let answer = browser.get(&path).await;
        assert_eq!((answer.status, answer.header("location")), (status, None), "{path}");
    }
    let path = "/external/challenge?scheme=Partner&returnUrl=%2Fgrants";
    let answer = browser.get(path).await;
    assert!(answer.location().starts_with(&house.idp.issuer));
    let answer = browser.get(answer.location()).await;
    let answer = browser.get(answer.location()).await;
    assert_eq!(answer.location(), "/grants");
    assert_eq!(house.call("POST", path, &[], Some(&[])).await.status, 405);
}

#[tokio::test]
async fn fed06_the_provider_is_asked_with_state_nonce_and_pkce_and_answers_either_way() {
    let house = House::start().await;
    claims_of(&house, "Partner", "web", "openid").await;
    let asked = house.idp.asked();
    assert_eq!(asked["redirect_uri"], format!("{}/signin-oidc", house.issuer()));
    assert!(asked["state"].len() >= 22 && asked["nonce"].len() >= 22);
    assert_eq!((asked["code_challenge"].len(), &*asked["code_challenge_method"]), (43, "S256"));
    assert_eq!(asked.get("response_mode"), None);

    let posting = external("Posting", "<DisplayName>Posting</DisplayName>");
    let patch = connection("Posting", &house.idp, "responseMode=\"form_post\"");
    house.reload(&settings("", &posting, ""), &patch).await;
    let (claims, _) = claims_of(&house, "Posting", "web", "openid").await;
    assert_eq!(
        (claims["idp"].as_str(), &*house.idp.asked()["response_mode"]),
        (Some("Posting"), "form_post")
    );
}

#[tokio::test]
async fn fed07_h169_an_answer_that_belongs_to_nothing_signs_nobody_in() {
    let house = House::start().await;
    let mut browser = house.browser();
    let sent = browser.get("/external/challenge?scheme=Partner").await;
    let right = browser.get(sent.location()).await.location().to_owned();
    let mut stranger = house.browser();
    let wrong = |name, value| journey::changed(&right, name, value);
    let answers = [
        stranger.get(&right).await,
        stranger.get("/external/callback").await,
        browser.get("/signin-oidc").await,
        browser.get("/signin-oidc?code=x").await,
        browser.get(&wrong("state", None)).await,
        browser.get(&wrong("state", Some(""))).await,
        browser.get(&wrong("state", Some("other"))).await,
        browser.get(&format!("{right}&code=second")).await,
    ];
    for answer in answers {
        let page = answer.text().contains("<main") && (400..500).contains(&answer.status);
        let onward = answer.is_redirect() && answer.location().starts_with(&house.idp.issuer);
        assert!(page || onward, "{} {}", answer.status, answer.gist());
    }
    assert_eq!((house.idp.count("token"), browser.cookie("idsrv")), (0, None));
    house.idp.twists(lie(|token: &mut Token| token.claims["nonce"] = json!("another")));
    let answer = browser.get(&right).await;
    assert_eq!((answer.status, browser.cookie("idsrv")), (502, None), "{}", answer.gist());
    house.idp.honest();
    let calls = house.idp.count("token");
    let again = browser.get(&right).await;
    assert!(again.status < 500 && house.idp.count("token") == calls, "a replay asks for a token");
}

#[tokio::test]
async fn fed08_who_says_no_at_the_provider_is_told_so_and_signed_in_nowhere() {
    let house = House::start().await;
    for (error, status) in [("access_denied", 403), ("server_error", 502), ("odd<script>", 502)] {
        house.idp.lie(|lies| {
            lies.authorize = lie(move |answer: &mut Vec<(String, String)>| {
                answer.retain(|(name, _)| name != "code");
                answer.push(("error".to_owned(), error.to_owned()));
            });
        });
        let mut browser = house.browser();
        let page = house.ask(&mut browser, "web", &[("acr_values", "idp:Partner")]).await.page();
        assert_eq!((page.status, browser.cookie("idsrv")), (status, None), "{error}");
        assert!(page.text().contains("<main") && !page.text().contains("<script>"), "{error}");
    }
    assert_eq!(house.idp.count("token"), 0);
}

#[tokio::test]
async fn fed09_the_second_sign_in_finds_the_first_ones_person() {
    let house = House::start().await;
    let (first, _) = claims_of(&house, "Partner", "web", "openid").await;
    let mut renamed = provider::jane();
    renamed["email"] = json!("another@partner.test");
    house.idp.person(renamed);
    let (again, _) = claims_of(&house, "Partner", "other", "openid").await;
    assert_eq!(first["sub"], again["sub"]);
    house.idp.person(provider::bob());
    let (bob, _) = claims_of(&house, "Partner", "web", "openid").await;
    assert_ne!(first["sub"], bob["sub"]);
}

#[tokio::test]
async fn fed10_one_subject_at_two_providers_is_two_people() {
    let house = with_two("", "").await;
    let (first, _) = claims_of(&house, "Partner", "web", "openid").await;
    let (elsewhere, _) = claims_of(&house, "Second", "web", "openid").await;
    assert_ne!(first["sub"], elsewhere["sub"]);
}

#[tokio::test]
async fn fed12_tokens_name_the_scheme_and_how_it_was() {
    let house = House::start().await;
    let (claims, _) = claims_of(&house, "Partner", "web", "openid").await;
    assert_eq!((&claims["idp"], &claims["amr"]), (&json!("Partner"), &json!(["external"])));
}

#[tokio::test]
async fn fed11_a_name_identifier_stands_in_for_a_missing_sub() {
    let house = House::start().await;
    let long = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier";
    let nameless = move |name: Option<&'static str>| {
        lie(move |token: &mut Token| {
            token.claims.as_object_mut().unwrap().remove("sub");
            if let Some(name) = name {
                token.claims[name] = json!("adfs-1");
            }
        })
    };
    let mut subjects = Vec::new();
    for name in [long, "nameid"] {
        house.idp.twists(nameless(Some(name)));
        let (claims, _) = claims_of(&house, "Partner", "web", "openid").await;
        subjects.push(claims["sub"].as_str().unwrap().to_owned());
    }
    assert_eq!(subjects[0], subjects[1]);
    house.idp.twists(nameless(None));
    let mut browser = house.browser();
    let page = house.ask(&mut browser, "web", &[("acr_values", "idp:Partner")]).await.page();
    assert_eq!((page.status, browser.cookie("idsrv")), (502, None));
}

#[tokio::test]
async fn fed16_a_session_of_one_provider_does_not_answer_for_another() {
    let house = with_two("", "").await;
    let mut browser = house.browser();
    house.ask(&mut browser, "web", &[("acr_values", "idp:Partner")]).await.reply();
    let asked = house.idp.count("authorize");
    let more = [("acr_values", "idp:Second")];
    let reply = house.ask(&mut browser, "web", &more).await.reply();
    assert_eq!(house.idp.count("authorize"), asked + 1);
    let tokens = house.redeem("web", reply.sent("code")).await.json();
    let (_, claims) = house.verified(tokens["id_token"].as_str().unwrap()).await;
    assert_eq!(claims["idp"], "Second");
    house.ask(&mut browser, "web", &more).await.reply();
    assert_eq!(house.idp.count("authorize"), asked + 1, "and the new one does");
}

#[tokio::test]
async fn fed17_nothing_of_the_way_stays_in_the_browser() {
    let house = House::start().await;
    let mut browser = house.browser();
    house.ask(&mut browser, "web", &[("acr_values", "idp:Partner")]).await.reply();
    let kept = browser.jar.0.iter().filter(|kept| kept.host == "id.localhost");
    let mut names: Vec<&str> = kept.map(|kept| kept.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["idsrv", "idsrv.session"]);
}

#[tokio::test]
async fn fed18_a_provider_that_is_down_stops_nobody_else_and_is_asked_again() {
    let mut house = House::start().await;
    house.idp.kill().await;
    let mut browser = house.browser();
    let page = house.ask(&mut browser, "web", &[("acr_values", "idp:Partner")]).await.page();
    assert!(page.status >= 500 && page.text().contains("<main"), "{}", page.gist());
    let reply = house.authorize(&mut house.browser(), "web", &[]).await;
    assert!(reply.find("code").is_some(), "a password works");
    house.idp.revive().await;
    let end = house.ask(&mut browser, "web", &[("acr_values", "idp:Partner")]).await;
    assert!(end.reply().find("code").is_some());
}

#[tokio::test]
async fn fed19_a_new_key_is_fetched_when_it_is_met_and_not_for_every_stranger() {
    let house = House::start().await;
    claims_of(&house, "Partner", "web", "openid").await;
    assert_eq!(house.idp.count("jwks"), 1);
    house.idp.lie(|lies| lies.key = 1);
    house.later(120);
    claims_of(&house, "Partner", "web", "openid").await;
    assert_eq!(house.idp.count("jwks"), 2);
    house.idp.twists(lie(|token: &mut Token| {
        token.header["kid"] = json!("made-up");
        token.signature = signing::Signature::Key(2);
    }));
    for _ in 0..5 {
        house.ask(&mut house.browser(), "web", &[("acr_values", "idp:Partner")]).await.page();
    }
    assert!(house.idp.count("jwks") <= 3, "{} fetches", house.idp.count("jwks"));
}

#[tokio::test]
async fn i208_a_key_that_was_taken_out_is_not_believed_for_long() {
    let house = House::start().await;
    claims_of(&house, "Partner", "web", "openid").await;
    let old = lie(|token: &mut Token| {
        token.header["kid"] = json!(signing::key(0).kid);
        token.signature = signing::Signature::Key(0);
    });
    house.idp.lie(|lies| {
        lies.key = 1;
        lies.id_token = old;
    });
    house.later(11 * 60);
    let page =
        house.ask(&mut house.browser(), "web", &[("acr_values", "idp:Partner")]).await.page();
    assert_eq!(page.status, 502, "{}", page.gist());
}
