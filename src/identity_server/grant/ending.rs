//! The end of what was granted in a session: together with it, or a little later where the store
//! cannot be reached just then.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::config::Config;
use crate::config::model::identity_server::IdentityServerSettings;
use crate::identity_server::IdentityServer;
use crate::identity_server::client;
use crate::session::Session;
use crate::store::StoreError;
use crate::store::grants::Grants;
use crate::store::grants::Kind;

/// Before each further attempt.
const PAUSES: [Duration; 5] = [
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_mins(2),
    Duration::from_mins(10),
];

/// Sessions whose grants wait for the store at a time.
pub(in crate::identity_server) const MOST_WAITING: usize = 10_000;

impl IdentityServer {
    /// Ends what was granted in `session`, but to clients whose file says that their tokens outlive
    /// it (`CoordinateLifetimeWithUserSession`, END-14).
    pub(in crate::identity_server) async fn end_grants(
        &self,
        settings: &IdentityServerSettings,
        session: &Session,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        end_in(&self.parts.grants, settings, session, now).await
    }

    /// The same for a session that has ended, which nobody could come back to end once more: where
    /// the store fails it is tried again beside everything else, while this process runs.
    pub(in crate::identity_server) async fn end_grants_at_last(
        &self,
        config: &Arc<Config>,
        session: &Arc<Session>,
    ) {
        let now = self.parts.clock.now();
        let Err(fault) = self.end_grants(&config.identity_server, session, now).await else {
            return;
        };
        let Ok(waiting) = Arc::clone(&self.waiting_ends).try_acquire_owned() else {
            tracing::error!(
                ?fault,
                "what was granted in a session does not end with it: too many wait for the store"
            );
            return;
        };
        tracing::warn!(?fault, "what was granted in a session has yet to end with it");
        let (grants, clock) = (Arc::clone(&self.parts.grants), self.parts.clock.clone());
        let (config, session) = (Arc::clone(config), Arc::clone(session));
        tokio::spawn(async move {
            let _waiting = waiting;
            for pause in PAUSES {
                tokio::time::sleep(pause).await;
                if end_in(&grants, &config.identity_server, &session, clock.now()).await.is_ok() {
                    return;
                }
            }
            tracing::error!("what was granted in a session could not be ended with it");
        });
    }
}

async fn end_in(
    grants: &Grants,
    settings: &IdentityServerSettings,
    session: &Session,
    now: Timestamp,
) -> Result<(), StoreError> {
    for (key, record) in grants.of_session(Kind::Grant, &session.public_id, now).await? {
        if !outlives_session(settings, &record.client) {
            grants.drop_key(Kind::Grant, key).await?;
        }
    }
    Ok(())
}

fn outlives_session(settings: &IdentityServerSettings, client: &str) -> bool {
    client::find(settings, client).is_some_and(|client| !client.coordinate_with_session)
}
