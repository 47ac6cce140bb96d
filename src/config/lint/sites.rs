//! Hosts that are too wide, sites and rules that hide stricter ones, login pages that lead nowhere.

use crate::config::Config;
use crate::config::model::AccessRule;
use crate::config::model::Admit;
use crate::config::model::Destination;
use crate::config::model::HostPattern;
use crate::config::model::Site;
use crate::config::read::report::Report;

/// Looks over sites, listeners and access rules.
pub(crate) fn run(config: &Config, report: &mut Report) {
    for listener in config.listeners.iter().filter(|l| l.hosts.iter().any(|host| host == "*")) {
        let what = format!(
            "the listener `{}` knows every host, so nothing is refused as unknown",
            listener.name
        );
        report.lint(&listener.origin, what, "list the hosts that are meant");
    }
    for site in &config.sites {
        if site.host_names.iter().any(|mask| mask.0 == "*") {
            let what = format!("the site `{}` is for every host: hostName=\"*\"", site.name);
            report.lint(&site.origin, what, "list the hosts that are meant");
        }
        if site.require_login && site.destination != Destination::Nothing {
            login_page(config, site, report);
        }
    }
    hidden_sites(config, report);
    hidden_rules(config, report);
}

/// A guarded site sends people to its login page: that must lead somewhere.
fn login_page(config: &Config, site: &Site, report: &mut Report) {
    let Some(page) = &site.login_page else {
        let what = format!("the site `{}` asks for a login and has no loginPage", site.name);
        report.lint(&site.origin, what, "write loginPage=\"$(loginPath)SITE/PROVIDER\"");
        return;
    };
    let Some(rest) = page.strip_prefix(&format!("{}login/", config.identity_prefix)) else {
        return;
    };
    let (to, provider) = rest.split_once('/').unwrap_or((rest, ""));
    let provider = provider.split('?').next().unwrap_or_default();
    let Some(to) = config.site(to) else {
        let what =
            format!("loginPage of `{}` names the site `{to}`, which is not declared", site.name);
        report.lint(&site.origin, what, "name a site of /sitecore/sites");
        return;
    };
    let by_scheme = |name: &str| provider.starts_with(&format!("{name}/"));
    let mapped = to.providers.providers.iter().any(|p| &*p.name == provider || by_scheme(&p.name));
    if !mapped {
        let what = format!(
            "loginPage of `{}` leads to the provider `{provider}`, which is off or not mapped to `{}`",
            site.name, to.name
        );
        report.lint(
            &site.origin,
            what,
            "switch it on and map it, or write loginPage=\"/sitecore/login\"",
        );
    }
}

/// C79: the first site that matches serves the request, so a wide one before a strict one opens it.
fn hidden_sites(config: &Config, report: &mut Report) {
    for (at, later) in config.sites.iter().enumerate() {
        let stricter = |earlier: &Site| {
            (later.require_login && !earlier.require_login)
                || (!later.roles.is_empty() && earlier.roles != later.roles)
        };
        let earlier = config.sites.iter().take(at).find(|e| covers(e, later) && stricter(e));
        if let Some(earlier) = earlier {
            let what = format!(
                "the site `{}` is never reached, because `{}` comes first and is less strict",
                later.name, earlier.name
            );
            report.lint(
                &later.origin,
                what,
                format!(
                    "put it before `{0}` with patch:before=\"site[@name='{0}']\"",
                    earlier.name
                ),
            );
        }
    }
}

/// Whether every request for `later` would already match `earlier`.
fn covers(earlier: &Site, later: &Site) -> bool {
    let folder = earlier.virtual_folder.as_str();
    let below = later.virtual_folder.get(..folder.len()).is_some_and(|head| {
        head.eq_ignore_ascii_case(folder)
            && later.virtual_folder.as_bytes().get(folder.len()).is_none_or(|&next| next == b'/')
    });
    let port = earlier.port.is_none() || earlier.port == later.port;
    below && port && covers_hosts(&earlier.host_names, &later.host_names)
}

fn covers_hosts(earlier: &[HostPattern], later: &[HostPattern]) -> bool {
    if earlier.is_empty() {
        return true;
    }
    !later.is_empty() && later.iter().all(|mask| earlier.iter().any(|e| e.matches(&mask.0)))
}

/// The same for access rules: the first one that fits decides.
fn hidden_rules(config: &Config, report: &mut Report) {
    for (at, later) in config.access.iter().enumerate() {
        let looser = |e: &&AccessRule| covers_rule(e, later) && looser(&e.admit, &later.admit);
        if let Some(earlier) = config.access.iter().take(at).find(looser) {
            let what = format!(
                "{} never decides, because {} comes first and admits more",
                later.name, earlier.name
            );
            report.lint(&later.origin, what, "put the stricter rule first");
        }
    }
}

fn covers_rule(earlier: &AccessRule, later: &AccessRule) -> bool {
    let site = match (&earlier.site, &later.site) {
        (None, _) => true,
        (Some(earlier), Some(later)) => earlier.eq_ignore_ascii_case(later),
        (Some(_), None) => false,
    };
    let methods = earlier.methods.is_empty()
        || (!later.methods.is_empty() && later.methods.iter().all(|m| earlier.methods.contains(m)));
    site && methods && covers_path(&earlier.path, &later.path)
}

/// Whether every path that `later` holds for is held by `earlier`; `/*` at the end is all below.
pub(super) fn covers_path(earlier: &str, later: &str) -> bool {
    let Some(prefix) = earlier.strip_suffix("/*") else {
        return earlier.eq_ignore_ascii_case(later);
    };
    let later = later.strip_suffix("/*").unwrap_or(later);
    later.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix))
        && later.as_bytes().get(prefix.len()).is_none_or(|&next| next == b'/')
}

/// Whether `earlier` admits somebody whom `later` would not.
fn looser(earlier: &Admit, later: &Admit) -> bool {
    match (earlier, later) {
        (Admit::Nobody, _)
        | (_, Admit::Anonymous)
        | (Admit::SignedIn | Admit::Roles(_), Admit::SignedIn) => false,
        (Admit::Anonymous, _) | (_, Admit::Nobody) | (Admit::SignedIn, Admit::Roles(_)) => true,
        (Admit::Roles(earlier), Admit::Roles(later)) => {
            let in_later = |role: &String| later.iter().any(|l| l.eq_ignore_ascii_case(role));
            !earlier.iter().all(in_later)
        }
    }
}
