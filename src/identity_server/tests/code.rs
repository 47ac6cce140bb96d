//! Codes, and the tokens that they are redeemed for.

use super::*;

#[test]
fn oidcc_server_code01_code10_a_code_becomes_tokens() {
    let mut rig = Rig::new();
    rig.sign_in();
    rig.later(7);
    let reply = rig.redeem(&rig.code(&[]), &[]);
    assert!(reply.header(header::CACHE_CONTROL).contains("no-store"), "l286");
    assert_eq!(reply.header(header::PRAGMA), "no-cache");
    let tokens = reply.json();
    assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&"Bearer".into(), &3600.into()));
    assert_eq!(tokens["scope"], "openid profile email");
    assert_eq!(tokens.get("refresh_token"), None);
    let (head, claims) = rig.read(tokens["id_token"].as_str().unwrap());
    assert_eq!((head.alg, head.typ.as_deref()), (jsonwebtoken::Algorithm::RS256, Some("JWT")));
    let sid = rig.session.as_ref().unwrap().public_id.as_str();
    for (name, value) in [
        ("iss", Value::from(ISSUER)),
        ("aud", "app".into()),
        ("iat", (NOW.0 + 7).into()),
        ("exp", (NOW.0 + 307).into()),
        ("auth_time", NOW.0.into()),
        ("nonce", "n-1".into()),
        ("idp", "local".into()),
        ("amr", vec!["pwd"].into()),
        ("sid", sid.into()),
    ] {
        assert_eq!(claims[name], value, "{name}");
    }
    assert_eq!(claims["at_hash"].as_str().map(str::len), Some(22));
    assert_eq!(claims["sub"].as_str().map(str::len), Some(43));
    for hidden in ["name", "email", "role", "s_hash", "c_hash"] {
        assert!(claims.get(hidden).is_none(), "{hidden} is not for this ID token");
    }
}

#[test]
fn l275_an_access_token_has_identity_servers_shape() {
    let mut rig = Rig::new();
    let tokens = rig.sign_in().tokens(&[("scope", "openid orders offline_access")]);
    let (head, claims) = rig.read(tokens["access_token"].as_str().unwrap());
    assert_eq!(head.typ.as_deref(), Some("at+jwt"));
    assert_eq!(claims["aud"], "orders");
    assert_eq!(claims["client_id"], "app");
    assert_eq!(claims["scope"], serde_json::json!(["openid", "orders", "offline_access"]));
    assert_eq!(claims["jti"].as_str().map(str::len), Some(32));
    assert_eq!(claims["exp"], NOW.0 + 3600);
    let tokens = rig.tokens(&[]);
    let (_, claims) = rig.read(tokens["access_token"].as_str().unwrap());
    assert!(claims.get("aud").is_none(), "CC-05: nobody's audience");
}

#[test]
fn oidcc_codereuse_l257_a_second_use_is_refused_and_ends_what_the_first_gave() {
    let mut rig = Rig::new();
    let code = rig.sign_in().code(&[("scope", "openid offline_access")]);
    let first = rig.redeem(&code, &[]).json();
    let token = first["access_token"].as_str().unwrap();
    assert_eq!(rig.userinfo(token).status, StatusCode::OK);
    rig.later(90);
    assert_eq!(rig.redeem(&code, &[]).error(), "400 invalid_grant");
    assert_eq!(rig.userinfo(token).status, StatusCode::UNAUTHORIZED);
    let refresh = first["refresh_token"].as_str().unwrap();
    assert_eq!(token::refresh(&rig, refresh, &[]).error(), "400 invalid_grant");
}

#[test]
fn code11_of_many_at_once_one_succeeds() {
    let mut rig = Rig::new();
    let code = rig.sign_in().code(&[]);
    let won = std::thread::scope(|scope| {
        let redeem = || rig.redeem(&code, &[]).status == StatusCode::OK;
        let threads: Vec<_> = (0..20).map(|_| scope.spawn(redeem)).collect();
        threads.into_iter().map(|t| t.join().unwrap()).filter(|&won| won).count()
    });
    assert_eq!(won, 1);
}

#[test]
fn code03_another_clients_code_is_refused_and_stays_good() {
    let mut rig = Rig::new();
    let code = rig.sign_in().code(&[]);
    let thief = [("client_id", "other"), ("client_secret", "other-secret")];
    assert_eq!(rig.redeem(&code, &thief).error(), "400 invalid_grant");
    assert_eq!(rig.redeem(&code, &[]).status, StatusCode::OK);
}

#[test]
fn l259_code04_to_code08_what_does_not_fit_is_refused() {
    let mut rig = Rig::new();
    rig.sign_in();
    let refused = |more: &[(&str, &str)]| rig.redeem(&rig.code(&[]), more).error();
    assert_eq!(refused(&[("redirect_uri", "https://app.test/cb/")]), "400 invalid_grant");
    assert_eq!(refused(&[("redirect_uri", "")]), "400 invalid_request");
    assert_eq!(refused(&[("code", "")]), "400 invalid_grant");
    assert_eq!(refused(&[("code", &"A".repeat(64))]), "400 invalid_grant");
    assert_eq!(refused(&[("code", &"A".repeat(101))]), "400 invalid_grant");
    assert_eq!(refused(&[("code_verifier", "")]), "400 invalid_grant");
    assert_eq!(refused(&[("code_verifier", &"a".repeat(43))]), "400 invalid_grant");
    let code = rig.code(&[]);
    rig.later(60);
    assert_eq!(rig.redeem(&code, &[]).error(), "400 invalid_grant", "CODE-05");
}

#[test]
fn oidcc_ensure_request_without_nonce_succeeds_for_code_flow() {
    let mut rig = Rig::new();
    let tokens = rig.sign_in().tokens(&[("nonce", "")]);
    assert!(rig.read(tokens["id_token"].as_str().unwrap()).1.get("nonce").is_none());
}

#[test]
fn code08_a_verifier_without_a_challenge_is_refused() {
    let mut rig = Rig::new();
    rig.sign_in();
    let none = [("client_id", "plain"), ("code_challenge", ""), ("code_challenge_method", "")];
    let redeem = |verifier: &str| {
        rig.redeem(&rig.code(&none), &[("client_id", "plain"), ("code_verifier", verifier)])
    };
    assert_eq!(redeem(VERIFIER).error(), "400 invalid_grant");
    assert_eq!(redeem("").status, StatusCode::OK);
}

#[test]
fn l271_code09_a_code_dies_with_its_session_user_or_client() {
    let mut rig = Rig::new();
    let code = rig.sign_in().code(&[]);
    logout::sign_out(&rig);
    assert_eq!(rig.redeem(&code, &[]).error(), "400 invalid_grant");
    let code = rig.sign_in().code(&[]);
    rig.reload(|config| config.local_users.clear());
    assert_eq!(rig.redeem(&code, &[]).error(), "400 invalid_grant");
    let code = {
        rig.reload(|config| config.local_users.push(testing::jane()));
        rig.code(&[])
    };
    rig.reload(|config| config.identity_server.clients.clear());
    assert_eq!(rig.redeem(&code, &[]).error(), "401 invalid_client");
}

#[test]
fn oidcc_claims_essential_reaches_no_further_than_the_clients_scopes() {
    let mut rig = Rig::new();
    let claims = r#"{"id_token":{"email":{"essential":true},"role":null},"userinfo":{"name":null,"role":null}}"#;
    let tokens = rig.sign_in().tokens(&[("scope", "openid"), ("claims", claims)]);
    let (_, id_token) = rig.read(tokens["id_token"].as_str().unwrap());
    assert_eq!(id_token["email"], "jane@example.test");
    assert!(id_token.get("role").is_none() && id_token.get("name").is_none());
    let info = rig.userinfo(tokens["access_token"].as_str().unwrap()).json();
    assert_eq!(info["name"], r"sitecore\jane");
    assert!(info.get("role").is_none() && info.get("email").is_none());
}

#[test]
fn oidcc_ensure_request_with_acr_values_succeeds() {
    let mut rig = Rig::new();
    let tokens = rig.sign_in().tokens(&[("acr_values", "1 2")]);
    let (_, claims) = rig.read(tokens["id_token"].as_str().unwrap());
    assert_eq!(claims["acr"], "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport");
    let tokens = rig.tokens(&[("acr_values", "idp:local")]);
    assert!(rig.read(tokens["id_token"].as_str().unwrap()).1.get("acr").is_none());
}

#[test]
fn a_client_may_have_its_tokens_signed_with_es256() {
    let mut rig = Rig::with(|config| {
        let mut modern = (*config.identity_server.clients[0]).clone();
        modern.id_token_algorithms = vec!["ES256".to_owned()];
        config.identity_server.clients[0] = Arc::new(modern);
    });
    let tokens = rig.sign_in().tokens(&[]);
    let (head, _) = rig.read(tokens["id_token"].as_str().unwrap());
    assert_eq!(head.alg, jsonwebtoken::Algorithm::ES256);
}

#[test]
fn fed12_external_people_are_named_by_their_scheme() {
    let mut rig = Rig::new();
    let tokens = rig.sign_in_at("IdS4-AzureAd", "42").tokens(&[]);
    let (_, claims) = rig.read(tokens["id_token"].as_str().unwrap());
    assert_eq!(
        (&claims["idp"], &claims["amr"]),
        (&"IdS4-AzureAd".into(), &vec!["external"].into())
    );
}

#[test]
fn oidcc_server_a_client_of_openid_connect_alone_is_told_only_claims_of_its_own() {
    let mut rig = Rig::with(|config| {
        let mut standard = (*config.identity_server.clients[0]).clone();
        standard.scopes = ["openid", "profile", "email"].map(str::to_owned).to_vec();
        config.identity_server.clients[0] = Arc::new(standard);
    });
    let tokens = rig.sign_in().tokens(&[]);
    let (_, claims) = rig.read(tokens["id_token"].as_str().unwrap());
    assert_eq!((claims.get("idp"), &claims["amr"]), (None, &vec!["pwd"].into()));
    let tokens = rig.sign_in_at("IdS4-AzureAd", "42").tokens(&[]);
    let (_, claims) = rig.read(tokens["id_token"].as_str().unwrap());
    assert_eq!(claims["idp"], "IdS4-AzureAd", "FED-12");
}
