//! `vestibule certificate dev`: an authority and a server certificate for development, under
//! `certs/` or in the demo's temporary directory.

use std::fmt;
use std::fs;
use std::fs::Permissions;
use std::io;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use anyhow::bail;
use rcgen::BasicConstraints;
use rcgen::CertificateParams;
use rcgen::DistinguishedName;
use rcgen::DnType;
use rcgen::ExtendedKeyUsagePurpose;
use rcgen::IsCa;
use rcgen::Issuer;
use rcgen::KeyPair;
use rcgen::KeyUsagePurpose;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use x509_parser::prelude::FromDer;
use x509_parser::prelude::X509Certificate;

use crate::clock::Clock;
use crate::clock::Timestamp;
use crate::crypto::digest;

/// Certificates for development.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Makes an authority and a server certificate for localhost and *.localhost.
    Dev {
        /// Where the files go.
        #[arg(long, default_value = "certs")]
        directory: PathBuf,
        /// Further names.
        hosts: Vec<String>,
    },
}

impl Command {
    /// Makes the files and says where they are.
    ///
    /// # Errors
    ///
    /// As [`make_development`], or when standard output is closed.
    pub fn run(&self) -> anyhow::Result<()> {
        let Self::Dev { directory, hosts } = self;
        let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
        let made = make_development(directory, &hosts, Clock::system().now())?;
        write!(io::stdout(), "{made}")?;
        Ok(())
    }
}

/// What [`make_development`] made; shown as a person should read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Development {
    /// The authority's certificate, for browsers to trust.
    pub authority: PathBuf,
    /// Whether the authority was there before.
    pub reused: bool,
    /// The server's certificate.
    pub certificate: PathBuf,
    /// The server's private key.
    pub key: PathBuf,
    /// Names and addresses that the certificate is for.
    pub hosts: Vec<String>,
}

/// What every development certificate is for. Browsers do not match a wildcard directly below a
/// top-level name, so the hosts that the demo uses stand there by name too.
const HOSTS: [&str; 8] = [
    "localhost",
    "*.localhost",
    "cms.localhost",
    "id.localhost",
    "partner.localhost",
    "admin.localhost",
    "127.0.0.1",
    "::1",
];

const DAY: Duration = Duration::from_hours(24);
/// Chromium refuses server certificates that are valid for more than 398 days.
const SERVER_DAYS: u32 = 397;
const AUTHORITY_DAYS: u32 = 3650;

/// Makes `server.pem` and `server.key` in `directory` for `localhost`, `*.localhost`, loopback and
/// `hosts`, signed by the authority `authority.pem` and `authority.key` there, which is made when it
/// is missing or has expired. Keys can be read by their owner alone.
///
/// # Errors
///
/// The directory cannot be written, a host is no name, or the authority that is there cannot be
/// used.
pub fn make_development(
    directory: &Path,
    hosts: &[&str],
    now: Timestamp,
) -> anyhow::Result<Development> {
    fs::create_dir_all(directory)
        .with_context(|| format!("cannot make {}", directory.display()))?;
    let (authority, reused) = authority(directory, now)?;
    let mut names: Vec<String> = HOSTS.map(str::to_owned).to_vec();
    names.extend(hosts.iter().filter(|host| !HOSTS.contains(host)).map(|host| (*host).to_owned()));
    let server = KeyPair::generate()?;
    let params = server_params(&names, now)?;
    let certificate = params.signed_by(&server, &authority)?;
    let made = Development {
        authority: directory.join(AUTHORITY_PEM),
        reused,
        certificate: directory.join("server.pem"),
        key: directory.join("server.key"),
        hosts: names,
    };
    write(&made.key, &server.serialize_pem(), SECRET)?;
    write(&made.certificate, &certificate.pem(), PUBLIC)?;
    Ok(made)
}

const AUTHORITY_PEM: &str = "authority.pem";
const AUTHORITY_KEY: &str = "authority.key";
const SECRET: u32 = 0o600;
const PUBLIC: u32 = 0o644;

fn authority(directory: &Path, now: Timestamp) -> anyhow::Result<(Issuer<'static, KeyPair>, bool)> {
    let (certificate, secret) = (directory.join(AUTHORITY_PEM), directory.join(AUTHORITY_KEY));
    if certificate.exists() && secret.exists() {
        let key = fs::read_to_string(&secret)
            .with_context(|| format!("cannot read {}", secret.display()))?;
        let key = KeyPair::from_pem(&key)
            .with_context(|| format!("{} is no private key", secret.display()))?;
        if is_usable(&certificate, &key, now)? {
            return Ok((Issuer::new(authority_params(&key, now), key), true));
        }
    }
    let key = KeyPair::generate()?;
    let params = authority_params(&key, now);
    let pem = params.self_signed(&key)?.pem();
    write(&secret, &key.serialize_pem(), SECRET)?;
    write(&certificate, &pem, PUBLIC)?;
    Ok((Issuer::new(params, key), false))
}

/// Whether the authority outlives a server certificate made now.
fn is_usable(certificate: &Path, key: &KeyPair, now: Timestamp) -> anyhow::Result<bool> {
    let der = CertificateDer::from_pem_file(certificate)
        .with_context(|| format!("cannot read {}", certificate.display()))?;
    let (_, parsed) = X509Certificate::from_der(&der)
        .with_context(|| format!("{} is no certificate", certificate.display()))?;
    let ours = authority_name(key);
    let names = parsed.subject().iter_common_name().filter_map(|name| name.as_str().ok());
    if !names.into_iter().any(|name| name == ours) {
        bail!(
            "{} was not made by this command for {AUTHORITY_KEY}; remove both to make new ones",
            certificate.display()
        );
    }
    let end = Timestamp(parsed.validity().not_after.timestamp());
    Ok(end > now.plus(DAY * SERVER_DAYS))
}

/// Named after its key: browsers confuse authorities of one name and different keys.
fn authority_name(key: &KeyPair) -> String {
    let [a, b, c, d, ..] = digest::sha256(rcgen::PublicKeyData::der_bytes(key));
    let mark = u32::from_be_bytes([a, b, c, d]);
    format!("Vestibule development authority {mark:08x}")
}

fn authority_params(key: &KeyPair, now: Timestamp) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = named(&authority_name(key));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    valid_for(&mut params, AUTHORITY_DAYS, now);
    params
}

fn server_params(hosts: &[String], now: Timestamp) -> anyhow::Result<CertificateParams> {
    let mut params = CertificateParams::new(hosts).context("a host is no name")?;
    params.distinguished_name = named("Vestibule development server");
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    valid_for(&mut params, SERVER_DAYS, now);
    Ok(params)
}

fn named(name: &str) -> DistinguishedName {
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, name);
    subject
}

/// From an hour ago, for clients whose clocks are behind ours.
fn valid_for(params: &mut CertificateParams, days: u32, now: Timestamp) {
    let begin = now.minus(Duration::from_hours(1));
    let since_1970 = begin.since(Timestamp(0));
    params.not_before = rcgen::date_time_ymd(1970, 1, 1) + since_1970;
    params.not_after = params.not_before + DAY * days;
}

/// Writes the file whole or not at all, never readable by more than `mode` says.
fn write(file: &Path, text: &str, mode: u32) -> anyhow::Result<()> {
    let directory = file.parent().unwrap_or_else(|| Path::new("."));
    let context = || format!("cannot write {}", file.display());
    let mut new = tempfile::NamedTempFile::new_in(directory).with_context(context)?;
    new.write_all(text.as_bytes()).with_context(context)?;
    new.as_file().set_permissions(Permissions::from_mode(mode)).with_context(context)?;
    new.persist(file).with_context(context)?;
    Ok(())
}

impl fmt::Display for Development {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { authority, reused, certificate, key, hosts } = self;
        let (authority, kept) = (authority.display(), if *reused { " (kept)" } else { "" });
        writeln!(f, "authority    {authority}{kept}")?;
        writeln!(f, "certificate  {}", certificate.display())?;
        writeln!(f, "key          {}", key.display())?;
        writeln!(f, "for          {}", hosts.join(", "))?;
        writeln!(f)?;
        writeln!(f, "To trust it, on this machine and for development only:")?;
        writeln!(f, "  curl      curl --cacert {authority} https://cms.localhost:8443/")?;
        writeln!(
            f,
            "  Chromium  certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n vestibule -i {authority}"
        )?;
        writeln!(f, "  Firefox   Settings, Certificates, View Certificates, Authorities, Import")?;
        writeln!(
            f,
            "  Debian    sudo cp {authority} /usr/local/share/ca-certificates/vestibule.crt && sudo update-ca-certificates"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::sync::Arc;

    use rustls::RootCertStore;
    use rustls::client::WebPkiServerVerifier;
    use rustls::client::danger::ServerCertVerifier;
    use rustls::pki_types::ServerName;
    use rustls::pki_types::UnixTime;

    const NOW: Timestamp = Timestamp(1_793_000_000);

    fn mode(file: &Path) -> u32 {
        fs::metadata(file).unwrap().permissions().mode() & 0o777
    }

    fn verifies(made: &Development, host: &str, at: Timestamp) -> bool {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(&made.authority).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
        let leaf = CertificateDer::from_pem_file(&made.certificate).unwrap();
        let name = ServerName::try_from(host.to_owned()).unwrap();
        let at = UnixTime::since_unix_epoch(at.since(Timestamp(0)));
        builder.build().unwrap().verify_server_cert(&leaf, &[], &name, &[], at).is_ok()
    }

    #[test]
    fn the_certificate_is_for_loopback_names_and_the_hosts_asked_for() {
        let directory = tempfile::tempdir().unwrap();
        let made = make_development(directory.path(), &["cms.example.test"], NOW).unwrap();
        for host in ["localhost", "id.localhost", "cms.example.test", "127.0.0.1", "::1"] {
            assert!(verifies(&made, host, NOW), "{host}");
        }
        assert!(!verifies(&made, "other.example.test", NOW));
    }

    #[test]
    fn it_lasts_397_days_at_most() {
        let directory = tempfile::tempdir().unwrap();
        let made = make_development(directory.path(), &[], NOW).unwrap();
        assert!(verifies(&made, "localhost", NOW.plus(DAY * 396)));
        assert!(!verifies(&made, "localhost", NOW.plus(DAY * 397)));
    }

    #[test]
    fn keys_are_their_owners_alone() {
        let directory = tempfile::tempdir().unwrap();
        let made = make_development(directory.path(), &[], NOW).unwrap();
        assert_eq!(mode(&made.key), 0o600);
        assert_eq!(mode(&directory.path().join("authority.key")), 0o600);
        assert_eq!(mode(&made.authority), 0o644);
    }

    #[test]
    fn the_authority_is_kept_until_it_would_expire_before_the_certificate() {
        let directory = tempfile::tempdir().unwrap();
        let made = make_development(directory.path(), &[], NOW).unwrap();
        assert!(!made.reused);
        let before = fs::read(&made.authority).unwrap();
        let again = make_development(directory.path(), &[], NOW.plus(DAY * 100)).unwrap();
        assert!(again.reused);
        assert_eq!(fs::read(&made.authority).unwrap(), before);
        assert!(verifies(&again, "localhost", NOW.plus(DAY * 400)));
        let late = make_development(directory.path(), &[], NOW.plus(DAY * 3_500)).unwrap();
        assert!(!late.reused);
    }

    #[test]
    fn an_authority_of_somebody_elses_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let other = tempfile::tempdir().unwrap();
        make_development(directory.path(), &[], NOW).unwrap();
        let foreign = make_development(other.path(), &[], NOW).unwrap();
        fs::copy(foreign.authority, directory.path().join("authority.pem")).unwrap();
        let error = make_development(directory.path(), &[], NOW).unwrap_err().to_string();
        assert!(error.contains("remove both"), "{error}");
    }
}
