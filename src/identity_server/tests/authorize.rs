//! Which authorization requests are answered, and where refusals are said.

use super::*;

/// The error that goes back to the client.
fn told(rig: &Rig, more: &[(&str, &str)]) -> String {
    let reply = answered(rig.authorize(more));
    assert!(reply.location().starts_with(CALLBACK), "{more:?}: {}", reply.location());
    assert_eq!(reply.sent("state").as_deref(), Some("s t&1"));
    assert_eq!(reply.sent("iss").as_deref(), Some(ISSUER));
    assert_eq!(reply.sent("code"), None);
    reply.sent("error").unwrap()
}

/// The text of the error page that the browser is sent to, when it is.
fn shown(rig: &Rig, path: &str) -> String {
    let reply = rig.get_reply(path);
    assert!(reply.location().starts_with("/home/error?errorId="), "{path}: {}", reply.location());
    let page = rig.get_reply(reply.location());
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("id=\"error\""));
    page.body
}

#[test]
fn authr01_authr02_authz39_a_signed_in_person_is_answered_at_once() {
    let mut rig = Rig::new();
    let reply = answered(rig.sign_in().authorize(&[]));
    assert_eq!(reply.status, StatusCode::FOUND);
    assert!(reply.location().starts_with("https://app.test/cb?code="));
    assert_eq!(reply.sent("state").as_deref(), Some("s t&1"));
    assert_eq!(reply.sent("iss").as_deref(), Some(ISSUER));
    assert_eq!(reply.header(header::REFERRER_POLICY), "no-referrer");
    assert_eq!(reply.header(header::CACHE_CONTROL), "no-store");
    let code = reply.sent("code").unwrap();
    assert!(code.len() == 64 && code.bytes().all(|b| b.is_ascii_hexdigit()), "AUTHR-15");
}

#[test]
fn authr06_without_state_none_comes_back() {
    let mut rig = Rig::new();
    assert_eq!(answered(rig.sign_in().authorize(&[("state", "")])).sent("state"), None);
}

#[test]
fn g161_authz03_to_authz09_a_doubtful_client_or_address_is_never_redirected_to() {
    let mut rig = Rig::new();
    rig.sign_in();
    let long = format!("{CALLBACK}{}", "a".repeat(400));
    for more in [
        [("client_id", "")],
        [("client_id", "nobody")],
        [("client_id", "APP")],
        [("client_id", &"a".repeat(101))],
        [("redirect_uri", "")],
        [("redirect_uri", "/cb")],
        [("redirect_uri", "http:///x")],
        [("redirect_uri", "https://evil.test/cb")],
        [("redirect_uri", "https://app.test/CB")],
        [("redirect_uri", "https://app.test/cb?x=1")],
        [("redirect_uri", &long)],
    ] {
        let page = shown(&rig, &authorize_path(&more));
        assert!(!page.contains("href=\"https://app.test"), "no way back: {more:?}");
    }
}

#[test]
fn authz12_authz14_authz15_authz17_authz18_what_the_programmer_must_mend_is_said_on_our_page() {
    let mut rig = Rig::new();
    rig.sign_in();
    for (more, error) in [
        (("response_type", ""), "unsupported_response_type"),
        (("response_type", "token"), "unauthorized_client"),
        (("response_type", "CODE"), "unsupported_response_type"),
        (("response_type", "code id_token"), "unauthorized_client"),
        (("response_mode", "web_message"), "unsupported_response_type"),
        (("scope", ""), "invalid_request"),
        (("scope", &"a ".repeat(151)), "invalid_request"),
        (("scope", "openid unknown"), "invalid_scope"),
        (("scope", "openid sitecore.profile"), "invalid_scope"),
        (("scope", "profile"), "invalid_scope"),
    ] {
        let page = shown(&rig, &authorize_path(&[more]));
        assert!(page.contains(error) && page.contains("The app"), "{more:?}: {page}");
    }
}

#[test]
fn authz32_g160_repeated_parameters_are_refused_however_they_come() {
    let mut rig = Rig::new();
    rig.sign_in();
    let twice = format!("{}&redirect_uri=https://evil.test/", authorize_path(&[]));
    assert!(shown(&rig, &twice).contains("invalid_request"));
    let form = [("client_id", "app")];
    let both = rig.post(&authorize_path(&[]), &form);
    assert!(both.location().starts_with("/home/error?"), "query and body");
}

#[test]
fn l260_authz27_to_authz29_pkce_is_needed_and_s256() {
    let mut rig = Rig::new();
    rig.sign_in();
    let (short, long) = ("a".repeat(42), "a".repeat(129));
    for more in [
        [("code_challenge", ""), ("code_challenge_method", "")],
        [("code_challenge", ""), ("code_challenge_method", "S256")],
        [("code_challenge_method", ""), ("x", "1")],
        [("code_challenge_method", "plain"), ("x", "1")],
        [("code_challenge_method", "s256"), ("x", "1")],
        [("code_challenge", &short), ("x", "1")],
        [("code_challenge", &long), ("x", "1")],
        [("code_challenge", "a+b/c=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), ("x", "1")],
    ] {
        assert_eq!(told(&rig, &more), "invalid_request", "{more:?}");
    }
}

#[test]
fn l260_authz16_a_public_client_needs_pkce_and_keeps_its_code_out_of_fragments() {
    let mut rig = Rig::with(|config| {
        let mut public = (*config.identity_server.clients[0]).clone();
        (public.require_secret, public.require_pkce) = (false, false);
        public.secrets.clear();
        config.identity_server.clients[0] = Arc::new(public);
    });
    rig.sign_in();
    assert_eq!(
        told(&rig, &[("code_challenge", ""), ("code_challenge_method", "")]),
        "invalid_request"
    );
    let page = shown(&rig, &authorize_path(&[("response_mode", "fragment")]));
    assert!(page.contains("invalid_request"));
    assert!(!rig.code(&[]).is_empty());
    let posted = answered(rig.authorize(&[("response_mode", "form_post")]));
    assert!(posted.body.contains("name=\"code\""));
}

#[test]
fn l280_authz23_to_authz25_other_faults_go_back_to_the_client() {
    let mut rig = Rig::new();
    rig.sign_in();
    for (more, error) in [
        (("nonce", "a".repeat(301)), "invalid_request"),
        (("login_hint", "a".repeat(101)), "invalid_request"),
        (("ui_locales", "a".repeat(101)), "invalid_request"),
        (("acr_values", "a".repeat(301)), "invalid_request"),
        (("max_age", "-1".to_owned()), "invalid_request"),
        (("max_age", "+1".to_owned()), "invalid_request"),
        (("max_age", "soon".to_owned()), "invalid_request"),
        (("prompt", "none login".to_owned()), "invalid_request"),
        (("claims", "[]".to_owned()), "invalid_request"),
        (("id_token_hint", "x.y.z".to_owned()), "invalid_request"),
        (("request", "eyJhbGciOiJub25lIn0.e30.".to_owned()), "request_not_supported"),
        (("request_uri", "https://evil.test/".to_owned()), "request_uri_not_supported"),
        (("registration", "{}".to_owned()), "registration_not_supported"),
    ] {
        assert_eq!(told(&rig, &[(more.0, &more.1)]), error, "{}", more.0);
    }
    assert_eq!(told(&rig, &[("request", "x"), ("request_uri", "y")]), "invalid_request");
}

#[test]
fn oidcc_ensure_request_with_unknown_parameter_succeeds() {
    let mut rig = Rig::new();
    rig.sign_in();
    let more = [
        ("extra", "foobar"),
        ("display", "popup"),
        ("ui_locales", "se"),
        ("claims_locales", "se"),
        ("login_hint", "jane"),
        ("acr_values", "1 2"),
        ("prompt", "unknown"),
        ("max_age", "10000"),
    ];
    assert!(!rig.code(&more).is_empty());
}

#[test]
fn oidcc_ensure_post_request_succeeds() {
    let mut rig = Rig::new();
    rig.sign_in();
    let pairs = [
        ("client_id", "plain"),
        ("response_type", "code"),
        ("redirect_uri", CALLBACK),
        ("scope", "openid"),
    ];
    let reply = rig.post("/connect/authorize", &pairs);
    assert_eq!(reply.status, StatusCode::SEE_OTHER, "g163: never a redirect that repeats a POST");
    assert!(reply.sent("code").is_some());
    let json = [("content-type", "application/json")];
    let refused = rig.send(Method::POST, "/connect/authorize", &json, "{}");
    assert_eq!(refused.unwrap_err(), Problem::UnsupportedMediaType);
}

#[test]
fn authz08_a_registered_query_is_kept() {
    let mut rig = Rig::new();
    rig.sign_in();
    let uri = "https://app.test/cb?dummy1=lorem&dummy2=ipsum";
    let more = [
        ("client_id", "plain"),
        ("redirect_uri", uri),
        ("code_challenge", ""),
        ("code_challenge_method", ""),
    ];
    let reply = answered(rig.authorize(&more));
    assert!(reply.location().starts_with(&format!("{uri}&code=")), "{}", reply.location());
}

#[test]
fn authr04_authz16_form_post_and_fragment_are_open_to_code() {
    let mut rig = Rig::new();
    rig.sign_in();
    let reply = answered(rig.authorize(&[("response_mode", "fragment")]));
    assert!(reply.location().starts_with("https://app.test/cb#code="));
    let reply = answered(rig.authorize(&[("response_mode", "form_post"), ("state", "\"><b>")]));
    assert_eq!(reply.status, StatusCode::OK);
    assert!(reply.body.contains("action=\"https://app.test/cb\""));
    assert!(reply.body.contains("name=\"code\"") && !reply.body.contains("\"><b>"));
}

#[test]
fn authz34_a_4_kb_state_comes_back_untouched() {
    let mut rig = Rig::new();
    let state: String = "a+%&é ".chars().cycle().take(4096).collect();
    let back = way_back(rig.authorize(&[("state", &state)]));
    assert!(back.len() < 2048 && back.contains("authzId="));
    let reply = rig.sign_in().get_reply(&back);
    assert_eq!(reply.sent("state"), Some(state.clone()));
    let posted = answered(rig.authorize(&[("state", &state), ("response_mode", "fragment")]));
    assert_eq!(posted.sent("state"), Some(state));
}

#[test]
fn authz22_authr03_the_hybrid_flow_answers_in_the_fragment_and_needs_a_nonce() {
    let mut rig = Rig::new();
    rig.sign_in();
    let request = |more: &[(&str, &str)]| {
        let mut all = more.to_vec();
        all.extend([
            ("client_id", "Sitecore"),
            ("redirect_uri", CMS_CALLBACK),
            ("response_type", "id_token code"),
            ("scope", "openid sitecore.profile"),
            ("code_challenge", ""),
            ("code_challenge_method", ""),
        ]);
        answered(rig.authorize(&all))
    };
    let reply = request(&[]);
    assert!(reply.location().starts_with("https://cms.test/identity/signin#code="));
    let (_, claims) = rig.read(&reply.sent("id_token").unwrap());
    assert_eq!(claims["nonce"], "n-1");
    assert_eq!(claims["c_hash"].as_str().map(str::len), Some(22));
    assert_eq!(claims["name"], r"sitecore\jane", "AlwaysIncludeUserClaimsInIdToken");
    assert_eq!(claims["http://www.sitecore.net/identity/claims/isAdmin"], "true");
    assert_eq!(claims["http://www.sitecore.net/identity/claims/originalIssuer"], "local");
    let reply = request(&[("nonce", "")]);
    assert_eq!(reply.sent("error").as_deref(), Some("invalid_request"));
    assert!(request(&[("response_mode", "query")]).location().starts_with("/home/error?"));
    let posted = request(&[("response_mode", "form_post")]);
    assert!(posted.body.contains("name=\"id_token\""));
}

#[test]
fn a_made_up_error_message_is_no_message() {
    let rig = Rig::new();
    for id in ["", "x", "AAAA"] {
        let refused = rig.send(Method::GET, &format!("/home/error?errorId={id}"), &[], "");
        assert!(matches!(refused, Err(Problem::BadRequest(_))));
    }
}
