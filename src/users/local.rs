//! Local users: checking a name and a password, of the configuration's users and of the store's.
//!
//! An answer takes as long for an unknown name as for a wrong password.

use std::net::IpAddr;
use std::num::NonZero;
use std::sync::Arc;
use std::thread;

use crate::clock::Timestamp;
use crate::config::model::Config;
use crate::config::model::LocalUser;
use crate::crypto::password;
use crate::crypto::secret::Secret;
use crate::observe::Metrics;
use crate::store::StoreError;
use crate::store::accounts::Account;
use crate::store::accounts::Accounts;
use crate::users::attempts::Attempts;
use crate::users::attempts::Place;
use crate::users::hashing::Busy;
use crate::users::hashing::HashQueue;
pub use crate::users::local_identity::LocalIdentity;

/// The provider's name in sessions of local users.
pub const PROVIDER: &str = "local";

/// Checks passwords. One per process; outlives reloads.
#[derive(Debug)]
pub struct LocalUsers {
    metrics: Arc<Metrics>,
    pub(super) accounts: Arc<Accounts>,
    pub(super) hashing: HashQueue,
    attempts: Attempts,
}

/// Why a name and password were not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No such user, or not this password: nobody is told which.
    #[error("wrong user name or password")]
    WrongPassword,
    /// The right password of a user that is switched off.
    #[error("the user is disabled")]
    Disabled,
    /// The right password of a user whose password is not taken (`IsLockedOut`).
    #[error("the user is locked")]
    Locked,
    /// Too many attempts on this account from this network, or from this network in all.
    #[error("too many attempts")]
    Throttled {
        /// Seconds until the next attempt is looked at.
        retry_after: u32,
    },
    /// More attempts are waiting than this machine can check in time.
    #[error("too busy to check passwords")]
    Busy,
    /// The store does not answer, and no user of the configuration has this name.
    #[error("the store of users does not answer")]
    Unavailable,
}

/// Attempts that may wait for their turn.
const QUEUE: usize = 64;

impl LocalUsers {
    /// Checks as many passwords at a time as there are cores.
    pub fn new(metrics: Arc<Metrics>, accounts: Arc<Accounts>) -> Self {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        Self { metrics, accounts, hashing: HashQueue::new(cores, QUEUE), attempts: Attempts::new() }
    }

    /// The local user called `name`, in any case, as the configuration or the store has them now;
    /// `None` for one who is disabled there.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    pub async fn find(
        &self,
        config: &Config,
        name: &str,
    ) -> Result<Option<LocalIdentity>, StoreError> {
        if let Some(user) = configured(config, name) {
            return Ok(Some(LocalIdentity::configured(user)));
        }
        let account = self.accounts.find(name).await?;
        let account = account.filter(|account| !account.disabled);
        Ok(account.filter(|a| a.password_hash.is_some()).map(|a| LocalIdentity::kept(&a)))
    }

    /// Finds the user called `name` (without regard to case; the account prefix is put before a name
    /// without a domain) and checks the password. A user of the store remembers the sign-in.
    ///
    /// # Errors
    ///
    /// See [`Refusal`]. An attempt is counted before it is looked at, so that many at once are no
    /// way around the limits; a right password, or no time to look, gives it back.
    pub async fn check(
        &self,
        config: &Config,
        name: &str,
        password: Secret,
        attempt: Attempt<'_>,
    ) -> Result<LocalIdentity, Refusal> {
        let checked = match self.prove(config, name, &password, attempt).await {
            Ok(Known::Configured(user)) => Ok(LocalIdentity::configured(&user)),
            Ok(Known::Kept(account)) => self.enter(config, *account, &password, attempt).await,
            Err(refusal) => Err(refusal),
        };
        self.count(checked.as_ref().err());
        checked
    }

    fn count(&self, refusal: Option<&Refusal>) {
        let outcome = match refusal {
            None => "right",
            Some(Refusal::WrongPassword) => "wrong",
            Some(Refusal::Disabled) => "disabled",
            Some(Refusal::Locked) => "locked",
            Some(Refusal::Throttled { .. }) => "throttled",
            Some(Refusal::Busy) => "busy",
            Some(Refusal::Unavailable) => "unavailable",
        };
        self.metrics.password_checks.with_label_values(&[outcome]).inc();
    }

    /// Whose password it is, counted and slowed like every attempt.
    pub(super) async fn prove(
        &self,
        config: &Config,
        name: &str,
        password: &Secret,
        attempt: Attempt<'_>,
    ) -> Result<Known, Refusal> {
        let name = full_name(&config.identity_server.account_prefix, name);
        let place = Place { account: &name, network: network(attempt.client) };
        let begun = self.attempts.begin(config, place, attempt.now).await?;
        match self.look(config, &name, password).await {
            Ok(Some(known)) => {
                begun.right();
                Ok(known)
            }
            Ok(None) => {
                begun.wrong();
                Err(Refusal::WrongPassword)
            }
            Err(refusal) => {
                begun.unlooked();
                Err(refusal)
            }
        }
    }

    /// Whose name and password these are; `None` when either is wrong. An unknown name costs what a
    /// known one costs: somebody's hash is checked all the same. The configuration's users are not
    /// asked for in the store: they are there for the day on which it is down.
    async fn look(
        &self,
        config: &Config,
        name: &str,
        password: &Secret,
    ) -> Result<Option<Known>, Refusal> {
        let known = if let Some(user) = configured(config, name) {
            Some(Known::Configured(user.clone()))
        } else {
            let account = self.accounts.find(name).await.map_err(unavailable)?;
            account.map(|account| Known::Kept(Box::new(account)))
        };
        let own = known.as_ref().and_then(Known::hash).cloned();
        let somebodys = || {
            let first = config.local_users.first().map(|user| user.password_hash.clone());
            first.unwrap_or_else(|| Secret::new(password::nobodys()))
        };
        let hash = own.clone().unwrap_or_else(somebodys);
        let right = self.hashing.verify(password.clone(), hash).await;
        let right = right.map_err(|Busy| Refusal::Busy)?;
        Ok(known.filter(|_| right && own.is_some()))
    }
}

/// Whose password was right.
#[derive(Clone, Debug)]
pub(super) enum Known {
    /// A user of the configuration.
    Configured(LocalUser),
    /// A user of the store.
    Kept(Box<Account>),
}

impl Known {
    fn hash(&self) -> Option<&Secret> {
        match self {
            Self::Configured(user) => Some(&user.password_hash),
            Self::Kept(account) => account.password_hash.as_ref(),
        }
    }
}

/// From where and when a password is tried, and for what.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// The client's address.
    pub client: IpAddr,
    /// The present moment.
    pub now: Timestamp,
    /// The site that is signed in to.
    pub site: &'a str,
}

/// The configuration's user called `name`, in any case.
pub fn configured<'c>(config: &'c Config, name: &str) -> Option<&'c LocalUser> {
    let name = name.to_lowercase();
    config.local_users.iter().find(|user| user.name.to_lowercase() == name)
}

#[expect(clippy::needless_pass_by_value, reason = "map_err hands it over")]
pub(super) fn unavailable(error: StoreError) -> Refusal {
    tracing::error!(error = ?error, "store");
    Refusal::Unavailable
}

/// `name` as accounts are compared: with its domain, in lower case.
pub fn full_name(prefix: &str, name: &str) -> String {
    let name = name.trim();
    if name.contains('\\') { name.to_lowercase() } else { format!("{prefix}{name}").to_lowercase() }
}

/// The network that an address speaks for: a single IPv4 address, or the 64 bits of IPv6 that one
/// household has.
pub fn network(client: IpAddr) -> [u8; 16] {
    match client.to_canonical() {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => (address.to_bits() & !u128::from(u64::MAX)).to_be_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::users::testing;

    const HOME: &str = "192.0.2.1";

    fn config() -> Config {
        let mut config = testing::config();
        config.local_users = vec![testing::jane()];
        config
    }

    async fn check(
        users: &LocalUsers,
        name: &str,
        password: &str,
        client: &str,
    ) -> Result<LocalIdentity, Refusal> {
        let attempt =
            Attempt { client: client.parse().unwrap(), now: Timestamp(1_000), site: "shell" };
        users.check(&config(), name, Secret::new(password), attempt).await
    }

    #[tokio::test]
    async fn names_are_compared_without_regard_to_case_and_get_the_prefix() {
        let users = LocalUsers::new(Arc::default(), Arc::new(Accounts::in_memory()));
        for name in ["jane", "JANE", " jane ", "sitecore\\jane", "SITECORE\\Jane"] {
            let identity = check(&users, name, "correct horse", HOME).await.unwrap();
            assert_eq!(identity.user.name, "sitecore\\jane", "{name}");
        }
        for name in ["joe", "extranet\\jane", "", "\\jane", "sitecore\\sitecore\\jane"] {
            let refused = check(&users, name, "correct horse", HOME).await;
            assert_eq!(refused.unwrap_err(), Refusal::WrongPassword, "{name}");
        }
        let wrong = check(&users, "jane", "correct horse ", HOME).await;
        assert_eq!(wrong.unwrap_err(), Refusal::WrongPassword);
    }

    #[tokio::test]
    async fn s350_guessing_is_slowed_for_the_guesser_alone() {
        let users = LocalUsers::new(Arc::default(), Arc::new(Accounts::in_memory()));
        for _ in 0..5 {
            let wrong = check(&users, "jane", "guess", HOME).await;
            assert_eq!(wrong.unwrap_err(), Refusal::WrongPassword);
        }
        let refused = check(&users, "jane", "correct horse", HOME).await;
        assert_eq!(refused.unwrap_err(), Refusal::Throttled { retry_after: 600 });
        assert!(check(&users, "jane", "correct horse", "192.0.2.2").await.is_ok());
    }

    #[tokio::test]
    async fn s349_many_networks_are_no_way_around_the_limit_and_lock_nobody_out() {
        let users = LocalUsers::new(Arc::default(), Arc::new(Accounts::in_memory()));
        check(&users, "jane", "correct horse", HOME).await.unwrap();
        for guess in 0..100 {
            // Whatever the name is written like, it counts as one.
            let name = ["jane", "JANE", "sitecore\\Jane", " jane "][guess % 4];
            let wrong = check(&users, name, "guess", &format!("198.51.100.{guess}")).await;
            assert_eq!(wrong.unwrap_err(), Refusal::WrongPassword, "{guess}");
        }
        let refused = check(&users, "jane", "guess", "203.0.113.1").await;
        assert_eq!(refused.unwrap_err(), Refusal::Throttled { retry_after: 30 });
        assert!(check(&users, "jane", "correct horse", HOME).await.is_ok(), "she is at home");
    }

    #[tokio::test]
    async fn right_passwords_do_not_use_up_attempts() {
        let users = LocalUsers::new(Arc::default(), Arc::new(Accounts::in_memory()));
        for _ in 0..12 {
            check(&users, "jane", "correct horse", HOME).await.unwrap();
        }
    }

    #[tokio::test]
    async fn s350_one_network_has_so_many_attempts_in_all() {
        let users = LocalUsers::new(Arc::default(), Arc::new(Accounts::in_memory()));
        let mut config = config();
        config.limits.sign_ins_per_minute = 4;
        for guess in 0..5 {
            let client = format!("2001:db8::{guess}").parse().unwrap();
            let attempt = Attempt { client, now: Timestamp(1_000), site: "shell" };
            let name = format!("user{guess}");
            let checked = users.check(&config, &name, Secret::new("x"), attempt).await;
            let expected = if guess < 4 {
                Refusal::WrongPassword
            } else {
                Refusal::Throttled { retry_after: 15 }
            };
            assert_eq!(checked.unwrap_err(), expected);
        }
        let client = "2001:db8:0:1::1".parse().unwrap();
        let elsewhere = Attempt { client, now: Timestamp(1_000), site: "shell" };
        let checked = users.check(&config, "user9", Secret::new("x"), elsewhere).await;
        assert_eq!(checked.unwrap_err(), Refusal::WrongPassword);
    }
}
