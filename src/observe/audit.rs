//! The audit trail: one line per sign-in, sign-out, refusal and change, in the log under the target
//! `audit`.
//!
//! Who, what, where, with which provider, how it ended, and the request id. Never a token, cookie,
//! code or secret.

use std::fmt;
use std::net::IpAddr;

/// The target of its lines.
pub const TARGET: &str = "vestibule::audit";

/// One entry of the audit trail.
#[derive(Clone, Copy)]
pub struct Entry<'a> {
    /// What happened.
    pub event: Event,
    /// The site it happened on.
    pub site: &'a str,
    /// The provider, where one is involved.
    pub provider: Option<&'a str>,
    /// The user name, where it is known.
    pub user: Option<&'a str>,
    /// Whom it was done to, where that is somebody else: a user name, or the name of a provider.
    pub whom: Option<&'a str>,
    /// Why, for a refusal: from a closed set, or the name of a rule. What, for a change.
    pub reason: Option<&'a str>,
    /// The client's address.
    pub client: IpAddr,
    /// The request's id.
    pub request: &'a dyn fmt::Display,
}

/// What an audit entry tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Somebody signed in.
    SignIn,
    /// A sign-in did not succeed.
    SignInRefused,
    /// Somebody signed out.
    SignOut,
    /// A signed-in caller was not admitted.
    AccessRefused,
    /// A caller brought an access token in place of a session.
    BearerAccepted,
    /// A caller's access token was not accepted.
    BearerRefused,
    /// The identity server issued tokens.
    TokenIssued,
    /// The identity server refused tokens.
    TokenRefused,
    /// A person let a client or a device have something.
    ConsentGiven,
    /// A person did not.
    ConsentDenied,
    /// A person or a client took back what had been granted.
    GrantRevoked,
    /// An administrator changed a user.
    UserChanged,
    /// An administrator deleted a user.
    UserDeleted,
    /// An administrator ended sessions.
    SessionsEnded,
}

impl Event {
    /// The event's name in the log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SignIn => "sign_in",
            Self::SignInRefused => "sign_in_refused",
            Self::SignOut => "sign_out",
            Self::AccessRefused => "access_refused",
            Self::BearerAccepted => "bearer_accepted",
            Self::BearerRefused => "bearer_refused",
            Self::TokenIssued => "token_issued",
            Self::TokenRefused => "token_refused",
            Self::ConsentGiven => "consent_given",
            Self::ConsentDenied => "consent_denied",
            Self::GrantRevoked => "grant_revoked",
            Self::UserChanged => "user_changed",
            Self::UserDeleted => "user_deleted",
            Self::SessionsEnded => "sessions_ended",
        }
    }
}

impl Entry<'_> {
    /// Writes the entry. Nothing a client sends can keep it from being written at level `info`.
    pub fn write(self) {
        tracing::info!(
            target: TARGET,
            event = self.event.name(),
            site = self.site,
            provider = self.provider.unwrap_or_default(),
            user = self.user.unwrap_or_default(),
            whom = self.whom.unwrap_or_default(),
            reason = self.reason.unwrap_or_default(),
            client = %self.client,
            request.id = %self.request,
            "audit"
        );
    }
}
