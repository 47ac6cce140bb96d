//! The page that asks what an application may have (OpenID Connect Core §3.1.2.4).

use std::borrow::Cow;

use askama::Template;
use http::StatusCode;

use crate::http::RequestId;
use crate::http::Response;
use crate::pages::Application;
use crate::pages::Look;
use crate::pages::headers::Policy;
use crate::pages::page;

/// The consent page. Its form posts `button` as `yes` (`id="allow-button"`) or `no`
/// (`id="deny-button"`), `scope-NAME` as `true` for each scope that is ticked or required, and
/// `remember` as `true`.
#[derive(Clone, Debug, Template)]
#[template(path = "consent.html")]
pub struct Consent<'a> {
    /// How it looks.
    pub look: &'a Look,
    /// Who asks.
    pub client: Application<'a>,
    /// Whose account it is about: a name for people.
    pub user: &'a str,
    /// What is asked for.
    pub scopes: &'a [Scope<'a>],
    /// Whether "remember my choice" is ticked; `None` does not offer it.
    pub remember: Option<bool>,
    /// Where its form is posted.
    pub action: &'a str,
    /// Hidden fields.
    pub fields: &'a [(&'a str, &'a str)],
    /// The request's id.
    pub request: &'a RequestId,
}

/// One scope on a page that asks for consent.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its name for people. When it is empty or the name itself, a standard scope (OpenID Connect
    /// Core §5.4) is called by its own words.
    pub display_name: &'a str,
    /// More about it.
    pub description: Option<&'a str>,
    /// Whether it cannot be left out.
    pub required: bool,
    /// Whether it is to be noticed.
    pub emphasised: bool,
    /// Whether it is ticked at first.
    pub ticked: bool,
}

/// Renders the consent page.
pub fn consent(consent: &Consent<'_>) -> Response {
    page(consent.look, StatusCode::OK, consent, &Policy::default())
}

impl Scope<'_> {
    /// What the page calls it.
    pub(crate) fn caption(&self, look: &Look) -> Cow<'_, str> {
        if !self.display_name.is_empty() && self.display_name != self.name {
            return Cow::Borrowed(self.display_name);
        }
        let standard = STANDARD.contains(&self.name);
        if standard { look.say(&format!("scope-{}", self.name)) } else { self.name.into() }
    }
}

/// The scopes that the catalogue has words for.
const STANDARD: [&str; 6] = ["openid", "profile", "email", "address", "phone", "offline_access"];
