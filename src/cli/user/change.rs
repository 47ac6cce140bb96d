//! `vestibule user set`, `disable`, `enable` and `unlock`.

use crate::cli::kept::Kept;
use crate::cli::user::add::Profile;
use crate::cli::user::told::Told;

/// Changes a user.
#[derive(Debug, clap::Args)]
pub(super) struct Set {
    /// The user's name.
    name: String,
    #[command(flatten)]
    profile: Profile,
    /// A role to take back; may be said several times.
    #[arg(long = "take-role", value_name = "ROLE")]
    taken: Vec<String>,
}

/// Names a user.
#[derive(Debug, clap::Args)]
pub(super) struct Named {
    /// The user's name.
    pub(super) name: String,
}

impl Set {
    /// Changes the user. When rights are taken the sessions end, which have them.
    ///
    /// # Errors
    ///
    /// When there is none, the address is another's, or the store does not answer.
    pub(super) async fn run(self, kept: &Kept, told: &mut Told) -> anyhow::Result<()> {
        let takes = !self.taken.is_empty() || self.profile.takes_administrator();
        let changed = kept.change(&self.name, |account| {
            if takes {
                account.end_sessions(kept.now(), Vec::new());
            }
            for role in &self.taken {
                account.take_role(role.trim());
            }
            self.profile.apply(account);
            Some("changed".to_owned())
        });
        let account = changed.await?;
        let ended = if takes { kept.end_sessions(&account).await? } else { 0 };
        if takes && !told.json() {
            return told.done_and_ended("changed", &account.name, ended);
        }
        told.done("changed", &account)
    }
}

impl Named {
    /// Disables the user, and ends the sessions.
    ///
    /// # Errors
    ///
    /// When there is none, or the store does not answer.
    pub(super) async fn disable(&self, kept: &Kept, told: &mut Told) -> anyhow::Result<()> {
        let disable = kept.change(&self.name, |account| {
            let news = !account.disabled;
            account.disabled = true;
            account.end_sessions(kept.now(), Vec::new());
            news.then(|| "disabled".to_owned())
        });
        let account = disable.await?;
        let ended = kept.end_sessions(&account).await?;
        told.done_and_ended("disabled", &account.name, ended)
    }

    /// Enables the user.
    ///
    /// # Errors
    ///
    /// When there is none, or the store does not answer.
    pub(super) async fn enable(&self, kept: &Kept, told: &mut Told) -> anyhow::Result<()> {
        let enable = kept.change(&self.name, |account| {
            let news = account.disabled;
            account.disabled = false;
            news.then(|| "enabled".to_owned())
        });
        told.done("enabled", &enable.await?)
    }

    /// Takes the password of the user again.
    ///
    /// # Errors
    ///
    /// When there is none, or the store does not answer.
    pub(super) async fn unlock(&self, kept: &Kept, told: &mut Told) -> anyhow::Result<()> {
        let unlock = kept.change(&self.name, |account| {
            let news = account.locked;
            account.locked = false;
            news.then(|| "unlocked".to_owned())
        });
        told.done("unlocked", &unlock.await?)
    }
}
