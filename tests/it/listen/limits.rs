//! What is bounded beside time.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use vestibule::config::model::Limits;
use vestibule::config::model::ListenerKind;
use vestibule::listen::Rules;

use crate::listen::raw::GET;
use crate::listen::raw::ask;
use crate::listen::raw::connect;
use crate::listen::raw::rest;
use crate::listen::raw::until;
use crate::listen::service::House;
use crate::listen::service::limits;
use crate::listen::service::listener;
use crate::listen::service::open;
use crate::listen::service::patient;
use crate::listen::service::plain;

fn limited(limits: Limits) -> House {
    open(listener(ListenerKind::Plain), Rules { limits, timeouts: patient() })
}

#[tokio::test]
async fn one_address_has_only_so_many_connections_and_gets_one_back_for_each_it_closes() {
    let house = limited(Limits { connections_per_address: 2, ..limits() });
    let mut one = connect(house.address).await;
    let mut two = connect(house.address).await;
    assert!(ask(&mut one, GET).await.starts_with("HTTP/1.1 200"));
    assert!(ask(&mut two, GET).await.starts_with("HTTP/1.1 200"));
    let mut three = connect(house.address).await;
    assert_eq!(rest(&mut three).await, "");
    assert_eq!(house.hit("connections_per_address"), 1);
    drop(one);
    until("giving back the place", || house.open() == 1).await;
    let mut four = connect(house.address).await;
    assert!(ask(&mut four, GET).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn there_are_only_so_many_connections_in_all() {
    let house = limited(Limits { connections: 1, ..limits() });
    let mut one = connect(house.address).await;
    assert!(ask(&mut one, GET).await.starts_with("HTTP/1.1 200"));
    let mut two = connect(house.address).await;
    assert_eq!(rest(&mut two).await, "");
    assert_eq!(house.hit("connections"), 1);
    assert!(ask(&mut one, GET).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_trusted_proxy_brings_as_many_as_it_likes() {
    let mut listener = listener(ListenerKind::Plain);
    listener.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let limits = Limits { connections_per_address: 1, ..limits() };
    let house = open(listener, Rules { limits, timeouts: patient() });
    let mut one = connect(house.address).await;
    let mut two = connect(house.address).await;
    assert!(ask(&mut one, GET).await.starts_with("HTTP/1.1 200"));
    assert!(ask(&mut two, GET).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn new_rules_hold_at_once() {
    let house = plain(patient());
    let mut one = connect(house.address).await;
    assert!(ask(&mut one, GET).await.starts_with("HTTP/1.1 200"));
    let rules =
        Rules { limits: Limits { connections_per_address: 1, ..limits() }, timeouts: patient() };
    house.listening.update(&[listener(ListenerKind::Plain)], rules);
    let mut two = connect(house.address).await;
    assert_eq!(rest(&mut two).await, "");
}

#[tokio::test]
async fn connections_that_come_and_go_fast_leave_nothing_behind() {
    let house = plain(patient());
    for _ in 0..300 {
        drop(connect(house.address).await);
    }
    until("all places given back", || house.open() == 0).await;
    let mut client = connect(house.address).await;
    assert!(ask(&mut client, GET).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_head_somewhat_over_our_limits_reaches_the_gateway_and_a_huge_one_does_not() {
    let house = plain(patient());
    let lines = "X: y\r\n".repeat(110);
    let mut client = connect(house.address).await;
    let head = format!("GET /a HTTP/1.1\r\nHost: a\r\n{lines}\r\n");
    assert!(ask(&mut client, head.as_bytes()).await.starts_with("HTTP/1.1 200"));
    let mut client = connect(house.address).await;
    let head = format!("GET /a HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "y".repeat(40 * 1024));
    assert!(ask(&mut client, head.as_bytes()).await.starts_with("HTTP/1.1 200"));
    let mut client = connect(house.address).await;
    let head = format!("GET /a HTTP/1.1\r\nHost: a\r\nX: {}", "y".repeat(100 * 1024));
    client.write_all(head.as_bytes()).await.unwrap();
    let answer = rest(&mut client).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
}

#[tokio::test]
async fn operations_are_served_when_the_sites_are_crowded() {
    let mut operations = listener(ListenerKind::Operations);
    operations.name = "web".into();
    let house = open(
        operations,
        Rules { limits: Limits { connections: 0, ..limits() }, timeouts: patient() },
    );
    let mut client = connect(house.address).await;
    let answer = ask(&mut client, GET).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    tokio::time::sleep(Duration::from_millis(1)).await;
}
