//! A gateway whose database server goes away, or is silent, and comes back.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use sqlx::AnyConnection;
use sqlx::AssertSqlSafe;
use sqlx::Connection;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::watch;
use vestibule::config::model::StoreAddress;

use crate::stores::addresses;
use crate::stores::handle;
use crate::support::provider;
use crate::support::world::World;
use crate::support::world::cookie_line;

/// How the way to the server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Open,
    /// Connections are closed, and so are new ones.
    Cut,
    /// Connections stay, and nothing passes.
    Silent,
}

/// A way to a server that can be cut.
struct Proxy {
    address: SocketAddr,
    way: Arc<watch::Sender<Way>>,
}

impl Proxy {
    async fn start(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let way = Arc::new(watch::Sender::new(Way::Open));
        let ways = Arc::clone(&way);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, server.clone(), ways.subscribe()));
            }
        });
        Self { address, way }
    }
}

async fn pass(mut client: TcpStream, server: String, mut way: watch::Receiver<Way>) {
    let Ok(mut server) = TcpStream::connect(server).await else { return };
    loop {
        let now = *way.borrow_and_update();
        if now == Way::Cut {
            return;
        }
        let copying = async {
            if now == Way::Silent {
                std::future::pending::<()>().await;
            }
            tokio::io::copy_bidirectional(&mut client, &mut server).await.ok();
        };
        tokio::select! {
            () = copying => return,
            changed = way.changed() => if changed.is_err() { return },
        }
    }
}

async fn signs_in(world: &World, person: serde_json::Value) -> u16 {
    world.idp.person(person);
    world.browser().go("/sitecore/shell/").await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_is_away_sign_ins_fail_with_503_and_live_sessions_go_on() {
    let (addresses, _folder) = addresses();
    for (name, address) in addresses.into_iter().filter(|(name, _)| *name == "PostgreSQL") {
        let StoreAddress::Postgres(database) = &address else { panic!("{name}") };
        let mut url = url::Url::parse(database.url.expose()).unwrap();
        // A database of its own: a gateway makes signing keys, which others count.
        sqlx::any::install_default_drivers();
        let mut owner = AnyConnection::connect(url.as_str()).await.unwrap();
        let own = format!("outage_{}", handle());
        let create = AssertSqlSafe(format!("create database {own}"));
        sqlx::query(create).execute(&mut owner).await.unwrap();
        url.set_path(&own);
        let port = url.port().unwrap();
        let proxy = Proxy::start(format!("{}:{port}", url.host_str().unwrap())).await;
        url.set_port(Some(proxy.address.port())).unwrap();
        let patch = format!("<gateway><users set:store=\"{url}\" /></gateway>");
        let world = World::with(&patch).await;
        let jane = cookie_line(&world.jane().await);
        for way in [Way::Cut, Way::Silent] {
            proxy.way.send_replace(way);
            let began = Instant::now();
            assert_eq!(signs_in(&world, provider::bob()).await, 503, "{name} {way:?}");
            let took = began.elapsed();
            assert!(took < Duration::from_secs(9), "{name} {way:?}: {took:?}");
            let live = world.raw_get("/sitecore/shell/", &jane).await;
            assert_eq!(live.status, 200, "{name} {way:?}: {}", live.gist());
            assert_eq!(world.gateway.ask("/healthz/ready").await.status, 200);
            proxy.way.send_replace(Way::Open);
            let mut status = 0;
            for _ in 0..20 {
                status = signs_in(&world, provider::bob()).await;
                if status == 200 {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(250)).await;
            }
            assert_eq!(status, 200, "{name} {way:?}: it recovers by itself");
        }
    }
}
