//! What is wrong with a configuration, and where: always `file:line: what; what to write instead`.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// Where something was written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    /// The file, as it was named on the way here (relative paths stay relative).
    pub file: Arc<Path>,
    /// Line, counted from 1.
    pub line: u32,
    /// Column in bytes, counted from 1.
    pub column: u32,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}

/// An error in the configuration: nothing is started, or the old configuration goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where it stands; `None` when nothing in a file is to blame (an unreadable directory).
    pub origin: Option<Origin>,
    /// What is wrong, in lower case and without a full stop.
    pub what: String,
    /// What to write instead; empty when only one thing can be meant.
    pub instead: String,
}

impl Fault {
    /// A fault at `origin`.
    pub fn at(origin: &Origin, what: impl Into<String>, instead: impl Into<String>) -> Self {
        Self { origin: Some(origin.clone()), what: what.into(), instead: instead.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(origin) = &self.origin {
            write!(f, "{origin}: ")?;
        }
        f.write_str(&self.what)?;
        if !self.instead.is_empty() {
            write!(f, "; {}", self.instead)?;
        }
        Ok(())
    }
}

/// Something legal that its owner should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// How much it matters.
    pub kind: NoticeKind,
    /// Where, what, and what to write instead.
    pub fault: Fault,
}

/// Whether a notice changes what the configuration does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeKind {
    /// Legal, and surely not meant; nothing is switched off.
    Lint,
    /// Something could not be understood or is missing, so the smallest whole thing that would act
    /// on it wrongly is off. An error under `check --strict`.
    Disable,
}

impl Notice {
    /// A lint at `origin`.
    pub fn lint(origin: &Origin, what: impl Into<String>, instead: impl Into<String>) -> Self {
        Self { kind: NoticeKind::Lint, fault: Fault::at(origin, what, instead) }
    }

    /// A notice that something at `origin` has been switched off.
    pub fn disable(origin: &Origin, what: impl Into<String>, instead: impl Into<String>) -> Self {
        Self { kind: NoticeKind::Disable, fault: Fault::at(origin, what, instead) }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fault.fmt(f)
    }
}
