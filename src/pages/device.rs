//! The pages on which a device without a browser is connected (RFC 8628 §3.3).

use askama::Template;
use http::StatusCode;

use crate::http::RequestId;
use crate::http::Response;
use crate::pages::Application;
use crate::pages::Look;
use crate::pages::consent::Scope;
use crate::pages::headers::Policy;
use crate::pages::page;

/// The device page, in one of its states.
#[derive(Clone, Debug, Template)]
#[template(path = "device.html")]
pub struct Device<'a> {
    /// How it looks.
    pub look: &'a Look,
    /// How far it has come.
    pub state: DeviceState<'a>,
    /// The request's id.
    pub request: &'a RequestId,
}

/// How far a device has come.
#[derive(Clone, Copy, Debug)]
pub enum DeviceState<'a> {
    /// The form for the code, posted as `userCode`; the button has the id `continue-button`.
    Enter {
        /// Where the form is posted.
        action: &'a str,
        /// Hidden fields.
        fields: &'a [(&'a str, &'a str)],
        /// The code that is filled in.
        code: &'a str,
        /// What was wrong with the last one.
        fault: Option<CodeFault>,
    },
    /// Asks whether this is the person's own device. Its form posts what that of
    /// [`Consent`](crate::pages::Consent) posts, with the same button names.
    Confirm {
        /// Who asks.
        client: Application<'a>,
        /// The code, as the device shows it.
        code: &'a str,
        /// What is asked for.
        scopes: &'a [Scope<'a>],
        /// Where the form is posted.
        action: &'a str,
        /// Hidden fields.
        fields: &'a [(&'a str, &'a str)],
    },
    /// The device is connected; `id="device-done"`.
    Done {
        /// The client's name.
        client: &'a str,
    },
    /// The person refused; `id="device-denied"`.
    Denied {
        /// The client's name.
        client: &'a str,
    },
}

/// What was wrong with a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeFault {
    /// Unknown, over or used: nobody is told which.
    NotValid,
    /// Too many wrong ones.
    Throttled,
}

/// Renders the device page: 200, or 429 after too many wrong codes.
pub fn device(device: &Device<'_>) -> Response {
    page(device.look, device.status(), device, &Policy::default())
}

impl Device<'_> {
    fn status(&self) -> StatusCode {
        match self.fault() {
            Some(CodeFault::Throttled) => StatusCode::TOO_MANY_REQUESTS,
            Some(CodeFault::NotValid) | None => StatusCode::OK,
        }
    }

    fn fault(&self) -> Option<CodeFault> {
        match self.state {
            DeviceState::Enter { fault, .. } => fault,
            DeviceState::Confirm { .. } | DeviceState::Done { .. } | DeviceState::Denied { .. } => {
                None
            }
        }
    }

    fn message(&self) -> Option<std::borrow::Cow<'static, str>> {
        let key = match self.fault()? {
            CodeFault::NotValid => "device-wrong",
            CodeFault::Throttled => "device-throttled",
        };
        Some(self.look.say(key))
    }

    fn heading(&self) -> std::borrow::Cow<'static, str> {
        match self.state {
            DeviceState::Enter { .. } => self.look.say("device"),
            DeviceState::Confirm { client, .. } => {
                self.look.with("device-confirm-title", "client", client.name)
            }
            DeviceState::Done { .. } => self.look.say("device-done"),
            DeviceState::Denied { .. } => self.look.say("device-denied"),
        }
    }
}
