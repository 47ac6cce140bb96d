//! The pages that ask, between a proved sign-in and the session, what is to come of it.

use askama::Template;
use http::StatusCode;

use crate::clock::Timestamp;
use crate::http::RequestId;
use crate::http::Response;
use crate::observe::civil_date;
use crate::pages::Look;
use crate::pages::headers::Policy;
use crate::pages::page;

/// A question with two answers. The form posts `token` and `answer`; its buttons have the ids
/// `first-answer` and `second-answer`.
#[derive(Clone, Debug, Template)]
#[template(path = "question.html")]
pub struct Question<'a> {
    /// How it looks.
    pub look: &'a Look,
    /// What is asked.
    pub asked: Asked,
    /// Where its form is posted.
    pub action: &'a str,
    /// The name of the sign-in that waits.
    pub token: &'a str,
    /// What the two buttons post as `answer`.
    pub answers: (&'a str, &'a str),
    /// The request's id.
    pub request: &'a RequestId,
}

/// What is asked.
#[derive(Clone, Debug)]
pub enum Asked {
    /// Whether a new identity is one more way to sign in as a user who is signed in.
    Whose {
        /// That user, as people know it.
        user: String,
        /// The provider of the new identity.
        provider: String,
        /// What the provider calls it.
        identity: String,
    },
    /// Whether the oldest session is to end for a new one.
    Room {
        /// The provider of the oldest session.
        provider: String,
        /// When that began.
        since: Timestamp,
    },
}

/// Renders the page.
pub fn question(question: &Question<'_>) -> Response {
    page(question.look, StatusCode::OK, question, &Policy::default())
}

impl Question<'_> {
    /// Since when the oldest session is open: `2026-11-23 03:10 UTC`.
    fn moment(&self) -> String {
        let Asked::Room { since, .. } = self.asked else { return String::new() };
        let minutes = since.0.max(0) / 60;
        format!("{} {:02}:{:02} UTC", civil_date(since), minutes / 60 % 24, minutes % 60)
    }
}
