//! Where a request wants to go: host, port, path and query, read once.

use http::HeaderMap;
use http::Uri;
use http::header;
use http::uri::Authority;

use crate::error::Problem;
use crate::http::path::CanonicalPath;

/// Longest path and query, in bytes of the canonical form (IIS takes as much at most).
const LONGEST: usize = 16 * 1024;

/// A request's target in the only form that anything reads: routing, access rules, logs and the
/// bytes sent upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Host, lower case, without port; an IPv6 literal keeps its brackets.
    pub host: String,
    /// Port as written; `None` when the authority has none.
    pub port: Option<u16>,
    /// The canonical path.
    pub path: CanonicalPath,
    /// The query as it came, byte for byte, without the `?`.
    pub query: Option<String>,
}

impl Target {
    /// Reads the target of a request (RFC 9112 §3.2, RFC 9113 §8.3.1).
    ///
    /// # Errors
    ///
    /// [`Problem::BadRequest`] when host or path are missing, malformed, contradictory or could be
    /// read differently by what stands behind us; [`Problem::UriTooLong`] over 16 KiB.
    pub fn read(uri: &Uri, headers: &HeaderMap) -> Result<Self, Problem> {
        let (host, port) = authority(uri, headers)?;
        let raw = uri.path();
        if !raw.starts_with('/') {
            return Err(bad("the request target must be a path that starts with a slash"));
        }
        let path = CanonicalPath::read(raw).map_err(bad)?;
        let query = uri.query().map(str::to_owned);
        if query.as_deref().is_some_and(|q| !q.bytes().all(|b| b.is_ascii_graphic())) {
            return Err(bad("the query holds bytes that must be percent-encoded"));
        }
        if path.as_str().len() + query.as_ref().map_or(0, |query| query.len() + 1) > LONGEST {
            return Err(Problem::UriTooLong);
        }
        Ok(Self { host, port, path, query })
    }

    /// The port the client means: the authority's, else its scheme's.
    pub fn port_or_default(&self, secure: bool) -> u16 {
        self.port.unwrap_or(if secure { 443 } else { 80 })
    }

    /// Host and port as they stand in a URL: `cms.localhost:8443`.
    pub fn authority(&self) -> String {
        match self.port {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.clone(),
        }
    }

    /// Path and query, as sent upstream.
    pub fn path_and_query(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.to_string(),
        }
    }
}

/// One host from the target's authority and the `Host` line, which must agree when both are there.
fn authority(uri: &Uri, headers: &HeaderMap) -> Result<(String, Option<u16>), Problem> {
    let mut lines = headers.get_all(header::HOST).iter();
    let line = lines.next();
    if lines.next().is_some() {
        return Err(bad("there is more than one Host line"));
    }
    let line = match line {
        Some(value) => {
            let text = value.to_str().map_err(|_| bad("the Host line is not ASCII"))?;
            Some(read_authority(text)?)
        }
        None => None,
    };
    if uri.scheme_str().is_some_and(|scheme| scheme != "http" && scheme != "https") {
        return Err(bad("the request target's scheme is neither http nor https"));
    }
    match (uri.authority().map(Authority::as_str).map(read_authority).transpose()?, line) {
        (Some(target), Some(line)) if target != line => {
            Err(bad("the request names two different hosts"))
        }
        (Some(host), _) | (None, Some(host)) => Ok(host),
        (None, None) => Err(bad("the request names no host")),
    }
}

/// Reads `host[:port]` (RFC 3986 §3.2, without userinfo) strictly.
fn read_authority(text: &str) -> Result<(String, Option<u16>), Problem> {
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        let (address, after) =
            rest.split_once(']').ok_or_else(|| bad("the host's bracket is not closed"))?;
        address
            .parse::<std::net::Ipv6Addr>()
            .map_err(|_| bad("the host is not an IPv6 address"))?;
        (format!("[{}]", address.to_ascii_lowercase()), after)
    } else {
        let end = text.find(':').unwrap_or(text.len());
        let (name, after) = text.split_at_checked(end).unwrap_or((text, ""));
        (read_name(name)?, after)
    };
    Ok((host, read_port(port)?))
}

fn read_name(name: &str) -> Result<String, Problem> {
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    if name.is_empty() || name.len() > 253 || !name.bytes().all(legal) {
        return Err(bad("the host is not a name or an address"));
    }
    if name.starts_with('.') || name.contains("..") {
        return Err(bad("the host has an empty label"));
    }
    Ok(name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase())
}

fn read_port(text: &str) -> Result<Option<u16>, Problem> {
    if text.is_empty() {
        return Ok(None);
    }
    let digits = text.strip_prefix(':').ok_or_else(|| bad("the host is followed by something"))?;
    let legal = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    match digits.parse::<u16>() {
        Ok(port) if legal && port != 0 => Ok(Some(port)),
        Ok(_) | Err(_) => Err(bad("the port is not a number from 1 to 65535")),
    }
}

fn bad(rule: &'static str) -> Problem {
    Problem::BadRequest(rule.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(host: &str) -> Result<(String, Option<u16>), Problem> {
        read_authority(host)
    }

    #[test]
    fn c70_invalid_hosts_are_refused() {
        for host in [
            "",
            "a@b",
            "a/b",
            "a b",
            "a, b",
            "a:0",
            "a:65536",
            "a:99999",
            "a:",
            "[::1",
            "a\tb",
            "a%00",
            "a:+80",
            "[::1]x",
            "[1.2.3.4]",
            "..a",
            ".a",
            "a\\b",
            "a?b",
            "a#b",
        ] {
            assert!(read(host).is_err(), "{host:?}");
        }
    }

    #[test]
    fn hosts_are_folded_to_one_form() {
        assert_eq!(read("CMS.Localhost:8443").unwrap(), ("cms.localhost".to_owned(), Some(8443)));
        assert_eq!(read("cms.localhost.").unwrap(), ("cms.localhost".to_owned(), None));
        assert_eq!(read("[::1]:443").unwrap(), ("[::1]".to_owned(), Some(443)));
    }

    #[test]
    fn c71_two_different_hosts_are_refused() {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, "shell.test".parse().unwrap());
        let uri: Uri = "https://www.test/".parse().unwrap();
        assert!(Target::read(&uri, &headers).is_err());
        let uri: Uri = "https://SHELL.test/".parse().unwrap();
        assert_eq!(Target::read(&uri, &headers).unwrap().host, "shell.test");
    }

    #[test]
    fn c68_a_request_without_host_is_refused() {
        assert!(Target::read(&"/".parse().unwrap(), &HeaderMap::new()).is_err());
    }
}
