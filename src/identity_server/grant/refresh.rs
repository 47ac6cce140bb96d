//! `grant_type=refresh_token` (RFC 6749 §6): every token is used once and replaced, and one that is
//! used again ends the whole grant (RFC 9700 §4.14).

use std::time::Duration;

use subtle::ConstantTimeEq;

use crate::crypto::digest;
use crate::crypto::random;
use crate::identity_server::IdentityServer;
use crate::identity_server::grant;
use crate::identity_server::grant::Call;
use crate::identity_server::grant::Grant;
use crate::identity_server::grant::Tokens;
use crate::identity_server::scope;
use crate::identity_server::token::TokenError;
use crate::store::grants::Kind;
use crate::store::grants::Record;

/// The name of the grant.
pub(in crate::identity_server) const NAME: &str = "refresh_token";

/// IdentityServer4's `AbsoluteRefreshTokenLifetime`: 30 days.
const LIFETIME: Duration = Duration::from_hours(30 * 24);

/// Length of a family's name, with which each of its tokens begins: 128 random bits. As many follow
/// that are the token's own.
const NAME_LENGTH: usize = 32;

impl IdentityServer {
    /// Answers with fresh tokens for a refresh token that has not been used.
    pub(in crate::identity_server) async fn refresh(
        &self,
        call: &Call<'_>,
    ) -> Result<Tokens, TokenError> {
        let text =
            call.value("refresh_token").ok_or(TokenError::Malformed("refresh_token is missing"))?;
        let (grant, next) = self.rotate(call, text).await?;
        self.tokens(call, &grant, None, Some(next))
    }

    /// The first refresh token of `grant`. Of a grant's tokens the newest alone is good; all that
    /// went before are known by the name that they begin with, so that they take one place however
    /// often it refreshes. It does not live longer for being refreshed.
    pub(super) async fn issue_refresh_token(
        &self,
        call: &Call<'_>,
        grant: &Grant,
    ) -> Result<String, TokenError> {
        let now = call.visit.exchange.now;
        let name = random::identifier();
        let token = fresh(&name);
        let ends_at = now.plus(LIFETIME);
        let owner = grant.person.subject.clone();
        let record = Record { owner, ..grant.part(digest_of(&token), ends_at) };
        self.parts.grants.keep(Kind::RefreshToken, &name, record, now).await?;
        let lasting = now.plus(grant::lifetime(call.client, LIFETIME));
        if self.renew_grant(grant, lasting, now).await? { Ok(token) } else { Err(ENDED) }
    }

    /// Puts a new token in the place of `text`.
    async fn rotate(&self, call: &Call<'_>, text: &str) -> Result<(Grant, String), TokenError> {
        let now = call.visit.exchange.now;
        let name = family_of(text).ok_or(WORTHLESS)?;
        let seen = self.parts.grants.find(Kind::RefreshToken, name, now).await?.ok_or(WORTHLESS)?;
        if seen.client != call.client.id || !call.client.offline_access {
            return Err(WORTHLESS);
        }
        let grant = self.live_grant(&seen.grant, now).await?.ok_or(ENDED)?;
        check_scope(call.value("scope"), &grant)?;
        let next = fresh(name);
        let new = Record { data: digest_of(&next), ..seen.clone() };
        let good: bool = digest_of(text).as_bytes().ct_eq(seen.data.as_bytes()).into();
        if !good || !self.parts.grants.replace(Kind::RefreshToken, name, &seen, new).await? {
            // Nobody knows the name who never had one of its tokens.
            self.end_grant(&seen.grant).await?;
            return Err(WORTHLESS);
        }
        Ok((self.renewed(call, grant).await?, next))
    }

    /// What is left of `grant` now: the person as configured, and the scopes that the client may
    /// still have. A later refresh starts from the whole grant again.
    async fn renewed(&self, call: &Call<'_>, mut grant: Grant) -> Result<Grant, TokenError> {
        let (config, now) = (&call.visit.config, call.visit.exchange.now);
        grant.person = grant.person.renewed(config).ok_or(ENDED)?;
        if !self.renew_grant(&grant, now, now).await? {
            return Err(ENDED);
        }
        grant.scopes.retain(|s| scope::is_allowed(&config.identity_server, call.client, s));
        Ok(grant)
    }
}

/// The name of the family that `token` would belong to.
pub(in crate::identity_server) fn family_of(token: &str) -> Option<&str> {
    token.get(..NAME_LENGTH)
}

fn fresh(name: &str) -> String {
    format!("{name}{}", random::identifier())
}

const WORTHLESS: TokenError = TokenError::BadGrant("the refresh token is unknown, over or used");
const ENDED: TokenError = TokenError::BadGrant("the grant has ended");

fn digest_of(token: &str) -> String {
    digest::sha256_base64url(token.as_bytes())
}

/// A narrower scope would have to be kept apart from the grant; the whole one may be repeated.
fn check_scope(asked: Option<&str>, grant: &Grant) -> Result<(), TokenError> {
    let known = |scope: &str| grant.covers(scope);
    if asked.is_none_or(|asked| asked.split(' ').filter(|s| !s.is_empty()).all(known)) {
        return Ok(());
    }
    Err(TokenError::BadScope)
}
