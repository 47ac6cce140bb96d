//! TOK: the token endpoint in general and how clients prove who they are.

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use serde_json::json;
use vestibule::crypto::password;
use vestibule::crypto::secret::Secret;

use crate::acceptance::house::House;
use crate::acceptance::house::client;
use crate::acceptance::house::secret;
use crate::support::signing;
use crate::support::signing::Signature;
use crate::support::signing::Token;
use crate::support::wire::Answer;
use crate::support::wire::Wire;

const GRANT: (&str, &str) = ("grant_type", "client_credentials");

/// Fails unless `answer` is a refusal of this kind, as the token endpoint makes them.
#[track_caller]
pub(super) fn refused(answer: &Answer, status: u16, error: &str) {
    assert_eq!((answer.status, answer.json()["error"].as_str()), (status, Some(error)));
    uncached(answer);
}

#[track_caller]
fn uncached(answer: &Answer) {
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let cached = answer.header("cache-control").unwrap_or_default();
    assert!(cached.contains("no-store") && cached.contains("no-cache"), "{cached}");
    assert_eq!(answer.header("pragma"), Some("no-cache"));
}

/// Posts client credentials' own parameters.
async fn post(house: &House, form: &[(&str, &str)]) -> Answer {
    let form: Vec<_> = [GRANT].iter().chain(form).copied().collect();
    house.post("/connect/token", &[], &form).await
}

/// Sends `credentials` by Basic, as they stand.
async fn authorized(house: &House, credentials: &str, form: &[(&str, &str)]) -> Answer {
    let line = format!("Basic {}", STANDARD.encode(credentials));
    let form: Vec<_> = [GRANT].iter().chain(form).copied().collect();
    house.post("/connect/token", &[("Authorization", &line)], &form).await
}

#[tokio::test]
async fn tok01_anything_but_a_posted_form_is_an_invalid_request() {
    let house = House::start().await;
    refused(&house.get("/connect/token", &[]).await, 400, "invalid_request");
    refused(
        &house.call("PUT", "/connect/token", &[], Some(&[GRANT])).await,
        400,
        "invalid_request",
    );
    let mut program = house.browser();
    let json = program.bare("POST", "/connect/token").body("application/json", "{}");
    refused(&program.send(json).await, 400, "invalid_request");
}

#[tokio::test]
async fn tok02_whoever_is_nobody_or_proves_nothing_is_an_invalid_client() {
    let off = client("off", "client_credentials", "<Enabled>false</Enabled>");
    let house = House::with(&off, "").await;
    refused(&post(&house, &[]).await, 401, "invalid_client");
    for (id, secret) in [
        ("nobody", "machine-secret-0123456789"),
        ("Machine", "machine-secret-0123456789"),
        ("off", "off-secret-0123456789"),
        ("machine", "wrong"),
        ("machine", ""),
    ] {
        let posted = post(&house, &[("client_id", id), ("client_secret", secret)]).await;
        refused(&posted, 401, "invalid_client");
        assert_eq!(posted.header("www-authenticate"), None, "{id}");
        let sent = authorized(&house, &format!("{id}:{secret}"), &[]).await;
        refused(&sent, 401, "invalid_client");
        let challenge = sent.header("www-authenticate").unwrap();
        assert!(challenge.starts_with("Basic realm="), "{challenge}");
    }
}

#[tokio::test]
async fn tok03_basic_and_post_both_work() {
    let house = House::start().await;
    let secret = secret("machine");
    let posted = post(&house, &[("client_id", "machine"), ("client_secret", &secret)]).await;
    assert_eq!(posted.status, 200, "{}", posted.text());
    assert_eq!(house.token("machine", &[GRANT]).await.status, 200);
}

#[tokio::test]
async fn tok04_basic_parts_are_form_decoded() {
    let keys = "<ClientSecrets><S1>a:b%c+d e-f é</S1></ClientSecrets>";
    let house = House::with(&client("odd-1", "client_credentials", keys), "").await;
    for encoded in [
        "odd-1:a%3Ab%25c%2Bd+e-f+%C3%A9",
        "odd%2D1:a%3Ab%25c%2Bd%20e%2Df%20%c3%a9",
        "odd-1:a:b%25c%2Bd+e-f+é",
    ] {
        let answer = authorized(&house, encoded, &[]).await;
        assert_eq!(answer.status, 200, "{encoded}: {}", answer.text());
    }
    refused(&authorized(&house, "odd-1:a:b%c+d e-f é", &[]).await, 401, "invalid_client");
}

#[tokio::test]
async fn tok05_a_malformed_basic_line_is_an_invalid_client_and_another_scheme_is_none() {
    let house = House::start().await;
    let secret = secret("machine");
    let form = [GRANT, ("client_id", "machine"), ("client_secret", &secret)];
    for line in ["Basic", "Basic ", "Basic ***", "Basic bWFjaGluZQ==", "Basic //79", "basic Og=="] {
        let answer = house.post("/connect/token", &[("Authorization", line)], &[GRANT]).await;
        refused(&answer, 401, "invalid_client");
    }
    for line in ["Bearer abc", "Negotiate YII=", "x"] {
        let answer = house.post("/connect/token", &[("Authorization", line)], &form).await;
        assert_eq!(answer.status, 200, "{line}: {}", answer.text());
    }
}

#[tokio::test]
async fn tok06_a_public_client_names_itself_and_is_refused_with_a_secret() {
    let house = House::start().await;
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", "x")];
    // To be refused for the token is to be known as the client.
    let named = [&refresh[..], &[("client_id", "public")]].concat();
    refused(&house.post("/connect/token", &[], &named).await, 400, "invalid_grant");
    let line = format!("Basic {}", STANDARD.encode("public:"));
    let by_basic = house.post("/connect/token", &[("Authorization", &line)], &refresh).await;
    refused(&by_basic, 400, "invalid_grant");
    let secret = [&named[..], &[("client_secret", "anything")]].concat();
    refused(&house.post("/connect/token", &[], &secret).await, 401, "invalid_client");
}

#[tokio::test]
async fn tok07_any_of_several_secrets_works_in_every_form_that_is_stored() {
    // "secret" by SHA-256, and "third" by SHA-512, in base64.
    let keys = "<ClientSecrets><S1>first one</S1>\
        <S2>K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=</S2>\
        <S4><Value>over</Value><Expiration>2020-01-31</Expiration></S4>\
        <S5><Value>lasting</Value><Expiration>2999-01-31T12:00:00Z</Expiration></S5>\
        <S3>qpPIhK3rdY14BCWy6JGfywH84R++hW+AGFtH7Nqe6IIYgzg8F0kN64iuBCPXkQ3NZeZjnrrkw5Q40PX27WueQA==</S3>\
        </ClientSecrets>";
    let house = House::with(&client("several", "client_credentials", keys), "").await;
    for (secret, status) in [
        ("first one", 200),
        ("secret", 200),
        ("third", 200),
        ("lasting", 200),
        ("over", 401),
        ("K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=", 401),
        ("first one ", 401),
        ("SECRET", 401),
    ] {
        let answer = post(&house, &[("client_id", "several"), ("client_secret", secret)]).await;
        assert_eq!(answer.status, status, "{secret}");
    }
}

#[tokio::test]
async fn tok07_an_argon2id_hash_works_as_a_secret() {
    let hash = password::hash(&Secret::new("slow and sure")).unwrap();
    let keys = format!("<ClientSecrets><S1>{hash}</S1></ClientSecrets>");
    let house = House::with(&client("hashed", "client_credentials", &keys), "").await;
    for (secret, status) in [("slow and sure", 200), ("Slow and sure", 401), (hash.as_str(), 401)] {
        let answer = post(&house, &[("client_id", "hashed"), ("client_secret", secret)]).await;
        assert_eq!(answer.status, status, "{secret}");
    }
}

#[tokio::test]
async fn s349_s350_guessing_a_secret_is_slowed_for_who_guesses() {
    let house = House::start().await;
    let secret = secret("machine");
    let right = [("client_id", "machine"), ("client_secret", secret.as_str())];
    for _ in 0..120 {
        assert_eq!(post(&house, &right).await.status, 200, "right ones never count");
    }
    for guess in 0..100 {
        let guess = guess.to_string();
        post(&house, &[("client_id", "machine"), ("client_secret", &guess)]).await;
    }
    refused(&post(&house, &right).await, 401, "invalid_client");
    let other = [("client_id", "web"), ("client_secret", "web-secret-0123456789")];
    refused(&post(&house, &other).await, 400, "unauthorized_client");
    house.later(2);
    assert_eq!(post(&house, &right).await.status, 200);
}

#[tokio::test]
async fn tok08_names_and_secrets_over_100_characters_are_an_invalid_client() {
    let (long, longest) = ("é".repeat(101), "é".repeat(100));
    let keys = format!("<ClientSecrets><S1>{longest}</S1></ClientSecrets>");
    let house = House::with(&client("long", "client_credentials", &keys), "").await;
    let name = "x".repeat(101);
    for (id, secret, status) in
        [("long", &longest, 200), ("long", &long, 401), (name.as_str(), &longest, 401)]
    {
        let answer = post(&house, &[("client_id", id), ("client_secret", secret)]).await;
        assert_eq!(answer.status, status, "{id} {secret}");
        let answer = authorized(&house, &format!("{id}:{secret}"), &[]).await;
        assert_eq!(answer.status, status, "{id} {secret} by Basic");
    }
}

/// A `<Clients>` entry whose key is process key 0, and no shared secret.
fn keyed(id: &str) -> String {
    let key = signing::key(0).public();
    let keys =
        format!("<ClientSecrets><S1><Type>JWK</Type><Value>{key}</Value></S1></ClientSecrets>");
    client(id, "client_credentials", &keys)
}

/// An assertion of `keyed` for this house, changed by `edit`.
fn assertion(house: &House, edit: impl Fn(&mut Token)) -> String {
    let now = house.clock.now().0;
    let claims = json!({"iss": "keyed", "sub": "keyed", "aud": house.issuer(),
        "jti": format!("{now}-{}", rand()), "iat": now, "exp": now + 60});
    let mut token = Token::of(claims, 0);
    edit(&mut token);
    token.encode()
}

fn rand() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

async fn asserted(house: &House, assertion: &str) -> Answer {
    let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    post(house, &[("client_assertion", assertion), ("client_assertion_type", kind)]).await
}

#[tokio::test]
async fn tok09_l268_a_signed_assertion_proves_its_client_once() {
    let house = House::with(&keyed("keyed"), "").await;
    let right = assertion(&house, |_| {});
    let answer = asserted(&house, &right).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    refused(&asserted(&house, &right).await, 401, "invalid_client");
    let sub = |token: &mut Token, name: &str, value: Value| token.claims[name] = value;
    let (issuer, now) = (house.issuer(), house.clock.now().0);
    for (name, wrong) in [
        ("wrong aud", assertion(&house, |t| sub(t, "aud", json!("https://other.test")))),
        (
            "token endpoint",
            assertion(&house, |t| sub(t, "aud", json!(format!("{issuer}/connect/token")))),
        ),
        (
            "several aud",
            assertion(&house, |t| sub(t, "aud", json!([issuer, "https://other.test"]))),
        ),
        ("iss is not sub", assertion(&house, |t| sub(t, "sub", json!("machine")))),
        (
            "another client",
            assertion(&house, |t| {
                sub(t, "iss", json!("machine"));
                sub(t, "sub", json!("machine"));
            }),
        ),
        ("expired", assertion(&house, |t| sub(t, "exp", json!(now - 120)))),
        ("too long a life", assertion(&house, |t| sub(t, "exp", json!(now + 365 * 86_400)))),
        ("from the future", assertion(&house, |t| sub(t, "iat", json!(now + 3_600)))),
        ("no jti", assertion(&house, |t| drop(t.claims.as_object_mut().unwrap().remove("jti")))),
        (
            "unsigned",
            assertion(&house, |t| {
                t.header = json!({"alg": "none"});
                t.signature = Signature::Empty;
            }),
        ),
        ("broken signature", assertion(&house, |t| t.signature = Signature::Flipped)),
        ("unknown key", assertion(&house, |t| t.signature = Signature::Key(2))),
        (
            "its own key",
            assertion(&house, |t| {
                t.header["jwk"] = signing::key(2).public();
                t.signature = Signature::Key(2);
            }),
        ),
        (
            "public key as a secret",
            assertion(&house, |t| {
                t.header["alg"] = json!("HS256");
                t.signature = Signature::Hmac(signing::key(0).public_der());
            }),
        ),
        ("garbage", "x.y.z".to_owned()),
    ] {
        let answer = asserted(&house, &wrong).await;
        assert_eq!(answer.status, 401, "{name}: {}", answer.text());
        refused(&answer, 401, "invalid_client");
    }
}

#[tokio::test]
async fn tok09_l268_of_parallel_uses_of_an_assertion_one_counts() {
    let house = House::with(&keyed("keyed"), "").await;
    let right = assertion(&house, |_| {});
    let answers = futures_util::future::join_all((0..20).map(|_| asserted(&house, &right))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
}

#[tokio::test]
async fn tok10_two_methods_at_once_are_refused() {
    let house = House::start().await;
    let secret = secret("machine");
    let credentials = format!("machine:{secret}");
    let same = authorized(&house, &credentials, &[("client_id", "machine")]).await;
    assert_eq!(same.status, 200, "a name is no second method");
    for form in [
        vec![("client_secret", secret.as_str())],
        vec![("client_id", "machine"), ("client_secret", &secret)],
        vec![("client_id", "other")],
        vec![("client_assertion", "x")],
    ] {
        refused(&authorized(&house, &credentials, &form).await, 401, "invalid_client");
    }
    let form = [("client_id", "machine"), ("client_secret", &secret), ("client_assertion", "x")];
    refused(&post(&house, &form).await, 401, "invalid_client");
}

#[tokio::test]
async fn tok11_a_grant_type_that_is_missing_unknown_or_too_long_is_unsupported() {
    let house = House::start().await;
    let long = "x".repeat(101);
    for grant in [
        "",
        "Client_Credentials",
        "implicit",
        "urn:ietf:params:oauth:grant-type:token-exchange",
        &long,
    ] {
        let answer = house.token("machine", &[("grant_type", grant)]).await;
        refused(&answer, 400, "unsupported_grant_type");
    }
    refused(&house.token("machine", &[]).await, 400, "unsupported_grant_type");
}

#[tokio::test]
async fn tok12_l262_a_grant_that_is_not_the_clients_is_unauthorized() {
    let house = House::start().await;
    for (client, grant) in [
        ("machine", "authorization_code"),
        ("machine", "password"),
        ("machine", "urn:ietf:params:oauth:grant-type:device_code"),
        ("web", "client_credentials"),
        ("web", "password"),
        ("password", "client_credentials"),
        ("implicit", "authorization_code"),
    ] {
        let answer = house.token(client, &[("grant_type", grant), ("username", "jane")]).await;
        refused(&answer, 400, "unauthorized_client");
    }
}

#[tokio::test]
async fn tok13_l286_answers_are_uncached_json_and_errors_tell_no_secret() {
    let house = House::start().await;
    let right = house.token("machine", &[GRANT]).await;
    assert_eq!(right.status, 200);
    uncached(&right);
    let secret = "a-secret-that-nobody-has";
    let wrong = post(&house, &[("client_id", "machine"), ("client_secret", secret)]).await;
    refused(&wrong, 401, "invalid_client");
    assert!(!wrong.text().contains(secret) && !wrong.text().contains("0123456789"));
    let twice = format!(
        "grant_type=client_credentials&client_id=machine&client_id=web&client_secret={secret}"
    );
    let mut program = house.browser();
    let twice = program.bare("POST", "/connect/token").body(FORM, twice);
    let twice = program.send(twice).await;
    refused(&twice, 400, "invalid_request");
    assert!(!twice.text().contains(secret));
    let asked =
        house.post("/connect/token?client_secret=x", &[], &[GRANT, ("client_id", "machine")]);
    refused(&asked.await, 400, "invalid_request");
}

const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test]
async fn tok14_odd_headers_and_bodies_are_answered_without_a_fault() {
    let house = House::start().await;
    for (headers, body) in [
        (format!("Content-Type: {FORM}\r\nContent-Length: 0\r\n"), ""),
        (format!("Content-Type: {FORM}; charset=\"\r\nContent-Length: 1\r\n"), "&"),
        (format!("Content-Type: {FORM}\r\nContent-Length: 3\r\n"), "%zz"),
        (format!("Content-Type: {FORM}\r\nContent-Length: 6\r\n"), "a\0=\u{1}\u{2}\u{3}"),
        ("Content-Type: \r\nContent-Length: 0\r\n".to_owned(), ""),
        (format!("Content-Type: {FORM}\r\nAuthorization: \u{ff}\r\nContent-Length: 0\r\n"), ""),
        (
            format!(
                "Content-Type: {FORM}\r\nAuthorization: Basic a\r\nAuthorization: Basic b\r\nContent-Length: 0\r\n"
            ),
            "",
        ),
        ("Content-Length: 0\r\n".to_owned(), ""),
    ] {
        let mut wire = Wire::tls(house.gateway.port, "id.localhost").await;
        let host = format!("id.localhost:{}", house.gateway.port);
        wire.send(format!("POST /connect/token HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n{body}"))
            .await;
        let answer = wire.answer().await;
        assert!((400..=401).contains(&answer.status), "{headers} {}", answer.status);
    }
}
