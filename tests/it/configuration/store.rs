//! Where things are kept and what is signed with.

use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use vestibule::config::Config;
use vestibule::config::NoticeKind;
use vestibule::config::model::StoreAddress;

use super::faults;
use super::load;
use super::noticed;
use super::refused;
use super::with;

#[test]
fn without_a_word_the_store_is_a_file_in_the_data_directory() {
    let file = |path: &str| StoreAddress::Sqlite(PathBuf::from(path));
    assert_eq!(with("").store, file("data/vestibule.db"));
    assert_eq!(with("<gateway set:data=\"/var/lib/v\" />").store, file("/var/lib/v/vestibule.db"));
    let patch = "<gateway><users set:store=\"sqlite:other.db\" /></gateway>";
    assert_eq!(with(patch).store, file("other.db"));
    assert_eq!(with("<gateway><users store=\"memory\" /></gateway>").store, StoreAddress::Memory);
}

#[test]
fn that_addresses_are_unique_is_said_in_either_spelling() {
    for (written, unique) in [
        ("set:requireUniqueEmail=\"true\"", true),
        ("set:requiresUniqueEmail=\"true\"", true),
        ("set:requiresUniqueEmail=\"false\"", false),
    ] {
        let config = with(&format!("<gateway><users {written} /></gateway>"));
        assert_eq!(config.requires_unique_email, unique, "{written}");
        assert!(!config.notices.iter().any(|n| n.to_string().contains("UniqueEmail")), "{written}");
    }
}

#[test]
fn r_a_store_that_is_none_is_refused_with_what_to_write_and_without_its_password() {
    for store in ["redis://:S3CRET@host/0", "postgres://v:S3CRET@host", "S3CRET"] {
        let faults = faults(&format!("<gateway><users store=\"{store}\" /></gateway>"));
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(faults[0].starts_with("3: the users' store"), "{faults:?}");
        assert!(faults[0].contains("write sqlite:data/vestibule.db"), "{faults:?}");
        assert!(!faults[0].contains("S3CRET"), "{faults:?}");
    }
}

#[test]
fn a_connection_string_of_sql_server_is_answered_with_what_to_write() {
    let string = "Data Source=sql;Initial Catalog=core;User ID=sa;Password=S3CRET";
    let config = with(&format!("<gateway><users store=\"{string}\" /></gateway>"));
    assert_eq!(config.store, StoreAddress::Sqlite(PathBuf::from("data/vestibule.db")));
    let (kind, text) = told(&config, "connection string of SQL Server");
    assert!(kind == NoticeKind::Disable && text.contains("<users store="), "{text}");
    assert!(!text.contains("S3CRET"), "{text}");

    let add = format!("<add name=\"core\" connectionString=\"{string}\" />");
    let list = format!(
        "<connectionStrings>\n{add}\n<add name=\"mongo\" connectionString=\"mongodb://h/d\" /></connectionStrings>"
    );
    let within = format!("<configuration>\n{list}\n<sitecore /></configuration>");
    for (file, line) in [(&list, "2"), (&within, "3")] {
        let config = load(&[("include/ConnectionStrings.config", file)]).unwrap();
        let (kind, text) = told(&config, "the connection string `core` has no effect");
        assert!(kind == NoticeKind::Lint && text.contains("<users store="), "{text}");
        assert!(text.contains(&format!("ConnectionStrings.config:{line}")), "{text}");
        assert!(!text.contains("S3CRET"), "{text}");
        assert_eq!(config.notices.iter().filter(|n| n.to_string().contains("mongo")).count(), 0);
    }
    let setting = format!("<settings><setting name=\"Own\" value=\"{string}\" /></settings>");
    let (kind, _) = told(&with(&setting), "the connection string `Own` has no effect");
    assert_eq!(kind, NoticeKind::Lint);
}

#[test]
fn the_schedule_of_signing_keys_must_be_possible_and_their_seal_long() {
    let keys = |attributes: &str| format!("<gateway><signingKeys {attributes} /></gateway>");
    let days = |config: &Config| config.signing.rotate.as_secs() / 86_400;
    assert_eq!(days(&with("")), 90);
    assert_eq!(days(&with(&keys("set:rotate=\"30d\""))), 30);
    refused(&keys("set:rotate=\"14d\""), "3: a signing key is announced for longer than one signs");
    refused(&keys("set:retain=\"soon\""), "3: retain=\"soon\" cannot be read");
    refused(&keys("seal=\"short\""), "3: a secret that seals signing keys has less than 32");
    let long = "0123456789abcdef0123456789abcdef";
    assert!(with(&keys(&format!("seal=\"{long}\""))).signing.seal.is_some());
    refused(&keys(&format!("seal=\"{long}|short\"")), "3: a secret that seals");
    let missing = "<gateway><signingKeys><certificate file=\"no.pem\" key=\"no.key\" /></signingKeys></gateway>";
    refused(missing, "3: the signing certificate cannot be used: no.pem: No such file");
}

#[test]
fn keys_that_a_shared_database_shows_are_told_of() {
    let store = "<gateway><users store=\"postgres://v@host/v\" /></gateway>";
    let part = "whoever reads the database can read the signing keys in it";
    assert_eq!(noticed(store, part), NoticeKind::Lint);
}

/// The configuration with these keys below `Sitecore:IdentityServer`.
fn with_identity(keys: &str) -> Config {
    let text = format!(
        "<Settings><Sitecore>\n<IdentityServer>\n{keys}</IdentityServer></Sitecore></Settings>"
    );
    load(&[("identity/a.xml", &text)]).unwrap_or_else(|faults| panic!("{}", faults.join("\n")))
}

#[track_caller]
fn told(config: &Config, part: &str) -> (NoticeKind, String) {
    let found: Vec<_> = config.notices.iter().filter(|n| n.to_string().contains(part)).collect();
    let [notice] = found.as_slice() else { panic!("{part}: {:#?}", config.notices) };
    (notice.kind, notice.to_string())
}

#[test]
fn what_only_windows_and_sql_server_can_do_is_answered_with_what_to_write() {
    let config = with_identity(
        "<CertificateThumbprint>AB12</CertificateThumbprint>
         <SitecoreMembershipOptions><ConnectionString>Data Source=sql;Password=S3CRET</ConnectionString></SitecoreMembershipOptions>",
    );
    let (kind, text) = told(&config, "CertificateThumbprint has no effect");
    assert!(
        kind == NoticeKind::Lint && text.contains("a.xml:3") && text.contains("CertificateRawData")
    );
    let (kind, text) = told(&config, "ConnectionString of SitecoreMembershipOptions has no effect");
    assert!(kind == NoticeKind::Lint && text.contains("a.xml:4") && text.contains("<users store="));
    assert!(!text.contains("S3CRET"));
}

fn openssl(arguments: &[&str], folder: &std::path::Path) {
    let status = Command::new("openssl")
        .args(arguments)
        .current_dir(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    assert!(status.is_ok_and(|status| status.success()), "{arguments:?}");
}

/// A PKCS#12 file as other programs make it, in base64.
fn pkcs12(kind: &[&str], export: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let request = ["req", "-x509", "-nodes", "-subj", "/CN=sign", "-keyout", "k", "-out", "c"];
    openssl(&[&request[..], kind].concat(), folder.path());
    let usual =
        ["pkcs12", "-export", "-inkey", "k", "-in", "c", "-out", "p", "-passout", "pass:S3CRET"];
    openssl(&[&usual[..], export].concat(), folder.path());
    STANDARD.encode(std::fs::read(folder.path().join("p")).unwrap())
}

const RSA: [&str; 2] = ["-newkey", "rsa:2048"];

#[test]
fn a_certificate_of_the_identity_server_signs_however_it_was_exported() {
    let ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
    let legacy = ["-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES", "-macalg", "sha1"];
    let mut made = Vec::new();
    for (kind, export) in [(&RSA[..], &[][..]), (&RSA[..], &legacy[..]), (&ec[..], &[][..])] {
        let file = pkcs12(kind, export);
        let config = with_identity(&format!(
            "<CertificateRawData>{file}</CertificateRawData><CertificateRawDataPassword>S3CRET</CertificateRawDataPassword>
             <CertificateThumbprint>AB12</CertificateThumbprint>"
        ));
        let [key] = config.signing.certified.as_slice() else { panic!("{:?}", config.notices) };
        assert!(key.public_jwk()["x5c"][0].is_string() && key.certificate_ends_at().is_some());
        made.push(key.algorithm().name());
        let told = config.notices.iter().any(|n| n.to_string().contains("Thumbprint"));
        assert!(!told, "the thumbprint is not missed");
    }
    assert_eq!(made, ["RS256", "RS256", "ES256"]);
}

#[test]
fn a_certificate_that_cannot_be_used_is_off_and_the_rest_goes_on() {
    let file = pkcs12(&RSA, &[]);
    let raw = |data: &str, password: &str| {
        with_identity(&format!(
            "<CertificateRawData>{data}</CertificateRawData><CertificateRawDataPassword>{password}</CertificateRawDataPassword>"
        ))
    };
    for (config, why) in [
        (raw(&file, "wrong"), "it is no PKCS#12 file that this password opens"),
        (raw("MIIB", "S3CRET"), "it is no PKCS#12 file that this password opens"),
        (raw("no base64!", "S3CRET"), "it is not base64"),
        (raw("$(env:CERTIFICATE)", "S3CRET"), "it holds $(env:CERTIFICATE)"),
        (raw(&file, "$(env:PASSWORD)"), "it holds $(env:PASSWORD)"),
        (
            raw(&pkcs12(&["-newkey", "rsa:1024"], &[]), "S3CRET"),
            "neither RSA of 2048 bits or more nor of the curve P-256",
        ),
    ] {
        assert!(config.signing.certified.is_empty());
        assert_eq!(told(&config, why).0, NoticeKind::Disable);
    }
}
