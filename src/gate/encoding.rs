//! The one encoding of what a header cannot carry: percent-encoded UTF-8.
//!
//! Encoded are `%` itself, controls, everything outside ASCII, spaces at either end, and a `,`
//! inside one value of a list. All else, backslashes included, stands as it is, so that decoding
//! gives back exactly what was known.

use std::fmt::Write;

use http::HeaderValue;

/// A single value as a header.
pub fn single(text: &str) -> HeaderValue {
    let mut out = String::with_capacity(text.len());
    encode(text, false, &mut out);
    value(out)
}

/// Several values as one header, joined by `,`.
pub fn list<'a>(values: impl IntoIterator<Item = &'a str>) -> HeaderValue {
    let mut out = String::new();
    for (index, text) in values.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        encode(text, true, &mut out);
    }
    value(out)
}

fn encode(text: &str, in_list: bool, out: &mut String) {
    let last = text.len().saturating_sub(1);
    for (index, byte) in text.bytes().enumerate() {
        let at_end = index == 0 || index == last;
        let plain = match byte {
            b'%' => false,
            b',' => !in_list,
            b' ' => !at_end,
            other => other.is_ascii_graphic(),
        };
        if plain {
            out.push(char::from(byte));
        } else if write!(out, "%{byte:02X}").is_err() {
            return;
        }
    }
}

/// Every byte is visible ASCII or an inner space by now, so the conversion cannot fail; an empty
/// header would be the safe answer if it did.
fn value(text: String) -> HeaderValue {
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a14_a16_controls_are_encoded_and_backslashes_kept() {
        assert_eq!(single(r"sitecore\jane"), r"sitecore\jane");
        assert_eq!(single("A\r\nX-Id-Roles: admin"), "A%0D%0AX-Id-Roles: admin");
        assert_eq!(single("J\u{f8}rgen 100%"), "J%C3%B8rgen 100%25");
        assert_eq!(single(" a "), "%20a%20");
        assert_eq!(single("a,b"), "a,b");
    }

    #[test]
    fn a17_a_comma_inside_a_role_cannot_make_two_of_it() {
        let roles = [r"x,sitecore\Admin", r"sitecore\Sitecore Client Users"];
        assert_eq!(list(roles), r"x%2Csitecore\Admin,sitecore\Sitecore Client Users");
    }
}
