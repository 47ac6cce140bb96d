//! The client for calls of our own: to providers, never to an address that came in a request.
//! HTTP/1.1 over hyper; bounded in time and size; no redirects, no proxies, no cookies.

mod connect;
mod tls;
mod verifier;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use dashmap::DashMap;
use http::HeaderValue;
use http::Uri;
use http::header;
use http_body_util::BodyExt;
use http_body_util::Full;
use http_body_util::LengthLimitError;
use http_body_util::Limited;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::task::JoinHandle;
use url::Host;
use url::Url;

use crate::clock::Timestamp;
use crate::http::client::connect::Stream;
pub use tls::tls_config;

/// Sends single requests and reads the whole answer.
///
/// Redirects are answers like any other (security entry 191), `HTTP_PROXY` and its kin mean nothing
/// (323), and names under `localhost` are loopback without asking a name server.
#[derive(Debug, Default)]
pub struct Client {
    tls: tls::Configs,
    /// When the certificates end that servers showed last, by their origin.
    certificates: DashMap<String, Timestamp>,
}

/// What is believed of the other side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    /// A file of PEM certificates that its chain may end in, beside the system's.
    pub certificate_authority: Option<PathBuf>,
    /// Whether plain http is spoken, and to whom.
    pub plain_http: PlainHttp,
}

/// To whom plain http is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PlainHttp {
    /// To nobody: not even a service of this machine is called because a stranger names it.
    #[default]
    Never,
    /// To this machine.
    Loopback,
    /// To everybody, as the owner wants it.
    Anywhere,
}

impl PlainHttp {
    /// Whether it is spoken to `host`.
    pub fn reaches(self, host: &Host<&str>) -> bool {
        match self {
            Self::Never => false,
            Self::Loopback => is_loopback(host),
            Self::Anywhere => true,
        }
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The address is none that may be called.
    #[error("address refused: {0}")]
    Address(&'static str),
    /// The extra certificates cannot be read.
    #[error("certificate authority cannot be read")]
    Authority(#[source] io::Error),
    /// The name is unknown, or nobody listens.
    #[error("connection failed")]
    Connect(#[source] io::Error),
    /// The TLS handshake failed; most often the certificate.
    #[error("tls handshake failed")]
    Tls(#[source] io::Error),
    /// The answer is not HTTP, or broke off.
    #[error("http failed")]
    Protocol(#[source] hyper::Error),
    /// The answer is longer than one megabyte.
    #[error("answer is too long")]
    TooLong,
    /// It took more than eight seconds.
    #[error("timeout")]
    Timeout,
}

/// From the first packet to the last byte of the answer.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(8);
/// Longest body that is read.
const LONGEST_BODY: usize = 1024 * 1024;
/// Servers whose certificates are remembered.
const MOST_CERTIFICATES: usize = 1000;
/// Longest head that is read.
const LONGEST_HEAD: usize = 64 * 1024;

impl Client {
    /// A client without connections.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sends `request` (absolute URI) and reads the answer, whatever its status.
    ///
    /// # Errors
    ///
    /// See [`ClientError`]; never longer than eight seconds in coming.
    pub async fn send(
        &self,
        request: http::Request<Vec<u8>>,
        trust: &Trust,
    ) -> Result<http::Response<Bytes>, ClientError> {
        tokio::time::timeout(TOTAL_TIMEOUT, self.exchange(request, trust))
            .await
            .map_err(|_| ClientError::Timeout)?
    }

    async fn exchange(
        &self,
        request: http::Request<Vec<u8>>,
        trust: &Trust,
    ) -> Result<http::Response<Bytes>, ClientError> {
        let address = Url::parse(&request.uri().to_string())
            .map_err(|_| ClientError::Address("it is not an absolute URL"))?;
        let stream = self.connect(&address, trust).await?;
        let (mut sender, connection) = http1::Builder::new()
            .max_buf_size(LONGEST_HEAD)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(ClientError::Protocol)?;
        let _driver = Driver(tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(?error, "connection of our own ended badly");
            }
        }));
        let request = origin_form(request, &address)?;
        let answer = sender.send_request(request).await.map_err(ClientError::Protocol)?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, LONGEST_BODY).collect().await.map_err(broken_off)?;
        Ok(http::Response::from_parts(head, body.to_bytes()))
    }

    async fn connect(&self, address: &Url, trust: &Trust) -> Result<Stream, ClientError> {
        let host = address.host().ok_or(ClientError::Address("it names no host"))?;
        let secure = match address.scheme() {
            "https" => true,
            "http" if trust.plain_http.reaches(&host) => false,
            "http" => return Err(ClientError::Address("plain http is not allowed there")),
            _ => return Err(ClientError::Address("its scheme is neither http nor https")),
        };
        let port = address.port_or_known_default().unwrap_or(443);
        let stream = connect::tcp(&host, port).await.map_err(ClientError::Connect)?;
        if !secure {
            return Ok(Stream::Plain(stream));
        }
        let config = self
            .tls
            .of(trust.certificate_authority.as_deref())
            .await
            .map_err(ClientError::Authority)?;
        let stream = connect::tls(stream, &host, config).await.map_err(ClientError::Tls)?;
        self.note_certificate(address, &stream);
        Ok(stream)
    }

    /// When the certificate ends that the server of `address` showed last, if one was called.
    pub fn certificate_end(&self, address: &Url) -> Option<Timestamp> {
        let origin = address.origin().ascii_serialization();
        self.certificates.get(&origin).map(|end| *end)
    }

    fn note_certificate(&self, address: &Url, stream: &Stream) {
        let Some(end) = connect::certificate_end(stream) else { return };
        let origin = address.origin().ascii_serialization();
        if self.certificates.len() < MOST_CERTIFICATES || self.certificates.contains_key(&origin) {
            self.certificates.insert(origin, end);
        }
    }
}

/// Whether `host` is this machine by its name or address.
pub fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => {
            let name = name.strip_suffix('.').unwrap_or(name);
            name.eq_ignore_ascii_case("localhost")
                || name.to_ascii_lowercase().ends_with(".localhost")
        }
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

/// Ends the connection's task with the call, also when the call is given up.
struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The request as it stands on the wire: path and query, and the host in its header.
fn origin_form(
    request: http::Request<Vec<u8>>,
    address: &Url,
) -> Result<http::Request<Full<Bytes>>, ClientError> {
    let bad = |_| ClientError::Address("it cannot be written in a request");
    let (mut head, body) = request.into_parts();
    let authority = head.uri.authority().map_or("", http::uri::Authority::as_str);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = HeaderValue::try_from(host)
        .map_err(|_| ClientError::Address("its host cannot be written in a request"))?;
    head.headers.insert(header::HOST, host);
    head.headers.insert(header::USER_AGENT, HeaderValue::from_static("vestibule"));
    head.headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    let target = match address.query() {
        Some(query) => format!("{}?{query}", address.path()),
        None => address.path().to_owned(),
    };
    head.uri = Uri::try_from(target).map_err(bad)?;
    Ok(http::Request::from_parts(head, Full::from(body)))
}

fn broken_off(error: Box<dyn std::error::Error + Send + Sync>) -> ClientError {
    if error.is::<LengthLimitError>() {
        return ClientError::TooLong;
    }
    match error.downcast::<hyper::Error>() {
        Ok(error) => ClientError::Protocol(*error),
        Err(_) => ClientError::TooLong,
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    use super::*;

    /// Answers one connection with `answer` and returns the head it was sent.
    async fn server(answer: Vec<u8>) -> (u16, JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let task = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = vec![0; 4096];
            let read = stream.read(&mut head).await.unwrap();
            // The client may hang up before it has all of an answer that is too long.
            if stream.write_all(&answer).await.is_ok() {
                stream.shutdown().await.ok();
            }
            String::from_utf8_lossy(&head[..read]).into_owned()
        });
        (port, task)
    }

    async fn fetch(url: &str) -> Result<http::Response<Bytes>, ClientError> {
        let request = http::Request::get(url).body(Vec::new()).unwrap();
        let trust = Trust { plain_http: PlainHttp::Loopback, ..Trust::default() };
        Client::new().send(request, &trust).await
    }

    #[tokio::test]
    async fn names_under_localhost_are_loopback_and_redirects_are_answers() {
        let answer = b"HTTP/1.1 307 Temporary Redirect\r\nlocation: http://169.254.169.254/\r\ncontent-length: 2\r\n\r\nhi";
        let (port, task) = server(answer.to_vec()).await;
        let response = fetch(&format!("http://id.localhost:{port}/a?b=c")).await.unwrap();
        assert_eq!((response.status().as_u16(), &response.body()[..]), (307, &b"hi"[..]));
        let head = task.await.unwrap();
        assert!(head.starts_with("GET /a?b=c HTTP/1.1\r\n"), "{head}");
        assert!(head.contains(&format!("host: id.localhost:{port}\r\n")), "{head}");
    }

    #[tokio::test]
    async fn an_answer_over_a_megabyte_is_refused() {
        let mut answer = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
        answer.resize(answer.len() + LONGEST_BODY + 1, b'x');
        let (port, _task) = server(answer).await;
        let error = fetch(&format!("http://127.0.0.1:{port}/")).await.unwrap_err();
        assert!(matches!(error, ClientError::TooLong), "{error:?}");
    }

    #[tokio::test]
    async fn h191_plain_http_beyond_loopback_is_refused_before_a_packet_is_sent() {
        for url in ["http://192.0.2.1/", "http://localhost.evil.test/", "ftp://127.0.0.1/"] {
            let error = fetch(url).await.unwrap_err();
            assert!(matches!(error, ClientError::Address(_)), "{url}: {error:?}");
        }
        let request = http::Request::get("http://127.0.0.1/").body(Vec::new()).unwrap();
        let error = Client::new().send(request, &Trust::default()).await.unwrap_err();
        assert!(matches!(error, ClientError::Address(_)), "{error:?}");
    }
}
