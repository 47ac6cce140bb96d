//! One connection to a server of an upstream, driven by the task that uses it: no task of its own.

use std::fmt;
use std::future::Future;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::pin::pin;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;

use http::Request;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::ReadBuf;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::http::Body;
use crate::proxy::upstream::Server;

/// A plain or encrypted stream to a server.
#[derive(Debug)]
pub enum Stream {
    /// http
    Plain(TcpStream),
    /// https
    Tls(Box<TlsStream<TcpStream>>),
}

/// An HTTP/1.1 connection to a server.
pub struct UpstreamConnection {
    sender: http1::SendRequest<Body>,
    driver: Pin<Box<http1::Connection<TokioIo<Stream>, Body>>>,
}

/// Why a request got no answer.
#[derive(Debug)]
pub enum Failure {
    /// Nothing of the request was written: it can be sent elsewhere.
    Unsent(Box<Request<Body>>),
    /// Something was written, or the answer broke off.
    Broken(hyper::Error),
}

impl UpstreamConnection {
    /// Dials `server`. The caller sets the time limit.
    ///
    /// # Errors
    ///
    /// When the server cannot be reached or its certificate is not trusted.
    pub async fn dial(server: &Server) -> io::Result<Self> {
        let (sender, driver) = handshake(dial(server).await?).await?;
        Ok(Self { sender, driver: Box::pin(driver) })
    }

    /// Whether an idle connection can take another request: the server has neither closed it nor
    /// sent a single byte that nobody asked for.
    pub fn is_sound(&mut self) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        self.driver.as_mut().poll(&mut cx).is_pending() && self.sender.is_ready()
    }

    /// Drives reading and writing; ready when the connection is over.
    pub fn poll_drive(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), hyper::Error>> {
        self.driver.as_mut().poll(cx)
    }

    /// Sends a request and waits for the head of its answer.
    ///
    /// # Errors
    ///
    /// See [`Failure`].
    pub async fn send(
        &mut self,
        request: Request<Body>,
    ) -> Result<http::Response<Incoming>, Failure> {
        let driver = &mut self.driver;
        let mut answer = pin!(self.sender.try_send_request(request));
        let mut over = false;
        let result = poll_fn(|cx| {
            if let Poll::Ready(result) = answer.as_mut().poll(cx) {
                return Poll::Ready(result);
            }
            // Once the connection is over the answer's future learns of it at its next poll.
            if !over {
                over = driver.as_mut().poll(cx).is_ready();
            }
            answer.as_mut().poll(cx)
        });
        result.await.map_err(|mut error| match error.take_message() {
            Some(request) => Failure::Unsent(Box::new(request)),
            None => Failure::Broken(error.into_error()),
        })
    }
}

impl fmt::Debug for UpstreamConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UpstreamConnection")
    }
}

/// Opens a stream to `server` with TLS where it asks for it.
///
/// # Errors
///
/// When the server cannot be reached or its certificate is not trusted.
pub async fn dial(server: &Server) -> io::Result<Stream> {
    let tcp = if is_localhost_name(&server.host) {
        TcpStream::connect(("127.0.0.1", server.port)).await?
    } else {
        TcpStream::connect((server.host.as_str(), server.port)).await?
    };
    tcp.set_nodelay(true)?;
    let Some((config, name)) = &server.tls else { return Ok(Stream::Plain(tcp)) };
    let connector = TlsConnector::from(std::sync::Arc::clone(config));
    Ok(Stream::Tls(Box::new(connector.connect(name.clone(), tcp).await?)))
}

/// `*.localhost` is this machine (RFC 6761 §6.3), whatever a resolver says.
fn is_localhost_name(host: &str) -> bool {
    host.ends_with(".localhost")
}

/// Starts HTTP/1.1 on a stream.
///
/// # Errors
///
/// When hyper refuses the stream.
pub async fn handshake(
    stream: Stream,
) -> io::Result<(http1::SendRequest<Body>, http1::Connection<TokioIo<Stream>, Body>)> {
    http1::Builder::new()
        .max_buf_size(256 * 1024)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(io::Error::other)
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_shutdown(cx),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }
}
