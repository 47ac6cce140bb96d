//! `grant_type=client_credentials` (RFC 6749 §4.4): a client on its own behalf.

use crate::config::model::identity_server::Client;
use crate::config::model::identity_server::IdentityServerSettings;
use crate::identity_server::IdentityServer;
use crate::identity_server::grant::Call;
use crate::identity_server::grant::Tokens;
use crate::identity_server::mint::Own;
use crate::identity_server::scope;
use crate::identity_server::token::TokenError;

/// The name of the grant.
pub(in crate::identity_server) const NAME: &str = "client_credentials";

impl IdentityServer {
    /// A token for the client itself: no person, no ID token, no refresh token.
    pub(in crate::identity_server) async fn client_credentials(
        &self,
        call: &Call<'_>,
    ) -> Result<Tokens, TokenError> {
        // A name that anybody can say authenticates nobody (entry 262).
        if !call.client.require_secret {
            return Err(TokenError::GrantNotAllowed);
        }
        let settings = &call.visit.config.identity_server;
        let mut scopes = match call.value("scope") {
            Some(text) => asked(settings, call.client, text)?,
            None => defaults(settings, call.client)?,
        };
        let resources = call.resources();
        scope::reach(settings, &mut scopes, &resources).ok_or(TokenError::BadTarget)?;
        let own = Own { scopes: &scopes, resources: &resources, key: call.key.as_deref() };
        let access_token = self.issue_client_token(&self.mint(call), &own).await?;
        let access_token = access_token.ok_or(TokenError::Internal)?;
        Ok(Tokens::of(call, access_token, scopes.join(" ")))
    }
}

fn asked(
    settings: &IdentityServerSettings,
    client: &Client,
    text: &str,
) -> Result<Vec<String>, TokenError> {
    let scopes = scope::read(settings, client, text).map_err(|_| TokenError::BadScope)?;
    let apis_only = scopes.iter().all(|scope| scope::is_api(settings, scope));
    if apis_only { Ok(scopes) } else { Err(TokenError::BadScope) }
}

/// Every API scope of the client (CC-02); its identity scopes are left out (CC-03).
fn defaults(settings: &IdentityServerSettings, client: &Client) -> Result<Vec<String>, TokenError> {
    let apis = client.scopes.iter().filter(|scope| scope::is_api(settings, scope));
    let scopes: Vec<String> = apis.cloned().collect();
    if scopes.is_empty() { Err(TokenError::BadScope) } else { Ok(scopes) }
}
