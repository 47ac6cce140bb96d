//! Every state that a connection can be in ends.

use std::time::Duration;
use std::time::Instant;

use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use vestibule::config::model::Timeouts;

use crate::listen::raw::GET;
use crate::listen::raw::ask;
use crate::listen::raw::connect;
use crate::listen::raw::rest;
use crate::listen::raw::until;
use crate::listen::service::SHORT;
use crate::listen::service::patient;
use crate::listen::service::plain;

#[tokio::test]
async fn e122_a_head_that_drips_is_cut_off_however_steadily() {
    let house = plain(Timeouts { head: SHORT, ..patient() });
    let mut client = connect(house.address).await;
    let began = Instant::now();
    client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nX:").await.unwrap();
    while client.write_all(b"x").await.is_ok() {
        assert!(began.elapsed() < Duration::from_secs(3), "still open");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(rest(&mut client).await, "");
    assert_eq!(house.hit("head_timeout"), 1);
}

#[tokio::test]
async fn e122_a_connection_that_never_says_anything_is_closed() {
    let house = plain(Timeouts { head: SHORT, ..patient() });
    let mut client = connect(house.address).await;
    assert_eq!(rest(&mut client).await, "");
    until("giving back the place", || house.open() == 0).await;
}

#[tokio::test]
async fn e122_the_second_head_has_a_time_limit_of_its_own() {
    let house = plain(Timeouts { head: SHORT, ..patient() });
    let mut client = connect(house.address).await;
    for _ in 0..3 {
        assert!(ask(&mut client, GET).await.starts_with("HTTP/1.1 200"));
        tokio::time::sleep(SHORT * 2).await;
    }
    client.write_all(b"GET / HT").await.unwrap();
    assert_eq!(rest(&mut client).await, "");
}

#[tokio::test]
async fn an_unused_connection_is_closed() {
    let house = plain(Timeouts { idle: SHORT, ..patient() });
    let mut client = connect(house.address).await;
    assert!(ask(&mut client, GET).await.starts_with("HTTP/1.1 200"));
    let began = Instant::now();
    assert_eq!(rest(&mut client).await, "");
    assert!(began.elapsed() > SHORT / 2, "closed too early");
}

#[tokio::test]
async fn a_request_may_take_as_long_as_its_answer_takes() {
    let short = Duration::from_millis(60);
    let timeouts = Timeouts { idle: short, head: short, body: short, ..patient() };
    let house = plain(timeouts);
    let mut client = connect(house.address).await;
    let answer = ask(&mut client, b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn e124_a_body_that_stops_is_answered_and_cut_off() {
    let house = plain(Timeouts { body: SHORT, ..patient() });
    let mut client = connect(house.address).await;
    client.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n1").await.unwrap();
    let answer = rest(&mut client).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
}

#[tokio::test]
async fn e124_a_body_that_drips_is_cut_off_though_it_is_never_silent() {
    let house = plain(Timeouts { body: SHORT, ..patient() });
    let (mut from, mut to) = connect(house.address).await.into_split();
    let head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n";
    to.write_all(head).await.unwrap();
    let dripping = tokio::spawn(async move {
        while to.write_all(b"x").await.is_ok() {
            tokio::time::sleep(SHORT / 4).await;
        }
    });
    let answer = rest(&mut from).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    tokio::time::timeout(Duration::from_secs(5), dripping).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_body_that_is_slow_and_keeps_coming_is_read_to_its_end() {
    let house = plain(Timeouts { body: SHORT, ..patient() });
    let mut client = connect(house.address).await;
    let head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n";
    client.write_all(head).await.unwrap();
    for _ in 0..9 {
        client.write_all(&[b'x'; 100]).await.unwrap();
        tokio::time::sleep(SHORT / 2).await;
    }
    let answer = ask(&mut client, &[b'x'; 100]).await;
    assert!(answer.contains("body=1000 "), "{answer}");
}

#[tokio::test]
async fn e124_a_client_that_does_not_read_is_cut_off() {
    let house = plain(Timeouts { body: SHORT, ..patient() });
    let mut client = connect(house.address).await;
    client.write_all(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    until("the cut", || house.hit("slow_reader") == 1).await;
    until("giving back the place", || house.open() == 0).await;
}

#[tokio::test]
async fn a_client_that_reads_slowly_and_steadily_is_served() {
    let house = plain(Timeouts { body: SHORT * 2, ..patient() });
    let mut client = connect(house.address).await;
    client.write_all(b"GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut buffer = vec![0; 2 * 1024 * 1024];
    let mut total = 0;
    loop {
        let count = client.read(&mut buffer).await.unwrap();
        if count == 0 {
            break;
        }
        total += count;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(total > 16 * 1024 * 1024, "{total}");
    assert_eq!(house.hit("slow_reader"), 0);
}

#[tokio::test]
async fn f149_a_tunnel_is_no_longer_ours_to_cut_and_still_counts() {
    let short = Duration::from_millis(60);
    let house =
        plain(Timeouts { handshake: short, head: short, body: short, idle: short, ..patient() });
    let mut client = connect(house.address).await;
    let head = b"GET /tunnel HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n";
    client.write_all(head).await.unwrap();
    let mut buffer = [0; 1024];
    let count = client.read(&mut buffer).await.unwrap();
    assert!(buffer[..count].starts_with(b"HTTP/1.1 101"));
    tokio::time::sleep(short * 8).await;
    client.write_all(b"ping").await.unwrap();
    client.read_exact(&mut buffer[..4]).await.unwrap();
    assert_eq!(&buffer[..4], b"ping");
    assert_eq!(house.open(), 1);
    drop(client);
    until("giving back the place", || house.open() == 0).await;
}

#[tokio::test]
async fn a_refused_upload_still_reads_its_answer() {
    let house = plain(patient());
    let mut client = connect(house.address).await;
    let head = b"POST /page HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n";
    client.write_all(head).await.unwrap();
    let piece = vec![b'x'; 64 * 1024];
    for _ in 0..20 {
        client.write_all(&piece).await.unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    client.shutdown().await.unwrap();
    let answer = rest(&mut client).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.ends_with('p'));
}
