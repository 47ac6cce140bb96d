//! `<signingKeys>` of our own node, and the certificate settings of the identity files (spec §4.1), →
//! [`SigningSettings`].

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::config::model::SigningSettings;
use crate::config::model::StoreAddress;
use crate::config::model::identity_server::IdentityServerSettings;
use crate::config::read::gateway::Gateway;
use crate::config::read::ours::Ours;
use crate::config::read::report::Report;
use crate::config::read::values;
use crate::config::settings::Dictionary;
use crate::config::settings::Setting;
use crate::crypto::certified;
use crate::crypto::seal::SealKeys;
use crate::crypto::secret::Secret;
use crate::crypto::signing::SigningKey;

/// Reads what the identity server signs with. `server` says how long tokens live, `store` where keys
/// are kept.
pub(crate) fn read(
    gateway: Gateway<'_>,
    dictionary: &Dictionary,
    server: &IdentityServerSettings,
    store: &StoreAddress,
    report: &mut Report,
) -> SigningSettings {
    let attributes = ["announce", "rotate", "retain", "seal"];
    let ours = gateway.section("signingKeys", &attributes, &["certificate"], report);
    let mut settings = SigningSettings::default();
    if let Some(ours) = ours {
        schedule(ours, &mut settings, report);
        settings.seal = seal(ours, report);
        settings.certified = certificates(ours, report);
    }
    let raw = dictionary.root.child("IdentityServer").and_then(|server| raw_data(server, report));
    settings.certified.extend(raw.map(Arc::new));
    let mut kids: Vec<String> = Vec::new();
    settings.certified.retain(|key| {
        let new = !kids.iter().any(|kid| kid == key.kid());
        kids.push(key.kid().to_owned());
        new
    });
    settings.retain = settings.retain.max(longest_token(server));
    let shared = matches!(store, StoreAddress::Postgres(_) | StoreAddress::MySql(_));
    if shared && settings.seal.is_none() && settings.certified.is_empty() {
        let origin = ours.map_or_else(|| &gateway.element().origin, Ours::origin);
        let what = "whoever reads the database can read the signing keys in it";
        report.lint(origin, what, SEAL);
    }
    settings
}

const SEAL: &str = "write <signingKeys seal=\"$(env:…)\" /> with 32 random characters or more, the same for all instances";

fn schedule(ours: Ours<'_>, settings: &mut SigningSettings, report: &mut Report) {
    settings.announce = ours.duration("announce", settings.announce, report);
    settings.rotate = ours.duration("rotate", settings.rotate, report);
    settings.retain = ours.duration("retain", settings.retain, report);
    if settings.announce >= settings.rotate {
        let what = "a signing key is announced for longer than one signs";
        report.fault(ours.origin_of("rotate"), what, "make rotate longer than announce");
    }
}

/// Secrets separated by `|`: the first seals, any opens.
fn seal(ours: Ours<'_>, report: &mut Report) -> Option<SealKeys> {
    let secrets = values::list(ours.text("seal").filter(|text| !text.is_empty())?);
    if secrets.is_empty() || secrets.iter().any(|secret| secret.len() < 32) {
        let what = "a secret that seals signing keys has less than 32 characters";
        report.fault(ours.origin_of("seal"), what, "make one with: openssl rand -base64 33");
        return None;
    }
    Some(SealKeys::from_secrets(secrets.iter().map(String::as_str)))
}

fn certificates(ours: Ours<'_>, report: &mut Report) -> Vec<Arc<SigningKey>> {
    let elements = ours.children("certificate");
    elements
        .filter_map(|element| {
            let ours = Ours::new(element, &["file", "key"], &[], report);
            let (file, key) = (ours.required("file", report)?, ours.required("key", report)?);
            let read = |path: &str| fs::read(path).map_err(|error| format!("{path}: {error}"));
            let both = read(file).and_then(|chain| Ok((chain, read(key)?)));
            let read = both.and_then(|(chain, key)| {
                certified::from_pem(&chain, &key).map_err(|error| error.to_string())
            });
            match read {
                Ok(key) => Some(Arc::new(key)),
                Err(why) => {
                    let what = format!("the signing certificate cannot be used: {why}");
                    let instead = "write file and key of a certificate in PEM: RSA or P-256, the key not encrypted";
                    report.fault(ours.origin(), what, instead);
                    None
                }
            }
        })
        .collect()
}

/// `CertificateRawData` and `CertificateRawDataPassword`. The names of a Windows certificate store
/// lead nowhere.
fn raw_data(server: &Setting, report: &mut Report) -> Option<SigningKey> {
    let Some(text) = server.text("CertificateRawData") else {
        warn_of_thumbprint(server, report);
        return None;
    };
    let setting = server.child("CertificateRawData")?;
    let password = server.text("CertificateRawDataPassword").unwrap_or_default();
    for text in [text, password] {
        if let Some(token) = values::unresolved(text) {
            let what = format!("CertificateRawData is not used, because it holds {token}");
            report.disable(&setting.origin, what, values::resolve_hint(token));
            return None;
        }
    }
    let text: String = text.split_ascii_whitespace().collect();
    let read = match STANDARD.decode(text) {
        Ok(file) => {
            certified::from_pkcs12(&file, &Secret::new(password)).map_err(|error| error.to_string())
        }
        Err(_) => Err("it is not base64".to_owned()),
    };
    match read {
        Ok(key) => Some(key),
        Err(why) => {
            let what = format!("CertificateRawData is not used, own keys sign: {why}");
            let instead = "write the base64 of a PKCS#12 file and its CertificateRawDataPassword";
            report.disable(&setting.origin, what, instead);
            None
        }
    }
}

fn warn_of_thumbprint(server: &Setting, report: &mut Report) {
    let Some(setting) = server.child("CertificateThumbprint") else { return };
    if server.text("CertificateThumbprint").is_some() {
        let what = "CertificateThumbprint has no effect: there is no Windows certificate store here, own keys sign";
        let instead = "write the certificate as CertificateRawData (base64 of its PKCS#12 file) and CertificateRawDataPassword, or <signingKeys><certificate file=\"…\" key=\"…\" /></signingKeys> in <gateway>";
        report.lint(&setting.origin, what, instead);
    }
}

fn longest_token(server: &IdentityServerSettings) -> Duration {
    let lifetimes = server
        .clients
        .iter()
        .flat_map(|client| [client.access_token_lifetime, client.id_token_lifetime]);
    lifetimes.max().unwrap_or_default()
}
