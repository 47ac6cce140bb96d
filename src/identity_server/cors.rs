//! Cross-origin calls (Fetch §3.2) of clients that run in a browser, from the origins that their
//! files name, and only to the endpoints that such clients call.

use http::HeaderValue;
use http::StatusCode;
use http::header;

use crate::error::Problem;
use crate::http::Response;
use crate::http::response;
use crate::identity_server::Outcome;
use crate::pages;
use crate::session::Visit;

/// The answer to a preflight.
pub(super) fn preflight(visit: &Visit) -> Response {
    let mut response = response::empty(StatusCode::NO_CONTENT);
    if allow(visit, &mut response) {
        let headers = response.headers_mut();
        let methods = HeaderValue::from_static("GET, POST");
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
        let names = HeaderValue::from_static("Authorization, Content-Type, DPoP");
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, names);
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("300"));
    }
    response
}

/// What became of a call, for a client's origin to read. That goes for failures too: a script would
/// take one that it may not read for a network that is down.
///
/// # Errors
///
/// The failure, unless a client's script is told of it here.
pub(super) fn readable(
    visit: &Visit,
    answered: Result<Outcome, Problem>,
) -> Result<Outcome, Problem> {
    let mut response = match answered {
        Ok(Outcome::Answer(response)) => response,
        Err(problem) if known_origin(visit).is_some() => {
            pages::problem(&problem, None, &visit.exchange.id)
        }
        other => return other,
    };
    if allow(visit, &mut response) {
        let seen = HeaderValue::from_static("DPoP-Nonce, WWW-Authenticate");
        response.headers_mut().insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, seen);
    }
    Ok(Outcome::Answer(response))
}

/// Allows the calling origin, if it is a client's; whether it is. Never credentials: these endpoints
/// know no cookie.
fn allow(visit: &Visit, response: &mut Response) -> bool {
    response.headers_mut().append(header::VARY, HeaderValue::from_static("Origin"));
    let Some(origin) = known_origin(visit) else { return false };
    response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    true
}

/// The calling origin, if a client's file names it.
fn known_origin(visit: &Visit) -> Option<HeaderValue> {
    let origin = visit.exchange.header(header::ORIGIN)?;
    let mut clients = visit.config.identity_server.clients.iter();
    let known = clients.any(|client| client.cors_origins.iter().any(|known| known == origin));
    HeaderValue::from_str(origin).ok().filter(|_| known)
}
