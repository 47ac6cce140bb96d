//! `grant_type=authorization_code` (RFC 6749 §4.1.3, RFC 7636 §4.6) and the codes it redeems.

use serde::Deserialize;
use serde::Serialize;
use subtle::ConstantTimeEq;

use crate::clock::Timestamp;
use crate::config::model::identity_server::Client;
use crate::crypto::digest;
use crate::crypto::random;
use crate::identity_server::IdentityServer;
use crate::identity_server::grant;
use crate::identity_server::grant::Call;
use crate::identity_server::grant::Grant;
use crate::identity_server::grant::Tokens;
use crate::identity_server::token::TokenError;
use crate::store::StoreError;
use crate::store::grants::Kind;
use crate::store::grants::Spending;

/// The name of the grant.
pub(in crate::identity_server) const NAME: &str = "authorization_code";

/// What a code is bound to, beside its grant.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::identity_server) struct Code {
    /// Where the code was sent.
    pub(in crate::identity_server) redirect_uri: String,
    /// The S256 challenge that its request sent.
    pub(in crate::identity_server) challenge: Option<String>,
    /// The nonce that its request sent.
    pub(in crate::identity_server) nonce: Option<String>,
    /// Thumbprint of the one key that it may be redeemed with (`dpop_jkt`, RFC 9449 §10).
    #[serde(default)]
    pub(in crate::identity_server) dpop_key: Option<String>,
    /// When it is worth nothing any more.
    pub(in crate::identity_server) expires_at: Timestamp,
}

/// Whether a client may use this grant: hybrid ends in a code as well.
pub(in crate::identity_server) fn is_allowed(client: &Client) -> bool {
    client.grant_types.iter().any(|grant| grant == NAME || grant == "hybrid")
}

impl IdentityServer {
    /// Keeps `grant` and a code for it, and returns the code's text. It is remembered beyond its
    /// end for as long as tokens made from it may live, so that a second use is known for what it is.
    pub(in crate::identity_server) async fn issue_code(
        &self,
        code: Code,
        grant: &Grant,
        client: &Client,
        now: Timestamp,
    ) -> Result<String, StoreError> {
        let ends_at = now.plus(grant::lifetime(client, client.code_lifetime));
        self.keep_grant(grant, ends_at, now).await?;
        let text = random::handle();
        let record = grant.part(grant::encode(&code), ends_at);
        self.parts.grants.keep(Kind::Code, &text, record, now).await?;
        Ok(text)
    }

    /// Redeems a code, once.
    pub(in crate::identity_server) async fn redeem_code(
        &self,
        call: &Call<'_>,
    ) -> Result<Tokens, TokenError> {
        let text = call.value("code").ok_or(TokenError::BadGrant("there is no code"))?;
        let redirect_uri =
            call.value("redirect_uri").ok_or(TokenError::Malformed("redirect_uri is missing"))?;
        let (code, grant) = self.take_code(call, text).await?;
        if code.redirect_uri != redirect_uri {
            return Err(TokenError::BadGrant("redirect_uri is not the one of the request"));
        }
        check_verifier(code.challenge.as_deref(), call.value("code_verifier"))?;
        if code.dpop_key.is_some() && code.dpop_key != call.key {
            return Err(TokenError::BadGrant("the code is bound to another key"));
        }
        let users = &self.parts.local_users;
        if !grant.person.is_active(&call.visit.config, users).await? {
            return Err(TokenError::BadGrant("the user no longer exists"));
        }
        grant::check_admitted(call, &grant)?;
        let narrowed = grant::narrowed(call, &grant)?;
        let refresh_token = self.offline(call, &grant).await?;
        self.tokens(call, &narrowed, code.nonce.as_deref(), refresh_token).await
    }

    /// Takes a code of the calling client: of any number of callers one gets it, and every later
    /// one ends what the first was given (RFC 6749 §4.1.2). Another client's code stays untouched.
    async fn take_code(&self, call: &Call<'_>, text: &str) -> Result<(Code, Grant), TokenError> {
        const WORTHLESS: TokenError = TokenError::BadGrant("the code is unknown, over or used");
        let now = call.visit.exchange.now;
        let seen = self.parts.grants.find(Kind::Code, text, now).await?;
        if seen.is_none_or(|seen| seen.client != call.client.id) {
            return Err(WORTHLESS);
        }
        let record = match self.parts.grants.spend(Kind::Code, text, now).await? {
            Spending::First(record) => record,
            Spending::Again(record) => {
                self.end_grant(&record.grant).await?;
                return Err(WORTHLESS);
            }
            Spending::Unknown => return Err(WORTHLESS),
        };
        let code: Code = serde_json::from_str(&record.data).map_err(|_| WORTHLESS)?;
        let grant = self.live_grant(&record.grant, now).await?.ok_or(WORTHLESS)?;
        if now < code.expires_at { Ok((code, grant)) } else { Err(WORTHLESS) }
    }
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
