//! Upgrades: a tunnel only on the upstream's 101, from the same origin, and no longer than the
//! session lives.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use http::HeaderValue;
use http::Request;
use http::StatusCode;
use http::Version;
use http::header;
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt;

use crate::error::Problem;
use crate::http::Body;
use crate::http::Response;
use crate::proxy::body::Download;
use crate::proxy::body::DownloadRules;
use crate::proxy::connection;
use crate::proxy::forward;
use crate::proxy::forward::Passage;
use crate::proxy::gateway::Current;
use crate::proxy::outbound;
use crate::proxy::watch::LOOK;
use crate::proxy::watch::Watch;

/// A client's wish to switch to WebSocket.
#[derive(Debug)]
pub struct Wish {
    on_upgrade: OnUpgrade,
    origin: Option<HeaderValue>,
}

impl Wish {
    /// The wish of `request`, read before hop-by-hop headers are stripped. Only WebSocket over
    /// HTTP/1.1 is one (RFC 6455 §4.1); h2c and everything else is ignored as RFC 9110 §7.8 allows.
    pub fn of(request: &Request<Body>) -> Option<Self> {
        let headers = request.headers();
        let names = |name, token: &str| {
            headers
                .get_all(name)
                .iter()
                .filter_map(|line| line.to_str().ok())
                .any(|line| line.split(',').any(|part| part.trim().eq_ignore_ascii_case(token)))
        };
        let wished = request.version() == Version::HTTP_11
            && request.method() == http::Method::GET
            && names(header::CONNECTION, "upgrade")
            && headers.get(header::UPGRADE).is_some_and(is_websocket);
        let on_upgrade = request.extensions().get::<OnUpgrade>().filter(|_| wished)?.clone();
        Some(Self { on_upgrade, origin: headers.get(header::ORIGIN).cloned() })
    }
}

/// Opens the tunnel, or returns whatever else the upstream answered.
///
/// # Errors
///
/// [`Problem::Forbidden`] from a foreign origin; as for forwarding when the upstream fails.
pub async fn open(
    passage: &Passage<'_>,
    request: Request<Body>,
    wish: Wish,
) -> Result<Response, Problem> {
    if !is_same_origin(passage, wish.origin.as_ref()) {
        return Err(Problem::Forbidden {
            rule: format!("the origins of site {}", passage.story.site.name),
        });
    }
    let mut request = outbound::request(passage, request)?;
    let headers = request.headers_mut();
    headers.insert(header::CONNECTION, UPGRADE);
    headers.insert(header::UPGRADE, WEBSOCKET);
    let limit = passage.upstream.settings.response_timeout;
    let mut answer = match tokio::time::timeout(limit, ask(passage, request)).await {
        Ok(answer) => answer?,
        Err(_) => return Err(Problem::UpstreamTimeout),
    };
    if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        return refused(passage, answer);
    }
    if !answer.headers().get(header::UPGRADE).is_some_and(is_websocket) {
        return Err(Problem::UpstreamFailed);
    }
    let upstream = hyper::upgrade::on(&mut answer);
    let (mut head, _) = answer.into_parts();
    outbound::clean_answer(passage, &mut head.headers)?;
    head.headers.insert(header::CONNECTION, UPGRADE);
    head.headers.insert(header::UPGRADE, WEBSOCKET);
    tokio::spawn(Tunnel::of(passage).relay(wish.on_upgrade, upstream));
    Ok(Response::from_parts(head, Body::Empty))
}

/// Whatever else the upstream answered, as bounded as any answer.
fn refused(passage: &Passage<'_>, answer: http::Response<Incoming>) -> Result<Response, Problem> {
    let (mut head, body) = answer.into_parts();
    outbound::clean_answer(passage, &mut head.headers)?;
    let patience = passage.upstream.settings.idle_timeout;
    let progress = Arc::new(passage.story.worker.deadlines.after(patience));
    let rules = DownloadRules { patience, watch: Watch::of(passage.story) };
    Ok(Response::from_parts(head, Body::stream(Download::new(body, None, progress, rules))))
}

/// Asks a server on a connection of its own, which becomes the tunnel's.
async fn ask(
    passage: &Passage<'_>,
    request: Request<Body>,
) -> Result<http::Response<Incoming>, Problem> {
    let patience = passage.upstream.settings.connect_timeout;
    for server in passage.upstream.in_turn(passage.story.now) {
        let dialled = tokio::time::timeout(patience, connection::dial(&server)).await;
        let stream = match dialled.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
            Ok(stream) => stream,
            Err(error) => {
                server.note_unreachable(&error, passage.story.now);
                continue;
            }
        };
        let Ok((mut sender, driver)) = connection::handshake(stream).await else { continue };
        tokio::spawn(driver.with_upgrades());
        return match sender.send_request(request).await {
            Ok(answer) => {
                server.mark_up();
                Ok(answer)
            }
            Err(error) => Err(forward::clients_fault(&error).unwrap_or_else(|| {
                server.note_miss(passage.story.now);
                Problem::UpstreamFailed
            })),
        };
    }
    Err(Problem::UpstreamFailed)
}

/// Browsers always say where a WebSocket comes from; it must be this very origin or one that the
/// site lists (security.md F143).
fn is_same_origin(passage: &Passage<'_>, origin: Option<&HeaderValue>) -> bool {
    let Some(origin) = origin.and_then(|origin| origin.to_str().ok()) else { return false };
    let scheme = if passage.story.caller.secure { "https" } else { "http" };
    let own = format!("{scheme}://{}", passage.story.target.authority());
    origin.eq_ignore_ascii_case(&own) || passage.story.site.origins.iter().any(|o| o == origin)
}

fn is_websocket(value: &HeaderValue) -> bool {
    value.as_bytes().eq_ignore_ascii_case(b"websocket")
}

const UPGRADE: HeaderValue = HeaderValue::from_static("Upgrade");
const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");

/// What a tunnel lives by.
struct Tunnel {
    current: Arc<Current>,
    watch: Option<Watch>,
    patience: Duration,
    started: Instant,
    /// Milliseconds from the start to the last byte.
    active: AtomicU64,
}

impl Tunnel {
    fn of(passage: &Passage<'_>) -> Self {
        let story = passage.story;
        Self {
            current: Arc::clone(&story.worker.current),
            watch: Watch::of(story),
            patience: passage.upstream.settings.idle_timeout,
            started: Instant::now(),
            active: AtomicU64::new(0),
        }
    }

    /// Relays until either side is done, both are silent, or the session is over.
    async fn relay(self, client: OnUpgrade, upstream: OnUpgrade) {
        let both = tokio::time::timeout(self.patience, async { tokio::join!(client, upstream) });
        let Ok((Ok(client), Ok(upstream))) = both.await else { return };
        let open = self.current.load().house.metrics.tunnels.clone();
        open.inc();
        let (client_in, client_out) = tokio::io::split(TokioIo::new(client));
        let (upstream_in, upstream_out) = tokio::io::split(TokioIo::new(upstream));
        tokio::select! {
            _ = self.pump(client_in, upstream_out) => {}
            _ = self.pump(upstream_in, client_out) => {}
            () = self.over() => {}
        }
        open.dec();
    }

    async fn pump(
        &self,
        mut from: impl AsyncRead + Unpin,
        mut to: impl AsyncWrite + Unpin,
    ) -> io::Result<()> {
        let mut buffer = vec![0; 16 * 1024];
        loop {
            let count = from.read(&mut buffer).await?;
            let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else {
                return to.shutdown().await;
            };
            to.write_all(bytes).await?;
            to.flush().await?;
            let elapsed = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
            self.active.store(elapsed, Ordering::Relaxed);
        }
    }

    /// Completes when the tunnel must close.
    async fn over(&self) {
        loop {
            tokio::time::sleep(LOOK).await;
            let active = Duration::from_millis(self.active.load(Ordering::Relaxed));
            let silent = self.started.elapsed().saturating_sub(active);
            if silent > self.patience || !self.watch.as_ref().is_none_or(Watch::session_counts) {
                return;
            }
        }
    }
}
