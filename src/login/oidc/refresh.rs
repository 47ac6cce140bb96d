//! Asking a provider anew of somebody who is signed in (OpenID Connect Core §12), and believing it
//! when it says that they are no longer.

use jsonwebtoken::jwk::Jwk;
use serde_json::Map;
use serde_json::Value;

use crate::clock::Timestamp;
use crate::crypto::jws;
use crate::crypto::secret::Secret;
use crate::login::oidc::Fault;
use crate::login::oidc::Peer;
use crate::login::oidc::Person;
use crate::login::oidc::RelyingParty;
use crate::login::oidc::exchange;
use crate::login::oidc::expected;
use crate::login::oidc::fault::TokenFault;
use crate::login::oidc::id_token;
use crate::login::oidc::next_refresh;
use crate::login::oidc::userinfo;
use crate::login::oidc::verifier;

/// What is known of somebody who signed in before.
pub(in crate::login) struct SignedIn<'a> {
    /// The refresh token.
    pub refresh_token: &'a Secret,
    /// The ID token, verified when it came.
    pub id_token: &'a Secret,
    /// When the person proved who they are.
    pub authenticated_at: Timestamp,
}

impl RelyingParty {
    /// Asks for new tokens, and for the claims that go with them.
    ///
    /// # Errors
    ///
    /// See [`Fault::ends_session`]. No claim is asked for with the tokens of somebody else.
    pub(in crate::login) async fn renew(
        &self,
        peer: Peer<'_>,
        known: SignedIn<'_>,
        now: Timestamp,
    ) -> Result<Person, Fault> {
        let metadata = self.metadata(peer, now).await?;
        let before = jws::peek(known.id_token.expose()).map_err(TokenFault::from)?.claims;
        let call = self.call(peer, "token");
        let answer =
            exchange::refresh(&call, peer.connection, &metadata, known.refresh_token).await;
        let (id_token, mut access) = answer?;
        let mut claims = match &id_token {
            None => before,
            Some(token) => {
                let expected = expected(peer, &metadata, "", now);
                let judge = |keys: &[Jwk]| {
                    let verifier = verifier(peer, keys);
                    id_token::verify_again(token.expose(), &verifier, &expected, &before)
                };
                let believed = self.with_keys(peer, &metadata, now, judge).await?;
                believed.check_access_token(access.token.expose())?;
                completed(believed.claims, &before)
            }
        };
        let subject = id_token::subject(&claims)?.to_owned();
        if let Some(further) = self.userinfo(peer, &metadata, &access.token, now).await? {
            if id_token::subject(&further) != Ok(&subject) {
                return Err(TokenFault::Subject.into());
            }
            userinfo::merge(further, &subject, &mut claims)?;
        }
        // A provider that does not rotate sends none, and the old one stays good (RFC 6749 §6).
        access.refresh_token.get_or_insert_with(|| known.refresh_token.clone());
        Ok(Person {
            inner: claims.get("idp").and_then(Value::as_str).map(str::to_owned),
            refresh: next_refresh(peer.connection, &access, now),
            id_token: Some(id_token.unwrap_or_else(|| known.id_token.clone())),
            authenticated_at: known.authenticated_at,
            subject,
            claims,
        })
    }
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
