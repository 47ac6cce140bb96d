//! Front-channel logout (OpenID Connect Front-Channel Logout 1.0): a provider's page frames ours to
//! tell of a sign-out. A frame from elsewhere brings no `Lax` cookie, so it is `iss` and `sid` alone
//! that say which session ends.

use std::sync::Arc;

use url::Url;

use crate::error::Problem;
use crate::login::Channel;
use crate::login::Ended;
use crate::login::Login;
use crate::login::Outcome;
use crate::login::back_channel::Issuing;
use crate::login::back_channel::came_from;
use crate::login::back_channel::issuing;
use crate::login::back_channel::names_of;
use crate::login::oidc::Peer;
use crate::session::Named;
use crate::session::Session;
use crate::session::Visit;

impl Login {
    /// `GET /identity/frontchannel-logout`, `/signout-oidc`. Both parameters must be there (§2).
    pub(super) async fn front_channel_logout(&self, visit: &Visit) -> Result<Outcome, Problem> {
        let query = visit.exchange.query()?;
        let value = |name: &str| query.get(name).filter(|value| !value.is_empty());
        let (Some(issuer), Some(sid)) = (value("iss"), value("sid")) else {
            return Err(Problem::BadRequest("iss and sid must both be there".into()));
        };
        let issuing: Vec<_> = issuing(&visit.config, &visit.site, issuer).collect();
        let mut called: Vec<Arc<Session>> = Vec::new();
        for issuer in names_of(&issuing) {
            called.extend(self.parts.sessions.called(&Named::Session { issuer, sid }));
        }
        called.retain(|session| came_from(&visit.config, &visit.site, &issuing, session));
        let sessions = self.end_by_provider(visit, called, "front_channel");
        let framed_by = self.framing_origins(visit, issuing.first()).await;
        Ok(Outcome::Ended(Ended { sessions, channel: Channel::Front { framed_by } }))
    }

    /// The origins of a provider's own pages: they alone may frame the answer.
    async fn framing_origins(&self, visit: &Visit, known: Option<&Issuing<'_>>) -> Vec<String> {
        let Some(Issuing { provider, connection }) = known else { return Vec::new() };
        let mut pages = vec![Url::parse(&connection.issuer).ok()];
        let peer = Peer { provider, connection };
        if let Ok(metadata) = self.relying_party.metadata(peer, visit.exchange.now).await {
            pages.push(Some(metadata.authorization_endpoint.url().clone()));
            pages.push(metadata.end_session_endpoint);
        }
        let pages = pages.into_iter().flatten().map(|page| page.origin().ascii_serialization());
        let mut origins: Vec<String> = pages.collect();
        origins.dedup();
        origins
    }
}
