//! A program calls the CMS with an access token of the identity server, and the CMS is told whose.

mod foreign;

use serde_json::Value;
use serde_json::json;
use vestibule::store::accounts::Account;

use crate::support::chain::Chain;
use crate::support::chain::PASSWORD;
use crate::support::cms::Step;
use crate::support::logs;
use crate::support::signing;
use crate::support::signing::Token;
use crate::support::wire::Answer;
use crate::support::world::SESSION;

const CLIENTS: &str = r#"
<ApiResources><Orders><Name>orders</Name></Orders></ApiResources>
<Clients>
  <CliServerClient>
    <ClientId>SitecoreCLIServer</ClientId>
    <AllowedGrantTypes><G1>client_credentials</G1></AllowedGrantTypes>
    <ClientSecrets><S1>correct-horse</S1></ClientSecrets>
    <AllowedScopes><A1>sitecore.profile.api</A1><A2>orders</A2></AllowedScopes>
  </CliServerClient>
  <Handles>
    <ClientId>handles</ClientId>
    <AccessTokenType>1</AccessTokenType>
    <AllowedGrantTypes><G1>client_credentials</G1></AllowedGrantTypes>
    <ClientSecrets><S1>correct-horse</S1></ClientSecrets>
    <AllowedScopes><A1>sitecore.profile.api</A1></AllowedScopes>
  </Handles>
  <Nobody>
    <ClientId>nobody</ClientId>
    <ClientClaimsPrefix />
    <Claims><C1 type="name" value="sitecore\admin" /></Claims>
    <AllowedGrantTypes><G1>client_credentials</G1></AllowedGrantTypes>
    <ClientSecrets><S1>correct-horse</S1></ClientSecrets>
    <AllowedScopes><A1>sitecore.profile.api</A1></AllowedScopes>
  </Nobody>
  <PasswordClient><ClientSecrets><S1>correct-horse</S1></ClientSecrets></PasswordClient>
</Clients>"#;

/// The mapping of `client` to a superuser, as the documentation of the CLI writes it.
fn mapping(client: &str, more: &str) -> String {
    format!(
        r#"<federatedAuthentication><identityProviders>
<identityProvider id="SitecoreIdentityServer" type="Sitecore.Owin.Authentication.IdentityServer.IdentityServerProvider, Sitecore.Owin.Authentication.IdentityServer" resolve="true">
  <transformations hint="list:AddTransformation">
    <transformation name="admin-ify {client}" type="Sitecore.Owin.Authentication.Services.DefaultTransformation, Sitecore.Owin.Authentication">
      <sources hint="raw:AddSource"><claim name="client_id" value="{client}" /></sources>
      <targets hint="raw:AddTarget">
        <claim name="name" value="sitecore\superuser" />
        <claim name="http://www.sitecore.net/identity/claims/isAdmin" value="true" />
        {more}
      </targets>
      <keepSource>true</keepSource>
    </transformation>
  </transformations>
</identityProvider></identityProviders></federatedAuthentication>"#
    )
}

const HEADERS: &str = r#"<gateway><identityHeaders><header name="X-Id-Admin" property="IsAdministrator" /></identityHeaders></gateway>"#;

async fn start() -> Chain {
    start_with("").await
}

async fn start_with(more: &str) -> Chain {
    let maps = ["SitecoreCLIServer", "handles"].map(|client| mapping(client, ""));
    Chain::with_clients(&format!("{HEADERS}{}{more}", maps.concat()), CLIENTS).await
}

/// The answer of the token endpoint to this client.
async fn tokens(chain: &Chain, client: &str, form: &[(&str, &str)]) -> Value {
    let form = [&[("client_id", client), ("client_secret", "correct-horse")], form].concat();
    let mut browser = chain.browser();
    let request = browser.bare("POST", &format!("{}/connect/token", chain.issuer())).form(&form);
    let answer = browser.send(request).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

async fn token(chain: &Chain, client: &str) -> String {
    let form = [("grant_type", "client_credentials"), ("scope", "sitecore.profile.api")];
    let tokens = tokens(chain, client, &form).await;
    tokens["access_token"].as_str().unwrap().to_owned()
}

async fn call(chain: &Chain, token: &str) -> Answer {
    call_at(chain, "/sitecore/shell/api", token).await
}

async fn call_at(chain: &Chain, path: &str, token: &str) -> Answer {
    let mut browser = chain.browser();
    let request = browser.bare("GET", &chain.url(path));
    browser.send(request.header("Authorization", &format!("Bearer {token}"))).await
}

/// The token is refused as RFC 6750 says, and the CMS hears nothing.
#[track_caller]
fn assert_refused(chain: &Chain, answer: &Answer, what: &str) {
    assert_eq!(answer.status, 401, "{what}: {}", answer.text());
    let challenge = answer.header("www-authenticate").unwrap_or_default();
    assert!(challenge.starts_with("Bearer error=\"invalid_token\""), "{what}: {challenge}");
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{what}");
    assert_eq!(chain.cms.count(), 0, "{what}");
}

#[tokio::test]
async fn cc08_the_cli_s_client_reaches_the_cms_as_superuser() {
    let chain = start().await;
    let token = token(&chain, "SitecoreCLIServer").await;
    let said = signing::part(&token, 1);
    assert_eq!(said["aud"], "sitecore.profile.api");
    assert_eq!(said["client_id"], "SitecoreCLIServer");
    let before = chain.gateway.metric("vestibule_configuration_generation", &[]).await;
    for _ in 0..4 {
        let answer = call(&chain, &token).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "GET /sitecore/shell/api"));
        assert!(answer.values("set-cookie").is_empty(), "a token makes no session");
        let seen = chain.cms.last();
        assert_eq!(seen.header("x-forwarded-user"), Some("sitecore\\superuser"));
        assert_eq!(seen.header("x-id-admin"), Some("true"));
        assert_eq!(seen.header("authorization"), None);
    }
    // Believed from memory; another configuration may make another user of it, and looks anew.
    let looks = chain.gateway.metric("vestibule_bearer_tokens_total", &["accepted"]).await;
    let reloads = chain.gateway.metric("vestibule_configuration_generation", &[]).await - before;
    assert!((1..=1 + reloads).contains(&looks), "{looks} looks, {reloads} reloads");
    assert_eq!(chain.gateway.metric("vestibule_sessions", &[]).await, 0);
}

#[tokio::test]
async fn l340_the_token_is_in_no_log() {
    let chain = start().await;
    let token = token(&chain, "SitecoreCLIServer").await;
    call(&chain, &token).await;
    call(&chain, &format!("{token}x")).await;
    let signature = token.rsplit('.').next().unwrap();
    assert!(!logs::text().contains(signature));
}

#[tokio::test]
async fn i211_l275_only_an_access_token_for_this_api_counts() {
    let chain = start().await;
    let form = [("grant_type", "client_credentials"), ("scope", "orders")];
    let orders = tokens(&chain, "SitecoreCLIServer", &form).await;
    assert_refused(
        &chain,
        &call(&chain, orders["access_token"].as_str().unwrap()).await,
        "another audience",
    );
    let right = token(&chain, "SitecoreCLIServer").await;
    let person = persons(&chain).await;
    let id_token = person["id_token"].as_str().unwrap_or("a.b.c");
    let [header, payload, signature] = right.split('.').collect::<Vec<_>>()[..] else { panic!() };
    let mut other = signing::part(&right, 1);
    other["client_id"] = json!("nobody");
    let forged = signing::base64url(other.to_string());
    let none = signing::base64url(json!({ "alg": "none", "typ": "at+jwt" }).to_string());
    for (what, token) in [
        ("garbage", "x".to_owned()),
        ("an ID token", id_token.to_owned()),
        ("a refresh token", person["refresh_token"].as_str().unwrap_or("x").to_owned()),
        ("other claims", format!("{header}.{forged}.{signature}")),
        ("no signature", format!("{header}.{payload}.")),
        ("alg none", format!("{none}.{payload}.")),
        ("two lines of dots", "...".to_owned()),
        ("nothing", String::new()),
        ("two words", format!("{right} {right}")),
        ("a long one", "a".repeat(15_000)),
    ] {
        assert_refused(&chain, &call(&chain, &token).await, what);
    }
}

#[tokio::test]
async fn a_foreign_key_signs_nothing_here() {
    let chain = start().await;
    let right = token(&chain, "SitecoreCLIServer").await;
    let mut header = signing::part(&right, 0);
    for kid in [header["kid"].clone(), json!("key-2")] {
        header["kid"] = kid;
        let claims = signing::part(&right, 1);
        let foreign = Token { header: header.clone(), ..Token::of(claims, 2) };
        assert_refused(&chain, &call(&chain, &foreign.encode()).await, "a foreign key");
    }
}

#[tokio::test]
async fn a_token_that_has_ended_is_refused_also_when_it_was_believed_before() {
    let chain = start().await;
    let token = token(&chain, "SitecoreCLIServer").await;
    assert_eq!(call(&chain, &token).await.status, 200);
    chain.cms.clear();
    chain.clock.advance(std::time::Duration::from_hours(1));
    assert_refused(&chain, &call(&chain, &token).await, "an hour later");
}

#[tokio::test]
async fn a_revoked_token_is_refused_within_a_minute() {
    let chain = start().await;
    for client in ["SitecoreCLIServer", "handles"] {
        let token = token(&chain, client).await;
        assert_eq!(token.contains('.'), client == "SitecoreCLIServer");
        assert_eq!(call(&chain, &token).await.status, 200, "{client}");
        assert_eq!(chain.cms.last().header("x-forwarded-user"), Some("sitecore\\superuser"));
        let form =
            [("client_id", client), ("client_secret", "correct-horse"), ("token", token.as_str())];
        let mut browser = chain.browser();
        let address = format!("{}/connect/revocation", chain.issuer());
        let request = browser.bare("POST", &address).form(&form);
        assert_eq!(browser.send(request).await.status, 200);
        chain.cms.clear();
        chain.clock.advance(std::time::Duration::from_mins(1));
        assert_refused(&chain, &call(&chain, &token).await, client);
    }
}

#[tokio::test]
async fn a_client_that_no_rule_names_is_nobody_whatever_it_says_of_itself() {
    let chain = start().await;
    let answer = call(&chain, &token(&chain, "nobody").await).await;
    assert_eq!(answer.status, 403);
    let problem = answer.json();
    assert_eq!(problem["reason"], "unmapped_client");
    assert!(problem["detail"].as_str().unwrap().contains("client_id"), "{problem}");
    assert_eq!(chain.cms.count(), 0);
}

#[tokio::test]
async fn where_every_user_needs_an_email_a_mapping_without_one_is_refused_by_its_name() {
    const EMAIL: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress";
    let unique = r#"<gateway><users set:requireUniqueEmail="true" /></gateway>"#;
    let with_email = mapping(
        "SitecoreCLIServer",
        &format!(r#"<claim name="{EMAIL}" value="superuser@example.test" />"#),
    );
    let chain =
        Chain::with_clients(&format!("{unique}{}", mapping("SitecoreCLIServer", "")), CLIENTS)
            .await;
    let answer = call(&chain, &token(&chain, "SitecoreCLIServer").await).await;
    assert_eq!(answer.status, 403);
    let problem = answer.json();
    assert_eq!(problem["reason"], "no_email");
    assert!(problem["detail"].as_str().unwrap().contains(EMAIL), "{problem}");
    assert_eq!(chain.cms.count(), 0);

    let chain = Chain::with_clients(&format!("{unique}{with_email}"), CLIENTS).await;
    let answer = call(&chain, &token(&chain, "SitecoreCLIServer").await).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(chain.cms.last().header("x-forwarded-email"), Some("superuser@example.test"));
}

#[tokio::test]
async fn a_token_of_a_user_who_is_disabled_is_refused_and_none_makes_an_account() {
    let kept = crate::persistent::keeps("SitecoreIdentityServer", &["shell"]);
    for more in ["", &kept] {
        let chain = start_with(more).await;
        let token = token(&chain, "SitecoreCLIServer").await;
        let accounts = chain.gateway.app.accounts();
        let mut superuser =
            Account { name: "sitecore\\superuser".to_owned(), ..Account::default() };
        if more.is_empty() {
            superuser.disabled = true;
        } else {
            assert_eq!(call(&chain, &token).await.status, 200);
            assert_eq!(accounts.find(&superuser.name).await.unwrap(), None);
            superuser.give_role("sitecore\\Developer");
        }
        accounts.add(&superuser, None, false).await.unwrap();
        chain.clock.advance(std::time::Duration::from_mins(1));
        let answer = call(&chain, &token).await;
        if more.is_empty() {
            assert_eq!((answer.status, &answer.json()["reason"]), (403, &json!("user_disabled")));
        } else {
            let roles = chain.cms.last().header("x-forwarded-groups").map(str::to_owned);
            assert_eq!(roles.as_deref(), Some("sitecore\\Developer"), "what is kept counts");
        }
    }
}

/// Jane's tokens, by the password grant of the CMS's own client.
async fn persons(chain: &Chain) -> Value {
    let form = [
        ("grant_type", "password"),
        ("username", "sitecore\\jane"),
        ("password", PASSWORD),
        ("scope", "openid sitecore.profile sitecore.profile.api offline_access"),
    ];
    tokens(chain, "SitecorePassword", &form).await
}

#[tokio::test]
async fn a_person_s_token_makes_the_caller_that_person() {
    let chain = start().await;
    let tokens = persons(&chain).await;
    let answer = call(&chain, tokens["access_token"].as_str().unwrap()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let seen = chain.cms.last();
    assert_eq!(seen.header("x-forwarded-user"), Some("sitecore\\jane"));
    assert_eq!(seen.header("x-forwarded-groups"), Some("sitecore\\Author,sitecore\\Designer"));
    assert_eq!(seen.header("x-forwarded-email"), Some("jane@local.test"));
    assert_eq!(seen.header("x-id-admin"), None);
}

#[tokio::test]
async fn a22_beside_a_session_the_session_counts() {
    let chain = start().await;
    let mut browser = chain.browser();
    chain.sign_in(&mut browser, "jane", PASSWORD).await;
    let cookie = browser.jar.find("cms.localhost", SESSION).unwrap().value.clone();
    let token = token(&chain, "SitecoreCLIServer").await;
    for token in [token.as_str(), "garbage"] {
        let request = browser
            .bare("GET", &chain.url("/sitecore/shell/api"))
            .header("Cookie", &format!("{SESSION}={cookie}"))
            .header("Authorization", &format!("Bearer {token}"));
        assert_eq!(chain.browser().send(request).await.status, 200);
        let seen = chain.cms.last();
        assert_eq!(seen.header("x-forwarded-user"), Some("sitecore\\jane"));
        assert_eq!(seen.header("authorization"), None);
    }
}

#[tokio::test]
async fn a_site_without_the_provider_takes_no_token() {
    let chain = start().await;
    let token = token(&chain, "SitecoreCLIServer").await;
    for token in [token.as_str(), "garbage"] {
        assert_eq!(call_at(&chain, "/public/page", token).await.status, 200);
        let seen = chain.cms.last();
        assert_eq!((seen.header("x-forwarded-user"), seen.header("authorization")), (None, None));
    }
}

#[tokio::test]
async fn access_rules_apply_to_tokens_as_to_sessions() {
    let rules = r#"<gateway><access>
<rule name="authors" site="shell" path="/sitecore/shell/authors/*" roles="sitecore\Editor" />
</access></gateway>"#;
    let chain = start_with(rules).await;
    let program = token(&chain, "SitecoreCLIServer").await;
    let tokens = persons(&chain).await;
    let jane = tokens["access_token"].as_str().unwrap();
    assert_eq!(call_at(&chain, "/sitecore/shell/authors/x", jane).await.status, 403);
    assert_eq!(chain.cms.count(), 0);
    assert_eq!(call_at(&chain, "/sitecore/shell/authors/x", &program).await.status, 200);
}

#[tokio::test]
async fn a_long_answer_to_a_token_runs_to_its_end() {
    let chain = start().await;
    let token = token(&chain, "SitecoreCLIServer").await;
    chain.cms.script(|_| {
        let pause = Step::Wait(std::time::Duration::from_millis(700));
        let head = Step::text("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nab");
        vec![head, pause.clone(), Step::text("cd"), pause, Step::text("ef")]
    });
    assert_eq!(call(&chain, &token).await.text(), "abcdef");
}
