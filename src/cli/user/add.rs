//! `vestibule user add`.

use std::io;
use std::io::Write;

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
use crate::users::password_change;
use crate::users::profile;

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
    /// The e-mail address; an empty one is taken away.
    #[arg(long, value_parser = email)]
    email: Option<String>,
    /// The name for people.
    #[arg(long, value_parser = line)]
    full_name: Option<String>,
    /// A role to give, domain\role; may be said several times.
    #[arg(long = "role", value_name = "ROLE", value_parser = role)]
    roles: Vec<String>,
    /// A profile property, NAME=VALUE; may be said several times. Without a value it is taken away.
    #[arg(long = "property", value_name = "NAME=VALUE", value_parser = property)]
    properties: Vec<(String, String)>,
    /// A note.
    #[arg(long, value_parser = value)]
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
        for role in &self.roles {
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
        let now = kept.now();
        let mut account = Account { name, created_at: now, ..Account::default() };
        self.profile.apply(&mut account);
        if self.password_stdin {
            account.password_hash = Some(read_hash(&account)?);
        }
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
    match kept.configured(name) {
        Some(user) => bail!("there is a user `{name}` already, at {}", user.origin),
        None => Ok(()),
    }
}

/// The hash that is kept of the password on standard input. The operator's choice is taken; where
/// the pages would refuse it to the person, standard error says why.
///
/// # Errors
///
/// When there is none, or it cannot be hashed.
pub(super) fn read_hash(account: &Account) -> anyhow::Result<Secret> {
    let password = kept::read_password()?;
    let hash = password::hash(&password).context("this password cannot be hashed")?;
    if let Err(unfit) = password_change::check(&password, account) {
        // Advice alone: nothing is lost when standard error is closed.
        drop(writeln!(io::stderr(), "vestibule: a weak password is taken: {unfit}"));
    }
    Ok(Secret::new(hash))
}

fn role(text: &str) -> Result<String, String> {
    let role = profile::role(text)
        .ok_or("write a role such as sitecore\\Author, without | and line ends")?;
    Ok(role.to_owned())
}

fn email(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Ok(String::new());
    }
    Ok(profile::email(text).ok_or("write name@host")?.to_owned())
}

fn line(text: &str) -> Result<String, String> {
    if text.contains(char::is_control) {
        return Err("write one line".to_owned());
    }
    value(text)
}

fn value(text: &str) -> Result<String, String> {
    if profile::is_value(text) {
        return Ok(text.to_owned());
    }
    Err("write text, 64 KiB at most, without control characters".to_owned())
}

fn property(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    let name = name.trim();
    if name.is_empty() || name.contains(char::is_control) {
        return Err("write NAME=VALUE".to_owned());
    }
    Ok((name.to_owned(), self::value(value)?))
}
