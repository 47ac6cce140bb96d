//! Handshakes: which certificate, which protocol, which version, and those that never end.

use std::path::PathBuf;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use vestibule::cli::certificate;
use vestibule::clock::Clock;
use vestibule::config::model::ListenerKind;
use vestibule::config::model::Timeouts;
use vestibule::listen::Certificates;

use crate::listen::raw::GET;
use crate::listen::raw::ask;
use crate::listen::raw::connect;
use crate::listen::raw::handshake;
use crate::listen::raw::rest;
use crate::listen::raw::trusting;
use crate::listen::raw::until;
use crate::listen::service::House;
use crate::listen::service::SHORT;
use crate::listen::service::listener;
use crate::listen::service::patient;
use crate::listen::service::secure;

/// Certificates for development and the files they are in.
pub(super) struct Files {
    directory: TempDir,
}

impl Files {
    pub(super) fn make(hosts: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        certificate::make_development(directory.path(), hosts, Clock::system().now()).unwrap();
        Self { directory }
    }

    pub(super) fn authority(&self) -> PathBuf {
        self.directory.path().join("authority.pem")
    }

    pub(super) fn pair(&self) -> (PathBuf, PathBuf) {
        (self.directory.path().join("server.pem"), self.directory.path().join("server.key"))
    }

    fn leaf(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_file(self.pair().0).unwrap()
    }
}

async fn leaf_for(house: &House, files: &Files, name: &str) -> CertificateDer<'static> {
    let config = trusting(&files.authority(), &[b"http/1.1"]);
    let stream = handshake(house.address, config, name).await.unwrap();
    stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
}

#[tokio::test]
async fn the_certificate_follows_the_server_name_and_the_first_one_serves_the_rest() {
    let first = Files::make(&["www.test"]);
    let second = Files::make(&["shell.test", "*.apps.test"]);
    let house = secure(vec![first.pair(), second.pair()], patient());
    assert_eq!(leaf_for(&house, &first, "www.test").await, first.leaf());
    assert_eq!(leaf_for(&house, &second, "SHELL.test").await, second.leaf());
    assert_eq!(leaf_for(&house, &second, "one.apps.test").await, second.leaf());
    // No name at all: an address in the URL.
    assert_eq!(leaf_for(&house, &first, "127.0.0.1").await, first.leaf());
    // A name that nobody has, and a wildcard that stands for one label only.
    for name in ["unknown.test", "two.one.apps.test"] {
        let config = trusting(&second.authority(), &[]);
        let error = handshake(house.address, config, name).await.unwrap_err();
        assert!(error.to_string().contains("UnknownIssuer"), "{error}");
    }
}

#[tokio::test]
async fn the_gateway_is_told_about_the_handshake() {
    let files = Files::make(&[]);
    let house = secure(vec![files.pair()], patient());
    let config = trusting(&files.authority(), &[b"http/1.1"]);
    let mut client = handshake(house.address, config, "CMS.localhost").await.unwrap();
    let answer = ask(&mut client, GET).await;
    assert!(answer.contains("secure=true name=cms.localhost http2=false"), "{answer}");
    assert_eq!(house.metrics.handshakes.with_label_values(&["tls1.3"]).get(), 1);
}

#[tokio::test]
async fn alpn_chooses_http2_first_and_refuses_what_is_neither() {
    let files = Files::make(&[]);
    let house = secure(vec![files.pair()], patient());
    for (offered, chosen) in [
        (vec![b"http/1.1".as_slice(), b"h2"], Some(b"h2".as_slice())),
        (vec![b"http/1.1"], Some(b"http/1.1")),
        (vec![], None),
    ] {
        let config = trusting(&files.authority(), &offered);
        let stream = handshake(house.address, config, "localhost").await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), chosen, "{offered:?}");
    }
    let config = trusting(&files.authority(), &[b"ftp"]);
    assert!(handshake(house.address, config, "localhost").await.is_err());
    until("the count", || house.metrics.handshakes.with_label_values(&["failed"]).get() == 1).await;
}

#[tokio::test]
async fn tls_1_2_is_spoken_to_those_who_know_nothing_newer() {
    let files = Files::make(&[]);
    let house = secure(vec![files.pair()], patient());
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(files.authority()).unwrap()).unwrap();
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS12])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut client = handshake(house.address, config, "localhost").await.unwrap();
    assert!(ask(&mut client, GET).await.starts_with("HTTP/1.1 200"));
    assert_eq!(house.metrics.handshakes.with_label_values(&["tls1.2"]).get(), 1);
}

/// A `ClientHello` of that version with two cipher suites, one for the old versions, and the server
/// name `localhost`.
fn client_hello(minor: u8) -> Vec<u8> {
    let name = b"localhost";
    let name_length = u8::try_from(name.len()).unwrap();
    let mut extension = vec![0, 0, 0, name_length + 5, 0, name_length + 3, 0, 0, name_length];
    extension.extend(name);
    // signature_algorithms: ecdsa_secp256r1_sha256; supported_groups: secp256r1.
    extension.extend([0, 13, 0, 4, 0, 2, 4, 3, 0, 10, 0, 4, 0, 2, 0, 23]);
    let mut body = vec![3, minor];
    body.extend([7; 32]);
    body.extend([0, 0, 4, 0xc0, 0x2b, 0xc0, 0x09, 1, 0]);
    body.extend(u16::try_from(extension.len()).unwrap().to_be_bytes());
    body.extend(extension);
    let mut handshake = vec![1, 0];
    handshake.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
    handshake.extend(body);
    let mut record = vec![22, 3, 1];
    record.extend(u16::try_from(handshake.len()).unwrap().to_be_bytes());
    record.extend(handshake);
    record
}

#[tokio::test]
async fn e131_tls_1_1_and_older_are_refused() {
    let files = Files::make(&[]);
    let house = secure(vec![files.pair()], patient());
    let mut client = connect(house.address).await;
    client.write_all(&client_hello(3)).await.unwrap();
    assert_eq!(client.read_u8().await.unwrap(), 22, "version 1.2 goes on with the handshake");
    for minor in [0, 1, 2] {
        let mut client = connect(house.address).await;
        client.write_all(&client_hello(minor)).await.unwrap();
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.unwrap();
        // A fatal alert: record type 21, level 2; 70 is protocol_version (RFC 8446 §6.2).
        assert_eq!((answer[0], answer[5], answer[6]), (21, 2, 70), "{answer:?}");
    }
}

#[tokio::test]
async fn e125_a_handshake_that_stalls_is_cut_off() {
    let files = Files::make(&[]);
    let house = secure(vec![files.pair()], Timeouts { handshake: SHORT, ..patient() });
    let mut silent = connect(house.address).await;
    assert_eq!(rest(&mut silent).await, "");
    let mut client = connect(house.address).await;
    client.write_all(&client_hello(3)[..20]).await.unwrap();
    assert_eq!(rest(&mut client).await, "");
    assert_eq!(house.metrics.handshakes.with_label_values(&["timeout"]).get(), 2);
}

#[tokio::test]
async fn e133_an_alert_in_the_middle_of_a_handshake_ends_it() {
    let files = Files::make(&[]);
    let house = secure(vec![files.pair()], patient());
    let mut client = connect(house.address).await;
    // close_notify, then the client's end.
    client.write_all(&[21, 3, 3, 0, 2, 1, 0]).await.unwrap();
    client.shutdown().await.unwrap();
    rest(&mut client).await;
    until("giving back the place", || house.open() == 0).await;
}

/// Passes bytes on to `house`, those of the client one by one.
async fn one_byte_at_a_time(house: &House) -> std::net::SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, target) = (listener.local_addr().unwrap(), house.address);
    tokio::spawn(async move {
        let (client, _) = listener.accept().await.unwrap();
        let server = connect(target).await;
        server.set_nodelay(true).unwrap();
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_server, mut to_server) = server.into_split();
        let back = tokio::spawn(async move {
            drop(tokio::io::copy(&mut from_server, &mut to_client).await);
        });
        let mut byte = [0; 1];
        while from_client.read_exact(&mut byte).await.is_ok() {
            to_server.write_all(&byte).await.unwrap();
            to_server.flush().await.unwrap();
            tokio::task::yield_now().await;
        }
        drop(to_server);
        back.await.unwrap();
    });
    address
}

#[tokio::test]
async fn c76_a_client_hello_in_one_byte_segments_gets_the_right_certificate() {
    let first = Files::make(&["www.test"]);
    let second = Files::make(&["shell.test"]);
    let house = secure(vec![first.pair(), second.pair()], patient());
    let address = one_byte_at_a_time(&house).await;
    let config = trusting(&second.authority(), &[b"http/1.1"]);
    let mut client = handshake(address, config, "shell.test").await.unwrap();
    let answer = ask(&mut client, GET).await;
    assert!(answer.contains("name=shell.test"), "{answer}");
}

#[tokio::test]
async fn c76_a_client_hello_in_one_byte_records_is_read_or_refused_and_harms_nobody() {
    let files = Files::make(&[]);
    let house = secure(vec![files.pair()], Timeouts { handshake: SHORT, ..patient() });
    let mut client = connect(house.address).await;
    for byte in &client_hello(3)[5..] {
        if client.write_all(&[22, 3, 1, 0, 1, *byte]).await.is_err() {
            break;
        }
    }
    rest(&mut client).await;
    let config = trusting(&files.authority(), &[b"http/1.1"]);
    let mut client = handshake(house.address, config, "localhost").await.unwrap();
    assert!(ask(&mut client, GET).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn e130_there_is_no_early_data_and_sessions_are_resumed_by_any_worker() {
    let files = Files::make(&[]);
    let house = secure(vec![files.pair()], patient());
    let mut config = trusting(&files.authority(), &[b"http/1.1"]);
    config.enable_early_data = true;
    let mut kinds = Vec::new();
    for _ in 0..6 {
        let mut client = handshake(house.address, config.clone(), "localhost").await.unwrap();
        assert!(ask(&mut client, GET).await.starts_with("HTTP/1.1 200"));
        assert!(!client.get_ref().1.is_early_data_accepted());
        kinds.push(client.get_ref().1.handshake_kind().unwrap());
    }
    assert_eq!(kinds.remove(0), rustls::HandshakeKind::Full);
    assert!(kinds.iter().all(|kind| *kind == rustls::HandshakeKind::Resumed), "{kinds:?}");
}

#[tokio::test]
async fn a_reload_of_certificates_holds_for_the_next_handshake() {
    let old = Files::make(&["www.test"]);
    let new = Files::make(&["www.test"]);
    let house = secure(vec![old.pair()], patient());
    assert_eq!(leaf_for(&house, &old, "www.test").await, old.leaf());
    let newer = Certificates::load(&[listener(ListenerKind::Tls(vec![new.pair()]))]).unwrap();
    house.certificates.replace(&newer);
    house.certificates.record(&house.metrics);
    assert_eq!(leaf_for(&house, &new, "www.test").await, new.leaf());
    let text = String::from_utf8(house.metrics.render()).unwrap();
    let expiry = "vestibule_certificate_expiry_timestamp_seconds{certificate=";
    let lines: Vec<_> = text.lines().filter(|line| line.starts_with(expiry)).collect();
    assert_eq!(lines.len(), 1, "{lines:?}");
    let at: i64 = lines[0].rsplit(' ').next().unwrap().parse().unwrap();
    let days = (at - Clock::system().now().0) / 86_400;
    assert_eq!(days, 396, "valid for 397 days since an hour ago");
}

#[test]
fn every_certificate_that_is_wrong_is_named_and_the_missing_one_says_how_to_make_it() {
    let files = Files::make(&[]);
    let other = Files::make(&[]);
    let missing = (PathBuf::from("nowhere/server.pem"), PathBuf::from("nowhere/server.key"));
    let swapped = (files.pair().0, other.pair().1);
    let no_pem = (files.pair().1, files.pair().1);
    let kind = ListenerKind::Tls(vec![missing, swapped.clone(), no_pem]);
    let faults = Certificates::load(&[listener(kind)]).unwrap_err();
    assert_eq!(faults.len(), 3, "{faults:?}");
    assert!(
        faults[0].starts_with("listener `web`: certificate `nowhere/server.pem` does not exist")
    );
    assert!(faults[0].contains("`vestibule certificate dev`"), "{faults:?}");
    assert!(faults[1].contains(&swapped.1.display().to_string()), "{faults:?}");
    assert!(faults[2].contains("server.key"), "{faults:?}");
}

#[tokio::test]
async fn plain_http_at_the_tls_port_is_no_request() {
    let files = Files::make(&[]);
    let house = secure(vec![files.pair()], patient());
    let mut client = connect(house.address).await;
    client.write_all(GET).await.unwrap();
    rest(&mut client).await;
    assert_eq!(house.echo.begun.load(std::sync::atomic::Ordering::Relaxed), 0);
    tokio::time::sleep(Duration::from_millis(1)).await;
}
