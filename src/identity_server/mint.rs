//! Makes ID tokens (OpenID Connect Core §2) and access tokens, in IdentityServer4's shape.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::claims::ClaimSet;
use crate::clock::Timestamp;
use crate::config::model::identity_server::AccessTokenProfile;
use crate::config::model::identity_server::Client;
use crate::config::model::identity_server::IdentityServerSettings;
use crate::config::model::identity_server::Resource;
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

/// What a client's access token covers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Own<'a> {
    /// Its scopes.
    pub(super) scopes: &'a [String],
    /// The resources that it is meant for (RFC 8707); none is all that the scopes address.
    pub(super) resources: &'a [String],
    /// Thumbprint of the key that it is bound to (RFC 9449 §6).
    pub(super) key: Option<&'a str>,
}

/// The claim that names the grant, where the client's file wants no `jti` to do so.
pub(super) const GRANT: &str = "grant";

impl Mint<'_> {
    /// An ID token for `grant`. `None` only if signing fails.
    pub(super) fn id_token(&self, grant: &Grant, around: &Around<'_>) -> Option<String> {
        let person = &grant.person;
        let names = self.id_token_claims(grant, around.alone);
        let mut token = claims::select(&person.claims, names.into_iter());
        self.put_times(&mut token, self.client.id_token_lifetime);
        token.insert("aud".to_owned(), json!(self.client.id));
        put_person(&mut token, person);
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

    /// What an access token for `grant` says.
    pub(super) fn access_claims(&self, grant: &Grant) -> Map<String, Value> {
        let Grant { scopes, resources, key, name, person, .. } = grant;
        let addressed = scope::addressed(self.settings, scopes, resources);
        let names = scope::api_claims(self.settings, scopes, &addressed);
        let mut token = claims::select(&person.claims, names);
        if self.client.always_send_claims {
            self.put_client_claims(&mut token);
        }
        put_person(&mut token, person);
        let own = Own { scopes, resources, key: key.as_deref() };
        self.put_access(&mut token, &own, &addressed);
        if self.client.include_jwt_id {
            token.insert("jti".to_owned(), json!(id_under(name)));
        } else {
            token.insert(GRANT.to_owned(), json!(name));
        }
        token
    }

    /// What an access token for the client itself says: eight claims and no person (CC-01).
    pub(super) fn client_claims(&self, own: &Own<'_>) -> Map<String, Value> {
        let addressed = scope::addressed(self.settings, own.scopes, own.resources);
        let mut token = Map::new();
        self.put_client_claims(&mut token);
        self.put_access(&mut token, own, &addressed);
        if is_profiled(&addressed) {
            token.insert("sub".to_owned(), json!(self.client.id));
        }
        if self.client.include_jwt_id {
            token.insert("jti".to_owned(), json!(random::identifier()));
        }
        token
    }

    /// A JWT that says `claims` to the `resources` it addresses. `None` only if signing fails.
    pub(super) fn sign_access_token(
        &self,
        claims: &Map<String, Value>,
        scopes: &[String],
        resources: &[String],
    ) -> Option<String> {
        let addressed = scope::addressed(self.settings, scopes, resources);
        let theirs = addressed.iter().find_map(|api| algorithm(&api.algorithms));
        self.keys.signer(theirs.or_else(|| self.algorithm()))?.sign(keys::ACCESS_TOKEN, claims)
    }

    fn put_access(&self, token: &mut Map<String, Value>, own: &Own<'_>, addressed: &[&Resource]) {
        self.put_times(token, self.client.access_token_lifetime);
        let options = &self.settings.options;
        let general = options.static_audience.then(|| format!("{}/resources", self.issuer));
        let names = addressed.iter().map(|api| api.name.as_str()).chain(general.as_deref());
        if let Some(audience) = audience(&names.collect::<Vec<_>>()) {
            token.insert("aud".to_owned(), audience);
        }
        token.insert("client_id".to_owned(), json!(self.client.id));
        let as_string = options.scopes_as_string || is_profiled(addressed);
        let scope = if as_string { json!(own.scopes.join(" ")) } else { json!(own.scopes) };
        token.insert("scope".to_owned(), scope);
        if let Some(key) = own.key {
            token.insert("cnf".to_owned(), json!({"jkt": key}));
        }
    }

    /// The client's own claims (CC-07), none of which can be one of the protocol's.
    fn put_client_claims(&self, token: &mut Map<String, Value>) {
        let prefix = &self.client.claims_prefix;
        let mut claims = ClaimSet::default();
        for (kind, value) in &self.client.claims {
            claims.add(format!("{prefix}{kind}"), value.as_str());
        }
        let names = claims.iter().map(|claim| claim.kind.as_str());
        let free = names.filter(|name| !person::is_of_the_protocol(name));
        token.extend(claims::select(&claims, free));
    }

    /// Claims of the user go into an ID token only when the client's owner or the request says so,
    /// or when there is no other way to them (OpenID Connect Core §5.4).
    fn id_token_claims<'a>(&'a self, grant: &'a Grant, alone: bool) -> Vec<&'a str> {
        let by_scope = alone || self.client.user_claims_in_id_token;
        let scoped = scope::identity_claims(self.settings, &grant.scopes).filter(|_| by_scope);
        let Grant { scopes, requested, .. } = grant;
        let asked = scope::open_claims(self.settings, self.client, scopes, &requested.id_token);
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
        algorithm(&self.client.id_token_algorithms)
    }
}

/// The first of `names` that we sign with.
fn algorithm(names: &[String]) -> Option<Algorithm> {
    let known = |name: &String| Algorithm::BOTH.into_iter().find(|a| a.name() == name);
    names.iter().find_map(known)
}

/// Whether one of the APIs wants RFC 9068's shape, which then is the token's.
fn is_profiled(addressed: &[&Resource]) -> bool {
    addressed.iter().any(|api| api.access_token_profile == AccessTokenProfile::Rfc9068)
}

/// A `jti` that begins with the name of the grant it stands on.
fn id_under(grant: &str) -> String {
    let mut id = random::identifier();
    id.replace_range(..grant.len().min(id.len()), grant);
    id
}

fn put_person(token: &mut Map<String, Value>, person: &Person) {
    token.insert("sub".to_owned(), json!(person.subject));
    if !person.time_assumed {
        token.insert("auth_time".to_owned(), json!(person.authenticated_at.0));
    }
    token.insert("idp".to_owned(), json!(person.idp));
    token.insert("amr".to_owned(), json!([person.method()]));
    // Whose password a client sent has no session here.
    if !person.sid.is_empty() {
        token.insert("sid".to_owned(), json!(person.sid));
    }
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
