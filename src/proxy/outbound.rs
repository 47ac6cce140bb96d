//! The head of a request as the upstream gets it, and the head of the answer as the client gets it:
//! rebuilt, never relayed.

use std::sync::Arc;

use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::Request;
use http::Uri;
use http::Version;
use http::header;
use http::uri::PathAndQuery;
use http_body::Body as HttpBody;

use crate::error::Problem;
use crate::gate::assertion;
use crate::gate::assertion::Assertion;
use crate::gate::forwarding;
use crate::gate::headers;
use crate::http::Body;
use crate::proxy::caching;
use crate::proxy::forward::Passage;
use crate::proxy::framing;
use crate::session::Rendered;
use crate::session::Session;
use crate::session::cookie;

/// The request for the upstream. Its headers have been stripped already.
///
/// # Errors
///
/// [`Problem::BadRequest`] when the target cannot be written.
pub fn request(passage: &Passage<'_>, request: Request<Body>) -> Result<Request<Body>, Problem> {
    let (mut head, body) = request.into_parts();
    head.version = Version::HTTP_11;
    head.uri = path_and_query(passage)?;
    headers(passage, &mut head.headers);
    // hyper writes no length for a body that is not there, and IIS answers such a POST with 411.
    if body.is_end_stream() && [Method::POST, Method::PUT, Method::PATCH].contains(&head.method) {
        head.headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    Ok(Request::from_parts(head, body))
}

/// Origin form, the canonical path and the query byte for byte.
fn path_and_query(passage: &Passage<'_>) -> Result<Uri, Problem> {
    let text = passage.story.target.path_and_query();
    let target = PathAndQuery::try_from(text);
    target.map(Uri::from).map_err(|_| Problem::BadRequest("the request target is malformed".into()))
}

fn headers(passage: &Passage<'_>, headers: &mut HeaderMap) {
    // The body's own size decides the framing (hyper writes it anew).
    headers.remove(header::CONTENT_LENGTH);
    if !passage.story.site.pass_authorization {
        headers.remove(header::AUTHORIZATION);
    }
    without_our_cookies(passage, headers);
    if let Ok(host) = HeaderValue::try_from(passage.story.target.authority()) {
        headers.insert(header::HOST, host);
    }
    forwarding::write(
        headers,
        passage.story.connection,
        passage.story.caller,
        passage.story.target,
        passage.story.id,
    );
    if let Some(session) = &passage.story.session {
        for (name, value) in &rendered(passage, session).headers {
            headers.insert(name, value.clone());
        }
    }
}

/// Takes our cookies out and joins what is left into one line (RFC 9113 §8.2.3).
fn without_our_cookies(passage: &Passage<'_>, headers: &mut HeaderMap) {
    if !headers.contains_key(header::COOKIE) {
        return;
    }
    let settings = &passage.story.gateway.config.sessions;
    let mut kept = Vec::new();
    for line in headers.get_all(header::COOKIE) {
        for pair in line.as_bytes().split(|&b| b == b';').map(<[u8]>::trim_ascii) {
            let name = pair.split(|&b| b == b'=').next().unwrap_or_default().trim_ascii();
            let ours = std::str::from_utf8(name).is_ok_and(|name| cookie::is_ours(settings, name));
            if ours || pair.is_empty() {
                continue;
            }
            if !kept.is_empty() {
                kept.extend_from_slice(b"; ");
            }
            kept.extend_from_slice(pair);
        }
    }
    match HeaderValue::from_bytes(&kept) {
        Ok(line) if !kept.is_empty() => {
            headers.insert(header::COOKIE, line);
        }
        Ok(_) | Err(_) => {
            headers.remove(header::COOKIE);
        }
    }
}

/// The session's identity headers, rendered once and kept until the configuration changes or the
/// assertion has used up half its life.
fn rendered(passage: &Passage<'_>, session: &Arc<Session>) -> Arc<Rendered> {
    let gateway = passage.story.gateway;
    let as_bearer = passage.story.site.assertion_as_bearer;
    let (upstream, now) = (passage.upstream_index, passage.story.now);
    let kept = session.rendered(gateway.generation, upstream, as_bearer, now);
    kept.unwrap_or_else(|| {
        let rendered = Arc::new(render(passage, session));
        session.keep_rendered(Arc::clone(&rendered));
        rendered
    })
}

fn render(passage: &Passage<'_>, session: &Session) -> Rendered {
    let gateway = passage.story.gateway;
    let identity_headers = &gateway.config.identity_headers;
    let mut headers = gateway.headers.render(&session.identity);
    let lifetime = identity_headers.assertion_lifetime;
    let wanted = identity_headers.assertion.is_some() || passage.story.site.assertion_as_bearer;
    let audience = &passage.upstream.settings.audience;
    let claims =
        Assertion::new(session, audience, passage.story.now, passage.story.now.plus(lifetime));
    let signed =
        if wanted { gateway.house.assertion_key.sign(assertion::TYPE, &claims) } else { None };
    if let Some(token) = signed {
        if let Some(name) = &identity_headers.assertion {
            push(&mut headers, name.clone(), &token);
        }
        if passage.story.site.assertion_as_bearer {
            push(&mut headers, header::AUTHORIZATION, &format!("Bearer {token}"));
        }
    }
    Rendered {
        generation: gateway.generation,
        upstream: passage.upstream_index,
        as_bearer: passage.story.site.assertion_as_bearer,
        renew_at: passage.story.now.plus(lifetime / 2),
        headers,
    }
}

fn push(headers: &mut Vec<(HeaderName, HeaderValue)>, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::try_from(text) {
        headers.push((name, value));
    }
}

/// Cleans the answer's head: framing that contradicts itself, hop-by-hop fields, cookies under our
/// names, connection-bound authentication; and keeps shared caches off answers to a session.
///
/// # Errors
///
/// [`Problem::UpstreamFailed`] when its length is not one number.
pub fn clean_answer(passage: &Passage<'_>, headers: &mut HeaderMap) -> Result<(), Problem> {
    framing::check_answer(headers)?;
    headers::remove_hop_by_hop(headers);
    keep_our_cookies_ours(passage, headers);
    without_connection_bound_challenges(headers);
    if passage.story.session.is_some() {
        caching::keep_private(headers, passage.protected);
    } else if passage.protected {
        headers.insert(header::CACHE_CONTROL, caching::PRIVATE);
    }
    Ok(())
}

fn keep_our_cookies_ours(passage: &Passage<'_>, headers: &mut HeaderMap) {
    if !headers.contains_key(header::SET_COOKIE) {
        return;
    }
    let settings = &passage.story.gateway.config.sessions;
    // A browser sends a nameless cookie as its bare value, which can read `name=value` again.
    let is_ours = |line: &HeaderValue| {
        let pair = line.as_bytes().split(|&b| b == b';').next().unwrap_or_default();
        let name = pair.iter().position(|&b| b == b'=').and_then(|end| pair.get(..end));
        let name = name.unwrap_or_default().trim_ascii();
        name.is_empty()
            || std::str::from_utf8(name).is_ok_and(|name| cookie::is_ours(settings, name))
    };
    let lines: Vec<HeaderValue> = headers.get_all(header::SET_COOKIE).iter().cloned().collect();
    if !lines.iter().any(is_ours) {
        return;
    }
    passage.story.gateway.note_cookie_attempt(&passage.upstream.settings.name);
    headers.remove(header::SET_COOKIE);
    for line in lines.into_iter().filter(|line| !is_ours(line)) {
        headers.append(header::SET_COOKIE, line);
    }
}

/// NTLM and Negotiate authenticate a connection, and ours are shared: such a challenge must not
/// reach a client (security.md D107).
fn without_connection_bound_challenges(headers: &mut HeaderMap) {
    let bound = |value: &HeaderValue| {
        let scheme = value.as_bytes().split(|b| b" ,".contains(b)).next().unwrap_or_default();
        scheme.eq_ignore_ascii_case(b"NTLM") || scheme.eq_ignore_ascii_case(b"Negotiate")
    };
    let lines: Vec<HeaderValue> =
        headers.get_all(header::WWW_AUTHENTICATE).iter().cloned().collect();
    if lines.iter().any(bound) {
        headers.remove(header::WWW_AUTHENTICATE);
        for line in lines.into_iter().filter(|line| !bound(line)) {
            headers.append(header::WWW_AUTHENTICATE, line);
        }
    }
}
