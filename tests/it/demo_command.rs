//! `vestibule demo` as a process: what it prints, and that it leaves nothing behind.

use std::io::BufRead;
use std::io::BufReader;
use std::net::TcpListener;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;

use crate::support::wire::Answer;
use crate::support::wire::Wire;

fn free_port() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string()
}

fn demo(port: &str, temporary: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_vestibule"))
        .args(["demo", "--port", port, "--operations-port", &free_port()])
        .env("TMPDIR", temporary)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The text before Ctrl-C, until the last thing to try.
fn welcome(demo: &mut Child) -> String {
    let mut text = String::new();
    for line in BufReader::new(demo.stdout.as_mut().unwrap()).lines() {
        let line = line.unwrap();
        text.push_str(&line);
        text.push('\n');
        if line.contains("Sign out") {
            break;
        }
    }
    text
}

#[test]
fn the_demo_names_its_people_and_leaves_nothing_behind() {
    for signal in ["-TERM", "-INT"] {
        let temporary = tempfile::tempdir().unwrap();
        let port = free_port();
        let mut demo = demo(&port, temporary.path());
        let text = welcome(&mut demo);
        for name in ["sitecore\\jane", "sitecore\\admin"] {
            let start = format!("sign in as {name} with password ");
            let line = text.lines().find_map(|line| line.strip_prefix(&start));
            assert!(line.is_some_and(|password| password.len() == 19), "{text}");
        }
        assert!(text.contains(&format!("https://cms.localhost:{port}/sitecore/shell/")), "{text}");
        assert!(text.contains(&format!("https://id.localhost:{port}\n")), "{text}");
        assert!(text.contains(&format!("https://admin.localhost:{port}/vestibule/\n")), "{text}");
        assert!(temporary.path().read_dir().unwrap().next().is_some());

        let told = Command::new("kill").args([signal, &demo.id().to_string()]).status().unwrap();
        assert!(told.success());
        assert!(demo.wait().unwrap().success());
        assert!(temporary.path().read_dir().unwrap().next().is_none(), "something is left");
    }
}

/// Sends `request` to `host` of the demo that said `text`.
async fn ask(text: &str, port: &str, host: &str, request: &str) -> Answer {
    let authority = text.lines().find(|line| line.ends_with("authority.pem")).unwrap();
    let port = port.parse().unwrap();
    let mut wire = Wire::tls_under(port, host, Path::new(authority)).await;
    wire.send(request.replacen("\r\n", &format!("\r\nHost: {host}:{port}\r\n"), 1)).await;
    wire.answer().await
}

#[tokio::test]
async fn the_program_that_the_demo_names_calls_the_cms_as_superuser() {
    let temporary = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut demo = demo(&port, temporary.path());
    let text = welcome(&mut demo);
    let line = text.lines().find_map(|line| line.strip_prefix("call the CMS as client "));
    let (id, secret) = line.and_then(|line| line.split_once(" with secret ")).unwrap();
    assert!(secret.len() >= 20 && secret.bytes().all(|b| b.is_ascii_alphanumeric()), "{secret}");
    let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
    let request = format!(
        "POST /connect/token HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    let tokens = ask(&text, &port, "id.localhost", &request).await.json();
    let token = tokens["access_token"].as_str().unwrap();
    let request =
        format!("GET /sitecore/shell/echo HTTP/1.1\r\nAuthorization: Bearer {token}\r\n\r\n");
    let echo = ask(&text, &port, "cms.localhost", &request).await;
    assert_eq!(echo.status, 200, "{}", echo.text());
    let seen = echo.json();
    let lines = seen["headers"].as_array().unwrap();
    let user = lines
        .iter()
        .find(|line| line[0].as_str().unwrap().eq_ignore_ascii_case("x-forwarded-user"));
    assert_eq!(user.unwrap()[1], "sitecore\\superuser");
    assert!(!echo.text().contains(token), "the token went on: {seen}");
    demo.kill().unwrap();
    demo.wait().unwrap();
}

#[test]
fn a_port_that_is_taken_is_named() {
    let temporary = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let ended = demo(&port, temporary.path()).wait_with_output().unwrap();
    let complaint = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{complaint}");
    assert!(complaint.contains(&port), "{complaint}");
    assert!(temporary.path().read_dir().unwrap().next().is_none(), "something is left");
}
