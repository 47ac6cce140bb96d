//! Certificate chains and their keys, by listener and server name; swapped whole on reload.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::server::ClientHello;
use rustls::server::ResolvesServerCert;
use rustls::sign::CertifiedKey;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;
use x509_parser::prelude::X509Certificate;

use crate::clock::Timestamp;
use crate::config::model::Listener;
use crate::config::model::ListenerKind;
use crate::observe::Metrics;

/// The certificates of every TLS listener.
#[derive(Debug)]
pub struct Certificates(ArcSwap<HashMap<Arc<str>, Arc<Chains>>>);

/// The certificates of one listener.
#[derive(Debug, Default)]
struct Chains {
    /// For clients that name no server, or one that no certificate has.
    first: Option<Arc<CertifiedKey>>,
    /// By lower-case name, exact or `*.` and a parent; more than one when their key types differ.
    by_name: HashMap<String, Vec<Arc<CertifiedKey>>>,
    /// Which file expires when.
    expiry: Vec<(PathBuf, Timestamp)>,
}

impl Certificates {
    /// Reads the certificate and key files of every TLS listener.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, each naming listener and file.
    pub fn load(listeners: &[Listener]) -> Result<Self, Vec<String>> {
        let mut all = HashMap::new();
        let mut faults = Vec::new();
        for listener in listeners {
            if let ListenerKind::Tls(files) = &listener.kind {
                let chains = load_all(files, &listener.name, &mut faults);
                all.insert(Arc::clone(&listener.name), Arc::new(chains));
            }
        }
        if faults.is_empty() { Ok(Self(ArcSwap::from_pointee(all))) } else { Err(faults) }
    }

    /// Uses what `newer` holds from the next handshake on.
    pub fn replace(&self, newer: &Self) {
        self.0.store(newer.0.load_full());
    }

    /// Writes when each certificate expires to `vestibule_certificate_expiry_timestamp_seconds`.
    pub fn record(&self, metrics: &Metrics) {
        metrics.certificate_expiry.reset();
        for chains in self.0.load().values() {
            for (file, expiry) in &chains.expiry {
                let label = file.display().to_string();
                metrics.certificate_expiry.with_label_values(&[&label]).set(expiry.0);
            }
        }
    }

    /// Chooses for a handshake at the listener of that name.
    pub(super) fn choose(
        &self,
        listener: &str,
        hello: &ClientHello<'_>,
    ) -> Option<Arc<CertifiedKey>> {
        let all = self.0.load();
        let chains = all.get(listener)?;
        let schemes = hello.signature_schemes();
        let candidates = hello.server_name().and_then(|name| chains.find(name)).unwrap_or_default();
        let fitting = candidates.iter().find(|chain| chain.key.choose_scheme(schemes).is_some());
        fitting.or_else(|| candidates.first()).or(chains.first.as_ref()).cloned()
    }
}

impl Chains {
    /// An exact name wins over a wildcard, which stands for one label (RFC 9525 §6.3).
    fn find(&self, server_name: &str) -> Option<&[Arc<CertifiedKey>]> {
        let name = server_name.to_ascii_lowercase();
        let wildcard = || {
            let (_, parent) = name.split_once('.')?;
            self.by_name.get(&format!("*.{parent}"))
        };
        self.by_name.get(&name).or_else(wildcard).map(Vec::as_slice)
    }

    fn add(&mut self, file: &Path, chain: CertifiedKey) -> Result<(), String> {
        let leaf = chain.end_entity_cert().map_err(|error| error.to_string())?;
        let (_, leaf) = X509Certificate::from_der(leaf)
            .map_err(|error| format!("`{}`: {error}", file.display()))?;
        let expiry = Timestamp(leaf.validity().not_after.timestamp());
        let names = names_of(&leaf);
        let chain = Arc::new(chain);
        for name in names {
            self.by_name.entry(name).or_default().push(Arc::clone(&chain));
        }
        self.first.get_or_insert(chain);
        self.expiry.push((file.to_owned(), expiry));
        Ok(())
    }
}

fn load_all(files: &[(PathBuf, PathBuf)], listener: &str, faults: &mut Vec<String>) -> Chains {
    let mut chains = Chains::default();
    for (certificate, key) in files {
        let loaded = load_one(certificate, key).and_then(|chain| chains.add(certificate, chain));
        if let Err(what) = loaded {
            faults.push(format!("listener `{listener}`: {what}"));
        }
    }
    if files.is_empty() {
        faults.push(format!("listener `{listener}` has no certificate"));
    }
    chains
}

fn load_one(certificate: &Path, key: &Path) -> Result<CertifiedKey, String> {
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unreadable("certificate", certificate, &error))?;
    if chain.is_empty() {
        return Err(format!("`{}` holds no PEM certificate", certificate.display()));
    }
    let secret =
        PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable("key", key, &error))?;
    CertifiedKey::from_der(chain, secret, &provider()).map_err(|error| {
        format!("`{}` is no key for `{}`: {error}", key.display(), certificate.display())
    })
}

fn unreadable(what: &str, file: &Path, error: &rustls::pki_types::pem::Error) -> String {
    let file = file.display();
    let missing = matches!(error, rustls::pki_types::pem::Error::Io(e) if e.kind() == std::io::ErrorKind::NotFound);
    if missing {
        return format!(
            "{what} `{file}` does not exist; put it there, or make one for development with \
             `vestibule certificate dev`"
        );
    }
    format!("{what} `{file}` cannot be read: {error}")
}

/// The cryptography of every handshake; chosen here and not process-wide, so that nothing else can
/// change it.
pub(super) fn provider() -> CryptoProvider {
    rustls::crypto::aws_lc_rs::default_provider()
}

fn names_of(leaf: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(names)) = leaf.subject_alternative_name() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for name in &names.value.general_names {
        if let GeneralName::DNSName(name) = name {
            found.push(name.to_ascii_lowercase());
        }
    }
    found
}

/// The certificates of one listener, as rustls asks for them.
pub(super) struct Resolver {
    pub(super) listener: Arc<str>,
    pub(super) certificates: Arc<Certificates>,
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.certificates.choose(&self.listener, &hello)
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Resolver").field(&self.listener).finish()
    }
}
