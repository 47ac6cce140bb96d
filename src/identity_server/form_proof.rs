//! Proof that a posted form comes from a page of ours: sealed, and bound to the session that it was
//! shown to and to what it was shown for.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::crypto::digest;
use crate::crypto::random;
use crate::error::Problem;
use crate::identity_server::IdentityServer;
use crate::identity_server::account_logout::is_foreign;
use crate::session::Session;
use crate::session::Visit;
use crate::store::grants::Kind;
use crate::store::grants::Record;

/// What proofs are sealed for.
const PURPOSE: &str = "identity-form";

/// How long a page may lie open.
const LIFETIME: Duration = Duration::from_hours(1);

/// A proof that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FormProof {
    /// Its own name, by which a form that is posted twice is known.
    id: String,
    /// Until when it would be accepted again.
    ends_at: Timestamp,
    /// The session that it was shown to.
    session: String,
}

impl IdentityServer {
    /// A proof for a form about `about`, which is shown to `session`.
    ///
    /// # Errors
    ///
    /// [`Problem::Internal`] if sealing fails.
    pub(super) fn prove_form(
        &self,
        session: &Session,
        about: &str,
        now: Timestamp,
    ) -> Result<String, Problem> {
        let mut text = session.id.0.to_vec();
        text.extend_from_slice(&digest::sha256(about.as_bytes()));
        text.extend_from_slice(&now.plus(LIFETIME).0.to_be_bytes());
        text.extend_from_slice(random::identifier().as_bytes());
        self.parts.seal.seal(PURPOSE, &text).ok_or(Problem::Internal)
    }

    /// Accepts the proof of a posted form about `about`.
    ///
    /// # Errors
    ///
    /// [`Problem::BadRequest`] unless it was made for this session and this matter not too long ago,
    /// and the browser does not say that the form was posted from elsewhere.
    pub(super) fn accept_form(
        &self,
        visit: &Visit,
        about: &str,
        proof: &str,
    ) -> Result<FormProof, Problem> {
        let session = visit.session.as_deref().filter(|_| !is_foreign(&visit.exchange));
        let accepted = session.and_then(|session| {
            let text = self.parts.seal.open_sealed(PURPOSE, proof)?;
            read(&text, session, about, visit.exchange.now)
        });
        accepted.ok_or_else(|| {
            Problem::BadRequest("this form is not from our page, or it is too old".into())
        })
    }

    /// Whether a form is posted for the first time; of any number at once one is the first.
    ///
    /// # Errors
    ///
    /// When the store cannot be reached.
    pub(super) async fn is_first_use(
        &self,
        proof: FormProof,
        now: Timestamp,
    ) -> Result<bool, Problem> {
        let name = format!("form:{}", proof.id);
        let record = Record { owner: proof.session, ends_at: proof.ends_at, ..Record::default() };
        Ok(self.parts.grants.keep_new(Kind::UsedId, &name, record, now).await?)
    }
}

fn read(text: &[u8], session: &Session, about: &str, now: Timestamp) -> Option<FormProof> {
    let (shown_to, rest) = text.split_first_chunk::<32>()?;
    let (shown_for, rest) = rest.split_first_chunk::<32>()?;
    let (end, id) = rest.split_first_chunk::<8>()?;
    let ends_at = Timestamp(i64::from_be_bytes(*end));
    let id = std::str::from_utf8(id).ok()?.to_owned();
    let ours = *shown_to == session.id.0 && *shown_for == digest::sha256(about.as_bytes());
    let session = session.public_id.clone();
    (ours && now < ends_at).then_some(FormProof { id, ends_at, session })
}
