//! Text from a store or a file as it stands in a line of a terminal: what a terminal would act on is
//! written as an escape.

use std::fmt;
use std::fmt::Write;

/// Shows a text in one line, with nothing in it that moves the cursor or reorders what is read.
#[derive(Clone, Copy, Debug)]
pub struct Visible<'a>(pub &'a str);

impl fmt::Display for Visible<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            if character.is_control() || is_unseen(character) {
                write!(f, "{}", character.escape_unicode())?;
            } else {
                f.write_char(character)?;
            }
        }
        Ok(())
    }
}

/// Marks that reorder what a person reads, or are not seen at all.
const fn is_unseen(character: char) -> bool {
    matches!(
        character,
        '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_acts_on_is_escaped_and_the_rest_is_as_it_is() {
        let shown = |text| Visible(text).to_string();
        assert_eq!(shown("sitecore\\Jané \"x\" 名"), "sitecore\\Jané \"x\" 名");
        assert_eq!(shown("\u{1b}[2Ja\tb\r\nc"), "\\u{1b}[2Ja\\u{9}b\\u{d}\\u{a}c");
        assert_eq!(shown("\u{9b}31m\u{202e}x\u{7f}"), "\\u{9b}31m\\u{202e}x\\u{7f}");
    }
}
