//! A request that one of our own rooms answers, with all that has been found out about it.

use std::sync::Arc;

use crate::config::model::Config;
use crate::config::model::Site;
use crate::http::Exchange;
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
