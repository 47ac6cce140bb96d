//! The expressions of anchors and refs.

use vestibule::config::xpath::XPath;

use super::merged;
use super::outline;

#[test]
fn refs_are_resolved_as_they_are_written() {
    let merged =
        merged("<f><ps><p id='a/b'><c>x</c></p><p id='C'/></ps><off mode='OFF'/></f>", &[]);
    let id = |path: &str| merged.resolve_ref(path).map(|e| e.value("id").unwrap_or("-").to_owned());
    assert_eq!(id("f/ps/p[@id='a/b']").as_deref(), Some("a/b"));
    assert_eq!(id("f/ps/p[@id=\"C\"]").as_deref(), Some("C"));
    assert_eq!(id("/sitecore/f/ps/p[2]").as_deref(), Some("C"));
    assert_eq!(id("f/ps/p[c='x']").as_deref(), Some("a/b"));
    assert_eq!(id("f/ps/P[@id='C']"), None);
    assert_eq!(id("f/ps/p[@id='c']"), None);
    assert!(merged.resolve_ref("f/off").unwrap().is_off());
}

#[test]
fn the_xpath_that_people_write_is_understood() {
    let root = merged("<a x='1' y='2'>t</a><a x='2'><b>u</b></a><c/><d><a z='3'/></d>", &[]).root;
    for (path, expected) in [
        ("a", "a[x=1 y=2]('t')|a[x=2](b('u'))"),
        ("*", "a[x=1 y=2]('t')|a[x=2](b('u'))|c|d(a[z=3])"),
        ("a[2]", "a[x=2](b('u'))"),
        ("a[@y]", "a[x=1 y=2]('t')"),
        ("a[@x='1' and @y='2']", "a[x=1 y=2]('t')"),
        ("a[@x='1'][@y='2']", "a[x=1 y=2]('t')"),
        ("*[ @x = '2' or self ]", "a[x=2](b('u'))"),
        ("a[text()='t']", "a[x=1 y=2]('t')"),
        ("a[.='t']", "a[x=1 y=2]('t')"),
        ("a[b='u']", "a[x=2](b('u'))"),
        ("a[not(@y)]", "a[x=2](b('u'))"),
        ("a[contains(@x,'2')]", "a[x=2](b('u'))"),
        ("*[starts-with(@x, \"1\")]", "a[x=1 y=2]('t')"),
        ("*[last()]", "d(a[z=3])"),
        ("*[position()=3]", "c"),
        ("*[name()='c']", "c"),
        ("./d/a", "a[z=3]"),
        ("//a[@z]", "a[z=3]"),
        ("d//a", "a[z=3]"),
        ("/sitecore/c", "c"),
        ("a[@x!='1']", "a[x=2](b('u'))"),
        ("nothing", ""),
    ] {
        let found: Vec<String> =
            XPath::parse(path).unwrap().select(&root).into_iter().map(outline).collect();
        assert_eq!(found.join("|"), expected, "{path}");
    }
    for path in [
        "",
        "a[",
        "a]",
        "a[]",
        "..",
        "a/",
        "@x",
        "a|b",
        "p:a",
        "a[0]",
        "a[last()-1]",
        "a['x",
        "id('x')",
    ] {
        assert!(XPath::parse(path).is_err(), "{path}");
    }
}
