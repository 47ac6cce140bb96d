//! `vestibule user import`: users of an export of ours, or of a membership provider's tables.

use std::fs;
use std::io;
use std::io::Read;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use anyhow::bail;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;

use crate::cli::kept::BY;
use crate::cli::kept::Kept;
use crate::cli::user::add;
use crate::cli::user::membership;
use crate::cli::user::membership::Hash;
use crate::cli::user::record::Record;
use crate::cli::user::told::Told;
use crate::crypto::password;
use crate::observe::Visible;
use crate::store::accounts::Account;
use crate::store::accounts::Added;
use crate::store::accounts::Linked;
use crate::users::profile;

/// Takes users from a file: what `user export` wrote (one or an array), or with --membership the
/// tables of an ASP.NET membership provider, joined, as CSV.
#[derive(Debug, clap::Args)]
pub(super) struct Import {
    /// What `user export` wrote; - is standard input.
    #[arg(required_unless_present = "membership")]
    file: Option<PathBuf>,
    #[arg(long, conflicts_with = "file", value_name = "FILE.csv", help = COLUMNS)]
    membership: Option<PathBuf>,
    /// The algorithm of its hashes (hashAlgorithmType of the provider) [default: SHA1].
    #[arg(long, value_enum, ignore_case = true, requires = "membership")]
    hash: Option<Hash>,
}

const COLUMNS: &str = "A CSV file with the columns UserName, Email, IsApproved, IsLockedOut, Password, PasswordFormat, PasswordSalt, and optionally Comment, CreateDate and Roles (separated by |)";

/// What came of an import.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// New users.
    pub(super) added: usize,
    /// Users that were there and are as the file says now.
    pub(super) updated: usize,
    /// Users that were there and stayed as they are.
    pub(super) left: usize,
    refused: Vec<Refused>,
}

/// What was not taken.
#[derive(Debug, Serialize)]
struct Refused {
    #[serde(flatten)]
    at: Entry,
    why: String,
}

/// Where something stands in a file.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Entry {
    /// A line of a CSV file; the header is line 1.
    Line(u64),
    /// A user of an export, from 1.
    User(usize),
}

impl Tally {
    /// Tells on standard error that an entry of `file` was not taken, and remembers it.
    ///
    /// # Errors
    ///
    /// When standard error is closed.
    pub(super) fn refuse(&mut self, file: &Path, at: Entry, why: String) -> anyhow::Result<()> {
        let place = match at {
            Entry::Line(line) => format!("{line}"),
            Entry::User(user) => format!(" user {user}"),
        };
        writeln!(io::stderr(), "{}:{place}: {}", file.display(), Visible(&why))?;
        self.refused.push(Refused { at, why });
        Ok(())
    }
}

impl Import {
    /// Takes them. Exit code 1 when one was not taken.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or the store does not answer.
    pub(super) async fn run(self, kept: &Kept, told: &mut Told) -> anyhow::Result<ExitCode> {
        let tally = match (&self.membership, &self.file) {
            (Some(file), _) => membership::import(kept, file, self.hash).await?,
            (None, Some(file)) => exports(kept, file).await?,
            (None, None) => bail!("name a file"),
        };
        let Tally { added, updated, left, refused: refusals } = tally;
        let refused = refusals.len();
        if told.json() {
            told.value(&json!({
                "added": added,
                "updated": updated,
                "left": left,
                "refused": refused,
                "refusals": refusals,
            }))?;
        } else {
            let text = format!("{added} added, {updated} updated, {left} left, {refused} refused");
            writeln!(told.out(), "{text}")?;
        }
        Ok(if refused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// The bytes of `file`, or of standard input when it is `-`.
///
/// # Errors
///
/// When it cannot be read.
pub(super) fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    if file != Path::new("-") {
        return fs::read(file).with_context(|| format!("reading {}", file.display()));
    }
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes).context("reading standard input")?;
    Ok(bytes)
}

async fn exports(kept: &Kept, file: &Path) -> anyhow::Result<Tally> {
    let shown = file.display();
    let text = read(file)?;
    let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&text);
    let value: Value = match serde_json::from_slice(text) {
        Ok(value) => value,
        Err(_) if is_table(file, text) => {
            bail!("{shown} is not JSON; for a CSV file say --membership {shown}")
        }
        Err(error) => bail!("{shown} is not JSON: {error}"),
    };
    let values = if let Value::Array(values) = value { values } else { vec![value] };
    let mut tally = Tally::default();
    for (number, value) in values.into_iter().enumerate() {
        let taken = match serde_json::from_value(value) {
            Ok(record) => one(kept, &record).await?,
            Err(error) => Err(error.to_string()),
        };
        match taken {
            Ok(()) => tally.added += 1,
            Err(why) => tally.refuse(file, Entry::User(number + 1), why)?,
        }
    }
    Ok(tally)
}

/// Whether it is a membership provider's table instead.
fn is_table(file: &Path, text: &[u8]) -> bool {
    let named = file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
    let header = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    named || String::from_utf8_lossy(header).to_lowercase().contains("username,")
}

/// Takes one user with its links; `Err` is why it was not taken.
async fn one(kept: &Kept, record: &Record) -> anyhow::Result<Result<(), String>> {
    let mut account = Account {
        created_at: record.summary.created.map_or_else(|| kept.now(), |date| date.0),
        ..record.account()
    };
    account.name = match kept.full_name(&account.name) {
        Ok(name) => name,
        Err(error) => return Ok(Err(error.to_string())),
    };
    if let Err(error) = add::not_configured(kept, &account.name) {
        return Ok(Err(error.to_string()));
    }
    let hash = account.password_hash.as_ref();
    if hash.is_some_and(|hash| !password::is_hash(hash.expose())) {
        return Ok(Err("its passwordHash is no hash that is known here".to_owned()));
    }
    if let Some(fault) = profile::fault(&account) {
        return Ok(Err(fault.to_owned()));
    }
    for login in record.links() {
        if kept.accounts.of_login(&login.provider, &login.subject).await?.is_some() {
            let why = format!("an identity at {} signs in as another user", login.provider);
            return Ok(Err(why));
        }
    }
    account.note(kept.now(), "imported from an export", BY);
    match kept.accounts.add(&account, None, kept.unique_email()).await? {
        Added::Done => {}
        Added::NameTaken => return Ok(Err(format!("there is a user `{}` already", account.name))),
        Added::EmailTaken => return Ok(Err("another user has this e-mail address".to_owned())),
        Added::LoginTaken => return Ok(Err("an identity signs in as another user".to_owned())),
    }
    for login in record.links() {
        if kept.accounts.link(&account.name, &login).await? == Linked::Taken {
            return Ok(Err(format!("an identity at {} signs in as another user", login.provider)));
        }
    }
    Ok(Ok(()))
}
