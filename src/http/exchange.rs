//! A request that the gateway answers itself: target, headers and a small body, all in hand.

use std::cell::Cell;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use http::Method;
use http::header;

use crate::clock::Timestamp;
use crate::crypto::random;
use crate::error::Problem;
use crate::http::connection::Connection;
use crate::http::cookies::Cookies;
use crate::http::form::Form;
use crate::http::target::Target;

/// A request on its way through login, the identity server, the demo or the admin pages.
///
/// Its headers have been stripped of everything that only we or a trusted proxy may say.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The method.
    pub method: Method,
    /// Where it goes.
    pub target: Target,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, at most `limits.own_body_bytes` long.
    pub body: Bytes,
    /// The connection it came in on.
    pub connection: Arc<Connection>,
    /// The client's address: the peer, or what a trusted proxy said.
    pub client: IpAddr,
    /// Whether the browser speaks https to us or to the trusted proxy before us.
    pub secure: bool,
    /// Its id, for logs and error pages.
    pub id: RequestId,
    /// When it came in.
    pub now: Timestamp,
}

impl Exchange {
    /// Its cookies.
    pub fn cookies(&self) -> Cookies<'_> {
        Cookies::of(&self.headers)
    }

    /// The parameters of its query.
    ///
    /// # Errors
    ///
    /// [`Problem::BadRequest`] when a name stands there twice or an escape is malformed.
    pub fn query(&self) -> Result<Form, Problem> {
        Form::parse(self.target.query.as_deref().unwrap_or_default().as_bytes())
    }

    /// The parameters of its form body.
    ///
    /// # Errors
    ///
    /// [`Problem::UnsupportedMediaType`] for anything but a form, [`Problem::BadRequest`] as
    /// [`Self::query`].
    pub fn form(&self) -> Result<Form, Problem> {
        let kind = self.headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok());
        let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(Problem::UnsupportedMediaType);
        }
        Form::parse(&self.body)
    }

    /// A header as text, when it is there once and is ASCII.
    #[expect(clippy::needless_pass_by_value, reason = "callers write the header's constant")]
    pub fn header(&self, name: header::HeaderName) -> Option<&str> {
        single(&self.headers, &name)
    }

    /// `https://cms.localhost:8443`: scheme, host and port as the browser has them.
    pub fn origin(&self) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        format!("{scheme}://{}", self.target.authority())
    }

    /// Whether this is a person's browser going to a page, see [`is_navigation`].
    pub fn is_navigation(&self) -> bool {
        is_navigation(&self.method, &self.headers)
    }

    /// Whether a page is wanted rather than `application/problem+json`, see [`wants_page`].
    pub fn wants_page(&self) -> bool {
        wants_page(&self.headers)
    }

    /// Whether the browser vouches that the request comes from our own pages: `Sec-Fetch-Site` says
    /// `same-origin`, or, from a browser that does not send it, `Origin` is ours.
    pub fn is_same_origin(&self) -> bool {
        match single(&self.headers, &SEC_FETCH_SITE) {
            Some(site) => site == "same-origin",
            None => self.header(header::ORIGIN).is_some_and(|origin| origin == self.origin()),
        }
    }

    /// Whether the browser says that a form was posted from elsewhere. One that says nothing has to
    /// be judged by something else.
    pub fn is_foreign(&self) -> bool {
        let silent = !self.headers.contains_key(SEC_FETCH_SITE)
            && !self.headers.contains_key(header::ORIGIN);
        !silent && !self.is_same_origin()
    }
}

const SEC_FETCH_SITE: header::HeaderName = header::HeaderName::from_static("sec-fetch-site");
const SEC_FETCH_MODE: header::HeaderName = header::HeaderName::from_static("sec-fetch-mode");
const SEC_FETCH_DEST: header::HeaderName = header::HeaderName::from_static("sec-fetch-dest");
const X_REQUESTED_WITH: header::HeaderName = header::HeaderName::from_static("x-requested-with");

/// Whether this is a person's browser going to a page, so that a redirect to a login page helps:
/// a GET or HEAD whose Fetch metadata says `navigate` to a document, or, without Fetch metadata, one
/// that accepts HTML and is not an `XMLHttpRequest`.
pub fn is_navigation(method: &Method, headers: &HeaderMap) -> bool {
    if method != Method::GET && method != Method::HEAD {
        return false;
    }
    if single(headers, &X_REQUESTED_WITH).is_some_and(|v| v.eq_ignore_ascii_case("XMLHttpRequest"))
    {
        return false;
    }
    if headers.contains_key(header::UPGRADE) {
        return false;
    }
    match single(headers, &SEC_FETCH_MODE) {
        Some(mode) => {
            let destination = single(headers, &SEC_FETCH_DEST).unwrap_or("document");
            mode == "navigate" && matches!(destination, "document" | "iframe" | "frame")
        }
        None => wants_page(headers),
    }
}

/// Whether `Accept` names HTML at least as willingly as JSON.
pub fn wants_page(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or_default();
    accept.contains("text/html")
}

fn single<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

fn hexadecimal(nibble: u64) -> u8 {
    match u8::try_from(nibble & 0xf).unwrap_or(0) {
        low @ 0..=9 => b'0' + low,
        high => b'a' - 10 + high,
    }
}

/// A request's id: ours, or one that a trusted proxy sent in `X-Request-Id`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// A fresh id: 32 hexadecimal digits, half of them this thread's own and half counting. It must
    /// be unique, not secret, and is made for every request.
    pub fn fresh() -> Self {
        thread_local! {
            static NEXT: Cell<(u64, u64)> =
                Cell::new((u64::from_be_bytes(random::bytes()), u64::from_be_bytes(random::bytes())));
        }
        let (thread, count) = NEXT.get();
        NEXT.set((thread, count.wrapping_add(1)));
        let mut digits = [0; 32];
        for (digit, at) in digits.iter_mut().zip((0..32_u32).rev()) {
            let half = if at < 16 { count } else { thread };
            *digit = hexadecimal(half >> (4 * (at % 16)));
        }
        Self(std::str::from_utf8(&digits).unwrap_or_default().into())
    }

    /// `text` when it is 1 to 64 letters, digits and hyphens, which cannot harm a log or a page.
    pub fn accept(text: &str) -> Option<Self> {
        let legal = (1..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        legal.then(|| Self(text.into()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
