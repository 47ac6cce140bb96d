//! Small sealed promises to one browser: that a form is ours, and where a sign-out leads back to.

use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use crate::clock::Timestamp;
use crate::crypto::seal::SealKeys;
use crate::http::ReturnPath;

/// What a ticket is good for; each opens for its own purpose only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Posting one of our forms.
    Form,
    /// Coming back from a provider's sign-out.
    Logout,
}

impl Purpose {
    const fn name(self) -> &'static str {
        match self {
            Self::Form => "login-form",
            Self::Logout => "logout",
        }
    }

    const fn lifetime(self) -> Duration {
        match self {
            Self::Form => Duration::from_hours(1),
            Self::Logout => Duration::from_mins(10),
        }
    }
}

/// A promise that has been kept for its browser.
#[derive(Serialize, Deserialize)]
pub(super) struct Ticket {
    browser: String,
    expires: i64,
    return_path: Option<String>,
}

/// A ticket for the browser with that digest. Empty only if the cipher fails, and then it opens nothing.
pub(super) fn issue(
    seal: &SealKeys,
    purpose: Purpose,
    browser: &str,
    return_path: Option<&ReturnPath>,
    now: Timestamp,
) -> String {
    let ticket = Ticket {
        browser: browser.to_owned(),
        expires: now.plus(purpose.lifetime()).0,
        return_path: return_path.map(|path| path.as_str().to_owned()),
    };
    serde_json::to_vec(&ticket)
        .ok()
        .and_then(|plain| seal.seal(purpose.name(), &plain))
        .unwrap_or_default()
}

/// Opens a ticket that this browser brought. `None` when it is not ours, not the browser's, or too
/// old.
pub(super) fn open(
    seal: &SealKeys,
    purpose: Purpose,
    ticket: &str,
    browser: &str,
    now: Timestamp,
) -> Option<Ticket> {
    let plain = seal.open_sealed(purpose.name(), ticket)?;
    let ticket: Ticket = serde_json::from_slice(&plain).ok()?;
    (ticket.browser == browser && now.0 < ticket.expires).then_some(ticket)
}

impl Ticket {
    /// The way back that it names.
    pub(super) fn return_path(&self) -> Option<ReturnPath> {
        self.return_path.as_deref().and_then(ReturnPath::read)
    }
}
