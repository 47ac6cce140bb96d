//! Whether somebody whom our own identity server vouches for is kept here as a user who is disabled:
//! nobody whom the sites refuse gets its tokens (security.md L271).

use crate::config::model::Config;
use crate::store::StoreError;
use crate::users::local::LocalUsers;
use crate::users::name;
use crate::users::persistent::Failure;
use crate::users::persistent::Persistent;
use crate::users::persistent::Refusal;

impl Persistent<'_> {
    /// Lets in at the identity server itself whom it calls `subject`, unless the user that it is known
    /// to be at the sites is disabled.
    ///
    /// # Errors
    ///
    /// [`Refusal::Disabled`], and when the store cannot be reached.
    pub async fn admit_subject(self, config: &Config, subject: &str) -> Result<(), Failure> {
        if self.is_subject_disabled(config, subject).await? {
            return Err(Refusal::Disabled.into());
        }
        Ok(())
    }

    async fn is_subject_disabled(self, config: &Config, subject: &str) -> Result<bool, StoreError> {
        let issuer = config.identity_server.issuer.as_deref();
        let own = config.providers.iter().filter(|p| issuer.is_some() && p.issuer() == issuer);
        let mut keys: Vec<&str> = own.map(|provider| name::key(provider)).collect();
        keys.sort_unstable();
        keys.dedup();
        for key in keys {
            let account = self.0.of_login(key, subject).await?;
            if account.is_some_and(|account| account.disabled) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl LocalUsers {
    /// Whether the user that somebody is known to be at the sites, whom our own identity server calls
    /// `subject`, is disabled.
    ///
    /// # Errors
    ///
    /// When the store cannot be reached.
    pub async fn is_subject_disabled(
        &self,
        config: &Config,
        subject: &str,
    ) -> Result<bool, StoreError> {
        Persistent(&self.accounts).is_subject_disabled(config, subject).await
    }
}
