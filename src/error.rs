//! What can go wrong with a request, as a vocabulary. Every module's failures end as one
//! [`Problem`]; this is the only place that turns them into a status and public words.

use std::borrow::Cow;

use http::StatusCode;

/// A request's failure, in words that may be shown to whoever sent it.
///
/// Rendered as a page or as `application/problem+json` (RFC 9457) by [`crate::pages`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The request could be read in two ways, or breaks the protocol; says which rule.
    #[error("bad request: {0}")]
    BadRequest(Cow<'static, str>),
    /// Somebody must sign in first, and this caller cannot be sent to a page.
    #[error("sign-in required")]
    SignInRequired {
        /// Where a person would sign in: a path on this host.
        sign_in: String,
    },
    /// The access token that the caller brought is not good here (RFC 6750 §3.1).
    #[error("invalid token: {description}")]
    InvalidToken {
        /// What is wrong, for the developer who reads the answer.
        description: &'static str,
    },
    /// The caller is known and may not do this; names the rule that refused.
    #[error("forbidden by {rule}")]
    Forbidden {
        /// The rule, as its owner would look it up.
        rule: String,
    },
    /// Nothing here; says what was looked for.
    #[error("not found: {0}")]
    NotFound(Cow<'static, str>),
    /// The address exists, the method does not.
    #[error("method not allowed")]
    MethodNotAllowed {
        /// The value of the `Allow` header.
        allow: &'static str,
    },
    /// The client took too long to send its request.
    #[error("request timeout")]
    RequestTimeout,
    /// A body over the limit of what is meant for the gateway itself.
    #[error("payload too large")]
    PayloadTooLarge,
    /// A form endpoint was sent something that is not a form.
    #[error("unsupported media type")]
    UnsupportedMediaType,
    /// An `Expect` other than `100-continue` (RFC 9110 §10.1.1).
    #[error("expectation failed")]
    ExpectationFailed,
    /// No site and no listener declares this host.
    #[error("unknown host {0}")]
    UnknownHost(String),
    /// More requests than the limit allows.
    #[error("too many requests")]
    TooManyRequests {
        /// Seconds until it is worth trying again.
        retry_after: u32,
    },
    /// Path and query over the limit (RFC 9110 §15.5.15).
    #[error("the request target is too long")]
    UriTooLong,
    /// Header bytes or lines over the limit.
    #[error("request header fields too large")]
    HeadersTooLarge,
    /// A method that this gateway never serves (CONNECT, TRACE …).
    #[error("method not implemented")]
    NotImplemented,
    /// The upstream cannot be reached or broke its answer.
    #[error("upstream failed")]
    UpstreamFailed,
    /// The upstream did not answer in time.
    #[error("upstream timeout")]
    UpstreamTimeout,
    /// Something the gateway itself needs is missing for now.
    #[error("unavailable: {0}")]
    Unavailable(Cow<'static, str>),
    /// A sign-in that did not succeed; the reason is public.
    #[error("sign-in failed: {reason}")]
    SignInFailed {
        /// The status to answer with.
        status: StatusCode,
        /// One of a closed set, as in the metrics (`provider_down`, `state_expired` …).
        reason: &'static str,
        /// What happened and what to do, for a person.
        detail: String,
        /// The provider's name, empty when it is not known; `None` when nothing but `detail` says
        /// what happened.
        provider: Option<String>,
        /// A path on this host where the person can try again.
        retry: Option<String>,
    },
    /// A fault of ours.
    #[error("internal error")]
    Internal,
}

impl Problem {
    /// The HTTP status that this failure is answered with.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::SignInRequired { .. } | Self::InvalidToken { .. } => StatusCode::UNAUTHORIZED,
            Self::Forbidden { .. } => StatusCode::FORBIDDEN,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::ExpectationFailed => StatusCode::EXPECTATION_FAILED,
            Self::UnknownHost(_) => StatusCode::MISDIRECTED_REQUEST,
            Self::TooManyRequests { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::UriTooLong => StatusCode::URI_TOO_LONG,
            Self::HeadersTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::NotImplemented => StatusCode::NOT_IMPLEMENTED,
            Self::UpstreamFailed => StatusCode::BAD_GATEWAY,
            Self::UpstreamTimeout => StatusCode::GATEWAY_TIMEOUT,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::SignInFailed { status, .. } => *status,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What happened, as the heading of a page and the `title` of a problem document.
    pub fn title(&self) -> &'static str {
        match self {
            Self::BadRequest(_) => "This request cannot be read",
            Self::SignInRequired { .. } => "Sign in first",
            Self::InvalidToken { .. } => "This access token is not accepted",
            Self::Forbidden { .. } => "You do not have access to this page",
            Self::NotFound(_) => "There is nothing here",
            Self::MethodNotAllowed { .. } => "This address is not used that way",
            Self::RequestTimeout => "The request took too long to arrive",
            Self::PayloadTooLarge => "The request is too large",
            Self::UnsupportedMediaType => "This is not a form",
            Self::ExpectationFailed => "This expectation cannot be met",
            Self::UnknownHost(_) => "This host is not declared here",
            Self::TooManyRequests { .. } => "Too many requests",
            Self::UriTooLong => "The request target is too long",
            Self::HeadersTooLarge => "The request's headers are too large",
            Self::NotImplemented => "This method is not supported",
            Self::UpstreamFailed => "The site did not answer properly",
            Self::UpstreamTimeout => "The site took too long to answer",
            Self::Unavailable(_) => "Not available at the moment",
            Self::SignInFailed { .. } => "The sign-in did not succeed",
            Self::Internal => "Something went wrong here",
        }
    }

    /// What to do about it, for a person.
    pub fn detail(&self) -> Cow<'_, str> {
        match self {
            Self::BadRequest(rule) => Cow::Borrowed(rule),
            Self::SignInRequired { .. } => "Your session has ended or you have not signed in.".into(),
            Self::InvalidToken { description } => {
                format!("Get a new one from the identity server: {description}.").into()
            }
            Self::Forbidden { rule } => {
                format!("This was refused by {rule}. Ask the site's owner for a role that it admits, or sign in as somebody who has one.").into()
            }
            Self::MethodNotAllowed { allow } => format!("Use one of: {allow}.").into(),
            Self::RequestTimeout => "Send it again; if it happens often, the connection is too slow.".into(),
            Self::PayloadTooLarge => "Send less.".into(),
            Self::UnsupportedMediaType => "Send application/x-www-form-urlencoded.".into(),
            Self::ExpectationFailed => "Only Expect: 100-continue is known here.".into(),
            Self::UnknownHost(host) => format!("No site is declared for the host {host}. Its owner adds it to the hostName of a site, or to the hosts of a listener, in conf/.").into(),
            Self::TooManyRequests { retry_after } => format!("Wait {retry_after} seconds and try again.").into(),
            Self::UriTooLong => "Ask for a shorter address: path and query together may have 16 KiB.".into(),
            Self::HeadersTooLarge => "Clear this site's cookies and try again.".into(),
            Self::NotImplemented => "Use GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS.".into(),
            Self::UpstreamFailed => "The site behind this address could not be reached. Try again in a moment; if it lasts, tell its owner the request id below.".into(),
            Self::UpstreamTimeout => "The site behind this address is slow. Try again in a moment; if it lasts, tell its owner the request id below.".into(),
            Self::NotFound(what) | Self::Unavailable(what) => Cow::Borrowed(what),
            Self::SignInFailed { detail, .. } => Cow::Borrowed(detail),
            Self::Internal => "Try again; if it lasts, tell the site's owner the request id below.".into(),
        }
    }

    /// The bounded label that metrics and the request log carry.
    pub fn outcome(&self) -> &'static str {
        match self {
            Self::BadRequest(_) => "bad_request",
            Self::SignInRequired { .. } => "sign_in_required",
            Self::InvalidToken { .. } => "invalid_token",
            Self::Forbidden { .. } => "forbidden",
            Self::NotFound(_) => "not_found",
            Self::MethodNotAllowed { .. } => "method_not_allowed",
            Self::RequestTimeout => "request_timeout",
            Self::PayloadTooLarge => "payload_too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::ExpectationFailed => "expectation_failed",
            Self::UnknownHost(_) => "unknown_host",
            Self::TooManyRequests { .. } => "too_many_requests",
            Self::UriTooLong => "uri_too_long",
            Self::HeadersTooLarge => "headers_too_large",
            Self::NotImplemented => "not_implemented",
            Self::UpstreamFailed => "upstream_failed",
            Self::UpstreamTimeout => "upstream_timeout",
            Self::Unavailable(_) => "unavailable",
            Self::SignInFailed { .. } => "sign_in_failed",
            Self::Internal => "internal",
        }
    }
}
