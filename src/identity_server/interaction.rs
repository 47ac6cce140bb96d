//! What must happen before a request can be answered (IdentityServer4's order of rules).

use std::time::Duration;

use crate::clock::Timestamp;
use crate::config::model::identity_server::Client;
use crate::identity_server::person::LOCAL;
use crate::identity_server::person::Person;
use crate::identity_server::request::AuthorizationRequest;
use crate::identity_server::request_details::may_use;

/// The next step of an authorization request.
#[derive(Debug)]
pub(super) enum Step {
    /// Answer it for this person.
    Answer(Person),
    /// Somebody must sign in.
    SignIn,
    /// Tell the client that it cannot be.
    Refuse(&'static str, &'static str),
}

/// What is known of a sign-in that this very request has asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SignedIn {
    /// Nothing: the request comes from the client.
    Unknown,
    /// A session began after the request, on proof that is older than it.
    OnOldProof,
    /// A session began after the request, and the person proved who they are for it.
    Anew,
    /// The person would not sign in.
    Cancelled,
}

/// Decides.
pub(super) fn next(
    request: &AuthorizationRequest,
    person: Option<Person>,
    signed_in: SignedIn,
    now: Timestamp,
) -> Step {
    let details = &request.details;
    if signed_in == SignedIn::Cancelled {
        return Step::Refuse("access_denied", "the person cancelled the sign-in");
    }
    let fitting = person.filter(|person| fits(request, person, signed_in, now));
    match fitting {
        Some(person) => Step::Answer(person),
        None if details.silent => Step::Refuse("login_required", "nobody suitable is signed in"),
        None => match signed_in {
            SignedIn::Unknown => Step::SignIn,
            // Asking once more would go round in circles.
            SignedIn::OnOldProof | SignedIn::Anew | SignedIn::Cancelled => {
                Step::Refuse("login_required", "the sign-in was not the one asked for")
            }
        },
    }
}

/// Rules 2 to 8 of IdentityServer4's interaction: a sign-in is asked for unless all of them hold.
fn fits(
    request: &AuthorizationRequest,
    person: &Person,
    signed_in: SignedIn,
    now: Timestamp,
) -> bool {
    let details = &request.details;
    let age = now.since(person.authenticated_at);
    let young = |most: Duration| !most.is_zero() && age <= most;
    let new_enough = signed_in == SignedIn::Anew
        || !details.sign_in_anew
            && details.max_age.is_none_or(young)
            && request.client.user_sso_lifetime.is_none_or(young);
    // An answer to `max_age` says when the person proved who they are (OpenID Connect Core §2).
    let tells_when = details.max_age.is_none() || !person.time_assumed;
    let provider = details.idp.as_ref().is_none_or(|idp| *idp == person.idp);
    let subject = details.subject.as_ref().is_none_or(|subject| *subject == person.subject);
    new_enough && tells_when && provider && subject && admits(&request.client, person)
}

/// Whether the client takes people who signed in as this person did.
pub(super) fn admits(client: &Client, person: &Person) -> bool {
    match person.idp.as_str() {
        LOCAL => client.local_login,
        external => may_use(client, external),
    }
}
