//! Telling clients of a sign-out from server to server (OpenID Connect Back-Channel Logout 1.0 §2.4,
//! §2.5): one notice a client, tried again where nobody answers, never in anybody's way.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::header;
use serde_json::Map;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::sync::mpsc;

use crate::clock::Timestamp;
use crate::config::Config;
use crate::config::model::identity_server::Client;
use crate::crypto::random;
use crate::http::client;
use crate::http::client::PlainHttp;
use crate::http::client::Trust;
use crate::identity_server::IdentityServer;
use crate::identity_server::client as clients;
use crate::identity_server::keys;
use crate::identity_server::mint::Mint;
use crate::identity_server::person;
use crate::observe::Metrics;
use crate::session::Session;

/// How long a logout token is good: longer than it is tried.
const LIFETIME: Duration = Duration::from_mins(5);
/// Before each attempt.
const PAUSES: [Duration; 4] =
    [Duration::ZERO, Duration::from_secs(2), Duration::from_secs(15), Duration::from_mins(1)];
/// How long a sign-out waits for the first attempts, so that most applications know of it before the
/// person is back at one of them.
const GRACE: Duration = Duration::from_secs(1);
/// Notices on their way at once.
const AT_ONCE: usize = 32;
/// Notices that wait or are on their way; what is over is not sent.
const MOST: usize = 10_000;

/// Carries notices. One per process.
#[derive(Debug)]
pub(super) struct Courier {
    client: client::Client,
    slots: Semaphore,
    under_way: AtomicUsize,
    metrics: Arc<Metrics>,
}

/// What one client is told.
#[derive(Debug)]
struct Notice {
    client: String,
    uri: String,
    token: String,
    trust: Trust,
}

/// How an attempt ends.
enum Attempt {
    Delivered,
    /// The client does not want it; asking again changes nothing.
    Refused(u16),
    /// Nobody answered, or not for good.
    Failed(String),
}

impl IdentityServer {
    /// Begins to tell every client with a back-channel address that was signed in to in `session`.
    pub(super) fn notify(&self, config: &Config, session: &Session, now: Timestamp) -> Notices {
        let (first_tries, all_tried) = mpsc::channel(1);
        for id in session.clients() {
            let Some(client) = clients::find(&config.identity_server, &id) else { continue };
            if let Some(notice) = self.notice(config, client, session, now) {
                Arc::clone(&self.courier).send(notice, first_tries.clone());
            }
        }
        Notices(all_tried)
    }

    fn notice(
        &self,
        config: &Config,
        client: &Client,
        session: &Session,
        now: Timestamp,
    ) -> Option<Notice> {
        let uri = client.back_channel_logout_uri.clone()?;
        let settings = &config.identity_server;
        let issuer = settings.issuer.as_deref()?;
        let mut claims = Map::new();
        for (name, value) in [
            ("iss", json!(issuer)),
            ("sub", json!(person::subject_of(session))),
            ("aud", json!(client.id)),
            ("iat", json!(now.0)),
            ("exp", json!(now.plus(LIFETIME).0)),
            ("jti", json!(random::identifier())),
            ("events", json!({ "http://schemas.openid.net/event/backchannel-logout": {} })),
        ] {
            claims.insert(name.to_owned(), value);
        }
        if client.back_channel_session_required {
            claims.insert("sid".to_owned(), json!(session.public_id));
        }
        let mint = Mint { keys: &self.keys, issuer, settings, client, now };
        let token = self.keys.signer(mint.algorithm())?.sign(keys::LOGOUT_TOKEN, &claims)?;
        let trust = Trust {
            certificate_authority: settings.clients_authority.clone(),
            // The address stands in the owner's own file.
            plain_http: PlainHttp::Anywhere,
        };
        Some(Notice { client: client.id.clone(), uri, token, trust })
    }
}

/// Notices on their way. Nothing is ever sent through the channel: it closes when the last of them
/// has been tried once.
#[derive(Debug)]
pub(super) struct Notices(mpsc::Receiver<()>);

impl Notices {
    /// Waits a moment for the clients that are quick.
    pub(super) async fn a_moment(mut self) {
        let _too_slow = tokio::time::timeout(GRACE, self.0.recv()).await;
    }
}

impl Courier {
    /// Nothing under way.
    pub(super) fn new(metrics: Arc<Metrics>) -> Arc<Self> {
        Arc::new(Self {
            client: client::Client::new(),
            slots: Semaphore::new(AT_ONCE),
            under_way: AtomicUsize::new(0),
            metrics,
        })
    }

    /// Sends `notice` beside everything else; `tried` is dropped when it has been tried once.
    fn send(self: Arc<Self>, notice: Notice, tried: mpsc::Sender<()>) {
        if self.under_way.fetch_add(1, Ordering::AcqRel) >= MOST {
            self.under_way.fetch_sub(1, Ordering::AcqRel);
            self.count("dropped");
            return;
        }
        tokio::spawn(async move {
            self.deliver(&notice, tried).await;
            self.under_way.fetch_sub(1, Ordering::AcqRel);
        });
    }

    async fn deliver(&self, notice: &Notice, tried: mpsc::Sender<()>) {
        let mut tried = Some(tried);
        for pause in PAUSES {
            tokio::time::sleep(pause).await;
            let attempt = self.attempt(notice).await;
            drop(tried.take());
            match attempt {
                Attempt::Delivered => return self.count("delivered"),
                Attempt::Refused(status) => {
                    tracing::warn!(client = ?notice.client, status, "a client refuses a logout token");
                    return self.count("refused");
                }
                Attempt::Failed(fault) => {
                    tracing::debug!(client = ?notice.client, ?fault, "a client cannot be told of a sign-out yet");
                }
            }
        }
        tracing::warn!(client = ?notice.client, "a client could not be told of a sign-out");
        self.count("failed");
    }

    async fn attempt(&self, notice: &Notice) -> Attempt {
        let Ok(_slot) = self.slots.acquire().await else {
            return Attempt::Failed("closed".to_owned());
        };
        // A compact JWS needs no escaping in a form.
        let body = format!("logout_token={}", notice.token);
        let request = http::Request::post(&notice.uri)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body.into_bytes());
        let Ok(request) = request else { return Attempt::Failed("its address is none".to_owned()) };
        match self.client.send(request, &notice.trust).await {
            Ok(answer) if answer.status().is_success() => Attempt::Delivered,
            Ok(answer) => match answer.status().as_u16() {
                status @ (408 | 429 | 500..) => Attempt::Failed(format!("status {status}")),
                status => Attempt::Refused(status),
            },
            Err(error) => Attempt::Failed(format!("{error:?}")),
        }
    }

    fn count(&self, outcome: &str) {
        self.metrics.logout_notices.with_label_values(&[outcome]).inc();
    }
}
