//! `<identityHeaders>`: what the CMS is told about the caller, and in which headers.

use std::time::Duration;

use http::HeaderName;

use crate::config::fault::Origin;
use crate::config::model::HeaderSource;
use crate::config::model::IdentityHeader;
use crate::config::model::IdentityHeaders;
use crate::config::read::gateway::Gateway;
use crate::config::read::ours::Ours;
use crate::config::read::report::Report;
use crate::config::tree::Element;

/// Reads the section; without one the preset `forwarded` holds.
pub(crate) fn read(gateway: Gateway<'_>, report: &mut Report) -> IdentityHeaders {
    let attributes = ["preset", "assertion", "assertionLifetime"];
    let lifetime = Duration::from_mins(5);
    let Some(ours) = gateway.section("identityHeaders", &attributes, &["header"], report) else {
        let headers = preset("forwarded").unwrap_or_default();
        return IdentityHeaders { headers, assertion: None, assertion_lifetime: lifetime };
    };
    let known = "forwarded, remote-user, x-auth-request, easyauth or none";
    let headers = match ours.text("preset") {
        None => preset("forwarded"),
        Some(_) => ours.parse("preset", known, report, preset),
    };
    let mut headers = headers.unwrap_or_default();
    let mut taken: Vec<String> = headers.iter().map(|h| skeleton(h.name.as_str())).collect();
    for element in ours.children("header") {
        let Some(header) = header(element, report) else { continue };
        claim_name(&header.name, &element.origin, &mut taken, report);
        headers.push(header);
    }
    let assertion = ours.text("assertion").filter(|name| !name.is_empty() && *name != "none");
    let assertion = assertion.and_then(|text| name(text, ours.origin_of("assertion"), report));
    if let Some(name) = &assertion {
        claim_name(name, ours.origin_of("assertion"), &mut taken, report);
    }
    let assertion_lifetime = ours.duration("assertionLifetime", lifetime, report);
    IdentityHeaders { headers, assertion, assertion_lifetime }
}

fn preset(name: &str) -> Option<Vec<IdentityHeader>> {
    use HeaderSource::EasyAuthPrincipal;
    use HeaderSource::Email;
    use HeaderSource::LocalName;
    use HeaderSource::Property;
    use HeaderSource::Provider;
    use HeaderSource::Roles;
    use HeaderSource::UserName;
    let header =
        |name: &'static str, source| IdentityHeader { name: HeaderName::from_static(name), source };
    Some(match name {
        "forwarded" => vec![
            header("x-forwarded-user", UserName),
            header("x-forwarded-email", Email),
            header("x-forwarded-groups", Roles),
            header("x-forwarded-preferred-username", LocalName),
        ],
        "remote-user" => vec![
            header("remote-user", UserName),
            header("remote-groups", Roles),
            header("remote-name", Property("FullName".to_owned())),
            header("remote-email", Email),
        ],
        "x-auth-request" => vec![
            header("x-auth-request-user", UserName),
            header("x-auth-request-email", Email),
            header("x-auth-request-groups", Roles),
            header("x-auth-request-preferred-username", LocalName),
        ],
        "easyauth" => vec![
            header("x-ms-client-principal-name", UserName),
            header("x-ms-client-principal-id", UserName),
            header("x-ms-client-principal-idp", Provider),
            header("x-ms-client-principal", EasyAuthPrincipal),
        ],
        "none" => Vec::new(),
        _ => return None,
    })
}

fn header(element: &Element, report: &mut Report) -> Option<IdentityHeader> {
    let ours = Ours::new(element, &["name", "property", "claim", "value"], &[], report);
    let written = ours.required("name", report)?;
    let name = name(written, ours.origin_of("name"), report);
    let shape = "user, localName, email, roles, administrator or provider";
    let of_user = ours.parse("value", shape, report, of_user);
    let text = |attribute: &str| ours.text(attribute).filter(|t| !t.is_empty()).map(str::to_owned);
    let sources = [
        of_user,
        text("property").map(HeaderSource::Property),
        text("claim").map(HeaderSource::Claim),
    ];
    let mut sources = sources.into_iter().flatten();
    let (source, second) = (sources.next(), sources.next());
    if source.is_none() || second.is_some() {
        let what = format!("the header `{written}` needs exactly one source");
        report.fault(ours.origin(), what, "write property=\"…\", claim=\"…\" or value=\"…\"");
    }
    Some(IdentityHeader { name: name?, source: source? })
}

fn of_user(text: &str) -> Option<HeaderSource> {
    Some(match text {
        "user" => HeaderSource::UserName,
        "localName" => HeaderSource::LocalName,
        "email" => HeaderSource::Email,
        "roles" => HeaderSource::Roles,
        "administrator" => HeaderSource::IsAdministrator,
        "provider" => HeaderSource::Provider,
        _ => return None,
    })
}

fn name(text: &str, origin: &Origin, report: &mut Report) -> Option<HeaderName> {
    let name = HeaderName::from_bytes(text.as_bytes()).ok();
    let Some(name) = name.filter(|_| text.chars().any(|c| c.is_ascii_alphanumeric())) else {
        let what = format!("`{text}` is not a header name");
        report.fault(origin, what, "use letters, digits and hyphens");
        return None;
    };
    if text.contains('_') {
        let what = format!("the header `{text}` holds an underscore, which IIS reads as a hyphen");
        report.fault(origin, what, "use hyphens");
        return None;
    }
    Some(name)
}

/// Two headers that are one to the CMS, or one that HTTP itself needs, cannot carry an identity.
fn claim_name(name: &HeaderName, origin: &Origin, taken: &mut Vec<String>, report: &mut Report) {
    let skeleton = skeleton(name.as_str());
    if taken.contains(&skeleton) {
        let what = format!("two headers are `{name}` once letters and digits alone are kept");
        report.fault(origin, what, "name one of them differently");
    }
    let reserved = RESERVED.iter().any(|known| self::skeleton(known) == skeleton);
    if reserved || RESERVED_FAMILIES.iter().any(|family| name.as_str().starts_with(family)) {
        let what = format!("the header `{name}` has a meaning of its own");
        report.fault(origin, what, "use another name");
    }
    taken.push(skeleton);
}

/// A header's name as the laxest CMS compares it.
fn skeleton(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// Headers that the gateway or HTTP writes itself.
const RESERVED: [&str; 31] = [
    "Accept",
    "Accept-Encoding",
    "Authorization",
    "Cache-Control",
    "Connection",
    "Cookie",
    "Date",
    "Expect",
    "Forwarded",
    "Host",
    "HTTP2-Settings",
    "Keep-Alive",
    "Max-Forwards",
    "Origin",
    "Pragma",
    "Range",
    "Referer",
    "TE",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
    "User-Agent",
    "Via",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Port",
    "X-Forwarded-Prefix",
    "X-Forwarded-Proto",
    "X-Real-IP",
    "X-Request-Id",
    "X-HTTP-Method-Override",
];

const RESERVED_FAMILIES: [&str; 6] =
    ["content-", "proxy-", "sec-", "access-control-", "if-", "trace"];
