//! The whole story of a request, in [`answer`]: site → strip → session → access → one of our rooms
//! or the upstream.

pub mod bearer;
pub mod body;
pub mod caching;
pub mod connection;
pub mod deadline;
pub mod forward;
pub mod framing;
pub mod gateway;
pub mod meters;
pub mod observed;
pub mod operations;
pub mod outbound;
pub mod pool;
pub mod redirect;
pub mod rooms;
pub mod story;
pub mod tunnel;
pub mod upstream;
pub mod watch;

use std::sync::Arc;
use std::time::Instant;

use http::Method;
use http::Request;
use http::header;

use crate::error::Problem;
use crate::gate;
use crate::gate::Decision;
use crate::gate::access;
use crate::gate::forwarding;
use crate::gate::site::NoSite;
use crate::http::Body;
use crate::http::Connection;
use crate::http::Response;
use crate::http::Target;
use crate::http::connection::Purpose;
use crate::http::exchange;
use crate::observe::audit;
use crate::pages;
use crate::pages::Look;
use crate::proxy::deadline::Deadlines;
use crate::proxy::forward::Passage;
use crate::proxy::gateway::Current;
use crate::proxy::gateway::Gateway;
use crate::proxy::story::Story;
use crate::session::Session;
use crate::session::cookie;

/// One worker: serves the requests of its core.
#[derive(Debug)]
pub struct Worker {
    /// Its number.
    pub index: usize,
    /// The gateway of the moment.
    pub current: Arc<Current>,
    deadlines: Deadlines,
}

impl Worker {
    /// The worker of that number.
    pub fn new(index: usize, current: Arc<Current>) -> Self {
        Self { index, current, deadlines: Deadlines::default() }
    }
}

/// Answers one request, whatever becomes of it, and tells the log and the metrics.
pub async fn answer(
    worker: &Worker,
    connection: &Arc<Connection>,
    request: Request<Body>,
) -> Response {
    let started = Instant::now();
    let gateway = worker.current.load();
    let mut record = observed::Record::begin(connection, &request);
    let wants_page = exchange::wants_page(request.headers());
    let language = request.headers().get(header::ACCEPT_LANGUAGE).filter(|_| wants_page).cloned();
    let told = tell(worker, &gateway, connection, request, &mut record).await;
    let mut response = told.unwrap_or_else(|problem| {
        record.outcome = problem.outcome();
        let site = record.site.as_ref().map_or("", |(_, name)| name);
        let look = || Look::new(&gateway.config.appearance.of(site), language.as_ref());
        let look = wants_page.then(look);
        let mut response = pages::problem(&problem, look.as_ref(), &record.id);
        if leaves_framing_in_doubt(&problem) && !connection.http2 {
            response.headers_mut().insert(header::CONNECTION, CLOSE);
        }
        response
    });
    if connection.secure && record.outcome != meters::FORWARDED {
        let transport_security = pages::STRICT_TRANSPORT_SECURITY;
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, transport_security);
    }
    record.end(&gateway, &response, started.elapsed());
    response
}

/// Whether what follows on the connection may not be a request of its own.
fn leaves_framing_in_doubt(problem: &Problem) -> bool {
    matches!(
        problem,
        Problem::BadRequest(_)
            | Problem::RequestTimeout
            | Problem::NotImplemented
            | Problem::ExpectationFailed
            | Problem::PayloadTooLarge
    )
}

/// The story. Each step either goes on or ends it.
async fn tell(
    worker: &Worker,
    gateway: &Arc<Gateway>,
    connection: &Arc<Connection>,
    mut request: Request<Body>,
    record: &mut observed::Record,
) -> Result<Response, Problem> {
    let limits = &gateway.config.limits;
    framing::check(&request, limits)?;
    framing::settle_body(&mut request).await?;
    let target = Target::read(request.uri(), request.headers())?;
    record.saw(&target);
    if connection.purpose != Purpose::Sites {
        return not_for_a_site(gateway, connection, &target, request.method());
    }
    let caller = forwarding::caller(connection, request.headers());
    record.client = caller.address;
    let port = target.port_or_default(caller.secure);
    let found = gateway.sites.find(&target, port).map_err(|w| no_site(w, &target))?;
    record.site = Some((found.index, Arc::clone(&found.site.name)));

    let upgrade = tunnel::Wish::of(&request);
    let trusted = connection.is_trusted_proxy();
    record.accept_id(request.headers(), trusted);
    gateway.headers.strip(request.headers_mut(), trusted);
    let id = record.id.clone();
    let now = gateway.house.clock.now();
    let (site, target, id) = (found.site, &target, &id);
    let mut story =
        Story { worker, gateway, connection, id, target, site, caller, now, session: None };
    story.session = match session(&story, &request) {
        // Boxed here and below: what is rare must not make every request's future larger.
        Some(due) if due.renewal_due(now).is_some() => Box::pin(rooms::renewed(&story, due)).await,
        found => found,
    };
    record.user.clone_from(&story.session);

    if let Some(room) = rooms::room_of(&story) {
        return Box::pin(rooms::answer(room, &story, request)).await;
    }
    if story.session.is_none() && request.headers().contains_key(header::AUTHORIZATION) {
        story.session = Box::pin(bearer::session(&story, request.headers())).await?;
        record.user.clone_from(&story.session);
    }
    let protected = match decide(&story, &request) {
        Decision::Allow { protected } => protected,
        Decision::Login => return redirect::to_login(&story, &request, upgrade.is_some()),
        Decision::Forbid { rule } => return Err(forbid(&story, &rule)),
    };
    let (upstream_index, upstream) = gateway.upstream_of(found.index).ok_or_else(no_upstream)?;
    let passage = Passage { story: &story, upstream, upstream_index, protected };
    record.outcome = meters::FORWARDED;
    if let Some(wish) = upgrade {
        return Box::pin(tunnel::open(&passage, request, wish)).await;
    }
    let navigation = exchange::is_navigation(request.method(), request.headers());
    let response = forward::forward(&passage, request).await?;
    Ok(redirect::instead_of_401(&story, response, navigation))
}

fn not_for_a_site(
    gateway: &Gateway,
    connection: &Connection,
    target: &Target,
    method: &Method,
) -> Result<Response, Problem> {
    match connection.purpose {
        Purpose::Redirect(port) => redirect::answer(gateway, target, method, port),
        Purpose::Operations => {
            operations::answer(&gateway.house, method, target, connection.peer.ip())
        }
        Purpose::Sites => Err(Problem::Internal),
    }
}

/// The live session that one of the request's cookies names, if it counts on this site.
fn session(story: &Story<'_>, request: &Request<Body>) -> Option<Arc<Session>> {
    let config = &story.gateway.config;
    let path = &story.target.path;
    let tokens = cookie::tokens(config, story.site, path, request.headers());
    if tokens.contradiction {
        story.gateway.house.metrics.cookie_contradictions.inc();
        return None;
    }
    let sessions = &story.gateway.house.sessions;
    let mut live = tokens.offered.into_iter().filter_map(|token| sessions.find(token));
    live.find(|session| gate::sessions::counts(config, story.site, path, session))
}

fn decide(story: &Story<'_>, request: &Request<Body>) -> Decision {
    let user = story.session.as_ref().map(|session| &session.identity.user);
    access::decide(&story.gateway.config, story.site, &story.target.path, request.method(), user)
}

fn no_site(why: NoSite, target: &Target) -> Problem {
    match why {
        NoSite::UnknownHost => Problem::UnknownHost(target.host.clone()),
        NoSite::NoMatch => Problem::NotFound("No site of this host covers this address.".into()),
    }
}

fn no_upstream() -> Problem {
    Problem::NotFound("No upstream is configured for this site.".into())
}

fn forbid(story: &Story<'_>, rule: &Arc<str>) -> Problem {
    let identity = story.session.as_ref().map(|session| &session.identity);
    audit::Entry {
        event: audit::Event::AccessRefused,
        site: &story.site.name,
        provider: identity.map(|identity| &*identity.provider),
        user: identity.map(|identity| identity.user.name.as_str()),
        whom: None,
        reason: Some(rule),
        client: story.caller.address,
        request: story.id,
    }
    .write();
    Problem::Forbidden { rule: rule.to_string() }
}

const CLOSE: http::HeaderValue = http::HeaderValue::from_static("close");
