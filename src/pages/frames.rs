//! The page nobody sees: hidden frames, one for each application that is to hear of a sign-out
//! (OpenID Connect Front-Channel Logout §2).

use askama::Template;
use http::StatusCode;

use crate::http::Response;
use crate::pages::headers;
use crate::pages::headers::Policy;

/// The page.
#[derive(Clone, Debug, Template)]
#[template(path = "frames.html")]
pub struct Frames<'a> {
    /// Addresses, one frame each.
    pub frames: &'a [String],
    /// The origins that may frame the page itself, `'self'` for this one.
    pub framed_by: &'a [String],
}

/// Renders the page. Frames that are no web address are left out, and its policy allows the origins
/// of the others alone.
pub fn frames(frames: &Frames<'_>) -> Response {
    let mut sources: Vec<String> = frames.safe().filter_map(headers::source).collect();
    sources.sort_unstable();
    sources.dedup();
    let own = frames.framed_by.iter().filter(|origin| *origin == "'self'").cloned();
    let others = frames.framed_by.iter().filter_map(|origin| headers::source(origin));
    let framed_by = own.chain(others).collect();
    super::page(StatusCode::OK, frames, &Policy { frames: sources, framed_by, ..Policy::plain() })
}

impl Frames<'_> {
    fn safe(&self) -> impl Iterator<Item = &str> {
        let frames = self.frames.iter().map(String::as_str);
        frames.filter(|address| headers::source(address).is_some())
    }
}
