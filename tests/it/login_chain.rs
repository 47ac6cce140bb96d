//! The whole way: a CMS site → provider `SitecoreIdentityServer` → our identity server → a person
//! with a password → back at the CMS as `sitecore\jane`.

use serde_json::json;
use vestibule::clock::Clock;

use crate::support::chain::Chain;
use crate::support::chain::PASSWORD;
use crate::support::gateway::document;
use crate::support::journey;
use crate::support::provider::CLIENT_ID;
use crate::support::provider::CLIENT_SECRET;
use crate::support::provider::FakeProvider;
use crate::support::wire::Wire;
use crate::support::world::SESSION;

#[tokio::test]
async fn jane_reaches_the_cms_as_herself_with_her_roles() {
    let chain = Chain::start().await;
    let mut browser = chain.browser();
    let page = chain.sign_in(&mut browser, "jane", PASSWORD).await;
    assert_eq!(page.text(), "GET /sitecore/shell/start");
    let seen = chain.cms.last();
    assert_eq!(seen.header("x-forwarded-user"), Some("sitecore\\jane"));
    assert_eq!(seen.header("x-forwarded-groups"), Some("sitecore\\Author,sitecore\\Designer"));
    assert_eq!(seen.header("x-forwarded-email"), Some("jane@local.test"));
    let hosts: Vec<&str> = browser.history.iter().filter_map(|url| url.host_str()).collect();
    assert!(hosts.contains(&"id.localhost") && hosts.last() == Some(&"cms.localhost"));
}

#[tokio::test]
async fn the_domain_may_be_typed_and_has_no_case() {
    let chain = Chain::start().await;
    for name in ["sitecore\\jane", "SITECORE\\Jane", "Jane"] {
        let page = chain.sign_in(&mut chain.browser(), name, PASSWORD).await;
        assert_eq!(page.text(), "GET /sitecore/shell/start", "{name}");
        assert_eq!(chain.cms.last().header("x-forwarded-user"), Some("sitecore\\jane"), "{name}");
    }
}

#[tokio::test]
async fn a_wrong_password_stays_at_the_sign_in_page() {
    let chain = Chain::start().await;
    let mut browser = chain.browser();
    for (name, word) in
        [("jane", "wrong"), ("nobody", PASSWORD), ("jane", ""), ("extranet\\jane", PASSWORD)]
    {
        let page = chain.sign_in(&mut browser, name, word).await;
        assert!(matches!(page.status, 200 | 429), "{name}: {}", page.status);
        assert!(page.text().contains("id=\"sign-in\""), "{}", page.gist());
        assert!(!page.text().contains(word) || word.is_empty(), "the password is shown");
        assert_eq!(browser.jar.find("cms.localhost", SESSION), None);
    }
    assert_eq!(chain.cms.count(), 0);
    let page = browser.go("/sitecore/shell/start").await;
    let right = browser.submit(&page, &[("username", "jane"), ("password", PASSWORD)]).await;
    assert_eq!(browser.follow(right).await.text(), "GET /sitecore/shell/start");
}

#[tokio::test]
async fn the_second_site_needs_no_second_password() {
    let chain = Chain::start().await;
    let mut browser = chain.browser();
    chain.sign_in(&mut browser, "jane", PASSWORD).await;
    browser.jar.0.retain(|kept| kept.host == "id.localhost");
    let page = browser.go(&chain.url("/sitecore/admin/x")).await;
    assert_eq!(page.text(), "GET /sitecore/admin/x");
}

#[tokio::test]
async fn signing_out_ends_both_sessions_and_comes_back() {
    let chain = Chain::start().await;
    let mut browser = chain.browser();
    chain.sign_in(&mut browser, "jane", PASSWORD).await;
    let out = browser.get("/identity/logout").await;
    let page = browser.follow(out).await;
    assert!(page.status < 400, "{} {}", page.status, page.gist());
    assert!(
        browser
            .history
            .iter()
            .any(|url| url.host_str() == Some("id.localhost") && url.path().contains("endsession"))
    );
    assert_eq!(browser.jar.find("cms.localhost", SESSION), None);
    let again = browser.go(&chain.url("/sitecore/shell/start")).await;
    assert!(
        again.text().contains("id=\"sign-in\""),
        "the identity server still knows her: {}",
        again.text()
    );
}

#[tokio::test]
async fn signing_out_at_the_identity_server_ends_the_session_at_the_cms() {
    let chain = Chain::start().await;
    let mut browser = chain.browser();
    chain.sign_in(&mut browser, "jane", PASSWORD).await;
    let asking = browser.get(&format!("{}/account/logout", chain.issuer())).await;
    let done = browser.submit(&asking, &[]).await;
    assert!(done.is_redirect(), "{}", done.gist());
    assert!(browser.jar.find("cms.localhost", SESSION).is_some(), "the cookie is still there");
    let again = browser.go(&chain.url("/sitecore/shell/start")).await;
    assert!(again.text().contains("id=\"sign-in\""), "{}", again.gist());
}

#[tokio::test]
async fn both_session_cookies_carry_their_flags() {
    let chain = Chain::start().await;
    let mut browser = chain.browser();
    chain.sign_in(&mut browser, "jane", PASSWORD).await;
    assert!(browser.lines.iter().any(|line| line.starts_with("idsrv=")), "{:?}", browser.lines);
    for line in &browser.lines {
        let flags = line.to_ascii_lowercase();
        assert!(flags.contains("secure") && !flags.contains("domain="), "{line}");
        assert!(flags.contains("httponly") || line.starts_with("idsrv.session"), "{line}");
    }
}

#[tokio::test]
async fn j226_a_session_of_the_identity_server_is_none_at_the_cms() {
    let chain = Chain::start().await;
    let mut browser = chain.browser();
    chain.sign_in(&mut browser, "jane", PASSWORD).await;
    let token = browser.jar.find("id.localhost", "idsrv").unwrap().value.clone();
    chain.cms.clear();
    let mut wire = Wire::tls(chain.gateway.port, "cms.localhost").await;
    wire.send(format!(
        "GET /sitecore/shell/ HTTP/1.1\r\nHost: cms.localhost\r\nCookie: {SESSION}={token}\r\n\r\n"
    ))
    .await;
    assert_eq!(wire.answer().await.status, 401);
    assert_eq!(chain.cms.count(), 0);
}

#[tokio::test]
async fn g155_the_sign_in_page_leads_nowhere_else() {
    let chain = Chain::start().await;
    let mut browser = chain.browser();
    for evil in ["https://evil.test/", "//evil.test/", "/\\evil.test"] {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("returnUrl", evil).append_pair("ReturnUrl2", evil);
        let page =
            browser.get(&format!("{}/account/login?{}", chain.issuer(), query.finish())).await;
        if page.status != 200 {
            continue;
        }
        let answer = browser.submit(&page, &[("username", "jane"), ("password", PASSWORD)]).await;
        let to = answer.header("location").unwrap_or("/");
        assert!(!to.contains("evil.test"), "{evil} led to {to}");
        browser.jar.0.clear();
    }
}

#[tokio::test]
async fn c80_discovery_speaks_of_the_configured_issuer_alone() {
    let chain = Chain::start().await;
    let mut browser = chain.browser();
    let request = browser
        .bare("GET", &format!("{}/.well-known/openid-configuration", chain.issuer()))
        .header("X-Forwarded-Host", "evil.test")
        .header("Forwarded", "host=evil.test")
        .header("X-Forwarded-Proto", "http");
    let document = browser.send(request).await.json();
    assert_eq!(document["issuer"], json!(chain.issuer()));
    for (name, value) in document.as_object().unwrap() {
        let addresses = name.ends_with("_endpoint") || name.ends_with("_uri");
        assert!(
            !addresses || value.as_str().unwrap().starts_with(&format!("{}/", chain.issuer())),
            "{name}: {value}"
        );
    }
}

/// An authorization request of the client `Sitecore`, changed.
fn authorize(chain: &Chain, changes: &[(&str, Option<&str>)]) -> String {
    let mut address = format!("{}/connect/authorize?", chain.issuer());
    let redirect = chain.url("/identity/signin");
    let right = [
        ("client_id", "Sitecore"),
        ("response_type", "code id_token"),
        ("scope", "openid"),
        ("redirect_uri", redirect.as_str()),
        ("state", "s"),
        ("nonce", "n"),
        ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
        ("code_challenge_method", "S256"),
    ];
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(right);
    address.push_str(&query.finish());
    changes.iter().fold(address, |address, (name, value)| journey::changed(&address, name, *value))
}

#[tokio::test]
async fn g157_g158_a_redirect_address_is_compared_exactly() {
    let chain = Chain::start().await;
    let right = chain.url("/identity/signin");
    let page = chain.browser().go(&authorize(&chain, &[])).await;
    assert!(page.text().contains("id=\"sign-in\""), "{}", page.gist());
    let wrong = [
        format!("{right}/"),
        format!("{right}?x=1"),
        format!("{right}#f"),
        format!("{right}?code=evil&state=evil"),
        format!("{right}#code=evil"),
        right.replace("signin", "SIGNIN"),
        format!("{right}/../x"),
        format!("{right}%2f.."),
        format!("{right};x"),
        right.replace("https:", "HTTPS:"),
        right.replace("https:", "http:"),
        format!("{right}%00"),
        right.replace("signin", "s%69gnin"),
        format!(" {right}"),
        right.replace("cms.localhost", "CMS.localhost"),
        right.replace("cms.localhost", "cms.localhost@evil.test"),
        "https://evil.test/identity/signin".to_owned(),
        String::new(),
    ];
    for redirect in &wrong {
        stays_at_the_identity_server(
            &chain,
            &authorize(&chain, &[("redirect_uri", Some(redirect))]),
        )
        .await;
    }
}

/// Opens `address`, which must end at a page of the identity server that says what is wrong.
async fn stays_at_the_identity_server(chain: &Chain, address: &str) {
    let mut browser = chain.browser();
    let page = browser.go(address).await;
    assert!(page.text().contains("id=\"error\""), "{address}: {} {}", page.status, page.gist());
    for url in &browser.history {
        assert_eq!(url.host_str(), Some("id.localhost"), "{address} led to {url}");
    }
}

#[tokio::test]
async fn g160_g161_nothing_is_redirected_for_a_client_that_is_not_known() {
    let chain = Chain::start().await;
    let right = authorize(&chain, &[]);
    for address in [
        authorize(&chain, &[("client_id", Some("nobody"))]),
        authorize(&chain, &[("client_id", None)]),
        authorize(&chain, &[("redirect_uri", None)]),
        format!("{right}&redirect_uri=https%3A%2F%2Fevil.test"),
        format!("{right}&client_id=Sitecore"),
    ] {
        stays_at_the_identity_server(&chain, &address).await;
    }
}

#[tokio::test]
async fn g164_after_signing_out_only_a_registered_address_is_gone_to() {
    let chain = Chain::start().await;
    let mut browser = chain.browser();
    let right = chain.url("/identity/postexternallogout");
    for (client, to) in [
        (None, right.clone()),
        (Some("nobody"), right.clone()),
        (Some("Sitecore"), format!("{right}?x=1")),
        (Some("Sitecore"), format!("{right}/")),
        (Some("Sitecore"), "https://evil.test/".to_owned()),
        (Some("Sitecore"), "javascript:alert(1)".to_owned()),
    ] {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("post_logout_redirect_uri", &to).append_pair("state", "st4te");
        query.extend_pairs(client.map(|client| ("client_id", client)));
        let answer =
            browser.get(&format!("{}/connect/endsession?{}", chain.issuer(), query.finish())).await;
        let location = answer.header("location").unwrap_or_default();
        let here = location.is_empty()
            || location.starts_with('/')
            || location.starts_with(&chain.issuer());
        assert!(here && !location.contains("javascript"), "{client:?} {to}: {location}");
        let page = browser.follow(answer).await;
        assert!(
            !page.text().contains("href=\"https://evil.test")
                && !page.text().contains("href=\"javascript:"),
            "{}",
            page.gist()
        );
    }
}

#[tokio::test]
async fn a_code_is_worth_one_set_of_tokens() {
    let chain = Chain::start().await;
    let mut browser = chain.browser();
    chain.sign_in(&mut browser, "jane", PASSWORD).await;
    let answer = browser
        .get(&authorize(
            &chain,
            &[("code_challenge", Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"))],
        ))
        .await;
    let mut answer = answer;
    while answer.is_redirect() && !answer.location().contains("/identity/signin") {
        let next = answer.location().to_owned();
        answer = browser.get(&next).await;
    }
    let code = journey::parameter(&answer.location().replace('#', "?"), "code").unwrap();
    let redirect = chain.url("/identity/signin");
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "Sitecore"),
        ("code", code.as_str()),
        ("redirect_uri", redirect.as_str()),
        ("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
    ];
    let token = format!("{}/connect/token", chain.issuer());
    let request = browser.bare("POST", &token).form(&form);
    let first = browser.send(request.clone()).await;
    assert_eq!(first.status, 200, "{}", first.text());
    assert!(
        first.json()["id_token"].is_string()
            && first.header("cache-control").unwrap().contains("no-store")
    );
    let second = browser.send(request).await;
    assert_eq!((second.status, second.json()["error"].clone()), (400, json!("invalid_grant")));
}

#[tokio::test]
async fn nobody_is_signed_in_by_another_site_s_form() {
    let chain = Chain::start().await;
    let mut browser = chain.browser();
    let login = format!("{}/account/login", chain.issuer());
    let request = browser
        .navigation("POST", &login, "cross-site")
        .header("Origin", "https://evil.test")
        .form(&[("username", "jane"), ("password", PASSWORD), ("returnUrl", "/")]);
    let answer = browser.send(request).await;
    assert!(answer.status >= 400, "{}", answer.status);
    assert_eq!(browser.jar.find("id.localhost", "idsrv"), None);
}

#[tokio::test]
async fn the_break_glass_form_signs_in_without_the_identity_server() {
    let chain = Chain::start().await;
    let mut browser = chain.browser();
    let form = browser.get("/sitecore/login?fbc=1").await;
    let answer = browser.submit(&form, &[("username", "jane"), ("password", PASSWORD)]).await;
    let page = browser.follow(answer).await;
    assert_eq!(page.status, 200, "{}", page.gist());
    assert_eq!(browser.go("/sitecore/shell/x").await.text(), "GET /sitecore/shell/x");
    assert_eq!(chain.cms.last().header("x-forwarded-user"), Some("sitecore\\jane"));
}

#[tokio::test]
async fn remembering_is_a_choice() {
    let chain = Chain::start().await;
    let mut browser = chain.browser();
    let page = browser.go("/sitecore/shell/start").await;
    assert!(page.text().contains("name=\"rememberLogin\""), "{}", page.gist());
    let answer = browser
        .submit_with(
            &page,
            &[("username", "jane"), ("password", PASSWORD)],
            &[("rememberLogin", "true")],
        )
        .await;
    browser.follow(answer).await;
    assert!(browser.jar.find("id.localhost", "idsrv").unwrap().persistent);
    let mut other = chain.browser();
    chain.sign_in(&mut other, "jane", PASSWORD).await;
    assert!(!other.jar.find("id.localhost", "idsrv").unwrap().persistent);
}

#[tokio::test]
async fn fed04_a_path_of_the_cms_names_the_inner_provider_and_skips_the_page() {
    let chain = Chain::start().await;
    let clock = Clock::system();
    let idp = FakeProvider::start(&clock).await;
    let (issuer, plugin) = (&idp.issuer, "Sitecore.Plugin.IdentityProviders");
    let files = [
        (
            "conf/identity/partner.xml",
            format!(
                r#"<Settings><Sitecore><ExternalIdentityProviders><IdentityProviders>
<Partner type="{plugin}.IdentityProvider, {plugin}"><AuthenticationScheme>IdS4-Partner</AuthenticationScheme><DisplayName>Partner</DisplayName>
<ClaimsTransformations>
<Mail type="{plugin}.DefaultClaimsTransformation, {plugin}"><SourceClaims><C1 type="http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress" /></SourceClaims><NewClaims><C1 type="email" /></NewClaims></Mail>
<Authors type="{plugin}.DefaultClaimsTransformation, {plugin}"><SourceClaims><C1 type="groups" value="editors" /></SourceClaims><NewClaims><C1 type="role" value="sitecore\Author" /></NewClaims></Authors>
</ClaimsTransformations></Partner>
</IdentityProviders></ExternalIdentityProviders></Sitecore></Settings>"#
            ),
        ),
        (
            "conf/include/z.partner.config",
            document(&format!(
                r#"<gateway><connections><connection provider="IdS4-Partner" authority="{issuer}" clientId="{CLIENT_ID}" clientSecret="{CLIENT_SECRET}" requireHttpsMetadata="false" /></connections></gateway>"#
            )),
        ),
    ];
    for (path, text) in files {
        chain.gateway.folder.write(path, &text);
    }
    chain.gateway.app.reload().await.unwrap();
    let mut browser = chain.browser();
    let start = "/identity/login/shell/SitecoreIdentityServer/IdS4-Partner?returnUrl=%2Fsitecore%2Fshell%2Fx";
    let page = browser.go(start).await;
    assert_eq!(page.text(), "GET /sitecore/shell/x", "{:?}", browser.history);
    let seen = chain.cms.last();
    let name = seen.header("x-forwarded-user").unwrap();
    assert!(name.starts_with("sitecore\\") && name != "sitecore\\jane", "{name}");
    assert_eq!(seen.header("x-forwarded-groups"), Some("sitecore\\Author"));
    assert_eq!(seen.header("x-forwarded-email"), Some("jane@partner.test"));
}
