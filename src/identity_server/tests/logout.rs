//! Signing out: by a client's wish and by the person's own.

use super::*;

fn hint(rig: &mut Rig) -> String {
    rig.sign_in().tokens(&[])["id_token"].as_str().unwrap().to_owned()
}

fn end_session(rig: &Rig, parameters: &[(&str, &str)]) -> Reply {
    rig.get_reply(&format!("/connect/endsession?{}", encode(parameters)))
}

fn signed_in(rig: &Rig) -> bool {
    rig.session.as_ref().is_some_and(|session| rig.sessions.live(&session.id).is_some())
}

/// The hidden fields of the page that asks.
fn fields(page: &Reply) -> Vec<(String, String)> {
    let value = |name: &str| {
        let (_, after) = page.body.split_once(&format!("name=\"{name}\" value=\"")).unwrap();
        after.split('"').next().unwrap().to_owned()
    };
    assert!(page.body.contains("id=\"sign-out\""), "{}", page.body);
    vec![("logoutId".to_owned(), value("logoutId")), ("token".to_owned(), value("token"))]
}

fn confirm(rig: &Rig, page: &Reply, headers: &[(&str, &str)]) -> Result<Reply, Problem> {
    let form = fields(page);
    let form: Vec<_> = form.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let mut headers = headers.to_vec();
    headers.push(("content-type", "application/x-www-form-urlencoded"));
    rig.send(Method::POST, "/account/logout", &headers, &encode(&form)).map(answered)
}

#[test]
fn end02_oidcc_rp_initiated_logout() {
    let mut rig = Rig::new();
    let hint = hint(&mut rig);
    let reply = end_session(
        &rig,
        &[("id_token_hint", &hint), ("state", "a b"), ("post_logout_redirect_uri", SIGNED_OUT)],
    );
    assert_eq!(reply.location(), "https://app.test/out?state=a+b");
    assert!(reply.header(header::SET_COOKIE).starts_with("idsrv=; "));
    assert!(reply.header(header::SET_COOKIE).contains("Max-Age=0"));
    assert!(!signed_in(&rig));
    let silent = answered(rig.authorize(&[("prompt", "none")]));
    assert_eq!(silent.sent("error").as_deref(), Some("login_required"), "END-08");
}

#[test]
fn oidcc_rp_initiated_logout_no_state_and_by_post_and_long_after() {
    let mut rig = Rig::new();
    let hint = hint(&mut rig);
    rig.later(3000);
    let reply = rig.post(
        "/connect/endsession",
        &[("id_token_hint", &hint), ("post_logout_redirect_uri", SIGNED_OUT), ("client_id", "app")],
    );
    assert_eq!((reply.status, reply.location()), (StatusCode::SEE_OTHER, SIGNED_OUT));
    let again =
        end_session(&rig, &[("id_token_hint", &hint), ("post_logout_redirect_uri", SIGNED_OUT)]);
    assert_eq!(again.location(), SIGNED_OUT, "nobody is signed in any more");
}

#[test]
fn oidcc_rp_initiated_logout_no_post_logout_redirect_uri() {
    let mut rig = Rig::new();
    let hint = hint(&mut rig);
    let reply = end_session(&rig, &[("id_token_hint", &hint), ("state", "x")]);
    assert!(!signed_in(&rig));
    let page = rig.get_reply(reply.location());
    assert!(page.body.contains("id=\"signed-out\""));
    assert!(!page.body.contains("return-link"), "END-06: no address is made up");
}

#[test]
fn g164_end03_end04_end05_what_is_not_certain_asks_and_sends_nobody_anywhere() {
    let mut rig = Rig::new();
    let hint = hint(&mut rig);
    let another = rig.tokens(&[("nonce", "another")])["id_token"].as_str().unwrap().to_owned();
    let (signed, _) = hint.rsplit_once('.').unwrap();
    let (_, signature) = another.rsplit_once('.').unwrap();
    let foreign = format!("{signed}.{signature}");
    let (_, claims) = signed.split_once('.').unwrap();
    let unsigned = format!("eyJhbGciOiJub25lIn0.{claims}.");
    let added = format!("{SIGNED_OUT}?foo=bar");
    let uri = "post_logout_redirect_uri";
    for parameters in [
        vec![("id_token_hint", hint.as_str()), (uri, "https://evil.test/")],
        vec![("id_token_hint", &hint), (uri, &added), ("state", "x")],
        vec![("id_token_hint", &hint), (uri, "https://app.test/")],
        vec![("id_token_hint", &hint), ("client_id", "other"), (uri, SIGNED_OUT)],
        vec![("id_token_hint", &unsigned), (uri, SIGNED_OUT)],
        vec![("id_token_hint", &foreign), (uri, SIGNED_OUT), ("client_id", "app")],
        vec![(uri, SIGNED_OUT)],
        vec![("state", "x")],
        vec![],
    ] {
        let reply = end_session(&rig, &parameters);
        assert!(reply.location().starts_with("/account/logout?logoutId="), "{parameters:?}");
        assert!(reply.headers.get(header::SET_COOKIE).is_none() && signed_in(&rig));
        let page = rig.get_reply(reply.location());
        let done = confirm(&rig, &page, &[("sec-fetch-site", "same-origin")]).unwrap();
        assert!(done.location().starts_with("/account/logout?"), "{parameters:?}");
        assert!(!signed_in(&rig));
        let page = rig.get_reply(done.location());
        assert!(page.body.contains("id=\"signed-out\"") && !page.body.contains("return-link"));
        rig.sign_in();
    }
}

#[test]
fn a_hint_of_somebody_else_asks() {
    let mut rig = Rig::new();
    let theirs = rig.sign_in_at("IdS4-AzureAd", "1").tokens(&[]);
    let theirs = theirs["id_token"].as_str().unwrap();
    rig.sign_in();
    let reply =
        end_session(&rig, &[("id_token_hint", theirs), ("post_logout_redirect_uri", SIGNED_OUT)]);
    assert!(reply.location().starts_with("/account/logout?") && signed_in(&rig));
}

#[test]
fn a_client_that_only_names_itself_offers_a_way_on_after_a_yes() {
    let mut rig = Rig::new();
    rig.sign_in();
    let parameters =
        [("client_id", "app"), ("post_logout_redirect_uri", SIGNED_OUT), ("state", "x")];
    let page = rig.get_reply(end_session(&rig, &parameters).location());
    let done = confirm(&rig, &page, &[("origin", "https://id.test")]).unwrap();
    let page = rig.get_reply(done.location());
    assert!(page.body.contains("href=\"https://app.test/out?state=x\""), "{}", page.body);
}

#[test]
fn end07_k242_a_sign_out_that_our_page_did_not_post_is_refused() {
    let mut rig = Rig::new();
    rig.sign_in();
    let page = rig.get_reply("/account/logout");
    for headers in [
        [("sec-fetch-site", "cross-site")],
        [("origin", "https://evil.test")],
        [("origin", "null")],
    ] {
        assert!(matches!(confirm(&rig, &page, &headers), Err(Problem::BadRequest(_))));
    }
    let form = [("content-type", "application/x-www-form-urlencoded")];
    for body in ["", "token=", "token=x", "logoutId=x"] {
        let refused = rig.send(Method::POST, "/account/logout", &form, body);
        assert!(matches!(refused, Err(Problem::BadRequest(_))), "{body}");
    }
    let mut other = Rig::new();
    other.sign_in();
    assert!(signed_in(&rig));
    rig.sign_in();
    let stale = confirm(&rig, &page, &[]);
    assert!(stale.is_err() && signed_in(&rig), "the proof was made for another session");
    assert!(rig.get_reply("/account/logout").body.contains("id=\"sign-out\""), "a GET only asks");
    assert!(signed_in(&rig));
}

#[test]
fn end13_nobody_is_told_at_once_that_nobody_is_signed_in() {
    let rig = Rig::new();
    assert!(rig.get_reply("/account/logout").body.contains("id=\"signed-out\""));
    let reply = end_session(&rig, &[]);
    assert!(rig.get_reply(reply.location()).body.contains("id=\"signed-out\""));
}

/// Access and refresh token of `app`.
fn tokens(rig: &Rig) -> (String, String) {
    let tokens = rig.tokens(&[("scope", "openid offline_access")]);
    let text = |name: &str| tokens[name].as_str().unwrap().to_owned();
    (text("access_token"), text("refresh_token"))
}

pub(super) fn sign_out(rig: &Rig) {
    let page = rig.get_reply("/account/logout");
    confirm(rig, &page, &[]).unwrap();
    assert!(!signed_in(rig));
}

#[test]
fn end14_ref09_a_sign_out_ends_what_was_granted_in_its_session_alone() {
    let mut rig = Rig::new();
    let (_, elsewhere) = tokens(rig.sign_in());
    let first = rig.session.take();
    let (access, mine) = tokens(rig.sign_in());
    let newest = token::refresh(&rig, &mine, &[]).json();
    let newest = newest["refresh_token"].as_str().unwrap();
    sign_out(&rig);
    assert_eq!(token::refresh(&rig, newest, &[]).error(), "400 invalid_grant");
    assert_eq!(rig.userinfo(&access).status, StatusCode::UNAUTHORIZED);
    rig.session = first;
    assert_eq!(token::refresh(&rig, &elsewhere, &[]).status, StatusCode::OK);
}

#[test]
fn end14_a_clients_file_may_let_its_tokens_outlive_the_session() {
    let mut rig = Rig::with(|config| {
        let mut lasting = (*config.identity_server.clients[0]).clone();
        lasting.coordinate_with_session = false;
        config.identity_server.clients[0] = Arc::new(lasting);
    });
    let (access, mine) = tokens(rig.sign_in());
    sign_out(&rig);
    assert_eq!(token::refresh(&rig, &mine, &[]).status, StatusCode::OK);
    assert_eq!(rig.userinfo(&access).status, StatusCode::OK);
}
