//! What administrators are told of providers: how they are, and what a token of theirs says.

use serde_json::Map;
use serde_json::Value;

use crate::clock::Timestamp;
use crate::config::model::Provider;
use crate::crypto::jws;
use crate::crypto::jws::JwsFault;
use crate::login::Login;
use crate::login::oidc::Documents;
use crate::login::oidc::Peer;
use crate::login::oidc::Signature;
use crate::login::way::Way;

/// An ID token that somebody shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownToken {
    /// What it says.
    pub claims: Map<String, Value>,
    /// What is to be thought of it.
    pub signature: Signature,
}

impl Login {
    /// How it stands with the documents of `provider`; `None` where it has none. Nothing is fetched.
    pub fn documents(&self, provider: &Provider) -> Option<Documents> {
        match Way::to(provider)? {
            Way::OpenIdConnect(connection) => {
                Some(self.relying_party.documents(Peer { provider, connection }))
            }
            Way::OAuth2(connection) => Some(Documents {
                certificate_ends: self.plain_party.certificate_end(&connection.token_endpoint),
                ..Documents::default()
            }),
        }
    }

    /// What an ID token says, and whether `provider` signed it. Nobody is signed in by it.
    ///
    /// # Errors
    ///
    /// [`JwsFault::Malformed`] for what is no token.
    pub async fn inspect(
        &self,
        provider: &Provider,
        token: &str,
        now: Timestamp,
    ) -> Result<ShownToken, JwsFault> {
        if let Some(Way::OpenIdConnect(connection)) = Way::to(provider) {
            let peer = Peer { provider, connection };
            let (claims, signature) = self.relying_party.inspect(peer, token, now).await?;
            return Ok(ShownToken { claims, signature });
        }
        let claims = jws::peek(token)?.claims;
        let signature = Signature::Unverified("this provider signs no ID tokens".to_owned());
        Ok(ShownToken { claims, signature })
    }
}
