//! Parameters of an authorization request whose faults the client is told of: nonce, PKCE, prompt,
//! ages, hints, claims, resources.

use std::time::Duration;

use crate::config::model::identity_server::Client;
use crate::config::model::identity_server::IdentityServerSettings;
use crate::crypto::digest;
use crate::http::form::Form;
use crate::identity_server::grant::code;
use crate::identity_server::person;
use crate::identity_server::request::Fault;
use crate::identity_server::request::Judge;
use crate::identity_server::request::invalid;
use crate::identity_server::request::value;
use crate::identity_server::request::words;
use crate::identity_server::request_object::REFERENCES;
use crate::identity_server::requested::RequestedClaims;
use crate::identity_server::response_type::ResponseType;
use crate::identity_server::scope;

/// What a request says beside who asks, for what, and where the answer goes.
#[derive(Clone, Debug)]
pub(super) struct Details {
    /// `nonce`, at most 300 bytes.
    pub(super) nonce: Option<String>,
    /// The `code_challenge` as S256, whichever method it came with.
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
    /// `ui_locales`.
    pub(super) ui_locales: Option<String>,
    /// `acr_values=idp:…`, when there is such a provider and the client may use it.
    pub(super) idp: Option<String>,
    /// `claims`.
    pub(super) claims: RequestedClaims,
    /// `resource` (RFC 8707): API resources that the tokens are for; none is all that fit.
    pub(super) resources: Vec<String>,
    /// `dpop_jkt` (RFC 9449 §10): the only key that the code may be redeemed with.
    pub(super) dpop_key: Option<String>,
}

impl Details {
    /// Reads them.
    ///
    /// # Errors
    ///
    /// What the client is told.
    pub(super) fn read(
        judge: &Judge<'_>,
        client: &Client,
        (asked, scopes): (ResponseType, &[String]),
        form: &Form,
    ) -> Result<Self, Fault> {
        if value(form, "registration").is_some() {
            return Err(Fault("registration_not_supported", "registration is not supported"));
        }
        if REFERENCES.iter().any(|name| value(form, name).is_some()) {
            return Err(Fault("request_not_supported", "a request object was not read"));
        }
        if asked.token && client.require_dpop {
            return Err(invalid("a token for this client is bound to a key, and none came along"));
        }
        let nonce = bounded(form, "nonce", 300)?;
        if asked.id_token && nonce.is_none() {
            return Err(invalid("an ID token in the answer needs a nonce"));
        }
        let claims = claims(form)?;
        let Prompt { silent, sign_in_anew, consent_anew } = prompt(form)?;
        Ok(Self {
            nonce: nonce.map(str::to_owned),
            challenge: challenge(client, asked, form)?,
            silent,
            sign_in_anew,
            consent_anew,
            max_age: max_age(form)?,
            subject: subject(judge, client, form, &claims)?,
            login_hint: bounded(form, "login_hint", 100)?.map(str::to_owned),
            ui_locales: bounded(form, "ui_locales", 100)?.map(str::to_owned),
            idp: idp(judge, client, form)?,
            claims,
            resources: resources(&judge.config.identity_server, scopes, form)?,
            dpop_key: dpop_key(form)?,
        })
    }
}

fn bounded<'a>(form: &'a Form, name: &str, longest: usize) -> Result<Option<&'a str>, Fault> {
    match value(form, name) {
        Some(text) if text.len() > longest => {
            Err(invalid("nonce, login_hint, ui_locales or acr_values is too long"))
        }
        text => Ok(text),
    }
}

/// The `claims` parameter, and `acr`, which `acr_values` asks for (OpenID Connect Core §3.1.2.1);
/// `idp:` and `tenant:` are IdentityServer4's own words and no classes.
fn claims(form: &Form) -> Result<RequestedClaims, Fault> {
    let mut claims = match value(form, "claims") {
        Some(text) => RequestedClaims::read(text).ok_or(invalid("claims is malformed"))?,
        None => RequestedClaims::default(),
    };
    let own = |class: &str| class.starts_with("idp:") || class.starts_with("tenant:");
    if words(form, "acr_values").any(|class| !own(class)) {
        claims.id_token.push("acr".to_owned());
    }
    Ok(claims)
}

/// What `prompt` asks for; unknown words are passed over.
struct Prompt {
    silent: bool,
    sign_in_anew: bool,
    consent_anew: bool,
}

fn prompt(form: &Form) -> Result<Prompt, Fault> {
    let asks = |wanted: &str| words(form, "prompt").any(|word| word == wanted);
    let silent = asks("none");
    if silent && words(form, "prompt").count() > 1 {
        return Err(invalid("prompt=none stands alone"));
    }
    let sign_in_anew = asks("login") || asks("select_account");
    Ok(Prompt { silent, sign_in_anew, consent_anew: asks("consent") })
}

fn max_age(form: &Form) -> Result<Option<Duration>, Fault> {
    let Some(text) = value(form, "max_age") else { return Ok(None) };
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    let seconds = text.parse().ok().filter(|_| digits);
    Ok(Some(Duration::from_secs(seconds.ok_or(invalid("max_age is not a number of seconds"))?)))
}

/// Without a secret nothing else binds a code to who asked for it, so that a public client needs a
/// challenge whatever its file says (RFC 9700 §2.1.1); an ID token beside the code binds it by
/// nonce and `c_hash`. A method that is left out means `plain` (RFC 7636 §4.3), which only the
/// client's file can allow.
fn challenge(client: &Client, asked: ResponseType, form: &Form) -> Result<Option<String>, Fault> {
    if !asked.code {
        return Ok(None);
    }
    let method = value(form, "code_challenge_method");
    let Some(challenge) = value(form, "code_challenge") else {
        let bare = !client.require_secret && !asked.id_token;
        if client.require_pkce || bare || method.is_some() {
            return Err(invalid("code_challenge is missing"));
        }
        return Ok(None);
    };
    if !code::is_pkce_text(challenge) {
        return Err(invalid("code_challenge is not 43 to 128 unreserved characters"));
    }
    match method {
        Some("S256") => Ok(Some(challenge.to_owned())),
        // The verifier itself: whoever hashes to this has sent the same text.
        None | Some("plain") if client.allow_plain_pkce => {
            Ok(Some(digest::sha256_base64url(challenge.as_bytes())))
        }
        _ => Err(invalid("code_challenge_method must be S256")),
    }
}

/// Whom the request is about, if it says so. The hint may have expired (OpenID Connect Core
/// §3.1.2.1), but it must be an ID token of ours and of this client.
fn subject(
    judge: &Judge<'_>,
    client: &Client,
    form: &Form,
    claims: &RequestedClaims,
) -> Result<Option<String>, Fault> {
    let Some(hint) = value(form, "id_token_hint") else { return Ok(claims.subject.clone()) };
    let hinted = judge.hinted(hint).filter(|hinted| hinted.client == client.id);
    let subject = hinted.ok_or(invalid("id_token_hint is not an ID token of this client"))?.subject;
    match &claims.subject {
        Some(other) if *other != subject => Err(invalid("id_token_hint and claims disagree")),
        Some(_) | None => Ok(Some(subject)),
    }
}

/// The provider that `acr_values` names; one that is not there (FED-07), or that the client's file
/// does not let its people use, is passed over.
fn idp(judge: &Judge<'_>, client: &Client, form: &Form) -> Result<Option<String>, Fault> {
    let values = bounded(form, "acr_values", 300)?.unwrap_or_default();
    let named = values.split(' ').find_map(|value| value.strip_prefix("idp:"));
    let usable = |idp: &&str| match *idp {
        person::LOCAL => client.local_login,
        external => person::is_external(judge.config, external) && may_use(client, external),
    };
    Ok(named.filter(usable).map(str::to_owned))
}

/// Whether people may come to `client` by way of the external provider `scheme`.
pub(super) fn may_use(client: &Client, scheme: &str) -> bool {
    let only = &client.identity_provider_restrictions;
    only.is_empty() || only.iter().any(|known| known == scheme)
}

/// The API resources named by `resource`, each of which some of the scopes must open
/// (RFC 8707 §2.2).
fn resources(
    settings: &IdentityServerSettings,
    scopes: &[String],
    form: &Form,
) -> Result<Vec<String>, Fault> {
    let open = scope::addressed(settings, scopes, &[]);
    let mut resources: Vec<String> = Vec::new();
    for named in form.all("resource").filter(|named| !named.is_empty()) {
        if !open.iter().any(|api| api.name == named) {
            return Err(Fault("invalid_target", "resource is unknown, or no scope goes with it"));
        }
        if !resources.iter().any(|known| known == named) {
            resources.push(named.to_owned());
        }
    }
    Ok(resources)
}

/// A SHA-256 as base64url.
fn dpop_key(form: &Form) -> Result<Option<String>, Fault> {
    let Some(text) = value(form, "dpop_jkt") else { return Ok(None) };
    let fits = text.len() == 43
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    fits.then(|| Some(text.to_owned())).ok_or(invalid("dpop_jkt is not a key's thumbprint"))
}
