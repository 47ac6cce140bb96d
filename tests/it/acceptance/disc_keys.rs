//! DISC-12 to DISC-16: the keys that are published, and how they follow each other.

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use vestibule::cli::key;
use vestibule::cli::key::Change;
use vestibule::crypto::digest;
use vestibule::identity_server::key_ring::Listed;

use crate::acceptance::house::House;
use crate::acceptance::house::basic;
use crate::acceptance::house::client;
use crate::acceptance::house::settings;
use crate::support::signing::part;

const DAY: u64 = 86_400;

/// Keys that come and go within the life of a token.
const FAST: &str =
    r#"<gateway><signingKeys set:announce="10m" set:rotate="2h" set:retain="10m" /></gateway>"#;

/// A client whose file names ES256.
fn modern() -> String {
    client(
        "modern",
        "authorization_code",
        "<AllowedIdentityTokenSigningAlgorithms><A1>ES256</A1></AllowedIdentityTokenSigningAlgorithms>",
    )
}

async fn jwks(house: &House) -> Vec<Value> {
    let answer = house.get("/.well-known/openid-configuration/jwks", &[]).await;
    assert_eq!(answer.status, 200);
    answer.json()["keys"].as_array().unwrap().clone()
}

async fn kids(house: &House) -> BTreeSet<String> {
    jwks(house).await.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

/// An access token of `client` and the `kid` that signed it.
async fn token(house: &House, client: &str) -> (String, String) {
    let tokens = house.tokens(&mut house.browser(), client, &[("scope", "openid api1")]).await;
    let token = tokens["access_token"].as_str().unwrap().to_owned();
    let kid = part(&token, 0)["kid"].as_str().unwrap().to_owned();
    (token, kid)
}

async fn is_good(house: &House, token: &str) -> bool {
    let credentials = basic("api1", "api1-secret-0123456789");
    let headers = [("Authorization", credentials.as_str())];
    let active = house.post("/connect/introspect", &headers, &[("token", token)]).await.json();
    let asked = house.userinfo(token).await.status;
    let active = active["active"] == true;
    assert_eq!(active, asked == 200, "introspection and userinfo agree");
    active
}

/// Rotates by hand, as `vestibule key rotate` does beside the running gateway.
async fn rotate(house: &House, change: Change) {
    change_keys(house, change).await.unwrap();
    look(house).await;
}

async fn change_keys(house: &House, change: Change) -> anyhow::Result<Vec<Listed>> {
    key::keys(&house.gateway.app.config(), house.clock.clone(), change).await
}

/// Lets the gateway look at its keys, as it does every few seconds.
async fn look(house: &House) {
    house.gateway.app.reload().await.unwrap();
}

#[tokio::test]
async fn disc12_i217_a_key_shows_what_it_is_and_nothing_private() {
    let house = House::start().await;
    let keys = jwks(&house).await;
    assert_eq!(keys.len(), 2);
    for key in keys {
        let members: BTreeSet<&str> = key.as_object().unwrap().keys().map(String::as_str).collect();
        let expected: &[&str] = match key["kty"].as_str().unwrap() {
            "RSA" => &["alg", "e", "kid", "kty", "n", "use"],
            _ => &["alg", "crv", "kid", "kty", "use", "x", "y"],
        };
        assert_eq!(members, expected.iter().copied().collect());
        assert_eq!(key["use"], "sig");
    }
}

#[tokio::test]
async fn disc13_coordinates_have_their_width_and_a_foreign_library_verifies_with_either_key() {
    let house = House::with(&modern(), "").await;
    let keys = jwks(&house).await;
    let ec = keys.iter().find(|key| key["kty"] == "EC").unwrap();
    assert_eq!(ec["crv"], "P-256");
    for coordinate in ["x", "y"] {
        let bytes = URL_SAFE_NO_PAD.decode(ec[coordinate].as_str().unwrap()).unwrap();
        assert_eq!(bytes.len(), 32);
    }
    let rsa = keys.iter().find(|key| key["kty"] == "RSA").unwrap();
    let modulus = URL_SAFE_NO_PAD.decode(rsa["n"].as_str().unwrap()).unwrap();
    assert_eq!((modulus.len(), modulus[0] >= 0x80, &rsa["e"]), (256, true, &"AQAB".into()));
    for (client, algorithm) in [("web", "RS256"), ("modern", "ES256")] {
        let tokens = house.tokens(&mut house.browser(), client, &[]).await;
        let (header, claims) = house.verified(tokens["id_token"].as_str().unwrap()).await;
        assert_eq!((&header["alg"], &claims["aud"]), (&algorithm.into(), &client.into()));
    }
}

#[tokio::test]
async fn disc14_each_key_has_its_own_algorithm_and_name() {
    let house = House::start().await;
    let keys = jwks(&house).await;
    let pairs: BTreeSet<(&str, &str)> =
        keys.iter().map(|k| (k["kty"].as_str().unwrap(), k["alg"].as_str().unwrap())).collect();
    assert_eq!(pairs, [("EC", "ES256"), ("RSA", "RS256")].into());
    rotate(&house, Change::Rotate).await;
    assert_eq!((jwks(&house).await.len(), kids(&house).await.len()), (4, 4));
}

/// Certificate and key in PEM.
fn certificate(kind: &'static rcgen::SignatureAlgorithm) -> (rcgen::Certificate, rcgen::KeyPair) {
    let key = rcgen::KeyPair::generate_for(kind).unwrap();
    let certificate = rcgen::CertificateParams::default().self_signed(&key).unwrap();
    (certificate, key)
}

#[tokio::test]
async fn disc15_of_two_certificates_the_first_signs_and_the_seconds_tokens_stay_good() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let (rsa, rsa_key) = certificate(&rcgen::PKCS_RSA_SHA256);
    let (ec, ec_key) = certificate(&rcgen::PKCS_ECDSA_P256_SHA256);
    for (name, pem) in [
        ("rsa.pem", rsa.pem()),
        ("rsa.key", rsa_key.serialize_pem()),
        ("ec.pem", ec.pem()),
        ("ec.key", ec_key.serialize_pem()),
    ] {
        std::fs::write(at(name), pem).unwrap();
    }
    let entry = |name: &str| {
        format!(
            r#"<certificate file="{}" key="{}" />"#,
            at(&format!("{name}.pem")),
            at(&format!("{name}.key"))
        )
    };
    let patch = |entries: &str| format!("<gateway><signingKeys>{entries}</signingKeys></gateway>");
    let house = House::with("", &patch(&entry("rsa"))).await;
    let published = jwks(&house).await;
    assert_eq!(published.len(), 1, "{published:?}");
    assert_eq!(published[0]["x5c"], serde_json::json!([STANDARD.encode(rsa.der())]));
    let x5t = URL_SAFE_NO_PAD.encode(digest::sha1(rsa.der()));
    assert_eq!(published[0]["x5t"], x5t);
    let (old, old_kid) = token(&house, "web").await;
    assert_eq!(part(&old, 0)["x5t"], x5t);

    house.reload(&settings(""), &patch(&format!("{}{}", entry("ec"), entry("rsa")))).await;
    let published = jwks(&house).await;
    assert_eq!((&published[0]["alg"], &published[1]["alg"]), (&"ES256".into(), &"RS256".into()));
    let (new, new_kid) = token(&house, "web").await;
    assert_ne!(old_kid, new_kid);
    assert_eq!(part(&new, 0)["alg"], "ES256");
    assert!(is_good(&house, &new).await && is_good(&house, &old).await);
    let algorithms = house.get("/.well-known/openid-configuration", &[]).await.json();
    let algorithms = &algorithms["id_token_signing_alg_values_supported"];
    assert_eq!(algorithms, &serde_json::json!(["ES256", "RS256"]));

    house.reload(&settings(""), &patch(&entry("ec"))).await;
    assert!(is_good(&house, &new).await);
    assert!(!is_good(&house, &old).await, "what is taken out of the configuration is not known");
}

#[tokio::test]
async fn disc16_a_rollover_by_hand_needs_no_restart_and_breaks_no_token() {
    let house = House::with("", FAST).await;
    let before = kids(&house).await;
    let tokens = house.tokens(&mut house.browser(), "web", &[("scope", "openid api1")]).await;
    let old = tokens["access_token"].as_str().unwrap();
    let old_kid = part(old, 0)["kid"].clone();

    rotate(&house, Change::Rotate).await;
    let both = kids(&house).await;
    assert!(both.is_superset(&before) && both.len() == 4, "published before their first use");
    assert_eq!(token(&house, "web").await.1, old_kid, "the old one still signs");
    rotate(&house, Change::Rotate).await;
    assert_eq!(kids(&house).await, both, "one successor is enough");

    house.later(600);
    let (new, new_kid) = token(&house, "web").await;
    assert!(both.contains(&new_kid) && !before.contains(&new_kid));
    assert!(is_good(&house, &new).await && is_good(&house, old).await);
    assert_eq!(kids(&house).await, both, "the old ones stay");
    house.verified(old).await;
    let hint = tokens["id_token"].as_str().unwrap();
    let ended = house.get(&format!("/connect/endsession?id_token_hint={hint}"), &[]).await;
    assert!(ended.status < 400, "{} {}", ended.status, ended.gist());

    // Longer than any token of a client lives, though `retain` asks for less.
    house.later(3_599);
    assert_eq!(kids(&house).await, both);
    house.later(1);
    let after = kids(&house).await;
    assert!(after.is_disjoint(&before) && after.len() == 2, "retired");
}

#[tokio::test]
async fn disc16_keys_follow_each_other_by_the_clock() {
    let house = House::start().await;
    let before = kids(&house).await;
    house.later(76 * DAY - 60);
    look(&house).await;
    assert_eq!(kids(&house).await, before);
    house.later(120);
    look(&house).await;
    let both = kids(&house).await;
    assert_eq!((both.len(), both.is_superset(&before)), (4, true));
    assert_eq!(house.gateway.metric("vestibule_signing_keys", &["state=\"announced\""]).await, 2);
    assert!(before.contains(&token(&house, "web").await.1));
    house.later(14 * DAY);
    assert!(!before.contains(&token(&house, "web").await.1));
    house.later(14 * DAY);
    look(&house).await;
    assert!(kids(&house).await.is_disjoint(&before));
    assert_eq!(house.gateway.metric("vestibule_signing_keys", &["state=\"signing\""]).await, 2);
}

#[tokio::test]
async fn disc16_at_once_means_after_every_instance_has_published_it() {
    let house = House::start().await;
    let (old, old_kid) = token(&house, "web").await;
    rotate(&house, Change::RotateNow).await;
    assert_eq!(token(&house, "web").await.1, old_kid);
    house.later(15);
    let (_, kid) = token(&house, "web").await;
    assert_ne!(kid, old_kid);
    assert!(is_good(&house, &old).await);
}

#[tokio::test]
async fn a_key_that_others_have_seen_is_forgotten_once_another_signs() {
    let house = House::start().await;
    let (token, kid) = token(&house, "web").await;
    let refused = change_keys(&house, Change::Forget(kid.clone())).await.unwrap_err();
    assert!(refused.to_string().contains("rotate --now"), "{refused}");
    rotate(&house, Change::RotateNow).await;
    house.later(15);
    assert!(is_good(&house, &token).await);
    rotate(&house, Change::Forget(kid.clone())).await;
    assert!(!is_good(&house, &token).await && !kids(&house).await.contains(&kid));
    assert!(change_keys(&house, Change::Forget("unknown".to_owned())).await.is_err());
}

#[tokio::test]
async fn disc16_the_running_gateway_notices_a_rotation_by_itself() {
    let house = House::start().await;
    change_keys(&house, Change::Rotate).await.unwrap();
    for _ in 0..100 {
        if kids(&house).await.len() == 4 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("not noticed within ten seconds");
}
