//! What the store would make of an identity that signs in, with nothing written.

use crate::admin::Admin;
use crate::admin::access::remarks;
use crate::config::model::Provider;
use crate::config::model::Site;
use crate::error::Problem;
use crate::session::Identity;
use crate::session::Visit;
use crate::store::accounts::Account;
use crate::users::persistent::Failure;
use crate::users::persistent::Foreseen;
use crate::users::persistent::Persistent;
use crate::users::persistent::Proved;

/// What the store would make of an identity.
pub(super) enum Settled {
    /// It is let in: with the account that it would have then, and what would become of that.
    In(Option<Box<Account>>, Option<String>),
    /// It is not.
    Out(String),
}

impl Admin {
    /// What the store would make of an identity, with nothing written.
    pub(super) async fn settle(
        &self,
        visit: &Visit,
        (site, provider): (&Site, &Provider),
        identity: &mut Identity,
        address: Option<&str>,
    ) -> Result<Settled, Problem> {
        let proved = Proved {
            config: &visit.config,
            site,
            provider,
            subject: &identity.subject,
            claims: &identity.claims,
            user: &identity.user,
            given_roles: &identity.given_roles,
            address,
            now: visit.exchange.now,
        };
        let persistent = Persistent(&self.parts.accounts);
        let foreseen = if site.providers.persistent {
            persistent.foresee(&proved).await.map(Some)
        } else {
            persistent.admit(&proved).await.map(|()| None)
        };
        match foreseen {
            Ok(None) => Ok(Settled::In(None, None)),
            Ok(Some(Foreseen { user, account, way })) => {
                let remark = remarks::remark_on_way(&account.name, way);
                (identity.user, identity.persistent) = (user, true);
                Ok(Settled::In(Some(Box::new(account)), Some(remark)))
            }
            Err(Failure::Refused(refusal)) => {
                Ok(Settled::Out(format!("Nobody is let in: {refusal}.")))
            }
            Err(Failure::NoUser(refusal)) => Ok(Settled::Out(format!("No user: {refusal}."))),
            Err(Failure::Store(error)) => Err(error.into()),
        }
    }
}
