//! The command line beside a running gateway.

use std::time::Duration;

use serde_json::json;

use crate::acceptance::house::House;
use crate::people::beside;
use crate::people::type_in;
use crate::support::browser::Browser;

const PASSWORD: &str = "correct horse";

async fn house() -> House {
    let house = House::start().await;
    let words = ["user", "add", "sitecore\\ann", "--email", "ann@example.test", "--password-stdin"];
    let added = beside(&house, &words, &format!("{PASSWORD}\n"));
    assert_eq!(added.code, 0, "{added:?}");
    house
}

async fn signed_in(house: &House) -> Browser {
    let mut browser = house.browser();
    let answer = type_in(house, &mut browser, "ann", PASSWORD).await;
    assert!(answer.is_redirect(), "{}", answer.gist());
    browser
}

async fn is_signed_in(house: &House, browser: &mut Browser) -> bool {
    browser.get(&format!("{}/grants", house.issuer())).await.status == 200
}

/// Waits until the register tells of `count` sessions of Ann.
async fn listed(house: &House, count: usize) -> Vec<serde_json::Value> {
    for _ in 0..50 {
        let listed = beside(house, &["session", "list", "--user", "ann", "--json"], "").json();
        let listed = listed.as_array().unwrap().clone();
        if listed.len() == count {
            return listed;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("there never were {count} sessions")
}

async fn ends_soon(house: &House, browser: &mut Browser) {
    for _ in 0..50 {
        if !is_signed_in(house, browser).await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the session did not end");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_disabled_is_out_within_seconds_and_stays_out() {
    let house = house().await;
    let mut browser = signed_in(&house).await;
    assert!(is_signed_in(&house, &mut browser).await);
    // One that the register does not know yet ends all the same, and is not counted.
    listed(&house, 1).await;
    let disabled = beside(&house, &["user", "disable", "ann", "--json"], "").json();
    assert_eq!(disabled["sessionsEnded"], 1);
    ends_soon(&house, &mut browser).await;
    assert_eq!(type_in(&house, &mut browser, "ann", PASSWORD).await.status, 403);
    beside(&house, &["user", "enable", "ann"], "");
    assert!(type_in(&house, &mut browser, "ann", PASSWORD).await.is_redirect());
    beside(&house, &["user", "delete", "ann"], "");
    ends_soon(&house, &mut browser).await;
    assert_eq!(type_in(&house, &mut browser, "ann", PASSWORD).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_identity_is_unlinked_is_out_within_seconds() {
    let house = house().await;
    let identity = ["ann", "--provider", "Partner", "--subject", "p-1"];
    assert_eq!(beside(&house, &[&["user", "link"], &identity[..]].concat(), "").code, 0);
    let mut browser = signed_in(&house).await;
    let unlinked = beside(&house, &[&["user", "unlink"], &identity[..]].concat(), "");
    assert_eq!(unlinked.out, "unlinked sitecore\\ann; sessions that end: 1\n", "{unlinked:?}");
    ends_soon(&house, &mut browser).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_listed_and_ended_one_by_one_or_together() {
    let house = house().await;
    let (mut first, mut second) = (signed_in(&house).await, signed_in(&house).await);
    let sessions = listed(&house, 2).await;
    for session in &sessions {
        assert_eq!(session["user"], "sitecore\\ann");
        assert_eq!(session["provider"], "local");
        assert!(session["began"].as_str().unwrap().ends_with('Z'));
    }
    let id = sessions[0]["id"].as_str().unwrap();
    let ended = beside(&house, &["session", "end", id, "--json"], "").json();
    assert_eq!(ended, json!({"ended": 1}));
    listed(&house, 1).await;
    let alive = [is_signed_in(&house, &mut first).await, is_signed_in(&house, &mut second).await];
    assert_eq!(alive.iter().filter(|alive| **alive).count(), 1);
    let ended = beside(&house, &["session", "end", "--user", "SITECORE\\Ann"], "");
    assert_eq!(ended.out, "sessions that end: 1\n");
    ends_soon(&house, &mut first).await;
    ends_soon(&house, &mut second).await;
    let unknown = beside(&house, &["session", "end", "0123456789abcdef0123456789abcdef"], "");
    assert_eq!(unknown.complaint(), "vestibule: there is no such session");
    let unsaid = beside(&house, &["session", "end"], "");
    assert!(unsaid.complaint().contains("--all"), "{unsaid:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_holds_what_the_person_granted_and_where_the_person_is_signed_in() {
    let house = house().await;
    let taken = beside(&house, &["user", "add", "jane"], "");
    assert!(
        taken.complaint().contains("there is a user `sitecore\\jane` already, at "),
        "{taken:?}"
    );
    let mut browser = signed_in(&house).await;
    let more = [("scope", "openid email offline_access")];
    let reply = house.authorize(&mut browser, "web", &more).await;
    house.redeem("web", reply.sent("code")).await;
    listed(&house, 1).await;
    let exported = beside(&house, &["user", "export", "ann"], "").json();
    assert_eq!(exported["grants"][0]["client"], "web");
    assert_eq!(exported["grants"][0]["scopes"], json!(["openid", "email", "offline_access"]));
    assert_eq!(exported["sessions"].as_array().unwrap().len(), 1);
    assert_eq!(exported["history"][1]["what"], "signed in with a password at identity");
    assert!(!exported.to_string().contains("argon2"));
}
