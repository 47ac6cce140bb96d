//! `<connection protocol="oauth2">` and the presets of plain OAuth 2.0: endpoints, and which members
//! of a userinfo answer become which claims.

use url::Url;

use crate::config::model::ClientAuthentication;
use crate::config::model::MemberClaim;
use crate::config::model::OAuth2;
use crate::config::model::Userinfo;
use crate::config::read::connection::Reader;
use crate::config::read::oauth2_presets::Plain;
use crate::config::read::ours::Ours;
use crate::config::read::report::Refusal;
use crate::config::read::report::Report;
use crate::config::read::values;
use crate::crypto::secret::Secret;

/// The settings of a provider of plain OAuth 2.0.
///
/// # Errors
///
/// What is missing: the provider is off then.
pub(crate) fn read(
    reader: &Reader<'_>,
    name: &str,
    report: &mut Report,
) -> Result<Box<OAuth2>, Refusal> {
    let plain = reader.preset.and_then(Plain::of);
    let require_https = reader.boolean("requireHttpsMetadata", true, report);
    let endpoint = |attribute: &str, known: Option<&'static str>| {
        let Some(text) = reader.text(attribute).or(known) else {
            let what = format!("plain OAuth 2.0 needs `{attribute}`");
            return Err(reader.refusal(
                attribute,
                &what,
                &format!("write {attribute}=\"https://…\""),
            ));
        };
        reader.url(attribute, text, require_https)
    };
    let authorization_endpoint =
        endpoint("authorizationEndpoint", plain.map(|p| p.authorization_endpoint))?;
    let token_endpoint = endpoint("tokenEndpoint", plain.map(|p| p.token_endpoint))?;
    let userinfo_endpoint = endpoint("userinfoEndpoint", plain.map(|p| p.userinfo_endpoint))?;
    let client_id = reader.client_id()?.to_owned();
    let scopes = reader.words("scopes").unwrap_or_else(|| reader.plain_scopes(plain));
    let userinfo = userinfo(reader, plain, userinfo_endpoint, &scopes, report)?;
    let authentication = plain.map_or(ClientAuthentication::Basic, |p| p.client_authentication);
    let own = own_path(name);
    let callback = plain.map_or(own.as_str(), |p| p.callback_path);
    let named = reader.text("authority").map(str::to_owned);
    Ok(Box::new(OAuth2 {
        response_issuer: named.clone(),
        issuer: named.unwrap_or_else(|| authorization_endpoint.to_string()),
        authorization_endpoint,
        token_endpoint,
        userinfo,
        client_id,
        client_secret: Some(Secret::new(reader.client_secret()?)),
        client_authentication: reader.client_authentication(authentication, report),
        scopes,
        scope_separator: plain.map_or(' ', |p| p.scope_separator),
        pkce: reader.boolean("pkce", plain.is_none_or(|p| p.pkce), report),
        callback_path: reader.own_path("callbackPath", callback, report),
        shares_callback: false,
        certificate_authority: reader.path("ca"),
        require_https,
        parameters: reader.parameters(report),
    }))
}

/// Nothing tells whose answer it is that comes to a redirect URI of plain OAuth 2.0, so each provider
/// has its own (RFC 9700 §4.4.2).
fn own_path(name: &str) -> String {
    let name = name.rsplit('/').next().unwrap_or(name).chars();
    let own: String = name.filter(char::is_ascii_alphanumeric).collect();
    format!("/signin-{}", own.to_ascii_lowercase())
}

fn userinfo(
    reader: &Reader<'_>,
    plain: Option<&'static Plain>,
    endpoint: Url,
    scopes: &[String],
    report: &mut Report,
) -> Result<Userinfo, Refusal> {
    let Some(subject) = reader.text("subject").or_else(|| plain.map(|p| p.subject)) else {
        let what = "nothing says which member of its userinfo names a person";
        return Err(reader.refusal("subject", what, "write subject=\"id\""));
    };
    let mut claims = written_claims(reader, report);
    if claims.is_empty() {
        let known = plain.map_or(&[][..], |p| p.claims);
        claims = known.iter().map(|(member, kind)| claim(member, kind)).collect();
    }
    let known = plain.map_or(&[][..], |p| p.parameters);
    let mut parameters: Vec<(String, String)> =
        known.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    if let Some(fields) = reader.text("fields") {
        parameters = vec![("fields".to_owned(), values::words(fields).join(","))];
    }
    // X tells the address only to those who may have it, and only when it is asked for.
    if scopes.iter().any(|scope| scope == "users.email") {
        parameters.push(("user.fields".to_owned(), "confirmed_email".to_owned()));
    }
    let emails = plain.and_then(|p| p.emails).filter(|_| sees_addresses(scopes));
    let emails = emails.map(|below| {
        let mut url = endpoint.clone();
        url.set_path(&format!("{}{below}", endpoint.path().trim_end_matches('/')));
        url
    });
    Ok(Userinfo {
        endpoint,
        parameters,
        app_secret_proof: plain.is_some_and(|p| p.app_secret_proof),
        emails,
        subject: subject.to_owned(),
        claims,
    })
}

/// Whether GitHub shows the mail addresses to these scopes.
fn sees_addresses(scopes: &[String]) -> bool {
    scopes.iter().any(|scope| ["user", "user:email"].contains(&scope.as_str()))
}

fn written_claims(reader: &Reader<'_>, report: &mut Report) -> Vec<MemberClaim> {
    let mut claims = Vec::new();
    for element in reader.children("claim") {
        let written = Ours::new(element, &["name", "from"], &[], report);
        let (name, from) = (written.required("name", report), written.required("from", report));
        claims.extend(name.zip(from).map(|(name, from)| claim(from, name)));
    }
    claims
}

fn claim(member: &str, kind: &str) -> MemberClaim {
    MemberClaim { member: member.to_owned(), kind: kind.to_owned() }
}
