//! Discovery, keys, and the table of endpoints.

use super::*;

#[test]
fn disc01_disc02_disc07_l287_discovery_says_what_there_is_under_the_configured_issuer() {
    let rig = Rig::new();
    for path in ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"] {
        let reply = rig.get_reply(path);
        let found = reply.json();
        assert_eq!((reply.status, found["issuer"].as_str()), (StatusCode::OK, Some(ISSUER)));
        assert_eq!(found["token_endpoint"], "https://id.test/connect/token");
        assert_eq!(found["jwks_uri"], "https://id.test/.well-known/openid-configuration/jwks");
        assert_eq!(found["end_session_endpoint"], "https://id.test/connect/endsession");
        assert_eq!(found["code_challenge_methods_supported"], serde_json::json!(["S256"]));
        assert_eq!(found["authorization_response_iss_parameter_supported"], true);
        assert_eq!(
            found["id_token_signing_alg_values_supported"],
            serde_json::json!(["RS256", "ES256"])
        );
        assert!(reply.headers.get(header::CACHE_CONTROL).is_none(), "DISC-19");
    }
}

#[test]
fn disc04_disc05_hidden_resources_are_not_listed_and_nothing_is_listed_twice() {
    let rig = Rig::with(|config| {
        let mut hidden = resource("secret.scope", &["secret_claim"]);
        hidden.shown = false;
        config.identity_server.identity_resources.push(hidden);
    });
    let found = rig.get_reply("/.well-known/openid-configuration").json();
    assert_eq!(
        found["scopes_supported"],
        serde_json::json!([
            "openid",
            "profile",
            "email",
            "sitecore.profile",
            "sitecore.profile.api",
            "orders",
            "offline_access"
        ])
    );
    let claims = found["claims_supported"].as_array().unwrap();
    assert_eq!(claims.iter().filter(|c| **c == "name").count(), 1);
    assert!(!claims.contains(&serde_json::json!("secret_claim")));
}

#[test]
fn disc12_disc14_i217_the_key_set_is_public_and_its_kids_are_unique() {
    let found = Rig::new().get_reply("/.well-known/openid-configuration/jwks").json();
    let keys = found["keys"].as_array().unwrap();
    let algorithms: Vec<_> = keys.iter().map(|key| key["alg"].as_str().unwrap()).collect();
    assert_eq!(algorithms, ["RS256", "ES256"]);
    assert_ne!(keys[0]["kid"], keys[1]["kid"]);
    for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
        assert!(keys.iter().all(|key| key.get(private).is_none()), "{private}");
    }
}

#[test]
fn disc03_authr16_ui02_end01_methods_that_an_address_has_not_are_refused() {
    let rig = Rig::new();
    for (method, path) in [
        (Method::POST, "/.well-known/openid-configuration"),
        (Method::PUT, "/connect/authorize"),
        (Method::POST, "/connect/authorize/callback"),
        (Method::PUT, "/connect/userinfo"),
        (Method::DELETE, "/connect/userinfo"),
        (Method::PUT, "/connect/endsession"),
        (Method::OPTIONS, "/connect/authorize"),
    ] {
        let refused = rig.send(method, path, &[], "");
        assert!(matches!(refused, Err(Problem::MethodNotAllowed { .. })), "{path}");
    }
    let nothing = rig.send(Method::GET, "/connect/nothing", &[], "");
    assert!(matches!(nothing, Err(Problem::NotFound(_))));
}

#[test]
fn addresses_are_found_without_regard_to_case_and_odd_queries_do_no_harm() {
    let rig = Rig::new();
    let reply = rig.get_reply("/.Well-Known/OpenID-Configuration?x=%c3%a6&x=%ff&%");
    assert_eq!(reply.status, StatusCode::OK);
}

#[test]
fn an_identity_server_without_issuer_is_not_available() {
    let rig = Rig::with(|config| config.identity_server.issuer = None);
    let refused = rig.send(Method::GET, "/.well-known/openid-configuration", &[], "");
    assert!(matches!(refused, Err(Problem::Unavailable(_))));
}

#[test]
fn chk03_chk04_other_origins_may_read_only_what_browsers_clients_call() {
    let rig = Rig::new();
    let allowed = |method: Method, path: &str, origin: &str| {
        let reply = answered(rig.send(method, path, &[("origin", origin)], "").unwrap());
        reply.header(header::ACCESS_CONTROL_ALLOW_ORIGIN).to_owned()
    };
    let discovery = "/.well-known/openid-configuration";
    assert_eq!(allowed(Method::GET, discovery, "https://app.test"), "https://app.test");
    assert_eq!(allowed(Method::OPTIONS, "/connect/token", "https://app.test"), "https://app.test");
    assert_eq!(allowed(Method::POST, "/connect/token", "https://app.test"), "https://app.test");
    assert_eq!(allowed(Method::OPTIONS, "/connect/userinfo", "https://evil.test"), "");
    assert_eq!(allowed(Method::GET, discovery, "https://evil.test"), "");
    assert_eq!(allowed(Method::GET, "/connect/authorize", "https://app.test"), "");
}
