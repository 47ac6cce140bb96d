//! All data of one person: `vestibule user export`, and `delete`.

use serde_json::Value;
use serde_json::json;

use crate::cli::kept::Kept;
use crate::cli::session;
use crate::cli::user::list::Pages;
use crate::cli::user::record::Record;
use crate::cli::user::told::Told;
use crate::observe::Moment;
use crate::store::accounts::Account;
use crate::store::grants::Kind;
use crate::store::register::Which;
use crate::users::subject;

/// Writes all data of one person as JSON, or without a name those of everybody, as an array.
#[derive(Debug, clap::Args)]
pub(super) struct Export {
    /// The user's name.
    name: Option<String>,
    /// With the hash of the password, so that `user import` lets the person sign in as before.
    #[arg(long)]
    with_password: bool,
}

impl Export {
    /// Writes it.
    ///
    /// # Errors
    ///
    /// When there is no such user, the store does not answer or standard output is closed.
    pub(super) async fn run(self, kept: &Kept, told: &mut Told) -> anyhow::Result<()> {
        if let Some(name) = &self.name {
            let account = kept.find(name).await?;
            return told.value(&self.record(kept, &account).await?);
        }
        let mut array = told.array()?;
        let mut pages = Pages::of(String::new(), usize::MAX);
        while let Some(accounts) = pages.next(kept, usize::MAX).await? {
            for account in &accounts {
                told.element(&mut array, &self.record(kept, account).await?)?;
            }
        }
        told.end(&array)
    }

    async fn record(&self, kept: &Kept, account: &Account) -> anyhow::Result<Record> {
        let mut record = all_of(kept, account).await?;
        if self.with_password {
            let hash = account.password_hash.as_ref();
            record.password_hash = hash.map(|hash| hash.expose().to_owned());
        }
        Ok(record)
    }
}

/// All that is kept of one person, but for the password.
///
/// # Errors
///
/// When the store does not answer.
pub(super) async fn all_of(kept: &Kept, account: &Account) -> anyhow::Result<Record> {
    let logins = kept.accounts.logins(&account.name).await?;
    let mut record = Record::of(account, &logins);
    for subject in subject::all_of(&account.name, &logins) {
        for kind in [Kind::Grant, Kind::Consent] {
            for (_, grant) in kept.grants.of_subject(kind, &subject, kept.now()).await? {
                record.grants.push(granted(kind, &grant.client, &grant.data, grant.ends_at));
            }
        }
    }
    let sessions = kept.sessions(Which::User(&account.name), session::MOST).await?;
    record.sessions = sessions.iter().map(session::json).collect();
    Ok(record)
}

/// Forgets a user: the account, links, grants; and ends the sessions.
///
/// # Errors
///
/// When there is no such user, or the store does not answer.
pub(super) async fn delete(kept: &Kept, name: &str, told: &mut Told) -> anyhow::Result<()> {
    let account = kept.find(name).await?;
    let logins = kept.accounts.logins(&account.name).await?;
    let removed = kept.accounts.remove(&account.name).await?;
    anyhow::ensure!(removed, "there is no user `{}`", account.name);
    for subject in subject::all_of(&account.name, &logins) {
        kept.grants.forget(&subject, &Kind::ALL, kept.now()).await?;
    }
    let ended = kept.end_sessions(&account).await?;
    told.done_and_ended("deleted", &account.name, ended)
}

fn granted(kind: Kind, client: &str, data: &str, ends_at: crate::clock::Timestamp) -> Value {
    let data: Value = serde_json::from_str(data).unwrap_or_default();
    let scopes = data.get("scopes").cloned().unwrap_or_default();
    json!({
        "kind": kind.name(),
        "client": client,
        "scopes": scopes,
        "ends": Moment(ends_at).to_string(),
    })
}
