//! Asking the person what is to come of a proved sign-in, and going on with the answer.

use std::sync::Arc;

use crate::claims::types;
use crate::clock::Timestamp;
use crate::config::model::Config;
use crate::config::model::Provider;
use crate::config::model::Site;
use crate::error::Problem;
use crate::http::Response;
use crate::http::ReturnPath;
use crate::http::form::Form;
use crate::login::Login;
use crate::login::Outcome;
use crate::login::Reason;
use crate::login::browser::Browser;
use crate::login::endpoint;
use crate::login::finish::Arrival;
use crate::login::finish::Identified;
use crate::login::held::Held;
use crate::login::held::Question;
use crate::login::kept;
use crate::login::kept::Settled;
use crate::login::kept::Venue;
use crate::login::links;
use crate::login::outcome::About;
use crate::login::place;
use crate::pages;
use crate::pages::Asked;
use crate::pages::Look;
use crate::session::Full;
use crate::session::Identity;
use crate::session::Session;
use crate::session::SessionId;
use crate::session::Visit;
use crate::store::StoreError;
use crate::users::local;
use crate::users::persistent::Beside;
use crate::users::persistent::Persistent;
use crate::users::persistent::Target;

/// A sign-in about which the person is to be asked something.
pub(super) struct Waiting<'a> {
    /// The site that is signed in to.
    pub site: &'a Site,
    /// The authentication source.
    pub source: &'a str,
    /// Where to go.
    pub return_path: ReturnPath,
    /// The session that it takes the place of.
    pub replaces: Option<SessionId>,
    /// Who it is.
    pub identified: Identified,
}

/// What the buttons of the pages say.
const SAME: &str = "same";
const OWN: &str = "own";
const TAKE_OVER: &str = "take-over";
const CANCEL: &str = "cancel";

impl Login {
    /// Lets somebody in, or asks whether the oldest session is to end for it.
    ///
    /// # Errors
    ///
    /// The page of what failed.
    pub(super) async fn enter(
        &self,
        visit: &Visit,
        about: About<'_>,
        arrival: Arrival<'_>,
    ) -> Result<Outcome, Problem> {
        let (arrival, full) = match self.arrive(visit, about, arrival) {
            Ok(entered) => return Ok(Outcome::Entered(entered)),
            Err(full) => *full,
        };
        let target = match self.target(visit, &arrival.identity).await {
            Ok(target) => target,
            Err(error) => {
                return Err(self.refuse(about, &error.into(), None, &visit.exchange));
            }
        };
        let Full { oldest } = full;
        let asked = Asked::Room { provider: caption(visit, &oldest), since: oldest.began_at };
        let Arrival { site, source, return_path, identity, replaces, .. } = arrival;
        let identified = Identified { identity, address: None };
        let waiting = Waiting { site, source, return_path, replaces, identified };
        Ok(Outcome::Answer(self.ask_about(visit, waiting, Question::Room(target), asked)))
    }

    /// The account of whoever is to be let in, where the user has one. A user of the configuration has
    /// none, and is let in while the store is down.
    async fn target(
        &self,
        visit: &Visit,
        identity: &Identity,
    ) -> Result<Option<Target>, StoreError> {
        if is_configured(visit, identity) {
            return Ok(None);
        }
        Persistent(&self.parts.accounts).target(&identity.user.name).await
    }

    /// Asks whether an identity is one more way to sign in as the user of `session`.
    pub(super) fn ask_whose(
        &self,
        visit: &Visit,
        waiting: Waiting<'_>,
        target: Target,
        session: &Session,
    ) -> Response {
        let user = &session.identity.user;
        let full_name = user.property("FullName").filter(|name| !name.trim().is_empty());
        let asked = Asked::Whose {
            user: full_name.unwrap_or(&user.name).to_owned(),
            provider: waiting.identified.identity.provider.to_string(),
            identity: known_as(&waiting.identified.identity),
        };
        self.ask_about(visit, waiting, Question::Whose(target, session.id), asked)
    }

    fn ask_about(
        &self,
        visit: &Visit,
        waiting: Waiting<'_>,
        question: Question,
        asked: Asked,
    ) -> Response {
        let exchange = &visit.exchange;
        let browser = Browser::of(exchange);
        let Waiting { site, source, return_path, replaces, identified } = waiting;
        let held = Held {
            browser: browser.digest().to_owned(),
            site: Arc::clone(&site.name),
            source: source.to_owned(),
            return_path,
            replaces,
            identified,
            question,
        };
        let token = self.held.keep(held, exchange.now);
        let (same, other) = match asked {
            Asked::Whose { .. } => (SAME, OWN),
            Asked::Room { .. } => (TAKE_OVER, CANCEL),
        };
        let mut response = pages::question(&pages::Question {
            look: &Look::of(&visit.config, site, exchange),
            asked,
            action: &links::go_on(&visit.config, site),
            token: &token,
            answers: (same, other),
            request: &exchange.id,
        });
        browser.remember(&mut response);
        response
    }

    /// `POST /identity/continue`: the answer.
    pub(super) async fn go_on(&self, visit: &Visit) -> Result<Outcome, Problem> {
        let exchange = &visit.exchange;
        let form = exchange.form()?;
        self.count_attempt(visit)?;
        let browser = Browser::known(exchange).unwrap_or_default();
        let token = form.get("token").unwrap_or_default();
        let held = self.held.take(token, &browser, exchange.now);
        let place = held.and_then(|held| Some((place::reachable(visit, &held.site)?, held)));
        let Some((site, held)) = place else {
            let about = About::unknown(&visit.site);
            let again = links::sign_in(visit, &visit.site);
            return Err(self.refuse(about, &Reason::QuestionOver, Some(again), exchange));
        };
        let provider = Arc::clone(&held.identified.identity.provider);
        let about = About { site: &site.name, provider: &provider };
        let again = match place::provider(&visit.config, site, &provider) {
            Some(_) => links::start(&visit.config, site, &provider, None, &held.return_path),
            None => links::sign_in(visit, site),
        };
        let prove = self.prove_anew(visit, site, &held);
        match self.answered(visit, site, *held, &form).await {
            Ok(arrival) => {
                let mut outcome = self.enter(visit, about, arrival).await?;
                if let Outcome::Entered(entered) = &mut outcome {
                    Browser::forget(&mut entered.answer);
                }
                Ok(outcome)
            }
            Err(reason) => {
                let stale = reason == Reason::ProofTooOld;
                let again = prove.filter(|_| stale).unwrap_or(again);
                Err(self.refuse(about, &reason, Some(again), exchange))
            }
        }
    }

    /// Where whoever is signed in beside a new identity proves once more who they are.
    fn prove_anew(&self, visit: &Visit, site: &Site, held: &Held) -> Option<String> {
        let Question::Whose(_, session) = &held.question else { return None };
        let identity = &self.parts.sessions.live(session)?.identity;
        Some(links::sign_in_anew(&visit.config, site, identity, &held.return_path))
    }

    /// What comes of an answer. All that the question was about is looked at again: what has changed
    /// in the meantime counts.
    async fn answered<'a>(
        &self,
        visit: &Visit,
        site: &'a Arc<Site>,
        held: Held,
        form: &Form,
    ) -> Result<Arrival<'a>, Reason> {
        let Held { source, return_path, replaces, identified, question, .. } = held;
        let answer = form.get("answer").unwrap_or_default();
        let (identity, takes_over) = match question {
            Question::Whose(target, session) => {
                let whose = self.whose(&target, (session, visit.exchange.now), answer).await?;
                (self.settle_again(visit, site, identified, whose).await?, false)
            }
            Question::Room(_) if answer != TAKE_OVER => return Err(Reason::TooManySessions),
            Question::Room(target) => {
                (self.still_the_same(visit, site, identified, target).await?, true)
            }
        };
        let return_path = endpoint::return_path(&visit.config, site, return_path.as_str());
        Ok(Arrival {
            site,
            source: place::source(site, &source).unwrap_or_default(),
            return_path: return_path.unwrap_or_else(|| endpoint::start_page(site)),
            identity,
            replaces,
            takes_over,
        })
    }

    /// Whose the identity is to be: what the person said counts as long as they are still signed in
    /// as that user, proved it not long ago, and the account is what it was.
    async fn whose<'t>(
        &self,
        target: &'t Target,
        (session, now): (SessionId, Timestamp),
        answer: &str,
    ) -> Result<Beside<'t>, Reason> {
        match answer {
            OWN => return Ok(Beside::Nobody),
            SAME => {}
            _ => return Err(Reason::QuestionOver),
        }
        let session = self.parts.sessions.live(&session).filter(|session| {
            session.identity.persistent && session.identity.user.name == target.name
        });
        let session = session.ok_or(Reason::QuestionChanged)?;
        if !Persistent(&self.parts.accounts).still_stands(target).await? {
            return Err(Reason::QuestionChanged);
        }
        if !kept::is_fresh(&session, now) {
            return Err(Reason::ProofTooOld);
        }
        Ok(Beside::Attach(&target.name))
    }

    async fn settle_again(
        &self,
        visit: &Visit,
        site: &Site,
        identified: Identified,
        beside: Beside<'_>,
    ) -> Result<Identity, Reason> {
        let provider =
            vouching(&visit.config, site, &identified.identity).ok_or(Reason::NotMapped)?;
        let (config, now) = (&visit.config, visit.exchange.now);
        // Who wants an account of their own does not get another one by its address.
        let address = None;
        let identified = Identified { address, ..identified };
        match (Venue { config, site, provider, now })
            .settle(&self.parts.accounts, identified, beside)
            .await?
        {
            Settled::In(identity) => Ok(identity),
            Settled::Ask(..) => Err(Reason::QuestionOver),
        }
    }

    /// Somebody who was to be let in, if they would still be.
    async fn still_the_same(
        &self,
        visit: &Visit,
        site: &Site,
        identified: Identified,
        target: Option<Target>,
    ) -> Result<Identity, Reason> {
        let identity = identified.identity;
        let local = &*identity.provider == local::PROVIDER;
        if !local && vouching(&visit.config, site, &identity).is_none() {
            return Err(Reason::NotMapped);
        }
        let stands = match target {
            Some(target) => Persistent(&self.parts.accounts).still_stands(&target).await?,
            None => self.target(visit, &identity).await?.is_none(),
        };
        if stands { Ok(identity) } else { Err(Reason::QuestionChanged) }
    }
}

/// The provider that `identity` came from, while it can be used at `site` and is whom it was.
pub(super) fn vouching<'c>(
    config: &'c Config,
    site: &'c Site,
    identity: &Identity,
) -> Option<&'c Arc<Provider>> {
    let provider = place::provider(config, site, &identity.provider)?;
    (provider.issuer() == identity.issuer.as_deref()).then_some(provider)
}

/// Whether a local user is the configuration's.
fn is_configured(visit: &Visit, identity: &Identity) -> bool {
    let local = *identity.provider == *local::PROVIDER && !identity.persistent;
    local && local::configured(&visit.config, &identity.user.name).is_some()
}

/// Whom the provider of a new identity calls it: name, address and subject, by which people tell
/// their own from an attacker's.
fn known_as(identity: &Identity) -> String {
    let claim = |kinds: [&str; 2]| kinds.into_iter().find_map(|kind| identity.claims.first(kind));
    let name = identity.user.property("FullName").or_else(|| claim(["name", types::NAME]));
    let email = identity.user.property("Email").or_else(|| claim(["email", types::EMAIL]));
    let mut said: Vec<String> = Vec::new();
    for text in [name, email, Some(identity.subject.as_str())].into_iter().flatten() {
        let clean = text.chars().filter(|c| !c.is_control()).take(LONGEST).collect::<String>();
        if !clean.trim().is_empty() && !said.contains(&clean) {
            said.push(clean);
        }
    }
    said.join(", ")
}

/// Characters of each part.
const LONGEST: usize = 255;

/// The provider of a session, as people know it.
fn caption(visit: &Visit, session: &Session) -> String {
    let name = &*session.identity.provider;
    if name == local::PROVIDER { visit.site.name.to_string() } else { name.to_owned() }
}
