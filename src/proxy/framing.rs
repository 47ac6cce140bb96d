//! What hyper lets through and a gateway must not: methods, framing, `Expect`, header limits
//! (measured: spec/security.md §6).

use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::Version;
use http::header;

use crate::config::model::Limits;
use crate::error::Problem;

/// Refuses a request that could be read in two ways or is over the limits.
///
/// # Errors
///
/// [`Problem::BadRequest`], [`Problem::NotImplemented`], [`Problem::ExpectationFailed`] or
/// [`Problem::HeadersTooLarge`].
pub fn check(
    method: &Method,
    version: Version,
    headers: &HeaderMap,
    limits: &Limits,
) -> Result<(), Problem> {
    check_method(method)?;
    check_size(headers, limits)?;
    check_length(version, headers)?;
    check_expect(headers)?;
    for name in [header::AUTHORIZATION, header::CONTENT_TYPE, header::ORIGIN] {
        if headers.get_all(&name).iter().nth(1).is_some() {
            return Err(Problem::BadRequest(
                "a header that may stand once stands there twice".into(),
            ));
        }
    }
    Ok(())
}

/// The methods that a CMS is asked with. Everything else (CONNECT, TRACE, made-up ones) is 501.
fn check_method(method: &Method) -> Result<(), Problem> {
    let known = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
    ];
    if known.contains(method) { Ok(()) } else { Err(Problem::NotImplemented) }
}

fn check_size(headers: &HeaderMap, limits: &Limits) -> Result<(), Problem> {
    if headers.len() > limits.header_lines {
        return Err(Problem::HeadersTooLarge);
    }
    // Each line costs its name, its value, a colon, a space and a line end.
    let bytes: usize = headers.iter().map(|(n, v)| n.as_str().len() + v.len() + 4).sum();
    if bytes > limits.header_bytes { Err(Problem::HeadersTooLarge) } else { Ok(()) }
}

/// At most one length, said in one way (RFC 9112 §6). hyper refuses most contradictions itself.
fn check_length(version: Version, headers: &HeaderMap) -> Result<(), Problem> {
    let mut encodings = headers.get_all(header::TRANSFER_ENCODING).iter();
    let mut lengths = headers.get_all(header::CONTENT_LENGTH).iter();
    if let Some(encoding) = encodings.next() {
        let chunked = encoding.as_bytes().eq_ignore_ascii_case(b"chunked");
        let alone = encodings.next().is_none() && lengths.next().is_none();
        if !chunked || !alone || version != Version::HTTP_11 {
            return Err(Problem::BadRequest("the body's framing is ambiguous".into()));
        }
        return Ok(());
    }
    match (lengths.next(), lengths.next()) {
        (None, _) => Ok(()),
        (Some(length), None) => {
            let digits = length.as_bytes();
            let canonical = digits.iter().all(u8::is_ascii_digit)
                && !digits.is_empty()
                && (digits.len() == 1 || digits.first() != Some(&b'0'));
            if canonical {
                Ok(())
            } else {
                Err(Problem::BadRequest("Content-Length is not a plain number".into()))
            }
        }
        (Some(_), Some(_)) => {
            Err(Problem::BadRequest("there is more than one Content-Length".into()))
        }
    }
}

/// Leaves an answer one framing (RFC 9112 §6.3): no length beside a transfer encoding, and one
/// number where the same is said more than once.
///
/// # Errors
///
/// [`Problem::UpstreamFailed`] for a length that is not one number.
pub fn check_answer(headers: &mut HeaderMap) -> Result<(), Problem> {
    if headers.contains_key(header::TRANSFER_ENCODING) {
        headers.remove(header::CONTENT_LENGTH);
        return Ok(());
    }
    let mut lengths = headers
        .get_all(header::CONTENT_LENGTH)
        .iter()
        .flat_map(|line| line.as_bytes().split(|&b| b == b','))
        .map(<[u8]>::trim_ascii);
    let Some(first) = lengths.next() else { return Ok(()) };
    let is_number = !first.is_empty() && first.iter().all(u8::is_ascii_digit);
    let mut others = 0;
    if !is_number || !lengths.inspect(|_| others += 1).all(|length| length == first) {
        return Err(Problem::UpstreamFailed);
    }
    if others > 0 {
        let one = HeaderValue::from_bytes(first).map_err(|_| Problem::UpstreamFailed)?;
        headers.insert(header::CONTENT_LENGTH, one);
    }
    Ok(())
}

/// hyper answers `100-continue` itself; any other expectation is not met (RFC 9110 §10.1.1).
fn check_expect(headers: &HeaderMap) -> Result<(), Problem> {
    let mut lines = headers.get_all(header::EXPECT).iter();
    match (lines.next(), lines.next()) {
        (None, _) => Ok(()),
        (Some(line), None) if line.as_bytes().eq_ignore_ascii_case(b"100-continue") => Ok(()),
        (Some(_), _) => Err(Problem::ExpectationFailed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        lines
            .iter()
            .map(|(n, v)| (n.parse().unwrap(), v.parse().unwrap()))
            .collect::<Vec<_>>()
            .into_iter()
            .fold(HeaderMap::new(), |mut map, (name, value): (http::HeaderName, HeaderValue)| {
                map.append(name, value);
                map
            })
    }

    #[test]
    fn d83_d85_d86_ambiguous_lengths_are_refused() {
        for lines in [
            &[("transfer-encoding", "chunked"), ("content-length", "6")][..],
            &[("transfer-encoding", "gzip, chunked")],
            &[("transfer-encoding", ", chunked")],
            &[("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")],
            &[("content-length", "01")],
            &[("content-length", "5"), ("content-length", "5")],
            &[("content-length", "+1")],
        ] {
            assert!(check_length(Version::HTTP_11, &headers(lines)).is_err(), "{lines:?}");
        }
        assert!(
            check_length(Version::HTTP_11, &headers(&[("transfer-encoding", "ChunKed")])).is_ok()
        );
        assert!(check_length(Version::HTTP_11, &headers(&[("content-length", "0")])).is_ok());
    }

    #[test]
    fn b62_extension_methods_and_trace_are_not_served() {
        for method in ["get", "GETT", "PROPFIND", "TRACE", "TRACK", "DEBUG", "CONNECT", "X"] {
            assert_eq!(
                check_method(&method.parse().unwrap()),
                Err(Problem::NotImplemented),
                "{method}"
            );
        }
    }

    #[test]
    fn d100_only_one_expectation_is_known() {
        assert!(check_expect(&headers(&[("expect", "100-Continue")])).is_ok());
        for lines in [
            &[("expect", "y 100-continue")][..],
            &[("expect", "100-continue"), ("expect", "100-continue")],
        ] {
            assert_eq!(check_expect(&headers(lines)), Err(Problem::ExpectationFailed));
        }
    }
}
