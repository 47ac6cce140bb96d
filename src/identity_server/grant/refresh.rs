//! `grant_type=refresh_token` (RFC 6749 §6): a token is used once and replaced, and one that is used
//! again ends the whole grant (RFC 9700 §4.14), unless its client's file lets it be used again.

use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;
use subtle::ConstantTimeEq;

use crate::clock::Timestamp;
use crate::config::model::identity_server::RefreshExpiration;
use crate::config::model::identity_server::RefreshRules;
use crate::config::model::identity_server::RefreshUsage;
use crate::crypto::digest;
use crate::crypto::random;
use crate::identity_server::IdentityServer;
use crate::identity_server::grant;
use crate::identity_server::grant::Call;
use crate::identity_server::grant::ENDED;
use crate::identity_server::grant::Grant;
use crate::identity_server::grant::Tokens;
use crate::identity_server::scope;
use crate::identity_server::token::TokenError;
use crate::store::StoreError;
use crate::store::grants::Kind;
use crate::store::grants::Record;

/// The name of the grant.
pub(in crate::identity_server) const NAME: &str = "refresh_token";

/// Length of a family's name, with which each of its tokens begins: 128 random bits. As many follow
/// that are the token's own.
const NAME_LENGTH: usize = 32;

/// The refresh tokens of one grant. The newest alone is good; all that went before are known by the
/// name that they begin with, so that they take one place however often it refreshes.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Family {
    /// Digest of the token that is good.
    current: String,
    /// When the family ends however often it is used.
    absolute_end: Option<Timestamp>,
    /// Thumbprint of the key that a public client must prove to hold (RFC 9449 §5).
    key: Option<String>,
}

/// A family as it was found, and what was found with it.
struct Found<'a> {
    name: &'a str,
    seen: Record,
    family: Family,
    grant: Grant,
}

impl IdentityServer {
    /// Answers with fresh tokens for a refresh token that is good.
    pub(in crate::identity_server) async fn refresh(
        &self,
        call: &Call<'_>,
    ) -> Result<Tokens, TokenError> {
        let text =
            call.value("refresh_token").ok_or(TokenError::Malformed("refresh_token is missing"))?;
        let found = self.find_family(call, text).await?;
        // Whatever may be wrong with the call is found out before it costs the token.
        let left = self.left_of(call, &found.grant).await?;
        let narrowed = grant::narrowed(call, &asked(call.value("scope"), left)?)?;
        let next = self.rotate(call, text, found).await?;
        self.tokens(call, &narrowed, None, Some(next)).await
    }

    /// The first refresh token of `grant`, which lives as long as it may from now on.
    pub(super) async fn issue_refresh_token(
        &self,
        call: &Call<'_>,
        grant: &Grant,
    ) -> Result<String, TokenError> {
        let (now, rules) = (call.visit.exchange.now, call.client.refresh);
        let name = random::identifier();
        let token = fresh(&name);
        let endless = rules.absolute == Duration::ZERO;
        let family = Family {
            current: digest_of(&token),
            absolute_end: (!endless).then(|| now.plus(rules.absolute)),
            key: call.key.clone().filter(|_| !call.client.require_secret),
        };
        let ends_at = end(rules, family.absolute_end, now);
        let record = Record { owner: grant.share(), ..grant.part(grant::encode(&family), ends_at) };
        self.parts.grants.keep(Kind::RefreshToken, &name, record, now).await?;
        let lasting = ends_at.plus(call.client.access_token_lifetime);
        if self.renew_grant(grant, lasting, now).await? { Ok(token) } else { Err(ENDED) }
    }

    /// The family of a token that is good. One that was good once ends everything: nobody knows a
    /// family's name who never had one of its tokens.
    async fn find_family<'a>(
        &self,
        call: &Call<'_>,
        text: &'a str,
    ) -> Result<Found<'a>, TokenError> {
        let now = call.visit.exchange.now;
        let name = family_of(text).ok_or(WORTHLESS)?;
        let seen = self.parts.grants.find(Kind::RefreshToken, name, now).await?.ok_or(WORTHLESS)?;
        if seen.client != call.client.id {
            return Err(WORTHLESS);
        }
        let family: Family = serde_json::from_str(&seen.data).map_err(|_| WORTHLESS)?;
        let good: bool = digest_of(text).as_bytes().ct_eq(family.current.as_bytes()).into();
        if !good {
            self.end_family(name, &seen).await?;
            return Err(WORTHLESS);
        }
        if family.key.is_some() && family.key != call.key {
            return Err(TokenError::BadGrant("the refresh token is bound to another key"));
        }
        let grant = self.live_grant(&seen.grant, now).await?.ok_or(ENDED)?;
        Ok(Found { name, seen, family, grant })
    }

    /// Puts a new token in the place of `text`, or lets the same one live on, as the client's file
    /// says.
    async fn rotate(
        &self,
        call: &Call<'_>,
        text: &str,
        Found { name, seen, family, grant }: Found<'_>,
    ) -> Result<String, TokenError> {
        let (now, rules) = (call.visit.exchange.now, call.client.refresh);
        let once = rules.usage == RefreshUsage::OneTimeOnly;
        let sliding = rules.expiration == RefreshExpiration::Sliding;
        let next = if once { fresh(name) } else { text.to_owned() };
        let ends_at = if sliding { end(rules, family.absolute_end, now) } else { seen.ends_at };
        if once || sliding {
            let data = grant::encode(&Family { current: digest_of(&next), ..family });
            let new = Record { data, ends_at, ..seen.clone() };
            let won = self.parts.grants.replace(Kind::RefreshToken, name, (&seen, new), now);
            let won = won.await?;
            if once && !won {
                self.end_family(name, &seen).await?;
                return Err(WORTHLESS);
            }
        }
        let lasting = ends_at.plus(call.client.access_token_lifetime);
        if sliding && !self.renew_grant(&grant, lasting, now).await? {
            return Err(ENDED);
        }
        Ok(next)
    }

    /// What is left of `grant` now: the scopes that the client may still have, and the person, as
    /// known now where the client's file says so.
    async fn left_of(&self, call: &Call<'_>, grant: &Grant) -> Result<Grant, TokenError> {
        grant::check_admitted(call, grant)?;
        let (config, mut left) = (&call.visit.config, grant.clone());
        let person = left.person.renewed(config, &self.parts.local_users).await?.ok_or(ENDED)?;
        if call.client.refresh.update_claims {
            left.person = person;
        }
        left.scopes.retain(|s| scope::is_allowed(&config.identity_server, call.client, s));
        Ok(left)
    }

    /// Ends the grant that a family belongs to, and the family with it.
    pub(in crate::identity_server) async fn end_family(
        &self,
        name: &str,
        record: &Record,
    ) -> Result<(), StoreError> {
        self.end_grant(&record.grant).await?;
        self.parts.grants.remove(Kind::RefreshToken, name).await.map(|_| ())
    }
}

/// The part of `grant` that is asked for by `scope`: for the new tokens only, the next refresh
/// starts from the whole grant again.
fn asked(scope: Option<&str>, mut grant: Grant) -> Result<Grant, TokenError> {
    let Some(scope) = scope else { return Ok(grant) };
    let wanted: Vec<&str> = scope.split(' ').filter(|name| !name.is_empty()).collect();
    if !wanted.iter().all(|name| grant.covers(name)) {
        return Err(TokenError::BadScope);
    }
    grant.scopes.retain(|name| wanted.contains(&name.as_str()));
    Ok(grant)
}

/// When a family ends that is used now.
fn end(rules: RefreshRules, absolute_end: Option<Timestamp>, now: Timestamp) -> Timestamp {
    let idle = now.plus(rules.sliding);
    match (rules.expiration, absolute_end) {
        (RefreshExpiration::Absolute, Some(end)) => end,
        (RefreshExpiration::Sliding, Some(end)) => idle.min(end),
        (RefreshExpiration::Absolute | RefreshExpiration::Sliding, None) => idle,
    }
}

/// The name of the family that `token` would belong to.
pub(in crate::identity_server) fn family_of(token: &str) -> Option<&str> {
    token.get(..NAME_LENGTH)
}

fn fresh(name: &str) -> String {
    format!("{name}{}", random::identifier())
}

fn digest_of(token: &str) -> String {
    digest::sha256_base64url(token.as_bytes())
}

const WORTHLESS: TokenError = TokenError::BadGrant("the refresh token is unknown, over or used");
