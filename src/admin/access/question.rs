//! What is asked on the page "Access".

use serde_json::Map;
use serde_json::Value;

use crate::crypto::jws;
use crate::http::form::Form;

/// Of whom, and where. Empty where nothing was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Question {
    /// A user's name.
    pub(super) user: String,
    /// An address that the person opens.
    pub(super) url: String,
    /// The site, where no address is named.
    pub(super) site: String,
    /// The provider's name.
    pub(super) provider: String,
    /// Claims as JSON, or an ID token.
    pub(super) said: String,
}

/// What was pasted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said<'a> {
    /// Claims.
    Claims(Map<String, Value>),
    /// What may be a token.
    Token(&'a str),
}

impl Question {
    /// Reads a form.
    pub(super) fn read(form: &Form) -> Self {
        let text = |name: &str| form.get(name).unwrap_or_default().trim().to_owned();
        Self {
            user: text("user"),
            url: text("url"),
            site: text("site"),
            provider: text("provider"),
            said: text("claims"),
        }
    }

    /// Whether nobody is asked about.
    pub(super) fn is_empty(&self) -> bool {
        self.user.is_empty() && self.said.is_empty()
    }

    /// What was pasted.
    ///
    /// # Errors
    ///
    /// Words for a text that begins as JSON and is not an object of claims.
    pub(super) fn said(&self) -> Result<Said<'_>, String> {
        if !self.said.starts_with('{') {
            return Ok(Said::Token(&self.said));
        }
        let claims = jws::object(self.said.as_bytes());
        let wrong = "The claims are not a JSON object in which every name stands once.";
        claims.map(Said::Claims).ok_or_else(|| wrong.to_owned())
    }

    /// The pasted claims, to be shown again; a token, which is worth something, is not.
    pub(super) fn claims(&self) -> &str {
        if self.said.starts_with('{') { &self.said } else { "" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(said: &str) -> Question {
        Question { said: said.to_owned(), ..Question::default() }
    }

    #[test]
    fn claims_and_tokens_are_told_apart_and_tokens_are_not_shown_again() {
        assert!(matches!(asked(r#"{"sub":"1"}"#).said(), Ok(Said::Claims(_))));
        assert_eq!(asked("a.b.c").said(), Ok(Said::Token("a.b.c")));
        assert!(asked(r#"{"sub":"1","sub":"2"}"#).said().is_err());
        assert!(asked("{").said().is_err());
        assert_eq!(asked("a.b.c").claims(), "");
        assert_eq!(asked("{}").claims(), "{}");
    }
}
