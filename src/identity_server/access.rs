//! What an access token of ours stands for: the live grant behind it and what it covers.

use serde_json::Map;
use serde_json::Value;

use crate::clock::Timestamp;
use crate::identity_server::IdentityServer;
use crate::identity_server::grant;
use crate::identity_server::grant::Grant;
use crate::identity_server::keys;
use crate::store::StoreError;
use crate::store::grants::Kind;

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
}

impl IdentityServer {
    /// Reads an access token of ours; `None` for one that is foreign, over or revoked.
    pub(super) async fn access(
        &self,
        issuer: &str,
        token: &str,
        now: Timestamp,
    ) -> Result<Option<Access>, StoreError> {
        let Some(claims) = self.signed_claims(issuer, token, now) else { return Ok(None) };
        let id = claims.get("jti").and_then(Value::as_str).unwrap_or_default().to_owned();
        if self.parts.grants.find(Kind::RevokedToken, &id, now).await?.is_some() {
            return Ok(None);
        }
        if !claims.contains_key("sub") {
            return Ok(Some(Access { claims, grant: None }));
        }
        let name = id.get(..grant::NAME_LENGTH).unwrap_or_default();
        let grant = self.live_grant(name, now).await?;
        Ok(grant.map(|grant| Access { claims, grant: Some(grant) }))
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
