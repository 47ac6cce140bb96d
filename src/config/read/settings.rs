//! `settings/setting`: the CMS's own settings, and the few that mean something here (spec §1.8).

use std::collections::BTreeMap;
use std::time::Duration;

use crate::config::fault::Origin;
use crate::config::read::report::Report;
use crate::config::read::values;
use crate::config::tree::Element;

/// The settings by name, and those that are read here.
#[derive(Debug)]
pub(crate) struct Settings {
    all: BTreeMap<String, (String, Origin)>,
    /// `FederatedAuthentication.Enabled` and `Owin.Authentication.Enabled`: without either no external
    /// provider is asked.
    pub(crate) federation_enabled: bool,
    /// `FederatedAuthentication.IdentityProcessingPathPrefix`, begins and ends with `/`.
    pub(crate) identity_prefix: String,
    /// `Owin.Authentication.DefaultAuthenticationType`.
    pub(crate) authentication_type: String,
    /// `Authentication.ClientPersistentLoginDuration`, written in days.
    pub(crate) remembered_lifetime: Duration,
}

impl Settings {
    /// Reads `settings` below `root`.
    pub(crate) fn read(root: &Element, report: &mut Report) -> Self {
        let mut all = BTreeMap::new();
        let settings = root.child("settings").map(|list| list.children_named("setting"));
        for setting in settings.into_iter().flatten() {
            let Some(name) = setting.value("name") else { continue };
            let value = setting.attribute("value");
            let origin = value.map_or(&setting.origin, |v| &v.origin).clone();
            let value = value.map_or_else(|| setting.text(), |v| v.value.clone());
            all.insert(name.to_owned(), (value, origin));
        }
        let mut settings = Self {
            all,
            federation_enabled: true,
            identity_prefix: String::new(),
            authentication_type: String::new(),
            remembered_lifetime: Duration::ZERO,
        };
        settings.interpret(report);
        settings
    }

    fn interpret(&mut self, report: &mut Report) {
        for name in ["FederatedAuthentication.Enabled", "Owin.Authentication.Enabled"] {
            let on = self.parse(name, "true or false", report, values::boolean).unwrap_or(true);
            if let Some((_, origin)) = self.find(name).filter(|_| !on) {
                let what = format!("{name} is false, so no provider is offered anywhere");
                report.lint(origin, what, "local users still sign in at /sitecore/login");
            }
            self.federation_enabled &= on;
        }
        let prefix = "FederatedAuthentication.IdentityProcessingPathPrefix";
        self.identity_prefix = self
            .parse(prefix, "a path that begins and ends with /", report, path_prefix)
            .unwrap_or_else(|| "/identity/".to_owned());
        let kind = "Owin.Authentication.DefaultAuthenticationType";
        self.authentication_type = self
            .parse(kind, "letters, digits, dots and hyphens", report, cookie_word)
            .unwrap_or_else(|| "Cookies".to_owned());
        let remembered = "Authentication.ClientPersistentLoginDuration";
        self.remembered_lifetime = self
            .parse(remembered, "a number of days", report, days)
            .unwrap_or(Duration::from_hours(180 * 24));
        let callback = "FederatedAuthentication.IdentityServer.CallbackAuthority";
        if let Some((text, origin)) = self.find(callback) {
            let what = format!(
                "{callback} is `{text}`, but redirect addresses are always on the host that the browser used"
            );
            report.lint(origin, what, "leave it out and declare that host at a site");
        }
    }

    /// A setting that is not empty, and where its value stands.
    pub(crate) fn find(&self, name: &str) -> Option<(&str, &Origin)> {
        let (value, origin) = self.all.get(name)?;
        Some((value.trim(), origin)).filter(|(value, _)| !value.is_empty())
    }

    /// Every setting by name.
    pub(crate) fn into_values(self) -> BTreeMap<String, String> {
        self.all.into_iter().map(|(name, (value, _))| (name, value)).collect()
    }

    fn parse<T>(
        &self,
        name: &str,
        shape: &str,
        report: &mut Report,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let (text, origin) = self.all.get(name)?;
        let text = text.trim();
        let value = read(text);
        if value.is_none() {
            let what = format!("the setting {name} is `{text}`");
            report.fault(origin, what, format!("write {shape}"));
        }
        value
    }
}

fn path_prefix(text: &str) -> Option<String> {
    let path = crate::http::CanonicalPath::read(text).ok()?;
    let fits = text.len() > 2 && text.ends_with('/') && path.decoded() == text;
    fits.then(|| text.to_owned())
}

/// What can stand in a cookie's name.
fn cookie_word(text: &str) -> Option<String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    text.chars().all(fits).then(|| text.to_owned())
}

fn days(text: &str) -> Option<Duration> {
    let days: u64 = text.parse().ok().filter(|days| (1..=36_500).contains(days))?;
    Some(Duration::from_secs(days * 86_400))
}
