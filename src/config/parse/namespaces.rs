//! Prefixes in scope (Namespaces in XML 1.0).

use std::sync::Arc;

/// The URI that the prefix `xml` always has.
const XML: &str = "http://www.w3.org/XML/1998/namespace";

/// Declarations in scope at once; real files have three.
const MAX_BINDINGS: usize = 256;

/// What each prefix means at the element being read.
pub(super) struct Namespaces {
    bindings: Vec<Binding>,
    xml: Arc<str>,
}

struct Binding {
    /// Empty for the default namespace.
    prefix: String,
    /// `None` takes the default namespace away (`xmlns=""`).
    uri: Option<Arc<str>>,
    depth: usize,
}

impl Namespaces {
    pub(super) fn new() -> Self {
        Self { bindings: Vec::new(), xml: Arc::from(XML) }
    }

    /// Declares `prefix` (empty: the default) on the element at `depth`.
    pub(super) fn bind(&mut self, prefix: &str, uri: &str, depth: usize) -> Result<(), String> {
        if prefix == "xmlns" || (prefix == "xml") != (uri == XML) {
            return Err(format!("the prefix `{prefix}` cannot stand for `{uri}`"));
        }
        if uri.is_empty() && !prefix.is_empty() {
            return Err(format!("the prefix `{prefix}` stands for nothing"));
        }
        if self.bindings.len() >= MAX_BINDINGS {
            return Err(format!("more than {MAX_BINDINGS} namespace declarations at once"));
        }
        let uri = (!uri.is_empty()).then(|| Arc::from(uri));
        self.bindings.push(Binding { prefix: prefix.to_owned(), uri, depth });
        Ok(())
    }

    /// Forgets what elements at `depth` and below declared.
    pub(super) fn leave(&mut self, depth: usize) {
        while self.bindings.last().is_some_and(|binding| binding.depth >= depth) {
            self.bindings.pop();
        }
    }

    /// The namespace of an element without a prefix.
    pub(super) fn default(&self) -> Option<Arc<str>> {
        self.find("").and_then(|binding| binding.uri.clone())
    }

    /// The namespace that `prefix` stands for; `None` when it is unbound.
    pub(super) fn resolve(&self, prefix: &str) -> Option<Arc<str>> {
        if prefix == "xml" {
            return Some(Arc::clone(&self.xml));
        }
        self.find(prefix).and_then(|binding| binding.uri.clone())
    }

    fn find(&self, prefix: &str) -> Option<&Binding> {
        self.bindings.iter().rev().find(|binding| binding.prefix == prefix)
    }
}
