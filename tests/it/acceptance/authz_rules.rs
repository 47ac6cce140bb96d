//! AUTHZ: what a valid request may ask for: scopes, nonces, ages, PKCE, flows.

use crate::acceptance::authz::accepted;
use crate::acceptance::authz::error_of;
use crate::acceptance::authz::here;
use crate::acceptance::authz::page_without_a_way_back;
use crate::acceptance::authz::refusal;
use crate::acceptance::authz::there;
use crate::acceptance::house::House;
use crate::acceptance::house::client;
use crate::acceptance::house::request;

/// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

#[tokio::test]
async fn authz17_a_scope_is_needed_and_not_too_long() {
    let house = House::start().await;
    for scope in ["", " ", &"a".repeat(301)] {
        let said = refusal(&house, "web", &[("scope", scope)]).await;
        assert_eq!(said, here("invalid_request"), "{scope:.20}");
    }
}

#[tokio::test]
async fn authz18_a_scope_is_known_and_allowed() {
    let narrow =
        client("narrow", "authorization_code", "<AllowedScopes><S1>openid</S1></AllowedScopes>");
    let house = House::with(&narrow, "").await;
    for (id, scope) in [
        ("web", "openid nothing"),
        ("narrow", "openid profile"),
        ("narrow", "openid offline_access"),
    ] {
        assert_eq!(
            refusal(&house, id, &[("scope", scope)]).await,
            here("invalid_scope"),
            "{scope}"
        );
    }
}

#[tokio::test]
async fn authz19_an_id_token_needs_openid() {
    let house = House::start().await;
    for (id, words) in [
        ("hybrid", "code id_token"),
        ("implicit", "id_token"),
        ("implicit-tokens", "id_token token"),
        ("hybrid-tokens", "code id_token token"),
    ] {
        let more = [("response_type", words), ("scope", "api1")];
        assert_eq!(refusal(&house, id, &more).await, here("invalid_request"), "{words}");
    }
}

#[tokio::test]
async fn authz20_a_scope_fits_what_is_asked_for() {
    let house = House::start().await;
    for (words, scope, error) in [
        ("token", "openid api1", Some("invalid_scope")),
        ("token", "openid", Some("invalid_scope")),
        ("id_token", "openid api1", Some("invalid_scope")),
        ("token", "api1", None),
        ("id_token", "openid profile", None),
        ("id_token token", "openid api1", None),
    ] {
        let more = [("response_type", words), ("scope", scope)];
        match error {
            Some(error) => {
                assert_eq!(
                    refusal(&house, "implicit-tokens", &more).await,
                    here(error),
                    "{more:?}"
                );
            }
            None => assert!(accepted(&house, "implicit-tokens", &more).await, "{more:?}"),
        }
    }
}

#[tokio::test]
async fn authz21_a_scope_of_the_person_goes_with_openid() {
    let house = House::start().await;
    for scope in ["profile", "email api1"] {
        assert_eq!(refusal(&house, "web", &[("scope", scope)]).await, here("invalid_scope"));
    }
}

#[tokio::test]
async fn authz22_an_id_token_in_the_answer_needs_a_nonce() {
    let house = House::start().await;
    for (id, words, needed) in [
        ("web", "code", false),
        ("hybrid-tokens", "code token", false),
        ("hybrid", "code id_token", true),
        ("hybrid-tokens", "code id_token token", true),
        ("implicit", "id_token", true),
        ("implicit-tokens", "id_token token", true),
    ] {
        let more = [("response_type", words), ("nonce", "")];
        if needed {
            assert_eq!(refusal(&house, id, &more).await, there("invalid_request"), "{words}");
        } else {
            assert!(accepted(&house, id, &more).await, "{words}");
        }
    }
}

#[tokio::test]
async fn authz23_parameters_have_a_longest_length() {
    let house = House::start().await;
    for (name, longest) in
        [("nonce", 300), ("ui_locales", 100), ("login_hint", 100), ("acr_values", 300)]
    {
        let (fits, long) = ("a".repeat(longest), "a".repeat(longest + 1));
        assert!(accepted(&house, "web", &[(name, &fits)]).await, "{name}");
        assert_eq!(
            refusal(&house, "web", &[(name, &long)]).await,
            there("invalid_request"),
            "{name}"
        );
    }
}

#[tokio::test]
async fn authz24_l280_max_age_is_a_number_and_nought_asks_again() {
    let house = House::start().await;
    for age in ["soon", "-1", "+1", "1.5", "99999999999999999999999"] {
        assert_eq!(refusal(&house, "web", &[("max_age", age)]).await, there("invalid_request"));
    }
    let mut browser = house.browser();
    house.sign_in(&mut browser, "jane").await;
    assert_eq!(house.authorize(&mut browser, "web", &[("max_age", "1000")]).await.asked, 0);
    assert_eq!(house.authorize(&mut browser, "web", &[("max_age", "0")]).await.asked, 1);
}

#[tokio::test]
async fn authz25_prompt_none_stands_alone_and_unknown_words_are_passed_over() {
    let house = House::start().await;
    for words in ["none login", "login none", "none x"] {
        let said = refusal(&house, "web", &[("prompt", words)]).await;
        assert_eq!(said, there("invalid_request"), "{words}");
    }
    for more in [("prompt", "create"), ("display", "hologram"), ("display", "popup")] {
        assert!(accepted(&house, "web", &[more]).await, "{more:?}");
    }
}

#[tokio::test]
async fn authz26_unknown_parameters_are_ignored_and_live_through_the_sign_in() {
    let house = House::start().await;
    let mut browser = house.browser();
    let reply = house.authorize(&mut browser, "web", &[("extra", "foobar")]).await;
    assert!(!reply.sent("code").is_empty());
    let callback = browser.history.iter().find(|url| url.path().ends_with("/callback")).unwrap();
    assert!(callback.query_pairs().any(|(name, value)| name == "extra" && value == "foobar"));
}

#[tokio::test]
async fn authz27_l260_a_client_that_needs_pkce_does_without_nowhere() {
    let hybrid = client("strict-hybrid", "hybrid", "<RequirePkce>true</RequirePkce>");
    let house = House::with(&hybrid, "").await;
    for (id, words) in [("strict", "code"), ("public", "code"), ("strict-hybrid", "code id_token")]
    {
        let more = [("response_type", words)];
        assert_eq!(refusal(&house, id, &more).await, there("invalid_request"), "{id}");
        let pkce = [("code_challenge", CHALLENGE), ("code_challenge_method", "S256"), more[0]];
        assert!(accepted(&house, id, &pkce).await, "{id}");
    }
}

#[tokio::test]
async fn authz28_a_challenge_has_43_to_128_characters() {
    let house = House::start().await;
    for (length, good) in [(42, false), (43, true), (128, true), (129, false)] {
        let challenge = "a".repeat(length);
        let more = [("code_challenge", challenge.as_str()), ("code_challenge_method", "S256")];
        if good {
            assert!(accepted(&house, "web", &more).await, "{length}");
        } else {
            assert_eq!(refusal(&house, "web", &more).await, there("invalid_request"), "{length}");
        }
    }
}

#[tokio::test]
async fn authz29_l260_a_plain_challenge_is_for_clients_whose_file_allows_it() {
    let plain =
        client("plain", "authorization_code", "<AllowPlainTextPkce>true</AllowPlainTextPkce>");
    let house = House::with(&plain, "").await;
    for method in ["", "plain", "s256", "S512"] {
        let more = [("code_challenge", VERIFIER), ("code_challenge_method", method)];
        assert_eq!(refusal(&house, "web", &more).await, there("invalid_request"), "{method}");
    }
    let mut browser = house.browser();
    for method in ["", "plain"] {
        let more = [("code_challenge", VERIFIER), ("code_challenge_method", method)];
        let code = house.authorize(&mut browser, "plain", &more).await.sent("code").to_owned();
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", "https://rp.localhost/plain/callback"),
            ("code_verifier", VERIFIER),
        ];
        assert_eq!(house.token("plain", &form).await.status, 200, "{method}");
    }
    let more = [("code_challenge", VERIFIER), ("code_challenge_method", "S512")];
    assert_eq!(refusal(&house, "plain", &more).await, there("invalid_request"));
}

#[tokio::test]
async fn authz30_l262_a_flow_that_is_not_the_clients_is_refused() {
    let house = House::start().await;
    for (id, words) in [
        ("web", "code id_token"),
        ("web", "id_token"),
        ("web", "token"),
        ("hybrid", "code"),
        ("hybrid-tokens", "id_token token"),
        ("implicit", "code"),
        ("implicit", "code id_token"),
        ("machine", "code"),
    ] {
        let more = [("response_type", words)];
        assert_eq!(refusal(&house, id, &more).await, here("unauthorized_client"), "{id} {words}");
    }
}

#[tokio::test]
async fn authz31_access_tokens_pass_browsers_only_where_the_file_allows_it() {
    let house = House::start().await;
    for (id, words) in [("implicit", "id_token token"), ("hybrid", "code id_token token")] {
        let more = [("response_type", words), ("scope", "openid api1")];
        assert_eq!(refusal(&house, id, &more).await, here("invalid_request"), "{words}");
    }
    assert!(accepted(&house, "hybrid", &[("response_type", "code id_token")]).await);
    let mut browser = house.browser();
    for (id, words) in [
        ("implicit-tokens", "id_token token"),
        ("implicit-tokens", "token"),
        ("hybrid-tokens", "code token"),
        ("hybrid-tokens", "code id_token token"),
    ] {
        let scope = if words == "token" { "api1" } else { "openid profile" };
        let more = [("response_type", words), ("scope", scope)];
        let reply = house.authorize(&mut browser, id, &more).await;
        assert_eq!((reply.mode, reply.sent("token_type")), ("fragment", "Bearer"), "{words}");
        assert_eq!((reply.sent("expires_in"), reply.sent("scope")), ("3600", scope), "{words}");
        house.verified(reply.sent("access_token")).await;
        if scope.starts_with("openid") {
            let claims = house.userinfo(reply.sent("access_token")).await.json();
            assert_eq!(claims["given_name"], "Jane", "{words}");
        }
    }
}

#[tokio::test]
async fn authz32_g160_a_parameter_stands_there_once() {
    let house = House::start().await;
    for extra in ["client_id=web", "redirect_uri=https://evil.test/", "scope=openid", "state=x"] {
        let path = format!("{}&{extra}", request("web", &[]));
        let page = page_without_a_way_back(&house, &path).await;
        assert_eq!(error_of(&page), "invalid_request", "{extra}");
    }
}

#[tokio::test]
async fn authz33_the_error_page_tells_whom_to_ask_in_the_persons_language() {
    let house = House::start().await;
    let mut browser = house.browser();
    let more = [("scope", "<b>openid</b>"), ("ui_locales", "xx da")];
    let page = house.ask(&mut browser, "web", &more).await.page();
    assert_eq!(error_of(&page), "invalid_scope");
    let text = page.text();
    assert!(text.contains("The application web"), "{}", page.gist());
    assert!(text.contains("lang=\"da\"") && !text.contains("<b>openid"), "{text}");
    let (_, rest) = text.split_once("id=\"request-id\">").unwrap();
    assert_eq!(rest.split('<').next().unwrap().len(), 32);
}

#[tokio::test]
async fn authz34_a_long_state_comes_back_untouched() {
    let house = House::start().await;
    let mut browser = house.browser();
    let state = "+%&é =\"<>'\\".repeat(360);
    assert!(state.len() > 4_096);
    for mode in ["query", "fragment", "form_post"] {
        let more = [("state", state.as_str()), ("response_mode", mode)];
        let reply = house.authorize(&mut browser, "web", &more).await;
        assert_eq!((reply.mode, reply.sent("state")), (mode, state.as_str()));
        browser = house.browser();
    }
}

#[tokio::test]
async fn authz39_the_issuer_stands_in_every_answer() {
    let house = House::start().await;
    let mut browser = house.browser();
    let told = house.authorize(&mut browser, "web", &[("prompt", "none")]).await;
    assert_eq!((told.sent("error"), told.sent("iss")), ("login_required", house.issuer().as_str()));
    for mode in ["query", "fragment", "form_post"] {
        let reply = house.authorize(&mut browser, "web", &[("response_mode", mode)]).await;
        assert_eq!(reply.sent("iss"), house.issuer());
    }
    let found = house.get("/.well-known/openid-configuration", &[]).await.json();
    assert_eq!(found["authorization_response_iss_parameter_supported"], true);
}

#[tokio::test]
async fn rfc8707_a_token_is_for_the_resources_that_the_request_named() {
    let house = House::start().await;
    let mut browser = house.browser();
    for named in ["nothing", "https://api.test/", "api2"] {
        let more = [("scope", "openid api1"), ("resource", named)];
        assert_eq!(refusal(&house, "web", &more).await, there("invalid_target"), "{named}");
    }
    let more = [("scope", "openid api1 api2"), ("resource", "api2")];
    let tokens = house.tokens(&mut browser, "web", &more).await;
    let (_, claims) = house.verified(tokens["access_token"].as_str().unwrap()).await;
    assert_eq!(claims["aud"], "api2");
}

#[tokio::test]
async fn rfc9449_a_token_that_must_be_bound_to_a_key_does_not_pass_a_browser() {
    let keys = "<RequireDPoP>true</RequireDPoP><AllowAccessTokensViaBrowser>true</AllowAccessTokensViaBrowser>";
    let house = House::with(&client("bound", "hybrid", keys), "").await;
    let more = [("response_type", "code token"), ("scope", "openid api1")];
    assert_eq!(refusal(&house, "bound", &more).await, there("invalid_request"));
    assert!(accepted(&house, "bound", &[("response_type", "code id_token")]).await);
    for key in ["short", &"=".repeat(43)] {
        let more = [("response_type", "code id_token"), ("dpop_jkt", key)];
        assert_eq!(refusal(&house, "bound", &more).await, there("invalid_request"), "{key}");
    }
}
