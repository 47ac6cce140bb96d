//! From an identity that is proved to the user it signs in as: one that is kept in the store, where
//! the site keeps its users, or one that lives as long as its session.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::config::model::Config;
use crate::config::model::Linking;
use crate::config::model::Provider;
use crate::config::model::Site;
use crate::gate;
use crate::login::Login;
use crate::login::Reason;
use crate::login::callback::Pending;
use crate::login::finish::Identified;
use crate::login::place;
use crate::login::question;
use crate::session::Identity;
use crate::session::Session;
use crate::session::SessionId;
use crate::session::Visit;
use crate::session::cookie;
use crate::store::accounts::Accounts;
use crate::users::local;
use crate::users::persistent::Beside;
use crate::users::persistent::Outcome;
use crate::users::persistent::Persistent;
use crate::users::persistent::Proved;
use crate::users::persistent::Target;
use crate::users::subject;

/// Where an identity signs in, and by whom.
#[derive(Clone, Copy)]
pub(super) struct Venue<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The site.
    pub site: &'a Site,
    /// The provider.
    pub provider: &'a Provider,
    /// When.
    pub now: Timestamp,
}

/// What has become of a proved identity.
pub(super) enum Settled {
    /// It signs in as this.
    In(Identity),
    /// The person is asked whether it is one more way to sign in as somebody who is kept.
    Ask(Identified, Target),
}

impl Venue<'_> {
    /// Finds the user that signs in, makes it, or has the person asked.
    ///
    /// # Errors
    ///
    /// Why nobody is let in.
    pub(super) async fn settle(
        self,
        accounts: &Accounts,
        identified: Identified,
        beside: Beside<'_>,
    ) -> Result<Settled, Reason> {
        let persistent = Persistent(accounts);
        let proved = self.proved(&identified.identity, identified.address.as_deref());
        if place::is_identity_server(self.site) {
            persistent.admit_subject(self.config, &self.subject(&identified.identity)).await?;
            return Ok(Settled::In(identified.identity));
        }
        if !self.site.providers.persistent {
            persistent.admit(&proved).await?;
            return Ok(Settled::In(identified.identity));
        }
        match persistent.sign_in(&proved, beside).await? {
            Outcome::In(user) => {
                Ok(Settled::In(Identity { user, persistent: true, ..identified.identity }))
            }
            Outcome::Ask(target) => Ok(Settled::Ask(identified, target)),
        }
    }

    /// The same for what the provider says anew of somebody whose session was `before`.
    ///
    /// # Errors
    ///
    /// As [`Self::settle`].
    pub(super) async fn renew(
        self,
        accounts: &Accounts,
        identified: Identified,
        before: &Identity,
    ) -> Result<Identity, Reason> {
        let persistent = Persistent(accounts);
        let proved = self.proved(&identified.identity, identified.address.as_deref());
        if before.persistent {
            let user = persistent.renew(&proved, &before.user.name).await?;
            return Ok(Identity { user, persistent: true, ..identified.identity });
        }
        if place::is_identity_server(self.site) {
            persistent.admit_subject(self.config, &self.subject(&identified.identity)).await?;
        } else {
            persistent.admit(&proved).await?;
        }
        Ok(identified.identity)
    }

    /// The same for a token that stands in for a sign-in: it makes no account and rewrites none.
    ///
    /// # Errors
    ///
    /// As [`Self::settle`].
    pub(super) async fn recognise(
        self,
        accounts: &Accounts,
        identified: Identified,
    ) -> Result<Identity, Reason> {
        let persistent = Persistent(accounts);
        let proved = self.proved(&identified.identity, identified.address.as_deref());
        if !self.site.providers.persistent {
            persistent.admit(&proved).await?;
            return Ok(identified.identity);
        }
        match persistent.recognise(&proved).await? {
            Some(user) => Ok(Identity { user, persistent: true, ..identified.identity }),
            None => Ok(identified.identity),
        }
    }

    /// What the site says of an identity that is new, when `session` is there beside it.
    ///
    /// A sign-in that another site's page may have begun never decides by itself whose account it ends
    /// in: an attacker's page could have the browser sign in as the attacker. Neither does one beside a
    /// session whose person may have left the room: there the person is asked, and has to prove who they
    /// are before it is linked. And two identities at one provider are two people's.
    pub(super) fn beside(self, session: Option<&Session>, deliberate: bool) -> Beside<'_> {
        let Some(session) = session else { return Beside::Nobody };
        if *session.identity.provider == *self.provider.name {
            return Beside::Nobody;
        }
        let name = session.identity.user.name.as_str();
        match self.site.sign_ins.linking {
            Linking::Refuse => Beside::Nobody,
            Linking::Attach if deliberate && is_fresh(session, self.now) => Beside::Attach(name),
            Linking::Attach | Linking::Ask => Beside::Ask(name),
        }
    }

    /// What our own identity server calls the person.
    fn subject(&self, identity: &Identity) -> String {
        subject::external(&self.provider.name, &identity.subject)
    }

    fn proved<'p>(&'p self, identity: &'p Identity, address: Option<&'p str>) -> Proved<'p> {
        Proved {
            config: self.config,
            site: self.site,
            provider: self.provider,
            subject: &identity.subject,
            claims: &identity.claims,
            user: &identity.user,
            given_roles: &identity.given_roles,
            address,
            now: self.now,
        }
    }
}

impl Login {
    /// Whoever was signed in here when the sign-in was started, and is so still, if that user is
    /// kept and an identity might be linked to it.
    ///
    /// # Errors
    ///
    /// When the store cannot be reached.
    pub(super) async fn still_signed_in(
        &self,
        pending: Pending<'_>,
    ) -> Result<Option<Arc<Session>>, Reason> {
        if pending.site.sign_ins.linking == Linking::Refuse {
            return Ok(None);
        }
        let Some(before) = self.same_session(pending) else { return Ok(None) };
        let theirs = self.is_still_theirs(pending.visit, &before.identity).await?;
        Ok(theirs.then_some(before))
    }

    /// Whether the identity of a session still is one of the account's: what an administrator has
    /// unlinked does not link itself, or another one, once more.
    async fn is_still_theirs(&self, visit: &Visit, identity: &Identity) -> Result<bool, Reason> {
        let (config, name) = (&visit.config, &identity.user.name);
        if *identity.provider == *local::PROVIDER {
            let account = self.parts.accounts.find(name).await?;
            return Ok(account.is_some_and(|one| one.password_hash.is_some() && !one.disabled));
        }
        let site = config.site(&identity.site);
        let place = site.and_then(|site| Some((site, question::vouching(config, site, identity)?)));
        let Some((site, provider)) = place else { return Ok(false) };
        let venue = Venue { config, site, provider, now: visit.exchange.now };
        let proved = venue.proved(identity, None);
        Ok(Persistent(&self.parts.accounts).is_still(&proved, name).await?)
    }

    /// A provider's cross-site POST brings no session cookie; any other one that comes instead is
    /// somebody else's.
    fn same_session(&self, pending: Pending<'_>) -> Option<Arc<Session>> {
        let Pending { visit, transaction, site, .. } = pending;
        let before = self.parts.sessions.live(&SessionId(transaction.replaces?))?;
        let name = cookie::name(&visit.config.sessions, site, &transaction.source);
        let same = match visit.exchange.cookies().get(&name) {
            Some(token) => self.parts.sessions.find(token).is_some_and(|s| s.id == before.id),
            None => true,
        };
        let path = &visit.exchange.target.path;
        let counts = gate::sessions::counts(&visit.config, site, path, &before);
        (same && counts && before.identity.persistent).then_some(before)
    }
}

/// Whether it is not long ago that somebody proved whose session this is. Where the provider does not
/// say when that was (`auth_time`; many never do) the sign-in here counts: without it nobody from there
/// could ever link anything.
pub(super) fn is_fresh(session: &Session, now: Timestamp) -> bool {
    now.since(session.identity.authenticated_at) < FRESH
}

/// How old the proof may be on which an account gets one more way to sign in.
const FRESH: Duration = Duration::from_mins(15);
