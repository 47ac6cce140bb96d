//! Group overage: Entra ID leaves the groups out of a token that would grow too long, and says only
//! where to ask for them. The person is signed in without the rights of those groups, and the owner
//! told why and what to do.

use serde_json::Map;
use serde_json::Value;

/// The claim that notes it, for `explain` and the audit trail. No provider can say it.
pub(super) const CLAIM: &str = "groups_overage";

/// What the owner does about it.
pub(super) const ADVICE: &str = "Entra ID left the person's groups out, because they are more than a token holds (200): choose \"Groups assigned to the application\" in the application's token configuration, or assign app roles and map the claim roles";

/// Whether the groups were left out: with a reference to where they are (`_claim_names`), or in
/// tokens that came through the browser with `hasgroups`.
pub(super) fn left_groups_out(claims: &Map<String, Value>) -> bool {
    let elsewhere = claims.get("_claim_names").and_then(Value::as_object);
    let elsewhere = elsewhere.is_some_and(|names| names.contains_key("groups"));
    let has = match claims.get("hasgroups") {
        Some(Value::Bool(has)) => *has,
        Some(Value::String(has)) => has.eq_ignore_ascii_case("true"),
        Some(_) | None => false,
    };
    (elsewhere || has) && !claims.contains_key("groups")
}
