//! DPoP (RFC 9449): tokens bound to a key, and the proofs that whoever shows one holds that key.

use http::HeaderName;
use http::HeaderValue;
use http::Method;
use serde_json::Map;
use serde_json::Value;
use subtle::ConstantTimeEq;
use url::Url;

use crate::clock::Timestamp;
use crate::config::model::identity_server::Client;
use crate::crypto::digest;
use crate::crypto::jwk;
use crate::crypto::jws;
use crate::crypto::jws::Kind;
use crate::crypto::jws::Verifier;
use crate::crypto::seal::SealKeys;
use crate::http::Response;
use crate::identity_server::IdentityServer;
use crate::identity_server::discovery;
use crate::identity_server::path_of;
use crate::session::Visit;
use crate::store::grants;
use crate::store::grants::Record;

/// The header line of a proof.
pub(super) const HEADER: HeaderName = HeaderName::from_static("dpop");

/// The header line of a nonce that a proof must repeat (§8).
const NONCE_HEADER: HeaderName = HeaderName::from_static("dpop-nonce");

/// Every algorithm a proof may be signed with; discovery names them.
pub(super) const ALGORITHMS: [&str; 9] =
    ["ES256", "ES384", "EdDSA", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"];

/// How old a proof may be, in seconds, and how long its `jti` is remembered at least.
const OLDEST: i64 = 300;
/// How far ahead of ours a client's clock may go, in seconds.
const AHEAD: i64 = 60;
/// Longest proof and longest `jti`, in bytes.
const LONGEST: usize = 16 * 1024;
const LONGEST_ID: usize = 255;

/// Why a proof is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum DpopFault {
    /// There is none where there must be one.
    #[error("a DPoP proof is needed")]
    Missing,
    /// It proves nothing.
    #[error("the DPoP proof is not acceptable: {0}")]
    Invalid(&'static str),
    /// It must repeat a nonce of ours, which goes with the answer.
    #[error("the DPoP proof needs the nonce that comes with this answer")]
    WantsNonce,
    /// The store that remembers used proofs does not answer.
    #[error("the proof cannot be checked now")]
    Unavailable,
}

/// What a proof must be about.
#[derive(Clone, Copy, Debug)]
pub(super) struct About<'a> {
    /// The request's method.
    pub(super) method: &'a Method,
    /// The endpoint's address as discovery names it.
    pub(super) address: &'a str,
    /// The access token that goes with it, at a resource.
    pub(super) access_token: Option<&'a str>,
    /// The present moment.
    pub(super) now: Timestamp,
}

impl<'a> About<'a> {
    fn of(visit: &'a Visit, address: &'a str, access_token: Option<&'a str>) -> Self {
        let (method, now) = (&visit.exchange.method, visit.exchange.now);
        Self { method, address, access_token, now }
    }
}

/// A proof that is right, though it may have been used before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Proof {
    /// Thumbprint of the key: `jkt` (§6.1).
    pub(super) thumbprint: String,
    /// `jti`.
    pub(super) id: String,
    /// `nonce`, if it repeats one.
    pub(super) nonce: Option<String>,
    /// When no clock can take it for new any more.
    pub(super) ends_at: Timestamp,
}

impl IdentityServer {
    /// The key that a request of the token endpoint proves to hold: `None` when it shows no proof
    /// and its client needs none. The proof is used up.
    ///
    /// # Errors
    ///
    /// Why the proof is not accepted.
    pub(super) async fn proven_key(
        &self,
        visit: &Visit,
        client: &Client,
    ) -> Result<Option<String>, DpopFault> {
        let key = self.shown_key(visit, client).await?;
        if key.is_none() && client.require_dpop { Err(DpopFault::Missing) } else { Ok(key) }
    }

    /// The same where no client needs a proof.
    ///
    /// # Errors
    ///
    /// Why the proof is not accepted.
    pub(super) async fn shown_key(
        &self,
        visit: &Visit,
        client: &Client,
    ) -> Result<Option<String>, DpopFault> {
        let Some(proof) = shown(visit)? else { return Ok(None) };
        let address = address(visit).ok_or(DpopFault::Unavailable)?;
        let proof = judge(proof, &About::of(visit, &address, None))?;
        if wants_nonce(client) && !self.has_nonce(&proof, visit.exchange.now) {
            return Err(DpopFault::WantsNonce);
        }
        self.use_up(&proof, &client.id, visit.exchange.now).await?;
        Ok(Some(proof.thumbprint))
    }

    /// Lets `response` bear the nonce that its proof has to repeat (§8).
    pub(super) fn give_nonce(&self, response: &mut Response, now: Timestamp) {
        let nonce = nonce(&self.parts.seal, now).and_then(|nonce| nonce.try_into().ok());
        response.headers_mut().extend(nonce.map(|nonce: HeaderValue| (NONCE_HEADER, nonce)));
    }

    /// Checks at a resource of ours that whoever shows `access_token` of `client` holds the key
    /// `thumbprint` that it is bound to (§7). The proof is used up.
    ///
    /// # Errors
    ///
    /// Why the proof is not accepted.
    pub(super) async fn check_dpop(
        &self,
        visit: &Visit,
        access_token: &str,
        (client, thumbprint): (&str, &str),
    ) -> Result<(), DpopFault> {
        let proof = shown(visit)?.ok_or(DpopFault::Missing)?;
        let address = address(visit).ok_or(DpopFault::Unavailable)?;
        let proof = judge(proof, &About::of(visit, &address, Some(access_token)))?;
        if proof.thumbprint != thumbprint {
            return Err(DpopFault::Invalid("its key is not the token's"));
        }
        self.use_up(&proof, client, visit.exchange.now).await
    }

    /// Whether the proof repeats a nonce of ours that is not too old.
    fn has_nonce(&self, proof: &Proof, now: Timestamp) -> bool {
        proof.nonce.as_deref().is_some_and(|nonce| is_fresh(&self.parts.seal, nonce, now))
    }

    async fn use_up(&self, proof: &Proof, client: &str, now: Timestamp) -> Result<(), DpopFault> {
        let handle = format!("dpop {} {}", proof.thumbprint, proof.id);
        // Anybody can say the name of a public client: the share is that of the key.
        let (owner, client) = (proof.thumbprint.clone(), client.to_owned());
        let record = Record { client, owner, ends_at: proof.ends_at, ..Record::default() };
        let first = self.parts.grants.keep_new(grants::Kind::UsedId, &handle, record, now).await;
        let first = first.map_err(|error| {
            tracing::error!(error = ?error, "store");
            DpopFault::Unavailable
        })?;
        first.then_some(()).ok_or(DpopFault::Invalid("it has been used before"))
    }
}

/// The proof of a request; more than one is none (§4.3).
fn shown(visit: &Visit) -> Result<Option<&str>, DpopFault> {
    let mut lines = visit.exchange.headers.get_all(HEADER).iter();
    let Some(line) = lines.next() else { return Ok(None) };
    let alone = lines.next().is_none().then(|| line.to_str().ok()).flatten();
    alone.map(Some).ok_or(DpopFault::Invalid("there is not exactly one"))
}

/// The endpoint's address as discovery names it: hosts and ports of the request do not count.
fn address(visit: &Visit) -> Option<String> {
    let base = discovery::base_of(visit).ok()?;
    Some(format!("{base}{}", path_of(visit).to_ascii_lowercase()))
}

/// Whether the client's file asks for nonces (Duende's `DPoPValidationMode`).
fn wants_nonce(client: &Client) -> bool {
    client.other.get("DPoPValidationMode").is_some_and(|mode| mode.contains("Nonce"))
}

/// The steps of §4.3, but for the nonce and for `jti`, which take a look elsewhere.
///
/// # Errors
///
/// [`DpopFault::Invalid`] with the first rule that the proof breaks.
pub(super) fn judge(proof: &str, about: &About<'_>) -> Result<Proof, DpopFault> {
    if proof.len() > LONGEST {
        return Err(DpopFault::Invalid("it is too long"));
    }
    let header = jws::peek(proof).map_err(|_| DpopFault::Invalid("it is no JWT"))?.header;
    let shown = header.get("jwk").ok_or(DpopFault::Invalid("its header has no jwk"))?;
    if jwk::is_private(shown) {
        return Err(DpopFault::Invalid("its jwk is no public key"));
    }
    let mut key = jwk::read(shown).ok_or(DpopFault::Invalid("its jwk is no public key"))?;
    // The key is the one in the header, whatever a `kid` beside it says.
    key.common.key_id = header.get("kid").and_then(Value::as_str).map(str::to_owned);
    let thumbprint = jwk::thumbprint(&key).ok_or(DpopFault::Invalid("its jwk has no name"))?;
    let verifier = Verifier {
        keys: &[key],
        algorithms: &ALGORITHMS,
        secret: None,
        kind: Kind::Only("dpop+jwt"),
    };
    let signed = verifier.verify(proof);
    let claims = signed.map_err(|_| DpopFault::Invalid("its typ, alg or signature"))?.claims;
    check_request(&claims, about)?;
    check_token(&claims, about.access_token)?;
    let ends_at = check_time(&claims, about.now)?;
    let id = text(&claims, "jti").filter(|id| !id.is_empty() && id.len() <= LONGEST_ID);
    let id = id.ok_or(DpopFault::Invalid("its jti is missing or too long"))?.to_owned();
    let nonce = text(&claims, "nonce").map(str::to_owned);
    Ok(Proof { thumbprint, id, nonce, ends_at })
}

fn check_request(claims: &Map<String, Value>, about: &About<'_>) -> Result<(), DpopFault> {
    if text(claims, "htm") != Some(about.method.as_str()) {
        return Err(DpopFault::Invalid("its htm is not this method"));
    }
    let here =
        text(claims, "htu").and_then(bare).is_some_and(|htu| bare(about.address) == Some(htu));
    here.then_some(()).ok_or(DpopFault::Invalid("its htu is not this address"))
}

/// An address as it counts here: normalised, without query and fragment.
fn bare(address: &str) -> Option<Url> {
    let mut url = Url::parse(address).ok()?;
    url.set_query(None);
    url.set_fragment(None);
    Some(url)
}

fn check_token(claims: &Map<String, Value>, token: Option<&str>) -> Result<(), DpopFault> {
    let Some(token) = token else { return Ok(()) };
    let hash = digest::sha256_base64url(token.as_bytes());
    let said = text(claims, "ath").unwrap_or_default();
    let right: bool = hash.as_bytes().ct_eq(said.as_bytes()).into();
    right.then_some(()).ok_or(DpopFault::Invalid("its ath is not this token's"))
}

fn check_time(claims: &Map<String, Value>, now: Timestamp) -> Result<Timestamp, DpopFault> {
    let issued = claims.get("iat").and_then(Value::as_i64);
    let fresh = |at: &i64| (now.0 - OLDEST..=now.0 + AHEAD).contains(at);
    let issued = issued.filter(fresh).ok_or(DpopFault::Invalid("its iat is missing or not now"))?;
    Ok(Timestamp(issued + OLDEST + 1))
}

fn text<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    claims.get(name).and_then(Value::as_str)
}

/// What nonces are sealed for: they need no store, and every instance knows them.
const NONCE: &str = "dpop-nonce";

/// A nonce that [`is_fresh`] knows for five minutes.
fn nonce(seal: &SealKeys, now: Timestamp) -> Option<String> {
    seal.seal(NONCE, &now.0.to_be_bytes())
}

/// Whether `nonce` is one of ours and not too old.
fn is_fresh(seal: &SealKeys, nonce: &str, now: Timestamp) -> bool {
    let opened = seal.open_sealed(NONCE, nonce).and_then(|bytes| bytes.try_into().ok());
    opened.is_some_and(|at| (0..=OLDEST).contains(&(now.0 - i64::from_be_bytes(at))))
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::json;

    use super::*;
    use crate::crypto::jwk;

    const ADDRESS: &str = "https://id.test/connect/token";
    const NOW: Timestamp = Timestamp(1_800_000_000);

    /// A client's key, with which a foreign library signs.
    struct Holder {
        pair: rcgen::KeyPair,
        jwk: Value,
    }

    impl Holder {
        fn new() -> Self {
            let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
            let point = pair.public_key_raw();
            let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
            let (x, y) = (encode(&point[1..33]), encode(&point[33..]));
            Self { pair, jwk: json!({"kty": "EC", "crv": "P-256", "x": x, "y": y}) }
        }

        fn proof(&self, header: &[(&str, Value)], claims: &[(&str, Value)]) -> String {
            let head = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk});
            let body = json!({"jti": "1", "htm": "POST", "htu": ADDRESS, "iat": NOW.0});
            let encode = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
            let message =
                format!("{}.{}", encode(changed(head, header)), encode(changed(body, claims)));
            let key = jsonwebtoken::EncodingKey::from_ec_der(self.pair.serialized_der());
            let algorithm = jsonwebtoken::Algorithm::ES256;
            let signature =
                jsonwebtoken::crypto::sign(message.as_bytes(), &key, algorithm).unwrap();
            format!("{message}.{signature}")
        }
    }

    fn changed(mut value: Value, changes: &[(&str, Value)]) -> Value {
        for (name, to) in changes {
            value[name] = to.clone();
        }
        value
    }

    fn about(access_token: Option<&str>) -> About<'_> {
        About { method: &Method::POST, address: ADDRESS, access_token, now: NOW }
    }

    #[test]
    fn a_right_proof_tells_the_name_of_its_key() {
        let holder = Holder::new();
        let address = json!("HTTPS://ID.test:443/connect/token?x=1#y");
        let proof = judge(&holder.proof(&[], &[("htu", address)]), &about(None)).unwrap();
        let name = jwk::thumbprint(&jwk::read(&holder.jwk).unwrap()).unwrap();
        assert_eq!((proof.thumbprint, proof.id.as_str()), (name, "1"));
        assert_eq!(proof.ends_at, Timestamp(NOW.0 + 301));
    }

    #[test]
    fn every_rule_of_rfc_9449_section_4_3_is_checked() {
        let holder = Holder::new();
        let mut private = holder.jwk.clone();
        private["d"] = json!("AA");
        for (name, value) in [
            ("typ", json!("JWT")),
            ("typ", Value::Null),
            ("alg", json!("none")),
            ("alg", json!("HS256")),
            ("alg", json!("ES384")),
            ("jwk", Value::Null),
            ("jwk", Holder::new().jwk),
            ("jwk", private),
            ("crit", json!(["x"])),
        ] {
            let proof = holder.proof(&[(name, value.clone())], &[]);
            assert!(judge(&proof, &about(None)).is_err(), "{name} {value}");
        }
        for (name, value) in [
            ("htm", json!("GET")),
            ("htm", json!("post")),
            ("htu", json!("https://id.test/connect/userinfo")),
            ("htu", json!("https://evil.test/connect/token")),
            ("htu", json!("http://id.test/connect/token")),
            ("htu", Value::Null),
            ("iat", json!(NOW.0 - 301)),
            ("iat", json!(NOW.0 + 61)),
            ("iat", json!("now")),
            ("jti", json!("")),
            ("jti", json!(7)),
            ("jti", json!("j".repeat(256))),
        ] {
            let proof = holder.proof(&[], &[(name, value.clone())]);
            assert!(judge(&proof, &about(None)).is_err(), "{name} {value}");
        }
        for text in ["", "x", "a.b.c", "a.b.c.d.e"] {
            assert!(judge(text, &about(None)).is_err());
        }
    }

    #[test]
    fn at_a_resource_the_proof_is_for_that_token() {
        let holder = Holder::new();
        let ath = json!(digest::sha256_base64url(b"the token"));
        let proof = holder.proof(&[], &[("ath", ath)]);
        assert!(judge(&proof, &about(Some("the token"))).is_ok());
        assert!(judge(&proof, &about(Some("another"))).is_err());
        assert!(judge(&holder.proof(&[], &[]), &about(Some("the token"))).is_err());
    }

    #[test]
    fn a_nonce_is_ours_for_five_minutes() {
        let seal = SealKeys::ephemeral();
        let nonce = nonce(&seal, NOW).unwrap();
        assert!(is_fresh(&seal, &nonce, Timestamp(NOW.0 + 300)));
        assert!(!is_fresh(&seal, &nonce, Timestamp(NOW.0 + 301)));
        assert!(!is_fresh(&SealKeys::ephemeral(), &nonce, NOW) && !is_fresh(&seal, "x", NOW));
    }
}
