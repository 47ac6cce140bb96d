//! `/account/logout`: asks before signing out, signs out, and says that it is done.

use std::time::Duration;

use http::HeaderMap;
use http::Method;
use http::header;

use crate::clock::Timestamp;
use crate::error::Problem;
use crate::http::Exchange;
use crate::http::Response;
use crate::identity_server::IdentityServer;
use crate::identity_server::end_session::MESSAGE;
use crate::identity_server::end_session::SignOutMessage;
use crate::observe::audit;
use crate::pages;
use crate::pages::Look;
use crate::session::End;
use crate::session::Session;
use crate::session::Visit;
use crate::session::cookie;

/// What the proof in the page's form is sealed for.
const PROOF: &str = "identity-sign-out-proof";

/// How long the page may lie open.
const PROOF_LIFETIME: Duration = Duration::from_hours(1);

impl IdentityServer {
    /// GET asks, or says that nobody is signed in; POST signs out.
    pub(super) async fn account_logout(&self, visit: &Visit) -> Result<Response, Problem> {
        if visit.exchange.method == Method::POST {
            return self.confirmed(visit).await;
        }
        let query = visit.exchange.query()?;
        let sealed = query.get("logoutId").unwrap_or_default();
        let look = Look::of(&visit.config, &visit.site, &visit.exchange);
        let Some(session) = &visit.session else {
            let message = self.open_message(sealed);
            return Ok(pages::signed_out(&pages::SignedOut {
                look: &look,
                return_link: message.way_on.as_deref(),
                client: None,
                returns_after: None,
                frames: &[],
                request: &visit.exchange.id,
            }));
        };
        let proof = self.proof(session, visit.exchange.now).ok_or(Problem::Internal)?;
        Ok(pages::sign_out(&pages::SignOut {
            look: &look,
            action: &format!("{}/account/logout", visit.site.virtual_folder),
            fields: &[("logoutId", sealed), ("token", &proof)],
            request: &visit.exchange.id,
        }))
    }

    async fn confirmed(&self, visit: &Visit) -> Result<Response, Problem> {
        let form = visit.exchange.form()?;
        let sealed = form.get("logoutId").unwrap_or_default();
        if let Some(session) = &visit.session {
            let proof = form.get("token").unwrap_or_default();
            let ours = self.proves(proof, session, visit.exchange.now);
            if !ours || is_foreign(&visit.exchange) {
                return Err(Problem::BadRequest(
                    "this form is not from our sign-out page, or it is too old".into(),
                ));
            }
        }
        let answer = self.sign_out_page(visit, &self.open_message(sealed));
        self.sign_out(visit, answer).await
    }

    /// Ends the session and what was granted in it, and takes the browser's cookie away on the way of `answer`.
    pub(super) async fn sign_out(
        &self,
        visit: &Visit,
        mut answer: Response,
    ) -> Result<Response, Problem> {
        let Some(session) = &visit.session else { return Ok(answer) };
        self.parts.sessions.end(&session.id, End::SignOut);
        self.end_grants(&visit.config.identity_server, session, visit.exchange.now).await?;
        self.parts.metrics.logouts.with_label_values(&[&*visit.site.name, "local"]).inc();
        write_audit(visit, session);
        let name = cookie::name(&visit.config.sessions, &visit.site, cookie::DEFAULT_SOURCE);
        answer.headers_mut().append(header::SET_COOKIE, cookie::remove(&visit.site, &name));
        Ok(answer)
    }

    /// What a foreign or missing message says: nothing.
    fn open_message(&self, sealed: &str) -> SignOutMessage {
        let text = self.parts.seal.open_sealed(MESSAGE, sealed);
        text.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
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

/// Whether the browser says that the form was posted from elsewhere. One that says nothing is
/// judged by the proof alone.
fn is_foreign(exchange: &Exchange) -> bool {
    let says = |headers: &HeaderMap, name: &str| headers.contains_key(name);
    let silent = !says(&exchange.headers, "sec-fetch-site") && !says(&exchange.headers, "origin");
    !silent && !exchange.is_same_origin()
}

fn write_audit(visit: &Visit, session: &Session) {
    let entry = audit::Entry {
        event: audit::Event::SignOut,
        site: &visit.site.name,
        provider: Some(&session.identity.provider),
        user: Some(&session.identity.user.name),
        reason: None,
        client: visit.exchange.client,
        request: &visit.exchange.id,
    };
    entry.write();
}
