//! The pages that ask on the way in: whose a new identity is, and whose session gives way. As axe-core
//! sees them, light and dark, and as the keyboard answers them.

use std::sync::Arc;

use serde_json::json;

use crate::stage::ENTER;
use crate::stage::Habits;
use crate::stage::Stage;
use crate::stage::play_at;
use crate::support::provider;
use crate::support::world;
use crate::support::world::World;

/// A world whose shell keeps its users and asks: whose identities are, and which session gives way.
async fn asking() -> World {
    World::made(|idp| {
        let okta = world::provider_patch("Okta", &idp.issuer, "callbackPath=\"/signin-okta\"");
        let kept = |name: &str| {
            let mapping = world::mapping(name, &["shell"]).replace(">false</Is", ">true</Is");
            mapping.replace(&format!("\"{name} of the test\""), &format!("\"{name} is kept\""))
        };
        let rules =
            "<sites><site name=\"shell\" set:linking=\"ask\" set:sessionsPerUser=\"1\" /></sites>";
        format!("{okta}{}{}{rules}", kept("Partner"), kept("Okta"))
    })
    .await
}

impl Stage<World> {
    async fn start(&self, provider: &str) {
        let path = format!("/identity/login/shell/{provider}?returnUrl=%2Fsitecore%2Fshell%2F");
        self.browser.goto(&self.place.url(&path)).await.unwrap();
    }

    /// Whether the page that asks has room, and axe-core has nothing to say.
    async fn judge_question(&self, name: &str) {
        self.see("main#question").await;
        let narrow = "return document.documentElement.scrollWidth <= innerWidth";
        assert_eq!(self.run(narrow).await, json!(true), "{name}");
        self.is_accessible(name).await;
    }
}

async fn walk(stage: Arc<Stage<World>>) {
    stage.place.idp.person(provider::jane());
    stage.start("Partner").await;
    let second = json!({ "sub": "00u-2", "name": "Jane at Okta", "email": "jane@okta.test" });
    stage.place.idp.person(second);
    stage.start("Okta").await;
    stage.judge_question("whose an identity is").await;
    assert!(stage.text("main#question").await.contains("jane@okta.test, 00u-2"));
    stage.tab_to("first-answer").await;
    stage.press(ENTER).await;
    stage.arrive().await;

    // Nobody else's browser: this one without its cookies.
    stage.browser.delete_all_cookies().await.unwrap();
    stage.start("Okta").await;
    stage.judge_question("whose session gives way").await;
    stage.tab_to("first-answer").await;
    stage.press(ENTER).await;
    stage.arrive().await;
}

impl Stage<World> {
    /// Waits for a page of the CMS.
    async fn arrive(&self) {
        for _ in 0..100 {
            if self.browser.current_url().await.unwrap().path() == "/sitecore/shell/" {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("the browser stays at {:?}", self.browser.current_url().await);
    }
}

#[test]
fn the_questions_are_asked_by_day() {
    play_at(Habits::default(), asking(), walk);
}

#[test]
fn the_questions_are_asked_by_night() {
    play_at(Habits { dark: true, ..Habits::default() }, asking(), walk);
}

#[test]
fn the_questions_are_asked_on_a_telephone() {
    play_at(Habits { narrow: true, ..Habits::default() }, asking(), walk);
}
