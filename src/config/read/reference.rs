//! `ref="federatedAuthentication/identityProviders/identityProvider[@id='X']"`: the element at a path
//! below `/sitecore`, names compared exactly.

use crate::config::tree::Element;
use crate::config::xpath::XPath;

/// The element that `path` names, seen from the root element.
pub(crate) fn resolve<'a>(root: &'a Element, path: &str) -> Option<&'a Element> {
    let path = path.trim().trim_start_matches('/');
    let path = path.strip_prefix("sitecore/").unwrap_or(path);
    XPath::parse(path).ok()?.first(root)
}
