//! `grant_type=refresh_token` (RFC 6749 §6): every token is used once and replaced, and one that is
//! used again ends the whole grant (RFC 9700 §4.14).

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::config::model::identity_server::Client;
use crate::identity_server::IdentityServer;
use crate::identity_server::grant::Call;
use crate::identity_server::grant::Grant;
use crate::identity_server::grant::Tokens;
use crate::identity_server::token::TokenError;

/// The name of the grant.
pub(in crate::identity_server) const NAME: &str = "refresh_token";

/// IdentityServer4's `AbsoluteRefreshTokenLifetime`: 30 days.
pub(super) const LIFETIME: Duration = Duration::from_hours(30 * 24);

/// A refresh token.
#[derive(Debug)]
pub(in crate::identity_server) struct RefreshToken {
    grant: Arc<Grant>,
    /// The end of the whole family: a replacement does not outlive the first.
    ends_at: Timestamp,
    spent: bool,
}

impl IdentityServer {
    /// Answers with fresh tokens for a refresh token that has not been used.
    pub(in crate::identity_server) fn refresh(
        &self,
        call: &Call<'_>,
    ) -> Result<Tokens, TokenError> {
        let text =
            call.value("refresh_token").ok_or(TokenError::Malformed("refresh_token is missing"))?;
        let (grant, ends_at) = self.take_refresh_token(call, text)?;
        if grant.is_revoked() || !grant.person.is_active(&call.visit.config) {
            return Err(TokenError::BadGrant("the grant has ended"));
        }
        self.tokens(call, &grant, None, ends_at)
    }

    /// A refresh token for `grant` whose family ends at `ends_at`.
    pub(super) fn issue_refresh_token(
        &self,
        grant: &Arc<Grant>,
        ends_at: Timestamp,
        now: Timestamp,
    ) -> String {
        let token = RefreshToken { grant: Arc::clone(grant), ends_at, spent: false };
        self.refresh_tokens.issue(&grant.person.subject, token, ends_at, now)
    }

    fn take_refresh_token(
        &self,
        call: &Call<'_>,
        text: &str,
    ) -> Result<(Arc<Grant>, Timestamp), TokenError> {
        let now = call.visit.exchange.now;
        let taken = self.refresh_tokens.with(text, now, |token| {
            if !is_holder(call.client, &token.grant) {
                return Err(WORTHLESS);
            }
            check_scope(call.value("scope"), &token.grant)?;
            if std::mem::replace(&mut token.spent, true) {
                token.grant.revoke();
                return Err(WORTHLESS);
            }
            Ok((Arc::clone(&token.grant), token.ends_at))
        });
        taken.unwrap_or(Err(WORTHLESS))
    }
}

const WORTHLESS: TokenError = TokenError::BadGrant("the refresh token is unknown, over or used");

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
