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
use crate::pages::CANCELLED;
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

/// What a kept request is sealed for that travels all the same.
const SEALED: &str = "identity-request";

/// A request that waits for a sign-in.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    request: String,
    pushed: bool,
    signed: bool,
    ends_at: Timestamp,
}

impl IdentityServer {
    /// The way back to a request after a sign-in. `None` for one that is too long to be kept. What
    /// the client pushed or signed travels sealed, because nobody on the way may read or change it.
    pub(super) fn way_back(&self, visit: &Visit, asked: &Asked) -> Option<ReturnPath> {
        let Asked { form, pushed, signed } = asked;
        let request = encode(form);
        let path = format!("{}/connect/authorize/callback", visit.site.virtual_folder);
        let seal = self.seal_asked(visit, &request)?;
        let back =
            |parameters: &str| ReturnPath::read(&format!("{path}?{parameters}&{ASKED}={seal}"));
        let length = request.len();
        let open = if *pushed || *signed { None } else { back(&request) };
        let now = visit.exchange.now;
        let ends_at = now.plus(LIFETIME);
        let kept = Kept { request, pushed: *pushed, signed: *signed, ends_at };
        let kept = grant::encode(&kept);
        let told = pick(form, |name| TOLD.contains(&name));
        let sealed = || {
            let sealed = self.parts.seal.seal(SEALED, kept.as_bytes())?;
            back(&format!("{told}&{KEPT}={sealed}"))
        };
        if let Some(travels) = open.or_else(sealed) {
            return Some(travels);
        }
        let owner = owner_of(visit.exchange.client);
        let name = (length <= LONGEST).then(|| self.pending.issue(&owner, kept, ends_at, now))?;
        back(&format!("{told}&{KEPT}={name}"))
    }

    /// The request that the browser comes back with. Nothing about it is trusted: whoever calls
    /// reads and judges it anew.
    ///
    /// # Errors
    ///
    /// [`Problem::BadRequest`] when it was kept and is no longer.
    pub(super) fn come_back(&self, visit: &Visit) -> Result<(Asked, SignedIn), Problem> {
        let query = visit.exchange.query()?;
        let (asked, signed_in) = self.come_back_with(visit, &query)?;
        let cancelled = query.get(CANCELLED).is_some();
        Ok((asked, if cancelled { SignedIn::Cancelled } else { signed_in }))
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
                let kept = self.kept(name, now).ok_or_else(too_late)?;
                let form = Form::parse(kept.request.as_bytes())?;
                Asked { form, pushed: kept.pushed, signed: kept.signed }
            }
            None => Asked::plain(query.clone()),
        };
        let signed_in = match (query.get(ASKED), visit.session.as_deref()) {
            (Some(seal), Some(session)) => self.judge(&asked.form, seal, session, now),
            (Some(_), None) | (None, _) => SignedIn::Unknown,
        };
        Ok((asked, signed_in))
    }

    fn kept(&self, name: &str, now: Timestamp) -> Option<Kept> {
        let here = self.pending.with(name, now, |kept| serde_json::from_str::<Kept>(kept).ok());
        let sealed = || {
            let text = self.parts.seal.open_sealed(SEALED, name)?;
            serde_json::from_slice::<Kept>(&text).ok()
        };
        here.flatten().or_else(sealed).filter(|kept| now < kept.ends_at)
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
    pick(form, |name| ![KEPT, ASKED, CANCELLED].contains(&name))
}

/// What the sign-in page is to know of a request that is kept here.
const TOLD: [&str; 4] = ["client_id", "ui_locales", "prompt", "max_age"];

/// The parameters that `wanted` picks, encoded.
fn pick(form: &Form, wanted: impl Fn(&str) -> bool) -> String {
    let picked = form.iter().filter(|(name, _)| wanted(name));
    form_urlencoded::Serializer::new(String::new()).extend_pairs(picked).finish()
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
