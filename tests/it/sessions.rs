//! Class J: sessions live on the server, and their cookies give nothing away.

use std::time::Duration;

use serde_json::json;

use crate::support::journey;
use crate::support::provider;
use crate::support::world;
use crate::support::world::SESSION;
use crate::support::world::World;
use crate::support::world::cookie_line;

/// The status of the shell with this `Cookie` line.
async fn shell(world: &World, cookies: &str) -> u16 {
    world.raw_get("/sitecore/shell/", &format!("Cookie: {cookies}\r\n")).await.status
}

async fn token(world: &World) -> String {
    world.jane().await.cookie(SESSION).unwrap()
}

#[tokio::test]
async fn j220_every_cookie_carries_every_flag() {
    let world = World::start().await;
    let mut browser = world.jane().await;
    let out = browser.get("/identity/logout").await;
    browser.follow(out).await;
    assert!(browser.lines.iter().any(|line| line.starts_with(SESSION)));
    for line in &browser.lines {
        let flags = line.to_ascii_lowercase();
        for flag in ["; secure", "; httponly", "; path=/", "; samesite="] {
            assert!(flags.contains(flag), "{line} lacks {flag}");
        }
        assert!(!flags.contains("domain="), "{line}");
        let login = line.starts_with("__Host-vestibule-login");
        assert!(!flags.contains("samesite=none") || login, "{line}");
    }
}

#[tokio::test]
async fn j220_a_session_cookie_ends_with_the_browser() {
    let world = World::start().await;
    let browser = world.jane().await;
    let kept = browser.jar.find("cms.localhost", SESSION).unwrap();
    assert!(!kept.persistent, "{}", kept.line);
    assert_eq!(kept.same_site, "lax");
}

#[tokio::test]
async fn j221_two_values_under_our_name_are_no_session() {
    let world = World::start().await;
    let good = token(&world).await;
    assert_eq!(shell(&world, &format!("{SESSION}={good}")).await, 200);
    assert_eq!(shell(&world, &format!("{SESSION}={good}; {SESSION}={good}")).await, 200);
    for cookies in
        [format!("{SESSION}=evil; {SESSION}={good}"), format!("{SESSION}={good}; {SESSION}=evil")]
    {
        assert_eq!(shell(&world, &cookies).await, 401, "{cookies}");
    }
    assert!(world.gateway.metric("vestibule_cookie_contradictions_total", &[]).await >= 2);
}

#[tokio::test]
async fn j221_with_a_prefix_the_bare_name_is_never_read() {
    let world = World::with(r#"<gateway><sessions set:cookiePrefix="__Host-" /></gateway>"#).await;
    let mut browser = world.browser();
    assert_eq!(browser.go("/sitecore/shell/").await.status, 200);
    let good = browser.cookie("__Host-.AspNet.Cookies").unwrap();
    assert_eq!(shell(&world, &format!("__Host-{SESSION}={good}")).await, 200);
    assert_eq!(shell(&world, &format!("{SESSION}={good}")).await, 401);
    assert_eq!(shell(&world, &format!("{SESSION}=evil; __Host-{SESSION}={good}")).await, 200);
}

#[tokio::test]
async fn j223_quotes_are_data() {
    let world = World::start().await;
    let good = token(&world).await;
    assert_eq!(shell(&world, &format!("a=\"x; {SESSION}={good}; b=y\"")).await, 200);
    assert_eq!(shell(&world, &format!("a=\"x\"; {SESSION}=\"{good}\"")).await, 401);
}

#[tokio::test]
async fn j224_session_ids_are_long_and_never_repeat() {
    let world = World::start().await;
    let mut seen = std::collections::HashSet::new();
    for _ in 0..8 {
        let token = token(&world).await;
        assert!(token.len() >= 43, "{token} is too short for 256 bits");
        assert!(seen.insert(token));
    }
}

#[tokio::test]
async fn j226_a_changed_or_foreign_cookie_is_no_session() {
    let world = World::start().await;
    let mut browser = world.jane().await;
    let good = browser.cookie(SESSION).unwrap();
    for at in [0, good.len() / 2, good.len() - 1] {
        let mut bytes = good.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        assert_eq!(
            shell(&world, &format!("{SESSION}={}", String::from_utf8(bytes).unwrap())).await,
            401
        );
    }
    assert_eq!(shell(&world, &format!("{SESSION}={}", &good[..good.len() - 1])).await, 401);
    journey::start(&mut browser, "/").await;
    for (name, value) in browser
        .jar
        .0
        .iter()
        .filter(|kept| kept.name != SESSION)
        .map(|kept| (&kept.name, &kept.value))
    {
        assert_eq!(shell(&world, &format!("{SESSION}={value}")).await, 401, "{name} is no session");
    }
    let elsewhere = World::start().await;
    assert_eq!(shell(&elsewhere, &format!("{SESSION}={good}")).await, 401);
}

#[tokio::test]
async fn j227_a_copied_cookie_is_worthless_after_sign_out() {
    let world = World::start().await;
    let mut browser = world.jane().await;
    let copied = cookie_line(&browser);
    let out = browser.get("/identity/logout").await;
    browser.follow(out).await;
    assert_eq!(browser.cookie(SESSION), None);
    world.cms.clear();
    assert_eq!(world.raw_get("/sitecore/shell/", &copied).await.status, 401);
    assert_eq!(world.cms.count(), 0);
}

#[tokio::test]
async fn j229_a_thousand_groups_do_not_swell_the_cookie() {
    let world = World::start().await;
    let groups: Vec<String> =
        (0..1000).map(|n| format!("group-{n:032}")).chain(["editors".to_owned()]).collect();
    let browser = world
        .signed_in(json!({ "sub": "s", "preferred_username": "jane", "groups": groups }))
        .await;
    let sizes: Vec<usize> = browser.lines.iter().map(String::len).collect();
    assert!(sizes.iter().all(|&size| size < 4096), "{sizes:?}");
    assert_eq!(world.cms.last().header("x-forwarded-groups"), Some("sitecore\\Author"));
}

#[tokio::test]
async fn j230_a_session_ends_when_it_is_not_used() {
    let world = World::start().await;
    let cookie = cookie_line(&world.jane().await);
    for _ in 0..3 {
        world.later(29 * 60);
        assert_eq!(world.raw_get("/sitecore/shell/", &cookie).await.status, 200, "sliding");
    }
    world.later(31 * 60);
    assert_eq!(world.raw_get("/sitecore/shell/", &cookie).await.status, 401);
}

#[tokio::test]
async fn j230_a_session_ends_however_much_it_is_used() {
    let world = World::with(r#"<gateway><sessions set:absoluteLifetime="2h" /></gateway>"#).await;
    let cookie = cookie_line(&world.jane().await);
    for _ in 0..5 {
        world.later(20 * 60);
        assert_eq!(world.raw_get("/sitecore/shell/", &cookie).await.status, 200);
    }
    world.later(21 * 60);
    assert_eq!(world.raw_get("/sitecore/shell/", &cookie).await.status, 401);
}

#[tokio::test]
async fn j230_without_sliding_it_ends_at_its_time() {
    let fixed = r#"<pipelines><owin.initialize><processor type="Sitecore.Owin.Authentication.Pipelines.Initialize.CookieAuthentication, Sitecore.Owin.Authentication"><ExpireTimeSpan>00:10:00</ExpireTimeSpan><SlidingExpiration>false</SlidingExpiration></processor></owin.initialize></pipelines>"#;
    let world = World::with(fixed).await;
    let cookie = cookie_line(&world.jane().await);
    world.later(9 * 60);
    assert_eq!(world.raw_get("/sitecore/shell/", &cookie).await.status, 200);
    world.later(90);
    assert_eq!(world.raw_get("/sitecore/shell/", &cookie).await.status, 401);
}

#[tokio::test]
async fn j230_cookie_exp_ends_a_session() {
    let rule = r#"<federatedAuthentication><identityProviders><identityProvider id="Partner" type="Sitecore.Owin.Authentication.Configuration.DefaultIdentityProvider, Sitecore.Owin.Authentication"><transformations hint="list:AddTransformation"><transformation name="end" type="Sitecore.Owin.Authentication.Services.DefaultTransformation, Sitecore.Owin.Authentication"><sources hint="raw:AddSource"><claim name="end" /></sources><targets hint="raw:AddTarget"><claim name="http://www.sitecore.net/identity/claims/cookieExp" /></targets></transformation></transformations></identityProvider></identityProviders></federatedAuthentication>"#;
    let world = World::with(rule).await;
    let end = (world.clock.now().0 + 300).to_string();
    let person = json!({ "sub": "s", "preferred_username": "jane", "end": end });
    let cookie = cookie_line(&world.signed_in(person).await);
    world.later(290);
    assert_eq!(world.raw_get("/sitecore/shell/", &cookie).await.status, 200);
    world.later(20);
    assert_eq!(world.raw_get("/sitecore/shell/", &cookie).await.status, 401);
}

#[tokio::test]
async fn j232_sign_out_wins_over_concurrent_requests() {
    let world = World::start().await;
    let mut browser = world.jane().await;
    let cookie = cookie_line(&browser);
    let requests: Vec<_> = (0..10)
        .map(|_| {
            let (port, cookie) = (world.gateway.port, cookie.clone());
            tokio::spawn(async move {
                let mut wire = crate::support::wire::Wire::tls(port, "cms.localhost").await;
                for _ in 0..20 {
                    wire.send(format!(
                        "GET /sitecore/shell/ HTTP/1.1\r\nHost: cms.localhost\r\n{cookie}\r\n"
                    ))
                    .await;
                    wire.answer().await;
                }
            })
        })
        .collect();
    let out = browser.get("/identity/logout").await;
    browser.follow(out).await;
    for request in requests {
        request.await.unwrap();
    }
    assert_eq!(world.raw_get("/sitecore/shell/", &cookie).await.status, 401);
}

#[tokio::test]
async fn j238_taking_a_provider_away_ends_its_sessions() {
    let world = World::start().await;
    let cookie = cookie_line(&world.jane().await);
    world.patch(r#"<federatedAuthentication><identityProviders><identityProvider id="Partner" type="Sitecore.Owin.Authentication.Configuration.DefaultIdentityProvider, Sitecore.Owin.Authentication"><enabled>false</enabled></identityProvider></identityProviders></federatedAuthentication>"#).await;
    world.cms.clear();
    assert_eq!(world.raw_get("/sitecore/shell/", &cookie).await.status, 401);
    world.raw_get("/public/", &cookie).await;
    assert_eq!(world.cms.last().header("x-forwarded-user"), None);
}

#[tokio::test]
async fn j239_another_site_cannot_sign_anybody_out() {
    let world = World::start().await;
    for path in ["/identity/logout", "/sitecore/logout"] {
        let mut browser = world.jane().await;
        let cookie = cookie_line(&browser);
        for site in ["cross-site", "same-site", "none"] {
            let request = browser.navigation("GET", path, site);
            let answer = browser.send(request).await;
            assert!(
                answer.text().contains("sign-out-button"),
                "{site}: {} {}",
                answer.status,
                answer.gist()
            );
            assert_eq!(
                world.raw_get("/sitecore/shell/", &cookie).await.status,
                200,
                "{path} {site}"
            );
        }
        let request = browser
            .navigation("POST", path, "cross-site")
            .header("Origin", "https://evil.test")
            .form(&[]);
        browser.send(request).await;
        assert_eq!(world.raw_get("/sitecore/shell/", &cookie).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn j239_the_page_that_asks_signs_out() {
    let world = World::start().await;
    let mut browser = world.jane().await;
    let request = browser.navigation("GET", "/identity/logout", "none");
    let asking = browser.send(request).await;
    let answer = browser.press(&asking, "sign-out-button").await;
    browser.follow(answer).await;
    assert_eq!(browser.cookie(SESSION), None);
}

#[tokio::test]
async fn j241_many_and_long_cookies_are_a_431() {
    let world = World::start().await;
    let long = format!("Cookie: a={}\r\n", "x".repeat(64 * 1024));
    assert_eq!(world.raw_get("/public/", &long).await.status, 431);
    let many = format!("Cookie: {}\r\n", "a=;".repeat(15_000));
    assert_eq!(world.raw_get("/public/", &many).await.status, 431);
    let lines = "X: y\r\n".repeat(120);
    assert_eq!(world.raw_get("/public/", &lines).await.status, 431);
    assert_eq!(world.cms.count(), 0);
}

#[tokio::test]
async fn our_cookies_never_reach_the_cms_and_others_do() {
    let world = World::start().await;
    let good = token(&world).await;
    let cookies = format!(
        "first=1; {SESSION}={good}; .ASPNET.COOKIES=x; .AspNet.Cookies.Preview=p; __Host-vestibule-login=l; idsrv=i; last=\"2\""
    );
    assert_eq!(shell(&world, &cookies).await, 200);
    assert_eq!(world.cms.last().values("cookie"), ["first=1; last=\"2\""]);
}

#[tokio::test]
async fn m292_the_same_subject_of_two_providers_is_two_users() {
    let patch = |issuer: &str| {
        world::provider_patch("Second", issuer, "") + &world::mapping("Second", &["shell"])
    };
    let world = World::made(|idp| {
        format!("{}<gateway><users set:nameTemplate=\"\" /></gateway>", patch(&idp.issuer))
    })
    .await;
    world.idp.person(provider::jane());
    let mut names = Vec::new();
    for name in ["Partner", "Second"] {
        let mut browser = world.browser();
        let page = browser
            .go(&format!("/identity/login/shell/{name}?returnUrl=%2Fsitecore%2Fshell%2F"))
            .await;
        assert_eq!(page.status, 200, "{}", page.gist());
        names.push(world.cms.last().header("x-forwarded-user").unwrap().to_owned());
    }
    assert_ne!(names[0], names[1]);
    assert!(
        names.iter().all(|name| name.starts_with("sitecore\\") && name.len() == 9 + 10),
        "{names:?}"
    );
}

#[tokio::test]
async fn m301_the_next_user_of_a_browser_inherits_nothing() {
    let world = World::start().await;
    let mut browser = world.jane().await;
    let out = browser.get("/identity/logout").await;
    browser.follow(out).await;
    world.idp.person(provider::bob());
    assert_eq!(browser.go("/sitecore/shell/").await.status, 200);
    let seen = world.cms.last();
    assert_eq!(seen.user(), Some("sitecore\\bob"));
    assert_eq!(seen.header("x-forwarded-groups").unwrap_or_default(), "");
    assert!(!seen.text().contains("jane"), "{}", seen.text());
}

#[tokio::test]
async fn sessions_in_all_are_bounded_and_an_eviction_is_counted() {
    let world = World::with(r#"<gateway><sessions set:capacity="3" /></gateway>"#).await;
    let first = cookie_line(&world.jane().await);
    world.later(1);
    let mut last = String::new();
    for _ in 0..6 {
        world.later(1);
        last = cookie_line(&world.jane().await);
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(
        world.raw_get("/sitecore/shell/", &last).await.status,
        200,
        "newcomers still get in"
    );
    assert_eq!(world.raw_get("/sitecore/shell/", &first).await.status, 401);
    assert!(world.gateway.metric("vestibule_session_ends_total", &["evicted"]).await >= 3);
    assert!(world.gateway.metric("vestibule_sessions", &[]).await <= 4);
}
