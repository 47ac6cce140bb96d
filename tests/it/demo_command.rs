//! `vestibule demo` as a process: what it prints, and that it leaves nothing behind.

use std::io::BufRead;
use std::io::BufReader;
use std::net::TcpListener;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;

fn free_port() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string()
}

fn demo(port: &str, temporary: &std::path::Path) -> Child {
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
        assert!(temporary.path().read_dir().unwrap().next().is_some());

        let told = Command::new("kill").args([signal, &demo.id().to_string()]).status().unwrap();
        assert!(told.success());
        assert!(demo.wait().unwrap().success());
        assert!(temporary.path().read_dir().unwrap().next().is_none(), "something is left");
    }
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
