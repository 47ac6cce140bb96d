//! AUTHZ: what makes an authorization request valid.

use serde_json::Value;
use serde_json::json;

use crate::acceptance::house::End;
use crate::acceptance::house::House;
use crate::acceptance::house::client;
use crate::acceptance::house::redirect_uri;
use crate::acceptance::house::request;
use crate::acceptance::house::secret;
use crate::acceptance::house::settings;
use crate::support::cms::EchoCms;
use crate::support::cms::Step;
use crate::support::signing;
use crate::support::signing::Signature;
use crate::support::signing::Token;
use crate::support::tls;
use crate::support::wire::Answer;

/// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// Where a request's refusal is said, and its error code.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    Here(String),
    There(String),
}

fn here(error: &str) -> Said {
    Said::Here(error.to_owned())
}

fn there(error: &str) -> Said {
    Said::There(error.to_owned())
}

async fn refusal(house: &House, client: &str, more: &[(&str, &str)]) -> Said {
    match house.ask(&mut house.browser(), client, more).await {
        End::Client(reply) => {
            assert_eq!(reply.to, redirect_uri(client));
            assert_eq!(reply.find("code"), None);
            there(reply.sent("error"))
        }
        End::Page(page) => here(&error_of(&page)),
    }
}

/// The code on the error page; fails on any other page.
fn error_of(page: &Answer) -> String {
    let text = page.text();
    assert!(page.status == 200 && text.contains("id=\"error\""), "{} {}", page.status, page.gist());
    let (_, rest) = text.split_once("id=\"error-code\">").expect("no error code");
    rest.split('<').next().unwrap().to_owned()
}

/// Whether the request is good: somebody is asked to sign in for it.
async fn accepted(house: &House, client: &str, more: &[(&str, &str)]) -> bool {
    match house.ask(&mut house.browser(), client, more).await {
        End::Client(reply) => panic!("{reply:?}"),
        End::Page(page) => page.text().contains("id=\"sign-in\""),
    }
}

/// The page after the redirect to it, which must hold no way to the client.
async fn page_without_a_way_back(house: &House, path: &str) -> Answer {
    let mut browser = house.browser();
    let answer = browser.get(path).await;
    assert_eq!(answer.status, 302);
    assert!(answer.location().starts_with("/home/error?errorId="), "{}", answer.location());
    let page = browser.go(answer.location()).await;
    error_of(&page);
    assert!(!page.text().contains("rp.localhost"), "{}", page.text());
    page
}

#[tokio::test]
async fn authz01_an_anonymous_person_signs_in_first_and_no_parameter_is_lost() {
    let house = House::start().await;
    let more = [("ui_locales", "da en"), ("x_own", "1&2"), ("scope", "openid profile")];
    let answer = house.browser().get(&request("web", &more)).await;
    assert_eq!(answer.status, 302);
    let login = url::Url::parse(&house.issuer()).unwrap().join(answer.location()).unwrap();
    assert_eq!(login.path(), "/account/login");
    let (_, back) = login.query_pairs().find(|(name, _)| name == "ReturnUrl").unwrap();
    let back = login.join(&back).unwrap();
    assert_eq!(back.path(), "/connect/authorize/callback");
    let kept: Vec<(String, String)> = back.query_pairs().into_owned().collect();
    let redirect_uri = redirect_uri("web");
    for (name, value) in [
        ("client_id", "web"),
        ("response_type", "code"),
        ("redirect_uri", redirect_uri.as_str()),
        ("state", "the state"),
        ("nonce", "the nonce"),
    ]
    .iter()
    .chain(&more)
    {
        assert!(kept.contains(&((*name).to_owned(), (*value).to_owned())), "{name}: {back}");
    }
}

#[tokio::test]
async fn authz02_a_posted_form_works_the_same_and_nothing_else_may_be_posted() {
    let house = House::start().await;
    let mut browser = house.browser();
    let target = url::Url::parse(&house.issuer()).unwrap().join(&request("web", &[])).unwrap();
    let form: Vec<(String, String)> = target.query_pairs().into_owned().collect();
    let form: Vec<(&str, &str)> = form.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let post = browser.navigation("POST", "/connect/authorize", "cross-site").form(&form);
    let answer = browser.send(post).await;
    let page = house.onward(&mut browser, answer).await.page();
    let reply = house.type_in(&mut browser, &page, "jane").await.reply();
    assert!(!reply.sent("code").is_empty());
    for kind in ["application/json", "text/plain"] {
        let post = browser.bare("POST", "/connect/authorize").body(kind, "{}");
        assert_eq!(browser.send(post).await.status, 415, "{kind}");
    }
    for method in ["PUT", "DELETE", "PATCH"] {
        assert_eq!(house.call(method, "/connect/authorize", &[], None).await.status, 405);
    }
}

#[tokio::test]
async fn authz03_l161_an_unknown_client_is_told_of_on_our_page_only() {
    let house = House::start().await;
    for id in ["nobody", "WEB", "web "] {
        let path = request("web", &[("client_id", id)]);
        let page = page_without_a_way_back(&house, &path).await;
        assert_eq!(error_of(&page), "unauthorized_client");
    }
}

#[tokio::test]
async fn authz04_a_client_id_that_is_missing_or_too_long_is_refused() {
    let house = House::start().await;
    for id in ["", &"a".repeat(101)] {
        let page = page_without_a_way_back(&house, &request("web", &[("client_id", id)])).await;
        assert_eq!(error_of(&page), "invalid_request");
    }
}

#[tokio::test]
async fn authz05_a_disabled_client_is_refused() {
    let clients = client("off", "authorization_code", "<Enabled>false</Enabled>");
    let house = House::with(&clients, "").await;
    let page = page_without_a_way_back(&house, &request("off", &[])).await;
    assert_eq!(error_of(&page), "unauthorized_client");
}

#[tokio::test]
async fn authz06_authz07_authz09_g157_a_redirect_uri_is_met_exactly_or_not_at_all() {
    let house = House::start().await;
    let long = format!("{}?{}", redirect_uri("web"), "a".repeat(400));
    for uri in [
        "",
        "/web/callback",
        "http:///x",
        &long,
        "https://evil.test/web/callback",
        "https://rp.localhost/other/callback",
        "https://rp.localhost/web/Callback",
        "https://rp.localhost/web/callback/",
        "https://rp.localhost/web/callback?x=1",
        "https://rp.localhost/web/callback#f",
        "https://rp.localhost/web/../web/callback",
        "https://rp.localhost:443/web/callback",
        "https://RP.localhost/web/callback",
        "http://rp.localhost/web/callback",
        "https://rp.localhost/web/callbac%6b",
        "https://rp.localhost/web/callback%00",
        " https://rp.localhost/web/callback",
        "https://rp.localhost@evil.test/web/callback",
    ] {
        let page = page_without_a_way_back(&house, &request("web", &[("redirect_uri", uri)])).await;
        assert_eq!(error_of(&page), "invalid_request", "{uri}");
    }
}

#[tokio::test]
async fn authz08_g158_a_registered_query_stays_and_no_other_is_taken() {
    let uri = "https://rp.localhost/query/callback?tenant=a%20b";
    let keys = format!(
        "<RedirectUris><U1>{uri}</U1><U2>https://rp.localhost/query/callback?code=evil</U2></RedirectUris>"
    );
    let house = House::with(&client("query", "authorization_code", &keys), "").await;
    let mut browser = house.browser();
    let page = house.ask(&mut browser, "query", &[("redirect_uri", uri)]).await.page();
    let reply = house.type_in(&mut browser, &page, "jane").await.reply();
    assert_eq!(reply.sent("tenant"), "a b");
    assert!(!reply.sent("code").is_empty());
    for other in [
        "https://rp.localhost/query/callback",
        "https://rp.localhost/query/callback?tenant=b",
        "https://rp.localhost/query/callback?tenant=a%20b&x=1",
        "https://rp.localhost/query/callback?tenant=a+b",
        "https://rp.localhost/query/callback?code=evil",
    ] {
        let said = house.ask(&mut browser, "query", &[("redirect_uri", other)]).await.page();
        assert_eq!(error_of(&said), "invalid_request", "{other}");
    }
}

#[tokio::test]
async fn authz10_the_port_of_a_loopback_address_counts_unless_the_file_says_otherwise() {
    let uris = "<RedirectUris><U1>http://127.0.0.1/native</U1><U2>http://localhost/native</U2><U3>http://[::1]/native</U3></RedirectUris>";
    let clients = format!(
        "{}{}",
        client("exact", "authorization_code", uris),
        client(
            "native",
            "authorization_code",
            &format!("{uris}<AllowLoopbackPorts>true</AllowLoopbackPorts>")
        ),
    );
    let house = House::with(&clients, "").await;
    for (id, uri, good) in [
        ("exact", "http://127.0.0.1/native", true),
        ("exact", "http://127.0.0.1:51004/native", false),
        ("native", "http://127.0.0.1:51004/native", true),
        ("native", "http://[::1]:51004/native", true),
        ("native", "http://127.0.0.1:51004/other", false),
        ("native", "http://127.0.0.2:51004/native", false),
        ("native", "https://127.0.0.1:51004/native", false),
        ("native", "http://localhost:51004/native", false),
        ("native", "http://127.0.0.1:51004/native?x=1", false),
        ("native", "http://127.0.0.1:80@evil.test/native", false),
    ] {
        let end = house.ask(&mut house.browser(), id, &[("redirect_uri", uri)]).await.page();
        assert_eq!(end.text().contains("id=\"sign-in\""), good, "{id} {uri} {}", end.gist());
    }
}

#[tokio::test]
async fn authz11_a_client_of_another_protocol_is_refused() {
    let clients = client("saml", "authorization_code", "<ProtocolType>saml2p</ProtocolType>");
    let house = House::with(&clients, "").await;
    page_without_a_way_back(&house, &request("saml", &[])).await;
}

#[tokio::test]
async fn authz12_a_response_type_is_known_or_refused() {
    let house = House::start().await;
    for words in ["", "none", "CODE", "code code", "code device", "query"] {
        let said = refusal(&house, "web", &[("response_type", words)]).await;
        assert_eq!(said, here("unsupported_response_type"), "{words}");
    }
}

#[tokio::test]
async fn authz13_the_words_of_a_response_type_have_no_order() {
    let house = House::start().await;
    let mut browser = house.browser();
    for words in ["code id_token", "id_token code"] {
        let reply = house.authorize(&mut browser, "hybrid", &[("response_type", words)]).await;
        assert_eq!(reply.mode, "fragment", "{words}");
        let (_, claims) = house.verified(reply.sent("id_token")).await;
        assert_eq!(claims["aud"], "hybrid");
        assert!(!reply.sent("code").is_empty());
    }
}

#[tokio::test]
async fn authz14_tokens_never_stand_in_a_query() {
    let house = House::start().await;
    for (id, words) in [
        ("hybrid", "code id_token"),
        ("hybrid-tokens", "code token"),
        ("implicit", "id_token"),
        ("implicit-tokens", "id_token token"),
    ] {
        let more = [("response_type", words), ("response_mode", "query"), ("scope", "openid api1")];
        assert_eq!(refusal(&house, id, &more).await, here("invalid_request"), "{words}");
    }
}

#[tokio::test]
async fn authz15_g166_an_unknown_response_mode_is_refused() {
    let house = House::start().await;
    for mode in ["web_message", "query.jwt", "form_post.jwt", "FRAGMENT", "x"] {
        let said = refusal(&house, "web", &[("response_mode", mode)]).await;
        assert_eq!(said, here("unsupported_response_type"), "{mode}");
    }
}

#[tokio::test]
async fn authz16_a_plain_code_travels_in_any_mode() {
    let house = House::start().await;
    let mut browser = house.browser();
    for mode in ["query", "fragment", "form_post"] {
        let reply = house.authorize(&mut browser, "web", &[("response_mode", mode)]).await;
        assert_eq!(reply.mode, mode);
        assert_eq!(house.redeem("web", reply.sent("code")).await.status, 200, "{mode}");
    }
}

#[tokio::test]
async fn authz17_a_scope_is_needed_and_not_too_long() {
    let house = House::start().await;
    for scope in ["", " ", &"a".repeat(301)] {
        let said = refusal(&house, "web", &[("scope", scope)]).await;
        assert_eq!(said, here("invalid_request"), "{scope:.20}");
    }
}

#[tokio::test]
async fn authz18_a_scope_is_known_and_allowed() {
    let narrow =
        client("narrow", "authorization_code", "<AllowedScopes><S1>openid</S1></AllowedScopes>");
    let house = House::with(&narrow, "").await;
    for (id, scope) in [
        ("web", "openid nothing"),
        ("narrow", "openid profile"),
        ("narrow", "openid offline_access"),
    ] {
        assert_eq!(
            refusal(&house, id, &[("scope", scope)]).await,
            here("invalid_scope"),
            "{scope}"
        );
    }
}

#[tokio::test]
async fn authz19_an_id_token_needs_openid() {
    let house = House::start().await;
    for (id, words) in [
        ("hybrid", "code id_token"),
        ("implicit", "id_token"),
        ("implicit-tokens", "id_token token"),
        ("hybrid-tokens", "code id_token token"),
    ] {
        let more = [("response_type", words), ("scope", "api1")];
        assert_eq!(refusal(&house, id, &more).await, here("invalid_request"), "{words}");
    }
}

#[tokio::test]
async fn authz20_a_scope_fits_what_is_asked_for() {
    let house = House::start().await;
    for (words, scope, error) in [
        ("token", "openid api1", Some("invalid_scope")),
        ("token", "openid", Some("invalid_scope")),
        ("id_token", "openid api1", Some("invalid_scope")),
        ("token", "api1", None),
        ("id_token", "openid profile", None),
        ("id_token token", "openid api1", None),
    ] {
        let more = [("response_type", words), ("scope", scope)];
        match error {
            Some(error) => {
                assert_eq!(
                    refusal(&house, "implicit-tokens", &more).await,
                    here(error),
                    "{more:?}"
                );
            }
            None => assert!(accepted(&house, "implicit-tokens", &more).await, "{more:?}"),
        }
    }
}

#[tokio::test]
async fn authz21_a_scope_of_the_person_goes_with_openid() {
    let house = House::start().await;
    for scope in ["profile", "email api1"] {
        assert_eq!(refusal(&house, "web", &[("scope", scope)]).await, here("invalid_scope"));
    }
}

#[tokio::test]
async fn authz22_an_id_token_in_the_answer_needs_a_nonce() {
    let house = House::start().await;
    for (id, words, needed) in [
        ("web", "code", false),
        ("hybrid-tokens", "code token", false),
        ("hybrid", "code id_token", true),
        ("hybrid-tokens", "code id_token token", true),
        ("implicit", "id_token", true),
        ("implicit-tokens", "id_token token", true),
    ] {
        let more = [("response_type", words), ("nonce", "")];
        if needed {
            assert_eq!(refusal(&house, id, &more).await, there("invalid_request"), "{words}");
        } else {
            assert!(accepted(&house, id, &more).await, "{words}");
        }
    }
}

#[tokio::test]
async fn authz23_parameters_have_a_longest_length() {
    let house = House::start().await;
    for (name, longest) in
        [("nonce", 300), ("ui_locales", 100), ("login_hint", 100), ("acr_values", 300)]
    {
        let (fits, long) = ("a".repeat(longest), "a".repeat(longest + 1));
        assert!(accepted(&house, "web", &[(name, &fits)]).await, "{name}");
        assert_eq!(
            refusal(&house, "web", &[(name, &long)]).await,
            there("invalid_request"),
            "{name}"
        );
    }
}

#[tokio::test]
async fn authz24_l280_max_age_is_a_number_and_nought_asks_again() {
    let house = House::start().await;
    for age in ["soon", "-1", "+1", "1.5", "99999999999999999999999"] {
        assert_eq!(refusal(&house, "web", &[("max_age", age)]).await, there("invalid_request"));
    }
    let mut browser = house.browser();
    house.sign_in(&mut browser, "jane").await;
    assert_eq!(house.authorize(&mut browser, "web", &[("max_age", "1000")]).await.asked, 0);
    assert_eq!(house.authorize(&mut browser, "web", &[("max_age", "0")]).await.asked, 1);
}

#[tokio::test]
async fn authz25_prompt_none_stands_alone_and_unknown_words_are_passed_over() {
    let house = House::start().await;
    for words in ["none login", "login none", "none x"] {
        let said = refusal(&house, "web", &[("prompt", words)]).await;
        assert_eq!(said, there("invalid_request"), "{words}");
    }
    for more in [("prompt", "create"), ("display", "hologram"), ("display", "popup")] {
        assert!(accepted(&house, "web", &[more]).await, "{more:?}");
    }
}

#[tokio::test]
async fn authz26_unknown_parameters_are_ignored_and_live_through_the_sign_in() {
    let house = House::start().await;
    let mut browser = house.browser();
    let reply = house.authorize(&mut browser, "web", &[("extra", "foobar")]).await;
    assert!(!reply.sent("code").is_empty());
    let callback = browser.history.iter().find(|url| url.path().ends_with("/callback")).unwrap();
    assert!(callback.query_pairs().any(|(name, value)| name == "extra" && value == "foobar"));
}

#[tokio::test]
async fn authz27_l260_a_client_that_needs_pkce_does_without_nowhere() {
    let hybrid = client("strict-hybrid", "hybrid", "<RequirePkce>true</RequirePkce>");
    let house = House::with(&hybrid, "").await;
    for (id, words) in [("strict", "code"), ("public", "code"), ("strict-hybrid", "code id_token")]
    {
        let more = [("response_type", words)];
        assert_eq!(refusal(&house, id, &more).await, there("invalid_request"), "{id}");
        let pkce = [("code_challenge", CHALLENGE), ("code_challenge_method", "S256"), more[0]];
        assert!(accepted(&house, id, &pkce).await, "{id}");
    }
}

#[tokio::test]
async fn authz28_a_challenge_has_43_to_128_characters() {
    let house = House::start().await;
    for (length, good) in [(42, false), (43, true), (128, true), (129, false)] {
        let challenge = "a".repeat(length);
        let more = [("code_challenge", challenge.as_str()), ("code_challenge_method", "S256")];
        if good {
            assert!(accepted(&house, "web", &more).await, "{length}");
        } else {
            assert_eq!(refusal(&house, "web", &more).await, there("invalid_request"), "{length}");
        }
    }
}

#[tokio::test]
async fn authz29_l260_a_plain_challenge_is_for_clients_whose_file_allows_it() {
    let plain =
        client("plain", "authorization_code", "<AllowPlainTextPkce>true</AllowPlainTextPkce>");
    let house = House::with(&plain, "").await;
    for method in ["", "plain", "s256", "S512"] {
        let more = [("code_challenge", VERIFIER), ("code_challenge_method", method)];
        assert_eq!(refusal(&house, "web", &more).await, there("invalid_request"), "{method}");
    }
    let mut browser = house.browser();
    for method in ["", "plain"] {
        let more = [("code_challenge", VERIFIER), ("code_challenge_method", method)];
        let code = house.authorize(&mut browser, "plain", &more).await.sent("code").to_owned();
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", "https://rp.localhost/plain/callback"),
            ("code_verifier", VERIFIER),
        ];
        assert_eq!(house.token("plain", &form).await.status, 200, "{method}");
    }
    let more = [("code_challenge", VERIFIER), ("code_challenge_method", "S512")];
    assert_eq!(refusal(&house, "plain", &more).await, there("invalid_request"));
}

#[tokio::test]
async fn authz30_l262_a_flow_that_is_not_the_clients_is_refused() {
    let house = House::start().await;
    for (id, words) in [
        ("web", "code id_token"),
        ("web", "id_token"),
        ("web", "token"),
        ("hybrid", "code"),
        ("hybrid-tokens", "id_token token"),
        ("implicit", "code"),
        ("implicit", "code id_token"),
        ("machine", "code"),
    ] {
        let more = [("response_type", words)];
        assert_eq!(refusal(&house, id, &more).await, here("unauthorized_client"), "{id} {words}");
    }
}

#[tokio::test]
async fn authz31_access_tokens_pass_browsers_only_where_the_file_allows_it() {
    let house = House::start().await;
    for (id, words) in [("implicit", "id_token token"), ("hybrid", "code id_token token")] {
        let more = [("response_type", words), ("scope", "openid api1")];
        assert_eq!(refusal(&house, id, &more).await, here("invalid_request"), "{words}");
    }
    assert!(accepted(&house, "hybrid", &[("response_type", "code id_token")]).await);
    let mut browser = house.browser();
    for (id, words) in [
        ("implicit-tokens", "id_token token"),
        ("implicit-tokens", "token"),
        ("hybrid-tokens", "code token"),
        ("hybrid-tokens", "code id_token token"),
    ] {
        let scope = if words == "token" { "api1" } else { "openid profile" };
        let more = [("response_type", words), ("scope", scope)];
        let reply = house.authorize(&mut browser, id, &more).await;
        assert_eq!((reply.mode, reply.sent("token_type")), ("fragment", "Bearer"), "{words}");
        assert_eq!((reply.sent("expires_in"), reply.sent("scope")), ("3600", scope), "{words}");
        house.verified(reply.sent("access_token")).await;
        if scope.starts_with("openid") {
            let claims = house.userinfo(reply.sent("access_token")).await.json();
            assert_eq!(claims["given_name"], "Jane", "{words}");
        }
    }
}

#[tokio::test]
async fn authz32_g160_a_parameter_stands_there_once() {
    let house = House::start().await;
    for extra in ["client_id=web", "redirect_uri=https://evil.test/", "scope=openid", "state=x"] {
        let path = format!("{}&{extra}", request("web", &[]));
        let page = page_without_a_way_back(&house, &path).await;
        assert_eq!(error_of(&page), "invalid_request", "{extra}");
    }
}

#[tokio::test]
async fn authz33_the_error_page_tells_whom_to_ask_in_the_persons_language() {
    let house = House::start().await;
    let mut browser = house.browser();
    let more = [("scope", "<b>openid</b>"), ("ui_locales", "xx da")];
    let page = house.ask(&mut browser, "web", &more).await.page();
    assert_eq!(error_of(&page), "invalid_scope");
    let text = page.text();
    assert!(text.contains("The application web"), "{}", page.gist());
    assert!(text.contains("lang=\"da\"") && !text.contains("<b>openid"), "{text}");
    let (_, rest) = text.split_once("id=\"request-id\">").unwrap();
    assert_eq!(rest.split('<').next().unwrap().len(), 32);
}

#[tokio::test]
async fn authz34_a_long_state_comes_back_untouched() {
    let house = House::start().await;
    let mut browser = house.browser();
    let state = "+%&é =\"<>'\\".repeat(360);
    assert!(state.len() > 4_096);
    for mode in ["query", "fragment", "form_post"] {
        let more = [("state", state.as_str()), ("response_mode", mode)];
        let reply = house.authorize(&mut browser, "web", &more).await;
        assert_eq!((reply.mode, reply.sent("state")), (mode, state.as_str()));
        browser = house.browser();
    }
}

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

#[tokio::test]
async fn authz39_the_issuer_stands_in_every_answer() {
    let house = House::start().await;
    let mut browser = house.browser();
    let told = house.authorize(&mut browser, "web", &[("prompt", "none")]).await;
    assert_eq!((told.sent("error"), told.sent("iss")), ("login_required", house.issuer().as_str()));
    for mode in ["query", "fragment", "form_post"] {
        let reply = house.authorize(&mut browser, "web", &[("response_mode", mode)]).await;
        assert_eq!(reply.sent("iss"), house.issuer());
    }
    let found = house.get("/.well-known/openid-configuration", &[]).await.json();
    assert_eq!(found["authorization_response_iss_parameter_supported"], true);
}
