//! The pages around signing out.

use askama::Template;
use http::HeaderValue;
use http::StatusCode;
use http::header;

use crate::http::RequestId;
use crate::http::Response;
use crate::pages::Look;
use crate::pages::headers;
use crate::pages::headers::Framing;
use crate::pages::headers::Policy;
use crate::pages::page;

/// The page that asks before signing out.
#[derive(Clone, Debug, Template)]
#[template(path = "sign_out.html")]
pub struct SignOut<'a> {
    /// How it looks.
    pub look: &'a Look,
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
    /// How it looks.
    pub look: &'a Look,
    /// A way back, `id="return-link"`.
    pub return_link: Option<&'a str>,
    /// The name of the application that the way back leads to.
    pub client: Option<&'a str>,
    /// After how many seconds the browser takes the way back by itself, when it is to; long enough
    /// for the frames.
    pub returns_after: Option<u8>,
    /// Front-channel logout addresses, one hidden frame each.
    pub frames: &'a [String],
    /// The request's id.
    pub request: &'a RequestId,
}

/// A page of hidden frames alone, which another page of ours shows in a frame
/// (`/connect/endsession/callback`), or a provider's that tells us of a sign-out.
#[derive(Clone, Debug, Template)]
#[template(path = "frames.html")]
pub struct Frames<'a> {
    /// How it looks.
    pub look: &'a Look,
    /// Front-channel logout addresses, one hidden frame each.
    pub frames: &'a [String],
    /// The provider's origins.
    pub framed_by: &'a [String],
}

/// Renders the page that asks before signing out.
pub fn sign_out(sign_out: &SignOut<'_>) -> Response {
    page(sign_out.look, StatusCode::OK, sign_out, &Policy::default())
}

/// Renders the signed-out page. Frames that are no web address are left out.
pub fn signed_out(signed_out: &SignedOut<'_>) -> Response {
    let policy = Policy { frames: sources(signed_out.frames), ..Policy::plain() };
    let mut response = page(signed_out.look, StatusCode::OK, signed_out, &policy);
    let back = signed_out.returns_after.zip(signed_out.safe_return_link());
    let refresh = back
        .and_then(|(seconds, link)| HeaderValue::try_from(format!("{seconds};url={link}")).ok());
    if let Some(refresh) = refresh {
        response.headers_mut().insert(header::REFRESH, refresh);
    }
    response
}

/// Renders a page of frames, which only pages of the same origin and of `framed_by` may show.
pub fn frames(frames: &Frames<'_>) -> Response {
    let policy = Policy {
        frames: sources(frames.frames),
        framing: Framing::SameOrigin,
        framed_by: sources(frames.framed_by),
        ..Policy::plain()
    };
    page(frames.look, StatusCode::OK, frames, &policy)
}

impl SignedOut<'_> {
    fn safe_return_link(&self) -> Option<&str> {
        self.return_link.filter(|link| headers::is_safe_link(link))
    }

    fn safe_frames(&self) -> impl Iterator<Item = &str> {
        safe(self.frames)
    }
}

impl Frames<'_> {
    fn safe_frames(&self) -> impl Iterator<Item = &str> {
        safe(self.frames)
    }
}

fn safe(frames: &[String]) -> impl Iterator<Item = &str> {
    let frames = frames.iter().map(String::as_str);
    frames.filter(|address| headers::source(address).is_some())
}

/// The origins of `frames`, each once.
fn sources(frames: &[String]) -> Vec<String> {
    let mut sources: Vec<String> = safe(frames).filter_map(headers::source).collect();
    sources.sort_unstable();
    sources.dedup();
    sources
}
