//! AUTHZ: requests that the client signed (RFC 9101), by value and by reference.

use serde_json::Value;
use serde_json::json;

use crate::acceptance::authz::error_of;
use crate::acceptance::authz::refusal;
use crate::acceptance::authz::there;
use crate::acceptance::house::House;
use crate::acceptance::house::client;
use crate::acceptance::house::redirect_uri;
use crate::acceptance::house::secret;
use crate::acceptance::house::settings;
use crate::support::cms::EchoCms;
use crate::support::cms::Step;
use crate::support::signing;
use crate::support::signing::Signature;
use crate::support::signing::Token;
use crate::support::tls;

/// A client that signs its requests with process key 0.
fn signing_client(id: &str, keys: &str) -> String {
    let key = signing::key(0).public();
    let secrets = format!(
        "<ClientSecrets><S1>{}</S1><S2><Type>JWK</Type><Value>{key}</Value></S2></ClientSecrets>",
        secret(id)
    );
    client(id, "authorization_code", &format!("{secrets}{keys}"))
}

/// A request object of `id` with the usual claims, changed by `more`; `null` takes one out.
fn object(house: &House, id: &str, more: &[(&str, Value)]) -> Token {
    let now = house.clock.now().0;
    let mut claims = json!({
        "iss": id, "aud": house.issuer(), "exp": now + 60, "iat": now, "client_id": id,
        "response_type": "code", "redirect_uri": redirect_uri(id), "scope": "openid email",
        "state": "signed state", "nonce": "signed nonce", "max_age": 600,
    });
    for (name, value) in more {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(*name);
        } else {
            claims[name] = value.clone();
        }
    }
    Token::of(claims, 0)
}

/// The path of a request with `object` and only the parameters in `beside`.
fn with_object(object: &Token, beside: &[(&str, &str)]) -> String {
    let encoded = object.encode();
    let pairs = beside.iter().copied().chain([("request", encoded.as_str())]);
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    format!("/connect/authorize?{query}")
}

#[tokio::test]
async fn authz35_a_signed_request_object_speaks_for_its_client() {
    let house = House::with(&signing_client("jar", ""), "").await;
    let mut browser = house.browser();
    let beside = [("client_id", "jar"), ("response_type", "code"), ("scope", "openid email")];
    let path = with_object(&object(&house, "jar", &[]), &beside);
    let answer = browser.get(&path).await;
    let page = house.onward(&mut browser, answer).await.page();
    assert!(
        !browser.url.as_str().contains("signed"),
        "what was signed stays here: {}",
        browser.url
    );
    let reply = house.type_in(&mut browser, &page, "jane").await.reply();
    assert_eq!(
        (reply.to.as_str(), reply.sent("state")),
        (redirect_uri("jar").as_str(), "signed state")
    );
    let tokens = house.redeem("jar", reply.sent("code")).await.json();
    let (_, claims) = house.verified(tokens["id_token"].as_str().unwrap()).await;
    assert_eq!(
        (&claims["nonce"], &tokens["scope"]),
        (&"signed nonce".into(), &"openid email".into())
    );
    for (beside, inside) in [
        (&[("response_type", "code")][..], json!("jar")),
        (&[("client_id", "web")], json!("jar")),
        (&[("client_id", "jar")], Value::Null),
        (&[("client_id", "jar")], json!("web")),
    ] {
        let path = with_object(&object(&house, "jar", &[("client_id", inside)]), beside);
        let answer = browser.get(&path).await;
        let page = house.onward(&mut browser, answer).await.page();
        error_of(&page);
    }
}

#[tokio::test]
async fn authz36_l280_a_request_object_that_breaks_a_rule_is_refused() {
    let house = House::with(&signing_client("jar", ""), "").await;
    let now = house.clock.now().0;
    let usual = redirect_uri("jar");
    let beside = [
        ("client_id", "jar"),
        ("response_type", "code"),
        ("redirect_uri", usual.as_str()),
        ("scope", "openid email"),
    ];
    let mut broken = vec![
        object(&house, "jar", &[("iss", json!("web"))]),
        object(&house, "jar", &[("iss", Value::Null)]),
        object(&house, "jar", &[("aud", json!("https://other.test"))]),
        object(&house, "jar", &[("aud", Value::Null)]),
        object(&house, "jar", &[("exp", json!(now - 301))]),
        object(&house, "jar", &[("exp", Value::Null)]),
        object(&house, "jar", &[("nbf", json!(now + 400))]),
        object(&house, "jar", &[("request", json!("x"))]),
        object(&house, "jar", &[("request_uri", json!("https://rp.localhost/x"))]),
        object(&house, "jar", &[("sub", json!("jar"))]),
        object(&house, "jar", &[("state", json!(["a", "b"]))]),
    ];
    let mut foreign = object(&house, "jar", &[]);
    foreign.signature = Signature::Key(2);
    let mut flipped = object(&house, "jar", &[]);
    flipped.signature = Signature::Flipped;
    let mut confused = object(&house, "jar", &[]);
    confused.header["alg"] = json!("HS256");
    confused.signature = Signature::Hmac(secret("jar").into_bytes());
    let mut other = object(&house, "jar", &[]);
    other.header["typ"] = json!("at+jwt");
    broken.extend([foreign, flipped, confused, other]);
    for object in broken {
        let answer = house.browser().get(&with_object(&object, &beside)).await;
        let reply = crate::acceptance::house::reply(&answer).expect("the client is told");
        assert_eq!(reply.sent("error"), "invalid_request_object", "{:?}", object.claims);
    }
    let contradicts = object(&house, "jar", &[("scope", json!("openid"))]);
    let answer = house.browser().get(&with_object(&contradicts, &beside)).await;
    let reply = crate::acceptance::house::reply(&answer).unwrap();
    assert_eq!(reply.sent("error"), "invalid_request");
}

#[tokio::test]
async fn oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported() {
    let house = House::with(&signing_client("jar", ""), "").await;
    for id in ["jar", "web"] {
        let mut unsigned = object(&house, id, &[]);
        unsigned.header = json!({"alg": "none"});
        unsigned.signature = Signature::Empty;
        let more = [("request", unsigned.encode())];
        let more: Vec<_> = more.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(refusal(&house, id, &more).await, there("request_not_supported"));
    }
}

#[tokio::test]
async fn oidcc_ensure_request_object_with_redirect_uri() {
    let house = House::with(&signing_client("jar", ""), "").await;
    let beside = [("client_id", "jar"), ("redirect_uri", "https://evil.test/callback")];
    let mut browser = house.browser();
    let answer = browser.get(&with_object(&object(&house, "jar", &[]), &beside)).await;
    error_of(&house.onward(&mut browser, answer).await.page());
}

#[tokio::test]
async fn authz37_a_client_that_must_sign_does_and_a_reference_is_off_unless_switched_on() {
    let clients = signing_client("signs", "<RequireRequestObject>true</RequireRequestObject>");
    let house = House::with(&clients, "").await;
    assert_eq!(refusal(&house, "signs", &[]).await, there("invalid_request"));
    let both = [("request", "a.b.c"), ("request_uri", "https://rp.localhost/request.jwt")];
    assert_eq!(refusal(&house, "web", &both).await, there("invalid_request"));
    let said = refusal(&house, "web", &both[1..]).await;
    assert_eq!(said, there("request_uri_not_supported"));
    let mut browser = house.browser();
    let unsigned = [("client_id", "signs"), ("prompt", "none"), ("scope", "openid email")];
    let answer = browser.get(&with_object(&object(&house, "signs", &[]), &unsigned)).await;
    let page = house.onward(&mut browser, answer).await.page();
    assert!(page.text().contains("id=\"sign-in\""), "what stands beside it does not count");
    assert!(!house.type_in(&mut browser, &page, "jane").await.reply().sent("code").is_empty());
}

#[tokio::test]
async fn authz38_o315_a_request_is_fetched_only_where_the_client_lives() {
    let keys = |port: u16| {
        let uris = format!(
            "<RedirectUris><U1>{}</U1><U2>https://inner.localhost:{port}/callback</U2></RedirectUris>",
            redirect_uri("jar")
        );
        let on = "<Endpoints><EnableJwtRequestUri>true</EnableJwtRequestUri></Endpoints><StrictJARValidation>true</StrictJARValidation>";
        let document = settings(&signing_client("jar", &uris));
        document.replace("<IdentityServer>", &format!("<IdentityServer>{on}"))
    };
    let published = EchoCms::start().await;
    let port = tls::terminate(published.address).await;
    let trust = "<gateway><identityServer set:clientsCa=\"{folder}/server.pem\" /></gateway>";
    let house = House::settings(&keys(port), trust).await;
    let mut signed = object(&house, "jar", &[]);
    signed.header["typ"] = json!("oauth-authz-req+jwt");
    let kind = "Content-Type: application/oauth-authz-req+jwt";
    let (good, html) = (signed.encode(), "Content-Type: text/html");
    published.script(move |seen| {
        vec![match seen.target.as_str() {
            "/request.jwt" => Step::answer("200 OK", &[kind], &good),
            "/html" => Step::answer("200 OK", &[html], &good),
            "/empty" => Step::answer("200 OK", &[kind], ""),
            "/moved" => Step::answer("302 Found", &["Location: /request.jwt"], ""),
            "/broken" => Step::answer("500 Internal Server Error", &[kind], &good),
            _ => Step::answer("404 Not Found", &[kind], &good),
        }]
    });
    let at = |path: &str| format!("https://inner.localhost:{port}{path}");
    let ask = async |address: &str| {
        let more =
            [("request_uri", address), ("scope", "openid email"), ("state", ""), ("nonce", "")];
        house.ask(&mut house.browser(), "jar", &more).await
    };
    let page = ask(&at("/request.jwt")).await.page();
    assert!(page.text().contains("id=\"sign-in\""), "{}", page.gist());
    published.clear();
    for (address, error) in [
        (at("/gone"), "invalid_request_uri"),
        (at("/broken"), "invalid_request_uri"),
        (at("/moved"), "invalid_request_uri"),
        (at("/html"), "invalid_request_uri"),
        (at("/empty"), "invalid_request_object"),
        (at(&format!("/{}", "a".repeat(512))), "invalid_request_uri"),
        ("https://inner.localhost/request.jwt".to_owned(), "invalid_request_uri"),
        (format!("http://inner.localhost:{port}/request.jwt"), "invalid_request_uri"),
        (format!("https://u:p@inner.localhost:{port}/request.jwt"), "invalid_request_uri"),
        (format!("https://127.0.0.1:{port}/request.jwt"), "invalid_request_uri"),
        ("https://169.254.169.254/latest".to_owned(), "invalid_request_uri"),
        ("file:///etc/passwd".to_owned(), "invalid_request_uri"),
        ("request.jwt".to_owned(), "invalid_request_uri"),
    ] {
        assert_eq!(ask(&address).await.reply().sent("error"), error, "{address:.70}");
    }
    assert_eq!(published.count(), 5, "nothing else was asked");
    let found = house.get("/.well-known/openid-configuration", &[]).await.json();
    assert_eq!(found["request_uri_parameter_supported"], true);
}
