//! One connection's state as its worker's clock sees it: what it waits for and since when. The hot
//! path only notes things here; a coarse tick of the worker looks at every watch and ends what has
//! taken too long, so no request and no connection costs a timer.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::Weak;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Waker;
use std::time::Duration;
use std::time::Instant;

use tokio::task::AbortHandle;

use crate::config::model::Timeouts;
use crate::listen::flow::Flow;
use crate::listen::patience::Patience;

/// A worker's coarse clock: milliseconds since it began, moved by its tick, never 0.
#[derive(Debug)]
pub(super) struct Ticks {
    began: Instant,
    now: AtomicU64,
}

impl Ticks {
    /// A clock that begins at 1.
    pub(super) fn new() -> Self {
        Self { began: Instant::now(), now: AtomicU64::new(1) }
    }

    /// The tick that is running.
    pub(super) fn now(&self) -> u64 {
        self.now.load(Relaxed)
    }

    /// Moves on to the present.
    pub(super) fn advance(&self) {
        self.now.store(1 + milliseconds(self.began.elapsed()), Relaxed);
    }
}

/// What a connection is doing while no request is in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Phase {
    /// PROXY protocol or TLS.
    Handshake,
    /// HTTP/2 whose preface has not come whole.
    Preface,
    /// HTTP/1.1: a head has begun, or is owed by a new connection.
    Head,
    /// Between requests.
    Idle,
    /// All is sent; what the client still sends is thrown away.
    Linger,
    /// A tunnel, watched by whoever made it.
    Tunnel,
}

const PHASES: [Phase; 6] =
    [Phase::Handshake, Phase::Preface, Phase::Head, Phase::Idle, Phase::Linger, Phase::Tunnel];

/// What a look at a watch leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing.
    Leave,
    /// The connection was asked to end by itself.
    Drain,
    /// The connection was cut for a limit it hit, a label of `vestibule_limits_hit_total`.
    Cut(&'static str),
    /// The connection was cut, and nobody did anything wrong.
    End,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Watch {
    ticks: Arc<Ticks>,
    phase: AtomicU8,
    /// Tick at which the phase began.
    since: AtomicU64,
    http2: AtomicBool,
    /// Requests begun, and those given up by the client before we had an answer.
    begun: AtomicU32,
    cancelled: AtomicU32,
    in_flight: AtomicU32,
    /// Plain bytes received since anything useful came of them.
    chatter: AtomicU64,
    /// The client taking what we write.
    pub(super) writing: Patience,
    flows: Mutex<Vec<Weak<Flow>>>,
    wish: AtomicU8,
    waker: Mutex<Option<Waker>>,
}

/// The connection is to end when what is in flight has finished.
const DRAIN: u8 = 1;
/// The connection is to end at once.
const CUT: u8 = 2;

/// Bytes of an HTTP/2 preface (RFC 9113 §3.4).
const PREFACE: u64 = 24;
/// Bytes that a client may send without any request or body coming of them: thousands of PING,
/// SETTINGS or PRIORITY frames, and more than any head. What the windows of HTTP/2 let a client send
/// (1 MiB a connection) waits for a slow upstream and must fit, with the frames around it.
const MOST_CHATTER: u64 = 1536 * 1024;
/// Requests given up before an answer, after which a connection that mostly does so is cut.
const MOST_CANCELLED: u32 = 100;
/// Longest time that a client may leave an HTTP/2 stream's window shut.
const SHUT_WINDOW: Duration = Duration::from_secs(30);
/// How long an ended connection still takes in what the client sends, so that a reset does not
/// destroy our last answer before it is read; and how long a client has to answer GOAWAY.
const LINGER: Duration = Duration::from_secs(1);

impl Watch {
    /// A connection that begins its handshake now.
    pub(super) fn new(ticks: Arc<Ticks>) -> Self {
        let since = AtomicU64::new(ticks.now());
        Self {
            ticks,
            phase: AtomicU8::new(Phase::Handshake as u8),
            since,
            http2: AtomicBool::new(false),
            begun: AtomicU32::new(0),
            cancelled: AtomicU32::new(0),
            in_flight: AtomicU32::new(0),
            chatter: AtomicU64::new(0),
            writing: Patience::default(),
            flows: Mutex::default(),
            wish: AtomicU8::new(0),
            waker: Mutex::default(),
        }
    }

    /// The worker's clock.
    pub(super) fn now(&self) -> u64 {
        self.ticks.now()
    }

    /// The handshake is over and HTTP begins.
    pub(super) fn http_begins(&self, http2: bool) {
        self.http2.store(http2, Relaxed);
        self.enter(if http2 { Phase::Preface } else { Phase::Head });
    }

    /// The client sent that many bytes of HTTP.
    pub(super) fn received(&self, bytes: usize) {
        let bytes = bytes as u64;
        let chatter = self.chatter.load(Relaxed).saturating_add(bytes);
        self.chatter.store(chatter, Relaxed);
        if self.in_flight.load(Relaxed) != 0 {
            return;
        }
        let http2 = self.http2.load(Relaxed);
        if self.is(Phase::Idle) && !http2 {
            self.enter(Phase::Head);
        } else if self.is(Phase::Preface) && chatter >= PREFACE {
            self.enter(Phase::Idle);
        }
    }

    /// What the client sent was useful.
    pub(super) fn useful(&self) {
        self.chatter.store(0, Relaxed);
    }

    /// A request's head has come whole.
    pub(super) fn begin(self: &Arc<Self>) -> Arc<Flow> {
        self.useful();
        self.phase.store(Phase::Idle as u8, Relaxed);
        self.begun.fetch_add(1, Relaxed);
        self.in_flight.fetch_add(1, Relaxed);
        let flow = Arc::new(Flow::new(Arc::clone(self)));
        self.lock_flows().push(Arc::downgrade(&flow));
        flow
    }

    /// The request of `flow` and its answer are over; only the flow's own end calls this.
    pub(super) fn end(&self, flow: *const Flow, cancelled: bool) {
        let mut flows = self.lock_flows();
        if let Some(place) = flows.iter().position(|other| std::ptr::eq(other.as_ptr(), flow)) {
            flows.swap_remove(place);
        }
        drop(flows);
        if cancelled {
            self.cancelled.fetch_add(1, Relaxed);
        }
        if self.in_flight.fetch_sub(1, Relaxed) == 1 && !self.is(Phase::Linger) {
            self.since.store(self.now(), Relaxed);
        }
    }

    /// The task of the HTTP/2 stream whose request has begun just now.
    pub(super) fn runs_as(&self, task: AbortHandle) {
        let flow = self.lock_flows().last().and_then(Weak::upgrade);
        if let Some(flow) = flow {
            flow.runs_as(task);
        }
    }

    /// The connection becomes a tunnel, which is no longer ours to watch.
    pub(super) fn tunnel(&self) {
        self.enter(Phase::Tunnel);
    }

    /// Whether the connection has become a tunnel.
    pub(super) fn is_tunnel(&self) -> bool {
        self.is(Phase::Tunnel)
    }

    /// Everything is sent.
    pub(super) fn linger(&self) {
        if !self.is(Phase::Linger) {
            self.enter(Phase::Linger);
        }
    }

    /// Asks the connection to end when what is in flight has finished: at once when idle; HTTP/2
    /// clients are told by GOAWAY.
    pub(super) fn drain(&self) {
        if self.wish.fetch_max(DRAIN, Relaxed) < DRAIN {
            if self.is(Phase::Idle) {
                self.enter(Phase::Idle);
            }
            self.wake();
        }
    }

    /// Whether the connection was asked to end.
    pub(super) fn is_draining(&self) -> bool {
        self.wish.load(Relaxed) >= DRAIN
    }

    /// Whether the connection is to end at once.
    pub(super) fn is_cut(&self) -> bool {
        self.wish.load(Relaxed) >= CUT
    }

    /// Whom to wake when the connection is to end; nobody once it has.
    pub(super) fn wakes(&self, task: Option<Waker>) {
        *self.waker.lock().unwrap_or_else(PoisonError::into_inner) = task;
    }

    /// Looks whether anything has taken too long, and ends it.
    pub(super) fn look(&self, timeouts: &Timeouts) -> Verdict {
        let verdict = self.judge(timeouts);
        match verdict {
            Verdict::Leave => {}
            Verdict::Drain => self.drain(),
            Verdict::Cut(_) | Verdict::End => {
                self.wish.store(CUT, Relaxed);
                self.wake();
            }
        }
        verdict
    }

    fn judge(&self, timeouts: &Timeouts) -> Verdict {
        if self.chatter.load(Relaxed) > MOST_CHATTER {
            return Verdict::Cut("chatter");
        }
        if self.is_resetting() {
            return Verdict::Cut("resets");
        }
        if self.writing.waited(self.now()) > milliseconds(timeouts.body) {
            return Verdict::Cut("slow_reader");
        }
        // What is still in flight when our side has ended can no longer be answered.
        if self.in_flight.load(Relaxed) != 0 && !self.is(Phase::Linger) {
            return self.judge_flows(timeouts);
        }
        self.judge_phase(timeouts)
    }

    fn judge_phase(&self, timeouts: &Timeouts) -> Verdict {
        let waited = self.now().saturating_sub(self.since.load(Relaxed));
        let over = |limit: Duration| waited > milliseconds(limit);
        let draining = self.is_draining();
        match self.phase() {
            Phase::Handshake if draining => Verdict::End,
            Phase::Handshake if over(timeouts.handshake) => Verdict::Cut("handshake_timeout"),
            Phase::Head | Phase::Preface if over(timeouts.head) => Verdict::Cut("head_timeout"),
            Phase::Preface | Phase::Idle if draining && over(LINGER) => Verdict::End,
            Phase::Idle if !draining && over(timeouts.idle) => Verdict::Drain,
            Phase::Linger if over(LINGER) => Verdict::End,
            Phase::Handshake
            | Phase::Preface
            | Phase::Head
            | Phase::Idle
            | Phase::Linger
            | Phase::Tunnel => Verdict::Leave,
        }
    }

    fn judge_flows(&self, timeouts: &Timeouts) -> Verdict {
        let now = self.now();
        let body = milliseconds(timeouts.body);
        let window = body.min(milliseconds(SHUT_WINDOW));
        let flows: Vec<_> = self.lock_flows().iter().filter_map(Weak::upgrade).collect();
        for flow in flows {
            if flow.incoming.waited(now) > body {
                flow.give_up_body();
            }
            if flow.outgoing.waited(now) > window && !flow.abort() {
                return Verdict::Cut("slow_reader");
            }
        }
        Verdict::Leave
    }

    /// Most of many requests were given up before their answer, as only an attack does
    /// (CVE-2023-44487).
    fn is_resetting(&self) -> bool {
        let cancelled = self.cancelled.load(Relaxed);
        cancelled > MOST_CANCELLED && cancelled > self.begun.load(Relaxed) / 2
    }

    fn wake(&self) {
        let waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn phase(&self) -> Phase {
        let phase = self.phase.load(Relaxed);
        PHASES.into_iter().find(|other| *other as u8 == phase).unwrap_or(Phase::Handshake)
    }

    fn is(&self, phase: Phase) -> bool {
        self.phase.load(Relaxed) == phase as u8
    }

    fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Relaxed);
        self.since.store(self.now(), Relaxed);
    }

    fn lock_flows(&self) -> std::sync::MutexGuard<'_, Vec<Weak<Flow>>> {
        self.flows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
