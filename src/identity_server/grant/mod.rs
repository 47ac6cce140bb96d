//! Grants: what a person allowed a client, and the tokens that come of it. One file a grant type.

pub(super) mod client_credentials;
pub(super) mod code;
pub(super) mod refresh;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use serde::Serialize;

use crate::config::model::identity_server::Client;
use crate::config::model::identity_server::IdentityServerSettings;
use crate::http::form::Form;
use crate::identity_server::IdentityServer;
use crate::identity_server::client;
use crate::identity_server::mint::Around;
use crate::identity_server::mint::Mint;
use crate::identity_server::person;
use crate::identity_server::person::Person;
use crate::identity_server::requested::RequestedClaims;
use crate::identity_server::scope;
use crate::identity_server::token::TokenError;
use crate::session::Session;
use crate::session::Visit;

/// What a person allowed a client. Everything issued under it dies with it.
#[derive(Debug)]
pub(super) struct Grant {
    /// Whom.
    pub(super) client_id: String,
    /// Who.
    pub(super) person: Person,
    /// What.
    pub(super) scopes: Vec<String>,
    /// What was asked for by name.
    pub(super) requested: RequestedClaims,
    /// One for all renewals of the grant.
    revoked: Arc<AtomicBool>,
}

impl Grant {
    /// A live grant.
    pub(super) fn new(
        client: &Client,
        person: Person,
        scopes: Vec<String>,
        requested: RequestedClaims,
    ) -> Self {
        let client_id = client.id.clone();
        Self { client_id, person, scopes, requested, revoked: Arc::default() }
    }

    /// The same grant with what is true of it now; the two end together.
    fn renewed(&self, person: Person, scopes: Vec<String>) -> Self {
        let (client_id, requested) = (self.client_id.clone(), self.requested.clone());
        Self { client_id, person, scopes, requested, revoked: Arc::clone(&self.revoked) }
    }

    /// Ends it, and with it every token issued under it.
    pub(super) fn revoke(&self) {
        self.revoked.store(true, Ordering::Release);
    }

    /// Whether it has ended.
    pub(super) fn is_revoked(&self) -> bool {
        self.revoked.load(Ordering::Acquire)
    }

    /// Whether `scope` is part of it.
    pub(super) fn covers(&self, scope: &str) -> bool {
        self.scopes.iter().any(|granted| granted == scope)
    }
}

/// An authenticated call of the token endpoint.
#[derive(Debug)]
pub(super) struct Call<'a> {
    /// The request.
    pub(super) visit: &'a Visit,
    /// Its parameters.
    pub(super) form: &'a Form,
    /// Who calls.
    pub(super) client: &'a Arc<Client>,
    /// `iss`.
    pub(super) issuer: &'a str,
}

impl Call<'_> {
    /// A parameter, when it is there and not empty (RFC 6749 §3.2).
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.form.get(name).filter(|value| !value.is_empty())
    }
}

/// A successful answer of the token endpoint (RFC 6749 §5.1).
#[derive(Debug, Serialize)]
pub(super) struct Tokens {
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
    access_token: String,
    expires_in: u64,
    token_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    scope: String,
    /// The account, for the audit trail.
    #[serde(skip)]
    pub(super) user: Option<String>,
}

impl IdentityServer {
    /// What makes the tokens of a call.
    fn mint<'a>(&'a self, call: &'a Call<'_>) -> Mint<'a> {
        Mint {
            keys: &self.keys,
            issuer: call.issuer,
            settings: &call.visit.config.identity_server,
            client: call.client,
            now: call.visit.exchange.now,
        }
    }

    /// Ends what was granted in `session`, but to clients whose file says that their tokens outlive
    /// it (`CoordinateLifetimeWithUserSession`, END-14).
    pub(super) fn end_grants(&self, settings: &IdentityServerSettings, session: &Session) {
        let stays = |grant: &Grant| {
            if grant.person.sid != session.public_id || outlives_session(settings, grant) {
                return true;
            }
            grant.revoke();
            false
        };
        self.access_tokens.retain(&session.public_id, |grant| stays(grant));
        self.refresh_tokens.retain(&person::subject_of(session), |family| stays(family.grant()));
    }

    /// The tokens of `grant`, with `refresh_token` beside them.
    fn tokens(
        &self,
        call: &Call<'_>,
        grant: &Arc<Grant>,
        nonce: Option<&str>,
        refresh_token: Option<String>,
    ) -> Result<Tokens, TokenError> {
        let now = call.visit.exchange.now;
        let mint = self.mint(call);
        let access = mint.access_token(grant).ok_or(TokenError::Internal)?;
        let around = Around { nonce, access_token: Some(&access.text), ..Around::default() };
        let id_token = if grant.covers(scope::OPENID) {
            Some(mint.id_token(grant, &around).ok_or(TokenError::Internal)?)
        } else {
            None
        };
        let ends_at = now.plus(call.client.access_token_lifetime);
        let owner = (grant.person.sid.as_str(), Arc::clone(grant));
        self.access_tokens.keep(&access.id, owner, ends_at, now);
        Ok(Tokens {
            id_token,
            access_token: access.text,
            expires_in: call.client.access_token_lifetime.as_secs(),
            token_type: "Bearer",
            refresh_token,
            scope: grant.scopes.join(" "),
            user: Some(grant.person.user_name.clone()),
        })
    }
}

fn outlives_session(settings: &IdentityServerSettings, grant: &Grant) -> bool {
    client::find(settings, &grant.client_id).is_some_and(|client| !client.coordinate_with_session)
}
