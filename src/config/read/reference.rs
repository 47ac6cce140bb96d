//! `ref="federatedAuthentication/identityProviders/identityProvider[@id='X']"`: the element at a path
//! below `/sitecore`, names compared exactly.

use crate::config::tree::Element;

/// The element that `path` names, seen from the root element.
pub(crate) fn resolve<'a>(root: &'a Element, path: &str) -> Option<&'a Element> {
    let path = path.trim().trim_start_matches('/');
    let path = path.strip_prefix("sitecore/").unwrap_or(path);
    steps(path).into_iter().try_fold(root, |element, step| child(element, step))
}

/// The first child that a step such as `identityProvider[@id='X']` names.
fn child<'a>(element: &'a Element, step: &str) -> Option<&'a Element> {
    let (name, predicates) = step.split_once('[').unwrap_or((step, ""));
    let wanted = predicates.split('[').map(str::trim).filter(|p| !p.is_empty());
    let wanted: Option<Vec<(&str, &str)>> = wanted.map(predicate).collect();
    let wanted = wanted?;
    element.elements().find(|child| {
        child.name == name.trim()
            && wanted.iter().all(|&(attribute, value)| child.value(attribute) == Some(value))
    })
}

/// Splits at slashes outside quotes.
fn steps(path: &str) -> Vec<&str> {
    let mut quote = None;
    path.split(|c: char| {
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
        c == '/' && quote.is_none()
    })
    .collect()
}

/// `@id='X']` → `("id", "X")`.
fn predicate(text: &str) -> Option<(&str, &str)> {
    let (attribute, value) = text.strip_suffix(']')?.trim().strip_prefix('@')?.split_once('=')?;
    let value = value.trim();
    let quote = value.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    Some((attribute.trim(), value.strip_prefix(quote)?.strip_suffix(quote)?))
}
