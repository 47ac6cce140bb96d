//! A request whose site is known: what every later step of its way asks about.

use std::sync::Arc;

use crate::clock::Timestamp;
use crate::config::model::Site;
use crate::gate::forwarding::Caller;
use crate::http::Connection;
use crate::http::RequestId;
use crate::http::Target;
use crate::observe::funnel::Stage;
use crate::observe::funnel::Way;
use crate::proxy::Worker;
use crate::proxy::gateway::Gateway;
use crate::session::Session;

/// One request on its way.
#[derive(Clone, Debug)]
pub struct Story<'a> {
    /// The worker that serves it.
    pub worker: &'a Worker,
    /// The configuration it sees from start to end.
    pub gateway: &'a Arc<Gateway>,
    /// The connection it came in on.
    pub connection: &'a Arc<Connection>,
    /// Its id.
    pub id: &'a RequestId,
    /// Where it goes.
    pub target: &'a Target,
    /// Its site.
    pub site: &'a Arc<Site>,
    /// Who sent it.
    pub caller: Caller,
    /// When it came in.
    pub now: Timestamp,
    /// Who it is, once that is known.
    pub session: Option<Arc<Session>>,
}

impl Story<'_> {
    /// Notes that the request is answered with more than a problem: the first one that is ends its
    /// session's sign-in.
    pub fn served(&self) {
        let arriving = self.session.as_ref().filter(|session| session.arrives());
        if let Some(session) = arriving {
            let identity = &session.identity;
            let way = Way { site: &identity.site, provider: &identity.provider };
            self.gateway.house.metrics.reached(way, Stage::FirstPage, self.now);
        }
    }
}
