//! The page of a user who is kept and signs in with a provider: where the password is, which rule gave a
//! role, and what becomes of one that is taken.

use serde_json::json;

use crate::stage::Habits;
use crate::stage::Stage;
use crate::stage::play_at;
use crate::support::world::World;
use crate::support::world::admin_site;
use crate::support::world::mapping;

/// Jane is kept and signed in at shell; an administrator signs in next. Jane's name.
async fn world() -> (World, String) {
    let kept = mapping("Partner", &["shell"]).replace("of the test", "of kept users");
    let kept = kept.replace("<IsPersistentUser>false", "<IsPersistentUser>true");
    let world = World::with(&format!("{}{kept}", admin_site())).await;
    world.jane().await;
    let jane = world.gateway.app.accounts().of_login("Partner", "jane-4711").await.unwrap();
    world.idp.person(json!({ "sub": "ada-1", "preferred_username": "ada", "groups": ["admins"] }));
    (world, jane.expect("Jane is kept").name)
}

impl Stage<(World, String)> {
    /// Goes to an administrators' page about Jane.
    async fn about_jane(&self, page: &str) {
        let (world, jane) = &self.place;
        let port = world.gateway.port;
        let jane = jane.replace('\\', "%5C");
        let address = format!("https://admin.localhost:{port}/vestibule/{page}={jane}");
        self.browser.goto(&address).await.unwrap();
        self.see("main#desk").await;
    }
}

#[test]
fn a_role_of_a_rule_is_explained_and_taken_from_the_session() {
    for dark in [false, true] {
        play_at(Habits { dark, ..Habits::default() }, world(), |stage| async move {
            stage.about_jane("user?name").await;
            assert_eq!(stage.text("#given-roles tbody th").await, "sitecore\\Author");
            let rule = stage.text("#given-roles tbody td").await;
            assert!(rule.starts_with("editors (") && rule.contains("test.config:"), "{rule}");
            let password = stage.text("#password").await;
            assert!(
                password.starts_with("At ") && password.contains("never sees it"),
                "{password}"
            );
            stage.is_accessible("an external user").await;

            stage.about_jane("access?site=shell&user").await;
            let told = stage.text("main#desk").await;
            assert!(told.contains("sitecore\\Author") && told.contains(&rule), "{told}");
            stage.is_accessible("what an external user sees").await;

            stage.about_jane("user?name").await;
            stage.see("#given-roles button").await.click().await.unwrap();
            stage.see("#notice").await;
            let roles = stage.text("#given-roles").await;
            assert!(roles.contains("(over)") && !stage.has("#given-roles button").await, "{roles}");
            stage.is_accessible("an external user without the role").await;
        });
    }
}
