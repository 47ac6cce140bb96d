//! What is stripped from every request, and what the CMS is told about the caller.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::header;

use crate::claims::types;
use crate::config::model::Config;
use crate::config::model::HeaderSource;
use crate::config::model::IdentityHeader;
use crate::gate::encoding;
use crate::gate::names;
use crate::gate::names::Names;
use crate::session::Identity;

/// The header rules of one configuration.
#[derive(Debug)]
pub struct HeaderRules {
    identity: Vec<IdentityHeader>,
    own: Names,
}

impl HeaderRules {
    /// The rules of `config`.
    pub fn new(config: &Config) -> Self {
        let identity = config.identity_headers.headers.clone();
        let assertion = config.identity_headers.assertion.clone();
        let names = identity
            .iter()
            .map(|h| h.name.as_str())
            .chain(assertion.as_ref().map(HeaderName::as_str));
        Self { own: Names::new(names), identity }
    }

    /// Takes out whatever only we may say, and, unless the peer is a trusted proxy, the whole
    /// forwarding family. Runs before anything else reads the headers, on every route.
    ///
    /// Headers that `Connection` names go too (RFC 9110 §7.6.1), before ours are added, so that a
    /// client cannot have ours removed by a hop.
    pub fn strip(&self, headers: &mut HeaderMap, trusted_peer: bool) {
        remove_named_by_connection(headers);
        let ends_here =
            |name: &&HeaderName| HOP_BY_HOP.contains(name) || self.is_forged(name, trusted_peer);
        remove_all(headers, ends_here);
    }

    /// Whether a header or trailer of this name is only ours to send.
    pub fn is_forged(&self, name: &HeaderName, trusted_peer: bool) -> bool {
        let mut buffer = [0; names::LONGEST];
        let Some(skeleton) = names::skeleton(name.as_str(), &mut buffer) else { return true };
        self.own.contain(skeleton)
            || names::is_alias(name, skeleton)
            || (names::is_proxy_family(name, skeleton) && !(trusted_peer && believed(name)))
    }

    /// The identity headers for `identity`, in the configured order; a header without a value is
    /// left out.
    pub fn render(&self, identity: &Identity) -> Vec<(HeaderName, HeaderValue)> {
        let rendered = |header: &IdentityHeader| {
            Some((header.name.clone(), value_of(&header.source, identity)?))
        };
        self.identity.iter().filter_map(rendered).collect()
    }
}

/// The forwarding headers that a trusted proxy is believed; the rest of the family is stripped from
/// it as well.
fn believed(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "forwarded"
            | "x-forwarded-for"
            | "x-forwarded-proto"
            | "x-forwarded-host"
            | "x-forwarded-port"
    )
}

fn value_of(source: &HeaderSource, identity: &Identity) -> Option<HeaderValue> {
    let user = &identity.user;
    let some = |text: &str| (!text.is_empty()).then(|| encoding::single(text));
    match source {
        HeaderSource::UserName => some(&user.name),
        HeaderSource::LocalName => some(user.local_name()),
        HeaderSource::Email => some(user.property("Email")?),
        HeaderSource::Roles if user.roles.is_empty() => None,
        HeaderSource::Roles => Some(encoding::list(user.roles.iter().map(String::as_str))),
        HeaderSource::IsAdministrator => some(if user.is_administrator { "true" } else { "false" }),
        HeaderSource::Provider => some(&identity.provider),
        HeaderSource::Property(name) => some(user.property(name)?),
        HeaderSource::Claim(kind) => {
            identity.claims.first(kind)?;
            Some(encoding::list(identity.claims.values(kind)))
        }
        HeaderSource::EasyAuthPrincipal => HeaderValue::try_from(easy_auth(identity)).ok(),
    }
}

/// The principal as App Service writes it: base64 of JSON, the claims as `typ` and `val`.
fn easy_auth(identity: &Identity) -> String {
    let claim = |kind: &str, value: &str| serde_json::json!({ "typ": kind, "val": value });
    let principal = serde_json::json!({
        "auth_typ": &*identity.provider,
        "name_typ": types::NAME,
        "role_typ": types::ROLE,
        "claims": identity.claims.iter().map(|c| claim(&c.kind, &c.value)).collect::<Vec<_>>(),
    });
    STANDARD.encode(principal.to_string())
}

/// Removes `Connection`, everything it names, and the other fields of one hop.
pub fn remove_hop_by_hop(headers: &mut HeaderMap) {
    remove_named_by_connection(headers);
    remove_all(headers, |name| HOP_BY_HOP.contains(name));
}

fn remove_named_by_connection(headers: &mut HeaderMap) {
    if !headers.contains_key(header::CONNECTION) {
        return;
    }
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .filter_map(|name| HeaderName::try_from(name.trim()).ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
}

/// Removes the headers that `condemned` picks, in one pass over the names.
fn remove_all(headers: &mut HeaderMap, condemned: impl FnMut(&&HeaderName) -> bool) {
    let names: Vec<HeaderName> = headers.keys().filter(condemned).cloned().collect();
    for name in &names {
        headers.remove(name);
    }
}

const HOP_BY_HOP: [HeaderName; 11] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::EXPECT,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("http2-settings"),
];
