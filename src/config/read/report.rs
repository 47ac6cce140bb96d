//! What reading finds beside values: faults and notices, gathered so that all are told at once.

use crate::config::fault::Fault;
use crate::config::fault::Notice;
use crate::config::fault::Origin;

/// Gathers faults and notices while a tree is read.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// Nothing starts with one of these.
    pub(crate) faults: Vec<Fault>,
    /// What the owner should know.
    pub(crate) notices: Vec<Notice>,
}

impl Report {
    /// Something that cannot stand.
    pub(crate) fn fault(
        &mut self,
        origin: &Origin,
        what: impl Into<String>,
        instead: impl Into<String>,
    ) {
        self.faults.push(Fault::at(origin, what, instead));
    }

    /// Something legal that is surely not meant.
    pub(crate) fn lint(
        &mut self,
        origin: &Origin,
        what: impl Into<String>,
        instead: impl Into<String>,
    ) {
        self.notices.push(Notice::lint(origin, what, instead));
    }

    /// Something that has been switched off.
    pub(crate) fn disable(
        &mut self,
        origin: &Origin,
        what: impl Into<String>,
        instead: impl Into<String>,
    ) {
        self.notices.push(Notice::disable(origin, what, instead));
    }

    /// Tells of `refusal`: the thing it concerns is off.
    pub(crate) fn refuse(&mut self, refusal: &Refusal) {
        self.disable(&refusal.origin, refusal.what.clone(), refusal.instead.clone());
    }
}

/// Why something is switched off rather than acting wrongly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// What to look at.
    pub(crate) origin: Origin,
    /// What cannot be used.
    pub(crate) what: String,
    /// What to write.
    pub(crate) instead: String,
}

impl Refusal {
    /// A refusal because of what stands at `origin`.
    pub(crate) fn at(origin: &Origin, what: impl Into<String>, instead: impl Into<String>) -> Self {
        Self { origin: origin.clone(), what: what.into(), instead: instead.into() }
    }
}
