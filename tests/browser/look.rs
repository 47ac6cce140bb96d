//! What a browser makes of the pages: hostile parameters, narrow screens.

use std::io::Read;
use std::io::Write;
use std::net::TcpListener;
use std::net::TcpStream;

use http_body_util::BodyExt;
use serde_json::json;
use vestibule::pages;
use vestibule::pages::FormPost;
use vestibule::pages::Look;

use crate::stage::Habits;
use crate::stage::play;

#[test]
fn h326_nothing_in_an_address_runs() {
    play(Habits::default(), |stage| async move {
        let port = stage.place.address().port();
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
            format!("https://id.localhost:{port}/account/login?loginHint={hostile}"),
            format!("https://id.localhost:{port}/external/challenge?scheme={hostile}"),
            format!("https://id.localhost:{port}/device?userCode={hostile}"),
            format!("https://id.localhost:{port}/consent?returnUrl={hostile}"),
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
        let port = stage.place.address().port();
        let fits =
            "return document.documentElement.scrollWidth <= 320 && window.innerWidth === 320";
        stage.visit("/sitecore/shell/").await;
        stage.see("main#sign-in").await;
        assert_eq!(stage.run(fits).await, json!(true), "the sign-in page");
        let radius = "return getComputedStyle(document.querySelector('main')).borderRadius";
        assert_eq!(stage.run(radius).await, json!("12px"), "the stylesheet is let through");
        stage.sign_in_as_jane().await;
        stage.see("#user").await;
        assert_eq!(stage.run(fits).await, json!(true), "the demo CMS's page");
        stage.browser.goto(&format!("https://id.localhost:{port}/nothing-here")).await.unwrap();
        stage.see("main#error").await;
        assert_eq!(stage.run(fits).await, json!(true), "an error page");
    });
}

#[test]
fn h328_a_form_posts_itself_to_its_target() {
    play(Habits::default(), |stage| async move {
        let target = application();
        stage.browser.goto(&target).await.unwrap();
        stage.hear("#posted", "code=a+%22b%22&submit=x").await;
    });
}

#[test]
fn without_script_a_button_posts_the_form() {
    play(Habits { no_script: true, ..Habits::default() }, |stage| async move {
        let target = application();
        stage.browser.goto(&target).await.unwrap();
        stage.tab_to("continue-button").await;
        stage.press(crate::stage::ENTER).await;
        stage.hear("#posted", "code=a+%22b%22&submit=x").await;
    });
}

/// An application that answers a GET with our self-posting form, aimed at itself, and a POST with
/// what was posted.
fn application() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/callback", listener.local_addr().unwrap());
    let action = address.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            serve(stream.unwrap(), &action);
        }
    });
    address
}

fn serve(mut stream: TcpStream, action: &str) {
    let mut request = Vec::new();
    let mut piece = [0; 4096];
    while !is_whole(&request) {
        let read = stream.read(&mut piece).unwrap();
        if read == 0 {
            return;
        }
        request.extend_from_slice(&piece[..read]);
    }
    let request = String::from_utf8(request).unwrap();
    let answer = if request.starts_with("POST /callback ") {
        let (_, body) = request.split_once("\r\n\r\n").unwrap();
        format!("content-type: text/html\r\n\r\n<p id=posted>{body}</p>")
    } else {
        form(action)
    };
    stream
        .write_all(format!("HTTP/1.1 200 OK\r\nconnection: close\r\n{answer}").as_bytes())
        .unwrap();
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.split_once("content-length: ").map_or("0", |(_, rest)| rest);
    body.len() >= length.lines().next().unwrap().parse().unwrap()
}

fn form(action: &str) -> String {
    let look = Look::default();
    let fields = [("code", "a \"b\""), ("submit", "x")];
    let page = FormPost { look: &look, action, fields: &fields };
    let (head, body) = pages::form_post(&page).into_parts();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let body = runtime.block_on(body.collect()).unwrap().to_bytes();
    let lines = head.headers.iter().map(|(n, v)| format!("{n}: {}\r\n", v.to_str().unwrap()));
    let lines: Vec<String> = lines.collect();
    lines.concat() + "\r\n" + std::str::from_utf8(&body).unwrap()
}
