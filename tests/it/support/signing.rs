//! Tokens as a provider signs them, and as a liar would.

use std::sync::OnceLock;

use aws_lc_rs::digest;
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature;
use aws_lc_rs::signature::KeyPair;
use aws_lc_rs::signature::RsaKeyPair;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::Value;
use serde_json::json;

/// Bytes as base64url without padding.
pub(crate) fn base64url(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// The part of a token that `index` counts, as JSON.
pub(crate) fn part(token: &str, index: usize) -> Value {
    let text = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
}

/// SHA-256.
pub(crate) fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA256, bytes).as_ref().to_vec()
}

/// A hash as `at_hash` and `c_hash` want it: the left half of SHA-256.
pub(crate) fn half_hash(text: &str) -> String {
    base64url(&sha256(text.as_bytes())[..16])
}

/// An RSA key with a name.
#[derive(Debug)]
pub(crate) struct SigningKey {
    /// Its `kid`.
    pub(crate) kid: String,
    pair: RsaKeyPair,
}

/// The process's keys: making one takes a while. 0 is the honest one, 1 comes after a rotation,
/// 2 belongs to somebody else.
pub(crate) fn key(index: usize) -> &'static SigningKey {
    static KEYS: [OnceLock<SigningKey>; 3] = [const { OnceLock::new() }; 3];
    KEYS[index].get_or_init(|| SigningKey {
        kid: format!("key-{index}"),
        pair: RsaKeyPair::generate(KeySize::Rsa2048).unwrap(),
    })
}

impl SigningKey {
    /// The public half, for a JWKS.
    pub(crate) fn public(&self) -> Value {
        let public = self.pair.public_key();
        json!({
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.kid,
            "n": base64url(public.modulus().big_endian_without_leading_zero()),
            "e": base64url(public.exponent().big_endian_without_leading_zero()),
        })
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        let random = SystemRandom::new();
        self.pair.sign(&signature::RSA_PKCS1_SHA256, &random, message, &mut signature).unwrap();
        signature
    }

    /// The public key as DER: what a confused verifier takes for an HMAC secret.
    pub(crate) fn public_der(&self) -> Vec<u8> {
        self.pair.public_key().as_der().unwrap().as_ref().to_vec()
    }
}

/// How a token is signed.
#[derive(Clone, Debug)]
pub(crate) enum Signature {
    /// With the process key of this number.
    Key(usize),
    /// Right, but for one bit.
    Flipped,
    /// Not at all.
    Empty,
    /// HMAC-SHA-256 with this secret.
    Hmac(Vec<u8>),
}

/// A token before it is signed.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    /// The JOSE header.
    pub(crate) header: Value,
    /// The claims.
    pub(crate) claims: Value,
    /// How it is signed.
    pub(crate) signature: Signature,
}

impl Token {
    /// `claims` as process key `index` signs them.
    pub(crate) fn of(claims: Value, index: usize) -> Self {
        let header = json!({ "alg": "RS256", "typ": "JWT", "kid": key(index).kid });
        Self { header, claims, signature: Signature::Key(index) }
    }

    /// The compact form.
    pub(crate) fn encode(&self) -> String {
        let message = format!(
            "{}.{}",
            base64url(self.header.to_string()),
            base64url(self.claims.to_string())
        );
        let signature = match &self.signature {
            Signature::Key(index) => key(*index).sign(message.as_bytes()),
            Signature::Flipped => {
                let mut signature = key(0).sign(message.as_bytes());
                signature[7] ^= 1;
                signature
            }
            Signature::Empty => Vec::new(),
            Signature::Hmac(secret) => {
                let secret = hmac::Key::new(hmac::HMAC_SHA256, secret);
                hmac::sign(&secret, message.as_bytes()).as_ref().to_vec()
            }
        };
        format!("{message}.{}", base64url(signature))
    }
}
