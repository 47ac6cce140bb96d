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

/// TLS settings for a server whose chain must end in one of the PEM certificates of the file `ca`,
/// or, without one, in the system's.
///
/// # Errors
///
/// When the file cannot be read or holds no certificate.
pub fn tls_config(ca: Option<&Path>) -> io::Result<Arc<ClientConfig>> {
    let roots = match ca {
        None => system(),
        Some(file) => {
            let mut roots = RootCertStore::empty();
            add(&mut roots, &std::fs::read(file)?, file)?;
            roots
        }
    };
    config(roots)
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
        add(&mut roots, &pem, file)?;
        let made = config(roots)?;
        self.with_file.insert(file.to_owned(), (digest, Arc::clone(&made)));
        Ok(made)
    }

    fn of_system(&self) -> io::Result<Arc<ClientConfig>> {
        if let Some(kept) = self.plain.get() {
            return Ok(Arc::clone(kept));
        }
        let made = config(self.system.get_or_init(system).clone())?;
        Ok(Arc::clone(self.plain.get_or_init(|| made)))
    }
}

fn config(roots: RootCertStore) -> io::Result<Arc<ClientConfig>> {
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
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

fn add(roots: &mut RootCertStore, pem: &[u8], file: &Path) -> io::Result<()> {
    let before = roots.len();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(io::Error::other)?;
        roots.add(certificate).map_err(io::Error::other)?;
    }
    if roots.len() == before {
        return Err(io::Error::other(format!("{} holds no certificate", file.display())));
    }
    Ok(())
}
