//! How a user comes of claims: who may be one, under what name, with which properties and roles.
//!
//! An identity is a provider and a subject and nothing else: two of them never share a user, and
//! every sign-in builds its user afresh, so nothing of an earlier one is left over.

use std::collections::HashMap;

use crate::claims::ClaimSet;
use crate::claims::types;
use crate::config::model::Config;
use crate::config::model::Provider;
use crate::config::model::Transformation;
use crate::store::accounts::GivenRole;
use crate::users::User;
use crate::users::name;
use crate::users::properties;

/// Why claims make no user; the words may be shown to whoever signs in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The provider did not say whom it speaks of, or said it in more than 255 bytes.
    #[error("the provider gave no usable subject (`sub` or the nameidentifier claim)")]
    NoSubject,
    /// The chain left no `idp` claim, so no site would take the session (`CheckIdentityProvider`).
    #[error(
        "no `idp` claim: the provider's transformations lack setIdpClaim, or one of them removed \
         the claim (it needs keepSource)"
    )]
    NoIdentityProvider,
    /// The provider has no domain.
    #[error("the provider has no domain, so its users have no name")]
    NoDomain,
    /// The identity server named a user in a domain that is not declared.
    #[error("the user's domain is not one of the declared domains")]
    UnknownDomain,
    /// A user name that is empty, too long, or holds control characters or a second backslash.
    #[error("the user name is empty, too long, or holds a character that no name may have")]
    BadName,
    /// `requiresUniqueEmail` is on and there is no e-mail address.
    #[error(
        "no e-mail address, and requiresUniqueEmail asks for one: the claim {} is missing",
        types::EMAIL
    )]
    NoEmail,
}

impl Refusal {
    /// The reason as a label of the metrics.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::NoSubject => "no_subject",
            Self::NoIdentityProvider => "no_idp_claim",
            Self::NoDomain => "no_domain",
            Self::UnknownDomain => "unknown_domain",
            Self::BadName => "bad_user_name",
            Self::NoEmail => "no_email",
        }
    }
}

/// Builds the user of `subject`, whom `provider` has vouched for, from the claims that its
/// transformations left.
///
/// # Errors
///
/// See [`Refusal`].
pub fn build(
    config: &Config,
    provider: &Provider,
    subject: &str,
    claims: &ClaimSet,
) -> Result<User, Refusal> {
    if subject.is_empty() || subject.len() > LONGEST_SUBJECT {
        return Err(Refusal::NoSubject);
    }
    if claims.first(types::IDP).is_none() {
        return Err(Refusal::NoIdentityProvider);
    }
    let name = name::of(config, provider, subject, claims)?;
    let properties = properties::of(&config.property_maps, claims);
    let user = User {
        name,
        is_administrator: properties::is_administrator(&properties),
        properties,
        roles: roles(claims),
    };
    if config.requires_unique_email && !has_email(&user, claims) {
        return Err(Refusal::NoEmail);
    }
    Ok(user)
}

/// The roles of a user, each with the transformation that made it.
pub fn given_roles(roles: &[String], made: &[(String, &Transformation)]) -> Vec<GivenRole> {
    let mut makers: HashMap<&str, &Transformation> = HashMap::new();
    for (role, by) in made {
        makers.entry(role).or_insert(by);
    }
    let by = |rule: &&Transformation| format!("{} ({})", rule.name, rule.origin);
    let given = |role: &String| {
        let by = makers.get(role.as_str()).map(by).unwrap_or_default();
        GivenRole { role: role.clone(), by }
    };
    roles.iter().map(given).collect()
}

/// OpenID Connect Core §2: at most 255 ASCII characters.
const LONGEST_SUBJECT: usize = 255;

/// Values of the long role claim, in order, each once without regard to case.
fn roles(claims: &ClaimSet) -> Vec<String> {
    let mut roles: Vec<String> = Vec::new();
    let mut known = std::collections::HashSet::new();
    for role in claims.values(types::ROLE) {
        if !role.is_empty() && known.insert(role.to_lowercase()) {
            roles.push(role.to_owned());
        }
    }
    roles
}

fn has_email(user: &User, claims: &ClaimSet) -> bool {
    let claimed = claims.first(types::EMAIL).or_else(|| claims.first("email"));
    user.property("Email").or(claimed).is_some_and(|email| !email.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims::Claim;
    use crate::claims::transformation;
    use crate::config::model::ClaimPattern;
    use crate::config::model::PropertyMap;
    use crate::config::model::Transformation;
    use crate::config::model::TransformationKind;
    use crate::users::testing;

    const ROLE: &str = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role";
    const IS_ADMIN: &str = "http://www.sitecore.net/identity/claims/isAdmin";
    const IS: &str = "SitecoreIdentityServer";

    fn pattern(kind: &str, value: Option<&str>) -> ClaimPattern {
        ClaimPattern { kind: kind.to_owned(), value: value.map(str::to_owned) }
    }

    fn rule(source: (&str, Option<&str>), target: (&str, Option<&str>)) -> Transformation {
        Transformation {
            name: "rule".into(),
            kind: TransformationKind::Default {
                sources: vec![pattern(source.0, source.1)],
                targets: vec![pattern(target.0, target.1)],
                keep_source: true,
            },
            origin: testing::origin(),
        }
    }

    fn administrator_map() -> PropertyMap {
        PropertyMap {
            name: "set IsAdministrator".into(),
            source: pattern(IS_ADMIN, Some("true")),
            property: "IsAdministrator".to_owned(),
            value: Some("true".to_owned()),
            origin: testing::origin(),
        }
    }

    /// Signs subject 42 in at a provider with `rules` after setIdpClaim.
    fn sign_in(
        config: &Config,
        provider: &str,
        rules: &[Transformation],
        claims: &[(&str, &str)],
    ) -> Result<User, Refusal> {
        let provider = testing::provider(provider);
        let set_idp = TransformationKind::SetIdp;
        let first = Transformation { name: "idp".into(), kind: set_idp, origin: testing::origin() };
        let chain: Vec<_> = std::iter::once(first).chain(rules.iter().cloned()).collect();
        let claims = claims.iter().map(|(k, v)| Claim::new(*k, *v)).collect();
        let claims = transformation::apply(&chain, &provider.name, claims);
        build(config, &provider, "42", &claims)
    }

    #[test]
    fn the_identity_servers_local_users_bring_their_name() {
        let config = testing::config();
        let name = |claims: &[(&str, &str)]| sign_in(&config, IS, &[], claims).map(|u| u.name);
        let issuer = "http://www.sitecore.net/identity/claims/originalIssuer";
        assert_eq!(name(&[("name", "sitecore\\jane")]).unwrap(), "sitecore\\jane");
        assert_eq!(name(&[("name", "jane")]).unwrap(), "sitecore\\jane");
        let local = [("name", "extranet\\joe"), (issuer, "LocalAuthority")];
        assert_eq!(name(&local).unwrap(), "extranet\\joe");
        assert_eq!(name(&[("name", "other\\joe")]), Err(Refusal::UnknownDomain));
        for bad in ["sitecore\\a\\b", "sitecore\\", "\\a", "sitecore\\a\r\nb", ""] {
            assert!(name(&[("name", bad)]).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn external_people_behind_the_identity_server_do_not_choose_their_name() {
        let config = testing::config();
        let issuer = "http://www.sitecore.net/identity/claims/originalIssuer";
        let renamed = "http://schemas.microsoft.com/identity/claims/identityprovider";
        for (kind, value) in [
            (issuer, "IdS4-AzureAd"),
            (renamed, "IdS4-AzureAd"),
            (renamed, "Local"),
            (renamed, "LocalAuthority"),
            (issuer, "LOCALAUTHORITY"),
        ] {
            let claims = [("name", "sitecore\\jane"), (kind, value)];
            let name = sign_in(&config, IS, &[], &claims).unwrap().name;
            assert_ne!(name, "sitecore\\jane");
            assert_eq!(name.len(), "sitecore\\".len() + 10);
        }
        let claims = [("name", "sitecore\\jane")];
        let inner = sign_in(&config, "SitecoreIdentityServer/IdS4-AzureAd", &[], &claims).unwrap();
        let outer =
            sign_in(&config, IS, &[], &[("name", "sitecore\\jane"), (issuer, "x")]).unwrap();
        assert_eq!(inner.name, outer.name);
    }

    #[test]
    fn a_rules_literal_is_a_name_and_the_same_words_of_a_provider_are_not() {
        let config = testing::config();
        let rules = [rule(("client_id", Some("CLI")), ("name", Some("sitecore\\superuser")))];
        let user = sign_in(&config, IS, &rules, &[("client_id", "CLI")]).unwrap();
        assert_eq!(user.name, "sitecore\\superuser");
        let issuer = "http://www.sitecore.net/identity/claims/originalIssuer";
        let said = [("name", "sitecore\\superuser"), (issuer, "IdS4-AzureAd")];
        assert_ne!(sign_in(&config, IS, &rules, &said).unwrap().name, "sitecore\\superuser");
        let elsewhere = sign_in(&config, "Okta", &rules, &[("client_id", "CLI")]).unwrap();
        assert_ne!(elsewhere.name, "sitecore\\superuser");
    }

    #[test]
    fn m292_one_subject_at_two_providers_is_two_users() {
        let config = testing::config();
        let name = |provider: &str| sign_in(&config, provider, &[], &[]).unwrap().name;
        assert_ne!(name("A"), name("B"));
        // The reference value of users::name's tests, made with openssl.
        assert_eq!(name("A"), "sitecore\\dpTM0P61oB");
    }

    #[test]
    fn a16_a_template_fills_in_claims_but_never_a_domain() {
        let mut config = testing::config();
        config.user_name_template = Some("{preferred_username}".to_owned());
        let claims = [("preferred_username", "extranet\\admin")];
        let user = sign_in(&config, "A", &[], &claims).unwrap();
        assert_eq!(user.name, "sitecore\\extranet_admin-dpTM0P61oB");
        let claims = [("preferred_username", "a\r\nX-Id-Roles: admin")];
        assert_eq!(sign_in(&config, "A", &[], &claims), Err(Refusal::BadName));
    }

    #[test]
    fn m298_nobody_becomes_administrator_by_saying_so() {
        let mut config = testing::config();
        config.property_maps = vec![administrator_map()];
        let spoof = [
            (IS_ADMIN, "true"),
            ("isAdmin", "true"),
            ("IsAdministrator", "true"),
            (ROLE, "sitecore\\Administrator"),
            ("role", "sitecore\\Administrator"),
            ("roles", "sitecore\\Administrator"),
        ];
        let user = sign_in(&config, "Okta", &[], &spoof).unwrap();
        assert!(!user.is_administrator && user.roles.is_empty() && user.properties.is_empty());
        let rules = [rule(("groups", Some("admins")), (IS_ADMIN, Some("true")))];
        let user = sign_in(&config, "Okta", &rules, &[("groups", "admins")]).unwrap();
        assert!(user.is_administrator);
        assert_eq!(user.property("isadministrator"), Some("true"));
    }

    #[test]
    fn roles_stand_once_each_in_claim_order_m299_and_only_under_the_long_type() {
        let config = testing::config();
        let rules = [rule(("groups", None), (ROLE, None))];
        let claims = [
            ("groups", "sitecore\\Author"),
            ("groups", "Sitecore\\AUTHOR"),
            ("groups", "sitecore\\Author "),
            ("groups", "sitecore\\Designer"),
            ("role", "sitecore\\Other"),
        ];
        let user = sign_in(&config, IS, &rules, &claims).unwrap();
        assert_eq!(user.roles, ["sitecore\\Author", "sitecore\\Author ", "sitecore\\Designer"]);
    }

    #[test]
    fn what_is_missing_is_named() {
        let config = testing::config();
        let mut provider = testing::provider("A");
        let claims: ClaimSet = [Claim::new("idp", "A")].into_iter().collect();
        assert_eq!(build(&config, &provider, "", &claims), Err(Refusal::NoSubject));
        let long = "x".repeat(256);
        assert_eq!(build(&config, &provider, &long, &claims), Err(Refusal::NoSubject));
        let none = ClaimSet::default();
        assert_eq!(build(&config, &provider, "42", &none), Err(Refusal::NoIdentityProvider));
        provider.domain = None;
        assert_eq!(build(&config, &provider, "42", &claims), Err(Refusal::NoDomain));
    }

    #[test]
    fn an_email_address_is_asked_for_where_the_cms_needs_one() {
        let mut config = testing::config();
        config.requires_unique_email = true;
        let refused = sign_in(&config, "A", &[], &[]).unwrap_err();
        assert!(refused.to_string().contains("/identity/claims/emailaddress"));
        let email = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress";
        assert!(sign_in(&config, "A", &[], &[(email, "a@b.test")]).is_ok());
        assert!(sign_in(&config, "A", &[], &[(email, "")]).is_err());
    }
}
