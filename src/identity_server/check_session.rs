//! Session management (OpenID Connect Session Management 1.0): `session_state`, the cookie that tells
//! of changes, and `/connect/checksession`, the frame that clients ask.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderName;
use http::HeaderValue;
use http::StatusCode;
use http::header;
use url::Url;

use crate::crypto::digest;
use crate::crypto::random;
use crate::http::Response;
use crate::http::response;
use crate::pages;
use crate::session::Visit;
use crate::session::cookie;

/// The frame's script. It has its own SHA-256, because browsers lend theirs only to frames whose
/// every ancestor came over https.
const SCRIPT: &str = include_str!("check_session.js");

static POLICY: LazyLock<Option<HeaderValue>> = LazyLock::new(|| {
    let hash = STANDARD.encode(digest::sha256(SCRIPT.as_bytes()));
    HeaderValue::try_from(format!("default-src 'none'; script-src 'sha256-{hash}'")).ok()
});

/// The frame. It is the same for everybody, so that it may be cached, and every client frames it.
pub(super) fn frame(visit: &Visit) -> Response {
    let cookie = cookie::public_name(&visit.config.sessions);
    let page = format!(
        "<!DOCTYPE html><html lang=\"en\" data-cookie=\"{cookie}\"><title>Session</title>\
         <script>{SCRIPT}</script></html>"
    );
    let mut response = response::typed(StatusCode::OK, "text/html; charset=utf-8", page);
    let headers = response.headers_mut();
    let policy = POLICY.clone().unwrap_or(HeaderValue::from_static("default-src 'none'"));
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::STRICT_TRANSPORT_SECURITY, pages::STRICT_TRANSPORT_SECURITY);
    headers.insert(RESOURCE_POLICY, HeaderValue::from_static("cross-origin"));
    response
}

const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// `session_state` for a client's address: a salted hash that the frame can make again, and nobody
/// can read (§3). The empty session is nobody's. `None` for an address without an origin, where no
/// page can ask.
pub(super) fn state(client: &str, redirect_uri: &str, session: &str) -> Option<String> {
    let origin = Url::parse(redirect_uri).ok()?.origin();
    let salt = random::identifier();
    let text = format!("{client}{}{session}{salt}", origin.ascii_serialization());
    let hash = digest::sha256_base64url(text.as_bytes());
    origin.is_tuple().then(|| format!("{hash}.{salt}"))
}

/// Sees to it that the browser's public cookie says what its session is: given anew when it is
/// missing, taken away when the session is over.
pub(super) fn keep_cookie(visit: &Visit, response: &mut Response) {
    let settings = &visit.config.sessions;
    let name = cookie::public_name(settings);
    let told = visit.exchange.cookies().get(&name).map(str::to_owned);
    let line = match (&visit.session, told) {
        (Some(session), told) if told.as_ref() != Some(&session.public_id) => {
            cookie::set_public(settings, &visit.site, session)
        }
        (None, Some(_)) => cookie::remove_public(settings, &visit.site),
        (Some(_) | None, _) => None,
    };
    if let Some(line) = line {
        response.headers_mut().append(header::SET_COOKIE, line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chk02_the_state_is_a_hash_of_client_origin_session_and_salt() {
        let state = state("app", "https://app.test:8443/cb?x=1", "sid").unwrap();
        let (hash, salt) = state.split_once('.').unwrap();
        let text = format!("apphttps://app.test:8443sid{salt}");
        assert_eq!(hash, digest::sha256_base64url(text.as_bytes()));
        assert_eq!(salt.len(), 32);
    }

    #[test]
    fn chk02_an_application_without_an_origin_has_no_state() {
        assert_eq!(state("app", "com.example.app:/cb", "sid"), None);
    }
}
