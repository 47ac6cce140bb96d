//! Why a sign-in did not succeed: the closed set behind metrics, audit lines and error pages.

use http::StatusCode;

use crate::error::Problem;
use crate::store::StoreError;
use crate::users::builder;
use crate::users::persistent;

/// Why a sign-in did not succeed. [`Reason::label`] is what metrics and the audit trail say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// `provider_down`: the provider cannot be reached, or answers neither in time nor properly.
    ProviderDown,
    /// `provider_metadata`: its discovery document is wrong, or names another issuer.
    ProviderMetadata,
    /// `cancelled`: the person said no at the provider (`access_denied`).
    Cancelled,
    /// `provider_refused`: the provider answered with another error.
    ProviderRefused,
    /// `redirect_address`: the provider does not know our redirect address.
    RedirectAddress,
    /// `client_refused`: the provider does not accept our client id or secret.
    ClientRefused,
    /// `code_refused`: the token endpoint did not take the authorization code.
    CodeRefused,
    /// `response_malformed`: the authorization response lacks something, or contradicts itself.
    ResponseMalformed,
    /// `issuer_mismatch`: the response comes from another issuer than was asked (RFC 9207).
    IssuerMismatch,
    /// `token_invalid`: the ID token breaks a rule; the log says which.
    TokenInvalid,
    /// `userinfo_invalid`: the userinfo answer is malformed, or speaks of somebody else.
    UserinfoInvalid,
    /// `other_provider`: the person signed in at another inner provider than was asked for.
    OtherProvider,
    /// `other_organisation`: the person's tenant or domain is none of those that are admitted.
    OtherOrganisation,
    /// `state_unknown`: the response belongs to no sign-in that was started here.
    StateUnknown,
    /// `state_expired`: the sign-in was started more than ten minutes ago.
    StateExpired,
    /// `state_used`: the response has been used already.
    StateUsed,
    /// `state_restarted`: the gateway was restarted since the sign-in was started.
    StateRestarted,
    /// `state_other_browser`: another browser started it, or this one sends no cookies.
    StateOtherBrowser,
    /// `state_changed`: the configuration of its provider has changed since it was started.
    StateChanged,
    /// `not_mapped`: the provider is unknown, switched off, or not mapped to the site.
    NotMapped,
    /// `session_over`: the provider's session is over already (`cookieExp` lies in the past).
    SessionOver,
    /// `no_subject`, `no_idp_claim`, `no_domain` …: the claims make no user.
    NoUser(builder::Refusal),
    /// `user_disabled`, `role_missing`, `email_taken` …: the user is not let in.
    NotKept(persistent::Refusal),
    /// `store_down`: the users cannot be looked up; the sign-in can be repeated.
    StoreDown,
    /// `too_many_sessions`: there may be no more, and the person let none of them end.
    TooManySessions,
    /// `question_over`: what was asked on the way has been answered, or is too old, or another
    /// browser's.
    QuestionOver,
    /// `question_changed`: the account has changed since the question about it was asked.
    QuestionChanged,
    /// `proof_too_old`: an account would have got one more way to sign in, and it is too long ago that
    /// its person proved who they are.
    ProofTooOld,
    /// `unmapped_client`: a program's own token, and no transformation says which user that is.
    UnmappedClient,
    /// `wrong_password`: no such user, or another password; nobody is told which.
    WrongPassword,
    /// `user_disabled`: the right password of a user that is switched off.
    UserDisabled,
    /// `user_locked`: the right password of a user whose password is not taken.
    UserLocked,
    /// `throttled`: too many wrong passwords.
    Throttled,
    /// `form_expired`: the form was not ours, or has been open for too long.
    FormExpired,
    /// `form_foreign`: the form was posted by a browser to which none was shown.
    FormForeign,
}

impl Reason {
    /// The reason as a label: one of a closed set.
    pub const fn label(&self) -> &'static str {
        match self {
            Self::ProviderDown => "provider_down",
            Self::ProviderMetadata => "provider_metadata",
            Self::Cancelled => "cancelled",
            Self::ProviderRefused => "provider_refused",
            Self::RedirectAddress => "redirect_address",
            Self::ClientRefused => "client_refused",
            Self::CodeRefused => "code_refused",
            Self::ResponseMalformed => "response_malformed",
            Self::IssuerMismatch => "issuer_mismatch",
            Self::TokenInvalid => "token_invalid",
            Self::UserinfoInvalid => "userinfo_invalid",
            Self::OtherProvider => "other_provider",
            Self::OtherOrganisation => "other_organisation",
            Self::StateUnknown => "state_unknown",
            Self::StateExpired => "state_expired",
            Self::StateUsed => "state_used",
            Self::StateRestarted => "state_restarted",
            Self::StateOtherBrowser => "state_other_browser",
            Self::StateChanged => "state_changed",
            Self::NotMapped => "not_mapped",
            Self::SessionOver => "session_over",
            Self::NoUser(refusal) => refusal.reason(),
            Self::NotKept(refusal) => refusal.reason(),
            Self::StoreDown => "store_down",
            Self::TooManySessions => "too_many_sessions",
            Self::QuestionOver => "question_over",
            Self::QuestionChanged => "question_changed",
            Self::ProofTooOld => "proof_too_old",
            Self::UnmappedClient => "unmapped_client",
            Self::WrongPassword => "wrong_password",
            Self::UserDisabled => "user_disabled",
            Self::UserLocked => "user_locked",
            Self::Throttled => "throttled",
            Self::FormExpired => "form_expired",
            Self::FormForeign => "form_foreign",
        }
    }

    /// Whose fault it is, as a status: the gateway's peer (502), the person's rights (403), or the
    /// request (400, 401, 429).
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::ProviderDown
            | Self::ProviderMetadata
            | Self::ProviderRefused
            | Self::RedirectAddress
            | Self::ClientRefused
            | Self::CodeRefused
            | Self::TokenInvalid
            | Self::UserinfoInvalid
            | Self::SessionOver => StatusCode::BAD_GATEWAY,
            Self::Cancelled
            | Self::OtherProvider
            | Self::OtherOrganisation
            | Self::NoUser(_)
            | Self::NotKept(_)
            | Self::TooManySessions
            | Self::ProofTooOld
            | Self::UserDisabled
            | Self::UserLocked
            | Self::UnmappedClient => StatusCode::FORBIDDEN,
            Self::StoreDown => StatusCode::SERVICE_UNAVAILABLE,
            Self::NotMapped => StatusCode::NOT_FOUND,
            Self::WrongPassword => StatusCode::UNAUTHORIZED,
            Self::Throttled => StatusCode::TOO_MANY_REQUESTS,
            Self::ResponseMalformed
            | Self::IssuerMismatch
            | Self::StateUnknown
            | Self::StateExpired
            | Self::StateUsed
            | Self::StateRestarted
            | Self::StateOtherBrowser
            | Self::StateChanged
            | Self::QuestionOver
            | Self::QuestionChanged
            | Self::FormExpired
            | Self::FormForeign => StatusCode::BAD_REQUEST,
        }
    }

    /// What happened and what to do, for the person in front of the browser. `provider` is the
    /// provider's name, empty when it is not known. Not its caption: that is a button's text, such
    /// as `Go to login`.
    #[expect(clippy::too_many_lines, reason = "a line for each reason")]
    pub fn detail(&self, provider: &str) -> String {
        let provider = if provider.is_empty() { "The identity provider" } else { provider };
        let text = match self {
            Self::ProviderDown => {
                "{} cannot be reached at the moment. Try again in a few minutes, or choose another way to sign in."
            }
            Self::ProviderMetadata => {
                "{} does not describe itself as it is configured here. Its issuer, or the authority in conf/, has to be put right by the site's owner."
            }
            Self::Cancelled => "The sign-in was cancelled at {}.",
            Self::ProviderRefused => {
                "{} refused the sign-in. Try again; if it lasts, tell the site's owner the request id below."
            }
            Self::RedirectAddress => {
                "{} does not know the address it is to come back to. The site's owner registers these addresses there:"
            }
            Self::ClientRefused => {
                "{} does not accept this gateway's client id or secret. The site's owner has to put the connection in conf/ right."
            }
            Self::CodeRefused => "{} did not redeem the sign-in. Start again.",
            Self::ResponseMalformed => "The answer of {} cannot be understood. Start again.",
            Self::IssuerMismatch => {
                "The answer does not come from {}. Nobody has been signed in; start again."
            }
            Self::TokenInvalid => {
                "What {} says of you cannot be verified. Nobody has been signed in; tell the site's owner the request id below."
            }
            Self::UserinfoInvalid => {
                "{} gave contradictory answers about you. Nobody has been signed in; tell the site's owner the request id below."
            }
            Self::OtherProvider => {
                "{} signed you in in another way than this site asks for. Sign out there and start again."
            }
            Self::OtherOrganisation => {
                "The account that you chose at {} is not one of the organisations that may sign in here. Start again with your work account."
            }
            Self::StateUnknown => {
                "This answer belongs to no sign-in that was started here. Start again."
            }
            Self::StateExpired => "This sign-in took longer than ten minutes. Start again.",
            Self::StateUsed => "This sign-in has been completed already. Start again.",
            Self::StateRestarted => {
                "The gateway was restarted while you were signing in. Start again."
            }
            Self::StateOtherBrowser => {
                "This sign-in was started in another browser, or this browser keeps no cookies of this site. Allow them and start again."
            }
            Self::StateChanged => {
                "The connection to {} was changed while you were signing in. Start again."
            }
            Self::NotMapped => {
                "{} is not mapped to this site. The site's owner adds it to a mapEntry under federatedAuthentication/identityProvidersPerSites, and switches it on."
            }
            Self::SessionOver => {
                "Your session at {} is over already. Sign out there, or check the clocks, and start again."
            }
            Self::NoUser(refusal) => {
                return format!("{provider} knows you, but that makes no user here: {refusal}.");
            }
            Self::NotKept(refusal) => not_kept(*refusal),
            Self::StoreDown => {
                "The users of this site cannot be looked up at the moment. Try again in a few minutes."
            }
            Self::TooManySessions => {
                "As many sessions are open as there may be. Sign out where you do not need one any more, and try again."
            }
            Self::QuestionOver => {
                "This question has been answered already, or is too old. Start again."
            }
            Self::QuestionChanged => {
                "The account has changed since you were asked about it. Start again."
            }
            Self::ProofTooOld => {
                "It is too long ago that you signed in to your account. Sign in to it once more, and then with {}."
            }
            Self::UnmappedClient => {
                "The token is a program's own, and no transformation of {} says which user that is. The site's owner adds one whose source is its client_id and whose target is a name."
            }
            Self::WrongPassword => "The name or the password is not right.",
            Self::UserDisabled => {
                "This account has been switched off. Ask those who run this site."
            }
            Self::UserLocked => {
                "The password of this account is locked. Ask those who run this site."
            }
            Self::Throttled => "Too many wrong passwords. Wait a little and try again.",
            Self::FormForeign => {
                "This form was not opened in this browser, or this browser keeps no cookies of this site. Allow them and sign in again."
            }
            Self::FormExpired => "This page has been open for too long. Sign in again.",
        };
        text.replace("{}", provider)
    }

    /// The failure that people see. `retry` is a path on this host.
    pub fn problem(&self, provider: &str, retry: Option<String>) -> Problem {
        Problem::SignInFailed {
            status: self.status(),
            reason: self.label(),
            detail: self.detail(provider),
            provider: Some(provider.to_owned()),
            retry,
        }
    }
}

/// Why a user that is kept is not let in.
const fn not_kept(refusal: persistent::Refusal) -> &'static str {
    match refusal {
        persistent::Refusal::Disabled => {
            "This account has been switched off. Ask those who run this site."
        }
        persistent::Refusal::NoRole => {
            "{} knows you, but you hold none of the roles that this site asks for. Ask its owner for one, and start again."
        }
        persistent::Refusal::EmailTaken => {
            "The e-mail address that {} gives for you belongs to another account here. Sign in the way you usually do, or ask the site's owner."
        }
        persistent::Refusal::NameTaken => {
            "The user name that {} gives for you belongs to another account here. Tell the site's owner the request id below."
        }
        persistent::Refusal::OtherIssuer => {
            "{} is not the provider any more that your account here was made with. Tell the site's owner the request id below."
        }
        persistent::Refusal::Unlinked => {
            "Your sign-in with {} does not belong to this account any more. Start again."
        }
    }
}

impl From<persistent::Failure> for Reason {
    fn from(failure: persistent::Failure) -> Self {
        match failure {
            persistent::Failure::Refused(refusal) => Self::NotKept(refusal),
            persistent::Failure::NoUser(refusal) => Self::NoUser(refusal),
            persistent::Failure::Store(error) => Self::from(error),
        }
    }
}

impl From<StoreError> for Reason {
    fn from(error: StoreError) -> Self {
        tracing::error!(error = ?error, "store");
        Self::StoreDown
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::Look;
    use crate::pages::problem_detail;

    #[test]
    fn pages_and_programs_are_told_the_same() {
        for reason in [
            Reason::ProviderDown,
            Reason::ProviderMetadata,
            Reason::Cancelled,
            Reason::ProviderRefused,
            Reason::ClientRefused,
            Reason::CodeRefused,
            Reason::ResponseMalformed,
            Reason::IssuerMismatch,
            Reason::TokenInvalid,
            Reason::UserinfoInvalid,
            Reason::OtherProvider,
            Reason::OtherOrganisation,
            Reason::StateUnknown,
            Reason::StateExpired,
            Reason::StateUsed,
            Reason::StateRestarted,
            Reason::StateOtherBrowser,
            Reason::StateChanged,
            Reason::NotMapped,
            Reason::SessionOver,
            Reason::FormForeign,
            Reason::NotKept(persistent::Refusal::Disabled),
            Reason::NotKept(persistent::Refusal::NoRole),
            Reason::NotKept(persistent::Refusal::EmailTaken),
            Reason::NotKept(persistent::Refusal::NameTaken),
            Reason::NotKept(persistent::Refusal::OtherIssuer),
            Reason::NotKept(persistent::Refusal::Unlinked),
            Reason::StoreDown,
            Reason::TooManySessions,
            Reason::QuestionOver,
            Reason::QuestionChanged,
            Reason::ProofTooOld,
        ] {
            for provider in ["Azure AD", ""] {
                let problem = reason.problem(provider, None);
                let page = problem_detail(&problem, &Look::default());
                assert_eq!(page.as_deref(), Some(&*reason.detail(provider)), "{reason:?}");
            }
        }
    }
}
