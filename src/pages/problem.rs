//! A failure, as a page for people or as a problem document for programs (RFC 9457).

use std::borrow::Cow;

use askama::Template;
use http::HeaderValue;
use http::header;
use serde::Serialize;

use crate::error::Problem;
use crate::http::RequestId;
use crate::http::Response;
use crate::http::response;
use crate::pages::Language;
use crate::pages::Look;
use crate::pages::headers;
use crate::pages::headers::Policy;
use crate::pages::page;

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    look: &'a Look,
    title: &'a str,
    detail: &'a str,
    /// Whether the detail is English on a page that is not.
    is_english: bool,
    way_on: Option<(Cow<'static, str>, &'a str)>,
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

/// Renders a failure: a page that looks like `look` where one is wanted, else
/// `application/problem+json` (RFC 9457) with `type`, `title`, `status`, `detail`, `request_id`, for
/// 401 `sign_in`, and for a sign-in that did not succeed `reason`; in English, for programs.
pub fn problem(problem: &Problem, look: Option<&Look>, request: &RequestId) -> Response {
    let mut response = match look {
        Some(look) => error_page(problem, look, request),
        None => document(problem, request),
    };
    let headers = response.headers_mut();
    let vary =
        if matches!(problem, Problem::SignInRequired { .. }) { "Accept, Cookie" } else { "Accept" };
    headers.insert(header::VARY, HeaderValue::from_static(vary));
    if let Problem::MethodNotAllowed { allow } = problem {
        headers.insert(header::ALLOW, HeaderValue::from_static(allow));
    }
    if let Problem::InvalidToken { description } = problem {
        let challenge =
            format!("Bearer error=\"invalid_token\", error_description=\"{description}\"");
        if let Ok(challenge) = HeaderValue::try_from(challenge) {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
    }
    if let Problem::TooManyRequests { retry_after } = problem {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(*retry_after));
    }
    response
}

fn error_page(problem: &Problem, look: &Look, request: &RequestId) -> Response {
    let way_on = if let Problem::SignInFailed { retry, .. } = problem {
        retry.as_deref().map(|address| (look.say("try-again"), address))
    } else {
        sign_in(problem).map(|address| (look.say("sign-in"), address))
    };
    let translated = detail(problem, look);
    let template = ErrorPage {
        look,
        title: &look.say(&format!("problem-{}", problem.outcome())),
        is_english: translated.is_none() && look.language() != Language::English,
        detail: &translated.unwrap_or_else(|| problem.detail()),
        way_on: way_on.filter(|(_, address)| headers::is_safe_link(address)),
        status: problem.status().as_u16(),
        request,
    };
    page(look, problem.status(), &template, &Policy::plain())
}

/// What to do about it, in the page's language; `None` where the words are not from the catalogue.
pub(crate) fn detail<'p>(problem: &'p Problem, look: &Look) -> Option<Cow<'p, str>> {
    let seconds: String;
    let value = match problem {
        Problem::SignInFailed { reason, provider, .. } => {
            return failed_sign_in(reason, provider.as_deref()?, look);
        }
        Problem::InvalidToken { description } => Some(("what", *description)),
        Problem::Forbidden { rule } => Some(("rule", rule.as_str())),
        Problem::MethodNotAllowed { allow } => Some(("allow", *allow)),
        Problem::UnknownHost(host) => Some(("host", host.as_str())),
        Problem::TooManyRequests { retry_after } => {
            seconds = retry_after.to_string();
            Some(("seconds", seconds.as_str()))
        }
        Problem::BadRequest(_)
        | Problem::SignInRequired { .. }
        | Problem::NotFound(_)
        | Problem::RequestTimeout
        | Problem::PayloadTooLarge
        | Problem::UnsupportedMediaType
        | Problem::ExpectationFailed
        | Problem::UriTooLong
        | Problem::HeadersTooLarge
        | Problem::NotImplemented
        | Problem::UpstreamFailed
        | Problem::UpstreamTimeout
        | Problem::Unavailable(_)
        | Problem::Internal => None,
    };
    let key = format!("problem-{}.detail", problem.outcome());
    look.language().find(&key, value.as_slice())
}

fn failed_sign_in(reason: &str, provider: &str, look: &Look) -> Option<Cow<'static, str>> {
    let unnamed = look.say("the-provider");
    let provider = if provider.is_empty() { &*unnamed } else { provider };
    look.language().find(&format!("reason-{reason}"), &[("provider", provider)])
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_and_programs_are_told_the_same() {
        let text = || "x".to_owned();
        for problem in [
            Problem::BadRequest("x".into()),
            Problem::SignInRequired { sign_in: text() },
            Problem::InvalidToken { description: "x" },
            Problem::Forbidden { rule: text() },
            Problem::NotFound("x".into()),
            Problem::MethodNotAllowed { allow: "GET" },
            Problem::RequestTimeout,
            Problem::PayloadTooLarge,
            Problem::UnsupportedMediaType,
            Problem::ExpectationFailed,
            Problem::UnknownHost(text()),
            Problem::TooManyRequests { retry_after: 7 },
            Problem::UriTooLong,
            Problem::HeadersTooLarge,
            Problem::NotImplemented,
            Problem::UpstreamFailed,
            Problem::UpstreamTimeout,
            Problem::Unavailable("x".into()),
            Problem::Internal,
        ] {
            let look = Look::default();
            let title = look.say(&format!("problem-{}", problem.outcome()));
            assert_eq!(title, problem.title(), "{problem:?}");
            let own_words = matches!(
                problem,
                Problem::BadRequest(_) | Problem::NotFound(_) | Problem::Unavailable(_)
            );
            let expected = (!own_words).then(|| problem.detail());
            assert_eq!(detail(&problem, &look), expected, "{problem:?}");
        }
    }
}
