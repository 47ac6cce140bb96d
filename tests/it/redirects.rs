//! Class G: no parameter leads a browser away from the host it is on.

use proptest::prelude::Strategy;
use proptest::prop_assert;
use proptest::prop_oneof;
use vestibule::http::ReturnPath;

use crate::support::browser::Browser;
use crate::support::journey;
use crate::support::journey::START;
use crate::support::world::World;

/// What the lists of open redirects know, and what our own addresses would loop on.
const ABSOLUTE: [&str; 16] = [
    "https://evil.test",
    "https://cms.localhost@evil.test",
    "https://cms.localhost:pw@evil.test",
    "https://a@b@evil.test",
    "https:evil.test",
    "https:/evil.test",
    "https:\\\\evil.test",
    "HtTpS://evil.test",
    "http:%2f%2fevil.test",
    "//evil.test",
    "///evil.test",
    "/\\evil.test",
    "\\/evil.test",
    "/\t/evil.test",
    "\t//evil.test",
    "evil.test",
];
const SCHEMES: [&str; 5] = [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "\u{1}javascript:alert(1)",
];
const ENCODED: [&str; 8] = [
    "/%2Fevil.test",
    "/%252Fevil.test",
    "/%5C%5Cevil.test",
    "／／evil.test",
    "/%E3%80%82evil",
    "/%09/evil.test",
    "/a\r\nSet-Cookie: x=y",
    "/%0d%0aSet-Cookie:x=y",
];

/// Signs in with each of these as the way back: it is refused, or the browser stays on our host.
async fn stays_here(targets: &[&str]) {
    let world = World::start().await;
    for target in targets {
        let mut browser = world.browser();
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("returnUrl", target);
        let page = browser.go(&format!("{START}?{}", query.finish())).await;
        assert!(page.status < 500, "{target}: {}", page.status);
        for url in &browser.history {
            let host = url.host_str().unwrap();
            assert!(matches!(host, "cms.localhost" | "127.0.0.1"), "{target} led to {url}");
        }
        assert!(page.values("set-cookie").iter().all(|line| !line.starts_with('x')));
    }
}

#[tokio::test]
async fn g151_absolute_ways_back_are_refused() {
    stays_here(&ABSOLUTE).await;
}

#[tokio::test]
async fn g152_ways_back_with_a_scheme_are_refused() {
    stays_here(&SCHEMES).await;
}

#[tokio::test]
async fn g154_encoded_ways_back_are_refused() {
    stays_here(&ENCODED).await;
}

#[tokio::test]
async fn g155_a_way_back_into_our_own_addresses_does_not_loop() {
    let world = World::start().await;
    let nested = (0..50).fold("/x".to_owned(), |inner, _| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("returnUrl", &inner);
        if inner.len() > 1500 { inner } else { format!("{START}?{}", query.finish()) }
    });
    for target in
        ["/identity/logout", "/signin-oidc?code=x&state=y", START, "/sitecore/logout", &nested]
    {
        let mut browser = world.browser();
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("returnUrl", target);
        let page = browser.go(&format!("{START}?{}", query.finish())).await;
        assert!(page.status < 500, "{target}: {}", page.status);
        assert!(world.idp.count("authorize") <= 1, "{target}: a loop");
        assert!(browser.history.iter().all(|url| url.path() != "/identity/logout"), "{target}");
        world.idp.forget();
    }
}

#[tokio::test]
async fn g155_a_way_back_has_a_length() {
    let world = World::start().await;
    let mut browser = world.browser();
    let long = format!("/{}", "a".repeat(20_000));
    let answer = browser.get(&format!("{START}?returnUrl={long}")).await;
    assert!(matches!(answer.status, 302 | 303 | 400 | 414 | 431), "{}", answer.status);
    assert!(answer.header("location").is_none_or(|to| to.len() < 8192));
}

#[tokio::test]
async fn g151_every_parameter_that_carries_a_way_back_is_read_the_same() {
    let world = World::start().await;
    for evil in ["https://evil.test", "//evil.test", "/\\evil.test", "javascript:alert(1)"] {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("returnUrl", evil).append_pair("ReturnUrl2", "");
        let query = query.finish();
        for path in [
            "/identity/logout",
            "/sitecore/logout",
            "/sitecore/login",
            "/identity/postexternallogout",
            "/identity/externallogincallback",
        ] {
            let mut browser: Browser = world.jane().await;
            let answer = browser.get(&format!("{path}?{query}")).await;
            let to = answer.header("location").unwrap_or_default();
            assert!(!to.contains("evil.test") || to.starts_with(&world.idp.issuer), "{path}: {to}");
            let text = answer.text();
            assert!(
                !text.contains("href=\"https://evil.test") && !text.contains("\"javascript:"),
                "{path}: {text}"
            );
        }
    }
}

#[tokio::test]
async fn g151_external_login_takes_only_a_path_of_ours() {
    let world = World::start().await;
    let mut browser = world.browser();
    let address = "/identity/externallogin?authenticationType=Partner&sc_site=shell&ReturnUrl=https%3A%2F%2Fevil.test%2F";
    let request = browser.navigation("POST", address, "same-origin").form(&[]);
    let first = browser.send(request).await;
    let page = browser.follow(first).await;
    assert!(page.status < 500, "{}", page.status);
    assert!(browser.history.iter().all(|url| url.host_str() != Some("evil.test")));
}

#[tokio::test]
async fn external_login_is_for_posts() {
    let world = World::start().await;
    let mut browser = world.browser();
    let address = "/identity/externallogin?authenticationType=Partner&sc_site=shell&ReturnUrl=%2Fsitecore%2Fshell%2Fx";
    assert!(matches!(browser.get(address).await.status, 404 | 405));
    let request = browser.navigation("POST", address, "same-origin").form(&[]);
    let first = browser.send(request).await;
    assert!(first.location().starts_with(&world.idp.issuer), "{}", first.location());
    assert_eq!(browser.follow(first).await.text(), "GET /sitecore/shell/x");
}

#[tokio::test]
async fn g163_a_post_is_never_repeated_elsewhere() {
    let world = World::start().await;
    let mut browser = world.browser();
    let address = "/identity/externallogin?authenticationType=Partner&sc_site=shell&ReturnUrl=%2F";
    let request = browser.navigation("POST", address, "same-origin").form(&[]);
    assert!(matches!(browser.send(request).await.status, 302 | 303));
    let callback = journey::callback(&mut browser, "/sitecore/shell/").await;
    let (address, query) = callback.split_once('?').unwrap();
    let request = browser
        .navigation("POST", address, "cross-site")
        .body("application/x-www-form-urlencoded", query);
    let answer = browser.send(request).await;
    assert!(!matches!(answer.status, 307 | 308), "{}", answer.status);
}

#[tokio::test]
async fn g167_the_callback_leaves_no_trace() {
    let world = World::start().await;
    let mut browser = world.browser();
    let callback = journey::callback(&mut browser, "/sitecore/shell/").await;
    let answer = browser.get(&callback).await;
    assert!(answer.is_redirect() && !answer.location().contains("code="), "{}", answer.location());
    assert!(answer.header("cache-control").unwrap().contains("no-store"));
    let policy = answer.header("referrer-policy").unwrap();
    assert!(matches!(policy, "no-referrer" | "strict-origin"), "{policy}");
}

fn piece() -> impl Strategy<Value = String> {
    let tricks = [
        "/",
        "//",
        "\\",
        "%2f",
        "%5c",
        "https:",
        "evil.test",
        "@",
        ":",
        "?",
        "#",
        "a",
        "..",
        ".",
        "%2e",
        "\t",
        "\r\n",
        "%09",
        "%0d%0a",
        "／",
        "。",
        "javascript:",
        "&",
        "=",
        ";",
        "%",
        "%25",
        "x=1",
        "\u{0}",
        " ",
        "é",
        "\u{202e}",
    ];
    prop_oneof![
        9 => proptest::sample::select(tricks.to_vec()).prop_map(str::to_owned),
        1 => proptest::char::any().prop_map(String::from),
    ]
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 20_000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn no_way_back_leaves_this_host(pieces in proptest::collection::vec(piece(), 0..8)) {
        let text = pieces.concat();
        let Some(path) = ReturnPath::read(&text) else { return Ok(()) };
        let sent = path.as_str();
        let second = sent.as_bytes().get(1).copied();
        prop_assert!(sent.starts_with('/') && second != Some(b'/') && second != Some(b'\\'), "{text:?} became {sent:?}");
        prop_assert!(sent.bytes().all(|b| (0x21..0x7f).contains(&b)), "{text:?} became {sent:?}");
        let base = url::Url::parse("https://cms.localhost/identity/").unwrap();
        prop_assert!(base.join(sent).unwrap().origin() == base.origin(), "{text:?} became {sent:?}");
    }
}
