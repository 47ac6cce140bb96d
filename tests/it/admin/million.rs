//! What the pages cost beside very many users and sessions. Not for every day: `loadtest/users` fills a
//! store and runs this on it.

use std::time::Duration;
use std::time::Instant;

use url::form_urlencoded;
use vestibule::app::App;
use vestibule::config::model::SessionSettings;
use vestibule::config::model::StoreAddress;
use vestibule::session::Identity;
use vestibule::store::accounts::Cursor;
use vestibule::store::accounts::Field;
use vestibule::store::register::Register;
use vestibule::store::register::Which;
use vestibule::store::sql::Database;

use crate::admin::desk::Desk;
use crate::support::browser::Browser;
use crate::support::wire::Wire;

/// Live sessions, nine in ten of kept users.
const SESSIONS: usize = 100_000;

/// Requests of each page, and the time in which they have to be through.
const TIMES: usize = 200;
const PATIENCE: Duration = Duration::from_secs(20);

/// Longest time that a page may take on the server; an unoptimised one takes what it takes.
const GOAL: Duration = Duration::from_millis(100);

/// A kept connection to the pages, so that what is measured is their work and not its making.
struct Line {
    wire: Wire,
    host: String,
    cookies: String,
}

impl Line {
    async fn open(desk: &Desk, keeper: &Browser) -> Self {
        let port = desk.chain.gateway.port;
        let cookies = keeper.jar.header("admin.localhost", "/vestibule/", false).unwrap();
        let wire = Wire::tls(port, "admin.localhost").await;
        Self { wire, host: format!("admin.localhost:{port}"), cookies }
    }

    /// From the request to the last byte of the page, of which there are so many.
    async fn get(&mut self, path: &str) -> (Duration, usize) {
        let Self { wire, host, cookies } = self;
        let began = Instant::now();
        let head = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookies}\r\n\r\n");
        wire.send(head).await;
        let page = wire.answer().await;
        let took = began.elapsed();
        assert_eq!(page.status, 200, "{path}: {}", page.gist());
        (took, page.body.len())
    }

    async fn measure(&mut self, what: &str, path: impl Fn(usize) -> String) {
        let (mut times, mut bytes, began) = (Vec::new(), 0, Instant::now());
        // The first one fills what is kept in memory, as it would be.
        self.get(&path(TIMES)).await;
        while times.len() < TIMES && began.elapsed() < PATIENCE {
            let (took, length) = self.get(&path(times.len())).await;
            times.push(took);
            bytes = bytes.max(length);
        }
        times.sort();
        let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_secs_f64() * 1000.0;
        let (p50, p99, kilobytes) = (at(50), at(99), bytes / 1024);
        eprintln!("| {what} | {p50:.1} | {p99:.1} | {kilobytes} | {} |", times.len());
        assert!(cfg!(debug_assertions) || p99 < GOAL.as_secs_f64() * 1000.0, "{what}: {p99}");
    }
}

/// The user with this number, as `loadtest/users` makes them.
fn user(number: usize) -> String {
    let number = number * 10 % 1_000_000;
    format!("sitecore\\user{number:07}")
}

fn begin(app: &App, model: &Identity) {
    let settings = SessionSettings { capacity: 2 * SESSIONS, ..app.config().sessions.clone() };
    for number in 0..SESSIONS {
        let mut identity = model.clone();
        identity.persistent = number % 10 > 0;
        identity.user.is_administrator = false;
        identity.user.name = user(number);
        if !identity.persistent {
            identity.user.name = format!("extranet\\virtual{number:07}");
        }
        identity.provider = if number % 3 == 0 { "Okta".into() } else { "Partner".into() };
        identity.subject = format!("sub|{number:07}");
        identity.site = if number % 1000 == 0 { "website".into() } else { "shell".into() };
        app.sessions().begin(identity, &settings);
    }
}

/// Waits until the register tells of every session: writing it is work of another kind.
async fn until_registered(store: &str) {
    let database = Database::open(&StoreAddress::Sqlite(store.into())).await.unwrap().unwrap();
    let register = Register::open(database);
    let began = Instant::now();
    while began.elapsed() < Duration::from_mins(5) {
        let now = vestibule::clock::Timestamp(0);
        let live = register.list(Which::All, SESSIONS, now).await;
        if live.is_ok_and(|live| live.len() == SESSIONS) {
            let took = began.elapsed();
            return eprintln!("{SESSIONS} sessions were in the register after {took:.0?}");
        }
        tokio::time::sleep(Duration::from_secs(3)).await;
    }
    panic!("the register is not written");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it needs the store of loadtest/users"]
async fn every_page_over_a_million_users_and_a_hundred_thousand_sessions() {
    let store = std::env::var("VESTIBULE_TEST_USERS").expect("loadtest/users says where");
    let patch = format!(r#"<gateway><users set:store="sqlite:{store}" /></gateway>"#);
    let desk = Desk::with(&patch).await;
    let keeper = desk.keeper().await;
    let app = &desk.chain.gateway.app;
    let model = app.sessions().of_user("sitecore\\admin").remove(0).identity.clone();
    begin(app, &model);
    until_registered(&store).await;
    let middle = {
        let sessions = app.sessions().all();
        let mut ids: Vec<_> = sessions.iter().map(|s| (s.began_at, &s.public_id)).collect();
        ids.sort();
        let (began_at, id) = ids[ids.len() / 2];
        format!("{}-{id}", began_at.0)
    };
    let mut line = Line::open(&desk, &keeper).await;
    eprintln!("| page | p50 ms | p99 ms | KB | times |\n|---|---|---|---|---|");
    users(&mut line).await;
    sessions(&mut line, &middle).await;
    for (what, path) in [
        ("access", "/vestibule/access"),
        ("configuration", "/vestibule/configuration"),
        ("funnel", "/vestibule/funnel"),
    ] {
        line.measure(what, |_| path.to_owned()).await;
    }
    line.measure("access of one user", |number| {
        address("access", &[("user", &user(number)), ("site", "shell")])
    })
    .await;
}

async fn users(line: &mut Line) {
    line.measure("users", |_| "/vestibule/users".to_owned()).await;
    for (what, text) in [
        ("of one domain", "sitecore\\"),
        ("a local name that a million has", "user"),
        ("an address that a million has", "first"),
        ("a subject of 250 000", "sub|"),
        ("nobody", "zzz"),
    ] {
        line.measure(&format!("users, search: {what}"), |_| address("users", &[("search", text)]))
            .await;
    }
    line.measure("users, search: one name", |n| address("users", &[("search", &user(n))])).await;
    line.measure("users, a deep page", |number| {
        let name = user(number * 4_999);
        let after = Cursor { field: Field::Name, value: name.clone(), name }.write();
        address("users", &[("search", ""), ("after", &after)])
    })
    .await;
    line.measure("one user", |number| address("user", &[("name", &user(number))])).await;
    line.measure("one user, before the delete", |number| {
        address("user/delete", &[("name", &user(number))])
    })
    .await;
}

async fn sessions(line: &mut Line, middle: &str) {
    for (what, query) in [
        ("sessions", &[][..]),
        ("sessions of a user", &[("user", "sitecore\\user0012350")]),
        ("sessions of names that begin alike", &[("user", "user00")]),
        ("sessions at a site", &[("site", "website")]),
        ("sessions from a provider", &[("provider", "Okta")]),
        (
            "sessions, all filters",
            &[("user", "sitecore\\"), ("site", "shell"), ("provider", "Okta")],
        ),
        ("sessions, a deep page", &[("after", middle)]),
        ("sessions, before those of a provider end", &[("end", "Okta")]),
    ] {
        let path = match query {
            [("end", provider)] => address("sessions/end", &[("from", provider)]),
            _ => address("sessions", query),
        };
        line.measure(what, |_| path.clone()).await;
    }
}

fn address(page: &str, query: &[(&str, &str)]) -> String {
    let mut text = form_urlencoded::Serializer::new(String::new());
    format!("/vestibule/{page}?{}", text.extend_pairs(query).finish())
}
