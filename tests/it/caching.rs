//! Class Q: nothing of one person's is kept for another.

use crate::support::cms::Step;
use crate::support::provider;
use crate::support::wire::Wire;
use crate::support::world::World;
use crate::support::world::cookie_line;

#[tokio::test]
async fn q334_a_private_page_cannot_be_kept_by_a_cache() {
    let world = World::start().await;
    let cookie = cookie_line(&world.jane().await);
    world.cms.script(|_| {
        vec![Step::answer(
            "200 OK",
            &["Cache-Control: public, max-age=3600", "Expires: Thu, 01 Jan 2099 00:00:00 GMT"],
            "mine",
        )]
    });
    for path in
        ["/sitecore/shell/profile/x.css", "/sitecore/shell/x.css?.css", "/sitecore/shell/a.js"]
    {
        let answer = world.raw_get(path, &cookie).await;
        let policy = answer.values("cache-control").join(", ");
        assert!(policy.contains("no-store") && !policy.contains("public"), "{path}: {policy}");
    }
    for path in ["/sitecore/shell/profile;x.css", "/sitecore/shell/profile%0a.css"] {
        assert_eq!(world.raw_get(path, &cookie).await.status, 400, "{path}");
    }
}

#[tokio::test]
async fn q334_a_public_page_keeps_its_own_policy() {
    let world = World::start().await;
    world
        .cms
        .script(|_| vec![Step::answer("200 OK", &["Cache-Control: public, max-age=3600"], "ours")]);
    assert_eq!(
        world.raw_get("/logo.png", "").await.values("cache-control"),
        ["public, max-age=3600"]
    );
}

#[tokio::test]
async fn q335_the_way_to_the_login_page_is_not_kept() {
    let world = World::start().await;
    for lines in ["Accept: text/html\r\n", "Accept: application/json\r\n"] {
        let answer = world.raw_get("/sitecore/shell/", lines).await;
        assert!(matches!(answer.status, 302 | 303 | 401));
        assert!(answer.header("cache-control").unwrap().contains("no-store"), "{lines}");
        let vary = answer.values("vary").join(", ").to_ascii_lowercase();
        assert!(vary.contains("cookie") || vary == "*", "{lines}: Vary: {vary}");
    }
}

#[tokio::test]
async fn q337_nobody_gets_another_ones_page() {
    let world = World::start().await;
    let jane = ("sitecore\\jane", cookie_line(&world.jane().await));
    let bob = ("sitecore\\bob", cookie_line(&world.signed_in(provider::bob()).await));
    world.cms.script(|seen| vec![Step::answer("200 OK", &[], seen.user().unwrap_or("nobody"))]);
    let asking = [jane, bob, ("nobody", String::new())].map(|(name, cookie)| {
        let port = world.gateway.port;
        let path = if name == "nobody" { "/same" } else { "/sitecore/shell/same" };
        tokio::spawn(async move {
            let mut wire = Wire::tls(port, "cms.localhost").await;
            for _ in 0..1000 {
                wire.send(format!("GET {path} HTTP/1.1\r\nHost: cms.localhost\r\n{cookie}\r\n"))
                    .await;
                assert_eq!(wire.answer().await.text(), name);
            }
        })
    });
    for task in asking {
        task.await.unwrap();
    }
}

#[tokio::test]
async fn q338_conditional_requests_are_the_cms_s_to_answer() {
    let world = World::start().await;
    let cookie = cookie_line(&world.jane().await);
    world
        .raw_get(
            "/sitecore/shell/x",
            &format!("{cookie}If-None-Match: \"e\"\r\nRange: bytes=0-1,5-6\r\n"),
        )
        .await;
    let seen = world.cms.last();
    assert_eq!(
        (seen.header("if-none-match"), seen.header("range")),
        (Some("\"e\""), Some("bytes=0-1,5-6"))
    );
    assert_eq!(world.raw_get("/sitecore/shell/x", "If-None-Match: \"e\"\r\n").await.status, 401);
}
