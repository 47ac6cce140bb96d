//! Reading elements of our own: every attribute and child is known, or it is a fault.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::config::fault::Origin;
use crate::config::read::report::Report;
use crate::config::read::values;
use crate::config::tree::Element;
use crate::config::tree::Node;

/// An element of ours whose names have been checked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ours<'a> {
    element: &'a Element,
}

impl<'a> Ours<'a> {
    /// Checks that `element` has only these attributes and children, no text, and nothing left
    /// unresolved.
    pub(crate) fn new(
        element: &'a Element,
        attributes: &[&str],
        children: &[&str],
        report: &mut Report,
    ) -> Self {
        for attribute in element.attributes.iter().filter(|a| a.namespace.is_none()) {
            if !attributes.contains(&attribute.name.as_str()) {
                let what = format!("<{}> has no attribute `{}`", element.name, attribute.name);
                report.fault(&attribute.origin, what, instead_of(&attribute.name, attributes));
            } else if let Some(token) = values::unresolved(&attribute.value) {
                let what = format!("`{}` holds {token}, which nothing defines", attribute.name);
                report.fault(&attribute.origin, what, values::resolve_hint(token));
            }
        }
        for node in &element.children {
            check_child(element, node, children, report);
        }
        Self { element }
    }

    /// Where it stands.
    pub(crate) fn origin(self) -> &'a Origin {
        &self.element.origin
    }

    /// Where `attribute` stands, or else the element.
    pub(crate) fn origin_of(self, attribute: &str) -> &'a Origin {
        self.element.attribute(attribute).map_or(&self.element.origin, |a| &a.origin)
    }

    /// The value of an attribute, trimmed.
    pub(crate) fn text(self, attribute: &str) -> Option<&'a str> {
        self.element.value(attribute).map(str::trim)
    }

    /// The value of an attribute that must be there and not be empty.
    pub(crate) fn required(self, attribute: &str, report: &mut Report) -> Option<&'a str> {
        let value = self.text(attribute).filter(|value| !value.is_empty());
        if value.is_none() {
            let what = format!("<{}> needs `{attribute}`", self.element.name);
            report.fault(self.origin(), what, format!("write {attribute}=\"…\""));
        }
        value
    }

    /// The child elements of a name.
    pub(crate) fn children(self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.element.children_named(name)
    }

    /// A boolean attribute.
    pub(crate) fn boolean(self, attribute: &str, default: bool, report: &mut Report) -> bool {
        self.parse(attribute, "true or false", report, values::boolean).unwrap_or(default)
    }

    /// A length of time; zero would mean never to wait, which nobody means.
    pub(crate) fn duration(
        self,
        attribute: &str,
        default: Duration,
        report: &mut Report,
    ) -> Duration {
        let positive = |text: &str| values::duration(text).filter(|d| !d.is_zero());
        self.parse(attribute, "a time such as 30s, 10m or 00:30:00", report, positive)
            .unwrap_or(default)
    }

    /// A whole number from 1.
    pub(crate) fn number<T: FromStr + PartialOrd + From<u8>>(
        self,
        attribute: &str,
        default: T,
        report: &mut Report,
    ) -> T {
        let positive = |text: &str| text.parse().ok().filter(|n| *n >= T::from(1));
        self.parse(attribute, "a whole number from 1", report, positive).unwrap_or(default)
    }

    /// A path in the file system.
    pub(crate) fn path(self, attribute: &str) -> Option<PathBuf> {
        self.text(attribute).filter(|path| !path.is_empty()).map(PathBuf::from)
    }

    /// An attribute read by `read`; a fault says that it must be `shape`.
    pub(crate) fn parse<T>(
        self,
        attribute: &str,
        shape: &str,
        report: &mut Report,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text(attribute)?;
        let value = read(text);
        if value.is_none() {
            let what = format!("{attribute}=\"{text}\" cannot be read");
            report.fault(self.origin_of(attribute), what, format!("write {shape}"));
        }
        value
    }
}

fn check_child(parent: &Element, node: &Node, known: &[&str], report: &mut Report) {
    match node {
        Node::Element(child) if !known.contains(&child.name.as_str()) => {
            let what = format!("<{}> has no child <{}>", parent.name, child.name);
            report.fault(&child.origin, what, instead_of(&child.name, known));
        }
        Node::Text(text, origin) if !text.trim().is_empty() => {
            let what = format!("text inside <{}> means nothing", parent.name);
            report.fault(origin, what, "write it as an attribute");
        }
        Node::Element(_) | Node::Text(..) | Node::Comment(_) => {}
    }
}

fn instead_of(word: &str, known: &[&str]) -> String {
    match values::nearest(word, known.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if known.is_empty() => "leave it out".to_owned(),
        None => format!("known are {}", known.join(", ")),
    }
}
