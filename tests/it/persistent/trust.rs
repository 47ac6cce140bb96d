//! Whose word is taken: issuers that change, the identity server's names, tokens, and a store that is
//! down.

use serde_json::json;
use sqlx::Connection;
use sqlx::Executor;
use vestibule::store::accounts::Account;

use crate::persistent::account;
use crate::persistent::accounts;
use crate::persistent::change;
use crate::persistent::keeping;
use crate::persistent::keeps;
use crate::persistent::name;
use crate::persistent::sign_in;
use crate::persistent::told;
use crate::stores;
use crate::support::chain::Chain;
use crate::support::chain::PASSWORD;
use crate::support::provider;
use crate::support::provider::FakeProvider;
use crate::support::wire::Answer;
use crate::support::world::SESSION;
use crate::support::world::cookie_line;

#[tokio::test]
async fn m292_another_issuer_under_the_provider_s_name_brings_other_people() {
    let kept = keeps("Partner", &["shell"]);
    let world = keeping("").await;
    world.jane().await;
    let jane = account(&world, "Partner", "jane-4711").await;
    let other = FakeProvider::start(&world.clock).await;
    other.person(provider::jane());
    let moved = |more: &str| {
        let issuer = &other.issuer;
        let connection = format!(
            r#"<gateway><connections><connection provider="Partner" set:authority="{issuer}" {more} /></connections></gateway>"#
        );
        format!("{connection}{kept}")
    };
    world.patch(&moved("")).await;
    let mut browser = world.browser();
    let page = sign_in(&mut browser, "Partner").await;
    assert_eq!((page.status, browser.cookie(SESSION)), (403, None), "{}", page.gist());
    assert!(page.text().contains("not the provider any more"), "{}", page.gist());
    let before = format!("set:formerIssuers=\"{}\"", world.idp.issuer);
    world.patch(&moved(&before)).await;
    let mut browser = world.browser();
    sign_in(&mut browser, "Partner").await;
    assert_eq!(name(&world, &browser).await, jane.name);
}

/// A house whose shell keeps its users, who sign in at its own identity server.
async fn house() -> Chain {
    Chain::with(&keeps("SitecoreIdentityServer", &["shell"])).await
}

/// What the CMS is told of whoever signs in as jane: name and roles, or the page that refuses.
async fn jane(chain: &Chain) -> Result<(String, String), Answer> {
    let mut browser = chain.browser();
    let page = chain.sign_in(&mut browser, "jane", PASSWORD).await;
    if page.status != 200 {
        return Err(page);
    }
    let seen = chain.cms.last();
    let header = |name: &str| seen.header(name).unwrap_or_default().to_owned();
    Ok((header("x-forwarded-user"), header("x-forwarded-groups")))
}

#[tokio::test]
async fn a_local_user_of_the_identity_server_is_the_account_of_that_name() {
    let chain = house().await;
    let accounts = chain.gateway.app.accounts();
    let mut laid_out = Account { name: "Sitecore\\Jane".to_owned(), ..Account::default() };
    laid_out.give_role("sitecore\\Developer");
    accounts.add(&laid_out, None, false).await.unwrap();
    let roles = "sitecore\\Developer,sitecore\\Author,sitecore\\Designer".to_owned();
    assert_eq!(jane(&chain).await.unwrap(), ("Sitecore\\Jane".to_owned(), roles));
    let logins = accounts.logins("sitecore\\jane").await.unwrap();
    assert_eq!((logins.len(), logins[0].provider.as_str()), (1, "SitecoreIdentityServer"));
    let kept = accounts.find("sitecore\\jane").await.unwrap().unwrap();
    assert_eq!(kept.email(), Some("jane@local.test"));
    let disabled = Account { disabled: true, ..kept };
    accounts.save(&disabled, false).await.unwrap();
    assert_eq!(jane(&chain).await.unwrap_err().status, 403);
}

#[tokio::test]
async fn a_local_user_who_is_new_gets_the_account_of_that_name() {
    let chain = house().await;
    assert_eq!(jane(&chain).await.unwrap().0, "sitecore\\jane");
    assert_eq!(jane(&chain).await.unwrap().0, "sitecore\\jane");
    let kept = chain.gateway.app.accounts().find("sitecore\\jane").await.unwrap().unwrap();
    assert_eq!(kept.history.len(), 2, "{:?}", kept.history);
}

#[tokio::test]
async fn what_was_unlinked_is_not_taken_back_by_its_name() {
    let chain = house().await;
    let accounts = chain.gateway.app.accounts();
    assert!(jane(&chain).await.is_ok());
    let login = &accounts.logins("sitecore\\jane").await.unwrap()[0];
    accounts.unlink("sitecore\\jane", &login.provider, &login.subject).await.unwrap();
    assert_eq!(jane(&chain).await.unwrap_err().status, 403);
    assert_eq!(accounts.logins("sitecore\\jane").await.unwrap(), []);
}

#[tokio::test]
async fn whom_the_identity_server_calls_otherwise_than_it_did_is_somebody_else() {
    let chain = house().await;
    let accounts = chain.gateway.app.accounts();
    let subject = vestibule::users::subject::local("sitecore\\jane");
    let old = Account { name: "sitecore\\jane.old".to_owned(), ..Account::default() };
    let login = stores::login("SitecoreIdentityServer", &subject);
    accounts.add(&old, Some(&login), false).await.unwrap();
    for _ in 0..2 {
        assert_eq!(jane(&chain).await.unwrap().0, "sitecore\\jane");
    }
    assert_eq!(accounts.logins(&old.name).await.unwrap(), []);
    assert_eq!(accounts.logins("sitecore\\jane").await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_account_of_another_provider_s_people_is_no_local_user_s() {
    let chain = house().await;
    let accounts = chain.gateway.app.accounts();
    let theirs = Account { name: "sitecore\\jane".to_owned(), ..Account::default() };
    accounts.add(&theirs, Some(&stores::login("Partner", "4711")), false).await.unwrap();
    let refused = jane(&chain).await.unwrap_err();
    assert_eq!(refused.status, 403, "{}", refused.gist());
    assert!(refused.text().contains("belongs to another account here"), "{}", refused.gist());
    assert_eq!(accounts.logins("sitecore\\jane").await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_store_that_is_down_refuses_sign_ins_for_now_while_sessions_go_on() {
    let stored = r#"<gateway><users set:store="sqlite:{folder}/kept.db" /></gateway>"#;
    let world = keeping(stored).await;
    let before = world.jane().await;
    let file = world.gateway.folder.path("kept.db");
    let mut other = sqlx::SqliteConnection::connect(&file.display().to_string()).await.unwrap();
    // Another process holds the file and does not let go.
    other.execute("begin immediate").await.unwrap();
    world.idp.person(json!({ "sub": "new" }));
    let mut browser = world.browser();
    let page = sign_in(&mut browser, "Partner").await;
    assert_eq!((page.status, browser.cookie(SESSION)), (503, None), "{}", page.gist());
    assert!(page.text().contains("cannot be looked up") && page.header("retry-after").is_some());
    assert!(told(&world, &before).await.is_some());
    other.execute("rollback").await.unwrap();
    let page = sign_in(&mut browser, "Partner").await;
    assert_eq!(page.status, 200, "{}", page.gist());
    assert_eq!(name(&world, &browser).await, account(&world, "Partner", "new").await.name);
}

#[tokio::test]
async fn what_is_kept_outlives_the_session() {
    let world = keeping("").await;
    let browser = world.jane().await;
    let jane = account(&world, "Partner", "jane-4711").await;
    change(&world, &jane.name, |jane| jane.set_property("Phone", "555")).await;
    world.gateway.app.sessions().end_where(|_| true, vestibule::session::End::SignOut);
    world.cms.clear();
    world.raw_get("/sitecore/shell/x", &cookie_line(&browser)).await;
    assert_eq!(world.cms.count(), 0);
    world.jane().await;
    let again = account(&world, "Partner", "jane-4711").await;
    assert_eq!((again.name, again.properties["Phone"].as_str()), (jane.name, "555"));
    assert!(accounts(&world).remove("sitecore\\nobody").await.is_ok_and(|gone| !gone));
}
