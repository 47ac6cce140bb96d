//! The authorization request (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1), read and judged once.

use std::sync::Arc;

use serde_json::Value;
use url::Host;
use url::Url;

use crate::config::Config;
use crate::config::model::identity_server::Client;
use crate::http::form::Form;
use crate::identity_server::client;
use crate::identity_server::keys;
use crate::identity_server::keys::Keys;
use crate::identity_server::reply::Complaint;
use crate::identity_server::reply::Refusal;
use crate::identity_server::reply::ReplyTo;
use crate::identity_server::request_details::Details;
use crate::identity_server::response_type::ResponseType;
use crate::identity_server::response_type::TypeFault;
use crate::identity_server::scope;

/// A request's parameters, and how they came here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// The parameters that count.
    pub(super) form: Form,
    /// Whether the client sent them to us itself (RFC 9126).
    pub(super) pushed: bool,
    /// Whether the client signed them (RFC 9101).
    pub(super) signed: bool,
}

impl Asked {
    /// Parameters as a browser brings them.
    pub(super) fn plain(form: Form) -> Self {
        Self { form, pushed: false, signed: false }
    }
}

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
pub(super) struct Fault(pub(super) &'static str, pub(super) &'static str);

/// A fault of the request's form.
pub(super) const fn invalid(description: &'static str) -> Fault {
    Fault("invalid_request", description)
}

/// A request whose client and whose answer's way are certain.
struct Addressed {
    client: Arc<Client>,
    response_type: ResponseType,
    reply: ReplyTo,
}

impl Judge<'_> {
    /// Reads a request.
    ///
    /// # Errors
    ///
    /// On our own page what makes it uncertain who asks, where the answer goes, in which shape and
    /// for what; to the client what comes after that.
    pub(super) fn read(&self, asked: &Asked) -> Result<AuthorizationRequest, Refusal> {
        let form = &asked.form;
        let Addressed { client, response_type, reply } = self.address(form)?;
        let scopes = self
            .scopes(&client, response_type, form)
            .map_err(|fault| page(fault, form, Some(&client)))?;
        let details = check_way(&client, asked)
            .and_then(|()| Details::read(self, &client, (response_type, &scopes), form));
        match details {
            Ok(details) => {
                Ok(AuthorizationRequest { client, reply, response_type, scopes, details })
            }
            Err(Fault(error, description)) => Err(Refusal::Client { reply, error, description }),
        }
    }

    /// Says `fault` about the request that `form` belongs to: to its client, if it is certain who
    /// that is.
    pub(super) fn refuse(&self, form: &Form, Fault(error, description): Fault) -> Refusal {
        match self.address(form) {
            Ok(Addressed { reply, .. }) => Refusal::Client { reply, error, description },
            Err(refusal) => refusal,
        }
    }

    /// The client that a request names.
    pub(super) fn client(&self, form: &Form) -> Result<Arc<Client>, Refusal> {
        let id = value(form, "client_id").filter(|id| id.len() <= 100);
        let id = id.ok_or_else(|| page(invalid("client_id is missing or too long"), form, None))?;
        let client = client::find(&self.config.identity_server, id);
        client.filter(|client| client.protocol == "oidc").cloned().ok_or_else(|| {
            let what = "the client is unknown, switched off, or one of another protocol";
            page(Fault("unauthorized_client", what), form, None)
        })
    }

    fn address(&self, form: &Form) -> Result<Addressed, Refusal> {
        let client = self.client(form)?;
        let on_page = |fault| page(fault, form, Some(&client));
        let redirect_uri = redirect_uri(&client, form).map_err(on_page)?;
        let typed = value(form, "response_type").unwrap_or_default();
        let response_type =
            ResponseType::read(typed, &client).map_err(type_fault).map_err(on_page)?;
        let mode = response_type.mode(value(form, "response_mode"), &client);
        let reply = ReplyTo {
            client_id: client.id.clone(),
            redirect_uri,
            mode: mode.map_err(type_fault).map_err(on_page)?,
            state: value(form, "state").map(str::to_owned),
            openid: words(form, "scope").any(|scope| scope == scope::OPENID),
        };
        Ok(Addressed { client, response_type, reply })
    }

    /// Known and allowed scopes that go with the response type (IdentityServer4's plausibility
    /// rules). `offline_access` means nothing where no code comes (OpenID Connect Core §11).
    fn scopes(
        &self,
        client: &Client,
        asked: ResponseType,
        form: &Form,
    ) -> Result<Vec<String>, Fault> {
        let settings = &self.config.identity_server;
        let text = value(form, "scope").ok_or(invalid("scope is missing"))?;
        let mut scopes = scope::read(settings, client, text).map_err(|fault| match fault {
            scope::ScopeFault::Malformed => invalid("scope is empty or too long"),
            scope::ScopeFault::NotAllowed => {
                Fault("invalid_scope", "a scope is unknown or not allowed to the client")
            }
        })?;
        if !asked.code {
            scopes.retain(|scope| scope != scope::OFFLINE_ACCESS);
        }
        let openid = scopes.iter().any(|scope| scope == scope::OPENID);
        let identity = scopes.iter().any(|scope| scope::is_identity(settings, scope));
        let api = scopes.iter().any(|scope| scope::is_api(settings, scope));
        match asked {
            _ if identity && !openid => {
                Err(Fault("invalid_scope", "a scope of the user goes with openid only"))
            }
            ResponseType { id_token: true, .. } if !openid => {
                Err(invalid("an ID token needs the scope openid"))
            }
            ResponseType { code: false, id_token: true, token: false } if api => {
                Err(Fault("invalid_scope", "an ID token alone opens no API"))
            }
            ResponseType { code: false, id_token: false, token: true } if openid || !api => {
                Err(Fault("invalid_scope", "an access token alone is for APIs"))
            }
            _ => Ok(scopes),
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
pub(super) fn value<'a>(form: &'a Form, name: &str) -> Option<&'a str> {
    form.get(name).filter(|value| !value.is_empty())
}

/// The words of a parameter.
pub(super) fn words<'a>(form: &'a Form, name: &str) -> impl Iterator<Item = &'a str> {
    value(form, name).unwrap_or_default().split(' ').filter(|word| !word.is_empty())
}

/// A refusal on our own page, in the languages that the request asks for.
pub(super) fn page(
    Fault(error, description): Fault,
    form: &Form,
    client: Option<&Arc<Client>>,
) -> Refusal {
    let ui_locales = value(form, "ui_locales").filter(|locales| locales.len() <= 100);
    Refusal::Page(Complaint {
        error,
        description,
        client: client.map(|client| client.name.clone()),
        ui_locales: ui_locales.map(str::to_owned),
    })
}

/// Requests must come in the way that their client's file demands.
fn check_way(client: &Client, asked: &Asked) -> Result<(), Fault> {
    if client.require_pushed_authorization && !asked.pushed {
        return Err(invalid("the client has to push its requests"));
    }
    if client.require_request_object && !asked.signed {
        return Err(invalid("the client has to sign its requests"));
    }
    Ok(())
}

fn redirect_uri(client: &Client, form: &Form) -> Result<String, Fault> {
    let known = |uri: &&str| {
        client::is_registered(&client.redirect_uris, uri)
            || client.loopback_ports && is_registered_but_for_port(&client.redirect_uris, uri)
    };
    value(form, "redirect_uri")
        .filter(|uri| uri.len() <= 400)
        .filter(known)
        .map(str::to_owned)
        .ok_or(invalid("redirect_uri is missing or not registered"))
}

/// An installed application listens on whichever port of the loopback address is free
/// (RFC 8252 §7.3). `localhost` is a name that others may answer to, and stays exact.
fn is_registered_but_for_port(registered: &[String], uri: &str) -> bool {
    let without_port = |text: &str| {
        let mut url = Url::parse(text).ok()?;
        let loopback = match url.host()? {
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
            Host::Domain(_) => false,
        };
        let as_written = url.as_str() == text;
        let fits = loopback && as_written && url.scheme() == "http";
        fits.then(|| url.set_port(None).ok().map(|()| url.to_string())).flatten()
    };
    let Some(bare) = without_port(uri) else { return false };
    let meant = |known: &&String| without_port(known).is_some_and(|known| known == bare);
    registered
        .iter()
        .find(meant)
        .is_some_and(|known| client::is_registered(std::slice::from_ref(known), known))
}

const fn type_fault(fault: TypeFault) -> Fault {
    match fault {
        TypeFault::UnknownType => {
            Fault("unsupported_response_type", "response_type is missing or unknown")
        }
        TypeFault::FlowNotAllowed => {
            Fault("unauthorized_client", "the client may not use this response_type")
        }
        TypeFault::TokenNotAllowed => {
            invalid("the client may not have access tokens through a browser")
        }
        TypeFault::UnknownMode => Fault("unsupported_response_type", "response_mode is unknown"),
        TypeFault::TokenInQuery => invalid("a token does not go into a query"),
        TypeFault::PublicCodeInFragment => {
            invalid("the code of a public client does not go into a fragment")
        }
    }
}
