//! `$(name)` and its kin, and secrets out of files.

use std::time::Duration;
use std::time::Instant;

use vestibule::config::Environment;
use vestibule::config::merge::merge_texts;

use super::NAMESPACES;
use super::merged;
use super::result;
use super::shape;
use super::wrap;

#[test]
fn variables_are_replaced_and_the_last_declaration_wins() {
    let base =
        "<sc.variable name='host' value='a'/><sc.variable name='url' value='https://$(host)/'/>
        <x u='$(url)p'>$(url)|$(host)</x>";
    assert_eq!(shape(merged(base, &[]).root.child("x").unwrap()), "'https://a/|a'");
    for patch in [
        "<sc.variable name='host' value='b'/>",
        "<sc.variable name='host'><patch:attribute name='value'>b</patch:attribute></sc.variable>",
    ] {
        let merged = merged(base, &[patch]);
        assert_eq!(merged.root.child("x").unwrap().value("u"), Some("https://b/p"));
    }
}

#[test]
fn attributes_of_the_root_are_variables() {
    let base = format!(
        "<configuration {NAMESPACES}><sitecore database='sql'><x>$(database)</x></sitecore></configuration>"
    );
    let merged = merge_texts(&base, &[], &Environment::default()).unwrap();
    assert_eq!(shape(&merged.root), "x('sql')");
}

#[test]
fn text_may_name_an_attribute_of_the_element_around_it() {
    let base = "<p id='outer'><provider id='P/1'><param desc='name'>$(id)</param></provider></p>";
    assert_eq!(result(base, &[]), "p[id=outer](provider[id=P/1](param[desc=name]('P/1')))");
}

#[test]
fn what_nothing_declares_stays_and_is_recorded_with_its_place() {
    let base = wrap("<a v='$(env:GONE)'>x $(nothing) $(env:THERE) $( $x)</a>");
    let environment = Environment::from_iter([("THERE", "$(env:GONE)")]);
    let merged = merge_texts(&base, &[], &environment).unwrap();
    assert_eq!(
        shape(&merged.root),
        "a[v=$(env:GONE)]('x $(nothing) $(env:GONE) $( $x)')",
        "a value out of the environment is not read again"
    );
    let what: Vec<&str> = merged.unresolved.iter().map(|(_, what)| what.as_str()).collect();
    assert_eq!(
        what,
        [
            "$(env:GONE): the environment variable is not set",
            "$(nothing): nothing declares it",
            "$( $x): nothing declares it",
        ]
    );
    let a = merged.root.child("a").unwrap();
    assert!(merged.unresolved_at(&a.attribute("v").unwrap().origin).is_some());
}

#[test]
fn variables_that_refer_to_themselves_end() {
    let base =
        "<sc.variable name='a' value='$(b)'/><sc.variable name='b' value='$(a)'/><x>$(a)</x>";
    let merged = merged(base, &[]);
    assert_eq!(shape(merged.root.child("x").unwrap()), "'$(a)'");
    assert!(!merged.unresolved.is_empty());
}

#[test]
fn variables_cannot_grow_without_bound() {
    let mut base = String::from("<sc.variable name='v0' value='0123456789'/>");
    for n in 1..30 {
        let twice = format!("$(v{0})$(v{0})", n - 1);
        base.extend([format!("<sc.variable name='v{n}' value='{twice}'/>")]);
    }
    let start = Instant::now();
    let merged = merged(&(base + "<x>$(v29)</x>"), &[]);
    assert!(merged.root.child("x").unwrap().text().len() < 10_000_000);
    assert!(start.elapsed() < Duration::from_mins(1));
}

#[test]
fn n314_a_secret_file_loses_one_line_break_and_its_mode_is_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let base = |file: &str| wrap(&format!("<a v='$(file:{}/{file})'/>", folder.path().display()));
    for (file, content, value) in
        [("lf", "s3cret\n", "s3cret"), ("crlf", "s3cret\r\n", "s3cret"), ("two", "x\n\n", "x\n")]
    {
        std::fs::write(folder.path().join(file), content).unwrap();
        let merged = merge_texts(&base(file), &[], &Environment::default()).unwrap();
        assert_eq!(merged.root.child("a").unwrap().value("v"), Some(value), "{file}");
        assert_eq!(merged.secrets.len(), 1);
        assert!(merged.files.contains(&folder.path().join(file)));
    }
    let merged = merge_texts(&base("gone"), &[], &Environment::default()).unwrap();
    assert_eq!(merged.unresolved.len(), 1);
}

#[cfg(unix)]
#[test]
fn n314_a_secret_that_everybody_can_read_is_noticed() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, "x").unwrap();
    let base = wrap(&format!("<a v='$(file:{})'/>", file.display()));
    for (mode, notices) in [(0o600, 0), (0o644, 1), (0o640, 1)] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        let merged = merge_texts(&base, &[], &Environment::default()).unwrap();
        assert_eq!(merged.notices.len(), notices, "{mode:o}");
    }
}
