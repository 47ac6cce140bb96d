//! The one cookie that binds started sign-ins, forms and sign-outs to a browser, however many tabs
//! it has open.

use http::header;

use crate::crypto::digest;
use crate::crypto::random;
use crate::http::Exchange;
use crate::http::Response;
use crate::http::cookies::OwnCookie;
use crate::session::cookie::LOGIN_COOKIE;

/// A browser, known by its cookie or about to be given one.
pub(super) struct Browser {
    digest: String,
    /// The cookie to set, when it had none.
    fresh: Option<String>,
}

impl Browser {
    /// The browser behind `exchange`. One without the cookie, or with something else under its
    /// name, gets a new one by [`Self::remember`].
    pub(super) fn of(exchange: &Exchange) -> Self {
        if let Some(digest) = Self::known(exchange) {
            return Self { digest, fresh: None };
        }
        let token = random::token();
        Self { digest: digest::sha256_base64url(token.as_bytes()), fresh: Some(token) }
    }

    /// The digest of the cookie that the browser sent, when it sent one of ours.
    pub(super) fn known(exchange: &Exchange) -> Option<String> {
        let token = exchange.cookies().get(LOGIN_COOKIE)?;
        let ours = token.len() == TOKEN_LENGTH
            && token.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        ours.then(|| digest::sha256_base64url(token.as_bytes()))
    }

    /// What is kept of the cookie in anything that is bound to it.
    pub(super) fn digest(&self) -> &str {
        &self.digest
    }

    /// Sets the cookie on `response`, unless the browser has it already.
    pub(super) fn remember(&self, response: &mut Response) {
        if let Some(token) = &self.fresh {
            response.headers_mut().append(header::SET_COOKIE, cookie(token).header());
        }
    }

    /// Takes the cookie away: the sign-in it was for is complete. One that another tab has begun
    /// begins once more, or finds the session.
    pub(super) fn forget(response: &mut Response) {
        response.headers_mut().append(header::SET_COOKIE, cookie("").removal());
    }
}

/// Length of [`random::token`]'s text.
const TOKEN_LENGTH: usize = 43;

/// `SameSite=None`, because a provider's `form_post` is a cross-site POST.
fn cookie(token: &str) -> OwnCookie<'_> {
    let (name, value) = (LOGIN_COOKIE, token);
    OwnCookie { name, value, cross_site: true, readable: false, max_age: None }
}
