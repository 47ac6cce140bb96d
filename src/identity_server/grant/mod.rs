//! Grants: what a person allowed a client, and the tokens that come of it. One file a grant type.

pub(super) mod client_credentials;
pub(super) mod code;
pub(super) mod device;
pub(super) mod refresh;

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use crate::clock::Timestamp;
use crate::config::model::identity_server::Client;
use crate::config::model::identity_server::IdentityServerSettings;
use crate::crypto::random;
use crate::http::form::Form;
use crate::identity_server::IdentityServer;
use crate::identity_server::client;
use crate::identity_server::mint::Around;
use crate::identity_server::mint::Mint;
use crate::identity_server::person::Person;
use crate::identity_server::requested::RequestedClaims;
use crate::identity_server::scope;
use crate::identity_server::token::TokenError;
use crate::session::Session;
use crate::session::Visit;
use crate::store::StoreError;
use crate::store::grants::Kind;
use crate::store::grants::Record;

/// Length of a grant's name: 80 random bits in hexadecimal digits. The `jti` of a JWT that is issued
/// under it begins with it.
pub(super) const NAME_LENGTH: usize = 20;

/// What a person allowed a client. Everything issued under it is good only while its record is
/// there, so that it ends with it at once and everywhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Grant {
    /// Its name.
    pub(super) name: String,
    /// Whom.
    pub(super) client_id: String,
    /// Who.
    pub(super) person: Person,
    /// What.
    pub(super) scopes: Vec<String>,
    /// What was asked for by name.
    pub(super) requested: RequestedClaims,
    /// The resources that it is meant for (RFC 8707); none is all that the scopes address.
    #[serde(default)]
    pub(super) resources: Vec<String>,
}

impl Grant {
    /// A grant with a fresh name, not kept yet.
    pub(super) fn new(
        client: &Client,
        person: Person,
        scopes: Vec<String>,
        requested: RequestedClaims,
    ) -> Self {
        let mut name = random::identifier();
        name.truncate(NAME_LENGTH);
        let (client_id, resources) = (client.id.clone(), Vec::new());
        Self { name, client_id, person, scopes, requested, resources }
    }

    /// Whether `scope` is part of it.
    pub(super) fn covers(&self, scope: &str) -> bool {
        self.scopes.iter().any(|granted| granted == scope)
    }

    /// A record of what stands and falls with it.
    pub(super) fn part(&self, data: String, ends_at: Timestamp) -> Record {
        Record {
            grant: self.name.clone(),
            client: self.client_id.clone(),
            subject: self.person.subject.clone(),
            session: self.person.sid.clone(),
            owner: self.person.sid.clone(),
            data,
            ends_at,
            ..Record::default()
        }
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

    /// Keeps a new grant until `ends_at`.
    pub(super) async fn keep_grant(
        &self,
        grant: &Grant,
        ends_at: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let record = grant.part(encode(grant), ends_at);
        self.parts.grants.keep(Kind::Grant, &grant.name, record, now).await
    }

    /// The grant of this name, unless it has ended.
    pub(super) async fn live_grant(
        &self,
        name: &str,
        now: Timestamp,
    ) -> Result<Option<Grant>, StoreError> {
        let found = self.parts.grants.find(Kind::Grant, name, now).await?;
        Ok(found.and_then(|record| serde_json::from_str(&record.data).ok()))
    }

    /// Puts what is true of `grant` now in the place of what is kept, and lets it live until
    /// `ends_at` at least. Whether it is still there: one that has ended stays ended.
    pub(super) async fn renew_grant(
        &self,
        grant: &Grant,
        ends_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        loop {
            let Some(seen) = self.parts.grants.find(Kind::Grant, &grant.name, now).await? else {
                return Ok(false);
            };
            let new = grant.part(encode(grant), seen.ends_at.max(ends_at));
            if self.parts.grants.replace(Kind::Grant, &grant.name, &seen, new).await? {
                return Ok(true);
            }
        }
    }

    /// Ends a grant and everything issued under it.
    pub(super) async fn end_grant(&self, name: &str) -> Result<(), StoreError> {
        self.parts.grants.remove(Kind::Grant, name).await.map(|_| ())
    }

    /// Ends what was granted in `session`, but to clients whose file says that their tokens outlive
    /// it (`CoordinateLifetimeWithUserSession`, END-14).
    pub(super) async fn end_grants(
        &self,
        settings: &IdentityServerSettings,
        session: &Session,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for (key, record) in
            self.parts.grants.of_session(Kind::Grant, &session.public_id, now).await?
        {
            if !outlives_session(settings, &record.client) {
                self.parts.grants.drop_key(Kind::Grant, key).await?;
            }
        }
        Ok(())
    }

    /// The tokens of `grant`, with `refresh_token` beside them.
    fn tokens(
        &self,
        call: &Call<'_>,
        grant: &Grant,
        nonce: Option<&str>,
        refresh_token: Option<String>,
    ) -> Result<Tokens, TokenError> {
        let mint = self.mint(call);
        let access = mint.access_token(grant).ok_or(TokenError::Internal)?;
        let around = Around { nonce, access_token: Some(&access), ..Around::default() };
        let id_token = if grant.covers(scope::OPENID) {
            Some(mint.id_token(grant, &around).ok_or(TokenError::Internal)?)
        } else {
            None
        };
        Ok(Tokens {
            id_token,
            access_token: access,
            expires_in: call.client.access_token_lifetime.as_secs(),
            token_type: "Bearer",
            refresh_token,
            scope: grant.scopes.join(" "),
            user: Some(grant.person.user_name.clone()),
        })
    }
}

/// How long a grant lives at least: as long as the last token that may come of it.
pub(super) fn lifetime(client: &Client, longest: Duration) -> Duration {
    longest.saturating_add(client.access_token_lifetime)
}

/// JSON, which these values always are.
pub(super) fn encode(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn outlives_session(settings: &IdentityServerSettings, client: &str) -> bool {
    client::find(settings, client).is_some_and(|client| !client.coordinate_with_session)
}
