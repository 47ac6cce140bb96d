//! The page that brings an answer from the fragment to the server (OAuth 2.0 Multiple Response Type
//! Encoding Practices §3).

use askama::Template;
use http::StatusCode;

use crate::http::Response;
use crate::pages::Look;
use crate::pages::headers;
use crate::pages::headers::Policy;
use crate::pages::page;

/// A page whose script posts the fragment of its own address to the same path.
#[derive(Clone, Debug, Template)]
#[template(path = "fragment.html")]
pub struct Fragment<'a> {
    /// How it looks.
    pub look: &'a Look,
    /// The path of the page itself.
    pub action: &'a str,
}

/// Renders the page. `no-store`, a CSP that allows its one script by hash. Where the form leads is
/// not limited: Chromium applies that to every redirect that follows.
pub fn fragment(fragment: &Fragment<'_>) -> Response {
    let policy = Policy { script: Some(headers::RELAY), ..Policy::default() };
    page(fragment.look, StatusCode::OK, fragment, &policy)
}
