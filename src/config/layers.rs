//! Which files make up the configuration, and in which order (sitecore.md §3.1): the base, then
//! `include/`, or the layers of a `Layers.config` when the owner has one.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use crate::config::fault::Fault;
use crate::config::fault::Notice;
use crate::config::fault::Origin;
use crate::config::parse;
use crate::config::tree::Element;

/// The base file's name.
pub const BASE: &str = "vestibule.config";

/// Folders inside one another.
const MAX_DEPTH: usize = 32;
/// Files of one installation.
const MAX_FILES: usize = 10_000;

/// Extensions of files that lie beside configuration and are nobody's mistake.
const SILENT: [&str; 3] = ["example", "md", "txt"];

/// What was found.
#[derive(Debug, Default)]
pub struct Layout {
    /// Patches, in the order in which they are merged.
    pub patches: Vec<PathBuf>,
    /// Files that say how to read the others.
    pub control: Vec<PathBuf>,
    /// Files that are left out, and why.
    pub notices: Vec<Notice>,
    /// What could not be read.
    pub faults: Vec<Fault>,
    seen: BTreeSet<PathBuf>,
}

/// Looks through the configuration directory `conf`.
pub fn find(conf: &Path) -> Layout {
    let mut layout = Layout::default();
    let candidates = [conf.join("Layers.config"), conf.join("include").join("Layers.config")];
    let Some(layers) = candidates.into_iter().find(|path| path.is_file()) else {
        layout.folder(&conf.join("include"), 0, &mut Vec::new());
        return layout;
    };
    layout.seen.insert(layers.clone());
    match read(&layers) {
        Ok((root, _)) => layout.layers(conf, &root),
        Err(faults) => layout.faults.extend(faults),
    }
    layout.control.push(layers);
    layout
}

/// Reads one file, without reading more of it than a configuration file may have.
///
/// # Errors
///
/// What is wrong with it, or that it cannot be read.
pub fn read(file: &Path) -> Result<(Element, Vec<Notice>), Vec<Fault>> {
    let bytes = bytes(file, parse::MAX_BYTES).map_err(|error| vec![unreadable(file, &error)])?;
    parse::parse_with_notices(&bytes, file)
}

/// Up to `limit` bytes of a file; of a larger one exactly `limit`. A pipe could be waited for
/// without end, so only regular files are opened.
pub(crate) fn bytes(file: &Path, limit: usize) -> io::Result<Vec<u8>> {
    if !fs::metadata(file)?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut bytes = Vec::new();
    let limit = u64::try_from(limit).unwrap_or(u64::MAX);
    io::Read::read_to_end(&mut io::Read::take(fs::File::open(file)?, limit), &mut bytes)?;
    Ok(bytes)
}

/// The beginning of `file`.
pub(crate) fn beginning(file: &Path) -> Origin {
    Origin { file: Arc::from(file), line: 1, column: 1 }
}

pub(crate) fn unreadable(file: &Path, error: &io::Error) -> Fault {
    Fault::at(&beginning(file), format!("cannot be read: {error}"), "")
}

impl Layout {
    fn layers(&mut self, conf: &Path, root: &Element) {
        for layer in root.children_named("layer") {
            let Some(folder) = layer.attribute("includeFolder") else {
                let what = "a layer without includeFolder";
                self.faults.push(Fault::at(&layer.origin, what, "name its folder"));
                continue;
            };
            let Some(path) = inside(conf, &folder.value) else {
                let what = format!("the folder `{}` leaves the configuration", folder.value);
                self.faults.push(Fault::at(&folder.origin, what, "name a folder below it"));
                continue;
            };
            if layer.is_off() {
                let what = format!("the files of `{}` are not read", folder.value);
                self.notices.push(Notice::lint(&layer.origin, what, "the layer is off"));
                continue;
            }
            self.load_order(&path, layer);
            self.folder(&path, 0, &mut Vec::new());
        }
    }

    fn load_order(&mut self, folder: &Path, layer: &Element) {
        for add in layer.children_named("loadOrder").flat_map(|order| order.children_named("add")) {
            let written = add.value("path").unwrap_or_default();
            let Some(path) = inside(folder, written).filter(|path| path.exists()) else {
                let what = format!("`{written}` is not there");
                self.notices.push(Notice::lint(&add.origin, what, "name a file of the layer"));
                continue;
            };
            if add.is_off() {
                let what = format!("`{written}` is not read");
                self.notices.push(Notice::lint(&add.origin, what, "its entry is off"));
                self.seen.insert(path);
            } else if path.is_dir() {
                self.folder(&path, 0, &mut Vec::new());
            } else {
                self.file(path);
            }
        }
    }

    /// Files before subfolders, each in the order of the alphabet.
    fn folder(&mut self, folder: &Path, depth: usize, above: &mut Vec<PathBuf>) {
        if self.seen.contains(folder) {
            return;
        }
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound && depth == 0 => return,
            Err(error) => return self.faults.push(unreadable(folder, &error)),
        };
        let real = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
        if depth > MAX_DEPTH || above.contains(&real) {
            let what = "this folder leads back into itself";
            let notice = Notice::lint(&beginning(folder), what, "remove the link");
            return self.notices.push(notice);
        }
        above.push(real);
        let mut entries: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        entries.retain(|path| !file_name(path).starts_with('.'));
        entries.sort_by_key(|path| (path.is_dir(), file_name(path).to_lowercase(), path.clone()));
        for path in entries {
            if path.is_dir() {
                self.folder(&path, depth + 1, above);
            } else {
                self.file(path);
            }
        }
        above.pop();
        self.seen.insert(folder.to_owned());
    }

    fn file(&mut self, path: PathBuf) {
        if !self.seen.insert(path.clone()) {
            return;
        }
        let name = file_name(&path).to_lowercase();
        if !name.ends_with(".config") {
            let extension = Path::new(&name).extension().and_then(|e| e.to_str());
            if !extension.is_some_and(|extension| SILENT.contains(&extension)) {
                let what = "the file is not read: its name does not end in .config";
                self.notices.push(Notice::lint(&beginning(&path), what, "rename or remove it"));
            }
        } else if self.patches.len() < MAX_FILES {
            self.patches.push(path);
        } else {
            let what = format!("more than {MAX_FILES} files");
            self.faults = vec![Fault::at(&beginning(&path), what, "")];
        }
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// `written` below `folder`, its names found without regard to case, as on the CMS's disks. `None`
/// when it leads out of `folder`.
pub(crate) fn inside(folder: &Path, written: &str) -> Option<PathBuf> {
    let mut parts = written.split(['/', '\\']).filter(|part| !part.is_empty()).peekable();
    parts.next_if(|part| *part == "~");
    parts.next_if(|part| part.eq_ignore_ascii_case("App_Config"));
    let mut path = folder.to_owned();
    for part in parts {
        if part == ".." || part.contains(':') {
            return None;
        }
        path = child(&path, part);
    }
    Some(path)
}

fn child(folder: &Path, name: &str) -> PathBuf {
    let exact = folder.join(name);
    if exact.exists() {
        return exact;
    }
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut same = entries.map(|entry| entry.path());
    let wanted = name.to_lowercase();
    same.find(|path| file_name(path).to_lowercase() == wanted).unwrap_or(exact)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, files: &[&str]) {
        for file in files {
            let path = root.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "<configuration/>").unwrap();
        }
    }

    fn names(root: &Path, layout: &Layout) -> Vec<String> {
        let relative = |path: &PathBuf| path.strip_prefix(root).unwrap().display().to_string();
        layout.patches.iter().map(relative).collect()
    }

    #[test]
    fn files_come_before_subfolders_and_case_does_not_count() {
        let root = tempfile::tempdir().unwrap();
        write(
            root.path(),
            &[
                "include/z.config",
                "include/B.config",
                "include/a.config",
                "include/zzz/a.config",
                "include/Foundation/b.config",
                "include/Foundation/A/x.config",
                "include/c.config.disabled",
                "include/d.config.example",
                "include/.hidden.config",
                "include/web.config.xdt",
            ],
        );
        let layout = find(root.path());
        assert_eq!(
            names(root.path(), &layout),
            [
                "include/a.config",
                "include/B.config",
                "include/z.config",
                "include/Foundation/b.config",
                "include/Foundation/A/x.config",
                "include/zzz/a.config",
            ]
        );
        let left_out: Vec<String> = layout
            .notices
            .iter()
            .map(|n| file_name(&n.fault.origin.as_ref().unwrap().file))
            .collect();
        assert_eq!(left_out, ["c.config.disabled", "web.config.xdt"]);
    }

    #[test]
    fn layers_are_read_in_their_order_and_what_is_off_is_left_out() {
        let root = tempfile::tempdir().unwrap();
        write(
            root.path(),
            &[
                "include/i.config",
                "Sitecore/a/a.config",
                "Sitecore/b/b.config",
                "Sitecore/c.config",
                "Modules/m.config",
                "Environment/e.config",
            ],
        );
        let layers = r#"<layers>
            <layer name="Sitecore" includeFolder="/App_Config/Sitecore/"><loadOrder>
                <add path="B" type="Folder"/><add path="c.config" type="File"/>
                <add path="missing" type="Folder"/>
            </loadOrder></layer>
            <layer name="Modules" includeFolder="/App_Config/Modules/" mode="off"/>
            <layer name="Custom" includeFolder="/App_Config/Include/"/>
            <layer name="Environment" includeFolder="/App_Config/Environment/"/>
        </layers>"#;
        fs::write(root.path().join("Layers.config"), layers).unwrap();
        let layout = find(root.path());
        assert_eq!(
            names(root.path(), &layout),
            [
                "Sitecore/b/b.config",
                "Sitecore/c.config",
                "Sitecore/a/a.config",
                "include/i.config",
                "Environment/e.config",
            ]
        );
        assert_eq!(layout.notices.len(), 2);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_a_folder_above_ends() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), &["include/a/x.config"]);
        std::os::unix::fs::symlink(root.path().join("include"), root.path().join("include/a/b"))
            .unwrap();
        let layout = find(root.path());
        assert_eq!(names(root.path(), &layout), ["include/a/x.config"]);
        assert_eq!(layout.notices.len(), 1);
    }

    #[test]
    fn a_layer_outside_the_configuration_is_a_fault() {
        let root = tempfile::tempdir().unwrap();
        let layers = r#"<layers><layer name="x" includeFolder="../.."/></layers>"#;
        fs::write(root.path().join("Layers.config"), layers).unwrap();
        assert_eq!(find(root.path()).faults.len(), 1);
    }
}
