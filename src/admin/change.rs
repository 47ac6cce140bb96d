//! What a posted form has to show before anything is changed: that it comes from our page, that the
//! administrator proved who they are a short while ago, and that it is posted for the first time.

use std::time::Duration;

use askama::Template;
use http::StatusCode;

use crate::admin::Admin;
use crate::admin::ending::Ended;
use crate::admin::frame::Frame;
use crate::admin::frame::Notice;
use crate::clock::Timestamp;
use crate::error::Problem;
use crate::http::Response;
use crate::http::ReturnPath;
use crate::http::form::Form;
use crate::http::response;
use crate::login;
use crate::session::Identity;
use crate::session::form_proof;
use crate::store::spent::Spending;

/// How old the administrator's sign-in may be.
const FRESH: Duration = Duration::from_mins(15);

/// The parameter that says on a page what the form before it came to.
const DID: &str = "did";

/// Whether a change is made.
pub(super) enum Admission {
    /// It is.
    Granted,
    /// The person gets this instead.
    Instead(Response),
}

/// What a form came to, as it stands in the address of the page that comes after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Did {
    /// The administrator signed in once more.
    SignIn,
    /// A user was disabled.
    Disable,
    /// A user was enabled.
    Enable,
    /// A user was unlocked.
    Unlock,
    /// An identity signs in as the user no more.
    Unlink,
    /// A role was given.
    Give,
    /// A role was taken.
    Take,
    /// A user was deleted.
    Delete,
    /// Sessions were ended.
    End,
    /// Sessions were ended at this gateway alone.
    EndHere,
    /// There was nothing to do.
    Nothing,
    /// The form had been posted before.
    Again,
    /// An administrator will not be shut out by his own hand.
    Own,
    /// What was typed is no role.
    NoRole,
    /// Somebody else was changing it.
    Busy,
}

#[derive(Template)]
#[template(path = "anew.html")]
struct AnewPage<'a> {
    frame: &'a Frame<'a>,
    /// When the administrator signed in, where the provider said.
    since: Option<Timestamp>,
    sign_in: &'a str,
    back: &'a str,
}

impl Admin {
    /// Whether the form `form` about `about` may change anything now; `back` is the page it stands
    /// on.
    ///
    /// # Errors
    ///
    /// [`Problem::BadRequest`] for a form that is not from our page.
    pub(super) fn admit(
        &self,
        frame: &Frame<'_>,
        about: &str,
        form: &Form,
        back: &str,
    ) -> Result<Admission, Problem> {
        let visit = frame.visit;
        let token = form.get("token").unwrap_or_default();
        let proof = form_proof::accept(&self.parts.seal, visit, about, token)?;
        let identity = &frame.keeper.session.identity;
        let now = visit.exchange.now;
        if !is_fresh(identity, now) {
            let way_back = ReturnPath::read(&Did::SignIn.at(back)).unwrap_or_else(ReturnPath::root);
            let sign_in = login::sign_in_anew(&visit.config, &visit.site, identity, &way_back);
            let page = AnewPage { frame, since: identity.proved_at(), sign_in: &sign_in, back };
            return Ok(Admission::Instead(frame.show_as(StatusCode::FORBIDDEN, &page)));
        }
        match self.spent.spend(proof.id, proof.ends_at, now) {
            Spending::First => Ok(Admission::Granted),
            // A second press of the button: the first one has done it.
            Spending::Again => Ok(Admission::Instead(response::see_other(&Did::Again.at(back)))),
            Spending::Full => Err(Problem::TooManyRequests { retry_after: 60 }),
        }
    }
}

impl Frame<'_> {
    /// The frame with what the form before came to, as the address says.
    ///
    /// # Errors
    ///
    /// [`Problem::BadRequest`] for a query that cannot be read.
    pub(super) fn with_outcome(self) -> Result<Self, Problem> {
        let query = self.visit.exchange.query()?;
        let did = Did::ALL.into_iter().find(|did| query.get(DID) == Some(did.name()));
        let Some(did) = did else { return Ok(self) };
        let identity = &self.keeper.session.identity;
        let fresh = is_fresh(identity, self.visit.exchange.now);
        Ok(self.saying(did.notice(fresh)))
    }
}

impl Did {
    const ALL: [Self; 15] = [
        Self::SignIn,
        Self::Disable,
        Self::Enable,
        Self::Unlock,
        Self::Unlink,
        Self::Give,
        Self::Take,
        Self::Delete,
        Self::End,
        Self::EndHere,
        Self::Nothing,
        Self::Again,
        Self::Own,
        Self::NoRole,
        Self::Busy,
    ];

    /// What ending sessions came to.
    pub(super) const fn of_end(ended: Ended) -> Self {
        match ended {
            Ended { only_here: true, .. } => Self::EndHere,
            Ended { count: 0, .. } => Self::Nothing,
            Ended { .. } => Self::End,
        }
    }

    /// The page `address`, where it is told.
    pub(super) fn at(self, address: &str) -> String {
        let joint = if address.contains('?') { '&' } else { '?' };
        format!("{address}{joint}{DID}={}", self.name())
    }

    const fn name(self) -> &'static str {
        match self {
            Self::SignIn => "sign-in",
            Self::Disable => "disable",
            Self::Enable => "enable",
            Self::Unlock => "unlock",
            Self::Unlink => "unlink",
            Self::Give => "give",
            Self::Take => "take",
            Self::Delete => "delete",
            Self::End => "end",
            Self::EndHere => "end-here",
            Self::Nothing => "nothing",
            Self::Again => "again",
            Self::Own => "own",
            Self::NoRole => "no-role",
            Self::Busy => "busy",
        }
    }

    fn notice(self, fresh: bool) -> Notice {
        let text = match self {
            Self::SignIn if fresh => "Your sign-in is confirmed. Press the button again.",
            Self::SignIn => {
                "Your provider let you back in without saying that you proved anew who you are, so nothing can be changed. Sign out there first, or sign in here with a provider that tells when you signed in (auth_time)."
            }
            Self::Disable => "The user is disabled, and the user's sessions are over.",
            Self::Enable => "The user is enabled.",
            Self::Unlock => "The user's password is taken again.",
            Self::Unlink => {
                "This identity does not sign in as the user any more, and the user's sessions are over."
            }
            Self::Give => "The role is given. It counts from the next sign-in on.",
            Self::Take => "The role is taken, from the user's sessions too.",
            Self::Delete => "The user is deleted, and the user's sessions are over.",
            Self::End => "The sessions are over. Yours, if it was among them, goes on.",
            Self::EndHere => {
                "The sessions of this gateway are over. Others that share the store could not be told: try again in a moment."
            }
            Self::Nothing => "There was nothing to do: it had happened already.",
            Self::Again => "This form had been sent before: nothing was done this time.",
            Self::Own => "This is your own account. Let another administrator do it.",
            Self::NoRole => {
                "Write a role as domain\\name, without | and at most 256 characters long."
            }
            Self::Busy => "Somebody else is changing this user. Look again, and press once more.",
        };
        let refused = match self {
            Self::SignIn => !fresh,
            Self::EndHere | Self::Again | Self::Own | Self::NoRole | Self::Busy => true,
            Self::Disable
            | Self::Enable
            | Self::Unlock
            | Self::Unlink
            | Self::Give
            | Self::Take
            | Self::Delete
            | Self::End
            | Self::Nothing => false,
        };
        if refused { Notice::Refused(text.to_owned()) } else { Notice::Done(text.to_owned()) }
    }
}

/// A provider that does not say when somebody proved who they are (OpenID Connect Core §2,
/// `auth_time`) may have let an old sign-in pass.
fn is_fresh(identity: &Identity, now: Timestamp) -> bool {
    identity.proved_at().is_some_and(|at| now.since(at) < FRESH)
}
