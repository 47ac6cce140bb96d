//! What a sign-in makes of an account, and what it must not.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::json;
use tokio::task::JoinSet;
use vestibule::store::accounts::Account;
use vestibule::store::accounts::Search;

use crate::persistent::account;
use crate::persistent::accounts;
use crate::persistent::change;
use crate::persistent::jane_with;
use crate::persistent::jane_without_groups;
use crate::persistent::keeping;
use crate::persistent::keeping_at;
use crate::persistent::name;
use crate::persistent::sign_in;
use crate::persistent::told;
use crate::support::provider;
use crate::support::world::SESSION;
use crate::support::world::World;
use crate::support::world::cookie_line;

/// Administrators by the group `admins`.
const ADMINS: &str = r#"<federatedAuthentication><identityProviders hint="list:AddIdentityProvider">
<identityProvider id="Partner"><transformations hint="list:AddTransformation">
  <transformation name="admins" type="Sitecore.Owin.Authentication.Services.DefaultTransformation, Sitecore.Owin.Authentication">
    <sources hint="raw:AddSource"><claim name="groups" value="admins" /></sources>
    <targets hint="raw:AddTarget"><claim name="http://www.sitecore.net/identity/claims/isAdmin" value="true" /></targets>
    <keepSource>true</keepSource>
  </transformation>
</transformations></identityProvider></identityProviders></federatedAuthentication>"#;

/// Everybody who is kept, by name.
async fn everybody(world: &World) -> Vec<String> {
    let search = Search { limit: 100, ..Search::default() };
    let page = accounts(world).search(&search).await.unwrap();
    page.accounts.into_iter().map(|account| account.name).collect()
}

#[tokio::test]
async fn the_first_sign_in_makes_an_account_and_the_next_finds_it() {
    let world = keeping("").await;
    let browser = world.jane().await;
    let kept = account(&world, "Partner", "jane-4711").await;
    assert_eq!(name(&world, &browser).await, kept.name);
    assert!(kept.name.starts_with("sitecore\\jane-"), "{}", kept.name);
    assert_eq!(kept.email(), Some("jane@partner.test"));
    assert_eq!((kept.created_at, kept.roles.len()), (world.clock.now(), 0));
    let last = kept.last_sign_in.unwrap();
    assert_eq!((last.provider.as_str(), last.site.as_str()), ("Partner", "shell"));
    assert_eq!((last.at, last.roles[0].role.as_str()), (world.clock.now(), "sitecore\\Author"));
    let by = &last.roles[0].by;
    assert!(by.starts_with("editors (") && by.contains("test.config:"), "{by}");
    assert_eq!(kept.history[0].what, "created by a sign-in with Partner at site shell");
    world.later(60);
    world.jane().await;
    let again = account(&world, "Partner", "jane-4711").await;
    assert_eq!((again.created_at, again.name), (kept.created_at, kept.name));
    assert_eq!(again.last_sign_in.unwrap().at, world.clock.now());
    assert_eq!(again.history.last().unwrap().what, "signed in with Partner at site shell");
    assert_eq!(everybody(&world).await.len(), 1);
}

#[tokio::test]
async fn a_site_that_keeps_nobody_makes_no_accounts_and_lets_no_disabled_user_in() {
    let world = World::start().await;
    let browser = world.jane().await;
    assert_eq!(everybody(&world).await, [""; 0]);
    let (told, _) = told(&world, &browser).await.unwrap();
    let jane = Account { name: told, disabled: true, ..Account::default() };
    let login = crate::stores::login("Partner", "jane-4711");
    accounts(&world).add(&jane, Some(&login), false).await.unwrap();
    let mut browser = world.browser();
    let page = sign_in(&mut browser, "Partner").await;
    assert_eq!((page.status, browser.cookie(SESSION)), (403, None), "{}", page.gist());
}

#[tokio::test]
async fn each_sign_in_rewrites_what_is_mapped_to_empty_too_and_leaves_the_rest() {
    let world = keeping("").await;
    world.jane().await;
    let kept = account(&world, "Partner", "jane-4711").await;
    change(&world, &kept.name, |jane| jane.set_property("Department", "Web")).await;
    let mut claims = provider::jane();
    claims.as_object_mut().unwrap().remove("email");
    world.signed_in(claims).await;
    let kept = account(&world, "Partner", "jane-4711").await;
    assert_eq!((kept.email(), kept.property("Department")), (None, Some("Web")));
}

#[tokio::test]
async fn roles_kept_here_stay_beside_the_provider_s_which_go_with_their_claims() {
    let world = keeping("").await;
    world.jane().await;
    let kept = account(&world, "Partner", "jane-4711").await;
    change(&world, &kept.name, |jane| {
        jane.give_role("sitecore\\Designer");
    })
    .await;
    let browser = world.jane().await;
    let (_, roles) = told(&world, &browser).await.unwrap();
    assert_eq!(roles, "sitecore\\Designer,sitecore\\Author");
    let browser = world.signed_in(jane_without_groups()).await;
    assert_eq!(told(&world, &browser).await.unwrap().1, "sitecore\\Designer");
    let kept = account(&world, "Partner", "jane-4711").await;
    assert_eq!(kept.roles, ["sitecore\\Designer"]);
    assert!(kept.last_sign_in.unwrap().roles.is_empty());
}

#[tokio::test]
async fn where_roles_are_cleared_at_sign_in_only_the_provider_s_are_left() {
    let clear = r#"<federatedAuthentication><identityProviders><identityProvider id="Partner"><clearRolesWhenSignIn>true</clearRolesWhenSignIn></identityProvider></identityProviders></federatedAuthentication>"#;
    let world = keeping(clear).await;
    world.jane().await;
    let kept = account(&world, "Partner", "jane-4711").await;
    change(&world, &kept.name, |jane| {
        jane.give_role("sitecore\\Designer");
    })
    .await;
    let browser = world.jane().await;
    assert_eq!(told(&world, &browser).await.unwrap().1, "sitecore\\Author");
    assert!(account(&world, "Partner", "jane-4711").await.roles.is_empty());
}

#[tokio::test]
async fn m298_an_administrator_is_who_the_last_sign_in_says() {
    let header = r#"<gateway><identityHeaders><header name="X-Id-Admin" property="IsAdministrator" /></identityHeaders></gateway>"#;
    let world = keeping(&format!("{ADMINS}{header}")).await;
    let admin = async |browser| {
        told(&world, &browser).await;
        let said = world.cms.last().header("x-id-admin").unwrap_or_default().to_owned();
        (said, account(&world, "Partner", "jane-4711").await.administrator)
    };
    let browser = world.signed_in(jane_with(&json!({ "groups": ["admins"] }))).await;
    assert_eq!(admin(browser).await, ("true".to_owned(), true));
    let kept = account(&world, "Partner", "jane-4711").await;
    change(&world, &kept.name, |jane| jane.set_property("IsAdministrator", "true")).await;
    let spoof = json!({ "groups": [], "isAdmin": "true", "IsAdministrator": "true" });
    let browser = world.signed_in(jane_with(&spoof)).await;
    assert_eq!(admin(browser).await, (String::new(), false));
}

#[tokio::test]
async fn m292_m293_one_subject_at_two_providers_and_two_that_look_alike_are_different_users() {
    let world = keeping("").await;
    let mut names = BTreeSet::new();
    for provider in ["Partner", "Okta"] {
        for subject in ["42", "42 ", "Jane", "jane", "a|b", "a\\b", "a/b", "a:b"] {
            world.idp.person(json!({ "sub": subject, "preferred_username": "x" }));
            let mut browser = world.browser();
            sign_in(&mut browser, provider).await;
            names.insert(name(&world, &browser).await.to_lowercase());
        }
    }
    assert_eq!(names.len(), 16, "{names:?}");
}

#[tokio::test]
async fn a_name_that_is_taken_is_nobody_else_s() {
    let world = keeping("").await;
    world.jane().await;
    let kept = account(&world, "Partner", "jane-4711").await;
    assert!(accounts(&world).unlink(&kept.name, "Partner", "jane-4711").await.unwrap());
    // Somebody has the very name that the hash of this identity makes.
    let browser = world.jane().await;
    let other = account(&world, "Partner", "jane-4711").await;
    assert_ne!(other.name, kept.name);
    assert_eq!(name(&world, &browser).await, other.name);
    assert!(other.name.starts_with("sitecore\\jane-"), "{}", other.name);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twenty_first_sign_ins_at_once_make_one_account() {
    let world = Arc::new(keeping("").await);
    world.idp.person(provider::jane());
    let mut all = JoinSet::new();
    for _ in 0..20 {
        let world = Arc::clone(&world);
        all.spawn(async move {
            let mut browser = world.browser();
            let page = sign_in(&mut browser, "Partner").await;
            assert_eq!(page.status, 200, "{}", page.gist());
        });
    }
    while let Some(done) = all.join_next().await {
        done.unwrap();
    }
    assert_eq!(everybody(&world).await.len(), 1);
    assert_eq!(world.gateway.app.sessions().of_user(&everybody(&world).await[0]).len(), 20);
}

#[tokio::test]
async fn who_holds_none_of_the_site_s_roles_is_refused_and_no_account_is_made() {
    let world = keeping_at("set:roles=\"sitecore\\Author|sitecore\\Designer\"", "").await;
    world.idp.person(provider::bob());
    let mut browser = world.browser();
    let page = sign_in(&mut browser, "Partner").await;
    assert_eq!((page.status, browser.cookie(SESSION)), (403, None), "{}", page.gist());
    assert!(page.text().contains("none of the roles that this site asks for"));
    assert_eq!(everybody(&world).await, [""; 0]);
    world.jane().await;
    assert_eq!(everybody(&world).await.len(), 1);
}

#[tokio::test]
async fn nobody_signs_in_as_a_disabled_user_and_a_session_ends_at_its_renewal() {
    let refresh = r#"<gateway><connections><connection provider="Partner" set:scopes="openid offline_access" set:refreshAfter="10m" /></connections></gateway>"#;
    let world = keeping(refresh).await;
    let before = world.jane().await;
    let kept = account(&world, "Partner", "jane-4711").await;
    change(&world, &kept.name, |jane| jane.disabled = true).await;
    let mut browser = world.browser();
    let page = sign_in(&mut browser, "Partner").await;
    assert_eq!((page.status, browser.cookie(SESSION)), (403, None));
    assert!(page.text().contains("This account has been switched off"), "{}", page.gist());
    told(&world, &before).await;
    world.later(601);
    assert_eq!(told(&world, &before).await, None, "the session was renewed");
    change(&world, &kept.name, |jane| jane.disabled = false).await;
    assert!(told(&world, &before).await.is_none() && world.jane().await.cookie(SESSION).is_some());
}

#[tokio::test]
async fn a_renewal_rewrites_the_account_and_ends_the_session_of_an_identity_that_was_unlinked() {
    let refresh = r#"<gateway><connections><connection provider="Partner" set:scopes="openid offline_access" set:refreshAfter="10m" /></connections></gateway>"#;
    let world = keeping(refresh).await;
    let browser = world.jane().await;
    let kept = account(&world, "Partner", "jane-4711").await;
    let more = json!({ "email": "new@partner.test", "groups": [] });
    world.idp.person(jane_with(&more));
    told(&world, &browser).await;
    world.later(601);
    assert_eq!(told(&world, &browser).await.unwrap(), (kept.name.clone(), String::new()));
    let renewed = account(&world, "Partner", "jane-4711").await;
    assert_eq!(renewed.email(), Some("new@partner.test"));
    assert_eq!(renewed.last_sign_in.unwrap().at, kept.last_sign_in.unwrap().at);
    assert_eq!(renewed.history, kept.history, "a renewal is no sign-in");
    accounts(&world).unlink(&kept.name, "Partner", "jane-4711").await.unwrap();
    world.later(601);
    assert_eq!(told(&world, &browser).await, None);
    assert_eq!(everybody(&world).await.len(), 1, "a renewal makes no account");
}

#[tokio::test]
async fn addresses_that_are_to_be_unique_are_never_a_way_into_another_account() {
    let unique = "<gateway><users set:requireUniqueEmail=\"true\" /></gateway>";
    let world = keeping(unique).await;
    world.jane().await;
    world
        .idp
        .person(json!({ "sub": "other", "email": "JANE@partner.test", "email_verified": true }));
    let mut browser = world.browser();
    let page = sign_in(&mut browser, "Okta").await;
    assert_eq!((page.status, browser.cookie(SESSION)), (403, None));
    assert!(page.text().contains("belongs to another account here"), "{}", page.gist());
    world.idp.person(json!({ "sub": "other" }));
    assert_eq!(sign_in(&mut browser, "Okta").await.status, 403);
    assert_eq!(everybody(&world).await.len(), 1);
    // An address that another user has got in the meantime is refused at the next sign-in too.
    world.idp.person(json!({ "sub": "other", "email": "other@partner.test" }));
    assert_eq!(sign_in(&mut browser, "Okta").await.status, 200);
    world.idp.person(json!({ "sub": "other", "email": "jane@partner.test" }));
    assert_eq!(sign_in(&mut world.browser(), "Okta").await.status, 403);
    assert_eq!(account(&world, "Okta", "other").await.email(), Some("other@partner.test"));
}

#[tokio::test]
async fn m301_nothing_of_one_person_is_left_for_the_next_in_the_same_browser() {
    let world = keeping("").await;
    let mut browser = world.jane().await;
    let jane = cookie_line(&browser);
    world.idp.person(provider::bob());
    sign_in(&mut browser, "Partner").await;
    let (bob, roles) = told(&world, &browser).await.unwrap();
    assert!(bob.starts_with("sitecore\\bob-") && roles.is_empty(), "{bob} {roles}");
    assert_eq!(account(&world, "Partner", "bob-4712").await.email(), Some("bob@partner.test"));
    world.cms.clear();
    world.raw_get("/sitecore/shell/x", &jane).await;
    assert_eq!(world.cms.count(), 0, "the session before goes on");
}
