//! Back-channel logout (OpenID Connect Back-Channel Logout 1.0): a provider tells us, from server to
//! server, whom it has signed out. No cookie takes part, and every host of the room answers.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use http::StatusCode;
use serde_json::json;

use crate::config::model::Config;
use crate::config::model::OpenIdConnect;
use crate::config::model::Provider;
use crate::config::model::Site;
use crate::error::Problem;
use crate::http::Response;
use crate::http::response;
use crate::login::Channel;
use crate::login::Ended;
use crate::login::Login;
use crate::login::Outcome;
use crate::login::endpoint;
use crate::login::oidc;
use crate::login::oidc::Fault;
use crate::login::oidc::LogoutToken;
use crate::login::oidc::Peer;
use crate::login::place;
use crate::observe::audit::Entry;
use crate::observe::audit::Event;
use crate::session::End;
use crate::session::Named;
use crate::session::Session;
use crate::session::Visit;
use crate::store::spent::Spending;

/// How long a token that was used is remembered: longer than `iat` may lie back.
const REMEMBERED: Duration = Duration::from_mins(30);

/// A provider that may sign people out here, and how it is reached.
#[derive(Clone, Copy)]
pub(super) struct Issuing<'a> {
    /// The provider.
    pub provider: &'a Arc<Provider>,
    /// Its connection.
    pub connection: &'a OpenIdConnect,
}

impl Login {
    /// `POST /identity/backchannel-logout`. What cannot be believed is 400 and ends nothing (§2.8).
    pub(super) async fn back_channel_logout(&self, visit: &Visit) -> Result<Outcome, Problem> {
        let token = match token(visit) {
            Ok(token) => token,
            Err(Problem::MethodNotAllowed { allow }) => {
                return Err(Problem::MethodNotAllowed { allow });
            }
            Err(_) => {
                return Ok(Outcome::Answer(refusal(
                    "the request is no form with one logout_token",
                )));
            }
        };
        let about = oidc::addressed(&token);
        let (issuer, audience) = about.unwrap_or_default();
        let ours = |known: &Issuing<'_>| audience.contains(&known.connection.client_id);
        let issuing: Vec<_> = issuing(&visit.config, &visit.site, &issuer).filter(ours).collect();
        let believed = self.believe(visit, &issuing, &token).await;
        match believed {
            Ok(token) => {
                let sessions = self.end_called(visit, &issuing, &token);
                Ok(Outcome::Ended(Ended { sessions, channel: Channel::Back }))
            }
            Err(Fault::Down(_)) => {
                Err(Problem::Unavailable("The provider's keys cannot be had at the moment.".into()))
            }
            Err(fault) => {
                tracing::warn!(issuer = ?short(&issuer), ?fault, request.id = %visit.exchange.id, "logout token refused");
                Ok(Outcome::Answer(refusal("the logout token is not valid")))
            }
        }
    }

    /// Verifies `token` for the first of these that can, and spends it.
    async fn believe(
        &self,
        visit: &Visit,
        issuing: &[Issuing<'_>],
        token: &str,
    ) -> Result<LogoutToken, Fault> {
        let now = visit.exchange.now;
        let mut last = Fault::Response("it is for no client of this host's");
        for Issuing { provider, connection } in issuing {
            let peer = Peer { provider, connection };
            match self.relying_party.logout_token(peer, token, now).await {
                Ok(believed) => {
                    // §2.6, step 8.
                    let spent = self.logout_tokens.spend(believed.id, now.plus(REMEMBERED), now);
                    return match spent {
                        Spending::First => Ok(believed),
                        Spending::Again | Spending::Full => {
                            Err(Fault::Response("it has been used before"))
                        }
                    };
                }
                Err(fault) => last = fault,
            }
        }
        Err(last)
    }

    /// Ends the sessions that the token is about: the one called `sid`, else all of the person's. A
    /// session whose ID token named no `sid` goes with its person.
    fn end_called(
        &self,
        visit: &Visit,
        issuing: &[Issuing<'_>],
        token: &LogoutToken,
    ) -> Vec<Arc<Session>> {
        let sessions = &self.parts.sessions;
        let same = |session: &Arc<Session>| {
            token.subject.as_ref().is_none_or(|subject| *subject == session.identity.subject)
        };
        let nameless = |session: &Arc<Session>| {
            token.sid.is_none() || session.identity.provider_session.is_none()
        };
        let mut called = Vec::new();
        for issuer in names_of(issuing) {
            if let Some(sid) = &token.sid {
                let found = sessions.called(&Named::Session { issuer, sid });
                called.extend(found.into_iter().filter(same));
            }
            if let Some(subject) = &token.subject {
                let theirs = sessions.called(&Named::Subject { issuer, subject });
                called.extend(theirs.into_iter().filter(nameless));
            }
        }
        called.retain(|session| came_from(&visit.config, &visit.site, issuing, session));
        self.end_by_provider(visit, called, "back_channel")
    }

    /// Ends `called` and tells the audit trail of each that was still there.
    pub(super) fn end_by_provider(
        &self,
        visit: &Visit,
        mut called: Vec<Arc<Session>>,
        kind: &str,
    ) -> Vec<Arc<Session>> {
        called.retain(|session| self.parts.sessions.end(&session.id, End::SignOut));
        for session in &called {
            let identity = &session.identity;
            self.count_logout(&identity.site, kind);
            let entry = Entry {
                event: Event::SignOut,
                site: &identity.site,
                provider: Some(&identity.provider),
                user: Some(&identity.user.name),
                whom: None,
                reason: Some(kind),
                client: visit.exchange.client,
                request: &visit.exchange.id,
            };
            entry.write();
        }
        called
    }
}

/// The providers of this room that are `issuer`, switched on and mapped somewhere (security entry 179).
pub(super) fn issuing<'c>(
    config: &'c Config,
    site: &Site,
    issuer: &str,
) -> impl Iterator<Item = Issuing<'c>> {
    let own = place::is_identity_server(site);
    let providers =
        if own { &config.identity_server.external_providers } else { &config.providers };
    let mapped = move |provider: &&Arc<Provider>| {
        let sites = config.sites.iter().filter(|site| place::is_identity_server(site) == own);
        sites.into_iter().any(|site| place::provider(config, site, &provider.name).is_some())
    };
    providers.iter().filter(mapped).filter_map(move |provider| {
        let connection = endpoint::connection(provider)?;
        connection.is_issuer(issuer).then_some(Issuing { provider, connection })
    })
}

/// The names that sessions know the issuer by, each once: for a tenant of many, the pattern that one
/// provider is configured with, beside the tenant's own, with which another may be.
pub(super) fn names_of<'i>(issuing: &[Issuing<'i>]) -> Vec<&'i str> {
    let mut names: Vec<&str> =
        issuing.iter().map(|known| known.connection.issuer.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Whether `session` is one of this room that one of these providers vouched for.
pub(super) fn came_from(
    config: &Config,
    site: &Site,
    issuing: &[Issuing<'_>],
    session: &Session,
) -> bool {
    let identity = &session.identity;
    let home = config.site(&identity.site);
    let same_room =
        home.is_some_and(|h| place::is_identity_server(h) == place::is_identity_server(site));
    same_room && issuing.iter().any(|known| known.provider.name == identity.provider)
}

fn token(visit: &Visit) -> Result<String, Problem> {
    let exchange = &visit.exchange;
    if exchange.method != Method::POST {
        return Err(Problem::MethodNotAllowed { allow: "POST" });
    }
    let form = exchange.form()?;
    let token = form.get("logout_token").filter(|token| !token.is_empty());
    token.map(str::to_owned).ok_or_else(|| Problem::BadRequest("logout_token is missing".into()))
}

/// §2.8: 400 and why; no answer of this endpoint may be kept.
fn refusal(description: &str) -> Response {
    let body = json!({ "error": "invalid_request", "error_description": description });
    response::json(StatusCode::BAD_REQUEST, &body)
}

/// Enough of somebody's words for a log.
fn short(text: &str) -> String {
    text.chars().take(200).collect()
}
