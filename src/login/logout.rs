//! Signing out: the session ends here, and at the provider where its owner wants that
//! (`triggerExternalSignOut`, spec §2.5, OpenID Connect RP-Initiated Logout 1.0 §2).

use std::sync::Arc;

use http::header;

use crate::config::model::Config;
use crate::config::model::Provider;
use crate::error::Problem;
use crate::http::Response;
use crate::http::ReturnPath;
use crate::http::form::Form;
use crate::login::Login;
use crate::login::browser::Browser;
use crate::login::endpoint;
use crate::login::is_post;
use crate::login::oidc::Peer;
use crate::login::place;
use crate::login::start::redirect;
use crate::login::ticket;
use crate::login::ticket::Purpose;
use crate::observe::audit::Entry;
use crate::observe::audit::Event;
use crate::pages;
use crate::pages::Look;
use crate::pages::SignOut;
use crate::pages::SignedOut;
use crate::session::End;
use crate::session::Session;
use crate::session::Visit;
use crate::session::cookie;

impl Login {
    /// `/identity/logout` and `/sitecore/logout`. A request that our own pages did not make asks
    /// first (security entry 242).
    pub(super) async fn logout(&self, visit: &Visit) -> Result<Response, Problem> {
        let form = if is_post(visit) { posted(visit)? } else { visit.exchange.query()? };
        let return_path = form
            .get_any_case("returnUrl")
            .and_then(|text| endpoint::return_path(&visit.config, &visit.site, text));
        let ours =
            visit.exchange.is_same_origin() || (is_post(visit) && self.is_our_form(visit, &form));
        if !ours {
            return Ok(self.ask(visit, return_path.as_ref()));
        }
        let (ended, cookies) = self.end_all(visit);
        let mut response = match self.at_provider(visit, &ended, return_path.as_ref()).await {
            Some(response) => response,
            None => gone(visit, return_path.as_ref()),
        };
        for line in cookies {
            response.headers_mut().append(header::SET_COOKIE, line);
        }
        Ok(response)
    }

    /// Where a provider sends the browser after signing out there.
    pub(super) fn post_logout(&self, visit: &Visit) -> Result<Response, Problem> {
        let exchange = &visit.exchange;
        let query = exchange.query()?;
        let state = query.get("state").unwrap_or_default();
        let opened = Browser::known(exchange).and_then(|browser| {
            ticket::open(&self.parts.seal, Purpose::Logout, state, &browser, exchange.now)
        });
        self.count_logout(&visit.site.name, "returned");
        Ok(gone(visit, opened.and_then(|ticket| ticket.return_path()).as_ref()))
    }

    fn ask(&self, visit: &Visit, return_path: Option<&ReturnPath>) -> Response {
        let exchange = &visit.exchange;
        let browser = Browser::of(exchange);
        let token =
            ticket::issue(&self.parts.seal, Purpose::Form, browser.digest(), None, exchange.now);
        let mut fields = vec![("token", token.as_str())];
        fields.extend(return_path.map(|path| ("returnUrl", path.as_str())));
        let action = exchange.target.path.as_str();
        let look = Look::of(&visit.config, &visit.site, exchange);
        let page = SignOut { look: &look, action, fields: &fields, request: &exchange.id };
        let mut response = pages::sign_out(&page);
        browser.remember(&mut response);
        response
    }

    /// Ends every session that this browser has on this host, of whatever source, and returns them
    /// with the lines that remove their cookies.
    fn end_all(&self, visit: &Visit) -> (Vec<Arc<Session>>, Vec<http::HeaderValue>) {
        let config = &visit.config;
        let (mut ended, mut lines) = (Vec::new(), Vec::new());
        let mut names = Vec::new();
        for site in config.sites.iter().filter_map(|site| place::reachable(visit, &site.name)) {
            let own = site.sources.iter().map(String::as_str);
            for source in std::iter::once(cookie::DEFAULT_SOURCE).chain(own) {
                let name = cookie::name(&config.sessions, site, source);
                if !names.contains(&name) {
                    ended.extend(self.end_sessions(visit, &name, End::SignOut));
                    lines.push(cookie::remove(site, &name));
                    lines.extend(cookie::remove_public(&config.sessions, site));
                    names.push(name);
                }
            }
        }
        for session in &ended {
            self.signed_out(visit, session);
        }
        (ended, lines)
    }

    fn signed_out(&self, visit: &Visit, session: &Session) {
        let identity = &session.identity;
        self.count_logout(&identity.site, "local");
        let entry = Entry {
            event: Event::SignOut,
            site: &identity.site,
            provider: Some(&identity.provider),
            user: Some(&identity.user.name),
            whom: None,
            reason: None,
            client: visit.exchange.client,
            request: &visit.exchange.id,
        };
        entry.write();
    }

    /// On to the provider's own sign-out, for the first session whose provider wants that.
    async fn at_provider(
        &self,
        visit: &Visit,
        ended: &[Arc<Session>],
        return_path: Option<&ReturnPath>,
    ) -> Option<Response> {
        let (session, provider) =
            ended.iter().find_map(|session| Some((session, wanted(&visit.config, session)?)))?;
        self.on_to_provider(visit, session, provider, return_path).await
    }

    /// On to the external provider's own sign-out that a session of the identity server came from, to
    /// come back to `return_path`; `None` when it has none, or cannot be asked.
    pub async fn sign_out_at_provider(
        &self,
        visit: &Visit,
        session: &Session,
        return_path: &ReturnPath,
    ) -> Option<Response> {
        let provider = place::provider(&visit.config, &visit.site, &session.identity.provider)?;
        self.on_to_provider(visit, session, provider, Some(return_path)).await
    }

    async fn on_to_provider(
        &self,
        visit: &Visit,
        session: &Session,
        provider: &Provider,
        return_path: Option<&ReturnPath>,
    ) -> Option<Response> {
        let connection = endpoint::connection(provider)?;
        let exchange = &visit.exchange;
        let peer = Peer { provider, connection };
        let metadata = match self.relying_party.metadata(peer, exchange.now).await {
            Ok(metadata) => metadata,
            Err(fault) => {
                tracing::warn!(provider = ?provider.name, ?fault, request.id = %exchange.id, "signed out here alone");
                return None;
            }
        };
        // An address of the preset's own has Auth0's word for the way back.
        let (standard, own) = (metadata.end_session_endpoint, &connection.sign_out_address);
        let back = if standard.is_some() { "post_logout_redirect_uri" } else { "returnTo" };
        let mut url = standard.or_else(|| own.clone())?;
        let browser = Browser::of(exchange);
        let state = ticket::issue(
            &self.parts.seal,
            Purpose::Logout,
            browser.digest(),
            return_path,
            exchange.now,
        );
        let landing = format!("{}{}", exchange.origin(), connection.post_logout_path);
        {
            let mut query = url.query_pairs_mut();
            if let Some(id_token) = &session.identity.id_token {
                query.append_pair("id_token_hint", id_token.expose());
            }
            query.append_pair("client_id", &connection.client_id);
            query.append_pair(back, &landing);
            query.append_pair("state", &state);
        }
        self.count_logout(&session.identity.site, "external");
        let mut response = redirect(visit, url.as_str());
        browser.remember(&mut response);
        Some(response)
    }

    pub(super) fn count_logout(&self, site: &str, kind: &str) {
        self.parts.metrics.logouts.with_label_values(&[site, kind]).inc();
    }
}

/// The fields of a posted form; a post without one has none.
fn posted(visit: &Visit) -> Result<Form, Problem> {
    if visit.exchange.body.is_empty() {
        return visit.exchange.query();
    }
    visit.exchange.form()
}

/// The provider of a session, when signing out here is to go on there.
fn wanted<'c>(config: &'c Config, session: &Session) -> Option<&'c Provider> {
    let provider = config.provider(&session.identity.provider)?;
    // The name may have been given to another issuer since, which must not get the old one's token.
    let same = provider.issuer() == session.identity.issuer.as_deref();
    (provider.is_enabled() && provider.trigger_external_sign_out && same).then_some(provider)
}

/// Signed out: on to the way back, or a page that says so.
fn gone(visit: &Visit, return_path: Option<&ReturnPath>) -> Response {
    match return_path {
        Some(path) => redirect(visit, path.as_str()),
        None => pages::signed_out(&SignedOut {
            look: &Look::of(&visit.config, &visit.site, &visit.exchange),
            return_link: Some("/"),
            client: None,
            returns_after: None,
            frames: &[],
            request: &visit.exchange.id,
        }),
    }
}
