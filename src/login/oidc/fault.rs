//! What goes wrong between us and an OpenID provider, and which rule an ID token breaks.

use crate::crypto::jws::JwsFault;
use crate::http::client::ClientError;
use crate::login::Reason;

/// Why a provider could not vouch for somebody. Cloned to everybody who waited for the same call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::login) enum Fault {
    /// It cannot be reached, or its answer is no answer; the log has the cause.
    #[error("provider does not answer: {0}")]
    Down(String),
    /// Its discovery document is wrong.
    #[error("discovery document is wrong: {0}")]
    Metadata(String),
    /// The token endpoint does not accept our client.
    #[error("client refused: {0}")]
    Client(String),
    /// The provider complains of our redirect URI.
    #[error("redirect address refused")]
    Redirect,
    /// The token endpoint does not accept the code, or something else of the request.
    #[error("code refused: {0}")]
    Code(String),
    /// The authorization response lacks something.
    #[error("authorization response malformed: {0}")]
    Response(&'static str),
    /// A token breaks a rule.
    #[error("token refused: {0}")]
    Token(#[from] TokenFault),
    /// The userinfo answer breaks a rule.
    #[error("userinfo refused: {0}")]
    Userinfo(&'static str),
    /// The person belongs to an organisation whose people are not admitted.
    #[error("another organisation: {0}")]
    Outsider(&'static str),
}

impl Fault {
    /// A call that brought no answer.
    pub(in crate::login) fn unanswered(error: &ClientError) -> Self {
        let cause = std::error::Error::source(error).map(ToString::to_string);
        Self::Down(cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}")))
    }

    /// Whether it says that whoever was signed in is so no longer: the provider took the grant back,
    /// or vouches for somebody else. Everything else may pass.
    pub(in crate::login) fn ends_session(&self) -> bool {
        match self {
            Self::Code(error) => error == INVALID_GRANT,
            Self::Token(_) | Self::Outsider(_) => true,
            Self::Down(_)
            | Self::Metadata(_)
            | Self::Client(_)
            | Self::Redirect
            | Self::Response(_)
            | Self::Userinfo(_) => false,
        }
    }

    /// The reason that metrics, audit and people are told.
    pub(in crate::login) const fn reason(&self) -> Reason {
        match self {
            Self::Down(_) => Reason::ProviderDown,
            Self::Metadata(_) => Reason::ProviderMetadata,
            Self::Client(_) => Reason::ClientRefused,
            Self::Redirect => Reason::RedirectAddress,
            Self::Code(_) => Reason::CodeRefused,
            Self::Response(_) => Reason::ResponseMalformed,
            Self::Token(_) => Reason::TokenInvalid,
            Self::Userinfo(_) => Reason::UserinfoInvalid,
            Self::Outsider(_) => Reason::OtherOrganisation,
        }
    }
}

/// The grant is over (RFC 6749 §5.2).
const INVALID_GRANT: &str = "invalid_grant";

/// Whether a provider's error is about our redirect URI, which it says in words alone: the code for
/// it is `invalid_request` or `invalid_grant` like any other.
pub(in crate::login) fn is_about_redirect(error: &str, description: &str) -> bool {
    let words = format!("{error} {description}").to_ascii_lowercase();
    let complaints = ["redirect_uri", "redirect uri", "redirecturi", "reply url", "reply address"];
    complaints.iter().any(|complaint| words.contains(complaint))
}

/// The rule that a token breaks (OpenID Connect Core §3.1.3.7, RFC 7515, RFC 8725).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::login) enum TokenFault {
    /// It is no token of the provider's at all.
    #[error(transparent)]
    Signed(#[from] JwsFault),
    /// `iss` is not exactly the provider's.
    #[error("issuer")]
    Issuer,
    /// `aud` does not name us, or names others too without `azp`.
    #[error("audience")]
    Audience,
    /// `azp` is somebody else.
    #[error("authorized party")]
    AuthorizedParty,
    /// `exp` is missing or has passed.
    #[error("expired")]
    Expired,
    /// `iat` is missing, in the future, or long ago.
    #[error("issued at another time")]
    IssuedAt,
    /// `nbf` lies in the future.
    #[error("not valid yet")]
    NotYet,
    /// `nonce` is missing or another one's.
    #[error("nonce")]
    Nonce,
    /// `sub` is missing, empty, too long or not ASCII.
    #[error("subject")]
    Subject,
    /// `auth_time` of a refreshed token is older than it was.
    #[error("older sign-in")]
    AuthenticatedAt,
    /// A logout token's `events` does not say that it is one, or it has a `nonce`.
    #[error("no logout token")]
    Event,
    /// A logout token names neither session nor person, or one of them badly.
    #[error("nobody to sign out")]
    Session,
    /// A logout token has no `jti`.
    #[error("identifier")]
    Identifier,
    /// `c_hash` or `at_hash` is wrong, or missing where it must be.
    #[error("hash")]
    Hash,
    /// It is no access token.
    #[error("no access token")]
    NoAccess,
    /// It is bound to a key that a bearer does not show.
    #[error("bound to a key")]
    Bound,
    /// The two ID tokens of the hybrid flow speak of different people.
    #[error("two different tokens")]
    Contradiction,
}
