//! The way back from the sign-in page: the request itself where it is short enough, else a name
//! under which it is kept; and a seal that tells a sign-in made for it from an older one.

use std::net::IpAddr;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;
use url::form_urlencoded;

use crate::clock::Timestamp;
use crate::crypto::digest;
use crate::error::Problem;
use crate::http::ReturnPath;
use crate::http::form::Form;
use crate::identity_server::IdentityServer;
use crate::identity_server::grant;
use crate::identity_server::interaction::SignedIn;
use crate::identity_server::request::Asked;
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
pub(super) const LONGEST: usize = 32 * 1024;

/// What all kept requests may come to, in bytes of their encoded form: anybody can send them.
pub(super) const CAPACITY: usize = 16 * 1024 * 1024;

/// How many requests are kept for one network.
pub(super) const SHARE: usize = 32;

/// A request that waits for a sign-in here.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    request: String,
    pushed: bool,
    signed: bool,
}

impl IdentityServer {
    /// The way back to a request after a sign-in. `None` for one that is too long to be kept. What
    /// the client pushed or signed stays here: the browser would show it and could change it.
    pub(super) fn way_back(&self, visit: &Visit, asked: &Asked) -> Option<ReturnPath> {
        let Asked { form, pushed, signed } = asked;
        let request = encode(form);
        let path = format!("{}/connect/authorize/callback", visit.site.virtual_folder);
        let seal = self.seal_asked(visit, &request)?;
        let inline = ReturnPath::read(&format!("{path}?{request}&{ASKED}={seal}"));
        let inline = inline.filter(|_| !pushed && !signed);
        if inline.is_some() || request.len() > LONGEST {
            return inline;
        }
        let now = visit.exchange.now;
        let owner = owner_of(visit.exchange.client);
        let kept = grant::encode(&Kept { request, pushed: *pushed, signed: *signed });
        let name = self.pending.issue(&owner, kept, now.plus(LIFETIME), now);
        // The sign-in page offers what this client's file allows.
        let client = form.get("client_id").unwrap_or_default().as_bytes();
        let client: String = form_urlencoded::byte_serialize(client).collect();
        ReturnPath::read(&format!("{path}?client_id={client}&{KEPT}={name}&{ASKED}={seal}"))
    }

    /// The request that the browser comes back with. Nothing about it is trusted: whoever calls
    /// reads and judges it anew.
    ///
    /// # Errors
    ///
    /// [`Problem::BadRequest`] when it was kept and is no longer.
    pub(super) fn come_back(&self, visit: &Visit) -> Result<(Asked, SignedIn), Problem> {
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
    ) -> Result<(Asked, SignedIn), Problem> {
        let now = visit.exchange.now;
        let asked = match query.get(KEPT) {
            Some(name) => {
                let kept = self.pending.with(name, now, |kept| serde_json::from_str(kept).ok());
                let Kept { request, pushed, signed } = kept.flatten().ok_or_else(too_late)?;
                Asked { form: Form::parse(request.as_bytes())?, pushed, signed }
            }
            None => Asked::plain(query.clone()),
        };
        let signed_in = match (query.get(ASKED), visit.session.as_deref()) {
            (Some(seal), Some(session)) => self.judge(&asked.form, seal, session, now),
            (Some(_), None) | (None, _) => SignedIn::Unknown,
        };
        Ok((asked, signed_in))
    }

    /// Which request was asked, when, and whose session was there before.
    fn seal_asked(&self, visit: &Visit, request: &str) -> Option<String> {
        let before = visit.session.as_ref().map_or([0; 32], |session| session.id.0);
        let mut asked = digest::sha256(request.as_bytes()).to_vec();
        asked.extend_from_slice(&before);
        asked.extend_from_slice(&visit.exchange.now.0.to_be_bytes());
        self.parts.seal.seal(PURPOSE, &asked)
    }

    fn judge(&self, form: &Form, seal: &str, session: &Session, now: Timestamp) -> SignedIn {
        let opened = self.parts.seal.open_sealed(PURPOSE, seal);
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
