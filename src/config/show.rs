//! The merged tree as XML. A comment after each element says where it was written; attributes and
//! text that were written elsewhere follow with their own place. Secrets are masked.

use std::collections::HashSet;
use std::io;
use std::io::Write;

use crate::config::Origin;
use crate::config::tree::Attribute;
use crate::config::tree::Element;
use crate::config::tree::Node;
use crate::config::xpath::XPath;

/// What stands in the place of a secret.
const MASK: &str = "***";

/// Parts of names whose values are not shown, in lower case and without separators.
const SECRETIVE: [&str; 15] = [
    "secret",
    "password",
    "passwd",
    "pwd",
    "passphrase",
    "credential",
    "connectionstring",
    "apikey",
    "accesskey",
    "privatekey",
    "sharedkey",
    "signingkey",
    "encryptionkey",
    "machinekey",
    "seal",
];

/// Attributes that name an element, so that a `value` or text beside them goes by that name.
const NAMES: [&str; 4] = ["name", "key", "id", "desc"];

/// Writes the elements that `xpath` picks of the tree under `root`, or the whole of it, and returns how
/// many were picked. `secrets` are the places of values that came out of secret files.
///
/// # Errors
///
/// When `out` cannot be written to.
pub fn show(
    root: &Element,
    secrets: &[Origin],
    xpath: Option<&XPath>,
    out: &mut impl Write,
) -> io::Result<usize> {
    let picked: HashSet<*const Element> = match xpath {
        Some(xpath) => xpath.select(root).into_iter().map(std::ptr::from_ref).collect(),
        None => HashSet::from([std::ptr::from_ref(root)]),
    };
    let mut printer = Printer { secrets: secrets.iter().collect(), out };
    printer.picked(root, &picked, false)?;
    Ok(picked.len())
}

struct Printer<'m, W> {
    /// Places of values that came out of secret files.
    secrets: HashSet<&'m Origin>,
    out: &'m mut W,
}

impl<W: Write> Printer<'_, W> {
    /// Writes what is picked, wherever it stands: what makes it secret may stand around it.
    fn picked(
        &mut self,
        element: &Element,
        picked: &HashSet<*const Element>,
        masked: bool,
    ) -> io::Result<()> {
        if picked.contains(&std::ptr::from_ref(element)) {
            self.element(element, 0, masked)?;
        }
        let masked = masked || hides_its_content(element);
        element.elements().try_for_each(|child| self.picked(child, picked, masked))
    }

    fn element(&mut self, element: &Element, depth: usize, masked: bool) -> io::Result<()> {
        let masked = masked || hides_its_content(element);
        self.tag(element, depth, masked)?;
        if element.children.is_empty() {
            return self.places(element, " />");
        }
        if let [Node::Text(text, origin)] = &*element.children {
            let text = self.text(text, origin, masked);
            return self.places(element, &format!(">{text}</{}>", element.name));
        }
        self.places(element, ">")?;
        for node in &element.children {
            match node {
                Node::Element(child) => self.element(child, depth + 1, masked)?,
                Node::Text(text, origin) => {
                    let text = self.text(text, origin, masked);
                    self.indent(depth + 1)?;
                    writeln!(self.out, "{text} <!-- {} -->", in_comment(&origin.to_string()))?;
                }
                Node::Comment(text) => {
                    self.indent(depth + 1)?;
                    writeln!(self.out, "<!--{}-->", in_comment(text))?;
                }
            }
        }
        self.indent(depth)?;
        writeln!(self.out, "</{}>", element.name)
    }

    fn tag(&mut self, element: &Element, depth: usize, masked: bool) -> io::Result<()> {
        self.indent(depth)?;
        write!(self.out, "<{}", element.name)?;
        if let Some(uri) = &element.namespace {
            write!(self.out, " xmlns=\"{}\"", escaped(uri))?;
        }
        for attribute in element.attributes.iter().filter(|a| a.namespace.is_none()) {
            let value = self.value(attribute, masked);
            write!(self.out, " {}=\"{}\"", attribute.name, escaped(&value))?;
        }
        Ok(())
    }

    /// Ends the line: the element's place, then whatever stands on another line than it.
    fn places(&mut self, element: &Element, end: &str) -> io::Result<()> {
        let mut places = element.origin.to_string();
        let elsewhere = |origin: &&Origin| !same_line(origin, &element.origin);
        for attribute in element.attributes.iter().filter(|a| a.namespace.is_none()) {
            if let Some(origin) = Some(&attribute.origin).filter(elsewhere) {
                places.extend([format!(", {} {origin}", attribute.name)]);
            }
        }
        if let [Node::Text(_, origin)] = &*element.children
            && elsewhere(&origin)
        {
            places.extend([format!(", text {origin}")]);
        }
        writeln!(self.out, "{end} <!-- {} -->", in_comment(&places))
    }

    fn value(&self, attribute: &Attribute, masked: bool) -> String {
        let hidden = (masked && attribute.name == "value") || is_secretive(&attribute.name);
        self.shown(&attribute.value, &attribute.origin, hidden)
    }

    fn text(&self, text: &str, origin: &Origin, masked: bool) -> String {
        escaped(self.shown(text.trim(), origin, masked).trim())
    }

    fn shown(&self, value: &str, origin: &Origin, hidden: bool) -> String {
        if self.secrets.contains(origin) || (hidden && !is_harmless(value)) {
            return MASK.to_owned();
        }
        without_credentials(value)
    }

    fn indent(&mut self, depth: usize) -> io::Result<()> {
        write!(self.out, "{:1$}", "", depth * 2)
    }
}

fn same_line(one: &Origin, other: &Origin) -> bool {
    one.file == other.file && one.line == other.line
}

/// `<ClientSecrets>`, `<setting name="ClientSecret" …>` and `<add key="…" …>`: values and texts in
/// them are hidden, however deep.
fn hides_its_content(element: &Element) -> bool {
    let names = NAMES.iter().filter_map(|name| element.value(name));
    names.chain([element.name.as_str()]).any(is_secretive)
}

fn is_secretive(name: &str) -> bool {
    let letters: String = name.chars().filter(|c| c.is_alphanumeric()).collect();
    let letters = letters.to_lowercase();
    SECRETIVE.iter().any(|part| letters.contains(part))
}

/// What tells nothing: switches, and references that were not replaced.
fn is_harmless(value: &str) -> bool {
    let value = value.trim();
    let reference = value.strip_prefix("$(").and_then(|rest| rest.strip_suffix(')'));
    reference.is_some_and(|name| !name.contains(['(', ')']))
        || matches!(value.to_lowercase().as_str(), "" | "true" | "false")
}

/// `redis://user:password@host` and `Data Source=…;Password=…` without what lets one in.
fn without_credentials(value: &str) -> String {
    let letters = value.to_lowercase().replace(' ', "");
    if letters.contains("password=") || letters.contains("pwd=") {
        return MASK.to_owned();
    }
    let Some((scheme, rest)) = value.split_once("://") else {
        return value.to_owned();
    };
    let authority = rest.find(['/', '?', '#']).map_or(rest, |end| rest.split_at(end).0);
    match authority.rsplit_once('@').and_then(|(user, _)| user.split_once(':')) {
        Some((user, password)) => {
            let after = rest.get(user.len() + 1 + password.len()..).unwrap_or_default();
            format!("{scheme}://{user}:{MASK}{after}")
        }
        None => value.to_owned(),
    }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c if c.is_control() && c != '\n' => {
                escaped.extend([format!("&#{};", u32::from(c))]);
            }
            c => escaped.push(c),
        }
    }
    escaped
}

/// A comment may not contain `--`, and a terminal should not obey what is in it.
fn in_comment(text: &str) -> String {
    let text = text.replace("--", "-\u{2010}");
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{FFFD}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Environment;
    use crate::config::merge::merge_texts;

    const BASE: &str = "<configuration><sitecore>\n<site name=\"shell\" port=\"1\">\n\
        <caption>Go</caption></site>\n</sitecore></configuration>";
    const PATCH: &str = "<configuration xmlns:set=\"http://www.sitecore.net/xmlconfig/set/\"><sitecore>\n\n\
        <site name=\"shell\" set:port=\"2\"><caption>Come &amp; go</caption></site></sitecore></configuration>";

    fn shown(base: &str, patches: &[(&str, &str)], xpath: Option<&str>) -> String {
        let merged = merge_texts(base, patches, &Environment::default()).unwrap();
        let xpath = xpath.map(|xpath| XPath::parse(xpath).unwrap());
        let mut out = Vec::new();
        show(&merged.root, &merged.secrets, xpath.as_ref(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn everything_is_shown_with_its_file_and_line() {
        assert_eq!(
            shown(BASE, &[("z.config", PATCH)], None),
            "<sitecore> <!-- vestibule.config:1 -->\n  \
               <site name=\"shell\" port=\"2\"> <!-- vestibule.config:2, port z.config:3 -->\n    \
                 <caption>Come &amp; go</caption> <!-- vestibule.config:3, text z.config:3 -->\n  \
               </site>\n\
             </sitecore>\n"
        );
    }

    #[test]
    fn an_xpath_picks_what_is_shown() {
        assert_eq!(
            shown(BASE, &[], Some("site/caption")),
            "<caption>Go</caption> <!-- vestibule.config:3 -->\n"
        );
        assert_eq!(shown(BASE, &[], Some("nothing")), "");
    }

    #[test]
    fn secrets_are_masked_however_they_are_named() {
        for secret in [
            "<a clientSecret='S3CRET'/>",
            "<user passwordHash='S3CRET'/>",
            "<setting name='Okta_ClientSecret' value='S3CRET'/>",
            "<setting name='Okta_ClientSecret'>S3CRET</setting>",
            "<ClientSecrets><ClientSecret1>S3CRET</ClientSecret1></ClientSecrets>",
            "<ClientSecrets><x value='S3CRET'/></ClientSecrets>",
            "<add key='Api-Key' value='S3CRET'/>",
            "<sessions store='redis://:S3CRET@host/0'/>",
            "<sessions store='redis://us@er:S3CRET@host/0'/>",
            "<x a='Data Source=h;Password = S3CRET'/>",
            "<x a='Server=h;pwd=S3CRET'>Password=S3CRET</x>",
        ] {
            let base = format!("<sitecore>{secret}</sitecore>");
            let text = shown(&base, &[], None);
            assert!(!text.contains("S3CRET") && text.contains("***"), "{secret}: {text}");
        }
    }

    #[test]
    fn a_secret_is_masked_also_when_it_is_picked_out_of_what_names_it() {
        let base = "<sitecore><setting name='Okta_ClientSecret'><value>S3CRET</value></setting>\
                    <ClientSecrets><x value='S3CRET'/></ClientSecrets></sitecore>";
        for xpath in ["*", "setting/value", "ClientSecrets/x", "//x", "//value"] {
            let text = shown(base, &[], Some(xpath));
            assert!(!text.contains("S3CRET") && text.contains("***"), "{xpath}: {text}");
        }
    }

    #[test]
    fn what_tells_nothing_is_shown() {
        for plain in [
            "<a clientSecret=\"$(env:X)\" />",
            "<a allowPasswordReset=\"true\" />",
            "<listener key=\"certs/server.key\" />",
            "<a url=\"https://host/@x:y\" />",
        ] {
            let text = shown(&format!("<sitecore>{plain}</sitecore>"), &[], Some("*"));
            assert!(text.starts_with(plain), "{text}");
        }
    }

    #[test]
    fn a_value_out_of_a_secret_file_is_masked_wherever_it_is() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "S3CRET").unwrap();
        let base = format!(
            "<sitecore><sc.variable name='v' value='$(file:{})'/><a b='x$(v)'>$(v)</a></sitecore>",
            file.path().display()
        );
        let text = shown(&base, &[], None);
        assert!(!text.contains("S3CRET") && text.contains("<a b=\"***\">***</a>"), "{text}");
    }

    #[test]
    fn r_control_characters_do_not_reach_the_terminal() {
        let environment = Environment::from_iter([("X", "\u{1b}[31m\"<>")]);
        let base = "<sitecore><a b='$(env:X)'/></sitecore>";
        let merged = merge_texts(base, &[], &environment).unwrap();
        let mut out = Vec::new();
        show(&merged.root, &merged.secrets, None, &mut out).unwrap();
        assert!(!out.contains(&0x1b));
        assert!(String::from_utf8(out).unwrap().contains("&#27;[31m&quot;&lt;&gt;"));
    }
}
