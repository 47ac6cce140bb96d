//! `vestibule user password` and `reset-link`.

use anyhow::Context;
use anyhow::ensure;
use serde_json::json;
use std::io::Write;

use crate::cli::kept::Kept;
use crate::cli::user::add;
use crate::cli::user::told::Told;
use crate::observe::Moment;
use crate::store::grants::Kind;
use crate::users::password_change::noted;
use crate::users::reset;
use crate::users::subject;

/// Gives a user the password on the first line of standard input, and ends the user's sessions.
#[derive(Debug, clap::Args)]
pub(super) struct Password {
    /// The user's name.
    name: String,
    /// Said for clearness: a password comes from nowhere else.
    #[arg(long = "password-stdin")]
    stdin: bool,
}

/// Prints a link by which a user chooses a new password: good once, for an hour.
#[derive(Debug, clap::Args)]
pub(super) struct ResetLink {
    /// The user's name.
    name: String,
}

/// What a password stood for.
const GRANTED: [Kind; 5] =
    [Kind::Grant, Kind::Code, Kind::RefreshToken, Kind::ReferenceToken, Kind::PasswordReset];

impl Password {
    /// Sets the password.
    ///
    /// # Errors
    ///
    /// When there is no such user, no password, or the store does not answer.
    pub(super) async fn run(self, kept: &Kept, told: &mut Told) -> anyhow::Result<()> {
        let before = kept.find(&self.name).await?;
        let hash = add::read_hash(&before)?;
        let set = kept.change(&self.name, |account| {
            let over = account.set_password(hash.clone());
            account.end_sessions(kept.now(), Vec::new());
            Some(noted("password set", over))
        });
        let account = set.await?;
        kept.grants.forget(&subject::local(&account.name), &GRANTED, kept.now()).await?;
        let ended = kept.end_sessions(&account).await?;
        let over = before.administrator && !account.administrator;
        told.done_and_ended(&noted("new password", over), &account.name, ended)
    }
}

impl ResetLink {
    /// Prints the link.
    ///
    /// # Errors
    ///
    /// When there is no such user, the configuration has no identity server, or the store does not
    /// answer.
    pub(super) async fn run(self, kept: &Kept, told: &mut Told) -> anyhow::Result<()> {
        let config = kept.config.as_ref();
        let issuer = config.and_then(|config| config.identity_server.issuer.as_deref());
        let issuer = issuer.context(
            "the link leads to the identity server: name its configuration, --config DIR",
        )?;
        let account = kept.find(&self.name).await?;
        ensure!(!account.disabled, "`{}` is disabled", account.name);
        let now = kept.now();
        let code = reset::issue(&kept.grants, &account, now).await?;
        let (link, ends) = (reset::link(issuer, &code), now.plus(reset::LIFETIME));
        if told.json() {
            let ends = Moment(ends).to_string();
            return told.value(&json!({"name": account.name, "link": link, "ends": ends}));
        }
        writeln!(told.out(), "{link}")?;
        Ok(())
    }
}
