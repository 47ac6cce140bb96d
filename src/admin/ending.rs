//! Ending other people's sessions, so that they stay signed out: with a session of a site goes the one
//! of the identity server that it came from, which would sign its browser in again unasked.

use std::collections::HashSet;
use std::sync::Arc;

use crate::admin::Admin;
use crate::admin::Neighbours;
use crate::admin::frame::Frame;
use crate::config::model::Config;
use crate::config::model::Destination;
use crate::session::End;
use crate::session::Session;

impl Admin {
    /// Ends `sessions` and those that they came from, but never the administrator's own; how many
    /// have ended.
    pub(super) async fn end_sessions(
        &self,
        frame: &Frame<'_>,
        neighbours: Neighbours<'_>,
        sessions: &[Arc<Session>],
    ) -> usize {
        let config = &frame.visit.config;
        let own = frame.keeper.session;
        let spared = [Some(own.public_id.as_str()), source(config, own)];
        let behind: HashSet<&str> = sessions.iter().filter_map(|s| source(config, s)).collect();
        let mut ended = sessions.to_vec();
        if !behind.is_empty() {
            self.parts.sessions.each(|session| {
                if behind.contains(session.public_id.as_str()) {
                    ended.push(Arc::clone(session));
                }
            });
        }
        ended.retain(|session| {
            !spared.contains(&Some(session.public_id.as_str()))
                && self.parts.sessions.end(&session.id, End::Command)
        });
        for session in ended.iter().filter(|session| is_single_sign_on(config, session)) {
            // No page is shown that could hold a frame.
            neighbours.identity_server.ended(config, session, &[]).await;
        }
        ended.len()
    }
}

/// The public name of the session of our own identity server that a session came from.
fn source<'s>(config: &Config, session: &'s Session) -> Option<&'s str> {
    let issuer = config.identity_server.issuer.as_deref()?;
    let identity = &session.identity;
    let ours = identity.issuer.as_deref() == Some(issuer);
    identity.provider_session.as_deref().filter(|_| ours)
}

/// Whether a session is the identity server's own, with which its clients' grants end.
fn is_single_sign_on(config: &Config, session: &Session) -> bool {
    let home = config.site(&session.identity.site);
    home.is_some_and(|site| site.destination == Destination::IdentityServer)
}
