//! The end: what is in flight finishes, nothing new begins.

use std::time::Duration;
use std::time::Instant;

use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::listen::raw::GET;
use crate::listen::raw::ask;
use crate::listen::raw::connect;
use crate::listen::raw::handshake;
use crate::listen::raw::rest;
use crate::listen::raw::trusting;
use crate::listen::raw::until;
use crate::listen::service::patient;
use crate::listen::service::plain;
use crate::listen::service::secure;
use crate::listen::tls::Files;

const LONG: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_request_in_flight_is_answered_and_then_the_connection_closed() {
    let house = plain(patient());
    let mut idle = connect(house.address).await;
    assert!(ask(&mut idle, GET).await.starts_with("HTTP/1.1 200"));
    let mut client = connect(house.address).await;
    client.write_all(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let echo = house.echo;
    until("the request", || echo.begun.load(std::sync::atomic::Ordering::Relaxed) == 2).await;
    let began = Instant::now();
    let draining = tokio::spawn(house.listening.drain(LONG));
    assert_eq!(rest(&mut idle).await, "", "idle connections end at once");
    let answer = rest(&mut client).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("path=/slow"), "{answer}");
    assert!(answer.to_ascii_lowercase().contains("connection: close"), "{answer}");
    drop((client, idle));
    draining.await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(4), "it took {:?}", began.elapsed());
    assert!(TcpStream::connect(house.address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn what_does_not_finish_in_time_is_aborted() {
    let house = plain(patient());
    let mut client = connect(house.address).await;
    client.write_all(b"GET /never HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let echo = house.echo;
    until("the request", || echo.begun.load(std::sync::atomic::Ordering::Relaxed) == 1).await;
    let began = Instant::now();
    house.listening.drain(Duration::from_millis(100)).await;
    assert!(began.elapsed() < Duration::from_secs(3));
    assert_eq!(rest(&mut client).await, "");
}

#[tokio::test]
async fn a_tunnel_does_not_hold_the_drain_up_and_ends_with_it() {
    let house = plain(patient());
    let mut client = connect(house.address).await;
    let head = b"GET /tunnel HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n";
    client.write_all(head).await.unwrap();
    let mut buffer = [0; 1024];
    assert_ne!(client.read(&mut buffer).await.unwrap(), 0);
    let began = Instant::now();
    house.listening.drain(LONG).await;
    assert!(began.elapsed() < Duration::from_secs(3));
    assert_eq!(rest(&mut client).await, "");
}

#[tokio::test]
async fn a_client_that_is_in_no_hurry_does_not_hold_the_drain_up() {
    let files = Files::make(&[]);
    let house = secure(vec![files.pair()], patient());
    let mut stalled = connect(house.address).await;
    stalled.write_all(&[22, 3, 1]).await.unwrap();
    // Idle, speaking HTTP/2, and deaf to GOAWAY.
    let config = trusting(&files.authority(), &[b"h2"]);
    let mut deaf = handshake(house.address, config, "localhost").await.unwrap();
    deaf.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    deaf.flush().await.unwrap();
    until("both connections", || house.open() == 2).await;
    let began = Instant::now();
    house.listening.drain(LONG).await;
    assert!(began.elapsed() < Duration::from_secs(4), "it took {:?}", began.elapsed());
}
