//! What a command answers: lines for people, or JSON.

use std::io;
use std::io::StdoutLock;
use std::io::Write;
use std::mem;

use serde::Serialize;
use serde_json::json;

use crate::cli::user::record::Summary;
use crate::observe::Visible;
use crate::store::accounts::Account;

/// Standard output.
#[derive(Debug)]
pub(super) struct Told {
    json: bool,
    out: StdoutLock<'static>,
}

/// An array that is written element by element: there may be more than fit into memory.
#[derive(Debug)]
pub(super) struct Array {
    empty: bool,
}

impl Told {
    /// Answers in JSON, or in lines.
    pub(super) fn new(json: bool) -> Self {
        Self { json, out: io::stdout().lock() }
    }

    /// Whether JSON is wanted.
    pub(super) const fn json(&self) -> bool {
        self.json
    }

    /// Where it is written.
    pub(super) const fn out(&mut self) -> &mut StdoutLock<'static> {
        &mut self.out
    }

    /// A value as JSON.
    ///
    /// # Errors
    ///
    /// When standard output is closed.
    pub(super) fn value(&mut self, value: &impl Serialize) -> anyhow::Result<()> {
        serde_json::to_writer_pretty(&mut self.out, value)?;
        writeln!(self.out)?;
        Ok(())
    }

    /// Begins an array.
    ///
    /// # Errors
    ///
    /// When standard output is closed.
    pub(super) fn array(&mut self) -> anyhow::Result<Array> {
        write!(self.out, "[")?;
        Ok(Array { empty: true })
    }

    /// Writes an element of it, on a line.
    ///
    /// # Errors
    ///
    /// When standard output is closed.
    pub(super) fn element(
        &mut self,
        array: &mut Array,
        value: &impl Serialize,
    ) -> anyhow::Result<()> {
        let comma = if mem::take(&mut array.empty) { "" } else { "," };
        write!(self.out, "{comma}\n  {}", serde_json::to_string(value)?)?;
        Ok(())
    }

    /// Ends it.
    ///
    /// # Errors
    ///
    /// When standard output is closed.
    pub(super) fn end(&mut self, array: &Array) -> anyhow::Result<()> {
        writeln!(self.out, "{}]", if array.empty { "" } else { "\n" })?;
        Ok(())
    }

    /// What was done to a user: a line, or the user as it is now.
    ///
    /// # Errors
    ///
    /// When standard output is closed.
    pub(super) fn done(&mut self, what: &str, account: &Account) -> anyhow::Result<()> {
        if self.json {
            return self.value(&Summary::of(account));
        }
        writeln!(self.out, "{what} {}", Visible(&account.name))?;
        Ok(())
    }

    /// The same for a user whose sessions end.
    ///
    /// # Errors
    ///
    /// When standard output is closed.
    pub(super) fn done_and_ended(
        &mut self,
        what: &str,
        name: &str,
        ended: u64,
    ) -> anyhow::Result<()> {
        if self.json {
            return self.value(&json!({"name": name, "done": what, "sessionsEnded": ended}));
        }
        let name = Visible(name);
        writeln!(self.out, "{what} {name}; sessions that end: {ended}")?;
        Ok(())
    }
}
