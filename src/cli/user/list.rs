//! `vestibule user list` and `show`.

use std::io::Write;

use crate::cli::kept::Kept;
use crate::cli::user::record::Record;
use crate::cli::user::record::Summary;
use crate::cli::user::remove;
use crate::cli::user::told::Told;
use crate::observe::Moment;
use crate::observe::Visible;
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
        let mut pages = Pages::of(self.search.unwrap_or_default(), left);
        let mut array = told.json().then(|| told.array()).transpose()?;
        while let Some(accounts) = pages.next(kept, left).await? {
            for account in accounts.iter().take(left) {
                match &mut array {
                    Some(array) => told.element(array, &Summary::of(account))?,
                    None => line(told, account)?,
                }
            }
            left = left.saturating_sub(accounts.len());
        }
        array.map_or(Ok(()), |array| told.end(&array))
    }
}

/// The users that a search finds, some at a time.
#[derive(Debug)]
pub(super) struct Pages(Option<Search>);

impl Pages {
    /// From the first one on, `most` at a time, or [`PAGE`].
    pub(super) fn of(text: String, most: usize) -> Self {
        Self(Some(Search { text, after: None, limit: most.min(PAGE) }))
    }

    /// The next ones; `None` after the last, or when no more than 0 are wanted.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    pub(super) async fn next(
        &mut self,
        kept: &Kept,
        most: usize,
    ) -> anyhow::Result<Option<Vec<Account>>> {
        let Some(search) = self.0.take().filter(|_| most > 0) else { return Ok(None) };
        let search = Search { limit: most.min(PAGE), ..search };
        let page = kept.accounts.search(&search).await?;
        self.0 = page.next.map(|next| Search { after: Some(next), ..search });
        Ok(Some(page.accounts))
    }
}

fn line(told: &mut Told, account: &Account) -> anyhow::Result<()> {
    let mut notes = Vec::new();
    notes.extend(account.administrator.then_some("administrator"));
    notes.extend(account.disabled.then_some("disabled"));
    notes.extend(account.locked.then_some("locked"));
    let (name, email) = (Visible(&account.name), Visible(account.email().unwrap_or("-")));
    let (roles, notes) = (account.roles.join("|"), notes.join(" "));
    writeln!(told.out(), "{name}\t{email}\t{}\t{notes}", Visible(&roles))?;
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
    writeln!(out, "{} ({})", Visible(&account.name), record.summary.kind)?;
    let flags = [
        ("administrator", account.administrator),
        ("disabled", account.disabled),
        ("locked", account.locked),
    ];
    for (what, _) in flags.into_iter().filter(|(_, is)| *is) {
        writeln!(out, "  {what}")?;
    }
    for (name, value) in &account.properties {
        writeln!(out, "  {}: {}", Visible(name), Visible(value))?;
    }
    for role in &account.roles {
        writeln!(out, "  role {}", Visible(role))?;
    }
    for login in record.links() {
        let (provider, subject) = (Visible(&login.provider), Visible(&login.subject));
        writeln!(out, "  signs in with {provider} as {subject}")?;
    }
    if let Some(last) = &account.last_sign_in {
        let (at, provider) = (Moment(last.at), Visible(&last.provider));
        writeln!(out, "  last signed in {at} with {provider}")?;
        for given in &last.roles {
            writeln!(out, "    role {} by {}", Visible(&given.role), Visible(&given.by))?;
        }
    }
    writeln!(out, "  {} sessions, {} grants", record.sessions.len(), record.grants.len())?;
    for event in &account.history {
        let by = if event.by.is_empty() { String::new() } else { format!(" by {}", event.by) };
        writeln!(out, "  {} {}{}", Moment(event.at), Visible(&event.what), Visible(&by))?;
    }
    Ok(())
}
