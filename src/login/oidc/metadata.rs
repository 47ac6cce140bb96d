//! What a provider says of itself (OpenID Connect Discovery 1.0 §3–4), believed only under the name
//! that was configured.

use openidconnect::AdditionalProviderMetadata;
use openidconnect::AuthUrl;
use openidconnect::LogoutProviderMetadata;
use openidconnect::ProviderMetadata;
use openidconnect::TokenUrl;
use openidconnect::core::CoreAuthDisplay;
use openidconnect::core::CoreClaimName;
use openidconnect::core::CoreClaimType;
use openidconnect::core::CoreClientAuthMethod;
use openidconnect::core::CoreGrantType;
use openidconnect::core::CoreJsonWebKey;
use openidconnect::core::CoreJweContentEncryptionAlgorithm;
use openidconnect::core::CoreJweKeyManagementAlgorithm;
use openidconnect::core::CoreResponseMode;
use openidconnect::core::CoreResponseType;
use openidconnect::core::CoreSubjectIdentifierType;
use serde::Deserialize;
use serde::Serialize;
use url::Url;

use crate::config::model::OpenIdConnect;
use crate::config::model::Tenants;
use crate::http::client::PlainHttp;
use crate::http::client::is_loopback;
use crate::login::oidc::fault::Fault;

/// The part of a discovery document that we use.
#[derive(Clone, Debug)]
pub(in crate::login) struct Metadata {
    /// The issuer: the configured one, or the one of the tenant that the document names; for a
    /// document of all tenants a pattern with [`OpenIdConnect::TENANT`] in it.
    pub issuer: String,
    /// Where people are sent to sign in.
    pub authorization_endpoint: AuthUrl,
    /// Where codes are redeemed.
    pub token_endpoint: TokenUrl,
    /// Where the provider's keys are.
    pub jwks_uri: Url,
    /// Where further claims are.
    pub userinfo_endpoint: Option<Url>,
    /// Where people are sent to sign out.
    pub end_session_endpoint: Option<Url>,
    /// Whether authorization responses must carry `iss` (RFC 9207 §3).
    pub names_issuer: bool,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Further {
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for Further {}

#[derive(Deserialize)]
#[serde(transparent)]
#[expect(clippy::type_complexity, reason = "the one place that spells out the crate's parameters")]
struct Document(
    ProviderMetadata<
        LogoutProviderMetadata<Further>,
        CoreAuthDisplay,
        CoreClientAuthMethod,
        CoreClaimName,
        CoreClaimType,
        CoreGrantType,
        CoreJweContentEncryptionAlgorithm,
        CoreJweKeyManagementAlgorithm,
        CoreJsonWebKey,
        CoreResponseMode,
        CoreResponseType,
        CoreSubjectIdentifierType,
    >,
);

/// Where the provider's discovery document is.
pub(super) fn address(connection: &OpenIdConnect) -> String {
    if let Some(address) = &connection.metadata_address {
        return address.to_string();
    }
    let issuer = connection.issuer.strip_suffix('/').unwrap_or(&connection.issuer);
    format!("{issuer}/.well-known/openid-configuration")
}

/// To whom plain http is spoken on behalf of a provider: without the owner's leave only to this
/// machine, and only for a provider that the configuration places here. What a provider elsewhere
/// says of itself never makes us call our own neighbours.
pub(super) fn plain_http(connection: &OpenIdConnect) -> PlainHttp {
    if !connection.require_https {
        return PlainHttp::Anywhere;
    }
    let issuer = Url::parse(&connection.issuer).ok();
    let mut configured = issuer.iter().chain(&connection.metadata_address);
    let here = configured.any(|url| url.host().is_some_and(|host| is_loopback(&host)));
    if here { PlainHttp::Loopback } else { PlainHttp::Never }
}

/// Reads a discovery document.
///
/// # Errors
///
/// [`Fault::Metadata`] when a required member is missing, the issuer is not exactly the configured
/// one (§4.3), or an endpoint is not an address that may be called.
pub(super) fn read(connection: &OpenIdConnect, json: &[u8]) -> Result<Metadata, Fault> {
    let Document(document) =
        serde_json::from_slice(json).map_err(|error| Fault::Metadata(error.to_string()))?;
    let issuer = issuer(connection, document.issuer().as_str())?;
    let token = document.token_endpoint().ok_or_else(|| wrong("it has no token_endpoint"))?;
    let logout = document.additional_metadata();
    let metadata = Metadata {
        issuer,
        authorization_endpoint: document.authorization_endpoint().clone(),
        token_endpoint: token.clone(),
        jwks_uri: document.jwks_uri().url().clone(),
        userinfo_endpoint: document.userinfo_endpoint().map(|at| at.url().clone()),
        end_session_endpoint: logout.end_session_endpoint.as_ref().map(|at| at.url().clone()),
        names_issuer: logout.additional_metadata.authorization_response_iss_parameter_supported,
    };
    metadata.check(connection)?;
    Ok(metadata)
}

/// The issuer that is believed under the name `named`: exactly the configured one, or where that is
/// a pattern for one tenant, the pattern with an id in the place.
fn issuer(connection: &OpenIdConnect, named: &str) -> Result<String, Fault> {
    let configured = &connection.issuer;
    let fits = match connection.tenants {
        Tenants::One => match configured.split_once(OpenIdConnect::TENANT) {
            Some(_) => OpenIdConnect::tenant_of(configured, named).is_some(),
            None => named == configured,
        },
        Tenants::Listed(_) | Tenants::Any => named == configured,
    };
    if fits {
        return Ok(named.to_owned());
    }
    Err(Fault::Metadata(format!("it names the issuer {named:?}, and {configured:?} is configured")))
}

/// The names that an issuer goes by.
#[derive(Clone, Copy, Debug)]
pub(in crate::login) struct Issuer<'a> {
    /// As in [`Metadata::issuer`].
    pub name: &'a str,
    /// Another spelling.
    pub alias: Option<&'a str>,
}

impl Issuer<'_> {
    /// Whether `said` is one of them, compared exactly but for a tenant's id.
    pub(in crate::login) fn is(self, said: &str) -> bool {
        if self.name.contains(OpenIdConnect::TENANT) {
            return OpenIdConnect::tenant_of(self.name, said).is_some();
        }
        said == self.name || self.alias == Some(said)
    }

    /// Whether two that both are this issuer are the same one: of many tenants the same, else in
    /// whichever spelling.
    pub(super) fn is_one(self, before: Option<&str>, now: Option<&str>) -> bool {
        before == now || !self.name.contains(OpenIdConnect::TENANT)
    }
}

impl Metadata {
    /// The names of this provider.
    pub(in crate::login) fn names<'a>(&'a self, connection: &'a OpenIdConnect) -> Issuer<'a> {
        Issuer { name: &self.issuer, alias: connection.issuer_alias.as_deref() }
    }

    /// The tenant that an issuer of this provider names; `None` where it has but one.
    pub(super) fn tenant<'i>(&self, issuer: &'i str) -> Option<&'i str> {
        OpenIdConnect::tenant_of(&self.issuer, issuer)
    }

    fn check(&self, connection: &OpenIdConnect) -> Result<(), Fault> {
        let always = [self.authorization_endpoint.url(), self.token_endpoint.url(), &self.jwks_uri];
        let sometimes = [&self.userinfo_endpoint, &self.end_session_endpoint];
        let endpoints = always.into_iter().chain(sometimes.into_iter().flatten());
        let plain_http = plain_http(connection);
        for endpoint in endpoints {
            let plain = endpoint.host().is_some_and(|host| plain_http.reaches(&host));
            if endpoint.scheme() != "https" && !(endpoint.scheme() == "http" && plain) {
                return Err(wrong("an endpoint is not https"));
            }
        }
        Ok(())
    }
}

fn wrong(what: &str) -> Fault {
    Fault::Metadata(what.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::login::testing::connection;

    fn token_endpoint(issuer: &str, token_endpoint: &str) -> Result<Metadata, Fault> {
        let document = json!({
            "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": token_endpoint, "jwks_uri": format!("{issuer}/jwks"),
            "response_types_supported": ["code"], "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"]
        });
        read(&connection(issuer), document.to_string().as_bytes())
    }

    #[test]
    fn h191_a_provider_elsewhere_never_points_at_plain_http_on_this_machine() {
        for inward in ["http://127.0.0.1:8080/admin", "http://localhost/", "http://[::1]/x"] {
            assert!(token_endpoint("https://idp.test", inward).is_err(), "{inward}");
            assert!(token_endpoint("http://127.0.0.1:9", inward).is_ok(), "{inward}");
        }
        assert!(token_endpoint("https://idp.test", "https://idp.test/token").is_ok());
    }
}
