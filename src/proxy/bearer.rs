//! `Authorization: Bearer` on a CMS site (RFC 6750): the access token of the site's identity server
//! stands in for a session, for this one request. No cookie comes of it, and the token goes no
//! further.
//!
//! A browser's session comes first: beside one, the header is what it was before, somebody else's.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use http::header;
use moka::sync::Cache;

use crate::clock::Timestamp;
use crate::config::model::Config;
use crate::config::model::Site;
use crate::crypto::digest;
use crate::crypto::jws;
use crate::error::Problem;
use crate::login;
use crate::login::Brought;
use crate::login::Unbelieved;
use crate::observe::audit::Entry;
use crate::observe::audit::Event;
use crate::proxy::gateway::House;
use crate::proxy::story::Story;
use crate::session::Identity;
use crate::session::Session;
use crate::session::SessionId;

/// Tokens that were believed, by their digest.
#[derive(Debug)]
pub struct Believed(Cache<SessionId, Arc<Kept>>);

#[derive(Debug)]
struct Kept {
    session: Arc<Session>,
    check_again_at: Timestamp,
}

/// Most tokens that are remembered.
const MOST: u64 = 10_000;
/// How long a token is believed without being looked at again: what was revoked is refused after
/// that.
const BELIEVED_FOR: Duration = Duration::from_mins(1);
/// Longest token, as in IdentityServer4.
const LONGEST: usize = 51_200;
/// Longest that its issuer's keys are waited for.
const PATIENCE: Duration = Duration::from_secs(20);

impl Default for Believed {
    fn default() -> Self {
        let forgotten_after = BELIEVED_FOR * 2;
        Self(Cache::builder().max_capacity(MOST).time_to_live(forgotten_after).build())
    }
}

/// Who the request's bearer token says it is; `None` without one, or where none is taken.
///
/// # Errors
///
/// [`Problem::InvalidToken`] for one that is not good here, [`Problem::SignInFailed`] for one that
/// makes no user, [`Problem::Unavailable`] when its issuer's keys cannot be had.
pub async fn session(
    story: &Story<'_>,
    headers: &HeaderMap,
) -> Result<Option<Arc<Session>>, Problem> {
    let config = &story.gateway.config;
    let Some(provider) = login::taken_from(config, story.site) else { return Ok(None) };
    let Some(token) = presented(headers)? else { return Ok(None) };
    // Where the CMS reads the header itself, it may know tokens that we do not.
    if story.site.pass_authorization && !is_from(config, token) {
        return Ok(None);
    }
    let house = &story.gateway.house;
    let id = digest_of(story.gateway.generation, token);
    let kept = house.believed.0.get(&id).filter(|kept| {
        let session = &kept.session;
        story.now < kept.check_again_at
            && !session.is_over(story.now)
            && session.identity.provider == provider.name
    });
    if let Some(kept) = kept {
        return Ok(Some(Arc::clone(&kept.session)));
    }
    let identity = believe(story, token).await.map_err(|why| refused(story, &why))?;
    let session = Arc::new(Session::of_token(id, identity, story.now));
    let check_again_at = story.now.plus(BELIEVED_FOR);
    house.believed.0.insert(id, Arc::new(Kept { session: Arc::clone(&session), check_again_at }));
    tell(story, Event::BearerAccepted, Some(&session.identity), None);
    house.metrics.bearer_tokens.with_label_values(&["accepted"]).inc();
    Ok(Some(session))
}

/// The token of the one `Authorization: Bearer` line (RFC 6750 §2.1); other schemes are not ours.
fn presented(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    const MALFORMED: Problem = Problem::InvalidToken { description: "the token is malformed" };
    let mut lines = headers.get_all(header::AUTHORIZATION).iter();
    let Some(line) = lines.next() else { return Ok(None) };
    let (scheme, token) = split(line.as_bytes());
    if !scheme.eq_ignore_ascii_case(b"bearer") {
        return Ok(None);
    }
    if lines.next().is_some() {
        return Err(MALFORMED);
    }
    let token = std::str::from_utf8(token).map_err(|_| MALFORMED)?.trim();
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b);
    let fits = (1..=LONGEST).contains(&token.len()) && token.bytes().all(legal);
    if fits { Ok(Some(token)) } else { Err(MALFORMED) }
}

fn split(line: &[u8]) -> (&[u8], &[u8]) {
    let end = line.iter().position(|&b| b == b' ').unwrap_or(line.len());
    line.split_at_checked(end).unwrap_or((line, b""))
}

/// Whether the token says that it comes from an issuer whose tokens are taken.
fn is_from(config: &Config, token: &str) -> bool {
    let issuers = config.bearer.as_ref().map(|rules| rules.issuers.as_slice()).unwrap_or_default();
    let said = jws::peek(token).ok();
    let said = said.as_ref().and_then(|said| said.claims.get("iss")?.as_str());
    said.is_some_and(|said| issuers.iter().any(|known| known == said.trim_end_matches('/')))
}

/// A token's name here; another configuration may make another user of it.
fn digest_of(generation: u64, token: &str) -> SessionId {
    let mut input = Vec::with_capacity(8 + token.len());
    input.extend_from_slice(&generation.to_be_bytes());
    input.extend_from_slice(token.as_bytes());
    SessionId(digest::sha256(&input))
}

/// Has the token judged on the control runtime.
async fn believe(story: &Story<'_>, token: &str) -> Result<Identity, Unbelieved> {
    let (house, config) = (Arc::clone(&story.gateway.house), Arc::clone(&story.gateway.config));
    let (site, now, token) = (Arc::clone(story.site), story.now, token.to_owned());
    let control = house.control.clone();
    let work = control.spawn(async move { judge(&house, &config, &site, &token, now).await });
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(Ok(judged)) => judged,
        Ok(Err(_)) | Err(_) => Err(Unbelieved::Unjudged),
    }
}

/// The identity server says of its own tokens whether they have been revoked, and what a reference
/// token stands for; login never asks it, so that is done here.
async fn judge(
    house: &House,
    config: &Config,
    site: &Arc<Site>,
    token: &str,
    now: Timestamp,
) -> Result<Identity, Unbelieved> {
    let issuer = login::taken_from(config, site).and_then(|provider| provider.issuer());
    let is_own = issuer.is_some() && issuer == config.identity_server.issuer.as_deref();
    let described = if is_own {
        let described = house.identity_server.describe_access_token(config, token, now).await;
        Some(described.map_err(|_| Unbelieved::Unjudged)?.ok_or(Unbelieved::INVALID)?)
    } else {
        None
    };
    let brought = Brought { config, site, token, described: described.as_ref(), now };
    house.login.bearer(&brought).await
}

/// What the caller is told. Nobody learns which rule a token breaks.
fn refused(story: &Story<'_>, why: &Unbelieved) -> Problem {
    let counted = if *why == Unbelieved::Unjudged { "unavailable" } else { "refused" };
    story.gateway.house.metrics.bearer_tokens.with_label_values(&[counted]).inc();
    tell(story, Event::BearerRefused, None, Some(why.label()));
    match why {
        Unbelieved::Invalid(_) => Problem::InvalidToken {
            description: "the token is not valid here, has expired or was revoked",
        },
        Unbelieved::Nobody(reason) => {
            let provider = login::taken_from(&story.gateway.config, story.site);
            let provider = provider.map(|provider| provider.name.to_string()).unwrap_or_default();
            Problem::SignInFailed {
                status: reason.status(),
                reason: reason.label(),
                detail: reason.detail(&provider),
                provider: Some(provider),
                retry: None,
            }
        }
        Unbelieved::Unjudged => Problem::Unavailable(
            "The access token cannot be checked at the moment. Try again in a few minutes.".into(),
        ),
    }
}

fn tell(story: &Story<'_>, event: Event, identity: Option<&Identity>, reason: Option<&str>) {
    let provider = login::taken_from(&story.gateway.config, story.site);
    let entry = Entry {
        event,
        site: &story.site.name,
        provider: provider.map(|provider| &*provider.name),
        user: identity.map(|identity| identity.user.name.as_str()),
        whom: None,
        reason,
        client: story.caller.address,
        request: story.id,
    };
    entry.write();
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read(lines: &[&'static str]) -> Result<Option<String>, ()> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::AUTHORIZATION, HeaderValue::from_static(line));
        }
        presented(&headers).map(|token| token.map(str::to_owned)).map_err(|_| ())
    }

    #[test]
    fn one_bearer_line_is_a_token_and_other_schemes_are_somebody_elses() {
        assert_eq!(read(&["Bearer a.b-c_d"]), Ok(Some("a.b-c_d".to_owned())));
        assert_eq!(read(&["bEARER  a="]), Ok(Some("a=".to_owned())));
        for other in ["Basic YTpi", "DPoP a.b.c", "Bearer-ish a", "Negotiate x"] {
            assert_eq!(read(&[other]), Ok(None), "{other}");
        }
        assert_eq!(read(&[]), Ok(None));
        for wrong in ["Bearer", "Bearer ", "Bearer a b", "Bearer a,b", "Bearer \"a\""] {
            assert_eq!(read(&[wrong]), Err(()), "{wrong}");
        }
        assert_eq!(read(&["Bearer a", "Bearer a"]), Err(()));
        assert_eq!(read(&["Bearer a", "Basic b"]), Err(()));
    }
}
