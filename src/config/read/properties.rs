//! The property initializer: claims → properties of the user (spec §1.6).

use std::sync::Arc;

use crate::config::model::PropertyMap;
use crate::config::read::report::Refusal;
use crate::config::read::report::Report;
use crate::config::read::transformations;
use crate::config::read::values;
use crate::config::tree::Element;

const INITIALIZER: &str = "Sitecore.Owin.Authentication.Services.PropertyInitializer";
const MAPPER: &str = "Sitecore.Owin.Authentication.Services.DefaultClaimToPropertyMapper";

/// The maps in order; one that cannot be understood sets no property, and its owner is told.
pub(crate) fn read(federation: &Element, report: &mut Report) -> Vec<PropertyMap> {
    let Some(initializer) = federation.child("propertyInitializer") else { return Vec::new() };
    if let Err(refusal) = known_class(initializer, INITIALIZER, "property initializer") {
        report.refuse(&refusal);
        return Vec::new();
    }
    let mut maps = Vec::new();
    for element in initializer.child("maps").into_iter().flat_map(|m| m.children_named("map")) {
        if element.value("mode").is_some_and(|mode| mode.eq_ignore_ascii_case("off")) {
            continue;
        }
        match map(element, maps.len()) {
            Ok(map) => maps.push(map),
            Err(refusal) => off(&refusal, report),
        }
    }
    maps
}

fn off(refusal: &Refusal, report: &mut Report) {
    let what = format!("a property map is off: {}", refusal.what);
    report.disable(&refusal.origin, what, refusal.instead.clone());
}

fn map(element: &Element, at: usize) -> Result<PropertyMap, Refusal> {
    known_class(element, MAPPER, "property mapper")?;
    if let Some((token, origin)) = values::unresolved_in(element) {
        let what = format!("it holds {token}, which nothing defines");
        return Err(Refusal::at(&origin, what, values::resolve_hint(&token)));
    }
    let missing = |what: &str| {
        let what = format!("it has no <{what}>");
        Refusal::at(
            &element.origin,
            what,
            "write <data><source name=\"claim type\" /><target name=\"property\" /></data>",
        )
    };
    transformations::each_once(element, &["data"])?;
    let data = element.child("data").ok_or_else(|| missing("data"))?;
    transformations::each_once(data, &["source", "target"])?;
    if let Some(other) = data.elements().find(|e| !["source", "target"].contains(&&*e.name)) {
        let what = format!("a property map has no <{}>", other.name);
        return Err(Refusal::at(&other.origin, what, "write one <source> and one <target>"));
    }
    let source = data.child("source").ok_or_else(|| missing("source"))?;
    let target = data.child("target").ok_or_else(|| missing("target"))?;
    let target = transformations::pattern(target, "name")?;
    let name = element.value("name").map_or_else(|| format!("{}", at + 1), str::to_owned);
    Ok(PropertyMap {
        name: Arc::from(name),
        source: transformations::pattern(source, "name")?,
        property: target.kind,
        value: target.value,
        origin: element.origin.clone(),
    })
}

fn known_class(element: &Element, class: &str, what: &str) -> Result<(), Refusal> {
    let Some(written) = element.attribute("type") else { return Ok(()) };
    if values::class(&written.value) == class {
        return Ok(());
    }
    let what = format!("the {what} class `{}` is not known here", values::class(&written.value));
    Err(Refusal::at(&written.origin, what, format!("use {class}")))
}
