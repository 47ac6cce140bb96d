//! Proof that a posted form comes from a page of ours: sealed, and bound to the session that it was
//! shown to and to what it was shown for.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::crypto::digest;
use crate::crypto::random;
use crate::crypto::seal::SealKeys;
use crate::error::Problem;
use crate::session::Session;
use crate::session::Visit;

/// What proofs are sealed for.
const PURPOSE: &str = "session-form";

/// How long a page may lie open.
const LIFETIME: Duration = Duration::from_hours(1);

/// A proof that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormProof {
    /// Its own name, by which a form that is posted twice is known.
    pub id: [u8; 16],
    /// Until when it would be accepted again.
    pub ends_at: Timestamp,
    /// The public name of the session that it was shown to.
    pub session: String,
}

/// A proof for a form about `about`, which is shown to `session`.
///
/// # Errors
///
/// [`Problem::Internal`] if sealing fails.
pub fn prove(
    seal: &SealKeys,
    session: &Session,
    about: &str,
    now: Timestamp,
) -> Result<String, Problem> {
    let mut text = session.id.0.to_vec();
    text.extend_from_slice(&digest::sha256(about.as_bytes()));
    text.extend_from_slice(&now.plus(LIFETIME).0.to_be_bytes());
    text.extend_from_slice(&random::bytes::<16>());
    seal.seal(PURPOSE, &text).ok_or(Problem::Internal)
}

/// Accepts the proof of a posted form about `about`.
///
/// # Errors
///
/// [`Problem::BadRequest`] unless it was made for this session and this matter not too long ago,
/// and the browser does not say that the form was posted from elsewhere.
pub fn accept(
    seal: &SealKeys,
    visit: &Visit,
    about: &str,
    proof: &str,
) -> Result<FormProof, Problem> {
    let session = visit.session.as_deref().filter(|_| !visit.exchange.is_foreign());
    let accepted = session.and_then(|session| {
        let text = seal.open_sealed(PURPOSE, proof)?;
        read(&text, session, about, visit.exchange.now)
    });
    accepted.ok_or_else(|| {
        Problem::BadRequest("this form is not from our page, or it is too old".into())
    })
}

fn read(text: &[u8], session: &Session, about: &str, now: Timestamp) -> Option<FormProof> {
    let (shown_to, rest) = text.split_first_chunk::<32>()?;
    let (shown_for, rest) = rest.split_first_chunk::<32>()?;
    let (end, id) = rest.split_first_chunk::<8>()?;
    let ends_at = Timestamp(i64::from_be_bytes(*end));
    let id = <[u8; 16]>::try_from(id).ok()?;
    let ours = *shown_to == session.id.0 && *shown_for == digest::sha256(about.as_bytes());
    let session = session.public_id.clone();
    (ours && now < ends_at).then_some(FormProof { id, ends_at, session })
}
