//! `/home/error?errorId=`: says what is wrong with a request that its client cannot be told about.

use crate::error::Problem;
use crate::http::Response;
use crate::identity_server::IdentityServer;
use crate::identity_server::reply::MESSAGE;
use crate::identity_server::reply::Message;
use crate::pages;
use crate::pages::Look;
use crate::session::Visit;

impl IdentityServer {
    /// Shows a sealed message of ours; anything else is no message.
    pub(super) fn home_error(&self, visit: &Visit) -> Result<Response, Problem> {
        let query = visit.exchange.query()?;
        let message: Message = query
            .get("errorId")
            .and_then(|sealed| self.parts.seal.open_sealed(MESSAGE, sealed))
            .and_then(|text| serde_json::from_slice(&text).ok())
            .ok_or_else(|| Problem::BadRequest("there is no such error message".into()))?;
        Ok(pages::refused(&pages::Refused {
            look: &Look::of(&visit.config, &visit.site, &visit.exchange),
            client: message.client.as_deref(),
            error: &message.error,
            description: &message.description,
            request: &visit.exchange.id,
        }))
    }
}
