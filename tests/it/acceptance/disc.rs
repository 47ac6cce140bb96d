//! DISC: discovery and keys.

use serde_json::Value;

use crate::acceptance::house::House;
use crate::acceptance::house::client;
use crate::acceptance::house::settings;

const DISCOVERY: &str = "/.well-known/openid-configuration";

/// The usual settings with `keys` beside the clients, under `IdentityServer`.
fn with_options(keys: &str) -> String {
    settings("").replace("<IdentityServer>", &format!("<IdentityServer>{keys}"))
}

async fn document(house: &House) -> Value {
    let answer = house.get(DISCOVERY, &[]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

fn list(document: &Value, name: &str) -> Vec<String> {
    let values = document[name].as_array().unwrap_or_else(|| panic!("no {name}: {document}"));
    values.iter().map(|value| value.as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn disc01_the_document_names_the_issuer_byte_for_byte() {
    let house = House::start().await;
    for path in [DISCOVERY, "/.well-known/oauth-authorization-server"] {
        let answer = house.get(path, &[]).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
        assert_eq!(answer.json()["issuer"], house.issuer(), "{path}");
    }
}

#[tokio::test]
async fn disc02_every_address_is_under_the_issuer_and_there() {
    let house = House::start().await;
    let found = document(&house).await;
    let mut count = 0;
    for (name, value) in found.as_object().unwrap() {
        if name.ends_with("_endpoint") || name == "jwks_uri" || name == "check_session_iframe" {
            let address = value.as_str().unwrap();
            let path = address.strip_prefix(&house.issuer()).expect("under the issuer");
            assert_ne!(house.get(path, &[]).await.status, 404, "{name}");
            count += 1;
        }
    }
    assert!(count >= 7, "{found}");
    // Whatever a client writes into these lines, only a trusted proxy could say it.
    let forged = [("X-Forwarded-Host", "evil.test"), ("X-Forwarded-Proto", "http")];
    assert_eq!(house.get(DISCOVERY, &forged).await.json(), found);
}

#[tokio::test]
async fn disc03_the_document_is_only_read() {
    let house = House::start().await;
    for method in ["POST", "PUT", "DELETE"] {
        assert_eq!(house.call(method, DISCOVERY, &[], Some(&[])).await.status, 405, "{method}");
    }
}

const RESOURCES: &str = "<IdentityResources>
    <Hidden><Name>hidden</Name><ShowInDiscoveryDocument>false</ShowInDiscoveryDocument><UserClaims><C1>secret_claim</C1></UserClaims></Hidden>
    <Off><Name>off</Name><Enabled>false</Enabled></Off>
    <Badge><Name>badge</Name><UserClaims><C1>badge_number</C1><C2>email</C2></UserClaims></Badge>
    </IdentityResources>";

#[tokio::test]
async fn disc04_scopes_are_those_that_are_shown() {
    let house = House::settings(&with_options(RESOURCES), "").await;
    let scopes = list(&document(&house).await, "scopes_supported");
    for shown in
        ["openid", "profile", "email", "address", "phone", "badge", "api1", "offline_access"]
    {
        assert!(scopes.iter().any(|scope| scope == shown), "{shown}: {scopes:?}");
    }
    for hidden in ["hidden", "off"] {
        assert!(!scopes.iter().any(|scope| scope == hidden), "{hidden}");
    }
}

#[tokio::test]
async fn disc05_claims_are_those_of_shown_resources_each_once() {
    let house = House::settings(&with_options(RESOURCES), "").await;
    let mut claims = list(&document(&house).await, "claims_supported");
    assert!(claims.iter().any(|claim| claim == "badge_number"));
    assert!(!claims.iter().any(|claim| claim == "secret_claim"));
    let count = claims.len();
    claims.sort_unstable();
    claims.dedup();
    assert_eq!(claims.len(), count);
}

#[tokio::test]
async fn disc06_grants_that_nobody_can_use_are_not_offered() {
    let house = House::start().await;
    let offered = list(&document(&house).await, "grant_types_supported");
    for grant in ["authorization_code", "client_credentials", "refresh_token", "implicit"] {
        assert!(offered.iter().any(|known| known == grant), "{grant}");
    }
    for grant in ["password", "urn:ietf:params:oauth:grant-type:device_code"] {
        assert!(offered.iter().any(|known| known == grant), "{grant}: {offered:?}");
    }
    let keys = "<Endpoints><EnableDeviceAuthorizationEndpoint>false</EnableDeviceAuthorizationEndpoint></Endpoints>";
    let bare = "<Settings><Sitecore><IdentityServer>KEYS</IdentityServer></Sitecore></Settings>";
    let house = House::settings(&bare.replace("KEYS", keys), "").await;
    let offered = list(&document(&house).await, "grant_types_supported");
    assert!(!offered.iter().any(|grant| grant.ends_with("device_code")), "{offered:?}");
    assert!(!offered.iter().any(|grant| grant == "password"), "no client may use it");
}

#[tokio::test]
async fn disc07_l287_types_and_modes_are_those_of_the_specification() {
    let house = House::start().await;
    let found = document(&house).await;
    assert_eq!(
        list(&found, "response_types_supported"),
        [
            "code",
            "token",
            "id_token",
            "id_token token",
            "code id_token",
            "code token",
            "code id_token token"
        ]
    );
    assert_eq!(list(&found, "response_modes_supported"), ["form_post", "query", "fragment"]);
    assert_eq!(list(&found, "subject_types_supported"), ["public"]);
    assert_eq!(list(&found, "code_challenge_methods_supported"), ["S256"]);
    assert_eq!(found["request_parameter_supported"], true);
    assert_eq!(found["request_uri_parameter_supported"], false);
    let signed = list(&found, "request_object_signing_alg_values_supported");
    assert!(signed.iter().any(|alg| alg == "RS256") && !signed.iter().any(|alg| alg == "none"));
    let plain =
        client("plain", "authorization_code", "<AllowPlainTextPkce>true</AllowPlainTextPkce>");
    let house = House::with(&plain, "").await;
    let found = document(&house).await;
    assert_eq!(list(&found, "code_challenge_methods_supported"), ["S256", "plain"]);
}

#[tokio::test]
async fn disc08_algorithms_are_those_of_the_keys() {
    let house = House::start().await;
    let found = document(&house).await;
    let keys = house.get("/.well-known/openid-configuration/jwks", &[]).await.json();
    let keys = keys["keys"].as_array().unwrap();
    let mut used: Vec<&str> = keys.iter().map(|key| key["alg"].as_str().unwrap()).collect();
    let mut told = list(&found, "id_token_signing_alg_values_supported");
    used.sort_unstable();
    told.sort_unstable();
    assert_eq!(told, used);
}

#[tokio::test]
async fn disc09_an_endpoint_that_is_off_is_gone() {
    for (switch, member, path) in [
        ("EnableAuthorizeEndpoint", "authorization_endpoint", "/connect/authorize"),
        ("EnableTokenEndpoint", "token_endpoint", "/connect/token"),
        ("EnableUserInfoEndpoint", "userinfo_endpoint", "/connect/userinfo"),
        ("EnableEndSessionEndpoint", "end_session_endpoint", "/connect/endsession"),
        ("EnableCheckSessionEndpoint", "check_session_iframe", "/connect/checksession"),
        (
            "EnablePushedAuthorizationEndpoint",
            "pushed_authorization_request_endpoint",
            "/connect/par",
        ),
        ("EnableTokenRevocationEndpoint", "revocation_endpoint", "/connect/revocation"),
        ("EnableIntrospectionEndpoint", "introspection_endpoint", "/connect/introspect"),
        (
            "EnableDeviceAuthorizationEndpoint",
            "device_authorization_endpoint",
            "/connect/deviceauthorization",
        ),
    ] {
        let keys = format!("<Endpoints><{switch}>false</{switch}></Endpoints>");
        let house = House::settings(&with_options(&keys), "").await;
        assert_eq!(document(&house).await.get(member), None, "{member}");
        assert_eq!(house.get(path, &[]).await.status, 404, "{path}");
        assert_eq!(house.post(path, &[], &[]).await.status, 404, "{path}");
    }
    let keys = "<Endpoints><EnableDiscoveryEndpoint>false</EnableDiscoveryEndpoint></Endpoints>";
    let house = House::settings(&with_options(keys), "").await;
    assert_eq!(house.get(DISCOVERY, &[]).await.status, 404);
}

#[tokio::test]
async fn disc10_sign_out_of_clients_is_offered_while_there_is_an_end_of_session() {
    let flags = [
        "frontchannel_logout_supported",
        "frontchannel_logout_session_supported",
        "backchannel_logout_supported",
        "backchannel_logout_session_supported",
    ];
    let house = House::start().await;
    let found = document(&house).await;
    assert!(flags.iter().all(|flag| found[flag] == true), "{found}");
    let keys = "<Endpoints><EnableEndSessionEndpoint>false</EnableEndSessionEndpoint></Endpoints>";
    let house = House::settings(&with_options(keys), "").await;
    let found = document(&house).await;
    assert!(flags.iter().all(|flag| found.get(flag).is_none()), "{found}");
}

#[tokio::test]
async fn disc11_the_owners_entries_appear_and_replace_nothing() {
    let keys = "<Discovery><CustomEntries><registration_endpoint>~/connect/register</registration_endpoint><motto>hello</motto><issuer>https://evil.test</issuer></CustomEntries></Discovery>";
    let house = House::settings(&with_options(keys), "").await;
    let found = document(&house).await;
    assert_eq!(found["registration_endpoint"], format!("{}/connect/register", house.issuer()));
    assert_eq!(found["motto"], "hello");
    assert_eq!(found["issuer"], house.issuer());
}

#[tokio::test]
async fn disc17_no_query_is_a_fault_of_ours() {
    let house = House::start().await;
    for query in ["?x=%C3%A6", "?%", "?x=%FF", "?a=1&a=2"] {
        let answer = house.get(&format!("{DISCOVERY}{query}"), &[]).await;
        assert_eq!(answer.status, 200, "{query}");
    }
    let mut wire = crate::support::wire::Wire::tls(house.gateway.port, "id.localhost").await;
    let host = format!("id.localhost:{}", house.gateway.port);
    wire.send(format!("GET {DISCOVERY}?x=\u{e6} HTTP/1.1\r\nHost: {host}\r\n\r\n")).await;
    assert!(wire.answer().await.status < 500);
}

#[tokio::test]
async fn disc18_a_derived_issuer_is_in_lower_case_unless_the_owner_wants_it_as_written() {
    for (keys, expected) in [
        ("<PublicOrigin>https://ID.Example.test</PublicOrigin>", "https://id.example.test"),
        (
            "<PublicOrigin>https://ID.Example.test</PublicOrigin><LowerCaseIssuerUri>false</LowerCaseIssuerUri>",
            "https://ID.Example.test",
        ),
    ] {
        let house = House::settings(&with_options(keys), "").await;
        let found = document(&house).await;
        assert_eq!(found["issuer"], expected);
        assert_eq!(found["token_endpoint"], format!("{expected}/connect/token"));
    }
}

#[tokio::test]
async fn disc19_how_long_the_document_may_be_kept_is_the_owners_to_say() {
    let house = House::start().await;
    assert_eq!(house.get(DISCOVERY, &[]).await.header("cache-control"), None);
    for (interval, expected) in [("90", "max-age=90"), ("0", "no-store")] {
        let keys = format!(
            "<Discovery><ResponseCacheInterval>{interval}</ResponseCacheInterval></Discovery>"
        );
        let house = House::settings(&with_options(&keys), "").await;
        for path in [DISCOVERY, "/.well-known/openid-configuration/jwks"] {
            let answer = house.get(path, &[]).await;
            assert_eq!(answer.header("cache-control"), Some(expected), "{path}");
        }
    }
}
