//! `ClientSecrets` and `ApiSecrets` → [`ClientSecret`]: plain text, or `Value`, `Type`, `Expiration`
//! and `Description` as in IdentityServer4's `Secret`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::config::model::identity_server::ClientSecret;
use crate::config::model::identity_server::SecretKind;
use crate::config::read::dates;
use crate::config::read::dictionary;
use crate::config::read::report::Refusal;
use crate::config::read::report::Report;
use crate::config::settings::Setting;
use crate::crypto::digest;
use crate::crypto::password;
use crate::crypto::secret::Secret;

/// The secrets under `list` of a client or an API; one that could prove nothing is left out and told.
pub(crate) fn read(setting: &Setting, list: &str, report: &mut Report) -> Vec<ClientSecret> {
    let mut secrets = Vec::new();
    for item in dictionary::entries(Some(setting), list) {
        match several(item) {
            Ok(read) => {
                lint(setting, item, &read, report);
                secrets.extend(read);
            }
            Err(refusal) => {
                let what = format!("a secret of `{}` is left out: {}", setting.name, refusal.what);
                report.disable(&refusal.origin, what, refusal.instead);
            }
        }
    }
    secrets
}

/// A random plain text can look like a hash (`openssl rand -base64 32`), and is then none.
fn lint(setting: &Setting, item: &Setting, read: &[ClientSecret], report: &mut Report) {
    let shared = read.iter().filter(|secret| secret.kind == SecretKind::Shared);
    for form in shared.filter_map(|secret| digest::of_form(secret.value.expose())) {
        let what = format!(
            "a secret of `{}` reads as a {form} hash, so its own text proves nothing",
            setting.name
        );
        let instead = "leave it if it is the hash of a secret; as plain text choose another one, such as hexadecimal digits";
        report.lint(&item.origin, what, instead);
    }
}

fn several(item: &Setting) -> Result<Vec<ClientSecret>, Refusal> {
    dictionary::check_spelling(item, &["Value", "Type", "Expiration", "Description"])?;
    let own = item.value.as_deref().map(str::trim).filter(|text| !text.is_empty());
    let Some(text) = own.or_else(|| item.text("Value")) else { return Ok(Vec::new()) };
    let kind = kind(item)?;
    let expires_at = match item.text("Expiration") {
        Some(written) => Some(dates::moment(written).ok_or_else(|| no_date(item, written))?),
        None => None,
    };
    let values = match kind {
        SecretKind::Shared => vec![shared(item, text)?],
        SecretKind::Jwk => keys(text).map_err(|(what, instead)| {
            Refusal::at(&item.child("Value").unwrap_or(item).origin, what, instead)
        })?,
        SecretKind::X509Base64 => vec![certificate(item, text)?],
        SecretKind::X509Thumbprint => vec![thumbprint(item, text)?],
        SecretKind::X509Name => vec![text.to_owned()],
    };
    let secret = |value| ClientSecret { value: Secret::new(value), kind, expires_at };
    Ok(values.into_iter().map(secret).collect())
}

fn kind(item: &Setting) -> Result<SecretKind, Refusal> {
    let Some(written) = item.text("Type") else { return Ok(SecretKind::Shared) };
    let found = KINDS.iter().find(|(name, _)| name.eq_ignore_ascii_case(written));
    found.map(|(_, kind)| *kind).ok_or_else(|| {
        let what = format!("there is no type of secrets called `{written}`");
        let names: Vec<&str> = KINDS.iter().map(|(name, _)| *name).collect();
        let origin = item.child("Type").map_or(&item.origin, |kind| &kind.origin);
        Refusal::at(origin, what, format!("write {}", names.join(", ")))
    })
}

/// IdentityServer4's `SecretTypes`.
const KINDS: [(&str, SecretKind); 5] = [
    ("SharedSecret", SecretKind::Shared),
    ("JWK", SecretKind::Jwk),
    ("X509CertificateBase64", SecretKind::X509Base64),
    ("X509Thumbprint", SecretKind::X509Thumbprint),
    ("X509Name", SecretKind::X509Name),
];

fn no_date(item: &Setting, written: &str) -> Refusal {
    let origin = item.child("Expiration").map_or(&item.origin, |child| &child.origin);
    let what = format!("its expiration `{written}` is no date");
    Refusal::at(origin, what, "write 2030-01-31 or 2030-01-31T12:00:00Z")
}

/// Longest plain secret, in characters: no longer one is taken at the token endpoint.
const LONGEST: usize = 100;

fn shared(item: &Setting, text: &str) -> Result<String, Refusal> {
    if text.starts_with("$argon2") {
        if password::is_hash(text) {
            return Ok(text.to_owned());
        }
        let what = "it begins like an Argon2 hash and is none";
        return Err(Refusal::at(&item.origin, what, "write $argon2id$v=19$m=…,t=…,p=…$salt$hash"));
    }
    if text.chars().count() > LONGEST {
        let what = format!("it is longer than {LONGEST} characters, which no client may send");
        return Err(Refusal::at(&item.origin, what, "use a shorter one"));
    }
    Ok(text.to_owned())
}

/// One JSON Web Key, or each of a set's.
fn keys(text: &str) -> Result<Vec<String>, (&'static str, &'static str)> {
    const INSTEAD: &str =
        "write the public key alone: {\"kty\":\"RSA\",\"n\":\"…\",\"e\":\"AQAB\"}";
    let json: Value =
        serde_json::from_str(text).map_err(|_| ("its JSON Web Key is no JSON", INSTEAD))?;
    let set = json.get("keys").and_then(Value::as_array).map(Vec::as_slice);
    let keys = set.unwrap_or_else(|| std::slice::from_ref(&json));
    let has = |key: &Value, name: &str| key.get(name).is_some();
    if keys.iter().any(|key| !has(key, "kty")) {
        return Err(("its JSON Web Key has no kty", INSTEAD));
    }
    if keys.iter().any(|key| has(key, "d") || has(key, "k")) {
        return Err((
            "its JSON Web Key has a private part, which only the client may know",
            INSTEAD,
        ));
    }
    Ok(keys.iter().map(Value::to_string).collect())
}

fn certificate(item: &Setting, text: &str) -> Result<String, Refusal> {
    let bare: String = text.split_whitespace().collect();
    let der = STANDARD.decode(&bare).unwrap_or_default();
    if x509_parser::parse_x509_certificate(&der).is_ok() {
        return Ok(bare);
    }
    let what = "it is no certificate";
    Err(Refusal::at(
        &item.origin,
        what,
        "write its DER in base64: a PEM file without first and last line",
    ))
}

/// Forty hex digits; Windows shows them with spaces, in either case.
fn thumbprint(item: &Setting, text: &str) -> Result<String, Refusal> {
    let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
    let strange = text.chars().any(|c| c.is_ascii_alphanumeric() && !c.is_ascii_hexdigit());
    if digits.len() == 40 && !strange {
        return Ok(digits.to_ascii_uppercase());
    }
    let what = "it is no SHA-1 thumbprint";
    Err(Refusal::at(&item.origin, what, "write its forty hex digits"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_set_is_as_many_keys_and_never_a_private_one() {
        let set = r#"{"keys":[{"kty":"EC","x":"a"},{"kty":"RSA","n":"b"}]}"#;
        assert_eq!(keys(set).unwrap(), [r#"{"kty":"EC","x":"a"}"#, r#"{"kty":"RSA","n":"b"}"#]);
        assert_eq!(keys(r#"{"kty":"RSA","n":"b"}"#).unwrap().len(), 1);
        for wrong in
            ["{", "[]", r#"{"n":"b"}"#, r#"{"kty":"RSA","d":"x"}"#, r#"{"kty":"oct","k":"x"}"#]
        {
            assert!(keys(wrong).is_err(), "{wrong}");
        }
    }
}
