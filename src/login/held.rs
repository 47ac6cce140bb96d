//! Sign-ins that wait for the person's word: somebody has proved who they are, and a page asks what
//! is to come of it. Kept in memory, bounded, for ten minutes, for one answer of the same browser.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::crypto::digest;
use crate::crypto::random;
use crate::http::ReturnPath;
use crate::login::finish::Identified;
use crate::session::SessionId;
use crate::store::Handles;
use crate::users::persistent::Target;

/// A sign-in that waits.
pub(super) struct Held {
    /// SHA-256 of the browser's cookie.
    pub browser: String,
    /// The site that is signed in to.
    pub site: Arc<str>,
    /// The authentication source.
    pub source: String,
    /// Where to go.
    pub return_path: ReturnPath,
    /// The session that it takes the place of.
    pub replaces: Option<SessionId>,
    /// Who it is.
    pub identified: Identified,
    /// What is asked.
    pub question: Question,
}

/// What a person is asked.
pub(super) enum Question {
    /// Whether the identity is one more way to sign in as a user, who is signed in with this session.
    Whose(Target, SessionId),
    /// Whether the oldest session is to end for this one. The account, where the user has one, as it
    /// was when the person proved who they are.
    Room(Option<Target>),
}

/// The sign-ins that wait.
pub(super) struct HeldSignIns(Handles<Option<Box<Held>>>);

/// Kilobytes of claims that are kept, of all and of one person.
const CAPACITY: usize = 32 * 1024;
const SHARE: usize = 512;

/// How long an answer may take.
const LIFETIME: Duration = Duration::from_mins(10);

impl HeldSignIns {
    /// Nobody waits.
    pub(super) fn new() -> Self {
        Self(Handles::weighed(CAPACITY, SHARE, weight).weighing_owners(SHARE))
    }

    /// Keeps a sign-in; its name, for the form of the page that asks.
    pub(super) fn keep(&self, held: Held, now: Timestamp) -> String {
        let name = random::token();
        let identity = &held.identified.identity;
        let owner =
            format!("{}:{}{}", identity.provider.len(), identity.provider, identity.subject);
        let value = (owner.as_str(), Some(Box::new(held)));
        self.0.keep_under(key(&name), value, now.plus(LIFETIME), now);
        name
    }

    /// Takes the sign-in called `name` out, for the browser that it waits for: once. What another
    /// browser brings is not used up.
    pub(super) fn take(&self, name: &str, browser: &str, now: Timestamp) -> Option<Box<Held>> {
        let key = key(name);
        let held = self.0.with_key(key, now, |held| {
            let ours = held.as_ref().is_some_and(|held| held.browser == browser);
            if ours { held.take() } else { None }
        })??;
        self.0.remove(key);
        Some(held)
    }
}

impl fmt::Debug for HeldSignIns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeldSignIns").field("len", &self.0.len()).finish()
    }
}

fn key(name: &str) -> [u8; 32] {
    digest::sha256(name.as_bytes())
}

/// In kilobytes, begun ones included.
#[expect(clippy::ref_option, reason = "the table weighs its values where they lie")]
fn weight(held: &Option<Box<Held>>) -> usize {
    let Some(held) = held else { return 1 };
    let claims = held.identified.identity.claims.iter();
    let bytes: usize = claims.map(|claim| claim.kind.len() + claim.value.len()).sum();
    // The user's roles and properties, and where the roles came from, repeat them.
    2 + bytes / 256
}
