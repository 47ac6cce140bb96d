//! Text → values: booleans, durations, lists, class names, and references that stayed unresolved.

use std::time::Duration;

use crate::config::fault::Origin;
use crate::config::tree::Element;
use crate::config::tree::Node;

/// `true` or `false`, in any case as in .NET; nothing else is a boolean.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("true") {
        return Some(true);
    }
    text.eq_ignore_ascii_case("false").then_some(false)
}

/// A length of time: `hh:mm:ss`, `d.hh:mm:ss` or `d:hh:mm:ss` as in .NET, or a number with a unit:
/// `500ms`, `30s`, `10m`, `12h`, `7d`. A bare number says too little and is refused.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    if text.contains(':') {
        return time_span(text);
    }
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let count: u64 = digits.parse().ok()?;
    let seconds = match text.get(digits.len()..)? {
        "ms" => return Some(Duration::from_millis(count)),
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    count.checked_mul(seconds).filter(|&s| s <= LONGEST).map(Duration::from_secs)
}

/// A hundred years: enough for everybody, and no sum overflows.
const LONGEST: u64 = 100 * 366 * 86_400;

fn time_span(text: &str) -> Option<Duration> {
    let parts: Vec<&str> = text.split(':').collect();
    let (days, hours, minutes, seconds) = match parts.as_slice() {
        [hours, minutes, seconds] => match hours.split_once('.') {
            Some((days, hours)) => (days, hours, minutes, seconds),
            None => ("0", *hours, minutes, seconds),
        },
        [days, hours, minutes, seconds] => (*days, *hours, minutes, seconds),
        _ => return None,
    };
    let below = |text: &str, limit: u64| text.parse::<u64>().ok().filter(|&n| n < limit);
    let days = below(days, LONGEST / 86_400)?;
    let (hours, minutes, seconds) = (below(hours, 24)?, below(minutes, 60)?, below(seconds, 60)?);
    Some(Duration::from_secs(days * 86_400 + hours * 3_600 + minutes * 60 + seconds))
}

/// The pieces of a list separated by `|`, trimmed, empty ones left out.
pub(crate) fn list(text: &str) -> Vec<String> {
    text.split('|').map(str::trim).filter(|s| !s.is_empty()).map(str::to_owned).collect()
}

/// The pieces of a list separated by white space or commas.
pub(crate) fn words(text: &str) -> Vec<String> {
    let separator = |c: char| c.is_whitespace() || c == ',';
    text.split(separator).filter(|s| !s.is_empty()).map(str::to_owned).collect()
}

/// Whether `text` is a GUID in its plain form, as the ids of tenants are.
pub(crate) fn is_guid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
}

/// The class of a .NET type name: what stands before the first comma.
pub(crate) fn class(type_name: &str) -> &str {
    type_name.split(',').next().unwrap_or_default().trim()
}

/// The first `$(…)` in `text` that nothing has replaced.
pub(crate) fn unresolved(text: &str) -> Option<&str> {
    let start = text.find("$(")?;
    let rest = text.get(start..)?;
    let end = rest.find(')').map_or(rest.len(), |at| at + 1);
    rest.get(..end)
}

/// The first unresolved reference in `element`'s attributes, texts and children, with its place.
pub(crate) fn unresolved_in(element: &Element) -> Option<(String, Origin)> {
    let found = |text: &str, origin: &Origin| {
        unresolved(text).map(|token| (token.to_owned(), origin.clone()))
    };
    element.attributes.iter().find_map(|a| found(&a.value, &a.origin)).or_else(|| {
        element.children.iter().find_map(|node| match node {
            Node::Element(child) => unresolved_in(child),
            Node::Text(text, origin) => found(text, origin),
            Node::Comment(_) => None,
        })
    })
}

/// What to write when `token` stayed unresolved.
pub(crate) fn resolve_hint(token: &str) -> String {
    let name = token.trim_start_matches("$(").trim_end_matches(')');
    match name.split_once(':') {
        Some((_, variable)) => format!("set the environment variable {variable}"),
        None => format!("declare <sc.variable name=\"{name}\" value=\"…\" />"),
    }
}

/// Which of `known` was probably meant by `word`.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Two slips in a short word make another word.
    let short = |candidate: &str| word.len() < 5 || (word.len() == 5 && candidate.len() < 6);
    let most = |candidate: &str| if short(candidate) { 1 } else { 2 };
    known
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|&(distance, candidate)| distance <= most(candidate))
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein distance without regard to ASCII case.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().map(|c| c.to_ascii_lowercase()).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().map(|c| c.to_ascii_lowercase()).enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, y) in row.iter_mut().skip(1).zip(&b) {
            let substituted = diagonal + usize::from(x != *y);
            diagonal = *cell;
            left = substituted.min(left + 1).min(*cell + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_spans_are_read_as_dotnet_reads_them() {
        let seconds = |text| duration(text).map(|d| d.as_secs());
        assert_eq!(seconds("00:30:00"), Some(1_800));
        assert_eq!(seconds("1.02:03:04"), Some(93_784));
        assert_eq!(seconds("1:02:03:04"), Some(93_784));
        assert_eq!(seconds("12h"), Some(43_200));
        assert_eq!(duration("250ms"), Some(Duration::from_millis(250)));
        for wrong in ["30", "", "24:00:00", "0:60:00", "1:2", "-1s", "5 m", "5y", "1e3s"] {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn n310_booleans_are_true_or_false() {
        assert_eq!(boolean("true"), Some(true));
        assert_eq!(boolean("False"), Some(false));
        for wrong in ["flase", "yes", "1", ""] {
            assert_eq!(boolean(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_slip_of_the_pen_is_recognised() {
        let known = ["requireLogin", "loginPage", "roles"];
        assert_eq!(nearest("requiresLogin", known), Some("requireLogin"));
        assert_eq!(nearest("requirelogin", known), Some("requireLogin"));
        assert_eq!(nearest("role", known), Some("roles"));
        assert_eq!(nearest("rootPath", known), None);
    }

    #[test]
    fn what_stays_unresolved_is_named() {
        assert_eq!(unresolved("a $(env:X) b"), Some("$(env:X)"));
        assert_eq!(unresolved("$(open"), Some("$(open"));
        assert_eq!(unresolved("{GUID} $5"), None);
    }
}
