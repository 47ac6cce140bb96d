//! Clients: finding one, and the redirect URIs that it may be answered at.

use std::sync::Arc;

use url::Url;

use crate::config::model::client::FORBIDDEN_SCHEMES;
use crate::config::model::identity_server::Client;
use crate::config::model::identity_server::IdentityServerSettings;

/// The client called `id`, compared exactly.
pub(super) fn find<'a>(settings: &'a IdentityServerSettings, id: &str) -> Option<&'a Arc<Client>> {
    settings.clients.iter().find(|client| client.id == id)
}

/// Whether `uri` is one of the client's `registered` addresses, character by character, and one
/// that an answer may be sent to: no fragment, no parameter of the protocol's own in its query (the
/// answer could then be read in two ways), no scheme that a browser runs.
pub(super) fn is_registered(registered: &[String], uri: &str) -> bool {
    registered.iter().any(|known| known == uri) && is_fit_to_answer(uri)
}

fn is_fit_to_answer(uri: &str) -> bool {
    let Ok(parsed) = Url::parse(uri) else { return false };
    let clean = !parsed.query_pairs().any(|(name, _)| OF_THE_PROTOCOL.contains(&&*name));
    clean && parsed.fragment().is_none() && !FORBIDDEN_SCHEMES.contains(&parsed.scheme())
}

const OF_THE_PROTOCOL: [&str; 8] =
    ["access_token", "code", "error", "error_description", "id_token", "iss", "response", "state"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g157_a_redirect_uri_is_compared_character_by_character() {
        let registered = ["https://app.test/cb".to_owned()];
        assert!(is_registered(&registered, "https://app.test/cb"));
        for other in [
            "https://app.test/cb/",
            "https://app.test/cb?x=1",
            "https://app.test/cb#f",
            "https://app.test/CB",
            "https://app.test/cb/../x",
            "https://app.test/cb%2f..",
            "https://app.test/cb;x",
            "https://app.test:443/cb",
            "HTTPS://APP.TEST/cb",
            "https://app.test/cb%00",
            "https://app.test/c%62",
            "http://app.test/cb",
            " https://app.test/cb",
            "",
        ] {
            assert!(!is_registered(&registered, other), "{other}");
        }
    }

    #[test]
    fn g158_g152_registered_addresses_that_would_be_misread_or_run_are_refused() {
        for uri in [
            "https://app.test/cb?code=evil",
            "https://app.test/cb?x=1&st%61te=evil",
            "https://app.test/cb?iss=https://evil.test",
            "https://app.test/cb#code=evil",
            "javascript:alert(1)",
            "data:text/html,x",
            "/cb",
        ] {
            assert!(!is_registered(&[uri.to_owned()], uri), "{uri}");
        }
        let lorem = "https://localhost:9443/test/a/vestibule/callback?dummy1=lorem&dummy2=ipsum";
        assert!(is_registered(&[lorem.to_owned()], lorem));
    }
}
