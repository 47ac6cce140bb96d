//! `vestibule user import --membership`: an export of `aspnet_Users`, `aspnet_Membership` and
//! `aspnet_UsersInRoles` becomes users whose passwords go on. Can be run again: who was imported and
//! has not changed since is as the file says, everybody else stays.

use std::collections::HashMap;
use std::io;
use std::io::Write;
use std::path::Path;

use crate::cli::kept::BY;
use crate::cli::kept::Kept;
use crate::cli::user::add;
use crate::cli::user::import;
use crate::cli::user::import::Entry;
use crate::cli::user::import::Tally;
use crate::cli::user::rows;
use crate::cli::user::rows::Row;
use crate::config;
use crate::crypto::password;
use crate::crypto::secret::Secret;
use crate::observe::Visible;
use crate::store::accounts::Account;
use crate::store::accounts::Added;
use crate::store::accounts::Event;
use crate::store::accounts::Saved;
use crate::store::accounts::folded;
use crate::users::profile;

/// `hashAlgorithmType` of a membership provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
#[value(rename_all = "UPPER")]
pub(super) enum Hash {
    /// What .NET 2.0 to 4.5 do unless told otherwise.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
    /// HMAC with SHA-1.
    Hmacsha1,
    /// HMAC with SHA-256.
    Hmacsha256,
    /// HMAC with SHA-384.
    Hmacsha384,
    /// HMAC with SHA-512.
    Hmacsha512,
    /// HMAC with MD5.
    Hmacmd5,
    /// MD5.
    Md5,
}

impl Hash {
    const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha384 => "SHA384",
            Self::Sha512 => "SHA512",
            Self::Hmacsha1 => "HMACSHA1",
            Self::Hmacsha256 => "HMACSHA256",
            Self::Hmacsha384 => "HMACSHA384",
            Self::Hmacsha512 => "HMACSHA512",
            Self::Hmacmd5 => "HMACMD5",
            Self::Md5 => "MD5",
        }
    }
}

/// How the history of a user begins who was imported.
const IMPORTED: &str = "imported from a membership provider";

/// What became of a row.
enum Taken {
    Added,
    Updated,
    Left,
    Refused(String),
}

/// Takes the users of `file`; what is not taken is told on standard error, `FILE:LINE: why`.
///
/// # Errors
///
/// When the file cannot be read or the store does not answer.
pub(super) async fn import(kept: &Kept, file: &Path, hash: Option<Hash>) -> anyhow::Result<Tally> {
    let shown = file.display();
    let text = import::read(file)?;
    if hash.is_none() {
        hint(kept)?;
    }
    let hash = hash.unwrap_or(Hash::Sha1);
    let rows = rows::read(&text).map_err(|why| anyhow::anyhow!("{shown}:1: {why}"))?;
    let mut tally = Tally::default();
    let mut lines = HashMap::new();
    for row in rows {
        let (line, taken) = match row {
            Ok(row) => (row.line, take(kept, &row, hash, &mut lines).await?),
            Err((line, why)) => (line, Taken::Refused(why)),
        };
        match taken {
            Taken::Added => tally.added += 1,
            Taken::Updated => tally.updated += 1,
            Taken::Left => tally.left += 1,
            Taken::Refused(why) => tally.refuse(file, Entry::Line(line), why)?,
        }
    }
    Ok(tally)
}

/// Says so when the identity server's file names another algorithm than the usual one. What it names
/// counted for passwords that its server hashed itself: the tables may hold older ones.
fn hint(kept: &Kept) -> anyhow::Result<()> {
    let values = kept.config.iter().flat_map(|config| &config.identity_server.values);
    let mut named = values.filter(|(key, _)| key.to_ascii_lowercase().ends_with(ALGORITHM));
    let Some((_, named)) = named.next() else { return Ok(()) };
    let usual = Hash::Sha1.name();
    if !named.trim().eq_ignore_ascii_case(usual) {
        let named = Visible(named.trim());
        writeln!(
            io::stderr(),
            "the hashes are taken for {usual}, and PasswordHashAlgorithm is {named}: is --hash {named} meant?"
        )?;
    }
    Ok(())
}

/// The end of its key.
const ALGORITHM: &str = ":sitecoremembershipoptions:passwordhashalgorithm";

async fn take(
    kept: &Kept,
    row: &Row,
    hash: Hash,
    lines: &mut HashMap<String, u64>,
) -> anyhow::Result<Taken> {
    let mut account = match account(kept, row, hash) {
        Ok(account) => account,
        Err(why) => return Ok(Taken::Refused(why)),
    };
    if let Some(line) = lines.insert(folded(&account.name), row.line) {
        let why = format!("`{}` is on line {line} already", account.name);
        return Ok(Taken::Refused(why));
    }
    let Some(known) = kept.accounts.find(&account.name).await? else {
        account.note(kept.now(), IMPORTED, BY);
        return Ok(match kept.accounts.add(&account, None, kept.unique_email()).await? {
            Added::Done => Taken::Added,
            Added::NameTaken => Taken::Left,
            Added::EmailTaken => Taken::Refused(EMAIL_TAKEN.to_owned()),
            Added::LoginTaken => Taken::Refused("its identity is another user's".to_owned()),
        });
    };
    again(kept, known, account).await
}

const EMAIL_TAKEN: &str = "another user has this e-mail address";

/// A user who is there already.
async fn again(kept: &Kept, known: Account, row: Account) -> anyhow::Result<Taken> {
    let is_import = |event: &Event| event.what == IMPORTED;
    if !known.history.last().is_some_and(is_import) {
        // Of a long history the beginning is forgotten: then nobody knows.
        let forgotten = known.history.len() >= Account::HISTORY;
        return Ok(if forgotten || known.history.iter().any(is_import) {
            Taken::Left
        } else {
            Taken::Refused(format!(
                "there is a user `{}` already, who was not imported",
                known.name
            ))
        });
    }
    let password_hash = match (&known.password_hash, &row.password_hash) {
        // A clear password was hashed at once, with another salt each time.
        (Some(known), Some(new)) if !is_membership(new) && !is_membership(known) => {
            Some(known.clone())
        }
        (_, new) => new.clone(),
    };
    let now_said = Account {
        properties: row.properties,
        roles: row.roles,
        disabled: row.disabled,
        locked: row.locked,
        password_hash,
        ..known.clone()
    };
    if now_said == known {
        return Ok(Taken::Left);
    }
    Ok(match kept.accounts.save(&now_said, kept.unique_email()).await? {
        Saved::Done(_) => Taken::Updated,
        Saved::Changed => Taken::Left,
        Saved::EmailTaken => Taken::Refused(EMAIL_TAKEN.to_owned()),
    })
}

fn is_membership(hash: &Secret) -> bool {
    !password::is_current(hash.expose())
}

/// The user that a row tells of, or why it tells of none.
fn account(kept: &Kept, row: &Row, hash: Hash) -> Result<Account, String> {
    let name = kept.full_name(row.user_name()).map_err(|error| error.to_string())?;
    add::not_configured(kept, &name).map_err(|error| error.to_string())?;
    let mut account = Account {
        name,
        disabled: !flag("IsApproved", row.is_approved())?,
        locked: flag("IsLockedOut", row.is_locked_out())?,
        password_hash: password_of(row, hash)?,
        created_at: config::moment(row.create_date()).unwrap_or_else(|| kept.now()),
        ..Account::default()
    };
    account.set_property("Email", row.email().trim());
    account.set_property("Comment", row.comment());
    for role in row.roles() {
        account.give_role(role);
    }
    match profile::fault(&account) {
        Some(fault) => Err(fault.to_owned()),
        None => Ok(account),
    }
}

fn flag(column: &str, text: &str) -> Result<bool, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "-1" => Ok(true),
        "0" | "false" | "" => Ok(false),
        _ => Err(format!("{column} is neither 1 nor 0")),
    }
}

/// What is kept of the row's password.
fn password_of(row: &Row, hash: Hash) -> Result<Option<Secret>, String> {
    match row.password_format().trim() {
        "0" | "1" if row.password().is_empty() => Err("it has no password".to_owned()),
        "0" => {
            let hashed = password::hash(&Secret::new(row.password()));
            hashed
                .map(|hash| Some(Secret::new(hash)))
                .ok_or_else(|| "its password cannot be hashed".to_owned())
        }
        "1" => {
            let (salt, password) = (row.password_salt().trim(), row.password().trim());
            let text = Secret::new(format!("membership:{}:{salt}:{password}", hash.name()));
            if password::is_hash(text.expose()) {
                return Ok(Some(text));
            }
            let algorithm = hash.name();
            Err(format!(
                "its Password and PasswordSalt are no {algorithm} hash; --hash names another"
            ))
        }
        "2" => {
            Err("its password is encrypted (PasswordFormat 2), which only its own server can read"
                .to_owned())
        }
        _ => Err("PasswordFormat is none of 0 (clear), 1 (hashed) and 2 (encrypted)".to_owned()),
    }
}
