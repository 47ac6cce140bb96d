//! The sign-in pages: `/sitecore/login` of the CMS and `/account/login` of the identity server, one
//! template with a button for each provider and a form for local users.

use std::sync::Arc;

use http::StatusCode;

use crate::config::model::Config;
use crate::config::model::Destination;
use crate::config::model::Protocol;
use crate::config::model::Provider;
use crate::config::model::Site;
use crate::error::Problem;
use crate::http::Response;
use crate::http::ReturnPath;
use crate::http::form::Form;
use crate::http::response;
use crate::login::Login;
use crate::login::Outcome;
use crate::login::browser::Browser;
use crate::login::choice;
use crate::login::choice::Choice;
use crate::login::endpoint;
use crate::login::is_post;
use crate::login::links;
use crate::login::place;
use crate::login::start::Start;
use crate::login::start::way_back;
use crate::login::ticket;
use crate::login::ticket::Purpose;
use crate::login::way::Way;
use crate::pages;
use crate::pages::Button;
use crate::pages::LocalForm;
use crate::pages::Look;
use crate::pages::Notice;
use crate::pages::SignIn;
use crate::session::Visit;
use crate::session::cookie;
use crate::users::local;

/// A sign-in page that is shown.
pub(super) struct Page<'a> {
    /// The site that is signed in to.
    pub site: &'a Arc<Site>,
    /// Where to go afterwards; the site's start page when nothing was said.
    pub return_path: Option<ReturnPath>,
    /// Whether there is a form for local users.
    pub form: bool,
    /// Whether there are buttons for the providers.
    pub buttons: bool,
    /// What went wrong with the last attempt.
    pub notice: Option<Notice>,
    /// The name that is filled in.
    pub username: &'a str,
}

/// The site whose people `/sitecore/login` of the CMS is for; a host without it has no such page.
const SHELL: &str = "shell";

impl Login {
    /// `/sitecore/login`: on to the site's login page unless that is this one.
    pub(super) async fn legacy_login(&self, visit: &Visit) -> Result<Outcome, Problem> {
        let query = visit.exchange.query()?;
        let shell = people_of(visit).ok_or_else(|| {
            Problem::NotFound("The site shell is not reachable on this host.".into())
        })?;
        let break_glass = query.get_any_case("fbc") == Some("1");
        let page = Page {
            site: shell,
            return_path: named_way_back(&visit.config, shell, &query),
            form: break_glass || has_local_users(&visit.config, shell),
            buttons: true,
            notice: None,
            username: "",
        };
        if is_post(visit) {
            if !page.form {
                return Err(no_passwords());
            }
            return self.sign_in_locally(visit, page).await;
        }
        let elsewhere = shell.login_page.as_deref().filter(|at| !is_legacy(&visit.config, at));
        match elsewhere {
            Some(login_page) if !break_glass => {
                let way_back = page.return_path.as_ref().map(|path| ("returnUrl", path.as_str()));
                let onward = links::with_query(login_page, way_back.as_slice());
                Ok(Outcome::Answer(response::found(&onward)))
            }
            Some(_) | None => Ok(Outcome::Answer(self.show(visit, page))),
        }
    }

    /// `/account/login` of the identity server.
    pub(super) async fn account_login(&self, visit: &Visit) -> Result<Outcome, Problem> {
        let query = visit.exchange.query()?;
        let site = &visit.site;
        let hint =
            query.get_any_case("loginHint").filter(|name| name.len() <= 255).unwrap_or_default();
        let return_path = named_way_back(&visit.config, site, &query);
        let choice = Choice::of(&visit.config, site, return_path.as_ref());
        let local = visit.config.identity_server.allows("AllowLocalLogin");
        let form = local && choice.passwords();
        let page = Page { site, return_path, form, buttons: true, notice: None, username: hint };
        if is_post(visit) {
            // What is posted says where it leads; the address that it is posted to need not.
            let posted = named_way_back(&visit.config, site, &visit.exchange.form()?);
            let choice = Choice::of(&visit.config, site, posted.as_ref());
            if !page.form || !choice.passwords() {
                return Err(no_passwords());
            }
            return self.sign_in_locally(visit, page).await;
        }
        let asked = query.get("provider").unwrap_or_default();
        // `acr_values=idp:local` leaves nothing but the form.
        if asked == local::PROVIDER && form {
            return Ok(Outcome::Answer(self.show(visit, Page { buttons: false, ..page })));
        }
        let Some(provider) = at_once(visit, choice, form, asked) else {
            return Ok(Outcome::Answer(self.show(visit, page)));
        };
        self.count_attempt(visit)?;
        let start = Start {
            site,
            provider,
            scheme: None,
            source: cookie::DEFAULT_SOURCE,
            return_path: way_back(visit, site, &query),
            login_hint: Some(hint).filter(|name| !name.is_empty()),
            restarts: 0,
            fresh: false,
        };
        self.begin(visit, start).await.map(Outcome::Answer)
    }

    /// `/external/challenge?scheme=&returnUrl=` of the identity server: what IdentityServer4's buttons
    /// link to.
    ///
    /// # Errors
    ///
    /// A page, for a scheme that is none of the site's and for a way back that leads elsewhere.
    pub(super) async fn challenge(&self, visit: &Visit) -> Result<Response, Problem> {
        let query = visit.exchange.query()?;
        let (config, site) = (&visit.config, &visit.site);
        let scheme = query.get_any_case("scheme").unwrap_or_default();
        let provider = place::provider(config, site, scheme)
            .ok_or_else(|| Problem::NotFound("There is no such way to sign in here.".into()))?;
        let return_path = match query.get_any_case("returnUrl").filter(|text| !text.is_empty()) {
            None => endpoint::start_page(site),
            Some(text) => endpoint::return_path(config, site, text).ok_or_else(|| {
                Problem::BadRequest("the way back does not lead to this site".into())
            })?,
        };
        self.count_attempt(visit)?;
        let start = Start {
            site,
            provider,
            scheme: None,
            source: cookie::DEFAULT_SOURCE,
            return_path,
            login_hint: None,
            restarts: 0,
            fresh: false,
        };
        self.begin(visit, start).await
    }

    /// Shows a sign-in page, its form bound to the browser.
    pub(super) fn show(&self, visit: &Visit, page: Page<'_>) -> Response {
        let (config, exchange) = (&visit.config, &visit.exchange);
        let site = page.site;
        let browser = Browser::of(exchange);
        let token =
            ticket::issue(&self.parts.seal, Purpose::Form, browser.digest(), None, exchange.now);
        let return_path = page.return_path.unwrap_or_else(|| endpoint::start_page(site));
        let action = links::local_form(config, site, Some(&return_path));
        let recovery = recovery(config, site);
        let form = LocalForm {
            action: &action,
            return_url: return_path.as_str(),
            token: &token,
            username: page.username,
            remember: may_remember(config, site),
            recovery: recovery.as_deref(),
        };
        let choice = Choice::of(config, site, Some(&return_path));
        let buttons: Vec<Button> = place::providers(config, site)
            .filter(|provider| page.buttons && Way::to(provider).is_some())
            .filter(|provider| choice.admits(provider))
            .map(|provider| Button {
                caption: provider.caption.clone(),
                icon: provider.icon.clone(),
                action: links::external_login(config, site, &provider.name, &return_path),
            })
            .collect();
        let look = Look::of(config, site, exchange);
        // The emergency page of the CMS is never empty.
        let alone = buttons.is_empty() && !place::is_identity_server(site);
        let mut response = pages::sign_in(&SignIn {
            look: &look.speaking(choice::locales(&return_path).as_deref()),
            status: page.notice.map_or(StatusCode::OK, status_of),
            client: choice.application(),
            form: (page.form || alone).then_some(form),
            buttons: &buttons,
            cancel: choice::cancel(site, &return_path).as_deref(),
            notice: page.notice,
            request: &exchange.id,
        });
        browser.remember(&mut response);
        response
    }
}

/// A wrong password shows the page again (200, as IdentityServer4 does).
fn status_of(notice: Notice) -> StatusCode {
    match notice {
        Notice::WrongPassword => StatusCode::OK,
        Notice::Disabled | Notice::Locked => StatusCode::FORBIDDEN,
        Notice::Throttled => StatusCode::TOO_MANY_REQUESTS,
        Notice::FormExpired => StatusCode::BAD_REQUEST,
    }
}

/// The provider that needs no page: the one that was asked for, or the only way to sign in.
fn at_once<'c>(
    visit: &'c Visit,
    choice: Choice<'_>,
    form: bool,
    asked: &str,
) -> Option<&'c Arc<Provider>> {
    let providers = || {
        let usable = place::providers(&visit.config, &visit.site);
        usable.filter(|provider| Way::to(provider).is_some() && choice.admits(provider))
    };
    let named = providers().find(|provider| &*provider.name == asked);
    let mut all = providers();
    let only = all.next().filter(|_| !form && all.next().is_none());
    named.or(only)
}

/// The site that the people of this host's `/sitecore/login` sign in to.
fn people_of(visit: &Visit) -> Option<&Arc<Site>> {
    if visit.site.destination == Destination::Admin {
        return Some(&visit.site);
    }
    place::reachable(visit, SHELL)
}

fn named_way_back(config: &Config, site: &Site, query: &Form) -> Option<ReturnPath> {
    endpoint::return_path(config, site, query.get_any_case("returnUrl")?)
}

/// Whether the local user store is mapped to `site` as a provider.
fn has_local_users(config: &Config, site: &Site) -> bool {
    place::providers(config, site).any(|p| matches!(p.protocol, Protocol::LocalUsers))
}

fn no_passwords() -> Problem {
    Problem::NotFound("Signing in with a name and a password is switched off here.".into())
}

/// Whether a local sign-in at `site` may outlive the browser: not where the form is for emergencies.
pub(super) fn may_remember(config: &Config, site: &Site) -> bool {
    let everyday = place::is_identity_server(site) || has_local_users(config, site);
    everyday && config.identity_server.allows("AllowRememberLogin")
}

/// Where people go who have forgotten their password, unless the owner allows no recovery: to the
/// owner's own page, or to ours where it is there.
fn recovery(config: &Config, site: &Site) -> Option<String> {
    let settings = &config.identity_server;
    let address = settings.account_option("PasswordRecoveryUrl").map(str::trim);
    if let Some(address) = address.filter(|address| !address.is_empty()) {
        return settings.allows("AllowPasswordRecovery").then(|| address.to_owned());
    }
    if !config.offers_password_reset() {
        return None;
    }
    if place::is_identity_server(site) {
        return Some(format!("{}/account/forgot", site.virtual_folder));
    }
    Some(format!("{}/account/forgot", settings.issuer.as_deref()?))
}

fn is_legacy(config: &Config, login_page: &str) -> bool {
    let path = login_page.split('?').next().unwrap_or_default();
    let path = path.strip_suffix('/').unwrap_or(path);
    path.eq_ignore_ascii_case(&config.legacy_login_page)
}
