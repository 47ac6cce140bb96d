//! What a relay must not do: outlive a session, mend what is broken, blame the wrong side.

use std::time::Duration;

use crate::support::cms::Step;
use crate::support::world::World;
use crate::support::world::cookie_line;

#[tokio::test]
async fn a_target_over_16_kib_is_refused_and_never_becomes_the_root() {
    let world = World::start().await;
    let long = format!("/{}", "a".repeat(16 * 1024));
    let query = format!("/?{}", "a".repeat(16 * 1024));
    let growing = format!("/{}", "^".repeat(8 * 1024));
    for target in [long, query, growing] {
        assert_eq!(world.raw_get(&target, "").await.status, 414);
    }
    assert_eq!(world.cms.count(), 0);
    let fits = format!("/{}", "a".repeat(16 * 1024 - 1));
    assert_eq!(world.raw_get(&fits, "").await.status, 200);
    assert_eq!(world.cms.last().target, fits);
}

#[tokio::test]
async fn a_bearer_of_one_site_is_not_sent_on_another() {
    let world = World::with(r#"<sites><site name="shell" set:assertion="bearer" /></sites>"#).await;
    let cookie = cookie_line(&world.jane().await);
    world.raw_get("/sitecore/shell/", &cookie).await;
    assert!(world.cms.last().header("authorization").is_some());
    world.raw_get("/public", &cookie).await;
    assert_eq!(world.cms.last().header("authorization"), None);
    world.raw_get("/sitecore/shell/", &cookie).await;
    assert!(world.cms.last().header("authorization").is_some());
}

/// Reads an endless answer until it ends; fails when that takes longer than 5 seconds after the
/// sign-out.
async fn outlives(lines: &str, pause: u64) {
    let world = World::start().await;
    let mut browser = world.jane().await;
    let cookie = cookie_line(&browser);
    world.cms.script(move |_| {
        let head =
            "HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nTransfer-Encoding: chunked\r\n\r\n";
        let mut steps = vec![Step::text(head)];
        for _ in 0..20_000 / pause {
            steps.extend([Step::text("2\r\n:\n\r\n"), Step::Wait(Duration::from_millis(pause))]);
        }
        steps
    });
    let mut wire = world.wire().await;
    let host = world.host();
    let request = format!("GET /sitecore/shell/v HTTP/1.1\r\nHost: {host}\r\n{lines}{cookie}\r\n");
    wire.send(request.replace("{host}", &host)).await;
    assert_eq!(wire.head().await.unwrap().status, 200);
    wire.chunk().await.unwrap();
    let out = browser.get("/identity/logout").await;
    browser.follow(out).await;
    let ends = async { while wire.chunk().await.is_some_and(|chunk| !chunk.is_empty()) {} };
    let ended = tokio::time::timeout(Duration::from_secs(5), ends).await;
    assert!(ended.is_ok(), "the answer outlives its session");
}

#[tokio::test]
async fn f146_an_answer_of_any_kind_ends_with_its_session() {
    outlives("", 2).await;
    outlives("", 10_000).await;
}

#[tokio::test]
async fn f146_an_answer_to_an_upgrade_that_was_not_granted_ends_with_its_session() {
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: https://{host}\r\n";
    outlives(upgrade, 2).await;
}

#[tokio::test]
async fn an_empty_body_has_a_length() {
    let world = World::start().await;
    for method in ["POST", "PUT", "PATCH"] {
        world
            .raw(format!(
                "{method} /x HTTP/1.1\r\nHost: cms.localhost\r\nContent-Length: 0\r\n\r\n"
            ))
            .await;
        assert_eq!(world.cms.last().header("content-length"), Some("0"), "{method}");
        assert_eq!(world.cms.last().header("transfer-encoding"), None, "{method}");
    }
    world.raw_get("/x", "").await;
    assert_eq!(world.cms.last().header("content-length"), None);
}

#[tokio::test]
async fn a_switch_that_nobody_asked_for_is_a_failure() {
    let world = World::start().await;
    world.cms.script(|_| {
        vec![Step::text(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        )]
    });
    assert_eq!(world.raw_get("/x", "").await.status, 502);
}

#[tokio::test]
async fn q334_a_page_for_a_session_is_kept_by_no_shared_cache() {
    let world = World::start().await;
    let cookie = cookie_line(&world.jane().await);
    for (lines, policy) in [
        (&[][..], "private"),
        (&["Cache-Control: max-age=60"], "private, max-age=60"),
        (
            &["Cache-Control: max-age=60", "Cache-Control: public, s-maxage=9"],
            "private, max-age=60",
        ),
        (&["Cache-Control: private=\"x-a\", max-age=60"], "private, max-age=60"),
        (&["Cache-Control: no-cache"], "no-cache"),
        (&["Cache-Control: max-age=5", "Cache-Control: Private"], "max-age=5, Private"),
    ] {
        let all: Vec<&'static str> = lines
            .iter()
            .copied()
            .chain(["CDN-Cache-Control: max-age=9", "Surrogate-Control: max-age=9"])
            .chain(["Edge-Control: max-age=9", "X-Accel-Expires: 9"])
            .chain(["Cloudflare-CDN-Cache-Control: max-age=9"])
            .collect();
        world.cms.script(move |_| vec![Step::answer("200 OK", &all, "x")]);
        let answer = world.raw_get("/public", &cookie).await;
        assert_eq!(answer.values("cache-control").join(", "), policy);
        for name in [
            "cdn-cache-control",
            "cloudflare-cdn-cache-control",
            "surrogate-control",
            "edge-control",
            "x-accel-expires",
        ] {
            assert_eq!(answer.header(name), None, "{name}");
        }
    }
    assert!(world.raw_get("/public", "").await.header("cdn-cache-control").is_some());
}

#[tokio::test]
async fn a_nameless_cookie_is_dropped() {
    let world = World::start().await;
    world.cms.script(|_| {
        let lines = [
            "Set-Cookie: =.AspNet.Cookies=evil",
            "Set-Cookie:  = .AspNet.Cookies=evil; Path=/",
            "Set-Cookie: .AspNet.Cookies; Path=/",
            "Set-Cookie: theirs=1; Path=/",
        ];
        vec![Step::answer("200 OK", &lines, "x")]
    });
    assert_eq!(world.raw_get("/x", "").await.values("set-cookie"), ["theirs=1; Path=/"]);
}

#[tokio::test]
async fn an_answer_has_one_framing() {
    let world = World::start().await;
    world.cms.script(|seen| {
        vec![Step::text(match seen.target.as_str() {
            "/both" => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            "/same" => "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello",
            _ => "HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\nhello",
        })]
    });
    let both = world.raw_get("/both", "").await;
    assert_eq!((both.text().as_str(), both.header("content-length")), ("hello", None));
    let same = world.raw_get("/same", "").await;
    assert!(same.status == 502 || same.values("content-length") == ["5"], "{same:?}");
    assert_eq!(world.raw_get("/other", "").await.status, 502);
}

#[tokio::test]
async fn an_upload_keeps_its_answer_alive() {
    let world = World::with(
        r#"<gateway><upstreams><upstream name="cms" set:idleTimeout="1s" /></upstreams></gateway>"#,
    )
    .await;
    let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = server.local_addr().unwrap();
    world.patch(&format!("<gateway><upstreams><upstream name=\"early\" set:idleTimeout=\"1s\"><server url=\"http://{address}\" /></upstream></upstreams></gateway><sites><site name=\"service\" set:upstream=\"early\" /></sites>")).await;
    let serving = tokio::spawn(early(server));
    let mut wire = world.wire().await;
    wire.send(
        "POST /sitecore/service/x HTTP/1.1\r\nHost: cms.localhost\r\nContent-Length: 12\r\n\r\n",
    )
    .await;
    assert_eq!(wire.head().await.unwrap().status, 200);
    for _ in 0..12 {
        tokio::time::sleep(Duration::from_millis(250)).await;
        wire.send("x").await;
    }
    assert_eq!(wire.chunk().await.unwrap(), b"done");
    serving.abort();
}

/// Answers with a head at once, and with a body when all 12 bytes have come.
async fn early(server: tokio::net::TcpListener) {
    use tokio::io::AsyncReadExt;
    use tokio::io::AsyncWriteExt;
    let (mut stream, _) = server.accept().await.unwrap();
    let mut came = Vec::new();
    while !came.windows(4).any(|w| w == b"\r\n\r\n") {
        stream.read_buf(&mut came).await.unwrap();
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await.unwrap();
    while !came.ends_with(b"xxxxxxxxxxxx") {
        if stream.read_buf(&mut came).await.unwrap() == 0 {
            return;
        }
    }
    stream.write_all(b"4\r\ndone\r\n0\r\n\r\n").await.unwrap();
}

#[tokio::test]
async fn a_body_that_breaks_off_is_not_the_cms_s_fault() {
    let world = World::start().await;
    let failed = ["upstream=\"cms\"", "outcome=\"failed\""];
    for path in ["/x", "/identity/logout"] {
        let mut wire = world.wire().await;
        wire.send(format!("POST {path} HTTP/1.1\r\nHost: cms.localhost\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\nnonsense\r\n")).await;
        let status = wire.try_answer().await.map_or(400, |answer| answer.status);
        assert_eq!(status, 400, "{path}");
    }
    assert_eq!(world.gateway.metric("vestibule_upstream_requests_total", &failed).await, 0);
}

#[tokio::test]
async fn a_server_that_breaks_off_three_times_rests() {
    let world = World::start().await;
    let up = ["upstream=\"cms\""];
    world.cms.script(|_| vec![Step::Close]);
    for expected in [1, 1, 0] {
        assert_eq!(world.raw_get("/x", "").await.status, 502);
        assert_eq!(world.gateway.metric("vestibule_upstream_server_up", &up).await, expected);
    }
    world.cms.script(|_| vec![Step::answer("200 OK", &[], "x")]);
    assert_eq!(world.raw_get("/x", "").await.status, 200);
    assert_eq!(world.gateway.metric("vestibule_upstream_server_up", &up).await, 1);
}

#[tokio::test]
async fn a_long_way_back_is_left_out() {
    let world = World::start().await;
    let page = "Accept: text/html\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n";
    let short = world.raw_get(&format!("/sitecore/shell/{}", "a".repeat(2000)), page).await;
    assert!(short.location().contains("returnUrl="), "{}", short.location());
    let long = world.raw_get(&format!("/sitecore/shell/{}", "a".repeat(2048)), page).await;
    assert_eq!(long.location(), "/identity/login/shell/Partner");
}

#[tokio::test]
async fn a_login_page_that_answers_401_is_not_redirected_to_itself() {
    let world =
        World::with(r#"<sites><site name="website" set:loginPage="/own/login" /></sites>"#).await;
    world.cms.script(|_| vec![Step::answer("401 Unauthorized", &[], "x")]);
    let page = "Accept: text/html\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n";
    assert_eq!(world.raw_get("/own/login?a=b", page).await.status, 401);
    assert_eq!(world.raw_get("/own", page).await.status, 302);
}
