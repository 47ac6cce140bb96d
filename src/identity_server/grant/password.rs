//! `grant_type=password` (RFC 6749 §4.3), for a client whose file asks for it: the name and the
//! password are checked and throttled as on the sign-in page.

use crate::config::model::identity_server::Client;
use crate::config::model::identity_server::IdentityServerSettings;
use crate::crypto::secret::Secret;
use crate::identity_server::IdentityServer;
use crate::identity_server::grant;
use crate::identity_server::grant::Call;
use crate::identity_server::grant::Grant;
use crate::identity_server::grant::Tokens;
use crate::identity_server::person::Person;
use crate::identity_server::requested::RequestedClaims;
use crate::identity_server::scope;
use crate::identity_server::token::TokenError;
use crate::users::local::Attempt;
use crate::users::local::Refusal;

/// The name of the grant.
pub(in crate::identity_server) const NAME: &str = "password";

/// Longest name and password, in bytes.
const LONGEST: usize = 100;

/// One answer for every reason, so that nobody learns which names there are or that a limit is hit.
const WRONG: TokenError = TokenError::BadGrant("invalid_username_or_password");

/// Whether a client may use this grant: what its file or the server's takes from the sign-in page is
/// not to be had here either.
pub(in crate::identity_server) fn is_allowed(
    settings: &IdentityServerSettings,
    client: &Client,
) -> bool {
    let granted = client.grant_types.iter().any(|grant| grant == NAME);
    granted && client.local_login && settings.allows("AllowLocalLogin")
}

impl IdentityServer {
    /// Tokens for whoever has this name and password. No ID token: nobody signed in anywhere.
    pub(in crate::identity_server) async fn password(
        &self,
        call: &Call<'_>,
    ) -> Result<Tokens, TokenError> {
        let settings = &call.visit.config.identity_server;
        let scopes = match call.value("scope") {
            Some(text) => {
                scope::read(settings, call.client, text).map_err(|_| TokenError::BadScope)?
            }
            None => defaults(settings, call.client)?,
        };
        let person = self.person_of(call).await?;
        let grant = Grant::new(call.client, person, scopes, RequestedClaims::default());
        let narrowed = grant::narrowed(call, &grant)?;
        let now = call.visit.exchange.now;
        self.keep_grant(&grant, now.plus(call.client.access_token_lifetime), now).await?;
        let refresh_token = self.offline(call, &grant).await?;
        self.tokens_without_id(call, &narrowed, refresh_token).await
    }

    async fn person_of(&self, call: &Call<'_>) -> Result<Person, TokenError> {
        let name = call.value("username").ok_or(TokenError::BadGrant("username is missing"))?;
        let password = call.form.get("password").unwrap_or_default();
        if name.len() > LONGEST || password.len() > LONGEST {
            return Err(WRONG);
        }
        let exchange = &call.visit.exchange;
        let site = &*call.visit.site.name;
        let attempt = Attempt { client: exchange.client, now: exchange.now, site };
        let users = &self.parts.local_users;
        let checked = users.check(&call.visit.config, name, Secret::new(password), attempt).await;
        match checked {
            Ok(identity) => Ok(Person::local(&identity, exchange.now)),
            Err(
                Refusal::WrongPassword
                | Refusal::Disabled
                | Refusal::Locked
                | Refusal::Throttled { .. },
            ) => Err(WRONG),
            Err(Refusal::Busy | Refusal::Unavailable) => Err(TokenError::Unavailable),
        }
    }
}

/// Every scope of the client, and `offline_access` where it may have that (ROPC-05).
fn defaults(settings: &IdentityServerSettings, client: &Client) -> Result<Vec<String>, TokenError> {
    let listed = client.scopes.iter().map(String::as_str).chain([scope::OFFLINE_ACCESS]);
    let scopes: Vec<String> =
        listed.filter(|s| scope::is_allowed(settings, client, s)).map(str::to_owned).collect();
    if scopes.is_empty() { Err(TokenError::BadScope) } else { Ok(scopes) }
}
