//! `$(name)`, `$(env:NAME)`, `$(file:PATH)` and `$(id)` (sitecore.md §3.6). What nothing declares
//! stays as it is written and is recorded, so that its reader can switch off the smallest thing.

use std::collections::BTreeMap;
use std::path::Path;

use crate::config::environment::Environment;
use crate::config::fault::Notice;
use crate::config::fault::Origin;
use crate::config::layers;
use crate::config::tree::Attribute;
use crate::config::tree::Element;
use crate::config::tree::Node;

/// Longest value that variables may make.
const MAX_VALUE: usize = 64 * 1024;

/// Variables that refer to one another.
const MAX_CHAIN: usize = 32;

/// The tokens of a tree, replaced, and what was found on the way.
pub struct Variables<'e> {
    environment: &'e Environment,
    /// By name: the value as written and where.
    declared: BTreeMap<String, (String, Origin)>,
    /// Files of secrets that were read, for watching.
    pub files: Vec<std::path::PathBuf>,
    /// Values that came from files.
    pub secrets: Vec<Origin>,
    /// What stayed as it was written: where, and which token with the reason.
    pub unresolved: Vec<(Origin, String)>,
    /// What the owner should know.
    pub notices: Vec<Notice>,
}

/// What one value became.
#[derive(Default)]
struct Expansion {
    text: String,
    secret: bool,
    unresolved: Vec<String>,
}

/// The attributes of the elements around a text, nearest first.
#[derive(Clone, Copy)]
struct Scope<'s> {
    attributes: &'s [Attribute],
    outer: Option<&'s Self>,
}

impl<'e> Variables<'e> {
    /// No variable is declared yet.
    pub fn new(environment: &'e Environment) -> Self {
        Self {
            environment,
            declared: BTreeMap::new(),
            files: Vec::new(),
            secrets: Vec::new(),
            unresolved: Vec::new(),
            notices: Vec::new(),
        }
    }

    /// Declares the attributes of `root` and every `sc.variable` below it, later ones over earlier,
    /// and replaces the tokens in all attributes and text.
    pub fn apply(&mut self, root: &mut Element) {
        for attribute in root.attributes.iter().filter(|a| a.namespace.is_none()) {
            let value = (attribute.value.clone(), attribute.origin.clone());
            self.declared.insert(attribute.name.clone(), value);
        }
        self.declare(root);
        self.replace(root, None);
    }

    /// `text` without its tokens, for values outside the tree; `origin` is where it is written.
    pub fn expand(&mut self, text: &str, origin: &Origin) -> String {
        self.expanded(text, origin, None).unwrap_or_else(|| text.to_owned())
    }

    fn declare(&mut self, element: &Element) {
        for child in element.elements() {
            if child.is_called("sc.variable", None)
                && !child.is_off()
                && let (Some(name), Some(value)) = (child.value("name"), child.attribute("value"))
            {
                let value = (value.value.clone(), value.origin.clone());
                self.declared.insert(name.to_owned(), value);
            }
            self.declare(child);
        }
    }

    fn replace(&mut self, element: &mut Element, outer: Option<&Scope<'_>>) {
        for attribute in &mut element.attributes {
            if let Some(value) = self.expanded(&attribute.value, &attribute.origin, None) {
                attribute.value = value;
            }
        }
        let scope = Scope { attributes: &element.attributes, outer };
        for node in &mut element.children {
            match node {
                Node::Element(child) => self.replace(child, Some(&scope)),
                Node::Text(text, origin) => {
                    if let Some(value) = self.expanded(text, origin, outer) {
                        *text = value;
                    }
                }
                Node::Comment(_) => {}
            }
        }
    }

    /// `None` when there is nothing to replace.
    fn expanded(&mut self, text: &str, at: &Origin, scope: Option<&Scope<'_>>) -> Option<String> {
        if !text.contains("$(") {
            return None;
        }
        let mut expansion = Expansion::default();
        self.expand_into(&mut expansion, text, (at, scope), &mut Vec::new());
        if expansion.secret {
            self.secrets.push(at.clone());
        }
        let unresolved = expansion.unresolved.into_iter().map(|what| (at.clone(), what));
        self.unresolved.extend(unresolved);
        Some(expansion.text)
    }

    fn expand_into(
        &mut self,
        into: &mut Expansion,
        text: &str,
        place: (&Origin, Option<&Scope<'_>>),
        chain: &mut Vec<String>,
    ) {
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("$(") {
            into.text.push_str(before);
            let Some((token, after)) = after.split_once(')') else {
                into.text.push_str("$(");
                rest = after;
                continue;
            };
            if let Err(why) = self.token(into, token, place, chain) {
                into.text.extend(["$(", token, ")"]);
                into.unresolved.push(format!("$({token}): {why}"));
            }
            rest = after;
        }
        into.text.push_str(rest);
    }

    /// Appends what `$(token)` stands for, or says why nothing.
    fn token(
        &mut self,
        into: &mut Expansion,
        token: &str,
        place: (&Origin, Option<&Scope<'_>>),
        chain: &mut Vec<String>,
    ) -> Result<(), &'static str> {
        if into.text.len() > MAX_VALUE {
            return Err("the value becomes too long");
        }
        if let Some(name) = token.strip_prefix("env:") {
            let value = self.environment.get(name).ok_or("the environment variable is not set")?;
            into.text.push_str(value);
            return Ok(());
        }
        if let Some(path) = token.strip_prefix("file:") {
            into.text.push_str(&self.secret(Path::new(path), place.0)?);
            into.secret = true;
            return Ok(());
        }
        if let Some((value, origin)) = self.declared.get(token).cloned() {
            if chain.len() >= MAX_CHAIN || chain.iter().any(|name| name == token) {
                return Err("the variable refers to itself");
            }
            chain.push(token.to_owned());
            self.expand_into(into, &value, (&origin, None), chain);
            chain.pop();
            return Ok(());
        }
        let local = place.1.and_then(|scope| scope.find(token));
        into.text.push_str(local.ok_or("nothing declares it")?);
        Ok(())
    }

    fn secret(&mut self, path: &Path, at: &Origin) -> Result<String, &'static str> {
        let bytes = layers::bytes(path, MAX_VALUE + 1).map_err(|_| "the file cannot be read")?;
        if bytes.len() > MAX_VALUE {
            return Err("the file is too large for a secret");
        }
        self.files.push(path.to_owned());
        if is_exposed(path) {
            let what = format!("everybody on this machine can read {}", path.display());
            self.notices.push(Notice::lint(at, what, "chmod 600"));
        }
        let text = String::from_utf8(bytes).map_err(|_| "the file is not UTF-8")?;
        let text = text.strip_suffix('\n').map_or(&*text, |t| t.strip_suffix('\r').unwrap_or(t));
        if text.contains('\0') {
            return Err("the file contains a NUL");
        }
        Ok(text.to_owned())
    }
}

impl<'s> Scope<'s> {
    fn find(&self, name: &str) -> Option<&'s str> {
        let mut scope = Some(self);
        while let Some(Scope { attributes, outer }) = scope {
            let own = attributes.iter().find(|a| a.namespace.is_none() && a.name == name);
            if let Some(attribute) = own {
                return Some(&attribute.value);
            }
            scope = *outer;
        }
        None
    }
}

#[cfg(unix)]
fn is_exposed(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o044 != 0)
}

#[cfg(not(unix))]
fn is_exposed(_path: &Path) -> bool {
    false
}
