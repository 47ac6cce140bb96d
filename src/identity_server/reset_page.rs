//! `/account/reset?code=`: a new password for whoever has the link. Opening it uses nothing up, so
//! that a scanner of mail does no harm; choosing a password does.

use http::Method;

use crate::crypto::secret::Secret;
use crate::error::Problem;
use crate::http::Response;
use crate::identity_server::IdentityServer;
use crate::identity_server::password_page::fault_of;
use crate::identity_server::password_page::show;
use crate::identity_server::password_page::write_audit;
use crate::pages::PasswordFault;
use crate::pages::PasswordState;
use crate::session::Visit;
use crate::store::accounts::Account;
use crate::store::accounts::NotBefore;
use crate::users::password_change;
use crate::users::password_change::NotChanged;
use crate::users::reset;

/// Characters of a code, at most.
const LONGEST: usize = 100;

impl IdentityServer {
    /// GET shows the form; POST sets the password.
    pub(super) async fn reset_page(&self, visit: &Visit) -> Result<Response, Problem> {
        let exchange = &visit.exchange;
        let form =
            if exchange.method == Method::POST { exchange.form()? } else { exchange.query()? };
        let code = form.get("code").filter(|code| code.len() <= LONGEST).unwrap_or_default();
        let address = format!("{}/account/reset", visit.site.virtual_folder);
        let Some(account) =
            self.parts.local_users.of_reset(&self.parts.grants, code, exchange.now).await?
        else {
            return Ok(show(visit, PasswordState::LinkOver, (None, &address, &[])));
        };
        let fields = [("code", code)];
        let ask = |fault| {
            let state = PasswordState::Reset { user: &account.name };
            Ok(show(visit, state, (fault, &address, &fields)))
        };
        if exchange.method != Method::POST {
            return ask(None);
        }
        let text = |name| form.get(name).unwrap_or_default();
        if text("newPassword") != text("repeated") {
            return ask(Some(PasswordFault::Repeated));
        }
        match self.reset_password(visit, account.clone(), (code, text("newPassword"))).await {
            Ok(()) => {
                self.end_everywhere(visit, &account.name, None).await?;
                write_audit(visit, &account.name, "password reset");
                let sign_in = format!("{}/account/login", visit.site.virtual_folder);
                let state = PasswordState::Changed { sign_in: Some(&sign_in) };
                Ok(show(visit, state, (None, &address, &[])))
            }
            Err(NotChanged::Overtaken) => {
                Ok(show(visit, PasswordState::LinkOver, (None, &address, &[])))
            }
            Err(refused) => ask(Some(fault_of(refused)?)),
        }
    }

    /// The link is used up when all else is done that can fail; of any number of posts one gets that
    /// far.
    async fn reset_password(
        &self,
        visit: &Visit,
        account: Account,
        (code, password): (&str, &str),
    ) -> Result<(), NotChanged> {
        let (users, now) = (&self.parts.local_users, visit.exchange.now);
        let password = Secret::new(password);
        password_change::check(&password, &account)?;
        let hash = users.hash_new(password).await?;
        if !reset::spend(&self.parts.grants, code, now).await? {
            return Err(NotChanged::Overtaken);
        }
        let not_before = NotBefore { at: now, but: Vec::new() };
        users.put_password(&visit.config, account, hash, ("reset the password", not_before)).await
    }
}
