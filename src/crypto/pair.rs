//! A key pair, parsed once: RSA or P-256.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::encoding::Pkcs8V1Der;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature;
use aws_lc_rs::signature::EcdsaKeyPair;
use aws_lc_rs::signature::KeyPair;
use aws_lc_rs::signature::RsaKeyPair;
use aws_lc_rs::signature::UnparsedPublicKey;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls_pki_types::PrivateKeyDer;
use serde_json::Value;
use serde_json::json;
use zeroize::Zeroizing;

use crate::crypto::signing::Algorithm;

/// Both halves.
pub(super) enum Pair {
    Ec(Box<EcdsaKeyPair>),
    Rsa(Box<RsaKeyPair>),
}

impl Pair {
    pub(super) fn from_pkcs8(algorithm: Algorithm, der: &[u8]) -> Option<Self> {
        let kind = &signature::ECDSA_P256_SHA256_FIXED_SIGNING;
        Some(match algorithm {
            Algorithm::Es256 => Self::Ec(Box::new(EcdsaKeyPair::from_pkcs8(kind, der).ok()?)),
            Algorithm::Rs256 => Self::Rsa(Box::new(RsaKeyPair::from_pkcs8(der).ok()?)),
        })
    }

    /// In any form that keys are written in.
    pub(super) fn read(der: &PrivateKeyDer<'_>) -> Option<Self> {
        let kind = &signature::ECDSA_P256_SHA256_FIXED_SIGNING;
        match der {
            PrivateKeyDer::Pkcs8(der) => {
                let read = |algorithm| Self::from_pkcs8(algorithm, der.secret_pkcs8_der());
                read(Algorithm::Rs256).or_else(|| read(Algorithm::Es256))
            }
            PrivateKeyDer::Pkcs1(der) => {
                let pair = RsaKeyPair::from_der(der.secret_pkcs1_der()).ok()?;
                Some(Self::Rsa(Box::new(pair)))
            }
            PrivateKeyDer::Sec1(der) => {
                let pair = EcdsaKeyPair::from_private_key_der(kind, der.secret_sec1_der()).ok()?;
                Some(Self::Ec(Box::new(pair)))
            }
            _ => None,
        }
    }

    pub(super) const fn algorithm(&self) -> Algorithm {
        match self {
            Self::Ec(_) => Algorithm::Es256,
            Self::Rsa(_) => Algorithm::Rs256,
        }
    }

    /// The required public members in lexicographic order, as RFC 7638 §3 hashes them.
    pub(super) fn public_members(&self) -> Value {
        match self {
            Self::Ec(pair) => {
                let point = pair.public_key().as_ref();
                let (x, y) =
                    point.get(1..).unwrap_or_default().split_at_checked(32).unwrap_or_default();
                json!({"crv": "P-256", "kty": "EC", "x": encode(x), "y": encode(y)})
            }
            Self::Rsa(pair) => {
                let key = pair.public_key();
                let e = key.exponent().big_endian_without_leading_zero().to_vec();
                let n = key.modulus().big_endian_without_leading_zero().to_vec();
                json!({"e": encode(&e), "kty": "RSA", "n": encode(&n)})
            }
        }
    }

    pub(super) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        let random = SystemRandom::new();
        match self {
            Self::Ec(pair) => Some(pair.sign(&random, message).ok()?.as_ref().to_vec()),
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&signature::RSA_PKCS1_SHA256, &random, message, &mut signature).ok()?;
                Some(signature)
            }
        }
    }

    pub(super) fn verify(&self, message: &[u8], signed: &[u8]) -> Option<()> {
        match self {
            Self::Ec(pair) => {
                let kind = &signature::ECDSA_P256_SHA256_FIXED;
                UnparsedPublicKey::new(kind, pair.public_key()).verify(message, signed).ok()
            }
            Self::Rsa(pair) => {
                let kind = &signature::RSA_PKCS1_2048_8192_SHA256;
                UnparsedPublicKey::new(kind, pair.public_key()).verify(message, signed).ok()
            }
        }
    }
}

/// The private half of a fresh key, PKCS#8 in DER. `None` only if the system's cryptography fails.
pub fn new_pkcs8(algorithm: Algorithm) -> Option<Zeroizing<Vec<u8>>> {
    let der = match algorithm {
        Algorithm::Es256 => {
            let kind = &signature::ECDSA_P256_SHA256_FIXED_SIGNING;
            let document = EcdsaKeyPair::generate(kind).ok()?.to_pkcs8v1().ok()?;
            document.as_ref().to_vec()
        }
        Algorithm::Rs256 => {
            let pair = RsaKeyPair::generate(KeySize::Rsa2048).ok()?;
            let der: Pkcs8V1Der<'_> = pair.as_der().ok()?;
            der.as_ref().to_vec()
        }
    };
    Some(Zeroizing::new(der))
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
