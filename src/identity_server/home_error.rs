//! `/home/error?errorId=`: says what is wrong with a request that its client cannot be told about.

use http::StatusCode;

use crate::error::Problem;
use crate::http::Response;
use crate::identity_server::IdentityServer;
use crate::identity_server::reply::MESSAGE;
use crate::identity_server::reply::Message;
use crate::pages;
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
        let client = message.client.unwrap_or_else(|| "The application".to_owned());
        let problem = Problem::SignInFailed {
            status: StatusCode::OK,
            reason: "request_refused",
            detail: format!(
                "{client} sent you here with a request that cannot be answered: {} ({}). Tell the people who run it.",
                message.description, message.error
            ),
            retry: None,
        };
        Ok(pages::problem(&problem, true, &visit.exchange.id))
    }
}
