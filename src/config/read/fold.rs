//! Elements of `<gateway>` are known by their name: when a patch writes one again with other
//! attributes, the engine of the CMS makes a second element, and here the two become one.

use crate::config::tree::Element;
use crate::config::tree::Node;

/// The children that are told apart by an attribute, and by which. Any other child of `<gateway>`
/// stands there once.
const KEYS: [(&str, &str); 7] = [
    ("listener", "name"),
    ("upstream", "name"),
    ("connection", "provider"),
    ("user", "name"),
    ("header", "name"),
    ("rule", "name"),
    ("parameter", "name"),
];

/// Folds the elements below every `<gateway>` of `root`.
pub(crate) fn fold(root: &mut Element) {
    fold_children(root, |element| (element.name == "gateway").then(String::new));
    for gateway in root.elements_mut().filter(|element| element.name == "gateway") {
        fold_children(gateway, |_| Some(String::new()));
        for section in gateway.elements_mut() {
            fold_children(section, key);
            section.elements_mut().for_each(|element| fold_children(element, key));
        }
    }
}

fn key(element: &Element) -> Option<String> {
    let (_, attribute) = KEYS.iter().find(|(name, _)| *name == element.name)?;
    element.value(attribute).map(|value| value.trim().to_owned())
}

/// Joins children of one name and key that come from different files. In one file a second element
/// is a mistake, and stays to be reported.
fn fold_children(parent: &mut Element, key: impl Fn(&Element) -> Option<String>) {
    let mut kept: Vec<Node> = Vec::new();
    for node in std::mem::take(&mut parent.children) {
        let Node::Element(later) = node else {
            kept.push(node);
            continue;
        };
        let identity = key(&later);
        let same = |earlier: &Element| {
            identity.is_some()
                && earlier.name == later.name
                && key(earlier) == identity
                && earlier.origin.file != later.origin.file
        };
        let earlier = kept.iter_mut().find_map(|node| match node {
            Node::Element(earlier) if same(earlier) => Some(earlier),
            Node::Element(_) | Node::Text(..) | Node::Comment(_) => None,
        });
        match earlier {
            Some(earlier) => join(earlier, later),
            None => kept.push(Node::Element(later)),
        }
    }
    parent.children = kept;
}

fn join(earlier: &mut Element, later: Element) {
    for attribute in later.attributes {
        earlier.assign(attribute);
    }
    earlier.children.extend(later.children);
}
