//! `vestibule explain`: what would become of somebody at a site: the site chosen and why, each
//! transformation, the user, and the headers for the CMS, as [`crate::gate::explain`] finds them.

use std::fs;
use std::io;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use serde_json::Map;
use serde_json::Value;

use crate::cli;
use crate::config;
use crate::config::Config;
use crate::config::Environment;
use crate::gate::explain;
use crate::gate::explain::Unexplained;
use crate::gate::explain::text;

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
    let place = explain::place(config, question.site.as_deref(), question.url.as_deref())?;
    text::place(&place, out)?;
    let site = place.site.as_deref().ok_or(Unexplained::NoMatch)?;
    let provider = explain::provider(config, &question.provider)?;
    let told = explain::sign_in(config, site, provider, &question.claims);
    text::sign_in(config, (&place, site), &told, out)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::claims::types;
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
