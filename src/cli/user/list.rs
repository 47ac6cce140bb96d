//! `vestibule user list` and `show`.

use std::io::Write;

use crate::cli::kept::Kept;
use crate::cli::user::record::Record;
use crate::cli::user::record::Summary;
use crate::cli::user::remove;
use crate::cli::user::told::Told;
use crate::observe::Moment;
use crate::store::accounts::Account;
use crate::store::accounts::Search;

/// Lists users.
#[derive(Debug, clap::Args)]
pub(super) struct List {
    /// The beginning of a name (with or without its domain), an e-mail address or a subject.
    #[arg(long)]
    search: Option<String>,
    /// Users to list at most; all unless it is said.
    #[arg(long)]
    limit: Option<usize>,
}

/// Shows a user.
#[derive(Debug, clap::Args)]
pub(super) struct Show {
    /// The user's name.
    name: String,
}

/// Users that are read at a time.
const PAGE: usize = 200;

impl List {
    /// Lists, page by page: there may be more users than fit into memory.
    ///
    /// # Errors
    ///
    /// When the store does not answer or standard output is closed.
    pub(super) async fn run(self, kept: &Kept, told: &mut Told) -> anyhow::Result<()> {
        let mut left = self.limit.unwrap_or(usize::MAX);
        let text = self.search.unwrap_or_default();
        let mut search = Search { text, after: None, limit: left.min(PAGE) };
        let mut first = true;
        open(told)?;
        while left > 0 {
            let page = kept.accounts.search(&search).await?;
            for account in page.accounts.iter().take(left) {
                line(told, account, std::mem::take(&mut first))?;
            }
            left = left.saturating_sub(page.accounts.len());
            let Some(next) = page.next else { break };
            search = Search { after: Some(next), limit: left.min(PAGE), ..search };
        }
        close(told, first)
    }
}

fn open(told: &mut Told) -> anyhow::Result<()> {
    if told.json() {
        write!(told.out(), "[")?;
    }
    Ok(())
}

fn close(told: &mut Told, empty: bool) -> anyhow::Result<()> {
    if told.json() {
        writeln!(told.out(), "{}]", if empty { "" } else { "\n" })?;
    }
    Ok(())
}

fn line(told: &mut Told, account: &Account, first: bool) -> anyhow::Result<()> {
    if told.json() {
        let text = serde_json::to_string(&Summary::of(account))?;
        write!(told.out(), "{}\n  {text}", if first { "" } else { "," })?;
        return Ok(());
    }
    let mut notes = Vec::new();
    notes.extend(account.administrator.then_some("administrator"));
    notes.extend(account.disabled.then_some("disabled"));
    notes.extend(account.locked.then_some("locked"));
    let email = account.email().unwrap_or("-");
    let (roles, notes) = (account.roles.join("|"), notes.join(" "));
    writeln!(told.out(), "{}\t{email}\t{roles}\t{notes}", account.name)?;
    Ok(())
}

impl Show {
    /// Shows.
    ///
    /// # Errors
    ///
    /// When there is no such user, the store does not answer or standard output is closed.
    pub(super) async fn run(self, kept: &Kept, told: &mut Told) -> anyhow::Result<()> {
        let account = kept.find(&self.name).await?;
        let record = remove::all_of(kept, &account).await?;
        if told.json() { told.value(&record) } else { show(&record, &account, told) }
    }
}

fn show(record: &Record, account: &Account, told: &mut Told) -> anyhow::Result<()> {
    let out = told.out();
    writeln!(out, "{} ({})", account.name, record.summary.kind)?;
    let flags = [
        ("administrator", account.administrator),
        ("disabled", account.disabled),
        ("locked", account.locked),
    ];
    for (what, _) in flags.into_iter().filter(|(_, is)| *is) {
        writeln!(out, "  {what}")?;
    }
    for (name, value) in &account.properties {
        writeln!(out, "  {name}: {}", value.escape_debug())?;
    }
    for role in &account.roles {
        writeln!(out, "  role {role}")?;
    }
    for login in record.links() {
        writeln!(out, "  signs in with {} as {}", login.provider, login.subject.escape_debug())?;
    }
    if let Some(last) = &account.last_sign_in {
        writeln!(out, "  last signed in {} with {}", Moment(last.at), last.provider)?;
        for given in &last.roles {
            writeln!(out, "    role {} by {}", given.role, given.by)?;
        }
    }
    writeln!(out, "  {} sessions, {} grants", record.sessions.len(), record.grants.len())?;
    for event in &account.history {
        let by = if event.by.is_empty() { String::new() } else { format!(" by {}", event.by) };
        writeln!(out, "  {} {}{by}", Moment(event.at), event.what)?;
    }
    Ok(())
}
