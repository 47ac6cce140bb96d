//! The register of live sessions: what an operator's command line sees of the gateways that share a
//! database, and where it asks them to end a session. Who a browser is stays in each gateway's
//! memory; the register only tells of it, a moment late.

pub use crate::store::sql::register::Register;

use crate::clock::Timestamp;

/// A live session, as the register tells of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registered {
    /// Its public name: 32 hexadecimal digits.
    pub id: String,
    /// The user's name.
    pub user: String,
    /// The provider that the person signed in with.
    pub provider: String,
    /// The site that the person signed in at.
    pub site: String,
    /// Since when.
    pub began_at: Timestamp,
    /// When it is over at the latest.
    pub ends_at: Timestamp,
}

/// Which sessions are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which<'a> {
    /// All.
    All,
    /// The one with this public name.
    Id(&'a str),
    /// Those of a user, in any case.
    User(&'a str),
    /// Those that came from a provider.
    Provider(&'a str),
}
