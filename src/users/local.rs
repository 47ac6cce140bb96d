//! Local users: checking a name and a password.
//!
//! An answer takes as long for an unknown name as for a wrong password. Guessing is slowed per
//! account and network, per network, and per account for all networks from which its owner has not
//! signed in yet: so many hands are no way around the limits, and nobody can lock another one out of
//! the places where that person works.

use std::net::IpAddr;
use std::num::NonZero;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::claims::ClaimSet;
use crate::claims::types;
use crate::clock::Timestamp;
use crate::config::model::Config;
use crate::config::model::LocalUser;
use crate::crypto::secret::Secret;
use crate::observe::Metrics;
use crate::store::accounts::Accounts;
use crate::users::User;
use crate::users::hashing::Busy;
use crate::users::hashing::HashQueue;
use crate::users::places::Places;
use crate::users::throttle::Rate;
use crate::users::throttle::Throttle;

/// The provider's name in sessions of local users.
pub const PROVIDER: &str = "local";

/// Checks passwords. One per process; outlives reloads.
#[derive(Debug)]
pub struct LocalUsers {
    metrics: Arc<Metrics>,
    accounts: Arc<Accounts>,
    hashing: HashQueue,
    by_account: Throttle,
    by_client: Throttle,
    by_strangers: Throttle,
    known: Places,
}

/// A local user whose password was right.
#[derive(Clone, Debug)]
pub struct LocalIdentity {
    /// As configured.
    pub user: LocalUser,
    /// What the identity server may tell its clients of this user.
    pub claims: ClaimSet,
}

/// Why a name and password were not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No such user, or not this password: nobody is told which.
    #[error("wrong user name or password")]
    WrongPassword,
    /// Too many attempts on this account from this network, or from this network in all.
    #[error("too many attempts")]
    Throttled {
        /// Seconds until the next attempt is looked at.
        retry_after: u32,
    },
    /// More attempts are waiting than this machine can check in time.
    #[error("too busy to check passwords")]
    Busy,
}

/// Attempts of one network on one account: a handful, then one every twelve seconds.
const PER_ACCOUNT: Rate = Rate { burst: 8, interval: Duration::from_secs(12) };
/// Attempts on one account of all networks that it does not know: no person needs so many, and one
/// who comes from a new network meanwhile waits half a minute at most.
const PER_ACCOUNT_OF_STRANGERS: Rate = Rate { burst: 100, interval: Duration::from_secs(30) };
/// Attempts that may wait for their turn.
const QUEUE: usize = 64;

impl LocalUsers {
    /// Checks as many passwords at a time as there are cores.
    pub fn new(metrics: Arc<Metrics>, accounts: Arc<Accounts>) -> Self {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        Self {
            metrics,
            accounts,
            hashing: HashQueue::new(cores, QUEUE),
            by_account: Throttle::new(),
            by_client: Throttle::new(),
            by_strangers: Throttle::new(),
            known: Places::new(),
        }
    }

    /// Finds the user called `name` (without regard to case; the account prefix is put before a name
    /// without a domain) and checks the password.
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
        attempt: Attempt,
    ) -> Result<LocalIdentity, Refusal> {
        let checked = self.check_uncounted(config, name, password, attempt).await;
        let outcome = match &checked {
            Ok(_) => "right",
            Err(Refusal::WrongPassword) => "wrong",
            Err(Refusal::Throttled { .. }) => "throttled",
            Err(Refusal::Busy) => "busy",
        };
        self.metrics.password_checks.with_label_values(&[outcome]).inc();
        checked
    }

    async fn check_uncounted(
        &self,
        config: &Config,
        name: &str,
        password: Secret,
        attempt: Attempt,
    ) -> Result<LocalIdentity, Refusal> {
        let name = full_name(&config.identity_server.account_prefix, name);
        let network = network(attempt.client);
        let place = (name.as_str(), network);
        let per_client = per_minute(config.limits.sign_ins_per_minute);
        self.by_client.take(network, per_client, attempt.now).map_err(throttled)?;
        self.by_account.take(place, PER_ACCOUNT, attempt.now).map_err(throttled)?;
        let stranger = !self.known.knows(place, attempt.now);
        if stranger {
            let all = self.by_strangers.take(&name, PER_ACCOUNT_OF_STRANGERS, attempt.now);
            all.map_err(throttled)?;
        }
        let user = config.local_users.iter().find(|user| user.name.to_lowercase() == name);
        // An unknown name costs what a known one costs: somebody's hash is checked all the same.
        let Some(hashed) = user.or_else(|| config.local_users.first()) else {
            return Err(Refusal::WrongPassword);
        };
        let right = self.hashing.verify(password, hashed.password_hash.clone()).await;
        let user = user.filter(|_| right != Ok(false));
        if right.is_ok() && user.is_none() {
            return Err(Refusal::WrongPassword);
        }
        self.by_client.give_back(network, per_client);
        self.by_account.give_back(place, PER_ACCOUNT);
        if stranger {
            self.by_strangers.give_back(&name, PER_ACCOUNT_OF_STRANGERS);
        }
        right.map_err(|Busy| Refusal::Busy)?;
        let user = user.ok_or(Refusal::WrongPassword)?;
        self.known.remember(place, attempt.now);
        Ok(LocalIdentity { user: user.clone(), claims: claims(user) })
    }
}

/// From where and when a password is tried.
#[derive(Clone, Copy, Debug)]
pub struct Attempt {
    /// The client's address.
    pub client: IpAddr,
    /// The present moment.
    pub now: Timestamp,
}

impl LocalIdentity {
    /// The local user called `name`, in any case, as `config` has them now.
    pub fn find(config: &Config, name: &str) -> Option<Self> {
        let name = name.to_lowercase();
        let user = config.local_users.iter().find(|user| user.name.to_lowercase() == name)?;
        Some(Self { user: user.clone(), claims: claims(user) })
    }

    /// The account itself, for a sign-in that goes past the identity server (`/sitecore/login?fbc=1`).
    pub fn account(&self) -> User {
        let own = [("Email", &self.user.email), ("FullName", &self.user.full_name)];
        let mut properties: std::collections::BTreeMap<_, _> = own
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value.clone()?)))
            .collect();
        if self.user.administrator {
            properties.insert("IsAdministrator".to_owned(), "true".to_owned());
        }
        User {
            name: self.user.name.clone(),
            properties,
            roles: self.user.roles.clone(),
            is_administrator: self.user.administrator,
        }
    }
}

/// What the identity server may say of a local user, under the short names of spec §1.3.
fn claims(user: &LocalUser) -> ClaimSet {
    let mut claims = ClaimSet::default();
    claims.add("name", &user.name);
    let local = user.name.split_once('\\').map_or(user.name.as_str(), |(_, local)| local);
    claims.add("preferred_username", local);
    if let Some(email) = &user.email {
        claims.add("email", email);
    }
    for role in &user.roles {
        claims.add("role", role);
    }
    if user.administrator {
        claims.add(types::IS_ADMIN, "true");
    }
    for (kind, value) in &user.claims {
        claims.add(kind, value);
    }
    claims.add("amr", "pwd");
    claims
}

fn full_name(prefix: &str, name: &str) -> String {
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

fn per_minute(count: u32) -> Rate {
    let burst = count.max(1);
    Rate { burst, interval: Duration::from_mins(1) / burst }
}

fn throttled(wait: Duration) -> Refusal {
    let seconds = wait.as_millis().div_ceil(1000).max(1);
    Refusal::Throttled { retry_after: u32::try_from(seconds).unwrap_or(u32::MAX) }
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
        let attempt = Attempt { client: client.parse().unwrap(), now: Timestamp(1_000) };
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
    async fn the_claims_are_what_the_identity_server_may_say() {
        let users = LocalUsers::new(Arc::default(), Arc::new(Accounts::in_memory()));
        let identity = check(&users, "jane", "correct horse", HOME).await.unwrap();
        let claims: Vec<_> =
            identity.claims.iter().map(|c| (c.kind.as_str(), c.value.as_str())).collect();
        let expected = [
            ("name", "sitecore\\jane"),
            ("preferred_username", "jane"),
            ("email", "jane@example.test"),
            ("role", "sitecore\\Author"),
            ("http://www.sitecore.net/identity/claims/isAdmin", "true"),
            ("given_name", "Jane"),
            ("amr", "pwd"),
        ];
        assert_eq!(claims, expected);
        let account = identity.account();
        assert!(account.is_administrator && account.has_role("Sitecore\\author"));
        assert_eq!(account.property("email"), Some("jane@example.test"));
    }

    #[tokio::test]
    async fn s350_guessing_is_slowed_for_the_guesser_alone() {
        let users = LocalUsers::new(Arc::default(), Arc::new(Accounts::in_memory()));
        for _ in 0..8 {
            let wrong = check(&users, "jane", "guess", HOME).await;
            assert_eq!(wrong.unwrap_err(), Refusal::WrongPassword);
        }
        let refused = check(&users, "jane", "correct horse", HOME).await;
        assert_eq!(refused.unwrap_err(), Refusal::Throttled { retry_after: 12 });
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
            let attempt = Attempt { client, now: Timestamp(1_000) };
            let name = format!("user{guess}");
            let checked = users.check(&config, &name, Secret::new("x"), attempt).await;
            let expected = if guess < 4 {
                Refusal::WrongPassword
            } else {
                Refusal::Throttled { retry_after: 15 }
            };
            assert_eq!(checked.unwrap_err(), expected);
        }
        let elsewhere =
            Attempt { client: "2001:db8:0:1::1".parse().unwrap(), now: Timestamp(1_000) };
        let checked = users.check(&config, "user9", Secret::new("x"), elsewhere).await;
        assert_eq!(checked.unwrap_err(), Refusal::WrongPassword);
    }
}
