//! `vestibule user` on a store that nothing else uses.

use std::net::TcpListener;
use std::time::Duration;
use std::time::Instant;

use serde_json::json;

use crate::people::Alone;
use crate::people::vestibule;

const JANE: [&str; 6] =
    ["add", "sitecore\\jane", "--email", "jane@example.test", "--role", "sitecore\\Author"];

#[test]
fn a_user_is_added_found_shown_and_changed() {
    let store = Alone::new();
    let added = store.user(&[&JANE[..], &["--password-stdin"]].concat(), "correct horse\n");
    assert_eq!((added.code, added.out.as_str()), (0, "added sitecore\\jane\n"), "{added:?}");

    for search in ["jane", "JAN", "sitecore\\j", "jane@ex"] {
        let found = store.user(&["list", "--search", search, "--json"], "").json();
        let [user] = found.as_array().unwrap().as_slice() else { panic!("{search}: {found}") };
        assert_eq!(user["name"], "sitecore\\jane");
        assert_eq!(user["email"], "jane@example.test");
        assert_eq!(user["roles"], json!(["sitecore\\Author"]));
        assert_eq!(user["kind"], "local");
        assert_eq!((&user["disabled"], &user["locked"]), (&json!(false), &json!(false)));
        assert_eq!(user["administrator"], false);
        assert_eq!(user["fullName"], json!(null));
        assert!(user["created"].as_str().unwrap().ends_with('Z'));
    }
    let nobody = store.user(&["list", "--search", "ane", "--json"], "").json();
    assert_eq!(nobody, json!([]));

    let words = ["set", "JANE", "--full-name", "Jane Doe", "--role", "sitecore\\Designer"];
    let more = ["--take-role", "Sitecore\\author", "--property", "City=Aarhus", "--administrator"];
    let set = store.user(&[&words[..], &more, &["--json"]].concat(), "").json();
    assert_eq!(set["roles"], json!(["sitecore\\Designer"]));
    assert_eq!((&set["fullName"], &set["administrator"]), (&json!("Jane Doe"), &json!(true)));
    let shown = store.user(&["show", "jane", "--json"], "").json();
    assert_eq!(shown["properties"]["City"], "Aarhus");
    let history: Vec<_> = shown["history"].as_array().unwrap().iter().collect();
    assert_eq!(history.len(), 2);
    assert_eq!((&history[1]["what"], &history[1]["by"]), (&json!("changed"), &json!("vestibule")));
    let text = shown.to_string();
    assert!(!text.contains("argon2") && !text.contains("correct horse"), "{text}");
    let plain = store.user(&["list"], "").out;
    let line = "sitecore\\jane\tjane@example.test\tsitecore\\Designer\tadministrator\n";
    assert_eq!(plain, line);
}

#[test]
fn flags_links_and_deletion() {
    let store = Alone::new();
    assert_eq!(store.user(&JANE, "").code, 0);
    assert_eq!(store.user(&["add", "extranet\\max", "--json"], "").json()["kind"], "persistent");
    for (word, flag, value) in
        [("disable", "disabled", true), ("enable", "disabled", false), ("unlock", "locked", false)]
    {
        assert_eq!(store.user(&[word, "jane"], "").code, 0);
        assert_eq!(store.user(&["show", "jane", "--json"], "").json()[flag], value, "{word}");
    }
    let identity = ["--provider", "Okta", "--subject", "00u1"];
    assert_eq!(store.user(&[&["link", "jane"], &identity[..]].concat(), "").code, 0);
    let shown = store.user(&["show", "jane", "--json"], "").json();
    assert_eq!(shown["logins"][0]["provider"], "Okta");
    assert_eq!(shown["logins"][0]["subject"], "00u1");
    let taken = store.user(&[&["link", "extranet\\max"], &identity[..]].concat(), "");
    assert_eq!(taken.complaint(), "vestibule: this identity signs in as another user");
    let found = store.user(&["list", "--search", "00u", "--json"], "").json();
    assert_eq!(found[0]["name"], "sitecore\\jane");
    assert_eq!(store.user(&[&["unlink", "jane"], &identity[..]].concat(), "").code, 0);
    let again = store.user(&[&["unlink", "jane"], &identity[..]].concat(), "");
    let complaint = "vestibule: this identity does not sign in as `sitecore\\jane`";
    assert_eq!(again.complaint(), complaint);

    assert_eq!(store.user(&["delete", "jane"], "").code, 0);
    let gone = store.user(&["show", "jane"], "");
    assert_eq!(gone.complaint(), "vestibule: there is no user `sitecore\\jane`");
    let left = store.user(&["list", "--json"], "").json();
    assert_eq!(left.as_array().unwrap().len(), 1);
}

#[test]
fn what_cannot_be_done_is_one_line_and_exit_code_1() {
    let store = Alone::new();
    store.user(&JANE, "");
    let taken = store.user(&["add", "SITECORE\\Jane"], "");
    assert_eq!(taken.complaint(), "vestibule: there is a user `SITECORE\\Jane` already");
    for words in [&["show", "max"][..], &["set", "max"], &["disable", "max"], &["delete", "max"]] {
        let unknown = store.user(words, "");
        assert_eq!(unknown.complaint(), "vestibule: there is no user `sitecore\\max`", "{words:?}");
    }
    for name in ["sitecore\\", "\\jane", "a\\b\\c", "", " ", "sitecore\\ja\tne", &"x".repeat(300)] {
        let bad = store.user(&["add", name], "");
        assert!(bad.complaint().ends_with("is not a user name"), "{name:?}: {bad:?}");
    }
    let silent = store.user(&["add", "max", "--password-stdin"], "\n");
    assert_eq!(silent.complaint(), "vestibule: type the password on standard input");
    assert_eq!(store.user(&["list", "--search", "max", "--json"], "").json(), json!([]));

    let folder = store.folder();
    let memory = vestibule(folder, &["user", "list", "--store", "memory"], "");
    assert!(memory.complaint().contains("nothing is shared"), "{memory:?}");
    let odd = vestibule(folder, &["user", "list", "--store", "Server=sql;Password=S3CRET"], "");
    assert!(odd.complaint().contains("SQL Server"), "{odd:?}");
    assert!(!odd.err.contains("S3CRET"), "{odd:?}");
    let unset = vestibule(folder, &["user"], "");
    assert_eq!(unset.code, 64, "{unset:?}");
    let nobody = vestibule(folder, &["user", "list", "--config", "nowhere"], "");
    assert_ne!(nobody.code, 0, "{nobody:?}");
}

#[test]
fn a_store_that_is_down_is_told_in_time() {
    let store = Alone::new();
    let gone = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = gone.local_addr().unwrap().port();
    let silent = format!("postgres://v:S3CRET@127.0.0.1:{port}/v");
    let began = Instant::now();
    let late = vestibule(store.folder(), &["user", "list", "--store", &silent], "");
    assert!(late.complaint().contains("does not answer"), "{late:?}");
    assert!(!late.err.contains("S3CRET"), "{late:?}");
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    drop(gone);
    let refused = vestibule(store.folder(), &["user", "list", "--store", &silent], "");
    assert!(refused.complaint().contains("cannot be opened"), "{refused:?}");
}

#[test]
fn one_persons_data_is_exported_and_taken_back() {
    let store = Alone::new();
    store.user(&[&JANE[..], &["--password-stdin"]].concat(), "correct horse\n");
    store.user(&["link", "jane", "--provider", "Okta", "--subject", "00u1"], "");
    let exported = store.user(&["export", "jane"], "").json();
    assert_eq!(exported["name"], "sitecore\\jane");
    assert_eq!(exported["logins"][0]["subject"], "00u1");
    assert_eq!(exported["history"][0]["what"], "added");
    assert_eq!((&exported["grants"], &exported["sessions"]), (&json!([]), &json!([])));
    assert!(exported.get("passwordHash").is_none());

    let whole = store.user(&["export", "jane", "--with-password"], "");
    std::fs::write(store.folder().join("jane.json"), &whole.out).unwrap();
    let twice = store.user(&["import", "jane.json"], "");
    assert_eq!((twice.code, twice.out.as_str()), (1, "0 added, 0 updated, 0 left, 1 refused\n"));
    assert!(twice.err.contains("already") || twice.err.contains("another"), "{twice:?}");

    store.user(&["delete", "jane"], "");
    let taken = store.user(&["import", "jane.json", "--json"], "").json();
    let tally = json!({"added": 1, "updated": 0, "left": 0, "refused": 0, "refusals": []});
    assert_eq!(taken, tally);
    let again = store.user(&["export", "jane", "--with-password"], "").json();
    assert_eq!(again["passwordHash"], whole.json()["passwordHash"]);
    assert_eq!(again["logins"], exported["logins"]);
    assert_eq!(again["created"], exported["created"]);
    assert_eq!(again["history"].as_array().unwrap().len(), 3);
}

#[test]
fn many_are_listed_page_by_page_up_to_the_limit() {
    let store = Alone::new();
    let users: Vec<_> = (0..450).map(|n| json!({"name": format!("sitecore\\u{n:03}")})).collect();
    std::fs::write(store.folder().join("many.json"), json!(users).to_string()).unwrap();
    assert_eq!(store.user(&["import", "many.json"], "").code, 0);
    let all = store.user(&["list", "--json"], "").json();
    assert_eq!(all.as_array().unwrap().len(), 450);
    let some = store.user(&["list", "--search", "u1", "--limit", "7", "--json"], "").json();
    let names: Vec<_> = some.as_array().unwrap().iter().map(|u| u["name"].clone()).collect();
    assert_eq!((names.len(), &names[6]), (7, &json!("sitecore\\u106")));
}
