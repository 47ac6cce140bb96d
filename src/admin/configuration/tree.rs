//! The merged tree, section by section, as `vestibule show` prints it. Large sections are written
//! only when they are asked for, so that a page never grows with the configuration.

use std::io;
use std::io::Write;

use crate::config::model::Config;
use crate::config::show::show;
use crate::config::tree::Element;
use crate::config::xpath::XPath;
use crate::http::form::Form;

/// What is shown of the tree.
#[derive(Debug)]
pub(super) struct Tree {
    /// What is picked, where something is.
    pub(super) picked: Option<Picked>,
    /// The sections.
    pub(super) sections: Vec<Section>,
}

/// What an `XPath` picks.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Picked {
    /// The `XPath`.
    pub(super) xpath: String,
    /// The elements, or why there are none to be seen.
    pub(super) text: Result<String, String>,
}

/// An element right under the root.
#[derive(Debug)]
pub(super) struct Section {
    /// Its number among them, from 0.
    pub(super) number: usize,
    /// Its name.
    pub(super) name: String,
    /// Where it stands.
    pub(super) origin: String,
    /// Its text, unless that is too long to stand among the others.
    pub(super) text: Option<String>,
    /// Whether it was asked for.
    pub(super) asked: bool,
}

/// The longest text of a section among others, and of all of them together, in bytes.
const SHORT: usize = 32 * 1024;
const TOGETHER: usize = 256 * 1024;
/// The longest text that is shown at all.
const LONGEST: usize = 4 * 1024 * 1024;

impl Tree {
    /// What `query` asks for: `xpath` picks elements, `section` one of the sections.
    pub(super) fn of(config: &Config, query: &Form) -> Self {
        let xpath = query.get("xpath").map(str::trim).filter(|xpath| !xpath.is_empty());
        let asked = query.get("section").and_then(|number| number.parse::<usize>().ok());
        let mut left = TOGETHER;
        let mut section = |(number, element): (usize, &Element)| {
            let asked = asked == Some(number);
            let most = if asked { LONGEST } else { SHORT.min(left) };
            let text = written(config, element, most);
            left = left.saturating_sub(text.as_ref().map_or(0, String::len));
            let (name, origin) = (element.name.clone(), element.origin.to_string());
            Section { number, name, origin, text, asked }
        };
        let sections = config.tree.elements().enumerate().map(&mut section).collect();
        Self { picked: xpath.map(|xpath| Picked::of(config, xpath)), sections }
    }
}

impl Picked {
    fn of(config: &Config, xpath: &str) -> Self {
        let text = match XPath::parse(xpath) {
            Ok(parsed) => pick(config, &parsed),
            Err(fault) => Err(format!("At byte {} of the XPath: {}.", fault.offset, fault.what)),
        };
        Self { xpath: xpath.to_owned(), text }
    }
}

fn pick(config: &Config, xpath: &XPath) -> Result<String, String> {
    let mut out = Bounded { text: Vec::new(), left: LONGEST };
    match show(&config.tree, &config.secrets, Some(xpath), &mut out) {
        Ok(0) => Err("It picks nothing.".to_owned()),
        Ok(_) => Ok(out.into_text()),
        Err(_) => Err("It picks more than a page can show.".to_owned()),
    }
}

fn written(config: &Config, element: &Element, most: usize) -> Option<String> {
    let mut out = Bounded { text: Vec::new(), left: most };
    show(element, &config.secrets, None, &mut out).ok()?;
    Some(out.into_text())
}

/// Takes no more than it has room for.
struct Bounded {
    text: Vec<u8>,
    left: usize,
}

impl Bounded {
    fn into_text(self) -> String {
        String::from_utf8_lossy(&self.text).into_owned()
    }
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.left = self.left.checked_sub(bytes.len()).ok_or(io::ErrorKind::WriteZero)?;
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
