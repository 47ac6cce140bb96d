//! Whether the session that opened something long still counts: tunnels and answers that stream.

use std::sync::Arc;
use std::time::Duration;

use crate::gate;
use crate::http::CanonicalPath;
use crate::proxy::gateway::Current;
use crate::proxy::story::Story;
use crate::session::SessionId;

/// How often a session is looked at.
pub const LOOK: Duration = Duration::from_millis(500);

/// A session in use, and where.
#[derive(Debug)]
pub struct Watch {
    current: Arc<Current>,
    site: Arc<str>,
    path: CanonicalPath,
    session: SessionId,
}

impl Watch {
    /// Watches the session of `story`, if it has one.
    pub fn of(story: &Story<'_>) -> Option<Self> {
        let session = story.session.as_ref()?.id;
        Some(Self {
            current: Arc::clone(&story.worker.current),
            site: Arc::clone(&story.site.name),
            path: story.target.path.clone(),
            session,
        })
    }

    /// Whether the session is live and still counts on its site, under the configuration of this
    /// moment.
    pub fn session_counts(&self) -> bool {
        let gateway = self.current.load();
        let Some(session) = gateway.house.sessions.live(&self.session) else { return false };
        let site = gateway.config.site(&self.site);
        site.is_some_and(|s| gate::sessions::counts(&gateway.config, s, &self.path, &session))
    }
}
