//! `/account/forgot`: a person asks for a link by which to choose a new password. Every name is
//! answered alike and at once; the configured command sends the link, if there is somebody to send it
//! to.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use serde_json::json;

use crate::error::Problem;
use crate::http::Response;
use crate::identity_server::IdentityServer;
use crate::identity_server::issuer_of;
use crate::identity_server::password_page::show;
use crate::identity_server::reset_command;
use crate::pages::PasswordState;
use crate::session::Visit;
use crate::store::StoreError;
use crate::store::accounts::Account;
use crate::store::accounts::folded;
use crate::store::grants::Grants;
use crate::users::local;
use crate::users::local::LocalUsers;
use crate::users::reset;
use crate::users::throttle::Rate;

/// Requests of one network: a few people who have forgotten theirs.
const PER_NETWORK: Rate = Rate { burst: 10, interval: Duration::from_mins(1) };

/// Links for one account: nobody's mailbox is filled.
const PER_ACCOUNT: Rate = Rate { burst: 3, interval: Duration::from_mins(20) };

/// Characters of a name, at most.
const LONGEST: usize = 255;

/// Links that are being sent at a time; more are not sent.
pub(super) const MOST_SENDING: usize = 16;

impl IdentityServer {
    /// GET shows the form; POST has a link sent.
    pub(super) fn forgot_page(&self, visit: &Visit) -> Result<Response, Problem> {
        if !visit.config.offers_password_reset() {
            return Err(Problem::NotFound("Nobody sends links for new passwords here.".into()));
        }
        let (exchange, issuer) = (&visit.exchange, issuer_of(visit)?);
        let address = format!("{}/account/forgot", visit.site.virtual_folder);
        if exchange.method != Method::POST {
            return Ok(show(visit, PasswordState::Forgot, (None, &address, &[])));
        }
        if exchange.is_foreign() {
            return Err(Problem::BadRequest("this form is not from our page".into()));
        }
        let network = local::network(exchange.client);
        let taken = self.reset_requests.take(network, PER_NETWORK, exchange.now);
        taken.map_err(|wait| Problem::TooManyRequests {
            retry_after: u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).max(1),
        })?;
        let form = exchange.form()?;
        let name = form.get("username").unwrap_or_default();
        let name = local::full_name(&visit.config.identity_server.account_prefix, name);
        let first = self.reset_requests.take(&name, PER_ACCOUNT, exchange.now).is_ok();
        if first && name.len() <= LONGEST {
            self.send_link(visit, issuer, name);
        }
        Ok(show(visit, PasswordState::Sent, (None, &address, &[])))
    }

    /// Nobody waits for it: how long it takes would tell whether there is such an account.
    fn send_link(&self, visit: &Visit, issuer: &str, name: String) {
        let Ok(turn) = Arc::clone(&self.sending).try_acquire_owned() else {
            tracing::warn!("a link for a new password is not sent: too many are being sent");
            return;
        };
        let letter = Letter {
            users: Arc::clone(&self.parts.local_users),
            grants: Arc::clone(&self.parts.grants),
            command: visit.config.reset_command.clone(),
            issuer: issuer.to_owned(),
            name,
            configured: visit.config.local_users.iter().map(|user| folded(&user.name)).collect(),
            now: visit.exchange.now,
        };
        tokio::spawn(async move {
            if let Err(error) = letter.send().await {
                tracing::error!(error = ?error, "a link for a new password is not sent");
            }
            drop(turn);
        });
    }
}

/// A link that is to be sent.
struct Letter {
    users: Arc<LocalUsers>,
    grants: Arc<Grants>,
    command: Vec<String>,
    issuer: String,
    name: String,
    configured: Vec<String>,
    now: crate::clock::Timestamp,
}

/// Why a link was not sent.
#[derive(Debug, thiserror::Error)]
enum NotSent {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Command(#[from] std::io::Error),
}

impl Letter {
    async fn send(self) -> Result<(), NotSent> {
        let Some(account) = self.addressee().await? else { return Ok(()) };
        let code = reset::issue(&self.grants, &account, self.now).await?;
        let letter = json!({
            "name": account.name,
            "email": account.email(),
            "fullName": account.property("FullName"),
            "link": reset::link(&self.issuer, &code),
        });
        Ok(reset_command::run(&self.command, &format!("{letter}\n")).await?)
    }

    /// A user whose password is kept in the store, and who can be written to.
    async fn addressee(&self) -> Result<Option<Account>, StoreError> {
        if self.configured.contains(&self.name) {
            return Ok(None);
        }
        let account = self.users.accounts().find(&self.name).await?;
        Ok(account.filter(|account| {
            account.password_hash.is_some() && account.email().is_some() && !account.disabled
        }))
    }
}
