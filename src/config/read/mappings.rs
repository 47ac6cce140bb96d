//! `identityProvidersPerSites/mapEntry`: which providers serve which site, and how its users are
//! built (spec §1.4).

use std::sync::Arc;

use crate::config::fault::Origin;
use crate::config::model::Destination;
use crate::config::model::Provider;
use crate::config::read::reference;
use crate::config::read::report::Refusal;
use crate::config::read::report::Report;
use crate::config::read::sites::SiteDraft;
use crate::config::read::sites::Sites;
use crate::config::read::transformations::child;
use crate::config::read::transformations::child_text;
use crate::config::read::values;
use crate::config::tree::Element;

const ENTRY: &str = "Sitecore.Owin.Authentication.Collections.IdentityProvidersPerSitesMapEntry";
const BUILDER: &str = "Sitecore.Owin.Authentication.Services.DefaultExternalUserBuilder";

/// Maps providers to `sites`, entry by entry.
pub(crate) fn apply(
    root: &Element,
    federation: &Element,
    providers: &[Arc<Provider>],
    sites: &mut Sites,
    report: &mut Report,
) {
    let list = federation.child("identityProvidersPerSites");
    let mut builders: Vec<Option<Builder>> = vec![None; sites.drafts.len()];
    for element in list.into_iter().flat_map(|list| list.children_named("mapEntry")) {
        if element.value("mode").is_some_and(|mode| mode.eq_ignore_ascii_case("off")) {
            continue;
        }
        let entry = match Entry::read(root, element, providers, report) {
            Ok(entry) => entry,
            Err(refusal) => {
                let name = element.value("name").unwrap_or_default();
                let what = format!("the map entry `{name}` is off: {}", refusal.what);
                report.disable(&refusal.origin, what, refusal.instead);
                continue;
            }
        };
        let chosen = Chosen::read(element, sites, report);
        entry.join(&chosen, &mut sites.drafts, &mut builders, report);
    }
}

/// How the users of a site are built, and which entry says so.
#[derive(Clone, Debug)]
struct Builder {
    entry: String,
    persistent: bool,
}

struct Entry {
    name: String,
    providers: Vec<Arc<Provider>>,
    persistent: Option<bool>,
    origin: Origin,
}

impl Entry {
    fn read(
        root: &Element,
        element: &Element,
        known: &[Arc<Provider>],
        report: &mut Report,
    ) -> Result<Self, Refusal> {
        if let Some((token, origin)) = values::unresolved_in(element) {
            let what = format!("it holds {token}, which nothing defines");
            return Err(Refusal::at(&origin, what, values::resolve_hint(&token)));
        }
        known_class(element, ENTRY, "map entry")?;
        let persistent = builder(element)?;
        let name = element.value("name").unwrap_or("without a name").to_owned();
        let mut providers = Vec::new();
        let list = child(element, "identityProviders");
        for item in list.into_iter().flat_map(|l| l.children_named("identityProvider")) {
            if let Some(provider) = provider(root, item, known) {
                providers.push(provider);
                continue;
            }
            let written = item.value("ref").unwrap_or_default();
            let what =
                format!("the map entry `{name}` names an unknown provider: ref=\"{written}\"");
            let place = item.attribute("ref").map_or(&item.origin, |a| &a.origin);
            report.lint(place, what, "declare it in federatedAuthentication/identityProviders");
        }
        Ok(Self { name, providers, persistent, origin: element.origin.clone() })
    }

    /// Adds this entry's providers to the chosen sites; the last entry with a user builder decides how
    /// users are built.
    fn join(
        &self,
        chosen: &Chosen,
        drafts: &mut [SiteDraft],
        builders: &mut [Option<Builder>],
        report: &mut Report,
    ) {
        let mut overruled: Vec<String> = Vec::new();
        for (draft, builder) in drafts.iter_mut().zip(builders).filter(|(d, _)| chosen.holds(d)) {
            let mapped = &mut draft.site.providers;
            for provider in self.providers.iter().filter(|p| p.is_enabled()) {
                if mapped.find(&provider.name).is_none() {
                    mapped.providers.push(Arc::clone(provider));
                }
            }
            let Some(persistent) = self.persistent.filter(|_| !self.providers.is_empty()) else {
                continue;
            };
            if let Some(before) = builder.as_ref().filter(|b| b.persistent != persistent) {
                overruled.push(format!("`{}` (`{}`)", draft.site.name, before.entry));
            }
            mapped.persistent = persistent;
            *builder = Some(Builder { entry: self.name.clone(), persistent });
        }
        if !overruled.is_empty() {
            let what = format!(
                "the map entry `{}` builds users differently from earlier entries for {}; the last one counts",
                self.name,
                overruled.join(", ")
            );
            report.lint(&self.origin, what, "give these sites one user builder");
        }
    }
}

/// The provider that an `<identityProvider ref="…">` of an entry means.
fn provider(root: &Element, item: &Element, known: &[Arc<Provider>]) -> Option<Arc<Provider>> {
    let id = match item.value("ref") {
        Some(path) => reference::resolve(root, path)?.value("id")?,
        None => item.value("id")?,
    };
    known.iter().find(|p| &*p.name == id.trim()).cloned()
}

/// Whether the entry's users are to be kept; `None` when it names no builder.
fn builder(element: &Element) -> Result<Option<bool>, Refusal> {
    let Some(builder) = child(element, "externalUserBuilder") else { return Ok(None) };
    known_class(builder, BUILDER, "external user builder")?;
    let param = builder.children_named("param").next().map(|p| (p.text(), p));
    let written = child_text(builder, "IsPersistentUser").or(param);
    let Some((text, child)) = written.filter(|(text, _)| !text.is_empty()) else {
        return Ok(Some(false));
    };
    values::boolean(&text).map(Some).ok_or_else(|| {
        let what = format!("isPersistentUser is `{text}`");
        Refusal::at(&child.origin, what, "write true or false")
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

/// The sites that an entry is for: those it names, and those that our attribute `select` finds.
#[derive(Debug, Default)]
struct Chosen {
    names: Vec<String>,
    selectors: Vec<(String, Vec<String>)>,
}

impl Chosen {
    fn read(element: &Element, sites: &Sites, report: &mut Report) -> Self {
        let mut chosen = Self::default();
        for list in element.elements().filter(|e| e.name.eq_ignore_ascii_case("sites")) {
            let select = list.attribute("select");
            let selected = select.and_then(|select| selector(&select.value));
            if let Some(select) = select.filter(|_| selected.is_none()) {
                let what = format!("select=\"{}\" cannot be read", select.value);
                let shape = "write all, database:NAME,unspecified or domain:NAME";
                report.fault(&select.origin, what, shape);
            }
            chosen.selectors.extend(selected);
            for site in list.elements() {
                chosen.add(site, sites, report);
            }
        }
        chosen
    }

    fn add(&mut self, site: &Element, sites: &Sites, report: &mut Report) {
        let name = site.text();
        let declared = sites.drafts.iter().any(|d| d.site.name.eq_ignore_ascii_case(&name));
        if !declared && !sites.off.iter().any(|off| off.eq_ignore_ascii_case(&name)) {
            let known = sites.drafts.iter().map(|d| &*d.site.name);
            let instead = match values::nearest(&name, known) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => "declare it in /sitecore/sites".to_owned(),
            };
            report.lint(
                &site.origin,
                format!("a map entry names the site `{name}`, which is not declared"),
                instead,
            );
        }
        self.names.push(name);
    }

    fn holds(&self, draft: &SiteDraft) -> bool {
        let named = self.names.iter().any(|name| draft.site.name.eq_ignore_ascii_case(name));
        named || (draft.site.destination != Destination::IdentityServer && self.selects(draft))
    }

    fn selects(&self, draft: &SiteDraft) -> bool {
        self.selectors.iter().any(|(what, wanted)| {
            let value = match what.as_str() {
                "database" => draft.database.as_deref(),
                "domain" => draft.site.domain.as_deref(),
                _ => return true,
            };
            let value = value.unwrap_or("unspecified");
            wanted.iter().any(|wanted| wanted.eq_ignore_ascii_case(value))
        })
    }
}

/// `all`, `database:core,unspecified` or `domain:extranet`.
fn selector(text: &str) -> Option<(String, Vec<String>)> {
    if text.trim() == "all" {
        return Some(("all".to_owned(), Vec::new()));
    }
    let (what, wanted) = text.split_once(':')?;
    let wanted = values::words(wanted);
    let known = matches!(what.trim(), "database" | "domain");
    (known && !wanted.is_empty()).then(|| (what.trim().to_owned(), wanted))
}
