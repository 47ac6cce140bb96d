//! What hyper lets through and a gateway must not: methods, framing, `Expect`, header limits
//! (measured: spec/security.md §6).

use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::Request;
use http::Version;
use http::header;
use http_body::Body as _;
use http_body_util::BodyExt;

use crate::config::model::Limits;
use crate::error::Problem;
use crate::http::Body;

/// Refuses a request that could be read in two ways or is over the limits.
///
/// # Errors
///
/// [`Problem::BadRequest`], [`Problem::NotImplemented`], [`Problem::ExpectationFailed`] or
/// [`Problem::HeadersTooLarge`].
pub fn check(request: &Request<Body>, limits: &Limits) -> Result<(), Problem> {
    let headers = request.headers();
    check_method(request.method())?;
    check_size(headers, limits)?;
    check_length(request.version(), headers)?;
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
    // HTTP/2 clients may send each cookie as a line of its own (RFC 9113 §8.2.3).
    let crumbs = headers.get_all(header::COOKIE).iter().skip(1).count();
    if headers.len() - crumbs > limits.header_lines {
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

/// A GET or HEAD whose body has no known length must turn out to have none: whoever ignores it
/// behind us would read it as the next request. HTTP/2 clients may say so with an empty last frame.
///
/// # Errors
///
/// [`Problem::BadRequest`] when something comes, [`Problem::RequestTimeout`] when nothing ends it.
pub async fn settle_body(request: &mut Request<Body>) -> Result<(), Problem> {
    let bare = *request.method() == Method::GET || *request.method() == Method::HEAD;
    if !bare || request.body().size_hint().exact().is_some() {
        return Ok(());
    }
    while let Some(frame) = request.body_mut().frame().await {
        let frame = frame.map_err(|_| Problem::RequestTimeout)?;
        if frame.data_ref().is_some_and(|data| !data.is_empty()) {
            return Err(Problem::BadRequest("a GET or HEAD has a body of unknown length".into()));
        }
    }
    *request.body_mut() = Body::Empty;
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

    #[tokio::test]
    async fn d98_a_get_whose_body_has_no_length_must_have_none() {
        let unsized_body = |text: &'static str| {
            let frame = http_body::Frame::data(bytes::Bytes::from_static(text.as_bytes()));
            Body::stream(http_body_util::StreamBody::new(futures_util::stream::iter([Ok(frame)])))
        };
        let settle = async |method: Method, text| {
            let request = Request::builder().method(method).body(unsized_body(text));
            settle_body(&mut request.unwrap()).await
        };
        assert!(settle(Method::GET, "").await.is_ok());
        assert!(settle(Method::GET, "x").await.is_err());
        assert!(settle(Method::HEAD, "x").await.is_err());
        assert!(settle(Method::POST, "x").await.is_ok());
    }

    #[test]
    fn many_cookie_lines_count_as_one() {
        let limits = Limits { header_lines: 2, ..crate::users::testing::config().limits };
        let crumbs = [("cookie", "a=1"), ("cookie", "b=2"), ("cookie", "c=3"), ("accept", "*/*")];
        assert!(check_size(&headers(&crumbs), &limits).is_ok());
        let others = [("accept", "a"), ("accept", "b"), ("accept", "c")];
        assert_eq!(check_size(&headers(&others), &limits), Err(Problem::HeadersTooLarge));
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
