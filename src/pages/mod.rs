//! What people see: pages from askama templates, and the machine's form of the same answers.

mod frames;
mod headers;
mod problem;

use askama::Template;
use http::StatusCode;

use crate::http::RequestId;
use crate::http::Response;
use crate::http::response;
use crate::pages::headers::Policy;

pub use frames::Frames;
pub use frames::frames;
pub use headers::STRICT_TRANSPORT_SECURITY;
pub use problem::problem;

/// The sign-in page of a site: buttons for its providers, the local form, or both.
#[derive(Clone, Debug, Template)]
#[template(path = "sign_in.html")]
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
#[derive(Clone, Debug, Template)]
#[template(path = "sign_out.html")]
pub struct SignOut<'a> {
    /// Where its form is posted; the button has the id `sign-out-button`.
    pub action: &'a str,
    /// Hidden fields.
    pub fields: &'a [(&'a str, &'a str)],
    /// The request's id.
    pub request: &'a RequestId,
}

/// The page that says that one is signed out.
#[derive(Clone, Debug, Template)]
#[template(path = "signed_out.html")]
pub struct SignedOut<'a> {
    /// A way back, `id="return-link"`.
    pub return_link: Option<&'a str>,
    /// Whether to go there without being asked, once the frames have loaded.
    pub goes_on: bool,
    /// Front-channel logout addresses, one hidden frame each.
    pub frames: &'a [String],
    /// The request's id.
    pub request: &'a RequestId,
}

/// A form that posts itself to another origin (`response_mode=form_post`), with a button for
/// browsers without script.
#[derive(Clone, Debug, Template)]
#[template(path = "form_post.html")]
pub struct FormPost<'a> {
    /// Exactly where to.
    pub action: &'a str,
    /// Hidden fields.
    pub fields: &'a [(&'a str, &'a str)],
}

/// Renders the sign-in page.
pub fn sign_in(sign_in: &SignIn<'_>) -> Response {
    page(sign_in.status, sign_in, &Policy::default())
}

impl SignIn<'_> {
    /// Attributes that tie the fields to the message about the last attempt.
    fn fault(&self) -> &'static str {
        match self.message {
            Some(_) => r#" aria-invalid="true" aria-describedby="message""#,
            None => "",
        }
    }
}

/// Renders the page that asks before signing out.
pub fn sign_out(sign_out: &SignOut<'_>) -> Response {
    page(StatusCode::OK, sign_out, &Policy::default())
}

/// Renders the signed-out page. Frames that are no web address are left out.
pub fn signed_out(signed_out: &SignedOut<'_>) -> Response {
    let mut frames: Vec<String> = signed_out.safe_frames().filter_map(headers::source).collect();
    frames.sort_unstable();
    frames.dedup();
    page(StatusCode::OK, signed_out, &Policy { frames, ..Policy::plain() })
}

impl SignedOut<'_> {
    fn safe_return_link(&self) -> Option<&str> {
        self.return_link.filter(|link| headers::is_safe_link(link))
    }

    fn safe_frames(&self) -> impl Iterator<Item = &str> {
        let frames = self.frames.iter().map(String::as_str);
        frames.filter(|address| headers::source(address).is_some())
    }
}

/// Renders a self-posting form. `no-store`, a CSP that allows its one script by hash and its one
/// target. An action that is no address to post to makes it an empty `500`.
pub fn form_post(form_post: &FormPost<'_>) -> Response {
    let Some(target) = headers::source(form_post.action) else {
        return response::empty(StatusCode::INTERNAL_SERVER_ERROR);
    };
    let policy = Policy { form_action: Some(target), submits_itself: true, ..Policy::default() };
    page(StatusCode::OK, form_post, &policy)
}

/// Renders `template` with the headers of a page.
fn page(status: StatusCode, template: &impl Template, policy: &Policy) -> Response {
    let Ok(text) = template.render() else {
        return response::empty(StatusCode::INTERNAL_SERVER_ERROR);
    };
    let mut response = response::typed(status, "text/html; charset=utf-8", text);
    headers::dress(response.headers_mut(), status, policy);
    response
}
