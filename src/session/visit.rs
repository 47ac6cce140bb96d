//! A request that one of our own rooms answers, with all that has been found out about it.

use std::sync::Arc;

use crate::config::model::Config;
use crate::config::model::Site;
use crate::http::Exchange;
use crate::observe::audit::Entry;
use crate::observe::audit::Event;
use crate::session::Session;

/// One request to login, the identity server or the admin pages. Owned, so that it can be handed to
/// the control runtime.
#[derive(Clone, Debug)]
pub struct Visit {
    /// The configuration that this request sees from start to end.
    pub config: Arc<Config>,
    /// The site it is for.
    pub site: Arc<Site>,
    /// The request.
    pub exchange: Exchange,
    /// Who it is: a live session whose provider is mapped to the site.
    pub session: Option<Arc<Session>>,
}

impl Visit {
    /// An entry of the audit trail about this request, without a person or a reason so far.
    pub fn entry(&self, event: Event) -> Entry<'_> {
        Entry {
            event,
            site: &self.site.name,
            provider: None,
            user: None,
            whom: None,
            reason: None,
            client: self.exchange.client,
            request: &self.exchange.id,
        }
    }
}
