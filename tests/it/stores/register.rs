//! The register of live sessions, in every database and behind a running gateway.

use std::time::Duration;

use sqlx::Executor;
use vestibule::clock::Clock;
use vestibule::clock::Timestamp;
use vestibule::config::model::StoreAddress;
use vestibule::store::register::Register;
use vestibule::store::register::Registered;
use vestibule::store::register::Which;
use vestibule::store::sql::Database;

use crate::stores::NOW;
use crate::stores::addresses;
use crate::stores::file;
use crate::stores::handle;
use crate::stores::sqlite::beside;
use crate::support::provider;
use crate::support::world::World;
use crate::support::world::cookie_line;
use crate::tunnels::echoing;
use crate::tunnels::own_origin;
use crate::tunnels::upgrade;

async fn open(address: &StoreAddress) -> Register {
    Register::open(Database::open(address).await.unwrap().unwrap())
}

fn session(user: &str, provider: &str, began_at: i64) -> (String, Option<Registered>) {
    let id = handle();
    let (user, provider, site) = (user.to_owned(), provider.to_owned(), "shell".to_owned());
    let (began_at, ends_at) = (Timestamp(began_at), Timestamp(NOW.0 + 10_000));
    (id.clone(), Some(Registered { id, user, provider, site, began_at, ends_at }))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_gateways_write_is_listed_and_asked_for_by_whom_and_whence() {
    let (addresses, _folder) = addresses();
    for (name, address) in addresses {
        let (here, there) = (open(&address).await, open(&address).await);
        let (one, two, tag) = (handle(), handle(), handle());
        let (jane, okta) = (format!("Sitecore\\Jané{tag}"), format!("Okta{tag}"));
        let first = session(&jane, &okta, NOW.0);
        let second = session(&jane.to_lowercase(), &format!("okta{tag}"), NOW.0 + 1);
        let third = session(&format!("sitecore\\bob{tag}"), &okta, NOW.0 + 2);
        assert!(!here.beat(&one, NOW).await.unwrap(), "{name}");
        assert!(here.beat(&one, NOW).await.unwrap(), "{name}");
        there.beat(&two, NOW).await.unwrap();
        here.write(&one, &[first.clone(), second.clone()]).await.unwrap();
        there.write(&two, std::slice::from_ref(&third)).await.unwrap();
        let list = async |which: Which<'_>, limit, now| -> Vec<String> {
            let listed = there.list(which, limit, Timestamp(now)).await.unwrap();
            listed.into_iter().map(|session| session.id).collect()
        };
        let (first_id, second_id, third_id) = (&first.0, &second.0, &third.0);
        let all = there.list(Which::Id(first_id), 9, NOW).await.unwrap();
        assert_eq!(all, [first.1.clone().unwrap()], "{name}");
        let janes = list(Which::User(&jane.to_uppercase()), 9, NOW.0).await;
        assert_eq!(janes, [second_id.as_str(), first_id], "{name}: the last first");
        let one_of = list(Which::User(&jane), 1, NOW.0).await;
        assert_eq!(one_of, [second_id.as_str()], "{name}");
        let of_okta = list(Which::Provider(&okta), 9, NOW.0).await;
        assert_eq!(of_okta, [third_id.as_str(), first_id], "{name}");
        let everybody = list(Which::All, 100_000, NOW.0).await;
        assert!([first_id, second_id, third_id].iter().all(|id| everybody.contains(id)), "{name}");
        assert!(list(Which::Provider(&okta), 9, NOW.0 + 10_000).await.is_empty(), "{name}: over");

        assert_eq!(there.ask_to_end(Which::Provider(&okta), NOW).await.unwrap(), 2, "{name}");
        assert_eq!(here.asked(&one).await.unwrap(), [first_id.as_str()], "{name}");
        assert_eq!(there.asked(&two).await.unwrap(), [third_id.as_str()], "{name}");
        // What is written once more stays asked for.
        here.write(&one, std::slice::from_ref(&first)).await.unwrap();
        assert_eq!(here.asked(&one).await.unwrap(), [first_id.as_str()], "{name}");
        here.write(&one, &[(first_id.clone(), None), (third_id.clone(), None)]).await.unwrap();
        assert!(here.asked(&one).await.unwrap().is_empty(), "{name}");
        let of_okta = list(Which::Provider(&okta), 9, NOW.0).await;
        assert_eq!(of_okta, [third_id.as_str()], "{name}: another gateway's stays");
        assert_eq!(there.ask_to_end(Which::Id(first_id), NOW).await.unwrap(), 0, "{name}");
        assert_eq!(there.ask_to_end(Which::User(&jane), NOW).await.unwrap(), 1, "{name}");
        here.leave(&one).await.unwrap();
        there.leave(&two).await.unwrap();
        assert!(list(Which::User(&jane), 9, NOW.0).await.is_empty(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_silent_for_a_minute_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let register = open(&file(folder.path().join("v.db"))).await;
    register.beat("one", NOW).await.unwrap();
    register.beat("two", Timestamp(NOW.0 + 30)).await.unwrap();
    let many: Vec<_> = (0..2_100).map(|_| session("jane", "Okta", NOW.0)).collect();
    register.write("one", &many).await.unwrap();
    let bobs = session("bob", "Okta", NOW.0);
    register.write("two", std::slice::from_ref(&bobs)).await.unwrap();
    let late = Timestamp(NOW.0 + 60);
    assert_eq!(register.written("one").await.unwrap().len(), 2_100);
    let listed = register.list(Which::All, 10, late).await.unwrap();
    assert_eq!(listed, [bobs.1.unwrap()]);
    assert_eq!(register.ask_to_end(Which::User("jane"), late).await.unwrap(), 0);
    register.sweep(late).await.unwrap();
    assert!(register.written("one").await.unwrap().is_empty());
    assert_eq!(register.written("two").await.unwrap().len(), 1);
    assert!(!register.beat("one", late).await.unwrap(), "it has to write anew");
}

/// A world over an SQLite file, and its register as an operator's command opens it.
async fn world() -> (World, Register) {
    let patch = r#"<gateway><users set:store="sqlite:{folder}/data/v.db" /></gateway>"#;
    let world = echoing(patch).await;
    let register = open(&file(world.gateway.folder.path("data/v.db"))).await;
    (world, register)
}

async fn listed(world: &World, register: &Register, which: Which<'_>, count: usize) {
    for _ in 0..60 {
        let found = register.list(which, 10, world.clock.now()).await.unwrap();
        if found.len() == count {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{which:?} is never {count}");
}

#[tokio::test]
async fn who_is_signed_in_is_listed_and_goes_when_an_operator_asks() {
    let (world, register) = world().await;
    let jane = cookie_line(&world.jane().await);
    let bob = cookie_line(&world.signed_in(provider::bob()).await);
    listed(&world, &register, Which::All, 2).await;
    let found = register.list(Which::Provider("Partner"), 10, world.clock.now()).await.unwrap();
    assert!(found.iter().all(|session| session.site == "shell" && session.id.len() == 32));
    let janes = found.iter().find(|session| session.user.contains("jane")).unwrap();
    let lines = format!("{jane}{}", own_origin(&world));
    let (mut tunnel, status) = upgrade(&world, "/sitecore/shell/ws", &lines).await;
    assert_eq!(status, 101);
    assert_eq!(register.ask_to_end(Which::Id(&janes.id), world.clock.now()).await.unwrap(), 1);
    assert!(tunnel.closes_within(Duration::from_secs(3)).await, "the tunnel stays open");
    listed(&world, &register, Which::All, 1).await;
    assert_eq!(world.raw_get("/sitecore/shell/", &jane).await.status, 401);
    assert_eq!(world.raw_get("/sitecore/shell/", &bob).await.status, 200);
    let World { gateway, .. } = world;
    let clock = Clock::system();
    gateway.app.drain().await;
    let left = register.list(Which::All, 10, clock.now()).await.unwrap();
    assert_eq!(left, [], "who goes properly leaves nothing behind");
}

#[tokio::test]
async fn a_register_that_cannot_be_written_holds_nobody_up_and_is_caught_up_with() {
    let (world, register) = world().await;
    listed(&world, &register, Which::All, 0).await;
    let mut other = beside(&world.gateway.folder.path("data/v.db")).await;
    other.execute("begin immediate").await.unwrap();
    let jane = cookie_line(&world.jane().await);
    assert_eq!(world.raw_get("/sitecore/shell/", &jane).await.status, 200);
    tokio::time::sleep(Duration::from_secs(1)).await;
    other.execute("rollback").await.unwrap();
    listed(&world, &register, Which::All, 1).await;
}
