//! Asking a provider anew of somebody who is signed in (OpenID Connect Core §12), and believing it
//! when it says that they are no longer.

use jsonwebtoken::jwk::Jwk;
use serde_json::Map;
use serde_json::Value;

use crate::clock::Timestamp;
use crate::crypto::jws;
use crate::crypto::secret::Secret;
use crate::login::oidc::Fault;
use crate::login::oidc::Metadata;
use crate::login::oidc::Peer;
use crate::login::oidc::Person;
use crate::login::oidc::RelyingParty;
use crate::login::oidc::exchange;
use crate::login::oidc::exchange::Access;
use crate::login::oidc::expected;
use crate::login::oidc::fault::TokenFault;
use crate::login::oidc::id_token;
use crate::login::oidc::next_refresh;
use crate::login::oidc::organisation;
use crate::login::oidc::userinfo;
use crate::login::oidc::verifier;
use crate::session::Refresh;

/// What is known of somebody who signed in before.
pub(in crate::login) struct SignedIn<'a> {
    /// The refresh token.
    pub refresh_token: &'a Secret,
    /// The ID token, verified when it came.
    pub id_token: &'a Secret,
    /// When the person proved who they are.
    pub authenticated_at: Timestamp,
    /// Whether nobody said so, and that is when they came.
    pub time_assumed: bool,
}

/// Why there are no new claims.
#[derive(Debug)]
pub(in crate::login) struct Interrupted {
    /// What went wrong; see [`Fault::ends_session`].
    pub fault: Fault,
    /// What takes the place of the refresh token, when that had been used before.
    pub refresh: Option<Refresh>,
}

impl From<Fault> for Interrupted {
    fn from(fault: Fault) -> Self {
        Self { fault, refresh: None }
    }
}

impl RelyingParty {
    /// Asks for new tokens, and for the claims that go with them.
    ///
    /// # Errors
    ///
    /// See [`Interrupted`]. No claim is asked for with the tokens of somebody else.
    pub(in crate::login) async fn renew(
        &self,
        peer: Peer<'_>,
        known: SignedIn<'_>,
        now: Timestamp,
    ) -> Result<Person, Interrupted> {
        let metadata = self.metadata(peer, now).await?;
        let call = self.call(peer, "token");
        let answer =
            exchange::refresh(&call, peer.connection, &metadata, known.refresh_token).await;
        let (id_token, mut access) = answer?;
        // A provider that does not rotate sends none, and the old one stays good (RFC 6749 §6).
        access.refresh_token.get_or_insert_with(|| known.refresh_token.clone());
        let refresh = next_refresh(peer.connection, &access, now);
        let fresh = Fresh { before: known.id_token, id_token: id_token.as_ref(), access: &access };
        let claims = match self.claims_again(peer, &metadata, fresh, now).await {
            Ok(claims) => claims,
            Err(fault) => return Err(Interrupted { fault, refresh }),
        };
        Ok(Person {
            inner: claims.get("idp").and_then(Value::as_str).map(str::to_owned),
            subject: id_token::subject(&claims).map_err(Fault::from)?.to_owned(),
            id_token: Some(id_token.unwrap_or_else(|| known.id_token.clone())),
            authenticated_at: known.authenticated_at,
            time_assumed: known.time_assumed,
            refresh,
            claims,
        })
    }

    /// The claims that go with fresh tokens.
    async fn claims_again(
        &self,
        peer: Peer<'_>,
        metadata: &Metadata,
        fresh: Fresh<'_>,
        now: Timestamp,
    ) -> Result<Map<String, Value>, Fault> {
        let before = jws::peek(fresh.before.expose()).map_err(TokenFault::from)?.claims;
        let mut claims = match fresh.id_token {
            None => before,
            Some(token) => {
                let expected = expected(peer, metadata, "", now);
                let judge = |keys: &[Jwk]| {
                    let verifier = verifier(peer, keys);
                    id_token::verify_again(token.expose(), &verifier, &expected, &before)
                };
                let believed = self.with_keys(peer, metadata, now, judge).await?;
                believed.check_access_token(fresh.access.token.expose())?;
                completed(believed.claims, &before)
            }
        };
        // Asked of the present configuration: an organisation may have been struck off meanwhile.
        organisation::admit(peer.connection, metadata, &claims)?;
        if let Some(further) = self.userinfo(peer, metadata, &fresh.access.token, now).await? {
            let subject = id_token::subject(&claims)?.to_owned();
            if id_token::subject(&further) != Ok(&subject) {
                return Err(TokenFault::Subject.into());
            }
            userinfo::merge(further, &subject, &mut claims)?;
        }
        Ok(claims)
    }
}

/// What a refresh has brought.
#[derive(Clone, Copy)]
struct Fresh<'a> {
    /// The ID token that was good until now.
    before: &'a Secret,
    id_token: Option<&'a Secret>,
    access: &'a Access,
}

/// A refreshed ID token need not repeat what names the session (§12.2): `sid` and `nonce` stay.
fn completed(mut claims: Map<String, Value>, before: &Map<String, Value>) -> Map<String, Value> {
    for name in ["sid", "nonce", "auth_time"] {
        if let (false, Some(value)) = (claims.contains_key(name), before.get(name)) {
            claims.insert(name.to_owned(), value.clone());
        }
    }
    claims
}
