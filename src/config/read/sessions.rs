//! Sessions, users, limits, timeouts and logging.

use std::path::Path;
use std::time::Duration;

use crate::config::fault::Origin;
use crate::config::model::Limits;
use crate::config::model::Logging;
use crate::config::model::SessionSettings;
use crate::config::model::StoreAddress;
use crate::config::model::Timeouts;
use crate::config::read::gateway::Gateway;
use crate::config::read::ours::Ours;
use crate::config::read::report::Report;
use crate::config::read::settings::Settings;
use crate::config::read::store;
use crate::config::read::transformations::child_text;
use crate::config::read::values;
use crate::config::tree::Element;

const COOKIE_AUTHENTICATION: &str =
    "Sitecore.Owin.Authentication.Pipelines.Initialize.CookieAuthentication";

/// `<sessions>`, the settings, and the `CookieAuthentication` processor (spec §2.4).
pub(crate) fn sessions(
    root: &Element,
    gateway: Gateway<'_>,
    settings: &Settings,
    report: &mut Report,
) -> SessionSettings {
    let attributes = ["store", "cookiePrefix", "absoluteLifetime", "capacity", "perUser"];
    let ours = gateway.section("sessions", &attributes, &[], report);
    let processor = processor(root, COOKIE_AUTHENTICATION);
    let expire =
        of_child(processor, "ExpireTimeSpan", "a time such as 00:30:00", report, values::duration);
    let sliding =
        of_child(processor, "SlidingExpiration", "true or false", report, values::boolean);
    let mut sessions = SessionSettings {
        authentication_type: settings.authentication_type.clone(),
        cookie_prefix: String::new(),
        expire_time_span: expire.filter(|e| !e.is_zero()).unwrap_or(Duration::from_mins(30)),
        sliding: sliding.unwrap_or(true),
        absolute_lifetime: Duration::from_hours(12),
        remembered_lifetime: settings.remembered_lifetime,
        capacity: 100_000,
        per_user: None,
    };
    let Some(ours) = ours else { return sessions };
    ours.parse("store", "memory, the only store that is served yet", report, |text| {
        (text == "memory").then_some(())
    });
    if let Some(prefix) = ours.parse("cookiePrefix", "__Host- or nothing", report, prefix) {
        sessions.cookie_prefix = prefix;
    }
    sessions.absolute_lifetime =
        ours.duration("absoluteLifetime", sessions.absolute_lifetime, report);
    let most = u32::try_from(sessions.capacity).unwrap_or(u32::MAX);
    sessions.capacity = ours.number("capacity", most, report) as usize;
    let positive = |text: &str| text.parse().ok().filter(|&count: &usize| count != 0);
    sessions.per_user = ours.parse("perUser", "a whole number from 1", report, positive);
    sessions
}

fn prefix(text: &str) -> Option<String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    text.chars().all(fits).then(|| text.to_owned())
}

/// The processor of `owin.initialize` of a class.
fn processor<'a>(root: &'a Element, class: &str) -> Option<&'a Element> {
    let pipeline = root.descend(&["pipelines", "owin.initialize"])?;
    let mut processors = pipeline.children_named("processor");
    processors.find(|p| p.value("type").is_some_and(|t| values::class(t) == class))
}

fn of_child<T>(
    processor: Option<&Element>,
    name: &str,
    shape: &str,
    report: &mut Report,
    read: impl FnOnce(&str) -> Option<T>,
) -> Option<T> {
    let (text, child) = child_text(processor?, name)?;
    let value = read(&text);
    if value.is_none() {
        let what = format!("<{name}>{text}</{name}> cannot be read");
        report.fault(&child.origin, what, format!("write {shape}"));
    }
    value
}

/// How external users are named, what they must have, and where things are kept.
#[derive(Debug)]
pub(crate) struct Users {
    /// `store`.
    pub(crate) store: StoreAddress,
    /// `nameTemplate`.
    pub(crate) name_template: Option<String>,
    /// `requireUniqueEmail` or `requiresUniqueEmail`.
    pub(crate) requires_unique_email: bool,
    /// `resetCommand`.
    pub(crate) reset_command: Vec<String>,
}

/// `<users>`.
pub(crate) fn users(gateway: Gateway<'_>, report: &mut Report) -> Users {
    let [require, requires] = ["requireUniqueEmail", "requiresUniqueEmail"];
    let attributes = ["store", "nameTemplate", require, requires, "resetCommand"];
    let ours = gateway.section("users", &attributes, &[], report);
    let store = store::address(ours, &gateway.data(), report);
    let Some(ours) = ours else {
        let (name_template, reset_command) = (None, Vec::new());
        return Users { store, name_template, requires_unique_email: false, reset_command };
    };
    let template = ours.text("nameTemplate").filter(|t| !t.is_empty());
    if let Some(wrong) = template.filter(|t| !is_template(t)) {
        let what = format!("nameTemplate=\"{wrong}\" cannot be read");
        report.fault(
            ours.origin_of("nameTemplate"),
            what,
            "write claims in braces, such as {email} or {preferred_username}",
        );
    }
    Users {
        store,
        name_template: template.map(str::to_owned),
        // The membership provider's own spelling, and the one of the CMS's options.
        requires_unique_email: ours.boolean(require, false, report)
            | ours.boolean(requires, false, report),
        reset_command: reset_command(ours, report),
    }
}

/// A program by its whole path, and arguments, with blanks between them.
fn reset_command(ours: Ours<'_>, report: &mut Report) -> Vec<String> {
    let text = ours.text("resetCommand").unwrap_or_default();
    let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    let Some(program) = words.first() else { return words };
    let origin = ours.origin_of("resetCommand");
    if !program.starts_with('/') {
        let what = format!("resetCommand names the program `{program}` without its path");
        report.fault(origin, what, "write a whole path, such as /usr/local/bin/send-reset-link");
    } else if !Path::new(program).is_file() {
        let what = format!("there is no program {program}: nobody is sent a link");
        report.lint(origin, what, "put it there, or correct resetCommand");
    }
    words
}

/// At least one claim in braces, and every brace closed.
fn is_template(text: &str) -> bool {
    let mut claims = 0;
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((claim, after)) = after.split_once('}') else { return false };
        if before.contains('}') || claim.is_empty() || claim.contains('{') {
            return false;
        }
        claims += 1;
        rest = after;
    }
    claims > 0 && !rest.contains('}') && !text.contains('\\')
}

/// `<limits>`.
pub(crate) fn limits(gateway: Gateway<'_>, report: &mut Report) -> Limits {
    let attributes = [
        "headerBytes",
        "headerLines",
        "ownBodyBytes",
        "streams",
        "connections",
        "connectionsPerAddress",
        "signInsPerMinute",
    ];
    let ours = gateway.section("limits", &attributes, &[], report);
    let mut number = |attribute: &str, default: u32| {
        ours.map_or(default, |ours| ours.number(attribute, default, report))
    };
    Limits {
        header_bytes: number("headerBytes", 32 * 1024) as usize,
        header_lines: number("headerLines", 100) as usize,
        own_body_bytes: number("ownBodyBytes", 64 * 1024) as usize,
        streams: number("streams", 100),
        connections: number("connections", 20_000) as usize,
        connections_per_address: number("connectionsPerAddress", 500) as usize,
        sign_ins_per_minute: number("signInsPerMinute", 60),
    }
}

/// `<timeouts>`.
pub(crate) fn timeouts(gateway: Gateway<'_>, report: &mut Report) -> Timeouts {
    let attributes = ["handshake", "head", "body", "idle", "drain"];
    let ours = gateway.section("timeouts", &attributes, &[], report);
    let mut time = |attribute: &str, seconds: u64| {
        let default = Duration::from_secs(seconds);
        ours.map_or(default, |ours| ours.duration(attribute, default, report))
    };
    Timeouts {
        handshake: time("handshake", 10),
        head: time("head", 10),
        body: time("body", 60),
        idle: time("idle", 120),
        drain: time("drain", 30),
    }
}

/// `<logging>`.
pub(crate) fn logging(gateway: Gateway<'_>, report: &mut Report) -> Logging {
    let ours = gateway.section("logging", &["format", "level"], &[], report);
    let choice = |ours: Ours<'_>, attribute, known: &[&str], report: &mut Report| {
        let read = |text: &str| known.contains(&text).then(|| text.to_owned());
        ours.parse(attribute, &known.join(", "), report, read)
    };
    let format = ours.and_then(|ours| choice(ours, "format", &["text", "json"], report));
    let levels = ["error", "warn", "info", "debug", "trace"];
    let level = ours.and_then(|ours| choice(ours, "level", &levels, report));
    Logging {
        json: format.is_some_and(|format| format == "json"),
        level: level.unwrap_or_else(|| "info".to_owned()),
    }
}

/// Where a section stands, or else the node.
pub(crate) fn origin_of(gateway: Gateway<'_>, section: &str) -> Origin {
    gateway.element().child(section).unwrap_or_else(|| gateway.element()).origin.clone()
}

/// The paths in a list of a processor, given by its class, of
/// `owin.cookieAuthentication.validateIdentity`.
pub(crate) fn paths(
    root: &Element,
    (class, list): (&str, &str),
    report: &mut Report,
) -> Vec<String> {
    let pipeline = root.descend(&["pipelines", "owin.cookieAuthentication.validateIdentity"]);
    let processors = pipeline.into_iter().flat_map(|p| p.children_named("processor"));
    let ours = processors.filter(|p| {
        p.value("type").is_some_and(|t| values::class(t).rsplit('.').next() == Some(class))
    });
    let mut paths = Vec::new();
    for item in ours.filter_map(|p| p.child(list)).flat_map(Element::elements) {
        let text = item.text();
        if let Some(token) = values::unresolved(&text) {
            let what = format!("a path of <{list}> is left out, because it holds {token}");
            report.disable(&item.origin, what, values::resolve_hint(token));
            continue;
        }
        match crate::config::read::sites::folder(&text) {
            Ok(path) if !path.is_empty() => paths.push(path),
            Ok(_) => {
                let what = format!("<{list}> holds `{text}`, which is every path");
                report.disable(&item.origin, what, "name the path that is meant");
            }
            Err(why) => {
                let what = format!("<{list}> holds `{text}`: {why}");
                report.disable(&item.origin, what, "write a canonical path");
            }
        }
    }
    paths
}
