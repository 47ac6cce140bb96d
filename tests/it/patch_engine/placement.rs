//! `patch:before`, `patch:after`, `patch:instead`.

use vestibule::config::Environment;
use vestibule::config::merge::merge_texts;

use super::faults;
use super::result;
use super::shape;
use super::wrap;

#[test]
fn elements_are_inserted_before_after_and_instead() {
    let base = "<p><a n='1'/><a n='2'/><a n='3'/></p>";
    for (patch, expected) in [
        ("<p><b patch:before=\"a[@n='2']\"/></p>", "p(a[n=1],b,a[n=2],a[n=3])"),
        ("<p><b patch:b=\"a[@n='2']\"/></p>", "p(a[n=1],b,a[n=2],a[n=3])"),
        ("<p><b patch:after=\"a[@n='2']\"/></p>", "p(a[n=1],a[n=2],b,a[n=3])"),
        ("<p><b patch:a='*[1]'/></p>", "p(a[n=1],b,a[n=2],a[n=3])"),
        ("<p><b patch:before='*[1]'/></p>", "p(b,a[n=1],a[n=2],a[n=3])"),
        ("<p><b patch:instead=\"*[@n='2']\"/></p>", "p(a[n=1],b,a[n=3])"),
        ("<p><b patch:i='a[last()]'/></p>", "p(a[n=1],a[n=2],b)"),
        ("<p><b patch:after='*[last()]'/></p>", "p(a[n=1],a[n=2],a[n=3],b)"),
        ("<p><b/></p>", "p(a[n=1],a[n=2],a[n=3],b)"),
    ] {
        assert_eq!(result(base, &[patch]), expected, "{patch}");
    }
}

#[test]
fn an_element_that_is_there_already_moves() {
    let base = "<p><a n='1'/><a n='2'/><a n='3'/></p>";
    let patch = "<p><a n='3' patch:before='*[1]'/></p>";
    assert_eq!(result(base, &[patch]), "p(a[n=3],a[n=1],a[n=2])");
    assert_eq!(result(base, &[patch, patch]), "p(a[n=3],a[n=1],a[n=2])");
}

#[test]
fn instead_of_itself_keeps_the_element_and_empties_it() {
    let base = "<p><a n='1'><x/></a></p>";
    assert_eq!(
        result(base, &["<p><a n='1' patch:instead=\"a[@n='1']\"><y/></a></p>"]),
        "p(a[n=1](y))"
    );
}

#[test]
fn an_anchor_that_comes_later_in_the_same_file_is_found() {
    let patch = "<p><b patch:before=\"c\"/><c/></p>";
    assert_eq!(result("<p><a/></p>", &[patch]), "p(a,b,c)");
}

#[test]
fn pending_elements_are_placed_last_first() {
    // Both wait for z: y is placed first, right after z, then x comes between.
    let patch = "<p><x patch:after='z'/><y patch:after='z'/><z/></p>";
    assert_eq!(result("<p/>", &[patch]), "p(z,x,y)");
}

#[test]
fn an_anchor_that_matches_nothing_appends_and_is_noticed_with_its_place() {
    let text = "<configuration xmlns:patch=\"http://www.sitecore.net/xmlconfig/\">\n<sitecore><p>\n\
                <b patch:before=\"gone\"/></p></sitecore></configuration>";
    let base = wrap("<p><a/></p>");
    let merged = merge_texts(&base, &[("x.config", text)], &Environment::default()).unwrap();
    assert_eq!(shape(&merged.root), "p(a,b)");
    let notices: Vec<String> = merged.notices.iter().map(ToString::to_string).collect();
    assert_eq!(notices.len(), 1);
    assert!(notices[0].starts_with("x.config:3: the anchor `gone` matches nothing"), "{notices:?}");
}

#[test]
fn an_anchor_that_is_not_understood_is_a_fault() {
    for anchor in ["a[", "../a", "a/b", "a[position()<3]", "/sitecore/a", "//a", "count(a)", ""] {
        let patch = format!("<p><b patch:before=\"{}\"/></p>", anchor.replace('<', "&lt;"));
        let faults = faults("<p/>", &patch);
        assert_eq!(faults.len(), 1, "{anchor}: {faults:?}");
        assert!(faults[0].starts_with("patch.config:4: "), "{faults:?}");
    }
}
