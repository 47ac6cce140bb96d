//! Invariants that hold for any request, tried with many.

use proptest::prelude::Strategy;
use proptest::prelude::any;
use proptest::prop_oneof;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::support::cms::skeleton;
use crate::support::world::SESSION;
use crate::support::world::World;
use crate::support::world::cookie_line;

/// What says who somebody is, as letters and digits alone.
const IDENTITY: [&str; 5] = [
    "xforwardeduser",
    "xforwardedemail",
    "xforwardedgroups",
    "xforwardedpreferredusername",
    "xvestibuleassertion",
];

/// A name that some server may take for one of ours.
fn name() -> impl Strategy<Value = String> {
    let names = [
        "X-Forwarded-User",
        "X-Forwarded-Email",
        "X-Forwarded-Groups",
        "X-Forwarded-Preferred-Username",
        "X-Vestibule-Assertion",
    ];
    let signs = ["-", "_", ".", "~", "", "--", "+", "!"];
    (
        proptest::sample::select(names.to_vec()),
        proptest::sample::select(signs.to_vec()),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(name, sign, upper, trailing)| {
            let name = name.replace('-', sign);
            let name = if upper { name.to_uppercase() } else { name.to_lowercase() };
            if trailing { format!("{name}{sign}") } else { name }
        })
}

fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => name().prop_map(|name| format!("{name}: forged\r\n")),
        1 => name().prop_map(|name| format!("Connection: {name}\r\n")),
        1 => "[a-z]{1,8}".prop_map(|word| format!("X-{word}: fine\r\n")),
        1 => "[A-Za-z0-9_-]{0,60}".prop_map(|value| format!("Cookie: {SESSION}={value}\r\n")),
        1 => "[A-Za-z0-9.]{1,40}".prop_map(|value| format!("Authorization: Bearer {value}\r\n")),
    ]
}

fn request() -> impl Strategy<Value = String> {
    let methods = ["GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "HEAD"];
    let paths = [
        "/",
        "/public/x",
        "/sitecore/service/x",
        "/sitecore/shell/",
        "/SITECORE/shell/x",
        "/sitecore/login",
        "/identity/x",
    ];
    (
        proptest::sample::select(methods.to_vec()),
        proptest::sample::select(paths.to_vec()),
        proptest::collection::vec(line(), 0..8),
        any::<bool>(),
    )
        .prop_map(|(method, path, lines, chunked)| {
            let lines = lines.concat();
            let (framing, body) = if chunked && method != "HEAD" {
                (
                    "Transfer-Encoding: chunked",
                    "1\r\na\r\n0\r\nX-Forwarded-User: forged\r\nx_forwarded_groups: forged\r\n\r\n",
                )
            } else {
                ("Content-Length: 0", "")
            };
            format!(
                "{method} {path} HTTP/1.1\r\nHost: cms.localhost\r\n{lines}{framing}\r\n\r\n{body}"
            )
        })
}

/// Draws `count` requests from the same seed every time.
fn requests(count: usize) -> Vec<String> {
    let mut runner = TestRunner::deterministic();
    (0..count).map(|_| request().new_tree(&mut runner).unwrap().current()).collect()
}

#[tokio::test]
async fn no_request_without_a_session_carries_an_identity_header() {
    let world = World::start().await;
    for request in requests(400) {
        let mut wire = world.wire().await;
        wire.send(&request).await;
        wire.head().await;
    }
    let seen = world.cms.seen();
    assert!(seen.len() > 100, "only {} requests came through", seen.len());
    for seen in seen {
        for (name, _) in seen.headers.iter().chain(&seen.trailers) {
            assert!(!IDENTITY.contains(&skeleton(name).as_str()), "{}", seen.text());
        }
        assert!(!seen.text().contains("forged"), "{}", seen.text());
        assert!(!seen.target.to_lowercase().starts_with("/sitecore/shell"), "{}", seen.text());
    }
}

#[tokio::test]
async fn every_request_with_a_session_carries_each_identity_header_once_and_ours() {
    let world = World::start().await;
    let cookie = cookie_line(&world.jane().await);
    world.cms.clear();
    for request in requests(400).into_iter().filter(|request| !request.contains("Cookie:")) {
        let mut wire = world.wire().await;
        wire.send(request.replacen(
            "Host: cms.localhost\r\n",
            &format!("Host: cms.localhost\r\n{cookie}"),
            1,
        ))
        .await;
        wire.head().await;
    }
    let seen = world.cms.seen();
    assert!(seen.len() > 100, "only {} requests came through", seen.len());
    for seen in seen.iter().filter(|seen| !seen.target.contains("service")) {
        for name in IDENTITY {
            let lines = seen.headers.iter().filter(|(known, _)| skeleton(known) == name).count();
            assert_eq!(lines, 1, "{name}: {}", seen.text());
        }
        assert_eq!(seen.user(), Some("sitecore\\jane"));
        assert!(!seen.text().contains("forged"), "{}", seen.text());
    }
}

#[test]
fn the_requests_are_drawn_from_everything_that_matters() {
    let all = requests(400).concat().to_lowercase();
    for word in [
        "x_forwarded_user",
        "connection: x",
        "transfer-encoding",
        "authorization",
        "/sitecore/shell",
    ] {
        assert!(all.contains(word), "{word} is never tried");
    }
}
