//! The userinfo endpoint.

use super::*;

#[test]
fn oidcc_userinfo_get_post_header_post_body() {
    let mut rig = Rig::new();
    let tokens = rig.sign_in().tokens(&[]);
    let token = tokens["access_token"].as_str().unwrap();
    let line = format!("Bearer {token}");
    let header = rig.post_with("/connect/userinfo", &[("authorization", &line)], &[]);
    let body = rig.post("/connect/userinfo", &[("access_token", token)]);
    let get = rig.userinfo(token);
    let (_, id_token) = rig.read(tokens["id_token"].as_str().unwrap());
    for reply in [get, header, body] {
        let claims = reply.json();
        assert_eq!(claims["sub"], id_token["sub"]);
        assert_eq!(claims["name"], r"sitecore\jane");
        assert_eq!(claims["given_name"], "Jane");
        assert_eq!(claims["email"], "jane@example.test");
        assert!(claims.get("role").is_none(), "l290: not of these scopes");
        assert_eq!(reply.header(header::CACHE_CONTROL), "no-store");
    }
}

#[test]
fn oidcc_scope_email_ui05_only_granted_scopes_release_claims() {
    let mut rig = Rig::new();
    let tokens = rig.sign_in().tokens(&[("scope", "openid email")]);
    let claims = rig.userinfo(tokens["access_token"].as_str().unwrap()).json();
    let names: Vec<_> = claims.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["sub", "email"]);
}

#[test]
fn ui03_ui08_l274_i197_i211_what_is_no_live_access_token_of_ours_is_refused() {
    let mut rig = Rig::new();
    let tokens = rig.sign_in().tokens(&[]);
    let id_token = tokens["id_token"].as_str().unwrap();
    let access = tokens["access_token"].as_str().unwrap();
    let foreign = Rig::new().sign_in().tokens(&[]);
    let foreign = foreign["access_token"].as_str().unwrap();
    let unsigned =
        format!("eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.{}.", access.split('.').nth(1).unwrap());
    let bent = format!("{access}A");
    for token in ["", "garbage", id_token, foreign, &unsigned, &bent, "a.b.c"] {
        let reply = rig.userinfo(token);
        assert_eq!(reply.error(), "401 invalid_token", "{token}");
        let challenge = reply.header(header::WWW_AUTHENTICATE);
        assert!(challenge.starts_with("Bearer ") && challenge.contains("invalid_token"));
    }
    let query = rig.get_reply(&format!("/connect/userinfo?access_token={access}"));
    assert_eq!(query.error(), "401 invalid_token", "UI-02");
    let twice = [("authorization", format!("Bearer {access}"))];
    let twice = [(twice[0].0, twice[0].1.as_str())];
    let twice = rig.post_with("/connect/userinfo", &twice, &[("access_token", access)]);
    assert_eq!(twice.error(), "400 invalid_request");
    assert_eq!(rig.userinfo(access).status, StatusCode::OK);
    rig.later(3600);
    assert_eq!(rig.userinfo(access).error(), "401 invalid_token", "expired");
}

#[test]
fn ui04_a_token_without_openid_is_not_enough() {
    let mut rig = Rig::new();
    let tokens = rig.sign_in().tokens(&[("scope", "orders")]);
    assert!(tokens.get("id_token").is_none());
    assert_eq!(
        rig.userinfo(tokens["access_token"].as_str().unwrap()).error(),
        "403 insufficient_scope"
    );
    let robot = rig
        .post(
            "/connect/token",
            &[
                ("grant_type", "client_credentials"),
                ("client_id", "robot"),
                ("client_secret", "app-secret"),
            ],
        )
        .json();
    assert_eq!(
        rig.userinfo(robot["access_token"].as_str().unwrap()).error(),
        "403 insufficient_scope"
    );
}

#[test]
fn ui06_l271_a_user_or_client_that_is_gone_has_no_claims() {
    let mut rig = Rig::new();
    let tokens = rig.sign_in().tokens(&[]);
    let access = tokens["access_token"].as_str().unwrap();
    rig.reload(|config| config.local_users.clear());
    assert_eq!(rig.userinfo(access).error(), "401 invalid_token");
    rig.reload(|config| config.local_users.push(testing::jane()));
    assert_eq!(rig.userinfo(access).status, StatusCode::OK);
    rig.reload(|config| config.identity_server.clients.clear());
    assert_eq!(rig.userinfo(access).error(), "401 invalid_token");
}
