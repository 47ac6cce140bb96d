//! One certificate for all gateways of a test run, and clients that trust it.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::OnceLock;
use std::task::Context;
use std::task::Poll;

use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::ServerName;
use rustls_pki_types::pem::PemObject;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::ReadBuf;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A certificate with its key, as the gateway reads them.
#[derive(Debug)]
pub(crate) struct Certificate {
    /// The chain, PEM.
    pub(crate) chain: String,
    /// The key, PEM.
    pub(crate) key: String,
    der: CertificateDer<'static>,
}

/// The certificate of every gateway under test.
pub(crate) fn certificate() -> &'static Certificate {
    static MADE: OnceLock<Certificate> = OnceLock::new();
    MADE.get_or_init(|| {
        let names = [
            "localhost",
            "cms.localhost",
            "www.localhost",
            "id.localhost",
            "inner.localhost",
            "admin.localhost",
        ];
        certificate_for(&names.map(str::to_owned))
    })
}

/// A fresh self-signed certificate for `names`.
pub(crate) fn certificate_for(names: &[String]) -> Certificate {
    let made = rcgen::generate_simple_self_signed(names.to_vec()).unwrap();
    Certificate {
        chain: made.cert.pem(),
        key: made.signing_key.serialize_pem(),
        der: made.cert.der().clone(),
    }
}

/// A TLS connection to `port` on loopback, with `sni`, offering `alpn`.
pub(crate) async fn connect(port: u16, sni: &str, alpn: &[&str]) -> TlsStream<TcpStream> {
    let tcp = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    tcp.set_nodelay(true).unwrap();
    let name = ServerName::try_from(sni.to_owned()).unwrap();
    TlsConnector::from(client(alpn)).connect(name, tcp).await.unwrap()
}

/// The same, trusting the authority in the PEM file `authority` alone.
pub(crate) async fn connect_under(port: u16, sni: &str, authority: &Path) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority).unwrap()).unwrap();
    let tcp = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let name = ServerName::try_from(sni.to_owned()).unwrap();
    TlsConnector::from(trusting(roots, &["http/1.1"])).connect(name, tcp).await.unwrap()
}

fn client(alpn: &[&str]) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate().der.clone()).unwrap();
    trusting(roots, alpn)
}

fn trusting(roots: RootCertStore, alpn: &[&str]) -> Arc<ClientConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    Arc::new(config)
}

/// A TLS connection whose first flight goes out byte by byte.
pub(crate) async fn connect_slowly(port: u16, sni: &str) -> TlsStream<Trickle> {
    let tcp = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    tcp.set_nodelay(true).unwrap();
    let name = ServerName::try_from(sni.to_owned()).unwrap();
    TlsConnector::from(client(&["http/1.1"])).connect(name, Trickle(tcp)).await.unwrap()
}

/// A connection that sends one byte at a time.
#[derive(Debug)]
pub(crate) struct Trickle(TcpStream);

impl AsyncRead for Trickle {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Trickle {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, &bytes[..bytes.len().min(1)])
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// Whether the server at `port` presents `certificate`.
pub(crate) async fn presents(port: u16, certificate: &Certificate) -> bool {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.der.clone()).unwrap();
    let tcp = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let name = ServerName::try_from("cms.localhost").unwrap();
    TlsConnector::from(trusting(roots, &["http/1.1"])).connect(name, tcp).await.is_ok()
}

/// Ends TLS for `behind` on a free port of loopback, with the certificate of this run.
pub(crate) async fn terminate(behind: SocketAddr) -> u16 {
    let key = PrivateKeyDer::from_pem_slice(certificate().key.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate().der.clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut outer = acceptor.accept(tcp).await?;
                let mut inner = TcpStream::connect(behind).await?;
                tokio::io::copy_bidirectional(&mut outer, &mut inner).await
            });
        }
    });
    port
}
