//! Public keys of others: read from a JWK (RFC 7517) or a certificate, and their names (RFC 7638).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::AlgorithmParameters;
use jsonwebtoken::jwk::EllipticCurve;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::jwk::ThumbprintHash;
use serde_json::Value;
use serde_json::json;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;

/// A key that signatures can be verified with: RSA, P-256, P-384 or Ed25519. Private members are
/// not looked at.
pub fn read(jwk: &Value) -> Option<Jwk> {
    let jwk: Jwk = serde_json::from_value(jwk.clone()).ok()?;
    let rsa = matches!(jwk.algorithm, AlgorithmParameters::RSA(_));
    let known = [EllipticCurve::P256, EllipticCurve::P384, EllipticCurve::Ed25519];
    let usable = rsa || curve(&jwk).is_some_and(|curve| known.contains(curve));
    usable.then_some(jwk)
}

fn curve(jwk: &Jwk) -> Option<&EllipticCurve> {
    if let AlgorithmParameters::OctetKeyPair(key) = &jwk.algorithm {
        return Some(&key.curve);
    }
    let AlgorithmParameters::EllipticCurve(key) = &jwk.algorithm else { return None };
    Some(&key.curve)
}

/// Whether a JWK shows anything that its owner should have kept.
pub fn is_private(jwk: &Value) -> bool {
    ["d", "p", "q", "dp", "dq", "qi", "oth", "k"].iter().any(|member| jwk.get(member).is_some())
}

/// The key of an X.509 certificate in DER: RSA, P-256 or P-384. Says nothing of the certificate's
/// time, issuer or purpose: it is a container that its owner chose to trust.
pub fn of_certificate(der: &[u8]) -> Option<Jwk> {
    let (rest, certificate) = X509Certificate::from_der(der).ok()?;
    if !rest.is_empty() {
        return None;
    }
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let jwk = match certificate.public_key().parsed().ok()? {
        PublicKey::RSA(key) => {
            let (n, e) = (without_zeros(key.modulus), without_zeros(key.exponent));
            json!({"kty": "RSA", "n": encode(n), "e": encode(e)})
        }
        PublicKey::EC(point) => {
            let coordinates = point.data().strip_prefix(&[4])?;
            let curve = match coordinates.len() {
                64 => "P-256",
                96 => "P-384",
                _ => return None,
            };
            let (x, y) = coordinates.split_at_checked(coordinates.len() / 2)?;
            json!({"kty": "EC", "crv": curve, "x": encode(x), "y": encode(y)})
        }
        PublicKey::DSA(_)
        | PublicKey::GostR3410(_)
        | PublicKey::GostR3410_2012(_)
        | PublicKey::Unknown(_) => return None,
    };
    read(&jwk)
}

/// The key's name for everybody: SHA-256 of its required members, as base64url.
pub fn thumbprint(jwk: &Jwk) -> Option<String> {
    jwk.thumbprint(ThumbprintHash::SHA256).ok()
}

fn without_zeros(bytes: &[u8]) -> &[u8] {
    let first = bytes.iter().position(|&byte| byte != 0).unwrap_or(bytes.len());
    bytes.get(first..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::jws::JwsFault;
    use crate::crypto::jws::Kind;
    use crate::crypto::jws::Verifier;
    use crate::crypto::signing::Algorithm;
    use crate::crypto::signing::SigningKey;

    #[test]
    fn a_thumbprint_is_that_of_the_specification() {
        // RFC 7638, section 3.1.
        let jwk = json!({"kty": "RSA", "alg": "RS256", "kid": "2011-04-29", "e": "AQAB",
            "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"});
        let thumbprint = read(&jwk).and_then(|jwk| thumbprint(&jwk)).unwrap();
        assert_eq!(thumbprint, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }

    #[test]
    fn keys_that_verify_nothing_are_not_read_and_private_ones_are_known() {
        let secret = json!({"kty": "oct", "k": "c2VjcmV0"});
        let other = json!({"kty": "EC", "crv": "P-521", "x": "AA", "y": "AA"});
        assert!(read(&secret).is_none() && read(&other).is_none() && read(&json!(7)).is_none());
        assert!(is_private(&secret) && is_private(&json!({"kty": "EC", "d": "AA"})));
        assert!(!is_private(&other));
    }

    #[test]
    fn a_certificates_key_verifies_what_its_private_key_signed() {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let certificate = rcgen::CertificateParams::default().self_signed(&pair).unwrap();
        let jwk = of_certificate(certificate.der()).unwrap();
        let key = jsonwebtoken::EncodingKey::from_ec_der(pair.serialized_der());
        let header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::ES256);
        let token = jsonwebtoken::encode(&header, &json!({"a": 1}), &key).unwrap();
        let verify = |keys: &[Jwk]| {
            Verifier { keys, algorithms: &["ES256"], secret: None, kind: Kind::Jwt }.verify(&token)
        };
        assert_eq!(verify(&[jwk]).unwrap().claims["a"], 1);
        let other = SigningKey::generate(Algorithm::Es256).unwrap().public_jwk();
        let fault = verify(&[read(&other).unwrap()]).unwrap_err();
        assert_eq!(fault, JwsFault::Signature);
        assert!(of_certificate(b"no certificate").is_none());
    }
}
