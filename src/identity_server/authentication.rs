//! How a client proves who it is (RFC 6749 §2.3): Basic, in the form, by a signed assertion, or, for
//! a public one, not at all. Exactly one of them.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header;
use percent_encoding::percent_decode_str;

use crate::config::model::identity_server::Client;
use crate::config::model::identity_server::ClientSecret;
use crate::config::model::identity_server::Resource;
use crate::crypto::secret::Secret;
use crate::http::form::Form;
use crate::identity_server::IdentityServer;
use crate::identity_server::assertion;
use crate::identity_server::assertion::Assertion;
use crate::identity_server::client;
use crate::identity_server::secrets;
use crate::identity_server::token::TokenError;
use crate::session::Visit;
use crate::store::grants::Kind;
use crate::store::grants::Record;
use crate::users::local;
use crate::users::throttle::Rate;

/// How clients with a secret or a key prove themselves; discovery names them.
pub(super) const METHODS: [&str; 3] =
    ["client_secret_basic", "client_secret_post", "private_key_jwt"];

/// Longest client id, in bytes, and longest secret, in characters, as the configuration takes them.
const LONGEST: usize = 100;

/// Wrong secrets of one client from one network: a hundred, then one a second. Right ones do not
/// count, and other networks go on as before, so that nobody can lock a client out.
const GUESSES: Rate = Rate { burst: 100, interval: Duration::from_secs(1) };

/// Wrong secrets of one network, whatever clients it names: several go on being refused at their own
/// rate before they hold up another, and names that nobody has are no way around the limit.
const GUESSES_IN_ALL: Rate = Rate { burst: 200, interval: Duration::from_millis(250) };

/// What a caller shows.
enum Shown<'a> {
    Secret(Credentials),
    Assertion(Assertion<'a>),
}

/// A name and a secret, which is empty where there is none.
pub(super) struct Credentials {
    /// The name.
    pub(super) id: String,
    /// The secret.
    pub(super) secret: Secret,
    /// Whether they came by HTTP Basic, which wants a challenge in return.
    pub(super) basic: bool,
}

impl Credentials {
    /// The refusal that fits how they came.
    pub(super) const fn refusal(&self) -> TokenError {
        TokenError::BadClient { basic: self.basic }
    }
}

impl IdentityServer {
    /// Which client calls, for every endpoint that clients authenticate at.
    ///
    /// # Errors
    ///
    /// [`TokenError::BadClient`] unless exactly one method names a client and proves it;
    /// [`TokenError::Unavailable`] when that cannot be found out now.
    pub(super) async fn authenticate(
        &self,
        visit: &Visit,
        form: &Form,
        issuer: &str,
    ) -> Result<Arc<Client>, TokenError> {
        match shown(&visit.exchange.headers, form)? {
            Shown::Secret(credentials) => self.by_secret(visit, credentials).await,
            Shown::Assertion(assertion) => self.by_assertion(visit, &assertion, issuer).await,
        }
    }

    async fn by_secret(
        &self,
        visit: &Visit,
        credentials: Credentials,
    ) -> Result<Arc<Client>, TokenError> {
        let settings = &visit.config.identity_server;
        let refused = credentials.refusal();
        let Credentials { id, secret, .. } = credentials;
        if id.len() > LONGEST || is_too_long(&secret) {
            return Err(refused);
        }
        let client = client::find(settings, &id);
        // A public client proves nothing by its name alone, and a secret that nobody gave it is a
        // sign of confusion; where its file does give it one, that one is accepted.
        if secret.expose().is_empty() {
            let public = client.filter(|client| !client.require_secret);
            return public.cloned().ok_or(refused);
        }
        // An unknown name costs what a known one costs: somebody's secrets are looked at all the same.
        let stored = client.or_else(|| settings.clients.first()).map(|client| &client.secrets);
        let stored = stored.map_or(&[][..], Vec::as_slice);
        let right = self.guess(visit, (&id, &secret), stored, client.is_some()).await?;
        client.filter(|_| right).cloned().ok_or(refused)
    }

    /// Which API calls, by its name and one of its secrets; `None` for whoever is none or does not
    /// prove it.
    pub(super) async fn authenticate_api<'a>(
        &self,
        visit: &'a Visit,
        form: &Form,
    ) -> Option<&'a Resource> {
        let Shown::Secret(credentials) = shown(&visit.exchange.headers, form).ok()? else {
            return None;
        };
        let Credentials { id, secret, .. } = credentials;
        let apis = &visit.config.identity_server.api_resources;
        let api = apis.iter().find(|api| api.name == id)?;
        if secret.expose().is_empty() || is_too_long(&secret) {
            return None;
        }
        let right = self.guess(visit, (&id, &secret), &api.secrets, true).await;
        right.is_ok_and(|right| right).then_some(api)
    }

    /// Whether `secret` is one of the `stored` ones. Wrong ones are counted, before they are looked
    /// at so that many at once are no way around the limit.
    async fn guess(
        &self,
        visit: &Visit,
        (id, secret): (&str, &Secret),
        stored: &[ClientSecret],
        known: bool,
    ) -> Result<bool, TokenError> {
        let (now, network) = (visit.exchange.now, local::network(visit.exchange.client));
        // In this order one client that is wrong for ever takes little of what its network has.
        if self.guesses.take((id, network), GUESSES, now).is_err()
            || self.guesses.take(network, GUESSES_IN_ALL, now).is_err()
        {
            return Ok(false);
        }
        let right = self.is_one_of(stored, secret, now).await;
        if right != Ok(false) && known {
            self.guesses.give_back((id, network), GUESSES);
            self.guesses.give_back(network, GUESSES_IN_ALL);
        }
        right.map_err(|_| TokenError::Unavailable)
    }

    async fn by_assertion(
        &self,
        visit: &Visit,
        assertion: &Assertion<'_>,
        issuer: &str,
    ) -> Result<Arc<Client>, TokenError> {
        const REFUSED: TokenError = TokenError::BadClient { basic: false };
        let now = visit.exchange.now;
        let client = client::find(&visit.config.identity_server, &assertion.client);
        let client = client.ok_or(REFUSED)?;
        let proven = assertion.prove(secrets::keys(&client.secrets, now), issuer, now);
        let proven = proven.ok_or(REFUSED)?;
        let (name, ends_at) = (client.id.clone(), proven.ends_at);
        let handle = format!("assertion {}:{name}{}", name.len(), proven.id);
        let record = Record { owner: name.clone(), client: name, ends_at, ..Record::default() };
        let first = self.parts.grants.keep_new(Kind::UsedId, &handle, record, now).await?;
        first.then(|| Arc::clone(client)).ok_or(REFUSED)
    }
}

fn is_too_long(secret: &Secret) -> bool {
    secret.expose().chars().count() > LONGEST
}

fn shown<'a>(headers: &HeaderMap, form: &'a Form) -> Result<Shown<'a>, TokenError> {
    const REFUSED: TokenError = TokenError::BadClient { basic: false };
    if let Some(credentials) = basic(headers)? {
        return agree(credentials, form).map(Shown::Secret);
    }
    if assertion::is_in(form) {
        let alone = form.get("client_secret").is_none();
        let assertion = Assertion::read(form).filter(|_| alone);
        return assertion.map(Shown::Assertion).ok_or(REFUSED);
    }
    posted(form).map(Shown::Secret).ok_or(REFUSED)
}

/// The credentials of an `Authorization: Basic` line; another scheme is none of ours (TOK-05).
///
/// # Errors
///
/// [`TokenError::BadClient`] for a line that cannot be read, and for two lines.
pub(super) fn basic(headers: &HeaderMap) -> Result<Option<Credentials>, TokenError> {
    const REFUSED: TokenError = TokenError::BadClient { basic: true };
    let mut lines = headers.get_all(header::AUTHORIZATION).iter();
    let Some(line) = lines.next() else { return Ok(None) };
    if lines.next().is_some() {
        return Err(REFUSED);
    }
    let line = line.to_str().map_err(|_| REFUSED)?;
    let (scheme, encoded) = line.split_once(' ').unwrap_or((line, ""));
    if !scheme.eq_ignore_ascii_case("basic") {
        return Ok(None);
    }
    let decoded = STANDARD.decode(encoded.trim()).map_err(|_| REFUSED)?;
    let decoded = String::from_utf8(decoded).map_err(|_| REFUSED)?;
    let (id, secret) = decoded.split_once(':').ok_or(REFUSED)?;
    let id = form_decode(id).ok_or(REFUSED)?;
    let secret = Secret::new(form_decode(secret).ok_or(REFUSED)?);
    Ok(Some(Credentials { id, secret, basic: true }))
}

/// Both halves are form-encoded before they are joined (RFC 6749 §2.3.1).
fn form_decode(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

/// Basic stands alone: no second method in the body, no other client's name there.
fn agree(credentials: Credentials, form: &Form) -> Result<Credentials, TokenError> {
    let same = form.get("client_id").is_none_or(|id| id == credentials.id);
    if same && form.get("client_secret").is_none() && !assertion::is_in(form) {
        return Ok(credentials);
    }
    Err(credentials.refusal())
}

fn posted(form: &Form) -> Option<Credentials> {
    let id = form.get("client_id").filter(|id| !id.is_empty())?.to_owned();
    let secret = Secret::new(form.get("client_secret").unwrap_or_default());
    Some(Credentials { id, secret, basic: false })
}
