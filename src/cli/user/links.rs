//! `vestibule user link` and `unlink`: which identities at providers sign in as a user.

use anyhow::bail;
use anyhow::ensure;
use clap::builder::NonEmptyStringValueParser;

use crate::cli::kept::Kept;
use crate::cli::user::told::Told;
use crate::store::accounts::Account;
use crate::store::accounts::ExternalLogin;
use crate::store::accounts::Linked;

/// Lets an identity at a provider sign in as a user, or not any more, which ends the user's sessions.
#[derive(Debug, clap::Args)]
pub(super) struct Link {
    /// The user's name.
    name: String,
    /// The provider, as its id says; for a subprovider its gateway provider.
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    provider: String,
    /// What the provider calls the person: compared byte for byte.
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    subject: String,
}

impl Link {
    /// Links.
    ///
    /// # Errors
    ///
    /// When the identity signs in as another user, there is none of this name, or the store does
    /// not answer.
    pub(super) async fn link(&self, kept: &Kept, told: &mut Told) -> anyhow::Result<()> {
        let name = kept.find(&self.name).await?.name;
        let login = ExternalLogin {
            provider: self.provider.clone(),
            subject: self.subject.clone(),
            issuer: None,
            linked_at: kept.now(),
        };
        match kept.accounts.link(&name, &login).await? {
            Linked::Done => {}
            Linked::Taken => bail!("this identity signs in as another user"),
            Linked::NoSuchUser => bail!("there is no user `{name}`"),
        }
        let noted = |_: &mut Account| Some(format!("linked with {}", self.provider));
        let account = kept.change(&self.name, noted).await?;
        told.done("linked", &account)
    }

    /// Unlinks, and ends the user's sessions: some may be the identity's, with the user's roles.
    ///
    /// # Errors
    ///
    /// When it is not linked to this user, there is none, or the store does not answer.
    pub(super) async fn unlink(&self, kept: &Kept, told: &mut Told) -> anyhow::Result<()> {
        let name = kept.find(&self.name).await?.name;
        let was = kept.accounts.unlink(&name, &self.provider, &self.subject).await?;
        ensure!(was, "this identity does not sign in as `{name}`");
        // It is done; a history that cannot be written just now does not let the sessions go on.
        let unlinked = |account: &mut Account| {
            account.end_sessions(kept.now(), Vec::new());
            Some(format!("unlinked from {}", self.provider))
        };
        let noted = kept.change(&self.name, unlinked).await;
        let account = kept.find(&self.name).await?;
        let ended = kept.end_sessions(&account).await?;
        noted?;
        told.done_and_ended("unlinked", &account.name, ended)
    }
}
