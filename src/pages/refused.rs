//! The page about a request that its client cannot be told about (OAuth 2.0, RFC 6749 §4.1.2.1).

use askama::Template;
use http::StatusCode;

use crate::http::RequestId;
use crate::http::Response;
use crate::pages::Look;
use crate::pages::headers::Policy;
use crate::pages::page;

/// A client's request that is not answered: `<main id="error">`.
#[derive(Clone, Debug, Template)]
#[template(path = "refused.html")]
pub struct Refused<'a> {
    /// How it looks.
    pub look: &'a Look,
    /// The client's name, once it is known.
    pub client: Option<&'a str>,
    /// The error code, for the client's programmer.
    pub error: &'a str,
    /// What is wrong, for the client's programmer; English.
    pub description: &'a str,
    /// The request's id.
    pub request: &'a RequestId,
}

/// Renders the page, with status 200 as IdentityServer4 does.
pub fn refused(refused: &Refused<'_>) -> Response {
    page(refused.look, StatusCode::OK, refused, &Policy::plain())
}
