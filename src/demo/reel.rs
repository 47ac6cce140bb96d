//! Remembers a request's head as its bytes came in. The parsed head has lost the order and the case
//! of its lines, and whoever tries out a gateway wants to see both.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::task::Context;
use std::task::Poll;

use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::ReadBuf;

/// Bytes remembered of one head; a longer one is not shown as it came.
const LENGTH: usize = 128 * 1024;

/// What a connection has read since the last [`Reel::rewind`].
#[derive(Clone, Debug, Default)]
pub(super) struct Reel(Arc<Mutex<Tape>>);

#[derive(Debug, Default)]
struct Tape {
    bytes: Vec<u8>,
    stopped: bool,
}

/// A request's head as it came: its request line's target, and its lines in order.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) target: String,
    pub(super) lines: Vec<(String, String)>,
}

impl Reel {
    /// Stops remembering and reads the head that was remembered. `None` when there is none: it is
    /// too long, or came in together with the request before it.
    pub(super) fn take(&self) -> Option<Head> {
        let bytes = {
            let mut tape = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            tape.stopped = true;
            std::mem::take(&mut tape.bytes)
        };
        read(&bytes)
    }

    /// Starts to remember anew, once the body is behind.
    pub(super) fn rewind(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Tape::default();
    }

    fn record(&self, bytes: &[u8]) {
        let mut tape = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = if tape.stopped { 0 } else { LENGTH - tape.bytes.len() };
        tape.bytes.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }
}

/// Splits a head that an HTTP parser has accepted already.
fn read(bytes: &[u8]) -> Option<Head> {
    let mut lines = bytes.split_inclusive(|&b| b == b'\n').map(|line| {
        let line = line.strip_suffix(b"\n")?;
        Some(String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)))
    });
    let start = lines.find(|line| line.as_ref().is_none_or(|line| !line.is_empty()))??;
    let mut head = Head { target: start.split(' ').nth(1)?.to_owned(), lines: Vec::new() };
    for line in lines {
        let line = line?;
        if line.is_empty() {
            return Some(head);
        }
        let (name, value) = line.split_once(':')?;
        head.lines.push((name.to_owned(), value.trim_matches([' ', '\t']).to_owned()));
    }
    None
}

/// A stream whose reads are remembered.
#[derive(Debug)]
pub(super) struct Recorded<T> {
    stream: T,
    reel: Reel,
}

impl<T> Recorded<T> {
    pub(super) fn new(stream: T, reel: Reel) -> Self {
        Self { stream, reel }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Recorded<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        self.reel.record(buffer.filled().get(before..).unwrap_or_default());
        polled
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Recorded<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_their_order_case_and_repetition() {
        let head =
            read(b"\r\nGET /a%2Fb?c HTTP/1.1\r\nHost: x\r\nb: 1\r\nA:2 \r\nb:\t3\r\n\r\nbody");
        let line = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let lines = vec![line("Host", "x"), line("b", "1"), line("A", "2"), line("b", "3")];
        assert_eq!(head, Some(Head { target: "/a%2Fb?c".to_owned(), lines }));
    }

    #[test]
    fn half_a_head_is_none() {
        for bytes in [&b""[..], b"\r\n", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n\r"]
        {
            assert_eq!(read(bytes), None);
        }
    }

    #[test]
    fn nothing_is_remembered_of_a_body_nor_beyond_the_limit() {
        let reel = Reel::default();
        reel.record(b"GET / HTTP/1.1\r\n\r\n");
        assert!(reel.take().is_some());
        reel.record(b"GET /body HTTP/1.1\r\n\r\n");
        assert_eq!(reel.take(), None);
        reel.rewind();
        reel.record(&vec![b'a'; LENGTH - 1]);
        reel.record(b"aa");
        reel.record(b"a");
        assert_eq!(reel.0.lock().unwrap().bytes.len(), LENGTH);
    }
}
