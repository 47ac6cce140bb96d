//! The demo's people, with passwords that are made anew each time.

use anyhow::Context;

use crate::crypto::password;
use crate::crypto::random;
use crate::crypto::secret::Secret;

/// The local user who may do everything.
const ADMINISTRATOR: &str = "sitecore\\admin";

/// Somebody who can sign in.
#[derive(Clone, Debug)]
pub struct Account {
    /// What is typed as the name.
    pub name: &'static str,
    /// The password.
    pub password: Secret,
    /// The e-mail address.
    pub email: &'static str,
    /// The name for people.
    pub(super) full_name: &'static str,
    /// Its hash, for the configuration.
    pub(super) hash: String,
}

/// Everybody.
#[derive(Clone, Debug)]
pub(super) struct Accounts {
    /// Local users of the identity server: an author and an administrator.
    pub(super) local: Vec<Account>,
    /// The user of the external provider.
    pub(super) partner: Account,
}

/// A client of the identity server that calls the CMS on its own behalf.
#[derive(Clone, Debug)]
pub struct Program {
    /// Its client id.
    pub id: &'static str,
    /// Its secret: letters and digits, which nothing needs to encode.
    pub secret: Secret,
}

impl Program {
    /// Makes its secret.
    pub(super) fn make() -> Self {
        Self { id: "SitecoreCLIServer", secret: Secret::new(random::identifier()) }
    }
}

impl Accounts {
    /// Makes the passwords and their hashes.
    pub(super) async fn make() -> anyhow::Result<Self> {
        let made = tokio::task::spawn_blocking(|| {
            Some(Self {
                local: vec![
                    Account::make("sitecore\\jane", "jane@example.test", "Jane Author")?,
                    Account::make(ADMINISTRATOR, "admin@example.test", "Alex Admin")?,
                ],
                partner: Account::make("partner\\sam", "sam@partner.test", "Sam Partner")?,
            })
        });
        made.await?.context("hashing the demo's passwords")
    }
}

impl Account {
    fn make(name: &'static str, email: &'static str, full_name: &'static str) -> Option<Self> {
        let password = Secret::new(readable_password());
        let hash = password::hash(&password)?;
        Some(Self { name, password, email, full_name, hash })
    }

    /// Whether this is the administrator.
    pub(super) fn is_administrator(&self) -> bool {
        self.name == ADMINISTRATOR
    }
}

/// Four groups of four hexadecimal digits, 64 bits: easy to read off a screen and to type.
fn readable_password() -> String {
    let digits = random::identifier();
    let groups: Vec<&str> =
        [0..4, 4..8, 8..12, 12..16].map(|group| digits.get(group)).into_iter().flatten().collect();
    groups.join("-")
}
