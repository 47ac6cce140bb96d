//! When somebody must sign in, and what is believed when they come back.

use super::*;
use crate::crypto::signing::Algorithm;
use crate::crypto::signing::SigningKey;

#[test]
fn authz01_authz26_an_anonymous_request_comes_back_whole() {
    let mut rig = Rig::new();
    let back = way_back(rig.authorize(&[("extra", "x")]));
    assert!(back.starts_with("/connect/authorize/callback?client_id=app&"));
    assert!(back.contains("extra=x"));
    assert!(rig.sign_in().get_reply(&back).sent("code").is_some());
}

#[test]
fn oidcc_prompt_none_not_logged_in() {
    let rig = Rig::new();
    let reply = answered(rig.authorize(&[("prompt", "none")]));
    assert_eq!(reply.sent("error").as_deref(), Some("login_required"));
    assert_eq!(reply.sent("state").as_deref(), Some("s t&1"));
}

#[test]
fn oidcc_prompt_none_logged_in() {
    let mut rig = Rig::new();
    assert!(!rig.sign_in().code(&[("prompt", "none")]).is_empty());
}

#[test]
fn oidcc_prompt_login() {
    let mut rig = Rig::new();
    rig.sign_in();
    rig.later(5);
    for prompt in ["login", "select_account"] {
        let back = way_back(rig.authorize(&[("prompt", prompt)]));
        assert!(matches!(rig.get(&back), Outcome::SignIn { .. }), "the old session is not enough");
        let back = way_back(rig.authorize(&[("prompt", prompt)]));
        assert!(rig.sign_in().get_reply(&back).sent("code").is_some(), "a new one is, at once");
    }
}

#[test]
fn a_sign_in_that_was_made_for_one_request_does_not_serve_another() {
    let mut rig = Rig::new();
    rig.sign_in();
    let back = way_back(rig.authorize(&[("prompt", "login")]));
    rig.sign_in();
    let other = back.replace("state=s+t%261", "state=other");
    assert_ne!(other, back);
    assert!(matches!(rig.get(&other), Outcome::SignIn { .. }));
    let (bare, _) = back.split_once("&vestibuleAsked=").unwrap();
    assert!(matches!(rig.get(bare), Outcome::SignIn { .. }));
    rig.later(400);
    assert!(matches!(rig.get(&back), Outcome::SignIn { .. }), "nor after a while");
}

#[test]
fn authr17_l263_what_comes_back_is_judged_anew() {
    let mut rig = Rig::new();
    let back = way_back(rig.authorize(&[]));
    rig.sign_in();
    let tampered = back.replace("app.test%2Fcb", "evil.test%2Fcb");
    assert!(rig.get_reply(&tampered).location().starts_with("/home/error?"));
    let tampered = back.replace("openid+profile", "openid+sitecore.profile");
    assert!(rig.get_reply(&tampered).location().starts_with("/home/error?"));
    let tampered = back.replace("code_challenge_method=S256", "code_challenge_method=plain");
    assert_eq!(rig.get_reply(&tampered).sent("error").as_deref(), Some("invalid_request"));
}

#[test]
fn oidcc_max_age() {
    let mut rig = Rig::new();
    rig.sign_in();
    assert!(matches!(rig.authorize(&[("max_age", "0")]), Outcome::SignIn { .. }), "AUTHZ-24");
    rig.later(2);
    assert!(!rig.code(&[("max_age", "10000")]).is_empty());
    let back = way_back(rig.authorize(&[("max_age", "1")]));
    let silent = answered(rig.authorize(&[("max_age", "1"), ("prompt", "none")]));
    assert_eq!(silent.sent("error").as_deref(), Some("login_required"));
    rig.sign_in();
    rig.later(3);
    let code =
        rig.get_reply(&back).sent("code").expect("a slow redirect is no reason to ask twice");
    let tokens = rig.redeem(&code, &[]).json();
    let (_, claims) = rig.read(tokens["id_token"].as_str().unwrap());
    assert_eq!(claims["auth_time"], NOW.0 + 2);
}

#[test]
fn oidcc_id_token_hint() {
    let mut rig = Rig::new();
    let tokens = rig.sign_in().tokens(&[]);
    let hint = tokens["id_token"].as_str().unwrap();
    rig.later(3000);
    assert!(!rig.code(&[("prompt", "none"), ("id_token_hint", hint)]).is_empty());
    let foreign = SigningKey::generate(Algorithm::Es256).unwrap();
    let foreign = foreign.sign("JWT", &rig.read(hint).1).unwrap();
    let reply = answered(rig.authorize(&[("id_token_hint", &foreign)]));
    assert_eq!(reply.sent("error").as_deref(), Some("invalid_request"), "a key of somebody else's");
    let access = tokens["access_token"].as_str().unwrap();
    let reply = answered(rig.authorize(&[("id_token_hint", access)]));
    assert_eq!(reply.sent("error").as_deref(), Some("invalid_request"), "i211: no ID token");
}

#[test]
fn authr14_a_hint_of_somebody_else_is_not_answered_with_this_person() {
    let mut rig = Rig::new();
    let tokens = rig.sign_in_at("IdS4-AzureAd", "1").tokens(&[]);
    let hint = tokens["id_token"].as_str().unwrap();
    rig.sign_in();
    let silent = answered(rig.authorize(&[("prompt", "none"), ("id_token_hint", hint)]));
    assert_eq!(silent.sent("error").as_deref(), Some("login_required"));
    let back = way_back(rig.authorize(&[("id_token_hint", hint)]));
    let reply = rig.sign_in().get_reply(&back);
    assert_eq!(reply.sent("error").as_deref(), Some("login_required"), "asked once, not for ever");
}

#[test]
fn a_subject_named_in_claims_is_the_only_one_that_will_do() {
    let mut rig = Rig::new();
    let claims = r#"{"id_token":{"sub":{"value":"somebody"}}}"#;
    let reply = answered(rig.sign_in().authorize(&[("prompt", "none"), ("claims", claims)]));
    assert_eq!(reply.sent("error").as_deref(), Some("login_required"));
}

#[test]
fn fed07_fed19_acr_values_name_a_provider_when_it_exists() {
    let mut rig = Rig::new();
    let wanted = |rig: &Rig, idp: &str| match rig.authorize(&[("acr_values", idp)]) {
        Outcome::SignIn { provider, .. } => Some(provider),
        Outcome::Answer(_) | Outcome::SignOut { .. } => None,
    };
    assert_eq!(wanted(&rig, "a idp:IdS4-AzureAd b"), Some(Some("IdS4-AzureAd".to_owned())));
    assert_eq!(wanted(&rig, "idp:Unknown"), Some(None));
    assert_eq!(wanted(&rig, "idp:local"), Some(Some("local".to_owned())));
    rig.sign_in();
    assert_eq!(wanted(&rig, "idp:IdS4-AzureAd"), Some(Some("IdS4-AzureAd".to_owned())), "FED-16");
    assert_eq!(wanted(&rig, "idp:Unknown"), None);
    assert_eq!(wanted(&rig, "idp:local"), None);
    rig.sign_in_at("IdS4-AzureAd", "1");
    assert_eq!(wanted(&rig, "idp:IdS4-AzureAd"), None);
    assert_eq!(wanted(&rig, "idp:local"), Some(Some("local".to_owned())));
}

#[test]
fn a_client_without_local_login_is_not_answered_with_a_local_user() {
    let mut rig = Rig::with(|config| {
        let mut strict = (*config.identity_server.clients[0]).clone();
        strict.local_login = false;
        config.identity_server.clients[0] = Arc::new(strict);
    });
    let back = way_back(rig.sign_in().authorize(&[]));
    assert_eq!(rig.sign_in().get_reply(&back).sent("error").as_deref(), Some("login_required"));
    assert!(!rig.sign_in_at("IdS4-AzureAd", "1").code(&[]).is_empty());
}

#[test]
fn authr13_an_account_that_is_gone_is_nobody() {
    let mut rig = Rig::new();
    rig.sign_in().reload(|config| config.local_users.clear());
    assert!(matches!(rig.authorize(&[]), Outcome::SignIn { .. }));
    rig.sign_in_at("IdS4-AzureAd", "1");
    rig.reload(|config| config.identity_server.external_providers.clear());
    assert!(matches!(rig.authorize(&[]), Outcome::SignIn { .. }));
}

#[test]
fn a_login_hint_is_handed_on() {
    let outcome = Rig::new().authorize(&[("login_hint", "jane")]);
    let Outcome::SignIn { login_hint, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!(login_hint.as_deref(), Some("jane"));
}

#[test]
fn a_long_request_is_kept_for_ten_minutes_and_a_flood_takes_no_others_place() {
    let rig = Rig::new();
    let state = "x".repeat(3000);
    let back = way_back(rig.authorize(&[("state", &state)]));
    for _ in 0..40 {
        way_back(rig.authorize(&[("state", &state)]));
    }
    assert!(rig.server.pending.len() <= 32);
    let refused = rig.send(Method::GET, &back, &[], "");
    assert!(matches!(refused, Err(Problem::BadRequest(_))), "its own flood pushed it out");
    let back = way_back(rig.authorize(&[("state", &state)]));
    rig.later(600);
    assert!(matches!(rig.send(Method::GET, &back, &[], ""), Err(Problem::BadRequest(_))));
}
