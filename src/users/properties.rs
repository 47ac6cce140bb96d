//! The property initializer: every map, in order, for the users of all providers (spec §1.6).

use std::collections::BTreeMap;

use crate::claims::ClaimSet;
use crate::config::model::PropertyMap;

/// The properties that `maps` make of `claims`. Of several claims that a map matches the first
/// counts; a later map overwrites an earlier one.
pub(super) fn of(maps: &[PropertyMap], claims: &ClaimSet) -> BTreeMap<String, String> {
    let mut properties = BTreeMap::new();
    for map in maps {
        if let Some(claim) = claims.iter().find(|claim| map.source.matches(claim)) {
            let value = map.value.as_ref().unwrap_or(&claim.value);
            properties.insert(spelling(&map.property, &properties), value.clone());
        }
    }
    properties
}

/// Whether the property `IsAdministrator` says `true`.
pub(super) fn is_administrator(properties: &BTreeMap<String, String>) -> bool {
    properties.get("IsAdministrator").is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

/// Property names are compared without regard to case: built-in ones have their usual spelling,
/// others the one that was written first.
fn spelling(name: &str, known: &BTreeMap<String, String>) -> String {
    let built_in = BUILT_IN.into_iter().find(|b| b.eq_ignore_ascii_case(name));
    let written = || known.keys().map(String::as_str).find(|k| k.eq_ignore_ascii_case(name));
    built_in.or_else(written).unwrap_or(name).to_owned()
}

const BUILT_IN: [&str; 6] = ["Email", "FullName", "Name", "Comment", "Portrait", "IsAdministrator"];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::fault::Origin;
    use crate::config::model::ClaimPattern;

    fn map(source: &str, wanted: Option<&str>, property: &str, value: Option<&str>) -> PropertyMap {
        PropertyMap {
            name: "map".into(),
            source: ClaimPattern { kind: source.to_owned(), value: wanted.map(str::to_owned) },
            property: property.to_owned(),
            value: value.map(str::to_owned),
            origin: Origin { file: Path::new("a.config").into(), line: 1, column: 1 },
        }
    }

    fn claims(claims: &[(&str, &str)]) -> ClaimSet {
        claims.iter().map(|(k, v)| crate::claims::Claim::new(*k, *v)).collect()
    }

    #[test]
    fn maps_copy_values_or_set_constants() {
        let maps = [
            map("email", None, "email", None),
            map("level", Some("gold"), "Comment", Some("a good customer")),
            map("level", Some("silver"), "Comment", Some("a customer")),
            map("picture", None, "PictureUrl", None),
        ];
        let made = of(&maps, &claims(&[("level", "gold"), ("email", "a@b.test"), ("email", "2")]));
        assert_eq!(made["Email"], "a@b.test");
        assert_eq!(made["Comment"], "a good customer");
        assert_eq!(made.len(), 2);
    }

    #[test]
    fn names_are_compared_without_regard_to_case_and_later_maps_win() {
        let maps = [
            map("a", None, "Fullname", None),
            map("b", None, "FULLNAME", None),
            map("a", None, "pictureUrl", None),
            map("b", None, "PictureUrl", None),
        ];
        let made = of(&maps, &claims(&[("a", "first"), ("b", "second")]));
        assert_eq!(made["FullName"], "second");
        assert_eq!(made["pictureUrl"], "second");
        assert_eq!(made.len(), 2);
    }

    #[test]
    fn only_true_makes_an_administrator() {
        let admin = |value: &str| {
            let maps = [map("isAdmin", None, "isadministrator", None)];
            is_administrator(&of(&maps, &claims(&[("isAdmin", value)])))
        };
        assert!(admin("true") && admin("True"));
        assert!(!admin("1") && !admin("yes") && !admin("") && !admin("true "));
    }
}
