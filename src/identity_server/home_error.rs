//! `/home/error?errorId=`: says what is wrong with a request that its client cannot be told about.

use crate::error::Problem;
use crate::http::RequestId;
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
        let look = Look::of(&visit.config, &visit.site, &visit.exchange);
        let request = RequestId::accept(&message.request);
        Ok(pages::refused(&pages::Refused {
            look: &look.speaking(message.ui_locales.as_deref()),
            client: message.client.as_deref(),
            error: &message.error,
            description: &message.description,
            request: request.as_ref().unwrap_or(&visit.exchange.id),
        }))
    }
}
