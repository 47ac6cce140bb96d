//! `{rule}:require` in files.

use vestibule::config::Environment;
use vestibule::config::merge::merge_texts;

use super::NAMESPACES;
use super::faults;
use super::merged;
use super::result;
use super::shape;
use super::wrap;

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
