//! The end of a sign-in: verified claims become a user, and the user a new session.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use http::header;
use serde_json::Map;
use serde_json::Value;

use crate::claims::Claim;
use crate::claims::ClaimSet;
use crate::claims::inbound;
use crate::claims::transformation;
use crate::claims::types;
use crate::clock::Timestamp;
use crate::config::model::Config;
use crate::config::model::Provider;
use crate::config::model::SessionSettings;
use crate::config::model::Site;
use crate::http::ReturnPath;
use crate::login::Entered;
use crate::login::Login;
use crate::login::Reason;
use crate::login::oidc::Person;
use crate::login::outcome::About;
use crate::login::overage;
use crate::login::place;
use crate::login::start::redirect;
use crate::session::End;
use crate::session::Full;
use crate::session::Identity;
use crate::session::Limits;
use crate::session::Session;
use crate::session::SessionId;
use crate::session::Visit;
use crate::session::cookie;
use crate::users::User;
use crate::users::builder;
use crate::users::persistent;

/// Somebody who has proved who they are, about to be let in.
pub(super) struct Arrival<'a> {
    /// The site that was signed in to.
    pub site: &'a Arc<Site>,
    /// The authentication source.
    pub source: &'a str,
    /// Where to go.
    pub return_path: ReturnPath,
    /// Who it is.
    pub identity: Identity,
    /// A session that it takes the place of, beside those that the browser offers now.
    pub replaces: Option<SessionId>,
    /// Whether, where there may be no more sessions, the oldest is to end for this one.
    pub takes_over: bool,
}

/// Somebody as a provider describes them.
#[derive(Clone)]
pub(super) struct Identified {
    /// Who it is.
    pub identity: Identity,
    /// The address that the provider vouches for ([`persistent::vouched_for`]).
    pub address: Option<String>,
}

impl Login {
    /// Makes an identity of what `provider` says of `person`: a virtual user's, so far.
    ///
    /// # Errors
    ///
    /// [`Reason::NoUser`] and [`Reason::SessionOver`].
    pub(super) fn identify(
        config: &Config,
        site: &Site,
        provider: &Provider,
        person: Person,
        now: Timestamp,
    ) -> Result<Identified, Reason> {
        let claims = inbound::claims(&person.claims, provider.map_inbound_claims);
        let (chain, name) = (&provider.transformations, &provider.name);
        let (mut claims, made) = transformation::apply_noting(chain, name, claims, types::ROLE);
        claims.retain(|claim| claim.kind != overage::CLAIM);
        if overage::left_groups_out(&person.claims) {
            claims.add(overage::CLAIM, overage::ADVICE);
        }
        if place::is_identity_server(site) {
            claims.retain(|claim| may_repeat(&person.claims, claim));
        }
        let user = if place::is_identity_server(site) {
            passer_by(provider, &person.subject, &claims)
        } else {
            builder::build(config, provider, &person.subject, &claims).map_err(Reason::NoUser)?
        };
        let ends_at = claims.first(types::COOKIE_EXP).map(moment).transpose()?;
        if ends_at.is_some_and(|end| end <= now) {
            return Err(Reason::SessionOver);
        }
        let sid = person.claims.get("sid").and_then(Value::as_str);
        let address = persistent::vouched_for(provider, &person.claims).map(str::to_owned);
        let identity = Identity {
            given_roles: builder::given_roles(&user.roles, &made),
            user,
            provider: Arc::clone(&provider.name),
            issuer: provider.issuer().map(Into::into),
            subject: person.subject,
            site: Arc::clone(&site.name),
            provider_session: sid.map(str::to_owned),
            claims,
            id_token: person.id_token,
            authenticated_at: person.authenticated_at,
            time_assumed: person.time_assumed,
            remembered: false,
            ends_at,
            refresh: person.refresh,
            persistent: false,
        };
        Ok(Identified { identity, address })
    }

    /// Begins the session, ends the browser's old one under the same cookie, and goes on. Somebody
    /// who signs in at the identity server once more keeps the session's public name (LOGIN-09);
    /// whatever else was replaced there is over.
    ///
    /// # Errors
    ///
    /// The arrival as it was, when there may be no more sessions and none is to be taken over.
    pub(super) fn arrive<'a>(
        &self,
        visit: &Visit,
        about: About<'_>,
        arrival: Arrival<'a>,
    ) -> Result<Entered, Box<(Arrival<'a>, Full)>> {
        let settings = lifetimes(&visit.config.sessions, Some(arrival.site));
        let name = cookie::name(&settings, arrival.site, arrival.source);
        let mut leaving = self.offered(visit, &name);
        leaving.extend(arrival.replaces.and_then(|id| self.parts.sessions.live(&id)));
        let limits = limits(&visit.config, arrival.site);
        let take_over = arrival.takes_over;
        let way = self.parts.sessions.make_way(&limits, &arrival.identity, &leaving, take_over);
        let mut way = match way {
            Ok(way) => way,
            Err(full) => return Err(Box::new((arrival, full))),
        };
        let Arrival { site, return_path, identity, .. } = arrival;
        leaving.retain(|old| self.parts.sessions.end(&old.id, End::Replace));
        let mut replaced = leaving;
        let before = replaced.iter().find(|before| goes_on(site, before, &identity));
        let note = identity.claims.first(overage::CLAIM).map(|_| overage::CLAIM);
        if note.is_some() {
            tracing::warn!(provider = ?about.provider, user = ?identity.user.name, advice = overage::ADVICE, request.id = %visit.exchange.id, "too many groups for a token");
        }
        self.succeeded(about, &identity.user.name, note, &visit.exchange);
        let before = before.map(Arc::as_ref);
        let (token, session) = self.parts.sessions.begin_after(before, identity, &settings);
        replaced.append(&mut way.ended);
        drop(way);
        replaced
            .retain(|old| place::is_identity_server(site) && old.public_id != session.public_id);
        let mut answer = redirect(visit, return_path.as_str());
        let line = cookie::set(site, &name, &token, &session);
        answer.headers_mut().append(header::SET_COOKIE, line);
        if let Some(line) = cookie::set_public(&settings, site, &session) {
            answer.headers_mut().append(header::SET_COOKIE, line);
        }
        Ok(Entered { answer, replaced })
    }

    /// Ends whatever sessions the browser offers under the cookie `name`, and returns them.
    pub(super) fn end_sessions(&self, visit: &Visit, name: &str, why: End) -> Vec<Arc<Session>> {
        let mut sessions = self.offered(visit, name);
        sessions.retain(|session| self.parts.sessions.end(&session.id, why));
        sessions
    }

    /// The sessions that the browser offers under the cookie `name`.
    fn offered(&self, visit: &Visit, name: &str) -> Vec<Arc<Session>> {
        let cookies = visit.exchange.cookies();
        let tokens = cookies.iter().filter(|(known, _)| *known == name);
        tokens.filter_map(|(_, token)| self.parts.sessions.find(token)).collect()
    }
}

/// How many sessions there may be of whoever signs in at `site`. What somebody has at the identity
/// server stands behind the sessions at the sites and is counted there alone.
fn limits<'c>(config: &'c Config, site: &Site) -> Limits<'c> {
    let mut sites = config.sites.iter();
    let apart = sites.find(|site| place::is_identity_server(site));
    Limits {
        per_user: config.sessions.per_user.filter(|_| !place::is_identity_server(site)),
        apart: apart.map(|site| &*site.name),
        per_user_here: site.sign_ins.sessions_per_user,
        here: site.sign_ins.sessions,
    }
}

/// How long a session lives: on the identity server ten hours however much it is used, and thirty
/// days where it is remembered, unless the owner sets less for all.
pub fn lifetimes<'s>(
    settings: &'s SessionSettings,
    site: Option<&Site>,
) -> Cow<'s, SessionSettings> {
    if !site.is_some_and(place::is_identity_server) {
        return Cow::Borrowed(settings);
    }
    Cow::Owned(SessionSettings {
        sliding: false,
        expire_time_span: SINGLE_SIGN_ON,
        absolute_lifetime: settings.absolute_lifetime.min(SINGLE_SIGN_ON),
        remembered_lifetime: settings.remembered_lifetime.min(REMEMBERED),
        ..settings.clone()
    })
}

/// `CookieLifetime` of IdentityServer4.
const SINGLE_SIGN_ON: Duration = Duration::from_hours(10);

/// `RememberMeLoginDuration` of its pages.
const REMEMBERED: Duration = Duration::from_hours(30 * 24);

/// Whether a sign-in at the identity server goes on with the session `before`: clients know the
/// session of a person by its `sid`, which changes with the person alone.
fn goes_on(site: &Site, before: &Session, identity: &Identity) -> bool {
    let old = &before.identity;
    place::is_identity_server(site)
        && old.provider == identity.provider
        && old.issuer == identity.issuer
        && old.subject == identity.subject
}

/// A `cookieExp`: seconds since 1970, fractions cut off. One that cannot be read may have meant any
/// end, so it is over already.
fn moment(text: &str) -> Result<Timestamp, Reason> {
    let text = text.trim();
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    if !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Reason::SessionOver);
    }
    seconds.parse().map(Timestamp).map_err(|_| Reason::SessionOver)
}

/// Whether the identity server may say what a provider said: that something is verified is a boolean
/// (OpenID Connect Core §5.1), and no text that reads like one becomes it (security.md M295).
fn may_repeat(said: &Map<String, Value>, claim: &Claim) -> bool {
    const BOOLEANS: [&str; 2] = ["email_verified", "phone_number_verified"];
    claim.is_literal()
        || !BOOLEANS.contains(&claim.kind.as_str())
        || said.get(&claim.kind).is_some_and(Value::is_boolean)
}

/// The account of somebody who only passes through the identity server: it makes no user of the
/// CMS, so its name is the identity itself and collides with none.
fn passer_by(provider: &Provider, subject: &str, claims: &ClaimSet) -> User {
    User {
        name: format!("{}\\{subject}", provider.name),
        properties: std::collections::BTreeMap::default(),
        roles: claims.values("role").chain(claims.values(types::ROLE)).map(str::to_owned).collect(),
        is_administrator: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_read_in_whole_seconds_and_never_ignored() {
        for (text, expected) in [
            ("1800000000", Some(1_800_000_000)),
            ("1800000000.9", Some(1_800_000_000)),
            (" 1800000000 ", Some(1_800_000_000)),
            ("-5", Some(-5)),
            ("", None),
            ("soon", None),
            ("1.8e9", None),
            ("99999999999999999999", None),
            ("2027-01-15T08:00:00Z", None),
        ] {
            assert_eq!(moment(text).ok(), expected.map(Timestamp), "{text:?}");
        }
    }
}
