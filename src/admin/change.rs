//! What a posted form has to show before anything is changed: that it comes from our page, that the
//! administrator proved who they are a short while ago, and that it is posted for the first time.

use std::time::Duration;

use askama::Template;
use http::StatusCode;

use crate::admin::Admin;
use crate::admin::frame::Frame;
use crate::admin::outcome::DID;
use crate::admin::outcome::Did;
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

/// Whether a change is made.
pub(super) enum Admission {
    /// It is.
    Granted,
    /// The person gets this instead.
    Instead(Response),
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
        let Some(did) = query.get(DID).and_then(Did::read) else { return Ok(self) };
        let identity = &self.keeper.session.identity;
        let stale = did == Did::SignIn && !is_fresh(identity, self.visit.exchange.now);
        let did = if stale { Did::StaleSignIn } else { did };
        Ok(self.saying(did.notice()))
    }
}

/// A provider that does not say when somebody proved who they are (OpenID Connect Core §2,
/// `auth_time`) may have let an old sign-in pass.
fn is_fresh(identity: &Identity, now: Timestamp) -> bool {
    identity.proved_at().is_some_and(|at| now.since(at) < FRESH)
}
