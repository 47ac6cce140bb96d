//! The configuration engine: every rule of sitecore.md §3 on small files, with expectations typed by
//! hand.

mod files;
mod placement;
mod properties;
mod rules;
mod variables;
mod xml;
mod xpath;

use vestibule::config::Environment;
use vestibule::config::NoticeKind;
use vestibule::config::Origin;
use vestibule::config::merge::Merged;
use vestibule::config::merge::merge_texts;
use vestibule::config::tree::Element;
use vestibule::config::tree::Node;

/// Declarations that patches are written with.
const NAMESPACES: &str = r#"xmlns:patch="http://www.sitecore.net/xmlconfig/"
    xmlns:set="http://www.sitecore.net/xmlconfig/set/"
    xmlns:role="http://www.sitecore.net/xmlconfig/role/"
    xmlns:env="http://www.sitecore.net/xmlconfig/env/""#;

fn wrap(content: &str) -> String {
    format!("<configuration {NAMESPACES}><sitecore>{content}</sitecore></configuration>")
}

fn merged(base: &str, patches: &[&str]) -> Merged {
    let texts: Vec<String> = patches.iter().map(|patch| wrap(patch)).collect();
    let named: Vec<(&str, &str)> =
        texts.iter().map(|text| ("patch.config", text.as_str())).collect();
    merge_texts(&wrap(base), &named, &Environment::default()).unwrap()
}

/// The faults of a base and one patch, as they are printed.
fn faults(base: &str, patch: &str) -> Vec<String> {
    let (base, patch) = (wrap(base), wrap(patch));
    let result = merge_texts(&base, &[("patch.config", &patch)], &Environment::default());
    result.unwrap_err().iter().map(ToString::to_string).collect()
}

/// The tree without its root element and without provenance: `a[x=1](b,'text')`.
fn shape(element: &Element) -> String {
    let children: Vec<String> = element
        .children
        .iter()
        .map(|node| match node {
            Node::Element(child) => outline(child),
            Node::Text(text, _) => format!("'{text}'"),
            Node::Comment(text) => format!("!{text}"),
        })
        .collect();
    children.join(",")
}

fn outline(element: &Element) -> String {
    let mut text = element.name.clone();
    if !element.attributes.is_empty() {
        let attributes = element.attributes.iter().map(|a| format!("{}={}", a.name, a.value));
        text.extend(["[", &attributes.collect::<Vec<_>>().join(" "), "]"]);
    }
    if !element.children.is_empty() {
        text.extend(["(", &shape(element), ")"]);
    }
    text
}

fn result(base: &str, patches: &[&str]) -> String {
    shape(&merged(base, patches).root)
}

#[test]
fn a_setting_is_overridden_by_its_name() {
    let patch = "<settings><setting name='A' value='2'/></settings>";
    let base = "<settings><setting name='A' value='1'/><setting name='B' value='1'/></settings>";
    assert_eq!(result(base, &[patch]), "settings(setting[name=A value=2],setting[name=B value=1])");
}

#[test]
fn items_without_attributes_overwrite_the_first_sibling_of_an_existing_parent() {
    let base = "<list><i>x</i><i>y</i></list>";
    assert_eq!(result(base, &["<list><i>a</i><i>b</i></list>"]), "list(i('b'),i('y'))");
}

#[test]
fn items_without_attributes_stay_as_many_in_a_new_parent() {
    assert_eq!(result("", &["<list><i>a</i><i>b</i></list>"]), "list(i('a'),i('b'))");
}

#[test]
fn three_registrations_without_a_name_stay_three() {
    let patch = "<services>
        <register serviceType='A' implementationType='X' lifetime='Singleton'/>
        <register serviceType='B' implementationType='X' lifetime='Singleton'/>
        <register serviceType='C' implementationType='X' lifetime='Transient'/></services>";
    let expected = "services(register[serviceType=A implementationType=X lifetime=Singleton],\
                    register[serviceType=B implementationType=X lifetime=Singleton],\
                    register[serviceType=C implementationType=X lifetime=Transient])";
    assert_eq!(result("<services/>", &[patch]), expected);
    assert_eq!(result("<services/>", &[patch, patch]), expected);
}

#[test]
fn a_type_is_identity_and_is_changed_by_an_instruction() {
    let base = "<a><b type='T'/></a>";
    assert_eq!(result(base, &["<a><b type='U'/></a>"]), "a(b[type=T],b[type=U])");
    let patch = "<a><b type='T'><patch:attribute name='type'>U</patch:attribute></b></a>";
    assert_eq!(result(base, &[patch]), "a(b[type=U])");
}

#[test]
fn what_is_not_identity_is_assigned() {
    let base = "<a><b name='n' value='1' resolve='false'/></a>";
    let patch = "<a><b name='n' value='2' interval='3' src='4' language='5' resolve='true'/></a>";
    assert_eq!(
        result(base, &[patch]),
        "a(b[name=n value=2 resolve=true interval=3 src=4 language=5])"
    );
}

#[test]
fn a_factory_hint_matches_an_element_without_one_and_a_label_does_not() {
    let base = "<sites><s/></sites><paths hint='list'><path>/x</path></paths>";
    let patch = "<sites hint='list'><s n='1'/></sites>
        <paths hint='list'><path hint='unicorn'>/u</path></paths>";
    let once = "sites[hint=list](s,s[n=1]),paths[hint=list](path('/x'),path[hint=unicorn]('/u'))";
    assert_eq!(result(base, &[patch]), once);
    assert_eq!(result(base, &[patch, patch]), once);
    let other = "<paths hint='list'><path hint='spe'>/s</path></paths>";
    assert_eq!(
        result(base, &[patch, other]),
        "sites[hint=list](s,s[n=1]),\
         paths[hint=list](path('/x'),path[hint=unicorn]('/u'),path[hint=spe]('/s'))"
    );
}

#[test]
fn the_better_fitting_of_several_matches_is_meant() {
    let base = "<p><m><n k='1'/></m><m><n k='2'/></m></p>";
    assert_eq!(result(base, &["<p><m><n k='2'><o/></n></m></p>"]), "p(m(n[k=1]),m(n[k=2](o)))");
    assert_eq!(result("<p><m/><m/></p>", &["<p><m set:x='1'/></p>"]), "p(m[x=1],m)");
}

#[test]
fn attributes_are_set_and_deleted() {
    for (patch, expected) in [
        ("<patch:attribute name='v' value='2'/>", "a[v=2 w=1]"),
        ("<patch:attribute name='v'>2</patch:attribute>", "a[v=2 w=1]"),
        ("<patch:a name='n'>2</patch:a>", "a[v=1 w=1 n=2]"),
        ("<patch:attribute name='v'/>", "a[v= w=1]"),
        ("<patch:deleteattribute name='v'/>", "a[w=1]"),
        ("<patch:da name='v'/>", "a[w=1]"),
        ("<patch:da name='gone'/>", "a[v=1 w=1]"),
    ] {
        let patch = format!("<a>{patch}</a>");
        assert_eq!(result("<a v='1' w='1'/>", &[&patch]), expected, "{patch}");
    }
    assert_eq!(result("<a v='1'/>", &["<a set:v='2' set:w='3'/>"]), "a[v=2 w=3]");
}

#[test]
fn a_setting_made_by_an_instruction_alone_is_created() {
    let patch = "<settings><setting name='N'><patch:attribute name='value'>V</patch:attribute></setting></settings>";
    assert_eq!(result("<settings/>", &[patch]), "settings(setting[name=N value=V])");
    assert_eq!(result("", &[patch]), "settings(setting[name=N value=V])");
}

#[test]
fn elements_are_deleted() {
    let base = "<p><a n='1'/><a n='2'/></p>";
    assert_eq!(result(base, &["<p><a n='1'><patch:delete/></a></p>"]), "p(a[n=2])");
    assert_eq!(result(base, &["<p><a n='2'><patch:d/></a></p>"]), "p(a[n=1])");
    assert_eq!(result(base, &["<p><patch:delete/></p>"]), "");
    assert_eq!(faults(base, "<patch:delete/>").len(), 1);
}

#[test]
fn an_instruction_that_does_not_say_what_is_a_fault() {
    assert_eq!(faults("<a/>", "<a><patch:attribute>1</patch:attribute></a>").len(), 1);
    assert_eq!(faults("<a/>", "<a><patch:deleteattribute/></a>").len(), 1);
    let merged = merged("<a/>", &["<a patch:befor='b'><patch:remove/></a>"]);
    assert!(merged.notices.iter().all(|notice| notice.kind == NoticeKind::Disable));
    assert_eq!(merged.notices.len(), 2);
}

#[test]
fn text_replaces_text_and_elements() {
    assert_eq!(result("<a>x</a>", &["<a>y</a>"]), "a('y')");
    assert_eq!(result("<a><b/><c/></a>", &["<a>y</a>"]), "a('y')");
    assert_eq!(result("<a>x</a>", &["<a>\n</a>"]), "a('x')");
    assert_eq!(result("<a>x</a>", &["<a>y<!--c-->z</a>"]), "a('yz')");
    assert_eq!(result("<a><b/></a>", &["<a>y<b/></a>"]), "a('y',b)");
}

#[test]
fn comments_come_before_the_element_they_stand_before() {
    let patch = "<p><!--why--><b/></p>";
    assert_eq!(result("<p><a/></p>", &[patch, patch]), "p(a,!why,b)");
}

#[test]
fn a_root_in_another_namespace_leaves_out_the_file_and_is_noticed() {
    for patch in [
        "<configuration xmlns='urn:x'><sitecore><a/></sitecore></configuration>",
        "<configuration><sitecore xmlns='urn:x'><a/></sitecore></configuration>",
        "<Settings><a/></Settings>",
    ] {
        let merged =
            merge_texts(&wrap("<b/>"), &[("p.config", patch)], &Environment::default()).unwrap();
        assert_eq!(shape(&merged.root), "b", "{patch}");
        assert_eq!(merged.notices.len(), 1, "{patch}");
    }
}

#[test]
fn a_namespace_without_its_slash_does_nothing_and_is_noticed() {
    let patch = "<configuration xmlns:set='http://www.sitecore.net/xmlconfig/set'>\
                 <sitecore><a set:x='1'/></sitecore></configuration>";
    let merged =
        merge_texts(&wrap("<a/>"), &[("p.config", patch)], &Environment::default()).unwrap();
    assert_eq!(shape(&merged.root), "a");
    assert_eq!(merged.notices.len(), 1);
}

#[test]
fn everything_knows_who_wrote_it_last() {
    let base =
        "<configuration>\n<sitecore>\n<a n='1' value='1'>\n<b>x</b></a></sitecore></configuration>";
    let patch = "<configuration>\n\n\n<sitecore><a n='1'\n value='2'><b>y</b>\n<c/></a></sitecore></configuration>";
    let merged = merge_texts(base, &[("p.config", patch)], &Environment::default()).unwrap();
    let a = merged.root.child("a").unwrap();
    let place = |origin: &Origin| format!("{origin}:{}", origin.column);
    assert_eq!(place(&a.origin), "vestibule.config:3:1");
    assert_eq!(place(&a.attribute("n").unwrap().origin), "vestibule.config:3:4");
    assert_eq!(place(&a.attribute("value").unwrap().origin), "p.config:5:2");
    let b = a.child("b").unwrap();
    assert_eq!(place(&b.origin), "vestibule.config:4:1");
    assert_eq!(place(b.text_origin()), "p.config:5:15");
    assert_eq!(place(&a.child("c").unwrap().origin), "p.config:6:1");
}
