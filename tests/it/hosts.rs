//! Class C: the host decides the site, and only one host is meant by any request.

use http::HeaderMap;
use http::Request;

use crate::support::h2;
use crate::support::tls;
use crate::support::wire::Wire;
use crate::support::world::World;
use crate::support::world::cookie_line;
use crate::support::world::mapping;

/// Two sites on two hosts beside the usual ones: `inner` asks for a sign-in, `outer` does not.
const TWO_SITES: &str = r#"<sites>
  <site name="inner" patch:before="*[1]" hostName="inner.localhost" requireLogin="true" upstream="cms" domain="extranet" loginPage="/identity/login/inner/Partner" />
  <site name="outer" patch:before="*[1]" hostName="*.outer.localhost|outer.localhost" upstream="cms" domain="extranet" />
</sites>"#;

async fn status(world: &World, host: &str, path: &str) -> u16 {
    let answer = world.raw(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n")).await;
    answer.status
}

#[tokio::test]
async fn c68_a_request_without_host_is_refused_and_the_connection_closed() {
    let world = World::start().await;
    let mut wire = world.wire().await;
    wire.send("GET / HTTP/1.1\r\n\r\nGET /second HTTP/1.1\r\nHost: cms.localhost\r\n\r\n").await;
    assert_eq!(wire.answer().await.status, 400);
    assert!(wire.rest().await.is_empty(), "a second answer came");
    assert_eq!(world.cms.count(), 0);
}

#[tokio::test]
async fn c68_two_hosts_are_refused() {
    let world = World::start().await;
    for hosts in
        ["Host: cms.localhost\r\nHost: cms.localhost", "Host: cms.localhost\r\nHost: www.localhost"]
    {
        assert_eq!(
            world.raw(format!("GET / HTTP/1.1\r\n{hosts}\r\n\r\n")).await.status,
            400,
            "{hosts}"
        );
    }
    assert_eq!(world.cms.count(), 0);
}

#[tokio::test]
async fn c70_an_invalid_host_is_refused() {
    let world = World::start().await;
    for host in [
        "",
        "a@b",
        "cms.localhost@evil.test",
        "a/b",
        "a b",
        "a, b",
        "a:0",
        "a:65536",
        "a:99999",
        "a:",
        "[::1",
        "a\tb",
        "a%00",
        "cms.localhost:x",
    ] {
        assert_eq!(status(&world, host, "/").await, 400, "{host:?}");
    }
    assert_eq!(world.cms.count(), 0);
}

#[tokio::test]
async fn c71_authority_and_host_must_agree_over_http2() {
    let world = World::with(TWO_SITES).await;
    let ask = |authority: &str, host: Option<&str>| {
        let mut request = Request::get(format!("https://{authority}/public/"));
        request = host.into_iter().fold(request, |request, host| request.header("host", host));
        h2::send(world.gateway.port, request, "", HeaderMap::new())
    };
    assert_eq!(ask("cms.localhost", Some("inner.localhost")).await.unwrap().status, 400);
    assert!(ask("u@cms.localhost", None).await.is_none_or(|answer| answer.status == 400));
    assert_eq!(world.cms.count(), 0);
    assert_eq!(ask("cms.localhost", Some("cms.localhost")).await.unwrap().status, 200);
    assert_eq!(world.cms.last().values("host"), ["cms.localhost"]);
}

#[tokio::test]
async fn c73_an_undeclared_host_meets_no_site() {
    let world = World::start().await;
    for host in [
        "evil.test",
        "127.0.0.1",
        "[::1]",
        "cms.localhost.evil.test",
        "localhost.",
        "xcms.localhost",
    ] {
        assert_eq!(status(&world, host, "/").await, 421, "{host}");
    }
    assert_eq!(world.cms.count(), 0);
    let page = world.raw("GET / HTTP/1.1\r\nHost: evil.test\r\nAccept: text/html\r\n\r\n").await;
    assert!(page.text().contains("hostName"), "the page says how to declare it: {}", page.gist());
}

#[tokio::test]
async fn c73_host_names_have_no_case() {
    let world = World::start().await;
    assert_eq!(status(&world, "CMS.LocalHost", "/public/").await, 200);
    assert_eq!(status(&world, "CMS.LocalHost", "/sitecore/shell/").await, 401);
    assert_eq!(
        status(&world, &format!("cms.localhost:{}", world.gateway.port), "/public/").await,
        200
    );
}

#[tokio::test]
async fn c74_the_host_decides_and_not_the_name_of_the_handshake() {
    let world = World::with(TWO_SITES).await;
    let mut wire = Wire::tls(world.gateway.port, "www.localhost").await;
    wire.send("GET / HTTP/1.1\r\nHost: inner.localhost\r\n\r\n").await;
    let status = wire.answer().await.status;
    assert!(matches!(status, 401 | 421), "{status}");
    assert_eq!(world.cms.count(), 0);
}

#[tokio::test]
async fn c76_a_client_hello_in_single_bytes_still_shakes_hands() {
    let world = World::start().await;
    let stream = tls::connect_slowly(world.gateway.port, "cms.localhost").await;
    assert_eq!(stream.get_ref().1.protocol_version(), Some(rustls::ProtocolVersion::TLSv1_3));
}

#[tokio::test]
async fn c79_the_first_site_that_matches_serves() {
    let world = World::with(TWO_SITES).await;
    assert_eq!(status(&world, "inner.localhost", "/").await, 401);
    assert_eq!(status(&world, "a.b.OUTER.localhost", "/").await, 200);
    assert_eq!(
        status(&world, "outer.localhost", "/sitecore/shell/").await,
        200,
        "outer has no shell"
    );
}

#[tokio::test]
async fn c80_no_address_comes_from_the_host_of_the_request() {
    let world = World::start().await;
    let answer = world
        .raw("GET /.well-known/openid-configuration HTTP/1.1\r\nHost: evil.test\r\n\r\n")
        .await;
    assert_eq!(answer.status, 421);
    assert!(!answer.text().contains("https://evil.test"), "{}", answer.gist());
}

#[tokio::test]
async fn c82_a_session_of_one_site_is_none_where_its_provider_is_not_mapped() {
    let world = World::with(TWO_SITES).await;
    let cookie = cookie_line(&world.jane().await);
    world.cms.clear();
    let elsewhere =
        world.raw(format!("GET / HTTP/1.1\r\nHost: inner.localhost\r\n{cookie}\r\n")).await;
    assert_eq!(elsewhere.status, 401);
    assert_eq!(world.cms.count(), 0);
}

#[tokio::test]
async fn c82_a_session_serves_every_site_its_provider_is_mapped_to() {
    let world = World::made(|_| format!("{TWO_SITES}{}", mapping_inner())).await;
    let cookie = cookie_line(&world.jane().await);
    let elsewhere =
        world.raw(format!("GET / HTTP/1.1\r\nHost: inner.localhost\r\n{cookie}\r\n")).await;
    assert_eq!(elsewhere.status, 200, "{}", elsewhere.text());
}

fn mapping_inner() -> String {
    mapping("Partner", &["inner"]).replace("Partner of the test", "Partner for inner")
}

#[tokio::test]
async fn c82_a_state_of_one_host_does_not_finish_on_another() {
    let world = World::start().await;
    let mut browser = world.browser();
    let start = browser.get("/identity/login/shell/Partner").await;
    let back = browser.get(start.location()).await;
    let moved = back.location().replace("cms.localhost", "www.localhost");
    let answer = browser.get(&moved).await;
    assert_eq!(world.idp.count("token"), 0, "{}", answer.status);
    assert!(browser.jar.find("www.localhost", ".AspNet.Cookies").is_none());
}
