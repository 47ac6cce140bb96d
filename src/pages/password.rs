//! The pages about one's password: changing it, choosing one by a link, asking for such a link.

use std::borrow::Cow;

use askama::Template;
use http::StatusCode;

use crate::http::RequestId;
use crate::http::Response;
use crate::pages::Look;
use crate::pages::headers::Policy;
use crate::pages::page;

/// A page about one's password: `<main id="password-page">`.
#[derive(Clone, Debug, Template)]
#[template(path = "password.html")]
pub struct Password<'a> {
    /// How it looks.
    pub look: &'a Look,
    /// 200, or what is wrong with what was posted.
    pub status: StatusCode,
    /// What it is about.
    pub state: PasswordState<'a>,
    /// What was wrong with what was posted.
    pub fault: Option<PasswordFault>,
    /// Where the form is posted.
    pub action: &'a str,
    /// Hidden fields of the form.
    pub fields: &'a [(&'a str, &'a str)],
    /// The request's id.
    pub request: &'a RequestId,
}

/// What a page about one's password is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordState<'a> {
    /// `oldPassword`, `newPassword` and `repeated` are asked for.
    Change {
        /// Whose it is.
        user: &'a str,
    },
    /// `newPassword` and `repeated` are asked for: whoever has the link may.
    Reset {
        /// Whose it is.
        user: &'a str,
    },
    /// It is kept at a provider, or, without one, in the configuration.
    Elsewhere {
        /// Whose it is.
        user: &'a str,
        /// The provider's caption.
        provider: Option<&'a str>,
    },
    /// There is a new one.
    Changed {
        /// Where people sign in: a path on this host.
        sign_in: Option<&'a str>,
    },
    /// The link is worth nothing.
    LinkOver,
    /// `username` is asked for.
    Forgot,
    /// Whoever has that name is sent a link.
    Sent,
}

/// What was wrong with what was posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordFault {
    /// The old password is not right.
    Old,
    /// Too many wrong ones.
    Throttled,
    /// The new one was not typed the same twice.
    Repeated,
    /// It is too short.
    Short,
    /// It is too long.
    Long,
    /// It is one that everybody tries first.
    Common,
    /// It is the person's own name.
    Own,
}

/// Renders a page about one's password.
pub fn password(password: &Password<'_>) -> Response {
    page(password.look, password.status, password, &Policy::default())
}

impl Password<'_> {
    fn title(&self) -> Cow<'static, str> {
        self.look.say(match self.state {
            PasswordState::Change { .. } | PasswordState::Elsewhere { .. } => "password-change",
            PasswordState::Reset { .. } => "password-choose",
            PasswordState::Changed { .. } => "password-changed",
            PasswordState::LinkOver => "password-link-over",
            PasswordState::Forgot => "password-forgot",
            PasswordState::Sent => "password-sent",
        })
    }

    fn text(&self) -> Cow<'static, str> {
        let key = match self.state {
            PasswordState::Elsewhere { provider: Some(provider), .. } => {
                return self.look.with("password-elsewhere", "provider", provider);
            }
            PasswordState::Elsewhere { provider: None, .. } => "password-configured",
            PasswordState::Change { .. } | PasswordState::Reset { .. } => "password-rules",
            PasswordState::Changed { .. } => "password-changed-text",
            PasswordState::LinkOver => "password-link-over-text",
            PasswordState::Forgot => "password-forgot-text",
            PasswordState::Sent => "password-sent-text",
        };
        self.look.say(key)
    }

    /// Whose password it is, where that is known.
    fn user(&self) -> Option<&str> {
        match self.state {
            PasswordState::Change { user }
            | PasswordState::Reset { user }
            | PasswordState::Elsewhere { user, .. } => Some(user),
            PasswordState::Changed { .. }
            | PasswordState::LinkOver
            | PasswordState::Forgot
            | PasswordState::Sent => None,
        }
    }

    fn asks_for_old(&self) -> bool {
        matches!(self.state, PasswordState::Change { .. })
    }

    fn asks_for_new(&self) -> bool {
        matches!(self.state, PasswordState::Change { .. } | PasswordState::Reset { .. })
    }

    fn asks_for_name(&self) -> bool {
        matches!(self.state, PasswordState::Forgot)
    }

    fn sign_in(&self) -> Option<&str> {
        if let PasswordState::Changed { sign_in } = self.state { sign_in } else { None }
    }

    fn message(&self) -> Option<Cow<'static, str>> {
        Some(self.look.say(match self.fault? {
            PasswordFault::Old => "password-old-wrong",
            PasswordFault::Throttled => "throttled",
            PasswordFault::Repeated => "password-not-repeated",
            PasswordFault::Short => "password-short",
            PasswordFault::Long => "password-long",
            PasswordFault::Common => "password-common",
            PasswordFault::Own => "password-own",
        }))
    }

    /// Attributes that tie the old password's field to the message about it.
    fn old_fault(&self) -> &'static str {
        if self.fault == Some(PasswordFault::Old) { TIED } else { "" }
    }

    /// The same for the new password's.
    fn new_fault(&self) -> &'static str {
        match self.fault {
            None | Some(PasswordFault::Old | PasswordFault::Throttled) => {
                r#" aria-describedby="text""#
            }
            Some(
                PasswordFault::Repeated
                | PasswordFault::Short
                | PasswordFault::Long
                | PasswordFault::Common
                | PasswordFault::Own,
            ) => TIED,
        }
    }
}

const TIED: &str = r#" aria-invalid="true" aria-describedby="message""#;
