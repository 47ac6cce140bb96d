//! DPoP (RFC 9449): tokens that only the holder of a key can use.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED_SIGNING;
use aws_lc_rs::signature::EcdsaKeyPair;
use aws_lc_rs::signature::KeyPair;
use serde_json::Value;
use serde_json::json;

use crate::acceptance::house::House;
use crate::acceptance::house::client;
use crate::acceptance::house::redirect_uri;
use crate::acceptance::tok::refused;
use crate::support::signing::base64url;
use crate::support::signing::sha256;
use crate::support::wire::Answer;

// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A client's key.
struct Holder(EcdsaKeyPair);

impl Holder {
    fn new() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    fn jwk(&self) -> Value {
        let point = self.0.public_key().as_ref();
        json!({"crv": "P-256", "kty": "EC", "x": base64url(&point[1..33]), "y": base64url(&point[33..])})
    }

    /// RFC 7638: SHA-256 of the members in lexicographic order.
    fn thumbprint(&self) -> String {
        let jwk = self.jwk();
        let (x, y) = (&jwk["x"], &jwk["y"]);
        base64url(sha256(format!(r#"{{"crv":"P-256","kty":"EC","x":{x},"y":{y}}}"#).as_bytes()))
    }

    /// A proof for `method` and `path` of the house; `more` claims stand beside or in place of the
    /// usual ones.
    fn proof(&self, house: &House, (method, path): (&str, &str), more: &[(&str, Value)]) -> String {
        let header = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk()});
        let mut claims = json!({"jti": base64url(sha256(&random())), "htm": method,
            "htu": format!("{}{path}", house.issuer()), "iat": house.clock.now().0});
        for (name, value) in more {
            claims[name] = value.clone();
        }
        let message =
            format!("{}.{}", base64url(header.to_string()), base64url(claims.to_string()));
        let signature = self.0.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
        format!("{message}.{}", base64url(signature))
    }

    fn for_token(&self, house: &House) -> String {
        self.proof(house, TOKEN, &[])
    }
}

const TOKEN: (&str, &str) = ("POST", "/connect/token");
const USERINFO: (&str, &str) = ("GET", "/connect/userinfo");

fn random() -> [u8; 16] {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).unwrap();
    bytes
}

/// Calls the token endpoint as the client `public`, with proofs.
async fn post(house: &House, proofs: &[&str], form: &[(&str, &str)]) -> Answer {
    let headers: Vec<_> = proofs.iter().map(|proof| ("DPoP", *proof)).collect();
    let form: Vec<_> = [("client_id", "public")].iter().chain(form).copied().collect();
    house.post("/connect/token", &headers, &form).await
}

/// A code of `public` for Jane.
async fn code(house: &House, more: &[(&str, &str)]) -> String {
    let pkce = [
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("scope", "openid email offline_access"),
    ];
    let more: Vec<_> = pkce.iter().chain(more).copied().collect();
    house.authorize(&mut house.browser(), "public", &more).await.sent("code").to_owned()
}

async fn redeem(house: &House, code: &str, proof: &str) -> Answer {
    let redirect_uri = redirect_uri("public");
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", &redirect_uri),
        ("code_verifier", VERIFIER),
    ];
    post(house, &[proof], &form).await
}

async fn refresh(house: &House, token: &Value, proofs: &[&str]) -> Answer {
    let form = [("grant_type", "refresh_token"), ("refresh_token", token.as_str().unwrap())];
    post(house, proofs, &form).await
}

async fn userinfo(house: &House, scheme: &str, token: &str, proofs: &[&str]) -> Answer {
    let line = format!("{scheme} {token}");
    let mut headers = vec![("Authorization", line.as_str())];
    headers.extend(proofs.iter().map(|proof| ("DPoP", *proof)));
    house.get("/connect/userinfo", &headers).await
}

#[tokio::test]
async fn dpop_a_token_is_bound_to_the_key_that_was_proven() {
    let house = House::start().await;
    let holder = Holder::new();
    let answer = redeem(&house, &code(&house, &[]).await, &holder.for_token(&house)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let tokens = answer.json();
    assert_eq!(tokens["token_type"], "DPoP");
    let token = tokens["access_token"].as_str().unwrap();
    let (_, claims) = house.verified(token).await;
    assert_eq!(claims["cnf"], json!({"jkt": holder.thumbprint()}));

    let ath = ("ath", json!(base64url(sha256(token.as_bytes()))));
    let proof = holder.proof(&house, USERINFO, std::slice::from_ref(&ath));
    let info = userinfo(&house, "DPoP", token, &[&proof]).await;
    assert_eq!((info.status, &info.json()["email"]), (200, &json!("jane@example.test")));

    let bearer = userinfo(&house, "Bearer", token, &[]).await;
    assert_eq!(bearer.status, 401, "RFC 9449 section 7.1");
    let again = userinfo(&house, "DPoP", token, &[&proof]).await;
    assert_eq!(again.status, 401, "a proof is used once");
    assert!(again.header("www-authenticate").unwrap().starts_with("DPoP "));
    for wrong in [
        Holder::new().proof(&house, USERINFO, std::slice::from_ref(&ath)),
        holder.proof(&house, USERINFO, &[]),
        holder.proof(&house, ("POST", "/connect/userinfo"), std::slice::from_ref(&ath)),
        holder.proof(&house, TOKEN, std::slice::from_ref(&ath)),
        holder.proof(&house, USERINFO, &[ath.clone(), ("iat", json!(house.clock.now().0 - 301))]),
    ] {
        assert_eq!(userinfo(&house, "DPoP", token, &[&wrong]).await.status, 401);
    }
    assert_eq!(userinfo(&house, "DPoP", token, &[]).await.status, 401);
}

#[tokio::test]
async fn dpop_a_proof_that_proves_nothing_is_refused_at_the_token_endpoint() {
    let house = House::start().await;
    let holder = Holder::new();
    let form = [("grant_type", "refresh_token"), ("refresh_token", "x")];
    let used = holder.for_token(&house);
    refused(&post(&house, &[&used], &form).await, 400, "invalid_grant");
    refused(&post(&house, &[&used], &form).await, 400, "invalid_dpop_proof");
    let two = [&*holder.for_token(&house), &holder.for_token(&house)];
    refused(&post(&house, &two, &form).await, 400, "invalid_dpop_proof");
    for wrong in [
        "x".to_owned(),
        holder.proof(&house, ("GET", "/connect/token"), &[]),
        holder.proof(&house, TOKEN, &[("htu", json!("https://evil.test/connect/token"))]),
        holder.proof(&house, TOKEN, &[("iat", json!(house.clock.now().0 + 120))]),
    ] {
        refused(&post(&house, &[&wrong], &form).await, 400, "invalid_dpop_proof");
    }
}

#[tokio::test]
async fn dpop_a_public_clients_refresh_token_is_bound_too() {
    let house = House::start().await;
    let (holder, thief) = (Holder::new(), Holder::new());
    let proof = holder.for_token(&house);
    let tokens = redeem(&house, &code(&house, &[]).await, &proof).await.json();
    let token = &tokens["refresh_token"];
    refused(&refresh(&house, token, &[]).await, 400, "invalid_grant");
    refused(&refresh(&house, token, &[&thief.for_token(&house)]).await, 400, "invalid_grant");
    let renewed = refresh(&house, token, &[&holder.for_token(&house)]).await;
    assert_eq!((renewed.status, &renewed.json()["token_type"]), (200, &json!("DPoP")));
}

#[tokio::test]
async fn dpop_a_code_is_bound_to_the_key_that_its_request_named() {
    let house = House::start().await;
    let (holder, thief) = (Holder::new(), Holder::new());
    let named = [("dpop_jkt", holder.thumbprint())];
    let named: Vec<_> = named.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let code = code(&house, &named).await;
    refused(&redeem(&house, &code, &thief.for_token(&house)).await, 400, "invalid_grant");
}

/// Pushes a request for a code of `public`, with proofs.
async fn push(house: &House, proofs: &[&str], more: &[(&str, &str)]) -> Answer {
    let headers: Vec<_> = proofs.iter().map(|proof| ("DPoP", *proof)).collect();
    let redirect_uri = redirect_uri("public");
    let usual = [
        ("client_id", "public"),
        ("response_type", "code"),
        ("redirect_uri", &redirect_uri),
        ("scope", "openid"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let form: Vec<_> = usual.iter().chain(more).copied().collect();
    house.post("/connect/par", &headers, &form).await
}

#[tokio::test]
async fn rfc9449_10_1_a_proof_beside_a_pushed_request_binds_its_code() {
    const PAR: (&str, &str) = ("POST", "/connect/par");
    let house = House::start().await;
    let (holder, thief) = (Holder::new(), Holder::new());
    let proof = |holder: &Holder| holder.proof(&house, PAR, &[]);
    let thumbprint = holder.thumbprint();
    let first = proof(&holder);
    let pushed = push(&house, &[&first], &[]).await;
    assert_eq!(pushed.status, 201, "{}", pushed.text());
    for (proofs, named) in [
        (vec![first.clone()], ""),
        (vec![proof(&holder), proof(&holder)], ""),
        (vec![holder.for_token(&house)], ""),
        (vec![proof(&thief)], &*thumbprint),
    ] {
        let proofs: Vec<_> = proofs.iter().map(String::as_str).collect();
        let more = [("dpop_jkt", named)];
        let answer = push(&house, &proofs, if named.is_empty() { &[] } else { &more }).await;
        assert_eq!(
            (answer.status, &answer.json()["error"]),
            (400, &json!("invalid_dpop_proof")),
            "{named}"
        );
    }
    let same = push(&house, &[&proof(&holder)], &[("dpop_jkt", &thumbprint)]).await;
    assert_eq!(same.status, 201, "{}", same.text());
    for (pushed, who, redeemed) in [(&pushed, &thief, false), (&same, &holder, true)] {
        let name = pushed.json()["request_uri"].as_str().unwrap().to_owned();
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("client_id", "public"), ("request_uri", &name)])
            .finish();
        let mut browser = house.browser();
        let answer = browser.get(&format!("/connect/authorize?{query}")).await;
        let page = house.onward(&mut browser, answer).await.page();
        let reply = house.type_in(&mut browser, &page, "jane").await.reply();
        let answer = redeem(&house, reply.sent("code"), &who.for_token(&house)).await;
        if redeemed {
            assert_eq!(answer.status, 200, "{}", answer.text());
        } else {
            refused(&answer, 400, "invalid_grant");
        }
    }
}

#[tokio::test]
async fn rfc9449_8_a_nonce_is_asked_for_where_requests_are_pushed_too() {
    let keys = "<RequireDPoP>true</RequireDPoP><DPoPValidationMode>Nonce</DPoPValidationMode>";
    let house = House::with(&client("fresh", "authorization_code", keys), "").await;
    let holder = Holder::new();
    let credentials = super::house::basic("fresh", &super::house::secret("fresh"));
    let redirect_uri = redirect_uri("fresh");
    let form = [("response_type", "code"), ("redirect_uri", &redirect_uri), ("scope", "openid")];
    let push = async |more: &[(&str, Value)]| {
        let proof = holder.proof(&house, ("POST", "/connect/par"), more);
        let headers = [("Authorization", &*credentials), ("DPoP", &*proof)];
        house.post("/connect/par", &headers, &form).await
    };
    let without = push(&[]).await;
    let error = without.json()["error"].clone();
    assert_eq!((without.status, error), (400, json!("use_dpop_nonce")));
    let nonce = json!(without.header("dpop-nonce").unwrap());
    assert_eq!(push(&[("nonce", nonce)]).await.status, 201);
    let headers = [("Authorization", &*credentials)];
    let plain = house.post("/connect/par", &headers, &form).await;
    assert_eq!(plain.status, 201, "the token endpoint asks for the proof");
}

#[tokio::test]
async fn dpop_a_client_that_must_prove_a_key_gets_nothing_without() {
    let must = client("bound", "client_credentials", "<RequireDPoP>true</RequireDPoP>");
    let nonce = "<RequireDPoP>true</RequireDPoP><DPoPValidationMode>Nonce</DPoPValidationMode>";
    let house =
        House::with(&format!("{must}{}", client("fresh", "client_credentials", nonce)), "").await;
    let form = [("grant_type", "client_credentials")];
    refused(&house.token("bound", &form).await, 400, "invalid_dpop_proof");
    let holder = Holder::new();
    let ask = async |client: &str, more: &[(&str, Value)]| {
        let proof = holder.proof(&house, TOKEN, more);
        let secret = super::house::secret(client);
        let basic = super::house::basic(client, &secret);
        house.post("/connect/token", &[("Authorization", &basic), ("DPoP", &proof)], &form).await
    };
    let bound = ask("bound", &[]).await;
    assert_eq!((bound.status, &bound.json()["token_type"]), (200, &json!("DPoP")));
    let without = ask("fresh", &[]).await;
    refused(&without, 400, "use_dpop_nonce");
    let nonce = json!(without.header("dpop-nonce").unwrap());
    assert_eq!(ask("fresh", &[("nonce", nonce.clone())]).await.status, 200);
    house.later(301);
    refused(&ask("fresh", &[("nonce", nonce)]).await, 400, "use_dpop_nonce");
}
