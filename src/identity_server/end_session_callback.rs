//! `/connect/endsession/callback`: the frames that tell clients of a sign-out in the person's browser
//! (OpenID Connect Front-Channel Logout 1.0 §2).

use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;
use url::Url;

use crate::clock::Timestamp;
use crate::config::Config;
use crate::config::model::identity_server::Client;
use crate::error::Problem;
use crate::http::Response;
use crate::identity_server::IdentityServer;
use crate::identity_server::client;
use crate::identity_server::issuer_of;
use crate::pages;
use crate::pages::Frames;
use crate::pages::Look;
use crate::session::Session;
use crate::session::Visit;

/// Whom the frames tell of what; sealed while it goes through the browser.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct FrontChannel {
    /// The session that has ended.
    sid: String,
    /// Clients by their id.
    clients: Vec<String>,
    /// Origins of the provider's pages that may frame the frames.
    framed_by: Vec<String>,
    /// Worthless from then on, in seconds since 1970.
    ends_at: i64,
}

/// What it is sealed for.
const PURPOSE: &str = "identity-front-channel";
/// How long the frames may be asked for.
const LIFETIME: Duration = Duration::from_mins(10);
/// Most clients that are told by frames: a browser that loads more is lost anyway.
const MOST: usize = 50;

impl FrontChannel {
    /// The clients with front-channel addresses that were signed in to in `session`; `None` when
    /// there is none.
    pub(super) fn of(
        config: &Config,
        session: &Session,
        framed_by: &[String],
        now: Timestamp,
    ) -> Option<Self> {
        let told = |id: &String| {
            let client = client::find(&config.identity_server, id);
            client.is_some_and(|client| !client.front_channel_logout_uris.is_empty())
        };
        let clients: Vec<_> = session.clients().into_iter().filter(told).take(MOST).collect();
        let ends_at = now.plus(LIFETIME).0;
        let framed_by = framed_by.to_vec();
        (!clients.is_empty()).then(|| Self {
            sid: session.public_id.clone(),
            clients,
            framed_by,
            ends_at,
        })
    }
}

impl IdentityServer {
    /// Shows the frames, or 400 for an id that is not ours or too old.
    pub(super) fn end_session_callback(&self, visit: &Visit) -> Result<Response, Problem> {
        let issuer = issuer_of(visit)?;
        let query = visit.exchange.query()?;
        let told = self.open_front_channel(query.get("endSessionId").unwrap_or_default());
        let told = told.filter(|told| visit.exchange.now.0 < told.ends_at);
        let told =
            told.ok_or_else(|| Problem::BadRequest("endSessionId is unknown or too old".into()))?;
        let settings = &visit.config.identity_server;
        let clients = told.clients.iter().filter_map(|id| client::find(settings, id));
        let frames: Vec<String> =
            clients.flat_map(|client| addresses(client, issuer, &told.sid)).collect();
        let look = &Look::of(&visit.config, &visit.site, &visit.exchange);
        Ok(pages::frames(&Frames { look, frames: &frames, framed_by: &told.framed_by }))
    }

    /// The address of the frames, for a frame.
    pub(super) fn front_channel_frame(
        &self,
        config: &Config,
        told: &FrontChannel,
    ) -> Option<String> {
        let issuer = config.identity_server.issuer.as_deref()?;
        let sealed = self.parts.seal.seal(PURPOSE, &serde_json::to_vec(told).ok()?)?;
        Some(format!("{issuer}/connect/endsession/callback?endSessionId={sealed}"))
    }

    fn open_front_channel(&self, sealed: &str) -> Option<FrontChannel> {
        serde_json::from_slice(&self.parts.seal.open_sealed(PURPOSE, sealed)?).ok()
    }
}

/// Each address of `client`, with `iss` and `sid` where it wants them.
fn addresses(client: &Client, issuer: &str, sid: &str) -> Vec<String> {
    let uris = client.front_channel_logout_uris.iter();
    let complete = |uri: &String| {
        let mut url = Url::parse(uri).ok()?;
        if client.front_channel_session_required {
            url.query_pairs_mut().append_pair("iss", issuer).append_pair("sid", sid);
        }
        Some(url.into())
    };
    uris.filter_map(complete).collect()
}
