//! Cross-origin calls (Fetch §3.2) of clients that run in a browser, from the origins that their
//! files name, and only to the endpoints that such clients call.

use http::HeaderValue;
use http::StatusCode;
use http::header;

use crate::http::Response;
use crate::http::response;
use crate::session::Visit;

/// The answer to a preflight.
pub(super) fn preflight(visit: &Visit) -> Response {
    let mut response = response::empty(StatusCode::NO_CONTENT);
    if allow(visit, &mut response) {
        let headers = response.headers_mut();
        let methods = HeaderValue::from_static("GET, POST");
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
        let names = HeaderValue::from_static("Authorization, Content-Type");
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, names);
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("300"));
    }
    response
}

/// Lets the calling origin read `response`, if it is a client's; whether it is. Never credentials:
/// these endpoints know no cookie.
pub(super) fn allow(visit: &Visit, response: &mut Response) -> bool {
    response.headers_mut().append(header::VARY, HeaderValue::from_static("Origin"));
    let Some(origin) = visit.exchange.header(header::ORIGIN) else { return false };
    let mut clients = visit.config.identity_server.clients.iter();
    let known = clients.any(|client| client.cors_origins.iter().any(|known| known == origin));
    let Some(value) = HeaderValue::from_str(origin).ok().filter(|_| known) else { return false };
    response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, value);
    true
}
