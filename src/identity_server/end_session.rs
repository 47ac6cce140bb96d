//! `/connect/endsession` (OpenID Connect RP-Initiated Logout §2): a client asks for a sign-out.

use serde::Deserialize;
use serde::Serialize;
use url::form_urlencoded;

use crate::error::Problem;
use crate::http::Response;
use crate::http::form::Form;
use crate::identity_server::IdentityServer;
use crate::identity_server::authorize::parameters;
use crate::identity_server::client;
use crate::identity_server::issuer_of;
use crate::identity_server::person::Person;
use crate::identity_server::reply::go;
use crate::identity_server::request::Hinted;
use crate::identity_server::request::Judge;
use crate::session::Visit;

/// What the sign-out page is to know; sealed while it goes through the browser.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct SignOutMessage {
    /// Where the person can go on to: a registered address with the client's `state`.
    pub(super) way_on: Option<String>,
}

/// What sign-out messages are sealed for.
pub(super) const MESSAGE: &str = "identity-sign-out";

impl IdentityServer {
    /// Ends the session of the person whom a valid hint names and sends them on; asks in every
    /// other case (§2, §6).
    pub(super) async fn end_session(&self, visit: &Visit) -> Result<Response, Problem> {
        let issuer = issuer_of(visit)?;
        let form = parameters(visit)?;
        let value = |name: &str| form.get(name).filter(|value| !value.is_empty());
        let judge = Judge { config: &visit.config, keys: &self.keys, issuer };
        let hint = value("id_token_hint").and_then(|hint| judge.hinted(hint));
        let hint = hint.filter(|hint| value("client_id").is_none_or(|id| id == hint.client));
        let uri = value("post_logout_redirect_uri");
        let Some(hint) = hint.filter(|hint| is_about(visit, hint)) else {
            // A client that only names itself may offer a way on, which the person may take.
            let named = value("client_id").filter(|_| value("id_token_hint").is_none());
            let way_on = named.zip(uri).and_then(|(client, uri)| way_on(visit, client, uri, &form));
            return Ok(self.sign_out_page(visit, &SignOutMessage { way_on }));
        };
        let registered = uri.and_then(|uri| way_on(visit, &hint.client, uri, &form));
        if uri.is_some() && registered.is_none() {
            return Ok(self.sign_out_page(visit, &SignOutMessage::default()));
        }
        let answer = match registered {
            Some(uri) => go(visit, &uri),
            None => self.sign_out_page(visit, &SignOutMessage::default()),
        };
        self.sign_out(visit, answer).await
    }

    /// The way to the page that asks, or that says that it is done when nobody is signed in.
    pub(super) fn sign_out_page(&self, visit: &Visit, message: &SignOutMessage) -> Response {
        let text = serde_json::to_vec(message).unwrap_or_default();
        let sealed = self.parts.seal.seal(MESSAGE, &text).unwrap_or_default();
        let page = format!("{}/account/logout?logoutId={sealed}", visit.site.virtual_folder);
        go(visit, &page)
    }
}

/// Whether the hint is about whoever is signed in here, if anybody is; the client must still exist.
fn is_about(visit: &Visit, hint: &Hinted) -> bool {
    let known = client::find(&visit.config.identity_server, &hint.client).is_some();
    let same = match (&visit.session, Person::of(visit)) {
        (None, _) => true,
        (Some(_), Some(person)) => person.subject == hint.subject,
        (Some(_), None) => false,
    };
    known && same
}

/// The client's registered address, exactly, with `state` as it was sent (§3).
fn way_on(visit: &Visit, client: &str, uri: &str, form: &Form) -> Option<String> {
    let client = client::find(&visit.config.identity_server, client)?;
    if !client::is_registered(&client.post_logout_redirect_uris, uri) {
        return None;
    }
    let Some(state) = form.get("state").filter(|state| !state.is_empty()) else {
        return Some(uri.to_owned());
    };
    let state =
        form_urlencoded::Serializer::new(String::new()).append_pair("state", state).finish();
    let joint = if uri.contains('?') { '&' } else { '?' };
    Some(format!("{uri}{joint}{state}"))
}
