//! Class B: one reading of path, query and method, for us and for the IIS behind us.

use proptest::prelude::Strategy;
use proptest::prop_assert;
use proptest::prop_assert_eq;
use proptest::prop_oneof;
use vestibule::http::CanonicalPath;

use crate::support::iis;
use crate::support::world::World;
use crate::support::world::cookie_line;

/// Asks for each path without a session; each must be refused with 400 and never reach the CMS.
async fn refused(paths: &[&str]) {
    let world = World::start().await;
    for path in paths {
        let answer = world.raw_get(path, "").await;
        assert_eq!(answer.status, 400, "{path}: {}", answer.gist());
    }
    assert_eq!(world.cms.count(), 0, "the CMS saw {:?}", world.cms.seen());
}

/// Asks for each path without a session; each must be as protected as the shell is.
async fn protected(paths: &[&str]) {
    let world = World::start().await;
    for path in paths {
        let answer = world.raw_get(path, "").await;
        assert_eq!(answer.status, 401, "{path}: {}", answer.gist());
    }
    assert_eq!(world.cms.count(), 0, "the CMS saw {:?}", world.cms.seen());
}

#[tokio::test]
async fn b38_dot_segments_are_refused() {
    refused(&[
        "/public/../sitecore/shell/",
        "/public/./../sitecore/shell/",
        "/a/%2e%2e/sitecore",
        "/.",
        "/..",
    ])
    .await;
}

#[tokio::test]
async fn b40_an_encoded_slash_is_refused() {
    refused(&[
        "/public/..%2fsitecore%2fshell/",
        "/public%2f..%2fsitecore/shell",
        "/a%5Cb",
        "/a\\b",
    ])
    .await;
}

#[tokio::test]
async fn b41_nothing_is_decoded_twice() {
    refused(&["/public/%252e%252e%252fsitecore/shell", "/%2573itecore/shell", "/a%25b"]).await;
}

#[tokio::test]
async fn b43_duplicate_slashes_are_merged_before_matching() {
    protected(&["//sitecore/shell/", "///sitecore///shell", "/sitecore//shell//x"]).await;
    refused(&["/public//../sitecore"]).await;
}

#[tokio::test]
async fn b43_the_cms_receives_the_merged_path() {
    let world = World::start().await;
    assert_eq!(world.raw_get("//evil.test//a", "").await.status, 200);
    assert_eq!(world.cms.last().target, "/evil.test/a");
}

#[tokio::test]
async fn b44_iis_has_no_case() {
    protected(&[
        "/SITECORE/Shell/",
        "/siteCore/ADMIN/",
        "/Sitecore%20Modules/SHELL/",
        "/%53itecore/shell",
    ])
    .await;
}

#[tokio::test]
async fn b46_path_parameters_are_refused() {
    refused(&[
        "/public;x=1/../sitecore/shell",
        "/sitecore;a/shell/",
        "/public/..;/sitecore/shell/",
        "/a%3bb",
    ])
    .await;
}

#[tokio::test]
async fn b47_what_win32_rewrites_is_refused() {
    refused(&[
        "/sitecore./shell/",
        "/sitecore%20/shell/",
        "/sitecore/shell/.",
        "/sitecore/admin/x.aspx%20",
        "/sitecore/admin/x.aspx.",
        "/SITECO~1/shell",
        "/x.aspx::$DATA",
        "/con",
        "/nul.aspx",
        "/a/COM1.txt",
    ])
    .await;
}

#[tokio::test]
async fn b49_overlong_and_foreign_encodings_are_refused() {
    refused(&[
        "/%c0%af../sitecore",
        "/%u002e%u002e%u2215sitecore",
        "/%ef%bc%8fsitecore",
        "/%e2%88%95",
        "/%ff",
        "/%00",
    ])
    .await;
    let world = World::start().await;
    let raw = world.raw(b"GET /\xe9 HTTP/1.1\r\nHost: cms.localhost\r\n\r\n").await;
    assert_eq!(raw.status, 400);
    assert_eq!(world.cms.count(), 0);
}

#[tokio::test]
async fn b50_letters_that_fold_to_ascii_are_refused() {
    refused(&["/%c5%bfitecore/shell", "/S%c4%b0TECORE/shell", "/%e2%84%aa"]).await;
}

#[tokio::test]
async fn b52_the_query_is_no_part_of_the_path() {
    protected(&["/sitecore/shell/?path=/public/x", "/sitecore/shell?/public/"]).await;
}

#[tokio::test]
async fn b53_a_prefix_ends_at_a_segment() {
    let world = World::start().await;
    for path in ["/sitecore/shellX", "/sitecore/shell.x", "/sitecores/shell"] {
        assert_eq!(world.raw_get(path, "").await.status, 200, "{path}");
        assert_eq!(world.cms.last().target, path);
    }
}

#[tokio::test]
async fn b56_targets_in_other_forms_are_refused() {
    let world = World::start().await;
    for target in
        ["sitecore/shell", "@evil", "*", "?x", "http://u@cms.localhost/", "ftp://cms.localhost/"]
    {
        let answer = world.raw_get(target, "").await;
        assert_eq!(answer.status, 400, "{target}");
    }
    assert_eq!(world.cms.count(), 0);
}

#[tokio::test]
async fn b56_an_absolute_target_is_judged_by_its_own_host_and_path() {
    let world = World::start().await;
    assert_eq!(world.raw_get("https://cms.localhost/sitecore/shell/", "").await.status, 401);
    assert_eq!(world.cms.count(), 0);
}

#[tokio::test]
async fn b58_cookieless_segments_are_refused() {
    refused(&[
        "/(S(x))/sitecore/shell/",
        "/public/(A(b))/../sitecore",
        "/(S(X))sitecore/",
        "/(F(x))/a",
    ])
    .await;
}

#[tokio::test]
async fn b59_a_suffix_opens_nothing() {
    protected(&[
        "/sitecore/shell/default.aspx/x.css",
        "/sitecore/admin/login.aspx/public/",
        "/sitecore/shell/a.js",
    ])
    .await;
}

#[tokio::test]
async fn b61_a_query_passes_byte_for_byte() {
    let world = World::start().await;
    for query in [
        "a=1&a=2",
        "a=1;a=2",
        "%61=2",
        "id={110D559F-DEA5-42EA-9C1C-8A5DF7E70EF9}",
        "x=%2f%2F..\\&&=",
        "?",
    ] {
        let path = format!("/page?{query}");
        assert_eq!(world.raw_get(&path, "").await.status, 200, "{query}");
        assert_eq!(world.cms.last().target, path);
    }
}

#[tokio::test]
async fn b62_every_method_is_judged() {
    let world = World::start().await;
    for method in [
        "HEAD", "get", "GETT", "PROPFIND", "TRACE", "TRACK", "DEBUG", "X", "OPTIONS", "POST",
        "DELETE",
    ] {
        let mut wire = world.wire().await;
        wire.send(format!(
            "{method} /sitecore/shell/ HTTP/1.1\r\nHost: cms.localhost\r\nContent-Length: 0\r\n\r\n"
        ))
        .await;
        let status = wire.head().await.unwrap().status;
        assert!(matches!(status, 400 | 401 | 405 | 501), "{method}: {status}");
    }
    assert_eq!(world.cms.count(), 0);
}

#[tokio::test]
async fn b62_a_session_does_not_open_trace_or_unknown_methods() {
    let world = World::start().await;
    let cookie = cookie_line(&world.jane().await);
    world.cms.clear();
    for method in ["TRACE", "TRACK", "CONNECT", "DEBUG", "get", "X"] {
        let answer = world
            .raw(format!(
                "{method} /sitecore/shell/ HTTP/1.1\r\nHost: cms.localhost\r\n{cookie}\r\n"
            ))
            .await;
        assert!(matches!(answer.status, 400 | 405 | 501), "{method}: {}", answer.status);
    }
    assert_eq!(world.cms.count(), 0);
}

#[tokio::test]
async fn b64_a_slash_redirect_stays_on_this_host() {
    let world = World::start().await;
    for path in ["//evil.test/..;/", "//evil.test/%2e%2e"] {
        let answer = world.raw_get(path, "Accept: text/html\r\n").await;
        assert_eq!(answer.status, 400, "{path}");
    }
    let answer = world.raw_get("//sitecore/shell", "Accept: text/html\r\n").await;
    assert!(answer.location().starts_with('/') && !answer.location().starts_with("//"));
}

#[tokio::test]
async fn b65_a_broken_escape_is_refused() {
    refused(&["/%", "/%2", "/%zz/../sitecore", "/a%"]).await;
}

#[tokio::test]
async fn b67_request_data_is_never_expanded() {
    let world = World::start().await;
    let answer =
        world.raw_get("/x?a=$(env:PATH)&b={env.PATH}&c=$1", "X-Note: $(env:PATH) %(x)s\r\n").await;
    assert_eq!(answer.status, 200);
    assert_eq!(world.cms.last().target, "/x?a=$(env:PATH)&b={env.PATH}&c=$1");
    assert_eq!(world.cms.last().header("x-note"), Some("$(env:PATH) %(x)s"));
}

/// What `c` stands in for or hides in, each a path of which some reading may be the shell.
fn disguises(c: char) -> [String; 6] {
    let mut bytes = [0; 4];
    let escapes = c.encode_utf8(&mut bytes).bytes().map(|b| format!("%{b:02X}"));
    let c = escapes.collect::<Vec<_>>().concat();
    [
        format!("/site{c}core/shell"),
        format!("/sitecore{c}/shell"),
        format!("/sitecore{c}shell"),
        format!("/{c}itecore/shell"),
        format!("/s{c}tecore/shell"),
        format!("/site{c}ore/shell"),
    ]
}

#[test]
fn b49_b50_no_character_stands_in_for_an_ascii_one() {
    let shell = "/sitecore/shell";
    let mut taken_in = Vec::new();
    for c in (0x80..=0xffff_u32).filter_map(char::from_u32) {
        for raw in disguises(c) {
            let Ok(path) = CanonicalPath::read(&raw) else { continue };
            let readings = iis::extremes(path.as_str());
            if readings.iter().any(|reading| iis::is_under(reading, shell) != path.is_under(shell))
            {
                taken_in.push(format!("U+{:04X} in {raw}", u32::from(c)));
            }
        }
    }
    assert!(taken_in.is_empty(), "{taken_in:#?}");
}

/// Words of protected paths, and of others.
const WORDS: [&str; 9] = [
    "sitecore",
    "SiteCore",
    "shell",
    "SHELL",
    "admin",
    "public",
    "sitecore modules",
    "x",
    "siteco~1",
];

/// What separates, hides or imitates them.
const TRICKS: [&str; 54] = [
    "/",
    "//",
    "\\",
    "%5c",
    "%2f",
    "%2F",
    "%252f",
    "..",
    ".",
    "%2e",
    "%2E%2e",
    ";",
    ";x=1",
    "%3b",
    "(S(a))",
    "(F(x))",
    "%20",
    " ",
    "%00",
    "%u002f",
    "%u0073",
    "%c0%af",
    "%c5%bf",
    "%e2%84%aa",
    "%c4%b1",
    "%ef%bc%8f",
    "%ef%bc%8e",
    "%e2%88%95",
    "%c2%ad",
    "%e2%80%8b",
    "%ef%bd%93",
    ":",
    "::$DATA",
    "%3a",
    "~1",
    "+",
    "%25",
    "%",
    "%7e1",
    "%c3%a9",
    "%e4%b8%ad",
    "'",
    "!",
    "=",
    "@",
    ",",
    "&",
    "$",
    "_",
    "-",
    "con",
    "%73",
    "%53",
    "%65",
];

/// A piece of a path that means to confuse.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => proptest::sample::select(WORDS.to_vec()).prop_map(str::to_owned),
        3 => proptest::sample::select(TRICKS.to_vec()).prop_map(str::to_owned),
        2 => proptest::sample::select(vec!["/"]).prop_map(str::to_owned),
        1 => (1_u8..=255).prop_map(|byte| format!("%{byte:02x}")),
        1 => proptest::char::any().prop_map(|c| {
            let mut bytes = [0; 4];
            let escapes = c.encode_utf8(&mut bytes).bytes().map(|b| format!("%{b:02X}"));
            escapes.collect::<Vec<_>>().concat()
        }),
    ]
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 20_000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn no_path_means_one_thing_to_us_and_another_to_iis(
        pieces in proptest::collection::vec(piece(), 1..9),
    ) {
        let raw = format!("/{}", pieces.concat());
        let Ok(path) = CanonicalPath::read(&raw) else { return Ok(()) };
        for prefix in ["/sitecore/shell", "/sitecore/admin", "/sitecore modules/shell", "/sitecore"] {
            for reading in iis::readings(path.as_str()) {
                prop_assert_eq!(
                    path.is_under(prefix), iis::is_under(&reading, prefix),
                    "{} is sent as {} and can be read as {}; under {}?", raw, path, reading, prefix
                );
            }
        }
    }

    #[test]
    fn a_canonical_path_is_canonical(pieces in proptest::collection::vec(piece(), 1..9)) {
        let raw = format!("/{}", pieces.concat());
        let Ok(path) = CanonicalPath::read(&raw) else { return Ok(()) };
        let wire = path.as_str();
        prop_assert!(wire.starts_with('/') && !wire.contains("//") && wire.is_ascii());
        let again = CanonicalPath::read(wire);
        prop_assert_eq!(again.as_ref().map(CanonicalPath::as_str), Ok(wire));
    }
}
