//! Answers of the authorization endpoint: back to the client in its response mode, or to our own
//! error page while it is not certain that the client's address may be answered at all.

use http::Method;
use serde::Deserialize;
use serde::Serialize;
use url::form_urlencoded;

use crate::http::Response;
use crate::http::response;
use crate::identity_server::IdentityServer;
use crate::observe::audit;
use crate::pages;
use crate::pages::Look;
use crate::session::Visit;

/// How the client wants its answer (OAuth 2.0 Multiple Response Types §2.1, Form Post §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ResponseMode {
    /// In the query of a redirect.
    Query,
    /// In the fragment of a redirect.
    Fragment,
    /// As a form that the browser posts.
    FormPost,
}

/// Where a request's answer goes: only ever made of a registered address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ReplyTo {
    /// Exactly where.
    pub(super) redirect_uri: String,
    /// How.
    pub(super) mode: ResponseMode,
    /// What the client wants back unchanged.
    pub(super) state: Option<String>,
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
}

/// A [`Complaint`] on its way through the browser, sealed.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Message {
    pub(super) error: String,
    pub(super) description: String,
    pub(super) client: Option<String>,
}

/// What error messages are sealed for.
pub(super) const MESSAGE: &str = "identity-error";

impl ReplyTo {
    /// Sends `parameters`, `state` and `iss` (RFC 9207) to the client.
    pub(super) fn send(
        &self,
        visit: &Visit,
        issuer: &str,
        parameters: &[(&str, &str)],
    ) -> Response {
        let mut fields = parameters.to_vec();
        fields.extend(self.state.as_deref().map(|state| ("state", state)));
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
        };
        let text = serde_json::to_vec(&message).unwrap_or_default();
        let sealed = self.parts.seal.seal(MESSAGE, &text).unwrap_or_default();
        format!("{}/home/error?errorId={sealed}", visit.site.virtual_folder)
    }
}

fn write_audit(visit: &Visit, reason: &'static str) {
    let entry = audit::Entry {
        event: audit::Event::SignInRefused,
        site: &visit.site.name,
        provider: None,
        user: None,
        reason: Some(reason),
        client: visit.exchange.client,
        request: &visit.exchange.id,
    };
    entry.write();
}
