//! What would become of somebody at a site, as values: the site and why, each transformation, the
//! user, what it may open, and the headers for the CMS. Nothing is decided here: all of it comes from
//! the code that serves requests. `vestibule explain` prints it, the page "Access" shows it.

pub mod claims;
mod place;
pub mod text;

use std::sync::Arc;

use http::HeaderName;
use http::HeaderValue;
use http::Method;
use serde_json::Map;
use serde_json::Value;

pub use place::Address;
pub use place::PassedOver;
pub use place::Place;
pub use place::place;

use crate::claims::ClaimSet;
use crate::claims::inbound;
use crate::claims::transformation;
use crate::claims::transformation::Step;
use crate::claims::types;
use crate::clock::Timestamp;
use crate::config::fault::Origin;
use crate::config::model::Config;
use crate::config::model::Provider;
use crate::config::model::Site;
use crate::error::Problem;
use crate::gate::access;
use crate::gate::access::Decision;
use crate::gate::headers::HeaderRules;
use crate::http::CanonicalPath;
use crate::session::Identity;
use crate::users::User;
use crate::users::builder;
use crate::users::builder::Refusal;

/// Why there is nothing to explain.
#[derive(Debug, thiserror::Error)]
pub enum Unexplained {
    /// Neither a site nor an address was named.
    #[error("name a site or a URL")]
    Nowhere,
    /// The site does not exist.
    #[error("there is no site `{name}`; there are {known}")]
    NoSuchSite {
        /// What was asked for.
        name: String,
        /// The names of those that do.
        known: String,
    },
    /// The provider does not exist.
    #[error("there is no provider `{name}`; there are {known}")]
    NoSuchProvider {
        /// What was asked for.
        name: String,
        /// The names of those that do.
        known: String,
    },
    /// The address is none.
    #[error("`{url}` is not a URL")]
    NotAUrl {
        /// What was written.
        url: String,
        /// Why it is none.
        #[source]
        why: http::uri::InvalidUri,
    },
    /// A request for the address would be refused.
    #[error("`{url}` would be refused")]
    Refused {
        /// What was written.
        url: String,
        /// How it would be refused.
        #[source]
        why: Problem,
    },
    /// The address has a host that nobody declares.
    #[error("no site and no listener declares the host {0}: the answer would be 421")]
    UnknownHost(String),
    /// No site of the host covers the address.
    #[error("no site of this host covers the address: the answer would be 404")]
    NoMatch,
}

/// What a sign-in would make of claims.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// The provider that says them.
    pub provider: Arc<Provider>,
    /// Whether its sessions count at the site.
    pub mapped: bool,
    /// The claims as they come in.
    pub inbound: ClaimSet,
    /// Each transformation.
    pub steps: Vec<Step>,
    /// What comes of it.
    pub ending: Ending,
}

/// What comes of claims.
#[derive(Clone, Debug)]
pub enum Ending {
    /// The identity server keeps them and releases those that a client's scopes name.
    Released,
    /// No user.
    NoUser(Refusal),
    /// This user.
    User(Box<Identity>),
}

/// What becomes of a request.
#[derive(Clone, Debug)]
pub struct Passage {
    /// The access rule or the site that decides.
    pub decider: String,
    /// Where that is written.
    pub origin: Origin,
    /// The decision.
    pub decision: Decision,
}

/// The provider called `name`, of the sites or of the identity server.
///
/// # Errors
///
/// When there is none.
pub fn provider<'c>(config: &'c Config, name: &str) -> Result<&'c Arc<Provider>, Unexplained> {
    let external = config.identity_server.external_providers.iter();
    let known = || config.providers.iter().chain(external.clone());
    known().find(|provider| &*provider.name == name).ok_or_else(|| {
        let names: Vec<&str> = known().map(|provider| &*provider.name).collect();
        Unexplained::NoSuchProvider { name: name.to_owned(), known: names.join(", ") }
    })
}

/// What becomes of somebody who signs in at `site`, of whom `provider` says `said`.
pub fn sign_in(
    config: &Config,
    site: &Site,
    provider: &Arc<Provider>,
    said: &Map<String, Value>,
) -> SignIn {
    let inbound = inbound::claims(said, provider.map_inbound_claims);
    let (chain, name) = (&provider.transformations, &*provider.name);
    let (after, steps) = transformation::apply_traced(chain, name, inbound.clone());
    let mapped = site.providers.find(&provider.name).is_some();
    let ending = if config.provider(&provider.name).is_none() {
        Ending::Released
    } else {
        let subject = subject(said, &after);
        match builder::build(config, provider, &subject, &after) {
            Ok(user) => {
                let (_, made) =
                    transformation::apply_noting(chain, name, inbound.clone(), types::ROLE);
                let given_roles = builder::given_roles(&user.roles, &made);
                let identity = identity(site, Arc::clone(&provider.name), subject, user, after);
                Ending::User(Box::new(Identity { given_roles, ..identity }))
            }
            Err(refusal) => Ending::NoUser(refusal),
        }
    };
    SignIn { provider: Arc::clone(provider), mapped, inbound, steps, ending }
}

/// What becomes of a GET request for `path` of `site`.
pub fn passage(config: &Config, site: &Site, path: &CanonicalPath, user: Option<&User>) -> Passage {
    let rule = access::rule_for(config, site, path, &Method::GET);
    let (decider, origin) = match rule {
        Some(rule) => (rule.name.to_string(), rule.origin.clone()),
        None => (format!("site {}", site.name), site.origin.clone()),
    };
    let decision = access::decide(config, site, path, &Method::GET, user);
    Passage { decider, origin, decision }
}

/// The headers that the CMS would get, without the assertion.
pub fn headers(config: &Config, identity: &Identity) -> Vec<(HeaderName, HeaderValue)> {
    HeaderRules::new(config).render(identity)
}

/// The subject as the sign-in finds it: `sub`, or where the file holds long types, nameidentifier.
fn subject(said: &Map<String, Value>, claims: &ClaimSet) -> String {
    let sub = said.get("sub").and_then(Value::as_str);
    sub.or_else(|| claims.first(types::NAME_IDENTIFIER)).unwrap_or_default().to_owned()
}

/// Somebody with a session at `site`.
pub fn identity(
    site: &Site,
    provider: Arc<str>,
    subject: String,
    user: User,
    claims: ClaimSet,
) -> Identity {
    Identity {
        user,
        provider,
        issuer: None,
        subject,
        site: Arc::clone(&site.name),
        claims,
        id_token: None,
        provider_session: None,
        authenticated_at: Timestamp(0),
        time_assumed: false,
        remembered: false,
        ends_at: None,
        refresh: None,
        given_roles: Vec::new(),
        persistent: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::model::ClaimPattern;
    use crate::config::model::SiteProviders;
    use crate::config::model::Transformation;
    use crate::config::model::TransformationKind;
    use crate::gate::testing::on;
    use crate::gate::testing::site;
    use crate::store::accounts::GivenRole;
    use crate::users::testing;

    fn pattern(kind: &str, value: &str) -> Vec<ClaimPattern> {
        vec![ClaimPattern { kind: kind.to_owned(), value: Some(value.to_owned()) }]
    }

    fn config() -> Config {
        let rule = |name: &str, kind| Transformation {
            name: name.into(),
            kind,
            origin: testing::origin(),
        };
        let editors = TransformationKind::Default {
            sources: pattern("groups", "editors"),
            targets: pattern(types::ROLE, "sitecore\\Author"),
            keep_source: false,
        };
        let mut okta = testing::provider("Okta");
        okta.transformations =
            vec![rule("setIdpClaim", TransformationKind::SetIdp), rule("editors", editors)];
        let okta = Arc::new(okta);
        let mut shell = site("shell", "/sitecore/shell");
        shell.providers = SiteProviders { providers: vec![Arc::clone(&okta)], persistent: true };
        let mut config = testing::config();
        config.sites = vec![on(&["shop.test"], site("shop", "")), on(&["cms.test"], shell)];
        config.providers = vec![okta];
        config
    }

    fn signed_in(config: &Config) -> Identity {
        let said = serde_json::from_str(r#"{"sub":"42","groups":["editors"]}"#).unwrap();
        let site = config.site("shell").unwrap();
        let told = sign_in(config, site, provider(config, "Okta").unwrap(), &said);
        assert!(told.mapped);
        let Ending::User(identity) = told.ending else { panic!("{:?}", told.ending) };
        *identity
    }

    #[test]
    fn a_role_says_which_rule_made_it() {
        let identity = signed_in(&config());
        let expected = GivenRole {
            role: "sitecore\\Author".to_owned(),
            by: "editors (vestibule.config:1)".to_owned(),
        };
        assert_eq!(identity.given_roles, [expected]);
    }

    #[test]
    fn an_address_that_no_site_covers_passes_over_all() {
        let config = config();
        let place = place(&config, None, Some("https://cms.test/elsewhere")).unwrap();
        assert!(place.site.is_none());
        let why: Vec<&str> = place.passed.iter().map(|passed| passed.why.as_str()).collect();
        assert_eq!(why, ["its hostName is shop.test", "its virtualFolder is /sitecore/shell"]);
    }
}
