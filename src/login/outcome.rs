//! What is counted, audited and said when a sign-in begins, succeeds or does not.

use crate::clock::Timestamp;
use crate::config::model::Provider;
use crate::config::model::Site;
use crate::error::Problem;
use crate::http::Exchange;
use crate::login::Login;
use crate::login::Reason;
use crate::observe::audit::Entry;
use crate::observe::audit::Event;
use crate::observe::funnel::Stage;
use crate::observe::funnel::Way;

/// Which sign-in it is about, in names that the configuration knows.
#[derive(Clone, Copy, Debug)]
pub(super) struct About<'a> {
    /// The site.
    pub site: &'a str,
    /// The provider's name; empty when none is known.
    pub provider: &'a str,
}

impl<'a> About<'a> {
    /// A sign-in at `site` with `provider`.
    pub(super) fn new(site: &'a Site, provider: &'a Provider) -> Self {
        Self { site: &site.name, provider: &provider.name }
    }

    /// A sign-in at `site` of which no more is known.
    pub(super) fn unknown(site: &'a Site) -> Self {
        Self { site: &site.name, provider: "" }
    }

    fn way(self) -> Way<'a> {
        Way { site: self.site, provider: self.provider }
    }
}

impl Login {
    /// Counts that a sign-in got to `stage`.
    pub(super) fn reached(&self, about: About<'_>, stage: Stage, now: Timestamp) {
        self.parts.metrics.reached(about.way(), stage, now);
    }

    /// Counts a sign-in whose browser goes to the provider.
    pub(super) fn started(&self, about: About<'_>, now: Timestamp) {
        self.count(about, "started", "");
        self.reached(about, Stage::AtProvider, now);
    }

    /// Counts and audits a sign-in that succeeded; `note` is something that the owner should know.
    pub(super) fn succeeded(
        &self,
        about: About<'_>,
        user: &str,
        note: Option<&str>,
        exchange: &Exchange,
    ) {
        self.count(about, "succeeded", "");
        self.reached(about, Stage::Session, exchange.now);
        let plain = entry(about, Event::SignIn, exchange);
        Entry { user: Some(user), reason: note, ..plain }.write();
    }

    /// Counts and audits a sign-in that did not succeed.
    pub(super) fn failed(&self, about: About<'_>, reason: &Reason, exchange: &Exchange) {
        self.count(about, "failed", reason.label());
        self.parts.metrics.sign_in_failed(about.way(), reason.label(), exchange.now);
        let plain = entry(about, Event::SignInRefused, exchange);
        Entry { reason: Some(reason.label()), ..plain }.write();
    }

    /// As [`Self::failed`], and makes the page of it.
    pub(super) fn refuse(
        &self,
        about: About<'_>,
        reason: &Reason,
        retry: Option<String>,
        exchange: &Exchange,
    ) -> Problem {
        self.failed(about, reason, exchange);
        reason.problem(about.provider, retry)
    }

    fn count(&self, about: About<'_>, outcome: &str, reason: &str) {
        let labels = [about.site, about.provider, outcome, reason];
        self.parts.metrics.logins.with_label_values(&labels).inc();
    }
}

fn entry<'a>(about: About<'a>, event: Event, exchange: &'a Exchange) -> Entry<'a> {
    Entry {
        event,
        site: about.site,
        provider: Some(about.provider).filter(|name| !name.is_empty()),
        user: None,
        whom: None,
        reason: None,
        client: exchange.client,
        request: &exchange.id,
    }
}
