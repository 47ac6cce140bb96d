//! PROXY protocol: from listed peers only, and from them always.

use tokio::io::AsyncWriteExt;
use vestibule::config::model::ListenerKind;
use vestibule::config::model::Timeouts;
use vestibule::listen::Rules;

use crate::listen::raw::GET;
use crate::listen::raw::ask;
use crate::listen::raw::connect;
use crate::listen::raw::rest;
use crate::listen::service::House;
use crate::listen::service::SHORT;
use crate::listen::service::limits;
use crate::listen::service::listener;
use crate::listen::service::open;
use crate::listen::service::patient;
use crate::listen::service::plain;

fn behind_a_balancer() -> House {
    let mut listener = listener(ListenerKind::Plain);
    listener.proxy_protocol = vec!["127.0.0.1".parse().unwrap()];
    let timeouts = Timeouts { handshake: SHORT, ..patient() };
    let mut limits = limits();
    limits.connections_per_address = 1;
    open(listener, Rules { limits, timeouts })
}

#[tokio::test]
async fn version_1_says_who_the_client_is_and_the_port_stays_ours() {
    let house = behind_a_balancer();
    let mut client = connect(house.address).await;
    client.write_all(b"PROXY TCP4 192.0.2.7 198.51.100.1 5").await.unwrap();
    tokio::time::sleep(SHORT / 8).await;
    client.write_all(b"6324 443\r\n").await.unwrap();
    let answer = ask(&mut client, GET).await;
    assert!(answer.contains("peer=192.0.2.7:56324 "), "{answer}");
    assert!(answer.contains(&format!("port={} ", house.address.port())), "{answer}");
}

#[tokio::test]
async fn version_2_may_come_in_one_segment_with_the_request() {
    let house = behind_a_balancer();
    let mut client = connect(house.address).await;
    let mut bytes = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".to_vec();
    bytes.extend([192, 0, 2, 8, 198, 51, 100, 1, 0xdc, 0x04, 0x01, 0xbb]);
    bytes.extend(GET);
    let answer = ask(&mut client, &bytes).await;
    assert!(answer.contains("peer=192.0.2.8:56324 "), "{answer}");
}

#[tokio::test]
async fn local_keeps_the_peer() {
    let house = behind_a_balancer();
    let mut client = connect(house.address).await;
    let mut bytes = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0".to_vec();
    bytes.extend(GET);
    let answer = ask(&mut client, &bytes).await;
    assert!(answer.contains("peer=127.0.0.1:"), "{answer}");
}

#[tokio::test]
async fn a_listed_peer_must_send_a_header_and_soon() {
    let house = behind_a_balancer();
    let mut client = connect(house.address).await;
    client.write_all(GET).await.unwrap();
    assert_eq!(rest(&mut client).await, "");
    let mut client = connect(house.address).await;
    client.write_all(b"PROXY TCP4 192.0.2.7 ").await.unwrap();
    assert_eq!(rest(&mut client).await, "");
    assert_eq!(house.echo.begun.load(std::sync::atomic::Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_peer_that_is_not_listed_cannot_say_who_it_is() {
    let house = plain(patient());
    let mut client = connect(house.address).await;
    client.write_all(b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n").await.unwrap();
    client.write_all(GET).await.unwrap();
    let answer = rest(&mut client).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
}

#[tokio::test]
async fn the_limit_per_address_is_the_clients_and_not_the_balancers() {
    let house = behind_a_balancer();
    let from = |last: u8| format!("PROXY TCP4 192.0.2.{last} 198.51.100.1 1 443\r\n");
    let mut clients = Vec::new();
    for last in 1..=3 {
        let mut client = connect(house.address).await;
        client.write_all(from(last).as_bytes()).await.unwrap();
        assert!(ask(&mut client, GET).await.starts_with("HTTP/1.1 200"));
        clients.push(client);
    }
    let mut again = connect(house.address).await;
    again.write_all(from(1).as_bytes()).await.unwrap();
    assert_eq!(rest(&mut again).await, "");
}
