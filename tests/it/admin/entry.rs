//! Who may enter the pages, and how.

use crate::admin::desk::Desk;
use crate::support::browser::Browser;
use crate::support::chain::PASSWORD;
use crate::support::gateway::Folder;
use crate::support::logs;
use crate::support::wire::Wire;
use crate::support::world::SESSION;

const PAGES: [&str; 7] = [
    "/vestibule/users",
    "/vestibule/user?name=sitecore%5Cjane",
    "/vestibule/user/delete?name=sitecore%5Cjane",
    "/vestibule/sessions",
    "/vestibule/access",
    "/vestibule/configuration",
    "/vestibule/funnel",
];

#[tokio::test]
async fn an_administrator_signs_in_and_sees_every_page() {
    let desk = Desk::start().await;
    let mut keeper = desk.keeper().await;
    assert!(keeper.url.path() == "/vestibule/users", "the way back: {}", keeper.url);
    for path in PAGES {
        let page = keeper.get(path).await;
        assert_eq!(page.status, 200, "{path}: {}", page.gist());
        assert_eq!(page.header("cache-control"), Some("no-store"), "{path}");
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(policy.contains("form-action 'self'"), "{policy}");
        assert_eq!(page.text().matches("aria-current=\"page\"").count(), 1, "{path}");
        assert!(
            page.text().contains("sitecore&#92;admin") || page.text().contains(r"sitecore\admin")
        );
    }
    for path in ["/", "/vestibule", "/vestibule/"] {
        assert_eq!(keeper.get(path).await.location(), "/vestibule/users", "{path}");
    }
    assert_eq!(keeper.get("/vestibule/nothing").await.status, 404);
    assert_eq!(keeper.get("/anything").await.status, 404);
    let request = keeper.navigation("DELETE", "/vestibule/users", "same-origin");
    assert_eq!(keeper.send(request).await.status, 405);
}

#[tokio::test]
async fn whoever_is_no_administrator_of_the_domain_is_refused_and_that_is_audited() {
    let desk = Desk::start().await;
    for name in ["jane", "extranet\\admin"] {
        let mut browser = desk.browser();
        let page = desk.sign_in(&mut browser, name).await;
        assert_eq!(page.status, 403, "{name}: {}", page.gist());
        for path in PAGES {
            let page = browser.get(path).await;
            assert_eq!(page.status, 403, "{name} {path}");
            assert!(!page.text().contains("sitecore\\jane"), "{name} {path}");
        }
        let id = browser.get("/vestibule/users").await;
        let (_, id) = id
            .text()
            .split_once("id=\"request-id\">")
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .unwrap();
        let id = id.split('<').next().unwrap().to_owned();
        let lines = logs::lines(&id);
        assert!(lines.iter().any(|line| line.contains("access_refused")), "{lines:#?}");
    }
}

#[tokio::test]
async fn nobody_signed_in_is_sent_to_the_login_page_and_programs_are_told() {
    let desk = Desk::start().await;
    let mut browser = desk.browser();
    for path in PAGES {
        let answer = browser.get(path).await;
        let to = answer.location().to_owned();
        assert!(
            to.starts_with(
                "/identity/login/vestibule/SitecoreIdentityServer?returnUrl=%2Fvestibule"
            ),
            "{to}"
        );
        let request = browser.fetch("GET", path);
        assert_eq!(browser.send(request).await.status, 401, "{path}");
    }
    let request = browser.navigation("POST", "/vestibule/user", "same-origin");
    let answer = browser.send(request.form(&[("action", "delete"), ("name", "x")])).await;
    assert_eq!(answer.status, 401);
}

#[tokio::test]
async fn a_rule_opens_nothing_here_and_a_token_is_no_way_in() {
    let desk = Desk::with(
        r#"<gateway><access><rule path="/vestibule/*" anonymous="true" /><rule path="/*" anonymous="true" /></access></gateway>"#,
    )
    .await;
    let mut browser = desk.browser();
    for path in PAGES {
        assert!(browser.get(path).await.is_redirect(), "{path}");
    }
    let request = browser.visit("/vestibule/users").header("Authorization", "Bearer x");
    assert!(browser.send(request).await.is_redirect());
}

#[tokio::test]
async fn a_session_of_the_cms_is_none_here_and_the_other_way_round() {
    let desk = Desk::start().await;
    let at_work = desk.at_work("admin").await;
    let token = at_work.jar.find("cms.localhost", SESSION).unwrap().value.clone();
    let mut thief = desk.browser();
    let request = thief.visit("/vestibule/users").header("Cookie", &format!("{SESSION}={token}"));
    assert!(thief.send(request).await.is_redirect(), "the session of the CMS opened the pages");

    let keeper = desk.keeper().await;
    let token = keeper.jar.find("admin.localhost", SESSION).unwrap().value.clone();
    let mut thief = desk.chain.browser();
    let request = thief.visit("/sitecore/shell/").header("Cookie", &format!("{SESSION}={token}"));
    assert!(thief.send(request).await.is_redirect(), "the session of the pages opened the CMS");
}

#[tokio::test]
async fn the_pages_are_not_shown_over_plain_http() {
    let plain = r#"<gateway><listeners><listener name="bare" address="127.0.0.1:0" plain="true" /></listeners></gateway>"#;
    let desk = Desk::with(plain).await;
    let keeper = desk.keeper().await;
    let token = keeper.jar.find("admin.localhost", SESSION).unwrap().value.clone();
    let port = desk.chain.gateway.app.address("bare").unwrap().port();
    for (method, path) in PAGES.map(|path| ("GET", path)).into_iter().chain([("POST", PAGES[1])]) {
        let mut wire = Wire::plain(port).await;
        wire.send(format!(
            "{method} {path} HTTP/1.1\r\nHost: admin.localhost:{port}\r\nCookie: {SESSION}={token}\r\nContent-Length: 0\r\n\r\n"
        ))
        .await;
        let answer = wire.answer().await;
        assert_eq!(answer.status, 403, "{method} {path}: {}", answer.gist());
        assert!(!answer.text().contains("sitecore\\jane"), "{path}");
    }
}

#[tokio::test]
async fn the_cms_is_not_served_on_the_host_of_these_pages() {
    let desk = Desk::start().await;
    let mut keeper = desk.keeper().await;
    for path in ["/sitecore/shell/", "/sitecore/service/x", "/index.html", "/sitecore/admin/x"] {
        assert_eq!(keeper.get(path).await.status, 404, "{path}");
    }
    assert_eq!(desk.chain.cms.count(), 0);
    let mut elsewhere = Browser::new(&desk.chain.url("/"));
    assert_eq!(elsewhere.get("/vestibule/users").await.text(), "GET /vestibule/users");
}

#[tokio::test]
async fn a_password_typed_at_the_emergency_form_opens_the_pages_too() {
    let desk = Desk::start().await;
    let mut browser = desk.browser();
    let page = browser.go("/sitecore/login?fbc=1&returnUrl=%2Fvestibule%2Fsessions").await;
    let fields = [("username", "sitecore\\admin"), ("password", PASSWORD)];
    let answer = browser.submit(&page, &fields).await;
    let page = browser.follow(answer).await;
    assert!(page.text().contains("<h1>Sessions</h1>"), "{} {}", page.status, page.gist());
}

#[test]
fn the_pages_need_a_host_of_their_own() {
    for (patch, fault) in [
        (r#"<sites><site name="vestibule" set:hostName="" /></sites>"#, "has no host of its own"),
        (
            r#"<sites><site name="vestibule" set:hostName="*.localhost" /></sites>"#,
            "has no host of its own",
        ),
        (
            r#"<sites><site name="vestibule" set:virtualFolder="/vestibule" /></sites>"#,
            "does not cover its whole host",
        ),
        (
            r#"<sites><site name="vestibule" set:domain="" /></sites>"#,
            "says not whose administrators may enter",
        ),
        (
            r#"<sites><site name="website" set:hostName="www.localhost|admin.localhost" /></sites>"#,
            "is for the same host as",
        ),
    ] {
        let folder = Folder::new(patch);
        let environment = vestibule::config::Environment::default();
        let read = vestibule::config::load(&folder.path("conf"), &environment);
        let faults = read.expect_err(patch);
        let text = crate::support::gateway::list(&faults);
        assert!(text.contains(fault), "{patch}: {text}");
    }
}
