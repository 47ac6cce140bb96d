//! A form that posts itself (OAuth 2.0 Form Post Response Mode §2).

use askama::Template;
use http::StatusCode;

use crate::http::Response;
use crate::http::response;
use crate::pages::Look;
use crate::pages::headers;
use crate::pages::headers::Policy;
use crate::pages::page;

/// A form that posts itself to another origin (`response_mode=form_post`), with a button for
/// browsers without script.
#[derive(Clone, Debug, Template)]
#[template(path = "form_post.html")]
pub struct FormPost<'a> {
    /// How it looks.
    pub look: &'a Look,
    /// Exactly where to.
    pub action: &'a str,
    /// Hidden fields.
    pub fields: &'a [(&'a str, &'a str)],
}

/// Renders a self-posting form. `no-store`, a CSP that allows its one script by hash and its one
/// target. An action that is no address to post to makes it an empty `500`.
pub fn form_post(form_post: &FormPost<'_>) -> Response {
    let Some(target) = headers::source(form_post.action) else {
        return response::empty(StatusCode::INTERNAL_SERVER_ERROR);
    };
    let policy =
        Policy { form_action: Some(target), script: Some(headers::SUBMIT), ..Policy::default() };
    page(form_post.look, StatusCode::OK, form_post, &policy)
}
