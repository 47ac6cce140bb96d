//! The identity server's configuration folder: which files, in which order (spec §4.1).

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use crate::config::fault::Fault;
use crate::config::fault::Notice;
use crate::config::fault::Origin;

/// Every `.xml` below `folder`: plugins, then the host's own, then `production` folders, then
/// `sitecoreruntime`; inside a layer files before folders, each by name.
pub(crate) fn files(
    folder: &Path,
    notices: &mut Vec<Notice>,
    faults: &mut Vec<Fault>,
) -> Vec<PathBuf> {
    let mut files = Vec::new();
    if folder.is_dir() {
        walk(folder, &mut files, notices, faults, 0);
    }
    files.sort_by_key(|file| rank(file.strip_prefix(folder).unwrap_or(file)));
    files
}

fn rank(file: &Path) -> u8 {
    let parts: Vec<String> = file
        .parent()
        .into_iter()
        .flat_map(Path::components)
        .map(|part| part.as_os_str().to_string_lossy().to_ascii_lowercase())
        .collect();
    let has = |name: &str| parts.iter().any(|part| part == name);
    match (has("sitecoreruntime"), has("production"), has("sitecore")) {
        (true, true, _) => 4,
        (true, false, _) => 3,
        (false, true, _) => 2,
        (false, false, false) => 1,
        (false, false, true) => 0,
    }
}

fn walk(
    folder: &Path,
    files: &mut Vec<PathBuf>,
    notices: &mut Vec<Notice>,
    faults: &mut Vec<Fault>,
    depth: usize,
) {
    let entries = std::fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut entries: Vec<PathBuf> = match entries {
        Ok(entries) => entries.into_iter().map(|entry| entry.path()).collect(),
        Err(error) => return faults.push(unreadable(folder, &error)),
    };
    entries.sort_by_key(|path| path.to_string_lossy().to_lowercase());
    let (folders, found): (Vec<_>, Vec<_>) = entries.into_iter().partition(|path| path.is_dir());
    for file in found {
        let name = file.file_name().map(|n| n.to_string_lossy().to_lowercase());
        let name = name.unwrap_or_default();
        if has_extension(&name, ".xml") {
            files.push(file);
        } else if !name.starts_with('.') && !has_extension(&name, ".example") {
            notices.push(skipped(&file, &name));
        }
    }
    // A link that leads back up would otherwise never end.
    for folder in folders.iter().filter(|_| depth < 16) {
        walk(folder, files, notices, faults, depth + 1);
    }
}

fn has_extension(name: &str, extension: &str) -> bool {
    name.ends_with(extension)
}

fn skipped(file: &Path, name: &str) -> Notice {
    let instead = if has_extension(name, ".xdt") {
        "apply the transform and put the resulting .xml here"
    } else if has_extension(name, ".config") {
        "patches of the CMS belong in include/"
    } else {
        "only files that end in .xml are read here"
    };
    Notice::lint(&start_of(file), "the file is skipped", instead)
}

pub(crate) fn unreadable(file: &Path, error: &std::io::Error) -> Fault {
    Fault::at(&start_of(file), format!("cannot be read: {error}"), "")
}

fn start_of(file: &Path) -> Origin {
    Origin { file: Arc::from(file), line: 1, column: 1 }
}
