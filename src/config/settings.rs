//! The identity server's dictionary files (spec §4.1): element names are keys, later files win, no
//! patch instructions; then `Sitecore_…__…` environment variables.

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use crate::config::environment::Environment;
use crate::config::fault::Fault;
use crate::config::fault::Notice;
use crate::config::fault::Origin;
use crate::config::parse;
use crate::config::settings_files;
use crate::config::tree::Element;

/// One key with its value, its children and where it was written last.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    /// The key, as first written.
    pub(crate) name: String,
    /// Its value, `$(env:NAME)` replaced; `None` for a key that only has children.
    pub(crate) value: Option<String>,
    /// In the order of first appearance.
    pub(crate) children: Vec<Self>,
    /// Where it was written last.
    pub(crate) origin: Origin,
    /// Where one file wrote it a second time.
    pub(crate) duplicate: Option<Origin>,
}

impl Setting {
    fn new(name: &str, origin: &Origin) -> Self {
        Self {
            name: name.to_owned(),
            value: None,
            children: Vec::new(),
            origin: origin.clone(),
            duplicate: None,
        }
    }

    /// A child by key, compared without regard to case.
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name.eq_ignore_ascii_case(name))
    }

    /// The key reached from here.
    pub(crate) fn descend(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |setting, name| setting.child(name))
    }

    /// The value of a child, trimmed, unless it is empty.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let text = self.child(name)?.value.as_deref()?.trim();
        Some(text).filter(|text| !text.is_empty())
    }

    /// The values of a child's children, empty ones left out.
    pub(crate) fn list(&self, name: &str) -> impl Iterator<Item = &Self> {
        let children = self.child(name).map(|list| list.children.iter());
        let written = |item: &&Self| item.value.as_deref().is_some_and(|v| !v.trim().is_empty());
        children.into_iter().flatten().filter(written)
    }

    /// The first key, here or below, that one file wrote twice.
    pub(crate) fn duplicated(&self) -> Option<(&str, &Origin)> {
        let own = self.duplicate.as_ref().map(|origin| (self.name.as_str(), origin));
        own.or_else(|| self.children.iter().find_map(Self::duplicated))
    }

    /// The first value, here or below, that `found` finds something in.
    pub(crate) fn find_value<T>(&self, found: &impl Fn(&Self, &str) -> Option<T>) -> Option<T> {
        let own = self.value.as_deref().and_then(|value| found(self, value));
        own.or_else(|| self.children.iter().find_map(|child| child.find_value(found)))
    }

    /// Lets `change` have the child called `name`, which is made when there is none.
    fn with_child(&mut self, name: &str, origin: &Origin, change: impl FnOnce(&mut Self)) {
        if let Some(child) = self.children.iter_mut().find(|c| c.name.eq_ignore_ascii_case(name)) {
            return change(child);
        }
        let mut child = Self::new(name, origin);
        change(&mut child);
        self.children.push(child);
    }

    fn merge(&mut self, element: &Element) {
        self.origin = element.origin.clone();
        for attribute in element.attributes.iter().filter(|a| a.namespace.is_none()) {
            self.set(&[&attribute.name], &attribute.value, &attribute.origin);
        }
        let mut seen: Vec<String> = Vec::new();
        for child in element.elements() {
            let key = child.name.to_ascii_lowercase();
            self.with_child(&child.name, &child.origin, |target| {
                if seen.contains(&key) {
                    target.duplicate = Some(child.origin.clone());
                }
                target.merge(child);
            });
            seen.push(key);
        }
        if seen.is_empty() {
            self.value = Some(element.text());
        }
    }

    /// Sets the value at `path` below this key.
    fn set(&mut self, path: &[&str], value: &str, origin: &Origin) {
        let Some((name, rest)) = path.split_first() else {
            self.value = Some(value.to_owned());
            self.origin = origin.clone();
            return;
        };
        self.with_child(name, origin, |child| child.set(rest, value, origin));
    }

    fn replace_tokens(&mut self, environment: &Environment) {
        if let Some(value) = &mut self.value {
            *value = expand(value, environment);
        }
        for child in &mut self.children {
            child.replace_tokens(environment);
        }
    }

    /// Adds every value, here and below, by its `:`-separated key that begins with `key`.
    pub(crate) fn flatten(&self, key: &str, values: &mut BTreeMap<String, String>) {
        if let Some(value) = &self.value {
            values.insert(key.to_owned(), value.clone());
        }
        for child in &self.children {
            child.flatten(&format!("{key}:{}", child.name), values);
        }
    }
}

/// The dictionary, and what came up on the way.
#[derive(Debug)]
pub(crate) struct Dictionary {
    /// The key `Sitecore`, with everything below it.
    pub(crate) root: Setting,
    /// Every file that was read.
    pub(crate) files: Vec<PathBuf>,
    /// Files that were left out.
    pub(crate) notices: Vec<Notice>,
}

impl Dictionary {
    /// Reads `conf/identity/**/*.xml` over `base`, the file that comes with the program; a file of
    /// that name in `conf/identity` takes its place. Then the environment's overrides.
    ///
    /// # Errors
    ///
    /// Every file that cannot be read as XML.
    pub(crate) fn read(
        conf: &Path,
        base: (&str, &str),
        environment: &Environment,
    ) -> Result<Self, Vec<Fault>> {
        let folder = conf.join("identity");
        let mut notices = Vec::new();
        let mut faults = Vec::new();
        let files = settings_files::files(&folder, &mut notices, &mut faults);
        let origin = Origin { file: Arc::from(folder.as_path()), line: 1, column: 1 };
        let mut root = Setting::new("Sitecore", &origin);
        let own = folder.join(base.0);
        if !files.contains(&own) {
            merge(&mut root, parse::parse(base.1.as_bytes(), &own), &mut faults);
        }
        for file in &files {
            match std::fs::read(file) {
                Ok(bytes) => merge(&mut root, parse::parse(&bytes, file), &mut faults),
                Err(error) => faults.push(settings_files::unreadable(file, &error)),
            }
        }
        override_from(&mut root, environment);
        root.replace_tokens(environment);
        if faults.is_empty() { Ok(Self { root, files, notices }) } else { Err(faults) }
    }

    /// Every value by its `:`-separated key; a secret's is `***`.
    pub(crate) fn values(&self) -> BTreeMap<String, String> {
        let mut values = BTreeMap::new();
        self.root.flatten("Sitecore", &mut values);
        for (key, value) in &mut values {
            let harmless =
                value.is_empty() || crate::config::read::values::boolean(value).is_some();
            if is_secret(key) && !harmless {
                "***".clone_into(value);
            }
        }
        values
    }
}

/// Whether the key is one that holds a secret.
fn is_secret(key: &str) -> bool {
    key.split(':').any(|part| {
        let part = part.to_ascii_lowercase();
        let ends = ["secret", "secrets", "password", "connectionstring"];
        ends.iter().any(|end| part.ends_with(end)) || part.starts_with("certificaterawdata")
    })
}

fn merge(root: &mut Setting, parsed: Result<Element, Vec<Fault>>, faults: &mut Vec<Fault>) {
    let element = match parsed {
        Ok(element) => element,
        Err(more) => return faults.extend(more),
    };
    if element.name != "Settings" {
        let what = format!("the root element is <{}>", element.name);
        let instead = "files of the identity server start with <Settings><Sitecore>; patches of the CMS belong in include/";
        faults.push(Fault::at(&element.origin, what, instead));
    }
    for sitecore in element.children_named("Sitecore") {
        root.merge(sitecore);
    }
}

/// `Sitecore_Sitecore__IdentityServer__PublicOrigin` sets `Sitecore:IdentityServer:PublicOrigin`.
fn override_from(root: &mut Setting, environment: &Environment) {
    for (variable, value) in environment.iter() {
        let Some(path) = variable.strip_prefix("Sitecore_Sitecore__") else { continue };
        let path: Vec<&str> = path.split("__").collect();
        let file = Path::new("environment").join(variable);
        let origin = Origin { file: Arc::from(file.as_path()), line: 1, column: 1 };
        root.set(&path, value, &origin);
    }
}

/// Replaces each `$(env:NAME)` that is set; one that is not stays, so that what holds it is off.
fn expand(text: &str, environment: &Environment) -> String {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("$(env:") {
        expanded.push_str(before);
        let token = after.split_once(')');
        let found = token.and_then(|(name, tail)| Some((environment.get(name.trim())?, tail)));
        let (value, tail) = found.unwrap_or(("$(env:", after));
        expanded.push_str(value);
        rest = tail;
    }
    expanded.push_str(rest);
    expanded
}
