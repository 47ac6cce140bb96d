//! Access tokens of another identity server, whose keys alone are known here; and sites whose CMS
//! reads `Authorization` itself.

use serde_json::Value;
use serde_json::json;

use crate::support::signing;
use crate::support::signing::Signature;
use crate::support::signing::Token;
use crate::support::wire::Answer;
use crate::support::world::World;

async fn start(more: &str) -> World {
    World::made(|idp| {
        format!(
            r#"<pipelines><owin.initialize>
<processor type="Sitecore.Owin.Authentication.IdentityServer.Pipelines.Initialize.JwtBearerAuthentication, Sitecore.Owin.Authentication.IdentityServer" resolve="true">
  <identityProviderName>Partner</identityProviderName>
  <issuers hint="list"><issuer>{}</issuer></issuers>
</processor></owin.initialize></pipelines>{more}"#,
            idp.issuer
        )
    })
    .await
}

fn claims(world: &World) -> Value {
    let now = world.clock.now().0;
    json!({
        "iss": world.idp.issuer, "aud": ["sitecore.profile.api", "x"], "exp": now + 3_600,
        "nbf": now, "iat": now, "client_id": "spa", "scope": ["sitecore.profile.api"],
        "sub": "jane", "preferred_username": "jane", "groups": ["editors"],
    })
}

fn token(world: &World) -> Token {
    let mut token = Token::of(claims(world), 0);
    token.header["typ"] = json!("at+jwt");
    token
}

async fn call(world: &World, path: &str, token: &str) -> Answer {
    world.raw_get(path, &format!("Authorization: Bearer {token}\r\n")).await
}

#[tokio::test]
async fn a_token_is_verified_with_the_keys_that_its_issuer_publishes() {
    let world = start("").await;
    let good = token(&world);
    assert_eq!(call(&world, "/sitecore/shell/x", &good.encode()).await.status, 200);
    let seen = world.cms.last();
    assert_eq!(seen.user(), Some("sitecore\\jane"));
    assert_eq!(seen.header("x-forwarded-groups"), Some("sitecore\\Author"));
    world.cms.clear();
    let with = |edit: &dyn Fn(&mut Token)| {
        let mut token = good.clone();
        edit(&mut token);
        token.encode()
    };
    for (what, wrong) in [
        ("a foreign key", with(&|t| t.signature = Signature::Key(2))),
        ("no signature", with(&|t| t.signature = Signature::Empty)),
        ("a broken signature", with(&|t| t.signature = Signature::Flipped)),
        (
            "a shared secret",
            with(&|t| {
                t.header["alg"] = json!("HS256");
                t.signature = Signature::Hmac(signing::key(0).kid.clone().into_bytes());
            }),
        ),
        ("another issuer", with(&|t| t.claims["iss"] = json!("https://evil.test"))),
        ("another audience", with(&|t| t.claims["aud"] = json!("spa"))),
        ("an ID token", with(&|t| drop(t.claims.as_object_mut().unwrap().remove("scope")))),
        ("a logout token", with(&|t| t.header["typ"] = json!("logout+jwt"))),
        ("one bound to a key", with(&|t| t.claims["cnf"] = json!({ "jkt": "k" }))),
        ("an empty subject", with(&|t| t.claims["sub"] = json!(""))),
        ("a subject that is a number", with(&|t| t.claims["sub"] = json!(1))),
        (
            "a program's own that calls itself a person",
            with(&|t| {
                t.claims["client_id"] = t.claims["sub"].clone();
            }),
        ),
        ("one of tomorrow", with(&|t| t.claims["nbf"] = json!(world.clock.now().0 + 86_400))),
        ("unknown crit", with(&|t| t.header["crit"] = json!(["x"]))),
    ] {
        let answer = call(&world, "/sitecore/shell/x", &wrong).await;
        assert!(matches!(answer.status, 401 | 403), "{what}: {}", answer.status);
        assert_eq!(world.cms.count(), 0, "{what}");
    }
}

#[tokio::test]
async fn i208_a_key_that_was_rotated_in_is_fetched_and_garbage_asks_nobody() {
    let world = start("").await;
    for garbage in ["x", "a.b.c", &signing::base64url("{}")] {
        assert_eq!(call(&world, "/sitecore/shell/x", garbage).await.status, 401);
    }
    assert_eq!((world.idp.count("jwks"), world.idp.count("discovery")), (0, 0));
    assert_eq!(call(&world, "/sitecore/shell/x", &token(&world).encode()).await.status, 200);
    world.idp.lie(|lies| lies.key = 1);
    world.later(61);
    let mut rotated = Token::of(claims(&world), 1);
    rotated.header["typ"] = json!("at+jwt");
    assert_eq!(call(&world, "/sitecore/shell/x", &rotated.encode()).await.status, 200);
    assert_eq!(world.idp.count("jwks"), 2);
    let old = token(&world).encode();
    assert_eq!(call(&world, "/sitecore/shell/x", &old).await.status, 401);
}

#[tokio::test]
async fn without_the_issuers_keys_nobody_is_believed_and_nobody_blamed() {
    let world = start("").await;
    world.idp.answers("jwks", vec![crate::support::cms::Step::Close]);
    let answer = call(&world, "/sitecore/shell/x", &token(&world).encode()).await;
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert_eq!(world.cms.count(), 0);
}

#[tokio::test]
async fn where_the_cms_reads_the_header_itself_it_gets_what_is_not_ours_to_judge() {
    let pass = r#"<sites><site name="website" set:authorization="pass" /></sites>"#;
    let world = start(pass).await;
    for own in ["of-the-cms-itself", "a.b.c"] {
        assert_eq!(call(&world, "/public/x", own).await.status, 200);
        let seen = world.cms.last();
        assert_eq!(seen.header("authorization"), Some(format!("Bearer {own}").as_str()));
        assert_eq!(seen.header("x-forwarded-user"), None);
    }
    let good = token(&world).encode();
    assert_eq!(call(&world, "/public/x", &good).await.status, 200);
    let seen = world.cms.last();
    assert_eq!(seen.user(), Some("sitecore\\jane"));
    assert_eq!(seen.header("authorization"), Some(format!("Bearer {good}").as_str()));
    let mut forged = token(&world);
    forged.signature = Signature::Key(2);
    assert_eq!(call(&world, "/public/x", &forged.encode()).await.status, 401);
}
