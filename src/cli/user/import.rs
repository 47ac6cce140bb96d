//! `vestibule user import`: users of an export of ours, or of a membership provider's tables.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
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
use crate::store::accounts::Added;
use crate::store::accounts::Linked;

/// Takes users from a file: what `user export` wrote (one or an array), or with --membership the
/// tables of an ASP.NET membership provider, joined, as CSV.
#[derive(Debug, clap::Args)]
pub(super) struct Import {
    /// What `user export` wrote.
    #[arg(required_unless_present = "membership")]
    file: Option<PathBuf>,
    #[arg(long, conflicts_with = "file", value_name = "FILE.csv", help = COLUMNS)]
    membership: Option<PathBuf>,
    /// The algorithm of its hashes (hashAlgorithmType of the provider).
    #[arg(long, value_enum, ignore_case = true, default_value_t = Hash::Sha1, requires = "membership")]
    hash: Hash,
}

const COLUMNS: &str = "A CSV file with the columns UserName, Email, IsApproved, IsLockedOut, Password, PasswordFormat, PasswordSalt, and optionally Comment, CreateDate and Roles (separated by |)";

/// What came of an import.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// New users.
    pub(super) added: usize,
    /// Users that were there and are as the file says now.
    pub(super) updated: usize,
    /// Users that were there and stayed as they are.
    pub(super) left: usize,
    /// What was not taken.
    pub(super) refused: usize,
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
            (None, None) => anyhow::bail!("name a file"),
        };
        let Tally { added, updated, left, refused } = tally;
        if told.json() {
            let tally =
                json!({"added": added, "updated": updated, "left": left, "refused": refused});
            told.value(&tally)?;
        } else {
            let text = format!("{added} added, {updated} updated, {left} left, {refused} refused");
            writeln!(told.out(), "{text}")?;
        }
        Ok(if refused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

async fn exports(kept: &Kept, file: &Path) -> anyhow::Result<Tally> {
    let shown = file.display();
    let text = fs::read_to_string(file).with_context(|| format!("reading {shown}"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let value: Value =
        serde_json::from_str(text).with_context(|| format!("{shown} is not JSON"))?;
    let values = if let Value::Array(values) = value { values } else { vec![value] };
    let mut tally = Tally::default();
    for (number, value) in values.into_iter().enumerate() {
        let taken = match serde_json::from_value(value) {
            Ok(record) => one(kept, &record).await?,
            Err(error) => Err(error.to_string()),
        };
        match taken {
            Ok(()) => tally.added += 1,
            Err(why) => {
                tally.refused += 1;
                writeln!(std::io::stderr(), "{shown}: user {}: {why}", number + 1)?;
            }
        }
    }
    Ok(tally)
}

/// Takes one user with its links; `Err` is why it was not taken.
async fn one(kept: &Kept, record: &Record) -> anyhow::Result<Result<(), String>> {
    let mut account = record.account();
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
