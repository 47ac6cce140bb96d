//! Answers of the authorization endpoint: back to the client in its response mode, or to our own
//! error page while it is not certain that the client's address may be answered at all.

use http::Method;
use serde::Deserialize;
use serde::Serialize;
use url::form_urlencoded;

use crate::http::Response;
use crate::http::response;
use crate::identity_server::IdentityServer;
use crate::identity_server::check_session;
use crate::identity_server::response_type::ResponseMode;
use crate::observe::audit;
use crate::pages;
use crate::pages::Look;
use crate::session::Visit;

/// Where a request's answer goes: only ever made of a registered address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ReplyTo {
    /// To whom.
    pub(super) client_id: String,
    /// Exactly where.
    pub(super) redirect_uri: String,
    /// How.
    pub(super) mode: ResponseMode,
    /// What the client wants back unchanged.
    pub(super) state: Option<String>,
    /// Whether it asked by OpenID Connect, and is told of its session.
    pub(super) openid: bool,
}

/// Why an authorization request is not answered as its client hoped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Said on our own page and never to the client's address.
    Page(Complaint),
    /// Said to the client.
    Client {
        /// Where.
        reply: ReplyTo,
        /// The error code.
        error: &'static str,
        /// For the client's programmer.
        description: &'static str,
    },
}

/// What the error page says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Complaint {
    /// The error code.
    pub(super) error: &'static str,
    /// For the client's programmer.
    pub(super) description: &'static str,
    /// The client's name, once it is known.
    pub(super) client: Option<String>,
    /// `ui_locales`: the languages that the page may speak.
    pub(super) ui_locales: Option<String>,
}

/// A [`Complaint`] on its way through the browser, sealed.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Message {
    pub(super) error: String,
    pub(super) description: String,
    pub(super) client: Option<String>,
    pub(super) ui_locales: Option<String>,
    /// Id of the request that is wrong, under which the logs have it.
    pub(super) request: String,
}

/// What error messages are sealed for.
pub(super) const MESSAGE: &str = "identity-error";

impl ReplyTo {
    /// Sends `parameters`, `state`, `session_state` (OpenID Connect Session Management §2) and `iss`
    /// (RFC 9207) to the client.
    pub(super) fn send(
        &self,
        visit: &Visit,
        issuer: &str,
        parameters: &[(&str, &str)],
    ) -> Response {
        let mut fields = parameters.to_vec();
        fields.extend(self.state.as_deref().map(|state| ("state", state)));
        let session_state = self.session_state(visit);
        fields.extend(session_state.as_deref().map(|state| ("session_state", state)));
        fields.push(("iss", issuer));
        let encoded =
            || form_urlencoded::Serializer::new(String::new()).extend_pairs(&fields).finish();
        let uri = &self.redirect_uri;
        match self.mode {
            ResponseMode::Query if uri.contains('?') => go(visit, &format!("{uri}&{}", encoded())),
            ResponseMode::Query => go(visit, &format!("{uri}?{}", encoded())),
            ResponseMode::Fragment => go(visit, &format!("{uri}#{}", encoded())),
            ResponseMode::FormPost => {
                let look = Look::of(&visit.config, &visit.site, &visit.exchange);
                pages::form_post(&pages::FormPost { look: &look, action: uri, fields: &fields })
            }
        }
    }

    fn session_state(&self, visit: &Visit) -> Option<String> {
        let session = visit.session.as_ref().map(|session| session.public_id.as_str());
        let session = session.unwrap_or_default();
        self.openid.then(|| check_session::state(&self.client_id, &self.redirect_uri, session))?
    }
}

/// A redirect that turns a POST into a GET, so that nothing posted here goes on elsewhere.
pub(super) fn go(visit: &Visit, location: &str) -> Response {
    if visit.exchange.method == Method::POST {
        return response::see_other(location);
    }
    response::found(location)
}

impl IdentityServer {
    /// Says no.
    pub(super) fn refuse(&self, visit: &Visit, issuer: &str, refusal: &Refusal) -> Response {
        match refusal {
            Refusal::Client { reply, error, description } => {
                reply.send(visit, issuer, &[("error", error), ("error_description", description)])
            }
            Refusal::Page(complaint) => {
                write_audit(visit, complaint.error);
                go(visit, &self.error_page(visit, complaint))
            }
        }
    }

    fn error_page(&self, visit: &Visit, complaint: &Complaint) -> String {
        let message = Message {
            error: complaint.error.to_owned(),
            description: complaint.description.to_owned(),
            client: complaint.client.clone(),
            ui_locales: complaint.ui_locales.clone(),
            request: visit.exchange.id.to_string(),
        };
        let text = serde_json::to_vec(&message).unwrap_or_default();
        let sealed = self.parts.seal.seal(MESSAGE, &text).unwrap_or_default();
        format!("{}/home/error?errorId={sealed}", visit.site.virtual_folder)
    }
}

fn write_audit(visit: &Visit, reason: &'static str) {
    audit::Entry { reason: Some(reason), ..visit.entry(audit::Event::SignInRefused) }.write();
}
