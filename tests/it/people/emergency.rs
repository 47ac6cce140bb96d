//! Ways in that are left: past the identity server, while the store is down, and with a provider
//! while the password is closed.

use sqlx::Connection;
use sqlx::Executor;
use vestibule::crypto::password;
use vestibule::crypto::secret::Secret;
use vestibule::store::accounts::Account;
use vestibule::store::accounts::Accounts;
use vestibule::store::accounts::Added;

use crate::persistent;
use crate::support::browser::Browser;
use crate::support::chain::Chain;
use crate::support::chain::PASSWORD;
use crate::support::wire::Answer;
use crate::support::world::SESSION;

const SHELL: &str = "/sitecore/shell/x";

/// Ann, who is kept with a password and a role.
async fn add_ann(accounts: &Accounts) {
    let mut ann = Account {
        name: "sitecore\\ann".to_owned(),
        password_hash: Some(Secret::new(password::hash(&Secret::new(PASSWORD)).unwrap())),
        ..Account::default()
    };
    ann.give_role("sitecore\\Author");
    assert_eq!(accounts.add(&ann, None, false).await.unwrap(), Added::Done);
}

/// Types a name and a password past the identity server.
async fn break_glass(browser: &mut Browser, name: &str, password: &str) -> Answer {
    let form = browser.get("/sitecore/login?fbc=1").await;
    assert_eq!(form.status, 200, "{}", form.gist());
    browser.submit(&form, &[("username", name), ("password", password)]).await
}

#[tokio::test]
async fn a_user_of_the_store_signs_in_past_the_identity_server() {
    let chain = Chain::start().await;
    add_ann(chain.gateway.app.accounts()).await;
    let mut browser = chain.browser();
    let wrong = break_glass(&mut browser, "ann", "guess").await;
    assert_eq!((wrong.is_redirect(), browser.cookie(SESSION)), (false, None));
    let right = break_glass(&mut browser, "ANN", PASSWORD).await;
    assert!(right.is_redirect(), "{}", right.gist());
    assert_eq!(browser.go(SHELL).await.text(), format!("GET {SHELL}"));
    let seen = chain.cms.last();
    assert_eq!(seen.header("x-forwarded-user"), Some("sitecore\\ann"));
    assert_eq!(seen.header("x-forwarded-groups"), Some("sitecore\\Author"));
    let ann = chain.gateway.app.accounts().find("sitecore\\ann").await.unwrap().unwrap();
    assert_eq!(ann.last_sign_in.unwrap().provider, "local");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_store_is_down_users_of_the_configuration_are_let_in() {
    let chain = Chain::with("<gateway><users set:store=\"\" /></gateway>").await;
    add_ann(chain.gateway.app.accounts()).await;
    let file = chain.gateway.folder.path("data/vestibule.db");
    sqlx::any::install_default_drivers();
    let mut beside =
        sqlx::AnyConnection::connect(&format!("sqlite:{}", file.display())).await.unwrap();
    for table in ["users", "logins", "records", "sessions"] {
        let hide = format!("alter table vestibule_{table} rename to hidden_{table}");
        beside.execute(sqlx::AssertSqlSafe(hide)).await.unwrap();
    }
    for name in ["ann", "nobody", "ann"] {
        let mut browser = chain.browser();
        let refused = break_glass(&mut browser, name, PASSWORD).await;
        assert_eq!((refused.status, browser.cookie(SESSION)), (503, None), "{name}");
    }
    let mut browser = chain.browser();
    let wrong = break_glass(&mut browser, "jane", "guess").await;
    assert_eq!((wrong.status, browser.cookie(SESSION)), (200, None));
    let right = break_glass(&mut browser, "jane", PASSWORD).await;
    assert!(right.is_redirect(), "{}", right.gist());
    assert_eq!(browser.go(SHELL).await.text(), format!("GET {SHELL}"));

    let show = "alter table hidden_users rename to vestibule_users";
    beside.execute(show).await.unwrap();
    let right = break_glass(&mut chain.browser(), "ann", PASSWORD).await;
    assert!(right.is_redirect(), "what was not looked at did not count: {}", right.gist());
}

#[tokio::test]
async fn s350_who_guesses_passwords_keeps_nobody_from_signing_in_with_a_provider() {
    let world = persistent::keeping("").await;
    drop(world.jane().await);
    let jane = persistent::account(&world, "Partner", "jane-4711").await;
    let hash = password::hash(&Secret::new(PASSWORD)).unwrap();
    persistent::change(&world, &jane.name, |account| {
        account.password_hash = Some(Secret::new(&*hash));
    })
    .await;
    for _ in 0..5 {
        let wrong = break_glass(&mut world.browser(), &jane.name, "guess").await;
        assert_eq!(wrong.status, 200, "{}", wrong.gist());
    }
    let closed = break_glass(&mut world.browser(), &jane.name, PASSWORD).await;
    assert_eq!((closed.status, closed.header("retry-after")), (429, Some("600")));
    // From the same network, as the same user.
    let browser = world.jane().await;
    assert_eq!(persistent::name(&world, &browser).await, jane.name);
    world.later(600);
    let open = break_glass(&mut world.browser(), &jane.name, PASSWORD).await;
    assert!(open.is_redirect(), "{}", open.gist());
}
