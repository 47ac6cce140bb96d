//! What the page "Access" answers: the engine of `vestibule explain`, for claims, an ID token, or
//! somebody who is known already.

use std::sync::Arc;

use http::HeaderName;

use crate::admin::Admin;
use crate::admin::access::question::Question;
use crate::admin::access::question::Said;
use crate::admin::access::remarks;
use crate::admin::access::settled::Settled;
use crate::claims::ClaimSet;
use crate::config::model::Config;
use crate::config::model::ProviderState;
use crate::config::model::Site;
use crate::error::Problem;
use crate::gate::access::Decision;
use crate::gate::explain;
use crate::gate::explain::Ending;
use crate::gate::explain::Passage;
use crate::gate::explain::Place;
use crate::gate::explain::SignIn;
use crate::gate::explain::claims;
use crate::gate::explain::claims::ShownClaim;
use crate::gate::explain::text;
use crate::login::Login;
use crate::login::Signature;
use crate::session::Identity;
use crate::session::Visit;
use crate::store::accounts::Account;
use crate::users::User;
use crate::users::local;
use crate::users::persistent;

/// An answer.
pub(super) struct Told {
    /// Where it is.
    pub(super) place: Place,
    /// What is to be thought of a pasted token.
    pub(super) signature: Option<Signature>,
    /// What a sign-in would make of claims.
    pub(super) sign_in: Option<SignIn>,
    /// What is known of somebody who is no guess.
    pub(super) remarks: Vec<String>,
    /// Why nobody comes of it.
    pub(super) nobody: Option<String>,
    /// Who comes of it.
    pub(super) person: Option<Person>,
    /// The same as `vestibule explain` prints it.
    pub(super) text: Option<String>,
}

/// Somebody, and what the site makes of them.
pub(super) struct Person {
    /// The user.
    pub(super) user: User,
    /// Each role and where it came from.
    pub(super) roles: Vec<(String, String)>,
    /// What becomes of a request for the address.
    pub(super) passage: Option<Passage>,
    /// The headers for the CMS.
    pub(super) headers: Vec<(String, String)>,
    /// The header with the assertion, and its life in seconds.
    pub(super) assertion: Option<(HeaderName, u64)>,
}

impl Admin {
    /// Answers, or says why there is no answer.
    pub(super) async fn explain(
        &self,
        visit: &Visit,
        login: &Login,
        question: &Question,
    ) -> Result<Result<Told, String>, Problem> {
        let named = |text: &'_ str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let (site, url) = (named(&question.site), named(&question.url));
        let place = match explain::place(&visit.config, site.as_deref(), url.as_deref()) {
            Ok(place) => place,
            Err(why) => return Ok(Err(remarks::words(&why))),
        };
        let Some(site) = place.site.clone() else {
            return Ok(Ok(Told::nowhere(place)));
        };
        if question.said.is_empty() {
            return self.somebody(visit, &question.user, (place, &site)).await;
        }
        self.claimed(visit, login, question, (place, &site)).await
    }

    /// Somebody of whom a provider says what was pasted.
    async fn claimed(
        &self,
        visit: &Visit,
        login: &Login,
        question: &Question,
        (place, site): (Place, &Arc<Site>),
    ) -> Result<Result<Told, String>, Problem> {
        let config = &visit.config;
        let provider = match explain::provider(config, &question.provider) {
            Ok(provider) => provider,
            Err(why) => return Ok(Err(remarks::words(&why))),
        };
        let (said, signature) = match question.said() {
            Ok(Said::Claims(claims)) => (claims, None),
            Ok(Said::Token(token)) => {
                match login.inspect(provider, token, visit.exchange.now).await {
                    Ok(shown) => (shown.claims, Some(shown.signature)),
                    Err(_) => return Ok(Err(NO_TOKEN.to_owned())),
                }
            }
            Err(why) => return Ok(Err(why)),
        };
        let mut sign_in = explain::sign_in(config, site, provider, &said);
        let text = Some(as_text(config, (&place, site), &sign_in));
        let mut told = Told { signature, text, ..Told::at(place) };
        match &mut sign_in.ending {
            Ending::Released => told.nobody = Some(RELEASED.to_owned()),
            Ending::NoUser(refusal) => told.nobody = Some(format!("No user: {refusal}.")),
            Ending::User(identity) => {
                let said = persistent::vouched_for(provider, &said);
                match self.settle(visit, (site, provider), identity, said).await? {
                    Settled::Out(why) => told.nobody = Some(why),
                    Settled::In(account, remark) => {
                        told.remarks.extend(remark);
                        let at = (&told.place, &**site);
                        told.person = Some(person(config, at, identity, account.as_deref()));
                    }
                }
            }
        }
        told.sign_in = Some(sign_in);
        Ok(Ok(told))
    }

    /// Somebody who is signed in, or else is kept.
    async fn somebody(
        &self,
        visit: &Visit,
        name: &str,
        (place, site): (Place, &Arc<Site>),
    ) -> Result<Result<Told, String>, Problem> {
        let config = &visit.config;
        let account = self.parts.accounts.find(name).await?;
        let sessions = self.parts.sessions.of_user(name);
        let session = sessions.iter().max_by_key(|session| session.began_at);
        let identity = match (session, &account) {
            (Some(session), _) => session.identity.clone(),
            (None, Some(account)) => of_account(site, account),
            (None, None) => {
                let name = claims::shown(name);
                return Ok(Err(format!("Nobody called {name} is signed in or kept here.")));
            }
        };
        let mut told = Told::at(place);
        told.remarks.extend(account.as_ref().map(remarks::remark_on));
        told.remarks
            .extend(session.map(|session| remarks::remark_on_session(session, sessions.len())));
        told.remarks.extend(remarks::mapping(site, &identity));
        told.person = Some(person(config, (&told.place, site), &identity, account.as_ref()));
        Ok(Ok(told))
    }
}

const NO_TOKEN: &str = "What was pasted is neither a JSON object of claims nor an ID token.";

const RELEASED: &str =
    "The identity server keeps these claims, and releases those that the scopes of a client name.";

impl Told {
    fn at(place: Place) -> Self {
        let (signature, sign_in, nobody, person, text) = (None, None, None, None, None);
        Self { place, signature, sign_in, remarks: Vec::new(), nobody, person, text }
    }

    fn nowhere(place: Place) -> Self {
        let nobody = Some(format!("{}.", explain::Unexplained::NoMatch));
        Self { nobody, ..Self::at(place) }
    }

    /// The provider's state, in words.
    pub(super) fn state(sign_in: &SignIn) -> String {
        match &sign_in.provider.state {
            ProviderState::Enabled => "enabled".to_owned(),
            ProviderState::Off => "switched off".to_owned(),
            ProviderState::Broken(why) => format!("off: {why}"),
        }
    }

    /// The claims as they come in.
    pub(super) fn inbound(sign_in: &SignIn) -> Vec<ShownClaim> {
        claims::list(&sign_in.inbound)
    }
}

impl Person {
    /// What becomes of a request, in words.
    pub(super) fn decision(passage: &Passage) -> String {
        match &passage.decision {
            Decision::Allow { .. } => "may open it".to_owned(),
            Decision::Login => "must sign in first".to_owned(),
            Decision::Forbid { rule } => format!("may not open it: {rule}"),
        }
    }
}

fn as_text(config: &Config, (place, site): (&Place, &Site), sign_in: &SignIn) -> String {
    let mut out = Vec::new();
    let written = text::place(place, &mut out)
        .and_then(|()| text::sign_in(config, (place, site), sign_in, &mut out));
    // Memory takes whatever is written to it.
    debug_assert!(written.is_ok());
    String::from_utf8_lossy(&out).into_owned()
}

fn person(
    config: &Config,
    (place, site): (&Place, &Site),
    identity: &Identity,
    account: Option<&Account>,
) -> Person {
    let user = &identity.user;
    let passage = place.address.as_ref();
    let passage = passage.map(|address| explain::passage(config, site, &address.path, Some(user)));
    let headers = explain::headers(config, identity);
    let value = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let settings = &config.identity_headers;
    let assertion =
        settings.assertion.clone().map(|name| (name, settings.assertion_lifetime.as_secs()));
    let role = |role: &String| (claims::shown(role), remarks::whence(role, identity, account));
    Person {
        user: user.clone(),
        roles: user.roles.iter().map(role).collect(),
        passage,
        headers: headers.iter().map(|(name, text)| (name.to_string(), value(text))).collect(),
        assertion,
    }
}

/// An account as its last sign-in left it.
fn of_account(site: &Site, account: &Account) -> Identity {
    let last = account.last_sign_in.clone().unwrap_or_default();
    let mut roles = account.roles.clone();
    let given = last.roles.iter().map(|given| given.role.clone());
    roles.extend(given.filter(|role| !account.has_role(role)));
    let user = User {
        name: account.name.clone(),
        properties: account.properties.clone(),
        roles,
        is_administrator: account.administrator,
    };
    let provider = if last.provider.is_empty() { local::PROVIDER } else { &last.provider };
    Identity {
        given_roles: last.roles.clone(),
        persistent: true,
        ..explain::identity(site, provider.into(), String::new(), user, ClaimSet::default())
    }
}
