//! Signing keys with certificates, as their owners have them: PKCS#12 files (RFC 7292) and PEM.

use p12_keystore::Pkcs12Archive;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject;

use crate::crypto::secret::Secret;
use crate::crypto::signing::SigningKey;

/// Why there is no key to sign with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertifiedError {
    /// Neither the structure nor the password can be told to be at fault.
    #[error("it is no PKCS#12 file that this password opens")]
    Unreadable,
    /// A file of PEM without what was looked for.
    #[error("there is no certificate, or no unencrypted private key")]
    Empty,
    /// A key that signs with another algorithm than RS256 and ES256.
    #[error("its key is neither RSA of 2048 bits or more nor of the curve P-256")]
    Unsupported,
    /// No certificate is of the key's public half.
    #[error("the certificate is not the key's")]
    Strangers,
}

/// The key and certificate in a PKCS#12 file. Other certificates in it are passed over.
///
/// # Errors
///
/// See [`CertifiedError`].
pub fn from_pkcs12(file: &[u8], password: &Secret) -> Result<SigningKey, CertifiedError> {
    let archive = Pkcs12Archive::from_pkcs12(file, password.expose())
        .map_err(|_| CertifiedError::Unreadable)?;
    if archive.keys.is_empty() {
        return Err(CertifiedError::Empty);
    }
    let certificates = || archive.certs.iter().map(|bag| bag.cert.as_der());
    let mut readable = false;
    for bag in &archive.keys {
        let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(bag.key.as_der()));
        match matched(&der, certificates()) {
            Err(CertifiedError::Unsupported) => {}
            Err(_) => readable = true,
            found => return found,
        }
    }
    Err(if readable { CertifiedError::Strangers } else { CertifiedError::Unsupported })
}

/// The key and certificate in PEM: the first private key of `key`, and its certificate in `chain`.
///
/// # Errors
///
/// See [`CertifiedError`].
pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<SigningKey, CertifiedError> {
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| CertifiedError::Empty)?;
    let chain = CertificateDer::pem_slice_iter(chain).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|_| CertifiedError::Empty)?;
    if chain.is_empty() {
        return Err(CertifiedError::Empty);
    }
    matched(&key, chain.iter().map(AsRef::as_ref))
}

fn matched<'a>(
    der: &PrivateKeyDer<'_>,
    certificates: impl Iterator<Item = &'a [u8]>,
) -> Result<SigningKey, CertifiedError> {
    let key = || SigningKey::read(der).ok_or(CertifiedError::Unsupported);
    key()?;
    for certificate in certificates {
        if let Some(certified) = key()?.with_certificate(certificate) {
            return Ok(certified);
        }
    }
    Err(CertifiedError::Strangers)
}
