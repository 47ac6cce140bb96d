//! HTTP/2 by hand-written frames (RFC 9113): floods, shut windows, silence, GOAWAY.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;
use vestibule::config::model::Timeouts;

use crate::listen::raw::handshake;
use crate::listen::raw::rest;
use crate::listen::raw::trusting;
use crate::listen::raw::until;
use crate::listen::service::House;
use crate::listen::service::SHORT;
use crate::listen::service::SOON;
use crate::listen::service::patient;
use crate::listen::service::secure;
use crate::listen::tls::Files;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

struct Client {
    stream: TlsStream<TcpStream>,
}

/// A frame that was received.
#[derive(Debug)]
struct Frame {
    kind: u8,
    stream: u32,
    payload: Vec<u8>,
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(payload.len()).unwrap().to_be_bytes()[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// A GET of `path`: method and scheme from HPACK's static table, the rest literal.
fn get(stream: u32, path: &str) -> Vec<u8> {
    let mut block = vec![0x82, 0x87, 0x01, 1, b'a', 0x04, u8::try_from(path.len()).unwrap()];
    block.extend(path.as_bytes());
    frame(HEADERS, END_STREAM | END_HEADERS, stream, &block)
}

fn house(timeouts: Timeouts) -> (House, Files) {
    let files = Files::make(&[]);
    (secure(vec![files.pair()], timeouts), files)
}

impl Client {
    async fn tls(house: &House, files: &Files) -> TlsStream<TcpStream> {
        let config = trusting(&files.authority(), &[b"h2"]);
        handshake(house.address, config, "localhost").await.unwrap()
    }

    /// A connection whose windows begin with `window` bytes.
    async fn open(house: &House, files: &Files, window: u32) -> Self {
        let mut client = Self { stream: Self::tls(house, files).await };
        let mut settings = vec![0, 4];
        settings.extend(window.to_be_bytes());
        let first = [PREFACE.to_vec(), frame(SETTINGS, 0, 0, &settings)].concat();
        client.send(&first).await;
        client
    }

    async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// The next frame; `None` at the end of the connection.
    async fn receive(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        timeout(SOON, self.stream.read_exact(&mut head)).await.expect("a frame").ok()?;
        let number = |bytes: &[u8]| bytes.iter().fold(0_u32, |n, byte| n << 8 | u32::from(*byte));
        let mut payload = vec![0; usize::try_from(number(&head[..3])).unwrap()];
        self.stream.read_exact(&mut payload).await.ok()?;
        Some(Frame { kind: head[3], stream: number(&head[5..]), payload })
    }

    /// The next frame of that kind; `None` at the end of the connection.
    async fn receive_kind(&mut self, kind: u8) -> Option<Frame> {
        loop {
            let frame = self.receive().await?;
            if frame.kind == kind {
                return Some(frame);
            }
        }
    }

    /// The error code of GOAWAY (RFC 9113 §6.8).
    async fn goaway(&mut self) -> Option<u8> {
        let frame = self.receive_kind(GOAWAY).await?;
        frame.payload.get(7).copied()
    }
}

fn begun(house: &House) -> usize {
    house.echo.begun.load(Ordering::Relaxed)
}

const WIDE: u32 = 1 << 20;

#[tokio::test]
async fn a_request_is_answered() {
    let (house, files) = house(patient());
    let mut client = Client::open(&house, &files, WIDE).await;
    client.send(&get(1, "/a")).await;
    let answer = client.receive_kind(DATA).await.unwrap();
    let text = String::from_utf8(answer.payload).unwrap();
    assert!(text.starts_with("path=/a "), "{text}");
    assert!(text.contains("http2=true"), "{text}");
}

#[tokio::test]
async fn e116_requests_reset_at_once_end_with_enhance_your_calm_before_many_are_begun() {
    let (house, files) = house(Timeouts { idle: SHORT, ..patient() });
    let mut client = Client::open(&house, &files, WIDE).await;
    let mut flood = Vec::new();
    for number in 0..1000_u32 {
        let stream = number * 2 + 1;
        flood.extend(get(stream, "/never"));
        flood.extend(frame(RST_STREAM, 0, stream, &[0, 0, 0, 8]));
    }
    client.stream.write_all(&flood).await.ok();
    assert_eq!(client.goaway().await, Some(11));
    assert!(begun(&house) < 200, "{}", begun(&house));
    until("giving back the place", || house.open() == 0).await;
}

#[tokio::test]
async fn e116_requests_reset_one_after_the_other_end_the_connection_too() {
    let (house, files) = house(patient());
    let mut client = Client::open(&house, &files, WIDE).await;
    for number in 0..200_u32 {
        let stream = number * 2 + 1;
        let before = begun(&house);
        if client.stream.write_all(&get(stream, "/never")).await.is_err() {
            break;
        }
        for _ in 0..100 {
            if begun(&house) > before || house.hit("resets") > 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        client.stream.write_all(&frame(RST_STREAM, 0, stream, &[0, 0, 0, 8])).await.ok();
    }
    until("the cut", || house.hit("resets") == 1).await;
    until("giving back the place", || house.open() == 0).await;
    assert!(begun(&house) < 200, "{}", begun(&house));
}

#[tokio::test]
async fn e119_a_stream_whose_window_stays_shut_is_reset_and_the_others_live_on() {
    let (house, files) = house(Timeouts { body: SHORT, ..patient() });
    let mut client = Client::open(&house, &files, 0).await;
    client.send(&get(1, "/large")).await;
    let reset = client.receive_kind(RST_STREAM).await.expect("the stream's reset");
    assert_eq!(reset.stream, 1);
    client.send(&get(3, "/a")).await;
    client.send(&frame(WINDOW_UPDATE, 0, 3, &[0, 0, 4, 0])).await;
    let answer = client.receive_kind(DATA).await.unwrap();
    assert_eq!(answer.stream, 3);
}

#[tokio::test]
async fn e119_a_window_of_one_byte_hides_nothing() {
    let (house, files) = house(Timeouts { body: SHORT, ..patient() });
    let mut client = Client::open(&house, &files, 1).await;
    // All of the page is handed to the protocol, which has one byte's leave to send it.
    client.send(&get(1, "/page")).await;
    while client.receive().await.is_some() {}
    assert_eq!(house.hit("slow_reader"), 1);
    until("giving back the place", || house.open() == 0).await;
}

#[tokio::test]
async fn e121_floods_of_frames_that_ask_for_nothing_end_the_connection() {
    for flood in [
        frame(PING, 0, 0, &[0; 8]),
        frame(SETTINGS, 0, 0, &[]),
        frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1]),
        frame(2, 0, 1, &[0, 0, 0, 0, 1]),
    ] {
        let (house, files) = house(patient());
        let client = Client::open(&house, &files, WIDE).await;
        let (mut from, mut to) = tokio::io::split(client.stream);
        let reading = tokio::spawn(async move { rest(&mut from).await });
        let thousand = flood.repeat(1000);
        let mut sent = 0;
        while sent < 200 && to.write_all(&thousand).await.is_ok() {
            sent += 1;
        }
        timeout(SOON, reading).await.expect("the end").unwrap();
        until("the cut", || house.hit("chatter") == 1).await;
        until("giving back the place", || house.open() == 0).await;
    }
}

#[tokio::test]
async fn e118_a_head_without_end_is_refused() {
    let (house, files) = house(patient());
    let mut client = Client::open(&house, &files, WIDE).await;
    client.send(&frame(HEADERS, END_STREAM, 1, &[0x82, 0x87, 0x84])).await;
    let part = [&[0x00, 1, b'x', 0x7f, 0x81, 0x7f][..], &[b'y'; 16_000]].concat();
    for _ in 0..1000 {
        if client.stream.write_all(&frame(CONTINUATION, 0, 1, &part)).await.is_err() {
            break;
        }
    }
    while client.receive().await.is_some() {}
    assert_eq!(begun(&house), 0);
    until("giving back the place", || house.open() == 0).await;
}

#[tokio::test]
async fn half_a_preface_is_cut_off() {
    let (house, files) = house(Timeouts { head: SHORT, ..patient() });
    let mut stream = Client::tls(&house, &files).await;
    stream.write_all(&PREFACE[..20]).await.unwrap();
    rest(&mut stream).await;
    assert_eq!(house.hit("head_timeout"), 1);
}

#[tokio::test]
async fn an_unused_connection_is_told_to_go_though_it_pings() {
    let (house, files) = house(Timeouts { idle: SHORT, ..patient() });
    let mut client = Client::open(&house, &files, WIDE).await;
    client.send(&get(1, "/a")).await;
    client.receive_kind(DATA).await.unwrap();
    client.send(&frame(PING, 0, 0, &[1; 8])).await;
    assert_eq!(client.goaway().await, Some(0));
}

#[tokio::test]
async fn a_drain_says_goaway_and_lets_the_request_finish() {
    let (house, files) = house(patient());
    let mut client = Client::open(&house, &files, WIDE).await;
    client.send(&get(1, "/slow")).await;
    until("the request", || begun(&house) == 1).await;
    let draining = tokio::spawn(house.listening.drain(Duration::from_secs(20)));
    assert_eq!(client.goaway().await, Some(0));
    let answer = client.receive_kind(DATA).await.unwrap();
    assert!(answer.payload.starts_with(b"path=/slow"));
    drop(client);
    timeout(SOON, draining).await.unwrap().unwrap();
}
