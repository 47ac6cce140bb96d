//! The CMS's side of a request: what arrives, what comes back, and on which connection.

use std::time::Duration;
use std::time::Instant;

use crate::support::cms::EchoCms;
use crate::support::cms::Step;
use crate::support::tls;
use crate::support::world::SESSION;
use crate::support::world::World;
use crate::support::world::cookie_line;

#[tokio::test]
async fn a_query_in_braces_passes_byte_for_byte() {
    let world = World::start().await;
    let target = "/-/media/x.ashx?id={110D559F-DEA5-42EA-9C1C-8A5DF7E70EF9}&la=en&q=%c3%a9+%2F'\"";
    world
        .raw_get(
            "/-/media/x.ashx?id={110D559F-DEA5-42EA-9C1C-8A5DF7E70EF9}&la=en&q=%c3%a9+%2F'",
            "",
        )
        .await;
    assert_eq!(world.cms.last().target, target.trim_end_matches('"'));
}

#[tokio::test]
async fn the_cms_is_told_how_the_browser_came() {
    let world = World::start().await;
    world
        .raw_get("/x", "User-Agent: test\r\nAccept-Language: en\r\nX-Own: 1\r\nX-Own: 2\r\n")
        .await;
    let seen = world.cms.last();
    assert_eq!(seen.header("host"), Some("cms.localhost"));
    assert_eq!(seen.header("x-forwarded-proto"), Some("https"));
    assert_eq!(seen.header("x-forwarded-host"), Some("cms.localhost"));
    assert_eq!(seen.header("x-forwarded-for"), Some("127.0.0.1"));
    let forwarded = seen.header("forwarded").unwrap();
    for part in ["for=127.0.0.1", "proto=https", "host=cms.localhost"] {
        assert!(forwarded.replace('"', "").contains(part), "{forwarded}");
    }
    assert!(seen.header("via").unwrap().starts_with("1.1 "));
    assert_eq!(seen.header("x-request-id").unwrap().len(), 32);
    let trace = seen.header("traceparent").unwrap();
    assert!(trace.starts_with("00-") && trace.len() == 55, "{trace}");
    assert_eq!(seen.values("x-own"), ["1", "2"]);
    assert_eq!(
        (seen.header("user-agent"), seen.header("accept-language")),
        (Some("test"), Some("en"))
    );
}

#[tokio::test]
async fn a_trace_goes_on() {
    let world = World::start().await;
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    world.raw_get("/x", &format!("traceparent: {parent}\r\n")).await;
    let trace = world.cms.last().header("traceparent").unwrap().to_owned();
    assert!(trace.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"), "{trace}");
    world.raw_get("/x", "traceparent: nonsense\r\n").await;
    assert!(world.cms.last().header("traceparent").unwrap().starts_with("00-"));
}

#[tokio::test]
async fn a_request_id_of_an_untrusted_peer_is_replaced() {
    let world = World::start().await;
    for id in ["abc", "a\"b", "<script>"] {
        world.raw_get("/x", &format!("X-Request-Id: {id}\r\n")).await;
        assert_ne!(world.cms.last().header("x-request-id"), Some(id));
    }
}

#[tokio::test]
async fn an_upload_streams_and_arrives_whole() {
    let world = World::start().await;
    let body = vec![b'u'; 5 << 20];
    let mut wire = world.wire().await;
    wire.send(format!(
        "POST /upload HTTP/1.1\r\nHost: cms.localhost\r\nContent-Length: {}\r\n\r\n",
        body.len()
    ))
    .await;
    wire.send(&body).await;
    assert_eq!(wire.answer().await.status, 200);
    assert_eq!(world.cms.last().body, body);
}

#[tokio::test]
async fn an_answer_streams_as_it_comes() {
    let world = World::start().await;
    world.cms.script(|_| vec![
        Step::text("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n"),
        Step::Wait(Duration::from_secs(3)),
        Step::text("6\r\nsecond\r\n0\r\n\r\n"),
    ]);
    let mut wire = world.wire().await;
    let since = Instant::now();
    wire.send("GET /events HTTP/1.1\r\nHost: cms.localhost\r\n\r\n").await;
    assert_eq!(wire.head().await.unwrap().status, 200);
    assert_eq!(wire.chunk().await.unwrap(), b"first");
    assert!(since.elapsed() < Duration::from_secs(2), "the answer was held back");
    assert_eq!(wire.chunk().await.unwrap(), b"second");
}

#[tokio::test]
async fn connections_to_the_cms_are_used_again() {
    let world = World::start().await;
    for number in 0..10 {
        assert_eq!(world.raw_get(&format!("/{number}"), "").await.status, 200);
    }
    assert_eq!(world.cms.connections(), 1);
}

#[tokio::test]
async fn a_connection_that_the_cms_closed_meanwhile_is_noticed() {
    let world = World::start().await;
    world.cms.script(|_| vec![Step::answer("200 OK", &[], "ok"), Step::Close]);
    for _ in 0..5 {
        assert_eq!(world.raw_get("/x", "").await.status, 200);
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    let post = "POST /x HTTP/1.1\r\nHost: cms.localhost\r\nContent-Length: 4\r\n\r\nbody";
    assert_eq!(world.raw(post).await.status, 200);
}

#[tokio::test]
async fn a_request_that_was_written_is_not_sent_again() {
    let world = World::start().await;
    world.raw_get("/warm", "").await;
    world.cms.clear();
    world.cms.script(|_| vec![Step::Close]);
    for method in ["POST", "GET"] {
        let request =
            format!("{method} /x HTTP/1.1\r\nHost: cms.localhost\r\nContent-Length: 0\r\n\r\n");
        assert_eq!(world.raw(request).await.status, 502, "{method}");
    }
    let posts = world.cms.seen().into_iter().filter(|seen| seen.method == "POST").count();
    assert_eq!(posts, 1, "a POST was repeated");
}

#[tokio::test]
async fn a_server_that_is_down_is_left_out() {
    let dead = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let world = World::with(&format!("<gateway><upstreams><upstream name=\"cms\"><server url=\"http://{dead}\" /></upstream></upstreams></gateway>")).await;
    for number in 0..12 {
        assert_eq!(world.raw_get(&format!("/{number}"), "").await.status, 200, "{number}");
    }
    assert_eq!(world.cms.count(), 12);
    assert!(world.gateway.metric("vestibule_upstream_server_up", &[]).await >= 1);
}

#[tokio::test]
async fn an_expectation_is_answered_by_us() {
    let world = World::start().await;
    let mut wire = world.wire().await;
    wire.send("POST /x HTTP/1.1\r\nHost: cms.localhost\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n").await;
    let first = wire.head().await.unwrap();
    assert_eq!(first.status, 100);
    wire.send("body").await;
    assert_eq!(wire.answer().await.status, 200);
    assert_eq!(
        (world.cms.last().body.as_slice(), world.cms.last().header("expect")),
        (&b"body"[..], None)
    );
}

#[tokio::test]
async fn interim_answers_of_the_cms_do_not_confuse() {
    let world = World::start().await;
    world.cms.script(|_| {
        vec![
            Step::text("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
            Step::answer("200 OK", &[], "final"),
        ]
    });
    assert_eq!(world.raw_get("/x", "").await.text(), "final");
    assert_eq!(world.raw_get("/y", "").await.text(), "final");
}

#[tokio::test]
async fn hop_by_hop_headers_of_the_cms_end_here() {
    let world = World::start().await;
    world.cms.script(|_| {
        vec![Step::answer(
            "200 OK",
            &[
                "Connection: X-Hop",
                "X-Hop: 1",
                "Keep-Alive: timeout=5",
                "Proxy-Authenticate: Basic",
                "X-Kept: 1",
                "X-Kept: 2",
            ],
            "x",
        )]
    });
    let answer = world.raw_get("/x", "").await;
    for name in ["x-hop", "keep-alive", "proxy-authenticate"] {
        assert_eq!(answer.values(name), [""; 0], "{name}");
    }
    assert_eq!(answer.values("x-kept"), ["1", "2"]);
}

#[tokio::test]
async fn an_answer_that_breaks_off_breaks_off_here_too() {
    let world = World::start().await;
    world.cms.script(|_| {
        vec![Step::text("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"), Step::Close]
    });
    let mut wire = world.wire().await;
    wire.send("GET /x HTTP/1.1\r\nHost: cms.localhost\r\n\r\n").await;
    assert!(wire.try_answer().await.is_none(), "half an answer passed for a whole one");
}

#[tokio::test]
async fn a_head_and_a_304_have_no_body() {
    let world = World::start().await;
    let mut wire = world.wire().await;
    wire.send("HEAD /x HTTP/1.1\r\nHost: cms.localhost\r\n\r\n").await;
    let head = wire.head().await.unwrap();
    assert_eq!((head.status, head.header("content-length")), (200, Some("7")));
    wire.send("GET /y HTTP/1.1\r\nHost: cms.localhost\r\n\r\n").await;
    assert_eq!(wire.answer().await.text(), "GET /y");
}

#[tokio::test]
async fn a_site_may_have_the_assertion_as_bearer() {
    let world = World::with(r#"<sites><site name="shell" set:assertion="bearer" /></sites>"#).await;
    let cookie = cookie_line(&world.jane().await);
    world.raw_get("/sitecore/shell/", &format!("{cookie}Authorization: Basic YTpi\r\n")).await;
    let seen = world.cms.last();
    let assertion = seen.header("x-vestibule-assertion").unwrap();
    assert_eq!(seen.header("authorization"), Some(format!("Bearer {assertion}").as_str()));
    world.raw_get("/sitecore/shell/", &cookie).await;
    assert_eq!(
        world.cms.last().header("x-vestibule-assertion"),
        Some(assertion),
        "cached per session"
    );
}

#[tokio::test]
async fn a_site_may_let_the_client_s_authorization_pass() {
    let world =
        World::with(r#"<sites><site name="service" set:authorization="pass" /></sites>"#).await;
    world.raw_get("/sitecore/service/x", "Authorization: Basic YTpi\r\n").await;
    assert_eq!(world.cms.last().header("authorization"), Some("Basic YTpi"));
}

#[tokio::test]
async fn headers_can_be_named_otherwise() {
    let other = r#"<gateway><identityHeaders set:preset="remote-user" set:assertion="X-Proof"><header name="X-Department" property="Department" /><header name="X-Groups-Claim" claim="groups" /></identityHeaders></gateway>"#;
    let world = World::with(other).await;
    let cookie = cookie_line(&world.jane().await);
    let forged =
        "Remote-User: admin\r\nX_Department: admin\r\nX-Proof: admin\r\nX-Groups-Claim: admin\r\n";
    world.raw_get("/sitecore/shell/", &format!("{cookie}{forged}")).await;
    let seen = world.cms.last();
    assert!(seen.header("remote-user").unwrap().starts_with("sitecore\\jane-"));
    assert_eq!(seen.header("x-groups-claim"), Some("editors,staff"));
    assert!(seen.header("x-proof").unwrap().contains('.'));
    assert!(!seen.text().contains("admin"), "{}", seen.text());
}

#[tokio::test]
async fn cookie_lines_are_joined_and_ours_left_out() {
    let world = World::start().await;
    let session = world.jane().await.cookie(SESSION).unwrap();
    world
        .raw_get(
            "/sitecore/shell/",
            &format!("Cookie: a=1\r\nCookie: {SESSION}={session}\r\nCookie: b=2\r\n"),
        )
        .await;
    assert_eq!(world.cms.last().values("cookie").join("; "), "a=1; b=2");
    world.raw_get("/sitecore/shell/", &format!("Cookie: {SESSION}={session}\r\n")).await;
    assert_eq!(world.cms.last().values("cookie"), [""; 0]);
}

#[tokio::test]
async fn an_https_cms_is_believed_only_with_the_authority_it_is_configured_with() {
    let behind = EchoCms::start().await;
    let port = tls::terminate(behind.address).await;
    let upstream = |ca: &str| {
        format!(
            "<gateway><upstreams><upstream name=\"inner\" {ca}><server url=\"https://localhost:{port}\" />\
             </upstream></upstreams></gateway>\
             <sites><site name=\"service\" set:upstream=\"inner\" /></sites>"
        )
    };
    let world = World::with(&upstream("ca=\"{folder}/server.pem\"")).await;
    assert_eq!(world.raw_get("/sitecore/service/x", "").await.status, 200);
    assert_eq!(behind.last().header("x-forwarded-proto"), Some("https"));
    let distrustful = World::with(&upstream("")).await;
    assert_eq!(distrustful.raw_get("/sitecore/service/x", "").await.status, 502);
    assert_eq!(behind.count(), 1);
}
