//! Class F: upgraded connections are as protected as requests, and end with the session.

use std::time::Duration;
use std::time::Instant;

use crate::support::cms::Step;
use crate::support::wire::Wire;
use crate::support::world::World;
use crate::support::world::cookie_line;

const UPGRADE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// A world whose CMS agrees to every upgrade and then sends back what comes.
pub(crate) async fn echoing(more: &str) -> World {
    let world = World::with(more).await;
    world.cms.script(|seen| {
        if seen.header("upgrade").is_none() {
            return vec![Step::answer("200 OK", &[], "plain")];
        }
        vec![Step::text("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"), Step::Echo]
    });
    world
}

/// Asks for an upgrade; the connection and the status of the answer.
pub(crate) async fn upgrade(world: &World, path: &str, lines: &str) -> (Wire, u16) {
    let mut wire = world.wire().await;
    wire.send(format!("GET {path} HTTP/1.1\r\nHost: {}\r\n{UPGRADE}{lines}\r\n", world.host()))
        .await;
    let status = wire.head().await.map_or(0, |head| head.status);
    (wire, status)
}

/// What a page of the CMS sends along.
pub(crate) fn own_origin(world: &World) -> String {
    format!("Origin: https://{}\r\n", world.host())
}

#[tokio::test]
async fn f142_an_upgrade_without_a_session_never_reaches_the_cms() {
    let world = echoing("").await;
    let (_, status) = upgrade(&world, "/sitecore/shell/ws", &own_origin(&world)).await;
    assert!(matches!(status, 401 | 403), "{status}");
    assert_eq!(world.cms.count(), 0);
}

#[tokio::test]
async fn f143_another_site_does_not_open_our_sockets() {
    let world = echoing("").await;
    let cookie = cookie_line(&world.jane().await);
    world.cms.clear();
    for origin in [
        "Origin: https://evil.test\r\n",
        "Origin: null\r\n",
        "",
        "Origin: https://cms.localhost.evil.test\r\n",
        "Origin: http://cms.localhost\r\n",
    ] {
        let (_, status) = upgrade(&world, "/sitecore/shell/ws", &format!("{cookie}{origin}")).await;
        assert_eq!(status, 403, "{origin}");
    }
    assert_eq!(world.cms.count(), 0);
}

#[tokio::test]
async fn f143_a_listed_origin_may() {
    let world =
        echoing(r#"<sites><site name="shell" set:origins="https://partner.test" /></sites>"#).await;
    let cookie = cookie_line(&world.jane().await);
    let (_, status) =
        upgrade(&world, "/sitecore/shell/ws", &format!("{cookie}Origin: https://partner.test\r\n"))
            .await;
    assert_eq!(status, 101);
}

#[tokio::test]
async fn f145_an_upgrade_carries_our_identity_and_no_forged_one() {
    let world = echoing("").await;
    let lines = format!(
        "{}{}X-Forwarded-User: admin\r\nX_Forwarded_User: admin\r\n",
        cookie_line(&world.jane().await),
        own_origin(&world)
    );
    let (mut wire, status) = upgrade(&world, "/sitecore/shell/ws", &lines).await;
    assert_eq!(status, 101);
    assert_eq!(world.cms.last().user(), Some("sitecore\\jane"));
    assert!(!world.cms.last().text().contains("admin"));
    wire.send("ping").await;
    assert_eq!(wire.exactly(4).await.unwrap(), b"ping");
}

#[tokio::test]
async fn f146_a_tunnel_ends_within_a_second_of_its_session() {
    let world = echoing("").await;
    let mut browser = world.jane().await;
    let lines = format!("{}{}", cookie_line(&browser), own_origin(&world));
    let (mut wire, status) = upgrade(&world, "/sitecore/shell/ws", &lines).await;
    assert_eq!(status, 101);
    let asked = browser.get("/identity/logout").await;
    browser.follow(asked).await;
    let since = Instant::now();
    assert!(wire.closes_within(Duration::from_secs(3)).await, "the tunnel outlives its session");
    assert!(since.elapsed() < Duration::from_millis(1500), "{:?}", since.elapsed());
}

#[tokio::test]
async fn f146_a_tunnel_ends_when_its_session_expires() {
    let world = echoing("").await;
    let lines = format!("{}{}", cookie_line(&world.jane().await), own_origin(&world));
    let (mut wire, status) = upgrade(&world, "/sitecore/shell/ws", &lines).await;
    assert_eq!(status, 101);
    world.later(200 * 24 * 3600);
    assert!(wire.closes_within(Duration::from_secs(3)).await, "the tunnel outlives its session");
}

#[tokio::test]
async fn f146_an_event_stream_ends_with_its_session() {
    let world = World::start().await;
    let mut browser = world.jane().await;
    let cookie = cookie_line(&browser);
    world.cms.script(|_| {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
        let mut steps = vec![Step::text(head)];
        for _ in 0..100 {
            steps.extend([Step::text("2\r\n:\n\r\n"), Step::Wait(Duration::from_millis(100))]);
        }
        steps
    });
    let mut wire = world.wire().await;
    wire.send(format!(
        "GET /sitecore/shell/events HTTP/1.1\r\nHost: cms.localhost\r\n{cookie}\r\n"
    ))
    .await;
    assert_eq!(wire.head().await.unwrap().status, 200);
    wire.chunk().await.unwrap();
    let out = browser.get("/identity/logout").await;
    browser.follow(out).await;
    let ends = async { while wire.chunk().await.is_some_and(|chunk| !chunk.is_empty()) {} };
    let ended = tokio::time::timeout(Duration::from_secs(5), ends).await;
    assert!(ended.is_ok(), "the stream outlives its session");
}

#[tokio::test]
async fn a_tunnel_opens_only_when_the_cms_says_101() {
    let world = World::start().await;
    let lines = format!("{}{}", cookie_line(&world.jane().await), own_origin(&world));
    let mut wire = world.wire().await;
    wire.send(format!(
        "GET /sitecore/shell/ws HTTP/1.1\r\nHost: {}\r\n{UPGRADE}{lines}\r\n",
        world.host()
    ))
    .await;
    assert_eq!(wire.answer().await.text(), "GET /sitecore/shell/ws");
}

#[tokio::test]
async fn an_open_tunnel_is_counted() {
    let world = echoing("").await;
    let lines = format!("{}{}", cookie_line(&world.jane().await), own_origin(&world));
    let (wire, status) = upgrade(&world, "/sitecore/shell/ws", &lines).await;
    assert_eq!(status, 101);
    assert_eq!(world.gateway.metric("vestibule_tunnels", &[]).await, 1);
    drop(wire);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(world.gateway.metric("vestibule_tunnels", &[]).await, 0);
}

#[tokio::test]
async fn an_anonymous_site_lets_anybody_upgrade_from_its_own_pages() {
    let world = echoing("").await;
    let (mut wire, status) = upgrade(&world, "/live", &own_origin(&world)).await;
    assert_eq!(status, 101);
    wire.send("early").await;
    assert_eq!(wire.exactly(5).await.unwrap(), b"early");
    let (_, status) = upgrade(&world, "/live", "Origin: https://evil.test\r\n").await;
    assert_eq!(status, 403);
}
