//! User names: `domain\name`, where the domain is the owner's word and never a provider's.
//!
//! * From the identity server, the claim `name` is the user name when the person signed in at the
//!   local user store, or when a transformation set it to a literal (`sitecore\superuser`).
//! * Everyone else is the provider's domain and a template. The default is the CMS's shape, ten
//!   characters of a hash of provider and subject: `sitecore\hjHvoPT9L7`. A readable template such
//!   as `{preferred_username}` takes claims, which people can change and providers can repeat, so it
//!   always carries the hash too: where it says `{hash}`, else at its end after a hyphen. No two
//!   identities share a name, and a name never moves to another person.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use crate::claims::Claim;
use crate::claims::ClaimSet;
use crate::claims::inbound;
use crate::claims::is_identity_server;
use crate::claims::types;
use crate::config::model::Config;
use crate::config::model::Provider;
use crate::crypto::digest;
use crate::users::builder::Refusal;

/// The user name of `subject` at `provider`.
pub(super) fn of(
    config: &Config,
    provider: &Provider,
    subject: &str,
    claims: &ClaimSet,
) -> Result<String, Refusal> {
    match told(config, provider, claims)? {
        Some(told) => Ok(told.name),
        None => made(config, provider, (subject, 0), claims),
    }
}

/// A user name that is taken as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    /// `domain\name`.
    pub name: String,
    /// Whether a rule's literal says so, rather than the identity server of a local user.
    pub by_rule: bool,
}

/// The user name that is taken as it is, where one is.
pub(super) fn told(
    config: &Config,
    provider: &Provider,
    claims: &ClaimSet,
) -> Result<Option<Told>, Refusal> {
    let trusted = is_identity_server(&provider.name).then(|| trusted(provider, claims)).flatten();
    let Some(claim) = trusted else { return Ok(None) };
    let name = checked(config, provider, claim)?;
    Ok(Some(Told { name, by_rule: claim.is_literal() }))
}

/// The name that is made of provider and subject; with `marks` above 0 one of the others that it
/// may have, while the ones before are somebody else's.
pub(super) fn made(
    config: &Config,
    provider: &Provider,
    (subject, marks): (&str, usize),
    claims: &ClaimSet,
) -> Result<String, Refusal> {
    let domain = domain(provider)?;
    let hash = hash(key(provider), subject, marks);
    let local = match &config.user_name_template {
        Some(template) => readable(template, &hash, subject, claims)?,
        None => hash,
    };
    Ok(format!("{domain}\\{local}"))
}

/// The provider whose subjects they are: for a subprovider its gateway.
pub(super) fn key(provider: &Provider) -> &str {
    provider.subprovider.as_ref().map_or(&*provider.name, |(gateway, _)| gateway)
}

fn domain(provider: &Provider) -> Result<&str, Refusal> {
    provider.domain.as_deref().filter(|domain| !domain.is_empty()).ok_or(Refusal::NoDomain)
}

/// The name claim, when it may be taken as it is: a rule's literal before all, else the local user
/// store's word.
fn trusted<'a>(provider: &Provider, claims: &'a ClaimSet) -> Option<&'a Claim> {
    let names = || claims.iter().filter(|c| c.kind == types::NAME || c.kind == "name");
    if let Some(literal) = names().find(|claim| claim.is_literal()) {
        return Some(literal);
    }
    let from_store = provider.subprovider.is_none() && is_from_local_store(claims);
    from_store.then(|| names().next()).flatten()
}

/// Whether no claim tells of an external provider behind the identity server: `originalIssuer`, or
/// the identity server's own `idp`, which arrives renamed.
/// Compared exactly, because an external provider may be called `Local`.
fn is_from_local_store(claims: &ClaimSet) -> bool {
    claims.values(types::ORIGINAL_ISSUER).all(|issuer| LOCAL_ISSUERS.contains(&issuer))
        && claims.values(types::IDENTITY_PROVIDER).all(|idp| idp == LOCAL)
}

/// `idp` of the identity server's own users.
const LOCAL: &str = "local";
/// What the identity servers, and .NET itself, call the issuer of local users' claims.
const LOCAL_ISSUERS: [&str; 3] = [LOCAL, "LocalAuthority", "LOCAL AUTHORITY"];

/// A name that is taken as it is, with the provider's domain when it has none. Only the owner's
/// literal may name a domain that is not declared.
fn checked(config: &Config, provider: &Provider, claim: &Claim) -> Result<String, Refusal> {
    let name = match claim.value.split_once('\\') {
        None => format!("{}\\{}", domain(provider)?, claim.value),
        Some((domain, _)) => {
            let declared = config.domains.iter().chain(&provider.domain);
            let known = declared.into_iter().any(|d| d.eq_ignore_ascii_case(domain));
            if !known && !claim.is_literal() {
                return Err(Refusal::UnknownDomain);
            }
            claim.value.clone()
        }
    };
    if is_legal(&name) { Ok(name) } else { Err(Refusal::BadName) }
}

/// Whether `name` can be a user's: `domain\name`, neither empty, nothing that is not seen.
pub fn is_legal(name: &str) -> bool {
    let whole = name.split_once('\\').is_some_and(|(domain, local)| {
        !domain.is_empty() && !local.trim().is_empty() && !local.contains('\\')
    });
    whole && name.len() <= LONGEST && !name.contains(char::is_control)
}

/// `aspnet_Users.UserName` holds 256 characters; one is left for safety.
const LONGEST: usize = 255;

/// Ten characters of the base64 of SHA-256 over both names, each after its length, so that no pair
/// reads like another one. Letters and digits only, as the CMS makes them; and as there, a `$` more
/// at the end makes another name of the same pair.
fn hash(provider: &str, subject: &str, marks: usize) -> String {
    let mut input = Vec::with_capacity(16 + provider.len() + subject.len() + marks);
    for part in [provider, subject] {
        input.extend_from_slice(&(part.len() as u64).to_be_bytes());
        input.extend_from_slice(part.as_bytes());
    }
    input.resize(input.len() + marks, b'$');
    STANDARD_NO_PAD
        .encode(digest::sha256(&input))
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(10)
        .collect()
}

/// The template with its places filled: `{hash}`, `{subject}`, or a claim by its short or long type.
fn readable(
    template: &str,
    hash: &str,
    subject: &str,
    claims: &ClaimSet,
) -> Result<String, Refusal> {
    let mut name = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((place, after)) = after.split_once('}') else { break };
        name.push_str(&tame(before)?);
        name.push_str(&match place {
            "hash" => hash.to_owned(),
            "subject" => tame(subject)?,
            kind => tame(claim(claims, kind))?,
        });
        rest = after;
    }
    name.push_str(&tame(rest)?);
    if !template.contains("{hash}") {
        name = format!("{}-{hash}", name.trim());
    }
    let name = name.trim().trim_start_matches(['-', '.']);
    Ok(if name.len() > LONGEST_READABLE { hash.to_owned() } else { name.to_owned() })
}

/// Leaves room for a domain; a longer name is the bare hash.
const LONGEST_READABLE: usize = 200;

fn claim<'a>(claims: &'a ClaimSet, kind: &'a str) -> &'a str {
    let long = claims.first(inbound::long_type(kind));
    long.or_else(|| claims.first(kind)).unwrap_or_default()
}

/// A value that cannot leave its place in a name: a backslash would move it into another domain,
/// and characters that are not seen would make two names look alike.
fn tame(value: &str) -> Result<String, Refusal> {
    if value.contains(char::is_control) {
        return Err(Refusal::BadName);
    }
    let unseen = |c: char| {
        matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    Ok(value.replace(|c: char| c == '\\' || unseen(c), "_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m292_m293_no_pair_of_provider_and_subject_reads_like_another() {
        let pairs = [
            ("A", "42"),
            ("B", "42"),
            ("A4", "2"),
            ("https://a|b", "c"),
            ("https://a", "b|c"),
            ("A", "a\\b"),
            ("A", "a/b"),
            ("A", "a:b"),
            ("A", "\u{e9}"),
            ("A", "e\u{301}"),
            ("A", "abc"),
            ("A", "ABC"),
            ("A", "42 "),
            ("A\0", "42"),
        ];
        let hashes: std::collections::HashSet<_> =
            pairs.iter().map(|(p, s)| hash(p, s, 0).to_lowercase()).collect();
        assert_eq!(hashes.len(), pairs.len());
    }

    #[test]
    fn a_hash_is_ten_letters_and_digits_and_always_the_same() {
        // printf '\0\0\0\0\0\0\0\1A\0\0\0\0\0\0\0\00242' | openssl dgst -sha256 -binary | base64
        assert_eq!(hash("A", "42", 0), "dpTM0P61oB");
        // printf '\0\0\0\0\0\0\0\1A\0\0\0\0\0\0\0\00242$$' | openssl dgst -sha256 -binary | base64
        assert_eq!(hash("A", "42", 2), "09wVhoHQih");
    }

    #[test]
    fn readable_names_carry_the_hash() {
        let mut claims = ClaimSet::default();
        claims
            .add("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress", "a@b.test");
        claims.add("preferred_username", "ann");
        let name = |template: &str| readable(template, "HASH", "7", &claims).unwrap();
        assert_eq!(name("{email}"), "a@b.test-HASH");
        assert_eq!(name("{preferred_username}.{hash}"), "ann.HASH");
        assert_eq!(name("{subject}"), "7-HASH");
        assert_eq!(name("{upn}"), "HASH");
        assert_eq!(name("user {preferred_username"), "user {preferred_username-HASH");
        assert_eq!(name(&"x".repeat(300)), "HASH");
    }

    #[test]
    fn a16_values_cannot_leave_the_domain_a14_nor_hold_controls() {
        let fill = |value: &str| {
            let mut claims = ClaimSet::default();
            claims.add("name", value);
            readable("{name}", "HASH", "7", &claims)
        };
        assert_eq!(fill("sitecore\\admin").unwrap(), "sitecore_admin-HASH");
        assert_eq!(fill("a,b;c=\"d\"").unwrap(), "a,b;c=\"d\"-HASH");
        assert_eq!(fill("a\u{202e}b").unwrap(), "a_b-HASH");
        for bad in ["A\r\nX-Id-Roles: admin", "a\u{0}b", "a\u{85}b", "a\rb"] {
            assert_eq!(fill(bad), Err(Refusal::BadName));
        }
    }
}
