//! What people see: pages from askama templates, and the machine's form of the same answers.
//!
//! Every page takes a [`Look`]: the site's name, logo and colour, and the language that is spoken.

mod catalogue;
mod consent;
mod device;
mod form_post;
mod fragment;
mod grants;
pub(crate) mod headers;
mod look;
mod password;
mod problem;
mod question;
mod refused;
mod sign_in;
mod sign_out;

use askama::Template;
use http::StatusCode;

use crate::http::Response;
use crate::http::response;
use crate::pages::headers::Policy;

pub use catalogue::Language;
pub use consent::Consent;
pub use consent::Scope;
pub use consent::consent;
pub use device::CodeFault;
pub use device::Device;
pub use device::DeviceState;
pub use device::device;
pub use form_post::FormPost;
pub use form_post::form_post;
pub use fragment::Fragment;
pub use fragment::fragment;
pub use grants::Grants;
pub use grants::Held;
pub use grants::grants;
pub use headers::STRICT_TRANSPORT_SECURITY;
pub use look::Look;
pub use password::Password;
pub use password::PasswordFault;
pub use password::PasswordState;
pub use password::password;
#[cfg(test)]
pub(crate) use problem::detail as problem_detail;
pub use problem::problem;
pub use question::Asked;
pub use question::Question;
pub use question::question;
pub use refused::Refused;
pub use refused::refused;
pub use sign_in::Button;
pub use sign_in::CANCELLED;
pub use sign_in::LocalForm;
pub use sign_in::Notice;
pub use sign_in::SignIn;
pub use sign_in::sign_in;
pub use sign_out::Frames;
pub use sign_out::SignOut;
pub use sign_out::SignedOut;
pub use sign_out::frames;
pub use sign_out::sign_out;
pub use sign_out::signed_out;

/// An application that signs in here (a client), as people are shown it.
#[derive(Clone, Copy, Debug)]
pub struct Application<'a> {
    /// `ClientName`.
    pub name: &'a str,
    /// `ClientUri`: a page about it.
    pub uri: Option<&'a str>,
    /// `LogoUri`: its picture.
    pub logo: Option<&'a str>,
}

impl<'a> Application<'a> {
    /// Its page, when following the link leads somewhere.
    fn page(&self) -> Option<&'a str> {
        self.uri.filter(|link| headers::is_safe_link(link))
    }

    /// Its picture, when a page may load it.
    fn picture(&self) -> Option<&'a str> {
        self.logo.filter(|logo| logo.starts_with("https:") || headers::is_own_path(logo))
    }
}

/// Renders `template` with the headers of a page.
pub(crate) fn page(
    look: &Look,
    status: StatusCode,
    template: &impl Template,
    policy: &Policy,
) -> Response {
    let Ok(text) = template.render() else {
        return response::empty(StatusCode::INTERNAL_SERVER_ERROR);
    };
    let mut response = response::typed(status, "text/html; charset=utf-8", text);
    headers::dress(response.headers_mut(), status, look, policy);
    response
}
