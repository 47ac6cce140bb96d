//! What an outsider can drive, and whose share of it.

use std::net::IpAddr;

use crate::config::model::identity_server::ClientSecret;
use crate::crypto::password;
use crate::crypto::secret::Secret;
use crate::store::grants::Kind;
use crate::users::hashing::HashQueue;
use crate::users::local::Attempt;

use super::*;

/// Shows `secret` as the client `id` from `network`; the error, if it is refused.
fn show(rig: &Rig, (id, secret): (&str, &str), network: [u8; 4]) -> Option<String> {
    let fields =
        [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)];
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let mut visit = rig.visit(Method::POST, "/connect/token", &form, &encode(&fields));
    visit.exchange.client = IpAddr::from(network);
    let reply = answered(wait(rig.server.answer(&visit)).unwrap());
    (reply.status != StatusCode::OK).then(|| reply.error())
}

#[test]
fn s350_names_that_nobody_has_are_no_way_around_the_limit_of_a_network() {
    let rig = Rig::new();
    let (right, here) = (("robot", "app-secret"), [192, 0, 2, 1]);
    let refused = Some("401 invalid_client".to_owned());
    for guess in 0..199 {
        assert_eq!(show(&rig, (&format!("nobody-{guess}"), "x"), here), refused);
    }
    for _ in 0..300 {
        assert_eq!(show(&rig, right, here), None, "right ones never count");
    }
    assert_eq!(show(&rig, ("nobody", "x"), here), refused);
    assert_eq!(show(&rig, right, here), refused, "it is not even looked at");
    assert_eq!(show(&rig, right, [192, 0, 2, 2]), None);
    rig.later(1);
    assert_eq!(show(&rig, right, here), None);
}

#[test]
fn s350_one_client_that_is_wrong_for_ever_holds_up_no_other_of_its_network() {
    let rig = Rig::new();
    let here = [192, 0, 2, 1];
    for _ in 0..1_000 {
        show(&rig, ("app", "wrong"), here);
    }
    assert_eq!(show(&rig, ("robot", "app-secret"), here), None);
}

#[test]
fn s350_hashed_secrets_of_clients_wait_in_no_queue_of_people() {
    let mut rig = Rig::with(|config| {
        let mut hashed = (*config.identity_server.clients[4]).clone();
        let hash = password::hash(&Secret::new("slow and sure")).unwrap();
        hashed.secrets = vec![ClientSecret::shared(hash)];
        config.identity_server.clients[4] = Arc::new(hashed);
    });
    let (right, here) = (("robot", "slow and sure"), [192, 0, 2, 1]);
    assert_eq!(show(&rig, right, here), None);
    rig.server.hashing = HashQueue::new(0, 0);
    assert_eq!(show(&rig, right, here), Some("503 temporarily_unavailable".to_owned()));
    let attempt = Attempt { client: here.into(), now: NOW, site: "id" };
    let users = &rig.server.parts.local_users;
    let jane = users.check(&rig.config, "jane", Secret::new("correct horse"), attempt);
    assert!(wait(jane).is_ok());
}

#[test]
fn l259_whoever_says_a_public_clients_name_fills_a_share_of_their_own() {
    let rig = Rig::new();
    let owner = |client: &str, secret: &str, redirect_uri: &str| {
        let form = [
            ("client_id", client),
            ("client_secret", secret),
            ("redirect_uri", redirect_uri),
            ("response_type", if client == "app" { "code" } else { "code id_token" }),
            ("scope", "openid"),
            ("nonce", "n"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        let form: Vec<_> = form.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        let reply = rig.post("/connect/par", &form);
        let name = reply.json()["request_uri"].as_str().unwrap_or(&reply.body).to_owned();
        let handle = name.rsplit(':').next().unwrap();
        let kept = wait(rig.server.parts.grants.find(Kind::PushedRequest, handle, NOW)).unwrap();
        kept.unwrap_or_else(|| panic!("{}", reply.body)).owner
    };
    assert_eq!(owner("Sitecore", "", CMS_CALLBACK), "192.0.2.1");
    assert_eq!(owner("app", "app-secret", CALLBACK), "app");
}

#[test]
fn l259_a_revoked_token_of_a_person_fills_that_persons_share() {
    let mut rig = Rig::new();
    let tokens = rig.sign_in().tokens(&[]);
    let token = tokens["access_token"].as_str().unwrap();
    let (_, claims) = rig.read(token);
    let form = [("client_id", "app"), ("client_secret", "app-secret"), ("token", token)];
    assert_eq!(rig.post("/connect/revocation", &form).status, StatusCode::OK);
    let id = claims["jti"].as_str().unwrap();
    let kept = wait(rig.server.parts.grants.find(Kind::RevokedToken, id, NOW)).unwrap();
    assert_eq!(kept.unwrap().owner, claims["sub"].as_str().unwrap());
}
