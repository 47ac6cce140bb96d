//! `/connect/endsession` (OpenID Connect RP-Initiated Logout §2): a client asks for a sign-out.

use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;
use url::form_urlencoded;

use crate::clock::Timestamp;
use crate::config::model::identity_server::Client;
use crate::error::Problem;
use crate::http::Response;
use crate::http::form::Form;
use crate::http::response;
use crate::identity_server::IdentityServer;
use crate::identity_server::Outcome;
use crate::identity_server::authorize::parameters;
use crate::identity_server::client;
use crate::identity_server::end_session_callback::FrontChannel;
use crate::identity_server::issuer_of;
use crate::identity_server::pending;
use crate::identity_server::person::Person;
use crate::identity_server::request::Hinted;
use crate::identity_server::request::Judge;
use crate::session::Visit;

/// What the pages around signing out are to know; sealed while it goes through the browser.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct SignOutMessage {
    /// Where the person can go on to: a registered address with the client's `state`.
    pub(super) way_on: Option<String>,
    /// The name of the application that it leads to.
    pub(super) client: Option<String>,
    /// Whether to go there without being asked, because the client's hint was right.
    pub(super) goes_on: bool,
    /// Clients that frames have yet to tell, once that it is done.
    pub(super) told: Option<FrontChannel>,
}

/// What sign-out messages are sealed for.
const MESSAGE: &str = "identity-sign-out";

/// Longest message that travels with the browser; a longer one is kept, and its name travels.
const LONGEST: usize = 1500;

/// Longest address to go on to, with the client's `state`, in bytes: servers take no longer ones.
const LONGEST_WAY: usize = 8 * 1024;

/// How long a message is kept.
const LIFETIME: Duration = Duration::from_hours(1);

impl IdentityServer {
    /// Ends the session of the person whom a valid hint names and sends them on; asks in every
    /// other case (§2, §6).
    pub(super) async fn end_session(&self, visit: &Visit) -> Result<Outcome, Problem> {
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
            let offered =
                named.zip(uri).and_then(|(client, uri)| way_on(visit, client, uri, &form));
            return Ok(Outcome::Answer(self.ask(visit, &offered.unwrap_or_default())));
        };
        let registered = uri.and_then(|uri| way_on(visit, &hint.client, uri, &form));
        if uri.is_some() && registered.is_none() {
            return Ok(Outcome::Answer(self.ask(visit, &SignOutMessage::default())));
        }
        let message = registered.unwrap_or_default();
        self.sign_out(visit, SignOutMessage { goes_on: true, ..message }).await
    }

    /// The way to the page that asks, or that says that it is done when nobody is signed in.
    pub(super) fn ask(&self, visit: &Visit, message: &SignOutMessage) -> Response {
        response::found(&self.sign_out_page(visit, message))
    }

    /// The address of that page.
    pub(super) fn sign_out_page(&self, visit: &Visit, message: &SignOutMessage) -> String {
        let text = serde_json::to_vec(message).unwrap_or_default();
        let mut id = self.parts.seal.seal(MESSAGE, &text).unwrap_or_default();
        if id.len() > LONGEST {
            let (now, owner) = (visit.exchange.now, pending::owner_of(visit.exchange.client));
            id = self.sign_outs.issue(&owner, id, now.plus(LIFETIME), now);
        }
        format!("{}/account/logout?logoutId={id}", visit.site.virtual_folder)
    }

    /// What a foreign or missing message says: nothing.
    pub(super) fn open_message(&self, id: &str, now: Timestamp) -> SignOutMessage {
        let kept = self.sign_outs.with(id, now, |kept| kept.clone());
        let text = self.parts.seal.open_sealed(MESSAGE, kept.as_deref().unwrap_or(id));
        text.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
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

/// The client's registered address, exactly, with `state` as it was sent (§3); none that is too long
/// to be kept.
fn way_on(visit: &Visit, client: &str, uri: &str, form: &Form) -> Option<SignOutMessage> {
    let client = client::find(&visit.config.identity_server, client)?;
    if !is_registered(client, uri) {
        return None;
    }
    let mut way_on = uri.to_owned();
    if let Some(state) = form.get("state").filter(|state| !state.is_empty()) {
        let state =
            form_urlencoded::Serializer::new(String::new()).append_pair("state", state).finish();
        way_on.push(if uri.contains('?') { '&' } else { '?' });
        way_on.push_str(&state);
    }
    if way_on.len() > LONGEST_WAY {
        return None;
    }
    let name = Some(client.name.clone());
    Some(SignOutMessage { way_on: Some(way_on), client: name, ..SignOutMessage::default() })
}

/// Whether `uri` is registered; to a client whose file allows it, also with a query added, as the CMS
/// adds `ReturnUrl` and `nonce` to `/identity/postexternallogout`.
fn is_registered(client: &Client, uri: &str) -> bool {
    let registered = |uri: &str| client::is_registered(&client.post_logout_redirect_uris, uri);
    let extended = |(path, query): (&str, &str)| {
        let plain = !query.contains('#') && !names_state(query);
        client.post_logout_query && plain && registered(path)
    };
    registered(uri) || uri.split_once('?').is_some_and(extended)
}

/// A second `state` could be taken for the client's own.
fn names_state(query: &str) -> bool {
    form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name.eq_ignore_ascii_case("state"))
}
