//! The corpora of the fuzz targets, through the same functions: what once broke stays mended.

use std::fs;
use std::path::Path;

#[allow(unreachable_pub, reason = "the fuzz targets are a crate of their own")]
#[path = "../../fuzz/src/lib.rs"]
mod targets;

/// Feeds every file of `corpus/<target>` to `check`, and each of its beginnings, which fuzzers find
/// first.
fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut files = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let file = entry.unwrap().path();
        let data = fs::read(&file).unwrap();
        for end in (0..=data.len()).rev().take(512) {
            check(&data[..end]);
        }
        files += 1;
    }
    assert!(files >= 3, "{} holds {files} files", folder.display());
}

#[test]
fn patches() {
    replay("xml_patch", targets::xml_patch);
}

#[test]
fn cookies() {
    replay("cookie", targets::cookie);
}

#[test]
fn forwarding_headers() {
    replay("forwarded", targets::forwarded);
}

#[test]
fn paths() {
    replay("path", targets::path);
}

#[test]
fn callback_queries() {
    replay("callback_query", targets::callback_query);
}
