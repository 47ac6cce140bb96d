//! Who a browser is: sessions in memory, found by the SHA-256 of a random token in a cookie.

mod changes;
pub mod cookie;
pub mod form_proof;
pub mod limits;
pub mod memory;
mod names;
pub mod renewal;
#[cfg(test)]
mod testing;
pub mod visit;

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use http::HeaderName;
use http::HeaderValue;

pub use changes::Change;
pub use changes::Noted;
pub use limits::Full;
pub use limits::Limits;
pub use memory::End;
pub use memory::Sessions;
pub use names::Named;
pub use renewal::Refresh;
pub use visit::Visit;

use crate::claims::ClaimSet;
use crate::clock::Timestamp;
use crate::crypto::secret::Secret;
use crate::session::renewal::Renewal;
use crate::store::accounts::GivenRole;
use crate::users::User;

/// A session's name on the server: the SHA-256 of the token in the browser's cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub [u8; 32]);

/// What a sign-in found out, from which a session is made.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The account.
    pub user: User,
    /// The provider it came from.
    pub provider: Arc<str>,
    /// The issuer that `provider` was when it vouched for the person; `None` for local users.
    pub issuer: Option<Arc<str>>,
    /// The provider's name for the person: with `provider` the only key of an identity.
    pub subject: String,
    /// The site that the person signed in at.
    pub site: Arc<str>,
    /// The claims after all transformations.
    pub claims: ClaimSet,
    /// The ID token, for `id_token_hint` at sign-out.
    pub id_token: Option<Secret>,
    /// `sid` of the provider's session.
    pub provider_session: Option<String>,
    /// When the person proved who they are; see `time_assumed`.
    pub authenticated_at: Timestamp,
    /// Whether `authenticated_at` is only when the person came: the provider does not say when they
    /// proved who they are (`auth_time`), and may have let an old sign-in pass.
    pub time_assumed: bool,
    /// Whether the browser is to keep the cookie when it closes.
    pub remembered: bool,
    /// An end that the provider or a claim (`cookieExp`) sets.
    pub ends_at: Option<Timestamp>,
    /// How the provider is asked anew, where it can be.
    pub refresh: Option<Refresh>,
    /// The roles that this sign-in gave, and on whose word.
    pub given_roles: Vec<GivenRole>,
    /// Whether the user is kept in the store, under its name, and outlives the session.
    pub persistent: bool,
}

impl Identity {
    /// When the person proved who they are, where the gateway has seen it or the provider says so.
    pub fn proved_at(&self) -> Option<Timestamp> {
        (!self.time_assumed).then_some(self.authenticated_at)
    }
}

/// A live session. Its fields never change but for the moment of its last use and the clients that
/// were signed in to; when the provider says something new of the person, another one of the same
/// name takes its place.
#[derive(Debug)]
pub struct Session {
    /// Its name on the server.
    pub id: SessionId,
    /// Who it is.
    pub identity: Identity,
    /// When it began.
    pub began_at: Timestamp,
    /// When it is over, however much it is used.
    pub ends_at: Timestamp,
    /// How long it may go unused.
    pub idle: Duration,
    /// Whether an access token stands for it, which comes with every request: it is in no table and
    /// in no cookie.
    pub of_token: bool,
    /// A public name for it, in assertions and the identity server's `sid`: 32 hex digits.
    pub public_id: String,
    last_used: AtomicI64,
    rendered: ArcSwapOption<Rendered>,
    renewal: Option<Renewal>,
    clients: Arc<Mutex<Vec<String>>>,
    /// Whether a request of it has been served.
    arrived: AtomicBool,
}

/// A session's identity headers, rendered for one configuration.
#[derive(Debug)]
pub struct Rendered {
    /// The configuration's generation; another one renders anew.
    pub generation: u64,
    /// The upstream's index: assertions name their audience.
    pub upstream: usize,
    /// Whether the assertion is among them as `Authorization: Bearer`, which is a site's choice.
    pub as_bearer: bool,
    /// When the assertion among the headers has used up half its life.
    pub renew_at: Timestamp,
    /// Names and values, ready to be inserted.
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

impl Session {
    /// What the access token with the digest `id` stands for, until the identity ends.
    pub fn of_token(id: SessionId, identity: Identity, now: Timestamp) -> Self {
        let ends_at = identity.ends_at.unwrap_or(now);
        let [half @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = id.0;
        Self {
            id,
            began_at: now,
            ends_at,
            idle: ends_at.since(now),
            of_token: true,
            public_id: format!("{:032x}", u128::from_be_bytes(half)),
            last_used: AtomicI64::new(now.0),
            rendered: ArcSwapOption::empty(),
            renewal: None,
            clients: Arc::default(),
            arrived: AtomicBool::new(true),
            identity,
        }
    }

    /// Whether it is over at `now`.
    pub fn is_over(&self, now: Timestamp) -> bool {
        now >= self.ends_at || now >= self.last_used().plus(self.idle)
    }

    /// When it was last used.
    pub fn last_used(&self) -> Timestamp {
        Timestamp(self.last_used.load(Ordering::Relaxed))
    }

    /// Whether this request is the first of it that is served; asked once for each.
    pub fn arrives(&self) -> bool {
        !self.arrived.load(Ordering::Relaxed) && !self.arrived.swap(true, Ordering::Relaxed)
    }

    /// The rendered headers, when they are of this generation, upstream and kind of site and still
    /// fresh.
    pub fn rendered(
        &self,
        generation: u64,
        upstream: usize,
        as_bearer: bool,
        now: Timestamp,
    ) -> Option<Arc<Rendered>> {
        let rendered = self.rendered.load_full()?;
        let fits = rendered.generation == generation
            && rendered.upstream == upstream
            && rendered.as_bearer == as_bearer;
        (fits && now < rendered.renew_at).then_some(rendered)
    }

    /// Keeps rendered headers for the next request.
    pub fn keep_rendered(&self, rendered: Arc<Rendered>) {
        self.rendered.store(Some(rendered));
    }

    /// How its provider is asked anew, when that is due.
    pub fn renewal_due(&self, now: Timestamp) -> Option<&Renewal> {
        self.renewal.as_ref().filter(|renewal| renewal.is_due(now))
    }

    /// Remembers that the identity server's client `id` was signed in to.
    pub fn sign_into(&self, id: &str) {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if !clients.iter().any(|known| known == id) {
            clients.push(id.to_owned());
        }
    }

    /// The identity server's clients that were signed in to, each once, in that order.
    pub fn clients(&self) -> Vec<String> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn touch(&self, now: Timestamp) {
        if self.last_used() != now {
            self.last_used.store(now.0, Ordering::Relaxed);
        }
    }
}
