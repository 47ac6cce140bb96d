//! The bytes of one XML file become an [`Element`] tree in which everything knows its line and
//! column. Strict where quick-xml is lenient (security.md class N): no DOCTYPE, no processing
//! instruction, no entity of one's own, no control character, nothing after the root, all bounded.

mod attributes;
mod characters;
mod namespaces;
mod source;

use std::path::Path;

use quick_xml::Error;
use quick_xml::Reader;
use quick_xml::events::BytesDecl;
use quick_xml::events::BytesStart;
use quick_xml::events::Event;

use crate::config::fault::Fault;
use crate::config::fault::Notice;
use crate::config::parse::characters::text_reference;
use crate::config::parse::namespaces::Namespaces;
use crate::config::parse::source::Source;
use crate::config::tree::Element;
use crate::config::tree::Node;

/// A file of this many bytes or more is refused; the product's own largest has 300 KB.
pub const MAX_BYTES: usize = 10_000_000;
/// Elements inside one another.
pub const MAX_DEPTH: usize = 256;
/// Attributes of one element, namespace declarations included.
pub const MAX_ATTRIBUTES: usize = 1_000;
/// Elements of one file.
pub const MAX_ELEMENTS: usize = 100_000;

const XINCLUDE: &str = "http://www.w3.org/2001/XInclude";
const MAX_FAULTS: usize = 50;

/// Reads one file; `file` is how its places are named.
///
/// # Errors
///
/// Everything that is wrong up to the first place after which nothing can be understood.
pub fn parse(bytes: &[u8], file: &Path) -> Result<Element, Vec<Fault>> {
    parse_with_notices(bytes, file).map(|(root, _)| root)
}

/// The same, with what its owner should know of the file.
///
/// # Errors
///
/// As [`parse`].
pub fn parse_with_notices(bytes: &[u8], file: &Path) -> Result<(Element, Vec<Notice>), Vec<Fault>> {
    let source = Source::new(bytes, file)?;
    let mut parser = Parser {
        source: &source,
        scopes: Namespaces::new(),
        open: Vec::new(),
        root: None,
        text: None,
        elements: 0,
        faults: Vec::new(),
        notices: Vec::new(),
    };
    parser.read();
    match parser.root {
        Some(root) if parser.faults.is_empty() => Ok((root, parser.notices)),
        Some(_) | None => Err(parser.faults),
    }
}

struct Parser<'s> {
    source: &'s Source<'s>,
    scopes: Namespaces,
    /// The elements around the place being read, outermost first.
    open: Vec<Element>,
    root: Option<Element>,
    text: Option<PendingText>,
    elements: usize,
    faults: Vec<Fault>,
    notices: Vec<Notice>,
}

/// Character data being put together from text, CDATA sections and references.
struct PendingText {
    text: String,
    offset: usize,
    /// White space that was asked for by name: CDATA or a reference.
    deliberate: bool,
}

/// Nothing after this place can be understood; the fault is noted already.
struct Stop;

impl<'s> Parser<'s> {
    fn read(&mut self) {
        let mut reader = Reader::from_str(self.source.text);
        reader.config_mut().check_comments = true;
        loop {
            let start = offset(reader.buffer_position());
            match reader.read_event() {
                Ok(Event::Eof) => return self.finish(start),
                Ok(event) => {
                    if self.take(event, start).is_err() || self.faults.len() >= MAX_FAULTS {
                        return;
                    }
                }
                Err(error) => {
                    self.fault(offset(reader.error_position()), words(&error), "");
                    return;
                }
            }
        }
    }

    fn finish(&mut self, end: usize) {
        if let Some(element) = self.open.last() {
            let what = format!("`<{}>` is never closed", element.name);
            self.faults.push(Fault::at(&element.origin, what, "close it"));
        } else if self.root.is_none() && self.faults.is_empty() {
            self.fault(end, "the file contains no element", "");
        }
    }

    fn take(&mut self, event: Event<'s>, start: usize) -> Result<(), Stop> {
        match event {
            Event::Start(tag) => self.open_element(&tag, start),
            Event::Empty(tag) => {
                self.open_element(&tag, start)?;
                self.close_element();
                Ok(())
            }
            Event::End(_) => {
                self.close_element();
                Ok(())
            }
            Event::Text(text) => self.character_data(&text.xml10_content(), start),
            Event::CData(text) => {
                self.add_text(&text.xml10_content(), start, true);
                Ok(())
            }
            Event::GeneralRef(name) => {
                match text_reference(&name) {
                    Ok(c) => self.add_text(c.encode_utf8(&mut [0; 4]), start, true),
                    Err(what) => self.fault(start, what, "write the text itself"),
                }
                Ok(())
            }
            Event::Comment(text) => {
                self.comment(&text.xml10_content());
                Ok(())
            }
            Event::Decl(declaration) => self.declaration(&declaration, start),
            Event::PI(_) => self.stop(start, "a processing instruction", "remove it"),
            Event::DocType(_) => self.stop(start, "a document type declaration", "remove it"),
            Event::Eof => Ok(()),
        }
    }

    fn declaration(&mut self, declaration: &BytesDecl<'_>, start: usize) -> Result<(), Stop> {
        if start != 0 {
            return self.stop(start, "an XML declaration that is not the first thing", "move it");
        }
        if declaration.version().is_ok_and(|version| version != "1.0") {
            self.fault(start, "an XML version other than 1.0", "write version=\"1.0\"");
        }
        let Some(Ok(encoding)) = declaration.encoding() else {
            return Ok(());
        };
        let ascii = ["us-ascii", "iso-8859-1", "windows-1252"];
        let same = ascii.iter().any(|name| encoding.eq_ignore_ascii_case(name));
        if encoding.eq_ignore_ascii_case("utf-8") || (same && self.source.text.is_ascii()) {
            return Ok(());
        }
        self.stop(start, format!("the encoding {encoding:?}"), "save the file as UTF-8 and say so")
    }

    fn character_data(&mut self, text: &str, start: usize) -> Result<(), Stop> {
        if text.contains("]]>") {
            self.fault(start, "`]]>` in text", "write `]]&gt;`");
        }
        if self.open.is_empty() && !text.trim_matches([' ', '\t', '\n', '\r']).is_empty() {
            let at = start + (text.len() - text.trim_start().len());
            return self.stop(at, "text outside the root element", "remove it");
        }
        self.add_text(text, start, false);
        Ok(())
    }

    fn add_text(&mut self, text: &str, start: usize, deliberate: bool) {
        if self.open.is_empty() {
            if deliberate {
                self.fault(start, "text outside the root element", "remove it");
            }
            return;
        }
        let empty = || PendingText { text: String::new(), offset: start, deliberate: false };
        let pending = self.text.get_or_insert_with(empty);
        pending.text.push_str(text);
        pending.deliberate |= deliberate;
    }

    /// Ends a run of character data. Indentation between elements is not data.
    fn flush_text(&mut self) {
        let Some(pending) = self.text.take() else { return };
        let indentation = !pending.deliberate && pending.text.trim().is_empty();
        if indentation || pending.text.is_empty() {
            return;
        }
        let node = Node::Text(pending.text, self.source.origin(pending.offset));
        if let Some(parent) = self.open.last_mut() {
            parent.children.push(node);
        }
    }

    fn comment(&mut self, text: &str) {
        self.flush_text();
        if let Some(parent) = self.open.last_mut() {
            parent.children.push(Node::Comment(text.to_owned()));
        }
    }

    fn open_element(&mut self, tag: &BytesStart<'s>, start: usize) -> Result<(), Stop> {
        self.flush_text();
        if self.root.is_some() && self.open.is_empty() {
            return self.stop(start, "a second root element", "remove it");
        }
        if self.open.len() >= MAX_DEPTH {
            let what = format!("elements nested more than {MAX_DEPTH} deep");
            return self.stop(start, what, "");
        }
        self.elements += 1;
        if self.elements > MAX_ELEMENTS {
            return self.stop(start, format!("more than {MAX_ELEMENTS} elements in one file"), "");
        }
        let written = self.raw_attributes(tag, start)?;
        self.declare(&written);
        let (namespace, name) = self.qualified(tag.name().0, start + 1, true);
        if namespace.as_deref() == Some(XINCLUDE) {
            self.fault(start, "XInclude", "write `<sc.include file=\"…\"/>`");
        }
        let attributes = self.attributes(&written);
        let origin = self.source.origin(start);
        self.open.push(Element { name, namespace, attributes, children: Vec::new(), origin });
        Ok(())
    }

    fn close_element(&mut self) {
        self.flush_text();
        let Some(element) = self.open.pop() else { return };
        self.scopes.leave(self.open.len());
        match self.open.last_mut() {
            Some(parent) => parent.children.push(Node::Element(element)),
            None => self.root = Some(element),
        }
    }

    fn fault(&mut self, at: usize, what: impl Into<String>, instead: impl Into<String>) {
        self.faults.push(Fault::at(&self.source.origin(at), what, instead));
    }

    fn stop(
        &mut self,
        at: usize,
        what: impl Into<String>,
        instead: impl Into<String>,
    ) -> Result<(), Stop> {
        self.fault(at, what, instead);
        Err(Stop)
    }
}

fn offset(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}

/// The parser's own words without their heading.
fn words(error: &Error) -> String {
    let text = error.to_string();
    let heading = ["ill-formed document: ", "syntax error: "];
    let words = heading.iter().find_map(|heading| text.strip_prefix(heading));
    words.unwrap_or(&text).to_owned()
}
