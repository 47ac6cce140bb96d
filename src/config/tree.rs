//! A small mutable XML tree in which every element and attribute knows the file and line it was
//! written at.

use std::sync::Arc;

use crate::config::fault::Origin;

/// An XML element with its attributes, its children and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    /// Local name, without prefix.
    pub name: String,
    /// Namespace URI; `None` when the element is in no namespace.
    pub namespace: Option<Arc<str>>,
    /// In document order; `xmlns` declarations are not among them.
    pub attributes: Vec<Attribute>,
    /// In document order.
    pub children: Vec<Node>,
    /// Where its start tag begins.
    pub origin: Origin,
}

/// One attribute and where its value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Local name, without prefix.
    pub name: String,
    /// Namespace URI; `None` for a plain attribute.
    pub namespace: Option<Arc<str>>,
    /// The value with entities resolved.
    pub value: String,
    /// Where it was written: after a patch, the patch's place.
    pub origin: Origin,
}

/// What an element can contain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// A child element.
    Element(Element),
    /// Character data with entities resolved, and where it begins.
    Text(String, Origin),
    /// A comment's text.
    Comment(String),
}

impl Element {
    /// An element without attributes or children.
    pub fn new(name: impl Into<String>, namespace: Option<Arc<str>>, origin: Origin) -> Self {
        let (attributes, children) = (Vec::new(), Vec::new());
        Self { name: name.into(), namespace, attributes, children, origin }
    }

    /// Whether this element goes by `name` in `namespace`.
    pub fn is_called(&self, name: &str, namespace: Option<&str>) -> bool {
        self.name == name && self.namespace.as_deref() == namespace
    }

    /// Whether its owner has switched this element off (`mode="off"`).
    pub fn is_off(&self) -> bool {
        self.value("mode").is_some_and(|mode| mode.eq_ignore_ascii_case("off"))
    }

    /// Gives this element `attribute`, in the place of one of that name if there is one.
    pub fn assign(&mut self, attribute: Attribute) {
        let same =
            |a: &&mut Attribute| a.name == attribute.name && a.namespace == attribute.namespace;
        match self.attributes.iter_mut().find(same) {
            Some(existing) => *existing = attribute,
            None => self.attributes.push(attribute),
        }
    }

    /// The plain (un-namespaced) attribute called `name`.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|a| a.namespace.is_none() && a.name == name)
    }

    /// The value of the plain attribute called `name`.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.attribute(name).map(|a| a.value.as_str())
    }

    /// The child elements, in document order.
    pub fn elements(&self) -> impl Iterator<Item = &Self> {
        self.children.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(..) | Node::Comment(_) => None,
        })
    }

    /// The child elements, to be changed in place.
    pub fn elements_mut(&mut self) -> impl Iterator<Item = &mut Self> {
        self.children.iter_mut().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(..) | Node::Comment(_) => None,
        })
    }

    /// The first child element called `name`.
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.elements().find(|e| e.name == name)
    }

    /// Every child element called `name`.
    pub fn children_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.elements().filter(move |e| e.name == name)
    }

    /// The element reached by following child names from here.
    pub fn descend(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |element, name| element.child(name))
    }

    /// The text directly inside this element, comments left out, white space trimmed at both ends.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for node in &self.children {
            if let Node::Text(part, _) = node {
                text.push_str(part);
            }
        }
        text.trim().to_owned()
    }

    /// Where the text of this element begins; the element itself when it has none.
    pub fn text_origin(&self) -> &Origin {
        let texts = self.children.iter().filter_map(|node| match node {
            Node::Text(_, origin) => Some(origin),
            Node::Element(_) | Node::Comment(_) => None,
        });
        texts.into_iter().next().unwrap_or(&self.origin)
    }
}
