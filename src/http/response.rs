//! Small responses that several rooms need.

use http::HeaderValue;
use http::StatusCode;
use http::header;
use serde::Serialize;

use crate::http::Response;
use crate::http::body::Body;

/// `302 Found` to `location`, never stored by a cache.
///
/// `location` must come from us (a path, or a URL made of configuration): what cannot stand in a
/// header makes it an empty `500`.
pub fn found(location: &str) -> Response {
    redirect(StatusCode::FOUND, location)
}

/// `303 See Other` to `location`: the way on from a POST, which no browser repeats (RFC 9700 §4.12).
pub fn see_other(location: &str) -> Response {
    redirect(StatusCode::SEE_OTHER, location)
}

fn redirect(status: StatusCode, location: &str) -> Response {
    let mut response = empty(status);
    match HeaderValue::try_from(location) {
        Ok(location) => {
            let headers = response.headers_mut();
            headers.insert(header::LOCATION, location);
            headers.insert(header::CACHE_CONTROL, NO_STORE);
            headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        }
        Err(_) => *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR,
    }
    response
}

/// A JSON document, never stored by a cache.
pub fn json(status: StatusCode, value: &impl Serialize) -> Response {
    let Ok(text) = serde_json::to_vec(value) else {
        return empty(StatusCode::INTERNAL_SERVER_ERROR);
    };
    let mut response = typed(status, "application/json", text);
    response.headers_mut().insert(header::CACHE_CONTROL, NO_STORE);
    response
}

/// A body of the given type that browsers must not sniff.
pub fn typed(status: StatusCode, kind: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// A response without a body.
pub fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = status;
    response
}

/// `Cache-Control: no-store`.
pub const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
