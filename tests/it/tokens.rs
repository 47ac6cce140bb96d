//! Class I, as far as sign-ins go: which ID tokens are believed.

use serde_json::json;

use crate::support::journey;
use crate::support::provider::CLIENT_ID;
use crate::support::provider::CLIENT_SECRET;
use crate::support::provider::Edit;
use crate::support::provider::lie;
use crate::support::signing;
use crate::support::signing::Signature;
use crate::support::signing::Token;
use crate::support::world::World;

/// Each of these lies about the ID token must sign nobody in.
async fn refused(lies: Vec<(&str, Edit<Token>)>) {
    let world = World::start().await;
    for (name, edit) in lies {
        world.idp.honest();
        world.idp.twists(edit);
        journey::fails(&world, name).await;
    }
    world.idp.honest();
    world.jane().await;
}

#[tokio::test]
async fn i197_an_unsigned_token_is_refused() {
    let unsigned = |alg: &'static str| -> Edit<Token> {
        lie(move |token: &mut Token| {
            token.header = json!({ "alg": alg });
            token.signature = Signature::Empty;
        })
    };
    refused(vec![
        ("none", unsigned("none")),
        ("None", unsigned("None")),
        ("nOnE", unsigned("nOnE")),
        ("RS256 without signature", unsigned("RS256")),
        (
            "no alg",
            lie(|token: &mut Token| drop(token.header.as_object_mut().unwrap().remove("alg"))),
        ),
    ])
    .await;
}

#[tokio::test]
async fn i199_a_token_signed_with_our_secret_is_refused() {
    refused(vec![
        (
            "our secret",
            lie(|token: &mut Token| {
                token.header["alg"] = json!("HS256");
                token.signature = Signature::Hmac(CLIENT_SECRET.as_bytes().to_vec());
            }),
        ),
        (
            "the public key",
            lie(|token: &mut Token| {
                token.header["alg"] = json!("HS256");
                token.signature = Signature::Hmac(signing::key(0).public_der());
            }),
        ),
    ])
    .await;
}

#[tokio::test]
async fn i200_a_wrong_signature_is_refused() {
    refused(vec![
        ("one bit", lie(|token: &mut Token| token.signature = Signature::Flipped)),
        (
            "another key under this kid",
            lie(|token: &mut Token| token.signature = Signature::Key(2)),
        ),
    ])
    .await;
}

#[tokio::test]
async fn i202_a_token_for_somebody_else_is_refused() {
    refused(vec![
        ("other", lie(|token: &mut Token| token.claims["aud"] = json!("other"))),
        ("list of others", lie(|token: &mut Token| token.claims["aud"] = json!(["other"]))),
        (
            "us and others",
            lie(|token: &mut Token| token.claims["aud"] = json!([CLIENT_ID, "other"])),
        ),
        ("other azp", lie(|token: &mut Token| token.claims["azp"] = json!("other"))),
        ("case", lie(|token: &mut Token| token.claims["aud"] = json!("Gateway"))),
        (
            "none",
            lie(|token: &mut Token| drop(token.claims.as_object_mut().unwrap().remove("aud"))),
        ),
    ])
    .await;
}

#[tokio::test]
async fn i203_a_token_of_another_issuer_is_refused() {
    let edit = |change: fn(&str) -> String| -> Edit<Token> {
        lie(move |token: &mut Token| {
            token.claims["iss"] = json!(change(token.claims["iss"].as_str().unwrap()));
        })
    };
    refused(vec![
        ("slash", edit(|iss| format!("{iss}/"))),
        ("scheme", edit(|iss| iss.replace("http:", "https:"))),
        ("other", edit(|_| "https://evil.test".to_owned())),
        (
            "none",
            lie(|token: &mut Token| drop(token.claims.as_object_mut().unwrap().remove("iss"))),
        ),
    ])
    .await;
}

#[tokio::test]
async fn i205_i206_what_a_token_says_about_its_key_is_not_believed() {
    refused(vec![
        (
            "jwk",
            lie(|token: &mut Token| {
                token.header["jwk"] = signing::key(2).public();
                token.signature = Signature::Key(2);
            }),
        ),
        (
            "jku",
            lie(|token: &mut Token| {
                token.header["jku"] = json!("http://127.0.0.1:9/keys");
                token.header["kid"] = json!("elsewhere");
                token.signature = Signature::Key(2);
            }),
        ),
        (
            "kid of a file",
            lie(|token: &mut Token| {
                token.header["kid"] = json!("../../etc/passwd");
                token.signature = Signature::Key(2);
            }),
        ),
        ("kid that is no text", lie(|token: &mut Token| token.header["kid"] = json!({ "a": 1 }))),
        ("huge kid", lie(|token: &mut Token| token.header["kid"] = json!("k".repeat(100_000)))),
    ])
    .await;
}

#[tokio::test]
async fn i208_a_rotated_key_is_fetched_and_a_removed_one_refused() {
    let world = World::start().await;
    world.jane().await;
    world.idp.lie(|lies| lies.key = 1);
    world.later(61);
    world.jane().await;
    assert_eq!(world.idp.count("jwks"), 2);
    world.idp.twists(lie(|token: &mut Token| {
        token.header["kid"] = json!(signing::key(0).kid);
        token.signature = Signature::Key(0);
    }));
    world.cms.clear();
    journey::fails(&world, "the removed key").await;
}

#[tokio::test]
async fn i208_unknown_keys_are_asked_for_once_a_minute() {
    let world = World::start().await;
    world.jane().await;
    world.cms.clear();
    world.idp.twists(lie(|token: &mut Token| {
        token.header["kid"] = json!("unknown");
        token.signature = Signature::Key(2);
    }));
    for _ in 0..5 {
        journey::fails(&world, "an unknown key").await;
    }
    assert!(world.idp.count("jwks") <= 2, "{} fetches", world.idp.count("jwks"));
}

#[tokio::test]
async fn i211_another_kind_of_token_is_no_id_token() {
    refused(vec![
        ("access token", lie(|token: &mut Token| token.header["typ"] = json!("at+jwt"))),
        (
            "logout token",
            lie(|token: &mut Token| {
                token.header["typ"] = json!("logout+jwt");
                token.claims["events"] =
                    json!({ "http://schemas.openid.net/event/backchannel-logout": {} });
            }),
        ),
        ("unknown crit", lie(|token: &mut Token| token.header["crit"] = json!(["foo"]))),
    ])
    .await;
}

#[tokio::test]
async fn i218_a_wrong_at_hash_is_refused() {
    refused(vec![(
        "at_hash",
        lie(|token: &mut Token| token.claims["at_hash"] = json!("AAAAAAAAAAAAAAAAAAAAAA")),
    )])
    .await;
}
