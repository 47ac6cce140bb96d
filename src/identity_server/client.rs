//! Clients: finding one, its redirect URIs, and its authentication at the token endpoint
//! (RFC 6749 §2.3).

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header;
use percent_encoding::percent_decode_str;
use subtle::Choice;
use subtle::ConstantTimeEq;
use url::Url;

use crate::clock::Timestamp;
use crate::config::model::client::FORBIDDEN_SCHEMES;
use crate::config::model::identity_server::Client;
use crate::config::model::identity_server::ClientSecret;
use crate::config::model::identity_server::IdentityServerSettings;
use crate::config::model::identity_server::SecretKind;
use crate::crypto::digest;
use crate::crypto::secret::Secret;
use crate::http::form::Form;
use crate::identity_server::token::TokenError;

/// Longest client id and secret, in bytes.
const LONGEST: usize = 100;

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

/// Whoever calls the token endpoint, by `client_secret_basic` or `client_secret_post`.
///
/// # Errors
///
/// [`TokenError::BadClient`] unless exactly one method names a client and proves it.
pub(super) fn authenticate(
    settings: &IdentityServerSettings,
    headers: &HeaderMap,
    form: &Form,
    now: Timestamp,
) -> Result<Arc<Client>, TokenError> {
    let credentials = credentials(headers, form)?;
    let refused = TokenError::BadClient { basic: credentials.basic };
    let Some(client) = find(settings, &credentials.id) else {
        // As much work as for a client that exists.
        _ = is_one_of([&Secret::new("")].into_iter(), &credentials.secret);
        return Err(refused);
    };
    if proves(client, &credentials.secret, now) { Ok(Arc::clone(client)) } else { Err(refused) }
}

/// What a caller says to prove who it is.
#[derive(Debug)]
pub(super) struct Credentials {
    /// Whom it claims to be.
    pub(super) id: String,
    /// What nobody else knows; empty when it says nothing.
    pub(super) secret: Secret,
    /// Whether it came as HTTP Basic.
    basic: bool,
}

/// The name and the secret of whoever calls, by exactly one method.
///
/// # Errors
///
/// [`TokenError::BadClient`] for none, two that disagree, and what is malformed or too long.
pub(super) fn credentials(headers: &HeaderMap, form: &Form) -> Result<Credentials, TokenError> {
    let credentials = match basic(headers)? {
        Some(credentials) => agree(credentials, form)?,
        None => posted(form)?,
    };
    if credentials.id.len() > LONGEST || credentials.secret.expose().len() > LONGEST {
        return Err(TokenError::BadClient { basic: credentials.basic });
    }
    Ok(credentials)
}

/// The credentials of an `Authorization: Basic` line; another scheme is none of ours (TOK-05).
fn basic(headers: &HeaderMap) -> Result<Option<Credentials>, TokenError> {
    const REFUSED: TokenError = TokenError::BadClient { basic: true };
    let mut lines = headers.get_all(header::AUTHORIZATION).iter();
    let Some(line) = lines.next() else { return Ok(None) };
    if lines.next().is_some() {
        return Err(REFUSED);
    }
    let line = line.to_str().map_err(|_| REFUSED)?;
    let (scheme, encoded) = line.split_once(' ').unwrap_or((line, ""));
    if !scheme.eq_ignore_ascii_case("basic") {
        return Ok(None);
    }
    let decoded = STANDARD.decode(encoded.trim()).map_err(|_| REFUSED)?;
    let decoded = String::from_utf8(decoded).map_err(|_| REFUSED)?;
    let (id, secret) = decoded.split_once(':').ok_or(REFUSED)?;
    let id = form_decode(id).ok_or(REFUSED)?;
    let secret = Secret::new(form_decode(secret).ok_or(REFUSED)?);
    Ok(Some(Credentials { id, secret, basic: true }))
}

/// Both halves are form-encoded before they are joined (RFC 6749 §2.3.1).
fn form_decode(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

/// Basic stands alone: no second method in the body, no other client's name there.
fn agree(credentials: Credentials, form: &Form) -> Result<Credentials, TokenError> {
    let same = form.get("client_id").is_none_or(|id| id == credentials.id);
    if same && form.get("client_secret").is_none() && !has_assertion(form) {
        return Ok(credentials);
    }
    Err(TokenError::BadClient { basic: true })
}

fn posted(form: &Form) -> Result<Credentials, TokenError> {
    let id = form.get("client_id").filter(|id| !id.is_empty() && !has_assertion(form));
    let id = id.ok_or(TokenError::BadClient { basic: false })?.to_owned();
    let secret = Secret::new(form.get("client_secret").unwrap_or_default());
    Ok(Credentials { id, secret, basic: false })
}

fn has_assertion(form: &Form) -> bool {
    form.get("client_assertion").is_some() || form.get("client_assertion_type").is_some()
}

/// A public client proves nothing by its name alone, and a secret that nobody gave it is a sign of
/// confusion; where its file does give it one, that one is accepted.
fn proves(client: &Client, secret: &Secret, now: Timestamp) -> bool {
    if secret.expose().is_empty() {
        return !client.require_secret;
    }
    is_one_of(shared(&client.secrets, now), secret)
}

/// The shared secrets that have not ended.
pub(super) fn shared(secrets: &[ClientSecret], now: Timestamp) -> impl Iterator<Item = &Secret> {
    let live =
        move |secret: &&ClientSecret| secret.kind == SecretKind::Shared && secret.is_live(now);
    secrets.iter().filter(live).map(|secret| &secret.value)
}

/// Whether `secret` is one of those stored as plain text or as base64 of its SHA-256 or SHA-512
/// (IdentityServer4's `SharedSecret`). What has the form of a hash is one: taken as plain text as
/// well, a hash that leaks would be as good as its secret. Time depends on what is stored and on
/// nothing else: digests are compared, and all of them.
pub(super) fn is_one_of<'a>(stored: impl Iterator<Item = &'a Secret>, secret: &Secret) -> bool {
    let text = secret.expose().as_bytes();
    let plain = digest::sha256(text);
    let hashed = [
        digest::sha256(STANDARD.encode(digest::sha256(text)).as_bytes()),
        digest::sha256(STANDARD.encode(digest::sha512(text)).as_bytes()),
    ];
    let mut found = Choice::from(0);
    for known in stored {
        let may_be_plain = Choice::from(u8::from(!is_hash(known.expose())));
        let known = digest::sha256(known.expose().as_bytes());
        found |= known.ct_eq(&plain) & may_be_plain;
        for form in &hashed {
            found |= known.ct_eq(form);
        }
    }
    found.into()
}

/// Whether `stored` is base64 of as many bytes as SHA-256 or SHA-512 gives.
fn is_hash(stored: &str) -> bool {
    STANDARD.decode(stored).is_ok_and(|bytes| matches!(bytes.len(), 32 | 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tok07_plain_and_hashed_secrets_prove_a_client() {
        // IdentityServer4's documentation: "secret" and its SHA-256 in base64.
        let hashed = Secret::new("K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=");
        let long = Secret::new(STANDARD.encode(digest::sha512(b"third")));
        let stored = [Secret::new("first"), hashed, long];
        for right in ["first", "secret", "third"] {
            assert!(is_one_of(stored.iter(), &Secret::new(right)), "{right}");
        }
        for wrong in ["", "Secret", "secret ", "second"] {
            assert!(!is_one_of(stored.iter(), &Secret::new(wrong)), "{wrong}");
        }
        for hash in &stored[1..] {
            assert!(!is_one_of(stored.iter(), hash), "a hash that leaked is no secret");
        }
    }

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
