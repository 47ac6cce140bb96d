//! What holds for any two trees, and for any bytes.

use std::path::Path;

use proptest::prelude::*;
use vestibule::config::Environment;
use vestibule::config::Origin;
use vestibule::config::merge::merge_texts;
use vestibule::config::parse::parse;
use vestibule::config::tree::Element;
use vestibule::config::tree::Node;
use vestibule::config::xpath::XPath;

use super::result;
use super::wrap;

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
    let known = |origin: &Origin| {
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
        let item = |(n, v): &(u8, u8)| format!("<i n='{n}' set:x='{v}' value='{v}'/>");
        let patch = format!("<s>{}</s>", values.iter().map(item).collect::<String>());
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
