//! The authorization request (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1), read and judged once.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::config::Config;
use crate::config::model::identity_server::Client;
use crate::http::form::Form;
use crate::identity_server::client;
use crate::identity_server::grant::code;
use crate::identity_server::keys;
use crate::identity_server::keys::Keys;
use crate::identity_server::person;
use crate::identity_server::reply::Complaint;
use crate::identity_server::reply::Refusal;
use crate::identity_server::reply::ReplyTo;
use crate::identity_server::reply::ResponseMode;
use crate::identity_server::requested::RequestedClaims;
use crate::identity_server::scope;

/// A request that may be answered.
#[derive(Clone, Debug)]
pub(super) struct AuthorizationRequest {
    /// Who asks.
    pub(super) client: Arc<Client>,
    /// Where the answer goes.
    pub(super) reply: ReplyTo,
    /// What is asked for.
    pub(super) response_type: ResponseType,
    /// Known, allowed scopes.
    pub(super) scopes: Vec<String>,
    /// The rest.
    pub(super) details: Details,
}

/// Parameters whose faults the client is told of.
#[derive(Clone, Debug)]
pub(super) struct Details {
    /// `nonce`, at most 300 bytes.
    pub(super) nonce: Option<String>,
    /// The S256 `code_challenge`.
    pub(super) challenge: Option<String>,
    /// `prompt=none`: no page may be shown.
    pub(super) silent: bool,
    /// `prompt=login` or `select_account`: a sign-in that is newer than the request.
    pub(super) sign_in_anew: bool,
    /// `prompt=consent`: the person is asked in any case.
    pub(super) consent_anew: bool,
    /// `max_age`.
    pub(super) max_age: Option<Duration>,
    /// The only subject that will do (`id_token_hint`, `claims`).
    pub(super) subject: Option<String>,
    /// `login_hint`.
    pub(super) login_hint: Option<String>,
    /// `acr_values=idp:…`, when there is such a provider.
    pub(super) idp: Option<String>,
    /// `claims`.
    pub(super) claims: RequestedClaims,
}

/// `response_type`, its words in any order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ResponseType {
    /// `code`
    Code,
    /// `code id_token`, the hybrid flow that the CMS uses.
    CodeIdToken,
}

/// What requests are judged by.
#[derive(Debug)]
pub(super) struct Judge<'a> {
    /// Clients, scopes, providers.
    pub(super) config: &'a Config,
    /// What our ID tokens are signed with.
    pub(super) keys: &'a Keys,
    /// `iss` of our ID tokens.
    pub(super) issuer: &'a str,
}

/// An error code and its description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fault(&'static str, &'static str);

const fn invalid(description: &'static str) -> Fault {
    Fault("invalid_request", description)
}

impl Judge<'_> {
    /// Reads a request.
    ///
    /// # Errors
    ///
    /// On our own page what makes it uncertain who asks, where the answer goes, and in which shape;
    /// to the client what comes after that.
    pub(super) fn read(&self, form: &Form) -> Result<AuthorizationRequest, Refusal> {
        let client = self.client(form).map_err(|fault| page(fault, None))?;
        let on_page = |fault| page(fault, Some(client.name.clone()));
        let redirect_uri = redirect_uri(&client, form).map_err(on_page)?;
        let (response_type, mode) = response_type(&client, form).map_err(on_page)?;
        let scopes = self.scopes(&client, form).map_err(on_page)?;
        let state = value(form, "state").map(str::to_owned);
        let reply = ReplyTo { redirect_uri, mode, state };
        match self.details(&client, response_type, form) {
            Ok(details) => {
                Ok(AuthorizationRequest { client, reply, response_type, scopes, details })
            }
            Err(Fault(error, description)) => Err(Refusal::Client { reply, error, description }),
        }
    }

    fn client(&self, form: &Form) -> Result<Arc<Client>, Fault> {
        let id = value(form, "client_id").filter(|id| id.len() <= 100);
        let id = id.ok_or(invalid("client_id is missing or too long"))?;
        client::find(&self.config.identity_server, id)
            .cloned()
            .ok_or(Fault("unauthorized_client", "the client is unknown or switched off"))
    }

    fn scopes(&self, client: &Client, form: &Form) -> Result<Vec<String>, Fault> {
        let settings = &self.config.identity_server;
        let text = value(form, "scope").ok_or(invalid("scope is missing"))?;
        let scopes = scope::read(settings, client, text).map_err(|fault| match fault {
            scope::ScopeFault::Malformed => invalid("scope is empty or too long"),
            scope::ScopeFault::NotAllowed => {
                Fault("invalid_scope", "a scope is unknown or not allowed to the client")
            }
        })?;
        let openid = scopes.iter().any(|scope| scope == scope::OPENID);
        if !openid && scopes.iter().any(|scope| scope::is_identity(settings, scope)) {
            return Err(Fault("invalid_scope", "a scope of the user goes with openid only"));
        }
        Ok(scopes)
    }

    fn details(
        &self,
        client: &Client,
        response_type: ResponseType,
        form: &Form,
    ) -> Result<Details, Fault> {
        refuse_unsupported(form)?;
        let nonce = bounded(form, "nonce", 300)?.map(str::to_owned);
        let needs_nonce = response_type == ResponseType::CodeIdToken;
        if needs_nonce && (nonce.is_none() || !asks_openid(form)) {
            return Err(invalid("an ID token in the answer needs nonce and the scope openid"));
        }
        let Prompt { silent, sign_in_anew, consent_anew } = prompt(form)?;
        let claims = claims(form)?;
        bounded(form, "ui_locales", 100)?;
        Ok(Details {
            nonce,
            challenge: challenge(client, response_type, form)?,
            silent,
            sign_in_anew,
            consent_anew,
            max_age: max_age(form)?,
            subject: self.subject(client, form, &claims)?,
            login_hint: bounded(form, "login_hint", 100)?.map(str::to_owned),
            idp: self.idp(form)?,
            claims,
        })
    }

    /// Whom the request is about, if it says so. The hint may have expired (OpenID Connect Core
    /// §3.1.2.1), but it must be an ID token of ours and of this client.
    fn subject(
        &self,
        client: &Client,
        form: &Form,
        claims: &RequestedClaims,
    ) -> Result<Option<String>, Fault> {
        let Some(hint) = value(form, "id_token_hint") else { return Ok(claims.subject.clone()) };
        let hinted = self.hinted(hint).filter(|hinted| hinted.client == client.id);
        let subject =
            hinted.ok_or(invalid("id_token_hint is not an ID token of this client"))?.subject;
        match &claims.subject {
            Some(other) if *other != subject => Err(invalid("id_token_hint and claims disagree")),
            Some(_) | None => Ok(Some(subject)),
        }
    }

    /// What an ID token of ours says, whatever its age.
    pub(super) fn hinted(&self, token: &str) -> Option<Hinted> {
        let claims = self.keys.verify(token, keys::ID_TOKEN)?;
        let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
        if text("iss")? != self.issuer {
            return None;
        }
        Some(Hinted { subject: text("sub")?, client: text("aud")? })
    }

    /// The provider that `acr_values` names; one that is not there is passed over (FED-07).
    fn idp(&self, form: &Form) -> Result<Option<String>, Fault> {
        let values = bounded(form, "acr_values", 300)?.unwrap_or_default();
        let named = values.split(' ').find_map(|value| value.strip_prefix("idp:"));
        let known = |idp: &&str| *idp == person::LOCAL || person::is_external(self.config, idp);
        Ok(named.filter(known).map(str::to_owned))
    }
}

/// What an `id_token_hint` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hinted {
    /// `sub`
    pub(super) subject: String,
    /// `aud`
    pub(super) client: String,
}

/// A parameter without a value counts as left out (RFC 6749 §3.1).
fn value<'a>(form: &'a Form, name: &str) -> Option<&'a str> {
    form.get(name).filter(|value| !value.is_empty())
}

fn page(Fault(error, description): Fault, client: Option<String>) -> Refusal {
    Refusal::Page(Complaint { error, description, client })
}

fn redirect_uri(client: &Client, form: &Form) -> Result<String, Fault> {
    value(form, "redirect_uri")
        .filter(|uri| uri.len() <= 400 && client::is_registered(&client.redirect_uris, uri))
        .map(str::to_owned)
        .ok_or(invalid("redirect_uri is missing or not registered"))
}

fn response_type(client: &Client, form: &Form) -> Result<(ResponseType, ResponseMode), Fault> {
    let mut words: Vec<_> = value(form, "response_type").unwrap_or_default().split(' ').collect();
    words.sort_unstable();
    let hybrid = client.grant_types.iter().any(|grant| grant == "hybrid");
    let code = client.grant_types.iter().any(|grant| grant == code::NAME);
    let (response_type, allowed) = match words.as_slice() {
        ["code"] => (ResponseType::Code, code),
        ["code", "id_token"] => (ResponseType::CodeIdToken, hybrid),
        _ => return Err(Fault("unsupported_response_type", "response_type is missing or unknown")),
    };
    if !allowed {
        return Err(Fault("unauthorized_client", "the client may not use this response_type"));
    }
    let mode = match (value(form, "response_mode"), response_type) {
        // A fragment survives redirects and is open to scripts: no place for the code of a client
        // that proves nothing when it redeems it.
        (Some("fragment"), ResponseType::Code) if !client.require_secret => {
            return Err(invalid("the code of a public client does not go into a fragment"));
        }
        (None | Some("query"), ResponseType::Code) => ResponseMode::Query,
        (None, ResponseType::CodeIdToken) | (Some("fragment"), _) => ResponseMode::Fragment,
        (Some("form_post"), _) => ResponseMode::FormPost,
        (Some("query"), ResponseType::CodeIdToken) => {
            return Err(invalid("an ID token does not go into a query"));
        }
        (Some(_), _) => {
            return Err(Fault("unsupported_response_type", "response_mode is unknown"));
        }
    };
    Ok((response_type, mode))
}

/// What would change the request's meaning if it were passed over in silence
/// (OpenID Connect Core §3.1.2.6).
fn refuse_unsupported(form: &Form) -> Result<(), Fault> {
    match (value(form, "request"), value(form, "request_uri"), value(form, "registration")) {
        (Some(_), Some(_), _) => Err(invalid("request and request_uri exclude each other")),
        (Some(_), None, _) => Err(Fault("request_not_supported", "request is not supported")),
        (None, Some(_), _) => {
            Err(Fault("request_uri_not_supported", "request_uri is not supported"))
        }
        (None, None, Some(_)) => {
            Err(Fault("registration_not_supported", "registration is not supported"))
        }
        (None, None, None) => Ok(()),
    }
}

/// The `claims` parameter, and `acr`, which `acr_values` asks for (OpenID Connect Core §3.1.2.1).
fn claims(form: &Form) -> Result<RequestedClaims, Fault> {
    let mut claims = match value(form, "claims") {
        Some(text) => RequestedClaims::read(text).ok_or(invalid("claims is malformed"))?,
        None => RequestedClaims::default(),
    };
    let mut classes = value(form, "acr_values").unwrap_or_default().split(' ');
    if classes.any(|class| !class.is_empty() && !class.starts_with("idp:")) {
        claims.id_token.push("acr".to_owned());
    }
    Ok(claims)
}

fn asks_openid(form: &Form) -> bool {
    value(form, "scope").is_some_and(|scopes| scopes.split(' ').any(|s| s == scope::OPENID))
}

fn bounded<'a>(form: &'a Form, name: &str, longest: usize) -> Result<Option<&'a str>, Fault> {
    match value(form, name) {
        Some(text) if text.len() > longest => {
            Err(invalid("nonce, login_hint, ui_locales or acr_values is too long"))
        }
        text => Ok(text),
    }
}

/// What `prompt` asks for; unknown words are passed over.
struct Prompt {
    silent: bool,
    sign_in_anew: bool,
    consent_anew: bool,
}

fn prompt(form: &Form) -> Result<Prompt, Fault> {
    let words: Vec<_> = value(form, "prompt").unwrap_or_default().split(' ').collect();
    let silent = words.contains(&"none");
    if silent && words.len() > 1 {
        return Err(invalid("prompt=none stands alone"));
    }
    let sign_in_anew = words.iter().any(|word| matches!(*word, "login" | "select_account"));
    Ok(Prompt { silent, sign_in_anew, consent_anew: words.contains(&"consent") })
}

fn max_age(form: &Form) -> Result<Option<Duration>, Fault> {
    let Some(text) = value(form, "max_age") else { return Ok(None) };
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    let seconds = text.parse().ok().filter(|_| digits);
    Ok(Some(Duration::from_secs(seconds.ok_or(invalid("max_age is not a number of seconds"))?)))
}

/// S256 and nothing else; a method that is left out means `plain` (RFC 7636 §4.3). Without a secret
/// nothing else binds a code to who asked for it, so that a public client needs a challenge whatever
/// its file says (RFC 9700 §2.1.1); the CMS's own hybrid flow has its nonce and `c_hash`.
fn challenge(
    client: &Client,
    response_type: ResponseType,
    form: &Form,
) -> Result<Option<String>, Fault> {
    let Some(challenge) = value(form, "code_challenge") else {
        let public_code = !client.require_secret && response_type == ResponseType::Code;
        let method = value(form, "code_challenge_method");
        if client.require_pkce || public_code || method.is_some() {
            return Err(invalid("code_challenge is missing"));
        }
        return Ok(None);
    };
    if value(form, "code_challenge_method") != Some("S256") {
        return Err(invalid("code_challenge_method must be S256"));
    }
    if !code::is_pkce_text(challenge) {
        return Err(invalid("code_challenge is not 43 to 128 unreserved characters"));
    }
    Ok(Some(challenge.to_owned()))
}
