//! Merges one file into the tree, by the rules of the CMS's patch engine (sitecore.md §3.4, §3.5).

mod identity;
mod instructions;
mod siblings;

use std::collections::BTreeSet;

use crate::config::fault::Fault;
use crate::config::fault::Notice;
use crate::config::fault::Origin;
use crate::config::patch::identity::Matcher;
use crate::config::patch::identity::is_identity;
use crate::config::patch::identity::is_instruction;
use crate::config::patch::instructions::Disposition;
use crate::config::patch::instructions::Fate;
use crate::config::patch::instructions::Placement;
use crate::config::patch::instructions::is_patch;
use crate::config::patch::siblings::Id;
use crate::config::patch::siblings::Place;
use crate::config::patch::siblings::Siblings;
use crate::config::rules::Rules;
use crate::config::rules::XMLCONFIG;
use crate::config::rules::default_value;
use crate::config::rules::rule_namespace;
use crate::config::rules::rule_of;
use crate::config::tree::Attribute;
use crate::config::tree::Element;
use crate::config::tree::Node;

/// The namespace of instructions.
const PATCH: &str = XMLCONFIG;
/// The namespace of attributes that are assigned.
const SET: &str = "http://www.sitecore.net/xmlconfig/set/";

/// Merges files one after the other and gathers what is to be said of them.
pub struct Patcher<'r> {
    rules: &'r Rules,
    matcher: Matcher,
    /// The matcher has given up, so the result is of no use.
    exhausted: bool,
    /// Rules that nothing defines and that have been reported.
    undefined: BTreeSet<String>,
    /// What the owner should know.
    pub notices: Vec<Notice>,
    /// What forbids to use the result.
    pub faults: Vec<Fault>,
}

/// An element whose anchor was not there yet.
struct Pending {
    id: Id,
    placement: Placement,
}

/// Whether children are looked for in the tree first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Match,
    /// The parent is new, so everything in it is.
    Create,
}

impl<'r> Patcher<'r> {
    /// For an installation that is defined as `rules` say.
    pub fn new(rules: &'r Rules) -> Self {
        let (notices, faults) = (Vec::new(), Vec::new());
        Self {
            rules,
            matcher: Matcher::default(),
            exhausted: false,
            undefined: BTreeSet::new(),
            notices,
            faults,
        }
    }

    /// The tree that begins as `base`: its rules applied, its instructions carried out.
    pub fn base(&mut self, base: &Element) -> Element {
        let mut root = Element::new(&*base.name, base.namespace.clone(), base.origin.clone());
        if self.is_required(base) {
            assign(&mut root, base, |_| true);
            self.merge_root(&mut root, base, Mode::Create);
        }
        root
    }

    /// Merges `patch` into `root`. A patch whose root is another element is left out.
    pub fn merge(&mut self, root: &mut Element, patch: &Element) {
        if !root.is_called(&patch.name, patch.namespace.as_deref()) {
            let what = format!("`<{}>` here is not the tree's `<{}>`", patch.name, root.name);
            let instead = "the file is not used; leave out its default xmlns";
            self.notices.push(Notice::lint(&patch.origin, what, instead));
            return;
        }
        if self.is_required(patch) {
            assign(root, patch, |_| true);
            self.merge_root(root, patch, Mode::Match);
        }
    }

    /// Whether everything that `element` requires holds.
    pub fn is_required(&mut self, element: &Element) -> bool {
        let mut holds = true;
        for attribute in &element.attributes {
            match (rule_of(attribute), rule_namespace(attribute)) {
                (Some(rule), _) => holds &= self.decide(rule, attribute),
                (None, Some(rule)) => {
                    let what = format!("the attribute `{rule}:{}` does nothing", attribute.name);
                    let instead = format!("write {rule}:require=\"…\"");
                    self.notices.push(Notice::lint(&attribute.origin, what, instead));
                }
                (None, None) => {}
            }
        }
        holds
    }

    /// Whether `element` is not meant for this installation; says nothing of what is wrong with it.
    pub fn leaves_out(&self, element: &Element) -> bool {
        let requirements = element.attributes.iter().filter_map(|a| Some((rule_of(a)?, a)));
        let mut verdicts = requirements.map(|(rule, a)| self.rules.decide(rule, &a.value));
        verdicts.any(|verdict| verdict.is_ok_and(|verdict| !verdict.holds))
    }

    fn merge_root(&mut self, root: &mut Element, patch: &Element, mode: Mode) {
        if self.merge_children(root, patch, mode) == Fate::Deleted {
            let what = format!("the whole of `<{}>` would be deleted", root.name);
            self.faults.push(Fault::at(&patch.origin, what, "delete the elements inside it"));
        }
    }

    fn merge_children(&mut self, target: &mut Element, patch: &Element, mode: Mode) -> Fate {
        let mut siblings = Siblings::new(target);
        let mut pending = Vec::new();
        let mut comment = None;
        for node in &patch.children {
            match node {
                Node::Comment(text) => comment = Some(text.clone()),
                Node::Text(text, _) if text.trim().is_empty() => {}
                Node::Text(_, origin) => {
                    siblings.replace_all(Node::Text(whole_text(patch), origin.clone()));
                }
                Node::Element(child) if !self.is_required(child) => comment = None,
                Node::Element(child) if is_patch(child.namespace.as_deref()) => {
                    if self.instruct(siblings.parent, child) == Fate::Deleted {
                        return Fate::Deleted;
                    }
                }
                Node::Element(child) => {
                    pending.extend(self.merge_child(&mut siblings, child, mode, comment.take()));
                }
            }
        }
        self.retry(&mut siblings, pending);
        Fate::Stays
    }

    fn merge_child(
        &mut self,
        siblings: &mut Siblings<'_>,
        child: &Element,
        mode: Mode,
        comment: Option<String>,
    ) -> Option<Pending> {
        let placement = self.placement(child);
        let existing = match mode {
            Mode::Match => self.find(siblings, child),
            Mode::Create => None,
        };
        let anchor = placement.as_ref().and_then(|p| siblings.anchor(&p.anchor));
        let id = existing.unwrap_or_else(|| siblings.insert(created(child), Place::Last));
        let emptied = match &placement {
            Some(placement) => place(siblings, id, placement.disposition, anchor),
            None => false,
        };
        if let Some(comment) = comment.filter(|text| !siblings.follows_comment(id, text)) {
            siblings.insert(Node::Comment(comment), Place::Before(id));
        }
        let element = siblings.element_mut(id)?;
        let hintless = element.value("hint").is_none();
        let wanted =
            |a: &Attribute| existing.is_none() || !is_identity(a) || (hintless && a.name == "hint");
        assign(element, child, wanted);
        let inside = if existing.is_none() || emptied { Mode::Create } else { Mode::Match };
        if self.merge_children(element, child, inside) == Fate::Deleted {
            siblings.remove(id);
            return None;
        }
        let missing = placement.filter(|_| anchor.is_none());
        missing.map(|placement| Pending { id, placement })
    }

    fn find(&mut self, siblings: &Siblings<'_>, child: &Element) -> Option<Id> {
        if self.exhausted {
            return None;
        }
        if let Ok(index) = self.matcher.find(siblings.parent, child) {
            return index.and_then(|index| siblings.element_id(index));
        }
        let what = "merging gives up here: too many elements are alike";
        self.faults.push(Fault::at(&child.origin, what, "write fewer elements"));
        self.exhausted = true;
        None
    }

    /// Once more what was not there yet; the last first, as the product does.
    fn retry(&mut self, siblings: &mut Siblings<'_>, pending: Vec<Pending>) {
        for Pending { id, placement } in pending.into_iter().rev() {
            let anchor = siblings.anchor(&placement.anchor);
            place(siblings, id, placement.disposition, anchor);
            if anchor.is_none() && siblings.element_mut(id).is_some() {
                let what = format!("the anchor `{}` matches nothing", placement.written);
                let instead = "the element is put last; name a sibling that is there";
                self.notices.push(Notice::lint(&placement.origin, what, instead));
            }
        }
    }

    fn decide(&mut self, rule: &str, attribute: &Attribute) -> bool {
        if !self.rules.defines(rule) && self.undefined.insert(rule.to_lowercase()) {
            self.report_undefined(rule, &attribute.origin);
        }
        match self.rules.decide(rule, &attribute.value) {
            Ok(verdict) => {
                if verdict.mixed {
                    let what = "`and` beside `or` is read from left to right";
                    let instead = "put parentheses around what belongs together";
                    self.notices.push(Notice::lint(&attribute.origin, what, instead));
                }
                verdict.holds
            }
            Err(unclear) => {
                let what = format!(
                    "the expression `{}` is not understood at position {}: {}",
                    attribute.value, unclear.offset, unclear.what
                );
                let instead = "write names joined by `and`, `or`, `!` and parentheses";
                self.faults.push(Fault::at(&attribute.origin, what, instead));
                false
            }
        }
    }

    fn report_undefined(&mut self, rule: &str, origin: &Origin) {
        let what = match default_value(rule) {
            "" => format!("nothing defines the rule `{rule}`, so no name holds for it"),
            value => format!("nothing defines the rule `{rule}`, so it is `{value}`"),
        };
        let instead = format!("add key=\"{rule}:define\" to the base file's appSettings");
        self.notices.push(Notice::lint(origin, what, instead));
    }
}

/// Puts an element next to its anchor, or last when that is not there. Whether it has been asked to
/// stand instead of itself: then it stays and loses what was in it.
fn place(
    siblings: &mut Siblings<'_>,
    id: Id,
    disposition: Disposition,
    anchor: Option<Id>,
) -> bool {
    let Some(anchor) = anchor else {
        siblings.shift(id, Place::Last);
        return false;
    };
    match disposition {
        Disposition::Before => siblings.shift(id, Place::Before(anchor)),
        Disposition::After => siblings.shift(id, Place::After(anchor)),
        Disposition::Instead if anchor == id => {
            if let Some(element) = siblings.element_mut(id) {
                element.children.clear();
            }
            return true;
        }
        Disposition::Instead => {
            siblings.shift(id, Place::Before(anchor));
            siblings.remove(anchor);
        }
    }
    false
}

fn created(patch: &Element) -> Node {
    Node::Element(Element::new(&*patch.name, patch.namespace.clone(), patch.origin.clone()))
}

/// Copies those attributes of `patch` that are content and `wanted`. Assigned ones (`set:`) always
/// are, and come last so that they win over a plain one of the same name.
fn assign(target: &mut Element, patch: &Element, wanted: impl Fn(&Attribute) -> bool) {
    let content = patch.attributes.iter().filter(|a| !is_instruction(a));
    let (set, plain): (Vec<_>, Vec<_>) = content.partition(|a| a.namespace.as_deref() == Some(SET));
    for attribute in plain.into_iter().filter(|a| wanted(a)) {
        target.assign(attribute.clone());
    }
    for attribute in set {
        target.assign(Attribute { namespace: None, ..attribute.clone() });
    }
}

/// All text of `element`, comments between its parts left out.
fn whole_text(element: &Element) -> String {
    let parts = element.children.iter().filter_map(|node| match node {
        Node::Text(text, _) => Some(text.as_str()),
        Node::Element(_) | Node::Comment(_) => None,
    });
    parts.collect()
}
