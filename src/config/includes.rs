//! `<sc.include file="…"/>`: another file's root element in the place of this one.

use std::path::Path;
use std::path::PathBuf;

use crate::config::fault::Fault;
use crate::config::layers;
use crate::config::parse;
use crate::config::patch::Patcher;
use crate::config::tree::Element;
use crate::config::tree::Node;

/// Includes inside one another.
const MAX_DEPTH: usize = 8;
/// Files included by one installation.
const MAX_FILES: usize = 1_000;

/// Puts included files in their places.
pub(super) struct Includes<'c> {
    conf: &'c Path,
    /// What was read, for watching.
    pub(super) files: Vec<PathBuf>,
}

impl<'c> Includes<'c> {
    pub(super) fn new(conf: &'c Path) -> Self {
        Self { conf, files: Vec::new() }
    }

    /// Does so everywhere in `root`, which was read from `file`; what `rules` leave out is not read.
    pub(super) fn expand(&mut self, root: &mut Element, file: &Path, rules: &mut Patcher<'_>) {
        self.below(root, &mut vec![file.to_owned()], 1, rules);
    }

    fn below(
        &mut self,
        element: &mut Element,
        chain: &mut Vec<PathBuf>,
        depth: usize,
        rules: &mut Patcher<'_>,
    ) {
        if depth > parse::MAX_DEPTH {
            let what = format!("elements nested more than {} deep", parse::MAX_DEPTH);
            return rules.faults.push(Fault::at(&element.origin, what, ""));
        }
        let mut children = Vec::with_capacity(element.children.len());
        for node in std::mem::take(&mut element.children) {
            match node {
                Node::Element(include) if include.is_called("sc.include", None) => {
                    if rules.is_required(&include) {
                        children.extend(self.include(&include, chain, depth, rules));
                    }
                }
                Node::Element(mut child) => {
                    if !rules.leaves_out(&child) {
                        self.below(&mut child, chain, depth + 1, rules);
                    }
                    children.push(Node::Element(child));
                }
                Node::Text(..) | Node::Comment(_) => children.push(node),
            }
        }
        element.children = children;
    }

    fn include(
        &mut self,
        include: &Element,
        chain: &mut Vec<PathBuf>,
        depth: usize,
        rules: &mut Patcher<'_>,
    ) -> Vec<Node> {
        let path = match self.path(include, chain) {
            Ok(path) => path,
            Err(fault) => {
                rules.faults.push(fault);
                return Vec::new();
            }
        };
        self.files.push(path.clone());
        let root = match layers::read(&path) {
            Ok((root, notices)) => {
                rules.notices.extend(notices);
                root
            }
            Err(faults) => {
                rules.faults.extend(faults);
                return Vec::new();
            }
        };
        chain.push(path);
        let mut holder = Element::new(&*include.name, None, include.origin.clone());
        holder.children = unwrapped(root);
        self.below(&mut holder, chain, depth, rules);
        chain.pop();
        holder.children
    }

    /// The file that is meant: relative to the including one, or to the configuration when it
    /// begins with the CMS's own folder.
    fn path(&self, include: &Element, chain: &[PathBuf]) -> Result<PathBuf, Fault> {
        let Some(file) = include.attribute("file").filter(|file| !file.value.is_empty()) else {
            let what = "sc.include does not say which file";
            return Err(Fault::at(&include.origin, what, "write file=\"…\""));
        };
        let written = file.value.replace('\\', "/");
        let relative = written.trim_start_matches('~');
        let path = if relative.to_lowercase().starts_with("/app_config/") {
            layers::inside(self.conf, relative).unwrap_or_else(|| self.conf.join(&written))
        } else {
            let beside = chain.last().and_then(|file| file.parent());
            beside.unwrap_or(self.conf).join(&written)
        };
        let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if chain.iter().any(|above| real(above) == real(&path)) {
            let what = format!("`{}` includes itself", file.value);
            return Err(Fault::at(&file.origin, what, "remove one of the two"));
        }
        if chain.len() > MAX_DEPTH || self.files.len() >= MAX_FILES {
            return Err(Fault::at(&file.origin, "too many files include one another", ""));
        }
        if !path.is_file() {
            let what = format!("the included file `{}` is not there", file.value);
            return Err(Fault::at(&file.origin, what, "name an existing file"));
        }
        Ok(path)
    }
}

/// The root, or what is in it when it is only the wrapper that every file has.
fn unwrapped(root: Element) -> Vec<Node> {
    let mut nodes = vec![Node::Element(root)];
    for wrapper in ["configuration", "sitecore"] {
        nodes = nodes
            .into_iter()
            .flat_map(|node| match node {
                Node::Element(element) if element.name == wrapper => element.children,
                node @ (Node::Element(_) | Node::Text(..) | Node::Comment(_)) => vec![node],
            })
            .collect();
    }
    nodes
}
