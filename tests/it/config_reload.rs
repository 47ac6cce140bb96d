//! Class N, as far as a running gateway goes: a reload is all or nothing, and nobody notices one.

use std::fs;
use std::time::Duration;

use crate::support::cms::Step;
use crate::support::gateway::document;
use crate::support::logs;
use crate::support::tls;
use crate::support::wire::Wire;
use crate::support::world::World;
use crate::support::world::cookie_line;

/// Reloads `patch`, which must be refused, and then checks that the old configuration goes on.
async fn refused(world: &World, patch: &str) {
    let faults = world.gateway.reload(patch).await.expect_err("a broken configuration was taken");
    assert!(!faults.is_empty());
    let words: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert!(
        words.iter().any(|fault| fault.contains("test.config:")),
        "no file and line: {words:?}"
    );
    assert_eq!(world.raw_get("/public/", "").await.status, 200);
    assert_eq!(world.raw_get("/sitecore/shell/", "").await.status, 401);
}

#[tokio::test]
async fn n313_a_broken_file_is_refused_and_the_old_configuration_goes_on() {
    let world = World::start().await;
    let cookie = cookie_line(&world.jane().await);
    refused(
        &world,
        "<gateway><listeners><listener name=\"https\" certifcate=\"x\" /></listeners></gateway>",
    )
    .await;
    refused(&world, "<gateway>").await;
    refused(&world, "<gateway><acess><rule path=\"/*\" anonymous=\"true\" /></acess></gateway>")
        .await;
    refused(&world, "<sites><site name=\"shell\" set:requireLogin=\"flase\" /></sites>").await;
    refused(
        &world,
        "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><gateway>&x;</gateway>",
    )
    .await;
    assert_eq!(
        world.raw_get("/sitecore/shell/", &cookie).await.status,
        200,
        "sessions do not notice"
    );
    assert!(world.gateway.metric("vestibule_configuration_reloads_total", &["refused"]).await >= 5);
    assert!(logs::text().contains("certifcate"), "the log names the fault");
    world.patch("").await;
    assert!(world.gateway.metric("vestibule_configuration_reloads_total", &["taken"]).await >= 1);
}

#[tokio::test]
async fn n313_an_empty_file_or_half_a_file_is_refused() {
    let world = World::start().await;
    let whole = document(world.started_with());
    for text in
        ["", &whole[..whole.len() / 2], "\u{feff}", "<configuration/><configuration/>", "\u{0}"]
    {
        world.gateway.folder.write("conf/include/test.config", text);
        assert!(world.gateway.app.reload().await.is_err(), "{text:.30}");
        assert_eq!(world.raw_get("/sitecore/shell/", "").await.status, 401);
    }
}

#[tokio::test]
async fn n313_an_unreadable_key_is_refused() {
    let world = World::start().await;
    world
        .gateway
        .folder
        .write("server.key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    assert!(world.gateway.app.reload().await.is_err(), "a key that is none was taken");
    assert_eq!(world.raw_get("/public/", "").await.status, 200);
}

#[tokio::test]
async fn n313_requests_in_flight_see_one_configuration() {
    let world = World::start().await;
    world.cms.script(|_| {
        vec![Step::Wait(Duration::from_millis(400)), Step::answer("200 OK", &[], "slow")]
    });
    let mut wire = world.wire().await;
    wire.send("GET /slow HTTP/1.1\r\nHost: cms.localhost\r\n\r\n").await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    world.patch("<sites><site name=\"website\" set:requireLogin=\"true\" /></sites>").await;
    assert_eq!(wire.answer().await.text(), "slow");
    wire.send("GET /slow HTTP/1.1\r\nHost: cms.localhost\r\n\r\n").await;
    assert_eq!(
        wire.answer().await.status,
        401,
        "the next request on the same connection sees the new one"
    );
}

#[tokio::test]
async fn n313_no_moment_of_a_reload_is_open() {
    let world = World::start().await;
    let port = world.gateway.port;
    let asking = tokio::spawn(async move {
        let mut statuses = Vec::new();
        for _ in 0..150 {
            let mut wire = Wire::tls(port, "cms.localhost").await;
            wire.send("GET /sitecore/shell/ HTTP/1.1\r\nHost: cms.localhost\r\n\r\n").await;
            statuses.push(wire.answer().await.status);
        }
        statuses
    });
    for round in 0..6 {
        world
            .patch(&format!(
                "<gateway><limits set:signInsPerMinute=\"{}\" /></gateway>",
                1000 + round
            ))
            .await;
        world.gateway.reload("<gateway><nonsense /></gateway>").await.unwrap_err();
    }
    assert!(asking.await.unwrap().iter().all(|&status| status == 401));
    assert_eq!(world.cms.count(), 0);
}

#[tokio::test]
async fn n313_a_changed_file_is_noticed() {
    let world = World::start().await;
    assert_eq!(world.raw_get("/public/", "").await.status, 200);
    let patch = format!(
        "{}<sites><site name=\"website\" set:requireLogin=\"true\" /></sites>",
        world.started_with()
    );
    world.gateway.folder.write("conf/include/test.config", &document(&patch));
    for _ in 0..100 {
        if world.raw_get("/public/", "").await.status == 401 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("ten seconds after the file changed the old configuration still serves");
}

#[tokio::test]
async fn certificates_reload_without_a_gap() {
    let world = World::start().await;
    let fresh = tls::certificate_for(&["cms.localhost".to_owned()]);
    world.gateway.folder.write("server.pem", &fresh.chain);
    world.gateway.folder.write("server.key", &fresh.key);
    world.patch("").await;
    assert!(tls::presents(world.gateway.port, &fresh).await, "the old certificate still serves");
}

#[tokio::test]
async fn n314_a_secret_from_the_environment_or_a_comment_never_means_less_protection() {
    let world = World::start().await;
    world.patch(r#"<gateway><connections><connection provider="Partner" set:clientSecret="$(env:NOT_SET_ANYWHERE)" /></connections></gateway>"#).await;
    assert_eq!(world.raw_get("/sitecore/shell/", "").await.status, 401);
    let answer = world.raw_get("/identity/login/shell/Partner", "Accept: text/html\r\n").await;
    assert!(answer.status >= 400, "a provider without its secret is off: {}", answer.status);
    assert!(world.gateway.metric("vestibule_configuration_notices", &["disable"]).await >= 1);
}

#[tokio::test]
async fn n310_an_empty_list_opens_nothing() {
    let world = World::start().await;
    for patch in [
        "<sites><site name=\"admin\" set:roles=\"\" /></sites>",
        "<gateway><access><rule path=\"/*\" /></access></gateway>",
        "<gateway><access><rule path=\"/*\" roles=\"a\" anonymous=\"true\" /></access></gateway>",
    ] {
        let patch = format!("{}{patch}", world.started_with());
        drop(world.gateway.reload(&patch).await);
        assert!(matches!(world.raw_get("/sitecore/admin/", "").await.status, 401 | 403), "{patch}");
    }
}

#[tokio::test]
async fn keys_and_data_are_for_our_eyes_only() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::start().await;
    world.jane().await;
    let keys = world.gateway.folder.path("data/keys");
    let mut files = 0;
    for entry in fs::read_dir(&keys).unwrap_or_else(|e| panic!("{}: {e}", keys.display())) {
        let mode = entry.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{mode:o}");
        files += 1;
    }
    assert!(files > 0, "no keys are kept");
}
