//! The relying party: discovery, the authorization request, the code's way to verified claims, and
//! sign-out, for every OpenID provider. Endpoints, keys and rules are those of the provider that the
//! transaction names, never of what a response says.

mod access_token;
mod authorize;
mod cached;
mod call;
mod exchange;
mod fault;
mod health;
mod id_token;
mod keys;
mod logout_token;
mod metadata;
mod organisation;
mod refresh;
mod userinfo;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use jsonwebtoken::jwk::Jwk;
use serde_json::Map;
use serde_json::Value;

pub(super) use access_token::Demands;
pub(super) use access_token::check as check_access_token;
pub(super) use authorize::Request;
pub(super) use call::Call;
pub(super) use fault::Fault;
use fault::TokenFault;
pub(super) use fault::is_about_redirect;
pub use health::Document;
pub use health::Documents;
pub use health::Signature;
pub(super) use logout_token::LogoutToken;
pub(super) use logout_token::addressed;
pub(super) use metadata::Metadata;
pub(super) use refresh::Interrupted;
pub(super) use refresh::SignedIn;

use crate::clock::Timestamp;
use crate::config::model::OpenIdConnect;
use crate::config::model::Provider;
use crate::crypto::jws::JwsFault;
use crate::crypto::jws::Kind;
use crate::crypto::jws::Verifier;
use crate::crypto::jws::moment;
use crate::crypto::secret::Secret;
use crate::http::client::Client;
use crate::http::client::Trust;
use crate::login::oidc::cached::Cached;
use crate::login::oidc::exchange::Access;
use crate::login::oidc::exchange::Code;
use crate::login::oidc::id_token::Expected;
use crate::login::oidc::id_token::IdToken;
use crate::login::oidc::keys::Keys;
use crate::observe::Metrics;
use crate::session::Refresh;

/// Speaks OpenID Connect to every provider.
#[derive(Debug)]
pub(super) struct RelyingParty {
    client: Arc<Client>,
    metrics: Arc<Metrics>,
    known: DashMap<Source, Arc<Known>>,
}

/// What is kept of one provider.
#[derive(Debug, Default)]
struct Known {
    metadata: Arc<Cached<Metadata>>,
    keys: Keys,
}

/// Where a provider's documents come from. Part of the key, so that a reload that changes any of it
/// begins afresh.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Source {
    provider: Arc<str>,
    issuer: String,
    metadata_address: String,
    certificate_authority: Option<PathBuf>,
    require_https: bool,
}

/// What the browser brought back.
pub(super) struct Answer<'a> {
    /// The code, where one was asked for.
    pub code: Option<&'a str>,
    /// The ID token that came through the browser.
    pub id_token: Option<&'a str>,
    /// The redirect URI that it was brought to.
    pub redirect_uri: String,
    /// What was sent as `nonce`.
    pub nonce: &'a str,
    /// PKCE's secret half.
    pub verifier: &'a str,
    /// The present moment.
    pub now: Timestamp,
}

/// Whom the provider vouches for.
pub(super) struct Person {
    /// Its name for the person.
    pub subject: String,
    /// Verified claims, those of the userinfo endpoint included.
    pub claims: Map<String, Value>,
    /// The inner provider that the ID token itself names (`idp`).
    pub inner: Option<String>,
    /// The ID token, for `id_token_hint`; plain OAuth 2.0 has none.
    pub id_token: Option<Secret>,
    /// When the person proved who they are, as far as the provider says so.
    pub authenticated_at: Timestamp,
    /// Whether it does not, and that is when they came.
    pub time_assumed: bool,
    /// How the provider is asked anew, where it lets us.
    pub refresh: Option<Refresh>,
}

/// A provider and how it is reached.
#[derive(Clone, Copy)]
pub(super) struct Peer<'a> {
    /// The provider.
    pub provider: &'a Provider,
    /// Its connection.
    pub connection: &'a OpenIdConnect,
}

/// How long an access token is taken to be good whose provider does not say.
const UNTOLD_LIFETIME: Duration = Duration::from_hours(1);
/// Most providers that are remembered; a configuration has a few, each reload may add some.
const MOST_KNOWN: usize = 1000;

impl RelyingParty {
    /// Knows nobody yet.
    pub(super) fn new(client: Arc<Client>, metrics: Arc<Metrics>) -> Self {
        Self { client, metrics, known: DashMap::new() }
    }

    /// The provider's description of itself.
    ///
    /// # Errors
    ///
    /// [`Fault::Down`] and [`Fault::Metadata`].
    pub(super) async fn metadata(&self, peer: Peer<'_>, now: Timestamp) -> Result<Metadata, Fault> {
        let known = self.known(peer);
        let call = self.call(peer, "discovery");
        let connection = peer.connection.clone();
        let fetch = async move {
            let json = call.read(metadata::address(&connection)).await?;
            let read = metadata::read(&connection, &json);
            if let Err(fault) = &read {
                tracing::warn!(provider = ?call.provider, ?fault, "discovery document refused");
            }
            read
        };
        Ok(known.metadata.obtain(now, fetch).await?.value.clone())
    }

    /// Where the browser is sent to sign in.
    ///
    /// # Errors
    ///
    /// As [`Self::metadata`].
    pub(super) async fn authorization_url(
        &self,
        peer: Peer<'_>,
        request: Request<'_>,
        now: Timestamp,
    ) -> Result<String, Fault> {
        let metadata = self.metadata(peer, now).await?;
        authorize::url(peer.connection, &metadata, request)
    }

    /// Turns what the browser brought back into verified claims.
    ///
    /// # Errors
    ///
    /// See [`Fault`]. The code is sent nowhere unless everything that can be checked before has been.
    pub(super) async fn finish(&self, peer: Peer<'_>, answer: Answer<'_>) -> Result<Person, Fault> {
        let metadata = self.metadata(peer, answer.now).await?;
        let expected = expected(peer, &metadata, answer.nonce, answer.now);
        let front = self.front_channel(peer, &metadata, &answer, &expected).await?;
        let (mut believed, id_token, access) = match (answer.code, front) {
            (Some(code), front) => {
                let code = Code {
                    value: code,
                    verifier: answer.verifier,
                    redirect_uri: answer.redirect_uri.clone(),
                };
                let call = self.call(peer, "token");
                let tokens = exchange::redeem(&call, peer.connection, &metadata, code).await?;
                let token = tokens.id_token.expose();
                let believed = self.verify(peer, &metadata, token, &expected).await?;
                believed.check_access_token(tokens.access.token.expose())?;
                if front.is_some_and(|front| front.subject != believed.subject) {
                    return Err(TokenFault::Contradiction.into());
                }
                (believed, tokens.id_token, Some(tokens.access))
            }
            (None, Some(front)) => (front, Secret::new(answer.id_token.unwrap_or_default()), None),
            (None, None) => return Err(Fault::Response("there is no code")),
        };
        organisation::admit(peer.connection, &metadata, &believed.claims)?;
        let inner = believed.claims.get("idp").and_then(Value::as_str).map(str::to_owned);
        if let Some(access) = &access {
            let further = self.userinfo(peer, &metadata, &access.token, answer.now).await?;
            if let Some(further) = further {
                userinfo::merge(further, &believed.subject, &mut believed.claims)?;
            }
        }
        let authenticated_at = moment(&believed.claims, "auth_time");
        Ok(Person {
            subject: believed.subject,
            claims: believed.claims,
            inner,
            id_token: Some(id_token),
            authenticated_at: authenticated_at.map_or(answer.now, |at| at.min(answer.now)),
            time_assumed: authenticated_at.is_none(),
            refresh: access.and_then(|access| next_refresh(peer.connection, &access, answer.now)),
        })
    }

    /// Shows how old each provider's keys are.
    pub(super) fn observe(&self, now: Timestamp) {
        for known in &self.known {
            if let Some(kept) = known.keys.kept() {
                let age = i64::try_from(now.since(kept.at).as_secs()).unwrap_or(i64::MAX);
                let provider = &*known.key().provider;
                self.metrics.jwks_age.with_label_values(&[provider]).set(age);
            }
        }
    }

    /// The ID token that came through the browser, where the hybrid flow was asked for.
    async fn front_channel(
        &self,
        peer: Peer<'_>,
        metadata: &Metadata,
        answer: &Answer<'_>,
        expected: &Expected<'_>,
    ) -> Result<Option<IdToken>, Fault> {
        if !peer.connection.response_type.has_id_token() {
            return Ok(None);
        }
        let token = answer.id_token.ok_or(Fault::Response("there is no id_token"))?;
        let front = self.verify(peer, metadata, token, expected).await?;
        if let Some(code) = answer.code {
            front.check_code(code)?;
        }
        Ok(Some(front))
    }

    /// Verifies a token with the keys at hand and, when none of them fits, once more with fresh ones.
    async fn verify(
        &self,
        peer: Peer<'_>,
        metadata: &Metadata,
        token: &str,
        expected: &Expected<'_>,
    ) -> Result<IdToken, Fault> {
        let judge = |keys: &[Jwk]| id_token::verify(token, &verifier(peer, keys), expected);
        self.with_keys(peer, metadata, expected.now, judge).await
    }

    async fn with_keys<T>(
        &self,
        peer: Peer<'_>,
        metadata: &Metadata,
        now: Timestamp,
        judge: impl Fn(&[Jwk]) -> Result<T, TokenFault>,
    ) -> Result<T, Fault> {
        let known = self.known(peer);
        let fetch = || self.call(peer, "jwks").keys(metadata.jwks_uri.clone());
        let keys = known.keys.obtain(now, fetch()).await?;
        match judge(&keys.value) {
            // A signature that no key at hand made may be a new key's, with or without an id.
            Err(TokenFault::Signed(JwsFault::UnknownKey | JwsFault::Signature))
                if known.keys.may_refetch(now) =>
            {
                let keys = known.keys.refetch(now, fetch()).await?;
                Ok(judge(&keys.value)?)
            }
            judged => Ok(judged?),
        }
    }

    /// What the userinfo endpoint adds, where it is asked.
    async fn userinfo(
        &self,
        peer: Peer<'_>,
        metadata: &Metadata,
        access_token: &Secret,
        now: Timestamp,
    ) -> Result<Option<Map<String, Value>>, Fault> {
        let Some(endpoint) =
            metadata.userinfo_endpoint.as_ref().filter(|_| peer.connection.userinfo)
        else {
            return Ok(None);
        };
        let request = userinfo::request(endpoint, access_token)?;
        let answer = self.call(peer, "userinfo").send(request).await?;
        if !userinfo::is_signed(&answer) {
            return userinfo::read(&answer).map(Some);
        }
        let judge =
            |keys: &[Jwk]| userinfo::verify(&answer, &verifier(peer, keys), peer.connection);
        self.with_keys(peer, metadata, now, judge).await.map(Some)
    }

    fn known(&self, peer: Peer<'_>) -> Arc<Known> {
        let source = Source {
            provider: Arc::clone(&peer.provider.name),
            issuer: peer.connection.issuer.clone(),
            metadata_address: metadata::address(peer.connection),
            certificate_authority: peer.connection.certificate_authority.clone(),
            require_https: peer.connection.require_https,
        };
        if let Some(known) = self.known.get(&source) {
            return Arc::clone(&known);
        }
        if self.known.len() >= MOST_KNOWN {
            self.known.clear();
        }
        Arc::clone(&self.known.entry(source).or_default())
    }

    fn call(&self, peer: Peer<'_>, endpoint: &'static str) -> Call {
        Call {
            client: Arc::clone(&self.client),
            metrics: Arc::clone(&self.metrics),
            provider: Arc::clone(&peer.provider.name),
            trust: trust(peer.connection),
            endpoint,
        }
    }
}

fn expected<'a>(
    peer: Peer<'a>,
    metadata: &'a Metadata,
    nonce: &'a str,
    now: Timestamp,
) -> Expected<'a> {
    Expected {
        issuer: metadata.names(peer.connection),
        client_id: &peer.connection.client_id,
        nonce,
        now,
        skew: peer.connection.clock_skew,
    }
}

/// When the provider is asked anew: as its owner wants it, else when the access token has expired.
fn next_refresh(connection: &OpenIdConnect, access: &Access, now: Timestamp) -> Option<Refresh> {
    let token = access.refresh_token.clone()?;
    let after = connection.refresh_after.or(access.expires_in).unwrap_or(UNTOLD_LIFETIME);
    Some(Refresh { token, due_at: now.plus(after) })
}

fn verifier<'a>(peer: Peer<'a>, keys: &'a [Jwk]) -> Verifier<'a, String> {
    Verifier {
        keys,
        algorithms: &peer.connection.signing_algorithms,
        secret: peer.connection.client_secret.as_ref(),
        kind: Kind::Jwt,
    }
}

fn trust(connection: &OpenIdConnect) -> Trust {
    Trust {
        certificate_authority: connection.certificate_authority.clone(),
        plain_http: metadata::plain_http(connection),
    }
}
