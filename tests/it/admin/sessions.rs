//! "Sessions": who is listed, and that what is ended stays ended, tunnels included.

use std::time::Duration;
use std::time::Instant;

use vestibule::config::model::SessionSettings;

use crate::admin::desk::Desk;
use crate::admin::desk::form_with;
use crate::admin::desk::notice;
use crate::admin::desk::page_of;
use crate::admin::desk::post;
use crate::admin::desk::press;
use crate::support::browser::Browser;
use crate::support::cms::Step;
use crate::support::logs;
use crate::support::wire::Answer;
use crate::support::wire::Wire;
use crate::support::world::cookie_line;

async fn list(keeper: &mut Browser, query: &str) -> Answer {
    keeper.get(&format!("/vestibule/sessions{query}")).await
}

/// User, site and provider of each row.
fn rows(page: &Answer) -> Vec<[String; 3]> {
    let text = page.text();
    let rows = text.split("<th scope=\"row\">").skip(1);
    let inner = |cell: &str| {
        let cell = cell.rsplit_once("</").map_or(cell, |(inner, _)| inner);
        cell.rsplit('>').next().unwrap().to_owned()
    };
    rows.map(|row| {
        let mut cells = row.split("</a></th>");
        let user = cells.next().unwrap().rsplit('>').next().unwrap().to_owned();
        let mut cells = cells.next().unwrap().split("<td>").skip(1).map(inner);
        [user, cells.next().unwrap(), cells.next().unwrap()]
    })
    .collect()
}

/// Presses "End" in the row of `user` at `site`.
async fn end(keeper: &mut Browser, user: &str, site: &str) -> Answer {
    let page = list(keeper, &format!("?user={user}&site={site}")).await;
    let text = page.text();
    let id = text.split("name=\"session\" value=\"").nth(1).expect("a row with a button");
    let fields = form_with(&page, "session", id.split('"').next().unwrap());
    let done = post(keeper, "/vestibule/sessions", &fields, &[]).await;
    keeper.follow(done).await
}

#[tokio::test]
async fn it_is_listed_who_is_signed_in_where_and_with_what() {
    let desk = Desk::start().await;
    let _jane = desk.at_work("jane").await;
    desk.chain.clock.advance(Duration::from_secs(5));
    let mut keeper = desk.keeper().await;
    let all = rows(&list(&mut keeper, "").await);
    let row = |user: &str, site: &str, provider: &str| {
        [format!("sitecore\\{user}"), site.to_owned(), provider.to_owned()]
    };
    assert_eq!(all.len(), 4, "{all:?}");
    let mut expected = [
        row("admin", "vestibule", "SitecoreIdentityServer"),
        row("admin", "identity", "local"),
        row("jane", "shell", "SitecoreIdentityServer"),
        row("jane", "identity", "local"),
    ];
    assert!(all[..2].iter().all(|row| row[0] == "sitecore\\admin"), "the newest first: {all:?}");
    let mut all = all;
    all.sort();
    expected.sort();
    assert_eq!(all, expected);
    for (query, count) in [
        ("?user=JA", 2),
        ("?user=sitecore%5Cja", 2),
        ("?user=ane", 0),
        ("?site=shell", 1),
        ("?provider=local", 2),
        ("?provider=local&user=jane", 1),
        ("?provider=x", 0),
    ] {
        let page = list(&mut keeper, query).await;
        assert_eq!(rows(&page).len(), count, "{query}");
        let words = if count == 1 { "1 session.".to_owned() } else { format!("{count} sessions.") };
        assert!(page.text().contains(&words), "{query}");
    }
}

#[tokio::test]
async fn an_ended_session_does_not_come_back_by_single_sign_on_and_its_tunnel_closes() {
    let desk = Desk::start().await;
    desk.chain.cms.script(|seen| {
        if seen.header("upgrade").is_none() {
            return vec![Step::answer("200 OK", &[], &format!("GET {}", seen.target))];
        }
        vec![
            Step::text("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"),
            Step::Echo,
        ]
    });
    let mut jane = desk.at_work("jane").await;
    let mut wire = Wire::tls(desk.chain.gateway.port, "cms.localhost").await;
    let host = format!("cms.localhost:{}", desk.chain.gateway.port);
    wire.send(format!(
        "GET /sitecore/shell/ws HTTP/1.1\r\nHost: {host}\r\nOrigin: https://{host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{}\r\n",
        cookie_line(&jane)
    ))
    .await;
    assert_eq!(wire.head().await.unwrap().status, 101);

    let mut keeper = desk.keeper().await;
    let page = end(&mut keeper, "jane", "shell").await;
    assert_eq!(notice(&page), "The sessions are over. Yours, if it was among them, goes on.");
    let asked = Instant::now();
    assert!(wire.closes_within(Duration::from_secs(2)).await, "the tunnel stays open");
    assert!(asked.elapsed() < Duration::from_millis(1500), "{:?}", asked.elapsed());
    let page = jane.go("/sitecore/shell/start").await;
    assert!(page.text().contains("id=\"sign-in\""), "signed in again unasked: {}", page.gist());
    let mut lines = logs::lines("sessions_ended");
    lines.retain(|line| line.contains("whom=\"sitecore\\\\jane\""));
    assert!(lines.iter().any(|line| line.contains("user=\"sitecore\\\\admin\"")), "{lines:#?}");
}

#[tokio::test]
async fn all_from_a_provider_end_but_the_administrators_own() {
    let desk = Desk::start().await;
    let mut jane = desk.at_work("jane").await;
    let mut bob = desk.at_work("bob").await;
    let mut keeper = desk.keeper().await;
    let page = list(&mut keeper, "?provider=SitecoreIdentityServer").await;
    assert!(page.text().contains("End every session from SitecoreIdentityServer"));
    let asked = keeper.get("/vestibule/sessions/end?from=SitecoreIdentityServer").await;
    assert!(asked.text().contains("3 sessions from the provider"), "{}", asked.text());
    assert!(jane.get("/sitecore/shell/").await.status == 200, "it is only asked about");
    let fields = form_with(&asked, "from", "SitecoreIdentityServer");
    let done = post(&mut keeper, "/vestibule/sessions", &fields, &[]).await;
    let page = keeper.follow(done).await;
    assert_eq!(notice(&page), "The sessions are over. Yours, if it was among them, goes on.");
    assert_eq!(rows(&page).len(), 2, "the administrator's two: {:?}", rows(&page));
    for browser in [&mut jane, &mut bob] {
        let page = browser.go("/sitecore/shell/start").await;
        assert!(page.text().contains("id=\"sign-in\""), "{}", page.gist());
    }
}

#[tokio::test]
async fn nobody_is_named_nobody_ends() {
    let desk = Desk::start().await;
    let mut keeper = desk.keeper().await;
    assert_eq!(keeper.get("/vestibule/sessions/end").await.status, 400);
    let asked = keeper.get("/vestibule/sessions/end?whose=sitecore%5Cnobody").await;
    assert!(asked.text().contains("Nobody is signed in"), "{}", asked.gist());
    assert_eq!(keeper.get("/vestibule/sessions?after=x-y").await.status, 200);
}

#[tokio::test]
async fn a_hundred_thousand_sessions_are_listed_at_once_and_each_once() {
    let desk = Desk::start().await;
    let _jane = desk.at_work("jane").await;
    let mut keeper = desk.keeper().await;
    let app = &desk.chain.gateway.app;
    let settings = SessionSettings { capacity: 200_000, ..app.config().sessions.clone() };
    let jane = app.sessions().of_user("sitecore\\jane").remove(0).identity.clone();
    for number in 0..100_000 {
        let mut identity = jane.clone();
        identity.user.name = format!("sitecore\\many{number:05}");
        identity.site = if number % 1000 == 0 { "website".into() } else { "shell".into() };
        app.sessions().begin(identity, &settings);
        if number % 10_000 == 0 {
            desk.chain.clock.advance(Duration::from_secs(1));
        }
    }
    // Unoptimised and beside other tests it takes its time.
    let patience = Duration::from_millis(if cfg!(debug_assertions) { 2000 } else { 100 });
    for query in ["", "?user=many99", "?provider=local", "?site=website"] {
        let asked = Instant::now();
        let page = list(&mut keeper, query).await;
        assert!(asked.elapsed() < patience, "{query}: {:?}", asked.elapsed());
        assert_eq!(page.status, 200, "{query}");
    }
    let asked = Instant::now();
    let found = keeper.get("/vestibule/users?search=many9999").await;
    assert!(asked.elapsed() < patience, "{:?}", asked.elapsed());
    assert_eq!(found.text().matches(">virtual<").count(), 10);

    let (mut seen, mut next) = (Vec::new(), "/vestibule/sessions?site=website".to_owned());
    for _ in 0..2 {
        let page = keeper.get(&next).await;
        seen.extend(rows(&page).into_iter().map(|[user, ..]| user));
        let text = page.text();
        let Some(link) = text.split("id=\"next\"").nth(1) else { break };
        let link = link.split("href=\"").nth(1).unwrap().split('"').next().unwrap();
        next = link.replace("&#38;", "&").replace("&amp;", "&");
    }
    assert_eq!(seen.len(), 100);
    seen.sort();
    let every: Vec<String> = (0..100).map(|n| format!("sitecore\\many{:05}", n * 1000)).collect();
    assert_eq!(seen, every);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_signed_out_at_every_gateway_of_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shared.db");
    let store = format!(r#"<gateway><users set:store="sqlite:{}" /></gateway>"#, file.display());
    let (here, there) = tokio::join!(Desk::with(&store), Desk::with(&store));
    let mut jane = there.at_work("jane").await;
    let mut keeper = here.keeper().await;
    // Nobody called Jane is signed in here, but she has a page, and it has a button.
    here.keep("sitecore\\jane").await;
    let mut ended = String::new();
    for _ in 0..50 {
        let page = keeper.get(&page_of("sitecore\\jane")).await;
        let page = press(&mut keeper, &page, "end", &[]).await;
        ended = notice(&page);
        if ended.starts_with("The sessions are over") {
            break;
        }
        // The register is written behind.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(ended.starts_with("The sessions are over"), "{ended}");
    for _ in 0..50 {
        let page = jane.go("/sitecore/shell/start").await;
        if page.text().contains("id=\"sign-in\"") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("Jane is still signed in at the other gateway");
}
