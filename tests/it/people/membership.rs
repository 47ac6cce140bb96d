//! `vestibule user import --membership`.

use serde_json::json;

use crate::people::Alone;

/// The salt and the hash of `b – correct horse é` under SHA1, by Python's hashlib.
const SALT: &str = "AAECAwQFBgcICQoLDA0ODw==";
const SHA1: &str = "oY2R0/XMozLlEEUOU3TaTrY2m2A=";
const HMACSHA256: &str = "Z5udHhCzp3fbFC/zKiFqPXCdgW4LKXYL9/1UXtUAKUA=";

const HEADER: &str = "ApplicationId,username,EMAIL,IsApproved,IsLockedOut,Password,PasswordFormat,PasswordSalt,Comment,CreateDate,Roles";

fn write(store: &Alone, rows: &str) {
    std::fs::write(store.folder().join("users.csv"), format!("{HEADER}\r\n{rows}")).unwrap();
}

#[test]
fn rows_become_users_and_what_cannot_is_told_with_its_line() {
    let store = Alone::new();
    write(
        &store,
        &format!(
            "1,sitecore\\ann,ann@example.test,1,0,{SHA1},1,{SALT},\"two\r\nlines, \"\"quoted\"\"\",2009-05-12 10:38:22.437,sitecore\\Author|sitecore\\Designer|SITECORE\\AUTHOR\r\n\
             1,bob,bob@example.test,0,1,clear text,0,,,,\r\n\
             1,sitecore\\crypt,,1,0,AAAA,2,{SALT},,,\r\n\
             1,sitecore\\broken,,1,0,AAAA,1,{SALT},,,\r\n\
             1,Sitecore\\ANN,,1,0,{SHA1},1,{SALT},,,\r\n\
             \r\n\
             1,a\\b\\c,,1,0,{SHA1},1,{SALT},,,\r\n\
             short,row\r\n\
             1,sitecore\\flag,,perhaps,0,{SHA1},1,{SALT},,,\r\n\
             1,sitecore\\none,,1,0,,1,{SALT},,,\r\n\
             1,sitecore\\bell,,1,0,{SHA1},1,{SALT},,,a\x07b\r\n\
             1,sitecore\\last,NULL,True,False,{SHA1},1,{SALT},NULL,NULL,NULL"
        ),
    );
    let first = store.user(&["import", "--membership", "users.csv"], "");
    assert_eq!((first.code, first.out.as_str()), (1, "3 added, 0 updated, 0 left, 8 refused\n"));
    let lines: Vec<_> = first.err.lines().collect();
    assert_eq!(
        lines,
        [
            "users.csv:5: its password is encrypted (PasswordFormat 2), which only its own server can read",
            "users.csv:6: its Password and PasswordSalt are no SHA1 hash; --hash names another",
            "users.csv:7: `Sitecore\\ANN` is on line 2 already",
            "users.csv:9: `a\\b\\c` is not a user name",
            "users.csv:10: the row has 2 columns, the header 11",
            "users.csv:11: IsApproved is neither 1 nor 0",
            "users.csv:12: it has no password",
            "users.csv:13: one of its roles cannot be kept: too long, or with control characters",
        ]
    );
    let ann = store.user(&["export", "ann", "--with-password"], "").json();
    assert_eq!(ann["roles"], json!(["sitecore\\Author", "sitecore\\Designer"]));
    assert_eq!(ann["created"], "2009-05-12T10:38:22Z");
    assert_eq!(ann["properties"]["Comment"], "two\r\nlines, \"quoted\"");
    assert_eq!(ann["passwordHash"], format!("membership:SHA1:{SALT}:{SHA1}"));
    assert_eq!((&ann["disabled"], &ann["locked"]), (&json!(false), &json!(false)));
    let bob = store.user(&["export", "bob", "--with-password"], "").json();
    assert_eq!((&bob["disabled"], &bob["locked"]), (&json!(true), &json!(true)));
    assert!(bob["passwordHash"].as_str().unwrap().starts_with("$argon2id$"), "{bob}");
    let last = store.user(&["export", "last"], "").json();
    assert_eq!((&last["email"], &last["disabled"]), (&json!(null), &json!(false)));
}

#[test]
fn it_can_be_run_again_without_harm() {
    let store = Alone::new();
    let row = |name: &str, roles: &str| {
        format!("1,{name},{name}@example.test,1,0,{SHA1},1,{SALT},,,{roles}\n")
    };
    let rows = [row("ann", "sitecore\\A"), row("bob", "sitecore\\A"), row("cat", "")].concat();
    write(&store, &rows);
    let import = ["import", "--membership", "users.csv", "--json"];
    assert_eq!(store.user(&import, "").json()["added"], 3);
    assert_eq!(store.user(&import, "").json()["left"], 3);

    store.user(&["password", "bob", "--password-stdin"], "another horse\n");
    store.user(&["set", "cat", "--role", "sitecore\\Kept"], "");
    let rows = [row("ann", "sitecore\\B"), row("bob", "sitecore\\B"), row("cat", "")].concat();
    write(&store, &rows);
    let third = store.user(&import, "").json();
    let tally = json!({"added": 0, "updated": 1, "left": 2, "refused": 0, "refusals": []});
    assert_eq!(third, tally);
    assert_eq!(store.user(&import, "").json()["left"], 3);
    let ann = store.user(&["show", "ann", "--json"], "").json();
    assert_eq!(ann["roles"], json!(["sitecore\\B"]));
    let bob = store.user(&["export", "bob", "--with-password"], "").json();
    assert!(bob["passwordHash"].as_str().unwrap().starts_with("$argon2id$"), "{bob}");
    let cat = store.user(&["show", "cat", "--json"], "").json();
    assert_eq!(cat["roles"], json!(["sitecore\\Kept"]));

    store.user(&["delete", "ann"], "");
    store.user(&["add", "ann"], "");
    let other = store.user(&import, "");
    let why = "there is a user `sitecore\\ann` already, who was not imported";
    assert_eq!(other.err, format!("users.csv:2: {why}\n"));
}

#[test]
fn the_algorithm_is_named_and_a_file_that_is_none_is_told() {
    let store = Alone::new();
    write(&store, &format!("1,ann,,1,0,{HMACSHA256},1,{SALT},,,\n"));
    let import = ["import", "--membership", "users.csv"];
    let wrong = store.user(&import, "");
    assert!(wrong.err.starts_with("users.csv:2: "), "{wrong:?}");
    for name in ["HMACSHA256", "hmacsha256"] {
        let right = store.user(&[&import[..], &["--hash", name]].concat(), "");
        assert_eq!(right.code, 0, "{right:?}");
    }
    let odd = store.user(&[&import[..], &["--hash", "ROT13"]].concat(), "");
    assert_eq!(odd.code, 64, "{odd:?}");
    std::fs::write(store.folder().join("users.csv"), "UserName;Email\n").unwrap();
    let header = store.user(&import, "");
    assert_eq!(header.complaint(), "vestibule: users.csv:1: the header names no column UserName");
    let missing = store.user(&["import", "--membership", "nowhere.csv"], "");
    assert!(missing.complaint().starts_with("vestibule: reading nowhere.csv"), "{missing:?}");
}
