//! Values as an index orders them. A place is a value, a separator and the name of the user who has
//! it: one column gives the order of a search and where its next page begins. No value holds the
//! separator, which sorts before every character of one, also where a database compares as if short
//! texts were filled up with spaces.

use crate::store::accounts::Cursor;
use crate::store::accounts::Field;
use crate::store::accounts::folded;
use crate::store::sql::accounts::row::digest_of;

/// Characters of a value in a place, at most; a place holds two values and a separator.
const LONGEST: usize = 255;

/// Characters of a longer value that are kept; the rest is the digest of all of it.
const KEPT: usize = 212;

const SEPARATOR: char = '\u{1}';

/// Sorts after the separator, and before every character of a value.
const AFTER_SEPARATOR: char = '\u{2}';

/// Stands for the name where that is the value.
const SAME: &str = ".";

/// What lies between two places, neither of them included.
#[derive(Clone)]
pub(super) struct Range {
    pub(super) after: String,
    pub(super) before: String,
}

impl Range {
    /// Where values stand that begin with `prefix`.
    pub(super) fn beginning_with(prefix: &str) -> Self {
        Self { after: format!("{prefix}{SEPARATOR}"), before: format!("{prefix}{}", char::MAX) }
    }

    /// Where users with this address stand; `None` for an empty one.
    pub(super) fn of_email(email: &str) -> Option<Self> {
        let email = value(&folded(email));
        let range = Self {
            after: format!("{email}{SEPARATOR}"),
            before: format!("{email}{AFTER_SEPARATOR}"),
        };
        Some(range).filter(|_| !email.is_empty())
    }
}

/// The place of a folded `text` that the user called `name` has in `field`.
pub(super) fn place(field: Field, text: &str, name: &str) -> String {
    let text = value(text);
    let name = if field == Field::Name { SAME.to_owned() } else { value(&folded(name)) };
    format!("{text}{SEPARATOR}{name}")
}

/// The place where a page ended. Cursors come from outside: whatever they say is some place.
pub(super) fn place_of(cursor: &Cursor) -> String {
    place(cursor.field, &cursor.value, &cursor.name)
}

/// The cursor of a place.
pub(super) fn cursor(field: Field, place: &str) -> Cursor {
    let (value, name) = place.split_once(SEPARATOR).unwrap_or((place, SAME));
    let name = if field == Field::Name { value } else { name };
    Cursor { field, value: value.to_owned(), name: name.to_owned() }
}

/// The beginning of `text` that can be looked for in places.
pub(super) fn prefix(text: &str) -> String {
    let printable = text.chars().filter(|character| !character.is_control());
    printable.take(KEPT).collect::<String>().trim_end().to_owned()
}

/// A value as it stands in a place: one that is too long, or holds what databases may refuse, ends in
/// the digest of all of it, so that different values stay so.
fn value(text: &str) -> String {
    let fits = text.chars().count() <= LONGEST && !text.contains(char::is_control);
    if fits { text.to_owned() } else { prefix(text) + &digest_of(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_sort_as_value_and_name() {
        let of = |email: &str, name: &str| place(Field::Email, email, name);
        let sorted = [of("a", "x\\b"), of("a", "x\\c"), of("a b", "x\\a"), of("ab", "x\\a")];
        assert!(sorted.is_sorted());
        let range = Range::beginning_with("a");
        assert!(sorted.iter().all(|place| range.after < *place && *place < range.before));
        let range = Range::of_email("A ").unwrap();
        let within = sorted.iter().filter(|place| range.after < **place && **place < range.before);
        assert_eq!(within.count(), 2);
        assert!(Range::of_email(" ").is_none());
    }

    #[test]
    fn a_place_is_read_as_a_cursor_and_found_again() {
        for (field, value) in [(Field::Name, "x\\jane"), (Field::LocalName, "jane")] {
            let there = place(field, value, "X\\Jane");
            let cursor = cursor(field, &there);
            assert_eq!((cursor.value.as_str(), cursor.name.as_str()), (value, "x\\jane"));
            assert_eq!(place_of(&cursor), there);
        }
    }

    #[test]
    fn long_values_and_control_characters_stay_apart_and_fit() {
        let (one, other) = ("é".repeat(300), format!("{}x", "é".repeat(299)));
        assert_ne!(value(&one), value(&other));
        assert_eq!(value(&one).chars().count(), LONGEST);
        assert_eq!(value(&value(&one)), value(&one));
        assert!(value(&one).starts_with(&prefix(&one)));
        assert_ne!(value("a\0b"), value("ab"));
        assert!(!value("a\u{1}b").contains(SEPARATOR));
        assert_eq!(value(&"é".repeat(255)), "é".repeat(255));
    }
}
