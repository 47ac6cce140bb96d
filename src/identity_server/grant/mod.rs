//! Grants: what a person allowed a client, and the tokens that come of it. One file a grant type.

pub(super) mod client_credentials;
pub(super) mod code;
pub(super) mod device;
mod ending;
pub(super) mod password;
pub(super) mod refresh;

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

pub(super) use ending::MOST_WAITING;

use crate::clock::Timestamp;
use crate::config::model::identity_server::Client;
use crate::crypto::random;
use crate::http::form::Form;
use crate::identity_server::IdentityServer;
use crate::identity_server::interaction;
use crate::identity_server::mint::Around;
use crate::identity_server::mint::Mint;
use crate::identity_server::person;
use crate::identity_server::person::Person;
use crate::identity_server::requested::RequestedClaims;
use crate::identity_server::scope;
use crate::identity_server::token::TokenError;
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
    /// Thumbprint of the key that access tokens made of this are bound to (RFC 9449 §6).
    #[serde(default)]
    pub(super) key: Option<String>,
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
        Self { name, client_id, person, scopes, requested, resources, key: None }
    }

    /// Whether `scope` is part of it.
    pub(super) fn covers(&self, scope: &str) -> bool {
        self.scopes.iter().any(|granted| granted == scope)
    }

    /// Whose share is taken by what may outlive the person's sessions: no client pushes out what
    /// another one has of the same person.
    fn share(&self) -> String {
        person::at_client(&self.person.subject, &self.client_id)
    }

    /// A record of what stands and falls with it.
    pub(super) fn part(&self, data: String, ends_at: Timestamp) -> Record {
        // What came about without a session takes the person's share at the client.
        let Person { subject, sid, .. } = &self.person;
        Record {
            grant: self.name.clone(),
            client: self.client_id.clone(),
            subject: subject.clone(),
            session: sid.clone(),
            owner: if sid.is_empty() { self.share() } else { sid.clone() },
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
    /// Thumbprint of the key that the caller proved to hold (RFC 9449).
    pub(super) key: Option<String>,
}

impl Call<'_> {
    /// A parameter, when it is there and not empty (RFC 6749 §3.2).
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.form.get(name).filter(|value| !value.is_empty())
    }

    /// The resources that it names (RFC 8707 §2).
    fn resources(&self) -> Vec<String> {
        let named = self.form.all("resource").filter(|named| !named.is_empty());
        named.map(str::to_owned).collect()
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
            if self.parts.grants.replace(Kind::Grant, &grant.name, (&seen, new), now).await? {
                return Ok(true);
            }
        }
    }

    /// Ends a grant and everything issued under it.
    pub(super) async fn end_grant(&self, name: &str) -> Result<(), StoreError> {
        self.parts.grants.remove(Kind::Grant, name).await.map(|_| ())
    }

    /// The tokens of `grant`, with `refresh_token` beside them.
    pub(super) async fn tokens(
        &self,
        call: &Call<'_>,
        grant: &Grant,
        nonce: Option<&str>,
        refresh_token: Option<String>,
    ) -> Result<Tokens, TokenError> {
        let mut tokens = self.tokens_without_id(call, grant, refresh_token).await?;
        if grant.covers(scope::OPENID) {
            let access_token = Some(tokens.access_token.as_str());
            let around = Around { nonce, access_token, ..Around::default() };
            let id_token = self.mint(call).id_token(grant, &around);
            tokens.id_token = Some(id_token.ok_or(TokenError::Internal)?);
        }
        Ok(tokens)
    }

    /// The same without an ID token.
    async fn tokens_without_id(
        &self,
        call: &Call<'_>,
        grant: &Grant,
        refresh_token: Option<String>,
    ) -> Result<Tokens, TokenError> {
        let access_token = self.issue_access_token(&self.mint(call), grant).await?;
        let access_token = access_token.ok_or(TokenError::Internal)?;
        let user = Some(grant.person.user_name.clone());
        let scope = grant.scopes.join(" ");
        Ok(Tokens { refresh_token, user, ..Tokens::of(call, access_token, scope) })
    }

    /// A refresh token, where the grant covers one.
    async fn offline(&self, call: &Call<'_>, grant: &Grant) -> Result<Option<String>, TokenError> {
        if !grant.covers(scope::OFFLINE_ACCESS) {
            return Ok(None);
        }
        self.issue_refresh_token(call, grant).await.map(Some)
    }
}

impl Tokens {
    /// An access token alone.
    fn of(call: &Call<'_>, access_token: String, scope: String) -> Self {
        Self {
            id_token: None,
            access_token,
            expires_in: call.client.access_token_lifetime.as_secs(),
            token_type: if call.key.is_some() { "DPoP" } else { "Bearer" },
            refresh_token: None,
            scope,
            user: None,
        }
    }
}

/// `grant` as far as the call wants tokens of it: for the resources that it names (RFC 8707 §2.2),
/// and bound to the key that it proves to hold. The grant itself stays as wide as it is.
///
/// # Errors
///
/// [`TokenError::BadTarget`] for a resource that the call names and the grant does not reach, and
/// where nothing is left that it does.
fn narrowed(call: &Call<'_>, grant: &Grant) -> Result<Grant, TokenError> {
    let mut grant = grant.clone();
    grant.key.clone_from(&call.key);
    let (settings, wanted) = (&call.visit.config.identity_server, call.resources());
    if wanted.is_empty() {
        let left = scope::reached(settings, &grant.scopes, &grant.resources);
        (grant.scopes, grant.resources) = left.ok_or(TokenError::BadTarget)?;
        return Ok(grant);
    }
    let open = |name: &String| grant.resources.is_empty() || grant.resources.contains(name);
    if !wanted.iter().all(open) {
        return Err(TokenError::BadTarget);
    }
    grant.resources = wanted;
    scope::reach(settings, &mut grant.scopes, &grant.resources).ok_or(TokenError::BadTarget)?;
    Ok(grant)
}

/// The rules of the client's file hold for what was granted before they stood there.
///
/// # Errors
///
/// [`ENDED`] for a person whom the client does not admit any more.
fn check_admitted(call: &Call<'_>, grant: &Grant) -> Result<(), TokenError> {
    if interaction::admits(call.client, &grant.person) { Ok(()) } else { Err(ENDED) }
}

const ENDED: TokenError = TokenError::BadGrant("the grant has ended");

/// How long a grant lives at least: as long as the last token that may come of it.
pub(super) fn lifetime(client: &Client, longest: Duration) -> Duration {
    longest.saturating_add(client.access_token_lifetime)
}

/// JSON, which these values always are.
pub(super) fn encode(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
