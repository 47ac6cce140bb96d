//! Which element of the tree a patch element means (sitecore.md §3.5).

use crate::config::patch::SET;
use crate::config::rules::XMLCONFIG;
use crate::config::tree::Attribute;
use crate::config::tree::Element;

/// Attributes that say what an element is set to, not which one it is. Everything else is identity.
/// This is the one list of the engine of 9.x; the product's own was never published.
const NOT_IDENTITY: [&str; 5] = ["value", "interval", "src", "language", "resolve"];

/// Hints that tell the CMS how to build an element, so that an element without any is still the
/// same one. Any other hint is a label that people write to tell list items apart.
const FACTORY_HINTS: [&str; 8] =
    ["list", "raw", "call", "dictionary", "multimap", "setting", "skip", "version"];

/// How deep several matches are compared.
const MAX_COMPARED_DEPTH: usize = 30;

/// Comparisons of one element with another that merging one installation may take.
const MAX_COMPARISONS: u64 = 10_000_000;

/// Finds the matches, within a bound on the work.
#[derive(Default)]
pub(super) struct Matcher {
    comparisons: u64,
}

/// The patch would take more comparisons than any real one does.
pub(super) struct TooMuchAlike;

impl Matcher {
    /// The child of `parent` that `patch` means, as an index into its elements.
    pub(super) fn find(
        &mut self,
        parent: &Element,
        patch: &Element,
    ) -> Result<Option<usize>, TooMuchAlike> {
        let mut candidates = Vec::new();
        for (index, candidate) in parent.elements().enumerate() {
            self.comparisons += 1;
            if self.comparisons > MAX_COMPARISONS {
                return Err(TooMuchAlike);
            }
            if is_meant(candidate, patch) {
                candidates.push((index, candidate));
            }
        }
        if let [] | [_] = *candidates {
            return Ok(candidates.first().map(|&(index, _)| index));
        }
        let mut best: Option<(usize, f32)> = None;
        for (index, candidate) in candidates {
            let score = self.relevance(candidate, patch, 1)?;
            if best.is_none_or(|(_, highest)| score > highest) {
                best = Some((index, score));
            }
        }
        Ok(best.map(|(index, _)| index))
    }

    /// How well the children of `patch` fit into `candidate`: +1 for each that is found there and a
    /// tenth of how well it fits, −1 for each that is not.
    fn relevance(
        &mut self,
        candidate: &Element,
        patch: &Element,
        level: usize,
    ) -> Result<f32, TooMuchAlike> {
        if level > MAX_COMPARED_DEPTH || candidate.children.is_empty() {
            return Ok(0.0);
        }
        let mut score = 0.0;
        for child in patch.elements() {
            let found = self.find(candidate, child)?.and_then(|at| candidate.elements().nth(at));
            score += match found {
                Some(found) => 1.0 + self.relevance(found, child, level + 1)? / 10.0,
                None => -1.0,
            };
        }
        Ok(score)
    }
}

/// Whether `attribute` helps to tell which element is meant.
pub(super) fn is_identity(attribute: &Attribute) -> bool {
    attribute.namespace.is_none() && !NOT_IDENTITY.contains(&&*attribute.name)
}

/// Whether `attribute` is for the engine alone and never copied into the tree.
pub(super) fn is_instruction(attribute: &Attribute) -> bool {
    attribute.namespace.as_deref().is_some_and(|uri| uri != SET && uri.starts_with(XMLCONFIG))
}

fn is_meant(candidate: &Element, patch: &Element) -> bool {
    candidate.is_called(&patch.name, patch.namespace.as_deref())
        && patch.attributes.iter().filter(|a| is_identity(a)).all(|a| agrees(candidate, a))
}

fn agrees(candidate: &Element, wanted: &Attribute) -> bool {
    match candidate.value(&wanted.name) {
        Some(value) => value == wanted.value,
        None => wanted.name == "hint" && is_factory_hint(&wanted.value),
    }
}

fn is_factory_hint(hint: &str) -> bool {
    let kind = hint.split_once(':').map_or(hint, |(kind, _)| kind);
    FACTORY_HINTS.iter().any(|known| known.eq_ignore_ascii_case(kind))
}
