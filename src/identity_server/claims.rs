//! Claims of a person as JSON, in the types that OpenID Connect Core §5.1 gives them.

use std::collections::BTreeSet;

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::claims::ClaimSet;

/// The claims called `names`, each once, with every value it has.
pub(super) fn select<'a>(
    claims: &ClaimSet,
    names: impl Iterator<Item = &'a str>,
) -> Map<String, Value> {
    let names: BTreeSet<&str> = names.collect();
    names.into_iter().filter_map(|name| Some((name.to_owned(), value(claims, name)?))).collect()
}

/// One value stands alone, several make an array (UI-05).
fn value(claims: &ClaimSet, name: &str) -> Option<Value> {
    let mut values: Vec<Value> = claims.values(name).map(|text| typed(name, text)).collect();
    match values.len() {
        0 => None,
        1 => values.pop(),
        _ => Some(Value::Array(values)),
    }
}

fn typed(name: &str, text: &str) -> Value {
    match name {
        "email_verified" | "phone_number_verified" => json!(text.eq_ignore_ascii_case("true")),
        "updated_at" => text.parse::<i64>().map_or_else(|_| json!(text), |seconds| json!(seconds)),
        "address" => match serde_json::from_str::<Map<String, Value>>(text) {
            Ok(members) => Value::Object(members),
            Err(_) => json!({"formatted": text}),
        },
        _ => json!(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oidcc_scope_all_types() {
        let mut claims = ClaimSet::default();
        for (kind, value) in [
            ("email_verified", "True"),
            ("updated_at", "1700000000"),
            ("address", r#"{"country":"DK"}"#),
            ("role", "a"),
            ("role", "b"),
            ("secret", "x"),
        ] {
            claims.add(kind, value);
        }
        let names = ["role", "address", "updated_at", "email_verified", "name", "role"];
        assert_eq!(
            Value::Object(select(&claims, names.into_iter())),
            json!({"address": {"country": "DK"}, "email_verified": true,
                "role": ["a", "b"], "updated_at": 1_700_000_000})
        );
        let mut plain = ClaimSet::default();
        plain.add("address", "Main Street 1");
        assert_eq!(
            select(&plain, ["address"].into_iter())["address"]["formatted"],
            "Main Street 1"
        );
    }
}
