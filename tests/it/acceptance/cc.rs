//! CC: the grant `client_credentials`.

use serde_json::Value;
use serde_json::json;

use crate::acceptance::house::House;
use crate::acceptance::house::client;
use crate::acceptance::house::settings;
use crate::acceptance::tok::refused;
use crate::support::wire::Answer;

/// A token of `client` for itself; `scope` may be empty.
async fn ask(house: &House, client: &str, scope: &str) -> Answer {
    let mut form = vec![("grant_type", "client_credentials")];
    form.extend((!scope.is_empty()).then_some(("scope", scope)));
    house.token(client, &form).await
}

/// The claims of such a token.
async fn claims(house: &House, client: &str, scope: &str) -> Value {
    let answer = ask(house, client, scope).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    house.verified(answer.json()["access_token"].as_str().unwrap()).await.1
}

fn names(claims: &Value) -> Vec<&str> {
    let mut names: Vec<_> = claims.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn cc01_the_token_has_eight_claims_and_stands_alone() {
    let house = House::start().await;
    let tokens = ask(&house, "machine", "api1").await.json();
    assert_eq!(names(&tokens), ["access_token", "expires_in", "scope", "token_type"]);
    let (header, claims) = house.verified(tokens["access_token"].as_str().unwrap()).await;
    assert_eq!(header["typ"], "at+jwt");
    assert_eq!(names(&claims), ["aud", "client_id", "exp", "iat", "iss", "jti", "nbf", "scope"]);
    assert_eq!((&claims["iss"], &claims["client_id"]), (&json!(house.issuer()), &json!("machine")));
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 3600);
    assert_eq!(claims["nbf"], claims["iat"]);
    let id = claims["jti"].as_str().unwrap();
    assert!(id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()), "{id}");
}

#[tokio::test]
async fn cc02_no_scope_parameter_means_every_api_scope_of_the_client() {
    let keys = "<AllowedScopes><S1>openid</S1></AllowedScopes>";
    let house = House::with(&client("scopeless", "client_credentials", keys), "").await;
    assert_eq!(ask(&house, "machine", "").await.json()["scope"], "api1 api2");
    refused(&ask(&house, "scopeless", "").await, 400, "invalid_scope");
}

#[tokio::test]
async fn cc03_scopes_of_people_are_refused_and_left_out_of_the_default() {
    let keys = "<AllowOfflineAccess>true</AllowOfflineAccess>";
    let house = House::with(&client("mixed", "client_credentials", keys), "").await;
    for scope in ["openid", "profile", "offline_access", "api1 openid", "api1 offline_access"] {
        refused(&ask(&house, "mixed", scope).await, 400, "invalid_scope");
    }
    assert_eq!(claims(&house, "mixed", "").await["scope"], json!(["api1", "api2"]));
}

#[tokio::test]
async fn cc04_unknown_and_foreign_scopes_are_refused_alone_or_mixed() {
    let keys = "<AllowedScopes><S1>api1</S1></AllowedScopes>";
    let house = House::with(&client("narrow", "client_credentials", keys), "").await;
    for scope in ["nothing", "api2", "api1 nothing", "api1 api2", "API1", &"a".repeat(301)] {
        refused(&ask(&house, "narrow", scope).await, 400, "invalid_scope");
    }
}

#[tokio::test]
async fn cc05_the_audience_is_a_string_an_array_or_absent() {
    let house = House::start().await;
    assert_eq!(claims(&house, "machine", "api1").await["aud"], "api1");
    assert_eq!(claims(&house, "machine", "api1 api2").await["aud"], json!(["api1", "api2"]));
    let keys = "<AllowedScopes><S1>loose</S1><S2>books.read</S2><S3>books.write</S3><S4>modern</S4></AllowedScopes>";
    let document = with_resources(&settings(&client("clerk", "client_credentials", keys)));
    house.reload(&document, "").await;
    assert!(claims(&house, "clerk", "loose").await.get("aud").is_none(), "nobody owns it");
    assert_eq!(claims(&house, "clerk", "books.read books.write").await["aud"], "books");
}

#[tokio::test]
async fn cc05_l275_an_api_may_ask_for_the_shape_of_rfc_9068() {
    let keys = "<AllowedScopes><S1>modern</S1><S2>books.read</S2></AllowedScopes>";
    let document = with_resources(&settings(&client("clerk", "client_credentials", keys)));
    let house = House::settings(&document, "").await;
    let claims = claims(&house, "clerk", "modern books.read").await;
    assert_eq!((&claims["sub"], &claims["client_id"]), (&json!("clerk"), &json!("clerk")));
    assert_eq!(claims["scope"], "modern books.read");
    assert_eq!(claims["aud"], json!(["books", "modern"]));
    let tokens = ask(&house, "clerk", "modern").await.json();
    let info = house.userinfo(tokens["access_token"].as_str().unwrap()).await;
    assert_eq!(info.status, 403, "a client is no person, whatever its sub");
}

/// The document with an API of two scopes, an API that wants RFC 9068, and a scope that no API owns.
fn with_resources(document: &str) -> String {
    let more =
        "<Books><Name>books</Name><Scopes><S1>books.read</S1><S2>books.write</S2></Scopes></Books>
<Modern><Name>modern</Name><AccessTokenProfile>rfc9068</AccessTokenProfile>
  <AllowedAccessTokenSigningAlgorithms><A1>ES256</A1></AllowedAccessTokenSigningAlgorithms></Modern>
</ApiResources>
<ApiScopes><Loose><Name>loose</Name></Loose></ApiScopes>";
    document.replace("</ApiResources>", more)
}

#[tokio::test]
async fn cc06_scope_is_an_array_even_for_one() {
    let house = House::start().await;
    assert_eq!(claims(&house, "machine", "api1").await["scope"], json!(["api1"]));
    assert_eq!(ask(&house, "machine", "api1").await.json()["scope"], "api1");
    let option = "<EmitScopesAsSpaceDelimitedStringInJwt>true</EmitScopesAsSpaceDelimitedStringInJwt>\
        <EmitStaticAudienceClaim>true</EmitStaticAudienceClaim><Clients>";
    house.reload(&settings("").replace("<Clients>", option), "").await;
    let both = claims(&house, "machine", "api1 api2").await;
    assert_eq!(both["scope"], "api1 api2");
    assert_eq!(both["aud"], json!(["api1", "api2", format!("{}/resources", house.issuer())]));
}

#[tokio::test]
async fn cc07_claims_of_the_client_bear_its_prefix() {
    let claim = |kind: &str, value: &str| {
        format!("<{kind}><Type>{kind}</Type><Value>{value}</Value></{kind}>")
    };
    let own = format!("<Claims>{}{}</Claims>", claim("department", "press"), claim("sub", "jane"));
    let other = format!("{own}<ClientClaimsPrefix>house_</ClientClaimsPrefix>");
    let bare = format!("{own}<ClientClaimsPrefix></ClientClaimsPrefix>");
    let clients = [("usual", &own), ("other-1", &other), ("bare", &bare)]
        .map(|(id, keys)| client(id, "client_credentials", keys));
    let house = House::with(&clients.concat(), "").await;
    let usual = claims(&house, "usual", "api1").await;
    assert_eq!(
        (&usual["client_department"], &usual["client_sub"]),
        (&json!("press"), &json!("jane"))
    );
    assert_eq!(claims(&house, "other-1", "api1").await["house_department"], "press");
    let bare = claims(&house, "bare", "api1").await;
    assert_eq!(
        (&bare["department"], bare.get("sub")),
        (&json!("press"), None),
        "a client is no person"
    );
}

#[tokio::test]
async fn cc09_resource_indicators_choose_the_audience() {
    let house = House::start().await;
    let ask = async |resource: &str| {
        let form = [("grant_type", "client_credentials"), ("resource", resource)];
        house.token("machine", &form).await
    };
    let narrowed = ask("api2").await;
    assert_eq!((narrowed.status, &narrowed.json()["scope"]), (200, &json!("api2")));
    let (_, claims) = house.verified(narrowed.json()["access_token"].as_str().unwrap()).await;
    assert_eq!((&claims["aud"], &claims["scope"]), (&json!("api2"), &json!(["api2"])));
    refused(&ask("https://nobody.test/").await, 400, "invalid_target");
}

#[tokio::test]
async fn cc10_a_reference_token_is_a_handle_without_a_dot() {
    let keys = "<AccessTokenType>1</AccessTokenType>";
    let house = House::with(&client("referring", "client_credentials", keys), "").await;
    let tokens = ask(&house, "referring", "api1").await.json();
    let token = tokens["access_token"].as_str().unwrap();
    assert!(token.len() == 64 && token.bytes().all(|b| b.is_ascii_hexdigit()), "{token}");
    assert_eq!(house.userinfo(token).await.status, 403, "known, and no person's");
    house.later(3_600);
    assert_eq!(house.userinfo(token).await.status, 401);
}

#[tokio::test]
async fn cc08_the_cli_of_sitecore_gets_its_token() {
    let keys = "<AllowedScopes><S1>sitecore.profile.api</S1></AllowedScopes>\
        <AllowOfflineAccess>false</AllowOfflineAccess>";
    let house = House::with(&client("SitecoreCLIServer", "client_credentials", keys), "").await;
    let claims = claims(&house, "SitecoreCLIServer", "sitecore.profile.api").await;
    assert_eq!(claims["aud"], "sitecore.profile.api");
    assert_eq!(claims["client_id"], "SitecoreCLIServer");
    assert_eq!(claims["scope"], json!(["sitecore.profile.api"]));
}
