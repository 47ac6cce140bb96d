//! One request and its answer on their way through the connection: bodies wrapped so that the watch
//! knows whom we wait for.
//!
//! An answer is over when its last byte has left hyper, not when its body has been read: the pieces
//! that hyper holds keep the flow alive, so that a client which opens its HTTP/2 window by one byte
//! cannot make them stay unseen.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::OnceLock;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;

use bytes::Buf;
use bytes::Bytes;
use http_body::Body as HttpBody;
use http_body::Frame;
use http_body::SizeHint;
use hyper::body::Incoming;
use tokio::task::AbortHandle;

use crate::http::Body;
use crate::http::Response;
use crate::http::body::BodyError;
use crate::listen::patience::Patience;
use crate::listen::watch::Watch;

/// One request in flight; ends when the last piece of it is gone.
#[derive(Debug)]
pub(super) struct Flow {
    watch: Arc<Watch>,
    /// The client sending the request's body.
    pub(super) incoming: Patience,
    /// The client taking the answer.
    pub(super) outgoing: Patience,
    given_up: AtomicBool,
    answered: AtomicBool,
    reader: Mutex<Option<Waker>>,
    task: OnceLock<AbortHandle>,
}

impl Flow {
    /// A request that begins; [`Watch::begin`] registers it.
    pub(super) fn new(watch: Arc<Watch>) -> Self {
        Self {
            watch,
            incoming: Patience::default(),
            outgoing: Patience::default(),
            given_up: AtomicBool::new(false),
            answered: AtomicBool::new(false),
            reader: Mutex::default(),
            task: OnceLock::new(),
        }
    }

    /// The task of this HTTP/2 stream.
    pub(super) fn runs_as(&self, task: AbortHandle) {
        if self.task.set(task).is_err() {
            tracing::error!("a stream has two tasks");
        }
    }

    /// Ends this HTTP/2 stream alone; false when only the end of the connection helps.
    pub(super) fn abort(&self) -> bool {
        match self.task.get() {
            Some(task) if !task.is_finished() => {
                task.abort();
                true
            }
            Some(_) | None => false,
        }
    }

    /// Waits no longer for the request's body: whoever reads it gets an error.
    pub(super) fn give_up_body(&self) {
        self.given_up.store(true, Relaxed);
        let reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    /// The answer's head and body, watched on their way out.
    pub(super) fn respond(self: Arc<Self>, response: Response) -> http::Response<Outgoing> {
        self.answered.store(true, Relaxed);
        response.map(|body| Outgoing { body, flow: self })
    }
}

impl Drop for Flow {
    fn drop(&mut self) {
        self.watch.end(self, !self.answered.load(Relaxed));
    }
}

/// The request's body as the gateway reads it; nothing is boxed when there is none.
pub(super) fn arriving(incoming: Incoming, flow: &Arc<Flow>) -> Body {
    if incoming.is_end_stream() {
        return Body::Empty;
    }
    Body::stream(Arriving { incoming, flow: Some(Arc::clone(flow)) })
}

/// A request's body on its way in.
struct Arriving {
    incoming: Incoming,
    /// Until the body has ended.
    flow: Option<Arc<Flow>>,
}

impl HttpBody for Arriving {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Some(flow) = self.flow.clone() else {
            return Poll::Ready(None);
        };
        if flow.given_up.load(Relaxed) {
            self.end();
            let stalled = io::Error::new(io::ErrorKind::TimedOut, "the request's body stalled");
            return Poll::Ready(Some(Err(stalled.into())));
        }
        let polled = Pin::new(&mut self.incoming).poll_frame(cx);
        match &polled {
            Poll::Pending => {
                flow.incoming.wait(flow.watch.now());
                let mut reader = flow.reader.lock().unwrap_or_else(PoisonError::into_inner);
                *reader = Some(cx.waker().clone());
            }
            Poll::Ready(Some(Ok(frame))) => {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                flow.incoming.moved(flow.watch.now(), bytes);
                flow.incoming.rest(flow.watch.now());
                flow.watch.useful();
            }
            Poll::Ready(Some(Err(_)) | None) => self.end(),
        }
        polled.map(|frame| frame.map(|result| result.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

impl Arriving {
    fn end(&mut self) {
        if let Some(flow) = self.flow.take() {
            flow.incoming.rest(flow.watch.now());
        }
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        self.end();
    }
}

/// An answer's body on its way out.
#[derive(Debug)]
pub(super) struct Outgoing {
    body: Body,
    flow: Arc<Flow>,
}

impl HttpBody for Outgoing {
    type Data = Piece;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Piece>, BodyError>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        let now = self.flow.watch.now();
        // Whoever asks for more has room for it; from a frame on, and at the end, the next move is
        // the client's.
        self.flow.outgoing.rest(now);
        if polled.is_ready() {
            self.flow.outgoing.wait(now);
        }
        polled.map(|frame| {
            frame.map(|result| {
                result.map(|frame| {
                    frame.map_data(|bytes| Piece { bytes, flow: Arc::clone(&self.flow) })
                })
            })
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Bytes of an answer that hyper holds until the client has taken them.
#[derive(Debug)]
pub(super) struct Piece {
    bytes: Bytes,
    flow: Arc<Flow>,
}

impl Buf for Piece {
    fn remaining(&self) -> usize {
        self.bytes.len()
    }

    fn chunk(&self) -> &[u8] {
        &self.bytes
    }

    fn advance(&mut self, count: usize) {
        self.flow.outgoing.moved(self.flow.watch.now(), count);
        self.flow.watch.useful();
        self.bytes.advance(count);
    }

    fn copy_to_bytes(&mut self, count: usize) -> Bytes {
        self.flow.outgoing.moved(self.flow.watch.now(), count);
        self.flow.watch.useful();
        self.bytes.split_to(count)
    }
}
