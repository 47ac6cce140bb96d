//! The JSON of an ID token or userinfo answer becomes claims, renamed as Microsoft's JWT handler
//! renames them before any transformation runs (spec §1.3, "Inbound claim types").

use serde_json::Map;
use serde_json::Value;

use crate::claims::Claim;
use crate::claims::ClaimSet;
use crate::claims::types;

/// The claims of a verified JSON object, in its order.
///
/// Strings, numbers and booleans become one claim, arrays of those one claim per element, an object
/// its compact JSON text; null and nested arrays are no claims. A type that carries a name, a role
/// or a key ([`is_text`]) takes strings and arrays of strings alone: anything else counts as absent.
/// What only the protocol needs is left out; `exp` stays, because a shipped rule reads it.
///
/// With `rename`, short types become the long ones of [`long_type`]. Without, all but `idp` keep
/// their names: that one is always [`types::IDENTITY_PROVIDER`], so that `idp` means the name that
/// `SetIdpClaimTransform` sets.
pub fn claims(json: &Map<String, Value>, rename: bool) -> ClaimSet {
    json.iter()
        .filter(|(kind, _)| !PROTOCOL_ONLY.contains(&kind.as_str()))
        .flat_map(|(kind, value)| {
            let long = if rename || kind == types::IDP { long_type(kind) } else { kind };
            texts(value, is_text(kind)).into_iter().map(move |text| Claim::new(long, text))
        })
        .collect()
}

/// The long type of a short one; any other is its own.
pub fn long_type(kind: &str) -> &str {
    RENAMED.iter().find(|(short, _)| *short == kind).map_or(kind, |(_, long)| long)
}

/// Whether claims of this type are text by nature: everything that is renamed, and the other types
/// that name people and groups.
fn is_text(kind: &str) -> bool {
    TEXT.contains(&kind) || RENAMED.iter().any(|(short, long)| *short == kind || *long == kind)
}

fn texts(value: &Value, text_only: bool) -> Vec<String> {
    let elements = match value.as_array() {
        Some(elements) => elements.as_slice(),
        None => std::slice::from_ref(value),
    };
    elements.iter().filter_map(|element| text(element, text_only)).collect()
}

fn text(value: &Value, text_only: bool) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Null | Value::Array(_) => None,
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => {
            (!text_only).then(|| value.to_string())
        }
    }
}

/// Claims about the token, not about the person, and those that name sources elsewhere (OpenID
/// Connect Core §5.6.2), which are never fetched.
const PROTOCOL_ONLY: [&str; 9] =
    ["iss", "aud", "nonce", "at_hash", "c_hash", "s_hash", "azp", "_claim_names", "_claim_sources"];

const TEXT: [&str; 4] = ["name", "groups", "preferred_username", types::NAME];

/// Short type → long type (spec §1.3).
const RENAMED: [(&str, &str); 25] = [
    ("sub", types::NAME_IDENTIFIER),
    ("nameid", types::NAME_IDENTIFIER),
    ("email", types::EMAIL),
    ("unique_name", types::NAME),
    ("given_name", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname"),
    ("family_name", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname"),
    ("upn", types::UPN),
    ("birthdate", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/dateofbirth"),
    ("gender", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/gender"),
    ("website", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/webpage"),
    ("role", types::ROLE),
    ("roles", types::ROLE),
    ("groupsid", "http://schemas.microsoft.com/ws/2008/06/identity/claims/groupsid"),
    ("primarysid", "http://schemas.microsoft.com/ws/2008/06/identity/claims/primarysid"),
    (
        "winaccountname",
        "http://schemas.microsoft.com/ws/2008/06/identity/claims/windowsaccountname",
    ),
    ("oid", "http://schemas.microsoft.com/identity/claims/objectidentifier"),
    ("tid", "http://schemas.microsoft.com/identity/claims/tenantid"),
    ("scp", "http://schemas.microsoft.com/identity/claims/scope"),
    (types::IDP, types::IDENTITY_PROVIDER),
    ("acr", "http://schemas.microsoft.com/claims/authnclassreference"),
    ("amr", "http://schemas.microsoft.com/claims/authnmethodsreferences"),
    ("group", "http://schemas.xmlsoap.org/claims/Group"),
    ("commonname", "http://schemas.xmlsoap.org/claims/CommonName"),
    ("adfs1email", "http://schemas.xmlsoap.org/claims/EmailAddress"),
    ("adfs1upn", "http://schemas.xmlsoap.org/claims/UPN"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str, rename: bool) -> Vec<(String, String)> {
        let Value::Object(json) = serde_json::from_str(json).unwrap() else {
            panic!("not an object: {json}")
        };
        claims(&json, rename).iter().map(|c| (c.kind.clone(), c.value.clone())).collect()
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn short_types_become_long_ones_and_the_rest_keep_their_names() {
        let json = r#"{"sub":"7","email":"a@b.test","upn":"a@corp.test","roles":["x","y"],
            "oid":"o","name":"Ann","groups":["g"],"preferred_username":"ann","exp":1700000000}"#;
        let soap = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/";
        let role = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role";
        let expected = pairs(&[
            (&format!("{soap}nameidentifier"), "7"),
            (&format!("{soap}emailaddress"), "a@b.test"),
            (&format!("{soap}upn"), "a@corp.test"),
            (role, "x"),
            (role, "y"),
            ("http://schemas.microsoft.com/identity/claims/objectidentifier", "o"),
            ("name", "Ann"),
            ("groups", "g"),
            ("preferred_username", "ann"),
            ("exp", "1700000000"),
        ]);
        assert_eq!(read(json, true), expected);
    }

    #[test]
    fn the_identity_servers_claims_keep_their_short_names() {
        let json = r#"{"iss":"https://id.test","aud":"Sitecore","sub":"7","name":"sitecore\\jane",
            "role":"sitecore\\Author","email":"j@x.test","nonce":"n","at_hash":"h"}"#;
        let expected = pairs(&[
            ("sub", "7"),
            ("name", "sitecore\\jane"),
            ("role", "sitecore\\Author"),
            ("email", "j@x.test"),
        ]);
        assert_eq!(read(json, false), expected);
    }

    #[test]
    fn a20_an_inbound_idp_never_has_that_name() {
        let renamed = "http://schemas.microsoft.com/identity/claims/identityprovider";
        for rename in [true, false] {
            assert_eq!(read(r#"{"idp":"okta"}"#, rename), pairs(&[(renamed, "okta")]));
        }
    }

    #[test]
    fn a19_a_wrong_type_is_an_absent_claim() {
        let role = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role";
        assert_eq!(read(r#"{"roles":"Admin"}"#, true), pairs(&[(role, "Admin")]));
        for json in [
            r#"{"roles":{"Admin":true}}"#,
            r#"{"roles":[["Admin"]]}"#,
            r#"{"roles":null}"#,
            r#"{"roles":true}"#,
            r#"{"sub":123}"#,
            r#"{"email":{"value":"a@b.test"}}"#,
            r#"{"name":1}"#,
        ] {
            assert_eq!(read(json, true), pairs(&[]), "{json}");
        }
        assert_eq!(read(r#"{"groups":["a",{"b":1},["c"],null,"d"]}"#, true).len(), 2);
    }

    #[test]
    fn other_types_become_text_as_written() {
        let json = r#"{"email_verified":false,"level":3,"address":{"country":"NL"},"a":[1,true]}"#;
        let expected = pairs(&[
            ("email_verified", "false"),
            ("level", "3"),
            ("address", r#"{"country":"NL"}"#),
            ("a", "1"),
            ("a", "true"),
        ]);
        assert_eq!(read(json, true), expected);
    }

    #[test]
    fn a17_a_list_stays_a_list_whatever_its_values_hold() {
        let read = read(r#"{"groups":["x,sitecore\\Admin","y|Admin"]}"#, true);
        assert_eq!(read, pairs(&[("groups", "x,sitecore\\Admin"), ("groups", "y|Admin")]));
    }

    #[test]
    fn m304_distributed_claims_are_not_claims() {
        let json = r#"{"_claim_sources":{"a":{"endpoint":"http://127.0.0.1:6379"}}}"#;
        assert!(read(json, true).is_empty());
    }
}
