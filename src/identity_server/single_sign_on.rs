//! What stands behind the sessions of our own sites: the identity server's session that they came
//! from. Whoever ends the one by command ends the other too, or the browser is signed in again
//! unasked.

use std::collections::HashSet;
use std::sync::Arc;

use crate::config::Config;
use crate::identity_server::IdentityServer;
use crate::session::Session;

impl IdentityServer {
    /// `sessions`, and the sessions of this identity server that they came from.
    pub fn with_single_sign_on(
        &self,
        config: &Config,
        mut sessions: Vec<Arc<Session>>,
    ) -> Vec<Arc<Session>> {
        let behind = sessions.iter().filter_map(|session| single_sign_on_of(config, session));
        let behind: HashSet<String> = behind.map(str::to_owned).collect();
        if behind.is_empty() {
            return sessions;
        }
        let known: HashSet<_> = sessions.iter().map(|session| session.id).collect();
        self.parts.sessions.each(|session| {
            if behind.contains(&session.public_id) && !known.contains(&session.id) {
                sessions.push(Arc::clone(session));
            }
        });
        sessions
    }
}

/// The public name of the session of our own identity server that `session` came from.
pub fn single_sign_on_of<'s>(config: &Config, session: &'s Session) -> Option<&'s str> {
    let issuer = config.identity_server.issuer.as_deref()?;
    let identity = &session.identity;
    let ours = identity.issuer.as_deref() == Some(issuer);
    identity.provider_session.as_deref().filter(|_| ours)
}
