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
use crate::session::SessionId;
use crate::session::Sessions;

/// Trailer fields that pass; all others are dropped (RFC 9110 §6.5.1).
const TRAILERS: [&str; 6] =
    ["grpc-status", "grpc-message", "server-timing", "digest", "content-digest", "etag"];

/// A client's body on its way upstream: each piece postpones the answer's deadline.
pub struct Upload {
    body: Body,
    progress: Arc<Deadline>,
    patience: Duration,
}

impl Upload {
    /// Wraps `body`; each piece of it postpones `progress` by `patience`.
    pub fn new(body: Body, progress: Arc<Deadline>, patience: Duration) -> Self {
        Self { body, progress, patience }
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
            self.progress.postpone(self.patience);
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
    silence: Deadline,
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
    /// Longest silence of the upstream.
    pub patience: Duration,
    /// An event stream ends when this session does.
    pub session: Option<(Arc<Sessions>, SessionId)>,
}

impl Download {
    /// Wraps the body of an answer. `silence` must be due after the rules' patience, or within a
    /// second when a session is watched.
    pub fn new(body: Incoming, lease: Lease, silence: Deadline, rules: DownloadRules) -> Self {
        silence.postpone(rules.look_after());
        Self { body, lease: Some(lease), silence, rules }
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

    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BodyError>> {
        while self.silence.poll_due(cx).is_ready() {
            let Some((sessions, id)) = &self.rules.session else {
                return Poll::Ready(Err("the upstream fell silent".into()));
            };
            if sessions.live(id).is_none() {
                return Poll::Ready(Err("the session has ended".into()));
            }
            self.silence.postpone(self.rules.look_after());
        }
        Poll::Pending
    }
}

impl DownloadRules {
    /// An event stream may be silent for long, and its session is looked at twice a second.
    fn look_after(&self) -> Duration {
        if self.session.is_some() { Duration::from_millis(500) } else { self.patience }
    }
}

impl HttpBody for Download {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self.poll_body(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                if self.rules.session.is_none() {
                    self.silence.postpone(self.rules.patience);
                }
                if self.body.is_end_stream() {
                    self.release();
                }
                Poll::Ready(Some(Ok(without_forbidden_trailers(frame))))
            }
            Poll::Ready(Some(Err(error))) => {
                self.lease = None;
                Poll::Ready(Some(Err(error.into())))
            }
            Poll::Ready(None) => {
                self.release();
                Poll::Ready(None)
            }
            Poll::Pending => match self.poll_silence(cx) {
                Poll::Ready(Err(error)) => {
                    self.lease = None;
                    Poll::Ready(Some(Err(error)))
                }
                Poll::Ready(Ok(())) | Poll::Pending => Poll::Pending,
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
