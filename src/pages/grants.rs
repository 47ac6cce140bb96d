//! The page of the applications that have access to one's account.

use askama::Template;
use http::StatusCode;

use crate::clock::Timestamp;
use crate::http::RequestId;
use crate::http::Response;
use crate::observe::civil_date;
use crate::pages::Application;
use crate::pages::Look;
use crate::pages::headers::Policy;
use crate::pages::page;

/// The applications that have access to somebody's account.
#[derive(Clone, Debug, Template)]
#[template(path = "grants.html")]
pub struct Grants<'a> {
    /// How it looks.
    pub look: &'a Look,
    /// Whose account it is: a name for people.
    pub user: &'a str,
    /// In the order they are shown.
    pub held: &'a [Held<'a>],
    /// Where the forms that withdraw access are posted; each posts `grant`.
    pub action: &'a str,
    /// Hidden fields of each form.
    pub fields: &'a [(&'a str, &'a str)],
    /// Where people change their password: a path on this host.
    pub password: Option<&'a str>,
    /// Where people sign out: a path on this host.
    pub sign_out: Option<&'a str>,
    /// The request's id.
    pub request: &'a RequestId,
}

/// What one application may have.
#[derive(Clone, Debug)]
pub struct Held<'a> {
    /// The application.
    pub client: Application<'a>,
    /// What is posted as `grant` to withdraw it.
    pub name: &'a str,
    /// What it may have, in words for people.
    pub scopes: Vec<String>,
    /// Since when.
    pub since: Timestamp,
    /// Until when.
    pub ends: Option<Timestamp>,
}

/// Renders the page of applications.
pub fn grants(grants: &Grants<'_>) -> Response {
    page(grants.look, StatusCode::OK, grants, &Policy::default())
}

impl Held<'_> {
    fn since(&self, look: &Look) -> String {
        look.with("grant-since", "date", civil_date(self.since).to_string()).into_owned()
    }

    fn ends(&self, look: &Look) -> Option<String> {
        let date = civil_date(self.ends?).to_string();
        Some(look.with("grant-ends", "date", &date).into_owned())
    }
}
