//! Who may come in: requireLogin, roles, access rules, anonymous pages, and how somebody who may not
//! is told.

use crate::support::cms::Step;
use crate::support::provider;
use crate::support::world::World;
use crate::support::world::cookie_line;

const RULES: &str = r#"<gateway><access>
  <rule name="health" site="website" path="/health" anonymous="true" />
  <rule name="editors only" site="website" path="/members/*" roles="sitecore\author" />
  <rule name="readers" site="website" path="/readers/*" methods="GET HEAD" signedIn="true" />
  <rule name="nobody writes" site="website" path="/readers/*" roles="sitecore\Nobody" />
  <rule name="open door" site="shell" path="/sitecore/shell/open/*" anonymous="true" />
</access></gateway>"#;

#[tokio::test]
async fn a_person_is_sent_to_the_login_page_and_comes_back() {
    let world = World::start().await;
    let mut browser = world.browser();
    let answer = browser.get("/sitecore/shell/Applications?x=1").await;
    assert!(matches!(answer.status, 302 | 303), "{}", answer.status);
    assert!(
        answer.location().starts_with("/identity/login/shell/Partner"),
        "{}",
        answer.location()
    );
    let page = browser.follow(answer).await;
    assert_eq!(page.text(), "GET /sitecore/shell/Applications?x=1");
}

#[tokio::test]
async fn a_program_is_told_where_to_sign_in() {
    let world = World::start().await;
    let mut browser = world.browser();
    let request = browser.fetch("GET", "/sitecore/shell/api");
    let answer = browser.send(request).await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (401, Some("application/problem+json"))
    );
    let problem = answer.json();
    assert_eq!(problem["status"], 401);
    assert!(
        problem["sign_in"].as_str().unwrap().contains("/identity/login/shell/Partner"),
        "{problem}"
    );
    assert!(problem["request_id"].as_str().is_some_and(|id| !id.is_empty()));
}

#[tokio::test]
async fn every_site_that_asks_for_a_login_gets_one() {
    let world = World::start().await;
    for path in
        ["/sitecore/shell", "/sitecore/shell/x", "/sitecore/admin/", "/sitecore%20modules/shell/x"]
    {
        assert_eq!(world.raw_get(path, "").await.status, 401, "{path}");
    }
    for path in ["/", "/a", "/sitecore/service/x", "/sitecore%20modules/web/x"] {
        assert_eq!(world.raw_get(path, "").await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn an_anonymous_page_knows_who_is_signed_in() {
    let world = World::start().await;
    let cookie = cookie_line(&world.jane().await);
    world.raw_get("/page", &cookie).await;
    assert_eq!(world.cms.last().user(), Some("sitecore\\jane"));
    world.raw_get("/page", "").await;
    assert_eq!(world.cms.last().header("x-forwarded-user"), None);
    assert_eq!(world.cms.last().header("x-vestibule-assertion"), None);
}

#[tokio::test]
async fn a_rule_asks_for_a_role_whatever_its_case() {
    let world = World::with(RULES).await;
    let jane = cookie_line(&world.jane().await);
    let bob = cookie_line(&world.signed_in(provider::bob()).await);
    assert_eq!(world.raw_get("/members/x", &jane).await.status, 200);
    assert_eq!(world.raw_get("/MEMBERS/x", &bob).await.status, 403);
    assert_eq!(world.raw_get("/members/x", "").await.status, 401);
    assert_eq!(world.raw_get("/membership", "").await.status, 200);
}

#[tokio::test]
async fn the_403_names_the_rule_that_refused() {
    let world = World::with(RULES).await;
    let mut browser = world.signed_in(provider::bob()).await;
    world.cms.clear();
    let page = browser.get("/members/x").await;
    assert_eq!(page.status, 403);
    assert!(page.text().contains("editors only"), "{}", page.gist());
    let request = browser.fetch("GET", "/members/x");
    let problem = browser.send(request).await.json();
    assert!(problem.to_string().contains("editors only"), "{problem}");
    assert_eq!(world.cms.count(), 0);
}

#[tokio::test]
async fn the_first_rule_that_fits_decides() {
    let world = World::with(RULES).await;
    let bob = cookie_line(&world.signed_in(provider::bob()).await);
    assert_eq!(world.raw_get("/readers/x", &bob).await.status, 200);
    assert_eq!(world.raw_get("/readers/x", "").await.status, 401);
    let post = format!(
        "POST /readers/x HTTP/1.1\r\nHost: cms.localhost\r\n{bob}Content-Length: 0\r\n\r\n"
    );
    assert_eq!(world.raw(post).await.status, 403);
}

#[tokio::test]
async fn a_rule_can_open_a_path_of_a_closed_site() {
    let world = World::with(RULES).await;
    assert_eq!(world.raw_get("/sitecore/shell/open/x", "").await.status, 200);
    assert_eq!(world.raw_get("/health", "").await.status, 200);
    for path in ["/sitecore/shell/opened", "/sitecore/shell/", "/health/x/../../sitecore/shell/"] {
        assert!(matches!(world.raw_get(path, "").await.status, 400 | 401), "{path}");
    }
}

#[tokio::test]
async fn a_site_asks_for_roles() {
    let world = World::with(
        r#"<sites><site name="admin" set:roles="sitecore\Author|sitecore\Developer" /></sites>"#,
    )
    .await;
    let jane = cookie_line(&world.jane().await);
    let bob = cookie_line(&world.signed_in(provider::bob()).await);
    assert_eq!(world.raw_get("/sitecore/admin/x", &jane).await.status, 200);
    assert_eq!(world.raw_get("/sitecore/admin/x", &bob).await.status, 403);
    assert_eq!(world.raw_get("/sitecore/admin/x", "").await.status, 401);
}

#[tokio::test]
async fn a_session_whose_provider_is_not_mapped_is_none_but_on_neutral_paths() {
    let neutral = r#"<pipelines><owin.cookieAuthentication.validateIdentity><processor type="Sitecore.Owin.Authentication.Pipelines.CookieAuthentication.ValidateIdentity.ValidateSiteNeutralPaths, Sitecore.Owin.Authentication"><siteNeutralPaths hint="list"><path hint="unicorn">/sitecore modules/shell/unicorn.aspx</path></siteNeutralPaths></processor></owin.cookieAuthentication.validateIdentity></pipelines>"#;
    let world = World::with(neutral).await;
    let cookie = cookie_line(&world.jane().await);
    world.cms.clear();
    assert_eq!(world.raw_get("/sitecore%20modules/shell/x", &cookie).await.status, 401);
    assert_eq!(world.cms.count(), 0);
    assert_eq!(world.raw_get("/sitecore%20modules/shell/Unicorn.aspx", &cookie).await.status, 200);
    assert_eq!(world.cms.last().user(), Some("sitecore\\jane"));
    assert_eq!(world.raw_get("/sitecore%20modules/shell/unicorn.aspx", "").await.status, 401);
}

#[tokio::test]
async fn a_401_of_the_cms_sends_a_person_to_the_login_page_and_nobody_else() {
    let world = World::start().await;
    world.cms.script(|seen| {
        let known = seen.header("x-forwarded-user").is_some();
        vec![if known {
            Step::answer("200 OK", &[], "private")
        } else {
            Step::answer("401 Unauthorized", &["WWW-Authenticate: Basic realm=\"cms\""], "")
        }]
    });
    let mut browser = world.browser();
    let request = browser.fetch("GET", "/private");
    assert_eq!(browser.send(request).await.status, 401);
    let page = browser.go("/private").await;
    assert_eq!(page.text(), "private", "{:?}", browser.history);
}

#[tokio::test]
async fn a_401_to_somebody_who_is_signed_in_is_no_loop() {
    let world = World::start().await;
    let mut browser = world.jane().await;
    world.cms.script(|_| vec![Step::answer("401 Unauthorized", &[], "not you")]);
    let answer = browser.go("/private").await;
    assert!(world.idp.count("authorize") <= 3, "{:?}", browser.history);
    assert!(answer.status >= 400, "{}", answer.status);
}

#[tokio::test]
async fn the_legacy_login_page_leads_to_shells() {
    let world = World::start().await;
    let mut browser = world.browser();
    let answer = browser.get("/sitecore/login").await;
    assert!(
        answer.location().starts_with("/identity/login/shell/Partner"),
        "{}",
        answer.location()
    );
    let form = browser.get("/sitecore/login?fbc=1").await;
    assert_eq!(form.status, 200);
    assert!(form.text().contains("name=\"password\""), "{}", form.gist());
}

#[tokio::test]
async fn the_legacy_login_page_shows_buttons_where_it_is_shells_own() {
    let world =
        World::with(r#"<sites><site name="shell" set:loginPage="/sitecore/login" /></sites>"#)
            .await;
    let mut browser = world.browser();
    let page = browser.go("/sitecore/shell/x").await;
    assert!(page.text().contains("Go to Partner"), "{}", page.gist());
    let first = browser.press(&page, "Go to Partner").await;
    assert_eq!(browser.follow(first).await.text(), "GET /sitecore/shell/x");
}

#[tokio::test]
async fn pages_of_the_cms_can_draw_their_own_buttons() {
    let world = World::start().await;
    let mut browser = world.browser();
    let request =
        browser.fetch("GET", "/identity/sign-in-urls?site=shell&returnUrl=%2Fsitecore%2Fshell%2Fx");
    let answer = browser.send(request).await.json();
    let text = answer.to_string();
    assert!(text.contains("Go to Partner") && text.contains("/identity/externallogin"), "{text}");
    assert!(!text.contains("\"Nobody\""));
}

#[tokio::test]
async fn our_own_addresses_are_never_the_cms_s() {
    let world = World::start().await;
    for path in [
        "/identity/unknown",
        "/identity/login",
        "/identity/signin",
        "/signin-oidc",
        "/.well-known/vestibule/jwks.json",
        "/IDENTITY/login/shell/Partner",
    ] {
        world.raw_get(path, "").await;
    }
    assert_eq!(world.cms.count(), 0, "{:?}", world.cms.seen());
}

#[tokio::test]
async fn operations_are_no_site_and_sites_no_operations() {
    let world = World::start().await;
    for path in ["/metrics", "/healthz/live", "/healthz/ready"] {
        assert_eq!(world.gateway.ask(path).await.status, 200, "{path}");
        world.raw_get(path, "").await;
        assert_eq!(world.cms.last().target, path, "on a site it is the CMS's");
    }
    assert_eq!(world.gateway.ask("/sitecore/shell/").await.status, 404);
}
