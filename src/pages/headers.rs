//! The headers that every page carries: what it may load, who may frame it, what may be stored
//! (OWASP ASVS 5.0 §3.4).

use std::fmt::Write;
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::StatusCode;
use http::header;
use url::Host;
use url::Url;

use crate::crypto::digest;
use crate::http::response;
use crate::pages::Look;

/// The one stylesheet. Inline in each page, so that a page needs no second request and looks the
/// same on every host and site.
pub(crate) const STYLE: &str = include_str!("templates/style.css");

/// The one script of ours: posts the only form of its page. Called on the prototype, because a
/// field named `submit` would hide the form's own method.
pub(crate) const SUBMIT: &str = "HTMLFormElement.prototype.submit.call(document.forms[0])";

/// The script of the page that an answer in the fragment comes to, which no server sees: it puts the
/// parameters into the only form and posts it. Methods are taken from the prototypes, because a
/// field may have any name.
pub(crate) const RELAY: &str = "const form=document.forms[0];\
new URLSearchParams(location.hash.slice(1)).forEach((value,name)=>{\
const field=document.createElement('input');field.type='hidden';field.name=name;field.value=value;\
Node.prototype.appendChild.call(form,field)});\
history.replaceState(null,'',location.pathname);\
HTMLFormElement.prototype.submit.call(form)";

/// `Strict-Transport-Security` for every answer that the gateway makes itself, redirects too: one
/// year. Browsers ignore it where the connection is not secure (RFC 6797 §8.1).
pub const STRICT_TRANSPORT_SECURITY: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// What a page may do beyond showing itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Policy {
    /// Sources its forms may be posted to. `None` sets no limit: Chromium applies `form-action` to
    /// every redirect that follows a post, and the posts of the sign-in and sign-out pages end at
    /// whichever provider or application comes next.
    pub(crate) form_action: Option<String>,
    /// Sources of its frames.
    pub(crate) frames: Vec<String>,
    /// A stylesheet of ours beside the one that every page has.
    pub(crate) style: Option<&'static str>,
    /// The script that may run, of ours.
    pub(crate) script: Option<&'static str>,
    /// Who may show it in a frame.
    pub(crate) framing: Framing,
    /// Further origins that may, where any may.
    pub(crate) framed_by: Vec<String>,
}

/// Who may show a page in a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Framing {
    /// Nobody.
    #[default]
    Nobody,
    /// Our own pages of the same origin.
    SameOrigin,
}

impl Policy {
    /// For pages without a form, a frame or a script.
    pub(crate) fn plain() -> Self {
        Self { form_action: Some("'none'".to_owned()), ..Self::default() }
    }

    /// The value of `Content-Security-Policy`.
    fn directives(&self, look: &Look) -> String {
        let mut policy = format!("default-src 'none'; style-src {}", *STYLE_HASH);
        for style in [look.colors(), self.style].into_iter().flatten() {
            let _infallible = write!(policy, " {}", hash_source(style));
        }
        let ancestors = match self.framing {
            Framing::Nobody => "'none'",
            Framing::SameOrigin => "'self'",
        };
        let _infallible =
            write!(policy, "; img-src 'self' https:; base-uri 'none'; frame-ancestors {ancestors}");
        for origin in &self.framed_by {
            let _infallible = write!(policy, " {origin}");
        }
        if let Some(script) = self.script {
            let _infallible = write!(policy, "; script-src {}", hash_source(script));
        }
        if let Some(sources) = &self.form_action {
            let _infallible = write!(policy, "; form-action {sources}");
        }
        if !self.frames.is_empty() {
            let _infallible = write!(policy, "; frame-src {}", self.frames.join(" "));
        }
        policy
    }
}

static STYLE_HASH: LazyLock<String> = LazyLock::new(|| hash_source(STYLE));

/// `'sha256-…'` (CSP Level 3 §2.3.1).
fn hash_source(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(digest::sha256(text.as_bytes())))
}

/// The CSP source that allows exactly the origin of `address`, or its scheme alone where the
/// grammar has no word for the origin: IPv6 literals, application schemes, and hosts with
/// characters that would end the source. `None` for what is no address, or no address to go to.
pub(crate) fn source(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    if !is_harmless(&url) {
        return None;
    }
    let scheme = format!("{}:", url.scheme());
    let named = match url.host() {
        Some(Host::Domain(name)) => {
            name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
        }
        Some(Host::Ipv4(_)) => true,
        Some(Host::Ipv6(_)) | None => false,
    };
    Some(if named && url.origin().is_tuple() { url.origin().ascii_serialization() } else { scheme })
}

/// Whether following `link` leads somewhere rather than doing something: a path on this host, or an
/// absolute address of a kind that [`source`] accepts.
pub(crate) fn is_safe_link(link: &str) -> bool {
    is_own_path(link) || Url::parse(link).is_ok_and(|url| is_harmless(&url))
}

/// Whether `link` is a path on this host.
pub(crate) fn is_own_path(link: &str) -> bool {
    let second = link.chars().nth(1);
    link.starts_with('/') && !matches!(second, Some('/' | '\\' | '\t' | '\n' | '\r'))
}

/// Web addresses, and the private-use schemes of installed applications, which hold a dot
/// (RFC 8252 §7.1): nothing that runs in the page, as `javascript:` does.
fn is_harmless(url: &Url) -> bool {
    matches!(url.scheme(), "https" | "http") || url.scheme().contains('.')
}

/// Puts the headers of a page into `headers`.
pub(crate) fn dress(headers: &mut HeaderMap, status: StatusCode, look: &Look, policy: &Policy) {
    if policy.framing == Framing::Nobody {
        headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    }
    let policy = HeaderValue::try_from(policy.directives(look));
    let policy = policy.unwrap_or(HeaderValue::from_static("default-src 'none'"));
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    headers.insert(OPENER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(PERMISSIONS_POLICY, HeaderValue::from_static(NO_FEATURES));
    harden(headers, status);
}

/// Puts the headers of any answer of ours, page or document, into `headers`.
pub(crate) fn harden(headers: &mut HeaderMap, status: StatusCode) {
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::STRICT_TRANSPORT_SECURITY, STRICT_TRANSPORT_SECURITY);
    headers.insert(header::CACHE_CONTROL, response::NO_STORE);
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, COOKIE_CHALLENGE);
    }
    if status == StatusCode::TOO_MANY_REQUESTS {
        headers.insert(header::RETRY_AFTER, A_MINUTE);
    }
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, A_MOMENT);
    }
}

const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");
const NO_FEATURES: &str = "camera=(), display-capture=(), geolocation=(), microphone=(), \
                           payment=(), usb=()";

/// A 401 must carry a challenge (RFC 9110 §15.5.2). This scheme (draft-broyer-http-cookie-auth)
/// says that a session cookie is wanted, and opens no browser's password dialog.
const COOKIE_CHALLENGE: HeaderValue = HeaderValue::from_static("Cookie realm=\"Vestibule\"");

/// When to try again where the answer does not say: our limits count by the minute.
const A_MINUTE: HeaderValue = HeaderValue::from_static("60");

/// When to try again what is missing for now, in seconds.
const A_MOMENT: HeaderValue = HeaderValue::from_static("10");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h328_a_source_is_an_origin_and_nothing_more() {
        let cases = [
            ("https://app.test/callback?a=b;c", Some("https://app.test")),
            ("https://app.test:8443/cb", Some("https://app.test:8443")),
            ("http://127.0.0.1:5000/cb", Some("http://127.0.0.1:5000")),
            ("http://[::1]:5000/cb", Some("http:")),
            ("https://a;script-src-elem/cb", Some("https:")),
            ("https://*/cb", Some("https:")),
            ("com.example.app:/cb", Some("com.example.app:")),
            ("javascript:alert(1)", None),
            ("data:text/html,x", None),
            ("/relative", None),
        ];
        for (address, expected) in cases {
            assert_eq!(source(address).as_deref(), expected, "{address}");
        }
    }

    #[test]
    fn h326_a_link_leads_somewhere() {
        for link in ["/", "/a?b=c", "https://app.test/", "com.example.app:/done"] {
            assert!(is_safe_link(link), "{link}");
        }
        let hostile = ["javascript:alert(1)", " javascript:alert(1)", "java\tscript:alert(1)"];
        for link in hostile {
            assert!(!is_safe_link(link), "{link}");
        }
        for link in ["", "x", "//evil.test", "/\\evil.test", "/\t/evil.test", "data:text/html,x"] {
            assert!(!is_safe_link(link), "{link}");
        }
    }
}
