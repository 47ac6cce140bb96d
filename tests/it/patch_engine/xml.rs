//! What is no XML, or too much of it: refused with line and column, and soon.

use std::path::Path;
use std::time::Duration;
use std::time::Instant;

use vestibule::config::Environment;
use vestibule::config::merge::merge_texts;
use vestibule::config::parse::parse;

use super::faults;
use super::wrap;

/// Line and column of the first fault of `text`.
fn fault_at(text: &[u8]) -> (u32, u32) {
    let faults = parse(text, Path::new("x.config")).unwrap_err();
    let origin = faults[0].origin.clone().unwrap();
    (origin.line, origin.column)
}

#[test]
fn n311_what_is_not_xml_is_refused_with_line_and_column() {
    for (text, place) in [
        ("<a>\n <b></c></a>", (2, 5)),
        ("<a>\n<b>", (2, 1)),
        ("<a/>\n<b/>", (2, 1)),
        ("<a/>\n text", (2, 2)),
        ("text<a/>", (1, 1)),
        ("<a/>&amp;", (1, 5)),
        ("<a/><![CDATA[ ]]>", (1, 5)),
        ("", (1, 1)),
        ("  \n", (2, 1)),
        ("<a b='1'\n b='2'/>", (2, 2)),
        ("<a xmlns:p='u' xmlns:q='u' p:b='1' q:b='2'/>", (1, 36)),
        ("<a b=1/>", (1, 6)),
        ("<a b/>", (1, 5)),
        ("<a b='1'c='2'/>", (1, 9)),
        ("<a b='<'/>", (1, 7)),
        ("<a\n b='x&y;'/>", (2, 6)),
        ("<a>&xxe;</a>", (1, 4)),
        ("<a>&#1;</a>", (1, 4)),
        ("<a>x]]></a>", (1, 4)),
        ("<a b='&#13;&#10;X: y'/>", (1, 7)),
        ("<p:a/>", (1, 2)),
        ("<a>\n<b q:c='1'/></a>", (2, 4)),
        ("<1a/>", (1, 2)),
        ("<a><b></a></b>", (1, 7)),
        ("<a><!-- x -- y --></a>", (1, 11)),
        ("<a><!-- x </a>", (1, 4)),
        ("<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>", (1, 1)),
        ("<?xml-stylesheet href='http://127.0.0.1/'?><a/>", (1, 1)),
        (" <?xml version='1.0'?><a/>", (1, 2)),
        ("<?xml version='1.1'?><a/>", (1, 1)),
        ("<?xml version='1.0' encoding='utf-16'?><a/>", (1, 1)),
        ("<a xmlns:xi='http://www.w3.org/2001/XInclude'><xi:include href='x'/></a>", (1, 47)),
        ("<a>\n\0</a>", (2, 1)),
        ("<a>\n\u{7}</a>", (2, 1)),
        ("<a b='\u{85}'/>", (1, 7)),
    ] {
        assert_eq!(fault_at(text.as_bytes()), place, "{text}");
    }
    assert_eq!(fault_at(b"<a>\n\xFF</a>"), (2, 1));
    assert_eq!(fault_at(b"\xFF\xFE<\0a\0/\0>\0"), (1, 1));
    assert_eq!(fault_at(b"<\0a\0/\0>\0"), (1, 1));
}

#[test]
fn what_real_files_have_is_read() {
    let text = "\u{FEFF}<?xml version=\"1.0\" encoding=\"utf-8\" ?>\r\n<!-- c -->\r\n\
                <a x='&lt;&amp;&#x41;' xml:space='preserve'>\r\n<![CDATA[<x>]]>&gt;t\r\n</a>\r\n<!-- d -->\r\n";
    let root = parse(text.as_bytes(), Path::new("x.config")).unwrap();
    assert_eq!((root.value("x"), root.text().as_str()), (Some("<&A"), "<x>>t"));
    assert_eq!((root.origin.line, root.origin.column), (3, 1));
}

#[test]
fn several_faults_of_one_file_are_reported_together() {
    let text = "<a>\n<p:b/>\n<c d='&x;'/>\n<e f='1' f='2'/></a>";
    let faults = parse(text.as_bytes(), Path::new("x.config")).unwrap_err();
    let lines: Vec<u32> = faults.iter().map(|f| f.origin.as_ref().unwrap().line).collect();
    assert_eq!(lines, [2, 3, 4]);
}

#[test]
fn n308_what_is_too_large_is_refused_quickly() {
    let start = Instant::now();
    let deep = "<a>".repeat(10_000);
    assert_eq!(fault_at(deep.as_bytes()), (1, 256 * 3 + 1));
    let closed = format!("{}{}", "<a>".repeat(10_000), "</a>".repeat(10_000));
    assert_eq!(fault_at(closed.as_bytes()), (1, 256 * 3 + 1));
    let large = format!("<a>{}</a>", " ".repeat(10_000_000));
    assert_eq!(fault_at(large.as_bytes()), (1, 1));
    let attributes = joined(800_000, |n| format!(" a{n}=''"));
    assert_eq!(fault_at(format!("<a{attributes}/>").as_bytes()).0, 1);
    let namespaces = joined(400_000, |n| format!(" xmlns:a{n}='u'"));
    assert_eq!(fault_at(format!("<a{namespaces}/>").as_bytes()).0, 1);
    let many = format!("<a>{}</a>", "<b/>".repeat(2_000_000));
    assert_eq!(fault_at(many.as_bytes()).0, 1);
    assert!(start.elapsed() < Duration::from_mins(1), "{:?}", start.elapsed());
}

#[test]
fn merging_gives_up_instead_of_going_on_for_ever() {
    let items = |from: usize| -> String {
        let settings = joined(30_000, |n| format!("<s n='{}'/>", from + n));
        format!("<p>{settings}</p>")
    };
    let start = Instant::now();
    assert_eq!(faults(&items(0), &items(30_000)).len(), 1);
    let mut nested = String::new();
    for _ in 0..12 {
        nested = format!("<a>{nested}</a><a>{nested}</a>");
    }
    drop(merge_texts(&wrap(&nested), &[("p.config", &wrap(&nested))], &Environment::default()));
    assert!(start.elapsed() < Duration::from_mins(1), "{:?}", start.elapsed());
}

#[test]
fn n308_a_large_file_that_is_allowed_is_read_in_seconds() {
    let filler = "x".repeat(60);
    let elements = joined(90_000, |n| format!("<s name='n{n}' value='{filler}'/>\n"));
    let elements = format!("<a>{elements}</a>");
    let references = format!("<a b='{0}'>{0}</a>", "x &amp; y ".repeat(450_000));
    let comments = format!("<a>{}</a>", "<!--c-->".repeat(1_000_000));
    let start = Instant::now();
    for text in [elements, references, comments] {
        assert!(parse(text.as_bytes(), Path::new("x.config")).is_ok());
    }
    assert!(start.elapsed() < Duration::from_mins(1), "{:?}", start.elapsed());
}

fn joined(count: usize, part: impl Fn(usize) -> String) -> String {
    (0..count).map(part).collect()
}
