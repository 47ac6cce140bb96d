//! Keeps shared caches off answers to a session.

use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::header;

/// `Cache-Control` of answers that took a session: no shared cache may keep them, no back button
/// show them after signing out.
pub const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-store");

/// Headers by which a CMS tells a cache of its own what it tells no browser (RFC 9213 and before).
const FOR_SHARED_CACHES: [HeaderName; 5] = [
    HeaderName::from_static("cdn-cache-control"),
    HeaderName::from_static("cloudflare-cdn-cache-control"),
    HeaderName::from_static("surrogate-control"),
    HeaderName::from_static("edge-control"),
    HeaderName::from_static("x-accel-expires"),
];

/// Makes the answer to a session private to it: not to be kept at all when it took the session
/// (`protected`), else by its own browser at most.
pub fn keep_private(headers: &mut HeaderMap, protected: bool) {
    for name in &FOR_SHARED_CACHES {
        headers.remove(name);
    }
    if protected {
        headers.insert(header::CACHE_CONTROL, PRIVATE);
        return;
    }
    headers.append(header::VARY, HeaderValue::from_static("Cookie"));
    if !is_private(headers) {
        let policy = without_sharing(headers);
        headers.insert(header::CACHE_CONTROL, policy);
    }
}

fn directives(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(header::CACHE_CONTROL).iter();
    lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(',')).map(str::trim)
}

/// `private="name"` is about single headers and leaves the rest to be shared (RFC 9111 §5.2.2.7).
fn is_private(headers: &HeaderMap) -> bool {
    let is = |directive: &str, names: &[&str]| {
        names.iter().any(|name| directive.eq_ignore_ascii_case(name))
    };
    directives(headers).any(|directive| is(directive, &["private", "no-store", "no-cache"]))
        && !directives(headers).any(is_sharing)
}

fn is_sharing(directive: &str) -> bool {
    let name = directive.split('=').next().unwrap_or_default().trim();
    name.eq_ignore_ascii_case("public") || name.eq_ignore_ascii_case("s-maxage")
}

fn without_sharing(headers: &HeaderMap) -> HeaderValue {
    let mut policy = "private".to_owned();
    let kept = directives(headers).filter(|directive| {
        !directive.is_empty()
            && !is_sharing(directive)
            && !directive.contains('"')
            && !directive.eq_ignore_ascii_case("private")
    });
    for directive in kept {
        policy.push_str(", ");
        policy.push_str(directive);
    }
    HeaderValue::try_from(policy).unwrap_or(PRIVATE)
}
