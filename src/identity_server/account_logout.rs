//! `/account/logout`: asks before signing out, signs out, and says that it is done.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use http::header;

use crate::clock::Timestamp;
use crate::config::Config;
use crate::error::Problem;
use crate::http::Response;
use crate::http::ReturnPath;
use crate::identity_server::IdentityServer;
use crate::identity_server::Outcome;
use crate::identity_server::end_session::SignOutMessage;
use crate::identity_server::end_session_callback::FrontChannel;
use crate::identity_server::person::LOCAL;
use crate::identity_server::reply::go;
use crate::observe::audit;
use crate::pages;
use crate::pages::Look;
use crate::session::End;
use crate::session::Named;
use crate::session::Session;
use crate::session::Visit;
use crate::session::cookie;

/// What the proof in the page's form is sealed for.
const PROOF: &str = "identity-sign-out-proof";

/// How long the page may lie open.
const PROOF_LIFETIME: Duration = Duration::from_hours(1);

impl IdentityServer {
    /// GET asks, or says that nobody is signed in; POST signs out.
    pub(super) async fn account_logout(&self, visit: &Visit) -> Result<Outcome, Problem> {
        if visit.exchange.method == Method::POST {
            return self.confirmed(visit).await;
        }
        let query = visit.exchange.query()?;
        let id = query.get("logoutId").unwrap_or_default();
        let Some(session) = &visit.session else {
            let message = self.open_message(id, visit.exchange.now);
            return Ok(Outcome::Answer(self.done(visit, &message)));
        };
        let proof = self.proof(session, visit.exchange.now).ok_or(Problem::Internal)?;
        Ok(Outcome::Answer(pages::sign_out(&pages::SignOut {
            look: &Look::of(&visit.config, &visit.site, &visit.exchange),
            action: &format!("{}/account/logout", visit.site.virtual_folder),
            fields: &[("logoutId", id), ("token", &proof)],
            request: &visit.exchange.id,
        })))
    }

    async fn confirmed(&self, visit: &Visit) -> Result<Outcome, Problem> {
        let form = visit.exchange.form()?;
        let id = form.get("logoutId").unwrap_or_default();
        if let Some(session) = &visit.session {
            let proof = form.get("token").unwrap_or_default();
            let ours = self.proves(proof, session, visit.exchange.now);
            if !ours || visit.exchange.is_foreign() {
                return Err(Problem::BadRequest(
                    "this form is not from our sign-out page, or it is too old".into(),
                ));
            }
        }
        let message = self.open_message(id, visit.exchange.now);
        self.sign_out(visit, SignOutMessage { goes_on: false, ..message }).await
    }

    /// Ends the session and what was granted in it, tells its clients, takes the browser's cookie
    /// away, and goes on as `message` says: by the external provider where the session came from one.
    pub(super) async fn sign_out(
        &self,
        visit: &Visit,
        message: SignOutMessage,
    ) -> Result<Outcome, Problem> {
        let Some(session) = &visit.session else {
            return Ok(Outcome::Answer(self.go_on(visit, &message)));
        };
        let now = visit.exchange.now;
        // First, so that whoever is told that it failed is still signed in and can try again.
        self.end_grants(&visit.config.identity_server, session, now).await?;
        if self.parts.sessions.end(&session.id, End::SignOut) {
            self.parts.metrics.logouts.with_label_values(&[&*visit.site.name, "local"]).inc();
            write_audit(visit, session);
            self.end_at_own_sites(&visit.config, session);
            let notices = self.notify(&visit.config, session, now);
            // And what was granted meanwhile.
            self.end_grants_at_last(&visit.config, session).await;
            notices.a_moment().await;
        }
        let told = FrontChannel::of(&visit.config, session, &[], now);
        let message = SignOutMessage { told, ..message };
        let mut answer = self.go_on(visit, &message);
        let name = cookie::name(&visit.config.sessions, &visit.site, cookie::DEFAULT_SOURCE);
        let lines = [
            Some(cookie::remove(&visit.site, &name)),
            cookie::remove_public(&visit.config.sessions, &visit.site),
        ];
        for line in lines.into_iter().flatten() {
            answer.headers_mut().append(header::SET_COOKIE, line);
        }
        let return_path = ReturnPath::read(&self.sign_out_page(visit, &message));
        Ok(match return_path.filter(|_| *session.identity.provider != *LOCAL) {
            Some(return_path) => {
                Outcome::SignOut { session: Arc::clone(session), return_path, answer }
            }
            None => Outcome::Answer(answer),
        })
    }

    /// Ends what was granted in a session that its provider ended, or that somebody else signed in
    /// over, and tells its clients. The address
    /// of the frames that tell the rest, which pages of `framed_by` may frame; `None` when there are
    /// none.
    pub async fn ended(
        &self,
        config: &Arc<Config>,
        session: &Arc<Session>,
        framed_by: &[String],
    ) -> Option<String> {
        let now = self.parts.clock.now();
        self.end_at_own_sites(config, session);
        // Nobody waits for these: no person is about to go back to an application.
        let _notices = self.notify(config, session, now);
        self.end_grants_at_last(config, session).await;
        self.front_channel_frame(config, &FrontChannel::of(config, session, framed_by, now)?)
    }

    /// Ends what this process's own sites got from a session that has ended here. They signed in by
    /// real OpenID Connect, but need no notice over the network to hear of its end.
    fn end_at_own_sites(&self, config: &Config, session: &Session) {
        let Some(issuer) = config.identity_server.issuer.as_deref() else { return };
        let sid = &session.public_id;
        for theirs in self.parts.sessions.called(&Named::Session { issuer, sid }) {
            self.parts.sessions.end(&theirs.id, End::SignOut);
            let labels = [&*theirs.identity.site, "identity_server"];
            self.parts.metrics.logouts.with_label_values(&labels).inc();
        }
    }

    /// Straight on where nothing has to be shown first.
    fn go_on(&self, visit: &Visit, message: &SignOutMessage) -> Response {
        match &message.way_on {
            Some(way_on) if message.goes_on && message.told.is_none() => go(visit, way_on),
            Some(_) | None => self.ask(visit, message),
        }
    }

    /// The page that says that it is done, with the frames; back from the provider's own sign-out it
    /// may be the way on at once.
    fn done(&self, visit: &Visit, message: &SignOutMessage) -> Response {
        if let (Some(way_on), true, None) = (&message.way_on, message.goes_on, &message.told) {
            return go(visit, way_on);
        }
        let told = message.told.as_ref();
        let frame = told.and_then(|told| self.front_channel_frame(&visit.config, told));
        pages::signed_out(&pages::SignedOut {
            look: &Look::of(&visit.config, &visit.site, &visit.exchange),
            return_link: message.way_on.as_deref(),
            client: message.client.as_deref(),
            // A browser begins to count when everything has loaded, the frames included.
            returns_after: message.goes_on.then_some(0),
            frames: frame.as_slice(),
            request: &visit.exchange.id,
        })
    }

    /// Proof that a form comes from the page that this session was shown.
    fn proof(&self, session: &Session, now: Timestamp) -> Option<String> {
        let mut text = session.id.0.to_vec();
        text.extend_from_slice(&now.plus(PROOF_LIFETIME).0.to_be_bytes());
        self.parts.seal.seal(PROOF, &text)
    }

    fn proves(&self, proof: &str, session: &Session, now: Timestamp) -> bool {
        let Some(text) = self.parts.seal.open_sealed(PROOF, proof) else { return false };
        let Some((id, end)) = text.split_first_chunk::<32>() else { return false };
        let end = <[u8; 8]>::try_from(end).map_or(0, i64::from_be_bytes);
        *id == session.id.0 && now.0 < end
    }
}

fn write_audit(visit: &Visit, session: &Session) {
    let identity = &session.identity;
    let (provider, user) = (Some(&*identity.provider), Some(identity.user.name.as_str()));
    audit::Entry { provider, user, ..visit.entry(audit::Event::SignOut) }.write();
}
