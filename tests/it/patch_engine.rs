//! The configuration engine: every rule of sitecore.md §3 on small files, with expectations typed by
//! hand.

use std::path::Path;
use std::time::Duration;
use std::time::Instant;

use proptest::prelude::*;
use vestibule::config::Environment;
use vestibule::config::NoticeKind;
use vestibule::config::merge::Merged;
use vestibule::config::merge::load;
use vestibule::config::merge::merge_texts;
use vestibule::config::parse::parse;
use vestibule::config::tree::Element;
use vestibule::config::tree::Node;
use vestibule::config::xpath::XPath;

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
fn a_requirement_that_does_not_hold_leaves_out_the_element_and_all_below() {
    let patch = "<p><a role:require='ContentDelivery'><x/></a><b role:r='Standalone'/>
        <c role:require='!Standalone'/><patch:delete role:require='ContentDelivery'/></p>";
    assert_eq!(result("<p/>", &[patch]), "p(b)");
    let base = "<p><a role:require='ContentDelivery'/><b role:require='Standalone' set:x='1'/></p>";
    assert_eq!(result(base, &[]), "p(b[x=1])");
}

#[test]
fn a_misspelt_requirement_is_noticed() {
    let merged = merged("<p/>", &["<p><a role:requires='x'/></p>"]);
    assert_eq!(shape(&merged.root), "p(a)");
    assert_eq!(merged.notices.len(), 1);
}

#[test]
fn a_requirement_on_the_root_leaves_out_the_file() {
    let patch = format!(
        "<configuration {NAMESPACES}><sitecore role:require='ContentDelivery'><a/></sitecore>\
         <sitecore role:require='Standalone'><b/></sitecore></configuration>"
    );
    let merged = merge_texts(&wrap(""), &[("p.config", &patch)], &Environment::default()).unwrap();
    assert_eq!(shape(&merged.root), "b");
}

#[test]
fn the_base_defines_the_rules_and_an_undefined_one_is_noticed_once() {
    let base = format!(
        "<configuration {NAMESPACES}><appSettings>\
         <add key='ROLE:define' value='ContentDelivery | $(env:MORE)'/></appSettings>\
         <sitecore/></configuration>"
    );
    let patch = wrap(
        "<a role:require='ContentDelivery and Reporting'/><b role:require='Standalone'/>\
                      <c env:require='Prod'/><d env:require='!Prod'/>",
    );
    let environment = Environment::from_iter([("MORE", "Reporting")]);
    let merged = merge_texts(&base, &[("p.config", &patch)], &environment).unwrap();
    assert_eq!(shape(&merged.root), "a,d");
    assert_eq!(merged.notices.len(), 1);
    assert!(merged.notices[0].to_string().contains("nothing defines the rule `env`"));
    let error = merge_texts(&base, &[], &Environment::default()).unwrap_err();
    assert_eq!(error.len(), 1, "a role that depends on an unset variable is no role: {error:?}");
}

#[test]
fn an_expression_that_the_product_gets_wrong_is_a_fault_with_its_place() {
    for expression in ["Standalone Other", "Standalone &amp;&amp; x", "()", "Standalone,Other", " "]
    {
        let faults = faults("<a/>", &format!("<a role:require='{expression}'/>"));
        assert_eq!(faults.len(), 1, "{expression}");
        assert!(faults[0].starts_with("patch.config:4: the expression"), "{faults:?}");
    }
    let mixed = merged("<a/>", &["<b role:require='x or Standalone and Standalone'/>"]);
    assert_eq!(shape(&mixed.root), "a,b");
    assert_eq!(mixed.notices.len(), 2, "undefined rule and mixed operators");
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
    let place = |origin: &vestibule::config::Origin| format!("{origin}:{}", origin.column);
    assert_eq!(place(&a.origin), "vestibule.config:3:1");
    assert_eq!(place(&a.attribute("n").unwrap().origin), "vestibule.config:3:4");
    assert_eq!(place(&a.attribute("value").unwrap().origin), "p.config:5:2");
    let b = a.child("b").unwrap();
    assert_eq!(place(&b.origin), "vestibule.config:4:1");
    assert_eq!(place(b.text_origin()), "p.config:5:15");
    assert_eq!(place(&a.child("c").unwrap().origin), "p.config:6:1");
}

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
    assert!(start.elapsed() < Duration::from_secs(20));
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

fn write(root: &Path, file: &str, content: &str) {
    let path = root.join(file);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}

#[test]
fn a_directory_is_loaded_in_order_with_its_includes() {
    let conf = tempfile::tempdir().unwrap();
    write(
        conf.path(),
        "vestibule.config",
        &wrap("<a v='0'/><sc.include file='parts/sites.config'/>"),
    );
    write(
        conf.path(),
        "parts/sites.config",
        "<sites><site name='x'/><sc.include file='more.xml'/></sites>",
    );
    write(
        conf.path(),
        "parts/more.xml",
        "<configuration><sitecore><site name='y'/></sitecore></configuration>",
    );
    write(conf.path(), "include/z.config", &wrap("<a set:v='z'/>"));
    write(conf.path(), "include/A/b.config", &wrap("<a set:v='b'/>"));
    let merged = load(conf.path(), &Environment::default()).unwrap();
    assert_eq!(shape(&merged.root), "a[v=b],sites(site[name=x],site[name=y])");
    assert_eq!(merged.files.len(), 5);
}

#[test]
fn an_include_that_leads_back_or_nowhere_is_a_fault() {
    let conf = tempfile::tempdir().unwrap();
    write(
        conf.path(),
        "vestibule.config",
        &wrap(
            "<sc.include file='a.xml'/><sc.include file='gone.xml'/>\
        <x role:require='ContentDelivery'><sc.include file='gone.xml'/></x>",
        ),
    );
    write(conf.path(), "a.xml", "<a><sc.include file='b.xml'/></a>");
    write(conf.path(), "b.xml", "<b><sc.include file='./a.xml'/></b>");
    let faults = load(conf.path(), &Environment::default()).unwrap_err();
    assert_eq!(faults.len(), 2, "{faults:?}");
}

#[test]
fn all_faults_of_all_files_are_reported_at_once_in_the_order_of_the_files() {
    let conf = tempfile::tempdir().unwrap();
    write(conf.path(), "vestibule.config", &wrap("<a role:require='('/>"));
    write(
        conf.path(),
        "include/a.config",
        "<configuration><sitecore><a></b></sitecore></configuration>",
    );
    write(conf.path(), "include/b.config", &wrap("<b patch:before='['/><x:y/>"));
    let faults = load(conf.path(), &Environment::default()).unwrap_err();
    let places: Vec<String> = faults
        .iter()
        .map(|f| {
            f.origin.as_ref().unwrap().file.file_name().unwrap().to_string_lossy().into_owned()
        })
        .collect();
    assert_eq!(places, ["vestibule.config", "a.config", "b.config"]);
    std::fs::remove_file(conf.path().join("vestibule.config")).unwrap();
    assert!(load(conf.path(), &Environment::default()).unwrap_err().len() >= 2);
}

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
    let attributes: String = (0..800_000).map(|n| format!(" a{n}=''")).collect();
    assert_eq!(fault_at(format!("<a{attributes}/>").as_bytes()).0, 1);
    let namespaces: String = (0..400_000).map(|n| format!(" xmlns:a{n}='u'")).collect();
    assert_eq!(fault_at(format!("<a{namespaces}/>").as_bytes()).0, 1);
    let many = format!("<a>{}</a>", "<b/>".repeat(2_000_000));
    assert_eq!(fault_at(many.as_bytes()).0, 1);
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

#[test]
fn merging_gives_up_instead_of_going_on_for_ever() {
    let items = |from: usize| -> String {
        let settings: String = (from..from + 30_000).map(|n| format!("<s n='{n}'/>")).collect();
        format!("<p>{settings}</p>")
    };
    let start = Instant::now();
    assert_eq!(faults(&items(0), &items(30_000)).len(), 1);
    let mut nested = String::new();
    for _ in 0..12 {
        nested = format!("<a>{nested}</a><a>{nested}</a>");
    }
    drop(merge_texts(&wrap(&nested), &[("p.config", &wrap(&nested))], &Environment::default()));
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
}

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

#[test]
fn n308_a_large_file_that_is_allowed_is_read_in_seconds() {
    let filler = "x".repeat(60);
    let elements = (0..90_000).map(|n| format!("<s name='n{n}' value='{filler}'/>\n"));
    let elements = format!("<a>{}</a>", elements.collect::<String>());
    let references = format!("<a b='{0}'>{0}</a>", "x &amp; y ".repeat(450_000));
    let comments = format!("<a>{}</a>", "<!--c-->".repeat(1_000_000));
    let start = Instant::now();
    for text in [elements, references, comments] {
        assert!(parse(text.as_bytes(), Path::new("x.config")).is_ok());
    }
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
}

/// An element of a small vocabulary, so that two of them often mean the same.
fn element() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec!["a", "b", "c"]);
    let attribute = prop::sample::select(vec![
        "",
        " n='1'",
        " n='2'",
        " value='1'",
        " set:x='1'",
        " hint='list'",
        " hint='l'",
        " patch:before='*[1]'",
        " patch:after=\"a[@n='1']\"",
        " patch:instead='b'",
        " patch:before='gone'",
        " role:require='Standalone'",
        " role:require='x'",
    ]);
    let leaf = prop::sample::select(vec![
        "",
        "text",
        "<!--c-->",
        "<patch:delete/>",
        "<patch:attribute name='n'>3</patch:attribute>",
        "<patch:deleteattribute name='n'/>",
        "$(env:X)",
    ]);
    let leaf = leaf.prop_map(ToOwned::to_owned);
    leaf.prop_recursive(4, 24, 4, move |inner| {
        (name.clone(), attribute.clone(), prop::collection::vec(inner, 0..4)).prop_map(
            |(name, attribute, children)| {
                format!("<{name}{attribute}>{}</{name}>", children.concat())
            },
        )
    })
}

/// Whether everything below knows one of the two files, and a line that is there.
fn has_provenance(element: &Element) -> bool {
    let known = |origin: &vestibule::config::Origin| {
        let file = origin.file.to_string_lossy();
        (file == "vestibule.config" || file == "patch.config")
            && origin.line > 0
            && origin.column > 0
    };
    known(&element.origin)
        && element.attributes.iter().all(|a| known(&a.origin))
        && element.children.iter().all(|node| match node {
            Node::Element(child) => has_provenance(child),
            Node::Text(_, origin) => known(origin),
            Node::Comment(_) => true,
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn merging_any_two_trees_keeps_provenance(base in element(), patch in element()) {
        let (base, patch) = (wrap(&format!("<p>{base}</p>")), wrap(&format!("<p>{patch}</p>")));
        if let Ok(merged) = merge_texts(&base, &[("patch.config", &patch)], &Environment::default()) {
            prop_assert!(has_provenance(&merged.root));
        }
    }

    #[test]
    fn assigning_twice_is_assigning_once(values in prop::collection::vec((0..4_u8, 0..4_u8), 0..8)) {
        let base = "<s><i n='0'/><i n='1' x='9'/></s>";
        let items: String = values.iter().map(|(n, v)| format!("<i n='{n}' set:x='{v}' value='{v}'/>")).collect();
        let patch = format!("<s>{items}</s>");
        prop_assert_eq!(result(base, &[&patch]), result(base, &[&patch, &patch]));
    }

    #[test]
    fn no_bytes_make_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        drop(parse(&bytes, Path::new("x")));
    }

    #[test]
    fn no_markup_makes_the_parser_panic(text in "[<>/a&;:=\"'!\\-\\[\\]?x# \n]{0,60}") {
        drop(parse(text.as_bytes(), Path::new("x")));
    }

    #[test]
    fn no_xpath_makes_its_parser_panic(text in "[a@*/.\\[\\]()='\"and or1!:|]{0,40}") {
        drop(XPath::parse(&text));
    }
}
