//! Whose people may come in at a provider that many organisations share: Entra ID's tenants, Google's
//! hosted domains.

use serde_json::Map;
use serde_json::Value;

use crate::config::model::OpenIdConnect;
use crate::config::model::Tenants;
use crate::login::oidc::fault::Fault;
use crate::login::oidc::metadata::Metadata;

/// Admits the person of a verified ID token, by its own claims: what the browser was asked for (`hd`,
/// a tenant in the address) can be changed on the way.
///
/// # Errors
///
/// [`Fault::Outsider`].
pub(super) fn admit(
    connection: &OpenIdConnect,
    metadata: &Metadata,
    claims: &Map<String, Value>,
) -> Result<(), Fault> {
    let said = |name: &str| claims.get(name).and_then(Value::as_str);
    let in_issuer = said("iss").and_then(|issuer| metadata.tenant(issuer));
    if let Some(tenant) = in_issuer {
        let named = said("tid").ok_or(Fault::Outsider("there is no tid"))?;
        if !named.eq_ignore_ascii_case(tenant) {
            return Err(Fault::Outsider("tid and iss name different tenants"));
        }
        let admitted = match &connection.tenants {
            Tenants::Any => true,
            Tenants::Listed(ids) => ids.iter().any(|id| id.eq_ignore_ascii_case(tenant)),
            Tenants::One => false,
        };
        if !admitted {
            return Err(Fault::Outsider("the tenant is not one of those that are listed"));
        }
    }
    match &connection.hosted_domain {
        Some(domain) if !said("hd").is_some_and(|hd| hd.eq_ignore_ascii_case(domain)) => {
            Err(Fault::Outsider("hd is not the domain that is configured"))
        }
        Some(_) | None => Ok(()),
    }
}
