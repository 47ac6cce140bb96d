//! What is known of a provider without asking it, and whether it signed a token that somebody shows:
//! for the pages of administrators.

use serde_json::Map;
use serde_json::Value;

use crate::clock::Timestamp;
use crate::crypto::jws;
use crate::crypto::jws::JwsFault;
use crate::login::oidc::Fault;
use crate::login::oidc::Peer;
use crate::login::oidc::RelyingParty;
use crate::login::oidc::TokenFault;
use crate::login::oidc::cached::Failed;
use crate::login::oidc::expected;
use crate::login::oidc::id_token;
use crate::login::oidc::metadata;
use crate::login::oidc::verifier;

/// How it stands with one of a provider's documents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// When the one came that is used now.
    pub fetched: Option<Timestamp>,
    /// When and why the last fetch failed, unless a later one succeeded.
    pub failed: Option<(Timestamp, String)>,
}

/// How it stands with a provider's documents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Documents {
    /// Its description of itself.
    pub discovery: Document,
    /// Its keys.
    pub keys: Document,
    /// How many keys there are.
    pub key_count: usize,
    /// When the certificate ends that it showed last.
    pub certificate_ends: Option<Timestamp>,
}

impl Documents {
    /// Both of them: the description and the keys.
    pub fn both(&self) -> [&Document; 2] {
        [&self.discovery, &self.keys]
    }
}

/// What is to be thought of a token that somebody shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signature {
    /// The provider signed it for us, and it is not old.
    Verified,
    /// The provider signed it, but no sign-in would take it.
    Unfit(String),
    /// Nobody knows who made it.
    Unverified(String),
}

impl RelyingParty {
    /// What is known of the provider. Nothing is fetched for it.
    pub(in crate::login) fn documents(&self, peer: Peer<'_>) -> Documents {
        let known = self.known(peer);
        let metadata = known.metadata.kept();
        let keys = known.keys.kept();
        let address = metadata::address(peer.connection).parse();
        let certificate = address.ok().and_then(|address| self.client.certificate_end(&address));
        Documents {
            discovery: document(metadata.map(|kept| kept.at), known.metadata.failed().as_deref()),
            key_count: keys.as_ref().map_or(0, |keys| keys.value.len()),
            keys: document(keys.map(|kept| kept.at), known.keys.failed().as_deref()),
            certificate_ends: certificate,
        }
    }

    /// The claims of an ID token that somebody shows, and whether the provider signed it. It lets
    /// nobody in: a nonce, which no such token can answer, is not asked for.
    ///
    /// # Errors
    ///
    /// [`JwsFault::Malformed`] for what is no token.
    pub(in crate::login) async fn inspect(
        &self,
        peer: Peer<'_>,
        token: &str,
        now: Timestamp,
    ) -> Result<(Map<String, Value>, Signature), JwsFault> {
        let claims = jws::peek(token)?.claims;
        let signature = match self.judge(peer, token, now).await {
            Ok(None) => Signature::Verified,
            Ok(Some(fault)) => Signature::Unfit(fault.to_string()),
            Err(fault) => Signature::Unverified(fault.to_string()),
        };
        Ok((claims, signature))
    }

    /// The rule that a token of the provider's breaks; an error when it is none of its tokens.
    async fn judge(
        &self,
        peer: Peer<'_>,
        token: &str,
        now: Timestamp,
    ) -> Result<Option<TokenFault>, Fault> {
        let metadata = self.metadata(peer, now).await?;
        let read = |keys: &[_]| Ok(verifier(peer, keys).verify(token)?);
        let verified = self.with_keys(peer, &metadata, now, read).await?;
        let expected = expected(peer, &metadata, "", now);
        Ok(id_token::check_address(&verified.claims, &expected).err())
    }
}

fn document(fetched: Option<Timestamp>, failed: Option<&Failed>) -> Document {
    let failed = failed.map(|failed| (failed.at, failed.fault.to_string()));
    Document { fetched, failed }
}
