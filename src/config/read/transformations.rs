//! Transformations of a provider's claims: `<transformation>`, shared ones, `ref` (spec §1.3).

use std::sync::Arc;

use crate::config::model::ClaimPattern;
use crate::config::model::Transformation;
use crate::config::model::TransformationKind;
use crate::config::read::reference;
use crate::config::read::report::Refusal;
use crate::config::read::values;
use crate::config::tree::Attribute;
use crate::config::tree::Element;

const DEFAULT: &str = "Sitecore.Owin.Authentication.Services.DefaultTransformation";
const SET_IDP: &str = "Sitecore.Owin.Authentication.Services.SetIdpClaimTransform";

/// The shared transformations: they run for every provider, before its own.
#[derive(Debug, Default)]
pub(crate) struct Shared<'a> {
    elements: Vec<&'a Element>,
    rules: Vec<Transformation>,
}

impl<'a> Shared<'a> {
    /// Reads `sharedTransformations`.
    ///
    /// # Errors
    ///
    /// The first rule that cannot be understood: no provider can be used then, because it would run
    /// for each.
    pub(crate) fn read(federation: &'a Element) -> Result<Self, Refusal> {
        let elements: Vec<&Element> = federation
            .child("sharedTransformations")
            .map(|list| list.elements().filter(|e| !is_off(e)).collect())
            .unwrap_or_default();
        let numbered = elements.iter().enumerate();
        let rules = numbered.map(|(at, element)| one(element, at)).collect::<Result<_, _>>()?;
        Ok(Self { elements, rules })
    }

    fn contains(&self, element: &Element) -> bool {
        self.elements.iter().any(|shared| std::ptr::eq(*shared, element))
    }

    fn sets_idp(&self) -> bool {
        self.rules.iter().any(|rule| rule.kind == TransformationKind::SetIdp)
    }
}

/// The chain of a provider: the shared rules, then its own, none of them twice.
///
/// # Errors
///
/// The first rule that cannot be understood: the whole provider is off then, because a chain with a
/// hole could mean more than its owner wrote.
pub(crate) fn chain(
    root: &Element,
    shared: &Shared<'_>,
    provider: &Element,
) -> Result<Vec<Transformation>, Refusal> {
    let mut rules = shared.rules.clone();
    let list = provider.child("transformations").map(Element::elements);
    for (at, element) in list.into_iter().flatten().filter(|e| !is_off(e)).enumerate() {
        resolved(element)?;
        let target = match element.attribute("ref") {
            None => element,
            Some(path) => reference::resolve(root, &path.value).ok_or_else(|| {
                let what = format!("ref=\"{}\" leads to no transformation", path.value);
                Refusal::at(&path.origin, what, "write the path exactly, capitals included, such as federatedAuthentication/sharedTransformations/setIdpClaim")
            })?,
        };
        if shared.contains(target) {
            continue;
        }
        let rule = one(target, at)?;
        if rule.kind == TransformationKind::SetIdp && shared.sets_idp() {
            continue;
        }
        rules.push(rule);
    }
    Ok(rules)
}

fn is_off(element: &Element) -> bool {
    element.value("mode").is_some_and(|mode| mode.eq_ignore_ascii_case("off"))
}

fn resolved(element: &Element) -> Result<(), Refusal> {
    let Some((token, origin)) = values::unresolved_in(element) else { return Ok(()) };
    let what = format!("a transformation holds {token}, which nothing defines");
    Err(Refusal::at(&origin, what, values::resolve_hint(&token)))
}

fn one(element: &Element, at: usize) -> Result<Transformation, Refusal> {
    resolved(element)?;
    let written = element.value("type").unwrap_or_default();
    let kind = match values::class(written) {
        SET_IDP => TransformationKind::SetIdp,
        DEFAULT => rule(element)?,
        class => {
            let what = format!("the transformation class `{class}` is not known here");
            let instead = "say it with DefaultTransformation: <sources>, <targets>, <keepSource>";
            let place = element.attribute("type").map_or(&element.origin, |a| &a.origin);
            return Err(Refusal::at(place, what, instead));
        }
    };
    let name = element.value("name").map_or_else(|| format!("{}", at + 1), str::to_owned);
    Ok(Transformation { name: Arc::from(name), kind, origin: element.origin.clone() })
}

/// The children of a rule.
const CHILDREN: [&str; 3] = ["sources", "targets", "keepSource"];

fn rule(element: &Element) -> Result<TransformationKind, Refusal> {
    each_once(element, &CHILDREN)?;
    check_spelling(element, &CHILDREN)?;
    let sources = patterns(element, "sources")?;
    if sources.is_empty() {
        let what = "a transformation without a source would match everybody";
        return Err(Refusal::at(
            &element.origin,
            what,
            "write <sources><claim name=\"…\" /></sources>",
        ));
    }
    let targets = patterns(element, "targets")?;
    let keep_source = match child_text(element, "keepSource") {
        None => false,
        Some((text, child)) => values::boolean(&text).ok_or_else(|| {
            let what = format!("<keepSource>{text}</keepSource> cannot be read");
            Refusal::at(&child.origin, what, "write true or false")
        })?,
    };
    Ok(TransformationKind::Default { sources, targets, keep_source })
}

fn patterns(element: &Element, list: &str) -> Result<Vec<ClaimPattern>, Refusal> {
    let Some(list) = child(element, list) else { return Ok(Vec::new()) };
    list.elements().map(|claim| pattern(claim, "name")).collect()
}

/// Reads `<claim name="…" value="…" />`, or with `kind` another attribute that names the claim type.
///
/// # Errors
///
/// When the claim has no type, or says more than it can: what is misspelt would widen it.
pub(crate) fn pattern(claim: &Element, kind: &str) -> Result<ClaimPattern, Refusal> {
    let Some(name) = claim.value(kind).map(str::trim).filter(|name| !name.is_empty()) else {
        let what = format!("<{}> has no `{kind}`", claim.name);
        return Err(Refusal::at(&claim.origin, what, format!("write {kind}=\"claim type\"")));
    };
    let unknown = |a: &&Attribute| a.namespace.is_none() && !CLAIM.contains(&a.name.as_str());
    if let Some(attribute) = claim.attributes.iter().find(unknown) {
        let what = format!("<{}> has no attribute `{}`", claim.name, attribute.name);
        let instead = match values::nearest(&attribute.name, [kind, "value"]) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("a claim has {kind} and value"),
        };
        return Err(Refusal::at(&attribute.origin, what, instead));
    }
    if claim.elements().next().is_some() || !claim.text().is_empty() {
        let what = format!("what stands inside <{}> means nothing", claim.name);
        return Err(Refusal::at(claim.text_origin(), what, "write value=\"…\""));
    }
    let value = claim.value("value").map(str::to_owned);
    Ok(ClaimPattern { kind: name.to_owned(), value })
}

/// What a claim may have: its type and value, and what the factory reads of every element.
const CLAIM: [&str; 7] = ["name", "value", "desc", "hint", "type", "resolve", "id"];

/// Refuses a child that is written twice: one of the two would not be read.
///
/// # Errors
///
/// The second one.
pub(crate) fn each_once(element: &Element, names: &[&str]) -> Result<(), Refusal> {
    for name in names {
        let mut written = element.elements().filter(|c| c.name.eq_ignore_ascii_case(name));
        if let Some(second) = written.nth(1) {
            let what = format!("<{name}> is written twice");
            return Err(Refusal::at(&second.origin, what, "put everything into one of them"));
        }
    }
    Ok(())
}

fn check_spelling(element: &Element, names: &[&'static str]) -> Result<(), Refusal> {
    for child in element.elements() {
        if names.iter().any(|known| known.eq_ignore_ascii_case(&child.name)) {
            continue;
        }
        if let Some(meant) = values::nearest(&child.name, names.iter().copied()) {
            let what = format!("a transformation has no child <{}>", child.name);
            return Err(Refusal::at(&child.origin, what, format!("did you mean <{meant}>?")));
        }
    }
    Ok(())
}

/// A child element by name, without regard to case, as the factory finds properties.
pub(crate) fn child<'a>(element: &'a Element, name: &str) -> Option<&'a Element> {
    element.elements().find(|child| child.name.eq_ignore_ascii_case(name))
}

/// The text of a child, which may be empty: a switch that says nothing is not one left out.
pub(crate) fn child_text<'a>(element: &'a Element, name: &str) -> Option<(String, &'a Element)> {
    child(element, name).map(|child| (child.text(), child))
}
