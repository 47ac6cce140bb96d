//! HTTP/1.1 by hand: exact bytes out, answers in, and what is left of the connection afterwards.

use std::path::Path;
use std::time::Duration;

use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::tls;

/// Longest that a test waits for bytes that must come.
const PATIENCE: Duration = Duration::from_secs(40);

trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// One connection, with what has been read but not yet used.
pub(crate) struct Wire {
    stream: Box<dyn Duplex>,
    buffer: Vec<u8>,
}

/// An answer as it came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    /// The status code.
    pub(crate) status: u16,
    /// Header lines in order, names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// The body without its framing.
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The first value of `name`.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.values(name).first().copied()
    }

    /// Every value of `name`, in order.
    pub(crate) fn values(&self, name: &str) -> Vec<&str> {
        let same = |known: &str| known.eq_ignore_ascii_case(name);
        self.headers.iter().filter(|(n, _)| same(n)).map(|(_, v)| v.as_str()).collect()
    }

    /// Where it redirects to; fails when it does not.
    pub(crate) fn location(&self) -> &str {
        let text = self.gist();
        self.header("location").unwrap_or_else(|| panic!("no redirect: {} {text}", self.status))
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// What a person reads of it: no tags, no styles.
    pub(crate) fn gist(&self) -> String {
        let text = self.text();
        let visible = text.split_once("<main").map_or(text.as_str(), |(_, rest)| rest);
        let words = visible.split('<').map(|part| part.split_once('>').map_or(part, |(_, t)| t));
        words.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("not JSON ({e}): {} {}", self.status, self.text()))
    }

    /// Whether it sends a browser elsewhere.
    pub(crate) fn is_redirect(&self) -> bool {
        matches!(self.status, 301 | 302 | 303 | 307 | 308)
    }
}

impl Wire {
    /// A TLS connection that speaks HTTP/1.1 to `port`, naming `sni`.
    pub(crate) async fn tls(port: u16, sni: &str) -> Self {
        let stream = tls::connect(port, sni, &["http/1.1"]).await;
        Self { stream: Box::new(stream), buffer: Vec::new() }
    }

    /// A TLS connection to `port`, trusting the authority in this PEM file alone.
    pub(crate) async fn tls_under(port: u16, sni: &str, authority: &Path) -> Self {
        let stream = tls::connect_under(port, sni, authority).await;
        Self { stream: Box::new(stream), buffer: Vec::new() }
    }

    /// A plain connection to `port`.
    pub(crate) async fn plain(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        Self { stream: Box::new(stream), buffer: Vec::new() }
    }

    /// Sends exactly these bytes. A peer that has closed already is no failure: its answer is what
    /// counts.
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        if self.stream.write_all(bytes.as_ref()).await.is_ok() {
            self.stream.flush().await.ok();
        }
    }

    /// The next answer, read by its framing; fails when the connection ends before one is complete.
    pub(crate) async fn answer(&mut self) -> Answer {
        self.try_answer().await.expect("the connection ended without an answer")
    }

    /// The next answer, or `None` when the connection ends before one is complete.
    pub(crate) async fn try_answer(&mut self) -> Option<Answer> {
        let mut answer = self.head().await?;
        answer.body = self.body_of(&answer).await?;
        Some(answer)
    }

    /// The body that follows the head of `answer`, by its framing.
    pub(crate) async fn body_of(&mut self, answer: &Answer) -> Option<Vec<u8>> {
        let bodiless = matches!(answer.status, 100..=199 | 204 | 304);
        let chunked = answer.header("transfer-encoding").is_some_and(|v| v.contains("chunked"));
        let length = answer.header("content-length").and_then(|v| v.parse().ok());
        match length {
            _ if bodiless => Some(Vec::new()),
            _ if chunked => self.chunks().await,
            Some(length) => self.exactly(length).await,
            None => Some(self.rest().await),
        }
    }

    /// The head of the next answer; its body stays unread.
    pub(crate) async fn head(&mut self) -> Option<Answer> {
        let head = self.until(b"\r\n\r\n").await?;
        let head = String::from_utf8_lossy(&head).into_owned();
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        Some(Answer { status, headers, body: Vec::new() })
    }

    /// One chunk of a chunked body; empty at the end.
    pub(crate) async fn chunk(&mut self) -> Option<Vec<u8>> {
        let size = self.until(b"\r\n").await?;
        let size = String::from_utf8_lossy(&size).into_owned();
        let size = usize::from_str_radix(size.split(';').next()?.trim(), 16).ok()?;
        let data = self.exactly(size).await?;
        if size > 0 {
            self.exactly(2).await?;
        }
        Some(data)
    }

    /// Exactly `length` bytes.
    pub(crate) async fn exactly(&mut self, length: usize) -> Option<Vec<u8>> {
        while self.buffer.len() < length {
            self.fill().await?;
        }
        Some(self.buffer.drain(..length).collect())
    }

    /// Whether the peer closes within `wait`, sending nothing more before it does.
    pub(crate) async fn closes_within(&mut self, wait: Duration) -> bool {
        let mut byte = [0; 1];
        match timeout(wait, self.stream.read(&mut byte)).await {
            Ok(Ok(0) | Err(_)) => self.buffer.is_empty(),
            Ok(Ok(_)) | Err(_) => false,
        }
    }

    /// Everything until the peer closes.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        while self.fill().await.is_some() {}
        std::mem::take(&mut self.buffer)
    }

    async fn chunks(&mut self) -> Option<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let chunk = self.chunk().await?;
            if chunk.is_empty() {
                while self.until(b"\r\n").await?.len() > 2 {}
                return Some(body);
            }
            body.extend(chunk);
        }
    }

    async fn until(&mut self, end: &[u8]) -> Option<Vec<u8>> {
        loop {
            if let Some(at) = self.buffer.windows(end.len()).position(|w| w == end) {
                return Some(self.buffer.drain(..at + end.len()).collect());
            }
            self.fill().await?;
        }
    }

    async fn fill(&mut self) -> Option<()> {
        let read = timeout(PATIENCE, self.stream.read_buf(&mut self.buffer)).await;
        read.expect("nothing came for forty seconds").ok().filter(|&count| count > 0).map(drop)
    }
}
