//! The token endpoint in general, client credentials and refresh tokens.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::config::model::identity_server::ClientSecret;

use super::*;

/// Refreshes as `app` would.
pub(super) fn refresh(rig: &Rig, token: &str, more: &[(&str, &str)]) -> Reply {
    let usual = [
        ("grant_type", "refresh_token"),
        ("client_id", "app"),
        ("client_secret", "app-secret"),
        ("refresh_token", token),
    ];
    let form = merge(&usual, more);
    let form: Vec<_> = form.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    rig.post("/connect/token", &form)
}

fn robot(rig: &Rig, more: &[(&str, &str)]) -> Reply {
    let usual = [
        ("grant_type", "client_credentials"),
        ("client_id", "robot"),
        ("client_secret", "app-secret"),
    ];
    let form = merge(&usual, more);
    let form: Vec<_> = form.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    rig.post("/connect/token", &form)
}

fn basic(rig: &Rig, credentials: &str, form: &[(&str, &str)]) -> Reply {
    let line = format!("Basic {}", STANDARD.encode(credentials));
    let mut all = vec![("grant_type", "client_credentials")];
    all.extend(form);
    rig.post_with("/connect/token", &[("authorization", &line)], &all)
}

#[test]
fn tok01_l286_only_a_posted_form_is_read_and_every_answer_is_uncached_json() {
    let rig = Rig::new();
    let get = answered(rig.send(Method::GET, "/connect/token", &[], "").unwrap());
    let json = [("content-type", "application/json")];
    let json = answered(rig.send(Method::POST, "/connect/token", &json, "{}").unwrap());
    let twice = rig.send(
        Method::POST,
        "/connect/token",
        &[("content-type", "application/x-www-form-urlencoded")],
        "grant_type=a&grant_type=b",
    );
    for reply in [get, json, answered(twice.unwrap())] {
        assert_eq!(reply.error(), "400 invalid_request");
        assert!(reply.header(header::CACHE_CONTROL).contains("no-store"));
        assert_eq!(reply.header(header::CONTENT_TYPE), "application/json");
    }
}

#[test]
fn tok03_tok04_l265_basic_parts_are_form_encoded() {
    let rig = Rig::with(|config| {
        let mut odd = (*config.identity_server.clients[4]).clone();
        odd.secrets = vec![ClientSecret::shared("a:b%c+d e-f é")];
        config.identity_server.clients[4] = Arc::new(odd);
    });
    for encoded in ["robot:a%3Ab%25c%2Bd+e%2Df+%C3%A9", "ro%62ot:a:b%25c%2Bd%20e-f%20%C3%A9"] {
        assert_eq!(basic(&rig, encoded, &[]).status, StatusCode::OK, "{encoded}");
    }
    assert_eq!(robot(&rig, &[("client_secret", "a:b%c+d e-f é")]).status, StatusCode::OK);
}

#[test]
fn tok02_tok05_tok08_tok10_l265_whoever_proves_nothing_is_refused() {
    let rig = Rig::new();
    for form in [
        [("client_id", ""), ("client_secret", "app-secret")],
        [("client_id", "nobody"), ("client_secret", "app-secret")],
        [("client_id", "Robot"), ("client_secret", "app-secret")],
        [("client_id", "robot"), ("client_secret", "wrong")],
        [("client_id", "robot"), ("client_secret", "")],
        [("client_id", "robot"), ("client_secret", &"a".repeat(101))],
        [("client_id", "robot"), ("client_assertion", "x")],
    ] {
        let reply = robot(&rig, &form);
        assert_eq!(reply.error(), "401 invalid_client", "{form:?}");
        assert!(reply.headers.get(header::WWW_AUTHENTICATE).is_none());
    }
    for (credentials, form) in [
        ("robot:wrong", vec![]),
        ("robot", vec![]),
        ("", vec![]),
        (":", vec![]),
        ("robot:", vec![]),
        ("robot:app-secret", vec![("client_secret", "app-secret")]),
        ("robot:app-secret", vec![("client_id", "app")]),
    ] {
        let reply = basic(&rig, credentials, &form);
        assert_eq!(reply.error(), "401 invalid_client", "{credentials} {form:?}");
        assert!(reply.header(header::WWW_AUTHENTICATE).starts_with("Basic"));
    }
    assert_eq!(basic(&rig, "robot:app-secret", &[("client_id", "robot")]).status, StatusCode::OK);
    let bad = rig.post_with("/connect/token", &[("authorization", "Basic ***")], &[]);
    assert_eq!(bad.error(), "401 invalid_client");
    let other = [("authorization", "Negotiate x")];
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", "robot"),
        ("client_secret", "app-secret"),
    ];
    assert_eq!(rig.post_with("/connect/token", &other, &form).status, StatusCode::OK, "TOK-05");
}

#[test]
fn l265_a_secret_in_the_address_is_refused() {
    let rig = Rig::new();
    let form = [("grant_type", "client_credentials"), ("client_id", "robot")];
    let reply = rig.post("/connect/token?client_secret=app-secret", &form);
    assert_eq!(reply.error(), "400 invalid_request");
}

#[test]
fn tok06_a_public_client_names_itself_and_shows_no_secret() {
    let mut rig = Rig::new();
    rig.sign_in();
    let request = [
        ("client_id", "Sitecore"),
        ("redirect_uri", CMS_CALLBACK),
        ("response_type", "code id_token"),
        ("scope", "openid sitecore.profile"),
        ("code_challenge", ""),
        ("code_challenge_method", ""),
    ];
    let redeem = |secret: &str| {
        let code = rig.code(&request);
        rig.redeem(
            &code,
            &[
                ("client_id", "Sitecore"),
                ("client_secret", secret),
                ("redirect_uri", CMS_CALLBACK),
                ("code_verifier", ""),
            ],
        )
    };
    assert_eq!(redeem("").status, StatusCode::OK);
    assert_eq!(redeem("anything").error(), "401 invalid_client");
}

#[test]
fn tok11_tok12_l262_grants_that_are_unknown_or_not_the_clients_are_refused() {
    let rig = Rig::new();
    for (client, grant, error) in [
        ("robot", "", "400 unsupported_grant_type"),
        ("robot", "Client_Credentials", "400 unsupported_grant_type"),
        ("robot", "password", "400 unauthorized_client"),
        ("robot", "implicit", "400 unsupported_grant_type"),
        ("robot", "authorization_code", "400 unauthorized_client"),
        ("app", "client_credentials", "400 unauthorized_client"),
    ] {
        let reply = robot(&rig, &[("client_id", client), ("grant_type", grant)]);
        assert_eq!(reply.error(), error, "{client} {grant}");
    }
}

#[test]
fn l262_a_name_alone_gets_no_token_for_itself() {
    let rig = Rig::with(|config| {
        let mut open = (*config.identity_server.clients[4]).clone();
        open.require_secret = false;
        config.identity_server.clients[4] = Arc::new(open);
    });
    assert_eq!(robot(&rig, &[("client_secret", "")]).error(), "400 unauthorized_client");
}

#[test]
fn cc01_cc02_cc05_cc06_a_client_gets_a_token_for_itself() {
    let rig = Rig::new();
    let tokens = robot(&rig, &[]).json();
    let (_, claims) = rig.read(tokens["access_token"].as_str().unwrap());
    let mut names: Vec<_> = claims.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["aud", "client_id", "exp", "iat", "iss", "jti", "nbf", "scope"]);
    assert_eq!(claims["aud"], serde_json::json!(["sitecore.profile.api", "orders"]));
    assert!(tokens.get("id_token").is_none() && tokens.get("refresh_token").is_none());
    let tokens = robot(&rig, &[("scope", "sitecore.profile.api")]).json();
    let (_, claims) = rig.read(tokens["access_token"].as_str().unwrap());
    assert_eq!(claims["aud"], "sitecore.profile.api");
    assert_eq!(claims["scope"], serde_json::json!(["sitecore.profile.api"]));
}

#[test]
fn cc03_cc04_scopes_of_people_and_of_others_are_refused() {
    let rig = Rig::new();
    for scope in ["openid", "offline_access", "profile", "orders nothing", "orders openid"] {
        assert_eq!(robot(&rig, &[("scope", scope)]).error(), "400 invalid_scope", "{scope}");
    }
}

#[test]
fn oidcc_refresh_token_ref01_ref02_ref08() {
    let mut rig = Rig::new();
    let first = rig.sign_in().tokens(&[("scope", "openid offline_access")]);
    rig.later(100);
    let second = refresh(&rig, first["refresh_token"].as_str().unwrap(), &[]).json();
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    let (_, before) = rig.read(first["id_token"].as_str().unwrap());
    let (_, after) = rig.read(second["id_token"].as_str().unwrap());
    for same in ["iss", "sub", "aud", "auth_time", "sid"] {
        assert_eq!(after[same], before[same], "{same}");
    }
    assert_eq!(after["iat"], NOW.0 + 100);
    assert!(after.get("nonce").is_none());
    assert_eq!(rig.userinfo(second["access_token"].as_str().unwrap()).status, StatusCode::OK);
}

#[test]
fn l269_ref03_a_refresh_token_that_is_used_again_ends_the_family() {
    let mut rig = Rig::new();
    let first = rig.sign_in().tokens(&[("scope", "openid offline_access")]);
    let old = first["refresh_token"].as_str().unwrap();
    let second = refresh(&rig, old, &[]).json();
    assert_eq!(refresh(&rig, old, &[]).error(), "400 invalid_grant");
    let newest = second["refresh_token"].as_str().unwrap();
    assert_eq!(refresh(&rig, newest, &[]).error(), "400 invalid_grant");
    let access = second["access_token"].as_str().unwrap();
    assert_eq!(rig.userinfo(access).status, StatusCode::UNAUTHORIZED);
}

#[test]
fn l269_what_a_person_does_at_one_client_ends_nothing_at_another() {
    let mut rig = Rig::new();
    let offline = ("scope", "openid offline_access");
    let tokens = rig.sign_in().tokens(&[offline]);
    let other = [("client_id", "other"), ("client_secret", "other-secret")];
    for _ in 0..70 {
        let code = rig.sign_in().code(&[offline, other[0]]);
        assert_eq!(rig.redeem(&code, &other).status, StatusCode::OK);
    }
    let token = tokens["refresh_token"].as_str().unwrap();
    assert_eq!(refresh(&rig, token, &[]).status, StatusCode::OK);
}

#[test]
fn l269_a_family_that_refreshes_often_takes_no_place_of_an_idle_one() {
    let mut rig = Rig::new();
    let mut family = || {
        let tokens = rig.sign_in().tokens(&[("scope", "openid offline_access")]);
        tokens["refresh_token"].as_str().unwrap().to_owned()
    };
    let (idle, busy) = (family(), family());
    let mut newest = busy.clone();
    for _ in 0..70 {
        let tokens = refresh(&rig, &newest, &[]).json();
        newest = tokens["refresh_token"].as_str().unwrap().to_owned();
        assert_eq!(newest.len(), 64);
    }
    assert_eq!(refresh(&rig, &idle, &[]).status, StatusCode::OK);
    assert_eq!(refresh(&rig, &busy, &[]).error(), "400 invalid_grant");
    assert_eq!(refresh(&rig, &newest, &[]).error(), "400 invalid_grant", "the first came back");
}

#[test]
fn ref04_ref05_ref06_a_refresh_token_is_its_clients_and_users_alone_and_ends() {
    let mut rig = Rig::new();
    let fresh = |rig: &mut Rig| {
        let tokens = rig.sign_in().tokens(&[("scope", "openid offline_access")]);
        tokens["refresh_token"].as_str().unwrap().to_owned()
    };
    let token = fresh(&mut rig);
    let thief = [("client_id", "other"), ("client_secret", "other-secret")];
    assert_eq!(refresh(&rig, &token, &thief).error(), "400 invalid_grant");
    assert_eq!(refresh(&rig, "", &[]).error(), "400 invalid_request");
    assert_eq!(refresh(&rig, "x", &[]).error(), "400 invalid_grant");
    assert_eq!(refresh(&rig, &token, &[("scope", "openid orders")]).error(), "400 invalid_scope");
    let token = fresh(&mut rig);
    rig.reload(|config| config.local_users.clear());
    assert_eq!(refresh(&rig, &token, &[]).error(), "400 invalid_grant");
    rig.reload(|config| config.local_users.push(testing::jane()));
    let token = fresh(&mut rig);
    rig.later(30 * 24 * 3600);
    assert_eq!(refresh(&rig, &token, &[]).error(), "400 invalid_grant");
}

#[test]
fn ref07_l271_a_refresh_tells_what_is_configured_now() {
    let mut rig = Rig::with(|config| {
        let mut wide = (*config.identity_server.clients[0]).clone();
        wide.scopes.push("sitecore.profile".to_owned());
        config.identity_server.clients[0] = Arc::new(wide);
    });
    let scopes = "openid email sitecore.profile orders offline_access";
    let first = rig.sign_in().tokens(&[("scope", scopes)]);
    rig.reload(|config| {
        let jane = &mut config.local_users[0];
        (jane.administrator, jane.email) = (false, Some("new@example.test".to_owned()));
        jane.roles = vec![r"sitecore\Reader".to_owned()];
        let mut narrow = (*config.identity_server.clients[0]).clone();
        narrow.scopes.retain(|scope| scope != "orders");
        config.identity_server.clients[0] = Arc::new(narrow);
    });
    let second = refresh(&rig, first["refresh_token"].as_str().unwrap(), &[]).json();
    assert_eq!(second["scope"], "openid email sitecore.profile offline_access");
    let info = rig.userinfo(second["access_token"].as_str().unwrap()).json();
    assert_eq!(info["role"], r"sitecore\Reader");
    assert_eq!(info["email"], "new@example.test");
    assert!(info.get("http://www.sitecore.net/identity/claims/isAdmin").is_none());
    let (_, claims) = rig.read(second["access_token"].as_str().unwrap());
    assert!(claims.get("aud").is_none(), "orders is no longer the client's");
    refresh(&rig, first["refresh_token"].as_str().unwrap(), &[]);
    let access = second["access_token"].as_str().unwrap();
    assert_eq!(rig.userinfo(access).status, StatusCode::UNAUTHORIZED, "renewals end together");
}

#[test]
fn a_refused_scope_does_not_cost_the_refresh_token() {
    let mut rig = Rig::new();
    let tokens = rig.sign_in().tokens(&[("scope", "openid offline_access")]);
    let token = tokens["refresh_token"].as_str().unwrap();
    assert_eq!(refresh(&rig, token, &[("scope", "openid orders")]).error(), "400 invalid_scope");
    assert_eq!(refresh(&rig, token, &[("scope", "openid")]).status, StatusCode::OK);
}

#[test]
fn tokens_are_counted_under_closed_labels() {
    let rig = Rig::new();
    robot(&rig, &[]);
    robot(&rig, &[("grant_type", "nonsense")]);
    let tokens = &rig.server.parts.metrics.tokens;
    assert_eq!(tokens.with_label_values(&["client_credentials", "issued"]).get(), 1);
    assert_eq!(tokens.with_label_values(&["other", "unsupported_grant_type"]).get(), 1);
}
