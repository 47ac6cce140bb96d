//! The forwarding headers: what a trusted proxy said is read, and what the upstream is told is
//! written anew.

use std::fmt;
use std::fmt::Write;
use std::net::IpAddr;

use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::header;

use crate::http::Connection;
use crate::http::RequestId;
use crate::http::Target;

/// Who the client is and how it speaks, after listening to a trusted proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The client's address.
    pub address: IpAddr,
    /// Whether the client's own connection is encrypted.
    pub secure: bool,
}

/// Reads the caller: the peer itself, or what a trusted peer says in `X-Forwarded-For` (its last
/// entry, the one that peer wrote) and `X-Forwarded-Proto`. What cannot be parsed is not believed.
pub fn caller(connection: &Connection, headers: &HeaderMap) -> Caller {
    let peer = Caller { address: connection.peer.ip().to_canonical(), secure: connection.secure };
    if !connection.is_trusted_proxy() {
        return peer;
    }
    let last = |name: &HeaderName| {
        let line = headers.get_all(name).iter().next_back()?.to_str().ok()?;
        Some(line.rsplit(',').next()?.trim().to_owned())
    };
    let address = last(&X_FORWARDED_FOR).and_then(|text| text.parse::<IpAddr>().ok());
    let secure = match last(&X_FORWARDED_PROTO).as_deref() {
        Some("https") => true,
        Some("http") => false,
        Some(_) | None => peer.secure,
    };
    Caller { address: address.map_or(peer.address, |a| a.to_canonical()), secure }
}

/// Writes the forwarding headers for the upstream; `Host` must be the target's already. What a trusted proxy said before stays in front
/// in `X-Forwarded-For`.
pub fn write(
    headers: &mut HeaderMap,
    connection: &Connection,
    caller: Caller,
    target: &Target,
    id: &RequestId,
) {
    let scheme = if caller.secure { "https" } else { "http" };
    let mut text = String::with_capacity(128);
    if let Some(before) = chain_before(connection, headers) {
        text.push_str(&before);
        text.push_str(", ");
    }
    append(
        headers,
        X_FORWARDED_FOR,
        &mut text,
        format_args!("{}", connection.peer.ip().to_canonical()),
    );
    headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static(scheme));
    let port = target.port_or_default(caller.secure);
    headers.insert(X_FORWARDED_PORT, HeaderValue::from(port));
    let authority = headers.get(header::HOST).cloned();
    if let Some(host) = authority.as_ref().and_then(|host| host.to_str().ok()) {
        let forwarded = &mut text;
        match caller.address {
            IpAddr::V4(address) => append(
                headers,
                header::FORWARDED,
                forwarded,
                format_args!("for={address};host=\"{host}\";proto={scheme}"),
            ),
            IpAddr::V6(address) => append(
                headers,
                header::FORWARDED,
                forwarded,
                format_args!("for=\"[{address}]\";host=\"{host}\";proto={scheme}"),
            ),
        }
    }
    if let Some(authority) = authority {
        headers.insert(X_FORWARDED_HOST, authority);
    }
    insert(headers, X_REQUEST_ID, id.as_str());
    let via = if connection.http2 { "2 vestibule" } else { "1.1 vestibule" };
    headers.append(header::VIA, HeaderValue::from_static(via));
    if !headers.get(TRACEPARENT).is_some_and(is_traceparent) {
        headers.remove(TRACESTATE);
        let id = id.as_str();
        if id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()) {
            let span = id.get(16..).unwrap_or_default();
            append(headers, TRACEPARENT, &mut text, format_args!("00-{id}-{span}-00"));
        } else {
            headers.remove(TRACEPARENT);
        }
    }
}

fn chain_before(connection: &Connection, headers: &HeaderMap) -> Option<String> {
    if !connection.is_trusted_proxy() {
        return None;
    }
    let lines = headers.get_all(X_FORWARDED_FOR).iter().filter_map(|v| v.to_str().ok());
    let entries: Vec<&str> = lines.flat_map(|line| line.split(',')).map(str::trim).collect();
    let sound = !entries.is_empty()
        && entries.len() <= 20
        && entries.iter().all(|entry| entry.parse::<IpAddr>().is_ok());
    sound.then(|| entries.join(", "))
}

/// `version-traceid-parentid-flags` of W3C Trace Context §3.2, ids not all zero.
fn is_traceparent(value: &HeaderValue) -> bool {
    let Ok(text) = value.to_str() else { return false };
    let parts: Vec<&str> = text.split('-').collect();
    let hex = |part: &str, length: usize| {
        part.len() == length && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let id = |part: &str, length: usize| hex(part, length) && part.bytes().any(|b| b != b'0');
    matches!(parts.as_slice(), [version, trace, parent, flags]
        if hex(version, 2) && *version != "ff" && id(trace, 32) && id(parent, 16) && hex(flags, 2))
}

/// Writes `end` behind what `text` holds, makes that the header, and empties `text` for the next one.
fn append(headers: &mut HeaderMap, name: HeaderName, text: &mut String, end: fmt::Arguments<'_>) {
    if text.write_fmt(end).is_ok() {
        insert(headers, name, text);
    }
    text.clear();
}

fn insert(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::try_from(text) {
        headers.insert(name, value);
    }
}

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PORT: HeaderName = HeaderName::from_static("x-forwarded-port");
/// The header that carries a request's id.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
