//! The way back from the sign-in page: the request itself where it is short enough, else a name
//! under which it is kept; and a seal that tells a sign-in made for it from an older one.

use std::net::IpAddr;
use std::time::Duration;

use url::form_urlencoded;

use crate::clock::Timestamp;
use crate::crypto::digest;
use crate::error::Problem;
use crate::http::ReturnPath;
use crate::http::form::Form;
use crate::identity_server::IdentityServer;
use crate::identity_server::interaction::SignedIn;
use crate::session::Session;
use crate::session::Visit;

/// The parameter that names a kept request, as in IdentityServer4.
const KEPT: &str = "authzId";

/// The parameter with the seal.
const ASKED: &str = "vestibuleAsked";

/// What the seal is for.
const PURPOSE: &str = "identity-asked";

/// How long a request is kept.
const LIFETIME: Duration = Duration::from_mins(10);

/// How old a sign-in may be that is taken for an answer to its request: redirects take moments.
const ANSWER: Duration = Duration::from_mins(5);

/// Longest request that is kept, in bytes of its encoded form; `state` may well be 4 kB.
const LONGEST: usize = 32 * 1024;

/// What all kept requests may come to, in bytes of their encoded form: anybody can send them.
pub(super) const CAPACITY: usize = 16 * 1024 * 1024;

/// How many requests are kept for one network.
pub(super) const SHARE: usize = 32;

impl IdentityServer {
    /// The way back to `form` after a sign-in. `None` for a request that is too long to be kept.
    pub(super) fn way_back(&self, visit: &Visit, form: &Form) -> Option<ReturnPath> {
        let request = encode(form);
        let path = format!("{}/connect/authorize/callback", visit.site.virtual_folder);
        let asked = self.seal_asked(visit, &request)?;
        let inline = ReturnPath::read(&format!("{path}?{request}&{ASKED}={asked}"));
        if inline.is_some() || request.len() > LONGEST {
            return inline;
        }
        let now = visit.exchange.now;
        let owner = owner_of(visit.exchange.client);
        let name = self.pending.issue(&owner, request, now.plus(LIFETIME), now);
        ReturnPath::read(&format!("{path}?{KEPT}={name}&{ASKED}={asked}"))
    }

    /// The request that the browser comes back with. Nothing about it is trusted: whoever calls
    /// reads and judges it anew.
    ///
    /// # Errors
    ///
    /// [`Problem::BadRequest`] when it was kept and is no longer.
    pub(super) fn come_back(&self, visit: &Visit) -> Result<(Form, SignedIn), Problem> {
        self.come_back_with(visit, &visit.exchange.query()?)
    }

    /// The same, for a way back whose query is `query`.
    ///
    /// # Errors
    ///
    /// As [`Self::come_back`].
    pub(super) fn come_back_with(
        &self,
        visit: &Visit,
        query: &Form,
    ) -> Result<(Form, SignedIn), Problem> {
        let now = visit.exchange.now;
        let form = match query.get(KEPT) {
            Some(name) => {
                let request = self.pending.with(name, now, |request| request.clone());
                Form::parse(request.ok_or_else(too_late)?.as_bytes())?
            }
            None => query.clone(),
        };
        let signed_in = match (query.get(ASKED), visit.session.as_deref()) {
            (Some(asked), Some(session)) => self.judge(&form, asked, session, now),
            (Some(_), None) | (None, _) => SignedIn::Unknown,
        };
        Ok((form, signed_in))
    }

    /// Which request was asked, when, and whose session was there before.
    fn seal_asked(&self, visit: &Visit, request: &str) -> Option<String> {
        let before = visit.session.as_ref().map_or([0; 32], |session| session.id.0);
        let mut asked = digest::sha256(request.as_bytes()).to_vec();
        asked.extend_from_slice(&before);
        asked.extend_from_slice(&visit.exchange.now.0.to_be_bytes());
        self.parts.seal.seal(PURPOSE, &asked)
    }

    fn judge(&self, form: &Form, asked: &str, session: &Session, now: Timestamp) -> SignedIn {
        let opened = self.parts.seal.open_sealed(PURPOSE, asked);
        let Some((asked_at, before)) = opened.and_then(|opened| read_asked(&opened, form)) else {
            return SignedIn::Unknown;
        };
        let age = now.since(session.began_at);
        if session.id.0 == before || session.began_at < asked_at || age > ANSWER {
            return SignedIn::Unknown;
        }
        if session.identity.authenticated_at < asked_at {
            return SignedIn::OnOldProof;
        }
        SignedIn::Anew
    }
}

fn too_late() -> Problem {
    Problem::BadRequest("this sign-in took too long: start again at the application".into())
}

/// When `form` was asked and which session was there; `None` when another request was.
fn read_asked(opened: &[u8], form: &Form) -> Option<(Timestamp, [u8; 32])> {
    let (request, rest) = opened.split_first_chunk::<32>()?;
    let (before, rest) = rest.split_first_chunk::<32>()?;
    let asked_at = Timestamp(i64::from_be_bytes(rest.try_into().ok()?));
    (*request == digest::sha256(encode(form).as_bytes())).then_some((asked_at, *before))
}

/// The request's own parameters, without ours.
fn encode(form: &Form) -> String {
    let own = form.iter().filter(|(name, _)| *name != KEPT && *name != ASKED);
    form_urlencoded::Serializer::new(String::new()).extend_pairs(own).finish()
}

/// One address, or one IPv6 network of a customer's usual size, fills only its own share.
pub(super) fn owner_of(client: IpAddr) -> String {
    match client.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}
