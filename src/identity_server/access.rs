//! Access tokens of ours: made as their client's file wants them, and read back to the live grant
//! behind them and what they cover.

use serde_json::Map;
use serde_json::Value;

use crate::clock::Timestamp;
use crate::config::Config;
use crate::config::model::identity_server::AccessTokenType;
use crate::crypto::random;
use crate::identity_server::IdentityServer;
use crate::identity_server::client;
use crate::identity_server::grant;
use crate::identity_server::grant::Grant;
use crate::identity_server::keys;
use crate::identity_server::mint;
use crate::identity_server::mint::Mint;
use crate::identity_server::mint::Own;
use crate::store::StoreError;
use crate::store::grants::Kind;
use crate::store::grants::Record;
use crate::users::local::LocalUsers;

/// An access token that is good.
#[derive(Debug)]
pub(super) struct Access {
    /// Its claims.
    pub(super) claims: Map<String, Value>,
    /// What it stands on; `None` when a client asked for it on its own behalf.
    pub(super) grant: Option<Grant>,
}

impl Access {
    /// The scopes it covers: never more than the grant's, and fewer where fewer were asked for.
    pub(super) fn scopes(&self) -> Vec<String> {
        let names: Vec<&str> = match self.claims.get("scope") {
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(names)) => names.split(' ').collect(),
            Some(_) | None => Vec::new(),
        };
        names.into_iter().filter(|name| !name.is_empty()).map(str::to_owned).collect()
    }

    /// Whether the client and, where there is one, the person are still there.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    pub(super) async fn is_current(
        &self,
        config: &Config,
        users: &LocalUsers,
    ) -> Result<bool, StoreError> {
        if client::find(&config.identity_server, self.client()).is_none() {
            return Ok(false);
        }
        match &self.grant {
            Some(grant) => grant.person.is_active(config, users).await,
            None => Ok(true),
        }
    }

    /// Whom it was issued to.
    pub(super) fn client(&self) -> &str {
        self.claims.get("client_id").and_then(Value::as_str).unwrap_or_default()
    }

    /// Thumbprint of the key that it is bound to (RFC 9449 §6.1).
    pub(super) fn key(&self) -> Option<&str> {
        self.claims.get("cnf")?.get("jkt")?.as_str()
    }
}

impl IdentityServer {
    /// The claims of an access token of ours, a JWT or a reference, that is good now; `None` for any
    /// other: foreign, over, revoked, or of a client or person who is no longer there.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    pub async fn describe_access_token(
        &self,
        config: &Config,
        token: &str,
        now: Timestamp,
    ) -> Result<Option<Map<String, Value>>, StoreError> {
        let Some(issuer) = &config.identity_server.issuer else { return Ok(None) };
        let access = self.access(issuer, token, now).await?;
        let Some(access) = access else { return Ok(None) };
        let current = access.is_current(config, &self.parts.local_users).await?;
        Ok(current.then_some(access.claims))
    }

    /// Reads an access token of ours; `None` for one that is foreign, over or revoked.
    pub(super) async fn access(
        &self,
        issuer: &str,
        token: &str,
        now: Timestamp,
    ) -> Result<Option<Access>, StoreError> {
        if !token.contains('.') {
            return self.referenced(token, now).await;
        }
        let Some(claims) = self.signed_claims(issuer, token, now) else { return Ok(None) };
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let id = text("jti");
        if let Some(id) = id
            && self.parts.grants.find(Kind::RevokedToken, id, now).await?.is_some()
        {
            return Ok(None);
        }
        // Only tokens of a person say where the person signed in.
        if !claims.contains_key("idp") {
            return Ok(Some(Access { claims, grant: None }));
        }
        // Where there is a `jti` it alone names the grant.
        let name = match id {
            Some(id) => id.get(..grant::NAME_LENGTH),
            None => text(mint::GRANT),
        };
        let Some(name) = name else { return Ok(None) };
        let grant = self.live_grant(name, now).await?;
        Ok(grant.map(|grant| Access { claims, grant: Some(grant) }))
    }

    /// What a reference token stands for.
    async fn referenced(&self, token: &str, now: Timestamp) -> Result<Option<Access>, StoreError> {
        let Some(record) = self.parts.grants.find(Kind::ReferenceToken, token, now).await? else {
            return Ok(None);
        };
        let Ok(claims) = serde_json::from_str(&record.data) else { return Ok(None) };
        if record.grant.is_empty() {
            return Ok(Some(Access { claims, grant: None }));
        }
        let grant = self.live_grant(&record.grant, now).await?;
        Ok(grant.map(|grant| Access { claims, grant: Some(grant) }))
    }

    /// An access token for `grant`, as its client's file wants it: a JWT, or a handle that stands
    /// for the same claims.
    ///
    /// `None` only if signing fails.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    pub(super) async fn issue_access_token(
        &self,
        mint: &Mint<'_>,
        grant: &Grant,
    ) -> Result<Option<String>, StoreError> {
        let claims = mint.access_claims(grant);
        match mint.client.access_token_type {
            AccessTokenType::Jwt => {
                Ok(mint.sign_access_token(&claims, &grant.scopes, &grant.resources))
            }
            AccessTokenType::Reference => {
                let ends_at = mint.now.plus(mint.client.access_token_lifetime);
                let record = grant.part(grant::encode(&claims), ends_at);
                self.keep_reference(record, mint.now).await
            }
        }
    }

    /// The same for a client on its own behalf.
    ///
    /// # Errors
    ///
    /// As [`Self::issue_access_token`].
    pub(super) async fn issue_client_token(
        &self,
        mint: &Mint<'_>,
        own: &Own<'_>,
    ) -> Result<Option<String>, StoreError> {
        let claims = mint.client_claims(own);
        match mint.client.access_token_type {
            AccessTokenType::Jwt => Ok(mint.sign_access_token(&claims, own.scopes, own.resources)),
            AccessTokenType::Reference => {
                let client = mint.client.id.clone();
                let ends_at = mint.now.plus(mint.client.access_token_lifetime);
                let data = grant::encode(&claims);
                let record =
                    Record { owner: client.clone(), client, data, ends_at, ..Record::default() };
                self.keep_reference(record, mint.now).await
            }
        }
    }

    async fn keep_reference(
        &self,
        record: Record,
        now: Timestamp,
    ) -> Result<Option<String>, StoreError> {
        let handle = random::handle();
        self.parts.grants.keep(Kind::ReferenceToken, &handle, record, now).await?;
        Ok(Some(handle))
    }

    /// The claims of a JWT access token that we signed and whose time is not up.
    fn signed_claims(
        &self,
        issuer: &str,
        token: &str,
        now: Timestamp,
    ) -> Option<Map<String, Value>> {
        let Value::Object(claims) = self.keys.verify(token, keys::ACCESS_TOKEN)? else {
            return None;
        };
        let ours = claims.get("iss").and_then(Value::as_str) == Some(issuer);
        let ends_at = claims.get("exp").and_then(Value::as_i64).unwrap_or_default();
        (ours && now.0 < ends_at).then_some(claims)
    }
}
