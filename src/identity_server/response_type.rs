//! `response_type` and `response_mode` (OAuth 2.0 Multiple Response Type Encoding Practices): what a
//! request asks for, whether its client may have it, and how it travels.

use serde::Serialize;
use serde::Serializer;

use crate::config::model::identity_server::Client;
use crate::identity_server::grant::code;

/// What comes through the browser; its words have no order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ResponseType {
    /// `code`
    pub(super) code: bool,
    /// `id_token`
    pub(super) id_token: bool,
    /// `token`
    pub(super) token: bool,
}

/// How the client wants its answer (OAuth 2.0 Multiple Response Types §2.1, Form Post §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ResponseMode {
    /// In the query of a redirect.
    Query,
    /// In the fragment of a redirect.
    Fragment,
    /// As a form that the browser posts.
    FormPost,
}

/// Why `response_type` or `response_mode` is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TypeFault {
    /// There is no such type.
    UnknownType,
    /// Its flow is not among the client's grants.
    FlowNotAllowed,
    /// The client's file lets no access token pass through a browser.
    TokenNotAllowed,
    /// There is no such mode.
    UnknownMode,
    /// A token would stand in a query, which servers and histories keep.
    TokenInQuery,
    /// A public client's code would stand in a fragment.
    PublicCodeInFragment,
}

impl ResponseType {
    /// Every one, in IdentityServer4's order.
    pub(super) const ALL: [Self; 7] = [
        Self { code: true, id_token: false, token: false },
        Self { code: false, id_token: false, token: true },
        Self { code: false, id_token: true, token: false },
        Self { code: false, id_token: true, token: true },
        Self { code: true, id_token: true, token: false },
        Self { code: true, id_token: false, token: true },
        Self { code: true, id_token: true, token: true },
    ];

    /// Reads the parameter and judges whether `client` may ask for that.
    ///
    /// # Errors
    ///
    /// The first three of [`TypeFault`].
    pub(super) fn read(text: &str, client: &Client) -> Result<Self, TypeFault> {
        let asked = Self::parse(text).ok_or(TypeFault::UnknownType)?;
        let flow = match (asked.code, asked.is_front()) {
            (true, false) => code::NAME,
            (true, true) => "hybrid",
            (false, _) => "implicit",
        };
        if !client.grant_types.iter().any(|grant| grant == flow) {
            return Err(TypeFault::FlowNotAllowed);
        }
        if asked.token && !client.tokens_via_browser {
            return Err(TypeFault::TokenNotAllowed);
        }
        Ok(asked)
    }

    /// Whether tokens come through the browser.
    pub(super) fn is_front(self) -> bool {
        self.id_token || self.token
    }

    /// Judges `response_mode`, or takes the type's own where there is none.
    ///
    /// # Errors
    ///
    /// The last three of [`TypeFault`].
    pub(super) fn mode(
        self,
        asked: Option<&str>,
        client: &Client,
    ) -> Result<ResponseMode, TypeFault> {
        let mode = match asked {
            None if self.is_front() => ResponseMode::Fragment,
            None | Some("query") => ResponseMode::Query,
            Some("fragment") => ResponseMode::Fragment,
            Some("form_post") => ResponseMode::FormPost,
            Some(_) => return Err(TypeFault::UnknownMode),
        };
        if mode == ResponseMode::Query && self.is_front() {
            return Err(TypeFault::TokenInQuery);
        }
        // A fragment survives redirects and is open to scripts: no place for the code of a client
        // that proves nothing when it redeems it.
        if mode == ResponseMode::Fragment && !self.is_front() && !client.require_secret {
            return Err(TypeFault::PublicCodeInFragment);
        }
        Ok(mode)
    }

    /// The words in the specification's order.
    fn name(self) -> String {
        let words = [(self.code, "code"), (self.id_token, "id_token"), (self.token, "token")];
        let asked: Vec<_> =
            words.iter().filter(|(asked, _)| *asked).map(|(_, word)| *word).collect();
        asked.join(" ")
    }

    fn parse(text: &str) -> Option<Self> {
        let mut words: Vec<_> = text.split(' ').collect();
        words.sort_unstable();
        Self::ALL.into_iter().find(|known| known.name().split(' ').eq(words.iter().copied()))
    }
}

impl Serialize for ResponseType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authz12_authz13_words_have_no_order_and_stand_there_once() {
        for (text, expected) in [
            ("code", Some("code")),
            ("id_token code", Some("code id_token")),
            ("token id_token code", Some("code id_token token")),
            ("token id_token", Some("id_token token")),
            ("", None),
            ("none", None),
            ("code code", None),
            ("code  id_token", None),
            ("CODE", None),
            ("code device", None),
        ] {
            assert_eq!(ResponseType::parse(text).map(ResponseType::name).as_deref(), expected);
        }
    }

    #[test]
    fn disc07_every_type_has_a_name_of_its_own() {
        let names = ResponseType::ALL.map(ResponseType::name);
        assert_eq!(
            names,
            [
                "code",
                "token",
                "id_token",
                "id_token token",
                "code id_token",
                "code token",
                "code id_token token"
            ]
        );
    }
}
