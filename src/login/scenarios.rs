//! The engine as a browser sees it: sign-ins, and their answers, honest and not.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde_json::json;

use crate::config::model::ClientAuthentication;
use crate::config::model::ResponseType;
use crate::error::Problem;
use crate::http::form::Form;
use crate::login::fake_provider::FakeProvider;
use crate::login::fake_provider::Signer;
use crate::login::fake_provider::half_hash;
use crate::login::testing::Stage;
use crate::login::testing::config;
use crate::login::testing::connection;
use crate::login::testing::location;
use crate::login::testing::parameters;
use crate::login::testing::reason;

pub(super) const START: &str =
    "/identity/login/shell/Partner?returnUrl=%2Fsitecore%2Fshell%2Fx%3Fid%3D%7BA%7D";

/// A provider, a gateway, and the parameters of a sign-in that was just begun.
pub(super) async fn begun() -> (FakeProvider, Stage, Form) {
    let provider = FakeProvider::start().await;
    let mut stage = Stage::new(&provider.issuer);
    let sent = begin(&provider, &mut stage).await;
    (provider, stage, sent)
}

async fn begin(provider: &FakeProvider, stage: &mut Stage) -> Form {
    let sent = stage.begin(START).await;
    provider.script.lock().unwrap().nonce = sent.get("nonce").unwrap().to_owned();
    sent
}

pub(super) fn back(sent: &Form, further: &str) -> String {
    format!("/signin-oidc?code=abc&state={}{further}", sent.get("state").unwrap())
}

#[tokio::test]
async fn a_person_signs_in_and_lands_where_they_wanted_to_go() {
    let (provider, mut stage, sent) = begun().await;
    let expected = [
        ("response_type", "code"),
        ("client_id", "gateway"),
        ("redirect_uri", "https://cms.localhost:8443/signin-oidc"),
        ("scope", "openid email"),
        ("code_challenge_method", "S256"),
        ("prompt", "login"),
    ];
    for (name, value) in expected {
        assert_eq!(sent.get(name), Some(value), "{name}");
    }
    let response = stage.get(&back(&sent, "")).await.unwrap();
    assert_eq!(response.status(), StatusCode::FOUND);
    assert_eq!(location(&response), "/sitecore/shell/x?id={A}");
    assert!(stage.user("shell").unwrap().starts_with("sitecore\\"));
    let script = provider.script.lock().unwrap();
    let (_, body) = script.seen.iter().find(|(path, _)| path == "/token").unwrap();
    let posted = Form::parse(body.as_bytes()).unwrap();
    let verifier = posted.get("code_verifier").unwrap();
    let challenge = crate::crypto::digest::sha256_base64url(verifier.as_bytes());
    assert_eq!(sent.get("code_challenge"), Some(challenge.as_str()));
    assert_eq!(posted.get("client_secret"), None, "the secret goes into the header");
}

#[tokio::test]
async fn h169_h170_what_cannot_be_used_makes_no_token_request_and_leads_on() {
    let (provider, mut stage, sent) = begun().await;
    for path in ["/signin-oidc?code=x", "/signin-oidc?code=x&state=", "/signin-oidc?code=x&state=y"]
    {
        assert_eq!(reason(stage.get(path).await), "state_unknown", "{path}");
    }
    let mut stranger = Stage { cookies: stage.cookies.clone(), ..Stage::new(&provider.issuer) };
    assert_eq!(reason(stranger.get(&back(&sent, "")).await), "state_unknown");
    assert_eq!(provider.count("/token"), 0);
    let path = back(&sent, "");
    stage.get(&path).await.unwrap();
    let again = stage.get(&path).await.unwrap();
    assert_eq!(location(&again), "/sitecore/shell/x?id={A}", "a session is live");
    assert_eq!(provider.count("/token"), 1);
    stage.cookies.remove(".AspNet.Cookies");
    let anew = stage.get(&path).await.unwrap();
    assert!(location(&anew).starts_with(&format!("{}/authorize?", provider.issuer)));
    assert_eq!(provider.count("/token"), 1);
}

#[tokio::test]
async fn h194_a_browser_without_cookies_is_started_once_more_and_then_told() {
    let (provider, mut stage, sent) = begun().await;
    stage.cookies.clear();
    let anew = stage.get(&back(&sent, "")).await.unwrap();
    let sent = parameters(&anew);
    stage.cookies.clear();
    assert_eq!(reason(stage.get(&back(&sent, "")).await), "state_other_browser");
    assert_eq!(provider.count("/token"), 0);
}

#[tokio::test]
async fn h194_two_tabs_finish_in_reverse_order() {
    let (provider, mut stage, first) = begun().await;
    let browser = stage.cookies.clone();
    let second = begin(&provider, &mut stage).await;
    assert_eq!(stage.cookies, browser, "one cookie however many tabs");
    stage.get(&back(&second, "")).await.unwrap();
    provider.script.lock().unwrap().nonce = first.get("nonce").unwrap().to_owned();
    let response = stage.get(&back(&first, "")).await.unwrap();
    assert_eq!(location(&response), "/sitecore/shell/x?id={A}", "it finds the session");
    assert_eq!((stage.sessions.len(), provider.count("/token")), (1, 1));
}

#[tokio::test]
async fn j226_a_posted_answer_without_the_session_cookie_replaces_the_session_all_the_same() {
    let (provider, mut stage, sent) = begun().await;
    stage.get(&back(&sent, "")).await.unwrap();
    let old = stage.cookies[".AspNet.Cookies"].clone();
    let sent = begin(&provider, &mut stage).await;
    stage.cookies.remove(".AspNet.Cookies");
    let form = format!("code=abc&state={}", sent.get("state").unwrap());
    stage.post("/signin-oidc", &form).await.unwrap();
    assert!(stage.sessions.find(&old).is_none());
    assert!(stage.user("shell").is_some());
}

#[tokio::test]
async fn h179_sessions_of_an_issuer_end_when_their_provider_is_another_one() {
    let (provider, mut stage, sent) = begun().await;
    stage.get(&back(&sent, "")).await.unwrap();
    assert!(stage.user("shell").is_some());
    stage.config = Arc::new(config(connection("https://elsewhere.test")));
    assert_eq!(stage.user("shell"), None);
    stage.config = Arc::new(config(connection(&provider.issuer)));
    assert!(stage.user("shell").is_some());
}

#[tokio::test]
async fn a_late_answer_starts_once_more() {
    let (provider, mut stage, sent) = begun().await;
    stage.clock.advance(Duration::from_mins(10));
    let anew = stage.get(&back(&sent, "")).await.unwrap();
    assert!(location(&anew).starts_with(&provider.issuer));
    assert_eq!(provider.count("/token"), 0);
}

#[tokio::test]
async fn h175_h176_an_answer_of_another_issuer_is_refused_before_the_code_is_sent() {
    let (provider, mut stage, sent) = begun().await;
    let other = back(&sent, "&iss=https%3A%2F%2Fevil.test");
    assert_eq!(reason(stage.get(&other).await), "issuer_mismatch");
    let sent = begin(&provider, &mut stage).await;
    let slash = back(&sent, &format!("&iss={}%2F", provider.issuer));
    assert_eq!(reason(stage.get(&slash).await), "issuer_mismatch");
    assert_eq!(provider.count("/token"), 0);

    let provider = FakeProvider::start().await;
    provider.script.lock().unwrap().discovery =
        json!({ "authorization_response_iss_parameter_supported": true });
    let mut stage = Stage::new(&provider.issuer);
    let sent = begin(&provider, &mut stage).await;
    assert_eq!(reason(stage.get(&back(&sent, "")).await), "issuer_mismatch");
    let sent = begin(&provider, &mut stage).await;
    assert!(stage.get(&back(&sent, &format!("&iss={}", provider.issuer))).await.is_ok());
}

#[tokio::test]
async fn h175_behind_a_shared_redirect_address_an_answer_says_whose_it_is() {
    let provider = FakeProvider::start().await;
    let shared = crate::config::model::OpenIdConnect {
        shares_callback: true,
        ..connection(&provider.issuer)
    };
    let mut stage = Stage::with(config(shared));
    let sent = begin(&provider, &mut stage).await;
    assert_eq!(reason(stage.get(&back(&sent, "")).await), "issuer_mismatch");
    assert_eq!(provider.count("/token"), 0);
    let sent = begin(&provider, &mut stage).await;
    let cancelled =
        format!("/signin-oidc?error=access_denied&state={}", sent.get("state").unwrap());
    assert_eq!(reason(stage.get(&cancelled).await), "cancelled");
    let sent = begin(&provider, &mut stage).await;
    assert!(stage.get(&back(&sent, &format!("&iss={}", provider.issuer))).await.is_ok());
}

#[tokio::test]
async fn h178_metadata_of_another_issuer_is_refused() {
    for difference in [
        json!({ "issuer": "https://evil.test" }),
        json!({ "token_endpoint": "http://192.0.2.7/token" }),
        json!({ "authorization_endpoint": "javascript:alert(1)" }),
        json!({ "jwks_uri": null }),
    ] {
        let provider = FakeProvider::start().await;
        provider.script.lock().unwrap().discovery = difference.clone();
        let mut stage = Stage::new(&provider.issuer);
        assert_eq!(reason(stage.get(START).await), "provider_metadata", "{difference}");
    }
}

#[tokio::test]
async fn h179_a_provider_that_was_switched_off_finishes_nothing() {
    let (provider, mut stage, sent) = begun().await;
    let mut changed = config(connection(&provider.issuer));
    changed.sites[0] = Arc::new(crate::config::model::Site {
        providers: crate::config::model::SiteProviders::default(),
        ..(*changed.sites[0]).clone()
    });
    stage.config = Arc::new(changed);
    assert_eq!(reason(stage.get(&back(&sent, "")).await), "not_mapped");
    assert!(matches!(stage.get(START).await, Err(Problem::NotFound(_))));
    assert_eq!(provider.count("/token"), 0);
}

#[tokio::test]
async fn h181_contradictory_answers_are_refused() {
    let (provider, mut stage, sent) = begun().await;
    let twice = back(&sent, "&code=other");
    assert!(matches!(stage.get(&twice).await, Err(Problem::BadRequest(_))));
    let mixed = stage.post(&back(&sent, ""), "code=abc").await;
    assert!(matches!(mixed, Err(Problem::BadRequest(_))));
    let both = back(&sent, "&error=access_denied");
    assert_eq!(reason(stage.get(&both).await), "response_malformed");
    assert_eq!(provider.count("/token"), 0);
}

#[tokio::test]
async fn h182_errors_of_the_provider_are_told_apart_and_never_loop() {
    let (provider, mut stage, _) = begun().await;
    let errors = [
        ("error=access_denied", "cancelled"),
        ("error=%3Cscript%3E&error_description=%0d%0a", "provider_refused"),
        ("error=invalid_request&error_description=bad+redirect_uri", "redirect_address"),
        ("error=unauthorized_client", "client_refused"),
    ];
    for (error, expected) in errors {
        let sent = begin(&provider, &mut stage).await;
        let path = format!("/signin-oidc?{error}&state={}", sent.get("state").unwrap());
        assert_eq!(reason(stage.get(&path).await), expected);
    }
    let sent = begin(&provider, &mut stage).await;
    let path = format!("/signin-oidc?error=redirect_uri&state={}", sent.get("state").unwrap());
    let Err(Problem::SignInFailed { detail, .. }) = stage.get(&path).await else { panic!() };
    assert!(detail.contains("https://cms.localhost:8443/signin-oidc"), "{detail}");
    assert!(detail.contains("https://cms.localhost:8443/signout-callback-oidc"), "{detail}");
}

#[tokio::test]
async fn h172_i202_i203_a_wrong_id_token_signs_nobody_in() {
    let (provider, mut stage, _) = begun().await;
    for claims in [
        json!({ "nonce": "other" }),
        json!({ "nonce": null }),
        json!({ "iss": "https://evil.test" }),
        json!({ "aud": "other" }),
        json!({ "sub": null }),
        json!({ "at_hash": half_hash("another token") }),
    ] {
        let sent = begin(&provider, &mut stage).await;
        provider.script.lock().unwrap().claims = claims.clone();
        assert_eq!(reason(stage.get(&back(&sent, "")).await), "token_invalid", "{claims}");
        assert_eq!(stage.user("shell"), None);
    }
    let sent = begin(&provider, &mut stage).await;
    provider.script.lock().unwrap().claims =
        json!({ "at_hash": half_hash("at"), "email_verified": "true" });
    assert!(stage.get(&back(&sent, "")).await.is_ok());
}

#[tokio::test]
async fn i208_a_new_key_is_fetched_once_and_then_at_most_once_a_minute() {
    let (provider, mut stage, sent) = begun().await;
    stage.get(&back(&sent, "")).await.unwrap();
    assert_eq!(provider.count("/jwks"), 1);
    provider.script.lock().unwrap().signer = Signer::es256("two");
    let sent = begin(&provider, &mut stage).await;
    stage.get(&back(&sent, "")).await.unwrap();
    assert_eq!(provider.count("/jwks"), 2);
    provider.script.lock().unwrap().signer = Signer::es256("three");
    let sent = begin(&provider, &mut stage).await;
    assert_eq!(reason(stage.get(&back(&sent, "")).await), "token_invalid");
    assert_eq!(provider.count("/jwks"), 2);
    stage.clock.advance(Duration::from_mins(1));
    let sent = begin(&provider, &mut stage).await;
    assert!(stage.get(&back(&sent, "")).await.is_ok());
}

#[tokio::test]
async fn h190_userinfo_is_merged_when_it_speaks_of_the_same_person() {
    let provider = FakeProvider::start().await;
    let mut stage = Stage::with(config(crate::config::model::OpenIdConnect {
        userinfo: true,
        ..connection(&provider.issuer)
    }));
    for (answer, expected) in [
        (json!({ "sub": "43" }), "userinfo_invalid"),
        (json!([]), "userinfo_invalid"),
        (json!({}), "userinfo_invalid"),
    ] {
        provider.script.lock().unwrap().userinfo = answer;
        let sent = begin(&provider, &mut stage).await;
        assert_eq!(reason(stage.get(&back(&sent, "")).await), expected);
    }
    provider.script.lock().unwrap().userinfo =
        json!({ "sub": "42", "groups": ["a"], "email": "x@y" });
    let sent = begin(&provider, &mut stage).await;
    stage.get(&back(&sent, "")).await.unwrap();
    let token = &stage.cookies[".AspNet.Cookies"];
    let session = stage.sessions.find(token).unwrap();
    assert_eq!(session.identity.claims.first("groups"), Some("a"));
    let email = session.identity.claims.first(crate::claims::types::EMAIL);
    assert_eq!(email, Some("ann@example.test"), "the ID token's word stands");
}

#[tokio::test]
async fn a_provider_that_is_down_or_refuses_us_says_so() {
    let mut stage = Stage::new("http://127.0.0.1:1");
    assert_eq!(reason(stage.get(START).await), "provider_down");
    let (provider, mut stage, sent) = begun().await;
    provider.script.lock().unwrap().token_error = Some((401, json!({ "error": "invalid_client" })));
    assert_eq!(reason(stage.get(&back(&sent, "")).await), "client_refused");
    provider.script.lock().unwrap().token_error = Some((400, json!({ "error": "invalid_grant" })));
    let sent = begin(&provider, &mut stage).await;
    assert_eq!(reason(stage.get(&back(&sent, "")).await), "code_refused");
    provider.script.lock().unwrap().token_error = Some((307, json!({})));
    let sent = begin(&provider, &mut stage).await;
    assert_eq!(reason(stage.get(&back(&sent, "")).await), "provider_down");
}

#[tokio::test]
async fn the_hybrid_flow_is_posted_and_its_code_is_bound_to_its_token() {
    let provider = FakeProvider::start().await;
    let hybrid = crate::config::model::OpenIdConnect {
        response_type: ResponseType::CodeIdToken,
        client_authentication: ClientAuthentication::Post,
        ..connection(&provider.issuer)
    };
    let mut stage = Stage::with(config(hybrid));
    for (claims, expected) in [
        (json!({}), Some("token_invalid")),
        (json!({ "c_hash": half_hash("another code") }), Some("token_invalid")),
        (json!({ "c_hash": half_hash("abc"), "sub": "43" }), Some("token_invalid")),
        (json!({ "c_hash": half_hash("abc") }), None),
    ] {
        let sent = begin(&provider, &mut stage).await;
        assert_eq!(sent.get("response_type"), Some("code id_token"));
        assert_eq!(sent.get("response_mode"), Some("form_post"));
        provider.script.lock().unwrap().claims = claims.clone();
        let front = provider.script.lock().unwrap().id_token(&provider.issuer);
        provider.script.lock().unwrap().claims = json!({});
        let form = format!("code=abc&id_token={front}&state={}", sent.get("state").unwrap());
        let answer = stage.post("/signin-oidc", &form).await;
        match expected {
            Some(expected) => assert_eq!(reason(answer), expected, "{claims}"),
            None => assert_eq!(answer.unwrap().status(), StatusCode::SEE_OTHER),
        }
    }
    let script = provider.script.lock().unwrap();
    let (_, body) = script.seen.iter().rfind(|(path, _)| path == "/token").unwrap();
    let posted = Form::parse(body.as_bytes()).unwrap();
    assert_eq!(posted.get("client_secret"), Some("a secret: + /"));
}
