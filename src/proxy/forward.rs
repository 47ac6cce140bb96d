//! On to the CMS: identity and forwarding headers in, one server of the upstream, its answer back.

use std::error::Error;
use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use http::Request;
use http::StatusCode;
use http::Version;
use hyper::body::Incoming;

use crate::error::Problem;
use crate::http::Body;
use crate::http::Response;
use crate::http::body::BodyError;
use crate::proxy::body::Download;
use crate::proxy::body::DownloadRules;
use crate::proxy::body::Lease;
use crate::proxy::body::Upload;
use crate::proxy::connection::Failure;
use crate::proxy::connection::UpstreamConnection;
use crate::proxy::deadline::Deadline;
use crate::proxy::outbound;
use crate::proxy::story::Story;
use crate::proxy::upstream::Server;
use crate::proxy::upstream::Upstream;
use crate::proxy::watch::Watch;

/// An admitted request's way to its upstream.
#[derive(Clone, Copy, Debug)]
pub struct Passage<'a> {
    /// The request.
    pub story: &'a Story<'a>,
    /// The site's upstream.
    pub upstream: &'a Arc<Upstream>,
    /// The upstream's index in the gateway.
    pub upstream_index: usize,
    /// Whether it took a session to be admitted.
    pub protected: bool,
}

/// Sends the request to the passage's upstream and returns the answer, its body still streaming.
///
/// # Errors
///
/// [`Problem::UpstreamFailed`] when no server can be reached or the answer breaks off before its
/// head, [`Problem::UpstreamTimeout`] when it does not come in time.
pub async fn forward(passage: &Passage<'_>, request: Request<Body>) -> Result<Response, Problem> {
    let started = Instant::now();
    let meters = &passage.upstream.meters;
    let patience = passage.upstream.settings.response_timeout;
    let deadline = Arc::new(passage.story.worker.deadlines.after(patience));
    let request = outbound::request(passage, request)?.map(|body| match body {
        Body::Empty => Body::Empty,
        body @ (Body::Bytes(_) | Body::Stream(_)) => {
            Body::stream(Upload::new(body, Arc::clone(&deadline)))
        }
    });
    let sent = send(passage, request, &deadline).await;
    let answered = sent.and_then(|(answer, lease)| {
        meters.duration.observe(started.elapsed().as_secs_f64());
        respond(passage, answer, lease, deadline)
    });
    match &answered {
        Ok(_) => {
            meters.answered.inc();
            passage.story.served();
        }
        Err(Problem::UpstreamTimeout) => meters.timed_out.inc(),
        Err(Problem::UpstreamFailed) => meters.failed.inc(),
        // Whatever else it is, the client did it.
        Err(_) => {}
    }
    answered
}

/// Tries the servers in turn. A request goes to another connection only while nothing of it has
/// been written (RFC 9110 §9.2.2).
async fn send(
    passage: &Passage<'_>,
    mut request: Request<Body>,
    deadline: &Deadline,
) -> Result<(http::Response<Incoming>, Lease), Problem> {
    for server in passage.upstream.in_turn(passage.story.now) {
        while let Some(pooled) = server.pool.take(passage.story.worker.index, passage.story.now) {
            match send_over(passage, pooled, request, &server, deadline).await? {
                Sent::Answered(answer, lease) => return Ok((answer, lease)),
                Sent::Unsent(unsent) => request = *unsent,
            }
        }
        let fresh = match Box::pin(dial(passage, &server)).await {
            Ok(fresh) => fresh,
            Err(error) => {
                server.note_unreachable(&error, passage.story.now);
                tracing::warn!(upstream = %passage.upstream.settings.name, server = %server.host, port = server.port, %error, "upstream server cannot be reached");
                continue;
            }
        };
        match send_over(passage, fresh, request, &server, deadline).await? {
            Sent::Answered(answer, lease) => return Ok((answer, lease)),
            Sent::Unsent(unsent) => request = *unsent,
        }
    }
    Err(Problem::UpstreamFailed)
}

enum Sent {
    Answered(http::Response<Incoming>, Lease),
    Unsent(Box<Request<Body>>),
}

async fn send_over(
    passage: &Passage<'_>,
    mut connection: UpstreamConnection,
    request: Request<Body>,
    server: &Arc<Server>,
    deadline: &Deadline,
) -> Result<Sent, Problem> {
    let patience = passage.upstream.settings.response_timeout;
    let result = {
        let mut answer = pin!(connection.send(request));
        poll_fn(|cx| match answer.as_mut().poll(cx) {
            Poll::Ready(result) => Poll::Ready(Some(result)),
            Poll::Pending => deadline.poll_silent(cx, patience).map(|()| None),
        })
        .await
    };
    match result {
        Some(Ok(answer)) => {
            server.mark_up();
            let lease = Lease {
                connection,
                server: Arc::clone(server),
                worker: passage.story.worker.index,
                now: passage.story.now,
            };
            Ok(Sent::Answered(answer, lease))
        }
        Some(Err(Failure::Unsent(request))) => Ok(Sent::Unsent(request)),
        Some(Err(Failure::Broken(error))) => {
            if let Some(problem) = clients_fault(&error) {
                return Err(problem);
            }
            server.note_miss(passage.story.now);
            tracing::warn!(upstream = %passage.upstream.settings.name, server = %server.host, port = server.port, request.id = %passage.story.id, %error, "upstream answer broke off");
            Err(Problem::UpstreamFailed)
        }
        None => {
            server.note_miss(passage.story.now);
            Err(Problem::UpstreamTimeout)
        }
    }
}

/// What the client did wrong when the request broke off because its own body did.
pub fn clients_fault(error: &hyper::Error) -> Option<Problem> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<BodyError>() {
            return Some(broken_body(error));
        }
        cause = error.source();
    }
    None
}

/// The client's body did not come, or not to its end.
pub fn broken_body(error: &BodyError) -> Problem {
    if error.is_timeout() {
        return Problem::RequestTimeout;
    }
    Problem::BadRequest("the body broke off".into())
}

async fn dial(passage: &Passage<'_>, server: &Server) -> io::Result<UpstreamConnection> {
    let limit = passage.upstream.settings.connect_timeout;
    match tokio::time::timeout(limit, UpstreamConnection::dial(server)).await {
        Ok(dialled) => dialled,
        Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "connecting took too long")),
    }
}

fn respond(
    passage: &Passage<'_>,
    answer: http::Response<Incoming>,
    lease: Lease,
    progress: Arc<Deadline>,
) -> Result<Response, Problem> {
    // Nobody asked to switch: what follows such a head is no HTTP.
    if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
        return Err(Problem::UpstreamFailed);
    }
    let (mut head, body) = answer.into_parts();
    outbound::clean_answer(passage, &mut head.headers)?;
    head.version = Version::default();
    let body = if http_body::Body::is_end_stream(&body) {
        give_back(lease);
        Body::Empty
    } else {
        let patience = passage.upstream.settings.idle_timeout;
        let rules = DownloadRules { patience, watch: Watch::of(passage.story) };
        Body::stream(Download::new(body, Some(lease), progress, rules))
    };
    Ok(Response::from_parts(head, body))
}

fn give_back(lease: Lease) {
    let Lease { mut connection, server, worker, now } = lease;
    if connection.is_sound() {
        server.pool.keep(worker, connection, now);
    }
}
