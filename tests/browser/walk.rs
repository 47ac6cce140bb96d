//! The demo's walk: in, around, out and back.

use crate::stage::ENTER;
use crate::stage::Habits;
use crate::stage::play;

#[test]
fn in_by_keyboard_a_web_socket_a_second_tab_out_and_back() {
    play(Habits::default(), |stage| async move {
        stage.visit("/sitecore/shell/").await;
        stage.sign_in_as_jane().await;
        assert_eq!(stage.text("#user").await, "sitecore\\jane");
        assert_eq!(stage.text("#email").await, "jane@example.test");
        assert!(stage.text("#roles").await.contains("sitecore\\Author"));

        stage.hear("#socket-state", "open").await;
        stage.tab_to("socket-text").await;
        stage.press("Good morning").await;
        stage.press(ENTER).await;
        stage.hear("#socket-log li", "Good morning").await;

        let first = stage.browser.window().await.unwrap();
        let second = stage.browser.new_window(true).await.unwrap();
        stage.browser.switch_to_window(second.handle).await.unwrap();
        stage.visit("/sitecore/shell/second").await;
        assert_eq!(stage.text("#user").await, "sitecore\\jane", "the session is the browser's");

        stage.tab_to("sign-out-link").await;
        stage.press(ENTER).await;
        wait_until_signed_out(&stage).await;
        stage.browser.back().await.unwrap();
        assert!(!stage.has("#user").await, "the back button shows a page of the ended session");
        stage.see("main#sign-in").await;
        stage.visit("/sitecore/shell/").await;
        stage.see("main#sign-in").await;

        stage.browser.switch_to_window(first).await.unwrap();
        stage.hear("#socket-state", "closed").await;
    });
}

#[test]
fn everything_but_the_socket_works_without_script() {
    play(Habits { no_script: true, ..Habits::default() }, |stage| async move {
        stage.visit("/sitecore/shell/").await;
        stage.sign_in_as_jane().await;
        // The answer to the CMS is a form, which a person without script sends on by its button.
        stage.see("#continue-button").await.click().await.unwrap();
        assert_eq!(stage.text("#user").await, "sitecore\\jane");
        assert!(stage.text("#roles").await.contains("sitecore\\Author"));
        assert!(stage.has("noscript p").await, "script is off");

        stage.see("#sign-out-link").await.click().await.unwrap();
        wait_until_signed_out(&stage).await;
        stage.visit("/sitecore/shell/").await;
        stage.see("main#sign-in").await;
    });
}

#[test]
fn a_group_at_the_partner_becomes_a_role_here() {
    play(Habits::default(), |stage| async move {
        stage.visit("/identity/login/shell/Partner").await;
        let sam = stage.place.partner_user();
        stage.sign_in(sam.name, sam.password.expose()).await;
        assert!(stage.text("#user").await.starts_with("sitecore\\"));
        assert_eq!(stage.text("#email").await, "sam@partner.test");
        assert_eq!(stage.text("#roles").await, "sitecore\\Editor");

        stage.see("#sign-out-link").await.click().await.unwrap();
        wait_until_signed_out(&stage).await;
    });
}

#[test]
fn a_wrong_password_says_so_and_keeps_the_name() {
    play(Habits::default(), |stage| async move {
        stage.visit("/sitecore/shell/").await;
        stage.sign_in("sitecore\\jane", "wrong").await;
        stage.see("[role=alert]").await;
        let name = stage.see("#username").await.prop("value").await.unwrap();
        assert_eq!(name.as_deref(), Some("sitecore\\jane"));
        let jane = &stage.place.users()[0];
        stage.tab_to("password").await;
        stage.press(jane.password.expose()).await;
        stage.press(ENTER).await;
        assert_eq!(stage.text("#user").await, "sitecore\\jane");
    });
}

/// Sign-out ends on a page without an identity, whichever it is.
async fn wait_until_signed_out(stage: &crate::stage::Stage) {
    for _ in 0..100 {
        let at = stage.browser.current_url().await.unwrap();
        let quiet = !stage.has("#user").await;
        if quiet && (stage.has("main").await) && !at.path().starts_with("/sitecore/shell") {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("still signed in");
}
