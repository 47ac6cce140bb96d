//! What an administrator changes about a user, each change audited and noted in the user's history.

use std::borrow::Cow;

use crate::admin::Admin;
use crate::admin::Neighbours;
use crate::admin::change::Admission;
use crate::admin::ending::Whose;
use crate::admin::frame::Frame;
use crate::admin::outcome::Did;
use crate::admin::user;
use crate::admin::users;
use crate::claims::types;
use crate::error::Problem;
use crate::http::Response;
use crate::http::form::Form;
use crate::http::response;
use crate::login;
use crate::observe::audit;
use crate::session::Identity;
use crate::store::accounts::Account;
use crate::store::accounts::Changed;
use crate::store::accounts::folded;
use crate::store::accounts::same;
use crate::store::grants::Kind;
use crate::users::profile;
use crate::users::subject;

/// Sessions of a user that go on without a role that is taken; more end.
const MOST_SPARED: usize = 100;

/// A posted change.
enum Change<'a> {
    Disable,
    Enable,
    Unlock,
    Give(&'a str),
    Take(&'a str),
    Unlink { provider: &'a str, subject: &'a str },
    End(Option<&'a str>),
    Delete,
}

impl Admin {
    /// Makes a posted change and goes back to the user's page, which says what came of it.
    pub(super) async fn change_user(
        &self,
        frame: &Frame<'_>,
        neighbours: Neighbours<'_>,
    ) -> Result<Response, Problem> {
        let form = frame.visit.exchange.form()?;
        let name = form.get("name").unwrap_or_default();
        let back = user::page_of(name);
        let about = user::about(name);
        if let Admission::Instead(answer) = self.admit(frame, &about, &form, &back)? {
            return Ok(answer);
        }
        let Some(change) = Change::read(&form)? else {
            return Ok(response::see_other(&Did::NoRole.at(&back)));
        };
        let own = folded(&frame.keeper.session.identity.user.name) == folded(name);
        if own && change.shuts_out() {
            return Ok(response::see_other(&Did::Own.at(&back)));
        }
        let did = self.make(frame, neighbours, name, &change).await?;
        let gone = matches!((&change, did), (Change::Delete, Did::Delete | Did::EndHere));
        let to = if gone { users::ADDRESS } else { &back };
        Ok(response::see_other(&did.at(to)))
    }

    async fn make(
        &self,
        frame: &Frame<'_>,
        neighbours: Neighbours<'_>,
        name: &str,
        change: &Change<'_>,
    ) -> Result<Did, Problem> {
        let what = change.words();
        match change {
            Change::Disable => {
                let done = |account: &mut Account| {
                    account.end_sessions(frame.visit.exchange.now, Vec::new());
                    !std::mem::replace(&mut account.disabled, true)
                };
                let did = self.rewrite(frame, name, &what, done).await?.unwrap_or(Did::Disable);
                if did != Did::Disable {
                    return Ok(did);
                }
                let whose = Whose::User(name.to_owned());
                let ended = self.end_sessions(frame, neighbours, &whose).await;
                Ok(if ended.only_here { Did::EndHere } else { did })
            }
            Change::Enable => {
                let done = |account: &mut Account| std::mem::take(&mut account.disabled);
                Ok(self.rewrite(frame, name, &what, done).await?.unwrap_or(Did::Enable))
            }
            Change::Unlock => {
                let done = |account: &mut Account| std::mem::take(&mut account.locked);
                Ok(self.rewrite(frame, name, &what, done).await?.unwrap_or(Did::Unlock))
            }
            Change::Give(role) => {
                let done = |account: &mut Account| account.give_role(role);
                Ok(self.rewrite(frame, name, &what, done).await?.unwrap_or(Did::Give))
            }
            Change::Take(role) => self.take(frame, name, role, &what).await,
            Change::Unlink { provider, subject } => {
                self.unlink((frame, neighbours), name, (provider, subject), &what).await
            }
            Change::End(session) => {
                let user = || Whose::User(name.to_owned());
                let whose = session.map_or_else(user, |id| Whose::One(id.to_owned()));
                Ok(Did::of_end(self.end_sessions(frame, neighbours, &whose).await))
            }
            Change::Delete => self.delete(frame, neighbours, name).await,
        }
    }

    /// Changes an account with `change`, which says whether there was anything to change, and writes
    /// down `what` that was. What came of it instead, when it is not done.
    async fn rewrite(
        &self,
        frame: &Frame<'_>,
        name: &str,
        what: &str,
        change: impl Fn(&mut Account) -> bool,
    ) -> Result<Option<Did>, Problem> {
        let by = &frame.keeper.session.identity.user.name;
        let noting = |account: &mut Account| {
            let changed = change(account);
            if changed {
                account.note(frame.visit.exchange.now, what, by);
            }
            changed
        };
        let unique = frame.visit.config.requires_unique_email;
        match self.parts.accounts.change(name, unique, noting).await? {
            Changed::Done(account) => {
                write_audit(frame, &account.name, what);
                Ok(None)
            }
            Changed::Nothing(_) | Changed::NoSuchUser => Ok(Some(Did::Nothing)),
            Changed::EmailTaken | Changed::Overtaken => Ok(Some(Did::Busy)),
        }
    }

    /// Deletes a user with everything that was granted, so that nobody who is called so later
    /// inherits it.
    async fn delete(
        &self,
        frame: &Frame<'_>,
        neighbours: Neighbours<'_>,
        name: &str,
    ) -> Result<Did, Problem> {
        let (accounts, grants) = (&self.parts.accounts, &self.parts.grants);
        let logins = accounts.logins(name).await?;
        if !accounts.remove(name).await? {
            return Ok(Did::Nothing);
        }
        let entry = frame.entry(audit::Event::UserDeleted);
        audit::Entry { whom: Some(name), ..entry }.write();
        let ended = self.end_sessions(frame, neighbours, &Whose::User(name.to_owned())).await;
        for subject in subject::all_of(name, &logins) {
            grants.forget(&subject, &Kind::ALL, frame.visit.exchange.now).await?;
        }
        Ok(if ended.only_here { Did::EndHere } else { Did::Delete })
    }

    /// Takes a role from what is kept and from what is live here; sessions at other gateways end.
    async fn take(
        &self,
        frame: &Frame<'_>,
        name: &str,
        role: &str,
        what: &str,
    ) -> Result<Did, Problem> {
        let sessions = self.parts.sessions.of_user(name);
        let done = |account: &mut Account| {
            let but = sessions.iter().take(MOST_SPARED).map(|session| session.public_id.clone());
            account.end_sessions(frame.visit.exchange.now, but.collect());
            account.take_role(role)
        };
        let kept = self.rewrite(frame, name, what, done).await?;
        if kept == Some(Did::Busy) {
            return Ok(Did::Busy);
        }
        let config = &frame.visit.config;
        let mut live = false;
        for session in &sessions {
            if session.identity.user.has_role(role) {
                let site = config.site(&session.identity.site).map(AsRef::as_ref);
                let settings = login::lifetimes(&config.sessions, site);
                let identity = without(&session.identity, role);
                live |= self.parts.sessions.renew(session, identity, &settings).is_some();
            }
        }
        if live && kept.is_some() {
            write_audit(frame, name, &format!("{what} from the live sessions"));
        }
        let whose = Whose::User(name.to_owned());
        let Ok(elsewhere) = self.end_elsewhere(frame, &whose, &sessions).await else {
            return Ok(Did::EndHere);
        };
        Ok(if live || kept.is_none() || !elsewhere.is_empty() { Did::Take } else { Did::Nothing })
    }

    /// Takes an identity from a user, whose sessions end: some may be that identity's, which would
    /// go on with the user's roles and could link itself once more.
    async fn unlink(
        &self,
        (frame, neighbours): (&Frame<'_>, Neighbours<'_>),
        name: &str,
        (provider, subject): (&str, &str),
        what: &str,
    ) -> Result<Did, Problem> {
        if !self.parts.accounts.unlink(name, provider, subject).await? {
            return Ok(Did::Nothing);
        }
        let ended = self.end_sessions(frame, neighbours, &Whose::User(name.to_owned())).await;
        // It is done; a history that cannot be written just now does not undo it.
        let done = |account: &mut Account| {
            account.end_sessions(frame.visit.exchange.now, Vec::new());
            true
        };
        if self.rewrite(frame, name, what, done).await?.is_some() {
            write_audit(frame, name, what);
        }
        Ok(if ended.only_here { Did::EndHere } else { Did::Unlink })
    }
}

impl<'a> Change<'a> {
    /// What a form asks for; `None` for a role that is none.
    ///
    /// # Errors
    ///
    /// [`Problem::BadRequest`] for what no form of ours asks for.
    fn read(form: &'a Form) -> Result<Option<Self>, Problem> {
        let field = |name: &str| form.get(name).unwrap_or_default();
        Ok(Some(match field("action") {
            "disable" => Self::Disable,
            "enable" => Self::Enable,
            "unlock" => Self::Unlock,
            "give" => return Ok(profile::role(field("role")).map(Self::Give)),
            "take" => Self::Take(field("role")),
            "unlink" => Self::Unlink { provider: field("provider"), subject: field("subject") },
            "end" => Self::End(form.get("session")),
            "delete" => Self::Delete,
            _ => return Err(Problem::BadRequest("there is no such change".into())),
        }))
    }

    /// Whether administrators could shut themselves out by it.
    fn shuts_out(&self) -> bool {
        match self {
            Self::Disable | Self::Delete | Self::Unlink { .. } => true,
            Self::Enable | Self::Unlock | Self::Give(_) | Self::Take(_) | Self::End(_) => false,
        }
    }

    /// For the history and the audit trail.
    fn words(&self) -> Cow<'static, str> {
        match self {
            Self::Disable => "disabled".into(),
            Self::Enable => "enabled".into(),
            Self::Unlock => "unlocked".into(),
            Self::Give(role) => format!("role {role} given").into(),
            Self::Take(role) => format!("role {role} taken").into(),
            Self::Unlink { provider, subject } => {
                format!("unlinked from {subject} at {provider}").into()
            }
            Self::End(_) => "sessions ended".into(),
            Self::Delete => "deleted".into(),
        }
    }
}

/// The same person without a role.
fn without(identity: &Identity, role: &str) -> Identity {
    let mut identity = identity.clone();
    identity.user.roles.retain(|held| !same(held, role));
    identity.given_roles.retain(|given| !same(&given.role, role));
    identity.claims.retain(|claim| {
        let about_roles = claim.kind == types::ROLE || claim.kind == "role";
        !(about_roles && same(&claim.value, role))
    });
    identity
}

fn write_audit(frame: &Frame<'_>, whom: &str, what: &str) {
    let entry = frame.entry(audit::Event::UserChanged);
    audit::Entry { whom: Some(whom), reason: Some(what), ..entry }.write();
}
