//! `grant_type=urn:ietf:params:oauth:grant-type:device_code` (RFC 8628 §3.4, §3.5): a device asks
//! until a person has decided elsewhere.

use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use crate::clock::Timestamp;
use crate::identity_server::IdentityServer;
use crate::identity_server::grant;
use crate::identity_server::grant::Call;
use crate::identity_server::grant::Grant;
use crate::identity_server::grant::Tokens;
use crate::identity_server::token::TokenError;
use crate::store::grants::Kind;
use crate::store::grants::Record;
use crate::store::grants::Spending;

/// The name of the grant.
pub(in crate::identity_server) const NAME: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// How long a device code is known for what it was once its time is up.
pub(in crate::identity_server) const AFTERMATH: Duration = Duration::from_mins(10);

/// What a device code stands for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::identity_server) struct Waiting {
    /// The code that a person types.
    pub(in crate::identity_server) user_code: String,
    /// When it is worth nothing any more.
    pub(in crate::identity_server) expires_at: Timestamp,
    /// When the device asked last.
    pub(in crate::identity_server) asked_at: Option<Timestamp>,
}

/// What a user code stands for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::identity_server) struct Asked {
    /// What the device asks for.
    pub(in crate::identity_server) scopes: Vec<String>,
    /// What has come of it.
    pub(in crate::identity_server) answer: Answer,
}

/// A person's answer to a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::identity_server) enum Answer {
    /// None yet.
    Open,
    /// No.
    Denied,
    /// Yes: the record names the grant.
    Allowed,
}

impl IdentityServer {
    /// Answers a device with tokens once its person has allowed that, and with what it is to do
    /// until then.
    pub(in crate::identity_server) async fn poll_device(
        &self,
        call: &Call<'_>,
    ) -> Result<Tokens, TokenError> {
        let code =
            call.value("device_code").ok_or(TokenError::Malformed("device_code is missing"))?;
        let now = call.visit.exchange.now;
        let seen = self.parts.grants.find(Kind::DeviceCode, code, now).await?;
        let seen = seen.filter(|seen| seen.client == call.client.id && !seen.spent);
        let seen = seen.ok_or(WORTHLESS)?;
        let waiting: Waiting = serde_json::from_str(&seen.data).map_err(|_| WORTHLESS)?;
        self.count_attempt(call, code, &seen, &waiting).await?;
        if now >= waiting.expires_at {
            return Err(TokenError::CodeOver);
        }
        let asked = self.parts.grants.find(Kind::UserCode, &waiting.user_code, now).await?;
        let asked = asked.ok_or(WORTHLESS)?;
        let answer: Asked = serde_json::from_str(&asked.data).map_err(|_| WORTHLESS)?;
        match answer.answer {
            Answer::Open => return Err(TokenError::Pending),
            Answer::Denied => return Err(TokenError::Denied),
            Answer::Allowed => {}
        }
        let grant = self.live_grant(&asked.grant, now).await?.ok_or(WORTHLESS)?;
        // Whatever may be wrong with the call is found out before it costs the code.
        let (grant, narrowed) = self.judged(call, grant).await?;
        let Spending::First(_) = self.parts.grants.spend(Kind::DeviceCode, code, now).await? else {
            return Err(WORTHLESS);
        };
        self.parts.grants.remove(Kind::UserCode, &waiting.user_code).await?;
        let refresh_token = self.offline(call, &grant).await?;
        self.tokens(call, &narrowed, None, refresh_token).await
    }

    /// The grant for the person as known now, and what the call wants of it.
    async fn judged(&self, call: &Call<'_>, grant: Grant) -> Result<(Grant, Grant), TokenError> {
        grant::check_admitted(call, &grant)?;
        let person = grant.person.renewed(&call.visit.config, &self.parts.local_users).await?;
        let person = person.ok_or(TokenError::BadGrant("the user no longer exists"))?;
        let grant = Grant { person, ..grant };
        let narrowed = grant::narrowed(call, &grant)?;
        Ok((grant, narrowed))
    }

    /// Notes an attempt. One that comes too soon is told so whatever else is true, and the waiting
    /// begins anew; so is whoever asks at the same moment as another.
    async fn count_attempt(
        &self,
        call: &Call<'_>,
        code: &str,
        seen: &Record,
        waiting: &Waiting,
    ) -> Result<(), TokenError> {
        let now = call.visit.exchange.now;
        let interval = call.visit.config.identity_server.options.device_interval;
        let too_soon = waiting.asked_at.is_some_and(|last| now.since(last) < interval);
        let noted = Waiting { asked_at: Some(now), ..waiting.clone() };
        let record = Record { data: grant::encode(&noted), ..seen.clone() };
        let alone = self.parts.grants.replace(Kind::DeviceCode, code, (seen, record), now).await?;
        if alone && !too_soon { Ok(()) } else { Err(TokenError::TooSoon) }
    }
}

const WORTHLESS: TokenError = TokenError::BadGrant("the device code is unknown, over or used");
