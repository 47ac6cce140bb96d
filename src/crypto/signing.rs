//! Signing keys: ES256 and RS256, kept parsed, their private parts in files of mode 0600; and the
//! compact JWS (RFC 7515) that they make and check.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls_pki_types::PrivateKeyDer;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;
use zeroize::Zeroizing;

use crate::clock::Timestamp;
use crate::crypto::digest;
use crate::crypto::jwk;
use crate::crypto::pair::Pair;
pub use crate::crypto::pair::new_pkcs8;
use crate::crypto::seal;

/// How a key signs (RFC 7518 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// RSA PKCS#1 v1.5 with SHA-256, 2048 bits.
    Rs256,
}

impl Algorithm {
    /// Every one.
    pub const BOTH: [Self; 2] = [Self::Es256, Self::Rs256];

    /// The name in a JWS header.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
        }
    }
}

/// A private key, parsed once.
pub struct SigningKey {
    pair: Pair,
    kid: String,
    /// The header of what it signs, up to the value of `typ`.
    head: String,
    certificate: Option<Certificate>,
}

/// A certificate that says whose key it is.
struct Certificate {
    der: Vec<u8>,
    ends_at: Timestamp,
}

impl SigningKey {
    /// A fresh key that is kept nowhere. `None` only if the system's cryptography fails.
    pub fn generate(algorithm: Algorithm) -> Option<Self> {
        Self::from_pkcs8(algorithm, &new_pkcs8(algorithm)?)
    }

    /// The key in `der`: RSA of 2048 bits or more, or P-256.
    pub fn read(der: &PrivateKeyDer<'_>) -> Option<Self> {
        Pair::read(der).map(Self::new)
    }

    /// The same key with its certificate, in DER: whoever verifies is shown it as `x5c` and `x5t`
    /// (RFC 7517 §4.7, §4.8). `None` when the certificate is another key's, or none.
    pub fn with_certificate(mut self, der: &[u8]) -> Option<Self> {
        let of_certificate = jwk::thumbprint(&jwk::of_certificate(der)?)?;
        if of_certificate != self.kid {
            return None;
        }
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let ends_at = Timestamp(certificate.validity().not_after.timestamp());
        let certificate = Certificate { der: der.to_vec(), ends_at };
        self.head = head(self.algorithm(), &self.kid, Some(&certificate.thumbprint()));
        self.certificate = Some(certificate);
        Some(self)
    }

    /// When its certificate ends, if it has one.
    pub fn certificate_ends_at(&self) -> Option<Timestamp> {
        self.certificate.as_ref().map(|certificate| certificate.ends_at)
    }

    /// The key called `name` in `directory` (`name.p8`, PKCS#8 in DER); makes it, at mode 0600, when
    /// there is none. Of two processes that start together, both get the same key.
    ///
    /// # Errors
    ///
    /// When the directory or the file cannot be read or written, or holds another kind of key.
    pub fn load_or_create(directory: &Path, name: &str, algorithm: Algorithm) -> io::Result<Self> {
        fs::create_dir_all(directory)?;
        let file = directory.join(format!("{name}.p8"));
        if !file.try_exists()? {
            let fresh = new_pkcs8(algorithm).ok_or_else(|| io::Error::other("no key was made"))?;
            match seal::write_private(&file, &fresh) {
                Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
                Ok(()) | Err(_) => {}
            }
        }
        let kept = Zeroizing::new(fs::read(&file)?);
        Self::from_pkcs8(algorithm, &kept).ok_or_else(|| {
            io::Error::other(format!("{} is not a {} key", file.display(), algorithm.name()))
        })
    }

    /// The key of this kind in `der` (PKCS#8); `None` when it is another kind's, or none.
    pub fn from_pkcs8(algorithm: Algorithm, der: &[u8]) -> Option<Self> {
        Pair::from_pkcs8(algorithm, der).map(Self::new)
    }

    fn new(pair: Pair) -> Self {
        let kid = digest::sha256_base64url(pair.public_members().to_string().as_bytes());
        let head = head(pair.algorithm(), &kid, None);
        Self { pair, kid, head, certificate: None }
    }

    /// The key's name: its RFC 7638 thumbprint.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// How it signs.
    pub const fn algorithm(&self) -> Algorithm {
        self.pair.algorithm()
    }

    /// Its public half as a JWK (RFC 7517) with `use`, `kid` and `alg`.
    pub fn public_jwk(&self) -> Value {
        let mut jwk = self.pair.public_members();
        if let Some(members) = jwk.as_object_mut() {
            members.insert("use".to_owned(), json!("sig"));
            members.insert("kid".to_owned(), json!(self.kid));
            members.insert("alg".to_owned(), json!(self.algorithm().name()));
            if let Some(certificate) = &self.certificate {
                members.insert("x5t".to_owned(), json!(certificate.thumbprint()));
                members.insert("x5c".to_owned(), json!([STANDARD.encode(&certificate.der)]));
            }
        }
        jwk
    }

    /// Signs `claims` as a compact JWS whose header says `alg`, `kid` and `typ`, a word of ours that
    /// needs no escaping. `None` only if the claims are not JSON or the system's cryptography fails.
    pub fn sign(&self, typ: &str, claims: &impl Serialize) -> Option<String> {
        let mut token = URL_SAFE_NO_PAD.encode(format!("{}{typ}\"}}", self.head));
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(serde_json::to_vec(claims).ok()?, &mut token);
        let signature = self.pair.sign(token.as_bytes())?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Some(token)
    }

    /// The claims of a compact JWS that this very key signed: its own algorithm and `kid`, strict
    /// base64url, `typ` exactly as asked, nothing critical (RFC 8725 §3.1, §3.11). Says nothing of
    /// times, issuer or audience.
    pub fn verify(&self, token: &str, typ: Option<&str>) -> Option<Value> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let header: Header = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
        let plain = header.crit.is_none() && header.b64.is_none();
        let ours = header.alg == self.algorithm().name() && header.kid == self.kid;
        let typed = typ.is_none_or(|typ| header.typ.as_deref() == Some(typ));
        if !(plain && ours && typed) {
            return None;
        }
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        self.pair.verify(signed.as_bytes(), &signature)?;
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
    }
}

/// The members of a JWS header that decide; a repeated one is an error.
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: String,
    typ: Option<String>,
    crit: Option<Value>,
    b64: Option<Value>,
}

/// Everything of a header before the value of `typ`, which comes last.
fn head(algorithm: Algorithm, kid: &str, x5t: Option<&str>) -> String {
    let x5t = x5t.map(|x5t| format!(r#""x5t":"{x5t}","#)).unwrap_or_default();
    format!(r#"{{"alg":"{}","kid":"{kid}",{x5t}"typ":""#, algorithm.name())
}

impl Certificate {
    /// `x5t` (RFC 7517 §4.8).
    fn thumbprint(&self) -> String {
        encode(&digest::sha1(&self.der))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({} {})", self.algorithm().name(), self.kid)
    }
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use jsonwebtoken::DecodingKey;
    use jsonwebtoken::Validation;
    use jsonwebtoken::jwk::Jwk;

    use super::*;

    fn key(algorithm: Algorithm) -> SigningKey {
        SigningKey::generate(algorithm).unwrap()
    }

    #[test]
    fn disc13_a_foreign_library_imports_the_jwk_and_verifies_the_signature() {
        for algorithm in Algorithm::BOTH {
            let key = key(algorithm);
            let token = key.sign("JWT", &json!({"sub": "jane", "exp": 4_000_000_000_u64})).unwrap();
            let jwk: Jwk = serde_json::from_value(key.public_jwk()).unwrap();
            let decoding = DecodingKey::from_jwk(&jwk).unwrap();
            let pinned = Validation::new(algorithm.name().parse().unwrap());
            let read = jsonwebtoken::decode::<Value>(&token, &decoding, &pinned).unwrap();
            assert_eq!(read.claims["sub"], "jane");
            assert_eq!(read.header.kid.as_deref(), Some(key.kid()));
        }
    }

    #[test]
    fn disc12_i217_a_jwk_shows_public_members_only() {
        let names = |key: &SigningKey| {
            let jwk = key.public_jwk();
            jwk.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(names(&key(Algorithm::Es256)), "crv kty x y use kid alg");
        assert_eq!(names(&key(Algorithm::Rs256)), "e kty n use kid alg");
    }

    #[test]
    fn i200_i211_i214_a_key_verifies_what_it_signed_and_nothing_else() {
        for algorithm in Algorithm::BOTH {
            let (ours, other) = (key(algorithm), key(algorithm));
            let token = ours.sign("at+jwt", &json!({"a": 1})).unwrap();
            assert_eq!(ours.verify(&token, Some("at+jwt")).unwrap()["a"], 1);
            assert!(ours.verify(&token, Some("JWT")).is_none());
            assert!(other.verify(&token, None).is_none());
            for bent in [
                format!("{token}="),
                format!("{token}A"),
                format!("{token}.x"),
                format!(" {token}"),
            ] {
                assert!(ours.verify(&bent, None).is_none(), "{bent}");
            }
        }
    }

    /// `header` and a payload with a true signature of `key` over them.
    fn forged(key: &SigningKey, header: &str) -> String {
        let signed = format!("{}.{}", encode(header.as_bytes()), encode(b"{}"));
        let signature = encode(&key.pair.sign(signed.as_bytes()).unwrap());
        format!("{signed}.{signature}")
    }

    #[test]
    fn i197_i199_i212_headers_that_say_otherwise_are_refused_though_the_signature_is_true() {
        let key = key(Algorithm::Es256);
        let kid = key.kid();
        assert!(
            key.verify(&forged(&key, &format!(r#"{{"alg":"ES256","kid":"{kid}"}}"#)), None)
                .is_some()
        );
        for header in [
            format!(r#"{{"alg":"none","kid":"{kid}"}}"#),
            format!(r#"{{"alg":"HS256","kid":"{kid}"}}"#),
            format!(r#"{{"alg":"RS256","kid":"{kid}"}}"#),
            format!(r#"{{"alg":"es256","kid":"{kid}"}}"#),
            format!(r#"{{"alg":"ES256","kid":"{kid}","crit":["exp"]}}"#),
            format!(r#"{{"alg":"ES256","kid":"{kid}","b64":false}}"#),
            format!(r#"{{"alg":"ES256","kid":"{kid}","alg":"ES256"}}"#),
            r#"{"alg":"ES256","kid":"another"}"#.to_owned(),
            r#"{"alg":"ES256"}"#.to_owned(),
        ] {
            assert!(key.verify(&forged(&key, &header), None).is_none(), "{header}");
        }
        for text in ["", ".", "..", "...", "a.b.c", "\u{e9}.\u{e9}.\u{e9}"] {
            assert!(key.verify(text, None).is_none());
        }
    }

    #[test]
    fn a_kept_key_is_private_and_the_same_next_time() {
        let directory = tempfile::tempdir().unwrap();
        for algorithm in Algorithm::BOTH {
            let load = || SigningKey::load_or_create(directory.path(), algorithm.name(), algorithm);
            let first = load().unwrap();
            assert_eq!(load().unwrap().kid(), first.kid());
            let file = directory.path().join(format!("{}.p8", algorithm.name()));
            assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert!(SigningKey::load_or_create(directory.path(), "RS256", Algorithm::Es256).is_err());
    }

    #[test]
    fn keys_made_at_the_same_time_are_one_key() {
        let directory = tempfile::tempdir().unwrap();
        let load = || SigningKey::load_or_create(directory.path(), "k", Algorithm::Es256);
        let kids: Vec<String> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(load)).collect();
            threads.into_iter().map(|t| t.join().unwrap().unwrap().kid().to_owned()).collect()
        });
        assert!(kids.iter().all(|kid| *kid == kids[0]));
    }
}
