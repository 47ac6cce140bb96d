//! Names, attribute values and references by the letter of XML 1.0, where quick-xml is lenient.

use crate::config::parse::source::is_forbidden;

/// Something wrong inside a value: the byte offset in it, and what it is.
pub(super) struct Flaw {
    pub(super) offset: usize,
    pub(super) what: String,
}

/// Whether `name` is a name without a colon (Namespaces in XML §3).
pub(super) fn is_name(name: &str) -> bool {
    let mut characters = name.chars();
    let starts = characters.next().is_some_and(|c| c.is_alphabetic() || c == '_');
    starts && characters.all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '\u{B7}'))
}

/// The normalised value of a raw attribute (XML 1.0 §3.3.3): references resolved, white space as
/// single spaces, no control character however spelt.
pub(super) fn attribute_value(raw: &str) -> Result<String, Flaw> {
    let mut value = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find(['&', '<', '\t', '\r', '\n']) {
        let offset = raw.len() - rest.len() + at;
        let (before, from) = rest.split_at(at);
        value.push_str(before);
        if from.starts_with('<') {
            let what = "a `<` inside an attribute's value, which is written `&lt;`".to_owned();
            return Err(Flaw { offset, what });
        }
        let Some(reference) = from.strip_prefix('&') else {
            value.push(' ');
            rest = from.strip_prefix("\r\n").or_else(|| from.get(1..)).unwrap_or_default();
            continue;
        };
        let Some((name, after)) = reference.split_once(';') else {
            let what = "an `&` that begins no reference; a bare one is written `&amp;`".to_owned();
            return Err(Flaw { offset, what });
        };
        value.push(attribute_reference(name).map_err(|what| Flaw { offset, what })?);
        rest = after;
    }
    value.push_str(rest);
    Ok(value)
}

/// The character that `&name;` stands for in running text.
pub(super) fn text_reference(name: &str) -> Result<char, String> {
    match reference(name)? {
        c if is_forbidden(c) && !matches!(c, '\t' | '\n') => Err(control(name)),
        c => Ok(c),
    }
}

/// The same in an attribute, where a line break could only be meant to split a header.
fn attribute_reference(name: &str) -> Result<char, String> {
    match reference(name)? {
        c if is_forbidden(c) => Err(control(name)),
        c => Ok(c),
    }
}

fn control(name: &str) -> String {
    format!("the control character `&{name};`")
}

fn reference(name: &str) -> Result<char, String> {
    let Some(number) = name.strip_prefix('#') else {
        return predefined(name);
    };
    let code = match number.strip_prefix('x') {
        Some(hexadecimal) if hexadecimal.bytes().all(|b| b.is_ascii_hexdigit()) => {
            u32::from_str_radix(hexadecimal, 16).ok()
        }
        None if number.bytes().all(|b| b.is_ascii_digit()) => number.parse().ok(),
        Some(_) | None => None,
    };
    code.and_then(char::from_u32).ok_or_else(|| format!("`&{}` is no character", shown(name)))
}

fn predefined(name: &str) -> Result<char, String> {
    match name {
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "amp" => Ok('&'),
        "apos" => Ok('\''),
        "quot" => Ok('"'),
        _ => Err(format!(
            "the entity `&{};`; only lt, gt, amp, apos, quot and numeric ones exist here",
            shown(name)
        )),
    }
}

/// The first characters of what could be a whole file without a semicolon.
fn shown(name: &str) -> String {
    name.chars().take(32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_and_white_space_are_normalised() {
        assert_eq!(attribute_value("a&lt;b&#x41;&#66;\r\n\tc").ok().unwrap(), "a<bAB  c");
    }

    #[test]
    fn n311_a_line_break_by_reference_is_refused_in_an_attribute() {
        for raw in ["x&#13;&#10;X: y", "&#1;", "&#xA;", "&#x85;", "&#x7f;", "&#xFFFF;", "&#0;"] {
            assert!(attribute_value(raw).is_err(), "{raw}");
        }
    }

    #[test]
    fn n307_entities_of_ones_own_do_not_exist() {
        for raw in ["&xxe;", "&", "&;", "&#;", "&#x;", "&#+65;", "&#xD800;", "&LT;"] {
            assert!(attribute_value(raw).is_err(), "{raw}");
        }
    }

    #[test]
    fn names_are_names() {
        assert!(is_name("sc.variable") && is_name("_a-1") && is_name("été"));
        assert!(
            !is_name("") && !is_name("1a") && !is_name("-a") && !is_name("a<b") && !is_name("a:b")
        );
    }
}
