//! The demo CMS's page: who it takes its caller for, and every header that it received.

use askama::Template;
use http::HeaderValue;
use http::StatusCode;
use http::header;
use percent_encoding::NON_ALPHANUMERIC;
use percent_encoding::utf8_percent_encode;

use crate::demo::area::Area;
use crate::demo::received::Received;
use crate::http::Response;
use crate::http::response;

#[derive(Template)]
#[template(path = "demo.html")]
struct Page<'a> {
    area: Area,
    user: Option<String>,
    email: Option<String>,
    roles: Vec<String>,
    return_url: String,
    received: &'a Received,
}

/// The page at any address of `area`.
pub(super) fn of(area: Area, received: &Received) -> Response {
    let page = Page {
        area,
        user: received.identity("X-Forwarded-User"),
        email: received.identity("X-Forwarded-Email"),
        roles: received.identities("X-Forwarded-Groups"),
        return_url: utf8_percent_encode(&received.target, NON_ALPHANUMERIC).to_string(),
        received,
    };
    let Ok(text) = page.render() else {
        return response::empty(StatusCode::INTERNAL_SERVER_ERROR);
    };
    let mut response = response::typed(StatusCode::OK, "text/html; charset=utf-8", text);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::CACHE_CONTROL, response::NO_STORE);
    response
}

const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; \
                      connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'self'";
