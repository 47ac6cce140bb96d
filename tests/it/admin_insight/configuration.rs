//! What is configured, and how what it names is doing.

use crate::admin_insight::admin_site;
use crate::admin_insight::desk;
use crate::admin_insight::has_row;
use crate::admin_insight::rows;
use crate::admin_insight::world;
use crate::admin_insight::world_with;
use crate::support::provider::CLIENT_SECRET;
use crate::support::world::provider_patch;

#[tokio::test]
async fn the_tree_stands_there_with_its_places_and_without_secrets() {
    let world = world().await;
    let mut ada = desk(&world).await;
    let page = ada.get("/vestibule/configuration").await;
    assert_eq!(page.status, 200, "{}", page.gist());
    let text = page.text();
    assert!(text.contains("test.config:"), "no place in the test's own file");
    for picked in ["gateway", "gateway/connections/connection", "//connection"] {
        let page = ada.get(&format!("/vestibule/configuration?xpath={picked}")).await.text();
        let (_, picked) = page.split_once("id=\"picked\"").unwrap();
        let picked = picked.split("</pre>").next().unwrap();
        assert!(picked.contains("clientSecret=&#34;***&#34;"), "{picked}");
        assert!(!page.contains(CLIENT_SECRET));
    }
    assert!(!text.contains(CLIENT_SECRET));
    let wrong = ada.get("/vestibule/configuration?xpath=%5B").await.text();
    assert!(wrong.contains("of the XPath"), "an XPath that is none");
    let nothing = ada.get("/vestibule/configuration?xpath=nothing").await.text();
    assert!(nothing.contains("It picks nothing."));
}

#[tokio::test]
async fn a_long_section_has_a_page_of_its_own() {
    let setting = |number| format!("<setting name=\"insight{number}\" value=\"{:060}\" />", 0);
    let many: String = (0..2000).map(setting).collect();
    let world = world_with(&format!("<settings>{many}</settings>")).await;
    let mut ada = desk(&world).await;
    let page = ada.get("/vestibule/configuration").await.text();
    assert!(!page.contains("insight1999") && page.len() < 600 * 1024, "{} bytes", page.len());
    let (before, _) = page.split_once("\">settings</a>").expect("a link to the long section");
    let link = before.rsplit_once("href=\"").unwrap().1.split('#').next().unwrap();
    assert!(ada.get(link).await.text().contains("insight1999"));
}

#[tokio::test]
async fn a_refused_reload_is_shown_with_its_faults_until_another_is_taken() {
    let world = world().await;
    let mut ada = desk(&world).await;
    assert!(
        ada.get("/vestibule/configuration")
            .await
            .text()
            .contains("Last refused</dt><dd id=\"refused\">none")
    );
    world.later(60);
    world.gateway.reload("<sites><site name='x' <broken").await.unwrap_err();
    let page = ada.get("/vestibule/configuration").await.text();
    assert!(page.contains("the files are not what is running"), "the refusal");
    let (_, faults) = page.split_once("id=\"faults\"").unwrap();
    assert!(faults.split("</ul>").next().unwrap().contains("test.config:"), "{faults}");
    world.later(60);
    world.patch(&admin_site()).await;
    let page = ada.get("/vestibule/configuration").await.text();
    assert!(!page.contains("the files are not what is running") && page.contains("id=\"faults\""));
}

#[tokio::test]
async fn a_provider_shows_its_documents_its_last_success_and_what_fails() {
    let down = provider_patch("Absent", "http://127.0.0.1:9", "");
    let world = world_with(&format!(
        "{down}{}",
        crate::support::world::mapping("Absent", &["website"]).replace("of the test", "of absence")
    ))
    .await;
    let mut ada = desk(&world).await;
    let page = ada.get("/vestibule/configuration").await;
    let absent = |page| {
        let rows = rows(page);
        rows.into_iter().find(|row| row.starts_with("Absent")).expect("the provider")
    };
    assert!(absent(&page).contains("not fetched so far | not fetched so far"), "{}", absent(&page));
    world.browser().go("/identity/login/website/Absent").await;
    let page = ada.get("/vestibule/configuration").await;
    let told = absent(&page);
    assert!(told.contains("failed") && told.contains("provider does not answer"), "{told}");
    assert!(told.contains("none |") && told.ends_with(": provider_down"), "{told}");
    let rows = rows(&page);
    let partner = rows.iter().find(|row| row.starts_with("Partner")).unwrap();
    assert!(partner.contains("| 1, ") && partner.ends_with("| none"), "{partner}");
}

#[tokio::test]
async fn keys_certificates_and_servers_are_listed() {
    let world = world().await;
    let mut ada = desk(&world).await;
    let page = ada.get("/vestibule/configuration").await;
    let rows = rows(&page);
    assert!(rows.iter().any(|row| row.contains("| RS256 | signing |")), "{rows:?}");
    assert!(rows.iter().any(|row| row.contains("server.pem |")), "{rows:?}");
    let server = format!("http://{}/ | cms | up", world.cms.address);
    assert!(has_row(&page, &server), "{rows:?}");
}
