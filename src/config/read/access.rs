//! `<access>` rules and `<localUsers>`.

use std::sync::Arc;

use http::Method;

use crate::config::model::AccessRule;
use crate::config::model::Admit;
use crate::config::model::LocalUser;
use crate::config::read::gateway::Gateway;
use crate::config::read::ours::Ours;
use crate::config::read::report::Report;
use crate::config::read::sites::SiteDraft;
use crate::config::read::values;
use crate::config::tree::Element;
use crate::crypto::password;
use crate::crypto::secret::Secret;
use crate::http::CanonicalPath;

/// Every access rule, in order.
pub(crate) fn rules(
    gateway: Gateway<'_>,
    sites: &[SiteDraft],
    report: &mut Report,
) -> Vec<AccessRule> {
    let Some(list) = gateway.section("access", &[], &["rule"], report) else { return Vec::new() };
    let elements = list.children("rule").enumerate();
    elements.filter_map(|(at, element)| rule(at, element, sites, report)).collect()
}

fn rule(
    at: usize,
    element: &Element,
    sites: &[SiteDraft],
    report: &mut Report,
) -> Option<AccessRule> {
    let attributes = ["name", "site", "path", "methods", "roles", "anonymous", "signedIn"];
    let ours = Ours::new(element, &attributes, &[], report);
    let name = ours.text("name").filter(|n| !n.is_empty());
    let name = name.map_or_else(|| format!("access rule {}", at + 1), str::to_owned);
    let site = ours.text("site");
    if let Some(site) = site.filter(|s| !sites.iter().any(|d| d.site.name.eq_ignore_ascii_case(s)))
    {
        let what = format!("site=\"{site}\" names no site");
        report.fault(ours.origin_of("site"), what, "name a site of /sitecore/sites");
    }
    let shape = "a canonical path, or one that ends in /* for all below it";
    let path = match ours.text("path") {
        None => Some("/*".to_owned()),
        Some(_) => ours.parse("path", shape, report, pattern),
    };
    let methods = methods(ours, report);
    let admit = admit(ours, report)?;
    let (name, origin) = (Arc::from(name), ours.origin().clone());
    Some(AccessRule { name, site: site.map(Arc::from), path: path?, methods, admit, origin })
}

/// `/health` or `/sitecore/admin/*`, canonical and decoded.
fn pattern(text: &str) -> Option<String> {
    let (path, below) = text.strip_suffix("/*").map_or((text, ""), |path| (path, "/*"));
    let path = if path.is_empty() && !below.is_empty() { "/" } else { path };
    let path = CanonicalPath::read(path).ok()?;
    let path = path.decoded();
    let path = if below.is_empty() { path } else { path.trim_end_matches('/') };
    Some(format!("{path}{below}"))
}

fn methods(ours: Ours<'_>, report: &mut Report) -> Vec<Method> {
    let Some(text) = ours.text("methods") else { return Vec::new() };
    let written = values::words(&text.replace('|', " "));
    let known = |m: &String| m.bytes().all(|b| b.is_ascii_uppercase() || b == b'-');
    let methods = written.iter().filter(|m| known(m)).filter_map(|m| m.parse().ok());
    let mut methods: Vec<Method> = methods.collect();
    if methods.is_empty() || methods.len() != written.len() {
        let what = format!("methods=\"{text}\" cannot be read");
        report.fault(
            ours.origin_of("methods"),
            what,
            "write GET HEAD …, or leave it out for every method",
        );
    }
    // HEAD says all that GET does but the body: a rule about one is about both.
    if methods.contains(&Method::GET) && !methods.contains(&Method::HEAD) {
        methods.push(Method::HEAD);
    }
    methods
}

/// Whom a rule admits: it must say so, and an empty list of roles admits nobody.
fn admit(ours: Ours<'_>, report: &mut Report) -> Option<Admit> {
    let anonymous = ours.boolean("anonymous", false, report);
    let signed_in = ours.boolean("signedIn", false, report);
    match (anonymous, signed_in, ours.text("roles")) {
        (true, false, None) => Some(Admit::Anonymous),
        (false, true, None) => Some(Admit::SignedIn),
        (false, false, Some(roles)) => Some(of_roles(ours, roles, report)),
        (false, false, None) if ours.text("anonymous").is_some() => Some(Admit::SignedIn),
        _ => {
            let what = "an access rule says exactly one thing about whom it admits";
            report.fault(
                ours.origin(),
                what,
                "write roles=\"…\", signedIn=\"true\" or anonymous=\"true\"",
            );
            None
        }
    }
}

fn of_roles(ours: Ours<'_>, roles: &str, report: &mut Report) -> Admit {
    let roles = values::list(roles);
    if roles.is_empty() {
        let what = "roles=\"\" admits nobody";
        report.lint(
            ours.origin_of("roles"),
            what,
            "name roles separated by |, or take the rule out",
        );
        return Admit::Nobody;
    }
    Admit::Roles(roles)
}

/// Every local user.
pub(crate) fn local_users(gateway: Gateway<'_>, report: &mut Report) -> Vec<LocalUser> {
    let Some(list) = gateway.section("localUsers", &[], &["user"], report) else {
        return Vec::new();
    };
    let mut users: Vec<LocalUser> = Vec::new();
    for element in list.children("user") {
        if let Some((token, origin)) = values::unresolved_in(element) {
            let what = format!("a local user is off, because it holds {token}");
            report.disable(&origin, what, values::resolve_hint(&token));
            continue;
        }
        let Some(user) = local_user(element, report) else { continue };
        if users.iter().any(|known| known.name.eq_ignore_ascii_case(&user.name)) {
            let what = format!("two local users are called `{}`", user.name);
            report.fault(&user.origin, what, "give one of them another name");
        }
        users.push(user);
    }
    users
}

fn local_user(element: &Element, report: &mut Report) -> Option<LocalUser> {
    let attributes = ["name", "email", "fullName", "passwordHash", "roles", "administrator"];
    let ours = Ours::new(element, &attributes, &["claim"], report);
    let name = ours.required("name", report);
    let hash = ours.required("passwordHash", report);
    let name = name?;
    let whole = name.split_once('\\').is_some_and(|(domain, local)| {
        !domain.is_empty() && !local.is_empty() && !local.contains('\\')
    });
    if !whole || name.chars().any(char::is_control) {
        let what = format!("`{name}` is not a user name");
        report.fault(ours.origin_of("name"), what, "write domain\\name, such as sitecore\\jane");
    }
    let hash = hash?;
    if !password::is_hash(hash) {
        let what = format!("the passwordHash of `{name}` is no hash that is known here");
        let instead = "make one with `vestibule secret hash`, or write membership:SHA1:SALT:HASH with what the CMS has kept";
        report.fault(ours.origin_of("passwordHash"), what, instead);
    } else if !password::is_current(hash) {
        let what =
            format!("the passwordHash of `{name}` is a membership hash, which is quick to guess");
        let instead =
            "make an Argon2id hash with `vestibule secret hash` when the password is changed";
        report.lint(ours.origin_of("passwordHash"), what, instead);
    }
    let text = |attribute: &str| ours.text(attribute).filter(|t| !t.is_empty()).map(str::to_owned);
    Some(LocalUser {
        name: name.to_owned(),
        email: text("email"),
        full_name: text("fullName"),
        password_hash: Secret::new(hash),
        roles: values::list(ours.text("roles").unwrap_or_default()),
        administrator: ours.boolean("administrator", false, report),
        claims: claims(ours, report),
        origin: ours.origin().clone(),
    })
}

fn claims(user: Ours<'_>, report: &mut Report) -> Vec<(String, String)> {
    let mut claims = Vec::new();
    for element in user.children("claim") {
        let ours = Ours::new(element, &["name", "value"], &[], report);
        if let Some(name) = ours.required("name", report) {
            claims.push((name.to_owned(), ours.text("value").unwrap_or_default().to_owned()));
        }
    }
    claims
}
