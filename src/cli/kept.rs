//! The store that a command works on: that of a configuration, or one that is named. Whatever is
//! done to it is done beside gateways that use it at the same time.

use std::io;
use std::io::BufRead;
use std::io::Write;
use std::path;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use anyhow::anyhow;
use anyhow::bail;
use anyhow::ensure;
use zeroize::Zeroizing;

use crate::cli;
use crate::clock::Clock;
use crate::clock::Timestamp;
use crate::config;
use crate::config::Config;
use crate::config::Environment;
use crate::config::model::LocalUser;
use crate::config::model::StoreAddress;
use crate::crypto::secret::Secret;
use crate::observe::Visible;
use crate::store::accounts::Account;
use crate::store::accounts::Accounts;
use crate::store::accounts::Changed;
use crate::store::grants::Grants;
use crate::store::register::Register;
use crate::store::register::Registered;
use crate::store::register::Which;
use crate::store::sql::Database;
use crate::users;
use crate::users::local;
use crate::users::new_password::LONGEST;

/// Where to look, and how to answer.
#[derive(Clone, Debug, clap::Args)]
pub struct Place {
    /// The configuration directory, whose store is used [default: conf].
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    /// Another store: sqlite:FILE (made when it is missing), postgres://… or mysql://….
    #[arg(long, global = true)]
    store: Option<String>,
    /// Answers in JSON.
    #[arg(long, global = true)]
    pub json: bool,
}

/// An open store.
#[derive(Debug)]
pub struct Kept {
    /// The users.
    pub accounts: Accounts,
    /// What has been granted to them, and their one-time links.
    pub grants: Grants,
    register: Register,
    /// The configuration, where one was read.
    pub config: Option<Config>,
    clock: Clock,
}

/// Who did it, in the history of a user.
pub const BY: &str = "vestibule";

/// Longest time to wait for a store that does not answer.
const PATIENCE: Duration = Duration::from_secs(10);

impl Place {
    /// Opens the store. `Err` is the exit code of a configuration that is wrong, whose faults have
    /// been told.
    ///
    /// # Errors
    ///
    /// When there is no such store, or it does not answer.
    pub async fn open(&self) -> anyhow::Result<Result<Kept, ExitCode>> {
        let named = self.named()?;
        let config = match (&named, &self.config) {
            (Some(_), None) => None,
            (Some(_) | None, directory) => {
                let directory = directory.as_deref().unwrap_or_else(|| Path::new("conf"));
                match config::load(directory, &Environment::process()) {
                    Ok(config) => Some(config),
                    Err(faults) => return cli::refuse(directory, &faults).map(Err),
                }
            }
        };
        let made = named.is_none();
        let configured = config.as_ref().map(|config| config.store.clone());
        let address = named.or(configured).context("no store is named")?;
        let made = missing(&address).filter(|_| made);
        let kept = Kept::open(&address, config).await?;
        if let Some(file) = made {
            // An empty store in the wrong directory looks like one from which everybody has gone.
            let file = path::absolute(&file).unwrap_or(file);
            writeln!(io::stderr(), "made sqlite:{}", file.display())?;
        }
        Ok(Ok(kept))
    }

    fn named(&self) -> anyhow::Result<Option<StoreAddress>> {
        let Some(text) = &self.store else { return Ok(None) };
        config::store_address(text).map(Some).map_err(|what| anyhow!("--store: {what}"))
    }
}

/// The file of a store that is not there yet.
fn missing(address: &StoreAddress) -> Option<PathBuf> {
    match address {
        StoreAddress::Sqlite(file) => (!file.exists()).then(|| file.clone()),
        StoreAddress::Memory | StoreAddress::Postgres(_) | StoreAddress::MySql(_) => None,
    }
}

impl Kept {
    async fn open(address: &StoreAddress, config: Option<Config>) -> anyhow::Result<Self> {
        if matches!(address, StoreAddress::Memory) {
            bail!("the store is memory, which each gateway has for itself: nothing is shared");
        }
        let opening = tokio::time::timeout(PATIENCE, Database::open(address)).await;
        let database = match opening {
            Ok(Ok(Some(database))) => database,
            Ok(Ok(None)) => bail!("the store is memory"),
            Ok(Err(error)) => bail!("the store {address} cannot be opened: {}", one_line(&error)),
            Err(_) => bail!("the store {address} does not answer"),
        };
        Ok(Self {
            accounts: Accounts::in_database(database.clone()),
            grants: Grants::in_database(database.clone()),
            register: Register::open(database),
            config,
            clock: Clock::system(),
        })
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// `name` with a domain: that of the account prefix, unless it has one.
    ///
    /// # Errors
    ///
    /// When no user can be called that.
    pub fn full_name(&self, name: &str) -> anyhow::Result<String> {
        let name = name.trim();
        let prefix = self
            .config
            .as_ref()
            .map_or("sitecore\\", |config| config.identity_server.account_prefix.as_str());
        let whole = if name.contains('\\') { name.to_owned() } else { format!("{prefix}{name}") };
        ensure!(users::is_legal(&whole), "`{}` is not a user name", Visible(name));
        Ok(whole)
    }

    /// Whether e-mail addresses are to be unique.
    pub fn unique_email(&self) -> bool {
        self.config.as_ref().is_some_and(|config| config.requires_unique_email)
    }

    /// The user called `name`.
    ///
    /// # Errors
    ///
    /// When there is none, the configuration keeps the user, or the store does not answer.
    pub async fn find(&self, name: &str) -> anyhow::Result<Account> {
        let name = self.full_name(name)?;
        if let Some(account) = self.accounts.find(&name).await? {
            return Ok(account);
        }
        match self.configured(&name) {
            Some(user) => bail!("`{name}` is a user of the configuration, {}", user.origin),
            None => bail!("there is no user `{name}`"),
        }
    }

    /// The configuration's user called `name`, who comes before one of the store.
    pub fn configured(&self, name: &str) -> Option<&LocalUser> {
        self.config.as_ref().and_then(|config| local::configured(config, name))
    }

    /// Changes the user called `name`, whatever others do to it meanwhile, and returns it as it is
    /// then. `change` says what it did, for the history, or that there was nothing to do.
    ///
    /// # Errors
    ///
    /// When there is no such user, its new address is another's, or the store does not answer.
    pub async fn change(
        &self,
        name: &str,
        change: impl Fn(&mut Account) -> Option<String>,
    ) -> anyhow::Result<Account> {
        let name = self.find(name).await?.name;
        let noting = |account: &mut Account| {
            let what = change(account);
            let changed = what.is_some();
            if let Some(what) = what {
                account.note(self.now(), what, BY);
            }
            changed
        };
        match self.accounts.change(&name, self.unique_email(), noting).await? {
            Changed::Done(account) | Changed::Nothing(account) => Ok(account),
            Changed::NoSuchUser => bail!("there is no user `{name}`"),
            Changed::EmailTaken => bail!("another user has this e-mail address"),
            Changed::Overtaken => {
                bail!("`{name}` is being changed by others all the time; try again")
            }
        }
    }

    /// Sessions of the register, `limit` at most.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    pub async fn sessions(
        &self,
        which: Which<'_>,
        limit: usize,
    ) -> anyhow::Result<Vec<Registered>> {
        Ok(self.register.list(which, limit, self.now()).await?)
    }

    /// Asks the gateways to end sessions; how many there are.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    pub async fn end(&self, which: Which<'_>) -> anyhow::Result<u64> {
        Ok(self.register.ask_to_end(which, self.now()).await?)
    }

    /// Asks the gateways to end every session of a user, once nobody signs in as the user any more
    /// with what they had; how many there are. One that began a moment before stands in the register
    /// a moment later: who signed in just now is asked for several times.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    pub async fn end_sessions(&self, account: &Account) -> anyhow::Result<u64> {
        let ended = self.end(Which::User(&account.name)).await?;
        let last = account.last_sign_in.as_ref();
        if last.is_none_or(|sign_in| self.now().since(sign_in.at) > JUST_NOW) {
            return Ok(ended);
        }
        let mut ended = ended;
        for _ in 0..LOOKS {
            tokio::time::sleep(LOOK).await;
            ended = ended.max(self.end(Which::User(&account.name)).await?);
        }
        Ok(ended)
    }
}

/// A sign-in that may not stand in the register yet.
const JUST_NOW: Duration = Duration::from_secs(15);

/// How often and after how long each time the register is looked at until it stands there, unless the
/// gateway has more to write than it can. A gateway that ends it by itself, because it sees what the
/// account is now, takes the row away half a second after it wrote it.
const LOOKS: usize = 8;
const LOOK: Duration = Duration::from_millis(200);

/// One line of standard input, without its end: a password.
///
/// # Errors
///
/// When there is none.
pub fn read_password() -> anyhow::Result<Secret> {
    let line = read_line(io::stdin().lock()).context("reading the password")?;
    let line = std::str::from_utf8(&line).context("the password is not UTF-8")?;
    let password = Secret::new(line.trim_end_matches(['\r', '\n']));
    ensure!(!password.expose().is_empty(), "type the password on standard input");
    ensure!(password.expose().len() <= LONGEST, "a password may have {LONGEST} bytes at most");
    Ok(password)
}

/// A line of a secret, cut where it is longer than any password. Its bytes are wiped, and are never
/// moved to where they are not.
fn read_line(from: impl BufRead) -> io::Result<Zeroizing<Vec<u8>>> {
    let most = LONGEST + 3;
    let mut line = Zeroizing::new(Vec::with_capacity(most));
    from.take(most as u64).read_until(b'\n', &mut line)?;
    Ok(line)
}

/// What a database says goes over several lines now and then.
fn one_line(error: &impl ToString) -> String {
    error.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}
