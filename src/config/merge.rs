//! All files of an installation become one tree: base, includes, rules, patches, variables.

use std::path::Path;
use std::path::PathBuf;

use crate::config::environment::Environment;
use crate::config::fault::Fault;
use crate::config::fault::Notice;
use crate::config::fault::Origin;
use crate::config::includes::Includes;
use crate::config::layers;
use crate::config::parse;
use crate::config::patch::Patcher;
use crate::config::read::sql_server;
use crate::config::rules::Rules;
use crate::config::tree::Element;
use crate::config::variables::Variables;
use crate::config::xpath::XPath;

/// The merged configuration.
#[derive(Clone, Debug)]
pub struct Merged {
    /// `<sitecore>`: rules applied, instructions carried out, variables replaced.
    pub root: Element,
    /// What the owner should know, in the order in which it was found.
    pub notices: Vec<Notice>,
    /// Every file that was read, for watching.
    pub files: Vec<PathBuf>,
    /// Tokens that stand for nothing and stayed in the value at that place: `$(token): why`.
    pub unresolved: Vec<(Origin, String)>,
    /// Places of values that came out of secret files.
    pub secrets: Vec<Origin>,
    /// `<appSettings>` of the base file: key and value, in its order.
    pub app_settings: Vec<(String, String)>,
}

impl Merged {
    /// The object that a `ref` means: an `XPath` relative to the root, compared exactly.
    pub fn resolve_ref(&self, path: &str) -> Option<&Element> {
        XPath::parse(path).ok()?.first(&self.root)
    }

    /// Why the value at `origin` still contains a token, if it does.
    pub fn unresolved_at(&self, origin: &Origin) -> Option<&str> {
        self.unresolved.iter().find(|(at, _)| at == origin).map(|(_, what)| what.as_str())
    }
}

/// Reads the base file of `conf` and every patch that belongs to it.
///
/// # Errors
///
/// Everything that is wrong in any of the files, in the order of the files.
pub fn load(conf: &Path, environment: &Environment) -> Result<Merged, Vec<Fault>> {
    let base = Source::read(conf.join(layers::BASE));
    load_with(conf, base, environment)
}

/// The same, with `built_in` as the base where `conf` has no base file.
///
/// # Errors
///
/// As [`load`].
pub fn load_over(
    conf: &Path,
    built_in: &str,
    environment: &Environment,
) -> Result<Merged, Vec<Fault>> {
    let file = conf.join(layers::BASE);
    if std::fs::symlink_metadata(&file).is_ok() || !conf.is_dir() {
        return load_with(conf, Source::read(file), environment);
    }
    let root = parse::parse_with_notices(built_in.as_bytes(), &file);
    load_with(conf, Source { file, root }, environment)
}

fn load_with(conf: &Path, base: Source, environment: &Environment) -> Result<Merged, Vec<Fault>> {
    let layout = layers::find(conf);
    let mut sources = vec![base];
    sources.extend(layout.patches.into_iter().map(Source::read));
    let mut merging = Merging { conf, environment, faults: layout.faults, notices: layout.notices };
    let mut merged = merging.merge(sources)?;
    merged.files.extend(layout.control);
    Ok(merged)
}

/// The same from texts instead of files: the base, then patches as (file name, text).
///
/// # Errors
///
/// As [`load`].
pub fn merge_texts(
    base: &str,
    patches: &[(&str, &str)],
    environment: &Environment,
) -> Result<Merged, Vec<Fault>> {
    let parse = |(name, text): (&str, &str)| {
        let file = PathBuf::from(name);
        Source { root: parse::parse_with_notices(text.as_bytes(), &file), file }
    };
    let sources = std::iter::once((layers::BASE, base)).chain(patches.iter().copied());
    let (faults, notices) = (Vec::new(), Vec::new());
    let mut merging = Merging { conf: Path::new("."), environment, faults, notices };
    merging.merge(sources.map(parse).collect())
}

/// One file, read.
struct Source {
    file: PathBuf,
    root: Result<(Element, Vec<Notice>), Vec<Fault>>,
}

impl Source {
    fn read(file: PathBuf) -> Self {
        Self { root: layers::read(&file), file }
    }
}

struct Merging<'c> {
    conf: &'c Path,
    environment: &'c Environment,
    faults: Vec<Fault>,
    notices: Vec<Notice>,
}

impl Merging<'_> {
    fn merge(&mut self, sources: Vec<Source>) -> Result<Merged, Vec<Fault>> {
        let files: Vec<PathBuf> = sources.iter().map(|source| source.file.clone()).collect();
        let base_is_readable = sources.first().is_some_and(|base| base.root.is_ok());
        let mut roots = Vec::new();
        for Source { file, root } in sources {
            match root {
                Ok((root, notices)) => {
                    self.notices.extend(notices);
                    roots.push((file, root));
                }
                Err(faults) => self.faults.extend(faults),
            }
        }
        if !base_is_readable {
            return Err(self.faults_in_order(&files));
        }
        let app_settings = match roots.first() {
            Some((_, base)) => self.app_settings(base),
            None => Vec::new(),
        };
        let (tree, included) = self.tree(roots, &app_settings);
        match tree {
            Some(root) if self.faults.is_empty() => {
                Ok(self.finish(root, [files, included].concat(), app_settings))
            }
            Some(_) | None => Err(self.faults_in_order(&files)),
        }
    }

    fn tree(
        &mut self,
        roots: Vec<(PathBuf, Element)>,
        app_settings: &[(String, String)],
    ) -> (Option<Element>, Vec<PathBuf>) {
        let settings = app_settings.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let rules = Rules::from_settings(settings);
        let mut patcher = Patcher::new(&rules);
        let mut includes = Includes::new(self.conf);
        let mut tree = None;
        for (number, (file, mut root)) in roots.into_iter().enumerate() {
            includes.expand(&mut root, &file, &mut patcher);
            if number == 0 {
                tree = begin(&root, &mut patcher);
            } else if let Some(tree) = &mut tree {
                merge_file(tree, &root, &mut patcher);
            }
        }
        self.faults.append(&mut patcher.faults);
        self.notices.append(&mut patcher.notices);
        (tree, includes.files)
    }

    fn faults_in_order(&mut self, files: &[PathBuf]) -> Vec<Fault> {
        let mut faults = std::mem::take(&mut self.faults);
        faults.sort_by_key(|fault| {
            let file = fault.origin.as_ref().map(|origin| &*origin.file);
            files.iter().position(|known| Some(known.as_path()) == file).unwrap_or(files.len())
        });
        faults
    }

    fn finish(
        &mut self,
        mut root: Element,
        mut files: Vec<PathBuf>,
        app_settings: Vec<(String, String)>,
    ) -> Merged {
        let mut variables = Variables::new(self.environment);
        variables.apply(&mut root);
        self.notices.append(&mut variables.notices);
        files.append(&mut variables.files);
        let Variables { unresolved, secrets, .. } = variables;
        Merged {
            root,
            notices: std::mem::take(&mut self.notices),
            files,
            unresolved,
            secrets,
            app_settings,
        }
    }

    /// The base's `<appSettings>`. What defines a rule must be known, or every decision is a guess.
    fn app_settings(&mut self, base: &Element) -> Vec<(String, String)> {
        let mut settings = Vec::new();
        for add in base.children_named("appSettings").flat_map(|s| s.children_named("add")) {
            let (Some(key), Some(value)) = (add.value("key"), add.attribute("value")) else {
                let what = "an appSettings entry without key or value";
                self.faults.push(Fault::at(&add.origin, what, "write key=\"…\" value=\"…\""));
                continue;
            };
            let mut variables = Variables::new(self.environment);
            let expanded = variables.expand(&value.value, &value.origin);
            if key.to_lowercase().ends_with(":define") {
                for (origin, what) in variables.unresolved {
                    let instead = "set it: it decides which parts of the files are used";
                    self.faults.push(Fault::at(&origin, what, instead));
                }
            }
            settings.push((key.to_owned(), expanded));
        }
        settings
    }
}

/// The tree as the base file begins it.
fn begin(root: &Element, patcher: &mut Patcher<'_>) -> Option<Element> {
    match &*sections(root) {
        [only] if only.is_called("sitecore", None) => Some(patcher.base(only)),
        _ => {
            let what = "the base file has no <sitecore> element of its own, or several";
            let instead = "write <configuration><sitecore>…</sitecore></configuration>";
            patcher.faults.push(Fault::at(&root.origin, what, instead));
            None
        }
    }
}

/// The databases of a CMS, beside its `<sitecore>` or in a file of their own.
const CONNECTIONS: &str = "connectionStrings";

fn merge_file(tree: &mut Element, root: &Element, patcher: &mut Patcher<'_>) {
    let is_list = root.name == CONNECTIONS;
    let lists = root.children_named(CONNECTIONS).chain(is_list.then_some(root));
    let told: Vec<Notice> = lists.flat_map(sql_server::notices_of).collect();
    if is_list && !told.is_empty() {
        return patcher.notices.extend(told);
    }
    patcher.notices.extend(told);
    if !matches!(&*root.name, "configuration" | "sitecore") {
        let what = format!("the file is not used: its root is `<{}>`", root.name);
        let instead = "write <configuration><sitecore>…";
        return patcher.notices.push(Notice::disable(&root.origin, what, instead));
    }
    if root.name == "configuration" && !patcher.is_required(root) {
        return;
    }
    for section in sections(root) {
        patcher.merge(tree, section);
    }
}

/// What is under `<configuration>`, or the file's root when that is `<sitecore>` itself.
fn sections(root: &Element) -> Vec<&Element> {
    if root.name == "configuration" {
        return root.children_named("sitecore").collect();
    }
    vec![root]
}
