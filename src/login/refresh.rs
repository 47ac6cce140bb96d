//! Renewing a session: its provider is asked anew, once for all requests that wait, and what it says
//! now takes the place of what it said before. A provider that vouches no longer ends the session;
//! one that is down does not.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::config::model::Config;
use crate::http::RequestId;
use crate::login::Login;
use crate::login::Reason;
use crate::login::endpoint;
use crate::login::finish;
use crate::login::kept::Venue;
use crate::login::oidc::Interrupted;
use crate::login::oidc::Peer;
use crate::login::oidc::SignedIn;
use crate::login::place;
use crate::login::start;
use crate::observe::audit::Entry;
use crate::observe::audit::Event;
use crate::session::End;
use crate::session::Identity;
use crate::session::Refresh;
use crate::session::Session;
use crate::session::renewal::Renewal;

/// The request that finds its session due.
#[derive(Clone, Debug)]
pub struct Occasion {
    /// The configuration that it sees.
    pub config: Arc<Config>,
    /// Who sent it.
    pub client: IpAddr,
    /// Its id.
    pub request: RequestId,
    /// When.
    pub now: Timestamp,
}

/// What has become of a session whose renewal was due.
#[derive(Clone, Debug)]
pub enum Renewed {
    /// It goes on as this.
    Live(Arc<Session>),
    /// Its provider does not vouch for it any more: it was ended now.
    Ended,
    /// Somebody else had ended it.
    Gone,
}

/// Pause after a refresh whose tokens could not be used yet.
const AFTER_INTERRUPTION: Duration = Duration::from_secs(30);

/// Why a session was not renewed.
enum Failure {
    /// The provider could not be asked to the end, which may pass.
    Unasked(Interrupted),
    /// It was asked, and the store cannot say whose the answer is; what takes the place of the refresh
    /// token.
    Unsettled(Option<Refresh>),
    /// It is over.
    Over(Reason),
}

impl Login {
    /// Asks the provider of the session `due`, unless somebody else has meanwhile.
    pub async fn renew(&self, occasion: &Occasion, due: &Session) -> Renewed {
        let now = occasion.now;
        let turn = match due.renewal_due(now) {
            Some(renewal) => renewal.turn().await,
            None => None,
        };
        // Whoever had the turn before may have renewed it, put it off, or ended it.
        let Some(session) = self.parts.sessions.live(&due.id) else { return Renewed::Gone };
        let Some((_turn, renewal)) = turn.zip(session.renewal_due(now)) else {
            return Renewed::Live(session);
        };
        let live = |session: Option<Arc<Session>>| session.map_or(Renewed::Gone, Renewed::Live);
        match self.ask_anew(occasion, &session).await {
            Ok(identity) => live(self.replace(occasion, &session, identity)),
            Err(Failure::Unasked(Interrupted { fault, refresh })) => {
                tracing::warn!(provider = ?session.identity.provider, ?fault, request.id = %occasion.request, "a session could not be renewed, and goes on");
                live(self.leave(occasion, &session, renewal, refresh))
            }
            Err(Failure::Unsettled(refresh)) => {
                live(self.leave(occasion, &session, renewal, refresh))
            }
            Err(Failure::Over(reason)) => {
                if !self.parts.sessions.end(&session.id, End::SignOut) {
                    return Renewed::Gone;
                }
                self.tell_end(occasion, &session, &reason);
                Renewed::Ended
            }
        }
    }

    /// Leaves the session as it is, to be renewed another time.
    fn leave(
        &self,
        occasion: &Occasion,
        session: &Session,
        renewal: &Renewal,
        refresh: Option<Refresh>,
    ) -> Option<Arc<Session>> {
        let Some(refresh) = refresh else {
            renewal.put_off(occasion.now);
            return self.parts.sessions.live(&session.id);
        };
        // The old refresh token has been used: asking with it again would end the grant.
        let due_at = occasion.now.plus(AFTER_INTERRUPTION);
        let refresh = Some(Refresh { due_at, ..refresh });
        self.replace(occasion, session, Identity { refresh, ..session.identity.clone() })
    }

    fn replace(
        &self,
        occasion: &Occasion,
        session: &Session,
        identity: Identity,
    ) -> Option<Arc<Session>> {
        let site = occasion.config.site(&session.identity.site);
        let settings = finish::lifetimes(&occasion.config.sessions, site.map(AsRef::as_ref));
        self.parts.sessions.renew(session, identity, &settings)
    }

    async fn ask_anew(&self, occasion: &Occasion, session: &Session) -> Result<Identity, Failure> {
        let (config, before) = (&occasion.config, &session.identity);
        let site = config.site(&before.site);
        let place = site.and_then(|s| Some((s, place::provider(config, s, &before.provider)?)));
        let Some((site, provider)) = place else { return Ok(unrenewable(before)) };
        let (Some(connection), Some(signed_in)) = (endpoint::connection(provider), known(before))
        else {
            return Ok(unrenewable(before));
        };
        let peer = Peer { provider, connection };
        let person = self.relying_party.renew(peer, signed_in, occasion.now).await;
        let person = person.map_err(|interrupted| {
            if interrupted.fault.ends_session() {
                Failure::Over(interrupted.fault.reason())
            } else {
                Failure::Unasked(interrupted)
            }
        })?;
        let asked = start::inner(provider, None);
        if asked.is_some() && asked != person.inner.as_deref() {
            return Err(Failure::Over(Reason::OtherProvider));
        }
        let now = occasion.now;
        let identified = Self::identify(config, site, provider, person, now);
        let identified = identified.map_err(Failure::Over)?;
        let refresh = identified.identity.refresh.clone();
        let venue = Venue { config, site, provider, now };
        match venue.renew(&self.parts.accounts, identified, before).await {
            Ok(renewed) => Ok(Identity { remembered: before.remembered, ..renewed }),
            Err(Reason::StoreDown) => Err(Failure::Unsettled(refresh)),
            Err(reason) => Err(Failure::Over(reason)),
        }
    }

    fn tell_end(&self, occasion: &Occasion, session: &Session, reason: &Reason) {
        let identity = &session.identity;
        self.count_logout(&identity.site, "renewal");
        let entry = Entry {
            event: Event::SignOut,
            site: &identity.site,
            provider: Some(&identity.provider),
            user: Some(&identity.user.name),
            whom: None,
            reason: Some(reason.label()),
            client: occasion.client,
            request: &occasion.request,
        };
        entry.write();
    }
}

/// What the provider is asked with.
fn known(identity: &Identity) -> Option<SignedIn<'_>> {
    Some(SignedIn {
        refresh_token: &identity.refresh.as_ref()?.token,
        id_token: identity.id_token.as_ref()?,
        authenticated_at: identity.authenticated_at,
        time_assumed: identity.time_assumed,
    })
}

/// Nobody is left to be asked: whether the session counts anywhere is for the gate to say.
fn unrenewable(identity: &Identity) -> Identity {
    Identity { refresh: None, ..identity.clone() }
}
