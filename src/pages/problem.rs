//! A failure, as a page for people or as a problem document for programs (RFC 9457).

use askama::Template;
use http::HeaderValue;
use http::header;
use serde::Serialize;

use crate::error::Problem;
use crate::http::RequestId;
use crate::http::Response;
use crate::http::response;
use crate::pages::headers;
use crate::pages::headers::Policy;
use crate::pages::page;

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    title: &'a str,
    detail: &'a str,
    way_on: Option<(&'a str, &'a str)>,
    status: u16,
    request: &'a RequestId,
}

#[derive(Serialize)]
struct Document<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sign_in: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

/// Renders a failure: a page where one is wanted, else `application/problem+json` (RFC 9457) with
/// `type`, `title`, `status`, `detail`, `request_id`, for 401 `sign_in`, and for a sign-in that did
/// not succeed `reason`.
pub fn problem(problem: &Problem, wants_page: bool, request: &RequestId) -> Response {
    let mut response =
        if wants_page { error_page(problem, request) } else { document(problem, request) };
    let headers = response.headers_mut();
    let vary =
        if matches!(problem, Problem::SignInRequired { .. }) { "Accept, Cookie" } else { "Accept" };
    headers.insert(header::VARY, HeaderValue::from_static(vary));
    if let Problem::MethodNotAllowed { allow } = problem {
        headers.insert(header::ALLOW, HeaderValue::from_static(allow));
    }
    if let Problem::TooManyRequests { retry_after } = problem {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(*retry_after));
    }
    response
}

fn error_page(problem: &Problem, request: &RequestId) -> Response {
    let way_on = if let Problem::SignInFailed { retry, .. } = problem {
        retry.as_deref().map(|address| ("Try again", address))
    } else {
        sign_in(problem).map(|address| ("Sign in", address))
    };
    let template = ErrorPage {
        title: problem.title(),
        detail: &problem.detail(),
        way_on: way_on.filter(|(_, address)| headers::is_safe_link(address)),
        status: problem.status().as_u16(),
        request,
    };
    page(problem.status(), &template, &Policy::plain())
}

fn document(problem: &Problem, request: &RequestId) -> Response {
    let status = problem.status();
    let document = Document {
        r#type: format!("urn:vestibule:problem:{}", problem.outcome()),
        title: problem.title(),
        status: status.as_u16(),
        detail: &problem.detail(),
        request_id: request.as_str(),
        sign_in: sign_in(problem),
        reason: reason(problem),
    };
    let mut response = response::json(status, &document);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers::harden(headers, status);
    response
}

fn sign_in(problem: &Problem) -> Option<&str> {
    if let Problem::SignInRequired { sign_in } = problem { Some(sign_in) } else { None }
}

fn reason(problem: &Problem) -> Option<&'static str> {
    if let Problem::SignInFailed { reason, .. } = problem { Some(reason) } else { None }
}
