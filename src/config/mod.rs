//! What the owner wrote: files become one tree with provenance, and the tree becomes typed values.

pub mod environment;
pub mod fault;
mod includes;
pub mod layers;
mod lint;
pub mod merge;
pub mod model;
pub mod parse;
pub mod patch;
mod read;
pub mod rules;
mod settings;
mod settings_files;
pub mod show;
pub mod tree;
pub mod variables;
pub mod xpath;

use std::path::Path;

pub use environment::Environment;
pub use fault::Fault;
pub use fault::Notice;
pub use fault::NoticeKind;
pub use fault::Origin;
pub use model::Config;
pub use read::moment;
pub use read::store_address;

use crate::config::merge::Merged;
use crate::config::read::Material;
use crate::config::settings::Dictionary;

/// The base of the CMS's tree, used where `conf` has no file of its own.
const BASE: &str = include_str!("../../conf/vestibule.config");

/// The base of the identity server's dictionary: its file name, and the text used where `conf/identity`
/// has no such file.
const IDENTITY_BASE: (&str, &str) =
    ("vestibule.xml", include_str!("../../conf/identity/vestibule.xml"));

/// The merged tree alone, without reading it into typed values: for `vestibule show`.
///
/// # Errors
///
/// Every fault of the files at once.
pub fn merged(conf: &Path, environment: &Environment) -> Result<Merged, Vec<Fault>> {
    merge::load_over(conf, BASE, environment)
}

/// Reads the configuration directory `conf`: `vestibule.config`, `include/`, `identity/`. A base file
/// that is not there is the one built into the program.
///
/// # Errors
///
/// Every fault at once, in the order of the files.
pub fn load(conf: &Path, environment: &Environment) -> Result<Config, Vec<Fault>> {
    let merged = merge::load_over(conf, BASE, environment);
    let dictionary = Dictionary::read(conf, IDENTITY_BASE, environment);
    let (mut merged, dictionary) = match (merged, dictionary) {
        (Ok(merged), Ok(dictionary)) => (merged, dictionary),
        (merged, dictionary) => {
            let faults = merged.err().into_iter().chain(dictionary.err());
            return Err(faults.flatten().collect());
        }
    };
    read::fold(&mut merged.root);
    let mut notices = merged.notices;
    notices.extend_from_slice(&dictionary.notices);
    let files = [merged.files, dictionary.files.clone()].concat();
    let secrets = merged.secrets;
    let material = Material { root: merged.root, dictionary, notices, files, secrets };
    read::read(material)
}
