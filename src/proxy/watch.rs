//! Whether the session that opened something long still counts: tunnels and answers that stream.

use std::sync::Arc;
use std::time::Duration;

use crate::gate;
use crate::http::CanonicalPath;
use crate::proxy::gateway::Current;
use crate::proxy::story::Story;
use crate::session::Session;

/// How often a session is looked at.
pub const LOOK: Duration = Duration::from_millis(500);

/// A session in use, and where.
#[derive(Debug)]
pub struct Watch {
    current: Arc<Current>,
    site: Arc<str>,
    path: CanonicalPath,
    session: Arc<Session>,
}

impl Watch {
    /// Watches the session of `story`, if it has one.
    pub fn of(story: &Story<'_>) -> Option<Self> {
        Some(Self {
            current: Arc::clone(&story.worker.current),
            site: Arc::clone(&story.site.name),
            path: story.target.path.clone(),
            session: Arc::clone(story.session.as_ref()?),
        })
    }

    /// Whether the session is live and still counts on its site, under the configuration of this
    /// moment.
    pub fn session_counts(&self) -> bool {
        let gateway = self.current.load();
        let house = &gateway.house;
        let session = if self.session.of_token {
            Some(&self.session).filter(|s| !s.is_over(house.clock.now())).cloned()
        } else {
            house.sessions.live(&self.session.id)
        };
        let (Some(session), Some(site)) = (session, gateway.config.site(&self.site)) else {
            return false;
        };
        gate::sessions::counts(&gateway.config, site, &self.path, &session)
    }
}
