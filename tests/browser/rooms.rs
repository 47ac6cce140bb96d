//! The identity server's pages in a real browser: signing in by every button, consent, devices,
//! signing out, in each language, light and dark, judged by axe-core.

use std::sync::Arc;

use fantoccini::Locator;
use serde_json::Value;
use serde_json::json;
use vestibule::pages::Language;

use crate::house::CLIENT_HOST;
use crate::house::House;
use crate::house::PASSWORD;
use crate::house::client;
use crate::house::request;
use crate::house::settings;
use crate::stage::ENTER;
use crate::stage::Habits;
use crate::stage::Stage;
use crate::stage::play_at;

#[test]
fn every_language_has_an_accessible_sign_in_page() {
    for dark in [false, true] {
        play_at(Habits { dark, ..Habits::default() }, House::start(), |stage| async move {
            let scheme = "return matchMedia('(prefers-color-scheme: dark)').matches";
            for language in Language::ALL {
                let tag = language.tag();
                stage.ask("web", &[("ui_locales", tag)]).await;
                stage.see("main#sign-in").await;
                assert_eq!(stage.run(scheme).await, json!(dark));
                let lang = stage.run("return document.documentElement.lang").await;
                assert_eq!(lang, json!(tag));
                stage.is_accessible(&format!("sign-in page, {tag}, dark {dark}")).await;
                stage.sign_in("jane", "wrong").await;
                stage.see("[role=alert]").await;
                stage.is_accessible(&format!("wrong password, {tag}, dark {dark}")).await;
            }
        });
    }
}

#[test]
fn an_owners_colour_can_be_read_light_and_dark() {
    for (dark, color) in
        [(false, "#ffcc00"), (true, "#ffcc00"), (false, "#0a1c36"), (true, "#0a1c36")]
    {
        let patch = format!(
            "<gateway><appearance set:title=\"Contoso\" set:color=\"{color}\" /></gateway>"
        );
        let house = async move { House::with("", &patch).await };
        play_at(Habits { dark, ..Habits::default() }, house, move |stage| async move {
            stage.ask("web", &[]).await;
            assert!(stage.text("header").await.contains("Contoso"));
            stage.is_accessible(&format!("{color}, dark {dark}")).await;
            let fill = "return getComputedStyle(document.getElementById('sign-in-button')).backgroundColor";
            let expected = if color == "#ffcc00" { "rgb(255, 204, 0)" } else { "rgb(10, 28, 54)" };
            assert_eq!(stage.run(fill).await, json!(expected));
        });
    }
}

#[test]
fn in_by_the_form_and_by_the_partners_button() {
    play_at(Habits::default(), House::start(), |stage| async move {
        stage.ask("web", &[]).await;
        stage.sign_in("jane", PASSWORD).await;
        assert!(stage.reply("code").await.is_some());

        stage.browser.delete_all_cookies().await.unwrap();
        stage.ask("web", &[("prompt", "login")]).await;
        stage.see("main#sign-in").await;
        let button = Locator::XPath("//button[contains(., 'Our partner')]");
        stage.browser.find(button).await.unwrap().click().await.unwrap();
        assert!(stage.reply("code").await.is_some());
    });
}

#[test]
fn cancel_is_reached_by_keyboard_and_told_to_the_client() {
    play_at(Habits { no_script: true, ..Habits::default() }, House::start(), |stage| async move {
        stage.ask("web", &[]).await;
        stage.tab_to("cancel-link").await;
        stage.press(ENTER).await;
        assert_eq!(stage.reply("error").await.as_deref(), Some("access_denied"));
    });
}

#[test]
fn consent_is_given_by_keyboard_and_taken_back() {
    play_at(Habits { no_script: false, ..Habits::default() }, House::start(), |stage| async move {
        stage.ask("consent", &[("scope", "openid email api1 offline_access")]).await;
        stage.sign_in("jane", PASSWORD).await;
        stage.see("main#consent").await;
        stage.is_accessible("consent").await;
        stage.tab_to("remember").await;
        stage.press(" ").await;
        stage.tab_to("allow-button").await;
        stage.press(ENTER).await;
        let code = stage.reply("code").await.expect("a code");
        let tokens = stage.place.redeem("consent", &code).await.json();
        assert_eq!(tokens["scope"], "openid email api1 offline_access");

        stage.open("/grants").await;
        assert!(stage.text("main#grants").await.contains("The application consent"));
        stage.is_accessible("grants").await;
        stage.see("main section button").await.click().await.unwrap();
        stage.see("main#grants").await;
        let refresh = tokens["refresh_token"].as_str().unwrap();
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
        let again = stage.place.token("consent", &form).await;
        assert_eq!(again.json()["error"], "invalid_grant");
    });
}

#[test]
fn a_device_is_connected_on_a_telephone() {
    play_at(Habits { narrow: true, ..Habits::default() }, House::start(), |stage| async move {
        let asked = stage.place.post(
            "/connect/deviceauthorization",
            &[],
            &[
                ("client_id", "device"),
                ("client_secret", "device-secret-0123456789"),
                ("scope", "openid email"),
            ],
        );
        let asked: Value = asked.await.json();
        stage.open("/device").await;
        stage.sign_in("jane", PASSWORD).await;
        stage.see("main#device").await;
        stage.fits("the page for the code").await;
        stage.type_code("000000000").await;
        stage.see("[role=alert]").await;
        stage.fits("a wrong code").await;

        stage.browser.goto(asked["verification_uri_complete"].as_str().unwrap()).await.unwrap();
        stage.see("main#device-confirm").await;
        let code = stage.text("#user-code").await.replace([' ', '-'], "");
        assert_eq!(json!(code), asked["user_code"]);
        stage.fits("the page that asks").await;
        stage.tab_to("allow-button").await;
        stage.press(ENTER).await;
        stage.see("main#device-done").await;
        stage.fits("the end").await;

        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("device_code", asked["device_code"].as_str().unwrap()),
        ];
        let tokens = stage.place.token("device", &form).await;
        assert_eq!(tokens.status, 200, "{}", tokens.text());
    });
}

#[test]
fn out_of_everything_after_being_asked() {
    play_at(Habits::default(), House::start(), |stage| async move {
        stage.ask("web", &[]).await;
        stage.sign_in("jane", PASSWORD).await;
        stage.reply("code").await;
        stage.open("/connect/endsession").await;
        stage.see("main#sign-out").await;
        stage.is_accessible("the page that asks").await;
        stage.tab_to("sign-out-button").await;
        stage.press(ENTER).await;
        stage.see("main#signed-out").await;
        stage.is_accessible("signed out").await;
        stage.ask("web", &[]).await;
        stage.see("main#sign-in").await;
    });
}

#[test]
fn what_goes_wrong_is_said_accessibly() {
    let deaf = client(
        "deaf",
        "authorization_code",
        "<EnableLocalLogin>false</EnableLocalLogin><IdentityProviderRestrictions><P1>Nobody</P1></IdentityProviderRestrictions>",
    );
    let house = async move { House::settings(&settings(&deaf), "").await };
    play_at(Habits::default(), house, |stage| async move {
        stage.ask("web", &[("redirect_uri", "https://evil.test/")]).await;
        stage.see("main#error").await;
        stage.is_accessible("a refused request").await;
        stage.open("/nowhere").await;
        stage.see("main#error").await;
        stage.is_accessible("nothing here").await;
        stage.ask("deaf", &[]).await;
        stage.see("main#sign-in").await;
        stage.is_accessible("no way in").await;
    });
}

impl Stage<House> {
    async fn open(&self, path: &str) {
        let address = format!("{}{path}", self.place.issuer());
        self.browser.goto(&address).await.unwrap();
    }

    /// Opens an authorization request. Where it is answered at once nobody listens, which is no
    /// matter here.
    async fn ask(self: &Arc<Self>, client: &str, more: &[(&str, &str)]) {
        let address = format!("{}{}", self.place.issuer(), request(client, more));
        drop(self.browser.goto(&address).await);
    }

    /// A parameter of the answer at the client's address, once the browser is there.
    async fn reply(&self, name: &str) -> Option<String> {
        for _ in 0..200 {
            let at = self.browser.current_url().await.unwrap();
            if at.host_str() == Some(CLIENT_HOST) {
                let mut pairs = at.query_pairs();
                return pairs.find(|(known, _)| known == name).map(|(_, value)| value.into_owned());
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("the browser stays at {:?}", self.browser.current_url().await);
    }

    async fn type_code(&self, code: &str) {
        self.tab_to("user-code").await;
        self.press(code).await;
        self.press(ENTER).await;
    }

    /// Whether the page has room on a telephone, and axe-core has nothing to say.
    async fn fits(&self, name: &str) {
        let narrow = "return document.documentElement.scrollWidth <= 320";
        assert_eq!(self.run(narrow).await, json!(true), "{name}");
        self.is_accessible(name).await;
    }
}
