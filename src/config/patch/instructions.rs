//! What a patch asks for beside plain content: places, `patch:attribute`, `patch:delete`,
//! `patch:deleteattribute` (sitecore.md §3.4).

use crate::config::fault::Fault;
use crate::config::fault::Notice;
use crate::config::fault::Origin;
use crate::config::patch::PATCH;
use crate::config::patch::Patcher;
use crate::config::tree::Attribute;
use crate::config::tree::Element;
use crate::config::xpath::XPath;

/// How an element is placed relative to its anchor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Disposition {
    Before,
    After,
    Instead,
}

/// `patch:before`, `patch:after` or `patch:instead`, understood.
#[derive(Clone, Debug)]
pub(super) struct Placement {
    pub(super) disposition: Disposition,
    pub(super) anchor: XPath,
    /// The anchor as it is written, for notices.
    pub(super) written: String,
    pub(super) origin: Origin,
}

/// Whether the element that an instruction stands in is still wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Stays,
    Deleted,
}

impl Patcher<'_> {
    /// Where `element` asks to be put; the last one counts when it asks twice.
    pub(super) fn placement(&mut self, element: &Element) -> Option<Placement> {
        let mut placement: Option<Placement> = None;
        for attribute in element.attributes.iter().filter(|a| is_patch(a.namespace.as_deref())) {
            let disposition = match &*attribute.name {
                "before" | "b" => Disposition::Before,
                "after" | "a" => Disposition::After,
                "instead" | "i" => Disposition::Instead,
                "source" => continue,
                _ => {
                    self.unknown(&attribute.origin, &attribute.name);
                    continue;
                }
            };
            if let Some(earlier) = &placement {
                let what = format!("two places are asked for; `{}` is not used", earlier.written);
                self.notices.push(Notice::lint(&earlier.origin, what, "leave only one"));
            }
            placement = self.anchor(attribute, disposition).or(placement);
        }
        placement
    }

    fn anchor(&mut self, attribute: &Attribute, disposition: Disposition) -> Option<Placement> {
        let written = attribute.value.clone();
        let origin = attribute.origin.clone();
        match XPath::parse(&written) {
            Ok(anchor) if anchor.is_one_child_step() => {
                Some(Placement { disposition, anchor, written, origin })
            }
            Ok(_) => {
                let what = format!("the anchor `{written}` does not name a sibling");
                let instead = "write one step relative to the parent: element[@name='value']";
                self.faults.push(Fault::at(&origin, what, instead));
                None
            }
            Err(error) => {
                let what = format!("this XPath is not understood: `{written}`: {}", error.what);
                let instead = "write one step relative to the parent: element[@name='value']";
                self.faults.push(Fault::at(&origin, what, instead));
                None
            }
        }
    }

    /// Carries out the instruction `command` on `target`, the element that it stands in.
    pub(super) fn instruct(&mut self, target: &mut Element, command: &Element) -> Fate {
        match &*command.name {
            "attribute" | "a" => self.assign_attribute(target, command),
            "deleteattribute" | "da" => match command.value("name") {
                Some(name) => target.attributes.retain(|a| a.namespace.is_some() || a.name != name),
                None => self.nameless(command),
            },
            "delete" | "d" => return Fate::Deleted,
            _ => self.unknown(&command.origin, &command.name),
        }
        Fate::Stays
    }

    fn assign_attribute(&mut self, target: &mut Element, command: &Element) {
        let Some(name) = command.value("name") else {
            return self.nameless(command);
        };
        let text = command.text();
        let (value, origin) = match command.attribute("value") {
            Some(value) if text.is_empty() => (value.value.clone(), &value.origin),
            Some(_) | None => (text, command.text_origin()),
        };
        target.assign(Attribute {
            name: name.to_owned(),
            namespace: command.value("ns").filter(|uri| !uri.is_empty()).map(Into::into),
            value,
            origin: origin.clone(),
        });
    }

    fn nameless(&mut self, command: &Element) {
        let what = format!("`patch:{}` does not say which attribute", command.name);
        self.faults.push(Fault::at(&command.origin, what, "write name=\"…\""));
    }

    fn unknown(&mut self, origin: &Origin, name: &str) {
        let what = format!("the unknown instruction `patch:{name}` does nothing");
        let instead =
            "write before, after or instead, or an element attribute, delete or deleteattribute";
        self.notices.push(Notice::disable(origin, what, instead));
    }
}

/// Whether `namespace` is that of instructions.
pub(super) fn is_patch(namespace: Option<&str>) -> bool {
    namespace == Some(PATCH)
}
