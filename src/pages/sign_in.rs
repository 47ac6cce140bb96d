//! The sign-in page.

use askama::Template;
use http::StatusCode;

use crate::http::RequestId;
use crate::http::Response;
use crate::pages::Application;
use crate::pages::Look;
use crate::pages::headers;
use crate::pages::headers::Policy;
use crate::pages::page;

/// The parameter that says, on the way back, that the person pressed "cancel".
pub const CANCELLED: &str = "vestibuleCancelled";

/// The sign-in page of a site: buttons for its providers, the local form, or both.
#[derive(Clone, Debug, Template)]
#[template(path = "sign_in.html")]
pub struct SignIn<'a> {
    /// How it looks.
    pub look: &'a Look,
    /// Status: 200, or 400/429 after a failed attempt.
    pub status: StatusCode,
    /// The application that asked for the sign-in.
    pub client: Option<Application<'a>>,
    /// Where the local form is posted; `None` shows no form.
    pub form: Option<LocalForm<'a>>,
    /// One button each.
    pub buttons: &'a [Button],
    /// Where "cancel" leads, `id="cancel-link"`: a path on this host.
    pub cancel: Option<&'a str>,
    /// What went wrong with the last attempt.
    pub notice: Option<Notice>,
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
    /// Where people go who have forgotten their password.
    pub recovery: Option<&'a str>,
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

/// What went wrong with the last attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// No such user, or another password: nobody is told which.
    WrongPassword,
    /// The right password of a user that is switched off.
    Disabled,
    /// The right password of a user whose password is not taken.
    Locked,
    /// Too many wrong passwords.
    Throttled,
    /// The page has been open for too long.
    FormExpired,
}

/// Renders the sign-in page.
pub fn sign_in(sign_in: &SignIn<'_>) -> Response {
    page(sign_in.look, sign_in.status, sign_in, &Policy::default())
}

impl SignIn<'_> {
    /// What is said about the last attempt.
    fn message(&self) -> Option<std::borrow::Cow<'static, str>> {
        let key = match self.notice? {
            Notice::WrongPassword => "wrong-password",
            Notice::Disabled => "user-disabled",
            Notice::Locked => "user-locked",
            Notice::Throttled => "throttled",
            Notice::FormExpired => "form-expired",
        };
        Some(self.look.say(key))
    }

    /// Attributes that tie the fields to the message about the last attempt.
    fn fault(&self) -> &'static str {
        match self.notice {
            Some(Notice::WrongPassword) => r#" aria-invalid="true" aria-describedby="message""#,
            Some(Notice::Disabled | Notice::Locked | Notice::Throttled | Notice::FormExpired) => {
                r#" aria-describedby="message""#
            }
            None => "",
        }
    }
}

impl LocalForm<'_> {
    fn safe_recovery(&self) -> Option<&str> {
        self.recovery.filter(|link| headers::is_safe_link(link))
    }
}
