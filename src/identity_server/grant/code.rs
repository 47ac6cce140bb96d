//! `grant_type=authorization_code` (RFC 6749 §4.1.3, RFC 7636 §4.6) and the codes it redeems.

use std::sync::Arc;

use subtle::ConstantTimeEq;

use crate::clock::Timestamp;
use crate::config::model::identity_server::Client;
use crate::crypto::digest;
use crate::identity_server::IdentityServer;
use crate::identity_server::grant::Call;
use crate::identity_server::grant::Grant;
use crate::identity_server::grant::Tokens;
use crate::identity_server::scope;
use crate::identity_server::token::TokenError;

/// The name of the grant.
pub(in crate::identity_server) const NAME: &str = "authorization_code";

/// What a code stands for.
#[derive(Debug)]
pub(in crate::identity_server) struct Code {
    /// What was allowed.
    pub(in crate::identity_server) grant: Arc<Grant>,
    /// Where the code was sent.
    pub(in crate::identity_server) redirect_uri: String,
    /// The S256 challenge that its request sent.
    pub(in crate::identity_server) challenge: Option<String>,
    /// The nonce that its request sent.
    pub(in crate::identity_server) nonce: Option<String>,
    /// When it is worth nothing any more.
    pub(in crate::identity_server) expires_at: Timestamp,
    /// Whether it has been shown by its client before, rightly or not.
    pub(in crate::identity_server) spent: bool,
}

/// Whether a client may use this grant: hybrid ends in a code as well.
pub(in crate::identity_server) fn is_allowed(client: &Client) -> bool {
    client.grant_types.iter().any(|grant| grant == NAME || grant == "hybrid")
}

impl IdentityServer {
    /// Keeps `code` and returns its text. It is remembered beyond its end for as long as tokens
    /// made from it may live, so that a second use is known for what it is.
    pub(in crate::identity_server) fn issue_code(&self, code: Code, client: &Client) -> String {
        let (session, now) = (code.grant.person.sid.clone(), self.parts.clock.now());
        let ends_at = code.expires_at.plus(client.access_token_lifetime);
        self.codes.issue(&session, code, ends_at, now)
    }

    /// Redeems a code, once.
    pub(in crate::identity_server) fn redeem_code(
        &self,
        call: &Call<'_>,
    ) -> Result<Tokens, TokenError> {
        let text = call.value("code").ok_or(TokenError::BadGrant("there is no code"))?;
        let redirect_uri =
            call.value("redirect_uri").ok_or(TokenError::Malformed("redirect_uri is missing"))?;
        let taken = self.take_code(call, text)?;
        if taken.redirect_uri != redirect_uri {
            return Err(TokenError::BadGrant("redirect_uri is not the one of the request"));
        }
        check_verifier(taken.challenge.as_deref(), call.value("code_verifier"))?;
        let person = &taken.grant.person;
        let signed_in = || self.parts.sessions.live(&person.session).is_some();
        if !(signed_in() && person.is_active(&call.visit.config)) {
            return Err(SIGNED_OUT);
        }
        let offline = taken.grant.covers(scope::OFFLINE_ACCESS);
        let now = call.visit.exchange.now;
        let refresh_token = offline.then(|| self.issue_refresh_token(&taken.grant, now));
        let tokens = self.tokens(call, &taken.grant, taken.nonce.as_deref(), refresh_token)?;
        // A sign-out meanwhile may have looked for tokens before these were kept.
        if !signed_in() {
            taken.grant.revoke();
            return Err(SIGNED_OUT);
        }
        Ok(tokens)
    }

    /// Takes a code of the calling client: of any number of callers one gets it, and every later
    /// one ends what the first was given (RFC 6749 §4.1.2). Another client's code stays untouched.
    fn take_code(&self, call: &Call<'_>, text: &str) -> Result<Taken, TokenError> {
        let now = call.visit.exchange.now;
        let taken = self.codes.with(text, now, |code| {
            if code.grant.client_id != call.client.id {
                return None;
            }
            if std::mem::replace(&mut code.spent, true) {
                code.grant.revoke();
                return None;
            }
            (now < code.expires_at).then(|| Taken {
                grant: Arc::clone(&code.grant),
                redirect_uri: code.redirect_uri.clone(),
                challenge: code.challenge.clone(),
                nonce: code.nonce.clone(),
            })
        });
        taken.flatten().ok_or(TokenError::BadGrant("the code is unknown, over or used"))
    }
}

const SIGNED_OUT: TokenError = TokenError::BadGrant("the user is signed out or no longer exists");

struct Taken {
    grant: Arc<Grant>,
    redirect_uri: String,
    challenge: Option<String>,
    nonce: Option<String>,
}

/// A verifier is needed exactly when a challenge was sent; one without the other is a downgrade
/// (RFC 9700 §4.8.2).
fn check_verifier(challenge: Option<&str>, verifier: Option<&str>) -> Result<(), TokenError> {
    match (challenge, verifier) {
        (None, None) => Ok(()),
        (Some(challenge), Some(verifier)) if is_pkce_text(verifier) => {
            let hash = digest::sha256_base64url(verifier.as_bytes());
            if hash.as_bytes().ct_eq(challenge.as_bytes()).into() {
                return Ok(());
            }
            Err(TokenError::BadGrant("code_verifier does not fit"))
        }
        (Some(_), Some(_)) => Err(TokenError::BadGrant("code_verifier is malformed")),
        (Some(_), None) => Err(TokenError::BadGrant("code_verifier is missing")),
        (None, Some(_)) => Err(TokenError::BadGrant("no code_challenge was sent")),
    }
}

/// Whether `text` has the form of a verifier or challenge: 43 to 128 unreserved characters
/// (RFC 7636 §4.1).
pub(in crate::identity_server) fn is_pkce_text(text: &str) -> bool {
    let unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    (43..=128).contains(&text.len()) && text.bytes().all(unreserved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code07_code08_l260_a_verifier_fits_its_challenge_or_nothing_is_given() {
        // RFC 7636, appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let challenge = Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        assert!(check_verifier(challenge, Some(verifier)).is_ok());
        assert!(check_verifier(None, None).is_ok());
        let (short, long) = ("a".repeat(42), "a".repeat(129));
        for wrong in [None, Some("x"), Some(short.as_str()), Some(long.as_str()), challenge] {
            assert!(check_verifier(challenge, wrong).is_err());
        }
        assert!(check_verifier(None, Some(verifier)).is_err());
    }
}
