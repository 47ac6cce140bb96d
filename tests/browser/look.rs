//! What a browser makes of the pages: hostile parameters, narrow screens.

use serde_json::json;

use crate::stage::Habits;
use crate::stage::play;

#[test]
fn h326_nothing_in_an_address_runs() {
    play(Habits::default(), |stage| async move {
        let port = stage.demo.address().port();
        let hostile = "%22%3E%3Csvg%2Fonload%3D%22window.ran%3D1%22%3E%3C%2Fscript%3E%3Cscript%3Ewindow.ran%3D1%3C%2Fscript%3E";
        let pages = [
            format!("https://cms.localhost:{port}/identity/login/shell/{hostile}"),
            format!("https://cms.localhost:{port}/identity/signin?state={hostile}&code={hostile}"),
            format!(
                "https://cms.localhost:{port}/signin-oidc?error={hostile}&error_description={hostile}"
            ),
            format!("https://cms.localhost:{port}/sitecore/login?fbc=1&returnUrl={hostile}"),
            format!("https://cms.localhost:{port}/identity/logout?returnUrl={hostile}"),
            format!("https://cms.localhost:{port}/news?a={hostile}"),
            format!("https://id.localhost:{port}/account/login?returnUrl={hostile}"),
            format!("https://id.localhost:{port}/account/logout?logoutId={hostile}"),
            format!("https://id.localhost:{port}/home/error?errorId={hostile}"),
            format!(
                "https://id.localhost:{port}/connect/authorize?client_id={hostile}&ui_locales={hostile}"
            ),
            format!(
                "https://id.localhost:{port}/connect/endsession?state={hostile}&post_logout_redirect_uri=javascript:window.ran=1"
            ),
        ];
        for page in pages {
            stage.browser.goto(&page).await.unwrap();
            stage.see("main").await;
            let ran = stage.run("return [window.ran === undefined, document.querySelector('svg[onload]') === null]").await;
            assert_eq!(ran, json!([true, true]), "{page}");
        }
    });
}

#[test]
fn pages_fit_a_screen_of_320_pixels() {
    play(Habits { narrow: true, ..Habits::default() }, |stage| async move {
        let port = stage.demo.address().port();
        let fits =
            "return document.documentElement.scrollWidth <= 320 && window.innerWidth === 320";
        stage.visit("/sitecore/shell/").await;
        stage.see("main#sign-in").await;
        assert_eq!(stage.run(fits).await, json!(true), "the sign-in page");
        stage.sign_in_as_jane().await;
        stage.see("#user").await;
        assert_eq!(stage.run(fits).await, json!(true), "the demo CMS's page");
        stage.browser.goto(&format!("https://id.localhost:{port}/nothing-here")).await.unwrap();
        stage.see("main#error").await;
        assert_eq!(stage.run(fits).await, json!(true), "an error page");
    });
}
