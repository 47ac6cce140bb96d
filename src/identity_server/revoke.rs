//! `/connect/revocation` (RFC 7009): a client gives back a token of its own.

use http::StatusCode;
use http::header;
use serde_json::Value;

use crate::clock::Timestamp;
use crate::config::model::identity_server::Client;
use crate::error::Problem;
use crate::http::Response;
use crate::http::form::Form;
use crate::http::response;
use crate::identity_server::IdentityServer;
use crate::identity_server::grant::refresh;
use crate::identity_server::issuer_of;
use crate::identity_server::token::TokenError;
use crate::observe::audit;
use crate::session::Visit;
use crate::store::grants::Kind;
use crate::store::grants::Record;

impl IdentityServer {
    /// Revokes a token. A client is told the same whether there was one or not, and another
    /// client's token is left alone (§2.2).
    pub(super) async fn revoke(&self, visit: &Visit) -> Result<Response, Problem> {
        let issuer = issuer_of(visit)?;
        let form = visit.exchange.form()?;
        let revoked = self.revoke_for(visit, &form, issuer).await;
        match revoked {
            Ok(true) => write_audit(visit, audit::Event::GrantRevoked),
            Ok(false) => {}
            Err(_) => write_audit(visit, audit::Event::TokenRefused),
        }
        let mut response = match revoked {
            Ok(_) => response::empty(StatusCode::OK),
            Err(error) => error.response(),
        };
        response.headers_mut().insert(header::CACHE_CONTROL, response::NO_STORE);
        Ok(response)
    }

    /// Whether there was something to revoke.
    async fn revoke_for(
        &self,
        visit: &Visit,
        form: &Form,
        issuer: &str,
    ) -> Result<bool, TokenError> {
        let client = self.authenticate(visit, form, issuer).await?;
        let token = form.get("token").filter(|token| !token.is_empty());
        let token = token.ok_or(TokenError::Malformed("token is missing"))?;
        // The hint may mislead; all kinds are looked for (§2.1).
        match form.get("token_type_hint").filter(|hint| !hint.is_empty()) {
            None | Some("access_token" | "refresh_token") => {}
            Some(_) => return Err(TokenError::UnknownTokenType),
        }
        let now = visit.exchange.now;
        if self.revoke_refresh_token(&client, token, now).await?
            || self.revoke_reference_token(&client, token, now).await?
        {
            return Ok(true);
        }
        self.revoke_jwt(&client, issuer, token, now).await
    }

    /// Ends the grant that a refresh token belongs to, whether it is the newest of its family or an
    /// older one, and with it the person's other reference tokens of this client (IdentityServer4).
    async fn revoke_refresh_token(
        &self,
        client: &Client,
        token: &str,
        now: Timestamp,
    ) -> Result<bool, TokenError> {
        let Some(name) = refresh::family_of(token) else { return Ok(false) };
        let Some(record) = self.parts.grants.find(Kind::RefreshToken, name, now).await? else {
            return Ok(false);
        };
        if record.client != client.id {
            return Ok(false);
        }
        self.end_family(name, &record).await?;
        self.drop_all(Kind::ReferenceToken, &record.subject, &client.id, now).await?;
        Ok(true)
    }

    async fn revoke_reference_token(
        &self,
        client: &Client,
        token: &str,
        now: Timestamp,
    ) -> Result<bool, TokenError> {
        let Some(record) = self.parts.grants.find(Kind::ReferenceToken, token, now).await? else {
            return Ok(false);
        };
        if record.client != client.id {
            return Ok(false);
        }
        Ok(self.parts.grants.remove(Kind::ReferenceToken, token).await?)
    }

    /// Remembers until its end that a JWT is worth nothing any more.
    async fn revoke_jwt(
        &self,
        client: &Client,
        issuer: &str,
        token: &str,
        now: Timestamp,
    ) -> Result<bool, TokenError> {
        let Some(access) = self.access(issuer, token, now).await? else { return Ok(false) };
        let text = |name: &str| access.claims.get(name).and_then(Value::as_str);
        if text("client_id") != Some(&client.id) {
            return Ok(false);
        }
        // One without a name of its own (`IncludeJwtId`) cannot be told from others.
        let id = text("jti").ok_or(TokenError::UnknownTokenType)?;
        let ends_at = access.claims.get("exp").and_then(Value::as_i64).unwrap_or_default();
        let record = Record {
            client: client.id.clone(),
            owner: access.grant.map_or_else(|| client.id.clone(), |grant| grant.person.subject),
            ends_at: Timestamp(ends_at),
            ..Record::default()
        };
        self.parts.grants.keep(Kind::RevokedToken, id, record, now).await?;
        Ok(true)
    }
}

fn write_audit(visit: &Visit, event: audit::Event) {
    audit::Entry { reason: Some("revocation"), ..visit.entry(event) }.write();
}
