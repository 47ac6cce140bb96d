//! The two ends that the watch sees of a connection: the socket under TLS, where the client takes
//! what we write, and the plain bytes above it, where requests begin.

use std::io;
use std::io::IoSlice;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use bytes::Bytes;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::ReadBuf;
use tokio::net::TcpStream;

use crate::listen::admission::Ticket;
use crate::listen::watch::Watch;

/// The socket. It holds the connection's place among the open ones, so a tunnel counts until its
/// end.
#[derive(Debug)]
pub(super) struct Wire {
    socket: TcpStream,
    /// Bytes that were read behind a PROXY protocol header.
    before: Bytes,
    watch: Arc<Watch>,
    shut: bool,
    _ticket: Ticket,
}

impl Wire {
    /// `socket`, from which `before` has been read already.
    pub(super) fn new(socket: TcpStream, before: Bytes, watch: Arc<Watch>, ticket: Ticket) -> Self {
        Self { socket, before, watch, shut: false, _ticket: ticket }
    }

    fn note(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        let now = self.watch.now();
        match &written {
            Poll::Pending => self.watch.writing.wait(now),
            Poll::Ready(Ok(bytes)) => {
                self.watch.writing.moved(now, *bytes);
                self.watch.writing.rest(now);
            }
            Poll::Ready(Err(_)) => self.watch.writing.rest(now),
        }
        written
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.before.is_empty() {
            return Pin::new(&mut self.socket).poll_read(cx, into);
        }
        let count = self.before.len().min(into.remaining());
        into.put_slice(&self.before.split_to(count));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write(cx, bytes);
        self.note(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write_vectored(cx, slices);
        self.note(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    /// Ends our side, then takes in what the client still sends until it ends its own: closing a
    /// socket with unread bytes resets it, and a reset may overtake our last answer (RFC 9112 §9.6).
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.shut {
            ready!(Pin::new(&mut self.socket).poll_shutdown(cx))?;
            self.shut = true;
            self.before.clear();
            self.watch.linger();
        }
        let mut rest = [0; 4096];
        loop {
            let mut into = ReadBuf::new(&mut rest);
            match ready!(Pin::new(&mut self.socket).poll_read(cx, &mut into)) {
                Ok(()) if !into.filled().is_empty() => {}
                Ok(()) | Err(_) => return Poll::Ready(Ok(())),
            }
        }
    }
}

/// The bytes of HTTP.
#[derive(Debug)]
pub(super) struct Plaintext<T> {
    stream: T,
    watch: Arc<Watch>,
}

impl<T> Plaintext<T> {
    /// The HTTP of `stream`.
    pub(super) fn new(stream: T, watch: Arc<Watch>) -> Self {
        Self { stream, watch }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Plaintext<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, into))?;
        let bytes = into.filled().len() - before;
        if bytes > 0 {
            self.watch.received(bytes);
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Plaintext<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
