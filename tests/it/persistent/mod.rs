//! Users that are kept: sign-ins that make, find, link and rewrite accounts, and how many sessions
//! there may be.

mod kept;
mod limits;
mod linking;
mod proof;
mod trust;

use serde_json::Value;
use serde_json::json;
use vestibule::store::accounts::Account;
use vestibule::store::accounts::Accounts;

use crate::support::browser::Browser;
use crate::support::provider;
use crate::support::wire::Answer;
use crate::support::world;
use crate::support::world::World;
use crate::support::world::cookie_line;

/// A world whose sites shell and website keep the users of the providers `Partner` and `Okta`, which
/// both are the same server: one subject is two identities.
pub(super) async fn keeping(more: &str) -> World {
    keeping_at("", more).await
}

/// The same, with these attributes of shell and this beside.
pub(super) async fn keeping_at(shell: &str, more: &str) -> World {
    World::made(|idp| {
        let okta = world::provider_patch("Okta", &idp.issuer, "callbackPath=\"/signin-okta\"");
        let sites = ["shell", "website"];
        format!(
            "{okta}{}{}<sites><site name=\"shell\" {shell} /></sites>{more}",
            keeps("Partner", &sites),
            keeps("Okta", &sites)
        )
    })
    .await
}

/// Maps the provider `name` to `sites`, which keep their users.
pub(super) fn keeps(name: &str, sites: &[&str]) -> String {
    let kept = world::mapping(name, sites).replace(">false</Is", ">true</Is");
    kept.replace(&format!("\"{name} of the test\""), &format!("\"{name} of those who are kept\""))
}

/// Where a sign-in at shell with the provider `name` begins.
pub(super) fn start(name: &str) -> String {
    format!("/identity/login/shell/{name}?returnUrl=%2Fsitecore%2Fshell%2F")
}

/// Signs in at shell with the provider `name`; the page that comes of it.
pub(super) async fn sign_in(browser: &mut Browser, name: &str) -> Answer {
    browser.go(&start(name)).await
}

/// The same by a form of the site's own sign-in page.
pub(super) async fn deliberately(browser: &mut Browser, name: &str) -> Answer {
    let form = format!(
        "/identity/externallogin?authenticationType={name}&ReturnUrl=%2Fsitecore%2Fshell%2F&sc_site=shell"
    );
    let first = browser.send(browser.navigation("POST", &form, "same-origin").form(&[])).await;
    browser.follow(first).await
}

/// What the CMS is told of whoever `browser` is: name and roles. `None` when it is told nothing.
pub(super) async fn told(world: &World, browser: &Browser) -> Option<(String, String)> {
    browser.cookie(world::SESSION)?;
    world.cms.clear();
    world.raw_get("/sitecore/shell/x", &cookie_line(browser)).await;
    if world.cms.count() == 0 {
        return None;
    }
    let seen = world.cms.last();
    let header = |name: &str| seen.header(name).unwrap_or_default().to_owned();
    Some((header("x-forwarded-user"), header("x-forwarded-groups")))
}

/// The user's name that the CMS is told.
pub(super) async fn name(world: &World, browser: &Browser) -> String {
    told(world, browser).await.expect("somebody is signed in").0
}

/// The account that an identity signs in as.
pub(super) async fn account(world: &World, provider: &str, subject: &str) -> Account {
    let found = accounts(world).of_login(provider, subject).await.unwrap();
    found.unwrap_or_else(|| panic!("no account of {subject} at {provider}"))
}

/// Changes the account called `name`.
pub(super) async fn change(world: &World, name: &str, change: impl Fn(&mut Account)) {
    let mut account = accounts(world).find(name).await.unwrap().unwrap();
    change(&mut account);
    accounts(world).save(&account, false).await.unwrap();
}

/// Everybody who is kept.
pub(super) fn accounts(world: &World) -> &Accounts {
    world.gateway.app.accounts()
}

/// Jane with `more` claims in place of hers.
pub(super) fn jane_with(more: &Value) -> Value {
    let mut jane = provider::jane();
    for (name, value) in more.as_object().unwrap() {
        jane[name] = value.clone();
    }
    jane
}

/// Jane without her groups.
pub(super) fn jane_without_groups() -> Value {
    jane_with(&json!({ "groups": [] }))
}
