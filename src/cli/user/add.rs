//! `vestibule user add`.

use anyhow::Context;
use anyhow::bail;

use crate::cli::kept;
use crate::cli::kept::BY;
use crate::cli::kept::Kept;
use crate::cli::user::told::Told;
use crate::crypto::password;
use crate::crypto::secret::Secret;
use crate::store::accounts::Account;
use crate::store::accounts::Added;
use crate::users::local;

/// Adds a user.
#[derive(Debug, clap::Args)]
pub(super) struct Add {
    /// The name, `domain\name`; without a domain it gets that of the account prefix (sitecore).
    name: String,
    #[command(flatten)]
    profile: Profile,
    /// Reads the password from the first line of standard input. Without it the user signs in with
    /// a provider, or by a reset link.
    #[arg(long)]
    password_stdin: bool,
}

/// What may be said of a user.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Profile {
    /// The e-mail address.
    #[arg(long)]
    email: Option<String>,
    /// The name for people.
    #[arg(long)]
    full_name: Option<String>,
    /// A role to give, domain\role; may be said several times.
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// A profile property, NAME=VALUE; may be said several times. Without a value it is taken away.
    #[arg(long = "property", value_name = "NAME=VALUE", value_parser = property)]
    properties: Vec<(String, String)>,
    /// A note.
    #[arg(long)]
    comment: Option<String>,
    /// Whether this is an administrator.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    administrator: Option<bool>,
}

impl Profile {
    /// Writes what was said into `account`.
    pub(super) fn apply(&self, account: &mut Account) {
        for (name, value) in &self.properties {
            account.set_property(name, value);
        }
        let own =
            [("Email", &self.email), ("FullName", &self.full_name), ("Comment", &self.comment)];
        for (name, value) in own {
            if let Some(value) = value {
                account.set_property(name, value.trim());
            }
        }
        for role in self.roles.iter().map(|role| role.trim()).filter(|role| !role.is_empty()) {
            account.give_role(role);
        }
        account.administrator = self.administrator.unwrap_or(account.administrator);
    }
}

impl Profile {
    /// Whether it says that this is no administrator.
    pub(super) fn takes_administrator(&self) -> bool {
        self.administrator == Some(false)
    }
}

impl Add {
    /// Adds the user.
    ///
    /// # Errors
    ///
    /// When the name or the address is another user's, or the store does not answer.
    pub(super) async fn run(self, kept: &Kept, told: &mut Told) -> anyhow::Result<()> {
        let name = kept.full_name(&self.name)?;
        not_configured(kept, &name)?;
        let password_hash = self.password_stdin.then(kept::read_password).transpose()?;
        let password_hash = password_hash.as_ref().map(hash).transpose()?;
        let now = kept.now();
        let mut account = Account { name, password_hash, created_at: now, ..Account::default() };
        self.profile.apply(&mut account);
        account.note(now, "added", BY);
        match kept.accounts.add(&account, None, kept.unique_email()).await? {
            Added::Done => told.done("added", &account),
            Added::NameTaken => bail!("there is a user `{}` already", account.name),
            Added::EmailTaken => bail!("another user has this e-mail address"),
            Added::LoginTaken => bail!("this identity signs in as another user"),
        }
    }
}

/// A user of the configuration comes before one of the store, who could never sign in.
///
/// # Errors
///
/// When `name` is one.
pub(super) fn not_configured(kept: &Kept, name: &str) -> anyhow::Result<()> {
    let user = kept.config.as_ref().and_then(|config| local::configured(config, name));
    match user {
        Some(user) => bail!("there is a user `{name}` already, at {}", user.origin),
        None => Ok(()),
    }
}

/// The hash that is kept of a password.
///
/// # Errors
///
/// When it cannot be hashed.
pub(super) fn hash(password: &Secret) -> anyhow::Result<Secret> {
    let hash = password::hash(password).context("this password cannot be hashed")?;
    Ok(Secret::new(hash))
}

fn property(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    let name = name.trim();
    if name.is_empty() || name.contains(char::is_control) {
        return Err("write NAME=VALUE".to_owned());
    }
    Ok((name.to_owned(), value.to_owned()))
}
