//! The beginning of a sign-in: a transaction is sealed and the browser sent to the provider.

use std::sync::Arc;

use http::HeaderName;

use crate::config::model::Provider;
use crate::config::model::Site;
use crate::crypto::random;
use crate::error::Problem;
use crate::http::Response;
use crate::http::ReturnPath;
use crate::http::form::Form;
use crate::http::response;
use crate::login::Login;
use crate::login::Reason;
use crate::login::browser::Browser;
use crate::login::choice;
use crate::login::choice::Choice;
use crate::login::endpoint;
use crate::login::is_post;
use crate::login::links;
use crate::login::oauth2;
use crate::login::oidc::Peer;
use crate::login::oidc::Request;
use crate::login::outcome::About;
use crate::login::place;
use crate::login::transaction::LIFETIME;
use crate::login::transaction::Transaction;
use crate::login::way::Way;
use crate::observe::funnel::Stage;
use crate::session::Visit;
use crate::session::cookie;

/// What is begun.
pub(super) struct Start<'a> {
    /// The site that is signed in to.
    pub site: &'a Arc<Site>,
    /// The provider that is asked; usable at the site.
    pub provider: &'a Arc<Provider>,
    /// The inner provider that it is asked for.
    pub scheme: Option<&'a str>,
    /// The authentication source, one of the site's.
    pub source: &'a str,
    /// Where to go afterwards.
    pub return_path: ReturnPath,
    /// The name to fill in at the provider.
    pub login_hint: Option<&'a str>,
    /// How often this sign-in has been begun anew.
    pub restarts: u8,
    /// Whether the person is to prove anew who they are, signed in at the provider or not.
    pub fresh: bool,
}

impl Login {
    /// `GET /identity/login/{site}/{provider}[/{inner}]`; with `prompt=login` whoever is signed in there
    /// has to prove it anew.
    pub(super) async fn start_named(
        &self,
        visit: &Visit,
        target: &str,
    ) -> Result<Response, Problem> {
        let query = visit.exchange.query()?;
        let (site, path) = target.split_once('/').unwrap_or((target, ""));
        let path = path.strip_suffix('/').unwrap_or(path);
        let site = place::reachable(visit, site).ok_or_else(|| not_mapped(site, path))?;
        let (provider, scheme) =
            place::split(&visit.config, site, path).ok_or_else(|| not_mapped(&site.name, path))?;
        let source = source(site, &query)?;
        let return_path = way_back(visit, site, &query);
        self.count_attempt(visit)?;
        let fresh = query.get_any_case("prompt") == Some("login");
        let (login_hint, restarts) = (None, 0);
        let start =
            Start { site, provider, scheme, source, return_path, login_hint, restarts, fresh };
        self.begin(visit, start).await
    }

    /// `POST /identity/externallogin?authenticationType=&ReturnUrl=&sc_site=`
    pub(super) async fn external_login(&self, visit: &Visit) -> Result<Response, Problem> {
        if !is_post(visit) {
            return Err(Problem::NotFound(
                "This address is only ever posted to. Link to /identity/login/SITE/PROVIDER instead, which begins the same sign-in.".into(),
            ));
        }
        let query = visit.exchange.query()?;
        let name = query.get_any_case("authenticationType").unwrap_or_default();
        let site_name = query.get_any_case("sc_site").unwrap_or(&visit.site.name);
        let missing = || not_mapped(site_name, name);
        let site = place::reachable(visit, site_name).ok_or_else(missing)?;
        let provider = place::provider(&visit.config, site, name).ok_or_else(missing)?;
        let source = source(site, &query)?;
        let return_path = way_back(visit, site, &query);
        self.count_attempt(visit)?;
        let start = Start {
            site,
            provider,
            scheme: None,
            source,
            return_path,
            login_hint: None,
            restarts: 0,
            fresh: false,
        };
        self.begin(visit, start).await
    }

    /// `GET /identity/externallogincallback?ReturnUrl=`: a step of the product's that leads on.
    pub(super) fn external_login_callback(visit: &Visit) -> Result<Response, Problem> {
        let query = visit.exchange.query()?;
        let site = query.get("sc_site").and_then(|name| place::reachable(visit, name));
        let site = site.unwrap_or(&visit.site);
        Ok(response::found(way_back(visit, site, &query).as_str()))
    }

    /// Sends the browser to the provider.
    ///
    /// # Errors
    ///
    /// The provider's own page when it cannot be asked.
    pub(super) async fn begin(&self, visit: &Visit, start: Start<'_>) -> Result<Response, Problem> {
        let exchange = &visit.exchange;
        let choice = Choice::of(&visit.config, start.site, Some(&start.return_path));
        if !choice.admits(start.provider) {
            return Err(not_mapped(&start.site.name, &start.provider.name));
        }
        let Some(way) = Way::to(start.provider) else {
            let form = links::local_form(&visit.config, start.site, Some(&start.return_path));
            return Ok(redirect(visit, &form));
        };
        let browser = Browser::of(exchange);
        let transaction = self.transaction(visit, &start, way.issuer(), &browser);
        let about = About::new(start.site, start.provider);
        self.reached(about, Stage::Started, exchange.now);
        match self.address(visit, &start, way, &transaction).await {
            Ok(url) => {
                self.started(about, exchange.now);
                let mut response = redirect(visit, &url);
                browser.remember(&mut response);
                Ok(response)
            }
            Err(reason) => {
                let retry = start_again(visit, &start);
                Err(self.refuse(about, &reason, Some(retry), exchange))
            }
        }
    }

    /// Where the browser is sent.
    async fn address(
        &self,
        visit: &Visit,
        start: &Start<'_>,
        way: Way<'_>,
        transaction: &Transaction,
    ) -> Result<String, Reason> {
        let exchange = &visit.exchange;
        let state = self.transactions.seal(transaction).ok_or(Reason::StateUnknown)?;
        let redirect_uri = format!("{}{}", transaction.origin, way.callback_path());
        let (verifier, login_hint) = (&transaction.verifier, start.login_hint);
        match way {
            Way::OAuth2(connection) => {
                let (state, redirect_uri) = (&state, &redirect_uri);
                let request = oauth2::Request { state, verifier, redirect_uri, login_hint };
                Ok(oauth2::authorization_url(connection, &request))
            }
            Way::OpenIdConnect(connection) => {
                let nonce = &transaction.nonce;
                let scheme = inner(start.provider, start.scheme);
                let fresh = start.fresh || choice::wants_anew(start.site, &start.return_path);
                let request =
                    Request { state, nonce, verifier, redirect_uri, scheme, login_hint, fresh };
                let peer = Peer { provider: start.provider, connection };
                let url = self.relying_party.authorization_url(peer, request, exchange.now).await;
                url.map_err(|fault| {
                    tracing::warn!(provider = ?start.provider.name, ?fault, request.id = %exchange.id, "sign-in could not be started");
                    fault.reason()
                })
            }
        }
    }

    /// Counts one costly request of a caller who is not signed in yet.
    ///
    /// # Errors
    ///
    /// [`Problem::TooManyRequests`] when that was one too many.
    pub(super) fn count_attempt(&self, visit: &Visit) -> Result<(), Problem> {
        let allowed = visit.config.limits.sign_ins_per_minute;
        let counted = self.limit.count(visit.exchange.client, allowed);
        if counted.is_err() {
            self.parts.metrics.limits.with_label_values(&["sign_ins"]).inc();
        }
        counted
    }

    fn transaction(
        &self,
        visit: &Visit,
        start: &Start<'_>,
        issuer: &str,
        browser: &Browser,
    ) -> Transaction {
        let cookie = cookie::name(&visit.config.sessions, start.site, start.source);
        let before = visit.exchange.cookies().get(&cookie);
        let before = before.and_then(|token| self.parts.sessions.find(token));
        Transaction {
            id: random::bytes(),
            boot: self.transactions.boot(),
            site: start.site.name.to_string(),
            provider: start.provider.name.to_string(),
            scheme: start.scheme.map(str::to_owned),
            source: start.source.to_owned(),
            origin: visit.exchange.origin(),
            issuer: issuer.to_owned(),
            return_path: start.return_path.as_str().to_owned(),
            nonce: random::token(),
            verifier: random::token(),
            browser: browser.digest().to_owned(),
            replaces: before.map(|session| session.id.0),
            deliberate: is_deliberate(visit),
            expires: visit.exchange.now.plus(LIFETIME).0,
            restarts: start.restarts,
            fresh: start.fresh,
        }
    }
}

/// Whether a form of this very site has begun it: no link does, which anybody may have put where it
/// was found.
fn is_deliberate(visit: &Visit) -> bool {
    let exchange = &visit.exchange;
    let header = |name| exchange.header(HeaderName::from_static(name));
    let ours = match header("sec-fetch-site") {
        Some(site) => site == "same-origin",
        None => header("origin").is_some_and(|origin| origin == exchange.origin()),
    };
    is_post(visit) && ours
}

/// The inner provider that `provider` is asked for: a subprovider's own, else the path's.
pub(super) fn inner<'a>(provider: &'a Provider, scheme: Option<&'a str>) -> Option<&'a str> {
    provider.subprovider.as_ref().map(|(_, own)| own.as_str()).or(scheme)
}

fn start_again(visit: &Visit, start: &Start<'_>) -> String {
    let (provider, scheme) = (&start.provider.name, start.scheme);
    links::start(&visit.config, start.site, provider, scheme, &start.return_path)
}

/// On from a GET with 302, on from a POST with 303.
pub(super) fn redirect(visit: &Visit, location: &str) -> Response {
    if is_post(visit) { response::see_other(location) } else { response::found(location) }
}

/// The way back that a request names, else the start page of `site`.
pub(super) fn way_back(visit: &Visit, site: &Site, parameters: &Form) -> ReturnPath {
    parameters
        .get_any_case("returnUrl")
        .and_then(|text| endpoint::return_path(&visit.config, site, text))
        .unwrap_or_else(|| endpoint::start_page(site))
}

fn source<'s>(site: &'s Site, query: &Form) -> Result<&'s str, Problem> {
    let name = query.get_any_case("authenticationSource").unwrap_or_default();
    place::source(site, name).ok_or_else(|| {
        Problem::NotFound(
            "The site has no such authentication source; its owner adds it to the site's sources."
                .into(),
        )
    })
}

/// The same words for a provider that does not exist, is switched off, or is not mapped, so that
/// callers learn nothing that the owner has not mapped.
fn not_mapped(site: &str, provider: &str) -> Problem {
    let short = |text: &str| text.chars().take(100).collect::<String>();
    let (site, provider) = (short(site), short(provider));
    Problem::NotFound(
        format!("No identity provider {provider:?} is mapped to a site {site:?} of this host. The site's owner adds both to a mapEntry under federatedAuthentication/identityProvidersPerSites and sees that the provider is enabled.").into(),
    )
}
