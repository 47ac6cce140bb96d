//! Makes ID tokens (OpenID Connect Core §2) and access tokens, in IdentityServer4's shape.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::clock::Timestamp;
use crate::config::model::identity_server::Client;
use crate::config::model::identity_server::IdentityServerSettings;
use crate::crypto::digest;
use crate::crypto::random;
use crate::crypto::signing::Algorithm;
use crate::identity_server::claims;
use crate::identity_server::grant::Grant;
use crate::identity_server::keys;
use crate::identity_server::keys::Keys;
use crate::identity_server::person;
use crate::identity_server::person::Person;
use crate::identity_server::scope;

/// Makes the tokens of one answer to one client.
#[derive(Debug)]
pub(super) struct Mint<'a> {
    /// What signs.
    pub(super) keys: &'a Keys,
    /// `iss`.
    pub(super) issuer: &'a str,
    /// What scopes mean.
    pub(super) settings: &'a IdentityServerSettings,
    /// Whom the tokens are for.
    pub(super) client: &'a Client,
    /// `iat`.
    pub(super) now: Timestamp,
}

/// What else goes into an ID token, beside what the grant says.
#[derive(Debug, Default)]
pub(super) struct Around<'a> {
    /// `nonce` of the request.
    pub(super) nonce: Option<&'a str>,
    /// The access token that goes with it: `at_hash`.
    pub(super) access_token: Option<&'a str>,
    /// The code that goes with it: `c_hash`.
    pub(super) code: Option<&'a str>,
    /// `state`, when the ID token goes through the browser: `s_hash`.
    pub(super) state: Option<&'a str>,
    /// Whether no access token will ever be there to ask userinfo with.
    pub(super) alone: bool,
}

impl Mint<'_> {
    /// An ID token for `grant`. `None` only if signing fails.
    pub(super) fn id_token(&self, grant: &Grant, around: &Around<'_>) -> Option<String> {
        let person = &grant.person;
        let names = self.id_token_claims(grant, around.alone);
        let mut token = claims::select(&person.claims, names.into_iter());
        self.put_times(&mut token, self.client.id_token_lifetime);
        token.insert("aud".to_owned(), json!(self.client.id));
        put_person(&mut token, grant);
        if !self.tells_provider(person) {
            token.remove("idp");
        }
        if grant.requested.id_token.iter().any(|name| name == "acr") {
            token.insert("acr".to_owned(), json!(person.class()));
        }
        let hashes = [
            ("nonce", around.nonce.map(str::to_owned)),
            ("at_hash", around.access_token.map(half_hash)),
            ("c_hash", around.code.map(half_hash)),
            ("s_hash", around.state.map(half_hash)),
        ];
        for (name, value) in hashes {
            if let Some(value) = value {
                token.insert(name.to_owned(), json!(value));
            }
        }
        self.keys.signer(self.algorithm())?.sign(keys::ID_TOKEN, &token)
    }

    /// A JWT access token for `grant`. `None` only if signing fails.
    pub(super) fn access_token(&self, grant: &Grant) -> Option<String> {
        let names = scope::api_claims(self.settings, &grant.scopes);
        let mut token = claims::select(&grant.person.claims, names);
        put_person(&mut token, grant);
        self.sign_access_token(token, &grant.scopes, &id_under(&grant.name))
    }

    /// A JWT access token for the client itself: eight claims and no person (CC-01). `None` only
    /// if signing fails.
    pub(super) fn client_token(&self, scopes: &[String]) -> Option<String> {
        self.sign_access_token(Map::new(), scopes, &random::identifier())
    }

    fn sign_access_token(
        &self,
        mut token: Map<String, Value>,
        scopes: &[String],
        id: &str,
    ) -> Option<String> {
        self.put_times(&mut token, self.client.access_token_lifetime);
        if let Some(audience) = audience(&scope::audiences(self.settings, scopes)) {
            token.insert("aud".to_owned(), audience);
        }
        token.insert("client_id".to_owned(), json!(self.client.id));
        token.insert("scope".to_owned(), json!(scopes));
        token.insert("jti".to_owned(), json!(id));
        self.keys.signer(self.algorithm())?.sign(keys::ACCESS_TOKEN, &token)
    }

    /// Claims of the user go into an ID token only when the client's owner or the request says so,
    /// or when there is no other way to them (OpenID Connect Core §5.4).
    fn id_token_claims<'a>(&'a self, grant: &'a Grant, alone: bool) -> Vec<&'a str> {
        let by_scope = alone || self.client.user_claims_in_id_token;
        let scoped = scope::identity_claims(self.settings, &grant.scopes).filter(|_| by_scope);
        let asked = scope::open_claims(self.settings, self.client, &grant.requested.id_token);
        scoped.chain(asked).collect()
    }

    /// `idp` is IdentityServer4's own. A client that can ask for nothing beyond OpenID Connect's
    /// scopes knows no such claim, and is only told of a provider that is not this server itself.
    fn tells_provider(&self, person: &Person) -> bool {
        let beyond = self.client.scopes.iter().any(|scope| !scope::is_standard(scope));
        beyond || person.idp != person::LOCAL
    }

    fn put_times(&self, token: &mut Map<String, Value>, lifetime: std::time::Duration) {
        token.insert("iss".to_owned(), json!(self.issuer));
        token.insert("nbf".to_owned(), json!(self.now.0));
        token.insert("iat".to_owned(), json!(self.now.0));
        token.insert("exp".to_owned(), json!(self.now.plus(lifetime).0));
    }

    /// The first that the client's file names (`AllowedIdentityTokenSigningAlgorithms`); else the
    /// first of the keys, which is RS256 unless there are certificates: every client understands it.
    pub(super) fn algorithm(&self) -> Option<Algorithm> {
        match self.client.id_token_algorithms.first()?.as_str() {
            "ES256" => Some(Algorithm::Es256),
            "RS256" => Some(Algorithm::Rs256),
            _ => None,
        }
    }
}

/// A `jti` that begins with the name of the grant it stands on.
fn id_under(grant: &str) -> String {
    let mut id = random::identifier();
    id.replace_range(..grant.len().min(id.len()), grant);
    id
}

fn put_person(token: &mut Map<String, Value>, grant: &Grant) {
    let person = &grant.person;
    token.insert("sub".to_owned(), json!(person.subject));
    token.insert("auth_time".to_owned(), json!(person.authenticated_at.0));
    token.insert("idp".to_owned(), json!(person.idp));
    token.insert("amr".to_owned(), json!([person.method()]));
    token.insert("sid".to_owned(), json!(person.sid));
}

/// One audience stands alone, several make an array, none is left out (CC-05).
fn audience(names: &[&str]) -> Option<Value> {
    match names {
        [] => None,
        [one] => Some(json!(one)),
        several => Some(json!(several)),
    }
}

/// The left half of the SHA-256 (OpenID Connect Core §3.1.3.6); both our algorithms hash with it.
fn half_hash(text: &str) -> String {
    let [left @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] =
        digest::sha256(text.as_bytes());
    URL_SAFE_NO_PAD.encode::<[u8; 16]>(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_hash_and_c_hash_are_those_of_the_specification() {
        // OpenID Connect Core, appendix A.3 and A.4.
        assert_eq!(
            half_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"),
            "77QmUPtjPfzWtF2AnpK9RQ"
        );
        assert_eq!(
            half_hash("Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk"),
            "LDktKdoQak3Pk0cnXxCltA"
        );
    }
}
