//! `vestibule explain`: what would become of somebody at a site: the site chosen and why, each
//! transformation, the user, and the headers for the CMS. Nothing is decided here: all of it comes
//! from the code that serves requests.

mod claims;
mod site;

use std::fs;
use std::io;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use http::Method;
use serde_json::Map;
use serde_json::Value;

use crate::claims::ClaimSet;
use crate::claims::inbound;
use crate::claims::transformation;
use crate::claims::types;
use crate::cli;
use crate::clock::Timestamp;
use crate::config;
use crate::config::Config;
use crate::config::Environment;
use crate::config::model::Provider;
use crate::config::model::ProviderState;
use crate::config::model::Site;
use crate::gate::access;
use crate::gate::access::Decision;
use crate::gate::headers::HeaderRules;
use crate::http::CanonicalPath;
use crate::session::Identity;
use crate::users::User;
use crate::users::builder;

/// Shows what would become of somebody who signs in.
#[derive(Debug, clap::Args)]
pub struct Command {
    /// The configuration directory.
    #[arg(long, default_value = "conf")]
    config: PathBuf,
    /// The site to sign in at; with --url it may be left out.
    #[arg(long, required_unless_present = "url")]
    site: Option<String>,
    /// The identity provider, as its id says.
    #[arg(long)]
    provider: String,
    /// A JSON file with what the provider says: {"type": "value" or ["value", …]}.
    #[arg(long)]
    claims: PathBuf,
    /// An address that the person opens.
    #[arg(long)]
    url: Option<String>,
}

impl Command {
    /// Prints the explanation. Exit code 78 when the configuration is wrong.
    ///
    /// # Errors
    ///
    /// When the claims cannot be read, site or provider do not exist, or output fails.
    pub fn run(&self) -> anyhow::Result<ExitCode> {
        let config = match config::load(&self.config, &Environment::process()) {
            Ok(config) => config,
            Err(faults) => return cli::refuse(&self.config, &faults),
        };
        let file = self.claims.display();
        let text = fs::read_to_string(&self.claims).with_context(|| format!("reading {file}"))?;
        let claims = serde_json::from_str(&text)
            .with_context(|| format!("{file} is not a JSON object of claims"))?;
        let (site, provider, url) = (self.site.clone(), self.provider.clone(), self.url.clone());
        let question = Question { site, provider, claims, url };
        explain(&config, &question, &mut io::stdout().lock())?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Of whom, and where.
#[derive(Clone, Debug)]
pub struct Question {
    /// The site to sign in at; that of `url` when `None`.
    pub site: Option<String>,
    /// The provider's name.
    pub provider: String,
    /// What the provider says, as an ID token would.
    pub claims: Map<String, Value>,
    /// An address that the person opens.
    pub url: Option<String>,
}

/// Writes the explanation.
///
/// # Errors
///
/// When site or provider do not exist, the URL cannot be read, or `out` fails.
pub fn explain(config: &Config, question: &Question, out: &mut impl Write) -> anyhow::Result<()> {
    let (site, path) = site::explain(config, question, out)?;
    let provider = provider(config, &question.provider)?;
    write_provider(site, provider, out)?;

    let inbound = inbound::claims(&question.claims, provider.map_inbound_claims);
    writeln!(out, "\nclaims of the provider, as they come in:")?;
    claims::list(&inbound, out)?;
    let (after, steps) =
        transformation::apply_traced(&provider.transformations, &provider.name, inbound);
    for (number, step) in steps.iter().enumerate() {
        claims::step(number + 1, step, out)?;
    }

    if config.provider(&provider.name).is_none() {
        writeln!(
            out,
            "\nthe identity server keeps these claims, and releases those that the scopes of a client name"
        )?;
        return Ok(());
    }
    let subject = subject(&question.claims, &after);
    let user = match builder::build(config, provider, &subject, &after) {
        Ok(user) => user,
        Err(refusal) => {
            writeln!(out, "\nno user: {refusal}")?;
            return Ok(());
        }
    };
    write_user(&user, out)?;
    write_access(config, site, path.as_ref(), &user, out)?;
    write_headers(config, &identity(site, provider, subject, user, after), out)
}

fn provider<'c>(config: &'c Config, name: &str) -> anyhow::Result<&'c Arc<Provider>> {
    let external = config.identity_server.external_providers.iter();
    let known = || config.providers.iter().chain(external.clone());
    known().find(|provider| &*provider.name == name).with_context(|| {
        let names: Vec<&str> = known().map(|provider| &*provider.name).collect();
        format!("there is no provider `{name}`; there are {}", names.join(", "))
    })
}

fn write_provider(site: &Site, provider: &Provider, out: &mut impl Write) -> io::Result<()> {
    let state = match &provider.state {
        ProviderState::Enabled => "enabled".to_owned(),
        ProviderState::Off => "switched off".to_owned(),
        ProviderState::Broken(why) => format!("off: {why}"),
    };
    writeln!(out, "provider {} ({}), {state}", provider.name, provider.origin)?;
    if site.providers.find(&provider.name).is_none() {
        let name = &site.name;
        writeln!(
            out,
            "  not mapped to site {name}: nobody can sign in there with it, and its sessions do not count there"
        )?;
    }
    Ok(())
}

/// The subject as the sign-in finds it: `sub`, or where the file holds long types, nameidentifier.
fn subject(json: &Map<String, Value>, claims: &ClaimSet) -> String {
    let sub = json.get("sub").and_then(Value::as_str);
    sub.or_else(|| claims.first(types::NAME_IDENTIFIER)).unwrap_or_default().to_owned()
}

fn write_user(user: &User, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "\nuser {}", claims::shown(&user.name))?;
    if user.is_administrator {
        writeln!(out, "  an administrator")?;
    }
    for (name, value) in &user.properties {
        writeln!(out, "  property {name} = {}", claims::shown(value))?;
    }
    if user.roles.is_empty() {
        writeln!(out, "  no roles: no claim of type {} is left", types::ROLE)?;
    }
    for role in &user.roles {
        writeln!(out, "  role {}", claims::shown(role))?;
    }
    Ok(())
}

fn write_access(
    config: &Config,
    site: &Site,
    path: Option<&CanonicalPath>,
    user: &User,
    out: &mut impl Write,
) -> io::Result<()> {
    let Some(path) = path else { return Ok(()) };
    let rule = access::rule_for(config, site, path, &Method::GET);
    let whose = match rule {
        Some(rule) => format!("{} ({})", rule.name, rule.origin),
        None => format!("site {} ({})", site.name, site.origin),
    };
    let decided = match access::decide(config, site, path, &Method::GET, Some(user)) {
        Decision::Allow { .. } => "may open it".to_owned(),
        Decision::Login => "must sign in first".to_owned(),
        Decision::Forbid { rule } => format!("may not open it: {rule}"),
    };
    writeln!(out, "\naccess to {path}: {decided}; decided by {whose}")
}

fn identity(
    site: &Site,
    provider: &Provider,
    subject: String,
    user: User,
    claims: ClaimSet,
) -> Identity {
    Identity {
        user,
        provider: Arc::clone(&provider.name),
        issuer: None,
        subject,
        site: Arc::clone(&site.name),
        claims,
        id_token: None,
        provider_session: None,
        authenticated_at: Timestamp(0),
        remembered: false,
        ends_at: None,
        refresh: None,
        given_roles: Vec::new(),
        persistent: false,
    }
}

fn write_headers(config: &Config, identity: &Identity, out: &mut impl Write) -> anyhow::Result<()> {
    writeln!(out, "\nheaders for the CMS:")?;
    for (name, value) in HeaderRules::new(config).render(identity) {
        writeln!(out, "  {name}: {}", String::from_utf8_lossy(value.as_bytes()))?;
    }
    if let Some(name) = &config.identity_headers.assertion {
        writeln!(
            out,
            "  {name}: the same, signed, for {} s",
            config.identity_headers.assertion_lifetime.as_secs()
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::model::ClaimPattern;
    use crate::config::model::HeaderSource;
    use crate::config::model::IdentityHeader;
    use crate::config::model::SiteProviders;
    use crate::config::model::Transformation;
    use crate::config::model::TransformationKind;
    use crate::gate::testing::on;
    use crate::gate::testing::site;
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
        shell.providers = SiteProviders { providers: vec![Arc::clone(&okta)], persistent: false };
        let mut config = testing::config();
        config.sites = vec![on(&["shop.test"], site("shop", "")), on(&["cms.test"], shell)];
        config.providers = vec![okta];
        let header =
            |name, source| IdentityHeader { name: http::HeaderName::from_static(name), source };
        config.identity_headers.headers = vec![header("x-forwarded-groups", HeaderSource::Roles)];
        config
    }

    fn explained(claims: &str, url: Option<&str>) -> String {
        let question = Question {
            site: Some("Shell".to_owned()),
            provider: "Okta".to_owned(),
            claims: serde_json::from_str(claims).unwrap(),
            url: url.map(str::to_owned),
        };
        let mut out = Vec::new();
        explain(&config(), &question, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn it_tells_the_way_from_the_address_to_the_headers() {
        let claims = r#"{"sub":"42","groups":["editors","x"]}"#;
        let told = explained(claims, Some("https://cms.test/sitecore/shell/a"));
        for line in [
            "  not shop (vestibule.config:1): its hostName is shop.test\n",
            "site shell (vestibule.config:1): the first that serves host cms.test, port 443 and path",
            "provider Okta (vestibule.config:1), enabled\n",
            "2. editors (vestibule.config:1) applies: every source is there (1 claim)\n",
            "  - groups = editors\n",
            "    groups = x\n",
            "  + http://schemas.microsoft.com/ws/2008/06/identity/claims/role = sitecore\\Author\n",
            "user sitecore\\",
            "  role sitecore\\Author\n",
            "access to /sitecore/shell/a: may open it; decided by site shell",
            "  x-forwarded-groups: sitecore\\Author\n",
        ] {
            assert!(told.contains(line), "{line:?} is missing in\n{told}");
        }
    }

    #[test]
    fn it_tells_why_there_is_no_user_and_what_was_not_believed() {
        let admin = "http://www.sitecore.net/identity/claims/isAdmin";
        let told = explained(&format!(r#"{{"{admin}":"true","access_token":"s3cret"}}"#), None);
        assert!(
            told.contains(
                "2. editors (vestibule.config:1) does not apply: no claim of type groups"
            )
        );
        assert!(told.contains(&format!("  - {admin} = true\n")));
        assert!(told.contains("no user: the provider gave no usable subject"));
        assert!(told.contains("access_token = ***") && !told.contains("s3cret"));
    }
}
