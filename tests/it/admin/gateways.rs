//! Gateways that share a store: what an administrator does at one reaches the others, and what the
//! register could not tell is found out.

use std::path::Path;
use std::time::Duration;

use vestibule::config::model::StoreAddress;
use vestibule::crypto::password;
use vestibule::crypto::secret::Secret;
use vestibule::store::register::Register;
use vestibule::store::sql::Database;

use crate::acceptance::house::House;
use crate::acceptance::house::PASSWORD;
use crate::admin::desk::Desk;
use crate::admin::desk::form_with;
use crate::admin::desk::notice;
use crate::admin::desk::page_of;
use crate::admin::desk::post;
use crate::people;
use crate::support::browser::Browser;
use crate::support::wire::Answer;

const ANN: &str = "sitecore\\ann";

async fn two(folder: &Path) -> (Desk, Desk) {
    let file = folder.join("shared.db");
    let store = format!(r#"<gateway><users set:store="sqlite:{}" /></gateway>"#, file.display());
    tokio::join!(Desk::with(&store), Desk::with(&store))
}

/// The sessions page, once it tells of other gateways.
async fn elsewhere(keeper: &mut Browser, query: &str) -> Answer {
    for _ in 0..50 {
        let page = keeper.get(&format!("/vestibule/sessions{query}")).await;
        if page.text().contains("id=\"elsewhere\"") {
            return page;
        }
        // The register is written behind.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("no other gateway is told of");
}

async fn is_asked_to_sign_in(jane: &mut Browser) -> bool {
    for _ in 0..50 {
        let page = jane.go("/sitecore/shell/start").await;
        if page.text().contains("id=\"sign-in\"") {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    false
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_signed_in_at_another_gateway_is_listed_and_ended_there() {
    let folder = tempfile::tempdir().unwrap();
    let (here, there) = two(folder.path()).await;
    let mut jane = there.at_work("jane").await;
    let mut keeper = here.keeper().await;
    let page = elsewhere(&mut keeper, "?user=ja&site=shell").await;
    let text = page.text();
    let (own, others) = text.split_once("id=\"elsewhere\"").unwrap();
    assert!(own.contains("0 sessions."), "{}", page.gist());
    assert_eq!(others.matches("<th scope=\"row\">").count(), 1, "{others}");
    assert!(others.contains("<td>shell</td>\n<td>SitecoreIdentityServer</td>"), "{others}");
    for nobody in ["?user=bob", "?site=website", "?provider=Partner"] {
        let page = keeper.get(&format!("/vestibule/sessions{nobody}")).await;
        assert!(!page.text().contains("id=\"elsewhere\""), "{nobody}");
    }
    let id = others.split("name=\"session\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let fields = form_with(&page, "session", id);
    let done = post(&mut keeper, "/vestibule/sessions", &fields, &[]).await;
    let page = keeper.follow(done).await;
    assert_eq!(notice(&page), "The sessions are over. Yours, if it was among them, goes on.");
    assert!(is_asked_to_sign_in(&mut jane).await, "Jane is still signed in there");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_is_taken_is_gone_at_the_other_gateway_too() {
    let folder = tempfile::tempdir().unwrap();
    let (here, there) = two(folder.path()).await;
    let mut jane = there.at_work("jane").await;
    let mut at_home = here.at_work("jane").await;
    let mut keeper = here.keeper().await;
    elsewhere(&mut keeper, "?user=jane&site=shell").await;
    let page = keeper.get(&page_of("sitecore\\jane")).await;
    let fields = form_with(&page, "action", "end");
    let more = [("action", "take"), ("role", "sitecore\\Author")];
    let done = post(&mut keeper, "/vestibule/user", &fields, &more).await;
    let page = keeper.follow(done).await;
    assert!(notice(&page).starts_with("The role is taken"), "{}", notice(&page));
    assert!(is_asked_to_sign_in(&mut jane).await, "Jane has the role there");
    at_home.get("/sitecore/shell/again").await;
    let seen = here.chain.cms.last();
    assert_eq!(seen.target, "/sitecore/shell/again", "her session here goes on");
    assert_eq!(seen.header("x-forwarded-groups"), Some("sitecore\\Designer"));
}

/// A house in which `sitecore\ann` is kept, with an administrator.
async fn house() -> House {
    let hash = password::hash(&Secret::new(PASSWORD)).unwrap();
    let admin = format!(
        r#"<gateway><localUsers><user name="sitecore\admin" passwordHash="{hash}" administrator="true" /></localUsers></gateway>"#
    );
    let house = House::with("", &admin).await;
    people::add(&house, "ann", &hash).await;
    house
}

async fn signed_in(house: &House) -> Browser {
    let mut browser = house.browser();
    let answer = people::type_in(house, &mut browser, "ann", PASSWORD).await;
    assert!(answer.is_redirect(), "{}", answer.gist());
    browser
}

/// The public names of Ann's sessions.
fn sessions(house: &House) -> Vec<String> {
    let sessions = house.gateway.app.sessions().of_user(ANN);
    sessions.iter().map(|session| session.public_id.clone()).collect()
}

async fn are_left(house: &House, expected: &[String], seconds: u32) {
    for _ in 0..seconds * 10 {
        if sessions(house) == expected {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{:?} are there, and not {expected:?}", sessions(house));
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_that_the_command_line_takes_end_the_sessions() {
    let house = house().await;
    for words in [&["--take-role", "sitecore\\author"][..], &["--administrator=false"]] {
        signed_in(&house).await;
        assert_eq!(sessions(&house).len(), 1);
        let words = [&["user", "set", "ann"], words].concat();
        let ended = people::beside(&house, &words, "");
        assert_eq!(ended.out, "changed sitecore\\ann; sessions that end: 1\n", "{ended:?}");
        are_left(&house, &[], 5).await;
    }
    let kept = people::accounts(&house).await.find(ANN).await.unwrap().unwrap();
    assert!(kept.roles.is_empty(), "{kept:?}");
    signed_in(&house).await;
    let words = ["user", "set", "ann", "--role", "sitecore\\Author"];
    assert_eq!(people::beside(&house, &words, "").out, "changed sitecore\\ann\n");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(sessions(&house).len(), 1, "a role that is given ends nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_begins_while_its_user_is_disabled_ends_all_the_same() {
    let house = house().await;
    signed_in(&house).await;
    let app = &house.gateway.app;
    let identity = app.sessions().of_user(ANN).remove(0).identity.clone();
    let accounts = people::accounts(&house).await;
    let mut ann = accounts.find(ANN).await.unwrap().unwrap();
    ann.disabled = true;
    accounts.save(&ann, false).await.unwrap();
    // It was let in a moment before, and stands in no register yet.
    app.sessions().begin(identity, &app.config().sessions);
    are_left(&house, &[], 5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_the_store_had_lost_finds_out_what_was_changed() {
    let house = house().await;
    signed_in(&house).await;
    let spared = sessions(&house);
    signed_in(&house).await;
    house.later(5);
    let file = house.gateway.folder.path("data/vestibule.db");
    let database = Database::open(&StoreAddress::Sqlite(file)).await.unwrap().unwrap();
    let register = Register::open(database);
    let accounts = people::accounts(&house).await;
    let mut ann = accounts.find(ANN).await.unwrap().unwrap();
    ann.end_sessions(house.clock.now(), spared.clone());
    accounts.save(&ann, false).await.unwrap();
    assert_eq!(sessions(&house).len(), 2);
    // A minute of silence, as another gateway sees it.
    register.sweep(house.clock.now().plus(Duration::from_secs(61))).await.unwrap();
    are_left(&house, &spared, 20).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_inherits_what_was_granted_to_a_deleted_user() {
    let house = house().await;
    let mut browser = signed_in(&house).await;
    let scope = [("scope", "openid offline_access")];
    let reply = house.authorize_as(&mut browser, "ann", "web", &scope).await;
    let tokens = house.redeem("web", reply.sent("code")).await.json();
    let mut keeper = Browser::new(&format!("https://admin.localhost:{}/", house.gateway.port));
    let page = keeper.go("/sitecore/login?fbc=1&returnUrl=%2Fvestibule%2Fusers").await;
    let fields = [("username", "admin"), ("password", PASSWORD)];
    let answer = keeper.submit(&page, &fields).await;
    keeper.follow(answer).await;
    let asked = keeper.get("/vestibule/user/delete?name=sitecore%5Cann").await;
    let fields = form_with(&asked, "action", "delete");
    let done = post(&mut keeper, "/vestibule/user", &fields, &[]).await;
    let page = keeper.follow(done).await;
    assert_eq!(notice(&page), "The user is deleted, and the user's sessions are over.");

    people::add(&house, "ann", &password::hash(&Secret::new(PASSWORD)).unwrap()).await;
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
    let refused = house.token("web", &form).await;
    assert_eq!((refused.status, refused.json()["error"].as_str()), (400, Some("invalid_grant")));
}
