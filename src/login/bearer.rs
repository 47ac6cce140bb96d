//! A caller of the CMS who brings an access token in place of a session: the token is verified, and
//! the provider's transformations say whose it is, as they do at a sign-in.

use std::sync::Arc;

use serde_json::Map;
use serde_json::Value;

use crate::claims::Claim;
use crate::claims::types;
use crate::clock::Timestamp;
use crate::config::model::Config;
use crate::config::model::Site;
use crate::crypto::jws::moment;
use crate::login::Login;
use crate::login::Reason;
use crate::login::endpoint;
use crate::login::oidc::Demands;
use crate::login::oidc::Peer;
use crate::login::oidc::Person;
use crate::login::oidc::check_access_token;
use crate::session::Identity;

/// A token that somebody brought.
#[derive(Clone, Copy, Debug)]
pub struct Brought<'a> {
    /// The configuration of the request.
    pub config: &'a Config,
    /// The site that it is for.
    pub site: &'a Arc<Site>,
    /// The token.
    pub token: &'a str,
    /// What its issuer itself says of it, when that is this process.
    pub described: Option<&'a Map<String, Value>>,
    /// When.
    pub now: Timestamp,
}

impl Login {
    /// Whom the token makes the caller; the identity ends with the token.
    ///
    /// # Errors
    ///
    /// [`Reason::TokenInvalid`]; [`Reason::ProviderDown`] and [`Reason::ProviderMetadata`] when the
    /// issuer's keys cannot be had; [`Reason::NotMapped`] where no token is taken;
    /// [`Reason::NoUser`] and [`Reason::UnmappedClient`] when it is good and yet makes no user.
    pub async fn bearer(&self, brought: &Brought<'_>) -> Result<Identity, Reason> {
        let Brought { config, site, now, .. } = *brought;
        let rules = config.bearer.as_ref().ok_or(Reason::NotMapped)?;
        let provider = site.providers.find(&rules.provider).filter(|p| p.is_enabled());
        let provider = provider.ok_or(Reason::NotMapped)?;
        let connection = endpoint::connection(provider).ok_or(Reason::NotMapped)?;
        let typed = brought.described.is_some();
        let demands = Demands { rules, typed, now, skew: connection.clock_skew };
        let claims = match brought.described {
            // A reference token says nothing itself.
            Some(described) if !brought.token.contains('.') => {
                check_access_token(described, &demands).map_err(|_| Reason::TokenInvalid)?;
                described.clone()
            }
            Some(_) | None => {
                let peer = Peer { provider, connection };
                let verified = self.relying_party.access_token(peer, brought.token, &demands);
                verified.await.map_err(|fault| fault.reason())?
            }
        };
        let ends_at = moment(&claims, "exp").ok_or(Reason::TokenInvalid)?;
        let by_client = !claims.contains_key("sub");
        let person = person(claims, now).ok_or(Reason::TokenInvalid)?;
        let identity = Self::identify(config, site, provider, person, now)?;
        if by_client && !is_named_by_a_rule(&identity) {
            return Err(Reason::UnmappedClient);
        }
        Ok(Identity { ends_at: identity.ends_at.into_iter().chain([ends_at]).min(), ..identity })
    }
}

/// Whom the token speaks of: a person, or the client itself (RFC 9068 §2.2).
fn person(claims: Map<String, Value>, now: Timestamp) -> Option<Person> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
    let subject = if claims.contains_key("sub") { text("sub")? } else { text("client_id")? };
    let authenticated_at = moment(&claims, "auth_time").map_or(now, |at| at.min(now));
    Some(Person {
        subject,
        inner: text("idp"),
        claims,
        id_token: None,
        authenticated_at,
        refresh: None,
    })
}

/// A program is a user only where the owner has written which one.
fn is_named_by_a_rule(identity: &Identity) -> bool {
    let mut names = identity.claims.iter().filter(|c| c.kind == types::NAME || c.kind == "name");
    names.any(Claim::is_literal)
}
