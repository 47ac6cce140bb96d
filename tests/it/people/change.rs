//! `/account/password`: a person changes the password.

use vestibule::crypto::password;
use vestibule::crypto::secret::Secret;

use crate::acceptance::house::House;
use crate::acceptance::house::PASSWORD;
use crate::people::add;
use crate::people::type_in;
use crate::support::browser::Browser;
use crate::support::wire::Answer;

const NEW: &str = "a longer way to say it";

async fn signed_in(house: &House, name: &str) -> Browser {
    let mut browser = house.browser();
    let answer = type_in(house, &mut browser, name, PASSWORD).await;
    assert!(answer.is_redirect(), "{}", answer.gist());
    browser
}

async fn page(house: &House, browser: &mut Browser) -> Answer {
    browser.get(&format!("{}/account/password", house.issuer())).await
}

async fn change(browser: &mut Browser, page: &Answer, old: &str, new: (&str, &str)) -> Answer {
    let fields = [("oldPassword", old), ("newPassword", new.0), ("repeated", new.1)];
    browser.submit(page, &fields).await
}

#[tokio::test]
async fn a_changed_password_ends_every_other_session_and_the_old_one_is_worth_nothing() {
    let house = House::start().await;
    add(&house, "ann", &password::hash(&Secret::new(PASSWORD)).unwrap()).await;
    let mut other = signed_in(&house, "ann").await;
    let mut own = signed_in(&house, "ann").await;
    let scope = [("scope", "openid offline_access")];
    let reply = house.authorize_as(&mut other, "ann", "web", &scope).await;
    let tokens = house.redeem("web", reply.sent("code")).await.json();

    let first = page(&house, &mut own).await;
    assert_eq!(first.status, 200, "{}", first.gist());
    let changed = change(&mut own, &first, PASSWORD, (NEW, NEW)).await;
    assert_eq!(changed.status, 200);
    assert!(changed.text().contains("Your password has been changed"), "{}", changed.gist());

    assert_eq!(page(&house, &mut own).await.status, 200, "this session goes on");
    assert!(page(&house, &mut other).await.is_redirect(), "the other one has ended");
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
    assert_eq!(house.token("web", &form).await.status, 400);
    let old = type_in(&house, &mut house.browser(), "ann", PASSWORD).await;
    assert_eq!(old.status, 200);
    assert!(type_in(&house, &mut house.browser(), "ann", NEW).await.is_redirect());
}

#[tokio::test]
async fn what_is_wrong_with_the_form_is_told_and_changes_nothing() {
    let house = House::start().await;
    add(&house, "ann", &password::hash(&Secret::new(PASSWORD)).unwrap()).await;
    let mut browser = signed_in(&house, "ann").await;
    for (old, new, words) in [
        (PASSWORD, ("short", "short"), "too short"),
        (PASSWORD, (NEW, "a longer way to say"), "not typed the same twice"),
        (PASSWORD, ("Password1!", "Password1!"), "everybody tries first"),
        (PASSWORD, ("ann@example.test", "ann@example.test"), "your own name"),
        (PASSWORD, (&*"x y".repeat(100), &*"x y".repeat(100)), "too long"),
        ("guess", (NEW, NEW), "The old password is not right"),
    ] {
        let first = page(&house, &mut browser).await;
        let again = change(&mut browser, &first, old, new).await;
        assert_eq!(again.status, 400, "{words}");
        assert!(again.text().contains(words), "{words}: {}", again.gist());
        assert!(!again.text().contains(NEW) && !again.text().contains(PASSWORD), "{words}");
    }
    // Guessing here is guessing at the sign-in page.
    for status in [400, 400, 400, 400, 429] {
        let first = page(&house, &mut browser).await;
        let again = change(&mut browser, &first, "guess", (NEW, NEW)).await;
        assert_eq!(again.status, status);
    }
    house.later(600);
    assert!(type_in(&house, &mut house.browser(), "ann", PASSWORD).await.is_redirect());
}

#[tokio::test]
async fn only_a_form_of_ours_shown_to_this_session_changes_anything() {
    let house = House::start().await;
    add(&house, "ann", &password::hash(&Secret::new(PASSWORD)).unwrap()).await;
    let address = format!("{}/account/password", house.issuer());
    let nobody = house.browser().get(&address).await;
    assert!(nobody.is_redirect(), "sign in first: {}", nobody.gist());
    let mut browser = signed_in(&house, "ann").await;
    let fields = [("oldPassword", PASSWORD), ("newPassword", NEW), ("repeated", NEW)];
    let bare = browser.fetch("POST", &address).form(&fields);
    assert_eq!(browser.send(bare).await.status, 400);
    let mut other = signed_in(&house, "ann").await;
    let theirs = page(&house, &mut other).await;
    assert_eq!(change(&mut browser, &theirs, PASSWORD, (NEW, NEW)).await.status, 400);
    let own = page(&house, &mut browser).await;
    house.later(3_601);
    assert_eq!(change(&mut browser, &own, PASSWORD, (NEW, NEW)).await.status, 400);
    assert!(type_in(&house, &mut house.browser(), "ann", PASSWORD).await.is_redirect());
}

#[tokio::test]
async fn who_has_no_password_here_is_told_where_it_is_kept() {
    let house = House::start().await;
    let mut jane = signed_in(&house, "jane").await;
    let told = page(&house, &mut jane).await;
    assert!(told.text().contains("kept in the configuration"), "{}", told.gist());
    assert!(!told.text().contains("<form"), "{}", told.gist());

    let mut sam = house.browser();
    let login = sam.get(&format!("{}/account/login", house.issuer())).await;
    let begun = sam.press(&login, "Our partner").await;
    let there = sam.follow(begun).await;
    assert_eq!(there.status, 200, "{}", there.gist());
    let told = page(&house, &mut sam).await;
    assert!(told.text().contains("kept at Our partner. Change it there."), "{}", told.gist());
    assert!(!told.text().contains("<form"), "{}", told.gist());
}
