//! Looking for users by the beginning of a name, an address or a subject, page by page.

use crate::store::accounts::Account;
use crate::store::accounts::account::folded;

/// What is looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// The beginning of a user name with or without its domain, of an e-mail address, or of a
    /// subject at a provider, in any case; empty finds everybody.
    pub text: String,
    /// Where the page before ended.
    pub after: Option<Cursor>,
    /// Users of a page, at most.
    pub limit: usize,
}

/// A place between two users of a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The field that was being looked through.
    pub field: Field,
    /// The last value there, folded.
    pub value: String,
    /// The folded name of the user who has it, which orders those with the same value.
    pub name: String,
}

/// The fields that are looked through, in this order; who was found in one is not found again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// `domain\name`.
    Name,
    /// The name without its domain.
    LocalName,
    /// The e-mail address.
    Email,
    /// The subject at an external provider.
    Subject,
}

/// Users that were found, in the order of the fields and of their values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Who.
    pub accounts: Vec<Account>,
    /// Where to go on; `None` at the end.
    pub next: Option<Cursor>,
}

impl Field {
    /// In the order they are looked through.
    pub const ALL: [Self; 4] = [Self::Name, Self::LocalName, Self::Email, Self::Subject];

    /// A letter for it, in the address of a page.
    pub const fn letter(self) -> char {
        match self {
            Self::Name => 'n',
            Self::LocalName => 'l',
            Self::Email => 'e',
            Self::Subject => 's',
        }
    }

    /// The value of this field that is the account's own, folded; subjects stand elsewhere.
    pub fn of(self, account: &Account) -> Option<String> {
        let name = folded(&account.name);
        match self {
            Self::Name => Some(name),
            Self::LocalName => {
                Some(name.split_once('\\').map_or(name.as_str(), |(_, local)| local).to_owned())
            }
            Self::Email => account.email().map(folded),
            Self::Subject => None,
        }
    }
}

impl Cursor {
    /// As text, for the address of the next page.
    pub fn write(&self) -> String {
        let Self { field, value, name } = self;
        format!("{}{}:{value}{name}", field.letter(), value.len())
    }

    /// Reads what [`Self::write`] wrote.
    pub fn read(text: &str) -> Option<Self> {
        let mut characters = text.chars();
        let letter = characters.next()?;
        let field = Field::ALL.into_iter().find(|field| field.letter() == letter)?;
        let (length, rest) = characters.as_str().split_once(':')?;
        let (value, name) = rest.split_at_checked(length.parse().ok()?)?;
        Some(Self { field, value: value.to_owned(), name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written() {
        let cursor = Cursor {
            field: Field::Email,
            value: "jane:3@example.test".to_owned(),
            name: "sitecore\\jane".to_owned(),
        };
        assert_eq!(Cursor::read(&cursor.write()), Some(cursor));
        for wrong in ["", "n", "x3:abc", "n9:abc", "n:abc", "né:abc", "n1:é"] {
            assert_eq!(Cursor::read(wrong), None, "{wrong}");
        }
    }
}
