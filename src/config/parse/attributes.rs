//! The attributes of one tag: values, namespace declarations, and names with their namespaces.

use std::collections::BTreeSet;
use std::sync::Arc;

use quick_xml::events::BytesStart;
use quick_xml::events::attributes::AttrError;

use crate::config::fault::Notice;
use crate::config::parse::MAX_ATTRIBUTES;
use crate::config::parse::Parser;
use crate::config::parse::Stop;
use crate::config::parse::characters::attribute_value;
use crate::config::parse::characters::is_name;
use crate::config::rules::XMLCONFIG;
use crate::config::tree::Attribute;

/// An attribute with its name as it is written, prefix and all.
pub(super) struct Written {
    name: String,
    value: String,
    offset: usize,
}

impl Written {
    /// The prefix that this attribute declares, empty for the default namespace.
    fn declares(&self) -> Option<&str> {
        if self.name == "xmlns" {
            return Some("");
        }
        self.name.strip_prefix("xmlns:")
    }
}

impl<'s> Parser<'s> {
    /// The attributes as they are written, each with the offset of its name.
    pub(super) fn raw_attributes(
        &mut self,
        tag: &BytesStart<'s>,
        start: usize,
    ) -> Result<Vec<Written>, Stop> {
        let mut written = Vec::new();
        for attribute in tag.attributes().with_checks(false) {
            let attribute = match attribute {
                Ok(attribute) => attribute,
                Err(error) => {
                    let (at, what) = explain(&error);
                    return self.stop(start + 1 + at, what, "").map(|()| Vec::new());
                }
            };
            let at = self.source.offset_of(attribute.key.0);
            if written.len() >= MAX_ATTRIBUTES {
                let what = format!("more than {MAX_ATTRIBUTES} attributes on one element");
                return self.stop(at, what, "").map(|()| Vec::new());
            }
            let name = attribute.key.0.to_owned();
            if !self
                .source
                .text
                .get(..at)
                .is_some_and(|before| before.ends_with(char::is_whitespace))
            {
                self.fault(at, format!("no space before the attribute `{name}`"), "write one");
            }
            match attribute_value(&attribute.value) {
                Ok(value) => written.push(Written { name, value, offset: at }),
                Err(flaw) => {
                    let value_at = self.source.offset_of(&attribute.value);
                    self.fault(value_at + flaw.offset, flaw.what, "write the text itself");
                }
            }
        }
        Ok(written)
    }

    pub(super) fn declare(&mut self, written: &[Written]) {
        let depth = self.open.len();
        for attribute in written {
            let Some(prefix) = attribute.declares() else { continue };
            if let Err(what) = self.scopes.bind(prefix, &attribute.value, depth) {
                self.fault(attribute.offset, what, "");
            }
            if is_almost_ours(&attribute.value) {
                let what = format!("the namespace `{}` means nothing to the CMS", attribute.value);
                let instead = "write http://www.sitecore.net/xmlconfig/… with a slash at its end";
                let origin = self.source.origin(attribute.offset);
                self.notices.push(Notice::lint(&origin, what, instead));
            }
        }
    }

    pub(super) fn attributes(&mut self, written: &[Written]) -> Vec<Attribute> {
        let mut seen = BTreeSet::new();
        let mut attributes = Vec::with_capacity(written.len());
        for attribute in written {
            if !seen.insert((None, attribute.name.clone())) {
                self.twice(attribute);
                continue;
            }
            if attribute.declares().is_some() {
                continue;
            }
            let (namespace, name) = self.qualified(&attribute.name, attribute.offset, false);
            if namespace.is_some() && !seen.insert((namespace.clone(), name.clone())) {
                self.twice(attribute);
                continue;
            }
            let origin = self.source.origin(attribute.offset);
            attributes.push(Attribute { name, namespace, value: attribute.value.clone(), origin });
        }
        attributes
    }

    fn twice(&mut self, attribute: &Written) {
        let what = format!("the attribute `{}` is there twice", attribute.name);
        self.fault(attribute.offset, what, "remove one");
    }

    pub(super) fn qualified(
        &mut self,
        name: &str,
        at: usize,
        element: bool,
    ) -> (Option<Arc<str>>, String) {
        let (prefix, local) = match name.split_once(':') {
            Some((prefix, local)) => (Some(prefix), local),
            None => (None, name),
        };
        if !is_name(local) || prefix.is_some_and(|prefix| !is_name(prefix)) {
            self.fault(at, format!("`{}` is no name", shorten(name)), "");
            return (None, local.to_owned());
        }
        let Some(prefix) = prefix else {
            return (element.then(|| self.scopes.default()).flatten(), local.to_owned());
        };
        let namespace = self.scopes.resolve(prefix);
        if namespace.is_none() {
            let what = format!("the prefix `{prefix}` is not declared");
            self.fault(at, what, format!("declare it: xmlns:{prefix}=\"…\""));
        }
        (namespace, local.to_owned())
    }
}

/// A slip of the pen in one of the patch engine's namespaces.
fn is_almost_ours(uri: &str) -> bool {
    let ours = uri.starts_with(XMLCONFIG) && uri.ends_with('/');
    !ours && uri.to_lowercase().contains("sitecore.net/xmlconfig")
}

/// Where in the tag, and in which words.
fn explain(error: &AttrError) -> (usize, &'static str) {
    match *error {
        AttrError::ExpectedEq(at) => (at, "an attribute without `=`"),
        AttrError::ExpectedValue(at) => (at, "an attribute without a value"),
        AttrError::UnquotedValue(at) => (at, "an attribute's value without quotes"),
        AttrError::ExpectedQuote(at, _) => (at, "an attribute's value whose quote never ends"),
        AttrError::Duplicated(at, _) => (at, "an attribute that is there twice"),
    }
}

fn shorten(name: &str) -> String {
    name.chars().take(64).collect()
}
