//! `/account/password`: a new password for whoever is signed in and knows the old one. Who has none
//! here is told where it is kept.

use http::HeaderValue;
use http::Method;
use http::StatusCode;
use http::header;

use crate::clock::Timestamp;
use crate::crypto::secret::Secret;
use crate::error::Problem;
use crate::http::Response;
use crate::http::ReturnPath;
use crate::identity_server::IdentityServer;
use crate::identity_server::Outcome;
use crate::identity_server::person;
use crate::identity_server::person::LOCAL;
use crate::observe::audit;
use crate::pages;
use crate::pages::Look;
use crate::pages::Password;
use crate::pages::PasswordFault;
use crate::pages::PasswordState;
use crate::session::End;
use crate::session::Session;
use crate::session::Visit;
use crate::session::form_proof;
use crate::store::StoreError;
use crate::store::grants::Kind;
use crate::store::register::Which;
use crate::users::local::Attempt;
use crate::users::local::Refusal;
use crate::users::new_password::Unfit;
use crate::users::password_change::NotChanged;

/// What the page's form is about.
const ABOUT: &str = "password";

/// Sessions of one user at other gateways that are asked to end.
const MOST_SESSIONS: usize = 10_000;

impl IdentityServer {
    /// GET shows the form; POST changes the password.
    pub(super) async fn password_page(&self, visit: &Visit) -> Result<Outcome, Problem> {
        let address = format!("{}/account/password", visit.site.virtual_folder);
        let Some(session) = visit.session.as_deref() else {
            return Ok(Outcome::SignIn {
                return_path: ReturnPath::read(&address).unwrap_or_else(ReturnPath::root),
                provider: None,
                login_hint: None,
                ui_locales: None,
            });
        };
        let answer = match elsewhere(visit, session) {
            Some(state) => Ok(show(visit, state, (None, &address, &[]))),
            None if visit.exchange.method == Method::POST => {
                self.change_password(visit, session, &address).await
            }
            None => self.ask_for_password(visit, session, (None, &address)),
        };
        answer.map(Outcome::Answer)
    }

    fn ask_for_password(
        &self,
        visit: &Visit,
        session: &Session,
        (fault, address): (Option<PasswordFault>, &str),
    ) -> Result<Response, Problem> {
        let proof = form_proof::prove(&self.parts.seal, session, ABOUT, visit.exchange.now)?;
        let state = PasswordState::Change { user: &session.identity.user.name };
        Ok(show(visit, state, (fault, address, &[("token", &proof)])))
    }

    async fn change_password(
        &self,
        visit: &Visit,
        session: &Session,
        address: &str,
    ) -> Result<Response, Problem> {
        let (exchange, form) = (&visit.exchange, visit.exchange.form()?);
        let proof = form.get("token").unwrap_or_default();
        form_proof::accept(&self.parts.seal, visit, ABOUT, proof)?;
        let text = |name| form.get(name).unwrap_or_default();
        let again = |fault| self.ask_for_password(visit, session, (Some(fault), address));
        if text("newPassword") != text("repeated") {
            return again(PasswordFault::Repeated);
        }
        let passwords = (Secret::new(text("oldPassword")), Secret::new(text("newPassword")));
        let site = &*visit.site.name;
        let attempt = Attempt { client: exchange.client, now: exchange.now, site };
        let (users, name) = (&self.parts.local_users, &session.identity.user.name);
        let whose = (name.as_str(), session.public_id.as_str());
        let refused = match users.change_password(&visit.config, whose, passwords, attempt).await {
            Ok(()) => {
                self.end_everywhere(visit, name, Some(session)).await?;
                write_audit(visit, name, "password changed");
                let state = PasswordState::Changed { sign_in: None };
                return Ok(show(visit, state, (None, address, &[])));
            }
            Err(refused) => refused,
        };
        write_audit(visit, name, "password not changed");
        if let NotChanged::Old(Refusal::Throttled { retry_after }) = refused {
            let mut response = again(PasswordFault::Throttled)?;
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry_after));
            return Ok(response);
        }
        again(fault_of(refused)?)
    }

    /// Ends every session of a local user, here and at other gateways, and what was granted: all but
    /// what belongs to the session `but`.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    pub(super) async fn end_everywhere(
        &self,
        visit: &Visit,
        name: &str,
        but: Option<&Session>,
    ) -> Result<(), Problem> {
        let (now, kept) = (visit.exchange.now, but.map(|session| session.public_id.as_str()));
        for session in self.parts.sessions.of_user(name) {
            let spared = kept == Some(session.public_id.as_str());
            if !spared && self.parts.sessions.end(&session.id, End::SignOut) {
                self.ended(&visit.config, &session, &[]).await;
            }
        }
        let subject = person::local_subject(name);
        for kind in GRANTED {
            for (key, record) in self.parts.grants.of_subject(kind, &subject, now).await? {
                if kept.is_none_or(|kept| record.session != kept) {
                    self.parts.grants.drop_key(kind, key).await?;
                }
            }
        }
        // Other gateways look at the account too, and do not need to be told.
        if let Err(error) = self.end_at_other_gateways(name, kept, now).await {
            tracing::warn!(error = ?error, "other gateways are not told of a new password");
        }
        Ok(())
    }

    async fn end_at_other_gateways(
        &self,
        name: &str,
        but: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let Some(register) = &self.parts.register else { return Ok(()) };
        for session in register.list(Which::User(name), MOST_SESSIONS, now).await? {
            if but != Some(session.id.as_str()) {
                register.ask_to_end(Which::Id(&session.id), now).await?;
            }
        }
        Ok(())
    }
}

/// What a password stood for.
const GRANTED: [Kind; 5] =
    [Kind::Grant, Kind::Code, Kind::RefreshToken, Kind::ReferenceToken, Kind::PasswordReset];

/// Where the password is kept, when it is not in the store.
fn elsewhere<'a>(visit: &'a Visit, session: &'a Session) -> Option<PasswordState<'a>> {
    let identity = &session.identity;
    let user = identity.user.name.as_str();
    if &*identity.provider == LOCAL {
        return (!identity.persistent).then_some(PasswordState::Elsewhere { user, provider: None });
    }
    let mut providers = visit.config.identity_server.external_providers.iter();
    let known = providers.find(|provider| provider.name == identity.provider);
    let caption = known.map_or(&*identity.provider, |provider| provider.caption.as_str());
    Some(PasswordState::Elsewhere { user, provider: Some(caption) })
}

/// What people are told of a refusal; `Err` is a page of its own.
pub(super) fn fault_of(refused: NotChanged) -> Result<PasswordFault, Problem> {
    Ok(match refused {
        NotChanged::Old(Refusal::WrongPassword | Refusal::Disabled | Refusal::Locked)
        | NotChanged::Configured
        | NotChanged::Overtaken => PasswordFault::Old,
        NotChanged::Old(Refusal::Throttled { .. }) => PasswordFault::Throttled,
        NotChanged::Old(Refusal::Busy | Refusal::Unavailable) => {
            return Err(Problem::Unavailable(
                "Passwords cannot be changed just now. Try again in a moment.".into(),
            ));
        }
        NotChanged::Unfit(Unfit::Short) => PasswordFault::Short,
        NotChanged::Unfit(Unfit::Long) => PasswordFault::Long,
        NotChanged::Unfit(Unfit::Common) => PasswordFault::Common,
        NotChanged::Unfit(Unfit::Own) => PasswordFault::Own,
        NotChanged::Store(error) => return Err(error.into()),
    })
}

/// Shows a page about a password: what was wrong, where the form is posted, its hidden fields.
pub(super) fn show(
    visit: &Visit,
    state: PasswordState<'_>,
    (fault, action, fields): (Option<PasswordFault>, &str, &[(&str, &str)]),
) -> Response {
    let status = match (fault, state) {
        (Some(PasswordFault::Throttled), _) => StatusCode::TOO_MANY_REQUESTS,
        (Some(_), _) | (None, PasswordState::LinkOver) => StatusCode::BAD_REQUEST,
        (None, _) => StatusCode::OK,
    };
    pages::password(&Password {
        look: &Look::of(&visit.config, &visit.site, &visit.exchange),
        status,
        state,
        fault,
        action,
        fields,
        request: &visit.exchange.id,
    })
}

/// One line of the audit trail about a local user's password.
pub(super) fn write_audit(visit: &Visit, user: &str, what: &str) {
    let (provider, user, reason) = (Some(LOCAL), Some(user), Some(what));
    audit::Entry { provider, user, reason, ..visit.entry(audit::Event::UserChanged) }.write();
}
