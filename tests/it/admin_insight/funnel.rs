//! How far sign-ins came.

use vestibule::crypto::password;
use vestibule::crypto::secret::Secret;

use crate::admin_insight::desk;
use crate::admin_insight::has_row;
use crate::admin_insight::rows;
use crate::admin_insight::world;
use crate::support::browser::Browser;
use crate::support::chain::Chain;
use crate::support::chain::PASSWORD;
use crate::support::journey;
use crate::support::provider::lie;

#[tokio::test]
async fn a_sign_in_is_counted_once_in_each_stage() {
    let world = world().await;
    let mut ada = desk(&world).await;
    world.jane().await;
    let page = ada.get("/vestibule/funnel").await;
    let text = page.text();
    let (_, shell) = text.split_once("shell · Partner</h2>").expect("the way is there");
    let shell = shell.split("</section>").next().unwrap();
    let told = "Started: 1. At the provider: 1. Back: 1. Session: 1. First page: 1.";
    assert_eq!(shell.matches(told).count(), 2, "in the hour and in the day: {shell}");
    for stage in ["Started", "At the provider", "Back", "Session", "First page"] {
        assert!(has_row(&page, &format!("{stage} | 2 | 2")), "{stage}: {:?}", rows(&page));
        assert!(has_row(&page, &format!("{stage} | 1 | 1")), "{stage}: {:?}", rows(&page));
    }
    let metric = |stage: &'static str| {
        let gateway = &world.gateway;
        async move {
            let labels = ["site=\"shell\"", "provider=\"Partner\"", stage];
            gateway.metric("vestibule_sign_in_funnel_total", &labels).await
        }
    };
    assert_eq!(metric("stage=\"first_page\"").await, 1);
    assert_eq!(metric("stage=\"started\"").await, 1);
}

#[tokio::test]
async fn further_pages_of_a_session_are_no_further_first_pages() {
    let world = world().await;
    let mut ada = desk(&world).await;
    let mut jane = world.jane().await;
    jane.go("/sitecore/shell/more").await;
    let page = ada.get("/vestibule/funnel").await;
    assert!(has_row(&page, "First page | 2 | 2"), "{:?}", rows(&page));
}

#[tokio::test]
async fn what_does_not_come_back_is_missing_and_what_is_refused_says_why() {
    let world = world().await;
    let mut ada = desk(&world).await;
    journey::start(&mut world.browser(), "/sitecore/shell/").await;
    world.idp.lie(|lies| {
        lies.authorize = lie(|fields: &mut Vec<(String, String)>| {
            fields.retain(|(name, _)| name != "code");
            fields.push(("error".to_owned(), "access_denied".to_owned()));
        });
    });
    world.browser().go("/sitecore/shell/").await;
    let page = ada.get("/vestibule/funnel").await;
    let text = page.text();
    let (_, shell) = text.split_once("shell · Partner</h2>").expect("the way is there");
    let shell = shell.split("</section>").next().unwrap();
    let told = "Started: 2. At the provider: 2. Back: 1. Session: 0. First page: 0.";
    assert!(shell.contains(told), "{shell}");
    assert!(has_row(&page, "Failed: cancelled | 1 | 1"), "{:?}", rows(&page));
    let configuration = ada.get("/vestibule/configuration").await;
    let partner = rows(&configuration);
    let partner = partner.iter().find(|row| row.starts_with("Partner")).unwrap();
    assert!(partner.ends_with(": cancelled"), "{partner}");
}

#[tokio::test]
async fn after_an_hour_only_the_day_remembers() {
    let world = world().await;
    world.jane().await;
    world.later(2 * 3600);
    let mut ada = desk(&world).await;
    let page = ada.get("/vestibule/funnel").await;
    assert!(has_row(&page, "Session | 0 | 1"), "{:?}", rows(&page));
}

#[tokio::test]
async fn a_password_counts_at_the_identity_server_and_the_client_is_seen_at_work() {
    let hash = password::hash(&Secret::new(PASSWORD)).unwrap();
    let admin = format!(
        r#"<gateway><localUsers><user name="sitecore\admin" passwordHash="{hash}" administrator="true" /></localUsers></gateway>"#
    );
    let chain = Chain::with(&admin).await;
    let home = format!("https://admin.localhost:{}/", chain.gateway.port);
    let mut browser = Browser::new(&home);
    let page = browser.go("/vestibule/funnel").await;
    let wrong = browser.submit(&page, &[("username", "admin"), ("password", "wrong")]).await;
    let page = browser.follow(wrong).await;
    let right = browser.submit(&page, &[("username", "admin"), ("password", PASSWORD)]).await;
    browser.follow(right).await;
    let page = browser.get(&format!("{home}vestibule/funnel")).await;
    let text = page.text();
    let way = |title: &str| {
        let (_, way) = text.split_once(title).unwrap_or_else(|| panic!("no {title}: {text}"));
        way.split("</section>").next().unwrap().to_owned()
    };
    let all = "Started: 1. At the provider: 1. Back: 1. Session: 1. First page: 1.";
    assert!(way("vestibule · SitecoreIdentityServer</h2>").contains(all));
    let local = way(" · local</h2>");
    let told = "Started: 2. At the provider: 2. Back: 2. Session: 1. First page: 1.";
    assert!(local.contains(told) && local.contains("wrong_password"), "{local}");
    let page = browser.get(&format!("{home}vestibule/configuration")).await;
    let rows = rows(&page);
    let client = rows.iter().find(|row| row.starts_with("Sitecore | ")).expect("the CMS's client");
    assert!(client.ends_with(" UTC") && !client.contains("none since"), "{client}");
    let secrets = rows.iter().filter(|row| row.contains(":ClientSecrets:"));
    assert!(secrets.into_iter().all(|row| row.ends_with("| ***")), "{rows:?}");
}
