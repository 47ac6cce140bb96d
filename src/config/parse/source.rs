//! A file's bytes as text whose every offset has a line and a column.

use std::path::Path;
use std::sync::Arc;

use crate::config::fault::Fault;
use crate::config::fault::Origin;
use crate::config::parse::MAX_BYTES;

/// Faults of one kind that are listed before the rest is left out.
const LISTED: usize = 20;

/// One file, decoded.
pub(super) struct Source<'b> {
    /// Everything after a byte order mark.
    pub(super) text: &'b str,
    positions: Positions,
}

impl<'b> Source<'b> {
    /// Decodes `bytes`, refusing what no XML file of ours may contain.
    pub(super) fn new(bytes: &'b [u8], file: &Path) -> Result<Self, Vec<Fault>> {
        if bytes.len() >= MAX_BYTES {
            let first = Positions::new(&[], file);
            let what = format!("the file has {} bytes", bytes.len());
            let instead = format!("a configuration file must be smaller than {MAX_BYTES} bytes");
            return Err(vec![Fault::at(&first.origin(0), what, instead)]);
        }
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        let positions = Positions::new(bytes, file);
        if is_utf16(bytes) {
            let what = "the file is encoded as UTF-16";
            return Err(vec![Fault::at(&positions.origin(0), what, "save it as UTF-8")]);
        }
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let origin = positions.origin(error.valid_up_to());
            vec![Fault::at(&origin, "a byte sequence that is not UTF-8", "save the file as UTF-8")]
        })?;
        let source = Self { text, positions };
        source.refuse_control_characters()?;
        Ok(source)
    }

    /// Line and column of the byte `offset`.
    pub(super) fn origin(&self, offset: usize) -> Origin {
        self.positions.origin(offset)
    }

    /// Where `part`, a slice of this text, begins in it.
    pub(super) fn offset_of(&self, part: &str) -> usize {
        part.as_ptr().addr().saturating_sub(self.text.as_ptr().addr())
    }

    fn refuse_control_characters(&self) -> Result<(), Vec<Fault>> {
        let faults: Vec<Fault> = self
            .text
            .char_indices()
            .filter(|&(_, c)| !matches!(c, '\t' | '\n' | '\r') && is_forbidden(c))
            .take(LISTED)
            .map(|(offset, c)| {
                let what = format!("the control character U+{:04X}", u32::from(c));
                Fault::at(&self.origin(offset), what, "remove it")
            })
            .collect();
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }
}

/// Whether `c` may stand in no file at all, however it is spelt (XML 1.0 §2.2; the C1 controls and
/// DEL, which XML discourages, are refused too).
pub(super) fn is_forbidden(c: char) -> bool {
    c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}')
}

fn is_utf16(bytes: &[u8]) -> bool {
    matches!(bytes, [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] | [b'<', 0, ..] | [0, b'<', ..])
}

struct Positions {
    file: Arc<Path>,
    /// The offset at which each line begins.
    lines: Vec<usize>,
}

impl Positions {
    fn new(bytes: &[u8], file: &Path) -> Self {
        let newlines = bytes.iter().enumerate().filter(|&(_, &byte)| byte == b'\n');
        let lines = std::iter::once(0).chain(newlines.map(|(offset, _)| offset + 1)).collect();
        Self { file: Arc::from(file), lines }
    }

    fn origin(&self, offset: usize) -> Origin {
        let line = self.lines.partition_point(|&start| start <= offset);
        let start = self.lines.get(line.saturating_sub(1)).copied().unwrap_or_default();
        Origin {
            file: Arc::clone(&self.file),
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: u32::try_from(offset - start + 1).unwrap_or(u32::MAX),
        }
    }
}
