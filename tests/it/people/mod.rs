//! Local users of the store, and those who look after them: the command line as a process, the
//! import of a membership provider's tables, passwords and their reset.

mod command;
mod membership;

use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;

use serde_json::Value;

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    /// The JSON that a successful command wrote.
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.code, 0, "{self:?}");
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }

    /// The one line that a failed command wrote.
    pub(crate) fn complaint(&self) -> &str {
        assert_eq!(self.code, 1, "{self:?}");
        assert_eq!((self.out.as_str(), self.err.lines().count()), ("", 1), "{self:?}");
        self.err.trim_end()
    }
}

/// Runs the program with `words`, and `input` on its standard input.
pub(crate) fn vestibule(folder: &Path, words: &[&str], input: &str) -> Ended {
    let mut child = Command::new(env!("CARGO_BIN_EXE_vestibule"))
        .args(words)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that reads nothing may have ended already.
    drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let code = output.status.code().unwrap();
    Ended { code, out: text(output.stdout), err: text(output.stderr) }
}

/// A store of its own, without a configuration.
pub(crate) struct Alone {
    folder: tempfile::TempDir,
}

impl Alone {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// `vestibule user …` on this store.
    pub(crate) fn user(&self, words: &[&str], input: &str) -> Ended {
        let words = [&["user"], words, &["--store", "sqlite:people.db"]].concat();
        vestibule(self.folder(), &words, input)
    }
}
