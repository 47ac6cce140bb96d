//! The pages for administrators in a real browser: every page judged by axe-core, light and dark, with
//! script and without, on a telephone and by the keyboard alone.

use serde_json::json;

use crate::stage::ENTER;
use crate::stage::Habits;
use crate::stage::Stage;
use crate::stage::play;

const PAGES: [&str; 9] = [
    "/vestibule/users",
    "/vestibule/users?search=nobody-has-this-name",
    "/vestibule/user?name=sitecore%5Cjane",
    "/vestibule/user/delete?name=sitecore%5Cjane",
    "/vestibule/sessions",
    "/vestibule/sessions/end?from=SitecoreIdentityServer",
    "/vestibule/access",
    "/vestibule/configuration",
    "/vestibule/funnel",
];

impl Stage {
    /// Goes to a page of the administrators.
    async fn desk(&self, path: &str) {
        let port = self.place.address().port();
        let address = format!("https://admin.localhost:{port}{path}");
        self.browser.goto(&address).await.unwrap();
    }

    /// Signs in as the demo's administrator.
    async fn enter(&self) {
        self.desk("/vestibule/").await;
        let admin = self.place.users().iter().find(|user| user.name.ends_with("admin")).unwrap();
        self.sign_in(admin.name, admin.password.expose()).await;
        if self.has("#continue-button").await {
            self.see("#continue-button").await.click().await.unwrap();
        }
        self.see("#users").await;
    }

    /// Whether nothing sticks out to the right.
    async fn is_narrow_enough(&self, path: &str) {
        let wide = "return document.documentElement.scrollWidth";
        assert_eq!(self.run(wide).await, json!(320), "{path}");
    }
}

#[test]
fn every_page_is_accessible_light_and_dark() {
    for dark in [false, true] {
        play(Habits { dark, ..Habits::default() }, |stage| async move {
            stage.visit("/sitecore/shell/").await;
            stage.sign_in_as_jane().await;
            stage.see("#user").await;
            stage.browser.delete_all_cookies().await.unwrap();
            let id = format!("https://id.localhost:{}/nothing", stage.place.address().port());
            stage.browser.goto(&id).await.unwrap();
            stage.browser.delete_all_cookies().await.unwrap();
            stage.enter().await;
            for path in PAGES {
                stage.desk(path).await;
                stage.see("main#desk").await;
                stage.is_accessible(&format!("{path}, dark {dark}")).await;
            }
        });
    }
}

#[test]
fn every_page_fits_a_telephone() {
    play(Habits { narrow: true, ..Habits::default() }, |stage| async move {
        stage.enter().await;
        for path in PAGES {
            stage.desk(path).await;
            stage.see("main#desk").await;
            stage.is_narrow_enough(path).await;
        }
    });
}

#[test]
fn a_session_is_ended_by_the_keyboard() {
    play(Habits::default(), |stage| async move {
        stage.enter().await;
        stage.tab_to("sign-out-link").await;
        stage.desk("/vestibule/users").await;
        stage.tab_to("search").await;
        stage.press("sitecore\\ad").await;
        stage.press(ENTER).await;
        stage.hear("#users tbody th", "sitecore\\admin").await;
        stage.see("#users tbody th a").await.click().await.unwrap();
        assert!(stage.text("#kind").await.contains("of the configuration"));
        assert!(stage.text("#password").await.starts_with("Here"));
        assert_eq!(
            stage.run("return document.querySelector('time').title !== ''").await,
            json!(true)
        );
        stage.tab_to("end-all").await;
        stage.press(ENTER).await;
        stage.see("#notice").await;
        stage.is_accessible("after a change").await;
        assert!(stage.has("#sessions").await, "the administrator's own go on");
    });
}

#[test]
fn without_script_everything_is_read_and_changed_all_the_same() {
    play(Habits { no_script: true, ..Habits::default() }, |stage| async move {
        stage.enter().await;
        for path in PAGES {
            stage.desk(path).await;
            stage.see("main#desk").await;
        }
        stage.desk("/vestibule/sessions").await;
        assert!(stage.text("#sessions").await.contains("UTC"));
        stage.desk("/vestibule/user?name=sitecore%5Cadmin").await;
        stage.see("#end-all").await.click().await.unwrap();
        stage.see("#notice").await;
    });
}
