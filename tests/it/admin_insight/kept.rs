//! What would become of somebody where users are kept.

use serde_json::json;
use vestibule::store::accounts::Account;

use crate::admin_insight::access::ask;
use crate::admin_insight::desk;
use crate::admin_insight::has_row;
use crate::admin_insight::rows;
use crate::admin_insight::world_with;
use crate::support::html;
use crate::support::provider::jane;
use crate::support::world::World;
use crate::support::world::mapping;

async fn keeping() -> World {
    let kept = mapping("Partner", &["shell"]).replace("of the test", "of kept users");
    world_with(&kept.replace("<IsPersistentUser>false", "<IsPersistentUser>true")).await
}

/// Jane's account, after a sign-in.
async fn janes(world: &World) -> Account {
    let accounts = world.gateway.app.accounts();
    accounts.of_login("Partner", "jane-4711").await.unwrap().expect("Jane is kept")
}

async fn change(world: &World, change: impl FnOnce(&mut Account)) {
    let mut account = janes(world).await;
    change(&mut account);
    world.gateway.app.accounts().save(&account, false).await.unwrap();
}

#[tokio::test]
async fn roles_kept_here_stand_beside_those_of_the_rules() {
    let world = keeping().await;
    let mut ada = desk(&world).await;
    world.jane().await;
    change(&world, |jane| jane.roles = vec!["sitecore\\Designer".to_owned()]).await;
    let before = janes(&world).await;
    let page = ask(&mut ada, &world.url("/sitecore/shell/"), &jane().to_string()).await;
    assert!(has_row(&page, "sitecore\\Designer | kept here"), "{:?}", rows(&page));
    assert!(has_row(&page, "sitecore\\Author | editors ("), "{:?}", rows(&page));
    let text = html::text(&page.text());
    let told = format!("The identity is known here: it signs in as {}.", before.name);
    assert!(text.contains(&told), "{text}");
    assert_eq!(janes(&world).await, before, "nothing is written");
}

#[tokio::test]
async fn a_new_identity_is_told_whom_it_would_make_and_makes_nobody() {
    let world = keeping().await;
    let mut ada = desk(&world).await;
    let new = json!({ "sub": "new-1", "preferred_username": "new" });
    let page = ask(&mut ada, &world.url("/sitecore/shell/"), &new.to_string()).await;
    let text = html::text(&page.text());
    assert!(text.contains("a sign-in would make the user sitecore\\new"), "{text}");
    let accounts = world.gateway.app.accounts();
    assert!(accounts.of_login("Partner", "new-1").await.unwrap().is_none());
}

#[tokio::test]
async fn nobody_is_let_in_as_a_disabled_user() {
    let world = keeping().await;
    let mut ada = desk(&world).await;
    world.jane().await;
    change(&world, |jane| jane.disabled = true).await;
    let page = ask(&mut ada, &world.url("/sitecore/shell/"), &jane().to_string()).await;
    let text = html::text(&page.text());
    assert!(text.contains("Nobody is let in: the account is disabled."), "{text}");
    assert!(!page.text().contains("told-headers"));
}

#[tokio::test]
async fn somebody_kept_who_is_not_signed_in_is_as_the_last_sign_in_left_them() {
    let world = keeping().await;
    let mut ada = desk(&world).await;
    let mut browser = world.jane().await;
    let out = browser.get("/identity/logout").await;
    browser.follow(out).await;
    let name = janes(&world).await.name;
    let encoded = name.replace('\\', "%5C");
    let address = format!("/vestibule/access?site=shell&user={encoded}");
    let page = ada.get(&address).await;
    let text = html::text(&page.text());
    assert!(text.contains("is kept here; last signed in"), "{text}");
    assert!(has_row(&page, "sitecore\\Author | editors ("), "{:?}", rows(&page));
}
