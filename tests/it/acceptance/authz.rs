//! AUTHZ: what makes an authorization request valid: who asks, where the answer goes, and in which
//! shape. What it asks for is in `authz_rules`, signed requests are in `authz_objects`.

use crate::acceptance::house::End;
use crate::acceptance::house::House;
use crate::acceptance::house::client;
use crate::acceptance::house::redirect_uri;
use crate::acceptance::house::request;
use crate::support::wire::Answer;

/// Where a request's refusal is said, and its error code.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    Here(String),
    There(String),
}

pub(super) fn here(error: &str) -> Said {
    Said::Here(error.to_owned())
}

pub(super) fn there(error: &str) -> Said {
    Said::There(error.to_owned())
}

pub(super) async fn refusal(house: &House, client: &str, more: &[(&str, &str)]) -> Said {
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
pub(super) fn error_of(page: &Answer) -> String {
    let text = page.text();
    assert!(page.status == 200 && text.contains("id=\"error\""), "{} {}", page.status, page.gist());
    let (_, rest) = text.split_once("id=\"error-code\">").expect("no error code");
    rest.split('<').next().unwrap().to_owned()
}

/// Whether the request is good: somebody is asked to sign in for it.
pub(super) async fn accepted(house: &House, client: &str, more: &[(&str, &str)]) -> bool {
    match house.ask(&mut house.browser(), client, more).await {
        End::Client(reply) => panic!("{reply:?}"),
        End::Page(page) => page.text().contains("id=\"sign-in\""),
    }
}

/// The page after the redirect to it, which must hold no way to the client.
pub(super) async fn page_without_a_way_back(house: &House, path: &str) -> Answer {
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

/// Each of `uris` is refused for `web`, and nobody is sent there.
async fn all_refused(uris: &[&str]) {
    let house = House::start().await;
    for uri in uris {
        let path = request("web", &[("redirect_uri", uri)]);
        let page = page_without_a_way_back(&house, &path).await;
        assert_eq!(error_of(&page), "invalid_request", "{uri}");
    }
}

#[tokio::test]
async fn authz06_a_redirect_uri_is_there_absolute_and_not_too_long() {
    let long = format!("{}?{}", redirect_uri("web"), "a".repeat(400));
    all_refused(&["", "/web/callback", "http:///x", "rp.localhost/web/callback", &long]).await;
}

#[tokio::test]
async fn authz07_a_redirect_uri_is_the_clients_own() {
    all_refused(&["https://evil.test/web/callback", "https://rp.localhost/other/callback"]).await;
}

#[tokio::test]
async fn authz09_g157_a_redirect_uri_is_met_exactly_or_not_at_all() {
    all_refused(&[
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
    ])
    .await;
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
