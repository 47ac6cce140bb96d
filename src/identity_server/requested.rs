//! The `claims` request parameter (OpenID Connect Core §5.5): claims asked for by name.

use serde::Deserialize;
use serde::Serialize;
use serde_json::Map;
use serde_json::Value;

/// What a request asks for by name. `essential` changes nothing (§5.5.1): what is there is given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RequestedClaims {
    /// Claims wanted in the ID token.
    pub(super) id_token: Vec<String>,
    /// Claims wanted at the userinfo endpoint.
    pub(super) userinfo: Vec<String>,
    /// The one subject that is wanted (`"sub": {"value": …}`).
    pub(super) subject: Option<String>,
}

/// Most names in one request.
const MOST: usize = 100;

impl RequestedClaims {
    /// Reads the parameter; `None` when it is not what §5.5 describes.
    pub(super) fn read(text: &str) -> Option<Self> {
        let members: Map<String, Value> = serde_json::from_str(text).ok()?;
        let id_token = names(&members, "id_token")?;
        let userinfo = names(&members, "userinfo")?;
        let wanted = members.get("id_token").and_then(|m| m.get("sub")?.get("value"));
        let subject = match wanted {
            Some(value) => Some(value.as_str()?.to_owned()),
            None => None,
        };
        Some(Self { id_token, userinfo, subject })
    }
}

fn names(members: &Map<String, Value>, place: &str) -> Option<Vec<String>> {
    let Some(wanted) = members.get(place) else { return Some(Vec::new()) };
    let wanted = wanted.as_object()?;
    let fine = wanted.len() <= MOST && wanted.values().all(|how| how.is_null() || how.is_object());
    fine.then(|| wanted.keys().cloned().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oidcc_claims_essential() {
        let text = r#"{"userinfo":{"name":{"essential":true},"email":null},
            "id_token":{"sub":{"value":"s"},"auth_time":{"essential":true}}}"#;
        let claims = RequestedClaims::read(text).unwrap();
        assert_eq!(claims.userinfo, ["name", "email"]);
        assert_eq!(claims.id_token, ["sub", "auth_time"]);
        assert_eq!(claims.subject.as_deref(), Some("s"));
    }

    #[test]
    fn anything_else_is_refused() {
        let many = format!(
            r#"{{"userinfo":{{{}}}}}"#,
            (0..101).map(|n| format!("\"c{n}\":null")).collect::<Vec<_>>().join(",")
        );
        for text in [
            "",
            "x",
            "[]",
            "1",
            r#"{"id_token":1}"#,
            r#"{"userinfo":{"name":1}}"#,
            r#"{"id_token":{"sub":{"value":1}}}"#,
            &many,
            &"[".repeat(10_000),
        ] {
            assert_eq!(RequestedClaims::read(text), None, "{text:.60}");
        }
    }
}
