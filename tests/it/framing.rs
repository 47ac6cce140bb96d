//! Class D, as a proxy decides it: what reaches the CMS is exactly one well-formed request for each
//! request that was accepted, and nobody gets another one's answer.

use std::time::Duration;

use crate::support::cms::Step;
use crate::support::world::World;
use crate::support::world::cookie_line;

/// A request that must never arrive: as a smuggled one would.
const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: cms.localhost\r\n\r\n";

/// How long a connection may take to end after an answer that ends it.
const CLOSING: Duration = Duration::from_secs(3);

/// Sends `request` and a smuggled one behind it in one write: the first is refused, nothing of
/// either reaches the CMS, and the connection is closed.
async fn refused(requests: &[&str]) {
    let world = World::start().await;
    for request in requests {
        let mut wire = world.wire().await;
        wire.send(format!("{request}{SMUGGLED}")).await;
        let answer = wire.answer().await;
        assert!(matches!(answer.status, 400 | 411 | 417 | 501), "{request:?}: {}", answer.status);
        assert!(wire.closes_within(CLOSING).await, "{request:?}: the connection went on");
        assert_eq!(world.cms.count(), 0, "{request:?}: {:?}", world.cms.seen());
    }
}

fn post(lines: &str, body: &str) -> String {
    format!("POST /form HTTP/1.1\r\nHost: cms.localhost\r\n{lines}\r\n\r\n{body}")
}

async fn refused_lines(lines: &[&str], body: &str) {
    let requests: Vec<String> = lines.iter().map(|lines| post(lines, body)).collect();
    let requests: Vec<&str> = requests.iter().map(String::as_str).collect();
    refused(&requests).await;
}

/// Sends `request`, whose framing has one canonical reading, with a smuggled one behind it: refused,
/// or forwarded in that reading and the connection closed.
async fn refused_or_made_canonical(request: &str, body: &[u8]) {
    let world = World::start().await;
    let mut wire = world.wire().await;
    wire.send(format!("{request}{SMUGGLED}")).await;
    let status = wire.answer().await.status;
    assert!(wire.closes_within(CLOSING).await, "{request:?}: the connection went on");
    if status == 400 {
        assert_eq!(world.cms.count(), 0);
        return;
    }
    let seen = world.cms.last();
    assert_eq!((status, world.cms.count(), seen.body.as_slice()), (200, 1, body), "{request:?}");
    let framing = seen.values("content-length").len() + seen.values("transfer-encoding").len();
    assert_eq!(framing, 1, "{}", seen.text());
}

#[tokio::test]
async fn d83_length_and_chunks_together_are_refused_or_end_the_connection() {
    for lines in [
        "Content-Length: 6\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 6",
    ] {
        refused_or_made_canonical(&post(lines, "0\r\n\r\n"), b"").await;
    }
}

#[tokio::test]
async fn d85_only_plain_chunked_is_a_transfer_encoding() {
    refused_lines(
        &[
            "Transfer-Encoding: xchunked",
            "Transfer-Encoding: chunked, identity",
            "Transfer-Encoding: identity",
            "Transfer-Encoding: \x0bchunked",
            "Transfer-Encoding: \"chunked\"",
            "Transfer-Encoding: chunked;q=1",
            "Transfer-Encoding: , chunked",
            "Transfer-Encoding: chunked,",
            "Transfer-Encoding: gzip, chunked",
            "Transfer-Encoding : chunked",
            "Transfer-Encoding:\r\n chunked",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        ],
        "0\r\n\r\n",
    )
    .await;
}

#[tokio::test]
async fn d86_a_malformed_length_is_refused() {
    let lengths = ["+1", "-1", "0x1", "1 1", "1,1", "1,2", "", "1;", "01", "99999999999999999999"];
    let mut lines: Vec<String> = lengths.iter().map(|v| format!("Content-Length: {v}")).collect();
    lines.push("Content-Length: 1\r\nContent-Length: 2".to_owned());
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    refused_lines(&lines, "a").await;
}

#[tokio::test]
async fn d86_a_length_that_is_said_twice_is_refused_or_sent_once() {
    let world = World::start().await;
    let request = post("Content-Length: 1\r\nContent-Length: 1", "a");
    if world.raw(request).await.status != 400 {
        let seen = world.cms.last();
        assert_eq!((seen.values("content-length"), seen.body.as_slice()), (vec!["1"], &b"a"[..]));
    }
}

#[tokio::test]
async fn d88_http_1_0_has_no_chunks() {
    refused(&[
        "POST / HTTP/1.0\r\nHost: cms.localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ])
    .await;
}

#[tokio::test]
async fn d89_bare_line_feeds_are_never_copied() {
    let world = World::start().await;
    for request in [
        "GET / HTTP/1.1\nHost: cms.localhost\n\n",
        "GET / HTTP/1.1\r\nHost: cms.localhost\nX: 1\r\n\r\n",
    ] {
        let answer = world.raw(request).await;
        if answer.status == 200 {
            let seen = world.cms.last().text();
            assert_eq!(seen.matches('\n').count(), seen.matches("\r\n").count(), "{seen:?}");
        } else {
            assert_eq!(answer.status, 400);
        }
    }
}

#[tokio::test]
async fn d91_folded_and_indented_lines_are_refused() {
    refused(&[
        "GET / HTTP/1.1\r\nHost: cms.localhost\r\nX: a\r\n b\r\n\r\n",
        "GET / HTTP/1.1\r\n Host: cms.localhost\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: cms.localhost\r\n Host: evil\r\n\r\n",
    ])
    .await;
}

#[tokio::test]
async fn d92_odd_field_names_are_refused() {
    refused_lines(&["Content-Length : 1", ": x", "X Y: 1", "X(: 1", "no colon at all"], "a").await;
}

#[tokio::test]
async fn d94_a_malformed_chunk_size_ends_the_connection() {
    for size in ["0x1", "+1", "-1", " 1", "1_0", "", "11111111111111111"] {
        broken_chunks(&format!("{size}\r\na\r\n0\r\n\r\n")).await;
    }
}

#[tokio::test]
async fn d95_a_chunk_ends_where_its_size_says() {
    for body in ["1\r\nab\r\n0\r\n\r\n", "1\r\na\n0\r\n\r\n", "1\r\na0\r\n\r\n"] {
        broken_chunks(body).await;
    }
}

/// Sends broken chunks: no answer of the CMS comes back, nothing after them counts, and nothing on
/// the CMS's side is used again.
async fn broken_chunks(body: &str) {
    let world = World::start().await;
    let mut wire = world.wire().await;
    wire.send(format!("{}{SMUGGLED}", post("Transfer-Encoding: chunked", body))).await;
    if let Some(answer) = wire.try_answer().await {
        assert!(matches!(answer.status, 400 | 502), "{body:?}: {}", answer.status);
    }
    assert!(wire.closes_within(CLOSING).await, "{body:?}");
    assert!(world.cms.seen().iter().all(|seen| seen.target != "/smuggled"), "{body:?}");
    assert_eq!(world.raw_get("/next", "").await.text(), "GET /next", "{body:?}");
}

#[tokio::test]
async fn d97_trailers_cannot_change_a_request() {
    let world = World::start().await;
    let trailers = "Content-Length: 5\r\nTransfer-Encoding: chunked\r\nHost: evil\r\nCookie: a=admin\r\nX-Forwarded-User: admin\r\nAuthorization: admin\r\n";
    let answer = world
        .raw(post(
            "Transfer-Encoding: chunked\r\nTE: trailers",
            &format!("1\r\na\r\n0\r\n{trailers}\r\n"),
        ))
        .await;
    assert_eq!(answer.status, 200);
    let seen = world.cms.last();
    assert_eq!(seen.body, b"a");
    assert_eq!(seen.trailers, []);
    assert!(!seen.text().contains("admin") && !seen.text().contains("evil"));
}

#[tokio::test]
async fn d98_a_body_of_a_get_is_framed_anew() {
    let world = World::start().await;
    let requests = [
        "GET /a HTTP/1.1\r\nHost: cms.localhost\r\nContent-Length: 5\r\n\r\nAAAAA",
        "DELETE /a HTTP/1.1\r\nHost: cms.localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nAAAAA\r\n0\r\n\r\n",
    ];
    for request in requests {
        let mut wire = world.wire().await;
        wire.send(request).await;
        let status = wire.answer().await.status;
        assert!(status == 400 || world.cms.last().body == b"AAAAA", "{status}");
        assert_eq!(world.raw_get("/next", "").await.text(), "GET /next");
    }
}

#[tokio::test]
async fn d100_only_one_expectation_is_known() {
    let world = World::start().await;
    for expect in ["y 100-continue", "100-continue, x", "x", "100-continue\r\nExpect: 100-continue"]
    {
        let answer = world.raw(post(&format!("Expect: {expect}\r\nContent-Length: 0"), "")).await;
        assert_eq!(answer.status, 417, "{expect}");
    }
    assert_eq!(world.cms.count(), 0);
    let answer = world.raw(post("Expect:\t100-Continue\r\nContent-Length: 1", "a")).await;
    assert!(matches!(answer.status, 100 | 200), "{}", answer.status);
}

#[tokio::test]
async fn d101_bytes_behind_a_refused_upgrade_are_a_request_of_their_own() {
    let world = World::start().await;
    let mut wire = world.wire().await;
    wire.send("GET /x HTTP/1.1\r\nHost: cms.localhost\r\nConnection: Upgrade\r\nUpgrade: foo\r\n\r\nGET /sitecore/admin/ HTTP/1.1\r\nHost: cms.localhost\r\n\r\n").await;
    assert!(matches!(wire.answer().await.status, 200 | 400 | 403));
    assert!(wire.try_answer().await.is_none_or(|second| second.status == 401));
    assert!(world.cms.seen().iter().all(|seen| seen.target == "/x"));
    assert_eq!(world.cms.stray(), b"");
}

#[tokio::test]
async fn d103_nobody_switches_to_h2c() {
    let world = World::start().await;
    let lines = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n";
    let answer = world.raw_get("/x", lines).await;
    assert_ne!(answer.status, 101);
    for seen in world.cms.seen() {
        assert_eq!((seen.header("upgrade"), seen.header("http2-settings")), (None, None));
    }
}

#[tokio::test]
async fn d104_connect_opens_nothing() {
    let world = World::start().await;
    for target in ["127.0.0.1:6379", "cms.localhost:443"] {
        let mut wire = world.wire().await;
        wire.send(format!("CONNECT {target} HTTP/1.1\r\nHost: cms.localhost\r\n\r\n{SMUGGLED}"))
            .await;
        let status = wire.answer().await.status;
        assert!(matches!(status, 400 | 405 | 421 | 501), "{status}");
        let second = tokio::time::timeout(CLOSING, wire.try_answer()).await;
        assert!(matches!(second, Ok(None)), "{target}: {status}, then {second:?}");
    }
    assert_eq!(world.cms.count(), 0);
}

#[tokio::test]
async fn d106_an_unsolicited_answer_reaches_nobody() {
    let world = World::start().await;
    world.cms.script(|seen| {
        let answer = Step::answer("200 OK", &[], &seen.target);
        let poison = Step::answer("200 OK", &[], "poison");
        if seen.target == "/bad" { vec![answer, poison] } else { vec![answer] }
    });
    for round in 0..5 {
        assert_eq!(world.raw_get("/bad", "").await.text(), "/bad");
        if round % 2 == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(world.raw_get("/victim", "").await.text(), "/victim");
    }
}

#[tokio::test]
async fn d107_a_connection_is_never_signed_in() {
    let world = World::start().await;
    world.cms.script(|_| {
        vec![Step::answer(
            "401 Unauthorized",
            &[
                "WWW-Authenticate: NTLM",
                "WWW-Authenticate: Negotiate",
                "WWW-Authenticate: Basic realm=\"x\"",
            ],
            "",
        )]
    });
    let answer = world.raw_get("/public/", "").await;
    let offered = answer.values("www-authenticate").join(" ").to_ascii_lowercase();
    assert!(!offered.contains("ntlm") && !offered.contains("negotiate"), "{offered}");
}

#[tokio::test]
async fn d109_pipelined_requests_are_each_judged_and_end_at_the_first_bad_one() {
    let world = World::start().await;
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: cms.localhost\r\n\r\n");
    let mut wire = world.wire().await;
    wire.send(
        [get("/1"), get("/sitecore/shell/"), get("/2"), "GARBAGE\r\n\r\n".to_owned(), get("/3")]
            .concat(),
    )
    .await;
    let mut statuses = Vec::new();
    while let Some(answer) = wire.try_answer().await {
        statuses.push(answer.status);
    }
    assert_eq!(statuses, [200, 401, 200, 400]);
    let targets: Vec<String> = world.cms.seen().into_iter().map(|seen| seen.target).collect();
    assert_eq!(targets, ["/1", "/2"]);
}

#[tokio::test]
async fn d110_a_singleton_does_not_come_twice() {
    let world = World::start().await;
    let cookie = cookie_line(&world.jane().await);
    for lines in
        ["Authorization: a\r\nAuthorization: b\r\n", "Content-Type: a/b\r\nContent-Type: c/d\r\n"]
    {
        assert_eq!(
            world.raw_get("/sitecore/shell/", &format!("{cookie}{lines}")).await.status,
            400,
            "{lines}"
        );
    }
}

#[tokio::test]
async fn d112_the_cms_always_sees_our_own_version() {
    let world = World::start().await;
    assert_eq!(world.raw("GET /a HTTP/1.0\r\nHost: cms.localhost\r\n\r\n").await.status, 200);
    assert_eq!(world.cms.last().version, "HTTP/1.1");
    for version in ["HTTP/1.2", "HTTP/2.0", "HTTP/0.9", "HTTP/1.1 "] {
        let answer = world.raw(format!("GET /b {version}\r\nHost: cms.localhost\r\n\r\n")).await;
        assert!(matches!(answer.status, 400 | 505), "{version}: {}", answer.status);
    }
    assert_eq!(world.cms.count(), 1);
}

#[tokio::test]
async fn a_broken_answer_of_the_cms_is_a_502() {
    let world = World::start().await;
    for broken in [
        "NOISE\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nX y: 1\r\n\r\n",
    ] {
        world.cms.script(move |_| vec![Step::text(broken), Step::Close]);
        assert_eq!(world.raw_get("/x", "").await.status, 502, "{broken:?}");
    }
}
