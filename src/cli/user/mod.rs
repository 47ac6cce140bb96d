//! `vestibule user`: looks after the users of a store, beside the gateways that use it. Changes count
//! at the next sign-in; disabling, deleting and a new password also end what is live.

mod add;
mod change;
mod date;
mod import;
mod links;
mod list;
mod membership;
mod password;
mod record;
mod remove;
mod rows;
mod told;

use std::process::ExitCode;

use crate::cli::kept::Place;
use crate::cli::user::told::Told;

/// Users of the store.
#[derive(Debug, clap::Args)]
pub struct Command {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    Add(add::Add),
    List(list::List),
    /// Shows all that is known of one user.
    Show(list::Show),
    Set(change::Set),
    /// Lets nobody sign in as a user any more, and ends the user's sessions.
    Disable(change::Named),
    /// Takes back what disable did.
    Enable(change::Named),
    /// Takes the password of a locked user again.
    Unlock(change::Named),
    /// Forgets a user, with links and grants, and ends the user's sessions.
    Delete(change::Named),
    Link(links::Link),
    Unlink(links::Link),
    Export(remove::Export),
    Import(import::Import),
    Password(password::Password),
    ResetLink(password::ResetLink),
}

impl Command {
    /// Does it and tells of it. Exit code 1 when it could not be done, 78 when the configuration is
    /// wrong.
    ///
    /// # Errors
    ///
    /// Why it could not be done: in one line.
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let kept = match self.place.open().await? {
            Ok(kept) => kept,
            Err(code) => return Ok(code),
        };
        let mut told = Told::new(self.place.json);
        match self.what {
            What::Add(add) => add.run(&kept, &mut told).await?,
            What::List(list) => list.run(&kept, &mut told).await?,
            What::Show(show) => show.run(&kept, &mut told).await?,
            What::Set(set) => set.run(&kept, &mut told).await?,
            What::Disable(named) => named.disable(&kept, &mut told).await?,
            What::Enable(named) => named.enable(&kept, &mut told).await?,
            What::Unlock(named) => named.unlock(&kept, &mut told).await?,
            What::Delete(named) => remove::delete(&kept, &named.name, &mut told).await?,
            What::Link(link) => link.link(&kept, &mut told).await?,
            What::Unlink(link) => link.unlink(&kept, &mut told).await?,
            What::Export(export) => export.run(&kept, &mut told).await?,
            What::Import(import) => return import.run(&kept, &mut told).await,
            What::Password(password) => password.run(&kept, &mut told).await?,
            What::ResetLink(link) => link.run(&kept, &mut told).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}
