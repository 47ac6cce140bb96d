//! What the command line takes, what it refuses, and how it tells of it: to people, to programs, and
//! to terminals that would act on what somebody else wrote.

use std::process::Command;
use std::process::Stdio;

use serde_json::json;

use crate::acceptance::house::House;
use crate::people::Alone;
use crate::people::beside;
use crate::people::vestibule;
use crate::support::clients::settings;

#[test]
fn nothing_that_a_terminal_acts_on_is_printed() {
    let store = Alone::new();
    let users = json!([{
        "name": "sitecore\\zed",
        "logins": [{ "provider": "Ok\u{1b}ta", "subject": "\u{9b}2J\u{202e}x" }],
        "history": [{ "at": "2026-01-01T00:00:00Z", "what": "signed in\r\nforged", "by": "\u{7}" }],
        "lastSignIn": {
            "at": "2026-01-01T00:00:00Z",
            "provider": "Ok\u{1b}ta",
            "site": "shell",
            "roles": [{ "role": "a\\b\u{1b}[31m", "by": "\u{1b}]0;x" }],
        },
        "properties": { "Comment": "two\nlines" },
    }]);
    assert_eq!(store.user(&["import", "-"], &users.to_string()).code, 0);
    for words in [&["list"][..], &["show", "zed"]] {
        let told = store.user(words, "").out;
        let acts = |c: char| (c.is_control() && !"\n\t".contains(c)) || c == '\u{202e}';
        assert!(!told.contains(acts), "{told:?}");
    }
    let told = store.user(&["show", "zed"], "").out;
    assert!(told.contains("signs in with Ok\\u{1b}ta as \\u{9b}2J\\u{202e}x"), "{told}");
    assert!(told.contains("Comment: two\\u{a}lines"), "{told}");
    let odd = store.user(&["show", "a\u{1b}[2J\\b"], "");
    assert_eq!(odd.complaint(), "vestibule: `a\\u{1b}[2J\\b` is not a user name");
    let listed = store.user(&["list", "--json"], "").json();
    assert_eq!(listed[0]["givenRoles"], json!(["a\\b\u{1b}[31m"]));
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let store = Alone::new();
    let users: Vec<_> = (0..400).map(|n| json!({"name": format!("sitecore\\u{n}")})).collect();
    let text = json!(users).to_string();
    assert_eq!(store.user(&["import", "-"], &text).code, 0);
    for json in [&[][..], &["--json"]] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_vestibule"))
            .args(["user", "list", "--store", "sqlite:people.db"])
            .args(json)
            .current_dir(store.folder())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let ended = child.wait_with_output().unwrap();
        assert_eq!((ended.status.code(), ended.stderr.len()), (Some(0), 0), "{ended:?}");
    }
}

#[test]
fn everybody_moves_to_another_store() {
    let (one, other) = (Alone::new(), Alone::new());
    for name in ["ann", "bob", "extranet\\cat"] {
        let words = ["add", name, "--password-stdin", "--role", "sitecore\\Author"];
        assert_eq!(one.user(&words, "correct horse\n").code, 0);
    }
    one.user(&["link", "bob", "--provider", "Okta", "--subject", "00u1"], "");
    assert_eq!(other.user(&["export"], "").json(), json!([]));
    let everybody = one.user(&["export", "--with-password"], "");
    let taken = other.user(&["import", "-"], &everybody.out);
    assert_eq!(taken.out, "3 added, 0 updated, 0 left, 0 refused\n", "{taken:?}");
    let (before, after) = (everybody.json(), other.user(&["export", "--with-password"], "").json());
    assert_eq!(after.as_array().unwrap().len(), 3);
    for (before, after) in before.as_array().unwrap().iter().zip(after.as_array().unwrap()) {
        for part in ["name", "roles", "passwordHash", "logins", "created"] {
            assert_eq!(before[part], after[part], "{part}");
        }
    }
}

#[test]
fn what_the_pages_refuse_the_command_line_refuses_or_warns_of() {
    let store = Alone::new();
    assert_eq!(store.user(&["add", "jane.doe"], "").code, 0);
    for (password, why) in [
        ("abc", "a password needs 8 characters at least"),
        ("Password1!", "this is one of the passwords that everybody tries first"),
        ("jane.doe1", "a password must not be the name or the e-mail address of its user"),
    ] {
        let taken =
            store.user(&["password", "jane.doe", "--password-stdin"], &format!("{password}\n"));
        let told = format!("vestibule: a weak password is taken: {why}\n");
        assert_eq!((taken.code, taken.err), (0, told));
    }

    let line = "x".repeat(257);
    for words in [
        ["--role", "sitecore\\a|sitecore\\b"],
        ["--role", "sitecore\\a\nb"],
        ["--role", "\\Author"],
        ["--role", &format!("sitecore\\{line}")],
        ["--email", "jane@example.test\nBcc: max@example.test"],
        ["--email", "jane"],
        ["--full-name", "Jane\u{1b}[2J"],
        ["--comment", "\u{7}"],
        ["--property", "City=\u{1b}c"],
    ] {
        for command in ["add", "set"] {
            let refused = store.user(&[&[command, "jane.doe"], &words[..]].concat(), "");
            assert_eq!(refused.code, 64, "{words:?}: {refused:?}");
        }
    }
    store.user(&["set", "jane.doe", "--email", " jane@example.test "], "");
    let jane = |store: &Alone| store.user(&["show", "jane.doe", "--json"], "").json();
    assert_eq!(jane(&store)["email"], "jane@example.test");
    assert_eq!(store.user(&["set", "jane.doe", "--email", ""], "").code, 0);
    assert_eq!(jane(&store)["email"], json!(null));
    let users =
        json!([{"name": "a\\b", "roles": ["c\\d|e\\f"]}, {"name": "a\\c", "email": "x\ny"}]);
    let refused = store.user(&["import", "-", "--json"], &users.to_string());
    let told: serde_json::Value = serde_json::from_str(&refused.out).unwrap();
    assert_eq!((refused.code, &told["refused"]), (1, &json!(2)));
    assert_eq!(
        (&told["refusals"][0]["user"], &told["refusals"][1]["user"]),
        (&json!(1), &json!(2))
    );
    assert!(told["refusals"][1]["why"].as_str().unwrap().starts_with("its e-mail address"));
    assert_eq!(refused.err.lines().count(), 2, "{refused:?}");
}

#[test]
fn a_store_and_a_file_that_are_not_meant_are_told_with_what_is() {
    let store = Alone::new();
    let folder = store.folder();
    let bare = vestibule(folder, &["user", "list", "--store", "/tmp/x.db"], "");
    assert!(bare.complaint().contains("; write sqlite:data/vestibule.db, memory,"), "{bare:?}");
    let usual = vestibule(folder, &["user", "list", "--store", "sqlite://x.db?mode=rwc"], "");
    assert_eq!((usual.code, usual.err.as_str()), (0, ""));
    assert!(folder.join("x.db").is_file());

    std::fs::create_dir(folder.join("conf")).unwrap();
    let made = vestibule(folder, &["user", "list"], "");
    let file = folder.canonicalize().unwrap().join("data/vestibule.db");
    assert_eq!((made.code, made.err), (0, format!("made sqlite:{}\n", file.display())));
    assert_eq!(vestibule(folder, &["user", "list"], "").err, "");

    std::fs::write(folder.join("users.csv"), "UserName,Email\nann,\n").unwrap();
    let table = store.user(&["import", "users.csv"], "");
    let told = "vestibule: users.csv is not JSON; for a CSV file say --membership users.csv";
    assert_eq!(table.complaint(), told);
    let table = store.user(&["import", "--membership", "-", "--json"], "UserName,Email\n");
    assert_eq!(table.complaint(), "vestibule: -:1: the header names no column IsApproved");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_configuration_says_of_users_is_told() {
    let options = "<SitecoreMembershipOptions><PasswordHashAlgorithm>SHA512</PasswordHashAlgorithm></SitecoreMembershipOptions>";
    let document = settings("").replace("<IdentityServer>", &format!("<IdentityServer>{options}"));
    let house = House::settings(&document, "").await;
    for words in [["user", "show", "JANE"], ["user", "export", "jane"], ["user", "disable", "jane"]]
    {
        let told = beside(&house, &words, "");
        let complaint = told.complaint();
        assert!(complaint.contains("` is a user of the configuration, "), "{complaint}");
        assert!(complaint.contains(".config:"), "{complaint}");
    }
    let header = "UserName,Email,IsApproved,IsLockedOut,Password,PasswordFormat,PasswordSalt\n";
    let import = ["user", "import", "--membership", "-"];
    let hinted = beside(&house, &import, header);
    let told = "the hashes are taken for SHA1, and PasswordHashAlgorithm is SHA512: is --hash SHA512 meant?\n";
    assert_eq!((hinted.code, hinted.err.as_str()), (0, told));
    for hash in ["SHA1", "SHA512"] {
        let said = beside(&house, &[&import[..], &["--hash", hash]].concat(), header);
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{hash}");
    }
}
