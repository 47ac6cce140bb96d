//! Whom we believe when we call: TLS settings from the system's certificates and files of our own.

use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::OnceLock;

use dashmap::DashMap;
use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::crypto::aws_lc_rs;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use crate::crypto::digest;
use crate::http::client::verifier::Verifier;

/// TLS settings for a server whose chain must end in one of the PEM certificates of the file `ca`,
/// or that has one of them itself; without a file its chain ends in the system's.
///
/// # Errors
///
/// When the file cannot be read or holds no certificate.
pub fn tls_config(ca: Option<&Path>) -> io::Result<Arc<ClientConfig>> {
    match ca {
        None => config(system(), Vec::new()),
        Some(file) => {
            let mut roots = RootCertStore::empty();
            let certificates = add(&mut roots, &std::fs::read(file)?, file)?;
            config(roots, certificates)
        }
    }
}

/// Settings for the system's certificates and, one each, for the system's and a file's together. A
/// file that has changed is read anew.
#[derive(Debug, Default)]
pub(super) struct Configs {
    system: OnceLock<RootCertStore>,
    plain: OnceLock<Arc<ClientConfig>>,
    with_file: DashMap<PathBuf, ([u8; 32], Arc<ClientConfig>)>,
}

impl Configs {
    /// The settings that believe the system and `file`.
    pub(super) async fn of(&self, file: Option<&Path>) -> io::Result<Arc<ClientConfig>> {
        let Some(file) = file else { return self.of_system() };
        let pem = tokio::fs::read(file).await?;
        let digest = digest::sha256(&pem);
        if let Some(kept) = self.with_file.get(file)
            && kept.0 == digest
        {
            return Ok(Arc::clone(&kept.1));
        }
        let mut roots = self.system.get_or_init(system).clone();
        let certificates = add(&mut roots, &pem, file)?;
        let made = config(roots, certificates)?;
        self.with_file.insert(file.to_owned(), (digest, Arc::clone(&made)));
        Ok(made)
    }

    fn of_system(&self) -> io::Result<Arc<ClientConfig>> {
        if let Some(kept) = self.plain.get() {
            return Ok(Arc::clone(kept));
        }
        let made = config(self.system.get_or_init(system).clone(), Vec::new())?;
        Ok(Arc::clone(self.plain.get_or_init(|| made)))
    }
}

/// Settings that believe `roots`, and each of `handed_over` by itself.
fn config(
    roots: RootCertStore,
    handed_over: Vec<CertificateDer<'static>>,
) -> io::Result<Arc<ClientConfig>> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?;
    let builder = if handed_over.is_empty() {
        builder.with_root_certificates(roots)
    } else {
        let verifier = Verifier::new(roots, handed_over, provider).map_err(io::Error::other)?;
        builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
    };
    Ok(Arc::new(builder.with_no_client_auth()))
}

/// The system's certificates; none where the system has none, so that nothing is believed.
fn system() -> RootCertStore {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(?error, "a certificate of the system cannot be read");
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    roots
}

/// Adds the certificates of a file and returns them: one at least.
fn add(
    roots: &mut RootCertStore,
    pem: &[u8],
    file: &Path,
) -> io::Result<Vec<CertificateDer<'static>>> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let certificates = certificates.map_err(io::Error::other)?;
    if certificates.is_empty() {
        return Err(io::Error::other(format!("{} holds no certificate", file.display())));
    }
    for certificate in &certificates {
        roots.add(certificate.clone()).map_err(io::Error::other)?;
    }
    Ok(certificates)
}
