//! `vestibule session`: the live sessions of every gateway over a store, and their end.

use std::io;
use std::io::Write;
use std::process::ExitCode;

use anyhow::ensure;
use serde_json::Value;
use serde_json::json;

use crate::cli::kept::Kept;
use crate::cli::kept::Place;
use crate::observe::Moment;
use crate::observe::Visible;
use crate::store::register::Registered;
use crate::store::register::Which;

/// Live sessions.
#[derive(Debug, clap::Args)]
pub struct Command {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Lists them.
    List {
        #[command(flatten)]
        of: Of,
        /// Sessions to list at most.
        #[arg(long, default_value_t = MOST)]
        limit: usize,
    },
    /// Ends one, those of a user, those of a provider, or all: within seconds, at every gateway.
    End {
        /// The session, as `session list` names it.
        #[arg(conflicts_with_all = ["user", "provider", "all"])]
        id: Option<String>,
        #[command(flatten)]
        of: Of,
        /// All sessions.
        #[arg(long, conflicts_with_all = ["user", "provider"])]
        all: bool,
    },
}

#[derive(Debug, clap::Args)]
struct Of {
    /// Those of this user.
    #[arg(long)]
    user: Option<String>,
    /// Those that came from this provider.
    #[arg(long, conflicts_with = "user")]
    provider: Option<String>,
}

/// Sessions that are listed unless more are asked for.
pub const MOST: usize = 10_000;

impl Command {
    /// Does it and tells of it. Exit code 78 when the configuration is wrong.
    ///
    /// # Errors
    ///
    /// Why it could not be done: in one line.
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let kept = match self.place.open().await? {
            Ok(kept) => kept,
            Err(code) => return Ok(code),
        };
        let json = self.place.json;
        match self.what {
            What::List { of, limit } => list(&kept, &of, limit, json).await?,
            What::End { id: Some(id), .. } => end(&kept, Which::Id(&id), json).await?,
            What::End { of, all, .. } => {
                let (user, provider) = (&of.user, &of.provider);
                let said = all || user.is_some() || provider.is_some();
                ensure!(said, "name a session, a user, a provider, or say --all");
                let name = of.name(&kept)?;
                end(&kept, of.which(name.as_deref()), json).await?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Of {
    fn name(&self, kept: &Kept) -> anyhow::Result<Option<String>> {
        self.user.as_deref().map(|name| kept.full_name(name)).transpose()
    }

    fn which<'a>(&'a self, name: Option<&'a str>) -> Which<'a> {
        match (name, &self.provider) {
            (Some(name), _) => Which::User(name),
            (None, Some(provider)) => Which::Provider(provider),
            (None, None) => Which::All,
        }
    }
}

async fn list(kept: &Kept, of: &Of, limit: usize, in_json: bool) -> anyhow::Result<()> {
    let name = of.name(kept)?;
    let sessions = kept.sessions(of.which(name.as_deref()), limit).await?;
    let mut out = io::stdout().lock();
    if in_json {
        let sessions: Vec<Value> = sessions.iter().map(json).collect();
        serde_json::to_writer_pretty(&mut out, &sessions)?;
        writeln!(out)?;
        return Ok(());
    }
    for session in &sessions {
        let Registered { id, user, provider, site, began_at, .. } = session;
        let (user, provider, site) = (Visible(user), Visible(provider), Visible(site));
        writeln!(out, "{id}\t{user}\t{provider}\t{site}\t{}", Moment(*began_at))?;
    }
    Ok(())
}

/// A session as JSON.
pub fn json(session: &Registered) -> Value {
    json!({
        "id": session.id,
        "user": session.user,
        "provider": session.provider,
        "site": session.site,
        "began": Moment(session.began_at).to_string(),
        "ends": Moment(session.ends_at).to_string(),
    })
}

async fn end(kept: &Kept, which: Which<'_>, in_json: bool) -> anyhow::Result<()> {
    let ended = kept.end(which).await?;
    ensure!(ended > 0 || !matches!(which, Which::Id(_)), "there is no such session");
    let mut out = io::stdout().lock();
    if in_json {
        writeln!(out, "{}", json!({"ended": ended}))?;
    } else {
        writeln!(out, "sessions that end: {ended}")?;
    }
    Ok(())
}
