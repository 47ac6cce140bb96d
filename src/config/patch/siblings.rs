//! The children of one element while it is being merged: nodes that keep a number of their own, so
//! that they can be moved now and again at the end.

use crate::config::tree::Element;
use crate::config::tree::Node;
use crate::config::xpath::XPath;

/// A node's number among its siblings; it stays when the node moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Id(usize);

/// Where a node is put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Just before that one.
    Before(Id),
    /// Just after that one.
    After(Id),
    /// After all others.
    Last,
}

/// The children of `parent`, numbered.
pub(super) struct Siblings<'p> {
    pub(super) parent: &'p mut Element,
    ids: Vec<Id>,
    next: usize,
}

impl<'p> Siblings<'p> {
    pub(super) fn new(parent: &'p mut Element) -> Self {
        let next = parent.children.len();
        Self { parent, ids: (0..next).map(Id).collect(), next }
    }

    /// The number of the element that is `index`th among the elements.
    pub(super) fn element_id(&self, index: usize) -> Option<Id> {
        let numbered = self.parent.children.iter().zip(&self.ids);
        let mut elements = numbered.filter(|(node, _)| matches!(node, Node::Element(_)));
        elements.nth(index).map(|(_, id)| *id)
    }

    /// The number of the first element that `anchor` picks.
    pub(super) fn anchor(&self, anchor: &XPath) -> Option<Id> {
        let picked = anchor.first(self.parent)?;
        let numbered = self.parent.children.iter().zip(&self.ids);
        let mut same = numbered.filter(|(node, _)| match node {
            Node::Element(child) => std::ptr::eq(child, picked),
            Node::Text(..) | Node::Comment(_) => false,
        });
        same.next().map(|(_, id)| *id)
    }

    /// The element with that number, while it is there.
    pub(super) fn element_mut(&mut self, id: Id) -> Option<&mut Element> {
        let at = self.index(id)?;
        match self.parent.children.get_mut(at) {
            Some(Node::Element(element)) => Some(element),
            Some(Node::Text(..) | Node::Comment(_)) | None => None,
        }
    }

    pub(super) fn insert(&mut self, node: Node, place: Place) -> Id {
        let id = Id(self.next);
        self.next += 1;
        self.put(id, node, place);
        id
    }

    /// Moves a node; next to itself is where it is.
    pub(super) fn shift(&mut self, id: Id, place: Place) {
        if place == Place::Before(id) || place == Place::After(id) {
            return;
        }
        if let Some(node) = self.remove(id) {
            self.put(id, node, place);
        }
    }

    pub(super) fn remove(&mut self, id: Id) -> Option<Node> {
        let at = self.index(id)?;
        self.ids.remove(at);
        Some(self.parent.children.remove(at))
    }

    /// Everything goes; a text comes in its place.
    pub(super) fn replace_all(&mut self, node: Node) {
        self.parent.children.clear();
        self.ids.clear();
        self.insert(node, Place::Last);
    }

    /// Whether the node just before that one is this comment.
    pub(super) fn follows_comment(&self, id: Id, comment: &str) -> bool {
        let before = self.index(id).and_then(|at| at.checked_sub(1));
        let node = before.and_then(|at| self.parent.children.get(at));
        matches!(node, Some(Node::Comment(text)) if text == comment)
    }

    fn put(&mut self, id: Id, node: Node, place: Place) {
        let at = match place {
            Place::Before(other) => self.index(other),
            Place::After(other) => self.index(other).map(|at| at + 1),
            Place::Last => None,
        };
        let at = at.unwrap_or(self.ids.len());
        self.ids.insert(at, id);
        self.parent.children.insert(at, node);
    }

    fn index(&self, id: Id) -> Option<usize> {
        // Most look-ups are for what has just been appended.
        self.ids.iter().rposition(|&other| other == id)
    }
}
