//! The `<gateway>` node itself: its sections, each at most once.

use std::path::PathBuf;

use crate::config::read::ours::Ours;
use crate::config::read::report::Report;
use crate::config::tree::Element;

const SECTIONS: [&str; 14] = [
    "listeners",
    "upstreams",
    "identityServer",
    "identityHeaders",
    "connections",
    "access",
    "appearance",
    "localUsers",
    "sessions",
    "signingKeys",
    "users",
    "limits",
    "timeouts",
    "logging",
];

/// The `<gateway>` node, checked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gateway<'a> {
    element: &'a Element,
}

impl<'a> Gateway<'a> {
    /// Finds and checks the node below `root`. Without one there is a fault, and nothing to read.
    pub(crate) fn read(root: &'a Element, report: &mut Report) -> Option<Self> {
        let mut nodes = root.children_named("gateway");
        let Some(element) = nodes.next() else {
            report.fault(
                &root.origin,
                "there is no <gateway>",
                "start from the base file that comes with the program",
            );
            return None;
        };
        for second in nodes {
            report.fault(&second.origin, "there are two <gateway> nodes", SET_HINT);
        }
        Ours::new(element, &["data"], &SECTIONS, report);
        for (at, child) in element.elements().enumerate() {
            if element.elements().take(at).any(|earlier| earlier.name == child.name) {
                let what = format!("there are two <{}> sections", child.name);
                report.fault(&child.origin, what, SET_HINT);
            }
        }
        Some(Self { element })
    }

    /// The element.
    pub(crate) fn element(self) -> &'a Element {
        self.element
    }

    /// A section, checked for its attributes and children.
    pub(crate) fn section(
        self,
        name: &str,
        attributes: &[&str],
        children: &[&str],
        report: &mut Report,
    ) -> Option<Ours<'a>> {
        let element = self.element.child(name)?;
        Some(Ours::new(element, attributes, children, report))
    }

    /// Where keys are kept.
    pub(crate) fn data(self) -> PathBuf {
        PathBuf::from(self.element.value("data").filter(|d| !d.is_empty()).unwrap_or("data"))
    }
}

/// How a patch changes an attribute instead of making a second element.
pub(crate) const SET_HINT: &str =
    "to change an attribute of the first one in a patch, write it as set:attribute=\"…\"";
