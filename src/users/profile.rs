//! What may be written into a profile by hand, on the command line and on the pages.

use crate::store::accounts::Account;

/// Longest role or address, in bytes.
const LONGEST_NAME: usize = 256;

/// Longest value of a property, in bytes.
const LONGEST_VALUE: usize = 64 * 1024;

/// `domain\name`, or the bare name of a role of no domain, without blanks around it, when `text` is a
/// role. `|` stands between roles where they are listed.
pub fn role(text: &str) -> Option<&str> {
    let text = text.trim();
    let named =
        text.split_once('\\').is_none_or(|(domain, name)| !domain.is_empty() && !name.is_empty());
    (named && is_role(text)).then_some(text)
}

/// Whether another program's role can be kept, with a domain or without.
pub fn is_role(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= LONGEST_NAME
        && !text.contains(|c: char| c.is_control() || c == '|')
}

/// An e-mail address without blanks around it, when `text` may be one; nobody else knows whether it
/// is.
pub fn email(text: &str) -> Option<&str> {
    let text = text.trim();
    let (local, domain) = text.rsplit_once('@')?;
    let named = !local.is_empty() && !domain.is_empty();
    let clean = !text.contains(|c: char| c.is_control() || c.is_whitespace());
    (named && clean && text.len() <= LONGEST_NAME).then_some(text)
}

/// Whether `text` can be a property's value: of several lines perhaps, and nothing else that a
/// terminal or a database would act on.
pub fn is_value(text: &str) -> bool {
    let acts = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    text.len() <= LONGEST_VALUE && !text.contains(acts)
}

/// What `account`, which another program tells of, has that cannot be kept.
pub fn fault(account: &Account) -> Option<&'static str> {
    if !account.roles.iter().all(|role| is_role(role)) {
        return Some("one of its roles cannot be kept: too long, or with control characters");
    }
    let email = account.email().unwrap_or_default();
    if email.len() > LONGEST_NAME || email.contains(char::is_control) {
        return Some("its e-mail address cannot be kept: too long, or with control characters");
    }
    let mut properties = account.properties.iter();
    let fit =
        |(name, value): (&String, &String)| !name.contains(char::is_control) && is_value(value);
    (!properties.all(fit))
        .then_some("one of its properties cannot be kept: too long, or with control characters")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_has_a_name_and_a_domain_or_none() {
        assert_eq!(role(" sitecore\\Author "), Some("sitecore\\Author"));
        assert_eq!(role("sitecore\\Über alles"), Some("sitecore\\Über alles"));
        assert_eq!(role("Everyone"), Some("Everyone"));
        for wrong in ["", "\\Author", "sitecore\\", "a\\b|c\\d", "a\\b\nc"] {
            assert_eq!(role(wrong), None, "{wrong:?}");
        }
        assert!(is_role("Everyone") && !is_role("Every|one") && !is_role("Every\u{1b}one"));
    }

    #[test]
    fn an_address_is_one_word_with_an_at_sign() {
        assert_eq!(email(" jane@example.test "), Some("jane@example.test"));
        assert_eq!(email("jané.doe+x@例え.test"), Some("jané.doe+x@例え.test"));
        for wrong in ["", "jane", "@example.test", "jane@", "ja ne@x.test", "jane@x.test\nBcc: y@z"]
        {
            assert_eq!(email(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_value_may_have_lines_and_an_end() {
        assert!(is_value("") && is_value("two\r\nlines\tand é"));
        assert!(!is_value("a\0b") && !is_value("\u{1b}[2J") && !is_value(&"x".repeat(65_537)));
    }
}
