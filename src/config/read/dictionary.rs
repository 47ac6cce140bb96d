//! Values of the identity server's dictionary: switches, seconds, choices, lists; and what every
//! entry of it must be.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::config::read::report::Refusal;
use crate::config::read::report::Report;
use crate::config::read::values;
use crate::config::settings::Setting;

/// Checks what every entry of a dictionary must be: without duplicates and fully resolved.
///
/// # Errors
///
/// The key that is not.
pub(crate) fn whole(setting: &Setting) -> Result<(), Refusal> {
    if let Some((key, origin)) = setting.duplicated() {
        let what = format!("the key <{key}> is written twice");
        return Err(Refusal::at(
            origin,
            what,
            "give each element a name of its own, such as …1 and …2",
        ));
    }
    let open = setting.find_value(&|setting, value| {
        values::unresolved(value).map(|token| (token.to_owned(), setting.origin.clone()))
    });
    match open {
        Some((token, origin)) => {
            let what = format!("it holds {token}, which nothing defines");
            Err(Refusal::at(&origin, what, values::resolve_hint(&token)))
        }
        None => Ok(()),
    }
}

/// Refuses a key that is nearly one of `known`: it would be read as nothing.
///
/// # Errors
///
/// The key.
pub(crate) fn check_spelling(setting: &Setting, known: &[&str]) -> Result<(), Refusal> {
    for child in &setting.children {
        if known.iter().any(|key| key.eq_ignore_ascii_case(&child.name)) {
            continue;
        }
        if let Some(meant) = values::nearest(&child.name, known.iter().copied()) {
            let what = format!("there is no key <{}>", child.name);
            return Err(Refusal::at(&child.origin, what, format!("did you mean <{meant}>?")));
        }
    }
    Ok(())
}

/// Reads a boolean key; what is neither, and what is empty, is a fault.
pub(crate) fn boolean(setting: &Setting, name: &str, default: bool, report: &mut Report) -> bool {
    let read = |text: &str| match text {
        "1" => Some(true),
        "0" => Some(false),
        _ => values::boolean(text),
    };
    parse(setting, name, "true or false", report, read).unwrap_or(default)
}

/// Reads one of `choices`, each a name and what it means; another word is a fault.
pub(crate) fn choice<T: Copy>(
    setting: &Setting,
    name: &str,
    choices: &[(&str, T)],
    default: T,
    report: &mut Report,
) -> T {
    let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
    let find = |text: &str| choices.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
    let read = |text: &str| find(text).map(|(_, meaning)| *meaning);
    parse(setting, name, &names.join(", "), report, read).unwrap_or(default)
}

/// Reads seconds, from `least` to ten years; `name` may also end in `InSeconds`.
pub(crate) fn seconds(
    setting: &Setting,
    name: &str,
    least: u64,
    report: &mut Report,
) -> Option<Duration> {
    let long = format!("{name}InSeconds");
    let name = if setting.child(&long).is_some() { &long } else { name };
    let shape = format!("seconds, from {least} to {LONGEST}");
    let read = |text: &str| text.parse().ok().filter(|s| (least..=LONGEST).contains(s));
    parse(setting, name, &shape, report, read).map(Duration::from_secs)
}

/// Ten years, in seconds.
const LONGEST: u64 = 3_652 * 86_400;

/// Reads a whole number in `range`; what is empty says nothing.
pub(crate) fn number(
    setting: &Setting,
    name: &str,
    range: RangeInclusive<u32>,
    report: &mut Report,
) -> Option<u32> {
    setting.text(name)?;
    let shape = format!("a whole number from {} to {}", range.start(), range.end());
    let read = |text: &str| text.parse().ok().filter(|number| range.contains(number));
    parse(setting, name, &shape, report, read)
}

/// Reads seconds as [`seconds`] does; what is empty says nothing.
pub(crate) fn optional_seconds(
    setting: &Setting,
    name: &str,
    report: &mut Report,
) -> Option<Duration> {
    let long = format!("{name}InSeconds");
    setting.text(name).or_else(|| setting.text(&long))?;
    seconds(setting, name, 1, report)
}

/// Reads a length of time as .NET writes it (`10:00:00`, `30.00:00:00`), or with a unit.
pub(crate) fn time_span(
    setting: &Setting,
    name: &str,
    default: Duration,
    report: &mut Report,
) -> Duration {
    let read = |text: &str| values::duration(text).filter(|span| !span.is_zero());
    parse(setting, name, "a time above zero, such as 10:00:00", report, read).unwrap_or(default)
}

/// The values of a list's numbered children, trimmed, empty ones left out.
pub(crate) fn texts(setting: &Setting, list: &str) -> Vec<String> {
    let values = setting.list(list).filter_map(|item| item.value.as_deref());
    values.map(|value| value.trim().to_owned()).collect()
}

/// A list of signature algorithms, those that are not ours left out; none left is a fault.
pub(crate) fn algorithms(setting: &Setting, list: &str, report: &mut Report) -> Vec<String> {
    let written = texts(setting, list);
    let ours: Vec<String> =
        written.iter().filter(|name| ALGORITHMS.contains(&name.as_str())).cloned().collect();
    if ours.is_empty() && !written.is_empty() {
        let origin = setting.child(list).map_or(&setting.origin, |list| &list.origin);
        let what = format!("nothing is signed with {}", written.join(" or "));
        report.fault(origin, what, format!("write {}", ALGORITHMS.join(" or ")));
    }
    ours
}

/// What tokens are signed with.
const ALGORITHMS: [&str; 2] = ["RS256", "ES256"];

/// The entries of a list, in order.
pub(crate) fn entries<'a>(
    setting: Option<&'a Setting>,
    list: &str,
) -> impl Iterator<Item = &'a Setting> {
    let list = setting.and_then(|setting| setting.child(list));
    list.into_iter().flat_map(|list| &list.children)
}

fn parse<T>(
    setting: &Setting,
    name: &str,
    shape: &str,
    report: &mut Report,
    read: impl FnOnce(&str) -> Option<T>,
) -> Option<T> {
    let child = setting.child(name)?;
    let text = child.value.as_deref().unwrap_or_default().trim();
    let value = read(text);
    if value.is_none() {
        report.fault(
            &child.origin,
            format!("<{name}>{text}</{name}> cannot be read"),
            format!("write {shape}"),
        );
    }
    value
}
