//! Just enough HTML to use our pages as a person does: forms, their fields and buttons.

/// A form of a page.
#[derive(Clone, Debug, Default)]
pub(crate) struct Form {
    /// Its action, unescaped; empty for the page itself.
    pub(crate) action: String,
    /// Whether it is posted.
    pub(crate) post: bool,
    /// Named inputs and buttons with their values, in order.
    pub(crate) fields: Vec<(String, String)>,
    /// What stands between its tags.
    pub(crate) inner: String,
}

/// The forms of `page`, in order.
pub(crate) fn forms(page: &str) -> Vec<Form> {
    page.split("<form").skip(1).map(form).collect()
}

fn form(text: &str) -> Form {
    let inner = text.split("</form>").next().unwrap_or_default();
    let (tag, inner) = inner.split_once('>').unwrap_or((inner, ""));
    let post = attribute(tag, "method").is_some_and(|m| m.eq_ignore_ascii_case("post"));
    let fields = ["<input", "<button"].iter().flat_map(|start| {
        inner.split(start).skip(1).filter_map(|tag| field(tag.split('>').next().unwrap_or(tag)))
    });
    Form {
        action: attribute(tag, "action").unwrap_or_default(),
        post,
        fields: fields.collect(),
        inner: inner.to_owned(),
    }
}

/// A named field; a box that is not ticked sends nothing.
fn field(tag: &str) -> Option<(String, String)> {
    let unticked =
        attribute(tag, "type").is_some_and(|t| t == "checkbox") && !tag.contains("checked");
    let name = attribute(tag, "name").filter(|name| !name.is_empty() && !unticked)?;
    Some((name, attribute(tag, "value").unwrap_or_default()))
}

/// The value of `name` in a tag, unescaped.
pub(crate) fn attribute(tag: &str, name: &str) -> Option<String> {
    let start = format!("{name}=\"");
    let at = tag
        .match_indices(&start)
        .find(|(at, _)| *at == 0 || tag.as_bytes()[at - 1].is_ascii_whitespace())?;
    let value = tag[at.0 + start.len()..].split('"').next()?;
    Some(unescape(value))
}

/// `text` with its character references resolved.
pub(crate) fn unescape(text: &str) -> String {
    [
        ("&#x2F;", "/"),
        ("&#x2f;", "/"),
        ("&#47;", "/"),
        ("&#x27;", "'"),
        ("&#39;", "'"),
        ("&#34;", "\""),
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&#38;", "&"),
        ("&quot;", "\""),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&amp;", "&"),
    ]
    .iter()
    .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// What stands between the tags of `page`, from its `<main>` on where it has one, white space folded.
pub(crate) fn text(page: &str) -> String {
    let page = page.split_once("<main").map_or(page, |(_, main)| main);
    let pieces = page.split('<').map(|piece| piece.split_once('>').map_or(piece, |(_, text)| text));
    let text = pieces.collect::<Vec<_>>().join(" ");
    unescape(&text).split_whitespace().collect::<Vec<_>>().join(" ")
}
