//! Bodies on their way through: streamed, trailers by allow-list, silence bounded.

use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderName;
use http_body::Body as HttpBody;
use http_body::Frame;
use http_body::SizeHint;
use hyper::body::Incoming;

use crate::clock::Timestamp;
use crate::http::Body;
use crate::http::body::BodyError;
use crate::proxy::connection::UpstreamConnection;
use crate::proxy::deadline::Deadline;
use crate::proxy::upstream::Server;
use crate::proxy::watch::LOOK;
use crate::proxy::watch::Watch;

/// Trailer fields that pass; all others are dropped (RFC 9110 §6.5.1).
const TRAILERS: [&str; 6] =
    ["grpc-status", "grpc-message", "server-timing", "digest", "content-digest", "etag"];

/// A client's body on its way upstream: each piece shows that the exchange is alive.
pub struct Upload {
    body: Body,
    progress: Arc<Deadline>,
}

impl Upload {
    /// Wraps `body`; each piece of it touches `progress`.
    pub fn new(body: Body, progress: Arc<Deadline>) -> Self {
        Self { body, progress }
    }
}

impl HttpBody for Upload {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        if frame.is_ready() {
            self.progress.touch();
        }
        frame.map(|frame| frame.map(|frame| frame.map(without_forbidden_trailers)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// An upstream's body on its way to the client. Drives the connection it comes from and gives it
/// back once both messages have ended; dropped before that, it closes the connection.
pub struct Download {
    body: Incoming,
    lease: Option<Lease>,
    progress: Arc<Deadline>,
    rules: DownloadRules,
}

/// A connection in use and where it goes back to.
pub struct Lease {
    /// The connection.
    pub connection: UpstreamConnection,
    /// Its server.
    pub server: Arc<Server>,
    /// The worker whose stack it belongs to.
    pub worker: usize,
    /// When its request began.
    pub now: Timestamp,
}

/// What bounds a download.
pub struct DownloadRules {
    /// Longest silence of both sides.
    pub patience: Duration,
    /// It ends when this session does.
    pub watch: Option<Watch>,
}

impl Download {
    /// Wraps the body of an answer. `progress` is the exchange's, which an upload touches as well;
    /// without a lease somebody else drives the connection.
    pub fn new(
        body: Incoming,
        lease: Option<Lease>,
        progress: Arc<Deadline>,
        rules: DownloadRules,
    ) -> Self {
        progress.touch();
        progress.postpone(rules.look_after());
        Self { body, lease, progress, rules }
    }

    /// Returns the connection when it is between messages.
    fn release(&mut self) {
        if let Some(mut lease) = self.lease.take()
            && lease.connection.is_sound()
        {
            lease.server.pool.keep(lease.worker, lease.connection, lease.now);
        }
    }

    fn poll_body(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            return Poll::Ready(frame);
        }
        if let Some(lease) = &mut self.lease
            && lease.connection.poll_drive(cx).is_ready()
        {
            // The connection is over; the body knows whether it ended with it.
            self.lease = None;
        }
        Pin::new(&mut self.body).poll_frame(cx)
    }

    /// Ready when it must end; else wakes the task for the next look.
    fn poll_end(&self, cx: &mut Context<'_>) -> Poll<BodyError> {
        while self.progress.poll_due(cx).is_ready() {
            if self.rules.watch.as_ref().is_some_and(|watch| !watch.session_counts()) {
                return Poll::Ready("the session has ended".into());
            }
            let silence = self.progress.silence();
            if silence >= self.rules.patience {
                return Poll::Ready("the upstream fell silent".into());
            }
            let left = self.rules.patience.saturating_sub(silence);
            self.progress.postpone(left.min(self.rules.look_after()));
        }
        Poll::Pending
    }

    fn fail(&mut self, error: BodyError) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.lease = None;
        Poll::Ready(Some(Err(error)))
    }
}

impl DownloadRules {
    fn look_after(&self) -> Duration {
        if self.watch.is_some() { LOOK.min(self.patience) } else { self.patience }
    }
}

impl HttpBody for Download {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        // An answer that never stops flowing must not outlive its session either.
        if self.rules.watch.is_some()
            && let Poll::Ready(error) = self.poll_end(cx)
        {
            return self.fail(error);
        }
        match self.poll_body(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                self.progress.touch();
                if self.body.is_end_stream() {
                    self.release();
                }
                Poll::Ready(Some(Ok(without_forbidden_trailers(frame))))
            }
            Poll::Ready(Some(Err(error))) => self.fail(error.into()),
            Poll::Ready(None) => {
                self.release();
                Poll::Ready(None)
            }
            Poll::Pending => match self.poll_end(cx) {
                Poll::Ready(error) => self.fail(error),
                Poll::Pending => Poll::Pending,
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn without_forbidden_trailers(frame: Frame<Bytes>) -> Frame<Bytes> {
    match frame.into_trailers() {
        Ok(trailers) => Frame::trailers(allowed(&trailers)),
        Err(frame) => frame,
    }
}

fn allowed(trailers: &HeaderMap) -> HeaderMap {
    let passes = |name: &HeaderName| TRAILERS.contains(&name.as_str());
    let pairs = trailers.iter().filter(|(name, _)| passes(name));
    pairs.map(|(name, value)| (name.clone(), value.clone())).collect()
}
