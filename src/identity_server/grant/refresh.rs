//! `grant_type=refresh_token` (RFC 6749 §6): every token is used once and replaced, and one that is
//! used again ends the whole grant (RFC 9700 §4.14).

use std::sync::Arc;
use std::time::Duration;

use subtle::ConstantTimeEq;

use crate::clock::Timestamp;
use crate::config::model::identity_server::Client;
use crate::crypto::digest;
use crate::crypto::random;
use crate::identity_server::IdentityServer;
use crate::identity_server::grant::Call;
use crate::identity_server::grant::Grant;
use crate::identity_server::grant::Tokens;
use crate::identity_server::scope;
use crate::identity_server::token::TokenError;

/// The name of the grant.
pub(in crate::identity_server) const NAME: &str = "refresh_token";

/// IdentityServer4's `AbsoluteRefreshTokenLifetime`: 30 days.
const LIFETIME: Duration = Duration::from_hours(30 * 24);

/// Length of a family's name, with which each of its tokens begins: 128 random bits. As many follow
/// that are the token's own.
const NAME_LENGTH: usize = 32;

/// The refresh tokens of one grant, of which the newest alone is good. All that went before are
/// known by the family's name, so that a family takes one place however often it refreshes.
#[derive(Debug)]
pub(in crate::identity_server) struct Family {
    grant: Arc<Grant>,
    /// SHA-256 of the token that is good.
    current: [u8; 32],
}

impl IdentityServer {
    /// Answers with fresh tokens for a refresh token that has not been used.
    pub(in crate::identity_server) fn refresh(
        &self,
        call: &Call<'_>,
    ) -> Result<Tokens, TokenError> {
        let text =
            call.value("refresh_token").ok_or(TokenError::Malformed("refresh_token is missing"))?;
        let (grant, next) = self.rotate(call, text)?;
        self.tokens(call, &grant, None, Some(next))
    }

    /// The first refresh token of `grant`. The family does not live longer for being refreshed.
    pub(super) fn issue_refresh_token(&self, grant: &Arc<Grant>, now: Timestamp) -> String {
        let name = random::identifier();
        let token = fresh(&name);
        let current = digest::sha256(token.as_bytes());
        let family = Family { grant: Arc::clone(grant), current };
        let owner = (grant.person.subject.as_str(), family);
        self.refresh_tokens.keep(&name, owner, now.plus(LIFETIME), now);
        token
    }

    /// Puts a new token in the place of `text`.
    fn rotate(&self, call: &Call<'_>, text: &str) -> Result<(Arc<Grant>, String), TokenError> {
        let name = text.get(..NAME_LENGTH).ok_or(WORTHLESS)?;
        let next = fresh(name);
        let rotated = self.refresh_tokens.with(name, call.visit.exchange.now, |family| {
            if !is_holder(call.client, &family.grant) {
                return Err(WORTHLESS);
            }
            check_scope(call.value("scope"), &family.grant)?;
            let good: bool = digest::sha256(text.as_bytes()).ct_eq(&family.current).into();
            if !good {
                // Nobody knows the name who never had one of its tokens.
                family.grant.revoke();
                return Err(WORTHLESS);
            }
            let grant = renewed(call, &family.grant).ok_or(ENDED)?;
            family.current = digest::sha256(next.as_bytes());
            Ok(grant)
        });
        Ok((rotated.unwrap_or(Err(WORTHLESS))?, next))
    }
}

impl Family {
    /// What it rests on.
    pub(super) fn grant(&self) -> &Grant {
        &self.grant
    }
}

/// What is left of `grant` now: the person as configured, and the scopes that the client may still
/// have. A later refresh starts from the whole grant again.
fn renewed(call: &Call<'_>, grant: &Grant) -> Option<Arc<Grant>> {
    if grant.is_revoked() {
        return None;
    }
    let config = &call.visit.config;
    let person = grant.person.renewed(config)?;
    let allowed = |s: &&String| scope::is_allowed(&config.identity_server, call.client, s);
    let scopes = grant.scopes.iter().filter(allowed).cloned().collect();
    Some(Arc::new(grant.renewed(person, scopes)))
}

fn fresh(name: &str) -> String {
    format!("{name}{}", random::identifier())
}

const WORTHLESS: TokenError = TokenError::BadGrant("the refresh token is unknown, over or used");
const ENDED: TokenError = TokenError::BadGrant("the grant has ended");

/// Whether the token is the client's own, and the client may still refresh (REF-05).
fn is_holder(client: &Client, grant: &Grant) -> bool {
    grant.client_id == client.id && client.offline_access
}

/// A narrower scope would have to be kept apart from the grant; the whole one may be repeated.
fn check_scope(asked: Option<&str>, grant: &Grant) -> Result<(), TokenError> {
    let known = |scope: &str| grant.covers(scope);
    if asked.is_none_or(|asked| asked.split(' ').filter(|s| !s.is_empty()).all(known)) {
        return Ok(());
    }
    Err(TokenError::BadScope)
}
