//! How IIS, ASP.NET and Win32 can read a path, written from their rules and sharing nothing with the
//! gateway: every reading that some version or setting of theirs arrives at.

/// One freedom that a server behind us takes; each alone and all together are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Freedom {
    /// `allowDoubleEscaping`: what is left of an escape is decoded once more.
    DecodesTwice,
    /// `%uXXXX` (HTTP.sys).
    DecodesUnicodeEscapes,
    /// Full-width forms and look-alikes of separators become ASCII (best-fit conversion).
    FitsBest,
    /// `;x=1` is cut from a segment (path parameters).
    CutsParameters,
    /// `(S(x))` is cut from the start of a segment (cookieless ASP.NET).
    CutsCookieless,
    /// `name:stream` is `name` (NTFS streams).
    CutsStreams,
    /// Dots and spaces at the end of a segment fall off (Win32).
    TrimsSegments,
    /// `SITECO~1` is `sitecore` (8.3 names).
    ExpandsShortNames,
    /// What a culture-sensitive comparison ignores is not there.
    DropsIgnorable,
    /// A NUL ends the path.
    EndsAtNul,
}

const FREEDOMS: [Freedom; 10] = [
    Freedom::DecodesTwice,
    Freedom::DecodesUnicodeEscapes,
    Freedom::FitsBest,
    Freedom::CutsParameters,
    Freedom::CutsCookieless,
    Freedom::CutsStreams,
    Freedom::TrimsSegments,
    Freedom::ExpandsShortNames,
    Freedom::DropsIgnorable,
    Freedom::EndsAtNul,
];

/// Folders whose short names are known.
const LONG_NAMES: [&str; 3] = ["sitecore", "sitecore modules", "identity"];

/// Every reading of `wire`, the path of a request line: canonical slashes, no dot segments, case
/// folded as NTFS folds it.
pub(crate) fn readings(wire: &str) -> Vec<String> {
    let mut readings = extremes(wire).to_vec();
    readings.extend(FREEDOMS.iter().map(|&freedom| read(wire, &[freedom])));
    readings.extend(FREEDOMS.iter().map(|&without| {
        let rest: Vec<Freedom> = FREEDOMS.iter().copied().filter(|f| *f != without).collect();
        read(wire, &rest)
    }));
    readings
}

/// The reading that takes no freedom and the one that takes all of them.
pub(crate) fn extremes(wire: &str) -> [String; 2] {
    [read(wire, &[]), read(wire, &FREEDOMS)]
}

/// Whether a reading lies under `prefix`, which is written in lower case.
pub(crate) fn is_under(reading: &str, prefix: &str) -> bool {
    reading.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn read(wire: &str, freedoms: &[Freedom]) -> String {
    let takes = |freedom: Freedom| freedoms.contains(&freedom);
    let mut text = decode(wire.as_bytes(), takes(Freedom::DecodesUnicodeEscapes));
    if takes(Freedom::DecodesTwice) {
        text = decode(text.as_bytes(), takes(Freedom::DecodesUnicodeEscapes));
    }
    if takes(Freedom::EndsAtNul) {
        text = text.split('\0').next().unwrap_or_default().to_owned();
    }
    if takes(Freedom::DropsIgnorable) {
        text.retain(|c| !is_ignorable(c));
    }
    if takes(Freedom::FitsBest) {
        text = text.chars().map(best_fit).collect();
    }
    let mut segments: Vec<String> = Vec::new();
    for segment in text.split(['/', '\\']) {
        let segment = shape(segment, freedoms);
        match segment.as_str() {
            "" | "." => {}
            ".." => drop(segments.pop()),
            _ => segments.push(segment),
        }
    }
    format!("/{}", segments.join("/"))
}

fn shape(segment: &str, freedoms: &[Freedom]) -> String {
    let takes = |freedom: Freedom| freedoms.contains(&freedom);
    let mut segment = segment;
    if takes(Freedom::CutsCookieless) {
        segment = without_cookieless(segment);
    }
    for (freedom, mark) in [(Freedom::CutsParameters, ';'), (Freedom::CutsStreams, ':')] {
        if takes(freedom) {
            segment = segment.split(mark).next().unwrap_or_default();
        }
    }
    let dots_alone = matches!(segment.trim(), "." | "..");
    if takes(Freedom::TrimsSegments) {
        segment = if dots_alone { segment.trim() } else { segment.trim_end_matches(['.', ' ']) };
    }
    let folded: String = segment.chars().map(fold).collect();
    if takes(Freedom::ExpandsShortNames) { long_name(&folded) } else { folded }
}

/// `(S(x))rest` → `rest`; nothing else changes.
fn without_cookieless(segment: &str) -> &str {
    let bytes = segment.as_bytes();
    let opens = matches!(bytes, [b'(', letter, b'(', ..] if letter.is_ascii_alphabetic());
    match segment.find("))") {
        Some(end) if opens => &segment[end + 2..],
        _ => segment,
    }
}

fn long_name(segment: &str) -> String {
    let known = segment.split_once('~').and_then(|(base, rest)| {
        let digits = !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit());
        let fits =
            |name: &&&str| digits && !base.is_empty() && name.replace(' ', "").starts_with(base);
        LONG_NAMES.iter().find(fits)
    });
    known.map_or_else(|| segment.to_owned(), |name| (*name).to_owned())
}

/// Percent decoding as forgiving as any server's: overlong UTF-8 counts, other bytes are Latin-1.
fn decode(bytes: &[u8], unicode_escapes: bool) -> String {
    let mut raw = Vec::new();
    let mut text = String::new();
    let mut rest = bytes;
    while let Some((&first, tail)) = rest.split_first() {
        if let Some((unit, after)) = unicode_escape(rest).filter(|_| unicode_escapes) {
            text.push_str(&characters(&std::mem::take(&mut raw)));
            text.push(char::from_u32(unit).unwrap_or('\u{fffd}'));
            rest = after;
        } else if let Some((byte, after)) = escape(rest) {
            raw.push(byte);
            rest = after;
        } else {
            raw.push(first);
            rest = tail;
        }
    }
    text.push_str(&characters(&raw));
    text
}

fn escape(text: &[u8]) -> Option<(u8, &[u8])> {
    let digits = text.strip_prefix(b"%")?.get(..2)?;
    let byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    digits.iter().all(u8::is_ascii_hexdigit).then_some((byte, &text[3..]))
}

fn unicode_escape(text: &[u8]) -> Option<(u32, &[u8])> {
    let after = text.strip_prefix(b"%u").or_else(|| text.strip_prefix(b"%U"))?;
    let unit = u32::from_str_radix(std::str::from_utf8(after.get(..4)?).ok()?, 16).ok()?;
    Some((unit, &text[6..]))
}

fn characters(bytes: &[u8]) -> String {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.to_owned();
    }
    let mut text = String::new();
    let mut rest = bytes;
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        match (first, tail) {
            (0xc0 | 0xc1, [next @ 0x80..=0xbf, after @ ..]) => {
                text.push(char::from((first & 1) << 6 | (next & 0x3f)));
                rest = after;
            }
            (0xe0, [0x80, next @ 0x80..=0xbf, after @ ..]) => {
                text.push(char::from(next & 0x3f));
                rest = after;
            }
            _ => text.push(char::from(first)),
        }
    }
    text
}

fn best_fit(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        '\u{2215}' | '\u{2044}' | '\u{29f8}' => '/',
        '\u{2216}' | '\u{29f5}' | '\u{fe68}' => '\\',
        '\u{2024}' | '\u{fe52}' | '\u{3002}' | '\u{ff61}' => '.',
        other => other,
    }
}

fn is_ignorable(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

/// The upper-case table of NTFS maps one character to one; written in lower case here.
fn fold(c: char) -> char {
    let single = |mut mapped: std::char::ToUppercase| mapped.next().filter(|_| mapped.len() == 0);
    let upper = match c {
        '\u{212a}' => 'K',
        other => single(other.to_uppercase()).unwrap_or(other),
    };
    upper.to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn can_mean(wire: &str, meaning: &str) -> bool {
        readings(wire).iter().any(|reading| reading == meaning)
    }

    #[test]
    fn the_decoder_knows_the_tricks() {
        for wire in [
            "/sitecore/shell",
            "/SiteCore//Shell/",
            "/a/../sitecore/shell",
            "/a%2f..%2fsitecore%5cshell",
            "/%2573itecore/shell",
            "/sitecore;x/shell",
            "/(S(a))sitecore/shell",
            "/(S(a))/sitecore/shell",
            "/sitecore./shell%20",
            "/SITECO~1/shell",
            "/sitecore:$i30/shell",
            "/%u0073itecore/shell",
            "/a%c0%af..%c0%afsitecore/shell",
            "/sitecore%ef%bc%8fshell",
            "/%c5%bfitecore/shell",
            "/site%c2%adcore/shell",
            "/sitecore/shell%00.css",
            "\\sitecore\\shell",
        ] {
            assert!(can_mean(wire, "/sitecore/shell"), "{wire}: {:?}", readings(wire));
        }
        assert!(!can_mean("/sitecore/shellX", "/sitecore/shell"));
        assert!(
            is_under("/sitecore/shell/x", "/sitecore/shell")
                && !is_under("/sitecore/shellx", "/sitecore/shell")
        );
    }
}
