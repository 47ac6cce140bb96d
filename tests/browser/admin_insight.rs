//! The pages of administrators that only look, as a person and as axe-core see them.

use std::sync::Arc;

use crate::stage::Habits;
use crate::stage::Stage;
use crate::stage::play;

const PAGES: [&str; 3] = ["access", "configuration", "funnel"];

/// Opens whatever is folded.
const UNFOLD: &str = "document.querySelectorAll('details').forEach(one => one.open = true)";

/// Signs the demo's administrator in at the admin site.
async fn enter(stage: &Arc<Stage>) {
    let admin = &stage.place.users()[1];
    let port = stage.place.address().port();
    let address = format!("https://admin.localhost:{port}/vestibule/funnel");
    stage.browser.goto(&address).await.unwrap();
    stage.sign_in(admin.name, admin.password.expose()).await;
    stage.see("main#desk, #continue-button").await;
    // Without script the answering form waits for its button.
    if stage.has("#continue-button").await {
        stage.see("#continue-button").await.click().await.unwrap();
    }
    stage.see("main#desk").await;
}

async fn open(stage: &Arc<Stage>, page: &str) {
    let port = stage.place.address().port();
    let address = format!("https://admin.localhost:{port}/vestibule/{page}");
    stage.browser.goto(&address).await.unwrap();
    stage.see("main#desk").await;
}

async fn look(stage: Arc<Stage>) {
    enter(&stage).await;
    for page in PAGES {
        open(&stage, page).await;
        stage.is_accessible(page).await;
    }
    stage.see("section.way svg.chart").await;
    open(&stage, "configuration").await;
    stage.run(UNFOLD).await;
    stage.is_accessible("everything of the configuration").await;
    open(&stage, "access?site=shell").await;
    stage
        .run("document.querySelector('#claims').value = '{\"sub\":\"1\",\"email\":\"a@b.test\"}'")
        .await;
    stage.run("document.querySelector('#ask button').click()").await;
    stage.see("#told-site").await;
    stage.run(UNFOLD).await;
    stage.is_accessible("an answer about access").await;
}

#[test]
fn the_pages_are_accessible_by_day() {
    play(Habits::default(), look);
}

#[test]
fn the_pages_are_accessible_by_night_on_a_telephone() {
    play(Habits { dark: true, narrow: true, ..Habits::default() }, look);
}

#[test]
fn the_pages_are_read_without_script() {
    play(Habits { no_script: true, ..Habits::default() }, |stage| async move {
        enter(&stage).await;
        for page in PAGES {
            open(&stage, page).await;
        }
        stage.see("section.way svg.chart rect").await;
        stage.see("section.way table").await;
    });
}
