//! Asking the person what is to come of a proved sign-in, and going on with the answer.

use std::sync::Arc;

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
        let persistent = Persistent(&self.parts.accounts);
        let target = match persistent.target(&arrival.identity.user.name).await {
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
        match self.answered(visit, site, *held, &form).await {
            Ok(arrival) => {
                let mut outcome = self.enter(visit, about, arrival).await?;
                if let Outcome::Entered(entered) = &mut outcome {
                    Browser::forget(&mut entered.answer);
                }
                Ok(outcome)
            }
            Err(reason) => Err(self.refuse(about, &reason, Some(again), exchange)),
        }
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
                let whose = self.whose(&target, session, answer).await?;
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
    /// as that user, and the account is what it was.
    async fn whose<'t>(
        &self,
        target: &'t Target,
        session: SessionId,
        answer: &str,
    ) -> Result<Beside<'t>, Reason> {
        match answer {
            OWN => return Ok(Beside::Nobody),
            SAME => {}
            _ => return Err(Reason::QuestionOver),
        }
        let session = self.parts.sessions.live(&session);
        let signed_in = session.is_some_and(|session| {
            session.identity.persistent && session.identity.user.name == target.name
        });
        if signed_in && Persistent(&self.parts.accounts).still_stands(target).await? {
            return Ok(Beside::Attach(&target.name));
        }
        Err(Reason::QuestionChanged)
    }

    async fn settle_again(
        &self,
        visit: &Visit,
        site: &Site,
        identified: Identified,
        beside: Beside<'_>,
    ) -> Result<Identity, Reason> {
        let provider = vouching(visit, site, &identified.identity).ok_or(Reason::NotMapped)?;
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
        if !local && vouching(visit, site, &identity).is_none() {
            return Err(Reason::NotMapped);
        }
        let persistent = Persistent(&self.parts.accounts);
        let stands = match target {
            Some(target) => persistent.still_stands(&target).await?,
            None => persistent.target(&identity.user.name).await?.is_none(),
        };
        if stands { Ok(identity) } else { Err(Reason::QuestionChanged) }
    }
}

/// The provider that `identity` came from, while it can be used at `site` and is whom it was.
fn vouching<'v>(
    visit: &'v Visit,
    site: &'v Site,
    identity: &Identity,
) -> Option<&'v Arc<Provider>> {
    let provider = place::provider(&visit.config, site, &identity.provider)?;
    (provider.issuer() == identity.issuer.as_deref()).then_some(provider)
}

/// The provider of a session, as people know it.
fn caption(visit: &Visit, session: &Session) -> String {
    let name = &*session.identity.provider;
    if name == local::PROVIDER { visit.site.name.to_string() } else { name.to_owned() }
}
