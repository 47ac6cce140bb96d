//! A caller of the CMS who brings an access token in place of a session: the token is verified, and
//! the provider's transformations say whose it is, as they do at a sign-in.

use std::sync::Arc;

use serde_json::Map;
use serde_json::Value;

use crate::claims::Claim;
use crate::claims::types;
use crate::clock::Timestamp;
use crate::config::model::Config;
use crate::config::model::Provider;
use crate::config::model::Site;
use crate::crypto::jws::moment;
use crate::login::Login;
use crate::login::Reason;
use crate::login::endpoint;
use crate::login::kept::Venue;
use crate::login::oidc::Demands;
use crate::login::oidc::Fault;
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

/// Why a token makes nobody the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unbelieved {
    /// It is not good here; the caller is not told which rule it breaks.
    Invalid(Reason),
    /// It is good, and makes no user.
    Nobody(Reason),
    /// It cannot be judged: its issuer's keys cannot be had.
    Unjudged,
}

impl Unbelieved {
    /// A token that breaks a rule.
    pub const INVALID: Self = Self::Invalid(Reason::TokenInvalid);

    /// The reason as a label: one of a closed set.
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Invalid(reason) | Self::Nobody(reason) => reason.label(),
            Self::Unjudged => Reason::ProviderDown.label(),
        }
    }
}

impl Login {
    /// Whom the token makes the caller; the identity ends with the token.
    ///
    /// # Errors
    ///
    /// See [`Unbelieved`].
    pub async fn bearer(&self, brought: &Brought<'_>) -> Result<Identity, Unbelieved> {
        let Brought { config, site, now, .. } = *brought;
        let provider = taken_from(config, site);
        let connection = provider.and_then(|provider| endpoint::connection(provider));
        let (Some(rules), Some(provider), Some(connection)) =
            (&config.bearer, provider, connection)
        else {
            return Err(Unbelieved::Invalid(Reason::NotMapped));
        };
        let typed = brought.described.is_some();
        let demands = Demands { rules, typed, now, skew: connection.clock_skew };
        let claims = match brought.described {
            // A reference token says nothing itself.
            Some(described) if !brought.token.contains('.') => {
                check_access_token(described, &demands).map_err(|_| Unbelieved::INVALID)?;
                described.clone()
            }
            Some(_) | None => {
                let peer = Peer { provider, connection };
                let verified = self.relying_party.access_token(peer, brought.token, &demands);
                verified.await.map_err(|fault| unbelieved(&fault))?
            }
        };
        let ends_at = moment(&claims, "exp").ok_or(Unbelieved::INVALID)?;
        let by_client = speaks_of_a_client(&claims);
        let person = person(claims, now).ok_or(Unbelieved::INVALID)?;
        let identified = Self::identify(config, site, provider, person, now).map_err(nobody)?;
        let venue = Venue { config, site, provider, now };
        let recognised = venue.recognise(&self.parts.accounts, identified).await;
        let identity = recognised.map_err(nobody)?;
        if by_client && !is_named_by_a_rule(&identity) {
            return Err(Unbelieved::Nobody(Reason::UnmappedClient));
        }
        Ok(Identity { ends_at: identity.ends_at.into_iter().chain([ends_at]).min(), ..identity })
    }
}

/// The provider whose access tokens `site` takes.
pub fn taken_from<'c>(config: &'c Config, site: &'c Site) -> Option<&'c Arc<Provider>> {
    let rules = config.bearer.as_ref()?;
    site.providers.find(&rules.provider).filter(|provider| provider.is_enabled())
}

fn unbelieved(fault: &Fault) -> Unbelieved {
    if let Fault::Token(_) = fault { Unbelieved::INVALID } else { Unbelieved::Unjudged }
}

fn nobody(reason: Reason) -> Unbelieved {
    if reason == Reason::SessionOver {
        Unbelieved::Invalid(reason)
    } else if reason == Reason::StoreDown {
        Unbelieved::Unjudged
    } else {
        Unbelieved::Nobody(reason)
    }
}

/// Whether no person stands behind the token: its subject is missing, or the client itself (RFC 9068
/// §2.2, §5: where clients choose their ids, one could be called like a person).
fn speaks_of_a_client(claims: &Map<String, Value>) -> bool {
    claims.get("sub").is_none_or(|sub| claims.get("client_id") == Some(sub))
}

/// Whom the token speaks of: a person, or the client itself (RFC 9068 §2.2).
fn person(claims: Map<String, Value>, now: Timestamp) -> Option<Person> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
    let subject = if claims.contains_key("sub") { text("sub")? } else { text("client_id")? };
    let authenticated_at = moment(&claims, "auth_time");
    Some(Person {
        subject,
        inner: text("idp"),
        claims,
        id_token: None,
        authenticated_at: authenticated_at.map_or(now, |at| at.min(now)),
        time_assumed: authenticated_at.is_none(),
        refresh: None,
    })
}

/// A program is a user only where the owner has written which one.
fn is_named_by_a_rule(identity: &Identity) -> bool {
    let mut names = identity.claims.iter().filter(|c| c.kind == types::NAME || c.kind == "name");
    names.any(Claim::is_literal)
}
