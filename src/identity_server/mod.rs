//! The OpenID provider behind the login: one file an endpoint.

mod access;
mod account_logout;
mod assertion;
mod authentication;
mod authorize;
mod back_channel;
mod check_session;
mod claims;
mod client;
mod consent;
mod cors;
mod device;
mod device_authorization;
mod discovery;
mod dpop;
mod end_session;
mod end_session_callback;
mod forgot_page;
mod grant;
mod grants_page;
mod home_error;
mod interaction;
mod introspect;
pub mod key_ring;
mod key_schedule;
mod keys;
mod mint;
mod password_page;
mod pending;
mod person;
mod pushed;
mod reply;
mod request;
mod request_details;
mod request_object;
mod request_uri;
mod requested;
mod reset_command;
mod reset_page;
mod response_type;
mod revoke;
mod scope;
mod scope_choice;
mod secrets;
mod single_sign_on;
#[cfg(test)]
mod tests;
mod token;
mod userinfo;

use std::num::NonZero;
use std::sync::Arc;
use std::thread;

use http::Method;
use tokio::sync::Semaphore;

pub use single_sign_on::single_sign_on_of;

use crate::clock::Clock;
use crate::config::model::SigningSettings;
use crate::crypto::seal::SealKeys;
use crate::error::Problem;
use crate::http::Response;
use crate::http::ReturnPath;
use crate::http::client::Client;
use crate::identity_server::back_channel::Courier;
use crate::identity_server::key_ring::KeyRing;
use crate::identity_server::key_ring::Listed;
use crate::identity_server::keys::Keys;
use crate::observe::Metrics;
use crate::session::Session;
use crate::session::Sessions;
use crate::session::Visit;
use crate::store::Handles;
use crate::store::StoreError;
use crate::store::grants::Grants;
use crate::store::register::Register;
use crate::users::hashing::HashQueue;
use crate::users::local::LocalUsers;
use crate::users::throttle::Throttle;

/// The identity server. One per process; outlives reloads.
#[derive(Debug)]
pub struct IdentityServer {
    parts: Parts,
    ring: KeyRing,
    keys: Arc<Keys>,
    /// Tells clients of sign-outs.
    courier: Arc<Courier>,
    /// Requests that wait for a sign-in and may not travel with it, or are too long for that.
    pending: Handles<String>,
    /// What pages around signing out are to know and is too long to travel. Apart from `pending`,
    /// whose requests it could push out.
    sign_outs: Handles<String>,
    /// Wrong secrets of clients.
    guesses: Throttle,
    /// Checks hashed secrets of clients. Apart from people's passwords, which outsiders could hold up.
    hashing: HashQueue,
    /// Counts requests that clients without a secret push, by network.
    pushes: Throttle,
    /// Calls clients where they publish their requests.
    calls: Client,
    /// Counts device authorization requests, by network.
    device_requests: Throttle,
    /// Counts user codes that lead nowhere, by session and by network.
    code_guesses: Throttle,
    /// Counts links for new passwords that are asked for, by network and by account.
    reset_requests: Throttle,
    /// Links for new passwords that are being sent.
    sending: Arc<Semaphore>,
    /// Sessions that are over, whose grants wait for the store.
    waiting_ends: Arc<Semaphore>,
}

/// What the identity server is made of.
#[derive(Clone, Debug)]
pub struct Parts {
    /// Tells the time.
    pub clock: Clock,
    /// Counts what happens.
    pub metrics: Arc<Metrics>,
    /// Seals what goes through the browser.
    pub seal: SealKeys,
    /// Where browser sessions end.
    pub sessions: Arc<Sessions>,
    /// What is remembered of grants and tokens.
    pub grants: Arc<Grants>,
    /// Checks the passwords of local users.
    pub local_users: Arc<LocalUsers>,
    /// Tells of sessions at other gateways, where these share a store.
    pub register: Option<Register>,
}

/// How a request to the identity server ends.
#[derive(Debug)]
pub enum Outcome {
    /// With this answer.
    Answer(Response),
    /// Somebody must sign in first and then come back, even if somebody is signed in already.
    SignIn {
        /// The way back: an authorize callback address.
        return_path: ReturnPath,
        /// The scheme of the external provider to go to at once (`acr_values=idp:…`).
        provider: Option<String>,
        /// What to fill in as the name (`login_hint`).
        login_hint: Option<String>,
        /// The languages that the page may speak (`ui_locales`).
        ui_locales: Option<String>,
    },
    /// Somebody signed out whose session came from an external provider: on to its own sign-out,
    /// where it has one.
    SignOut {
        /// The session, ended.
        session: Arc<Session>,
        /// Where to go on after that.
        return_path: ReturnPath,
        /// The answer where the provider has none, and the cookies that it takes away in any case.
        answer: Response,
    },
}

/// An address under the site.
struct Route {
    path: &'static str,
    endpoint: Endpoint,
    /// The methods it has; `None` for one that answers every method itself.
    allow: Option<&'static str>,
    /// Whether clients in browsers call it from their own origins.
    cors: bool,
}

#[derive(Clone, Copy)]
enum Endpoint {
    Discovery,
    Jwks,
    Authorize,
    AuthorizeCallback,
    Pushed,
    Token,
    Userinfo,
    EndSession,
    EndSessionCallback,
    CheckSession,
    AccountLogout,
    Home,
    HomeError,
    Consent,
    DeviceAuthorization,
    Device,
    Grants,
    Password,
    Reset,
    Forgot,
    Introspect,
    Revoke,
}

/// How many hashed secrets of clients may wait for their check.
const SECRETS_WAITING: usize = 16;

const GET: Option<&str> = Some("GET, HEAD");
const GET_POST: Option<&str> = Some("GET, HEAD, POST");
const POST: Option<&str> = Some("POST");

/// The endpoint table, at IdentityServer4's paths.
const ROUTES: &[Route] = &[
    route("/.well-known/openid-configuration", Endpoint::Discovery, GET, true),
    route("/.well-known/openid-configuration/jwks", Endpoint::Jwks, GET, true),
    route("/.well-known/oauth-authorization-server", Endpoint::Discovery, GET, true),
    route("/connect/authorize", Endpoint::Authorize, GET_POST, false),
    route("/connect/authorize/callback", Endpoint::AuthorizeCallback, GET, false),
    route("/connect/par", Endpoint::Pushed, POST, true),
    route("/connect/token", Endpoint::Token, None, true),
    route("/connect/userinfo", Endpoint::Userinfo, GET_POST, true),
    route("/connect/endsession", Endpoint::EndSession, GET_POST, false),
    route("/connect/endsession/callback", Endpoint::EndSessionCallback, GET, false),
    route("/connect/checksession", Endpoint::CheckSession, GET, false),
    route("/account/logout", Endpoint::AccountLogout, GET_POST, false),
    route("/", Endpoint::Home, GET, false),
    route("/home/error", Endpoint::HomeError, GET, false),
    route("/consent", Endpoint::Consent, GET_POST, false),
    route("/connect/deviceauthorization", Endpoint::DeviceAuthorization, None, false),
    route("/device", Endpoint::Device, GET_POST, false),
    route("/grants", Endpoint::Grants, GET_POST, false),
    route("/account/password", Endpoint::Password, GET_POST, false),
    route("/account/reset", Endpoint::Reset, GET_POST, false),
    route("/account/forgot", Endpoint::Forgot, GET_POST, false),
    route("/connect/introspect", Endpoint::Introspect, POST, false),
    route("/connect/revocation", Endpoint::Revoke, POST, true),
];

const fn route(
    path: &'static str,
    endpoint: Endpoint,
    allow: Option<&'static str>,
    cors: bool,
) -> Route {
    Route { path, endpoint, allow, cors }
}

impl IdentityServer {
    /// Made of its parts; signs with the keys of `ring`.
    pub fn new(ring: KeyRing, parts: Parts) -> Self {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        Self {
            courier: Courier::new(Arc::clone(&parts.metrics)),
            parts,
            keys: ring.keys(),
            ring,
            pending: Handles::weighed(pending::CAPACITY, pending::SHARE, String::len),
            sign_outs: Handles::weighed(pending::CAPACITY, pending::SHARE, String::len),
            guesses: Throttle::new(),
            hashing: HashQueue::new((cores / 2).max(1), SECRETS_WAITING),
            pushes: Throttle::new(),
            calls: Client::new(),
            device_requests: Throttle::new(),
            code_guesses: Throttle::new(),
            reset_requests: Throttle::new(),
            sending: Arc::new(Semaphore::new(forgot_page::MOST_SENDING)),
            waiting_ends: Arc::new(Semaphore::new(grant::MOST_WAITING)),
        }
    }

    /// Looks after the signing keys: see [`KeyRing::refresh`].
    ///
    /// # Errors
    ///
    /// When the store of keys cannot be reached: what was published stays.
    pub async fn refresh_keys(&self, settings: &SigningSettings) -> Result<(), StoreError> {
        self.ring.refresh(settings).await
    }

    /// Every signing key that is published, and its dates.
    pub async fn signing_keys(&self, settings: &SigningSettings) -> Vec<Listed> {
        self.ring.list(settings).await
    }

    /// Answers a request on an identity server's site.
    ///
    /// # Errors
    ///
    /// What the person or program is told, see [`Problem`].
    pub async fn answer(&self, visit: &Visit) -> Result<Outcome, Problem> {
        let path = path_of(visit);
        let route = ROUTES.iter().find(|route| path.eq_ignore_ascii_case(route.path));
        let settings = &visit.config.identity_server;
        let route = route
            .filter(|route| discovery::is_on(settings, route.endpoint))
            .ok_or_else(|| Problem::NotFound("the identity server has no such page".into()))?;
        if !route.cors {
            return self.serve(route, visit).await;
        }
        if visit.exchange.method == Method::OPTIONS {
            return Ok(Outcome::Answer(cors::preflight(visit)));
        }
        cors::readable(visit, self.serve(route, visit).await)
    }

    async fn serve(&self, route: &Route, visit: &Visit) -> Result<Outcome, Problem> {
        if let Some(allow) = route.allow.filter(|allow| !allows(allow, &visit.exchange.method)) {
            return Err(Problem::MethodNotAllowed { allow });
        }
        self.dispatch(route.endpoint, visit).await
    }

    async fn dispatch(&self, endpoint: Endpoint, visit: &Visit) -> Result<Outcome, Problem> {
        let answer = match endpoint {
            Endpoint::Authorize => return self.authorize(visit).await,
            Endpoint::AuthorizeCallback => return self.authorize_callback(visit).await,
            Endpoint::Consent => return self.consent(visit).await,
            Endpoint::Device => return self.device(visit).await,
            Endpoint::Grants => return self.grants_page(visit).await,
            Endpoint::Password => return self.password_page(visit).await,
            Endpoint::Reset => self.reset_page(visit).await,
            Endpoint::Forgot => self.forgot_page(visit),
            Endpoint::DeviceAuthorization => self.device_authorization(visit).await,
            Endpoint::Introspect => self.introspect(visit).await,
            Endpoint::Revoke => self.revoke(visit).await,
            Endpoint::Discovery => self.discovery(visit),
            Endpoint::Jwks => Ok(self.jwks(visit)),
            Endpoint::Pushed => self.push(visit).await,
            Endpoint::CheckSession => Ok(check_session::frame(visit)),
            Endpoint::Token => self.token(visit).await,
            Endpoint::Userinfo => self.userinfo(visit).await,
            Endpoint::EndSession => return self.end_session(visit).await,
            Endpoint::EndSessionCallback => self.end_session_callback(visit),
            Endpoint::AccountLogout => return self.account_logout(visit).await,
            Endpoint::Home => Ok(grants_page::from_home(visit)),
            Endpoint::HomeError => self.home_error(visit),
        };
        answer.map(Outcome::Answer)
    }
}

/// The path under the site's folder.
fn path_of(visit: &Visit) -> &str {
    let path = visit.exchange.target.path.decoded();
    path.get(visit.site.virtual_folder.len()..).unwrap_or_default()
}

fn allows(allow: &str, method: &Method) -> bool {
    allow.split(", ").any(|allowed| allowed == method.as_str())
}

/// The issuer: from the configuration and nowhere else, whatever host the request names.
fn issuer_of(visit: &Visit) -> Result<&str, Problem> {
    let issuer = visit.config.identity_server.issuer.as_deref();
    issuer
        .ok_or_else(|| Problem::Unavailable("the identity server has no issuer configured".into()))
}
