//! The identity server's pages about passwords: changing one, asking for a link, and choosing a new
//! one by it, judged by axe-core, by day and by night on a telephone.

use vestibule::clock::Timestamp;
use vestibule::crypto::password;
use vestibule::crypto::secret::Secret;
use vestibule::store::accounts::Account;
use vestibule::store::accounts::Accounts;
use vestibule::store::grants::Grants;
use vestibule::store::sql::Database;
use vestibule::users::reset;

use crate::house::House;
use crate::house::PASSWORD;
use crate::stage::ENTER;
use crate::stage::Habits;
use crate::stage::Stage;
use crate::stage::play_at;

const NEW: &str = "a longer way to say it";

/// A house that keeps Ann, and has somebody who would send links.
async fn house() -> House {
    let sender = "<gateway><users set:resetCommand=\"/bin/true\" /></gateway>";
    let house = House::with("", sender).await;
    let hash = password::hash(&Secret::new(PASSWORD)).unwrap();
    let name = "sitecore\\ann".to_owned();
    let ann = Account { name, password_hash: Some(Secret::new(hash)), ..Account::default() };
    house.gateway.app.accounts().add(&ann, None, false).await.unwrap();
    house
}

/// A link by which Ann chooses a password.
async fn link(house: &House) -> String {
    let file = house.gateway.folder.path("data/vestibule.db");
    let address = vestibule::config::model::StoreAddress::Sqlite(file);
    let database = Database::open(&address).await.unwrap().unwrap();
    let grants = Grants::in_database(database.clone());
    let ann = Accounts::in_database(database).find("sitecore\\ann").await.unwrap().unwrap();
    let now: Timestamp = house.clock.now();
    let code = reset::issue(&grants, &ann, now).await.unwrap();
    reset::link(&house.issuer(), &code)
}

impl Stage<House> {
    async fn turn_to(&self, path: &str) {
        let address = format!("{}{path}", self.place.issuer());
        self.browser.goto(&address).await.unwrap();
    }

    /// Types into the open page's fields, the ones with these ids, and sends it.
    async fn fill(&self, fields: &[(&str, &str)]) {
        for (id, text) in fields {
            self.tab_to(id).await;
            self.press(text).await;
        }
        self.press(ENTER).await;
    }

    async fn judge(&self, name: &str, habits: Habits) {
        let room = "return document.documentElement.scrollWidth <= window.innerWidth";
        assert_eq!(self.run(room).await, serde_json::json!(true), "{name}");
        self.is_accessible(&format!("{name}, {habits:?}")).await;
    }

    async fn tour(&self, habits: Habits) {
        self.turn_to("/account/password").await;
        self.sign_in("ann", PASSWORD).await;
        self.see("#old-password").await;
        self.judge("changing a password", habits).await;
        self.fill(&[("old-password", "guessed"), ("new-password", NEW), ("repeated", NEW)]).await;
        self.see("#message").await;
        self.judge("a wrong old password", habits).await;
        let new = [("old-password", PASSWORD), ("new-password", NEW), ("repeated", NEW)];
        self.fill(&new).await;
        self.hear_of("has been changed").await;
        self.judge("a changed password", habits).await;

        self.browser.delete_all_cookies().await.unwrap();
        self.turn_to("/account/login").await;
        self.tab_to("recovery-link").await;
        self.press(ENTER).await;
        self.see("#password-page #username").await;
        self.judge("asking for a link", habits).await;
        self.fill(&[("username", "nobody")]).await;
        self.see("#password-page:not(:has(form))").await;
        self.judge("asked for a link", habits).await;

        let link = link(&self.place).await;
        self.browser.goto(&link).await.unwrap();
        self.see("#new-password").await;
        self.judge("a link", habits).await;
        self.fill(&[("new-password", "password1"), ("repeated", "password1")]).await;
        self.see("#message").await;
        self.judge("a password that everybody tries", habits).await;
        self.fill(&[("new-password", PASSWORD), ("repeated", PASSWORD)]).await;
        self.see("#sign-in-link").await;
        self.judge("a password by a link", habits).await;
        self.browser.goto(&link).await.unwrap();
        self.see("main").await;
        self.judge("a used link", habits).await;

        self.turn_to("/account/password").await;
        self.sign_in("jane", PASSWORD).await;
        self.see("#password-page:not(:has(form))").await;
        self.judge("a password of the configuration", habits).await;
    }

    async fn hear_of(&self, words: &str) {
        for _ in 0..100 {
            if self.text("main").await.contains(words) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("nothing of {words:?}: {}", self.text("main").await);
    }
}

fn play(habits: Habits) {
    play_at(habits, house(), move |stage| async move { stage.tour(habits).await });
}

#[test]
fn the_pages_are_accessible_by_day() {
    play(Habits::default());
}

#[test]
fn the_pages_are_accessible_by_night_on_a_telephone() {
    play(Habits { dark: true, narrow: true, ..Habits::default() });
}
