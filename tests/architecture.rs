//! The plan of the house, enforced: who may use whom, how long a file may be, how it begins, and what
//! is never written into it.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::allow_attributes,
    reason = "helpers of tests are not tests to clippy, and a helper that fails has to end its test"
)]

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

/// Outermost first. A module uses what stands below its own line and, on its own line, what stands
/// to its right.
const LAYERS: [&[&str]; 11] = [
    &["main", "cli"],
    &["app"],
    &["listen"],
    &["proxy"],
    &["admin", "demo"],
    &["login", "identity_server"],
    &["gate"],
    &["session", "users", "pages"],
    &["claims", "store"],
    &["config"],
    &["http", "observe", "crypto", "error", "clock"],
];

/// On one line, and yet neither uses the other.
const STRANGERS: [&str; 2] = ["login", "identity_server"];

/// The most lines a file may have.
const LONGEST: usize = 420;

/// Files that may be longer, each with its reason. Best kept empty.
const LONGER: [(&str, &str); 0] = [];

#[test]
fn every_module_uses_only_what_stands_below_it_or_to_its_right() {
    let mut offenders = String::new();
    for file in rust_files("src") {
        let module = module_of(&file);
        for (number, line) in code_lines(&file) {
            for used in modules_used(&line) {
                if !may_use(&module, &used) {
                    let file = file.display();
                    writeln!(offenders, "{file}:{number}: `{module}` uses `{used}`").unwrap();
                }
            }
        }
    }
    assert!(offenders.is_empty(), "the layers of the house are crossed:\n{offenders}");
}

#[test]
fn every_module_has_its_place_in_the_plan() {
    for file in rust_files("src") {
        let module = module_of(&file);
        assert!(module == "lib" || place(&module).is_some(), "{}: no layer", file.display());
    }
}

#[test]
fn the_rule_itself_can_tell_right_from_wrong() {
    assert!(may_use("proxy", "gate") && may_use("session", "users") && may_use("main", "cli"));
    assert!(may_use("config", "clock") && may_use("gate", "gate"));
    for (module, used) in [
        ("gate", "proxy"),
        ("users", "session"),
        ("clock", "http"),
        ("login", "identity_server"),
        ("identity_server", "login"),
        ("http", "config"),
        ("gate", "nowhere"),
    ] {
        assert!(!may_use(module, used), "{module} must not use {used}");
    }
    assert_eq!(modules_used("use crate::http::Exchange; crate::clock::now()"), ["http", "clock"]);
    assert_eq!(modules_used("use crate::{http, clock};"), ["{http"]);
}

#[test]
fn every_file_says_at_its_start_what_it_is() {
    let mute = |file: &PathBuf| !fs::read_to_string(file).unwrap().starts_with("//! ");
    let files: Vec<PathBuf> = all_rust_files().into_iter().filter(mute).collect();
    assert!(files.is_empty(), "these begin without `//! `: {files:#?}");
}

#[test]
fn no_file_is_longer_than_a_reader_can_hold() {
    let mut long = Vec::new();
    for file in all_rust_files() {
        let lines = fs::read_to_string(&file).unwrap().lines().count();
        let excused = LONGER.iter().any(|(known, _)| file.ends_with(known));
        if lines > LONGEST && !excused {
            long.push(format!("{}: {lines} lines", file.display()));
        }
    }
    assert!(long.is_empty(), "longer than {LONGEST} lines: {long:#?}");
}

#[test]
fn nothing_is_left_for_later_and_no_machine_is_named() {
    let words =
        [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X:"), concat!("HA", "CK:")];
    let places = [
        concat!("/wo", "rk/"),
        concat!("/ro", "ot/"),
        concat!("/ho", "me/"),
        concat!("/Us", "ers/"),
    ];
    let mut found = String::new();
    for file in texts(&root()) {
        let text = fs::read_to_string(&file).unwrap_or_default();
        for (index, line) in text.lines().enumerate() {
            // IdentityServer4's error page has an address that looks like somebody's folder.
            let line = line.replace(concat!("/ho", "me/error"), "");
            if words.iter().any(|w| line.contains(w)) || places.iter().any(|p| begins(&line, p)) {
                writeln!(found, "{}:{}: {}", file.display(), index + 1, line.trim()).unwrap();
            }
        }
    }
    assert!(found.is_empty(), "left for later, or a path of one machine:\n{found}");
}

/// Whether `path` stands in `line`, and not in the middle of another path.
fn begins(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back().unwrap_or(' ');
        !(before.is_ascii_alphanumeric() || "})._-".contains(before))
    })
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Line and column of a module in the plan.
fn place(module: &str) -> Option<(usize, usize)> {
    LAYERS.iter().enumerate().find_map(|(line, modules)| {
        modules.iter().position(|known| *known == module).map(|column| (line, column))
    })
}

fn may_use(module: &str, used: &str) -> bool {
    if module == used || module == "lib" {
        return true;
    }
    if STRANGERS.contains(&module) && STRANGERS.contains(&used) {
        return false;
    }
    match (place(module), place(used)) {
        (Some((line, column)), Some((used_line, used_column))) => {
            used_line > line || (used_line == line && used_column > column)
        }
        _ => false,
    }
}

/// The top-level module that a file under `src` belongs to.
fn module_of(file: &Path) -> String {
    let inside = file.strip_prefix(root().join("src")).unwrap();
    let first = inside.components().next().unwrap().as_os_str().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

/// The modules that a line names by `crate::…`, or by `vestibule::…` in `main.rs`. A brace instead
/// of a module is no module: one `use` a line.
fn modules_used(line: &str) -> Vec<String> {
    let after = |start: &str| -> Vec<String> {
        line.split(start)
            .skip(1)
            .map(|rest| {
                let end = |c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '{');
                rest.split(end).next().unwrap_or_default().to_owned()
            })
            .filter(|name| name.starts_with(|c: char| c.is_ascii_lowercase() || c == '{'))
            .collect()
    };
    [after("crate::"), after("use vestibule::")].concat()
}

/// The lines of a file that are not comments, with their numbers from 1.
fn code_lines(file: &Path) -> Vec<(usize, String)> {
    let text = fs::read_to_string(file).unwrap();
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.to_owned()));
    lines.filter(|(_, line)| !line.trim_start().starts_with("//")).collect()
}

fn all_rust_files() -> Vec<PathBuf> {
    ["src", "tests", "fuzz", "benches"].iter().flat_map(|folder| rust_files(folder)).collect()
}

fn rust_files(folder: &str) -> Vec<PathBuf> {
    let files = texts(&root().join(folder)).into_iter();
    files.filter(|file| file.extension().is_some_and(|end| end == "rs")).collect()
}

/// Every file of the project that people write, under `folder`.
fn texts(folder: &Path) -> Vec<PathBuf> {
    const KINDS: [&str; 14] = [
        "rs", "toml", "config", "xml", "md", "html", "css", "js", "mjs", "py", "sh", "yml", "json",
        "conf",
    ];
    const NAMES: [&str; 4] = ["Dockerfile", "Makefile", "run", ".gitignore"];
    const ELSEWHERE: [&str; 7] =
        ["target", ".git", ".peers", "node_modules", "data", "corpus", "artifacts"];
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        let kind = path.extension().and_then(|kind| kind.to_str()).unwrap_or_default();
        if path.is_symlink() || ELSEWHERE.contains(&name.as_str()) {
            continue;
        }
        if path.is_dir() {
            files.extend(texts(&path));
        } else if KINDS.contains(&kind) || NAMES.contains(&name.as_str()) {
            files.push(path);
        }
    }
    files.sort();
    files
}
