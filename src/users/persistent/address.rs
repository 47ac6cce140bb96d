//! Addresses that a provider vouches for: claims about mail are believed of the providers that give
//! out the addresses of a domain themselves, and of nobody else (security.md M295, M296).

use serde_json::Map;
use serde_json::Value;

use crate::config::model::Provider;

/// The address in the claims that `provider` sent, when it is authoritative for its domain and says
/// that it is verified: `email_verified` is the boolean `true`, not a text that reads like it.
pub fn vouched_for<'c>(provider: &Provider, claims: &'c Map<String, Value>) -> Option<&'c str> {
    let address = claims.get("email")?.as_str()?;
    let verified = claims.get("email_verified") == Some(&Value::Bool(true));
    (verified && is_authoritative(provider, address)).then_some(address)
}

/// Whether `provider` gives out the addresses of the domain of `address`.
pub(super) fn is_authoritative(provider: &Provider, address: &str) -> bool {
    domain(address).is_some_and(|domain| {
        provider.authoritative_for.iter().any(|own| own.eq_ignore_ascii_case(domain))
    })
}

/// The domain of a plain address: one `@`, visible ASCII, nothing quoted, nothing commented.
fn domain(address: &str) -> Option<&str> {
    let (local, domain) = address.split_once('@')?;
    let plain = |c: char| c.is_ascii_graphic() && !"@\"()<>,;:\\[]".contains(c);
    let whole = !local.is_empty() && !domain.is_empty() && address.len() <= LONGEST;
    (whole && local.chars().all(plain) && domain.chars().all(plain)).then_some(domain)
}

/// RFC 5321 §4.5.3.1.3: a path has 256 octets, of which two are brackets.
const LONGEST: usize = 254;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::users::testing;

    fn vouched(claims: &Value) -> bool {
        let mut provider = testing::provider("Okta");
        provider.authoritative_for = vec!["company.test".to_owned()];
        vouched_for(&provider, claims.as_object().unwrap()).is_some()
    }

    #[test]
    fn m295_only_the_boolean_says_that_an_address_is_verified() {
        let email = "jane@company.test";
        assert!(vouched(&json!({ "email": email, "email_verified": true })));
        for verified in [json!("true"), json!(1), json!(false), json!(null), json!([true])] {
            assert!(!vouched(&json!({ "email": email, "email_verified": verified })), "{verified}");
        }
        assert!(!vouched(&json!({ "email": email })));
        assert!(!vouched(&json!({ "email": [email], "email_verified": true })));
        assert!(!vouched(&json!({ "upn": email, "email_verified": true })));
    }

    #[test]
    fn m296_an_address_has_one_reading() {
        let says = |email: &str| vouched(&json!({ "email": email, "email_verified": true }));
        assert!(says("a@company.test") && says("A@COMPANY.TEST") && says("a.b+c@Company.test"));
        for email in [
            "a@evil.test@company.test",
            "a@companyXtest",
            "a@evilcompany.test",
            "a@sub.company.test",
            "\"a@b\"@company.test",
            "\"a\"@company.test",
            "a@company.test\n",
            " a@company.test",
            "a@company.test ",
            "a@company.test.",
            "a@\u{441}ompany.test",
            "a\u{430}@company.test",
            "a@company.test\u{0}",
            "a@company.test>",
            "<a@company.test",
            "a(b)@company.test",
            "@company.test",
            "company.test",
            "a@",
            "",
        ] {
            assert!(!says(email), "{email:?}");
        }
        assert!(!says(&format!("{}@company.test", "a".repeat(242))));
    }

    #[test]
    fn m295_without_the_owners_word_nobody_is_believed() {
        let claims = json!({ "email": "a@company.test", "email_verified": true });
        let provider = testing::provider("Okta");
        assert_eq!(vouched_for(&provider, claims.as_object().unwrap()), None);
    }
}
