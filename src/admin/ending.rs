//! Ending other people's sessions, here and at the other gateways of the store.

use std::sync::Arc;

use crate::admin::Admin;
use crate::admin::Neighbours;
use crate::admin::frame::Frame;
use crate::config::model::Config;
use crate::config::model::Destination;
use crate::http::form::Form;
use crate::identity_server::single_sign_on_of;
use crate::observe::audit;
use crate::session::End;
use crate::session::Session;
use crate::store::StoreError;
use crate::store::accounts::folded;
use crate::store::register::Register;
use crate::store::register::Registered;
use crate::store::register::Which;

/// Sessions at other gateways that are ended one by one, so that the administrator's own goes on.
const MOST_BY_NAME: usize = 5_000;

/// Whose sessions are to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// The one with this public name.
    One(String),
    /// A user's.
    User(String),
    /// Those from a provider.
    Provider(String),
}

/// What ending sessions came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ended {
    /// How many, here and elsewhere.
    pub(super) count: u64,
    /// Whether other gateways could not be told.
    pub(super) only_here: bool,
}

impl Admin {
    /// Ends everything that is `whose`, but never the administrator's own session, and writes that
    /// down.
    pub(super) async fn end_sessions(
        &self,
        frame: &Frame<'_>,
        neighbours: Neighbours<'_>,
        whose: &Whose,
    ) -> Ended {
        let config = &frame.visit.config;
        let sessions = self.sessions_of(whose);
        let user = sessions.first().map(|session| session.identity.user.name.clone());
        let mut ended = neighbours.identity_server.with_single_sign_on(config, sessions);
        ended.retain(|session| {
            !is_own(frame, session) && self.parts.sessions.end(&session.id, End::Command)
        });
        for session in ended.iter().filter(|session| is_single_sign_on(config, session)) {
            // No page is shown that could hold a frame.
            neighbours.identity_server.ended(config, session, &[]).await;
        }
        let elsewhere = self.end_elsewhere(frame, whose, &ended).await;
        let here = u64::try_from(ended.len()).unwrap_or(u64::MAX);
        let only_here = elsewhere.is_err();
        let elsewhere = elsewhere.unwrap_or_default();
        let count = here.saturating_add(u64::try_from(elsewhere.len()).unwrap_or(u64::MAX));
        if count > 0 {
            let whom = match whose {
                Whose::One(_) => {
                    user.as_deref().or_else(|| elsewhere.first().map(|row| row.user.as_str()))
                }
                Whose::User(name) | Whose::Provider(name) => Some(name.as_str()),
            };
            let reason = Some(whose.words());
            let entry = frame.entry(audit::Event::SessionsEnded);
            audit::Entry { whom, reason, ..entry }.write();
        }
        Ended { count, only_here }
    }

    /// The live sessions of this gateway that are meant.
    pub(super) fn sessions_of(&self, whose: &Whose) -> Vec<Arc<Session>> {
        let picked = |picks: &dyn Fn(&Session) -> bool| {
            let mut picked = Vec::new();
            self.parts.sessions.each(|session| {
                if picks(session) {
                    picked.push(Arc::clone(session));
                }
            });
            picked
        };
        match whose {
            Whose::One(id) => picked(&|session| session.public_id == *id),
            Whose::User(name) => self.parts.sessions.of_user(name),
            Whose::Provider(name) => picked(&|session| *session.identity.provider == **name),
        }
    }

    /// Asks the other gateways to end theirs; which those are. `here` are those of this one: what
    /// of it goes on goes on.
    pub(super) async fn end_elsewhere(
        &self,
        frame: &Frame<'_>,
        whose: &Whose,
        here: &[Arc<Session>],
    ) -> Result<Vec<Registered>, StoreError> {
        let Some(register) = &self.parts.register else { return Ok(Vec::new()) };
        let spares = here.iter().any(|session| self.parts.sessions.live(&session.id).is_some());
        let asked = ask(register, frame, whose, (here, spares)).await;
        if let Err(error) = &asked {
            tracing::warn!(error = ?error, "other gateways are not told of ended sessions");
        }
        asked
    }
}

async fn ask(
    register: &Register,
    frame: &Frame<'_>,
    whose: &Whose,
    (here, spares): (&[Arc<Session>], bool),
) -> Result<Vec<Registered>, StoreError> {
    let now = frame.visit.exchange.now;
    let which = match whose {
        Whose::One(id) => Which::Id(id),
        Whose::User(name) => Which::User(name),
        Whose::Provider(name) => Which::Provider(name),
    };
    let mut elsewhere = register.list(which, MOST_BY_NAME, now).await?;
    let known = |id: &str| here.iter().any(|session| session.public_id == id);
    elsewhere.retain(|row| !known(&row.id) && !is_own_name(frame, &row.id));
    let own = &frame.keeper.session.identity;
    let covers_own = match whose {
        Whose::One(_) => false,
        Whose::User(name) => folded(name) == folded(&own.user.name),
        // The session of the identity server behind the administrator's may be from any provider.
        Whose::Provider(_) => true,
    };
    if !spares && !covers_own && !elsewhere.is_empty() {
        register.ask_to_end(which, now).await?;
    } else {
        for row in &elsewhere {
            register.ask_to_end(Which::Id(&row.id), now).await?;
        }
    }
    Ok(elsewhere)
}

impl Whose {
    /// What a form or an address says; `None` when it names nobody.
    pub(super) fn read(form: &Form) -> Option<Self> {
        let field = |name: &str| form.get(name).filter(|v| !v.is_empty()).map(str::to_owned);
        let whose = field("session").map(Self::One).or_else(|| field("whose").map(Self::User));
        whose.or_else(|| field("from").map(Self::Provider))
    }

    /// The field that says it, and its value.
    pub(super) fn field(&self) -> (&'static str, &str) {
        match self {
            Self::One(id) => ("session", id),
            Self::User(name) => ("whose", name),
            Self::Provider(name) => ("from", name),
        }
    }

    /// For the audit trail.
    const fn words(&self) -> &'static str {
        match self {
            Self::One(_) => "one session",
            Self::User(_) => "all sessions of the user",
            Self::Provider(_) => "all sessions from the provider",
        }
    }
}

/// Whether `session` is what the administrator is signed in by: the session of these pages, or the
/// one of the identity server that it came from.
pub(super) fn is_own(frame: &Frame<'_>, session: &Session) -> bool {
    is_own_name(frame, &session.public_id)
}

/// The same for the session of this public name.
pub(super) fn is_own_name(frame: &Frame<'_>, id: &str) -> bool {
    let own = frame.keeper.session;
    own.public_id == id || single_sign_on_of(&frame.visit.config, own) == Some(id)
}

/// Whether a session is the identity server's own, with which its clients' grants end.
fn is_single_sign_on(config: &Config, session: &Session) -> bool {
    let home = config.site(&session.identity.site);
    home.is_some_and(|site| site.destination == Destination::IdentityServer)
}
