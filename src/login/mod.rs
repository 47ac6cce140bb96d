//! Signing in and out: one engine for every site, whatever the provider.
//!
//! A sign-in is a [`transaction`] that travels through the browser: [`start`] seals it, the provider
//! brings it back to [`callback`], [`oidc`] turns the answer into verified claims, and [`finish`]
//! makes a session of them. The identity server's site is a site like any other.

mod addresses;
mod back_channel;
mod bearer;
mod browser;
mod callback;
mod choice;
mod endpoint;
#[cfg(test)]
mod fake_provider;
mod finish;
mod front_channel;
mod held;
mod insight;
mod kept;
mod limit;
mod links;
mod local;
mod logout;
mod oauth2;
mod oidc;
mod outcome;
mod overage;
mod page;
mod place;
mod question;
mod reason;
mod redeem;
mod refresh;
#[cfg(test)]
mod scenarios;
#[cfg(test)]
mod scenarios_around;

mod sign_in_urls;
mod start;
#[cfg(test)]
mod testing;
mod ticket;
mod transaction;
mod way;

use std::sync::Arc;

use http::Method;

pub use addresses::Addresses;
pub use addresses::addresses;
pub use bearer::Brought;
pub use bearer::Unbelieved;
pub use bearer::taken_from;
pub use finish::lifetimes;
pub use insight::ShownToken;
pub use links::sign_in_anew;
pub use oidc::Document;
pub use oidc::Documents;
pub use oidc::Signature;
pub use reason::Reason;
pub use refresh::Occasion;
pub use refresh::Renewed;

use crate::clock::Clock;
use crate::config::model::Config;
use crate::config::model::Site;
use crate::crypto::seal::SealKeys;
use crate::error::Problem;
use crate::http::CanonicalPath;
use crate::http::Response;
use crate::http::client::Client;
use crate::login::endpoint::Endpoint;
use crate::login::held::HeldSignIns;
use crate::login::limit::Limit;
use crate::login::oauth2::PlainParty;
use crate::login::oidc::RelyingParty;
use crate::login::transaction::Transactions;
use crate::observe::Metrics;
use crate::session::Session;
use crate::session::Sessions;
use crate::session::Visit;
use crate::store::SpentIds;
use crate::store::accounts::Accounts;
use crate::users::local::LocalUsers;

/// The login engine. One per process; outlives reloads.
#[derive(Debug)]
pub struct Login {
    parts: Parts,
    relying_party: RelyingParty,
    plain_party: PlainParty,
    transactions: Transactions,
    limit: Limit,
    /// Sign-ins that wait for the person's word.
    held: HeldSignIns,
    /// Logout tokens that have been used.
    logout_tokens: SpentIds,
}

/// What the engine is made of.
#[derive(Clone, Debug)]
pub struct Parts {
    /// Tells the time.
    pub clock: Clock,
    /// Counts what happens.
    pub metrics: Arc<Metrics>,
    /// Seals transactions.
    pub seal: SealKeys,
    /// Where sessions begin and end.
    pub sessions: Arc<Sessions>,
    /// Checks the passwords of local users.
    pub local_users: Arc<LocalUsers>,
    /// The users that outlive their sessions.
    pub accounts: Arc<Accounts>,
}

/// How a request to this room ends.
#[derive(Debug)]
pub enum Outcome {
    /// With this answer.
    Answer(Response),
    /// Somebody has signed in, which may concern whoever was signed in before.
    Entered(Entered),
    /// A provider has signed people out; what is said depends on whom else that concerns.
    Ended(Ended),
}

/// Somebody who has signed in.
#[derive(Debug)]
pub struct Entered {
    /// What the browser is told.
    pub answer: Response,
    /// Sessions of the identity server that are over with it, other people's for the most part: none
    /// of them goes on by its public name.
    pub replaced: Vec<Arc<Session>>,
}

/// Sessions that a provider has ended.
#[derive(Debug)]
pub struct Ended {
    /// Those that were there, gone now.
    pub sessions: Vec<Arc<Session>>,
    /// How the provider told us.
    pub channel: Channel,
}

/// The way that a provider tells of a sign-out.
#[derive(Debug)]
pub enum Channel {
    /// From server to server.
    Back,
    /// In a frame of its own page.
    Front {
        /// The origins of such pages.
        framed_by: Vec<String>,
    },
}

/// Logout tokens that are remembered at a time: only authentic ones are.
const MOST_LOGOUT_TOKENS: usize = 1_000_000;

impl Login {
    /// A login engine. Sign-ins that were started before do not finish here.
    pub fn new(parts: Parts) -> Self {
        let client = Arc::new(Client::new());
        Self {
            plain_party: PlainParty::new(Arc::clone(&client), Arc::clone(&parts.metrics)),
            relying_party: RelyingParty::new(client, Arc::clone(&parts.metrics)),
            transactions: Transactions::new(parts.seal.clone()),
            limit: Limit::default(),
            held: HeldSignIns::new(),
            logout_tokens: SpentIds::new(MOST_LOGOUT_TOKENS),
            parts,
        }
    }

    /// Whether `path` on `site` is an address of this engine: sign-in, callbacks, sign-out.
    pub fn serves(config: &Config, site: &Site, path: &CanonicalPath) -> bool {
        endpoint::find(config, site, path).is_some()
    }

    /// Answers a request for which [`Self::serves`] said yes.
    ///
    /// # Errors
    ///
    /// What the person or program is told, see [`Problem`].
    pub async fn answer(&self, visit: &Visit) -> Result<Outcome, Problem> {
        let path = &visit.exchange.target.path;
        let endpoint = endpoint::find(&visit.config, &visit.site, path);
        let endpoint = endpoint.unwrap_or(Endpoint::Nothing);
        if let Some(methods) = endpoint.methods() {
            allow(visit, methods)?;
        }
        let answer = match endpoint {
            Endpoint::BackChannelLogout => return self.back_channel_logout(visit).await,
            Endpoint::FrontChannelLogout => return self.front_channel_logout(visit).await,
            Endpoint::Callback => return self.callback(visit).await,
            Endpoint::GoOn => return Box::pin(self.go_on(visit)).await,
            Endpoint::LegacyLogin => return self.legacy_login(visit).await,
            Endpoint::AccountLogin => return self.account_login(visit).await,
            Endpoint::Start(target) => self.start_named(visit, target).await,
            Endpoint::ExternalLogin => self.external_login(visit).await,
            Endpoint::ExternalLoginCallback => Self::external_login_callback(visit),
            Endpoint::PostLogout => self.post_logout(visit),
            Endpoint::Logout => self.logout(visit).await,
            Endpoint::SignInUrls => sign_in_urls::answer(visit),
            Endpoint::Challenge => self.challenge(visit).await,
            Endpoint::Nothing => Err(Problem::NotFound(
                "This address under the identity prefix is not in use.".into(),
            )),
        };
        answer.map(Outcome::Answer)
    }

    /// Brings the gauges up to date that grow by themselves (the age of each provider's keys). To be
    /// called before the metrics are rendered.
    pub fn observe(&self) {
        self.relying_party.observe(self.parts.clock.now());
    }
}

fn allow(visit: &Visit, methods: &'static str) -> Result<(), Problem> {
    if methods.split(", ").any(|method| visit.exchange.method == method) {
        return Ok(());
    }
    Err(Problem::MethodNotAllowed { allow: methods })
}

/// Whether the request was posted.
fn is_post(visit: &Visit) -> bool {
    visit.exchange.method == Method::POST
}
