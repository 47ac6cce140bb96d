//! The one reading of a path: what is matched is what is sent upstream, and whatever IIS could read
//! differently is refused.

use std::borrow::Cow;
use std::fmt;
use std::fmt::Write;

/// A path that has one meaning, here and behind us.
///
/// `%2f`, backslashes, dot segments, escapes of escapes, invalid UTF-8, look-alikes of `/ \ .`,
/// letters that fold to ASCII, segments that Win32 or ASP.NET rewrite (trailing dots and spaces,
/// `~1`, `:`, `(S(…))`, device names) and path parameters are refused; runs of slashes become one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CanonicalPath {
    /// As sent upstream: unreserved characters plain, every other escape in upper-case hex.
    wire: String,
    /// Decoded, where that differs from `wire`.
    decoded: Option<String>,
}

impl CanonicalPath {
    /// Reads `raw`, the path of a request target.
    ///
    /// # Errors
    ///
    /// The rule that it breaks, in public words.
    pub fn read(raw: &str) -> Result<Self, &'static str> {
        if is_plain(raw) {
            return Ok(Self { wire: raw.to_owned(), decoded: None });
        }
        if !raw.starts_with('/') {
            return Err("the path does not start with a slash");
        }
        let mut wire = String::with_capacity(raw.len());
        let mut decoded = Vec::with_capacity(raw.len());
        let mut bytes = raw.bytes();
        while let Some(byte) = bytes.next() {
            let (byte, escaped) = match byte {
                b'%' => (escape(&mut bytes)?, true),
                other => (other, false),
            };
            if byte == b'/' && !escaped && decoded.last() == Some(&b'/') {
                continue;
            }
            check_byte(byte, escaped)?;
            if byte.is_ascii_alphanumeric()
                || b"-._~".contains(&byte)
                || (!escaped && is_pchar(byte))
            {
                wire.push(char::from(byte));
            } else if write!(wire, "%{byte:02X}").is_err() {
                return Err("the path cannot be written");
            }
            decoded.push(byte);
        }
        let decoded = String::from_utf8(decoded).map_err(|_| "the path is not UTF-8")?;
        check_characters(&decoded)?;
        decoded.split('/').try_for_each(check_segment)?;
        let decoded = (decoded != wire).then_some(decoded);
        Ok(Self { wire, decoded })
    }

    /// The path as it is sent upstream and written to logs.
    pub fn as_str(&self) -> &str {
        &self.wire
    }

    /// The path with its escapes decoded: what rules are compared with.
    pub fn decoded(&self) -> &str {
        self.decoded.as_deref().unwrap_or(&self.wire)
    }

    /// Whether this path is `prefix` or lies under it: on a segment boundary, without regard to
    /// ASCII case. `prefix` is decoded and has no trailing slash; `""` is everything.
    pub fn is_under(&self, prefix: &str) -> bool {
        let path = self.decoded();
        path.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix))
            && path.as_bytes().get(prefix.len()).is_none_or(|&next| next == b'/')
    }

    /// Whether this path is `other` (decoded), without regard to ASCII case.
    pub fn is(&self, other: &str) -> bool {
        self.decoded().eq_ignore_ascii_case(other)
    }
}

impl fmt::Display for CanonicalPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.wire)
    }
}

/// The common case, told in one pass: letters, digits, `-`, `_` and single dots inside segments
/// that no rule below could refuse. Anything else takes the long way.
fn is_plain(raw: &str) -> bool {
    let mut previous = b'x';
    for byte in raw.bytes() {
        let fine = match byte {
            b'/' => !matches!(previous, b'/' | b'.'),
            b'.' => !matches!(previous, b'/' | b'.'),
            other => other.is_ascii_alphanumeric() || other == b'-' || other == b'_',
        };
        if !fine {
            return false;
        }
        previous = byte;
    }
    raw.starts_with('/') && previous != b'.' && !raw.split('/').any(is_device)
}

fn escape(bytes: &mut std::str::Bytes<'_>) -> Result<u8, &'static str> {
    let mut digit = || bytes.next().and_then(|b| char::from(b).to_digit(16));
    match (digit(), digit()) {
        (Some(high), Some(low)) => Ok(u8::try_from(high * 16 + low).unwrap_or(0)),
        _ => Err("a percent escape in the path is malformed"),
    }
}

fn check_byte(byte: u8, escaped: bool) -> Result<(), &'static str> {
    match byte {
        b'/' if escaped => Err("the path holds an encoded slash"),
        b'\\' => Err("the path holds a backslash"),
        b'%' => Err("the path holds an escaped percent sign"),
        b';' => Err("the path holds a semicolon"),
        b':' | b'*' | b'?' | b'"' | b'<' | b'>' | b'|' | b'#' => {
            Err("the path holds a character that Windows paths reserve")
        }
        0..=0x1f | 0x7f => Err("the path holds a control character"),
        0x80.. if !escaped => Err("the path holds bytes that must be percent-encoded"),
        _ => Ok(()),
    }
}

fn is_pchar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/-._~!$&'()+,=@".contains(&byte)
}

/// Look-alikes that best-fit conversion turns into `/`, `\` or `.`, and the letters outside ASCII
/// that case folding turns into ASCII letters.
fn check_characters(decoded: &str) -> Result<(), &'static str> {
    let refused = |c: char| {
        matches!(
            c,
            '\u{ff01}'..='\u{ff5e}' | '\u{2215}' | '\u{2044}' | '\u{29f8}' | '\u{fe68}'
                | '\u{2216}' | '\u{29f5}' | '\u{2024}' | '\u{2025}' | '\u{2026}'
                | '\u{3002}' | '\u{ff61}' | '\u{fe52}'
                | '\u{017f}' | '\u{212a}' | '\u{0130}' | '\u{0131}' | '\u{feff}'
                | '\u{80}'..='\u{9f}' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}'
                | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{fe00}'..='\u{fe0f}'
                | '\u{3164}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{e0000}'..='\u{e0fff}'
                | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        )
    };
    if decoded.contains(refused) {
        return Err("the path holds a character that can be read as another one");
    }
    Ok(())
}

fn check_segment(segment: &str) -> Result<(), &'static str> {
    if segment == "." || segment == ".." {
        return Err("the path holds a dot segment");
    }
    // Best-fit conversion turns other white space into the space that Win32 trims.
    if segment.ends_with('.') || segment.trim() != segment {
        return Err("a segment of the path starts or ends with a space, or ends with a dot");
    }
    let bytes = segment.as_bytes();
    let short_name = |pair: &[u8]| matches!(pair, [b'~', digit] if digit.is_ascii_digit());
    if bytes.windows(2).any(short_name) {
        return Err("a segment of the path can be a Windows short name");
    }
    if matches!(bytes, [b'(', letter, b'(', ..] if letter.is_ascii_alphabetic()) {
        return Err("a segment of the path can be an ASP.NET session");
    }
    if is_device(segment) {
        return Err("a segment of the path is a Windows device name");
    }
    Ok(())
}

/// Whether Win32 takes this segment for a device: `con`, `nul.aspx`, `COM1` …
fn is_device(segment: &str) -> bool {
    let base = segment.split('.').next().unwrap_or_default().trim_end();
    let numbered = |name: &str| {
        let (head, tail) = base.split_at_checked(3).unwrap_or(("", ""));
        let mut rest = tail.chars();
        let digit = rest.next().is_some_and(|c| matches!(c, '0'..='9' | '¹' | '²' | '³'));
        head.eq_ignore_ascii_case(name) && digit && rest.next().is_none()
    };
    ["con", "prn", "aux", "nul", "conin$", "conout$", "clock$"]
        .iter()
        .any(|name| base.eq_ignore_ascii_case(name))
        || numbered("com")
        || numbered("lpt")
}

/// Where to go after signing in or out: a path on this host in canonical form, with its query, and
/// nothing else. The only type that any parameter naming a way back is read into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnPath(String);

impl ReturnPath {
    /// Longest accepted, in bytes.
    const LONGEST: usize = 2048;

    /// `/`.
    pub fn root() -> Self {
        Self("/".to_owned())
    }

    /// Reads a decoded parameter. `None` for anything but a path on this host: an absolute or
    /// scheme-relative URL, a backslash, a fragment, a control character, a path that
    /// [`CanonicalPath`] refuses, more than 2048 bytes.
    pub fn read(text: &str) -> Option<Self> {
        let second = text.as_bytes().get(1);
        if text.len() > Self::LONGEST || !text.starts_with('/') || second == Some(&b'/') {
            return None;
        }
        let (path, query) = text.split_once('?').map_or((text, None), |(p, q)| (p, Some(q)));
        let path = CanonicalPath::read(&encode_non_ascii(path)).ok()?;
        let Some(query) = query else { return Some(Self(path.wire)) };
        if query.contains(|c: char| c.is_control() || matches!(c, '\\' | '#' | '"' | '<' | '>')) {
            return None;
        }
        let query = encode_non_ascii(query).replace(' ', "%20");
        Some(Self(format!("{path}?{query}")))
    }

    /// The path and query, ready for a `Location` header.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path without its query.
    pub fn path(&self) -> &str {
        self.0.split('?').next().unwrap_or("/")
    }
}

impl fmt::Display for ReturnPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn encode_non_ascii(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(percent_encoding::percent_encode(text.as_bytes(), NON_ASCII).to_string())
}

/// Only what is not ASCII is encoded: everything else is judged as it stands.
const NON_ASCII: &percent_encoding::AsciiSet = &percent_encoding::AsciiSet::EMPTY;

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(path: &str) {
        assert!(CanonicalPath::read(path).is_err(), "{path} was accepted");
    }

    fn canonical(path: &str) -> String {
        CanonicalPath::read(path).unwrap().as_str().to_owned()
    }

    #[test]
    fn b38_b40_b41_dots_and_encoded_slashes_are_refused() {
        for path in [
            "/public/../sitecore/shell/",
            "/public/./../sitecore/shell/",
            "/..",
            "/.",
            "/a/.",
            "/public/%2e%2e/sitecore",
            "/public/..%2fsitecore%2fshell/",
            "/public%2F..%2fsitecore",
            "/a%5cb",
            "/public/%252e%252e%252fsitecore/shell",
            "/%2573itecore/shell",
            "/a%25b",
        ] {
            refused(path);
        }
    }

    #[test]
    fn b43_runs_of_slashes_become_one() {
        assert_eq!(canonical("//sitecore/shell/"), "/sitecore/shell/");
        assert_eq!(canonical("///sitecore///shell"), "/sitecore/shell");
        refused("/public//../sitecore");
    }

    #[test]
    fn b44_prefixes_match_without_regard_to_case_b53_on_a_boundary() {
        let path = CanonicalPath::read("/SiteCore/SHELL/x").unwrap();
        assert!(path.is_under("/sitecore/shell") && path.is_under(""));
        for path in ["/sitecore/shellX", "/sitecore.shell", "/sitecore/shel"] {
            assert!(!CanonicalPath::read(path).unwrap().is_under("/sitecore/shell"), "{path}");
        }
        assert!(
            CanonicalPath::read("/sitecore%20modules/Shell")
                .unwrap()
                .is_under("/sitecore modules/shell")
        );
        assert!(CanonicalPath::read("/%73itecore/shell").unwrap().is_under("/sitecore/shell"));
    }

    #[test]
    fn b46_b47_b58_what_iis_rewrites_is_refused() {
        for path in [
            "/public;x=1/a",
            "/sitecore;a/shell/",
            "/a%3bb",
            "/sitecore./shell/",
            "/sitecore%20/shell/",
            "/sitecore/shell/.",
            "/sitecore/admin/x.aspx%20",
            "/sitecore/admin/x.aspx.",
            "/SITECO~1/shell",
            "/x.aspx::$DATA",
            "/con",
            "/nul.aspx",
            "/a/COM1.txt",
            "/lpt9",
            "/con%20.txt",
            "/com%c2%b9",
            "/(S(x))/sitecore/shell/",
            "/public/(A(b))/x",
            "/(S(X))sitecore/",
            "/%20sitecore/shell",
            "/x.aspx%c2%a0",
            "/%c2%a0sitecore/shell",
            "/sitecore%e3%80%80/shell",
            "/sitecore/shell%e2%80%83",
        ] {
            refused(path);
        }
        assert_eq!(canonical("/~/media/x.ashx"), "/~/media/x.ashx");
        assert_eq!(canonical("/console/contact.aspx"), "/console/contact.aspx");
    }

    #[test]
    fn b49_b50_b65_bad_encodings_are_refused() {
        for path in [
            "/%c0%af../sitecore",
            "/%u002e%u002e%u2215sitecore",
            "/%ef%bc%8fsitecore",
            "/%e2%88%95",
            "/\u{e9}",
            "/%",
            "/%2",
            "/%zz/x",
            "/%00",
            "/a%0ab",
            "/%c5%bfitecore/shell",
            "/s%c4%b0tecore",
            "/%e2%84%aa",
        ] {
            refused(path);
        }
        assert_eq!(canonical("/caf%c3%a9"), "/caf%C3%A9");
    }

    #[test]
    fn escapes_of_unreserved_characters_are_undone_and_others_kept() {
        assert_eq!(canonical("/%41%2b+%7Ex"), "/A%2B+~x");
        assert_eq!(canonical("/a{b}"), "/a%7Bb%7D");
    }

    #[test]
    fn g151_g152_g154_only_paths_on_this_host_are_ways_back() {
        for text in [
            "https://evil.test",
            "//evil.test",
            "/\\evil.test",
            "https:evil.test",
            "evil",
            "javascript:alert(1)",
            "",
            "\\/evil",
            "/%2Fevil.test",
            "/%5C%5Cevil.test",
            "/a#b",
            "/\t/evil",
            "/%09/evil",
            "/\u{ff0f}evil.test",
            "/\u{3002}evil",
            "/a?b\r\nSet-Cookie: x",
            "/..//evil.test",
            " /a",
            "/a?b\\c",
        ] {
            assert_eq!(ReturnPath::read(text), None, "{text:?}");
        }
        assert!(ReturnPath::read(&format!("/{}", "a".repeat(3000))).is_none());
    }

    #[test]
    fn ways_back_are_canonical() {
        let read = |text: &str| ReturnPath::read(text).unwrap().0;
        assert_eq!(read("/sitecore/shell?id={A-B}&x=1"), "/sitecore/shell?id={A-B}&x=1");
        assert_eq!(read("/a//b"), "/a/b");
        assert_eq!(read("/caf\u{e9}?q=\u{e9} x"), "/caf%C3%A9?q=%C3%A9%20x");
    }
}
